package lending_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

func TestABadRecordIsNamedByItsFieldAndChangesNothing(t *testing.T) {
	s := lendingtest.NewScene(t)
	s.Patron("Ada")
	s.Patron("Ben")
	s.Item("LAP-001", "ThinkPad", "laptop")
	s.Item("LAP-002", "ThinkPad", "laptop")
	nowhere, soon, klingon, gone, yes := "nowhere", "tomorrow", "tlh", lending.PatronStatus("gone"), true
	long, control := strings.Repeat("x", 101), "A\x00B"
	for _, test := range []struct {
		name, field string
		record      lending.Record
	}{
		{"a patron without an id", "external_id", lending.PatronRecord{GivenName: &nowhere}},
		{"a new patron without a name", "given_name", lending.PatronRecord{ExternalID: "new"}},
		{"a name that is too long", "given_name", lending.PatronRecord{ExternalID: "new", GivenName: &long}},
		{"a name that cannot be shown", "given_name", lending.PatronRecord{ExternalID: "new", GivenName: &control}},
		{"a status that there is not", "status", lending.PatronRecord{ExternalID: "p-Ada", Status: &gone}},
		{"a language that is not spoken here", "language", lending.PatronRecord{ExternalID: "p-Ada", Language: &klingon}},
		{"an expiry that is no date", "expires", lending.PatronRecord{ExternalID: "p-Ada", Expires: &soon}},
		{"a badge of nobody", "patron", lending.BadgeRecord{Patron: "nobody", Presented: lendingtest.Label("X")}},
		{"a badge without a number", "value", lending.BadgeRecord{Patron: "p-Ada"}},
		{"a badge that is another's", "value", lending.BadgeRecord{Patron: "p-Ben", Presented: lendingtest.Label("B-Ada")}},
		{"a badge that is an item's tag", "value", lending.BadgeRecord{Patron: "p-Ben", Presented: lendingtest.Label("LAP-001")}},
		{"a badge that changes with every tap", "value", lending.BadgeRecord{Patron: "p-Ben", Presented: lending.Presented{Random: true, Spellings: []lending.Spelling{{Form: "iso14443a", Value: "08112233"}}}}},
		{"a tag that is a badge", "value", lending.TagRecord{Item: "LAP-001", Presented: lendingtest.Label("B-Ada")}},
		{"a tag that is on another item", "value", lending.TagRecord{Item: "LAP-002", Presented: lendingtest.Label("LAP-001")}},
		{"a tag on nothing", "item", lending.TagRecord{Item: "nothing", Presented: lendingtest.Label("X")}},
		{"an item of an unknown title", "title", lending.ItemRecord{ExternalID: "new", Title: &nowhere, Label: &nowhere}},
		{"an item retired without a reason", "retired_reason", lending.ItemRecord{ExternalID: "LAP-001", Retired: &yes}},
		{"a limit below zero", "limit", lending.PolicyRecord{LoanType: "laptop", LimitType: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, _ := s.Store.Head(t.Context())
			results, err := s.Registry.Apply(t.Context(), []lending.Record{test.record}, lending.ApplyOptions{By: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if r := results[0]; r.Status != lending.StatusInvalid || r.Err.Field != test.field {
				t.Errorf("got %+v (%v), want a complaint about %s", r, r.Err, test.field)
			}
			if after, _ := s.Store.Head(t.Context()); after != before {
				t.Error("the ledger moved")
			}
		})
	}
	s.Verified()
}

func TestRecordsAreTakenOnceAndOnlyDifferencesAreFacts(t *testing.T) {
	s := lendingtest.NewScene(t)
	s.Patron("Ada")
	before, _ := s.Store.Head(t.Context())
	s.Patron("Ada")
	if after, _ := s.Store.Head(t.Context()); after != before {
		t.Errorf("the same records moved the ledger from %d to %d", before.Position, after.Position)
	}
	family := "Lovelace"
	r := s.Apply(lending.PatronRecord{ExternalID: "p-Ada", FamilyName: &family})
	if r[0].Status != lending.StatusChanged {
		t.Errorf("got %v", r[0].Status)
	}
	p, err := s.Store.PatronView(t.Context(), lending.PatronID(r[0].ID))
	if err != nil || p.GivenName != "Ada" || p.FamilyName != "Lovelace" {
		t.Errorf("a field that was not sent changed: %+v (%v)", p.Patron, err)
	}
}

func TestAllOrNothingAndDryRuns(t *testing.T) {
	s := lendingtest.NewScene(t)
	name := "Ada"
	records := []lending.Record{lending.PatronRecord{ExternalID: "a", GivenName: &name}, lending.PatronRecord{ExternalID: "b"}}
	for _, opt := range []lending.ApplyOptions{{Whole: true}, {Dry: true}} {
		results, err := s.Registry.Apply(t.Context(), records, opt)
		if err != nil || results[0].Status != lending.StatusCreated || results[1].Status != lending.StatusInvalid {
			t.Fatalf("got %+v (%v)", results, err)
		}
		if head, _ := s.Store.Head(t.Context()); head.Position != 0 {
			t.Errorf("%+v moved the ledger to %d", opt, head.Position)
		}
	}
	if _, err := s.Registry.Apply(t.Context(), records, lending.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if head, _ := s.Store.Head(t.Context()); head.Position != 1 {
		t.Errorf("the good record alone moved the ledger to %d, want 1", head.Position)
	}
}

func TestAnItemOnLoanIsNotRetiredAndARetiredOneIsNotLent(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	yes, broken := true, "broken"
	retire := []lending.Record{lending.ItemRecord{ExternalID: "LAP-001", Retired: &yes, RetiredReason: &broken}}
	results, err := c.Registry.Apply(t.Context(), retire, lending.ApplyOptions{})
	if err != nil || results[0].Status != lending.StatusInvalid {
		t.Fatalf("an item on loan was retired: %+v (%v)", results, err)
	}
	c.Clock.Add(time.Hour)
	c.mustTap(lending.TapRequest{Item: c.laptop}, lending.Returned)
	c.Apply(retire...)
	_, err = c.tap(lending.TapRequest{Item: c.laptop, Patron: c.ada})
	if got := reasons(err); !slices.Equal(got, []lending.Reason{lending.ItemRetired}) {
		t.Errorf("got %v", err)
	}
	c.Verified()
}

func TestARemovedTagMayGoOnAnotherItem(t *testing.T) {
	s := lendingtest.NewScene(t)
	s.Item("LAP-001", "ThinkPad", "laptop")
	second := s.Item("LAP-002", "ThinkPad", "laptop")
	s.Apply(lending.TagRecord{Item: "LAP-001", Presented: lendingtest.Label("LAP-001"), Removed: true})
	_, err := s.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "1", Visit: true, Presented: lendingtest.Label("LAP-001")})
	if got := reasons(err); !slices.Equal(got, []lending.Reason{lending.UnknownItem}) {
		t.Errorf("a removed tag is %v", err)
	}
	s.Apply(lending.TagRecord{Item: "LAP-002", Presented: lendingtest.Label("LAP-001")})
	id, err := s.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "2", Presented: lendingtest.Label("LAP-001")})
	if err != nil || id.Item != second {
		t.Errorf("got %+v (%v), want the second laptop", id, err)
	}
	s.Verified()
}
