package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

// secretPrefix makes a leaked secret easy to find.
const secretPrefix = "tsk_"

// NewSecret draws the secret of a new token and the hash under which it is
// known. The secret is shown once and never stored.
func NewSecret() (secret string, hash lending.Hash) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails since Go 1.24
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, sha256.Sum256([]byte(secret))
}

// allow lets a request through whose token has one of the scopes.
func (a *api) allow(scopes ...lending.Scope) fiber.Handler {
	return func(c *fiber.Ctx) error {
		t, err := a.token(c)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(scopes, t.May) {
			return fmt.Errorf("%w: the token lacks the scope %s", web.ErrForbidden, scopes[0])
		}
		if wait := a.rates.take(t.ID, a.Now()); wait > 0 {
			return &web.TooMany{Wait: wait}
		}
		c.Locals(tokenLocal, t)
		return c.Next()
	}
}

// tokenLocal is where a request keeps its token.
const tokenLocal = "token"

func tokenOf(c *fiber.Ctx) lending.Token { return c.Locals(tokenLocal).(lending.Token) }

func (a *api) token(c *fiber.Ctx) (lending.Token, error) {
	if err := a.failures.Check(c.IP()); err != nil {
		return lending.Token{}, err
	}
	scheme, secret, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "bearer") || secret == "" {
		return lending.Token{}, fmt.Errorf("%w: send Authorization: Bearer and a token", web.ErrUnauthorised)
	}
	t, err := a.Queries.TokenByHash(c.UserContext(), sha256.Sum256([]byte(secret)))
	if errors.Is(err, lending.ErrNotFound) || err == nil && t.Revoked != nil {
		a.failures.Failed(c.IP())
		return t, fmt.Errorf("%w: this token is not known or was revoked", web.ErrUnauthorised)
	}
	if err != nil {
		return t, err
	}
	a.failures.Succeeded(c.IP())
	if now := a.Now(); a.touched.stale(t.ID, now) {
		if err := a.Queries.TouchToken(c.UserContext(), t.ID, now); err != nil {
			return t, err
		}
	}
	return t, nil
}

// seen remembers when a token's use was last written down: once a minute is
// enough.
type seen struct {
	mu sync.Mutex // guards at
	at map[string]time.Time
}

func (s *seen) stale(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.at[id]) < time.Minute {
		return false
	}
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	s.at[id] = now
	return true
}

// A token may send burst requests at once, and then perSecond.
const (
	burst     = 200
	perSecond = 100
)

// rates is a bucket for each token.
type rates struct {
	mu      sync.Mutex // guards buckets
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take takes one request out of a token's bucket, or says how long to wait.
func (r *rates) take(id string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buckets == nil {
		r.buckets = map[string]bucket{}
	}
	b, ok := r.buckets[id]
	if !ok {
		b = bucket{left: burst, at: now}
	}
	b.left = min(burst, b.left+perSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.left < 1 {
		r.buckets[id] = b
		return time.Second
	}
	b.left--
	r.buckets[id] = b
	return 0
}
