package lending

import "time"

// Loan is one item lent to one patron.
type Loan struct {
	ID       LoanID
	Item     ItemID
	Title    TitleID
	LoanType string // at the time of lending
	Category string // the patron's, at the time of lending
	Subject  Subject
	Patron   PatronID // empty once the loan has been anonymised
	Policy   PolicyID
	// PolicyRev is the version of the policy the loan was made under; it
	// keeps it until it ends.
	PolicyRev int
	LentAt    time.Time
	DueAt     time.Time
	Station   string // where it was lent
	LentBy    FactID // the fact that opened it
	// ReturnedAt is nil while the loan is open. Undone says that it was put
	// back within its visit and counts for nothing.
	ReturnedAt *time.Time
	Undone     bool
}

// Open says whether the item is still out on this loan.
func (l Loan) Open() bool { return l.ReturnedAt == nil }

// Overdue says whether an open loan is past its due instant.
func (l Loan) Overdue(now time.Time) bool { return l.Open() && now.After(l.DueAt) }

// FindingKind says what staff are asked to look at.
type FindingKind string

// The kinds of findings.
const (
	// FindingUnknownTag: three tags in a row that the ledger does not know.
	FindingUnknownTag FindingKind = "unknown_tag"
	// FindingUnmatchedReturn: an item came back that was not on loan.
	FindingUnmatchedReturn FindingKind = "unmatched_return"
)

// FindingKinds lists every kind of finding.
func FindingKinds() []FindingKind { return []FindingKind{FindingUnknownTag, FindingUnmatchedReturn} }

// Finding is something that does not add up and waits for staff. It closes
// only through a fact.
type Finding struct {
	ID       FindingID
	Kind     FindingKind
	Item     ItemID // empty when no item is known
	Station  string
	Tail     string // unknown_tag: last two characters of the tag
	OpenedAt time.Time
	ClosedAt *time.Time
}
