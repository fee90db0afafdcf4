package main

import (
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tapshelf/devices"
	"tapshelf/kiosk/api"
	"tapshelf/kiosk/panel"
	"tapshelf/kiosk/staff"
	"tapshelf/kiosk/web"
)

// surfaces makes an app for each listener.
func (c *counter) surfaces() (map[web.Kind]*fiber.App, error) {
	panels, err := c.panelApp()
	if err != nil {
		return nil, err
	}
	desk, err := staff.New(staff.Config{
		Desk: c.desk, Queries: c.store, Words: c.words, Now: c.now, Zone: c.zone, Language: c.language, NewID: newID,
		Readers: c.readers, Secure: c.secure, Hosts: c.hosts[web.Staff], Log: c.log,
	})
	if err != nil {
		return nil, err
	}
	return map[web.Kind]*fiber.App{
		web.Staff: desk,
		web.Panel: panels,
		web.API: api.New(api.Config{
			Desk: c.desk, Registry: c.registry, Store: c.store, Queries: c.store, Words: c.words, Now: c.now,
			Hosts: c.hosts[web.API], Log: c.log, Done: c.done,
		}),
		web.Metrics: c.metricsApp(),
	}, nil
}

func (c *counter) panelApp() (*fiber.App, error) {
	counters, displays := []panel.Counter{}, map[string]panel.Display{}
	for i, k := range c.kiosks {
		counters = append(counters, k)
		displays[c.stations[i].Name] = panel.Display{PixelsPerMM: c.stations[i].mm}
	}
	return panel.New(panel.Config{
		Counters: counters, Displays: displays, Words: c.words, Now: c.now, FramedBy: c.framedBy, Contact: c.contact,
		Log: c.log, Done: c.done,
	})
}

// readers tells the staff pages how each reader does.
func (c *counter) readers() []staff.ReaderHealth {
	var out []staff.ReaderHealth
	for i, watch := range c.watches {
		for _, h := range watch.Health() {
			out = append(out, staff.ReaderHealth{
				Name: h.Reader, Station: c.stations[i].Title, Driver: h.Driver, State: string(h.State),
				LastSeen: h.LastSeen, Failures: h.Failures, Err: h.Err,
			})
		}
	}
	return out
}

// metricsApp tells monitors how the counter does, in numbers that name
// nobody. /healthz is 200 while the ledger takes writes.
func (c *counter) metricsApp() *fiber.App {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for i, watch := range c.watches {
		for _, r := range c.stations[i].readers {
			labels := prometheus.Labels{"station": c.stations[i].Name, "reader": r.Name, "driver": r.Driver}
			registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "tapshelf_reader_working", Help: "1 while the reader works.", ConstLabels: labels,
			}, func() float64 { return working(watch.Health(), r.Name) }))
		}
	}
	app := web.New(web.Metrics, web.Options{Log: c.log})
	metrics := adaptor.HTTPHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	app.Get("/metrics", metrics)
	app.Get("/healthz", func(f *fiber.Ctx) error {
		if err := c.heartbeat(f.UserContext()); err != nil {
			c.log.Error("not healthy", "err", err)
			return fiber.NewError(fiber.StatusServiceUnavailable, "the ledger does not take writes")
		}
		return f.SendString("ok\n")
	})
	return app
}

func working(health []devices.Health, reader string) float64 {
	for _, h := range health {
		if h.Reader == reader && h.State == devices.Working {
			return 1
		}
	}
	return 0
}
