package sqlite

import (
	"context"
	"strconv"

	"tapshelf/lending"
)

// LimitPages lets the file grow by no more than a few pages, like a disk
// that is nearly full.
func (s *Store) LimitPages(ctx context.Context) {
	s.Write(ctx, func(tx lending.Tx) error {
		c := tx.(*Tx).c
		var n int
		if err := c.row(`PRAGMA page_count`, nil, &n); err != nil {
			return err
		}
		var got int
		// A pragma takes no parameters; the statement is not cached.
		return c.c.QueryRowContext(ctx, "PRAGMA max_page_count = "+strconv.Itoa(n+8)).Scan(&got)
	})
}

// Statement is one statement as it was run.
type Statement = traced

// Trace keeps every statement that the writer runs until stop is called.
func (s *Store) Trace() (stop func() []Statement) {
	var c *conn
	s.Write(context.Background(), func(tx lending.Tx) error {
		c = tx.(*Tx).c
		return nil
	})
	c.trace = &[]traced{}
	return func() []Statement {
		kept := *c.trace
		c.trace = nil
		return kept
	}
}
