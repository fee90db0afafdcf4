package lending

import (
	"context"
	"time"
)

// Store is where the Desk keeps the ledger; lending/sqlite is one.
type Store interface {
	// Write runs f in one immediate transaction and commits it, or leaves
	// everything as it was and returns why. When it returns nil, what f did
	// survives a power cut. f runs at most once; ctx bounds only the wait.
	Write(ctx context.Context, f func(Tx) error) error
	// Read runs f on one consistent view that does not wait for writers. A
	// write through it fails.
	Read(ctx context.Context, f func(Tx) error) error
}

// Tx is one transaction of a Store. Reads answer ErrNotFound for a row that
// is not there.
type Tx interface {
	// TagRef finds what a spelling of a tag leads to.
	TagRef(TagKey) (TagRef, error)
	Badge(BadgeID) (Badge, error)
	Tag(TagID) (Tag, error)
	Patron(PatronID) (Patron, error)
	Item(ItemID) (Item, error)
	Title(TitleID) (Title, error)
	// PolicyFor is the policy that governs a loan type.
	PolicyFor(loanType string) (Policy, error)
	Loan(LoanID) (Loan, error)
	// OpenLoan is the open loan of an item.
	OpenLoan(ItemID) (Loan, error)
	// LoansOf lists the open loans of a patron, oldest due first.
	LoansOf(PatronID) ([]Loan, error)
	Finding(FindingID) (Finding, error)
	// StaffOf is the member of staff whose own patron record this is.
	StaffOf(PatronID) (StaffID, error)
	Fact(FactID) (Fact, error)
	// LastFact is the newest lent, returned or undone fact of an item.
	LastFact(ItemID) (Fact, error)
	// NewestAt is the wall time of the newest fact; zero in an empty ledger.
	NewestAt() (time.Time, error)

	PatronByExternal(string) (Patron, error)
	TitleByExternal(string) (Title, error)
	ItemByExternal(string) (Item, error)

	// The Save methods insert or update one reference row, raise its rev and
	// append a FactChanged, all or nothing. A row that already says the same
	// is left alone; changed tells. by names who edits: "staff:ID",
	// "token:ID", "import", "config".
	SavePatron(p Patron, by string) (changed bool, err error)
	SaveBadge(b Badge, by string) (changed bool, err error)
	SaveTitle(t Title, by string) (changed bool, err error)
	SaveItem(i Item, by string) (changed bool, err error)
	SaveTag(t Tag, by string) (changed bool, err error)
	SavePolicy(p Policy, by string) (changed bool, err error)
	// Bind makes a spelling of a tag lead to ref, replacing what it led to.
	Bind(key TagKey, form string, ref TagRef) error
	// Attempt runs f under a savepoint: if f fails, what it wrote is undone,
	// the transaction goes on, and Attempt returns f's error.
	Attempt(f func() error) error

	// Append completes a fact, chains it, stores it and folds it into the
	// projections.
	Append(Fact) (Fact, error)
	// Link makes patron the person a new subject stands for.
	Link(Subject, PatronID) error
	// Operation finds the stored answer of an operation id, and the hash of
	// what was asked.
	Operation(id string) (Operation, error)
	// Remember stores an operation's answer.
	Remember(Operation) error
}

// Operation is the memory of one act, so that the same act asked twice is
// done once. Answer holds codes and ids, never names.
type Operation struct {
	ID     string
	Hash   Hash
	Answer []byte
}
