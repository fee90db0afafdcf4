package sim

import (
	"slices"
	"sync"

	"tapshelf/devices"
)

// kept bounds what a demo that runs for weeks remembers.
const kept = 256

// Signal records cues instead of lighting a lamp. The zero value is ready.
type Signal struct {
	mu       sync.Mutex // guards what follows
	cues     []devices.Cue
	watchers map[chan devices.Cue]struct{}
}

// Give implements devices.Signal. It never fails.
func (s *Signal) Give(c devices.Cue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cues) == kept {
		s.cues = slices.Delete(s.cues, 0, 1)
	}
	s.cues = append(s.cues, c)
	for w := range s.watchers {
		replace(w, c)
	}
	return nil
}

// Cues lists the cues given so far, the latest 256 of them, oldest first.
func (s *Signal) Cues() []devices.Cue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cues)
}

// Watch follows the cues given from now on. Who is too slow misses cues, as a
// new cue replaces the playing one. Call stop when done; it closes the
// channel.
func (s *Signal) Watch() (cues <-chan devices.Cue, stop func()) {
	w := make(chan devices.Cue, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers == nil {
		s.watchers = make(map[chan devices.Cue]struct{})
	}
	s.watchers[w] = struct{}{}
	return w, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
		close(w)
	})
}

// replace puts the latest cue into a channel of one, over an unread one.
func replace(w chan devices.Cue, c devices.Cue) {
	select {
	case <-w:
	default:
	}
	w <- c
}
