// Package lending holds the house rules of the counter: who may take what,
// until when, and what goes on record. It knows no database, no network and
// no clock; everything it depends on is handed in.
//
// # Promises, and where each is kept
//
//   - One open loan per item: a partial unique index of the store (I), and
//     Decide, which answers item_on_loan_to_other (A).
//   - An open loan has a patron; a closed one may lose it: a trigger of the
//     store refuses to unlink an open loan's Subject (I).
//   - Limits hold with two stations: Decide runs inside the write
//     transaction, on facts read there (A).
//   - Every refusal names all its reasons: Decide never stops at the first.
//   - A return is always taken: no rule is asked.
//   - Nothing recorded is changed or removed: a Fact is append-only and
//     hash-chained (I); Undo adds a fact.
//   - The same operation gives the same answer: each use case of the Desk
//     stores its answer under its operation id in the same transaction.
//   - A tag is a badge or an item tag, never both: the primary key of the
//     store's tag keys (I).
//   - Who borrowed what can be forgotten without touching the record: facts
//     and loans carry a Subject drawn anew for each loan, and one erasable
//     row links it to the patron.
//
// Terms are those of libraries: patron, badge, title, item, tag, loan,
// visit, finding. Instants are UTC; calendar arithmetic runs in the site's
// IANA zone.
package lending

import "errors"

// ErrNotFound is answered by a Tx for a row that is not there.
var ErrNotFound = errors.New("not found")

// ErrOperationReused is answered when an operation id comes again with other
// content. Nothing has happened the second time.
var ErrOperationReused = errors.New("this operation id was used for something else")
