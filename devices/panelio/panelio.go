// Package panelio is a station's lamp and buzzer on GPIO pins.
//
// Each cue has its own rhythm, so that it is told apart without seeing
// colours or hearing pitch. The package only switches pins on and off: PWM
// and edge detection differ between boards and kernels.
package panelio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"tapshelf/devices"
)

// ErrClosed is returned by Give after Close.
var ErrClosed = errors.New("panelio: closed")

// Buzzer says what kind of buzzer is wired.
type Buzzer int

const (
	// Active buzzers make their own tone while the pin is on; every note has
	// the same pitch.
	Active Buzzer = iota
	// Passive buzzers need the tone itself: the pin is toggled by a
	// goroutine, so its pitch is approximate on a busy Pi.
	Passive
)

// Config says which pins are wired. Nil pins are left out: the cue is given
// with what there is.
type Config struct {
	Green, Amber, Red gpio.PinOut
	Buzzer            gpio.PinOut
	BuzzerKind        Buzzer
	// ActiveLow is for relay and transistor boards that switch on with a low
	// level. It holds for all pins.
	ActiveLow bool
}

// Signal is a devices.Signal. One goroutine owns the pins.
type Signal struct {
	config Config
	cues   chan devices.Cue // of one; the latest wins
	done   chan struct{}

	mu     sync.Mutex // guards what follows
	closed bool
	fault  error
}

// New switches everything off and waits for cues. It fails if a pin cannot
// be an output. Close it.
func New(c Config) (*Signal, error) {
	s := &Signal{config: c, cues: make(chan devices.Cue, 1), done: make(chan struct{})}
	if err := s.show(step{}); err != nil {
		return nil, fmt.Errorf("panelio: %w", err)
	}
	go s.play()
	return s, nil
}

// Give implements devices.Signal. A pin that failed since the last Give is
// reported now; the cue is tried all the same.
func (s *Signal) Give(c devices.Cue) error {
	if rhythm(c) == nil {
		return fmt.Errorf("panelio: cue %d is not known", c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case <-s.cues:
	default:
	}
	s.cues <- c
	fault := s.fault
	s.fault = nil
	return fault
}

// Close ends the cue that is playing, switches everything off and waits for
// it. It returns what a pin had to complain about since the last Give.
func (s *Signal) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.cues)
	}
	s.mu.Unlock()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.fault
	s.fault = nil
	return fault
}

// play owns the pins from New until Close.
func (s *Signal) play() {
	defer close(s.done)
	cue, open := <-s.cues
	for open {
		cue, open = s.playOne(cue)
	}
	s.note(s.show(step{}))
}

// playOne plays a cue until it ends and the next comes, or the next cuts in.
func (s *Signal) playOne(c devices.Cue) (next devices.Cue, open bool) {
	for _, st := range rhythm(c) {
		s.note(s.show(st))
		var cut bool
		if next, open, cut = s.hold(st); cut {
			return next, open
		}
	}
	s.note(s.show(step{}))
	next, open = <-s.cues
	return next, open
}

// hold lets a step last, toggling a passive buzzer, unless a cue cuts in.
func (s *Signal) hold(st step) (next devices.Cue, open, cut bool) {
	end := time.NewTimer(st.lasts)
	defer end.Stop()
	var toggle <-chan time.Time
	if st.hertz > 0 && s.config.Buzzer != nil && s.config.BuzzerKind == Passive {
		tick := time.NewTicker(time.Second / time.Duration(2*st.hertz))
		defer tick.Stop()
		toggle = tick.C
	}
	on := true
	for {
		select {
		case next, open = <-s.cues:
			return next, open, true
		case <-end.C:
			return 0, true, false
		case <-toggle:
			on = !on
			s.note(s.set(s.config.Buzzer, on))
		}
	}
}

// show sets every pin, whatever became of the others.
func (s *Signal) show(st step) error {
	return errors.Join(
		s.set(s.config.Green, st.lamp == green),
		s.set(s.config.Amber, st.lamp == amber),
		s.set(s.config.Red, st.lamp == red),
		s.set(s.config.Buzzer, st.hertz > 0))
}

func (s *Signal) set(p gpio.PinOut, on bool) error {
	if p == nil {
		return nil
	}
	if err := p.Out(gpio.Level(on != s.config.ActiveLow)); err != nil {
		return fmt.Errorf("switch %s: %w", p.Name(), err)
	}
	return nil
}

// note keeps the first fault for the next Give.
func (s *Signal) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil && err != nil {
		s.fault = fmt.Errorf("panelio: %w", err)
	}
}
