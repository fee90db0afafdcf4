package main

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"strings"

	"github.com/gofiber/fiber/v2"

	"tapshelf/devices"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

//go:embed demo_page
var demoPage embed.FS

// benchPage is the demo's own page: the panel, and beside it everything that
// can be tapped.
type benchPage struct {
	CSS, HTMX, SSE    string
	Panel, Staff, API string
	User, Password    string
	People            []benchPerson
	Things            []benchThing
	Pictures          map[string]string
}

type benchPerson struct {
	demoPerson
	Note string
}

type benchThing struct {
	demoThing
	Note string
}

// benchApp serves the bench.
func (x *demo) benchApp() (*fiber.App, error) {
	own, err := fs.Sub(demoPage, "demo_page/static")
	if err != nil {
		return nil, err
	}
	assets, err := web.NewAssets(own)
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(demoPage, "demo_page/bench.html")
	if err != nil {
		return nil, err
	}
	data, err := x.benchData(assets)
	if err != nil {
		return nil, err
	}
	app := web.New(web.Panel, web.Options{Log: x.log})
	app.Use(web.SameSite)
	assets.Mount(app)
	streams := &web.Streams{Done: x.done, Most: 16}
	app.Get("/", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "+
			"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; frame-src "+x.urls[web.Panel])
		return web.HTML(c, fiber.StatusOK, func(w *strings.Builder) error { return page.Execute(w, data) })
	})
	app.Post("/tap", func(c *fiber.Ctx) error {
		uid, err := tag.NewLabel(c.FormValue("label"))
		if err != nil {
			return &web.BadInput{Where: "label", What: err.Error()}
		}
		x.reader.Tap(uid)
		return c.SendStatus(fiber.StatusNoContent)
	})
	app.Get("/lamp", func(c *fiber.Ctx) error {
		return streams.Send(c, func(ctx context.Context) <-chan string { return lamp(ctx, x.signal) })
	})
	return app, nil
}

func (x *demo) benchData(assets *web.Assets) (benchPage, error) {
	p := benchPage{
		Panel: x.urls[web.Panel] + "/s/" + demoStation + "/", Staff: x.urls[web.Staff] + "/",
		API: x.urls[web.API] + "/api/v1/openapi.json", User: demoUser, Password: demoPassword, Pictures: map[string]string{},
	}
	for _, person := range demoPeople {
		b := benchPerson{demoPerson: person}
		switch {
		case person.Status == lending.PatronStopped:
			b.Note = "blocked"
		case person.Badge == "B-12":
			b.Note = "works here"
		case person.Badge == "B-04":
			b.Note = "one overdue"
		}
		p.People = append(p.People, b)
	}
	for _, thing := range demoThings {
		b := benchThing{demoThing: thing}
		if thing.Type == "camera" {
			b.Note = "needs staff"
		}
		p.Things = append(p.Things, b)
	}
	for name, into := range map[string]*string{"bench.css": &p.CSS, "htmx.min.js": &p.HTMX, "hx-sse.min.js": &p.SSE} {
		u, err := assets.URL(name)
		if err != nil {
			return p, err
		}
		*into = u
	}
	for _, name := range []string{"badge", "laptop", "textbook", "tool", "camera"} {
		u, err := assets.URL(name + ".svg")
		if err != nil {
			return p, err
		}
		p.Pictures[name] = u
	}
	return p, nil
}

// lamp follows the station's lamp as fragments of the page.
func lamp(ctx context.Context, signal *sim.Signal) <-chan string {
	cues, stop := signal.Watch()
	context.AfterFunc(ctx, stop)
	out := make(chan string)
	go func() {
		defer close(out)
		for c := range cues {
			select {
			case out <- lamps[c]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

var lamps = map[devices.Cue]string{
	devices.CueOK:        `<span class="ok">green lamp, two rising notes</span>`,
	devices.CueAttention: `<span class="attention">amber lamp, three short notes</span>`,
	devices.CueStop:      `<span class="stop">red lamp, one low note</span>`,
}
