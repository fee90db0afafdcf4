// Package devicestest is the contract of devices.Reader as tests. Every
// driver runs it on a fake of its bus:
//
//	devicestest.Run(t, func(t *testing.T) devicestest.Harness { … })
package devicestest

import (
	"context"
	"sync"
	"testing"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/tag"
)

const (
	// promptly is how soon a reader returns when ctx ends: a poll or a read
	// time-out, with room for a busy machine.
	promptly = 2 * time.Second
	// patience is how long anything else may take.
	patience = 5 * time.Second
)

// Harness is a reader on a fake bus with one tag at hand. The functions are
// called from the test's goroutine and may be called while the reader runs or
// not.
type Harness struct {
	Reader devices.Reader
	// Name is what the reader writes into Seen.Reader.
	Name string
	// UID is what the reader reports of the tag.
	UID tag.UID
	// Present puts the tag into the field, Remove takes it out.
	Present, Remove func()
	// RemoveHalfway, if set, makes the tag leave in the middle of being read.
	RemoveHalfway func()
	// Break makes the hardware fail, Repair makes it work again.
	Break, Repair func()
}

// Run checks a driver against the contract, each time on a new harness.
func Run(t *testing.T, harness func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"an idle reader ends with its context", endsWhenIdle},
		{"a reader that nobody listens to ends with its context", endsWhenNobodyListens},
		{"a context that has ended ends it at once", endsBeforeItBegan},
		{"a tag is seen as long as it is present", seesATag},
		{"a tag that leaves half-way is no failure", survivesALeavingTag},
		{"a hardware failure is an error, and a repaired reader runs again", failsAndRunsAgain},
		{"a reader that ended may run again", runsAgain},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, harness(t)) })
	}
}

// running is one call of Run.
type running struct {
	t      *testing.T
	seen   chan devices.Seen
	done   chan error
	cancel context.CancelFunc
}

func start(t *testing.T, h Harness) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, seen: make(chan devices.Seen), done: make(chan error, 1), cancel: cancel}
	var ended sync.WaitGroup
	ended.Go(func() { r.done <- h.Reader.Run(ctx, r.seen) })
	t.Cleanup(func() { cancel(); ended.Wait() })
	return r
}

// sees waits for the tag and checks what is said of it.
func (r *running) sees(h Harness) {
	r.t.Helper()
	select {
	case s, ok := <-r.seen:
		if !ok {
			r.t.Fatal("the driver closed seen")
		}
		if s.UID != h.UID || s.Reader != h.Name || s.At.IsZero() {
			r.t.Fatalf("got %v by %q at %v, want %v by %q", s.UID, s.Reader, s.At, h.UID, h.Name)
		}
	case err := <-r.done:
		r.t.Fatalf("Run returned %v before it saw the tag", err)
	case <-time.After(patience):
		r.t.Fatal("the tag was not seen")
	}
}

// ends ends the context and wants nil soon.
func (r *running) ends() {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Fatalf("got %v when ctx ended, want nil", err)
		}
	case <-time.After(promptly):
		r.t.Fatal("Run goes on after ctx ended")
	}
	select {
	case _, ok := <-r.seen:
		if !ok {
			r.t.Fatal("the driver closed seen")
		}
	default:
	}
}

func endsWhenIdle(t *testing.T, h Harness) {
	r := start(t, h)
	time.Sleep(150 * time.Millisecond)
	r.ends()
}

func endsWhenNobodyListens(t *testing.T, h Harness) {
	r := start(t, h)
	h.Present()
	time.Sleep(300 * time.Millisecond)
	r.ends()
}

func endsBeforeItBegan(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error, 1)
	go func() { done <- h.Reader.Run(ctx, make(chan devices.Seen)) }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("got %v, want nil", err)
		}
	case <-time.After(promptly):
		t.Error("Run goes on")
	}
}

func seesATag(t *testing.T, h Harness) {
	r := start(t, h)
	h.Present()
	times := 5
	if o, ok := h.Reader.(devices.OneShot); ok && o.OneShot() {
		times = 1
	}
	for range times {
		r.sees(h)
	}
	r.ends()
}

func survivesALeavingTag(t *testing.T, h Harness) {
	r := start(t, h)
	h.Present()
	r.sees(h)
	if h.RemoveHalfway != nil {
		h.RemoveHalfway()
	} else {
		h.Remove()
	}
	quiet := time.After(400 * time.Millisecond)
	for waiting := true; waiting; {
		select {
		case <-r.seen:
		case err := <-r.done:
			t.Fatalf("Run returned %v when the tag left", err)
		case <-quiet:
			waiting = false
		}
	}
	h.Remove()
	h.Present()
	r.sees(h)
	r.ends()
}

func failsAndRunsAgain(t *testing.T, h Harness) {
	r := start(t, h)
	h.Present()
	r.sees(h)
	h.Break()
	deadline := time.After(patience)
	for failed := false; !failed; {
		select {
		case <-r.seen:
		case err := <-r.done:
			if err == nil {
				t.Fatal("got nil, want an error that says what failed")
			}
			failed = true
		case <-deadline:
			t.Fatal("the failure went unnoticed")
		}
	}
	h.Repair()
	again := start(t, h)
	h.Present()
	again.sees(h)
	again.ends()
}

func runsAgain(t *testing.T, h Harness) {
	for range 3 {
		r := start(t, h)
		h.Remove()
		h.Present()
		r.sees(h)
		r.ends()
	}
}
