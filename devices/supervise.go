package devices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	// firstPause and longestPause bound the wait before a failed reader is
	// tried again: a replugged reader works within a second.
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second
	// settled is how long a reader must run to count as working.
	settled = time.Second
)

// HealthState says how a reader is doing.
type HealthState string

// The states of a reader.
const (
	// Starting has not yet worked since Run began.
	Starting HealthState = "starting"
	// Working has run for a second, or seen a tag, since its last failure.
	Working HealthState = "working"
	// Failing is being tried again and again.
	Failing HealthState = "failing"
	// Stopped is not being run.
	Stopped HealthState = "stopped"
)

// Health is how one reader is doing.
type Health struct {
	Reader, Driver string
	State          HealthState
	// Since is when State was entered.
	Since time.Time
	// LastSeen is when a tag was last reported; zero if never.
	LastSeen time.Time
	// Failures counts the failures in a row; it falls to 0 when the reader
	// works again.
	Failures int
	// Err is the latest failure, for staff and logs; empty while Working.
	Err string
}

// Supervised is one reader to be kept running.
type Supervised struct {
	Name, Driver string
	Reader       Reader
}

// Supervisor keeps readers running and knows how they do.
type Supervisor struct {
	readers []Supervised
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex // guards health
	health []Health
}

// NewSupervisor takes the readers of one station, or of all. log hears of a
// reader's first failure, of a different one, and of its recovery; nil hears
// nothing.
func NewSupervisor(readers []Supervised, now func() time.Time, log *slog.Logger) *Supervisor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Supervisor{readers: slices.Clone(readers), now: now, log: log}
	for _, r := range readers {
		s.health = append(s.health, Health{Reader: r.Name, Driver: r.Driver, State: Stopped, Since: now()})
	}
	return s
}

// Health lists every reader in the order given to NewSupervisor. It may be
// called from any goroutine.
func (s *Supervisor) Health() []Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.health)
}

// Run keeps every reader running until ctx ends, and returns nil when all
// have returned. A reader that fails or panics is tried again after 100 ms,
// then after twice as long each time, at most every second; the others do not
// notice. It never closes seen.
func (s *Supervisor) Run(ctx context.Context, seen chan<- Seen) error {
	var all sync.WaitGroup
	for i := range s.readers {
		all.Go(func() { s.supervise(ctx, i, seen) })
	}
	all.Wait()
	return nil
}

func (s *Supervisor) supervise(ctx context.Context, i int, seen chan<- Seen) {
	s.enter(i, Starting, nil)
	pause := firstPause
	for {
		worked, err := s.runOnce(ctx, i, seen)
		if ctx.Err() != nil {
			s.enter(i, Stopped, nil)
			return
		}
		if worked {
			pause = firstPause
		}
		s.enter(i, Failing, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// runOnce runs a reader until it returns, passes on what it sees, and reports
// whether it worked in between.
func (s *Supervisor) runOnce(ctx context.Context, i int, seen chan<- Seen) (worked bool, err error) {
	own, done := make(chan Seen), make(chan error, 1)
	go func() { done <- runSafely(ctx, s.readers[i].Reader, own) }()
	works := func() {
		if !worked {
			worked = true
			s.enter(i, Working, nil)
		}
	}
	timer := time.NewTimer(settled)
	defer timer.Stop()
	for {
		select {
		case sighting := <-own:
			works()
			s.saw(i)
			select {
			case seen <- sighting:
			case <-ctx.Done():
			}
		case <-timer.C:
			works()
		case err := <-done:
			return worked, err
		}
	}
}

// runSafely makes an error of whatever ends a reader while it should run.
func runSafely(ctx context.Context, r Reader, seen chan<- Seen) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if err := r.Run(ctx, seen); err != nil {
		return err
	}
	return errors.New("the driver ended without a reason")
}

func (s *Supervisor) saw(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health[i].LastSeen = s.now()
}

// enter records a state, and logs it if it is news.
func (s *Supervisor) enter(i int, state HealthState, err error) {
	s.mu.Lock()
	before := s.health[i]
	h := &s.health[i]
	if h.State != state {
		h.State, h.Since = state, s.now()
	}
	if err != nil {
		h.Failures, h.Err = h.Failures+1, err.Error()
	} else {
		h.Failures, h.Err = 0, ""
	}
	after := *h
	s.mu.Unlock()

	switch {
	case err != nil && after.Err != before.Err:
		s.log.Warn("reader fails", "reader", after.Reader, "driver", after.Driver, "err", err)
	case state == Working && before.State == Failing:
		s.log.Info("reader works again", "reader", after.Reader, "driver", after.Driver)
	}
}
