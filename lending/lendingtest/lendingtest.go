// Package lendingtest sets the scene for tests: a clock that stands until it
// is moved, a real ledger in a temporary folder, and people and things to
// lend. It is imported by tests only.
package lendingtest

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

// Start is when every scene begins: Tuesday 24 November 2026, 10:00 in Hong
// Kong.
var Start = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// Clock is a clock that stands until it is moved.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock on.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Scene is a counter with its ledger.
type Scene struct {
	*testing.T
	Clock    *Clock
	Path     string // of the ledger file
	Store    *sqlite.Store
	Desk     *lending.Desk
	Registry *lending.Registry
	Key      lending.Key
	Zone     *time.Location
	Trusted  bool // whether the Desk trusts the clock
	now      func() time.Time
}

// NewScene opens an empty ledger in a temporary folder, in Hong Kong. It is
// closed when the test ends.
func NewScene(t *testing.T) *Scene {
	t.Helper()
	clock := &Clock{now: Start}
	s := newScene(t, clock.Now)
	s.Clock = clock
	return s
}

// NewLiveScene is NewScene on the running clock, for tests in a synctest
// bubble. It has no Clock to move.
func NewLiveScene(t *testing.T) *Scene {
	t.Helper()
	return newScene(t, time.Now)
}

func newScene(t *testing.T, now func() time.Time) *Scene {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Hong_Kong")
	if err != nil {
		t.Fatal(err)
	}
	s := &Scene{T: t, now: now, Path: filepath.Join(t.TempDir(), "ledger.db"), Zone: zone, Trusted: true}
	s.Key = lending.Key{1, 2, 3}
	s.Open()
	t.Cleanup(func() { s.Store.Close() })
	return s
}

// Open opens the ledger, or opens it again after Store.Close.
func (s *Scene) Open() {
	s.Helper()
	store, err := sqlite.Open(s.Context(), s.Path, s.Options())
	if err != nil {
		s.Fatal(err)
	}
	s.Store = store
	s.Desk = &lending.Desk{
		Store: store, Key: s.Key, Zone: s.Zone, Now: s.now, NewID: NewID, NewSubject: NewSubject,
		ClockTrusted: func() bool { return s.Trusted },
	}
	s.Registry = &lending.Registry{Store: store, Key: s.Key, Zone: s.Zone, Now: s.now, NewID: NewID}
}

// Options are those the scene's ledger is opened with.
func (s *Scene) Options() sqlite.Options {
	return sqlite.Options{
		Now: s.now, NewID: NewID, Boot: "test-boot",
		BootTime: func() time.Duration { return s.now().Sub(Start) },
	}
}

// NewID draws a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// NewSubject draws a subject.
func NewSubject() (s lending.Subject) {
	rand.Read(s[:])
	return s
}

// Label is a tag known by the text printed on it, in capitals as a reader
// reports it.
func Label(text string) lending.Presented {
	text = strings.ToUpper(text)
	return lending.Presented{Spellings: []lending.Spelling{{Form: "label", Value: text}}, Tail: text[max(0, len(text)-2):]}
}

// Apply takes records and fails the test if one is not taken.
func (s *Scene) Apply(records ...lending.Record) []lending.Result {
	s.Helper()
	results, err := s.Registry.Apply(s.Context(), records, lending.ApplyOptions{By: "test"})
	if err != nil {
		s.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil {
			s.Fatalf("record %d: %v", i, r.Err)
		}
	}
	return results
}

func ptr[T any](v T) *T { return &v }

// Patron puts a patron with a badge on record. The badge's label is
// "B-" and the name.
func (s *Scene) Patron(given string) lending.PatronID {
	s.Helper()
	r := s.Apply(
		lending.PatronRecord{ExternalID: "p-" + given, GivenName: &given, Category: ptr("student")},
		lending.BadgeRecord{Patron: "p-" + given, Presented: Label("B-" + given)},
	)
	return lending.PatronID(r[0].ID)
}

// Item puts an item with a tag on record, with its title. Its label is also
// its external id.
func (s *Scene) Item(label, name, loanType string) lending.ItemID {
	s.Helper()
	r := s.Apply(
		lending.TitleRecord{ExternalID: "t-" + name, Name: &name, LoanType: &loanType},
		lending.ItemRecord{ExternalID: label, Title: ptr("t-" + name), Label: &label},
		lending.TagRecord{Item: label, Presented: Label(label)},
	)
	return lending.ItemID(r[1].ID)
}

// Policy puts a policy on record that lends by self-service.
func (s *Scene) Policy(loanType, period string, limitTotal, limitType int) {
	s.Helper()
	p, err := lending.ParsePeriod(period)
	if err != nil {
		s.Fatal(err)
	}
	s.Apply(lending.PolicyRecord{LoanType: loanType, Period: p, LimitTotal: limitTotal, LimitType: limitType, SelfService: true})
}

// Verified fails the test if the ledger does not verify.
func (s *Scene) Verified() {
	s.Helper()
	r, err := sqlite.Verify(context.Background(), s.Path)
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range r.Problems {
		s.Errorf("ledger verify: %s", p)
	}
}
