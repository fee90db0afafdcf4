package panel_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk"
	"tapshelf/kiosk/panel"
	"tapshelf/kiosk/web/looktest"
	"tapshelf/kiosk/words"
)

// browser is a display: Chromium on one page of a panel.
type browser struct {
	*looktest.Page
	counter *counter
	rev     uint64
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
	return &browser{Page: looktest.Open(t, width, height), counter: c, rev: 1000}
}

// show puts a screen on the display and waits until it is there.
func (b *browser) show(s kiosk.Screen) {
	b.Helper()
	b.rev++
	s.Rev = b.rev
	b.counter.show(s)
	b.Until(fmt.Sprintf(`document.getElementById('screen').dataset.rev === '%d'`, b.rev))
}

func TestEveryScreenCanBeReadAndTouched(t *testing.T) {
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
			b.Go("http://" + address + "/s/front/")
			for i, s := range screens() {
				for j, lang := range words.Languages() {
					if size.height > size.width && (i+j)%3 != 0 {
						continue // upright, one language a screen will do
					}
					s.screen.Language = lang
					b.show(s.screen)
					name := fmt.Sprintf("%s_%s_%d", s.name, lang, size.width)
					b.Shoot(name)
					for _, fault := range append(b.PanelFaults(), b.Axe()...) {
						t.Errorf("%s: %s", name, fault)
					}
				}
			}
			b.Quiet()
		})
	}
}

func TestEachLanguageIsDrawnInItsOwnFont(t *testing.T) {
	c := newCounter(idle())
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.Go("http://" + address + "/s/front/")
	for lang, want := range map[string]string{
		words.English: "Atkinson Hyperlegible Next", words.Traditional: "Noto Sans CJK HK", words.Simplified: "Noto Sans CJK SC",
	} {
		s := open()
		s.Language = lang
		b.show(s)
		if got := b.Fonts(".prompt"); len(got) != 1 || !got[want] {
			t.Errorf("%s is drawn in %v, want %s", lang, got, want)
		}
	}
}

func TestAPressHasAKeyOfItsOwnAndIsHeldUntilTheNextScreen(t *testing.T) {
	c := newCounter(open(lent))
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.Go("http://" + address + "/s/front/")
	b.show(open(lent))
	undo := `document.querySelector('.row button')`
	looktest.Ask[bool](b.Page, undo+`.click(), `+undo+`.click(), true`)
	b.Until(undo + `.getAttribute('aria-disabled') === 'true'`)
	b.show(open(lent))
	b.Until(`!` + undo + `.hasAttribute('aria-disabled')`)
	looktest.Ask[bool](b.Page, undo+`.click(), true`)
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
	b.Quiet()
}

func TestAVisitCanBeMadeWithKeysAlone(t *testing.T) {
	c := newCounter(open(lent))
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.Go("http://" + address + "/s/front/")
	b.show(open(lent))
	for _, want := range []kiosk.Action{kiosk.ActUndo, kiosk.ActLanguage, kiosk.ActLanguage, kiosk.ActHelp, kiosk.ActDone} {
		b.Key("\t")
		got := looktest.Ask[string](b.Page, `JSON.parse(document.activeElement.getAttribute('hx-vals')).action`)
		if got != string(want) {
			t.Fatalf("Tab leads to %q, want %q", got, want)
		}
	}
	b.Key("\r")
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
	b.Go("http://" + address + "/s/front/")
	b.show(open())
	looktest.Ask[bool](b.Page, `(window.line = document.getElementById('status')) !== null`)
	for _, s := range []kiosk.Screen{open(lent), open(long, lent), open(han, long, lent)} {
		before := looktest.Ask[string](b.Page, `line.textContent`)
		b.show(s)
		if !looktest.Ask[bool](b.Page, `line === document.getElementById('status')`) {
			t.Fatal("another node took its place")
		}
		if after := looktest.Ask[string](b.Page, `line.textContent`); after == before {
			t.Errorf("it still says %q", after)
		}
	}
}

func TestNothingOfAPersonStaysInThePage(t *testing.T) {
	c := newCounter(idle())
	address, _ := serve(t, newApp(t, config(t, c)), "")
	b := newBrowser(t, c, 800, 480)
	b.Go("http://" + address + "/s/front/")
	b.show(with(open(lent), func(s *kiosk.Screen) { s.Given = "Zebedee" }))
	b.show(kiosk.Screen{Station: "front", Stage: kiosk.Leaving, Given: "Zebedee", Borrowed: 1})
	b.show(idle())
	page := looktest.Ask[string](b.Page, `document.documentElement.outerHTML`)
	for _, private := range []string{"Zebedee", "ThinkPad", "LAP-001"} {
		if strings.Contains(page, private) {
			t.Errorf("the idle page holds %s", private)
		}
	}
	if n := looktest.Ask[int](b.Page, `history.length`); n > 2 {
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
	b.Go("http://" + address + "/s/front/")
	b.show(idle())
	close(done)
	stop()
	b.Until(`!document.getElementById('offline').hidden`)
	b.Shoot("offline")
	c.show(open(lent))
	cfg = config(t, c)
	serve(t, newApp(t, cfg), address)
	b.Until(`document.getElementById('screen').dataset.stage === 'open'`)
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
	b.Go("http://" + address + "/s/front/")
	c.show(open(lent))
	b.Until(`document.getElementById('screen').dataset.stage === 'open'`)
	if mu.Lock(); refused != 1 {
		t.Error("the stream was never refused")
	}
	mu.Unlock()
}
