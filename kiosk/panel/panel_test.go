package panel_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk"
	"tapshelf/kiosk/panel"
	"tapshelf/kiosk/words"
)

var update = flag.Bool("update", false, "write the golden pages anew")

// counter is a station whose screen the test sets.
type counter struct {
	name string

	mu       sync.Mutex // guards what follows
	screen   kiosk.Screen
	watchers map[chan kiosk.Screen]bool
	presses  []kiosk.Press
	refuse   error
}

func newCounter(s kiosk.Screen) *counter {
	return &counter{name: "front", screen: s, watchers: map[chan kiosk.Screen]bool{}}
}

func (c *counter) Station() kiosk.Station { return kiosk.Station{Name: c.name, Title: "Front desk"} }

func (c *counter) Screen() kiosk.Screen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen
}

func (c *counter) Press(_ context.Context, p kiosk.Press) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.presses = append(c.presses, p)
	return c.refuse
}

func (c *counter) pressed() []kiosk.Press {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]kiosk.Press(nil), c.presses...)
}

func (c *counter) Watch(ctx context.Context) <-chan kiosk.Screen {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(chan kiosk.Screen, 8)
	out <- c.screen
	c.watchers[out] = true
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, out)
		close(out)
	})
	return out
}

func (c *counter) show(s kiosk.Screen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen = s
	for w := range c.watchers {
		w <- s
	}
}

var hongKong = time.FixedZone("HKT", 8*60*60)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, hongKong) }

// config is a panel of the given stations; change what a test needs.
func config(t *testing.T, counters ...panel.Counter) panel.Config {
	t.Helper()
	catalogue, err := words.Load(hongKong)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	return panel.Config{
		Counters: counters, Words: catalogue, Now: noon, Done: done,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Contact: "LG5, 2358 6789",
	}
}

func newApp(t *testing.T, c panel.Config) *fiber.App {
	t.Helper()
	app, err := panel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func get(t *testing.T, app *fiber.App, path string) (*http.Response, string) {
	t.Helper()
	return send(t, app, httptest.NewRequest(http.MethodGet, path, nil))
}

func send(t *testing.T, app *fiber.App, r *http.Request) (*http.Response, string) {
	t.Helper()
	r.Host = "localhost"
	answer, err := app.Test(r, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// unsaid finds a key that has no words, and a placeholder without a value.
var unsaid = regexp.MustCompile(`panel\.[a-z_]+\.?[a-z_]*|reason\.[a-z_]+|<no value>|&lt;no value&gt;|ZgotmplZ`)

var hashes = regexp.MustCompile(`/assets/[0-9a-f]+/`)

func TestPagesSayWhatTheyAlwaysSaid(t *testing.T) {
	for _, c := range screens() {
		for _, lang := range words.Languages() {
			t.Run(lang+"/"+c.name, func(t *testing.T) {
				s := c.screen
				s.Language = lang
				_, page := get(t, newApp(t, config(t, newCounter(s))), "/s/front/")
				page = hashes.ReplaceAllString(page, "/assets/HASH/")
				page = page[strings.Index(page, "<body>"):]
				text := regexp.MustCompile(`(src|href|hx-[a-z:]+)="[^"]*"`).ReplaceAllString(page, "")
				if found := unsaid.FindAllString(text, -1); found != nil {
					t.Errorf("no words for %q", found)
				}
				golden(t, filepath.Join("testdata", lang, strings.ReplaceAll(c.name, " ", "-")+".html"), page)
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew); got:\n%s", name, got)
	}
}

func TestTheFrontLeadsToTheOnlyStation(t *testing.T) {
	answer, _ := get(t, newApp(t, config(t, newCounter(idle()))), "/")
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusFound || got != "/s/front/" {
		t.Errorf("got %d to %q", answer.StatusCode, got)
	}
}

func TestTheFrontListsSeveralStations(t *testing.T) {
	back := newCounter(idle())
	back.name = "back"
	_, page := get(t, newApp(t, config(t, newCounter(idle()), back)), "/")
	for _, want := range []string{`href="/s/front/"`, `href="/s/back/"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

func TestTwoStationsOfOneNameAreAnError(t *testing.T) {
	if _, err := panel.New(config(t, newCounter(idle()), newCounter(idle()))); err == nil {
		t.Error("no error")
	}
}

func TestAStationThatIsNotThereIsNotFound(t *testing.T) {
	app := newApp(t, config(t, newCounter(idle())))
	for _, path := range []string{"/s/back/", "/s/back/stream", "/s/back/device.css", "/assets/0/panel.css"} {
		if answer, _ := get(t, app, path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d", path, answer.StatusCode)
		}
	}
}

func TestAPageWithoutItsSlashLeadsToTheOneWith(t *testing.T) {
	answer, _ := get(t, newApp(t, config(t, newCounter(idle()))), "/s/front")
	if got := answer.Header.Get("Location"); got != "/s/front/" {
		t.Errorf("leads to %q", got)
	}
}

func TestOnlyTheGivenOriginsMayFrameThePanel(t *testing.T) {
	c := config(t, newCounter(idle()))
	answer, _ := get(t, newApp(t, c), "/s/front/")
	if got := answer.Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("policy is %q", got)
	}
	c.FramedBy = []string{"http://127.0.0.1:8081"}
	answer, _ = get(t, newApp(t, c), "/s/front/")
	if got := answer.Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors http://127.0.0.1:8081") {
		t.Errorf("policy is %q", got)
	}
}

func TestTheDeviceSaysHowLargeAMillimetreIs(t *testing.T) {
	c := config(t, newCounter(idle()))
	if _, css := get(t, newApp(t, c), "/s/front/device.css"); !strings.Contains(css, ":root{--mm:5.19px}") {
		t.Errorf("got %s", css)
	}
	c.Displays = map[string]panel.Display{"front": {PixelsPerMM: 5.9, Rows: 5}}
	if _, css := get(t, newApp(t, c), "/s/front/device.css"); !strings.Contains(css, ":root{--mm:5.9px}") {
		t.Errorf("got %s", css)
	}
}

func post(t *testing.T, app *fiber.App, site string, form url.Values) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/s/front/press", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", site)
	answer, _ := send(t, app, r)
	return answer.StatusCode
}

func TestAPressReachesTheCounter(t *testing.T) {
	c := newCounter(idle())
	form := url.Values{"key": {"k1"}, "rev": {"7"}, "action": {"undo"}, "row": {"r2"}}
	if got := post(t, newApp(t, config(t, c)), "same-origin", form); got != http.StatusNoContent {
		t.Errorf("got %d", got)
	}
	want := kiosk.Press{Key: "k1", Rev: 7, Action: kiosk.ActUndo, Row: "r2"}
	if got := c.pressed(); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAPressThatNoButtonSendsIsRefused(t *testing.T) {
	for name, form := range map[string]url.Values{
		"no key":           {"rev": {"7"}, "action": {"done"}},
		"a long key":       {"key": {strings.Repeat("k", 65)}, "rev": {"7"}, "action": {"done"}},
		"no screen":        {"key": {"k"}, "action": {"done"}},
		"no number":        {"key": {"k"}, "rev": {"x"}, "action": {"done"}},
		"no action":        {"key": {"k"}, "rev": {"7"}},
		"another action":   {"key": {"k"}, "rev": {"7"}, "action": {"open_the_till"}},
		"undo of nothing":  {"key": {"k"}, "rev": {"7"}, "action": {"undo"}},
		"another language": {"key": {"k"}, "rev": {"7"}, "action": {"language"}, "value": {"tlh"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(idle())
			if got := post(t, newApp(t, config(t, c)), "same-origin", form); got != http.StatusBadRequest {
				t.Errorf("got %d", got)
			}
			if got := c.pressed(); len(got) != 0 {
				t.Errorf("the counter saw %+v", got)
			}
		})
	}
}

func TestAPressFromAnotherSiteIsRefused(t *testing.T) {
	c := newCounter(idle())
	form := url.Values{"key": {"k1"}, "rev": {"7"}, "action": {"done"}}
	if got := post(t, newApp(t, config(t, c)), "cross-site", form); got != http.StatusForbidden || len(c.pressed()) != 0 {
		t.Errorf("got %d, the counter saw %+v", got, c.pressed())
	}
}

func TestACounterThatDoesNotAnswerIsUnavailable(t *testing.T) {
	for _, err := range []error{context.DeadlineExceeded, context.Canceled} {
		c := newCounter(idle())
		c.refuse = err
		form := url.Values{"key": {"k1"}, "rev": {"7"}, "action": {"done"}}
		if got := post(t, newApp(t, config(t, c)), "same-origin", form); got != http.StatusServiceUnavailable {
			t.Errorf("%v: got %d", err, got)
		}
	}
	c := newCounter(idle())
	c.refuse = errors.New("something")
	form := url.Values{"key": {"k1"}, "rev": {"7"}, "action": {"done"}}
	if got := post(t, newApp(t, config(t, c)), "same-origin", form); got != http.StatusInternalServerError {
		t.Errorf("got %d", got)
	}
}

// The words that templates ask for by name are there.
func TestTemplatesAskForWordsThatExist(t *testing.T) {
	files, err := filepath.Glob("*.html")
	if err != nil {
		t.Fatal(err)
	}
	speaker := config(t).Words.In(words.English)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			if speaker.T(m[1]) == m[1] {
				t.Errorf("%s asks for %s", name, m[1])
			}
		}
	}
}
