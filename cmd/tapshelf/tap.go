package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
)

type tapCmd struct {
	Badge string `help:"Badge to tap, by the number on it: B-07." xor:"what" required:""`
	Item  string `help:"Item to tap, by its label: LAP-001." xor:"what" required:""`
}

func (t tapCmd) Run(a *app) error {
	conn, err := net.Dial("unix", demoSocket())
	if err != nil {
		return fmt.Errorf("no demo is running here; start one with: tapshelf demo")
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, t.Badge+t.Item); err != nil {
		return fmt.Errorf("tap: %w", err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("tap: %w", err)
	}
	if answer = strings.TrimSpace(answer); answer != "ok" {
		return errors.New(answer)
	}
	a.printf("Tapped.\n")
	return nil
}

// demoSocket is where the running demo listens for taps: in the user's own
// runtime folder.
func demoSocket() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "tapshelf-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "tapshelf-demo.sock")
}

// listenForTaps lets other programs of this user tap on the demo's reader,
// one label a line. It ends with ctx.
func listenForTaps(ctx context.Context, path string, reader *sim.Reader) (wait func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("taps: %w", err)
	}
	if old, err := net.Dial("unix", path); err == nil {
		old.Close()
		return func() {}, errDemoRuns
	}
	os.Remove(path) // left behind by a demo that was killed
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("taps: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serveTap(conn, reader)
		}
	}()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	return func() {
		stop()
		ln.Close()
		<-done
	}, nil
}

// errDemoRuns says that another demo has the socket: "tapshelf tap" then
// taps there.
var errDemoRuns = errors.New("another demo is running; \"tapshelf tap\" taps there")

func serveTap(conn net.Conn, reader *sim.Reader) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	uid, err := tag.NewLabel(strings.TrimSpace(line))
	if err != nil {
		fmt.Fprintln(conn, err)
		return
	}
	reader.Tap(uid)
	fmt.Fprintln(conn, "ok")
}
