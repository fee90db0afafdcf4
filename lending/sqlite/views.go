package sqlite

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"tapshelf/lending"
)

// defaultLimit is how many rows a list has when nobody says.
const defaultLimit = 200

const (
	loanViewColumns = loanColumns + `, i.label, i.external_id, x.name,
		coalesce(trim(p.given_name || ' ' || p.family_name), ''), coalesce(p.external_id, '')`
	loanViewTables = loanTables + `JOIN item i ON i.id = l.item JOIN title x ON x.id = l.title
		LEFT JOIN patron p ON p.id = s.patron `
)

func scanLoanView(r scanner) (v lending.LoanView, err error) {
	into, finish := loanFields(&v.Loan)
	err = r.Scan(append(into, &v.Thing.Label, &v.ItemExternal, &v.Thing.Name, &v.PatronName, &v.PatronExternal)...)
	finish()
	v.Thing.Item, v.Thing.Type = v.Item, v.LoanType
	return v, err
}

// Loans lists loans: open ones by due instant, returned ones newest first.
func (s *Store) Loans(ctx context.Context, f lending.LoanFilter) ([]lending.LoanView, error) {
	return query(ctx, s, func(c *conn) ([]lending.LoanView, error) { return loans(c, f) })
}

func loans(c *conn, f lending.LoanFilter) ([]lending.LoanView, error) {
	var where []string
	var args []any
	add := func(when bool, cond string, arg ...any) {
		if when {
			where, args = append(where, cond), append(args, arg...)
		}
	}
	add(f.Open, `l.returned_at IS NULL`)
	if f.DueBefore != nil {
		add(true, `l.returned_at IS NULL AND l.due_at < ?`, millis(*f.DueBefore))
	}
	order := `l.id`
	if f.ReturnedSince != nil {
		add(true, `l.returned_at >= ? AND l.undone = 0`, millis(*f.ReturnedSince))
		if !f.ByID {
			order = `l.returned_at DESC, l.id`
		}
	} else if !f.ByID && (f.Open || f.DueBefore != nil) {
		order = `l.due_at, l.id`
	}
	add(f.Patron != "", `s.patron = ?`, string(f.Patron))
	add(f.Item != "", `l.item = ?`, string(f.Item))
	add(f.After != "", `l.id > ?`, string(f.After))
	sql := `SELECT ` + loanViewColumns + loanViewTables
	if len(where) > 0 {
		sql += `WHERE ` + strings.Join(where, ` AND `)
	}
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	return all(c, scanLoanView, sql+` ORDER BY `+order+` LIMIT ?`, append(args, f.Limit)...)
}

// LoanView reads one loan.
func (s *Store) LoanView(ctx context.Context, id lending.LoanID) (lending.LoanView, error) {
	return query(ctx, s, func(c *conn) (lending.LoanView, error) {
		return one(c, scanLoanView, `SELECT `+loanViewColumns+loanViewTables+`WHERE l.id = ?`, string(id))
	})
}

// PatronView reads a patron with badges and open loans.
func (s *Store) PatronView(ctx context.Context, id lending.PatronID) (lending.PatronView, error) {
	return query(ctx, s, func(c *conn) (v lending.PatronView, err error) {
		if v.Patron, err = (&Tx{c: c, s: s}).Patron(id); err != nil {
			return v, err
		}
		if v.Badges, err = all(c, scanBadge, `SELECT `+badgeColumns+` FROM badge WHERE patron = ? ORDER BY id`, string(id)); err != nil {
			return v, err
		}
		v.Loans, err = loans(c, lending.LoanFilter{Open: true, Patron: id})
		return v, err
	})
}

// ItemView reads an item with its title, tags, open loan and history.
func (s *Store) ItemView(ctx context.Context, id lending.ItemID) (lending.ItemView, error) {
	return query(ctx, s, func(c *conn) (v lending.ItemView, err error) {
		tx := &Tx{c: c, s: s}
		if v.Item, err = tx.Item(id); err != nil {
			return v, err
		}
		if v.Title, err = tx.Title(v.Item.Title); err != nil {
			return v, err
		}
		if v.Tags, err = all(c, scanTag, `SELECT `+tagColumns+` FROM item_tag WHERE item = ? ORDER BY id`, string(id)); err != nil {
			return v, err
		}
		if v.History, err = all(c, scanFact, `SELECT `+factColumns+` FROM fact WHERE item = ? AND item <> '' ORDER BY seq DESC LIMIT 50`, string(id)); err != nil {
			return v, err
		}
		open, err := loans(c, lending.LoanFilter{Open: true, Item: id, Limit: 1})
		if len(open) == 1 {
			v.Loan = &open[0]
		}
		return v, err
	})
}

// prefix gives the range of texts that begin with q.
func prefix(q string) (from, to string) { return q, q + "\U0010FFFF" }

// names splits what was typed into a given and a family name: at the space,
// or, for a name in Han characters, behind the first.
func names(q string) (first, last string, both bool) {
	if first, last, both = strings.Cut(q, " "); both {
		return first, last, true
	}
	if head, size := utf8.DecodeRuneInString(q); unicode.Is(unicode.Han, head) && len(q) > size {
		return q[size:], q[:size], true
	}
	return q, q, false
}

// FindPatrons finds people by the beginning of a name or by their external
// id, by name.
func (s *Store) FindPatrons(ctx context.Context, q string, limit int) ([]lending.Patron, error) {
	from, to := prefix(folded(q))
	if from == "" {
		return nil, nil
	}
	first, last, both := names(from)
	lastFrom, lastTo := prefix(last)
	firstFrom, firstTo := prefix(first)
	return query(ctx, s, func(c *conn) ([]lending.Patron, error) {
		if both {
			return all(c, scanPatron, `SELECT `+patronColumns+` FROM patron
				WHERE given_folded BETWEEN ? AND ? AND family_folded BETWEEN ? AND ?
				   OR family_folded BETWEEN ? AND ? AND given_folded BETWEEN ? AND ?
				   OR given_folded BETWEEN ? AND ?
				ORDER BY given_folded, family_folded, id LIMIT ?`,
				firstFrom, firstTo, lastFrom, lastTo, firstFrom, firstTo, lastFrom, lastTo, from, to, limit)
		}
		return all(c, scanPatron, `SELECT `+patronColumns+` FROM patron
			WHERE given_folded BETWEEN ? AND ? OR family_folded BETWEEN ? AND ? OR external_id = ?
			ORDER BY given_folded, family_folded, id LIMIT ?`, from, to, from, to, strings.TrimSpace(q), limit)
	})
}

// FindItems finds things by label, external id or words of the title.
func (s *Store) FindItems(ctx context.Context, q string, limit int) ([]lending.Thing, error) {
	q = strings.TrimSpace(q)
	if q == "" {
		return nil, nil
	}
	like := `%` + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q) + `%`
	return query(ctx, s, func(c *conn) ([]lending.Thing, error) {
		return all(c, func(r scanner) (t lending.Thing, err error) {
			err = r.Scan(&t.Item, &t.Name, &t.Label, &t.Type)
			return t, err
		}, `SELECT i.id, x.name, i.label, x.loan_type FROM item i JOIN title x ON x.id = i.title
			WHERE i.label = ? COLLATE NOCASE OR i.external_id = ? OR x.name LIKE ? ESCAPE '\' OR i.label LIKE ? ESCAPE '\'
			ORDER BY i.label = ? COLLATE NOCASE DESC, x.name, i.label LIMIT ?`, q, q, like, like, q, limit)
	})
}

// FindRefusals finds refusals by the last four characters of their fact id,
// as read from a support code; newest first.
func (s *Store) FindRefusals(ctx context.Context, suffix string) ([]lending.Fact, error) {
	return query(ctx, s, func(c *conn) ([]lending.Fact, error) {
		return all(c, scanFact, `SELECT `+factColumns+` FROM fact WHERE kind = 'refused' AND substr(id, -4) = ?
			ORDER BY seq DESC LIMIT 20`, strings.ToLower(suffix))
	})
}

// Findings lists findings, newest first.
func (s *Store) Findings(ctx context.Context, openOnly bool) ([]lending.FindingView, error) {
	return query(ctx, s, func(c *conn) ([]lending.FindingView, error) {
		return all(c, func(r scanner) (v lending.FindingView, err error) {
			into, finish := findingFields(&v.Finding)
			err = r.Scan(append(into, &v.Thing.Item, &v.Thing.Name, &v.Thing.Label, &v.Thing.Type)...)
			finish()
			return v, err
		}, `SELECT `+findingColumns+`, coalesce(i.id, ''), coalesce(x.name, ''), coalesce(i.label, ''), coalesce(x.loan_type, '')
			FROM finding f LEFT JOIN item i ON i.id = f.item LEFT JOIN title x ON x.id = i.title
			WHERE f.closed_at IS NULL OR NOT ? ORDER BY f.opened_at DESC, f.id LIMIT 500`, openOnly)
	})
}

// Head is where the feed stands.
func (s *Store) Head(ctx context.Context) (lending.Head, error) {
	return query(ctx, s, s.head)
}

func (s *Store) head(c *conn) (lending.Head, error) {
	h := lending.Head{Origin: s.origin, Epoch: s.epoch}
	err := c.row(`SELECT seq FROM fact ORDER BY seq DESC LIMIT 1`, nil, &h.Position)
	if errors.Is(err, lending.ErrNotFound) {
		err = nil
	}
	return h, err
}

// Changes lists up to limit facts after a position, oldest first, and where
// the feed stands, as one snapshot.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]lending.Change, lending.Head, error) {
	var head lending.Head
	changes, err := query(ctx, s, func(c *conn) (out []lending.Change, err error) {
		if head, err = s.head(c); err != nil {
			return nil, err
		}
		facts, err := all(c, scanFact, `SELECT `+factColumns+` FROM fact WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
		if err != nil {
			return nil, err
		}
		for _, f := range facts {
			change, err := changeOf(c, f)
			if err != nil {
				return nil, err
			}
			out = append(out, change)
		}
		return out, nil
	})
	return changes, head, err
}

// changeOf adds to a fact what may be told about it now: the person while
// the link stands, and what a changed row says.
func changeOf(c *conn, f lending.Fact) (lending.Change, error) {
	change := lending.Change{Position: f.Seq, Fact: f}
	if !f.Subject.IsZero() {
		err := c.row(`SELECT p.external_id FROM subject s JOIN patron p ON p.id = s.patron WHERE s.subject = ?`,
			[]any{f.Subject[:]}, &change.PatronExternal)
		if err != nil && !errors.Is(err, lending.ErrNotFound) {
			return change, err
		}
	}
	if f.Kind != lending.FactChanged {
		return change, nil
	}
	b, err := lending.Decode[lending.ChangedBody](f)
	if err != nil {
		return change, err
	}
	change.Row, err = publicRow(c, b.Table, b.ID)
	return change, err
}

// public lists the columns that the feed tells of each table. Staff and
// tokens are nobody else's business.
var public = []table{
	{name: "patron", columns: []string{"external_id", "given_name", "family_name", "category", "status", "expires", "language"}},
	badgeTable, titleTable, itemTable, tagTable, policyTable,
}

func publicRow(c *conn, name, id string) (map[string]any, error) {
	for _, t := range public {
		if t.name != name {
			continue
		}
		values, rev, err := t.read(c, id)
		if errors.Is(err, lending.ErrNotFound) {
			return nil, nil
		}
		row := map[string]any{"id": id, "rev": rev}
		for i, c := range t.columns {
			row[c] = values[i]
		}
		return row, err
	}
	return nil, nil
}
