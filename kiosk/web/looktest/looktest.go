// Package looktest looks at pages as people do: in Chromium, with axe-core for
// what a machine can say of accessibility, and with a ruler for what axe does
// not see. It is imported by tests only, and is the only importer of
// chromedp.
package looktest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed axe.min.js
var axe string

// patience is how long a page may take to come to what a test waits for.
const patience = 30 * time.Second

// Page is one browser window.
type Page struct {
	testing.TB
	ctx context.Context

	mu      sync.Mutex // guards console
	console []string
}

// Open starts Chromium with a window of the given CSS pixels. Without
// Chromium the test is skipped, except where TAPSHELF_CI says that everything
// must be there. The browser reaches 127.0.0.1 and nothing else.
func Open(t testing.TB, width, height int64) *Page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("TAPSHELF_CI") == "1" {
			t.Fatal("chromium is missing")
		}
		t.Skip("chromium is not installed")
	}
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	))
	t.Cleanup(cancel)
	p := &Page{TB: t, ctx: ctx}
	p.do(chromedp.EmulateViewport(width, height, chromedp.EmulateTouch))
	go func() { // ends with ctx
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.console = append(p.console, m.String())
			p.mu.Unlock()
		}
	}()
	return p
}

func (p *Page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// Go loads an address.
func (p *Page) Go(url string) {
	p.Helper()
	p.do(chromedp.Navigate(url))
}

// Ask evaluates a value or a promise of the page.
func Ask[T any](p *Page, script string) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%.200s: %v", script, err)
	}
	return v
}

// Until waits for a condition of the page, which may be reloaded meanwhile.
func (p *Page) Until(condition string) {
	p.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var met bool
		if met, err = chromedp.Run(p.ctx, chromedp.Evaluate[bool](condition)); met {
			return
		}
	}
	p.Fatalf("never: %s (%v)\nthe page says: %.600s", condition, err, Ask[string](p, `document.body.innerText`))
}

// UntilText waits until the page says something.
func (p *Page) UntilText(text string) {
	p.Helper()
	p.Until(fmt.Sprintf(`document.body.innerText.includes(%q)`, text))
}

// Key presses a key: "\t", "\r", or a letter.
func (p *Page) Key(key string) {
	p.Helper()
	p.do(chromedp.KeyEvent(key))
}

// Click presses the first element that a selector finds.
func (p *Page) Click(selector string) {
	p.Helper()
	p.do(chromedp.Click(selector))
}

// Follow clicks what leads to another page, and waits until that is there.
func (p *Page) Follow(selector string) {
	p.Helper()
	Ask[bool](p, `window.left = true`)
	p.Click(selector)
	p.Until(`!window.left && document.readyState === "complete"`)
}

// Fill types text into a field.
func (p *Page) Fill(selector, text string) {
	p.Helper()
	Ask[bool](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event('input')); return true; })()`, selector, text))
}

// Quiet fails the test if the page complained: of a script, or of its own
// content policy.
func (p *Page) Quiet() {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.console {
		p.Errorf("console: %s", m)
	}
}

// Shoot saves a picture when TAPSHELF_SHOTS names a folder.
func (p *Page) Shoot(name string) {
	p.Helper()
	folder := os.Getenv("TAPSHELF_SHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o644); err != nil {
		p.Fatal(err)
	}
}

// Fonts are the families that drew the text of what a selector finds.
func (p *Page) Fonts(selector string) map[string]bool {
	p.Helper()
	if _, err := chromedp.Call(p.ctx, dom.Enable, dom.EnableParams{}); err != nil {
		p.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, css.Enable, cdp.Empty{}); err != nil {
		p.Fatal(err)
	}
	all := map[string]bool{}
	nodes, err := chromedp.Run(p.ctx, chromedp.QueryNodeIDs(selector))
	if err != nil || len(nodes) == 0 {
		p.Fatalf("%s: %v", selector, err)
	}
	for _, node := range nodes {
		used, err := chromedp.Call(p.ctx, css.GetPlatformFontsForNode, css.GetPlatformFontsForNodeParams{NodeID: node})
		if err != nil {
			p.Fatal(err)
		}
		for _, f := range used.Fonts {
			all[f.FamilyName] = true
		}
	}
	return all
}

// Axe lists what axe-core finds against WCAG 2.2 A and AA and best practice,
// in the page itself; frames are pages of their own.
func (p *Page) Axe() []string {
	p.Helper()
	if !Ask[bool](p, `!!window.axe`) {
		Ask[bool](p, axe+";true")
	}
	return Ask[[]string](p, `axe.run(document, {iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
  .then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | ')))`)
}

// PanelFaults measures a panel's screen: what runs out of its place,
// overlaps, scrolls, or is too small to touch (15 mm, primary 18 mm).
func (p *Page) PanelFaults() []string {
	p.Helper()
	return Ask[[]string](p, panelFaults)
}

const panelFaults = `(() => {
  const mm = parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--mm'));
  const found = new Set(), box = e => e.getBoundingClientRect();
  const name = e => e.localName + '.' + e.className + ' "' + e.textContent.trim().slice(0, 40) + '"';
  const seen = [...document.querySelectorAll('#screen *')].filter(e => !e.closest('.heard') && !e.closest('svg') && box(e).width);
  for (const e of seen) {
    const r = box(e), p = box(e.parentElement);
    if (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) found.add('outside: ' + name(e));
    if (r.top < p.top - 1 || r.bottom > p.bottom + 1 || r.left < p.left - 1 || r.right > p.right + 1) found.add('out of its place: ' + name(e));
    if (getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1) found.add('too wide: ' + name(e));
    if (e.localName !== 'button') continue;
    const least = (e.classList.contains('primary') && !e.closest('.row') ? 18 : 15) * mm - 0.5;
    if (r.height < least || r.width < 15 * mm - 0.5) found.add('too small: ' + name(e));
  }
  const parts = seen.filter(e => e.matches('main > :not(section), main > section > *, .row > *, nav > *, button'));
  for (const a of parts) for (const b of parts) {
    if (a === b || a.contains(b) || b.contains(a)) continue;
    const x = box(a), y = box(b);
    if (x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1) found.add(name(a) + ' overlaps ' + name(b));
  }
  if (document.scrollingElement.scrollHeight > innerHeight) found.add('the page scrolls');
  return [...found];
})()`

// StaffFaults measures a page that may scroll downwards: nothing runs out of
// the window sideways, and what can be pressed has 24 CSS pixels.
func (p *Page) StaffFaults() []string {
	p.Helper()
	return Ask[[]string](p, `(() => {
  const found = new Set(), box = e => e.getBoundingClientRect();
  const name = e => e.localName + '.' + e.className + ' "' + (e.textContent || e.value || '').trim().slice(0, 40) + '"';
  if (document.scrollingElement.scrollWidth > innerWidth) found.add('the page scrolls sideways');
  for (const e of document.querySelectorAll('button, input:not([type=hidden]), select, nav a, a.button')) {
    const r = box(e);
    if (r.width && (r.height < 24 || r.width < 24)) found.add('too small: ' + name(e));
    if (r.width && r.right > innerWidth + 1 && !e.closest('.scroll')) found.add('outside: ' + name(e));
  }
  return [...found];
})()`)
}

// Throttle slows the page's processor down by a factor.
func (p *Page) Throttle(rate float64) {
	p.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: rate})
	if err != nil {
		p.Fatal(err)
	}
}
