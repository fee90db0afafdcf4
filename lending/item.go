package lending

import "time"

// Title is a kind of thing: a textbook, a laptop model. Its items are lent.
type Title struct {
	ID         TitleID
	ExternalID string
	Name       string
	LoanType   string // chooses the policy: "laptop", "textbook" ...
	Rev        int
}

// Item is one lendable object. It is never deleted, only retired.
type Item struct {
	ID            ItemID
	ExternalID    string
	Title         TitleID
	Label         string // the inventory number printed on it: "LAP-001"
	NotForLoan    bool
	Retired       *time.Time
	RetiredReason string
	Rev           int
}

// Tag is a label on an item that a reader can see; an item may have several.
// Its value is known only to the store's tag keys.
type Tag struct {
	ID      TagID
	Item    ItemID
	Tail    string
	Removed *time.Time
	Rev     int
}

// TagRef is what a tag key leads to: exactly one of Badge and Tag is set,
// or neither, when a short spelling is shared by two tags.
type TagRef struct {
	Badge BadgeID
	Tag   TagID
}

// Thing is what people call an item.
type Thing struct {
	Item  ItemID
	Name  string // the title's name
	Label string // the inventory number
	Type  string // the loan type, which chooses a picture
}
