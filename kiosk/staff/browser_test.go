package staff_test

import (
	"fmt"
	"testing"

	"tapshelf/kiosk/web/looktest"
	"tapshelf/kiosk/words"
)

func TestEveryStaffPageCanBeReadAndUsed(t *testing.T) {
	for _, size := range []struct{ width, height int64 }{{1280, 800}, {768, 1024}} {
		t.Run(fmt.Sprintf("%d wide", size.width), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.overdue()
			p := looktest.Open(t, size.width, size.height)
			p.Go(o.url + "/login")
			look(t, p, "login", size.width)
			p.Fill("#name", "amir")
			p.Fill("#password", password)
			p.Follow("main button")
			p.UntilText("ThinkPad T14")

			// A whole turn at the desk: taken back, undone, refused, not out.
			p.Go(o.url + "/desk")
			p.Fill("#thing", "LAP-001")
			p.Follow("button[value=take]")
			p.UntilText("Taken back")
			look(t, p, "desk-taken-back", size.width)
			p.Follow(".note button")
			p.UntilText("Return undone")
			p.Fill("#person", "p-Ada")
			p.Fill("#thing", "LAP-002")
			p.Follow("button[value=lend]")
			p.UntilText("Support code")
			look(t, p, "desk-refused", size.width)
			p.Go(o.url + "/desk")
			p.Fill("#thing", "LAP-002")
			p.Follow("button[value=take]")
			p.UntilText("it was not out")

			for i, lang := range words.Languages() {
				p.Follow(fmt.Sprintf(".languages button:nth-of-type(%d)", i+1))
				p.Until(fmt.Sprintf(`document.querySelector(".languages button:nth-of-type(%d)").getAttribute("aria-pressed") === "true"`, i+1))
				for _, path := range []string{"/", "/?show=overdue", "/?show=returned", "/desk", "/patrons/" + string(o.ada), "/items/" + string(o.laptop), "/findings", "/search", "/readers", "/admin"} {
					p.Go(o.url + path)
					look(t, p, lang+" "+path[:min(len(path), 9)], size.width)
				}
				p.Go(o.url + "/")
			}
			p.Quiet()
			p.Go(o.url + "/nowhere")
			look(t, p, "nowhere", size.width)
		})
	}
}

func look(t *testing.T, p *looktest.Page, name string, width int64) {
	t.Helper()
	for _, fault := range append(p.StaffFaults(), p.Axe()...) {
		t.Errorf("%s at %d: %s", name, width, fault)
	}
	p.Shoot(fmt.Sprintf("staff-%s-%d", slug(name), width))
}

func TestTheKeyboardIsEnough(t *testing.T) {
	o := newOffice(t)
	o.overdue()
	p := looktest.Open(t, 1280, 800)
	p.Go(o.url + "/login")
	p.Fill("#name", "dora")
	p.Fill("#password", password)
	p.Key("\t")
	p.Follow("main button")
	p.UntilText("ThinkPad T14")
	p.Until(`document.readyState === "complete"`)
	p.Key("j")
	if at := looktest.Ask[string](p, `document.activeElement.textContent`); at != "ThinkPad T14" {
		t.Errorf("j goes to %q", at)
	}
	p.Key("/")
	if at := looktest.Ask[string](p, `document.activeElement.id`); at != "q" {
		t.Errorf("/ goes to %q", at)
	}
	looktest.Ask[bool](p, `document.activeElement.blur(), true`)
	p.Key("?")
	p.Until(`document.getElementById("help").open`)
	p.Quiet()
}
