package staff

import (
	"context"

	"tapshelf/lending"
)

// Queries is what the pages read; *sqlite.Store is one. A row that is not
// there is lending.ErrNotFound.
type Queries interface {
	// Loans lists open loans by due instant, returned ones newest first.
	Loans(context.Context, lending.LoanFilter) ([]lending.LoanView, error)
	PatronView(context.Context, lending.PatronID) (lending.PatronView, error)
	ItemView(context.Context, lending.ItemID) (lending.ItemView, error)
	// FindPatrons finds by the beginning of a name, or by external id.
	FindPatrons(ctx context.Context, q string, limit int) ([]lending.Patron, error)
	// FindItems finds by label, external id or words of the title.
	FindItems(ctx context.Context, q string, limit int) ([]lending.Thing, error)
	// FindRefusals finds by the last four characters of the fact's id.
	FindRefusals(ctx context.Context, suffix string) ([]lending.Fact, error)
	Findings(ctx context.Context, openOnly bool) ([]lending.FindingView, error)

	StaffByName(context.Context, string) (lending.Staff, error)
	StaffByID(context.Context, lending.StaffID) (lending.Staff, error)
	CountStaff(context.Context) (int, error)
	ListStaff(context.Context) ([]lending.Staff, error)
	// Tokens lists every token of a central system, without its secret.
	Tokens(context.Context) ([]lending.Token, error)

	PutSession(context.Context, lending.StaffSession) error
	Session(context.Context, lending.Hash) (lending.StaffSession, error)
	DeleteSession(context.Context, lending.Hash) error
}
