package main

import (
	"runtime"

	"github.com/mattn/go-sqlite3"

	"tapshelf/lending/sqlite"
)

// version is this program's; releases are named by date. factVersion is the
// version in which facts are written.
const (
	version     = "2026.11.0"
	factVersion = 1
)

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	sqliteVersion, _, _ := sqlite3.Version()
	a.printf("tapshelf %s\nschema   %d\nfacts    %d\nSQLite   %s\n%s\n",
		version, sqlite.Schema(), factVersion, sqliteVersion, runtime.Version())
	return nil
}
