package lending_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

// counter is a scene with two people, two laptops, a book and their policies.
type counter struct {
	*lendingtest.Scene
	ada, ben              lending.PatronID
	laptop, second, novel lending.ItemID
	ops                   int
}

func newCounter(t *testing.T) *counter {
	s := lendingtest.NewScene(t)
	s.Policy("laptop", "3 days at 18:00", 3, 1)
	s.Policy("textbook", "4 hours", 0, 0)
	return &counter{
		Scene: s, ada: s.Patron("Ada"), ben: s.Patron("Ben"),
		laptop: s.Item("LAP-001", "ThinkPad T14", "laptop"), second: s.Item("LAP-002", "ThinkPad T14", "laptop"),
		novel: s.Item("TXT-001", "Calculus", "textbook"),
	}
}

// tap taps an item and moves the clock on by a second.
func (c *counter) tap(r lending.TapRequest) (lending.Outcome, error) {
	c.Helper()
	c.ops++
	r.Op, r.Station = "tap/"+time.Duration(c.ops).String(), "front"
	out, err := c.Desk.Tap(c.Context(), r)
	c.Clock.Add(time.Second)
	return out, err
}

func (c *counter) mustTap(r lending.TapRequest, want lending.OutcomeKind) lending.Outcome {
	c.Helper()
	out, err := c.tap(r)
	if err != nil {
		c.Fatalf("tap: %v", err)
	}
	if out.Kind != want {
		c.Fatalf("tap came to %q, want %q", out.Kind, want)
	}
	return out
}

func reasons(err error) []lending.Reason {
	var r *lending.Refusal
	if !errors.As(err, &r) {
		return nil
	}
	var out []lending.Reason
	for _, b := range r.Reasons {
		out = append(out, b.Reason)
	}
	return out
}

func TestAnAvailableItemIsLentUntilItsPolicySays(t *testing.T) {
	c := newCounter(t)
	out := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	want := time.Date(2026, 11, 27, 18, 0, 0, 0, c.Zone)
	if !out.Due.Equal(want) || out.Thing.Name != "ThinkPad T14" || out.Thing.Label != "LAP-001" {
		t.Errorf("got %+v due %v, want it due %v", out, out.Due, want)
	}
	c.Verified()
}

func TestAnAvailableItemWithNoVisitWaitsAndWritesNothing(t *testing.T) {
	c := newCounter(t)
	before, _ := c.Store.Head(t.Context())
	c.mustTap(lending.TapRequest{Item: c.laptop}, lending.Waiting)
	if after, _ := c.Store.Head(t.Context()); after != before {
		t.Errorf("the ledger moved from %v to %v", before, after)
	}
}

func TestAnItemLentInThisVisitIsShownAgain(t *testing.T) {
	c := newCounter(t)
	lent := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	out := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada, Visit: []lending.LoanID{lent.Loan}}, lending.Shown)
	if out.Loan != lent.Loan || !out.Due.Equal(*lent.Due) {
		t.Errorf("got %+v, want the loan %s", out, lent.Loan)
	}
}

func TestAnItemJustBorrowedHereIsReturnedOnlyAtTheSecondTap(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.mustTap(lending.TapRequest{Item: c.laptop}, lending.JustBorrowed)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ben}, lending.JustBorrowed)
	c.mustTap(lending.TapRequest{Item: c.laptop, Again: true}, lending.Returned)
	c.Verified()
}

func TestMyOwnItemFromEarlierIsReturned(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.Clock.Add(time.Hour)
	out := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Returned)
	if !out.Mine {
		t.Error("it is not called mine")
	}
}

func TestAReturnNeedsNoBadge(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.Clock.Add(time.Hour)
	if out := c.mustTap(lending.TapRequest{Item: c.laptop}, lending.Returned); out.Mine {
		t.Error("it is called mine, though nobody is here")
	}
}

func TestSomebodyElsesItemIsReturnedAndLentOrNeither(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.novel, Patron: c.ada}, lending.Lent)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.mustTap(lending.TapRequest{Item: c.second, Patron: c.ben}, lending.Lent)
	c.Clock.Add(time.Hour)

	c.mustTap(lending.TapRequest{Item: c.novel, Patron: c.ben}, lending.HandedOver)
	_, err := c.tap(lending.TapRequest{Item: c.laptop, Patron: c.ben})
	want := []lending.Reason{lending.ItemOnLoanToOther, lending.LimitType}
	if got := reasons(err); !slices.Equal(got, want) {
		t.Fatalf("a second laptop is refused for %v, want %v", got, want)
	}
	open, err := c.Store.Loans(t.Context(), lending.LoanFilter{Open: true, Item: c.laptop})
	if err != nil || len(open) != 1 || open[0].Patron != c.ada {
		t.Errorf("the laptop is on loan to %+v (%v), want Ada still", open, err)
	}
	c.Verified()
}

func TestALoanIsUndoneOnlyByTappingItsItemInItsVisit(t *testing.T) {
	c := newCounter(t)
	lent := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	visit := []lending.LoanID{lent.Loan}
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada, Visit: visit, Undo: lent.Loan}, lending.Undone)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ben}, lending.Lent)
	late, err := c.Store.Loans(t.Context(), lending.LoanFilter{ReturnedSince: &lendingtest.Start})
	if err != nil || len(late) != 0 {
		t.Errorf("an undone loan counts as returned: %v, %v", late, err)
	}
	c.Verified()
}

func TestAReturnIsUndoneByItsBorrowerUntilSomethingElseHappens(t *testing.T) {
	c := newCounter(t)
	lent := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.Clock.Add(time.Hour)
	back := c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Returned)
	undo := lending.UndoRequest{Op: "u1", Station: "front", Fact: back.Fact, Item: c.laptop, Patron: c.ben}
	if _, err := c.Desk.Undo(t.Context(), undo); !slices.Equal(reasons(err), []lending.Reason{lending.UndoTooLate}) {
		t.Fatalf("somebody else undoes it: %v", err)
	}
	undo.Op, undo.Patron = "u2", c.ada
	out, err := c.Desk.Undo(t.Context(), undo)
	if err != nil || out.Loan != lent.Loan || !out.Due.Equal(*lent.Due) {
		t.Fatalf("got %+v (%v), want the same loan with the same due instant", out, err)
	}
	undo.Op = "u3"
	if _, err := c.Desk.Undo(t.Context(), undo); !slices.Equal(reasons(err), []lending.Reason{lending.UndoTooLate}) {
		t.Errorf("it is undone twice: %v", err)
	}
	c.Verified()
}

func TestTheSameOperationActsOnceAndAnotherIsRefused(t *testing.T) {
	c := newCounter(t)
	r := lending.TapRequest{Op: "same", Station: "front", Item: c.laptop, Patron: c.ada}
	first, err := c.Desk.Tap(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Desk.Tap(t.Context(), r)
	if err != nil || again.Loan != first.Loan || again.Thing != first.Thing || again.Kind != lending.Lent {
		t.Errorf("again: %+v (%v), want %+v", again, err, first)
	}
	r.Patron = c.ben
	if _, err := c.Desk.Tap(t.Context(), r); !errors.Is(err, lending.ErrOperationReused) {
		t.Errorf("with another patron: %v", err)
	}
	refused := lending.TapRequest{Op: "no", Station: "front", Item: c.second, Patron: c.ada}
	_, one := c.Desk.Tap(t.Context(), refused)
	_, two := c.Desk.Tap(t.Context(), refused)
	var a, b *lending.Refusal
	if !errors.As(one, &a) || !errors.As(two, &b) || a.Support() != b.Support() || a.Fact == "" {
		t.Errorf("a refusal repeated is %v, then %v", one, two)
	}
}

func TestARefusalNamesEveryReasonInOrder(t *testing.T) {
	c := newCounter(t)
	blocked, past := lending.PatronStopped, "2026-11-01"
	c.Apply(
		lending.PatronRecord{ExternalID: "p-Ada", Status: &blocked, Expires: &past},
		lending.ItemRecord{ExternalID: "LAP-002", NotForLoan: new(bool)},
	)
	yes := true
	c.Apply(lending.ItemRecord{ExternalID: "LAP-002", NotForLoan: &yes})
	c.Trusted = false
	_, err := c.tap(lending.TapRequest{Item: c.second, Patron: c.ada})
	want := []lending.Reason{lending.ClockUnset, lending.PatronExpired, lending.PatronBlocked, lending.ItemNotForLoan}
	if got := reasons(err); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnUntrustedClockLendsNothingAndTakesEverythingBack(t *testing.T) {
	c := newCounter(t)
	c.mustTap(lending.TapRequest{Item: c.laptop, Patron: c.ada}, lending.Lent)
	c.Clock.Add(-40 * 365 * 24 * time.Hour)
	c.mustTap(lending.TapRequest{Item: c.laptop, Again: true}, lending.Returned)
	_, err := c.tap(lending.TapRequest{Item: c.second, Patron: c.ben})
	if got := reasons(err); !slices.Equal(got, []lending.Reason{lending.ClockUnset}) {
		t.Errorf("a clock before the newest fact: %v", err)
	}
	c.Verified()
}

func TestWhatOnlyStaffHandOutWaitsForStaff(t *testing.T) {
	c := newCounter(t)
	p, _ := lending.ParsePeriod("1 day")
	c.Apply(lending.PolicyRecord{LoanType: "textbook", Period: p})
	r := lending.TapRequest{Op: "staffed", Station: "front", Item: c.novel, Patron: c.ada}
	_, err := c.Desk.Tap(t.Context(), r)
	var refusal *lending.Refusal
	if !errors.As(err, &refusal) || !refusal.Staff || refusal.Fact != "" {
		t.Fatalf("got %v, want a refusal that staff may override and that is not on record", err)
	}
	r.Staff = "0198f000-0000-7000-8000-000000000000"
	if out, err := c.Desk.Tap(t.Context(), r); err != nil || out.Kind != lending.Lent {
		t.Errorf("approved: %+v (%v)", out, err)
	}
}

func TestABadgeIsKnownByAnyOfItsSpellings(t *testing.T) {
	c := newCounter(t)
	dec := lending.Spelling{Form: "dec10", Value: "0008075634"}
	short := lending.Spelling{Form: "wiegand26", Value: "123,14706", Short: true}
	c.Apply(lending.BadgeRecord{Patron: "p-Ada", Presented: lending.Presented{Spellings: []lending.Spelling{dec, short}, Tail: "34"}})
	full := lending.Presented{Spellings: []lending.Spelling{{Form: "em4100", Value: "6F007B3972"}, dec, short}, Tail: "72"}
	id, err := c.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "1", Presented: full})
	if err != nil || id.Patron == nil || id.Patron.ID != c.ada {
		t.Fatalf("the fob is %+v (%v), want Ada", id, err)
	}
	// Another fob that shares the short number makes it ambiguous.
	c.Apply(lending.BadgeRecord{Patron: "p-Ben", Presented: lending.Presented{Spellings: []lending.Spelling{{Form: "dec10", Value: "0999999999"}, short}, Tail: "99"}})
	_, err = c.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "2", Presented: lending.Presented{Spellings: []lending.Spelling{short}}})
	if got := reasons(err); !slices.Equal(got, []lending.Reason{lending.TagAmbiguous}) {
		t.Errorf("the short number alone: %v", err)
	}
	if id, err := c.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "3", Presented: full}); err != nil || id.Patron.ID != c.ada {
		t.Errorf("the fob itself: %+v (%v), want Ada still", id, err)
	}
}

func TestATagThatIsNotKnownSaysWhatItIsNot(t *testing.T) {
	c := newCounter(t)
	for name, test := range map[string]struct {
		r    lending.IdentifyRequest
		want lending.Reason
	}{
		"with nobody here it is a badge":   {lending.IdentifyRequest{Presented: lendingtest.Label("X")}, lending.UnknownBadge},
		"in a visit it is an item":         {lending.IdentifyRequest{Presented: lendingtest.Label("X"), Visit: true}, lending.UnknownItem},
		"a random number is never a badge": {lending.IdentifyRequest{Presented: lending.Presented{Random: true}}, lending.BadgeRandomUID},
	} {
		t.Run(name, func(t *testing.T) {
			test.r.Op = name
			_, err := c.Desk.Identify(t.Context(), test.r)
			if got := reasons(err); !slices.Equal(got, []lending.Reason{test.want}) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestARevokedBadgeOpensNothing(t *testing.T) {
	c := newCounter(t)
	c.Apply(lending.BadgeRecord{Patron: "p-Ada", Presented: lendingtest.Label("B-Ada"), Revoked: true})
	_, err := c.Desk.Identify(t.Context(), lending.IdentifyRequest{Op: "1", Presented: lendingtest.Label("B-Ada")})
	if got := reasons(err); !slices.Equal(got, []lending.Reason{lending.BadgeRevoked}) {
		t.Errorf("got %v", err)
	}
}

func TestReturningWhatWasNotOutIsRecordedWithAFinding(t *testing.T) {
	c := newCounter(t)
	out, err := c.Desk.Return(t.Context(), lending.ReturnRequest{Op: "1", Station: "desk", Item: c.laptop})
	if err != nil || out.Kind != lending.Unmatched {
		t.Fatalf("got %+v (%v)", out, err)
	}
	found, err := c.Store.Findings(t.Context(), true)
	if err != nil || len(found) != 1 || found[0].Thing.Label != "LAP-001" {
		t.Fatalf("findings: %+v (%v)", found, err)
	}
	for range 2 {
		if err := c.Desk.CloseFinding(t.Context(), found[0].ID, "s"); err != nil {
			t.Fatal(err)
		}
	}
	if found, _ := c.Store.Findings(t.Context(), true); len(found) != 0 {
		t.Errorf("still open: %+v", found)
	}
	c.Verified()
}

func TestTwoStationsCannotPassALimitTogether(t *testing.T) {
	c := newCounter(t)
	const rounds = 50
	for i := range rounds {
		results := make(chan error, 2)
		for j, item := range []lending.ItemID{c.laptop, c.second} {
			go func() {
				_, err := c.Desk.Tap(t.Context(), lending.TapRequest{
					Op: time.Duration(2*i + j).String(), Station: []string{"front", "back"}[j], Item: item, Patron: c.ada,
				})
				results <- err
			}()
		}
		lent := 0
		for range 2 {
			if err := <-results; err == nil {
				lent++
			} else if !slices.Equal(reasons(err), []lending.Reason{lending.LimitType}) {
				t.Fatal(err)
			}
		}
		if lent != 1 {
			t.Fatalf("round %d: %d laptops lent, the limit is 1", i, lent)
		}
		for j, item := range []lending.ItemID{c.laptop, c.second} {
			op := "back/" + time.Duration(2*i+j).String()
			if _, err := c.Desk.Return(t.Context(), lending.ReturnRequest{Op: op, Station: "desk", Item: item}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Verified()
}
