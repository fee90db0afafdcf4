package panel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
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
	"github.com/chromedp/chromedp"
	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk"
	"tapshelf/kiosk/panel"
	"tapshelf/kiosk/words"
)

// browser is a display: Chromium on one page of a panel.
type browser struct {
	t       *testing.T
	ctx     context.Context
	counter *counter
	rev     uint64

	mu      sync.Mutex // guards console
	console []string
}

// serve runs an app on a port, the same again if address is not empty, until
// stop is called or the test ends.
func serve(t *testing.T, app *fiber.App, address string) (url string, stop func()) {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = app.Listener(listener) }()
	stop = sync.OnceFunc(func() {
		_ = app.ShutdownWithTimeout(time.Second) // a display does not close its stream
		<-served
	})
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func newBrowser(t *testing.T, c *counter, width, height int64) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("TAPSHELF_CI") == "1" {
			t.Fatal("no chromium")
		}
		t.Skip("chromium is not installed")
	}
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	))
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, counter: c, rev: 1000}
	b.do(chromedp.EmulateViewport(width, height, chromedp.EmulateTouch))
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// ask evaluates a promise or value of the page.
func ask[T any](b *browser, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for a condition of the page, which may be reloaded meanwhile.
func (b *browser) until(condition string) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var met bool
		if met, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition)); met {
			return
		}
	}
	b.t.Fatalf("never: %s (%v)", condition, err)
}

// show puts a screen on the display and waits until it is there.
func (b *browser) show(s kiosk.Screen) {
	b.t.Helper()
	b.rev++
	s.Rev = b.rev
	b.counter.show(s)
	b.until(fmt.Sprintf(`document.getElementById('screen').dataset.rev === '%d'`, b.rev))
}

// quiet fails if the page complained: of a script, or of its own policy.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.console {
		b.t.Errorf("console: %s", m)
	}
}

// shoot saves a picture when TAPSHELF_SHOTS names a folder.
func (b *browser) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("TAPSHELF_SHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// fonts are the families that drew an element's own text.
func (b *browser) fonts(selector string) map[string]bool {
	b.t.Helper()
	all := map[string]bool{}
	nodes, err := chromedp.Run(b.ctx, chromedp.QueryNodeIDs(selector))
	if err != nil || len(nodes) == 0 {
		b.t.Fatalf("%s: %v", selector, err)
	}
	for _, node := range nodes {
		used, err := chromedp.Call(b.ctx, css.GetPlatformFontsForNode, css.GetPlatformFontsForNodeParams{NodeID: node})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range used.Fonts {
			all[f.FamilyName] = true
		}
	}
	return all
}

// faults measures what axe does not see: what runs out of its place,
// overlaps, or is too small to touch.
const faults = `(() => {
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

const axeRun = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
  .then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | ')))`

func TestEveryScreenCanBeReadAndTouched(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []struct {
		width, height int64
		display       panel.Display
	}{
		{800, 480, panel.Display{}},
		{1280, 800, panel.Display{PixelsPerMM: 5.9, Rows: 4}},
		{1080, 1920, panel.Display{PixelsPerMM: 5.58, Rows: 5}},
	} {
		t.Run(fmt.Sprintf("%d by %d", size.width, size.height), func(t *testing.T) {
			t.Parallel()
			c := newCounter(idle())
			cfg := config(t, c)
			cfg.Displays = map[string]panel.Display{"front": size.display}
			address, _ := serve(t, newApp(t, cfg), "")
			b := newBrowser(t, c, size.width, size.height)
			b.do(chromedp.Navigate("http://" + address + "/s/front/"))
			ask[bool](b, string(axe)+";true")
			for i, s := range screens() {
				for j, lang := range words.Languages() {
					if size.height > size.width && (i+j)%3 != 0 {
						continue // upright, one language a screen will do
					}
					s.screen.Language = lang
					b.show(s.screen)
					name := fmt.Sprintf("%s_%s_%d", s.name, lang, size.width)
					b.shoot(name)
					for _, fault := range append(ask[[]string](b, faults), ask[[]string](b, axeRun)...) {
						t.Errorf("%s: %s", name, fault)
					}
				}
			}
			b.quiet()
		})
	}
}

func TestEachLanguageIsDrawnInItsOwnFont(t *testing.T) {
	c := newCounter(idle())
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	if _, err := chromedp.Call(b.ctx, dom.Enable, dom.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, css.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{
		words.English: "Atkinson Hyperlegible Next", words.Traditional: "Noto Sans CJK HK", words.Simplified: "Noto Sans CJK SC",
	} {
		s := open()
		s.Language = lang
		b.show(s)
		if got := b.fonts(".prompt"); len(got) != 1 || !got[want] {
			t.Errorf("%s is drawn in %v, want %s", lang, got, want)
		}
	}
}

func TestAPressHasAKeyOfItsOwnAndIsHeldUntilTheNextScreen(t *testing.T) {
	c := newCounter(open(lent))
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	b.show(open(lent))
	undo := `document.querySelector('.row button')`
	ask[bool](b, undo+`.click(), `+undo+`.click(), true`)
	b.until(undo + `.getAttribute('aria-disabled') === 'true'`)
	b.show(open(lent))
	b.until(`!` + undo + `.hasAttribute('aria-disabled')`)
	ask[bool](b, undo+`.click(), true`)
	for len(c.pressed()) < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	got := c.pressed()
	if len(got) != 2 || got[0].Key == got[1].Key || got[0].Key == "" {
		t.Fatalf("got %+v", got)
	}
	if p := got[0]; p.Action != kiosk.ActUndo || p.Row != "r1" || p.Rev != b.rev-1 {
		t.Errorf("got %+v", p)
	}
	b.quiet()
}

func TestAVisitCanBeMadeWithKeysAlone(t *testing.T) {
	c := newCounter(open(lent))
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	b.show(open(lent))
	for _, want := range []kiosk.Action{kiosk.ActUndo, kiosk.ActLanguage, kiosk.ActLanguage, kiosk.ActHelp, kiosk.ActDone} {
		b.do(chromedp.KeyEvent("\t"))
		got := ask[string](b, `JSON.parse(document.activeElement.getAttribute('hx-vals')).action`)
		if got != string(want) {
			t.Fatalf("Tab leads to %q, want %q", got, want)
		}
	}
	b.do(chromedp.KeyEvent("\r"))
	for len(c.pressed()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if got := c.pressed()[0].Action; got != kiosk.ActDone {
		t.Errorf("Enter pressed %q", got)
	}
}

func TestTheStatusLineStaysAndItsTextChanges(t *testing.T) {
	c := newCounter(open())
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	b.show(open())
	ask[bool](b, `(window.line = document.getElementById('status')) !== null`)
	for _, s := range []kiosk.Screen{open(lent), open(long, lent), open(han, long, lent)} {
		before := ask[string](b, `line.textContent`)
		b.show(s)
		if !ask[bool](b, `line === document.getElementById('status')`) {
			t.Fatal("another node took its place")
		}
		if after := ask[string](b, `line.textContent`); after == before {
			t.Errorf("it still says %q", after)
		}
	}
}

func TestNothingOfAPersonStaysInThePage(t *testing.T) {
	c := newCounter(idle())
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	b.show(with(open(lent), func(s *kiosk.Screen) { s.Given = "Zebedee" }))
	b.show(kiosk.Screen{Station: "front", Stage: kiosk.Leaving, Given: "Zebedee", Borrowed: 1})
	b.show(idle())
	page := ask[string](b, `document.documentElement.outerHTML`)
	for _, private := range []string{"Zebedee", "ThinkPad", "LAP-001"} {
		if strings.Contains(page, private) {
			t.Errorf("the idle page holds %s", private)
		}
	}
	if n := ask[int](b, `history.length`); n > 2 {
		t.Errorf("the page navigated: %d entries", n)
	}
}

func TestADisplayFindsTheCounterAgainAfterARestart(t *testing.T) {
	c := newCounter(idle())
	cfg := config(t, c)
	done := make(chan struct{})
	cfg.Done, cfg.Patience = done, 300*time.Millisecond
	address, stop := serve(t, newApp(t, cfg), "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	b.show(idle())
	close(done)
	stop()
	b.until(`!document.getElementById('offline').hidden`)
	b.shoot("offline")
	c.show(open(lent))
	cfg = config(t, c)
	serve(t, newApp(t, cfg), address)
	b.until(`document.getElementById('screen').dataset.stage === 'open'`)
}

func TestADisplayThatWasRefusedItsStreamReloads(t *testing.T) {
	c := newCounter(idle())
	cfg := config(t, c)
	cfg.Patience = 300 * time.Millisecond
	app := newApp(t, cfg)
	outer := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	var mu sync.Mutex
	refused := 0
	outer.Use(func(fc *fiber.Ctx) error {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(fc.Path(), "/stream") && refused == 0 {
			refused++
			return fc.SendStatus(http.StatusServiceUnavailable)
		}
		app.Handler()(fc.Context())
		return nil
	})
	address, _ := serve(t, outer, "")
	b := newBrowser(t, c, 800, 480)
	b.do(chromedp.Navigate("http://" + address + "/s/front/"))
	c.show(open(lent))
	b.until(`document.getElementById('screen').dataset.stage === 'open'`)
	if mu.Lock(); refused != 1 {
		t.Error("the stream was never refused")
	}
	mu.Unlock()
}
