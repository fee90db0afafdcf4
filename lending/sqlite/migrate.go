package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// ErrNewerSchema is answered by Open for a ledger that a newer version of
// Tapshelf has written. Nothing has been changed.
var ErrNewerSchema = errors.New("the ledger is newer than this program")

func migrations(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithVerbose(false))
}

// Schema is the version of the schema that this program writes.
func Schema() int64 {
	p, err := migrations(sql.OpenDB(connector{}))
	if err != nil {
		panic("sqlite: embedded migrations: " + err.Error())
	}
	return newest(p)
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// migrate raises the schema. Goose would accept a newer schema without a
// word, so the versions are compared first.
func migrate(ctx context.Context, db *sql.DB, path string, opt Options) error {
	p, err := migrations(db)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	want := newest(p)
	switch {
	case have > want:
		return fmt.Errorf("%w: it has schema %d, this program knows %d; install the newer program again", ErrNewerSchema, have, want)
	case have == want:
		return nil
	case have > 0 && opt.BackupBeforeMigration != nil:
		if err := opt.BackupBeforeMigration(ctx, path); err != nil {
			return fmt.Errorf("backup before raising the schema from %d to %d: %w", have, want, err)
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("raise the schema from %d to %d: %w", have, want, err)
	}
	return nil
}
