package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"tapshelf/devices"
	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
)

type serveCmd struct {
	Config string `help:"Configuration file." default:"/etc/tapshelf/tapshelf.toml" type:"path"`
	Check  bool   `help:"Read the configuration, tell every mistake, and stop."`
}

func (s serveCmd) Run(a *app) error {
	c, err := loadConfig(s.Config)
	if err != nil {
		return err
	}
	if s.Check {
		a.printf("%s: no mistakes; %d stations, %d readers, %d policies.\n", s.Config, len(c.Stations), len(c.Readers), len(c.Policies))
		return nil
	}
	unlock, err := lockLedger(c.Ledger.Path)
	if err != nil {
		return err
	}
	defer unlock()
	return serve(a, c)
}

func serve(a *app, c config) error {
	log := slog.New(slog.NewTextHandler(a.err, nil))
	set, closeSignals, err := fromConfig(c, log)
	if err != nil {
		return err
	}
	defer closeSignals()
	x, err := openCounter(a.ctx, set)
	if err != nil {
		return err
	}
	if err := x.start(a.ctx); err != nil {
		return errors.Join(err, x.close())
	}
	if n, err := x.store.CountStaff(a.ctx); err == nil && n == 0 {
		log.Warn("nobody can log in to the staff pages; add somebody with: tapshelf user add --role admin NAME")
	}
	log.Info("serving", "version", version, "stations", len(c.Stations))
	watched, err := announce(a.ctx, x.heartbeat)
	if err != nil {
		return errors.Join(err, x.close())
	}
	select {
	case <-a.ctx.Done():
	case err = <-x.failed:
	}
	log.Info("stopping")
	return errors.Join(err, watched(), x.close())
}

// heartbeat proves that the ledger can still be written. One that cannot
// ends the program, so that it starts anew and verifies.
func (c *counter) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return c.store.Heartbeat(ctx)
}

// fromConfig turns a configuration into a setup: keys loaded, ports taken,
// hardware named (but not yet opened, except for lamps).
func fromConfig(c config, log *slog.Logger) (s setup, closeSignals func() error, err error) {
	closeSignals = func() error { return nil }
	s = setup{
		ledger: c.Ledger.Path, language: c.Site.Language, contact: c.Site.Contact, secure: c.TLS.Cert != "" || c.BehindProxy,
		hosts: map[web.Kind][]string{web.Staff: c.Staff.Hosts, web.API: c.API.Hosts}, framedBy: c.Panel.FramedBy, log: log,
		trusted: func() bool { return c.Site.TrustClock || machineClock.trusted(time.Now()) },
	}
	if s.zone, err = c.zone(); err != nil {
		return s, closeSignals, err
	}
	if s.key, err = loadSiteKey(c.SiteKey); err != nil {
		return s, closeSignals, err
	}
	if s.policies, err = c.policies(); err != nil {
		return s, closeSignals, err
	}
	if c.TLS.Cert != "" {
		cert, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return s, closeSignals, fmt.Errorf("tls: %w", err)
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if closeSignals, err = s.addStations(c); err != nil {
		return s, closeSignals, err
	}
	s.listen, err = listenAll(map[web.Kind]string{
		web.Panel: c.Panel.Listen, web.Staff: c.Staff.Listen, web.API: c.API.Listen, web.Metrics: c.Metrics.Listen,
	})
	return s, closeSignals, err
}

func (s *setup) addStations(c config) (closeSignals func() error, err error) {
	var closers []func() error
	closeSignals = func() error {
		var errs []error
		for _, f := range closers {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	for _, st := range c.Stations {
		one := stationSetup{
			Station: kiosk.Station{Name: st.Name, Title: st.Title}, mm: st.MM,
			idle: time.Duration(st.Idle) * time.Second, warning: time.Duration(st.Warning) * time.Second,
		}
		signal, closeSignal, err := openSignal(st)
		if err != nil {
			return closeSignals, fmt.Errorf("station %s: %w", st.Name, err)
		}
		one.signal, closers = signal, append(closers, closeSignal)
		for _, r := range c.Readers {
			if r.Station != st.Name {
				continue
			}
			reader, err := drivers[r.Driver].open(r)
			if err != nil {
				return closeSignals, fmt.Errorf("reader %s: %w", r.Name, err)
			}
			one.readers = append(one.readers, devices.Supervised{Name: r.Name, Driver: r.Driver, Reader: reader})
		}
		s.stations = append(s.stations, one)
	}
	return closeSignals, nil
}

// listenAll takes every port or none.
func listenAll(addresses map[web.Kind]string) (map[web.Kind]net.Listener, error) {
	out := map[web.Kind]net.Listener{}
	for kind, address := range addresses {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			for _, l := range out {
				l.Close()
			}
			return nil, fmt.Errorf("%s.listen: %w", kind, err)
		}
		out[kind] = ln
	}
	return out, nil
}
