package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tapshelf/lending"
)

// conn is one connection with its prepared statements. It belongs to one
// goroutine at a time. Statements run on a context that never ends: the
// driver would otherwise interrupt a write from another goroutine.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
	trace *[]traced // benchmarks keep what was run; else nil
}

// traced is one statement with its values.
type traced struct {
	Query string
	Args  []any
}

func (c *conn) note(query string, args []any) {
	if c.trace != nil {
		*c.trace = append(*c.trace, traced{query, args})
	}
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// stmt prepares a statement once. The texts are constants of this package,
// so the map stays small.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) (int64, error) {
	c.note(query, args)
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row scans the only row of a query; none is lending.ErrNotFound.
func (c *conn) row(query string, args []any, into ...any) error {
	c.note(query, args)
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return lending.ErrNotFound
	}
	return err
}

// scanner is a row to read from: *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// all collects the rows of a query.
func all[T any](c *conn, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	c.note(query, args)
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reads the only row of a query; none is lending.ErrNotFound.
func one[T any](c *conn, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	c.note(query, args)
	s, err := c.stmt(query)
	if err != nil {
		return zero, err
	}
	v, err := scan(s.QueryRowContext(context.Background(), args...))
	if errors.Is(err, sql.ErrNoRows) {
		return zero, lending.ErrNotFound
	}
	return v, err
}
