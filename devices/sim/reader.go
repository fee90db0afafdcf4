// Package sim is a reader and a signal without hardware, driven by the demo's
// bench, the command line or a test.
//
// It is a driver like any other: it passes the suite in devicestest and runs
// in the shipped program.
package sim

import (
	"context"
	"slices"
	"sync"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/tag"
)

// Interval is the time between two polls while a tag is present.
const Interval = 50 * time.Millisecond

// tapPolls is how many polls see a tag that was only tapped: 200 ms, about
// what a hand does.
const tapPolls = 4

// Reader reports the tags that its methods put on it. Its methods may be
// called from any goroutine, whether or not it runs.
type Reader struct {
	name string
	now  func() time.Time
	wake chan struct{}

	mu    sync.Mutex // guards what follows
	tags  []present
	fault error
}

// present is a tag on the reader; polls counts down, and forever is below 0.
type present struct {
	uid   tag.UID
	polls int
}

const forever = -1

// NewReader makes a reader with nothing on it.
func NewReader(name string, now func() time.Time) *Reader {
	return &Reader{name: name, now: now, wake: make(chan struct{}, 1)}
}

// Tap holds a tag to the reader for a moment.
func (r *Reader) Tap(uid tag.UID) { r.put(uid, tapPolls) }

// Present lays a tag on the reader until Remove.
func (r *Reader) Present(uid tag.UID) { r.put(uid, forever) }

// Remove takes a tag away. It does nothing if the tag is not there.
func (r *Reader) Remove(uid tag.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(uid)
}

// Fail makes Run return err at once and whenever it is called again, as if
// the reader were unplugged, until Fail(nil) plugs it in.
func (r *Reader) Fail(err error) {
	r.mu.Lock()
	r.fault = err
	r.mu.Unlock()
	r.rouse()
}

// OneShot is true so that a click on the bench soon after another is a new
// tap: a tag departs as soon as it has been away for 500 ms.
func (r *Reader) OneShot() bool { return true }

// Run implements devices.Reader. It idles while nothing is present.
func (r *Reader) Run(ctx context.Context, seen chan<- devices.Seen) error {
	for ctx.Err() == nil {
		uids, err := r.poll()
		if err != nil {
			return err
		}
		for _, uid := range uids {
			select {
			case seen <- devices.Seen{Reader: r.name, UID: uid, At: r.now()}:
			case <-ctx.Done():
				return nil
			}
		}
		r.rest(ctx, len(uids) > 0)
	}
	return nil
}

// rest waits for the next poll while something is present, and else until a
// method has changed something.
func (r *Reader) rest(ctx context.Context, busy bool) {
	if busy {
		select {
		case <-ctx.Done():
		case <-time.After(Interval):
		}
		return
	}
	select {
	case <-ctx.Done():
	case <-r.wake:
	}
}

func (r *Reader) put(uid tag.UID, polls int) {
	r.mu.Lock()
	r.drop(uid)
	r.tags = append(r.tags, present{uid, polls})
	r.mu.Unlock()
	r.rouse()
}

// poll lists what is on the reader and lets tapped tags leave.
func (r *Reader) poll() ([]tag.UID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault != nil {
		return nil, r.fault
	}
	var uids []tag.UID
	for i := range r.tags {
		uids = append(uids, r.tags[i].uid)
		if r.tags[i].polls > 0 {
			r.tags[i].polls--
		}
	}
	r.tags = slices.DeleteFunc(r.tags, func(p present) bool { return p.polls == 0 })
	return uids, nil
}

// drop wants mu held.
func (r *Reader) drop(uid tag.UID) {
	r.tags = slices.DeleteFunc(r.tags, func(p present) bool { return p.uid == uid })
}

func (r *Reader) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
