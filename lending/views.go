package lending

import "time"

// LoanView is a loan as staff and central systems see it.
type LoanView struct {
	Loan
	Thing          Thing
	PatronName     string // "Given Family"; empty once anonymised
	PatronExternal string
	ItemExternal   string
}

// LoanFilter chooses loans.
type LoanFilter struct {
	Open          bool       // only open loans
	DueBefore     *time.Time // only open loans due before this instant
	ReturnedSince *time.Time // only loans returned at or after this instant, undone ones left out
	Patron        PatronID   // only loans of this patron
	Item          ItemID     // only loans of this item
	After         LoanID     // continue behind this loan
	ByID          bool       // in the order of their ids, for paging with After
	Limit         int        // 0 = 200
}

// PatronView is a patron as staff see them.
type PatronView struct {
	Patron
	Badges []Badge
	Loans  []LoanView // open ones, oldest due first
}

// ItemView is an item as staff see it.
type ItemView struct {
	Item
	Title   Title
	Tags    []Tag
	Loan    *LoanView // the open loan, if any
	History []Fact    // newest first, at most 50
}

// FindingView is a finding with the thing it is about.
type FindingView struct {
	Finding
	Thing Thing // zero when no item is known
}

// Change is one fact in the feed. Position grows by one with each.
type Change struct {
	Position       int64
	Fact           Fact
	PatronExternal string // the person of the fact's subject, while it is linked
	// Row is what a FactChanged row says now, without secrets; nil for other
	// kinds. For people it is the only place where the feed has values.
	Row map[string]any
}

// Head is where a feed stands: which ledger, which restore of it, and the
// newest position.
type Head struct {
	Origin   string
	Epoch    int
	Position int64
}
