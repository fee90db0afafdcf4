package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
	"tapshelf/kiosk"
	"tapshelf/lending"
)

type benchStartCmd struct {
	Times int    `help:"How often to start." default:"20"`
	Child string `hidden:"" help:"Start in this folder, lend once, and say so."`
}

// Run starts a whole counter again and again: process start until a tap of
// a badge and an item has become a loan.
func (b benchStartCmd) Run(a *app) error {
	if b.Child != "" {
		return firstTap(a, b.Child)
	}
	dir, err := os.MkdirTemp("", "tapshelf-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := openBenchSite(a.ctx, dir, 1000, func(n int) lending.Presented { return benchLabel(fmt.Sprintf("T-%06d", n)) })
	if err != nil {
		return err
	}
	if err := site.store.Close(); err != nil {
		return err
	}
	var took []time.Duration
	memory := ""
	for n := range b.Times {
		d, rss, err := startOnce(a.ctx, dir, n)
		if err != nil {
			return err
		}
		took, memory = append(took, d), rss
	}
	a.printf("%s", percentiles("process start to first loan", took))
	a.printf("resident memory, idle with every listener open: %s\n", memory)
	return nil
}

func startOnce(ctx context.Context, dir string, n int) (time.Duration, string, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, "", err
	}
	child := exec.CommandContext(ctx, self, "bench", "start", "--child", fmt.Sprintf("%s:%d", dir, n))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	began := time.Now()
	if err := child.Start(); err != nil {
		return 0, "", err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "lent" {
		return 0, "", errors.Join(errors.New("the child did not lend"), child.Wait())
	}
	took := time.Since(began)
	lines.Scan()
	return took, lines.Text(), child.Wait()
}

// firstTap starts a counter with a simulated reader, taps, and tells its own
// memory once it has come to rest.
func firstTap(a *app, where string) error {
	dir, number, _ := strings.Cut(where, ":")
	listen, _, err := demoListeners(20000)
	if err != nil {
		return err
	}
	reader := sim.NewReader("pad", time.Now)
	c, err := openCounter(a.ctx, setup{
		ledger: filepath.Join(dir, "ledger.db"), key: benchKey, zone: time.UTC, language: "en", trusted: func() bool { return true },
		listen: listen, log: slog.New(slog.DiscardHandler),
		stations: []stationSetup{{
			Station: kiosk.Station{Name: "bench", Title: "Bench"}, mm: 5.19, signal: new(sim.Signal),
			readers: []devices.Supervised{{Name: "pad", Driver: "sim", Reader: reader}},
		}},
	})
	if err != nil {
		return err
	}
	listen[bench].Close()
	delete(listen, bench)
	if err := c.start(a.ctx); err != nil {
		return errors.Join(err, c.close())
	}
	if err := tapThrough(a, c, reader, number); err != nil {
		return errors.Join(err, c.close())
	}
	debug.FreeOSMemory()
	a.printf("%s\n", resident())
	return c.close()
}

func tapThrough(a *app, c *counter, reader *sim.Reader, number string) error {
	badge, err := tag.NewLabel("BADGE")
	if err != nil {
		return err
	}
	item, err := tag.NewLabel("T-" + strings.Repeat("0", max(0, 6-len(number))) + number)
	if err != nil {
		return err
	}
	reader.Tap(badge)
	reader.Tap(item)
	ctx, cancel := context.WithTimeout(a.ctx, 10*time.Second)
	defer cancel()
	for s := range c.kiosks[0].Watch(ctx) {
		if s.Borrowed == 1 {
			a.printf("lent\n")
			return nil
		}
	}
	return errors.New("the item was not lent within 10 s")
}

// resident is this process's memory as the kernel counts it.
func resident() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
