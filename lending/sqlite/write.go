package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mattn/go-sqlite3"

	"tapshelf/lending"
)

// job is one transaction that waits for the writer.
type job struct {
	f    func(lending.Tx) error
	done chan error
}

// ErrClosed is answered by a Store that has been closed.
var ErrClosed = errors.New("the ledger is closed")

// ErrBroken is answered once the disk has failed a commit: it is then not
// known what the file holds, so nothing is written until the program has
// started anew and verified it.
var ErrBroken = errors.New("the disk failed while the ledger was written")

// Write runs f in one immediate transaction of the writer's goroutine. When
// it returns nil, COMMIT has returned and the pages are on the disk. When
// ctx ends first, the transaction goes on and its outcome is not told.
func (s *Store) Write(ctx context.Context, f func(lending.Tx) error) error {
	j := job{f: f, done: make(chan error, 1)}
	select {
	case s.jobs <- j:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Read runs f on one snapshot.
func (s *Store) Read(ctx context.Context, f func(lending.Tx) error) error {
	return s.snapshot(ctx, func(c *conn) error { return f(&Tx{c: c, s: s}) })
}

func (s *Store) snapshot(ctx context.Context, f func(*conn) error) (err error) {
	var c *conn
	select {
	case <-s.quit:
		return ErrClosed
	default:
	}
	select {
	case c = <-s.pool:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.pool <- c }()
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		_, end := c.exec("COMMIT")
		err = errors.Join(err, end)
	}()
	return f(c)
}

// Committed gives a channel that is closed by the next commit of this
// program. Take it before you read, or you may miss one.
func (s *Store) Committed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed
}

// Err says why nothing can be written any more; nil while all is well.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// run is the writer: it owns c until the store is closed.
func (s *Store) run(c *conn) {
	defer close(s.done)
	defer c.close()
	for {
		select {
		case j := <-s.jobs:
			j.done <- s.transact(c, j.f)
		case <-s.quit:
			return
		}
	}
}

func (s *Store) transact(c *conn, f func(lending.Tx) error) (err error) {
	if err := s.Err(); err != nil {
		return err
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	open := true
	defer func() {
		if open {
			// SQLite may have rolled back by itself; then there is nothing to do.
			c.exec("ROLLBACK")
		}
	}()
	if err := f(&Tx{c: c, s: s, writes: true}); err != nil {
		return err
	}
	if _, err := c.exec("COMMIT"); err != nil {
		return s.failed(err)
	}
	open = false
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.committed)
	s.committed = make(chan struct{})
	return nil
}

// failed tells a full disk, after which nothing has been written, from one
// that broke while it was written to.
func (s *Store) failed(err error) error {
	var se sqlite3.Error
	if errors.As(err, &se) && (se.Code == sqlite3.ErrIoErr || se.Code == sqlite3.ErrCorrupt) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broken = fmt.Errorf("%w: %w", ErrBroken, err)
		return s.broken
	}
	return fmt.Errorf("commit: %w", err)
}

// operationsKept is how long the answer to an act is remembered.
const operationsKept = 7 * 24 * time.Hour

// Heartbeat proves that the writer answers, and on the way forgets the
// answers of acts older than a week.
func (s *Store) Heartbeat(ctx context.Context) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		_, err := tx.(*Tx).c.exec(`DELETE FROM operation WHERE at < ?`, millis(s.opt.Now().Add(-operationsKept)))
		return err
	})
}
