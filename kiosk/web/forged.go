package web

import (
	"net/url"

	"github.com/gofiber/fiber/v2"
)

// SameSite refuses a request that changes something unless the browser says
// that it came from our own page: by Sec-Fetch-Site, or, from browsers that
// do not send it, by an Origin equal to ours.
func SameSite(c *fiber.Ctx) error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return c.Next()
	}
	site := c.Get("Sec-Fetch-Site")
	if site == "same-origin" || site == "" && sameOrigin(c) {
		return c.Next()
	}
	return ErrForged
}

func sameOrigin(c *fiber.Ctx) bool {
	u, err := url.Parse(c.Get(fiber.HeaderOrigin))
	return err == nil && u.Host != "" && u.Host == c.Hostname()
}
