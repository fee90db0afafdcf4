package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/devices"
	"tapshelf/devices/sim"
	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

type demoCmd struct {
	Dir  string `help:"Keep the demo's ledger in this folder and continue with it next time." type:"path"`
	Port int    `help:"First port to try." default:"8080"`
}

// demoStation is the one station of the demo.
const demoStation = "front"

// bench is the kind of the demo's own page.
const bench web.Kind = "bench"

func (d demoCmd) Run(a *app) error {
	dir, remove, err := d.folder()
	if err != nil {
		return err
	}
	defer remove()
	demo, err := d.prepare(a, dir)
	if err != nil {
		return err
	}
	stopTaps, err := listenForTaps(a.ctx, demoSocket(), demo.reader)
	if err != nil && !errors.Is(err, errDemoRuns) {
		return errors.Join(err, demo.close())
	}
	defer stopTaps()
	if err := demo.start(a.ctx); err != nil {
		return errors.Join(err, demo.close())
	}
	demo.greet(a)
	if err != nil {
		a.printf("\nNote: %v.\n", err)
	}
	select {
	case <-a.ctx.Done():
		a.printf("\nGoodbye.\n")
	case err = <-demo.failed:
		return errors.Join(err, demo.close())
	}
	return demo.close()
}

// folder is where the demo keeps its ledger: a temporary one, removed at the
// end, unless it was given.
func (d demoCmd) folder() (dir string, remove func() error, err error) {
	if d.Dir != "" {
		return d.Dir, func() error { return nil }, os.MkdirAll(d.Dir, 0o700)
	}
	dir, err = os.MkdirTemp("", "tapshelf-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// demo is a counter with a simulated reader.
type demo struct {
	*counter
	reader *sim.Reader
	signal *sim.Signal
	token  string
	urls   map[web.Kind]string
}

func (d demoCmd) prepare(a *app, dir string) (*demo, error) {
	key, err := demoKey(filepath.Join(dir, "site.key"))
	if err != nil {
		return nil, err
	}
	listen, urls, err := demoListeners(d.Port)
	if err != nil {
		return nil, err
	}
	clock := new(movable)
	x := &demo{reader: sim.NewReader("pad", time.Now), signal: new(sim.Signal), urls: urls}
	x.counter, err = openCounter(a.ctx, setup{
		ledger: filepath.Join(dir, "ledger.db"), key: key, zone: time.Local, language: "en",
		now: clock.Now, trusted: func() bool { return true }, listen: listen, framedBy: []string{urls[bench]},
		log: slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
		stations: []stationSetup{{
			Station: kiosk.Station{Name: demoStation, Title: "Front desk"}, mm: 5.19, signal: x.signal,
			readers: []devices.Supervised{{Name: "pad", Driver: "sim", Reader: x.reader}},
		}},
	})
	if err != nil {
		return nil, err
	}
	x.extra = func(apps map[web.Kind]*fiber.App) (err error) {
		apps[bench], err = x.benchApp()
		return err
	}
	if err := x.fill(a.ctx, clock); err != nil {
		return nil, errors.Join(fmt.Errorf("demo data: %w", err), x.store.Close())
	}
	return x, nil
}

// demoKey loads the demo's site key, or makes one for a new folder.
func demoKey(path string) (lending.Key, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := createSiteKey(path); err != nil {
			return lending.Key{}, err
		}
	}
	return loadSiteKey(path)
}

// fill seeds an empty ledger and draws a token for this run.
func (x *demo) fill(ctx context.Context, clock *movable) error {
	n, err := x.store.CountItems(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		if err := seedDemo(ctx, x.store, x.desk, x.registry, clock); err != nil {
			return err
		}
	}
	secret, token, err := newToken("demo", lending.Scopes())
	if err != nil {
		return err
	}
	x.token = secret
	return x.store.SaveToken(ctx, token, "demo")
}

// demoListeners takes a port for each surface on the loopback address: the
// one it is known by, or the next that is free.
func demoListeners(first int) (map[web.Kind]net.Listener, map[web.Kind]string, error) {
	listen, urls := map[web.Kind]net.Listener{}, map[web.Kind]string{}
	for _, s := range []struct {
		kind web.Kind
		port int
	}{{web.Panel, first}, {bench, first + 1}, {web.Staff, first + 363}, {web.API, first + 364}} {
		ln, err := listenNear(s.port)
		if err != nil {
			for _, l := range listen {
				l.Close()
			}
			return nil, nil, err
		}
		listen[s.kind], urls[s.kind] = ln, "http://"+ln.Addr().String()
	}
	return listen, urls, nil
}

func listenNear(port int) (net.Listener, error) {
	const tries = 50
	var err error
	for p := port; p < port+tries; p++ {
		var ln net.Listener
		if ln, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p))); err == nil {
			return ln, nil
		}
	}
	return nil, fmt.Errorf("no free port from %d on: %w", port, err)
}

func (x *demo) greet(a *app) {
	a.printf(`Tapshelf demo: a counter with a simulated reader. Nothing here is real.

  Bench  %s/   click a badge, then an item
  Panel  %s/s/%s/
  Staff  %s/   login %s, password %s
  API    %s/api/v1/openapi.json
  Token  %s

From another shell: tapshelf tap --badge B-07, then tapshelf tap --item LAP-001
Ctrl-C to stop.
`, x.urls[bench], x.urls[web.Panel], demoStation, x.urls[web.Staff], demoUser, demoPassword, x.urls[web.API], x.token)
}
