package sqlite

import (
	"context"
	"strings"
	"time"

	"tapshelf/lending"
)

// query runs f on a snapshot and gives its result.
func query[T any](ctx context.Context, s *Store, f func(*conn) (T, error)) (T, error) {
	var out T
	err := s.snapshot(ctx, func(c *conn) (err error) {
		out, err = f(c)
		return err
	})
	return out, err
}

const staffColumns = `id, name, role, password_hash, coalesce(patron, ''), disabled, rev`

func scanStaff(r scanner) (x lending.Staff, err error) {
	var disabled *int64
	err = r.Scan(&x.ID, &x.Name, &x.Role, &x.PasswordHash, &x.Patron, &disabled, &x.Rev)
	x.Disabled = maybeInstant(disabled)
	return x, err
}

// StaffByName reads a member of staff by login name.
func (s *Store) StaffByName(ctx context.Context, name string) (lending.Staff, error) {
	return query(ctx, s, func(c *conn) (lending.Staff, error) {
		return one(c, scanStaff, `SELECT `+staffColumns+` FROM staff WHERE name = ?`, name)
	})
}

// StaffByID reads a member of staff.
func (s *Store) StaffByID(ctx context.Context, id lending.StaffID) (lending.Staff, error) {
	return query(ctx, s, func(c *conn) (lending.Staff, error) {
		return one(c, scanStaff, `SELECT `+staffColumns+` FROM staff WHERE id = ?`, string(id))
	})
}

// ListStaff lists everybody who can or could log in, by name.
func (s *Store) ListStaff(ctx context.Context) ([]lending.Staff, error) {
	return query(ctx, s, func(c *conn) ([]lending.Staff, error) {
		return all(c, scanStaff, `SELECT `+staffColumns+` FROM staff ORDER BY name`)
	})
}

// CountStaff counts who can log in.
func (s *Store) CountStaff(ctx context.Context) (int, error) {
	return s.count(ctx, `SELECT count(*) FROM staff WHERE disabled IS NULL`)
}

// CountItems counts items that are not retired.
func (s *Store) CountItems(ctx context.Context) (int, error) {
	return s.count(ctx, `SELECT count(*) FROM item WHERE retired IS NULL`)
}

func (s *Store) count(ctx context.Context, sql string) (int, error) {
	return query(ctx, s, func(c *conn) (n int, err error) { return n, c.row(sql, nil, &n) })
}

// SaveStaff inserts or updates a member of staff, and ends their logins if
// anything about them has changed.
func (s *Store) SaveStaff(ctx context.Context, x lending.Staff, by string) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		t := tx.(*Tx)
		changed, err := t.save(staffTable, string(x.ID), []any{x.Name, string(x.Role), x.PasswordHash,
			maybeText(string(x.Patron)), maybeMillis(x.Disabled)}, by)
		if err != nil || !changed {
			return err
		}
		_, err = t.c.exec(`DELETE FROM staff_session WHERE staff = ?`, string(x.ID))
		return err
	})
}

// PutSession stores or touches a login.
func (s *Store) PutSession(ctx context.Context, x lending.StaffSession) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		_, err := tx.(*Tx).c.exec(`INSERT INTO staff_session (hash, staff, created, last_seen) VALUES (?, ?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET last_seen = excluded.last_seen`,
			x.Hash[:], string(x.Staff), millis(x.Created), millis(x.LastSeen))
		return err
	})
}

// Session reads a login.
func (s *Store) Session(ctx context.Context, h lending.Hash) (lending.StaffSession, error) {
	return query(ctx, s, func(c *conn) (lending.StaffSession, error) {
		x := lending.StaffSession{Hash: h}
		var created, seen int64
		err := c.row(`SELECT staff, created, last_seen FROM staff_session WHERE hash = ?`, []any{h[:]}, &x.Staff, &created, &seen)
		x.Created, x.LastSeen = instant(created), instant(seen)
		return x, err
	})
}

// DeleteSession ends a login; one that is not there is ended already.
func (s *Store) DeleteSession(ctx context.Context, h lending.Hash) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		_, err := tx.(*Tx).c.exec(`DELETE FROM staff_session WHERE hash = ?`, h[:])
		return err
	})
}

const (
	tokenColumns = `t.id, t.name, t.hash, t.scopes, t.created, u.at, t.revoked`
	tokenTables  = ` FROM token t LEFT JOIN token_use u ON u.token = t.id `
)

func scanToken(r scanner) (x lending.Token, err error) {
	var hash []byte
	var scopes string
	var created int64
	var used, revoked *int64
	err = r.Scan(&x.ID, &x.Name, &hash, &scopes, &created, &used, &revoked)
	copy(x.Hash[:], hash)
	for _, s := range strings.Fields(scopes) {
		x.Scopes = append(x.Scopes, lending.Scope(s))
	}
	x.Created, x.LastUsed, x.Revoked = instant(created), maybeInstant(used), maybeInstant(revoked)
	return x, err
}

// TokenByHash reads a token by the hash of its secret, revoked or not.
func (s *Store) TokenByHash(ctx context.Context, h lending.Hash) (lending.Token, error) {
	return query(ctx, s, func(c *conn) (lending.Token, error) {
		return one(c, scanToken, `SELECT `+tokenColumns+tokenTables+`WHERE t.hash = ?`, h[:])
	})
}

// Tokens lists all tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]lending.Token, error) {
	return query(ctx, s, func(c *conn) ([]lending.Token, error) {
		return all(c, scanToken, `SELECT `+tokenColumns+tokenTables+`ORDER BY t.created, t.id`)
	})
}

// SaveToken inserts a token or revokes it.
func (s *Store) SaveToken(ctx context.Context, x lending.Token, by string) error {
	scopes := make([]string, len(x.Scopes))
	for i, sc := range x.Scopes {
		scopes[i] = string(sc)
	}
	return s.Write(ctx, func(tx lending.Tx) error {
		_, err := tx.(*Tx).save(tokenTable, x.ID, []any{x.Name, x.Hash[:], strings.Join(scopes, " "),
			millis(x.Created), maybeMillis(x.Revoked)}, by)
		return err
	})
}

// TouchToken remembers that a token was used.
func (s *Store) TouchToken(ctx context.Context, id string, at time.Time) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		_, err := tx.(*Tx).c.exec(`INSERT INTO token_use (token, at) VALUES (?, ?)
			ON CONFLICT (token) DO UPDATE SET at = excluded.at`, id, millis(at))
		return err
	})
}
