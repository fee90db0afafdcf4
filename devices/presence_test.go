package devices_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tapshelf/devices"
	"tapshelf/devices/tag"
)

func label(t testing.TB, text string) tag.UID {
	t.Helper()
	u, err := tag.NewLabel(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// sighting is one poll: after a pause, a reader sees a tag.
type sighting struct {
	pause  time.Duration
	reader string
	uid    tag.UID
}

// heard is an event and how long after the start it came.
type heard struct {
	at time.Duration
	devices.Event
}

// watch plays sightings to a Presence in fake time and waits until all have
// left. Readers whose name begins with "once" are one-shot.
func watch(t *testing.T, sightings []sighting) []heard {
	t.Helper()
	var all []heard
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		once := func(reader string) bool { return strings.HasPrefix(reader, "once") }
		presence := devices.NewPresence("desk", "b1", time.Now, once)
		ctx, cancel := context.WithCancel(t.Context())
		seen, events, done := make(chan devices.Seen), make(chan devices.Event), make(chan error)
		go func() { done <- presence.Run(ctx, seen, events) }()
		go func() {
			for _, s := range sightings {
				time.Sleep(s.pause)
				seen <- devices.Seen{Reader: s.reader, UID: s.uid, At: time.Now()}
			}
			time.Sleep(2 * devices.Away)
			cancel()
		}()
		for running := true; running; {
			select {
			case e := <-events:
				all = append(all, heard{time.Since(start), e})
			case err := <-done:
				if err != nil {
					t.Errorf("Run: %v", err)
				}
				running = false
			}
		}
	})
	return all
}

func story(all []heard) string {
	var b strings.Builder
	for _, h := range all {
		fmt.Fprintf(&b, "%v %v %s; ", h.at, h.Kind, h.Tap.ID)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestPresence(t *testing.T) {
	a, b := label(t, "A"), label(t, "B")
	ms := time.Millisecond
	for _, c := range []struct {
		name      string
		sightings []sighting
		want      string
	}{
		{"nothing comes of nothing", nil, ""},
		{"polls of one tag are one tap", []sighting{{0, "pad", a}, {100 * ms, "pad", a}, {100 * ms, "pad", a}},
			"0s arrived desk/b1/1; 3.2s departed desk/b1/1"},
		{"a tag that flickers has not left", []sighting{{0, "pad", a}, {2900 * ms, "pad", a}},
			"0s arrived desk/b1/1; 5.9s departed desk/b1/1"},
		{"a tag moved to another reader has not left", []sighting{{0, "pad", a}, {2 * time.Second, "shelf", a}},
			"0s arrived desk/b1/1; 5s departed desk/b1/1"},
		{"a tag that comes back later is a new tap", []sighting{{0, "pad", a}, {3100 * ms, "pad", a}},
			"0s arrived desk/b1/1; 3s departed desk/b1/1; 3.1s arrived desk/b1/2; 6.1s departed desk/b1/2"},
		{"a one-shot reader's tag leaves after half a second", []sighting{{0, "once", a}, {600 * ms, "once", a}},
			"0s arrived desk/b1/1; 500ms departed desk/b1/1; 600ms arrived desk/b1/2; 1.1s departed desk/b1/2"},
		{"a one-shot report does not cut a polled presence short", []sighting{{0, "pad", a}, {100 * ms, "once", a}},
			"0s arrived desk/b1/1; 3s departed desk/b1/1"},
		{"two tags are two taps", []sighting{{0, "pad", a}, {50 * ms, "pad", b}},
			"0s arrived desk/b1/1; 50ms arrived desk/b1/2; 3s departed desk/b1/1; 3.05s departed desk/b1/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := story(watch(t, c.sightings)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestATapSaysWhereAndWhenItBegan(t *testing.T) {
	a := label(t, "A")
	all := watch(t, []sighting{{0, "pad", a}, {time.Second, "shelf", a}})
	if len(all) != 2 || all[0].Tap != all[1].Tap || all[0].Tap.Reader != "pad" || all[0].Tap.UID != a {
		t.Errorf("got %+v", all)
	}
}

// expected is the promise, told once more and simply: polls of a tag that
// are close enough are one presentation.
func expected(sightings []sighting) []heard {
	type open struct{ since, until time.Duration }
	present := map[tag.UID]*open{}
	var all []heard
	var now time.Duration
	add := func(at time.Duration, k devices.EventKind, uid tag.UID) {
		all = append(all, heard{at, devices.Event{Kind: k, Tap: devices.Tap{UID: uid}}})
	}
	for _, s := range sightings {
		now += s.pause
		p := present[s.uid]
		if p != nil && now > p.until {
			add(p.until, devices.Departed, s.uid)
			p = nil
		}
		if p == nil {
			p = &open{since: now}
			present[s.uid] = p
			add(now, devices.Arrived, s.uid)
		}
		away := devices.Away
		if s.reader == "once" {
			away = devices.AwayOneShot
		}
		p.until = max(p.until, now+away)
	}
	for uid, p := range present {
		add(p.until, devices.Departed, uid)
	}
	return all
}

func TestEveryPresentationArrivesOnceAndDepartsOnce(t *testing.T) {
	tags := []tag.UID{label(t, "A"), label(t, "B"), label(t, "C")}
	key := func(h heard) string { return fmt.Sprintf("%v %v %s", h.at, h.Kind, h.Tap.UID.Value) }
	rapid.Check(t, func(rt *rapid.T) {
		// Pauses are multiples of 7 ms and 3 s is not: no tag is ever seen
		// at the very instant at which it departs.
		sightings := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) sighting {
			return sighting{
				pause:  7 * time.Millisecond * time.Duration(rapid.IntRange(0, 600).Draw(rt, "pause")),
				reader: rapid.SampledFrom([]string{"pad", "shelf", "once"}).Draw(rt, "reader"),
				uid:    rapid.SampledFrom(tags).Draw(rt, "uid"),
			}
		}), 0, 40).Draw(rt, "sightings")
		got := watch(t, sightings)
		ids := map[string]devices.EventKind{}
		for _, h := range got {
			if before := ids[h.Tap.ID]; h.Kind != before+1 {
				rt.Fatalf("%s: %v after %v", h.Tap.ID, h.Kind, before)
			}
			ids[h.Tap.ID] = h.Kind
		}
		var gotKeys, wantKeys []string
		for _, h := range got {
			gotKeys = append(gotKeys, key(h))
		}
		for _, h := range expected(sightings) {
			wantKeys = append(wantKeys, key(h))
		}
		slices.Sort(gotKeys)
		slices.Sort(wantKeys)
		if !slices.Equal(gotKeys, wantKeys) {
			rt.Fatalf("got  %q\nwant %q", gotKeys, wantKeys)
		}
	})
}

func TestASlowListenerHoldsNoReaderUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		presence := devices.NewPresence("desk", "b1", time.Now, nil)
		ctx, cancel := context.WithCancel(t.Context())
		seen, events, done := make(chan devices.Seen), make(chan devices.Event), make(chan error)
		go func() { done <- presence.Run(ctx, seen, events) }()
		for i := range 100 {
			seen <- devices.Seen{Reader: "pad", UID: label(t, fmt.Sprint("T", i))}
		}
		time.Sleep(time.Minute)
		for i := range 100 {
			if e := <-events; e.Kind != devices.Arrived || e.Tap.ID != fmt.Sprint("desk/b1/", i+1) {
				t.Fatalf("event %d is %v", i, e)
			}
		}
		if e := <-events; e.Kind != devices.Departed {
			t.Errorf("got %v, want a departure", e)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPresenceEndsWithItsReaders(t *testing.T) {
	seen := make(chan devices.Seen)
	close(seen)
	presence := devices.NewPresence("desk", "b1", time.Now, nil)
	if err := presence.Run(t.Context(), seen, nil); err != nil {
		t.Error(err)
	}
}
