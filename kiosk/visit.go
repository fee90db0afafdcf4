package kiosk

import (
	"slices"
	"time"

	"tapshelf/devices/tag"
	"tapshelf/lending"
)

// row is a Row with what the loop must remember of it.
type row struct {
	Row
	item  lending.ItemID
	loan  lending.LoanID
	fact  lending.FactID // what Undo takes back
	tap   string         // the operation that may come again with what was missing
	until time.Time      // when it leaves a screen without a visit; zero = stays
}

// visit is everything the counter knows about who stands before it. The loop
// owns it; the zero visit is an idle counter.
type visit struct {
	stage    Stage
	patron   *lending.Patron
	standing []lending.Because
	language string
	rows     []row
	// loans were made in this visit and not undone; returns were taken in it.
	loans   []lending.LoanID
	returns int
	// had and late are the patron's open and overdue loans at the start.
	had, late int
	// mine counts returns of the patron's own earlier loans.
	mine    int
	notice  *Notice
	ask     *Ask
	notLent []lending.Thing
	since   uint64 // the Rev of its first screen: older buttons are stale
	ending  bool   // Done was pressed while an act was in hand

	lastTouch   time.Time
	warnUntil   time.Time                    // zero: not warning
	leaveAt     time.Time                    // end of Leaving and NewHere, zero otherwise
	noticeUntil time.Time                    // zero: no notice
	again       map[lending.ItemID]time.Time // "tap it again now" holds until then
	unknown     int                          // unknown tags in a row
}

// open says whether somebody is here.
func (v *visit) open() bool { return v.patron != nil && (v.stage == Open || v.stage == NewHere) }

// put shows a row on top. A thing has one row; a new one takes its place.
func (v *visit) put(r row) {
	for i := range v.rows {
		v.rows[i].Fresh = false
	}
	v.rows = slices.DeleteFunc(v.rows, func(o row) bool {
		return o.ID == r.ID || r.item != "" && o.item == r.item
	})
	r.Fresh = true
	v.rows = slices.Insert(v.rows, 0, r)
}

func (v *visit) row(id string) *row {
	for i := range v.rows {
		if v.rows[i].ID == id {
			return &v.rows[i]
		}
	}
	return nil
}

// undoing is the loan whose Undo was pressed and that waits for this item.
func (v *visit) undoing(item lending.ItemID) lending.LoanID {
	for _, r := range v.rows {
		if r.item == item && r.State == RowUndoing {
			return r.loan
		}
	}
	return ""
}

// isAgain says whether the patron was told to tap this item again.
func (v *visit) isAgain(item lending.ItemID, now time.Time) bool {
	until, told := v.again[item]
	return told && now.Before(until)
}

// did puts an outcome on record of the visit and gives its row.
func (v *visit) did(out lending.Outcome, tap string, now time.Time) row {
	r := row{item: out.Item, loan: out.Loan, fact: out.Fact, tap: tap}
	r.Thing, r.Due = out.Thing, out.Due
	switch out.Kind {
	case lending.Lent, lending.HandedOver:
		r.State = RowLent
		if out.Kind == lending.HandedOver {
			r.State = RowHandedOver
		}
		v.loans = append(v.loans, out.Loan)
		r.Actions = []Action{ActUndo}
	case lending.Returned, lending.Unmatched:
		r.State, r.Due = RowReturned, nil
		v.returns++
		v.loans = slices.DeleteFunc(v.loans, func(l lending.LoanID) bool { return l == out.Loan })
		if out.Mine && v.open() {
			v.mine++
			if out.Due.Before(now) {
				v.late--
			}
			r.Actions = []Action{ActUndo}
		}
	case lending.Undone:
		r.State = RowUndone
		if out.Due != nil { // a return was undone: the loan is open again
			v.returns--
			v.mine--
			if out.Due.Before(now) {
				v.late++
			}
		}
		v.loans = slices.DeleteFunc(v.loans, func(l lending.LoanID) bool { return l == out.Loan })
	case lending.Shown:
		r.State, r.Actions = RowShown, []Action{ActUndo}
	case lending.JustBorrowed:
		r.State, r.Actions = RowJustBorrowed, []Action{ActDismiss}
		if v.again == nil {
			v.again = map[lending.ItemID]time.Time{}
		}
		v.again[out.Item] = now.Add(againFor)
	case lending.Waiting:
		r.State = RowWaiting
	}
	if out.Kind != lending.JustBorrowed {
		delete(v.again, out.Item)
	}
	return r
}

// refused gives the row of a refusal about a known thing.
func (v *visit) refused(f *lending.Refusal, tap string) row {
	r := row{item: f.Thing.Item, tap: tap}
	r.Thing, r.Reasons, r.Support = f.Thing, lending.MostFixableFirst(f.Reasons), f.Support()
	r.State, r.Actions = RowRefused, []Action{ActDismiss}
	if f.Staff {
		r.State = RowNeedsStaff
	}
	if slices.ContainsFunc(f.Reasons, func(b lending.Because) bool { return b.Reason == lending.ItemOnLoanToOther }) {
		r.Actions = []Action{ActReturnFor, ActDismiss}
	}
	return r
}

// waitsForStaff lists the taps that a staff badge would approve.
func (v *visit) waitsForStaff() []row {
	var out []row
	for _, r := range v.rows {
		if r.State == RowNeedsStaff {
			out = append(out, r)
		}
	}
	return out
}

// Spellings turns the aliases of a tag into what the ledger looks up.
func Spellings(aliases []tag.Alias) []lending.Spelling {
	out := make([]lending.Spelling, len(aliases))
	for i, a := range aliases {
		out[i] = lending.Spelling(a)
	}
	return out
}

// Typed reads a badge or tag number as staff type it or a file holds it.
func Typed(text string) (lending.Presented, error) {
	aliases, err := tag.Parse(text)
	if err != nil {
		return lending.Presented{}, err
	}
	value := []rune(aliases[0].Value)
	return lending.Presented{Spellings: Spellings(aliases), Tail: string(value[max(0, len(value)-2):])}, nil
}

// presented is a tag as a reader saw it.
func presented(uid tag.UID) lending.Presented {
	return lending.Presented{Spellings: Spellings(uid.Aliases()), Random: uid.Random(), Tail: uid.Tail()}
}
