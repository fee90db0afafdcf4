// Command tapshelf is the lending counter: the daemon, its demo, and the
// tools of whoever looks after it.
//
// It is the only package that knows everything: it wires drivers, ledger,
// rules and surfaces together, and hands in clock, chance and keys.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

// cli is every verb. Each is a struct with a Run method in a file of its own.
type cli struct {
	Demo    demoCmd    `cmd:"" help:"Try it: a counter with simulated readers, in a browser."`
	Serve   serveCmd   `cmd:"" help:"Run the counter."`
	Tap     tapCmd     `cmd:"" help:"Tap a badge or an item on the running demo."`
	Import  importCmd  `cmd:"" help:"Take patrons or items from a CSV file."`
	Ledger  ledgerCmd  `cmd:"" help:"Verify, back up or restore the ledger."`
	Doctor  doctorCmd  `cmd:"" help:"Say what is wrong with this machine, and what to do."`
	User    userCmd    `cmd:"" help:"Who may log in to the staff pages."`
	Token   tokenCmd   `cmd:"" help:"Which central systems may use the API."`
	Key     keyCmd     `cmd:"" help:"Draw the site key, once."`
	Bench   benchCmd   `cmd:"" help:"Measure this machine."`
	Version versionCmd `cmd:"" help:"Print versions."`
}

// app is what a verb may use of the outside.
type app struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
	err io.Writer
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// exitCode is an error that only says how the program ends; what went wrong
// has been told already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// run is the program. It returns its exit status: 0 well, 1 something is
// wrong, 2 the command line is.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	status := -1
	parser, err := kong.New(&cli{}, kong.Name("tapshelf"), kong.Writers(out, errs),
		kong.Description("The lending counter for things."), kong.UsageOnError(),
		kong.Exit(func(code int) { status = code }))
	if err != nil {
		fmt.Fprintln(errs, "tapshelf:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if status >= 0 { // --help has been answered
		return status
	}
	if err != nil {
		fmt.Fprintf(errs, "tapshelf: %v\nRun \"tapshelf --help\" to see what there is.\n", err)
		return 2
	}
	err = command.Run(&app{ctx: ctx, in: in, out: out, err: errs})
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		fmt.Fprintln(errs, "tapshelf:", err)
		return 1
	}
	return 0
}

// newID draws a UUIDv7. It fails only when the machine has no randomness,
// when nothing could be recorded anyway.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newSubject() (s lending.Subject) {
	rand.Read(s[:]) // never fails since Go 1.24
	return s
}

// openLedger opens the ledger for a daemon or a tool.
func openLedger(ctx context.Context, path string) (*sqlite.Store, error) {
	return sqlite.Open(ctx, path, sqlite.Options{
		Now: time.Now, NewID: newID, Boot: bootID(), BootTime: bootTime, BackupBeforeMigration: backupBeforeMigration,
	})
}

// backupBeforeMigration keeps the ledger as the older program left it.
func backupBeforeMigration(ctx context.Context, path string) error {
	_, err := sqlite.Backup(ctx, path, path+".before-"+version)
	return err
}
