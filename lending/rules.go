package lending

import (
	"cmp"
	"slices"
	"time"
)

// Answer is what a decision comes to.
type Answer int

const (
	// Allowed: nothing stands against it.
	Allowed Answer = iota + 1
	// Refused: at least one reason cannot be overridden.
	Refused
	// StaffNeeded: every reason may be overridden at the counter.
	StaffNeeded
)

// Facts is everything a decision may depend on. A pointer that is nil means
// that the fact is not known; what depends on it is left out, not guessed.
type Facts struct {
	Now          time.Time
	ClockTrusted bool
	Zone         *time.Location
	Patron       *Patron
	Item         *Item
	Policy       *Policy // nil: no policy governs the item's loan type
	// Loan is the item's open loan. A loan of Patron's own is not asked to
	// be lent again; the Desk answers that before it asks the rules.
	Loan *Loan
	// Loans are the patron's open loans.
	Loans []Loan
	// ByStaff says that a member of staff hands the item over.
	ByStaff bool
	// Handover says that the open loan is closed in the same transaction,
	// because its item lies on the reader.
	Handover bool
}

// Decision is the rules' answer: all reasons against a loan, in the order of
// Reasons, and the due instant (zero when no policy is known).
type Decision struct {
	Answer  Answer
	Reasons []Because
	Due     time.Time
}

// Decide says whether an item may be lent to a patron. It never stops at the
// first reason.
func Decide(f Facts) Decision {
	var because []Because
	add := func(when bool, b Because) {
		if when {
			because = append(because, b)
		}
	}
	add(!f.ClockTrusted, Because{Reason: ClockUnset})
	if f.Patron != nil {
		because = append(because, f.Patron.standing(f.Now)...)
	}
	add(f.Loan != nil && !f.Handover, Because{Reason: ItemOnLoanToOther})
	if f.Item != nil {
		add(f.Item.Retired != nil, Because{Reason: ItemRetired})
		add(f.Item.NotForLoan, Because{Reason: ItemNotForLoan})
	}
	var due time.Time
	if f.Policy == nil {
		add(f.Item != nil, Because{Reason: NoPolicy})
	} else {
		because = append(because, f.Policy.limits(f.Loans)...)
		due = f.Policy.Due(f.Now, f.Zone)
		add(due.Sub(f.Now) < ShortestLoan, Because{Reason: ClosingSoon})
		add(!f.Policy.SelfService && !f.ByStaff, Because{Reason: NeedsStaff})
	}
	inOrder(because)
	return Decision{Answer: answer(because), Reasons: because, Due: due}
}

func (p Policy) limits(open []Loan) []Because {
	ofType := 0
	for _, l := range open {
		if l.LoanType == p.LoanType {
			ofType++
		}
	}
	var because []Because
	if p.LimitTotal > 0 && len(open) >= p.LimitTotal {
		because = append(because, Because{Reason: LimitTotal, Count: len(open), Max: p.LimitTotal})
	}
	if p.LimitType > 0 && ofType >= p.LimitType {
		because = append(because, Because{Reason: LimitType, Count: ofType, Max: p.LimitType})
	}
	return because
}

func answer(because []Because) Answer {
	switch {
	case len(because) == 0:
		return Allowed
	case slices.ContainsFunc(because, func(b Because) bool { return !b.Reason.Overridable() }):
		return Refused
	default:
		return StaffNeeded
	}
}

func inOrder(because []Because) {
	slices.SortStableFunc(because, func(a, b Because) int { return cmp.Compare(a.Reason.row(), b.Reason.row()) })
}
