package web_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

// serve runs an app on a port of its own.
func serve(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go app.Listener(ln)
	t.Cleanup(func() { app.ShutdownWithTimeout(time.Second) })
	return "http://" + ln.Addr().String()
}

func send(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestEveryReasonHasAStatus(t *testing.T) {
	for _, r := range lending.Reasons() {
		status := web.Status(&lending.Refusal{Reasons: []lending.Because{{Reason: r}}})
		if status < 400 || status == http.StatusInternalServerError {
			t.Errorf("%s is answered %d", r, status)
		}
	}
	if got := web.Status(nil); got != 200 {
		t.Errorf("no error is %d", got)
	}
	if got := web.Status(fmt.Errorf("wrapped: %w", web.ErrGone)); got != http.StatusGone {
		t.Errorf("a wrapped error is %d", got)
	}
}

func TestAnErrorThatNobodyForesawTellsNothing(t *testing.T) {
	for _, kind := range []web.Kind{web.Panel, web.API} {
		app := web.New(kind, web.Options{Log: slog.New(slog.DiscardHandler)})
		app.Get("/fails", func(*fiber.Ctx) error { return errors.New("secret path /var/lib") })
		app.Get("/panics", func(*fiber.Ctx) error { panic("secret") })
		base := serve(t, app)
		for _, path := range []string{"/fails", "/panics"} {
			res, body := send(t, "GET", base+path, "")
			if res.StatusCode != 500 || strings.Contains(body, "secret") {
				t.Errorf("%s %s: %d %s", kind, path, res.StatusCode, body)
			}
			if isProblem := res.Header.Get("Content-Type") == "application/problem+json"; isProblem != (kind == web.API) {
				t.Errorf("%s answers as %s", kind, res.Header.Get("Content-Type"))
			}
		}
	}
}

func TestEveryAnswerHasItsHeadersAndOnlyKnownHostsAreServed(t *testing.T) {
	app := web.New(web.Panel, web.Options{Hosts: []string{"lend.example.edu"}, FramedBy: []string{"http://127.0.0.1:1"}})
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString("x") })
	base := serve(t, app)
	res, _ := send(t, "GET", base, "")
	want := "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; media-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors http://127.0.0.1:1"
	if got := res.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy is %s", got)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for host, want := range map[string]int{"lend.example.edu": 200, "lend.example.edu:8443": 200, "localhost": 200, "evil.example": 421, "127.0.0.1.evil.example": 421} {
		if res, _ := send(t, "GET", base, "", "Host", host); res.StatusCode != want {
			t.Errorf("host %s: %d, want %d", host, res.StatusCode, want)
		}
	}
	res, _ = send(t, "GET", base, "", "Host", "evil.example", "X-Forwarded-Host", "localhost")
	if res.StatusCode != 421 || res.Header.Get("Content-Security-Policy") != want {
		t.Errorf("a forwarded host is believed (%d), or its refusal has no policy", res.StatusCode)
	}
}

func TestARequestFromAnotherSiteIsRefused(t *testing.T) {
	app := web.New(web.Staff, web.Options{})
	app.Use(web.SameSite)
	app.All("/", func(c *fiber.Ctx) error { return c.SendString("x") })
	base := serve(t, app)
	for _, test := range []struct {
		name, method string
		headers      []string
		want         int
	}{
		{"a page may be read from anywhere", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"our own form", "POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"another site's form", "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a sibling's form", "POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"an address typed by hand", "POST", []string{"Sec-Fetch-Site", "none"}, 403},
		{"an old browser on our own page", "POST", []string{"Origin", base}, 200},
		{"an old browser elsewhere", "POST", []string{"Origin", "http://evil.example"}, 403},
		{"nothing at all", "POST", nil, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			if res, _ := send(t, test.method, base, "", test.headers...); res.StatusCode != test.want {
				t.Errorf("%d, want %d", res.StatusCode, test.want)
			}
		})
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	app := web.New(web.Panel, web.Options{})
	app.Post("/", func(c *fiber.Ctx) error { return c.SendString("taken") })
	base := serve(t, app)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n", 65<<10)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 413 || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d with %v", res.StatusCode, res.Header)
	}
}

func TestAssetsAreServedUnderTheHashOfTheirContent(t *testing.T) {
	assets, err := web.NewAssets()
	if err != nil {
		t.Fatal(err)
	}
	app := web.New(web.Panel, web.Options{})
	assets.Mount(app)
	base := serve(t, app)
	u, err := assets.URL("htmx.min.js")
	if err != nil {
		t.Fatal(err)
	}
	res, body := send(t, "GET", base+u, "")
	if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || !strings.Contains(body, "htmx") {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Cache-Control"))
	}
	if res, _ := send(t, "GET", base+"/assets/0000000000000000/htmx.min.js", ""); res.StatusCode != 404 {
		t.Errorf("under a wrong hash: %d", res.StatusCode)
	}
	if _, err := assets.URL("nothing.js"); err == nil {
		t.Error("a file that is not there has an address")
	}
}

func TestVendoredFilesAreThoseThatAreNamed(t *testing.T) {
	list, err := os.ReadFile("THIRD-PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"htmx.min.js", "hx-sse.min.js", "atkinson.woff2"} {
		body, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if !strings.Contains(string(list), hex.EncodeToString(sum[:])) {
			t.Errorf("%s is not the file that THIRD-PARTY.md names", name)
		}
	}
}

func TestPasswords(t *testing.T) {
	hash := web.HashPassword("correct horse")
	for name, test := range map[string]struct {
		hash, password string
		want           bool
	}{
		"the right one": {hash, "correct horse", true}, "a wrong one": {hash, "correct  horse", false},
		"an empty one": {hash, "", false}, "no hash": {"", "correct horse", false},
		"another kind of hash": {"$2a$10$abc", "correct horse", false}, "garbage": {"$argon2id$v=19$m=1,t=1,p=1$!$!", "x", false},
		"a hash that would take for ever": {strings.Replace(hash, "t=2", "t=2000000", 1), "correct horse", false},
	} {
		if got := web.VerifyPassword(test.hash, test.password); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if again := web.HashPassword("correct horse"); again == hash {
		t.Error("two hashes share a salt")
	}
}

func FuzzVerifyPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA")
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Contains(hash, "m=") && len(hash) > 20 && !strings.Contains(hash, "m=64,") {
			t.Skip("costly")
		}
		web.VerifyPassword(hash, "x")
	})
}

func TestGuessingWaitsLongerEachTime(t *testing.T) {
	now := lendingtest.Start
	th := &web.Throttle{Now: func() time.Time { return now }, Free: 2, Most: 10 * time.Second}
	wait := func() time.Duration {
		var many *web.TooMany
		if errors.As(th.Check("k"), &many) {
			return many.Wait
		}
		return 0
	}
	var waits []time.Duration
	for range 7 {
		th.Failed("k")
		waits = append(waits, wait())
		now = now.Add(wait())
	}
	want := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}
	for i := range want {
		if waits[i] != want[i] {
			t.Fatalf("waits are %v, want %v", waits, want)
		}
	}
	if th.Succeeded("k"); wait() != 0 {
		t.Error("a success is not the end of it")
	}
}

func TestASessionEndsByRestByAgeAndByRotation(t *testing.T) {
	s := lendingtest.NewScene(t)
	id := lending.StaffID(lendingtest.NewID())
	if err := s.Store.SaveStaff(t.Context(), lending.Staff{ID: id, Name: "x", Role: lending.RoleDesk, PasswordHash: "x"}, "test"); err != nil {
		t.Fatal(err)
	}
	sessions := &web.Sessions{Store: s.Store, Now: s.Clock.Now}
	app := web.New(web.Staff, web.Options{})
	app.Get("/in", func(c *fiber.Ctx) error { return sessions.Begin(c, id) })
	app.Get("/who", func(c *fiber.Ctx) error {
		who, err := sessions.Current(c)
		return errors.Join(err, c.SendString(string(who)))
	})
	base := serve(t, app)
	in := func(old string) string {
		res, _ := send(t, "GET", base+"/in", "", "Cookie", old)
		c := res.Cookies()[len(res.Cookies())-1]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie is %v", c)
		}
		return c.Name + "=" + c.Value
	}
	status := func(cookie string) int {
		res, _ := send(t, "GET", base+"/who", "", "Cookie", cookie)
		return res.StatusCode
	}
	first := in("")
	if status(first) != 200 || status("tapshelf=guess") != 401 || status("") != 401 {
		t.Error("who is let in is not who logged in")
	}
	second := in(first)
	if status(first) != 401 || status(second) != 200 {
		t.Error("the old id still lets in after a new login")
	}
	for range 35 { // somebody who keeps working, for 11 h 40 min
		s.Clock.Add(20 * time.Minute)
		if status(second) != 200 {
			t.Fatal("work is no rest")
		}
	}
	s.Clock.Add(21 * time.Minute)
	if status(second) != 401 {
		t.Error("a login lasts for ever, if somebody keeps working")
	}
	third := in("")
	s.Clock.Add(web.SessionIdle + time.Second)
	if status(third) != 401 {
		t.Error("a login outlives its rest")
	}
}

func TestAStreamSendsEachMessageAndEndsWhenItMust(t *testing.T) {
	done := make(chan struct{})
	streams := &web.Streams{Done: done, Most: 1}
	app := web.New(web.Panel, web.Options{})
	app.Get("/", func(c *fiber.Ctx) error {
		return streams.Send(c, func(ctx context.Context) <-chan string {
			out := make(chan string, 2)
			out <- "<p>one\ntwo\revent: forged</p>"
			context.AfterFunc(ctx, func() { close(out) })
			return out
		})
	})
	base := serve(t, app)
	res, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"data: <p>one\n", "data: two\n", "data: event: forged</p>\n", "\n", "event: hb\n"} {
		if got, err := lines.ReadString('\n'); got != want {
			t.Fatalf("got %q (%v), want %q", got, err, want)
		}
	}
	for range 3 {
		if head, _ := send(t, "HEAD", base, ""); head.StatusCode != 200 {
			t.Errorf("HEAD takes a place: %d", head.StatusCode)
		}
	}
	if second, _ := send(t, "GET", base, ""); second.StatusCode != 503 {
		t.Errorf("one stream too many: %d", second.StatusCode)
	}
	close(done)
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("the stream did not end in order: %v", err)
	}
}

func TestAProblemSaysWhereAndWhat(t *testing.T) {
	b, err := json.Marshal(web.NewProblem(400, &web.BadInput{Where: "limit", What: "is a number"}))
	if err != nil || string(b) != `{"type":"about:blank","title":"Bad Request","status":400,"detail":"is a number","where":"limit"}` {
		t.Errorf("%s (%v)", b, err)
	}
}
