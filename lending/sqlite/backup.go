package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Backup writes a verified copy of the ledger at path to the file to, which
// must not exist yet. The copy is complete under its name or not there at
// all: it is written under a temporary name, synced, verified and renamed.
// It may run beside a daemon that uses the ledger.
func Backup(ctx context.Context, path, to string) (Report, error) {
	var r Report
	if _, err := os.Lstat(to); err == nil {
		return r, fmt.Errorf("backup to %s: a file of that name is there already", to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	tmp := to + ".part"
	if err := errors.Join(removeIfThere(tmp), vacuumInto(ctx, path, tmp)); err != nil {
		return r, fmt.Errorf("backup to %s: %w", to, err)
	}
	r, err := Verify(ctx, tmp)
	if err == nil && !r.OK() {
		err = fmt.Errorf("the copy does not verify: %s", r.Problems[0])
	}
	if err == nil {
		err = settle(tmp, to)
	}
	if err != nil {
		return r, errors.Join(fmt.Errorf("backup to %s: %w", to, err), removeIfThere(tmp))
	}
	return r, nil
}

// vacuumInto copies one snapshot of a ledger on a connection of its own. It
// is not query_only: VACUUM INTO counts as a write, though not of this file.
func vacuumInto(ctx context.Context, path, to string) error {
	db := sql.OpenDB(connector{dsn: readOnly(path, "")})
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// settle makes a finished file durable and gives it its name.
func settle(tmp, to string) error {
	if err := syncFile(tmp); err != nil {
		return err
	}
	// Verify has read the copy in WAL mode and may have left its helpers.
	for _, side := range []string{"-wal", "-shm"} {
		if err := removeIfThere(tmp + side); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Restore puts a backup in the place of the ledger at path. The backup is
// verified first. A ledger that is there is kept beside it, under the name
// aside. The restored ledger begins a new epoch, so that whoever followed
// the old one notices. No daemon may use the ledger meanwhile; the caller
// sees to that.
func Restore(ctx context.Context, from, path, aside string) (Report, error) {
	r, err := Verify(ctx, from)
	if err == nil && !r.OK() {
		err = fmt.Errorf("it does not verify: %s", r.Problems[0])
	}
	if err != nil {
		return r, fmt.Errorf("restore %s: %w", from, err)
	}
	tmp := path + ".restoring"
	err = errors.Join(removeIfThere(tmp), copyFile(from, tmp))
	if err == nil {
		err = raiseEpoch(ctx, tmp)
	}
	if err == nil {
		err = putAside(path, aside)
	}
	if err == nil {
		err = settle(tmp, path)
	}
	if err != nil {
		return r, errors.Join(fmt.Errorf("restore %s: %w", from, err), removeIfThere(tmp))
	}
	return r, nil
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

func raiseEpoch(ctx context.Context, path string) error {
	db := sql.OpenDB(connector{dsn: dsn(path, "_txlock=immediate"), want: writerPragmas})
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(ctx, `UPDATE meta SET epoch = epoch + 1`)
	if err == nil {
		_, err = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	return errors.Join(err, db.Close())
}

// putAside moves a ledger with its helpers, if there is one.
func putAside(path, aside string) error {
	for _, side := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+side, aside+side)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("keep the old ledger: %w", err)
		}
	}
	return nil
}
