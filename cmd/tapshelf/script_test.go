package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"tapshelf/devices"
)

// TestMain lets scripts run the program itself as "tapshelf".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tapshelf": main})
}

// TestScripts runs the program as its users do: see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"PANEL", "STAFF", "API", "METRICS"} {
				e.Setenv(name, freePort(t))
			}
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Values["browser"] = newBrowser(t)
			e.Values["ptys"] = map[string]*os.File{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fill": fill, "pty": openPTY, "unplug": unplug, "frame": frame, "await": await, "post": post, "login": login, "keep": keep,
			"wait-away": waitAway, "await-demo": awaitDemo,
		},
	})
}

func freePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 5 * time.Second}
}

// fill FROM TO copies a file with $NAMES replaced by the script's variables.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fill from to")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// keep NAME REGEXP keeps what the last command printed, or the part of it
// that the first group matches, in a variable.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("stdout does not match %s", args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
}

// pty LINK opens a serial line at LINK, as a reader is plugged in.
func openPTY(ts *testscript.TestScript, neg bool, args []string) {
	master, slave, err := pty.Open()
	ts.Check(err)
	raw, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	ts.Check(err)
	raw.Lflag, raw.Iflag, raw.Oflag = 0, 0, 0
	ts.Check(unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, raw))
	link := ts.MkAbs(args[0])
	os.Remove(link)
	ts.Check(os.Symlink(slave.Name(), link))
	ts.Value("ptys").(map[string]*os.File)[args[0]] = master
	// The slave stays open, so that the line survives until the program has
	// opened it.
	ts.Defer(func() { master.Close(); slave.Close() })
}

// unplug LINK takes a reader away.
func unplug(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Value("ptys").(map[string]*os.File)[args[0]].Close())
	ts.Check(os.Remove(ts.MkAbs(args[0])))
}

// frame LINK HEX [TIMES] sends bytes on a serial line every 65 ms, as an
// RDM6300 does while a fob lies on it.
func frame(ts *testscript.TestScript, neg bool, args []string) {
	b, err := hex.DecodeString(args[1])
	ts.Check(err)
	times := 4
	if len(args) > 2 {
		_, err := fmt.Sscan(args[2], &times)
		ts.Check(err)
	}
	for range times {
		_, err := ts.Value("ptys").(map[string]*os.File)[args[0]].Write(b)
		ts.Check(err)
		time.Sleep(65 * time.Millisecond)
	}
}

// wait-away waits until a tag that was lying on a reader counts as gone.
func waitAway(ts *testscript.TestScript, neg bool, args []string) {
	time.Sleep(devices.Away + 300*time.Millisecond)
}

// await-demo waits until the demo takes taps, and sets DEMO_PANEL.
func awaitDemo(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(15 * time.Second)
	for port := 21000; time.Now().Before(deadline); port++ {
		if port == 21050 {
			port = 21000
			time.Sleep(20 * time.Millisecond)
		}
		address := fmt.Sprintf("http://127.0.0.1:%d/s/front/", port)
		if body, err := get(ts, address, nil); err == nil && strings.HasPrefix(body, "200") {
			ts.Setenv("DEMO_PANEL", address)
			return
		}
	}
	ts.Fatalf("the demo did not start")
}

// await URL REGEXP [HEADER]... asks until the answer matches; the answer is
// the script's stdout. "! await" wants it not to match, at once.
func await(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile(args[1])
	deadline := time.Now().Add(15 * time.Second)
	for {
		body, err := get(ts, args[0], args[2:])
		found := err == nil && want.MatchString(body)
		if found != neg && (err == nil || neg) {
			ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(body), 0o600))
			return
		}
		if neg || time.Now().After(deadline) {
			ts.Fatalf("%s does not answer as wanted (%v):\n%.2000s", args[0], err, plain(body))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// plain is a page without its tags, to be read in a failure.
func plain(page string) string { return tags.ReplaceAllString(page, " ") }

func get(ts *testscript.TestScript, address string, headers []string) (string, error) {
	req, err := http.NewRequest("GET", address, nil)
	ts.Check(err)
	return send(ts, req, headers)
}

func send(ts *testscript.TestScript, req *http.Request, headers []string) (string, error) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := ts.Value("browser").(*http.Client).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.Status + "\n" + string(body), err
}

// post URL FILE REGEXP [HEADER]... posts a file; the answer must match.
func post(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest("POST", args[0], strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	body, err := send(ts, req, args[3:])
	ts.Check(err)
	if regexp.MustCompile(args[2]).MatchString(body) == neg {
		ts.Fatalf("%s answers:\n%.2000s", args[0], body)
	}
}

// login NAME PASSWORD logs the script's browser in to the staff pages.
func login(ts *testscript.TestScript, neg bool, args []string) {
	base := "http://" + ts.Getenv("STAFF")
	form := url.Values{"name": {args[0]}, "password": {args[1]}}
	req, err := http.NewRequest("POST", base+"/login", strings.NewReader(form.Encode()))
	ts.Check(err)
	body, err := send(ts, req, []string{"Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"})
	ts.Check(err)
	if strings.HasPrefix(body, "200") == neg {
		ts.Fatalf("login answers:\n%.1000s", plain(body))
	}
}

func TestTheDocumentedConfigurationIsTheOneThatIsRead(t *testing.T) {
	path := "../../systemd/tapshelf.toml"
	if _, err := loadConfig(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// With every commented key switched on it must still be read, and no key
	// of the program may be missing from it.
	all := regexp.MustCompile(`(?m)^# ([a-z_]+ = )`).ReplaceAllString(string(text), "$1")
	if _, err := parseConfig("tapshelf.toml", []byte(all)); err != nil {
		t.Errorf("with every key switched on: %v", err)
	}
	for _, key := range keysOf(t) {
		if !regexp.MustCompile(`(?m)^` + key + ` = |^\[\[?` + key + `\]`).MatchString(all) {
			t.Errorf("the key %q is not explained", key)
		}
	}
	if !strings.Contains(string(text), "serve --check") {
		t.Errorf("%s does not say how it is checked", filepath.Base(path))
	}
}
