package lending

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// JustBorrowedFor is how long a loan made at a station counts as "just
// borrowed" there: a tap of its item is then asked about, not acted on.
const JustBorrowedFor = 2 * time.Minute

// clockSlack is how far a trusted clock may stand before the newest fact, so
// that a small correction by NTP does not stop lending.
const clockSlack = time.Minute

// Desk is the use cases of a lending counter. Its fields are set once by the
// caller; its methods may then be called from several goroutines.
//
// Each method that acts takes an operation id. The same id with the same
// request gets the same answer and acts once; with another request it gets
// ErrOperationReused. A method answers a *Refusal when the rules say no, and
// any other error when it could not decide: then nothing was done, or, when
// ctx ended first, asking again with the same id tells.
type Desk struct {
	Store Store
	Key   Key
	Zone  *time.Location
	Now   func() time.Time
	// NewID draws a UUIDv7, NewSubject 16 random bytes.
	NewID      func() string
	NewSubject func() Subject
	// ClockTrusted says whether the machine's clock can be relied on. While
	// it cannot, nothing is lent; returns are still taken.
	ClockTrusted func() bool
}

// OutcomeKind says what a tap or a request at the desk came to.
type OutcomeKind string

// The outcomes. Waiting, Shown and JustBorrowed wrote nothing.
const (
	Lent         OutcomeKind = "lent"
	Returned     OutcomeKind = "returned"
	HandedOver   OutcomeKind = "handed_over" // returned for somebody else and lent
	Undone       OutcomeKind = "undone"
	Shown        OutcomeKind = "shown"         // lent in this visit: its row again
	JustBorrowed OutcomeKind = "just_borrowed" // tap again to return it
	Waiting      OutcomeKind = "waiting"       // available; whose is it?
	Unmatched    OutcomeKind = "unmatched"     // taken back without having been out
)

// Outcome is what was done.
type Outcome struct {
	Kind OutcomeKind `json:"kind"`
	Item ItemID      `json:"item"`
	Loan LoanID      `json:"loan,omitempty"`
	// Fact is what Undo takes back.
	Fact FactID     `json:"fact,omitempty"`
	Due  *time.Time `json:"due,omitempty"`
	// Mine is true when a returned loan was the visiting patron's own.
	Mine  bool  `json:"mine,omitempty"`
	Thing Thing `json:"-"` // read anew for every answer
}

// CheckoutRequest asks to lend an item at the desk or through the API.
type CheckoutRequest struct {
	Op       string
	Station  string
	Patron   PatronID
	Item     ItemID
	Staff    StaffID // who hands it over; empty for a central system
	Language string
}

// Checkout lends an item by a person's or system's hand, not by a tap. An
// item that the patron already has is Shown.
func (d *Desk) Checkout(ctx context.Context, r CheckoutRequest) (Outcome, error) {
	return d.once(ctx, r.Op, r, func(tx Tx) (Outcome, error) {
		v, err := d.view(tx, r.Item, r.Patron)
		if err != nil {
			return Outcome{}, err
		}
		if v.loan != nil && v.loan.Patron == r.Patron {
			return v.outcome(Shown), nil
		}
		return d.lend(tx, v, lendOpts{station: r.Station, language: r.Language, byStaff: true, staff: r.Staff})
	})
}

// ReturnRequest asks to take an item back.
type ReturnRequest struct {
	Op      string
	Station string
	Item    ItemID
	// Loan, if set, is the only loan that may be ended: should the item be
	// out on another by now, that one stays and nothing is done.
	Loan   LoanID
	Patron PatronID // the visiting patron, if a visit is open
	Staff  StaffID  // who takes it back at the desk, if anybody
}

// Return takes an item back, whoever brings it. It is never refused: an item
// that was not out is recorded as Unmatched, with a finding.
func (d *Desk) Return(ctx context.Context, r ReturnRequest) (Outcome, error) {
	return d.once(ctx, r.Op, r, func(tx Tx) (Outcome, error) {
		v, err := d.view(tx, r.Item, r.Patron)
		if err != nil {
			return Outcome{}, err
		}
		if r.Loan != "" && (v.loan == nil || v.loan.ID != r.Loan) {
			return v.outcome(Shown), nil
		}
		return d.takeBack(tx, v, ReturnedBody{Station: r.Station, Staff: r.Staff})
	})
}

// view is what a use case knows about an item and the patron before it.
type view struct {
	patron *Patron
	item   Item
	title  Title
	loan   *Loan // the item's open loan
}

func (d *Desk) view(tx Tx, id ItemID, patron PatronID) (view, error) {
	var v view
	var err error
	if v.item, err = tx.Item(id); err != nil {
		return v, fmt.Errorf("item: %w", err)
	}
	if v.title, err = tx.Title(v.item.Title); err != nil {
		return v, fmt.Errorf("title of an item: %w", err)
	}
	loan, err := tx.OpenLoan(id)
	switch {
	case err == nil:
		v.loan = &loan
	case !errors.Is(err, ErrNotFound):
		return v, fmt.Errorf("open loan: %w", err)
	}
	if patron != "" {
		p, err := tx.Patron(patron)
		if err != nil {
			return v, fmt.Errorf("patron: %w", err)
		}
		v.patron = &p
	}
	return v, nil
}

func (v view) mine() bool {
	return v.loan != nil && v.patron != nil && v.loan.Patron == v.patron.ID
}

// outcome describes the item and its open loan.
func (v view) outcome(kind OutcomeKind) Outcome {
	out := Outcome{Kind: kind, Item: v.item.ID, Mine: v.mine()}
	if v.loan != nil {
		out.Loan, out.Fact, out.Due = v.loan.ID, v.loan.LentBy, &v.loan.DueAt
	}
	return out
}

type lendOpts struct {
	station, language string
	byStaff           bool
	staff             StaffID
	handover          bool
}

// lend asks the rules and, if they allow it, opens a loan. A refusal is
// recorded; a loan that only waits for staff is not.
func (d *Desk) lend(tx Tx, v view, o lendOpts) (Outcome, error) {
	facts := Facts{
		Now: d.Now(), Zone: d.Zone, Patron: v.patron, Item: &v.item, Loan: v.loan,
		ByStaff: o.byStaff, Handover: o.handover,
	}
	if err := d.gather(tx, &facts, v.title.LoanType); err != nil {
		return Outcome{}, err
	}
	decision := Decide(facts)
	if o.handover && decision.Answer == Refused {
		decision.Reasons = append(decision.Reasons, Because{Reason: ItemOnLoanToOther})
		inOrder(decision.Reasons)
	}
	switch decision.Answer {
	case StaffNeeded:
		return Outcome{}, &Refusal{Reasons: decision.Reasons, Thing: v.thing(), Staff: true}
	case Refused:
		return Outcome{}, d.refuse(tx, v, decision.Reasons, o)
	}
	var after FactID
	kind := Lent
	if v.loan != nil {
		f, err := d.closeLoan(tx, *v.loan, ReturnedBody{Station: o.station, Staff: o.staff})
		if err != nil {
			return Outcome{}, err
		}
		after, kind = f.ID, HandedOver
	}
	return d.open(tx, v, facts, decision.Due, after, kind, o)
}

// gather reads what the rules need beyond the item itself.
func (d *Desk) gather(tx Tx, f *Facts, loanType string) error {
	policy, err := tx.PolicyFor(loanType)
	switch {
	case err == nil:
		f.Policy = &policy
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("policy: %w", err)
	}
	if f.Loans, err = tx.LoansOf(f.Patron.ID); err != nil {
		return fmt.Errorf("open loans: %w", err)
	}
	newest, err := tx.NewestAt()
	if err != nil {
		return fmt.Errorf("newest fact: %w", err)
	}
	f.ClockTrusted = d.ClockTrusted() && f.Now.After(newest.Add(-clockSlack))
	return nil
}

func (d *Desk) open(tx Tx, v view, facts Facts, due time.Time, after FactID, kind OutcomeKind, o lendOpts) (Outcome, error) {
	subject := d.NewSubject()
	if err := tx.Link(subject, v.patron.ID); err != nil {
		return Outcome{}, fmt.Errorf("link: %w", err)
	}
	f := newFact(FactLent, LentBody{
		Title: v.title.ID, LoanType: v.title.LoanType, Category: v.patron.Category,
		Policy: facts.Policy.ID, PolicyRev: facts.Policy.Rev, Due: due.UnixMilli(),
		Station: o.station, Staff: o.staff, After: after,
	})
	f.Item, f.Loan, f.Subject = v.item.ID, LoanID(d.NewID()), subject
	f, err := tx.Append(f)
	if err != nil {
		return Outcome{}, fmt.Errorf("record the loan: %w", err)
	}
	return Outcome{Kind: kind, Item: v.item.ID, Loan: f.Loan, Fact: f.ID, Due: &due, Mine: true}, nil
}

func (d *Desk) refuse(tx Tx, v view, because []Because, o lendOpts) error {
	body := RefusedBody{Reasons: because, Title: v.title.ID, Station: o.station, Language: o.language}
	if v.patron != nil {
		body.Category = v.patron.Category
	}
	f := newFact(FactRefused, body)
	f.Item = v.item.ID
	f, err := tx.Append(f)
	if err != nil {
		return fmt.Errorf("record the refusal: %w", err)
	}
	return &Refusal{Reasons: because, Fact: f.ID, Thing: v.thing()}
}

// takeBack closes the item's loan, or records that it was not out.
func (d *Desk) takeBack(tx Tx, v view, body ReturnedBody) (Outcome, error) {
	if v.loan != nil {
		out := v.outcome(Returned)
		f, err := d.closeLoan(tx, *v.loan, body)
		out.Fact = f.ID
		return out, err
	}
	f := newFact(FactReturned, body)
	f.Item = v.item.ID
	f, err := tx.Append(f)
	if err != nil {
		return Outcome{}, fmt.Errorf("record the return: %w", err)
	}
	finding := Finding{Kind: FindingUnmatchedReturn, Item: v.item.ID, Station: body.Station}
	if err := d.find(tx, finding); err != nil {
		return Outcome{}, err
	}
	return Outcome{Kind: Unmatched, Item: v.item.ID, Fact: f.ID}, nil
}

func (d *Desk) closeLoan(tx Tx, l Loan, body ReturnedBody) (Fact, error) {
	f := newFact(FactReturned, body)
	f.Item, f.Loan, f.Subject = l.Item, l.ID, l.Subject
	f, err := tx.Append(f)
	if err != nil {
		return f, fmt.Errorf("record the return: %w", err)
	}
	return f, nil
}

func (v view) thing() Thing { return thing(v.item, v.title) }

func thing(i Item, t Title) Thing {
	return Thing{Item: i.ID, Name: t.Name, Label: i.Label, Type: t.LoanType}
}

// answered is what an operation remembers: codes and ids, never names.
type answered struct {
	Outcome *Outcome  `json:"outcome,omitempty"`
	Reasons []Because `json:"reasons,omitempty"`
	Fact    FactID    `json:"fact,omitempty"`
	Item    ItemID    `json:"item,omitempty"`
}

// once runs act in a write transaction, unless the operation has been done.
func (d *Desk) once(ctx context.Context, op string, request any, act func(Tx) (Outcome, error)) (Outcome, error) {
	asked, err := json.Marshal(request)
	if err != nil {
		return Outcome{}, fmt.Errorf("operation: %w", err)
	}
	var out Outcome
	var refusal *Refusal
	err = d.Store.Write(ctx, func(tx Tx) error {
		out, refusal = Outcome{}, nil
		prior, err := tx.Operation(op)
		switch {
		case err == nil && prior.Hash != sha256.Sum256(asked):
			return ErrOperationReused
		case err == nil:
			out, refusal, err = recall(tx, prior.Answer)
			return err
		case !errors.Is(err, ErrNotFound):
			return fmt.Errorf("operation: %w", err)
		}
		out, err = act(tx)
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		if refusal == nil {
			if out.Thing, err = describe(tx, out.Item); err != nil {
				return err
			}
		}
		return remember(tx, op, asked, out, refusal)
	})
	if err != nil {
		return Outcome{}, err
	}
	if refusal != nil {
		return Outcome{}, refusal
	}
	return out, nil
}

// remember stores an answer, unless nothing was written: then the same
// operation may come again with what was missing, and decides anew.
func remember(tx Tx, op string, asked []byte, out Outcome, refusal *Refusal) error {
	var a answered
	switch {
	case refusal != nil && refusal.Fact == "",
		out.Kind == Waiting, out.Kind == Shown, out.Kind == JustBorrowed:
		return nil
	case refusal != nil:
		a = answered{Reasons: refusal.Reasons, Fact: refusal.Fact, Item: refusal.Thing.Item}
	default:
		a = answered{Outcome: &out}
	}
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := tx.Remember(Operation{ID: op, Hash: sha256.Sum256(asked), Answer: b}); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

func recall(tx Tx, answer []byte) (Outcome, *Refusal, error) {
	var a answered
	if err := json.Unmarshal(answer, &a); err != nil {
		return Outcome{}, nil, fmt.Errorf("stored answer: %w", err)
	}
	if a.Outcome != nil {
		t, err := describe(tx, a.Outcome.Item)
		a.Outcome.Thing = t
		return *a.Outcome, nil, err
	}
	refusal := &Refusal{Reasons: a.Reasons, Fact: a.Fact}
	if a.Item == "" {
		return Outcome{}, refusal, nil
	}
	t, err := describe(tx, a.Item)
	refusal.Thing = t
	return Outcome{}, refusal, err
}

func describe(tx Tx, id ItemID) (Thing, error) {
	i, err := tx.Item(id)
	if err != nil {
		return Thing{}, fmt.Errorf("item: %w", err)
	}
	t, err := tx.Title(i.Title)
	if err != nil {
		return Thing{}, fmt.Errorf("title of an item: %w", err)
	}
	return thing(i, t), nil
}
