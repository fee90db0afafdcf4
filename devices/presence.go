package devices

import (
	"context"
	"fmt"
	"time"

	"tapshelf/devices/tag"
)

// How long a tag may go unseen before it has left.
const (
	// Away is for readers that poll: a laptop lid flickers in the field.
	Away = 3 * time.Second
	// AwayOneShot is for readers that report a tag once per presentation.
	AwayOneShot = 500 * time.Millisecond
)

// EventKind says whether a tag came or went.
type EventKind int

const (
	// Arrived opens a presentation.
	Arrived EventKind = iota + 1
	// Departed ends it, Away or AwayOneShot after the tag was last seen.
	Departed
)

func (k EventKind) String() string {
	switch k {
	case Arrived:
		return "arrived"
	case Departed:
		return "departed"
	}
	return fmt.Sprintf("EventKind(%d)", int(k))
}

// Event is the beginning or the end of one presentation. Both carry the same
// Tap, so that its ID pairs them.
type Event struct {
	Kind EventKind
	Tap  Tap
}

// Presence makes one Tap of all the polls that see a tag at one station.
//
// For each UID, Arrived and Departed alternate, beginning with Arrived; every
// presentation has its own Tap.ID. A tag that is seen again before its
// departure, by whichever reader of the station, has not left.
type Presence struct {
	prefix    string
	now       func() time.Time
	isOneShot func(reader string) bool
	counter   uint64
}

// NewPresence serves one station. boot must be new for every start of the
// program: with the station and a counter it makes Tap.ID unique. isOneShot
// says which readers fall silent after one report; nil means none.
func NewPresence(station, boot string, now func() time.Time, isOneShot func(reader string) bool) *Presence {
	if isOneShot == nil {
		isOneShot = func(string) bool { return false }
	}
	return &Presence{prefix: station + "/" + boot + "/", now: now, isOneShot: isOneShot}
}

// Run turns seen into events until ctx ends or seen is closed, and returns
// nil. Events wait in order for a slow receiver while Run goes on listening,
// so that readers are never held up. One Run at a time; tags present when it
// returns are forgotten without a departure.
func (p *Presence) Run(ctx context.Context, seen <-chan Seen, events chan<- Event) error {
	field := field{presence: p, tags: make(map[tag.UID]*presentation)}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var out chan<- Event
		var next Event
		if len(field.queue) > 0 {
			out, next = events, field.queue[0]
		}
		select {
		case <-ctx.Done():
			return nil
		case s, ok := <-seen:
			if !ok {
				return nil
			}
			field.see(s)
		case out <- next:
			field.queue = field.queue[1:]
			continue
		case <-timer.C:
			field.depart()
		}
		timer.Reset(field.untilNext())
	}
}

// presentation is one tag that is present, until its deadline.
type presentation struct {
	tap      Tap
	deadline time.Time
}

// field is what lies at a station, and the events nobody has taken yet.
type field struct {
	presence *Presence
	tags     map[tag.UID]*presentation
	queue    []Event
}

// see goes by the time of hearing, not by Seen.At: a driver's clock may be
// wrong, and one that was held up reports late what is there now.
func (f *field) see(s Seen) {
	now := f.presence.now()
	at, present := f.tags[s.UID]
	if present && now.After(at.deadline) {
		f.depart()
		present = false
	}
	if !present {
		at = &presentation{tap: f.presence.tap(s)}
		f.tags[s.UID] = at
		f.queue = append(f.queue, Event{Kind: Arrived, Tap: at.tap})
	}
	away := Away
	if f.presence.isOneShot(s.Reader) {
		away = AwayOneShot
	}
	if d := now.Add(away); d.After(at.deadline) {
		at.deadline = d
	}
}

// depart ends every presentation whose deadline has passed.
func (f *field) depart() {
	now := f.presence.now()
	for uid, at := range f.tags {
		if !now.Before(at.deadline) {
			delete(f.tags, uid)
			f.queue = append(f.queue, Event{Kind: Departed, Tap: at.tap})
		}
	}
}

// untilNext is how long nothing can depart. It is never zero, so that a test
// whose clock stands still does not spin.
func (f *field) untilNext() time.Duration {
	wait := time.Hour
	now := f.presence.now()
	for _, at := range f.tags {
		wait = min(wait, at.deadline.Sub(now))
	}
	return max(wait, time.Millisecond)
}

func (p *Presence) tap(s Seen) Tap {
	p.counter++
	return Tap{ID: fmt.Sprintf("%s%d", p.prefix, p.counter), Reader: s.Reader, UID: s.UID, At: s.At}
}
