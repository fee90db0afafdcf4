package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/devices"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
	"tapshelf/kiosk/web/looktest"
)

// running is the whole program in this process, with a simulated reader and
// the demo's data.
type running struct {
	*demo
	tb testing.TB
}

// run starts it; it ends with the test.
func runDemo(tb testing.TB, mm float64) *running {
	tb.Helper()
	dir := tb.TempDir()
	key, err := demoKey(filepath.Join(dir, "site.key"))
	if err != nil {
		tb.Fatal(err)
	}
	listen, urls := map[web.Kind]net.Listener{}, map[web.Kind]string{}
	for _, kind := range []web.Kind{web.Panel, bench, web.Staff, web.API} {
		if listen[kind], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			tb.Fatal(err)
		}
		urls[kind] = "http://" + listen[kind].Addr().String()
	}
	clock := new(movable)
	x := &demo{reader: sim.NewReader("pad", time.Now), signal: new(sim.Signal), urls: urls}
	zone, err := time.LoadLocation("Asia/Hong_Kong")
	if err != nil {
		tb.Fatal(err)
	}
	x.counter, err = openCounter(tb.Context(), setup{
		ledger: filepath.Join(dir, "ledger.db"), key: key, zone: zone, language: "en", now: clock.Now,
		trusted: func() bool { return true }, listen: listen, framedBy: []string{urls[bench]}, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		stations: []stationSetup{{
			Station: kiosk.Station{Name: demoStation, Title: "Front desk"}, mm: mm, signal: x.signal,
			readers: []devices.Supervised{{Name: "pad", Driver: "sim", Reader: x.reader}},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	x.extra = func(apps map[web.Kind]*fiber.App) (err error) {
		apps[bench], err = x.benchApp()
		return err
	}
	if err := x.fill(tb.Context(), clock); err != nil {
		tb.Fatal(err)
	}
	if err := x.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := x.close(); err != nil {
			tb.Error(err)
		}
	})
	return &running{x, tb}
}

// tap holds something to the reader, and waits until it counts as gone, so
// that the next tap of it is a new one.
func (r *running) tap(label string) {
	r.tb.Helper()
	uid, err := tag.NewLabel(label)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.reader.Tap(uid)
}

// step is one thing that is done at the counter and what the panel then says.
type step struct {
	tap   string
	press string // selector
	says  map[string]string
	cue   devices.Cue
}

// A whole visit, in the words that a student sees. Everything is really
// tapped, decided, written and drawn.
var visitSteps = []step{
	{tap: "PERSON", cue: devices.CueOK, says: map[string]string{"en": "Hello, Ada", "zh-Hant": "嘉欣", "zh-Hans": "子轩"}},
	{tap: "LAP-001", cue: devices.CueOK, says: map[string]string{"en": "ThinkPad T14", "zh-Hant": "ThinkPad T14", "zh-Hans": "ThinkPad T14"}},
	// Somebody else's charger was left on the wrong shelf: returned and lent.
	{tap: "CHG-005", cue: devices.CueOK, says: map[string]string{"en": "USB-C charger", "zh-Hant": "USB-C charger", "zh-Hans": "USB-C charger"}},
	// A second laptop is one too many; the rest of the visit goes on.
	{tap: "LAP-002", cue: devices.CueStop, says: map[string]string{"en": "L3-", "zh-Hant": "L3-", "zh-Hans": "L3-"}},
	{press: "[hx-vals*=dismiss]", says: map[string]string{"en": "USB-C charger", "zh-Hant": "USB-C charger", "zh-Hans": "USB-C charger"}},
	{tap: "PERSON", cue: devices.CueOK, says: map[string]string{"en": "2 items borrowed", "zh-Hant": "2 件", "zh-Hans": "2 件"}},
}

func TestAWholeVisitInEachLanguageOnEachPanel(t *testing.T) {
	people := map[string]string{"en": "B-01", "zh-Hant": "B-02", "zh-Hans": "B-03"}
	for _, size := range []struct {
		width, height int64
		mm            float64
	}{{800, 480, 5.19}, {1280, 800, 5.9}} {
		for _, lang := range []string{"en", "zh-Hant", "zh-Hans"} {
			t.Run(fmt.Sprintf("%s at %d by %d", lang, size.width, size.height), func(t *testing.T) {
				t.Parallel()
				r := runDemo(t, size.mm)
				p := looktest.Open(t, size.width, size.height)
				p.Go(r.urls[web.Panel] + "/s/" + demoStation + "/")
				p.UntilText("Tap your")
				for i, s := range visitSteps {
					if s.press != "" {
						p.Click(s.press)
					} else if s.tap == "PERSON" {
						r.tap(people[lang])
					} else {
						r.tap(s.tap)
					}
					p.UntilText(s.says[lang])
					for _, fault := range append(p.PanelFaults(), p.Axe()...) {
						t.Errorf("step %d: %s", i+1, fault)
					}
					if cues := r.signal.Cues(); s.cue != 0 && cues[len(cues)-1] != s.cue {
						t.Errorf("step %d: the lamp says %v, want %v", i+1, cues[len(cues)-1], s.cue)
					}
					p.Shoot(fmt.Sprintf("visit-%s-%d-%d", lang, size.width, i+1))
					time.Sleep(devices.AwayOneShot + 300*time.Millisecond)
				}
				p.UntilText("請拍")
				if page := looktest.Ask[string](p, `document.documentElement.outerHTML`); containsAny(page, "Ada", "嘉欣", "子轩", "ThinkPad") {
					t.Error("the idle screen still holds something of the visit")
				}
				p.Quiet()
			})
		}
	}
}

func TestTwoClicksOnTheBenchLendSomething(t *testing.T) {
	r := runDemo(t, 5.19)
	p := looktest.Open(t, 1400, 900)
	p.Go(r.urls[bench])
	for _, fault := range append(p.StaffFaults(), p.Axe()...) {
		t.Error(fault)
	}
	p.Click(`[data-tap="B-01"]`)
	p.UntilText("green lamp")
	p.Click(`[data-tap="LAP-001"]`)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s := r.kiosks[0].Screen(); s.Borrowed == 1 && s.Given == "Ada" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after two clicks the panel shows %+v", r.kiosks[0].Screen())
		}
	}
	time.Sleep(300 * time.Millisecond) // for the picture
	p.Shoot("bench")
	p.Quiet()
}

// BenchmarkTapToPainted taps an item on the simulated reader and waits until
// the panel has drawn its row: the whole way through presence, ledger, stream
// and browser, at full speed and with the browser six times slower.
func BenchmarkTapToPainted(b *testing.B) {
	for _, throttle := range []float64{1, 6} {
		b.Run(fmt.Sprintf("throttle=%v", throttle), func(b *testing.B) {
			r := runDemo(b, 5.19)
			p := looktest.Open(b, 800, 480)
			p.Go(r.urls[web.Panel] + "/s/" + demoStation + "/")
			p.UntilText("Tap your")
			p.Throttle(throttle)
			r.tap("B-01")
			p.UntilText("Hello, Ada")
			r.tap("LAP-001")
			p.UntilText("LAP-001")
			var took []time.Duration
			b.ResetTimer()
			for i := range b.N {
				// The same laptop and an unknown tag in turn: each tap changes the screen.
				label, want := "LAP-001", "LAP-001"
				if i%2 == 0 {
					label, want = "NOBODY", "T1-"
				}
				time.Sleep(devices.AwayOneShot + 200*time.Millisecond)
				looktest.Ask[bool](p, fmt.Sprintf(`(window.painted = new Promise(done => {
					const look = () => document.body.innerText.includes(%q) && requestAnimationFrame(() => requestAnimationFrame(() => done(performance.timeOrigin + performance.now())));
					new MutationObserver((_, o) => { if (look()) o.disconnect(); }).observe(document.getElementById('screen').parentElement, {subtree: true, childList: true, characterData: true, attributes: true});
				}), true)`, want))
				began := time.Now()
				r.tap(label)
				at := looktest.Ask[float64](p, `window.painted`)
				took = append(took, time.UnixMicro(int64(at*1000)).Sub(began))
			}
			b.StopTimer()
			b.Log(percentiles("tap to painted", took))
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

func containsAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
