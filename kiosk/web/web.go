package web

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
)

// Kind says which surface an app serves. Each has a listener of its own.
type Kind string

// The kinds of apps.
const (
	Panel   Kind = "panel"
	Staff   Kind = "staff"
	API     Kind = "api"
	Metrics Kind = "metrics"
)

// Options are what an app needs to know of its place.
type Options struct {
	// Hosts are the names under which the app is reached, without ports.
	// Loopback names are always allowed; a request for any other host is
	// answered 421.
	Hosts []string
	// FramedBy are the origins that may show the pages in a frame.
	FramedBy []string
	Log      *slog.Logger
	// Fail writes the answer to an error that a handler returned; nil writes
	// Problem details for API and plain text for the others.
	Fail func(c *fiber.Ctx, status int, err error) error
	// BodyLimit is how much of a request is read, in bytes; 0 is 64 KiB.
	// Apps of kind API stream bodies: their handlers keep their own limits.
	BodyLimit int
}

// concurrency is how many requests and streams each kind serves at once.
var concurrency = map[Kind]int{Panel: 256, Staff: 512, API: 1024, Metrics: 16}

// New makes an app with the limits of its kind. fiber reuses a request's
// memory after its handler, so strings are copied (Immutable).
func New(kind Kind, o Options) *fiber.App {
	if o.BodyLimit == 0 {
		o.BodyLimit = 64 << 10
	}
	app := fiber.New(fiber.Config{
		AppName: "tapshelf " + string(kind), DisableStartupMessage: true, Immutable: true,
		ReadTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second, ReadBufferSize: 16 << 10,
		BodyLimit: o.BodyLimit, StreamRequestBody: kind == API, DisablePreParseMultipartForm: true,
		EnableTrustedProxyCheck: true, Concurrency: concurrency[kind],
		ErrorHandler: func(c *fiber.Ctx, err error) error { return fail(c, kind, o, err) },
	})
	app.Use(recover.New())
	app.Use(guard(o))
	return app
}

// guard refuses hosts that are not ours and sets the headers that every
// answer has.
func guard(o Options) fiber.Handler {
	policy := contentPolicy(o.FramedBy)
	return func(c *fiber.Ctx) error {
		protect(c, policy)
		if !knownHost(c.Hostname(), o.Hosts) {
			return fiber.NewError(fiber.StatusMisdirectedRequest, "this host is not served here")
		}
		return c.Next()
	}
}

// protect sets the headers of every answer, also of one that is given before
// any handler runs (a body that is too large, a request that comes too slowly).
func protect(c *fiber.Ctx, policy string) {
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

func contentPolicy(framedBy []string) string {
	ancestors := "'none'"
	if len(framedBy) > 0 {
		ancestors = strings.Join(framedBy, " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
		"media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors " + ancestors
}

func knownHost(host string, hosts []string) bool {
	u := url.URL{Host: host}
	name := u.Hostname()
	return name == "localhost" || name == "127.0.0.1" || name == "::1" || slices.Contains(hosts, name)
}

// fail turns an error into its answer. What nobody foresaw is logged, and
// the client learns nothing of it.
func fail(c *fiber.Ctx, kind Kind, o Options, err error) error {
	if len(c.Response().Header.Peek(fiber.HeaderContentSecurityPolicy)) == 0 {
		protect(c, contentPolicy(o.FramedBy))
	}
	status := Status(err)
	if status == fiber.StatusInternalServerError && o.Log != nil {
		o.Log.Error("request failed", "surface", string(kind), "route", c.Route().Path, "err", err)
	}
	var retry *TooMany
	if errors.As(err, &retry) {
		c.Set(fiber.HeaderRetryAfter, retry.seconds())
	}
	switch {
	case o.Fail != nil:
		return o.Fail(c, status, err)
	case kind == API:
		return SendProblem(c, NewProblem(status, err))
	default:
		return c.Status(status).SendString(NewProblem(status, err).Title + "\n")
	}
}

// HTML renders a template to a buffer and sends it, so that a template that
// fails sends nothing half done.
func HTML(c *fiber.Ctx, status int, render func(w *strings.Builder) error) error {
	var page strings.Builder
	if err := render(&page); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).SendString(page.String())
}
