package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/lending"
)

// How long a staff login lasts.
const (
	SessionIdle = 30 * time.Minute
	SessionMost = 12 * time.Hour
	// sessionTouch is how stale "last seen" may be, so that reading pages
	// does not write the ledger with every request.
	sessionTouch = time.Minute
)

// SessionStore keeps logins by the hash of their id. A login that is not
// there is lending.ErrNotFound.
type SessionStore interface {
	PutSession(context.Context, lending.StaffSession) error
	Session(context.Context, lending.Hash) (lending.StaffSession, error)
	DeleteSession(context.Context, lending.Hash) error
}

// Sessions are the logins of staff: 32 random bytes in a cookie, known to
// the ledger only as a SHA-256.
type Sessions struct {
	Store SessionStore
	Now   func() time.Time
	// Secure is true when browsers reach the pages over TLS. The cookie is
	// then called __Host-tapshelf; on plain loopback browsers drop such
	// cookies, and it is called tapshelf.
	Secure bool
}

func (s *Sessions) cookie() string {
	if s.Secure {
		return "__Host-tapshelf"
	}
	return "tapshelf"
}

// Begin logs a member of staff in, under an id drawn anew; a login that the
// browser had before is ended.
func (s *Sessions) Begin(c *fiber.Ctx, staff lending.StaffID) error {
	if err := s.End(c); err != nil {
		return err
	}
	raw := make([]byte, 32)
	rand.Read(raw) // never fails since Go 1.24
	id := base64.RawURLEncoding.EncodeToString(raw)
	now := s.Now()
	x := lending.StaffSession{Hash: sha256.Sum256([]byte(id)), Staff: staff, Created: now, LastSeen: now}
	if err := s.Store.PutSession(context.WithoutCancel(c.UserContext()), x); err != nil {
		return err
	}
	c.Cookie(&fiber.Cookie{Name: s.cookie(), Value: id, Path: "/", HTTPOnly: true, Secure: s.Secure, SameSite: fiber.CookieSameSiteLaxMode})
	return nil
}

// Current is who is logged in; ErrUnauthorised if nobody is.
func (s *Sessions) Current(c *fiber.Ctx) (lending.StaffID, error) {
	id := c.Cookies(s.cookie())
	if id == "" {
		return "", ErrUnauthorised
	}
	x, err := s.Store.Session(c.UserContext(), sha256.Sum256([]byte(id)))
	if errors.Is(err, lending.ErrNotFound) {
		return "", ErrUnauthorised
	}
	if err != nil {
		return "", err
	}
	now := s.Now()
	if now.Sub(x.LastSeen) > SessionIdle || now.Sub(x.Created) > SessionMost {
		return "", errors.Join(ErrUnauthorised, s.End(c))
	}
	// A list that renews itself is not somebody who works.
	if polls := c.Get("HX-Request") != "" && c.Method() == fiber.MethodGet; !polls && now.Sub(x.LastSeen) > sessionTouch {
		x.LastSeen = now
		if err := s.Store.PutSession(context.WithoutCancel(c.UserContext()), x); err != nil {
			return "", err
		}
	}
	return x.Staff, nil
}

// End logs out. It does nothing when nobody is logged in.
func (s *Sessions) End(c *fiber.Ctx) error {
	id := c.Cookies(s.cookie())
	if id == "" {
		return nil
	}
	c.Cookie(&fiber.Cookie{Name: s.cookie(), Value: "", Path: "/", HTTPOnly: true, Secure: s.Secure,
		SameSite: fiber.CookieSameSiteLaxMode, Expires: time.Unix(0, 0)})
	return s.Store.DeleteSession(context.WithoutCancel(c.UserContext()), sha256.Sum256([]byte(id)))
}
