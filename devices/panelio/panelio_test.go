package panelio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"tapshelf/devices"
	"tapshelf/devices/panelio"
)

var _ devices.Signal = (*panelio.Signal)(nil)

// score writes down when each pin changed.
type score struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (s *score) add(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("%v ", time.Since(s.start))+fmt.Sprintf(format, a...))
}

func (s *score) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "; ")
}

// recorded is a pin of gpiotest that writes its changes down.
type recorded struct {
	gpiotest.Pin
	score *score
	fault error
}

func (p *recorded) Out(l gpio.Level) error {
	if p.fault != nil {
		return p.fault
	}
	if p.Read() != l {
		p.score.add("%s %v", p.N, l)
	}
	return p.Pin.Out(l)
}

type board struct {
	*score
	green, amber, red, buzzer *recorded
}

func newBoard() *board {
	s := &score{start: time.Now()}
	pin := func(name string) *recorded { return &recorded{Pin: gpiotest.Pin{N: name}, score: s} }
	return &board{s, pin("green"), pin("amber"), pin("red"), pin("buzzer")}
}

func (b *board) config() panelio.Config {
	return panelio.Config{Green: b.green, Amber: b.amber, Red: b.red, Buzzer: b.buzzer}
}

func newSignal(t *testing.T, c panelio.Config) *panelio.Signal {
	t.Helper()
	s, err := panelio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func give(t *testing.T, s *panelio.Signal, c devices.Cue) {
	t.Helper()
	if err := s.Give(c); err != nil {
		t.Fatal(err)
	}
}

func TestEachCueHasItsOwnRhythm(t *testing.T) {
	for _, c := range []struct {
		name string
		cue  devices.Cue
		want string
	}{
		{"two notes and steady green", devices.CueOK, "0s green High; 0s buzzer High; 120ms buzzer Low; 160ms buzzer High; 280ms buzzer Low; 2.28s green Low"},
		{"three notes and three amber flashes", devices.CueAttention, "0s amber High; 0s buzzer High; 80ms buzzer Low; 250ms amber Low; " +
			"500ms amber High; 500ms buzzer High; 580ms buzzer Low; 750ms amber Low; " +
			"1s amber High; 1s buzzer High; 1.08s buzzer Low; 1.25s amber Low"},
		{"one long note and steady red", devices.CueStop, "0s red High; 0s buzzer High; 400ms buzzer Low; 2.4s red Low"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBoard()
				s := newSignal(t, b.config())
				give(t, s, c.cue)
				time.Sleep(time.Minute)
				if got := b.String(); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestANewCueReplacesThePlayingOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		s := newSignal(t, b.config())
		give(t, s, devices.CueOK)
		time.Sleep(50 * time.Millisecond)
		give(t, s, devices.CueAttention)
		give(t, s, devices.CueStop)
		time.Sleep(time.Minute)
		if want := "2.45s red Low"; !strings.HasSuffix(b.String(), want) {
			t.Errorf("got %s, want it to end with %s", b, want)
		}
		if strings.Contains(b.String(), "120ms") {
			t.Errorf("the first cue plays on: %s", b)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsTheCueAndLeavesEverythingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		s := newSignal(t, b.config())
		give(t, s, devices.CueStop)
		time.Sleep(100 * time.Millisecond)
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if want := "0s red High; 0s buzzer High; 100ms red Low; 100ms buzzer Low"; b.String() != want {
			t.Errorf("got %s, want %s", b, want)
		}
		if err := s.Give(devices.CueOK); !errors.Is(err, panelio.ErrClosed) {
			t.Errorf("Give after Close: %v", err)
		}
	})
}

func TestAPassiveBuzzerGetsATone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := b.config()
		c.BuzzerKind = panelio.Passive
		s := newSignal(t, c)
		give(t, s, devices.CueStop)
		time.Sleep(time.Minute)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		// 400 Hz for 400 ms are 160 periods.
		if got := strings.Count(b.String(), "buzzer High"); got < 159 || got > 161 {
			t.Errorf("%d periods, want about 160", got)
		}
		if b.buzzer.Read() != gpio.Low {
			t.Error("current flows through the buzzer at rest")
		}
	})
}

func TestAnActiveLowBoardRestsHigh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := b.config()
		c.ActiveLow = true
		s := newSignal(t, c)
		if b.red.Read() != gpio.High {
			t.Error("the red lamp is on at rest")
		}
		give(t, s, devices.CueStop)
		synctest.Wait()
		if b.red.Read() != gpio.Low || b.green.Read() != gpio.High {
			t.Error("the red lamp is not on alone")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestMissingPinsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		s := newSignal(t, panelio.Config{Green: b.green})
		give(t, s, devices.CueAttention)
		give(t, s, devices.CueOK)
		time.Sleep(time.Minute)
		if want := "0s green High; 2.28s green Low"; b.String() != want {
			t.Errorf("got %s, want %s", b, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPinThatFailsIsReportedWithTheNextCue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		s := newSignal(t, b.config())
		b.red.fault = errors.New("line is taken")
		give(t, s, devices.CueOK)
		time.Sleep(time.Minute)
		if err := s.Give(devices.CueOK); err == nil || !strings.Contains(err.Error(), "switch red: line is taken") {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if !strings.Contains(b.String(), "1m0s green High") {
			t.Errorf("the green lamp does not work either: %s", b)
		}
		if err := s.Close(); err == nil {
			t.Error("Close says nothing of the pin")
		}
	})
	b := newBoard()
	b.green.fault = errors.New("line is taken")
	if _, err := panelio.New(b.config()); err == nil {
		t.Error("a pin that cannot be switched is accepted")
	}
}

func TestAnUnknownCueIsRefused(t *testing.T) {
	s := newSignal(t, panelio.Config{})
	if err := s.Give(devices.Cue(9)); err == nil {
		t.Error("no error")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
