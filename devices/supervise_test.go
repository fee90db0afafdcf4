package devices_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/sim"
)

// readerFunc is a driver in one function.
type readerFunc func(ctx context.Context, seen chan<- devices.Seen) error

func (f readerFunc) Run(ctx context.Context, seen chan<- devices.Seen) error { return f(ctx, seen) }

// supervised runs readers in fake time until the test ends.
func supervised(t *testing.T, log *slog.Logger, readers ...devices.Supervised) (*devices.Supervisor, chan devices.Seen) {
	t.Helper()
	s := devices.NewSupervisor(readers, time.Now, log)
	ctx, cancel := context.WithCancel(t.Context())
	seen, done := make(chan devices.Seen), make(chan error)
	go func() { done <- s.Run(ctx, seen) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, h := range s.Health() {
			if h.State != devices.Stopped {
				t.Errorf("%s is %s after the end", h.Reader, h.State)
			}
		}
	})
	return s, seen
}

func TestAFailingReaderIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var tries []time.Duration
		bad := readerFunc(func(context.Context, chan<- devices.Seen) error {
			tries = append(tries, time.Since(start))
			return errors.New("unplugged")
		})
		s, _ := supervised(t, nil, devices.Supervised{Name: "pad", Driver: "fake", Reader: bad})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		want := []time.Duration{0, 100, 300, 700, 1500, 2500, 3500}
		if len(tries) != len(want) {
			t.Fatalf("tried at %v", tries)
		}
		for i := range want {
			if tries[i] != want[i]*time.Millisecond {
				t.Errorf("try %d at %v, want %v ms", i, tries[i], int(want[i]))
			}
		}
		h := s.Health()[0]
		if h.State != devices.Failing || h.Failures != 7 || h.Err != "unplugged" || !h.Since.Equal(start) || h.Driver != "fake" {
			t.Errorf("health: %+v", h)
		}
	})
}

func TestOneBadReaderDisturbsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		good := sim.NewReader("good", time.Now)
		bad := readerFunc(func(context.Context, chan<- devices.Seen) error { panic("index out of range") })
		s, seen := supervised(t, slog.New(slog.NewTextHandler(&log, nil)),
			devices.Supervised{Name: "bad", Driver: "fake", Reader: bad},
			devices.Supervised{Name: "good", Driver: "sim", Reader: good})
		time.Sleep(5 * time.Second)
		good.Present(label(t, "LAP-001"))
		for range 20 {
			if got := <-seen; got.Reader != "good" {
				t.Fatalf("saw %v", got)
			}
		}
		health := s.Health()
		if h := health[0]; h.State != devices.Failing || !strings.Contains(h.Err, "panicked: index out of range") {
			t.Errorf("bad: %+v", h)
		}
		if h := health[1]; h.State != devices.Working || h.Failures != 0 || h.LastSeen.IsZero() {
			t.Errorf("good: %+v", h)
		}
	})
}

func TestAReaderThatIsReplacedWorksAgainWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := sim.NewReader("pad", time.Now)
		s, seen := supervised(t, slog.New(slog.NewTextHandler(&log, nil)), devices.Supervised{Name: "pad", Driver: "sim", Reader: r})
		time.Sleep(2 * time.Second)
		if h := s.Health()[0]; h.State != devices.Working {
			t.Errorf("at first: %+v", h)
		}
		r.Fail(errors.New("unplugged"))
		time.Sleep(time.Minute)
		if h := s.Health()[0]; h.State != devices.Failing || h.Err != "unplugged" {
			t.Errorf("unplugged: %+v", h)
		}
		r.Fail(nil)
		r.Tap(label(t, "LAP-001"))
		plugged := time.Now()
		<-seen
		if waited := time.Since(plugged); waited > time.Second {
			t.Errorf("waited %v", waited)
		}
		synctest.Wait()
		if h := s.Health()[0]; h.State != devices.Working || h.Failures != 0 || h.Err != "" {
			t.Errorf("plugged in again: %+v", h)
		}
		if got := strings.Count(log.String(), "\n"); got != 2 {
			t.Errorf("%d lines logged, want one failure and one recovery:\n%s", got, log.String())
		}
	})
}

func TestADriverThatJustEndsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := supervised(t, nil, devices.Supervised{Name: "pad", Reader: readerFunc(
			func(context.Context, chan<- devices.Seen) error { return nil })})
		time.Sleep(time.Second)
		if h := s.Health()[0]; h.State != devices.Failing || h.Err != "the driver ended without a reason" {
			t.Errorf("health: %+v", h)
		}
	})
}
