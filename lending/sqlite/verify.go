package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"tapshelf/lending"
)

// Report is what Verify found.
type Report struct {
	Facts    int64
	Loans    int64
	Problems []string // empty: everything holds
}

// OK says whether everything holds.
func (r Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(format string, args ...any) {
	const most = 50
	if len(r.Problems) < most {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify proves, on one snapshot of the file at path, that the chain of
// facts is whole, that the projections equal the fold of the facts, that
// each reference row is as its last change left it, that each open loan has
// a person, and that SQLite finds no fault in the file. It changes nothing.
// An error means that the file could not be read to its end.
func Verify(ctx context.Context, path string) (Report, error) {
	var r Report
	db := sql.OpenDB(connector{dsn: readOnly(path, "_query_only=on")})
	defer db.Close()
	c, err := newConn(ctx, db)
	if err != nil {
		return r, fmt.Errorf("open ledger %s: %w", path, err)
	}
	defer c.close()
	if _, err := c.exec("BEGIN"); err != nil {
		return r, err
	}
	for _, check := range []func(context.Context, *conn, *Report) error{integrity, chainAndFold, people} {
		if err := check(ctx, c, &r); err != nil {
			return r, err
		}
	}
	_, err = c.exec("COMMIT")
	return r, err
}

func integrity(_ context.Context, c *conn, r *Report) error {
	text := func(s scanner) (line string, err error) { return line, s.Scan(&line) }
	lines, err := all(c, text, `PRAGMA integrity_check`)
	if err != nil {
		return fmt.Errorf("integrity check: %w", err)
	}
	for _, l := range lines {
		if l != "ok" {
			r.problem("SQLite: %s", l)
		}
	}
	keys, err := all(c, func(s scanner) (line string, err error) {
		var table, parent string
		var row, id *int64
		err = s.Scan(&table, &row, &parent, &id)
		return fmt.Sprintf("a row of %s names a row of %s that is not there", table, parent), err
	}, `PRAGMA foreign_key_check`)
	for _, l := range keys {
		r.problem("%s", l)
	}
	return err
}

func people(_ context.Context, c *conn, r *Report) error {
	var n int
	err := c.row(`SELECT count(*) FROM loan l WHERE returned_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM subject s WHERE s.subject = l.subject)`, nil, &n)
	if n > 0 {
		r.problem("%d open loans have no patron", n)
	}
	return err
}

// chainAndFold walks the facts once: it checks each link, folds each fact
// into an empty copy of the projections, and keeps what each reference row
// should say.
func chainAndFold(ctx context.Context, c *conn, r *Report) error {
	mem, err := emptyProjections(ctx, c)
	if err != nil {
		return err
	}
	defer mem.db.Close()
	defer mem.close()
	rows := referenceRows{}
	var prev lending.Fact
	err = eachFact(c, func(f lending.Fact) {
		checkLink(prev, f, r)
		if err := fold(mem.conn, f); err != nil {
			r.problem("%v", err)
		}
		if f.Kind == lending.FactChanged {
			rows.change(f, r)
		}
		r.Facts++
		prev = f
	})
	if err != nil {
		return err
	}
	if err := c.row(`SELECT count(*) FROM loan`, nil, &r.Loans); err != nil {
		return err
	}
	for _, p := range []string{"loan", "finding"} {
		if err := compare(c, mem.conn, p, r); err != nil {
			return err
		}
	}
	return rows.compare(c, r)
}

func eachFact(c *conn, f func(lending.Fact)) error {
	s, err := c.stmt(`SELECT ` + factColumns + ` FROM fact ORDER BY seq`)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background())
	if err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		fact, err := scanFact(rows)
		if err != nil {
			return fmt.Errorf("facts: %w", err)
		}
		f(fact)
	}
	return rows.Err()
}

func checkLink(prev, f lending.Fact, r *Report) {
	switch {
	case f.Seq != prev.Seq+1:
		r.problem("fact %d follows fact %d: one is missing", f.Seq, prev.Seq)
	case f.Prev != prev.Hash:
		r.problem("fact %d does not continue fact %d: the chain is broken", f.Seq, prev.Seq)
	case f.Sum() != f.Hash:
		r.problem("fact %d is not what was recorded: its hash differs", f.Seq)
	case prev.Seq > 0 && (f.Origin != prev.Origin || f.Epoch < prev.Epoch):
		r.problem("fact %d belongs to another ledger or an earlier epoch", f.Seq)
	}
}

// projections is a database in memory that holds them.
type projections struct {
	*conn
	db *sql.DB
}

// emptyProjections makes the tables of the projections anew, in memory.
func emptyProjections(ctx context.Context, c *conn) (_ projections, err error) {
	db := sql.OpenDB(connector{dsn: ":memory:"})
	db.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	mem, err := newConn(ctx, db)
	if err != nil {
		return projections{}, err
	}
	text := func(s scanner) (line string, err error) { return line, s.Scan(&line) }
	tables, err := all(c, text, `SELECT sql FROM sqlite_schema WHERE type = 'table' AND name IN ('loan', 'finding')`)
	if err != nil {
		return projections{}, err
	}
	for _, t := range tables {
		if _, err := mem.exec(t); err != nil {
			return projections{}, fmt.Errorf("projections: %w", err)
		}
	}
	return projections{mem, db}, nil
}

// compare tells where a projection differs from its fold.
func compare(c, mem *conn, table string, r *Report) error {
	have, err := dump(c, table)
	if err != nil {
		return err
	}
	want, err := dump(mem, table)
	if err != nil {
		return err
	}
	for id, w := range want {
		if h, ok := have[id]; !ok {
			r.problem("%s %s is on record but not in the table", table, id)
		} else if h != w {
			r.problem("%s %s differs from its facts", table, id)
		}
	}
	for id := range have {
		if _, ok := want[id]; !ok {
			r.problem("%s %s is in the table but not on record", table, id)
		}
	}
	return nil
}

// dump gives each row of a table as one text, by id.
func dump(c *conn, table string) (map[string]string, error) {
	type row struct{ id, text string }
	columns, err := columnsOf(c, table)
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(columns))
	for i, col := range columns {
		quoted[i] = "quote(" + col + ")"
	}
	rows, err := all(c, func(s scanner) (x row, err error) { return x, s.Scan(&x.id, &x.text) },
		`SELECT id, `+strings.Join(quoted, ` || ',' || `)+` FROM `+table)
	out := make(map[string]string, len(rows))
	for _, x := range rows {
		out[x.id] = x.text
	}
	return out, err
}

func columnsOf(c *conn, table string) ([]string, error) {
	return all(c, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT name FROM pragma_table_info(?) ORDER BY cid`, table)
}

// referenceRows is what the facts say of each reference row: its rev, and
// for things its values as JSON.
type referenceRows map[string]*referenceRow

type referenceRow struct {
	table  string
	id     string
	rev    int
	values map[string]any // nil for private tables
}

func (rows referenceRows) change(f lending.Fact, r *Report) {
	b, err := lending.Decode[lending.ChangedBody](f)
	if err != nil {
		r.problem("%v", err)
		return
	}
	key := b.Table + " " + b.ID
	row := rows[key]
	if row == nil {
		row = &referenceRow{table: b.Table, id: b.ID}
		rows[key] = row
	}
	if b.Rev != row.rev+1 {
		r.problem("fact %d changes %s from rev %d to %d", f.Seq, key, row.rev, b.Rev)
	}
	row.rev = b.Rev
	for c, v := range b.After {
		if row.values == nil {
			row.values = map[string]any{}
		}
		row.values[c] = v
	}
}

func (rows referenceRows) compare(c *conn, r *Report) error {
	for _, t := range referenceTables {
		ids, err := all(c, func(s scanner) (id string, err error) { return id, s.Scan(&id) }, `SELECT id FROM `+t.name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			key := t.name + " " + id
			values, rev, err := t.read(c, id)
			if err != nil {
				return err
			}
			row := rows[key]
			switch {
			case row == nil:
				r.problem("%s was never recorded", key)
			case row.rev != rev:
				r.problem("%s has rev %d, its last fact says %d", key, rev, row.rev)
			case !t.private && !row.says(t, values):
				r.problem("%s differs from its last change", key)
			}
			delete(rows, key)
		}
	}
	for key := range rows {
		r.problem("%s is on record but not in the table", key)
	}
	return nil
}

// says compares as JSON, the form in which facts keep values.
func (row *referenceRow) says(t table, values []any) bool {
	now := make(map[string]any, len(values))
	for i, c := range t.columns {
		now[c] = values[i]
	}
	a, errA := json.Marshal(now)
	b, errB := json.Marshal(row.values)
	var x, y any
	return errA == nil && errB == nil && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equalJSON(x, y)
}

func equalJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}
