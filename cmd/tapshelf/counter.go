package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/devices"
	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

// setup is what a counter is made of, however it was decided: by a
// configuration file or by the demo.
type setup struct {
	ledger   string
	key      lending.Key
	zone     *time.Location
	language string
	contact  string           // for the panel's help page
	now      func() time.Time // nil: the machine's clock
	trusted  func() bool
	stations []stationSetup
	policies []lending.PolicyRecord
	listen   map[web.Kind]net.Listener
	tls      *tls.Config // for the staff pages and the API; nil: plain
	secure   bool        // browsers come over TLS, here or at a proxy
	hosts    map[web.Kind][]string
	framedBy []string
	log      *slog.Logger
	// extra, if set, adds apps of its own (the demo's bench).
	extra func(map[web.Kind]*fiber.App) error
}

// stationSetup is one station with its hardware.
type stationSetup struct {
	kiosk.Station
	mm            float64 // CSS pixels per millimetre of its display
	idle, warning time.Duration
	signal        devices.Signal
	readers       []devices.Supervised
}

// counter is a running Tapshelf.
type counter struct {
	setup
	boot     string
	store    *sqlite.Store
	desk     *lending.Desk
	registry *lending.Registry
	words    *words.Catalogue
	kiosks   []*kiosk.Kiosk
	watches  []*devices.Supervisor // one a station, in the stations' order
	done     chan struct{}         // closed before the apps are shut down
	failed   chan error
	wg       sync.WaitGroup
	stop     context.CancelFunc
	apps     []*fiber.App
}

// openCounter opens the ledger and prepares everything; nothing runs yet.
func openCounter(ctx context.Context, s setup) (*counter, error) {
	if s.now == nil {
		s.now = time.Now
	}
	c := &counter{setup: s, boot: newID()[:13], done: make(chan struct{}), failed: make(chan error, 16)}
	var err error
	if c.words, err = words.Load(s.zone); err != nil {
		return nil, err
	}
	c.store, err = sqlite.Open(ctx, s.ledger, sqlite.Options{
		Now: s.now, NewID: newID, Boot: bootID(), BootTime: bootTime, BackupBeforeMigration: backupBeforeMigration,
	})
	if err != nil {
		return nil, err
	}
	c.desk = &lending.Desk{
		Store: c.store, Key: s.key, Zone: s.zone, Now: s.now, NewID: newID, NewSubject: newSubject, ClockTrusted: s.trusted,
	}
	c.registry = &lending.Registry{Store: c.store, Key: s.key, Zone: s.zone, Now: s.now, NewID: newID}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(err, c.store.Close())
	}
	return c, nil
}

func (c *counter) prepare(ctx context.Context) error {
	if err := c.store.CheckKey(ctx, c.key); err != nil {
		return err
	}
	if err := c.setPolicies(ctx); err != nil {
		return err
	}
	for _, st := range c.stations {
		c.kiosks = append(c.kiosks, kiosk.New(kiosk.Config{
			Station: st.Station, Desk: c.desk, Signal: st.signal, Now: c.now, Boot: c.boot, Idle: st.idle, Warning: st.warning,
			Language: c.language, Log: c.log,
			HasItems: func(ctx context.Context) (bool, error) {
				n, err := c.store.CountItems(ctx)
				return n > 0, err
			},
		}))
		c.watches = append(c.watches, devices.NewSupervisor(st.readers, c.now, c.log))
	}
	return nil
}

// setPolicies puts the configured policies on record, where they differ.
func (c *counter) setPolicies(ctx context.Context) error {
	records := make([]lending.Record, len(c.policies))
	for i, p := range c.policies {
		records[i] = p
	}
	results, err := c.registry.Apply(ctx, records, lending.ApplyOptions{By: "config", Whole: true})
	if err != nil {
		return fmt.Errorf("policies: %w", err)
	}
	for i, r := range results {
		if r.Err != nil {
			return fmt.Errorf("policy %d: %w", i+1, r.Err)
		}
	}
	return nil
}

// start brings stations, readers and listeners to life. A listener that
// fails later is told on c.failed.
func (c *counter) start(ctx context.Context) error {
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	apps, err := c.surfaces()
	if err == nil && c.extra != nil {
		err = c.extra(apps)
	}
	if err != nil {
		c.stop()
		return err
	}
	for i := range c.stations {
		c.startStation(ctx, i)
	}
	c.wg.Go(func() { c.watchLedger(ctx) })
	for kind, app := range apps {
		ln, served := c.listen[kind]
		if !served {
			continue
		}
		if c.tls != nil && (kind == web.Staff || kind == web.API) {
			ln = tls.NewListener(ln, c.tls)
		}
		c.apps = append(c.apps, app)
		c.wg.Go(func() {
			if err := app.Listener(ln); err != nil {
				c.failed <- fmt.Errorf("%s listener: %w", kind, err)
			}
		})
	}
	return nil
}

// startStation connects a station's readers, through presence, to its kiosk.
func (c *counter) startStation(ctx context.Context, i int) {
	st, k, watch := c.stations[i], c.kiosks[i], c.watches[i]
	oneShot := map[string]bool{}
	for _, r := range st.readers {
		o, ok := r.Reader.(devices.OneShot)
		oneShot[r.Name] = ok && o.OneShot()
	}
	presence := devices.NewPresence(st.Name, c.boot, c.now, func(reader string) bool { return oneShot[reader] })
	seen, events := make(chan devices.Seen), make(chan devices.Event)
	run := func(what string, f func() error) {
		c.wg.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				c.failed <- fmt.Errorf("station %s, %s: %w", st.Name, what, err)
			}
		})
	}
	run("readers", func() error { return watch.Run(ctx, seen) })
	run("presence", func() error { return presence.Run(ctx, seen, events) })
	run("kiosk", func() error { k.Run(ctx); return nil })
	run("taps", func() error { return passTaps(ctx, events, k) })
	run("health", func() error { return c.tellHealth(ctx, watch, k) })
}

func passTaps(ctx context.Context, events <-chan devices.Event, k *kiosk.Kiosk) error {
	for {
		select {
		case e := <-events:
			if e.Kind == devices.Arrived {
				k.Tap(ctx, e.Tap)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// tellHealth tells the panel when a reader needs help and when it is back.
func (c *counter) tellHealth(ctx context.Context, watch *devices.Supervisor, k *kiosk.Kiosk) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	was := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		down := false
		for _, h := range watch.Health() {
			down = down || h.State == devices.Failing
		}
		if down != was {
			was = down
			k.ReadersDown(ctx, down)
		}
	}
}

// watchLedger ends the program once the disk has failed a commit: it is then
// not known what the file holds, so nothing more is lent until a new start
// has opened it again.
func (c *counter) watchLedger(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.store.Err(); err != nil {
			c.failed <- err
			return
		}
	}
}

// close stops in order: streams end, listeners finish what they have in
// hand, readers and stations stop, the write in hand is finished, the file
// is closed.
func (c *counter) close() error {
	close(c.done)
	var errs []error
	for _, app := range c.apps {
		errs = append(errs, app.ShutdownWithTimeout(5*time.Second))
	}
	if c.stop != nil {
		c.stop()
	}
	c.wg.Wait()
	return errors.Join(append(errs, c.store.Close())...)
}
