package sqlite

import (
	"errors"
	"fmt"
	"time"

	"tapshelf/lending"
)

const factColumns = `seq, origin, epoch, id, kind, version, at, boot, boottime, item, loan, subject, body, prev, hash`

func scanFact(r scanner) (f lending.Fact, err error) {
	var at, boottime int64
	var subject, prev, hash []byte
	err = r.Scan(&f.Seq, &f.Origin, &f.Epoch, &f.ID, &f.Kind, &f.Version, &at, &f.Boot, &boottime,
		&f.Item, &f.Loan, &subject, &f.Body, &prev, &hash)
	f.At, f.BootTime = instant(at), time.Duration(boottime)*time.Millisecond
	copy(f.Subject[:], subject)
	copy(f.Prev[:], prev)
	copy(f.Hash[:], hash)
	return f, err
}

// Fact reads a fact.
func (t *Tx) Fact(id lending.FactID) (lending.Fact, error) {
	return one(t.c, scanFact, `SELECT `+factColumns+` FROM fact WHERE id = ?`, string(id))
}

// LastFact reads the newest fact that moved an item.
func (t *Tx) LastFact(id lending.ItemID) (lending.Fact, error) {
	return one(t.c, scanFact, `SELECT `+factColumns+` FROM fact WHERE item = ? AND item <> ''
		AND kind IN ('lent', 'returned', 'undone') ORDER BY seq DESC LIMIT 1`, string(id))
}

// NewestAt is the latest wall time on record.
func (t *Tx) NewestAt() (time.Time, error) {
	var at *int64
	if err := t.c.row(`SELECT max(at) FROM fact`, nil, &at); err != nil || at == nil {
		return time.Time{}, err
	}
	return instant(*at), nil
}

// Append completes a fact, chains it to the newest, stores it and folds it
// into the projections.
func (t *Tx) Append(f lending.Fact) (lending.Fact, error) {
	if !t.writes {
		return f, errReadOnly
	}
	var prev []byte
	err := t.c.row(`SELECT seq, hash FROM fact ORDER BY seq DESC LIMIT 1`, nil, &f.Seq, &prev)
	if err != nil && !errors.Is(err, lending.ErrNotFound) {
		return f, err
	}
	copy(f.Prev[:], prev)
	f.Seq++
	f.Origin, f.Epoch = t.s.origin, t.s.epoch
	f.ID = lending.FactID(t.s.opt.NewID())
	f.At = instant(millis(t.s.opt.Now()))
	f.Boot, f.BootTime = t.s.opt.Boot, t.s.opt.BootTime().Truncate(time.Millisecond)
	f.Hash = f.Sum()
	_, err = t.c.exec(`INSERT INTO fact (`+factColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Seq, f.Origin, f.Epoch, string(f.ID), string(f.Kind), f.Version, millis(f.At), f.Boot, f.BootTime.Milliseconds(),
		string(f.Item), string(f.Loan), f.Subject[:], f.Body, f.Prev[:], f.Hash[:])
	if err != nil {
		return f, err
	}
	return f, fold(t.c, f)
}

// fold carries one fact into the projections. The same code runs when a fact
// is recorded and when Verify builds the projections anew. Folding an old
// version of a fact must work for ever.
func fold(c *conn, f lending.Fact) error {
	var err error
	switch f.Kind {
	case lending.FactLent:
		err = foldLent(c, f)
	case lending.FactReturned:
		err = foldReturned(c, f)
	case lending.FactUndone:
		err = foldUndone(c, f)
	case lending.FactFindingOpened, lending.FactFindingClosed:
		err = foldFinding(c, f)
	case lending.FactRefused, lending.FactChanged:
	default:
		err = errors.New("a kind that this program does not know")
	}
	if err != nil {
		return fmt.Errorf("fold fact %d (%s): %w", f.Seq, f.Kind, err)
	}
	return nil
}

func foldLent(c *conn, f lending.Fact) error {
	b, err := lending.Decode[lending.LentBody](f)
	if err != nil {
		return err
	}
	_, err = c.exec(`INSERT INTO loan (id, item, title, loan_type, category, subject, policy, policy_rev, lent_at, due_at, station, lent_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(f.Loan), string(f.Item), string(b.Title), b.LoanType, b.Category, f.Subject[:],
		string(b.Policy), b.PolicyRev, millis(f.At), b.Due, b.Station, string(f.ID))
	return err
}

// foldReturned closes a loan. A clock that stood behind the loan's own
// instant must not stop a return.
func foldReturned(c *conn, f lending.Fact) error {
	if f.Loan == "" {
		return nil
	}
	n, err := c.exec(`UPDATE loan SET returned_at = max(lent_at, ?), returned_by = ? WHERE id = ? AND returned_at IS NULL`,
		millis(f.At), string(f.ID), string(f.Loan))
	return exactlyOne(n, err)
}

func foldUndone(c *conn, f lending.Fact) error {
	b, err := lending.Decode[lending.UndoneBody](f)
	if err != nil {
		return err
	}
	var n int64
	switch b.Kind {
	case lending.FactLent:
		n, err = c.exec(`UPDATE loan SET returned_at = max(lent_at, ?), returned_by = ?, undone = 1 WHERE id = ? AND returned_at IS NULL`,
			millis(f.At), string(f.ID), string(f.Loan))
	case lending.FactReturned:
		n, err = c.exec(`UPDATE loan SET returned_at = NULL, returned_by = NULL WHERE id = ? AND returned_by = ?`,
			string(f.Loan), string(b.Of))
	}
	return exactlyOne(n, err)
}

func foldFinding(c *conn, f lending.Fact) error {
	b, err := lending.Decode[lending.FindingBody](f)
	if err != nil {
		return err
	}
	if f.Kind == lending.FactFindingOpened {
		_, err = c.exec(`INSERT INTO finding (id, kind, item, station, tail, opened_at) VALUES (?, ?, ?, ?, ?, ?)`,
			string(b.Finding), string(b.Kind), string(f.Item), b.Station, b.Tail, millis(f.At))
		return err
	}
	n, err := c.exec(`UPDATE finding SET closed_at = max(opened_at, ?) WHERE id = ? AND closed_at IS NULL`,
		millis(f.At), string(b.Finding))
	return exactlyOne(n, err)
}

func exactlyOne(n int64, err error) error {
	if err == nil && n != 1 {
		return fmt.Errorf("it changes %d rows, not one", n)
	}
	return err
}
