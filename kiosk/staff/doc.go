// Package staff is the pages for the people who work at the counter: loans,
// a patron, an item, findings, the desk, readers. They are rendered on the
// server, work without a mouse, and are served on a listener of their own,
// never on the panel's.
//
// # Promises, and where each is kept
//
//   - Nothing is shown to somebody who is not logged in, and an admin's page
//     to an admin only: one table of routes with who may use each, and a test
//     that asks every route as everybody.
//   - An act is done once, however often its form is sent: each form carries
//     an operation id made when it was drawn, and lending.Desk remembers it.
//   - After an act the browser is sent on (303) to a page that reads what
//     happened from the ledger, so that reload and Back repeat nothing.
//   - Text that may name a person travels by POST; addresses hold codes and
//     identifiers only.
//   - A cell of a CSV file is text to a spreadsheet, never a formula.
package staff
