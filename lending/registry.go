package lending

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Registry takes what central systems and files say about patrons and
// things. Its fields are set once; its methods may be called from several
// goroutines.
type Registry struct {
	Store Store
	Key   Key
	Zone  *time.Location // dates in records are days in this zone
	Now   func() time.Time
	NewID func() string
}

// Record is one line from outside, told by its own external id: one of
// PatronRecord, BadgeRecord, TitleRecord, ItemRecord, TagRecord,
// PolicyRecord and Together. A nil field leaves what is recorded as it is.
type Record interface {
	apply(*registrar) (id string, created, changed bool, err error)
}

// PatronRecord says who a patron is. A new patron needs GivenName.
type PatronRecord struct {
	ExternalID string
	GivenName  *string
	FamilyName *string
	Category   *string
	Status     *PatronStatus
	// Expires is the last day of validity, "2027-06-30"; "" = never.
	Expires  *string
	Language *string // "en", "zh-Hant", "zh-Hans" or ""
}

// BadgeRecord gives a patron a badge, or revokes it.
type BadgeRecord struct {
	Patron    string // external id
	Presented Presented
	Revoked   bool
}

// TitleRecord says what a title is. A new title needs Name and LoanType.
type TitleRecord struct {
	ExternalID string
	Name       *string
	LoanType   *string
}

// ItemRecord says what an item is. A new item needs Title and Label.
// Retired takes it out of lending for good and needs RetiredReason.
type ItemRecord struct {
	ExternalID    string
	Title         *string // external id
	Label         *string
	NotForLoan    *bool
	Retired       *bool
	RetiredReason *string
}

// TagRecord puts a tag on an item, or removes it.
type TagRecord struct {
	Item      string // external id
	Presented Presented
	Removed   bool
}

// PolicyRecord sets the policy of a loan type, whole.
type PolicyRecord struct {
	LoanType    string
	Period      Period
	LimitTotal  int
	LimitType   int
	SelfService bool
}

// Together is several records that are taken whole or not at all, such as a
// patron with their badges. Its result is that of the first.
type Together []Record

func (r Together) apply(g *registrar) (id string, created, changed bool, err error) {
	for i, rec := range r {
		x, isNew, differs, err := rec.apply(g)
		if err != nil {
			return "", false, false, err
		}
		if i == 0 {
			id, created = x, isNew
		}
		changed = changed || differs
	}
	return id, created, changed, nil
}

// BadRecord says what is wrong with a record, and in which field. It does
// not repeat badge numbers or names.
type BadRecord struct {
	Field string
	What  string
}

func (e *BadRecord) Error() string { return e.Field + ": " + e.What }

// Status is what became of a record.
type Status string

// The fates of a record.
const (
	StatusCreated   Status = "created"
	StatusChanged   Status = "changed"
	StatusUnchanged Status = "unchanged"
	StatusInvalid   Status = "invalid" // Err says why
)

// Result is what became of one record. ID is our identifier of its row.
type Result struct {
	Status Status
	ID     string
	Err    *BadRecord
}

// ApplyOptions say how records are taken.
type ApplyOptions struct {
	By string // who edits: "token:ID", "import" ...
	// Whole takes all records or none.
	Whole bool
	// Dry finds out what would become of the records and changes nothing.
	Dry bool
}

// errKept ends a transaction on purpose, to leave everything as it was.
var errKept = errors.New("nothing is changed")

// Apply takes records in order, each whole or not at all, in one
// transaction. A record that is wrong gets StatusInvalid; the others are
// taken all the same, unless opt says Whole.
func (r *Registry) Apply(ctx context.Context, records []Record, opt ApplyOptions) ([]Result, error) {
	results := make([]Result, len(records))
	err := r.Store.Write(ctx, func(tx Tx) error {
		reg := &registrar{Registry: r, tx: tx, by: opt.By}
		valid := true
		for i, rec := range records {
			result, err := reg.take(rec)
			if err != nil {
				return err
			}
			results[i] = result
			valid = valid && result.Status != StatusInvalid
		}
		if opt.Dry || opt.Whole && !valid {
			return errKept
		}
		return nil
	})
	if err != nil && !errors.Is(err, errKept) {
		return nil, err
	}
	return results, nil
}

// registrar applies records within one transaction.
type registrar struct {
	*Registry
	tx Tx
	by string
}

func (g *registrar) take(rec Record) (Result, error) {
	var result Result
	err := g.tx.Attempt(func() error {
		id, created, changed, err := rec.apply(g)
		result = Result{Status: StatusUnchanged, ID: id}
		switch {
		case created:
			result.Status = StatusCreated
		case changed:
			result.Status = StatusChanged
		}
		return err
	})
	var bad *BadRecord
	if errors.As(err, &bad) {
		return Result{Status: StatusInvalid, Err: bad}, nil
	}
	return result, err
}

func bad(field, format string, args ...any) *BadRecord {
	return &BadRecord{Field: field, What: fmt.Sprintf(format, args...)}
}

// found tells a row that is there from one that is not; any other error is a
// failure.
func found(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// text checks a text field: no longer than max characters, no control
// characters, and not empty if needed.
func text(field string, v *string, into *string, max int, needed bool) *BadRecord {
	if v != nil {
		*into = *v
	}
	if *into == "" && needed {
		return bad(field, "is missing")
	}
	n := 0
	for _, r := range *into {
		n++
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return bad(field, "has a character at place %d that cannot be shown", n)
		}
	}
	if n > max {
		return bad(field, "has %d characters, at most %d are kept", n, max)
	}
	return nil
}

// first is the first complaint, as an error; nil if there is none.
func first(complaints ...*BadRecord) error {
	for _, c := range complaints {
		if c != nil {
			return c
		}
	}
	return nil
}
