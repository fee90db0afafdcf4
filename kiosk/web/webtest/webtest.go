// Package webtest shows pages to a real browser: what they say, whether they
// can be read and touched, and what the browser complains of. It is the only
// package that knows chromedp.
//
// Every name but 127.0.0.1 is unknown to the browser, so a page that fetched
// anything from elsewhere would show it as a problem. Each Page has cookies
// of its own. A package with browser tests says once
//
//	func TestMain(m *testing.M) { webtest.Main(m) }
//
// so that its pages share one browser, which is closed after the last test.
// Without Main each Page starts a browser of its own.
package webtest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to do anything. It is long because a
// busy machine must not fail a test; nothing waits for it otherwise.
const patience = 30 * time.Second

// shared is the browser of a test binary. It is the one variable of the
// package: TestMain and a test have no other way to meet.
var shared struct {
	on sync.Mutex // guards the rest

	promised bool // whether Main will close it
	tab      context.Context
}

// Main runs the tests of a package and closes the browser that they shared.
// Like m.Run within TestMain it leaves the exit to the testing package.
func Main(m *testing.M) {
	shared.on.Lock()
	shared.promised = true
	shared.on.Unlock()
	defer func() {
		shared.on.Lock()
		defer shared.on.Unlock()
		if shared.tab != nil {
			shut(shared.tab)
		}
		shared.promised, shared.tab = false, nil
	}()
	m.Run()
}

// Open shows a page in a viewport of so many CSS pixels and waits until it
// has loaded. The page is closed when the test ends. Without a browser the
// test is skipped, or failed if TAPSHELF_CI is 1. The browser is the program
// that CHROMIUM names, else the first found of chromium, chromium-browser
// and google-chrome.
func Open(t *testing.T, url string, width, height int) *Page {
	t.Helper()
	p := &Page{t: t, tab: newTab(t)}
	if err := chromedp.Listen(p.tab, p.note); err != nil {
		t.Fatal(err)
	}
	p.do("viewport", chromedp.EmulateViewport(int64(width), int64(height)))
	p.Visit(url)
	return p
}

// newTab opens a tab with cookies of its own, until the test ends.
func newTab(t *testing.T) context.Context {
	t.Helper()
	path := find(t)
	shared.on.Lock()
	defer shared.on.Unlock()
	first := shared.tab
	if first == nil {
		var err error
		if first, err = start(path); err != nil {
			t.Fatalf("start %s: %v", path, err)
		}
		if shared.promised {
			shared.tab = first
		} else {
			t.Cleanup(func() { shut(first) })
		}
	}
	tab, _ := chromedp.NewContext(first, chromedp.WithNewBrowserContext())
	t.Cleanup(func() { shut(tab) })
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return tab
}

func find(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if own := os.Getenv("CHROMIUM"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TAPSHELF_CI") == "1" {
		t.Fatalf("no browser is installed: looked for %q", names)
	}
	t.Skipf("no browser is installed: looked for %q", names)
	return ""
}

func start(path string) (context.Context, error) {
	tab, _ := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // the pages are our own, and build machines run as root
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	))
	if err := chromedp.Do(tab); err != nil {
		shut(tab)
		return nil, err
	}
	return tab, nil
}

// shut closes a tab and waits for it; the first tab takes the browser with
// it. A browser that has gone already needs no closing, so errors say nothing.
func shut(tab context.Context) {
	ctx, stop := context.WithTimeout(tab, patience)
	defer stop()
	_ = chromedp.Cancel(ctx)
}

// note keeps what the browser complains of. It runs within chromedp's loop,
// so it only writes down.
func (p *Page) note(event any) {
	var what string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			what = "console: " + said(e.Args)
		}
	case *runtime.EventExceptionThrown:
		what = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			what = string(e.Entry.Source) + ": " + e.Entry.Text
			if e.Entry.URL != "" {
				what += " (" + e.Entry.URL + ")"
			}
		}
	}
	if what == "" {
		return
	}
	p.on.Lock()
	defer p.on.Unlock()
	p.problems = append(p.problems, what)
}

func said(args []*runtime.RemoteObject) string {
	var words string
	for _, a := range args {
		if a.Description != "" {
			words += " " + a.Description
		} else {
			words += " " + string(a.Value)
		}
	}
	return words
}
