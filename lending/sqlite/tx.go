package sqlite

import (
	"errors"
	"fmt"
	"time"

	"tapshelf/lending"
)

// Tx is one transaction. It implements lending.Tx and must not be used after
// the function it was given to has returned.
type Tx struct {
	c      *conn
	s      *Store
	writes bool
}

var _ lending.Tx = (*Tx)(nil)

// errReadOnly is answered by a write through a Store's Read.
var errReadOnly = errors.New("this transaction only reads")

// millis and instant are how the file keeps time: UTC milliseconds.
func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func maybeMillis(t *time.Time) any {
	if t == nil {
		return nil
	}
	return millis(*t)
}

func maybeInstant(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	t := instant(*ms)
	return &t
}

// TagRef finds what a spelling leads to.
func (t *Tx) TagRef(k lending.TagKey) (lending.TagRef, error) {
	var badge, tag *string
	err := t.c.row(`SELECT badge, tag FROM tag_key WHERE hmac = ?`, []any{k[:]}, &badge, &tag)
	var ref lending.TagRef
	if badge != nil {
		ref.Badge = lending.BadgeID(*badge)
	}
	if tag != nil {
		ref.Tag = lending.TagID(*tag)
	}
	return ref, err
}

// Bind makes a spelling lead to ref.
func (t *Tx) Bind(k lending.TagKey, form string, ref lending.TagRef) error {
	_, err := t.c.exec(`INSERT INTO tag_key (hmac, form, badge, tag) VALUES (?, ?, nullif(?, ''), nullif(?, ''))
		ON CONFLICT (hmac) DO UPDATE SET form = excluded.form, badge = excluded.badge, tag = excluded.tag`,
		k[:], form, string(ref.Badge), string(ref.Tag))
	return err
}

const badgeColumns = `id, patron, tail, revoked, rev`

func scanBadge(r scanner) (b lending.Badge, err error) {
	var revoked *int64
	err = r.Scan(&b.ID, &b.Patron, &b.Tail, &revoked, &b.Rev)
	b.Revoked = maybeInstant(revoked)
	return b, err
}

// Badge reads a badge.
func (t *Tx) Badge(id lending.BadgeID) (lending.Badge, error) {
	return one(t.c, scanBadge, `SELECT `+badgeColumns+` FROM badge WHERE id = ?`, string(id))
}

const tagColumns = `id, item, tail, removed, rev`

func scanTag(r scanner) (g lending.Tag, err error) {
	var removed *int64
	err = r.Scan(&g.ID, &g.Item, &g.Tail, &removed, &g.Rev)
	g.Removed = maybeInstant(removed)
	return g, err
}

// Tag reads a tag on an item.
func (t *Tx) Tag(id lending.TagID) (lending.Tag, error) {
	return one(t.c, scanTag, `SELECT `+tagColumns+` FROM item_tag WHERE id = ?`, string(id))
}

const patronColumns = `id, external_id, given_name, family_name, category, status, expires, language, rev`

func scanPatron(r scanner) (p lending.Patron, err error) {
	var expires *int64
	err = r.Scan(&p.ID, &p.ExternalID, &p.GivenName, &p.FamilyName, &p.Category, &p.Status, &expires, &p.Language, &p.Rev)
	p.Expires = maybeInstant(expires)
	return p, err
}

// Patron reads a patron.
func (t *Tx) Patron(id lending.PatronID) (lending.Patron, error) {
	return one(t.c, scanPatron, `SELECT `+patronColumns+` FROM patron WHERE id = ?`, string(id))
}

// PatronByExternal reads a patron by the central system's identifier.
func (t *Tx) PatronByExternal(id string) (lending.Patron, error) {
	return one(t.c, scanPatron, `SELECT `+patronColumns+` FROM patron WHERE external_id = ?`, id)
}

const titleColumns = `id, external_id, name, loan_type, rev`

func scanTitle(r scanner) (x lending.Title, err error) {
	err = r.Scan(&x.ID, &x.ExternalID, &x.Name, &x.LoanType, &x.Rev)
	return x, err
}

// Title reads a title.
func (t *Tx) Title(id lending.TitleID) (lending.Title, error) {
	return one(t.c, scanTitle, `SELECT `+titleColumns+` FROM title WHERE id = ?`, string(id))
}

// TitleByExternal reads a title by the central system's identifier.
func (t *Tx) TitleByExternal(id string) (lending.Title, error) {
	return one(t.c, scanTitle, `SELECT `+titleColumns+` FROM title WHERE external_id = ?`, id)
}

const itemColumns = `id, external_id, title, label, not_for_loan, retired, retired_reason, rev`

func scanItem(r scanner) (i lending.Item, err error) {
	var retired *int64
	err = r.Scan(&i.ID, &i.ExternalID, &i.Title, &i.Label, &i.NotForLoan, &retired, &i.RetiredReason, &i.Rev)
	i.Retired = maybeInstant(retired)
	return i, err
}

// Item reads an item.
func (t *Tx) Item(id lending.ItemID) (lending.Item, error) {
	return one(t.c, scanItem, `SELECT `+itemColumns+` FROM item WHERE id = ?`, string(id))
}

// ItemByExternal reads an item by the central system's identifier.
func (t *Tx) ItemByExternal(id string) (lending.Item, error) {
	return one(t.c, scanItem, `SELECT `+itemColumns+` FROM item WHERE external_id = ?`, id)
}

func scanPolicy(r scanner) (p lending.Policy, err error) {
	var period string
	if err = r.Scan(&p.ID, &p.LoanType, &period, &p.LimitTotal, &p.LimitType, &p.SelfService, &p.Rev); err != nil {
		return p, err
	}
	p.Period, err = lending.ParsePeriod(period)
	return p, err
}

// PolicyFor reads the policy of a loan type.
func (t *Tx) PolicyFor(loanType string) (lending.Policy, error) {
	return one(t.c, scanPolicy, `SELECT id, loan_type, period, limit_total, limit_type, self_service, rev
		FROM policy WHERE loan_type = ?`, loanType)
}

// loanColumns reads a loan l with the person its subject s stands for.
const (
	loanColumns = `l.id, l.item, l.title, l.loan_type, l.category, l.subject, coalesce(s.patron, ''), l.policy, l.policy_rev,
		l.lent_at, l.due_at, l.station, l.lent_by, l.returned_at, l.undone`
	loanTables = ` FROM loan l LEFT JOIN subject s ON s.subject = l.subject `
)

// loanFields gives where a loan's columns go, and what finishes the loan
// once they have been scanned.
func loanFields(l *lending.Loan) (into []any, finish func()) {
	var subject []byte
	var lent, due int64
	var returned *int64
	into = []any{&l.ID, &l.Item, &l.Title, &l.LoanType, &l.Category, &subject, &l.Patron, &l.Policy, &l.PolicyRev,
		&lent, &due, &l.Station, &l.LentBy, &returned, &l.Undone}
	return into, func() {
		copy(l.Subject[:], subject)
		l.LentAt, l.DueAt, l.ReturnedAt = instant(lent), instant(due), maybeInstant(returned)
	}
}

func scanLoan(r scanner) (l lending.Loan, err error) {
	into, finish := loanFields(&l)
	err = r.Scan(into...)
	finish()
	return l, err
}

// Loan reads a loan.
func (t *Tx) Loan(id lending.LoanID) (lending.Loan, error) {
	return one(t.c, scanLoan, `SELECT `+loanColumns+loanTables+`WHERE l.id = ?`, string(id))
}

// OpenLoan reads the open loan of an item.
func (t *Tx) OpenLoan(id lending.ItemID) (lending.Loan, error) {
	return one(t.c, scanLoan, `SELECT `+loanColumns+loanTables+`WHERE l.item = ? AND l.returned_at IS NULL`, string(id))
}

// LoansOf lists the open loans of a patron, oldest due first.
func (t *Tx) LoansOf(id lending.PatronID) ([]lending.Loan, error) {
	return all(t.c, scanLoan, `SELECT `+loanColumns+` FROM subject s JOIN loan l ON l.subject = s.subject
		WHERE s.patron = ? AND l.returned_at IS NULL ORDER BY l.due_at, l.id`, string(id))
}

const findingColumns = `f.id, f.kind, f.item, f.station, f.tail, f.opened_at, f.closed_at`

func findingFields(f *lending.Finding) (into []any, finish func()) {
	var opened int64
	var closed *int64
	into = []any{&f.ID, &f.Kind, &f.Item, &f.Station, &f.Tail, &opened, &closed}
	return into, func() { f.OpenedAt, f.ClosedAt = instant(opened), maybeInstant(closed) }
}

// Finding reads a finding.
func (t *Tx) Finding(id lending.FindingID) (lending.Finding, error) {
	return one(t.c, func(r scanner) (f lending.Finding, err error) {
		into, finish := findingFields(&f)
		err = r.Scan(into...)
		finish()
		return f, err
	}, `SELECT `+findingColumns+` FROM finding f WHERE f.id = ?`, string(id))
}

// StaffOf finds who works here under a patron record.
func (t *Tx) StaffOf(id lending.PatronID) (lending.StaffID, error) {
	var staff lending.StaffID
	err := t.c.row(`SELECT id FROM staff WHERE patron = ? AND disabled IS NULL LIMIT 1`, []any{string(id)}, &staff)
	return staff, err
}

// Link makes patron the person that a new subject stands for.
func (t *Tx) Link(subject lending.Subject, patron lending.PatronID) error {
	_, err := t.c.exec(`INSERT INTO subject (subject, patron) VALUES (?, ?)`, subject[:], string(patron))
	return err
}

// Operation finds the stored answer of an act.
func (t *Tx) Operation(id string) (lending.Operation, error) {
	o := lending.Operation{ID: id}
	var hash []byte
	err := t.c.row(`SELECT hash, answer FROM operation WHERE id = ?`, []any{id}, &hash, &o.Answer)
	copy(o.Hash[:], hash)
	return o, err
}

// Remember stores the answer of an act.
func (t *Tx) Remember(o lending.Operation) error {
	if !t.writes {
		return errReadOnly
	}
	_, err := t.c.exec(`INSERT INTO operation (id, hash, answer, at) VALUES (?, ?, ?, ?)`,
		o.ID, o.Hash[:], o.Answer, millis(t.s.opt.Now()))
	return err
}

// Attempt runs f under a savepoint.
func (t *Tx) Attempt(f func() error) error {
	if _, err := t.c.exec("SAVEPOINT attempt"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	err := f()
	if err != nil {
		if _, back := t.c.exec("ROLLBACK TO attempt"); back != nil {
			return errors.Join(err, back)
		}
	}
	if _, end := t.c.exec("RELEASE attempt"); end != nil {
		return errors.Join(err, end)
	}
	return err
}
