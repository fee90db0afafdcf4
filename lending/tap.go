package lending

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// IdentifyRequest asks what a tag is.
type IdentifyRequest struct {
	Op        string
	Station   string
	Language  string
	Presented Presented
	// Visit says that a visit is open: a tag that nobody knows is then
	// called an unknown item, else an unknown badge.
	Visit bool
}

// Identity is what a tag turned out to be: Patron is set for a badge, Item
// for an item tag.
type Identity struct {
	Patron *Patron
	// Standing is what stands against the patron whatever they ask for. A
	// visit opens all the same: returns need no standing.
	Standing []Because
	// Staff is set when the badge belongs to somebody who works here.
	Staff StaffID
	// Loans is how many open loans the patron has, Overdue how many of them
	// are late.
	Loans, Overdue int
	Item           ItemID
}

// Identify finds out what a tag is, and changes nothing if it is known. A
// tag that is unknown, ambiguous, revoked or random is a *Refusal.
func (d *Desk) Identify(ctx context.Context, r IdentifyRequest) (Identity, error) {
	var id Identity
	var because []Because
	err := d.Store.Read(ctx, func(tx Tx) (err error) {
		id, because, err = d.identify(tx, r)
		return err
	})
	if err != nil || len(because) == 0 {
		return id, err
	}
	_, err = d.once(ctx, r.Op, identifyAsked{r.Station, because}, func(tx Tx) (Outcome, error) {
		f, err := tx.Append(newFact(FactRefused, RefusedBody{Reasons: because, Station: r.Station, Language: r.Language}))
		if err != nil {
			return Outcome{}, fmt.Errorf("record the refusal: %w", err)
		}
		return Outcome{}, &Refusal{Reasons: because, Fact: f.ID}
	})
	return Identity{}, err
}

// identifyAsked is what an Identify is remembered by: never the tag itself.
type identifyAsked struct {
	Station string
	Because []Because
}

func (d *Desk) identify(tx Tx, r IdentifyRequest) (Identity, []Because, error) {
	ref, form, err := d.lookUp(tx, r.Presented)
	if errors.Is(err, ErrNotFound) {
		switch {
		case r.Presented.Random:
			return Identity{}, []Because{{Reason: BadgeRandomUID}}, nil
		case r.Visit:
			return Identity{}, []Because{{Reason: UnknownItem}}, nil
		default:
			return Identity{}, []Because{{Reason: UnknownBadge}}, nil
		}
	}
	switch {
	case err != nil:
		return Identity{}, nil, fmt.Errorf("%s: %w", form, err)
	case ref.Badge != "":
		return d.identifyBadge(tx, ref.Badge)
	case ref.Tag != "":
		t, err := tx.Tag(ref.Tag)
		if err != nil {
			return Identity{}, nil, fmt.Errorf("tag: %w", err)
		}
		if t.Removed != nil {
			return Identity{}, []Because{{Reason: UnknownItem}}, nil
		}
		return Identity{Item: t.Item}, nil, nil
	default:
		return Identity{}, []Because{{Reason: TagAmbiguous}}, nil
	}
}

// lookUp follows the most telling spelling that the ledger knows.
func (d *Desk) lookUp(tx Tx, p Presented) (TagRef, string, error) {
	for _, s := range p.Spellings {
		ref, err := tx.TagRef(d.Key.Tag(s))
		if err == nil || !errors.Is(err, ErrNotFound) {
			return ref, s.Form, err
		}
	}
	return TagRef{}, "", ErrNotFound
}

func (d *Desk) identifyBadge(tx Tx, badge BadgeID) (Identity, []Because, error) {
	b, err := tx.Badge(badge)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("badge: %w", err)
	}
	if b.Revoked != nil {
		return Identity{}, []Because{{Reason: BadgeRevoked}}, nil
	}
	p, err := tx.Patron(b.Patron)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("patron of a badge: %w", err)
	}
	open, err := tx.LoansOf(p.ID)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("open loans: %w", err)
	}
	staff, err := tx.StaffOf(p.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Identity{}, nil, fmt.Errorf("staff: %w", err)
	}
	now := d.Now()
	id := Identity{Patron: &p, Standing: p.standing(now), Staff: staff, Loans: len(open)}
	for _, l := range open {
		if l.Overdue(now) {
			id.Overdue++
		}
	}
	return id, nil, nil
}

// TapRequest is an item held to a reader.
type TapRequest struct {
	Op      string
	Station string
	Item    ItemID
	Patron  PatronID // empty while no visit is open
	// Visit holds the loans made in this visit so far. It comes from the
	// counter and is not on record, so that the loans of one visit cannot be
	// tied together once they have been anonymised.
	Visit []LoanID
	// Again says that the patron was told "just borrowed" and tapped again.
	Again bool
	// Undo is the loan whose Undo was pressed, waiting for its item.
	Undo LoanID
	// Staff is who approves, by badge, a loan that needs staff.
	Staff    StaffID
	Language string
}

// Tap acts on an item held to a reader, by the item's own state: no mode is
// set beforehand. See the table "Act, then offer the alternative" in the
// package kiosk, which offers what else could have been meant.
func (d *Desk) Tap(ctx context.Context, r TapRequest) (Outcome, error) {
	return d.once(ctx, r.Op, r, func(tx Tx) (Outcome, error) {
		v, err := d.view(tx, r.Item, r.Patron)
		if err != nil {
			return Outcome{}, err
		}
		opts := lendOpts{station: r.Station, language: r.Language, staff: r.Staff, byStaff: r.Staff != ""}
		switch {
		case v.loan == nil && v.patron == nil:
			return v.outcome(Waiting), nil
		case v.loan == nil:
			return d.lend(tx, v, opts)
		case v.mine() && r.Undo == v.loan.ID && slices.Contains(r.Visit, v.loan.ID):
			return d.undo(tx, v.loan.LentBy, r.Station)
		case v.mine() && slices.Contains(r.Visit, v.loan.ID):
			return v.outcome(Shown), nil
		case !r.Again && v.loan.Station == r.Station && d.Now().Sub(v.loan.LentAt) < JustBorrowedFor:
			return v.outcome(JustBorrowed), nil
		case v.patron == nil || v.mine():
			return d.takeBack(tx, v, ReturnedBody{Station: r.Station})
		default:
			opts.handover = true
			return d.lend(tx, v, opts)
		}
	})
}
