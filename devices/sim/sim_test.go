package sim_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/devicestest"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
)

func label(t *testing.T, text string) tag.UID {
	t.Helper()
	u, err := tag.NewLabel(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReaderKeepsTheContract(t *testing.T) {
	devicestest.Run(t, func(t *testing.T) devicestest.Harness {
		r, uid := sim.NewReader("bench", time.Now), label(t, "LAP-001")
		return devicestest.Harness{
			Reader: r, Name: "bench", UID: uid,
			Present: func() { r.Present(uid) },
			Remove:  func() { r.Remove(uid) },
			Break:   func() { r.Fail(errors.New("unplugged")) },
			Repair:  func() { r.Fail(nil) },
		}
	})
}

func TestATapIsSeenForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, seen := sim.NewReader("bench", time.Now), make(chan devices.Seen, 100)
		go r.Run(t.Context(), seen)
		start := time.Now()
		r.Tap(label(t, "B-07"))
		time.Sleep(time.Minute)
		if got, want := len(seen), 4; got != want {
			t.Fatalf("seen %d times, want %d", got, want)
		}
		for i := range 4 {
			if s := <-seen; s.At.Sub(start) != time.Duration(i)*sim.Interval {
				t.Errorf("poll %d at %v", i, s.At.Sub(start))
			}
		}
	})
}

func TestATapBeforeTheReaderRunsIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, seen := sim.NewReader("bench", time.Now), make(chan devices.Seen)
		r.Tap(label(t, "B-07"))
		go r.Run(t.Context(), seen)
		if got := (<-seen).UID; got != label(t, "B-07") {
			t.Errorf("saw %v", got)
		}
	})
}

func TestSignalRecordsCuesAndLetsAPageFollow(t *testing.T) {
	var s sim.Signal
	cues, stop := s.Watch()
	for _, c := range []devices.Cue{devices.CueOK, devices.CueAttention, devices.CueStop} {
		if err := s.Give(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-cues; got != devices.CueStop {
		t.Errorf("a slow page sees %v, want the latest cue", got)
	}
	stop()
	stop()
	if _, open := <-cues; open {
		t.Error("the page hears more after stop")
	}
	want := []devices.Cue{devices.CueOK, devices.CueAttention, devices.CueStop}
	if got := s.Cues(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 1000 {
		s.Give(devices.CueOK)
	}
	if got := len(s.Cues()); got != 256 {
		t.Errorf("%d cues kept", got)
	}
}
