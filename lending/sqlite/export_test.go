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
