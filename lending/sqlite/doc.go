// Package sqlite keeps the ledger in one SQLite file.
//
// The file holds three kinds of rows. Facts are append-only and
// hash-chained. Projections (loan, finding) equal the fold of the facts,
// column for column. Reference rows (patron, badge, title, item, item_tag,
// policy, staff, token) are edited in place; each edit raises the row's rev
// and appends a fact that says so. Verify proves all three.
//
// There is one way to open a file: through a connector that reads every
// pragma back on every connection. One goroutine owns the only connection
// that writes; readers see consistent snapshots and never wait for it.
// Every instant is handed in; SQL makes no time.
package sqlite
