package panel_test

import (
	"time"

	"tapshelf/kiosk"
	"tapshelf/lending"
)

// shown is a screen that every test of all screens walks over.
type shown struct {
	name   string
	screen kiosk.Screen
}

func idle() kiosk.Screen {
	return kiosk.Screen{Rev: 1, Station: "front", Stage: kiosk.Idle, Language: "en"}
}

func due() *time.Time {
	t := time.Date(2026, 11, 27, 18, 0, 0, 0, hongKong)
	return &t
}

func laptop() lending.Thing {
	return lending.Thing{Item: "i1", Name: "ThinkPad T14", Label: "LAP-001", Type: "laptop"}
}

func book() lending.Thing {
	return lending.Thing{
		Item: "i2", Name: "Introduction to Algorithms, fourth edition, international student printing", Label: "BK-00123",
		Type: "textbook",
	}
}

func chinese() lending.Thing {
	return lending.Thing{Item: "i3", Name: "現代漢語詞典（第七版）精裝本連光碟及使用手冊增訂版", Label: "BK-00456", Type: "textbook"}
}

func row(id string, state kiosk.RowState, t lending.Thing, actions ...kiosk.Action) kiosk.Row {
	r := kiosk.Row{ID: id, State: state, Thing: t, Actions: actions}
	switch state {
	case kiosk.RowLent, kiosk.RowHandedOver, kiosk.RowShown:
		r.Due = due()
	}
	return r
}

func refused(state kiosk.RowState, support string, because ...lending.Because) kiosk.Row {
	r := row("r9", state, laptop(), kiosk.ActDismiss)
	r.Reasons, r.Support = lending.MostFixableFirst(because), support
	return r
}

func open(rows ...kiosk.Row) kiosk.Screen {
	if len(rows) > 0 {
		rows[0].Fresh = true
	}
	s := kiosk.Screen{Rev: 12, Station: "front", Stage: kiosk.Open, Given: "Ada", Rows: rows, Loans: 2}
	for _, r := range rows {
		switch r.State {
		case kiosk.RowLent, kiosk.RowHandedOver, kiosk.RowShown, kiosk.RowUndoing:
			s.Borrowed++
		case kiosk.RowReturned:
			s.Returned++
		}
	}
	return s
}

func waiting(rows ...kiosk.Row) kiosk.Screen {
	s := open(rows...)
	s.Stage, s.Given, s.Loans = kiosk.Waiting, "", 0
	return s
}

func with(s kiosk.Screen, change func(*kiosk.Screen)) kiosk.Screen {
	change(&s)
	return s
}

var (
	lent = row("r1", kiosk.RowLent, laptop(), kiosk.ActUndo)
	long = row("r2", kiosk.RowLent, book(), kiosk.ActUndo)
	han  = row("r3", kiosk.RowReturned, chinese(), kiosk.ActUndo)
)

// screens are all stages and all states of rows.
func screens() []shown {
	return append(append(stages(), rowStates()...), refusals()...)
}

func stages() []shown {
	expired := time.Date(2026, 8, 31, 18, 0, 0, 0, hongKong)
	until := noon().Add(30 * time.Second)
	leaving := kiosk.Screen{
		Rev: 20, Station: "front", Stage: kiosk.Leaving, Given: "Ada", Borrowed: 2, Returned: 1,
	}
	return []shown{
		{"idle", idle()},
		{"idle empty", with(idle(), func(s *kiosk.Screen) { s.Empty = true })},
		{"idle reader down", with(idle(), func(s *kiosk.Screen) { s.ReadersDown = true })},
		{"help", with(open(lent), func(s *kiosk.Screen) { s.Ask = &kiosk.Ask{Kind: kiosk.AskHelp} })},
		{"open", with(open(), func(s *kiosk.Screen) { s.Loans = 0 })},
		{"open with loans", open()},
		{"open with standing", with(open(), func(s *kiosk.Screen) {
			s.Overdue = 1
			s.Standing = []lending.Because{
				{Reason: lending.PatronExpired, At: &expired}, {Reason: lending.PatronBlocked},
			}
		})},
		{"open full", open(lent, long, han)},
		{"open more", open(long, lent, han, lent, lent)},
		{"open late and reader down", with(open(long, han, lent), func(s *kiosk.Screen) {
			s.Overdue, s.ReadersDown = 2, true
			s.Given = "Maximiliana Constanze Theodora"
		})},
		{"warning", with(open(lent), func(s *kiosk.Screen) { s.WarnUntil = &until })},
		{"leaving", leaving},
		{"leaving timed out", with(leaving, func(s *kiosk.Screen) { s.Given, s.Borrowed, s.Returned = "", 0, 0 })},
		{"leaving not lent", with(leaving, func(s *kiosk.Screen) { s.NotLent = []lending.Thing{laptop(), book()} })},
		{"new here", with(open(), func(s *kiosk.Screen) { s.Stage, s.Given = kiosk.NewHere, "子文" })},
		{"closed", with(idle(), func(s *kiosk.Screen) { s.Stage = kiosk.Closed })},
		{"stale press", with(open(lent), func(s *kiosk.Screen) { s.Notice = &kiosk.Notice{Kind: kiosk.NoticeStale} })},
		{"unknown tag", with(waiting(), func(s *kiosk.Screen) {
			s.Notice = &kiosk.Notice{
				Kind: kiosk.NoticeRefused, Tail: "4F", Support: "T1-4F0C",
				Reasons: []lending.Because{{Reason: lending.UnknownItem}},
			}
		})},
		{"unknown tag in a visit", with(open(lent), func(s *kiosk.Screen) {
			s.Notice = &kiosk.Notice{
				Kind: kiosk.NoticeRefused, Tail: "4F", Support: "T1-4F0C",
				Reasons: []lending.Because{{Reason: lending.UnknownItem}},
			}
		})},
	}
}

func rowStates() []shown {
	return []shown{
		{"row checking", open(kiosk.Row{ID: "r9", State: kiosk.RowChecking}, lent)},
		{"row lent", open(lent)},
		{"row handed over", open(row("r9", kiosk.RowHandedOver, book(), kiosk.ActUndo), lent)},
		{"row returned", open(row("r9", kiosk.RowReturned, laptop(), kiosk.ActUndo))},
		{"row returned by nobody", waiting(row("r9", kiosk.RowReturned, book()))},
		{"rows returned by nobody", waiting(row("r9", kiosk.RowReturned, book()), row("r8", kiosk.RowReturned, laptop()))},
		{"row shown", open(row("r9", kiosk.RowShown, laptop(), kiosk.ActUndo))},
		{"row just borrowed", waiting(row("r9", kiosk.RowJustBorrowed, laptop(), kiosk.ActDismiss))},
		{"row waiting", waiting(row("r9", kiosk.RowWaiting, laptop()))},
		{"rows waiting", waiting(row("r9", kiosk.RowWaiting, laptop()), row("r8", kiosk.RowWaiting, book()))},
		{"row undoing", open(row("r9", kiosk.RowUndoing, laptop(), kiosk.ActDismiss), long)},
		{"row undoing below", open(long, row("r9", kiosk.RowUndoing, laptop(), kiosk.ActDismiss))},
		{"row undone", open(row("r9", kiosk.RowUndone, laptop()))},
		{"row failed", open(row("r9", kiosk.RowFailed, laptop(), kiosk.ActDismiss), lent)},
		{"row refused below", open(lent, refused(kiosk.RowRefused, "L2-4F0C",
			lending.Because{Reason: lending.LimitTotal, Count: 3, Max: 3}))},
	}
}

func refusals() []shown {
	at := time.Date(2026, 8, 31, 18, 0, 0, 0, hongKong)
	all := []shown{
		{"refused for two reasons", open(refused(kiosk.RowRefused, "L2-4F0C",
			lending.Because{Reason: lending.LimitTotal, Count: 3, Max: 3},
			lending.Because{Reason: lending.PatronBlocked}), lent)},
		{"refused for seven reasons", open(refused(kiosk.RowRefused, "L2-4F0C",
			lending.Because{Reason: lending.PatronInactive},
			lending.Because{Reason: lending.PatronExpired, At: &at},
			lending.Because{Reason: lending.PatronBlocked},
			lending.Because{Reason: lending.LimitTotal, Count: 3, Max: 3},
			lending.Because{Reason: lending.LimitType, Count: 2, Max: 2},
			lending.Because{Reason: lending.ClosingSoon},
			lending.Because{Reason: lending.ItemNotForLoan}), lent)},
	}
	for _, r := range lending.Reasons() {
		state, actions := kiosk.RowRefused, []kiosk.Action{kiosk.ActDismiss}
		switch r {
		case lending.NeedsStaff:
			state = kiosk.RowNeedsStaff
		case lending.ItemOnLoanToOther:
			actions = []kiosk.Action{kiosk.ActReturnFor, kiosk.ActDismiss}
		}
		what := refused(state, r.Support()+"-4F0C", lending.Because{Reason: r, Count: 3, Max: 3, At: &at})
		what.Actions = actions
		all = append(all, shown{"refused " + string(r), open(what, lent)})
	}
	return all
}
