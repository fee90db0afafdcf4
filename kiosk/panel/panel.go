// Package panel serves the touchscreens: one page per station, loaded once
// and then kept up to date by one event stream.
//
// # Promises, and where each is kept
//
//   - The panel is a projection: a page is a pure function of a
//     kiosk.Screen. A reload or a second display shows the same thing.
//   - A page never navigates: an open stream per page would freeze a browser
//     after six of them (RFC 9112 connections are few).
//   - What a display shows of a person is replaced, not hidden, when the
//     visit ends (browser test).
//   - A display that hears nothing says so, and mends itself (panel.js).
//   - No text without words in three languages (tests), no colour below its
//     contrast (test), no target below 15 mm (browser test).
package panel

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
)

//go:embed static
var static embed.FS

//go:embed *.html
var pages embed.FS

// Counter is a station as the panel sees it. A *kiosk.Kiosk is one.
type Counter interface {
	Station() kiosk.Station
	Screen() kiosk.Screen
	// Watch gives the present screen at once and then each change; the
	// channel is closed when ctx ends.
	Watch(ctx context.Context) <-chan kiosk.Screen
	Press(ctx context.Context, p kiosk.Press) error
}

// Display is the glass of a station. The zero Display is a 7-inch screen of
// 800 by 480 pixels.
type Display struct {
	PixelsPerMM float64 // CSS pixels; 0 means DefaultPixelsPerMM
	Rows        int     // things listed at most; 0 means DefaultRows
}

// What a Raspberry Pi Touch Display of seven inches has.
const (
	DefaultPixelsPerMM = 5.19
	DefaultRows        = 3
)

// DefaultPatience is how long a display hears nothing before it says so.
// It reloads when it has heard nothing for two thirds longer.
const DefaultPatience = 3 * web.Beat

// pressWithin is how long a press may wait for a busy counter.
const pressWithin = 5 * time.Second

// Config is what the panel needs. Displays, Hosts, FramedBy, Contact and
// Patience may be left out.
type Config struct {
	Counters []Counter
	Words    *words.Catalogue
	Displays map[string]Display // by station name
	Hosts    []string           // names under which the panel is reached, see web.Options
	FramedBy []string           // origins that may frame the pages
	Contact  string             // for the help page: "Desk LG5, 2358 6789"
	Now      func() time.Time
	Done     <-chan struct{} // closed before the app is shut down; ends the streams
	Log      *slog.Logger
	Patience time.Duration
}

// displaysMost is how many displays may follow all stations at once.
const displaysMost = 64

type panel struct {
	Config
	streams  *web.Streams
	assets   *web.Assets
	template *template.Template
	counters map[string]Counter
}

// New makes the app that serves every station at /s/{station}/. It parses
// all templates and fails if one of them, or an asset, is broken, or if two
// stations have one name.
func New(c Config) (*fiber.App, error) {
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	p := &panel{
		Config: c, counters: map[string]Counter{},
		streams: &web.Streams{Done: c.Done, Most: displaysMost},
	}
	for _, counter := range c.Counters {
		name := counter.Station().Name
		if _, twice := p.counters[name]; twice {
			return nil, fmt.Errorf("two stations are called %q", name)
		}
		p.counters[name] = counter
	}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	app := web.New(web.Panel, web.Options{Hosts: c.Hosts, FramedBy: c.FramedBy, Log: c.Log})
	p.routes(app)
	return app, nil
}

func (p *panel) load() error {
	own, err := fs.Sub(static, "static")
	if err != nil {
		return err
	}
	if p.assets, err = web.NewAssets(own); err != nil {
		return err
	}
	funcs := template.FuncMap{"asset": p.assets.URL}
	p.template, err = template.New("").Funcs(funcs).ParseFS(pages, "*.html")
	return err
}

func (p *panel) routes(app *fiber.App) {
	p.assets.Mount(app)
	app.Get("/", p.front)
	app.Get("/s/:station", p.page)
	app.Get("/s/:station/stream", p.stream)
	app.Get("/s/:station/device.css", p.device)
	app.Post("/s/:station/press", web.SameSite, p.press)
}

// front leads to the only station, or lists them for whoever sets up a
// display.
func (p *panel) front(c *fiber.Ctx) error {
	if len(p.Counters) == 1 {
		return c.Redirect("/s/" + p.Counters[0].Station().Name + "/")
	}
	list := struct {
		*words.Speaker
		Stations []kiosk.Station
	}{Speaker: p.Words.In(words.Match(c.Get(fiber.HeaderAcceptLanguage), words.English))}
	for _, counter := range p.Counters {
		list.Stations = append(list.Stations, counter.Station())
	}
	return web.HTML(c, fiber.StatusOK, func(w *strings.Builder) error {
		return p.template.ExecuteTemplate(w, "stations.html", list)
	})
}

func (p *panel) counter(c *fiber.Ctx) (Counter, error) {
	if counter, ok := p.counters[c.Params("station")]; ok {
		return counter, nil
	}
	return nil, fiber.ErrNotFound
}

func (p *panel) page(c *fiber.Ctx) error {
	counter, err := p.counter(c)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(c.Path(), "/") { // device.css is beside the page
		return c.Redirect(c.Path() + "/")
	}
	return web.HTML(c, fiber.StatusOK, func(w *strings.Builder) error {
		return p.template.ExecuteTemplate(w, "page.html", p.draw(counter, counter.Screen()))
	})
}

// draw makes the Page of a screen as this station shows it.
func (p *panel) draw(counter Counter, s kiosk.Screen) Page {
	station := counter.Station()
	return NewPage(s, Place{
		Words: p.Words, Station: station, Contact: p.Contact, Patience: p.Patience,
		Rows: p.display(station.Name).Rows, Now: p.Now(),
	})
}

func (p *panel) display(station string) Display {
	d := p.Displays[station]
	if d.PixelsPerMM == 0 {
		d.PixelsPerMM = DefaultPixelsPerMM
	}
	if d.Rows == 0 {
		d.Rows = DefaultRows
	}
	return d
}

// stream sends the whole screen at once and again with every change.
func (p *panel) stream(c *fiber.Ctx) error {
	counter, err := p.counter(c)
	if err != nil {
		return err
	}
	return p.streams.Send(c, func(ctx context.Context) <-chan string {
		out := make(chan string)
		go func() { // ends with ctx, which the stream ends with itself
			defer close(out)
			for s := range counter.Watch(ctx) {
				var text strings.Builder
				if err := p.template.ExecuteTemplate(&text, "screen", p.draw(counter, s)); err != nil {
					p.Log.Error("screen not drawn", "station", s.Station, "err", err)
					return
				}
				select {
				case out <- text.String():
				case <-ctx.Done():
					return
				}
			}
		}()
		return out
	})
}

// device says how large a millimetre is on this glass. The font is named
// here because its URL holds the hash of its content.
func (p *panel) device(c *fiber.Ctx) error {
	counter, err := p.counter(c)
	if err != nil {
		return err
	}
	font, err := p.assets.URL("atkinson.woff2")
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	return c.SendString(fmt.Sprintf(`:root{--mm:%gpx}
@font-face{font-family:"Atkinson Hyperlegible Next";src:url("%s") format("woff2");font-weight:200 800;font-display:block}
`, p.display(counter.Station().Name).PixelsPerMM, font))
}

// press takes a touch. The new screen comes by the stream, to every display
// of the station.
func (p *panel) press(c *fiber.Ctx) error {
	counter, err := p.counter(c)
	if err != nil {
		return err
	}
	press, err := parsePress(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), pressWithin)
	defer cancel()
	if err := counter.Press(ctx, press); err != nil {
		if errors.Is(err, context.Canceled) {
			return web.ErrStopping
		}
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
