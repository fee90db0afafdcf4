package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Page is one tab. Its methods fail the test at once if the page does not do
// what they ask, so they are called from the test's own goroutine.
type Page struct {
	t   *testing.T
	tab context.Context // chromedp keeps the tab in it; there is no other handle

	on       sync.Mutex // guards problems
	problems []string
}

// Visit goes to a URL in the same tab and waits until it has loaded.
func (p *Page) Visit(url string) {
	p.t.Helper()
	p.do("visit "+url, chromedp.Navigate(url))
}

// Click clicks the middle of the first element that a CSS selector finds,
// with the mouse, once it is there and nothing covers it.
func (p *Page) Click(selector string) {
	p.t.Helper()
	var at [2]float64
	where := fmt.Sprintf(`((s) => {
		const e = document.querySelector(s);
		if (!e) return null;
		e.scrollIntoView({block: 'nearest', inline: 'nearest'});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		const hit = document.elementFromPoint(x, y);
		return hit && (e === hit || e.contains(hit)) ? [x, y] : null;
	})(%s)`, quote(selector))
	p.until("nothing to click at "+selector, func(ctx context.Context) bool {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](where))
		return err == nil && copy(at[:], found) == 2
	})
	p.do("click "+selector, chromedp.MouseClickXY(at[0], at[1]))
}

// keyNames are what Key knows by name.
var keyNames = map[string]string{
	"Tab": "\t", "Enter": "\r", "Space": " ", "Escape": "\u001b", "Backspace": "\b",
	"ArrowDown": "\u0301", "ArrowLeft": "\u0302", "ArrowRight": "\u0303", "ArrowUp": "\u0304",
}

// Key presses a key by name (Tab, Shift+Tab, Enter, Space, Escape, Backspace,
// ArrowUp, ArrowDown, ArrowLeft, ArrowRight), else every character of keys in
// turn. What has the focus gets them.
func (p *Page) Key(keys string) {
	p.t.Helper()
	if name, shifted := strings.CutPrefix(keys, "Shift+"); shifted && keyNames[name] != "" {
		p.do("press "+keys, chromedp.KeyEvent(keyNames[name], chromedp.KeyModifiers(shift)))
		return
	}
	if key, named := keyNames[keys]; named {
		keys = key
	}
	p.do("press keys", chromedp.KeyEvent(keys))
}

// Type replaces what a field holds with text, key by key.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	focus := fmt.Sprintf(`((s) => {
		const e = document.querySelector(s);
		if (!e || e.disabled) return false;
		e.focus();
		if (e.select) e.select();
		return document.activeElement === e;
	})(%s)`, quote(selector))
	p.until("no field to type into at "+selector, p.holds(focus))
	p.do("type into "+selector, chromedp.KeyEvent(text))
}

// Text is what an element shows, once it is there, without space at the ends.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	p.until("no element "+selector, p.holds(`document.querySelector(`+quote(selector)+`) !== null`))
	return strings.TrimSpace(p.Eval(`document.querySelector(` + quote(selector) + `).innerText`))
}

// HTML is the whole document as it stands now, not as it was served.
func (p *Page) HTML() string {
	p.t.Helper()
	return p.Eval(`document.documentElement.outerHTML`)
}

// Eval evaluates a script in the page, awaits it if it is a promise, and
// gives a string as it is, anything else as JSON, and undefined as nothing.
func (p *Page) Eval(js string) string {
	p.t.Helper()
	raw, err := evaluate[[]byte](p, js)
	if err != nil {
		p.t.Fatalf("%s: %v", short(js), err)
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// WaitText waits until an element's text contains something. The page may be
// replaced meanwhile.
func (p *Page) WaitText(selector, substring string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s never said %q", selector, substring), p.holds(fmt.Sprintf(
		`[...document.querySelectorAll(%s)].some(e => (e.innerText ?? e.textContent).includes(%s))`, quote(selector), quote(substring))))
}

// WaitGone waits until no element is found, or none that is shown.
func (p *Page) WaitGone(selector string) {
	p.t.Helper()
	p.until(selector+" never went", p.holds(
		`![...document.querySelectorAll(`+quote(selector)+`)].some(e => e.checkVisibility({visibilityProperty: true}))`))
}

// Shot takes a picture of the viewport, and writes it as a PNG of that name
// to the folder that TAPSHELF_SHOTS names, if it names one.
func (p *Page) Shot(name string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, patience)
	defer stop()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("picture %s: %v", name, err)
	}
	folder := os.Getenv("TAPSHELF_SHOTS")
	if folder == "" {
		return
	}
	file := strings.NewReplacer(" ", "-", "/", "-", string(filepath.Separator), "-").Replace(name) + ".png"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, file), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Throttle makes the page's processor so many times slower; 1 is full speed.
func (p *Page) Throttle(rate float64) {
	p.t.Helper()
	p.tell("throttle", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: rate})
		return err
	})
}

// AcceptLanguage sets the languages that the browser asks for, like
// "zh-HK,zh;q=0.9", from the next request on: Visit the page again.
func (p *Page) AcceptLanguage(languages string) {
	p.t.Helper()
	agent := p.Eval(`navigator.userAgent`)
	p.tell("accept language", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride,
			emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: languages})
		return err
	})
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.tell(what, func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

func (p *Page) tell(what string, f func(context.Context) error) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, patience)
	defer stop()
	if err := f(ctx); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

func evaluate[T any](p *Page, js string) (T, error) {
	ctx, stop := context.WithTimeout(p.tab, patience)
	defer stop()
	return chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
}

// holds asks whether a script is true. A page that is just being replaced
// cannot answer, which counts as no.
func (p *Page) holds(js string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js))
		return err == nil && yes
	}
}

// until asks again and again, and fails the test with why if it waited in vain.
func (p *Page) until(why string, met func(context.Context) bool) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, patience)
	defer stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !met(ctx) {
		select {
		case <-ctx.Done():
			p.t.Fatalf("%s within %s; the page says: %s", why, patience, short(p.said()))
		case <-again.C:
		}
	}
}

// said is the page's text for a failure message; it never fails itself.
func (p *Page) said() string {
	text, err := evaluate[string](p, `document.body ? document.body.innerText : ''`)
	if err != nil {
		return err.Error()
	}
	return text
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

func short(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}
