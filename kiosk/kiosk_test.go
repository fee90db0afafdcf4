package kiosk_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"tapshelf/devices"
	"tapshelf/devices/sim"
	"tapshelf/devices/tag"
	"tapshelf/kiosk"
	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

// counter is a running station before a real ledger, on the bubble's clock.
type counter struct {
	*lendingtest.Scene
	*kiosk.Kiosk
	signal *sim.Signal
	taps   int
	keys   int
}

// scene runs test at a counter with Ada and Ben, two laptops, a textbook and
// a camera that only staff hand out.
func scene(t *testing.T, test func(c *counter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := lendingtest.NewLiveScene(t)
		s.Policy("laptop", "3 days at 18:00", 3, 1)
		s.Policy("textbook", "4 hours", 0, 0)
		day, _ := lending.ParsePeriod("1 day")
		s.Apply(lending.PolicyRecord{LoanType: "camera", Period: day})
		s.Patron("Ada")
		s.Patron("Ben")
		s.Item("LAP-001", "ThinkPad T14", "laptop")
		s.Item("LAP-002", "ThinkPad T14", "laptop")
		s.Item("TXT-001", "Calculus", "textbook")
		s.Item("CAM-001", "EOS R", "camera")
		c := &counter{Scene: s, signal: new(sim.Signal)}
		c.Kiosk = kiosk.New(kiosk.Config{
			Station: kiosk.Station{Name: "front", Title: "Front"}, Desk: s.Desk, Signal: c.signal, Now: time.Now,
			Boot: "boot", Language: "en", Log: slog.New(slog.DiscardHandler),
			HasItems: func(ctx context.Context) (bool, error) {
				n, err := s.Store.CountItems(ctx)
				return n > 0, err
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run(ctx)
		}()
		c.settle()
		test(c)
		stop()
		<-done
		s.Verified()
		s.Store.Close()
	})
}

// settle lets everything happen that happens by itself within a moment. The
// ledger's own goroutine works outside the bubble's notion of waiting, so a
// little bubble time passes too.
func (c *counter) settle() {
	synctest.Wait()
	time.Sleep(time.Millisecond)
	synctest.Wait()
}

func (c *counter) tap(label string) {
	c.Helper()
	c.taps++
	uid, err := tag.NewLabel(label)
	if err != nil {
		c.Fatal(err)
	}
	c.Kiosk.Tap(c.Context(), devices.Tap{ID: "front/boot/" + strconv.Itoa(c.taps), Reader: "pad", UID: uid, At: time.Now()})
	c.settle()
}

func (c *counter) press(a kiosk.Action, row, value string) {
	c.keys++
	c.Press(c.Context(), kiosk.Press{Key: strconv.Itoa(c.keys), Rev: c.Screen().Rev, Action: a, Row: row, Value: value})
	c.settle()
}

func (c *counter) top() kiosk.Row {
	c.Helper()
	s := c.Screen()
	if len(s.Rows) == 0 {
		c.Fatalf("the screen (%s) has no rows", s.Stage)
	}
	return s.Rows[0]
}

func (c *counter) wantTop(want kiosk.RowState) kiosk.Row {
	c.Helper()
	if r := c.top(); r.State != want {
		c.Fatalf("the top row is %q %v, want %q", r.State, r.Reasons, want)
	}
	return c.top()
}

func (c *counter) wantStage(want kiosk.Stage) kiosk.Screen {
	c.Helper()
	s := c.Screen()
	if s.Stage != want {
		c.Fatalf("the screen is %q, want %q", s.Stage, want)
	}
	return s
}

func (c *counter) wantCue(want devices.Cue) {
	c.Helper()
	if cues := c.signal.Cues(); len(cues) == 0 || cues[len(cues)-1] != want {
		c.Errorf("the cues are %v, want the last to be %v", cues, want)
	}
}

func reasonsOf(b []lending.Because) []lending.Reason {
	var out []lending.Reason
	for _, x := range b {
		out = append(out, x.Reason)
	}
	return out
}

func TestAVisitFromBadgeToReceipt(t *testing.T) {
	scene(t, func(c *counter) {
		c.wantStage(kiosk.Idle)
		c.tap("B-Ada")
		if s := c.wantStage(kiosk.Open); s.Given != "Ada" {
			t.Errorf("it greets %q", s.Given)
		}
		c.wantCue(devices.CueOK)
		c.tap("LAP-001")
		if r := c.wantTop(kiosk.RowLent); r.Thing.Name != "ThinkPad T14" || r.Due == nil || !slices.Contains(r.Actions, kiosk.ActUndo) {
			t.Errorf("the row is %+v", r)
		}
		c.tap("TXT-001")
		if s := c.Screen(); s.Borrowed != 2 || s.Loans != 2 || len(s.Rows) != 2 {
			t.Errorf("borrowed %d, loans %d, rows %d; want 2 each", s.Borrowed, s.Loans, len(s.Rows))
		}
		c.tap("B-Ada")
		if s := c.wantStage(kiosk.Leaving); s.Borrowed != 2 || s.Given != "Ada" || len(s.Rows) != 0 {
			t.Errorf("goodbye says %+v", s)
		}
		time.Sleep(7 * time.Second)
		c.settle()
		if s := c.wantStage(kiosk.Idle); s.Given != "" || len(s.Rows) != 0 || s.Borrowed != 0 {
			t.Errorf("the idle screen still holds %+v", s)
		}
	})
}

func TestEitherOrderWorks(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("LAP-001")
		c.wantStage(kiosk.Waiting)
		c.wantTop(kiosk.RowWaiting)
		c.tap("B-Ada")
		c.wantStage(kiosk.Open)
		c.wantTop(kiosk.RowLent)
	})
}

func TestAnItemWaitsFifteenSecondsForItsBadge(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("LAP-001")
		time.Sleep(14 * time.Second)
		c.settle()
		c.wantStage(kiosk.Waiting)
		time.Sleep(2 * time.Second)
		c.settle()
		c.wantStage(kiosk.Idle)
		c.tap("B-Ada")
		if s := c.Screen(); len(s.Rows) != 0 {
			t.Errorf("it was lent after all: %+v", s.Rows)
		}
	})
}

// borrowed lends an item to a person in a visit that ended an hour ago.
func (c *counter) borrowed(badge, label string) {
	c.Helper()
	c.tap(badge)
	c.tap(label)
	c.wantTop(kiosk.RowLent)
	c.tap(badge)
	time.Sleep(time.Hour)
	c.settle()
	c.wantStage(kiosk.Idle)
}

func TestAReturnNeedsNoBadgeAndNamesNobody(t *testing.T) {
	scene(t, func(c *counter) {
		c.borrowed("B-Ada", "LAP-001")
		c.tap("LAP-001")
		s := c.wantStage(kiosk.Waiting)
		r := c.wantTop(kiosk.RowReturned)
		if s.Given != "" || len(r.Actions) != 0 || r.Due != nil {
			t.Errorf("the screen says %+v", s)
		}
		time.Sleep(11 * time.Second)
		c.settle()
		c.wantStage(kiosk.Idle)
	})
}

func TestAnItemJustBorrowedHereIsReturnedByASecondTap(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("LAP-001")
		c.tap("B-Ada")
		c.tap("LAP-001")
		c.wantTop(kiosk.RowJustBorrowed)
		c.wantCue(devices.CueAttention)
		c.tap("LAP-001")
		c.wantTop(kiosk.RowReturned)
	})
}

func TestMyItemFromEarlierComesBackAndCanBeUndone(t *testing.T) {
	scene(t, func(c *counter) {
		c.borrowed("B-Ada", "LAP-001")
		c.tap("B-Ada")
		if s := c.Screen(); s.Loans != 1 {
			t.Errorf("Ada has %d loans, want 1", s.Loans)
		}
		c.tap("LAP-001")
		r := c.wantTop(kiosk.RowReturned)
		if s := c.Screen(); s.Loans != 0 || s.Returned != 1 {
			t.Errorf("loans %d, returned %d", s.Loans, s.Returned)
		}
		c.press(kiosk.ActUndo, r.ID, "")
		if r := c.wantTop(kiosk.RowUndone); r.Due == nil {
			t.Error("the loan that is open again has no due instant")
		}
		if s := c.Screen(); s.Loans != 1 || s.Returned != 0 {
			t.Errorf("after undo: loans %d, returned %d", s.Loans, s.Returned)
		}
	})
}

func TestUndoOfALoanWaitsForItsItem(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("LAP-001")
		c.press(kiosk.ActUndo, c.top().ID, "")
		c.wantTop(kiosk.RowUndoing)
		if s := c.Screen(); s.Borrowed != 1 {
			t.Error("it is undone although the laptop was not seen")
		}
		c.tap("LAP-001")
		c.wantTop(kiosk.RowUndone)
		if s := c.Screen(); s.Borrowed != 0 || s.Loans != 0 {
			t.Errorf("borrowed %d, loans %d", s.Borrowed, s.Loans)
		}
		c.tap("LAP-001")
		r := c.wantTop(kiosk.RowLent)
		c.press(kiosk.ActUndo, r.ID, "")
		time.Sleep(16 * time.Second)
		c.settle()
		c.wantTop(kiosk.RowLent)
	})
}

func TestAnItemLentInThisVisitShowsItsRowAgain(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("LAP-001")
		c.tap("TXT-001")
		c.tap("LAP-001")
		r := c.wantTop(kiosk.RowShown)
		if r.Thing.Label != "LAP-001" || len(c.Screen().Rows) != 2 || c.Screen().Borrowed != 2 {
			t.Errorf("the screen is %+v", c.Screen())
		}
	})
}

func TestSomebodyElsesItemIsHandedOverOrReturnedForThem(t *testing.T) {
	scene(t, func(c *counter) {
		c.borrowed("B-Ada", "TXT-001")
		c.borrowed("B-Ada", "LAP-001")
		c.tap("B-Ben")
		c.tap("TXT-001")
		c.wantTop(kiosk.RowHandedOver)
		c.tap("LAP-002")
		c.wantTop(kiosk.RowLent)
		c.tap("LAP-001")
		r := c.wantTop(kiosk.RowRefused)
		if got, want := reasonsOf(r.Reasons), []lending.Reason{lending.ItemOnLoanToOther, lending.LimitType}; !slices.Equal(got, want) {
			t.Errorf("reasons %v, want %v", got, want)
		}
		if r.Support == "" || r.Actions[0] != kiosk.ActReturnFor {
			t.Errorf("the row is %+v", r)
		}
		c.wantCue(devices.CueStop)
		if s := c.Screen(); s.Borrowed != 2 {
			t.Errorf("the rest of the visit is %d loans, want 2", s.Borrowed)
		}
		c.press(kiosk.ActReturnFor, r.ID, "")
		if r := c.wantTop(kiosk.RowReturned); len(r.Actions) != 0 {
			t.Errorf("somebody else's return has the buttons %v", r.Actions)
		}
	})
}

func TestAnotherBadgeBeginsAnothersVisit(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("LAP-001")
		stale := c.Screen()
		c.tap("B-Ben")
		if s := c.wantStage(kiosk.NewHere); s.Given != "Ben" || len(s.Rows) != 0 {
			t.Errorf("the screen is %+v", s)
		}
		c.Press(c.Context(), kiosk.Press{Key: "x", Rev: stale.Rev, Action: kiosk.ActUndo, Row: stale.Rows[0].ID})
		c.settle()
		if s := c.Screen(); s.Notice == nil || s.Notice.Kind != kiosk.NoticeStale {
			t.Error("a button of the visit before is not refused")
		}
		time.Sleep(2 * time.Second)
		c.settle()
		c.wantStage(kiosk.Open)
		c.tap("LAP-002")
		c.wantTop(kiosk.RowLent)
	})
}

func TestAStaffBadgeApprovesWhatWaitsForStaff(t *testing.T) {
	scene(t, func(c *counter) {
		staff := c.Patron("Sam")
		err := c.Store.SaveStaff(c.Context(), lending.Staff{
			ID: lending.StaffID(lendingtest.NewID()), Name: "sam", Role: lending.RoleDesk, PasswordHash: "x", Patron: staff,
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
		c.tap("B-Ada")
		c.tap("CAM-001")
		c.wantTop(kiosk.RowNeedsStaff)
		c.tap("B-Sam")
		c.wantTop(kiosk.RowLent)
		if s := c.wantStage(kiosk.Open); s.Given != "Ada" {
			t.Errorf("the visit is %q's now", s.Given)
		}
	})
}

func TestWhatStillWaitsForStaffAtTheEndIsNotLentAndSaidSo(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("CAM-001")
		c.press(kiosk.ActDone, "", "")
		s := c.wantStage(kiosk.Leaving)
		if len(s.NotLent) != 1 || s.NotLent[0].Label != "CAM-001" || s.Borrowed != 0 {
			t.Errorf("goodbye says %+v", s)
		}
	})
}

func TestThreeUnknownTagsInARowAreToldToStaff(t *testing.T) {
	scene(t, func(c *counter) {
		for i := range 3 {
			c.tap("NOBODY-1" + strconv.Itoa(i))
			if n := c.Screen().Notice; n == nil || n.Tail != "1"+strconv.Itoa(i) || n.Support == "" {
				t.Errorf("the notice is %+v", n)
			}
			found, _ := c.Store.Findings(c.Context(), true)
			if want := i / 2; len(found) != want {
				t.Errorf("after %d unknown tags there are %d findings, want %d", i+1, len(found), want)
			}
		}
		time.Sleep(11 * time.Second)
		c.settle()
		c.wantStage(kiosk.Idle)
	})
}

func TestAVisitEndsAfterAWarningThatAnythingTakesBack(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		for range 12 {
			time.Sleep(61 * time.Second)
			c.settle()
			if c.Screen().WarnUntil == nil {
				t.Fatal("no warning after a minute")
			}
			c.press(kiosk.ActKeep, "", "")
			if c.Screen().WarnUntil != nil {
				t.Fatal("the warning stands although somebody is there")
			}
		}
		time.Sleep(61 * time.Second)
		c.settle()
		c.tap("LAP-001")
		if c.Screen().WarnUntil != nil {
			t.Fatal("a tap does not take the warning back")
		}
		time.Sleep(91 * time.Second)
		c.settle()
		if s := c.wantStage(kiosk.Leaving); s.Given != "" || s.Borrowed != 1 {
			t.Errorf("after a time-out the screen says %+v", s)
		}
	})
}

func TestAPressActsOnceHoweverOftenItComes(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.tap("LAP-001")
		p := kiosk.Press{Key: "same", Rev: c.Screen().Rev, Action: kiosk.ActUndo, Row: c.top().ID}
		for range 3 {
			c.Press(c.Context(), p)
			c.settle()
		}
		c.wantTop(kiosk.RowUndoing)
		if c.Screen().Notice != nil {
			t.Error("a replay is complained about")
		}
	})
}

func TestTheLanguageIsThePatronsAndGoesWithThem(t *testing.T) {
	scene(t, func(c *counter) {
		hant := "zh-Hant"
		c.Apply(lending.PatronRecord{ExternalID: "p-Ada", Language: &hant})
		c.press(kiosk.ActLanguage, "", "zh-Hans")
		if s := c.wantStage(kiosk.Idle); s.Language != "zh-Hans" {
			t.Errorf("the language is %q", s.Language)
		}
		c.tap("B-Ben")
		if s := c.Screen(); s.Language != "zh-Hans" {
			t.Errorf("Ben chose zh-Hans and gets %q", s.Language)
		}
		c.tap("B-Ada")
		if s := c.Screen(); s.Language != "zh-Hant" {
			t.Errorf("Ada reads zh-Hant and gets %q", s.Language)
		}
		c.press(kiosk.ActDone, "", "")
		time.Sleep(10 * time.Second)
		c.settle()
		if s := c.wantStage(kiosk.Idle); s.Language != "en" {
			t.Errorf("the next person gets %q", s.Language)
		}
	})
}

func TestEveryViewerSeesTheLastScreen(t *testing.T) {
	scene(t, func(c *counter) {
		ctx, stop := context.WithCancel(c.Context())
		slow, quick := c.Watch(ctx), c.Watch(ctx)
		<-quick
		c.tap("B-Ada")
		c.tap("LAP-001")
		if s := <-slow; s.Rev != c.Screen().Rev {
			t.Errorf("the slow viewer sees rev %d, the screen is at %d", s.Rev, c.Screen().Rev)
		}
		if s := <-quick; s.Rev != c.Screen().Rev {
			t.Errorf("the quick viewer sees rev %d", s.Rev)
		}
		stop()
		synctest.Wait()
		if _, open := <-slow; open {
			t.Error("the channel is open after its context has ended")
		}
	})
}

func TestABrokenLedgerIsSaidAndNothingIsShownAsDone(t *testing.T) {
	scene(t, func(c *counter) {
		c.tap("B-Ada")
		c.Store.Close()
		c.tap("LAP-001")
		c.wantTop(kiosk.RowFailed)
		c.wantCue(devices.CueStop)
	})
}
