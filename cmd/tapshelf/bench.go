package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

type benchCmd struct {
	All   benchAllCmd   `cmd:"" default:"withargs" help:"Every figure, one after the other."`
	Crash benchCrashCmd `cmd:"" help:"Kill the program while it lends, and look for loans that were acknowledged and lost."`
	Tap   benchTapCmd   `cmd:"" help:"Last byte of a fob's frame on a serial line until COMMIT has returned."`
	Start benchStartCmd `cmd:"" help:"Process start until the first loan, and memory afterwards."`
}

type benchAllCmd struct {
	Small bool `help:"A quick run, as in continuous integration."`
}

func (b benchAllCmd) Run(a *app) error {
	cycles, taps, starts := 300, 500, 20
	if b.Small {
		cycles, taps, starts = 30, 50, 3
	}
	a.printf("tapshelf %s on %s, %d cores, %s\n", version, machineName(), runtime.NumCPU(), time.Now().Format(time.DateOnly))
	return errors.Join(
		benchTapCmd{Taps: taps}.Run(a),
		benchStartCmd{Times: starts}.Run(a),
		benchCrashCmd{Cycles: cycles}.Run(a),
	)
}

func machineName() string {
	if b, err := os.ReadFile("/proc/device-tree/model"); err == nil {
		return string(b)
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}

// percentiles prints a few of them.
func percentiles(what string, took []time.Duration) string {
	slices.Sort(took)
	at := func(p float64) time.Duration {
		return took[min(len(took)-1, int(p*float64(len(took))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%s: p50 %v, p95 %v, p99 %v, worst %v (%d times)\n", what, at(.5), at(.95), at(.99), took[len(took)-1].Round(10*time.Microsecond), len(took))
}

// benchSite is a ledger with one person and many things, in a folder of its
// own.
type benchSite struct {
	dir    string
	store  *sqlite.Store
	desk   *lending.Desk
	patron lending.PatronID
	items  []lending.ItemID
}

var benchKey = lending.Key{1}

// openBenchSite opens the site in dir, filling it if it is empty. tag gives
// the tag of the n-th item.
func openBenchSite(ctx context.Context, dir string, things int, tag func(n int) lending.Presented) (*benchSite, error) {
	store, err := openLedger(ctx, filepath.Join(dir, "ledger.db"))
	if err != nil {
		return nil, err
	}
	b := &benchSite{dir: dir, store: store, desk: &lending.Desk{
		Store: store, Key: benchKey, Zone: time.UTC, Now: time.Now, NewID: newID, NewSubject: newSubject,
		ClockTrusted: func() bool { return true },
	}}
	registry := &lending.Registry{Store: store, Key: benchKey, Zone: time.UTC, Now: time.Now, NewID: newID}
	name, kind := "Bench", "thing"
	records := []lending.Record{
		lending.PolicyRecord{LoanType: kind, Period: lending.Period{N: 1, Unit: lending.Day}, SelfService: true},
		lending.PatronRecord{ExternalID: "p", GivenName: &name},
		lending.BadgeRecord{Patron: "p", Presented: benchLabel("BADGE")},
		lending.TitleRecord{ExternalID: "t", Name: &name, LoanType: &kind},
	}
	title := "t"
	for n := range things {
		label := fmt.Sprintf("T-%06d", n)
		records = append(records, lending.ItemRecord{ExternalID: label, Title: &title, Label: &label},
			lending.TagRecord{Item: label, Presented: tag(n)})
	}
	results, err := registry.Apply(ctx, records, lending.ApplyOptions{By: "bench", Whole: true})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	for i, r := range results {
		if r.Err != nil {
			return nil, errors.Join(fmt.Errorf("bench record %d: %w", i, r.Err), store.Close())
		}
		if i == 1 {
			b.patron = lending.PatronID(r.ID)
		}
		if i >= 4 && i%2 == 0 {
			b.items = append(b.items, lending.ItemID(r.ID))
		}
	}
	return b, nil
}

func benchLabel(text string) lending.Presented {
	return lending.Presented{Spellings: []lending.Spelling{{Form: "label", Value: text}}, Tail: text[len(text)-2:]}
}
