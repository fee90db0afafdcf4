package lending

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reason says why something is not lent. The list is closed and its codes
// are stable: extend it, never rename.
type Reason string

// The reasons, in the order in which a decision lists them.
const (
	ClockUnset        Reason = "clock_unset"
	UnknownBadge      Reason = "unknown_badge"
	BadgeRandomUID    Reason = "badge_random_uid"
	PatronInactive    Reason = "patron_inactive"
	PatronExpired     Reason = "patron_expired"
	BadgeRevoked      Reason = "badge_revoked"
	PatronBlocked     Reason = "patron_blocked"
	UnknownItem       Reason = "unknown_item"
	TagAmbiguous      Reason = "tag_ambiguous"
	ItemOnLoanToOther Reason = "item_on_loan_to_other"
	ItemRetired       Reason = "item_retired"
	ItemNotForLoan    Reason = "item_not_for_loan"
	NoPolicy          Reason = "no_policy"
	LimitTotal        Reason = "limit_total"
	LimitType         Reason = "limit_type"
	ClosingSoon       Reason = "closing_soon"
	UndoTooLate       Reason = "undo_too_late"
	NeedsStaff        Reason = "needs_staff"
)

// Class groups reasons by what kind of "no" they are; the surfaces turn it
// into a status.
type Class int

const (
	// ClassNotFound means that the ledger does not know the badge or tag.
	ClassNotFound Class = iota + 1
	// ClassForbidden means that the patron may not, now.
	ClassForbidden
	// ClassConflict means that the item's state is against it.
	ClassConflict
	// ClassUnavailable means that the station cannot decide, now.
	ClassUnavailable
)

// reasons is the one table of what is known about each reason. Its order is
// the order of a decision. Fixable orders what the panel shows first: the
// lowest number is the easiest for the patron to put right.
var reasons = []struct {
	reason      Reason
	support     string
	class       Class
	overridable bool
	fixable     int
}{
	{ClockUnset, "K1", ClassUnavailable, false, 9},
	{UnknownBadge, "B1", ClassNotFound, false, 2},
	{BadgeRandomUID, "B2", ClassForbidden, false, 1},
	{PatronInactive, "P1", ClassForbidden, false, 6},
	{PatronExpired, "P2", ClassForbidden, false, 5},
	{BadgeRevoked, "B3", ClassForbidden, false, 2},
	{PatronBlocked, "P3", ClassForbidden, false, 6},
	{UnknownItem, "T1", ClassNotFound, false, 2},
	{TagAmbiguous, "T2", ClassConflict, false, 4},
	{ItemOnLoanToOther, "I1", ClassConflict, false, 1},
	{ItemRetired, "I2", ClassConflict, false, 7},
	{ItemNotForLoan, "I3", ClassConflict, false, 3},
	{NoPolicy, "L1", ClassConflict, false, 8},
	{LimitTotal, "L2", ClassForbidden, false, 1},
	{LimitType, "L3", ClassForbidden, false, 1},
	{ClosingSoon, "L4", ClassForbidden, false, 4},
	{UndoTooLate, "U1", ClassConflict, false, 4},
	{NeedsStaff, "S1", ClassForbidden, true, 3},
}

// Reasons lists every reason in the order of a decision.
func Reasons() []Reason {
	all := make([]Reason, len(reasons))
	for i, r := range reasons {
		all[i] = r.reason
	}
	return all
}

func (r Reason) row() int {
	for i := range reasons {
		if reasons[i].reason == r {
			return i
		}
	}
	return -1
}

// Support is the letter and number that staff ask for: "L2". It is empty for
// a reason that is not in the list.
func (r Reason) Support() string {
	if i := r.row(); i >= 0 {
		return reasons[i].support
	}
	return ""
}

// Class says what kind of "no" this is; 0 for a reason not in the list.
func (r Reason) Class() Class {
	if i := r.row(); i >= 0 {
		return reasons[i].class
	}
	return 0
}

// Overridable says whether staff may hand the item over all the same.
func (r Reason) Overridable() bool {
	i := r.row()
	return i >= 0 && reasons[i].overridable
}

// Because is a reason with its numbers. Fields that a reason does not use
// are zero.
type Because struct {
	Reason Reason     `json:"reason"`
	Count  int        `json:"count,omitempty"` // limit_*: open loans that count
	Max    int        `json:"max,omitempty"`   // limit_*: how many are allowed
	At     *time.Time `json:"at,omitempty"`    // patron_expired: since when
}

// MostFixableFirst orders reasons as a panel shows them: what the patron can
// put right now comes first. Decisions and the API keep the rules' order.
func MostFixableFirst(because []Because) []Because {
	out := slices.Clone(because)
	slices.SortStableFunc(out, func(a, b Because) int { return fixable(a.Reason) - fixable(b.Reason) })
	return out
}

func fixable(r Reason) int {
	if i := r.row(); i >= 0 {
		return reasons[i].fixable
	}
	return len(reasons)
}

// Refusal is a "no" with all its reasons. It is an answer, not a failure:
// it has been recorded as a fact, unless Fact is empty.
type Refusal struct {
	Reasons []Because
	Fact    FactID
	Thing   Thing // what was asked for; zero when no item is known
	// Staff is true when every reason may be overridden at the counter, so
	// that a member of staff can hand the item over.
	Staff bool
}

func (r *Refusal) Error() string {
	codes := make([]string, len(r.Reasons))
	for i, b := range r.Reasons {
		codes[i] = string(b.Reason)
	}
	return fmt.Sprintf("refused: %s", strings.Join(codes, ", "))
}

// Support is the code a patron reads to staff: the letter and number of the
// first reason shown and the last four characters of the refusal's fact.
func (r *Refusal) Support() string {
	if len(r.Reasons) == 0 {
		return ""
	}
	code := MostFixableFirst(r.Reasons)[0].Reason.Support()
	if n := len(r.Fact); n >= 4 {
		code += "-" + strings.ToUpper(string(r.Fact[n-4:]))
	}
	return code
}
