package lending

import (
	"context"
	"encoding/json"
	"fmt"
)

// UndoRequest asks to take back a loan or a return. Exactly one of Patron
// and Staff is set.
type UndoRequest struct {
	Op      string
	Station string
	Fact    FactID // of the Outcome to take back
	Item    ItemID // of the same Outcome
	Patron  PatronID
	Staff   StaffID
}

// Undo adds the fact that an earlier one does not count; nothing is removed.
// An undone loan ends, an undone return opens the same loan again with its
// due instant. It is refused with undo_too_late once anything later has
// happened to the item, or when the loan is not the patron's own.
func (d *Desk) Undo(ctx context.Context, r UndoRequest) (Outcome, error) {
	return d.once(ctx, r.Op, r, func(tx Tx) (Outcome, error) {
		last, err := tx.LastFact(r.Item)
		if err != nil {
			return Outcome{}, fmt.Errorf("what is to be undone: %w", err)
		}
		allowed := r.Staff != ""
		if last.Loan != "" && !allowed {
			loan, err := tx.Loan(last.Loan)
			if err != nil {
				return Outcome{}, fmt.Errorf("loan: %w", err)
			}
			allowed = r.Patron != "" && loan.Patron == r.Patron
		}
		if !allowed || last.ID != r.Fact || last.Loan == "" || last.Kind == FactUndone {
			return Outcome{}, d.tooLate(tx, r)
		}
		return d.undo(tx, r.Fact, r.Station)
	})
}

func (d *Desk) tooLate(tx Tx, r UndoRequest) error {
	v, err := d.view(tx, r.Item, r.Patron)
	if err != nil {
		return err
	}
	return d.refuse(tx, v, []Because{{Reason: UndoTooLate}}, lendOpts{station: r.Station})
}

// undo takes back the newest fact of an item. The caller has checked that it
// may.
func (d *Desk) undo(tx Tx, of FactID, station string) (Outcome, error) {
	last, err := tx.Fact(of)
	if err != nil {
		return Outcome{}, fmt.Errorf("what is to be undone: %w", err)
	}
	f := newFact(FactUndone, UndoneBody{Of: of, Kind: last.Kind, Station: station})
	f.Item, f.Loan, f.Subject = last.Item, last.Loan, last.Subject
	if f, err = tx.Append(f); err != nil {
		return Outcome{}, fmt.Errorf("record the undo: %w", err)
	}
	loan, err := tx.Loan(last.Loan)
	if err != nil {
		return Outcome{}, fmt.Errorf("loan: %w", err)
	}
	out := Outcome{Kind: Undone, Item: last.Item, Loan: last.Loan, Fact: f.ID, Mine: true}
	if loan.Open() {
		out.Due = &loan.DueAt
	}
	return out, nil
}

// Report opens a finding: something for staff to look at. Kind, Item,
// Station and Tail are taken from f.
func (d *Desk) Report(ctx context.Context, f Finding) error {
	return d.Store.Write(ctx, func(tx Tx) error { return d.find(tx, f) })
}

func (d *Desk) find(tx Tx, f Finding) error {
	fact := newFact(FactFindingOpened, FindingBody{
		Finding: FindingID(d.NewID()), Kind: f.Kind, Station: f.Station, Tail: f.Tail,
	})
	fact.Item = f.Item
	if _, err := tx.Append(fact); err != nil {
		return fmt.Errorf("record the finding: %w", err)
	}
	return nil
}

// CloseFinding puts a finding away, by a member of staff. Closing it twice
// changes nothing. It answers ErrNotFound for a finding that never was.
func (d *Desk) CloseFinding(ctx context.Context, id FindingID, staff StaffID) error {
	return d.Store.Write(ctx, func(tx Tx) error {
		f, err := tx.Finding(id)
		if err != nil || f.ClosedAt != nil {
			return err
		}
		fact := newFact(FactFindingClosed, FindingBody{Finding: id, Kind: f.Kind, Staff: staff})
		fact.Item = f.Item
		if _, err := tx.Append(fact); err != nil {
			return fmt.Errorf("record that the finding is closed: %w", err)
		}
		return nil
	})
}

// Decode reads a fact's body into the struct of its kind.
func Decode[T any](f Fact) (T, error) {
	var body T
	if err := json.Unmarshal(f.Body, &body); err != nil {
		return body, fmt.Errorf("fact %s of kind %s: %w", f.ID, f.Kind, err)
	}
	return body, nil
}
