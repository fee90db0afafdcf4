package lending

import "time"

// PatronStatus says whether a patron may borrow at all.
type PatronStatus string

// The states of a patron's record.
const (
	PatronActive  PatronStatus = "active"
	PatronOff     PatronStatus = "inactive" // has left; nothing is lent
	PatronStopped PatronStatus = "blocked"  // a note on the account stops lending
)

// Patron is a person who borrows. Only GivenName is ever shown on a panel.
type Patron struct {
	ID         PatronID
	ExternalID string // the central system's identifier
	GivenName  string
	FamilyName string
	Category   string // "student", "staff" ...
	Status     PatronStatus
	Expires    *time.Time // first instant at which the record is no longer valid; nil = never
	Language   string     // "en", "zh-Hant", "zh-Hans" or empty
	Rev        int
}

// Badge is a credential of a patron; a patron may have several. Its value is
// known only to the store's tag keys.
type Badge struct {
	ID      BadgeID
	Patron  PatronID
	Tail    string // last two characters, for display
	Revoked *time.Time
	Rev     int
}

// standing is what stands against a patron whatever they ask for.
func (p Patron) standing(now time.Time) []Because {
	var because []Because
	if p.Status == PatronOff {
		because = append(because, Because{Reason: PatronInactive})
	}
	if p.Expires != nil && !now.Before(*p.Expires) {
		because = append(because, Because{Reason: PatronExpired, At: p.Expires})
	}
	if p.Status == PatronStopped {
		because = append(because, Because{Reason: PatronBlocked})
	}
	return because
}
