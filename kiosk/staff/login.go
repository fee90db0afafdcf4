package staff

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

// loginView is the login page; Wrong and Wait say why it is shown again.
type loginView struct {
	None, Wrong, Wait bool
}

func (p *pages) loginPage(c *fiber.Ctx) error {
	if who(c).ID != "" {
		return c.Redirect("/", fiber.StatusSeeOther)
	}
	n, err := p.Queries.CountStaff(c.UserContext())
	if err != nil {
		return err
	}
	return p.show(c, fiber.StatusOK, "login.html", "staff.login.title", loginView{None: n == 0})
}

// login takes about the same time whether the name or the password is wrong.
func (p *pages) login(c *fiber.Ctx) error {
	name, password := c.FormValue("name"), c.FormValue("password")
	key := c.IP() + "/" + name
	if errors.Join(p.throttle.Check(key), p.flood.Check(c.IP())) != nil {
		return p.show(c, fiber.StatusTooManyRequests, "login.html", "staff.login.title", loginView{Wait: true})
	}
	s, err := p.Queries.StaffByName(c.UserContext(), name)
	switch {
	case errors.Is(err, lending.ErrNotFound) || err == nil && s.Disabled != nil:
		web.PretendToVerify(password)
	case err != nil:
		return err
	case web.VerifyPassword(s.PasswordHash, password):
		p.throttle.Succeeded(key)
		p.flood.Succeeded(c.IP())
		if err := p.sessions.Begin(c, s.ID); err != nil {
			return err
		}
		return c.Redirect("/", fiber.StatusSeeOther)
	}
	p.throttle.Failed(key)
	p.flood.Failed(c.IP())
	return p.show(c, fiber.StatusUnauthorized, "login.html", "staff.login.title", loginView{Wrong: true})
}

func (p *pages) logout(c *fiber.Ctx) error {
	if err := p.sessions.End(c); err != nil {
		return err
	}
	return c.Redirect("/login", fiber.StatusSeeOther)
}
