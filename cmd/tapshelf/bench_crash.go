package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

type benchCrashCmd struct {
	Cycles int    `help:"How often to kill." default:"300"`
	Child  string `hidden:"" help:"Lend in this folder until killed."`
}

// Run kills a child that lends and takes back as fast as it can. Every act
// that the child acknowledged must be on record, and the ledger whole.
func (b benchCrashCmd) Run(a *app) error {
	if b.Child != "" {
		return lendForever(a, b.Child)
	}
	dir, err := os.MkdirTemp("", "tapshelf-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	acknowledged, lost := 0, 0
	for cycle := range b.Cycles {
		acts, err := killOnce(a.ctx, dir)
		if err != nil {
			return fmt.Errorf("cycle %d: %w", cycle+1, err)
		}
		missing, err := lookFor(a.ctx, dir, acts)
		if err != nil {
			return fmt.Errorf("cycle %d: %w", cycle+1, err)
		}
		acknowledged += len(acts)
		lost += missing
	}
	a.printf("kill -9 during load: %d cycles, %d acts acknowledged, %d lost\n", b.Cycles, acknowledged, lost)
	if lost > 0 || acknowledged == 0 {
		return exitCode(1)
	}
	return nil
}

// killOnce runs the child for a while and kills it. It gives the operation
// ids that the child has acknowledged.
func killOnce(ctx context.Context, dir string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, self, "bench", "crash", "--child", dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	var acts []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "ready" {
			time.AfterFunc(time.Duration(20+rand.IntN(180))*time.Millisecond, func() { child.Process.Kill() })
			continue
		}
		acts = append(acts, lines.Text())
	}
	var killed *exec.ExitError
	if err := child.Wait(); err != nil && !errors.As(err, &killed) {
		return nil, err
	}
	if len(acts) == 0 {
		return nil, errors.New("the child acknowledged nothing")
	}
	return acts, nil
}

// lookFor counts acknowledged acts that are not on record.
func lookFor(ctx context.Context, dir string, acts []string) (missing int, err error) {
	path := filepath.Join(dir, "ledger.db")
	store, err := openLedger(ctx, path)
	if err != nil {
		return 0, err
	}
	err = store.Read(ctx, func(tx lending.Tx) error {
		for _, op := range acts {
			switch _, err := tx.Operation(op); {
			case errors.Is(err, lending.ErrNotFound):
				missing++
			case err != nil:
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, store.Close()); err != nil {
		return missing, err
	}
	r, err := sqlite.Verify(ctx, path)
	if err == nil && !r.OK() {
		err = fmt.Errorf("the ledger does not verify: %s", strings.Join(r.Problems, "; "))
	}
	return missing, err
}

// lendForever lends and takes back until it is killed, and says each act
// only after it has been acknowledged.
func lendForever(a *app, dir string) error {
	site, err := openBenchSite(a.ctx, dir, 20, func(n int) lending.Presented { return benchLabel(fmt.Sprintf("T-%06d", n)) })
	if err != nil {
		return err
	}
	defer site.store.Close()
	// The last kill may have left a loan that nobody has heard of.
	open, err := site.store.Loans(a.ctx, lending.LoanFilter{Open: true})
	if err != nil {
		return err
	}
	for _, l := range open {
		if _, err := site.desk.Return(a.ctx, lending.ReturnRequest{Op: newID(), Station: "bench", Item: l.Item}); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out, "ready")
	for n := 0; a.ctx.Err() == nil; n++ {
		item := site.items[n%len(site.items)]
		op := newID()
		if _, err := site.desk.Checkout(a.ctx, lending.CheckoutRequest{Op: op, Station: "bench", Patron: site.patron, Item: item}); err != nil {
			return err
		}
		fmt.Fprintln(a.out, op)
		op = newID()
		if _, err := site.desk.Return(a.ctx, lending.ReturnRequest{Op: op, Station: "bench", Item: item}); err != nil {
			return err
		}
		fmt.Fprintln(a.out, op)
	}
	return nil
}
