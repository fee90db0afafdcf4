package api

import (
	"context"
	_ "embed"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// Station is what loans made through the API are filed under.
const Station = "api"

// Queries is what the API reads; *sqlite.Store is one.
type Queries interface {
	// Changes lists facts after a position and where the feed stands.
	Changes(ctx context.Context, after int64, limit int) ([]lending.Change, lending.Head, error)
	// Committed gives a channel that is closed by the next commit.
	Committed() <-chan struct{}
	Loans(context.Context, lending.LoanFilter) ([]lending.LoanView, error)
	LoanView(context.Context, lending.LoanID) (lending.LoanView, error)
	// TokenByHash finds a token; one that is not there is lending.ErrNotFound.
	TokenByHash(context.Context, lending.Hash) (lending.Token, error)
	TouchToken(ctx context.Context, id string, at time.Time) error
}

// Config is what the API is made of.
type Config struct {
	Desk     *lending.Desk
	Registry *lending.Registry
	Store    lending.Store
	Queries  Queries
	Words    *words.Catalogue
	Now      func() time.Time
	// Wall is the clock that sockets go by; nil is Now.
	Wall  func() time.Time
	Hosts []string
	Log   *slog.Logger
	// Done ends long polls; it is closed before the app is shut down.
	Done <-chan struct{}
	// BatchLimit is the largest batch, in bytes; 0 is 256 MiB. Batches are
	// spooled in Temp, or where the system keeps temporary files.
	BatchLimit int64
	Temp       string
}

// api is the handlers with what they share.
type api struct {
	Config
	failures *web.Throttle
	rates    rates
	touched  seen
	batches  inHand
}

// The document is written by hand as openapi.yaml; openapi.json is made from
// it (go test -update) and a test keeps the two the same.
var (
	//go:embed openapi.yaml
	documentYAML []byte
	//go:embed openapi.json
	documentJSON []byte
)

// New makes the app of the API.
func New(c Config) *fiber.App {
	if c.BatchLimit == 0 {
		c.BatchLimit = 256 << 20
	}
	if c.Wall == nil {
		c.Wall = c.Now
	}
	a := &api{Config: c, failures: &web.Throttle{Now: c.Now, Free: 10, Most: time.Minute}}
	app := web.New(web.API, web.Options{Hosts: c.Hosts, Log: c.Log, Fail: a.fail})
	v1 := app.Group("/api/v1")
	v1.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(documentJSON)
	})
	v1.Get("/openapi.yaml", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/yaml")
		return c.Send(documentYAML)
	})
	v1.Post("/batch", a.allow(lending.ScopePatronsWrite, lending.ScopeItemsWrite), a.batch)
	v1.Get("/changes", a.allow(lending.ScopeFeedRead), a.changes)
	v1.Get("/loans", a.allow(lending.ScopeFeedRead, lending.ScopeLoansWrite), a.loans)
	v1.Get("/loans/:id", a.allow(lending.ScopeFeedRead, lending.ScopeLoansWrite), a.loan)
	v1.Post("/loans", a.allow(lending.ScopeLoansWrite), a.lend)
	v1.Post("/loans/:id/return", a.allow(lending.ScopeLoansWrite), a.takeBack)
	return app
}

// fail writes a problem with the reasons' words.
func (a *api) fail(c *fiber.Ctx, status int, err error) error {
	p := web.NewProblem(status, err)
	speaker := a.Words.In(words.Match(c.Get(fiber.HeaderAcceptLanguage), words.English))
	for i := range p.Reasons {
		why := speaker.Reason(p.Reasons[i].Because)
		p.Reasons[i].Title, p.Reasons[i].Next = why.Title, why.Next
	}
	if status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="tapshelf"`)
	}
	// What was not read of the request must not be taken for the next one.
	c.Set(fiber.HeaderConnection, "close")
	return web.SendProblem(c, p)
}

// idempotencyKey reads the header that names an act.
func idempotencyKey(c *fiber.Ctx) (string, error) {
	key := c.Get("Idempotency-Key")
	if len(key) == 0 || len(key) > 200 {
		return "", &web.BadInput{Where: "Idempotency-Key", What: "send a header of 1 to 200 characters that names this act, such as a UUID"}
	}
	for _, r := range key {
		if r < '!' || r > '~' {
			return "", &web.BadInput{Where: "Idempotency-Key", What: "has a character that is not printable ASCII"}
		}
	}
	return key, nil
}
