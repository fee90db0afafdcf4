package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"

	"tapshelf/devices"
	"tapshelf/devices/em4100"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
	"tapshelf/kiosk"
	"tapshelf/lending"
)

type benchTapCmd struct {
	Taps int `help:"How many fobs." default:"500"`
}

// benchFob is the n-th fob.
func benchFob(n int) [5]byte {
	var b [5]byte
	binary.BigEndian.PutUint32(b[1:], uint32(n+1))
	return b
}

// committed is a store that tells when a write has returned.
type committed struct {
	lending.Store
	at chan time.Time
}

func (c committed) Write(ctx context.Context, f func(lending.Tx) error) error {
	err := c.Store.Write(ctx, f)
	select {
	case c.at <- time.Now():
	default:
	}
	return err
}

// Run sends each fob's frame over a pty to the real driver, presence, kiosk
// and ledger.
func (b benchTapCmd) Run(a *app) error {
	dir, err := os.MkdirTemp("", "tapshelf-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := openBenchSite(a.ctx, dir, b.Taps, func(n int) lending.Presented {
		return lending.Presented{Spellings: kiosk.Spellings(tag.NewEM4100(benchFob(n)).Aliases()), Tail: "00"}
	})
	if err != nil {
		return err
	}
	defer site.store.Close()
	master, slave, err := pty.Open()
	if err != nil {
		return fmt.Errorf("pty: %w", err)
	}
	defer master.Close()
	defer slave.Close()
	took, err := b.measure(a.ctx, site, master, slave.Name())
	if err != nil {
		return err
	}
	a.printf("%s", percentiles("last byte on the pty to COMMIT returned", took))
	return nil
}

func (b benchTapCmd) measure(ctx context.Context, site *benchSite, line io.Writer, path string) ([]time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := committed{site.store, make(chan time.Time, 1)}
	site.desk.Store = done
	k := kiosk.New(kiosk.Config{
		Station: kiosk.Station{Name: "bench"}, Desk: site.desk, Signal: new(sim.Signal), Now: time.Now, Boot: newID(),
		Language: "en", Log: slog.New(slog.DiscardHandler),
	})
	reader := em4100.New(em4100.Config{Name: "pty", Open: em4100.OpenSerial(path), Now: time.Now})
	watch := devices.NewSupervisor([]devices.Supervised{{Name: "pty", Driver: "em4100", Reader: reader}}, time.Now, slog.New(slog.DiscardHandler))
	presence := devices.NewPresence("bench", newID(), time.Now, nil)
	seen, events := make(chan devices.Seen), make(chan devices.Event)
	var wg sync.WaitGroup
	wg.Go(func() { k.Run(ctx) })
	wg.Go(func() { watch.Run(ctx, seen) })
	wg.Go(func() { presence.Run(ctx, seen, events) })
	wg.Go(func() { passTaps(ctx, events, k) })
	defer wg.Wait()
	defer stop()
	badge, err := tag.NewLabel("BADGE")
	if err != nil {
		return nil, err
	}
	k.Tap(ctx, devices.Tap{ID: newID(), UID: badge})
	if err := awaitOpen(ctx, k, watch); err != nil {
		return nil, err
	}
	var took []time.Duration
	for n := range b.Taps {
		frame := em4100.AppendFrame(nil, benchFob(n))
		if _, err := line.Write(frame); err != nil {
			return nil, fmt.Errorf("pty: %w", err)
		}
		began := time.Now()
		select {
		case at := <-done.at:
			took = append(took, at.Sub(began))
		case <-time.After(5 * time.Second):
			return nil, fmt.Errorf("fob %d was not lent within 5 s", n)
		}
	}
	if n := k.Screen().Borrowed; n < b.Taps-1 {
		return nil, fmt.Errorf("%d fobs were tapped, %d lent", b.Taps, n)
	}
	return took, nil
}

// awaitOpen waits until the visit has begun and the driver has its port.
func awaitOpen(ctx context.Context, k *kiosk.Kiosk, watch *devices.Supervisor) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		if k.Screen().Stage == kiosk.Open && watch.Health()[0].State == devices.Working {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the bench did not get ready within 5 s")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
