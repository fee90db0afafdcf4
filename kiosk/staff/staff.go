package staff

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// station is what loans made at the desk are filed under.
const station = "desk"

// ReaderHealth is how one reader is doing.
type ReaderHealth struct {
	Name, Station, Driver string
	State                 string // starting, working, failing, stopped
	LastSeen              time.Time
	Failures              int
	Err                   string
}

// Config is what the staff pages are made of.
type Config struct {
	Desk     *lending.Desk
	Queries  Queries
	Words    *words.Catalogue
	Now      func() time.Time
	Zone     *time.Location
	Language string // while a browser asks for none
	NewID    func() string
	Readers  func() []ReaderHealth
	Secure   bool // browsers come over TLS
	Hosts    []string
	Log      *slog.Logger
}

//go:embed templates static
var files embed.FS

type pages struct {
	Config
	templates *template.Template
	assets    *web.Assets
	sessions  *web.Sessions
	throttle  *web.Throttle // by address and name
	flood     *web.Throttle // by address, for who tries many names
}

// access says who may use a route.
type access int

const (
	anybody access = iota
	desk           // whoever is logged in
	admin
)

// route is one line of the table of what the staff pages answer.
type route struct {
	method, path string
	access       access
	handle       func(*pages, *fiber.Ctx) error
}

var routes = []route{
	{"GET", "/login", anybody, (*pages).loginPage},
	{"POST", "/login", anybody, (*pages).login},
	{"POST", "/language", anybody, (*pages).language},
	{"POST", "/logout", desk, (*pages).logout},
	{"GET", "/", desk, (*pages).loans},
	{"GET", "/loans.csv", desk, (*pages).loansCSV},
	{"GET", "/desk", desk, (*pages).deskPage},
	{"POST", "/desk", desk, (*pages).deskAct},
	{"POST", "/return", desk, (*pages).takeBack},
	{"POST", "/undo", desk, (*pages).undo},
	{"GET", "/patrons/:id", desk, (*pages).patron},
	{"GET", "/items/:id", desk, (*pages).item},
	{"GET", "/findings", desk, (*pages).findings},
	{"POST", "/findings/:id", desk, (*pages).closeFinding},
	{"POST", "/search", desk, (*pages).search},
	{"GET", "/search", desk, (*pages).search},
	{"GET", "/readers", desk, (*pages).readers},
	{"GET", "/admin", admin, (*pages).admin},
}

// New makes the app of the staff pages.
func New(c Config) (*fiber.App, error) {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	p := &pages{
		Config: c, sessions: &web.Sessions{Store: c.Queries, Now: c.Now, Secure: c.Secure},
		throttle: &web.Throttle{Now: c.Now, Free: 5, Most: 5 * time.Minute},
		flood:    &web.Throttle{Now: c.Now, Free: 20, Most: time.Minute},
	}
	if p.assets, err = web.NewAssets(static); err != nil {
		return nil, err
	}
	p.templates, err = template.New("").Funcs(template.FuncMap{"asset": p.assets.URL}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("staff pages: %w", err)
	}
	app := web.New(web.Staff, web.Options{Hosts: c.Hosts, Log: c.Log, Fail: p.fail})
	app.Use(web.SameSite)
	p.assets.Mount(app)
	app.Get("/font.css", p.font)
	for _, r := range routes {
		app.Add(r.method, r.path, func(c *fiber.Ctx) error {
			if err := p.admit(c, r.access); err != nil {
				return err
			}
			return r.handle(p, c)
		})
	}
	return app, nil
}

// font names the font, whose address holds a hash.
func (p *pages) font(c *fiber.Ctx) error {
	font, err := p.assets.URL("atkinson.woff2")
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	return c.SendString(`@font-face{font-family:"Atkinson Hyperlegible Next";src:url("` + font + `") format("woff2");font-weight:200 800}` + "\n")
}

// errLogin sends a browser to the login page.
var errLogin = errors.New("log in first")

const whoLocal = "staff"

// admit lets a request through whose sender may use the route.
func (p *pages) admit(c *fiber.Ctx, needed access) error {
	id, err := p.sessions.Current(c)
	if errors.Is(err, web.ErrUnauthorised) {
		if needed == anybody {
			return nil
		}
		return errLogin
	}
	if err != nil {
		return err
	}
	who, err := p.Queries.StaffByID(c.UserContext(), id)
	switch {
	case errors.Is(err, lending.ErrNotFound) || err == nil && who.Disabled != nil:
		if needed == anybody {
			return nil
		}
		return errLogin
	case err != nil:
		return err
	case needed == admin && who.Role != lending.RoleAdmin:
		return web.ErrForbidden
	}
	c.Locals(whoLocal, who)
	return nil
}

func who(c *fiber.Ctx) lending.Staff {
	s, _ := c.Locals(whoLocal).(lending.Staff)
	return s
}

// languageCookie remembers which language a browser has chosen.
const languageCookie = "tapshelf-language"

func (p *pages) speaker(c *fiber.Ctx) *words.Speaker {
	if chosen := c.Cookies(languageCookie); slices.Contains(words.Languages(), chosen) {
		return p.Words.In(chosen)
	}
	return p.Words.In(words.Match(c.Get(fiber.HeaderAcceptLanguage), p.Language))
}

// ours is an address of these pages: a browser would read "//" and "/\" as
// another site.
var ours = regexp.MustCompile(`^/([a-z][a-z0-9/-]*)?$`)

// language is chosen by a button in the head of every page.
func (p *pages) language(c *fiber.Ctx) error {
	if lang := c.FormValue("language"); slices.Contains(words.Languages(), lang) {
		c.Cookie(&fiber.Cookie{Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, Secure: p.Secure, SameSite: fiber.CookieSameSiteLaxMode})
	}
	back := c.FormValue("back")
	if !ours.MatchString(back) {
		back = "/"
	}
	return c.Redirect(back, fiber.StatusSeeOther)
}

// frame is what every page has.
type frame struct {
	*words.Speaker
	Title     string
	Path      string
	Who       lending.Staff
	Languages []*words.Speaker
	Op        string // an operation id for each form that is drawn
	Page      any
}

// show renders a page inside the frame.
func (p *pages) show(c *fiber.Ctx, status int, name, title string, page any) error {
	s := p.speaker(c)
	f := frame{Speaker: s, Title: s.T(title), Path: c.Path(), Who: who(c), Op: p.NewID(), Page: page}
	if c.Method() != fiber.MethodGet {
		f.Path = placeOf(name)
	}
	for _, lang := range words.Languages() {
		f.Languages = append(f.Languages, p.Words.In(lang))
	}
	return web.HTML(c, status, func(w *strings.Builder) error { return p.templates.ExecuteTemplate(w, name, f) })
}

// placeOf is the address of a page that answers a form.
func placeOf(page string) string {
	switch page {
	case "desk.html", "search.html", "login.html":
		return "/" + strings.TrimSuffix(page, ".html")
	default:
		return "/"
	}
}

// fail shows an error in words.
func (p *pages) fail(c *fiber.Ctx, status int, err error) error {
	if errors.Is(err, errLogin) {
		if c.Get("HX-Request") != "" {
			// A list that renews itself would follow a redirect and swap
			// nothing in; this sends the whole page to the login.
			c.Set("HX-Redirect", "/login")
			return c.SendStatus(fiber.StatusUnauthorized)
		}
		return c.Redirect("/login", fiber.StatusSeeOther)
	}
	key := "failed"
	switch {
	case errors.Is(err, web.ErrForged):
		key = "origin"
	case status == fiber.StatusForbidden:
		key = "forbidden"
	case status == fiber.StatusNotFound || status == fiber.StatusMethodNotAllowed:
		key = "missing"
	case status == fiber.StatusBadRequest || status == fiber.StatusUnprocessableEntity || status == fiber.StatusRequestEntityTooLarge:
		key = "bad"
	}
	page := struct{ Next string }{p.speaker(c).T("staff.error." + key + "next")}
	return p.show(c, status, "error.html", "staff.error."+key, page)
}

// act is a context that outlives the browser's patience: a write that has
// begun is finished.
func act(c *fiber.Ctx) context.Context { return context.WithoutCancel(c.UserContext()) }
