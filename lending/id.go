package lending

import (
	"encoding/hex"
	"fmt"
)

// Identifiers are UUIDs in their canonical text form, lower case. Each kind
// has its own type, so that one cannot be passed for another.
type (
	PatronID  string // PatronID names a patron.
	BadgeID   string // BadgeID names a badge.
	TitleID   string // TitleID names a title.
	ItemID    string // ItemID names an item.
	TagID     string // TagID names a tag on an item.
	PolicyID  string // PolicyID names a loan policy.
	LoanID    string // LoanID names a loan.
	FactID    string // FactID names a fact.
	FindingID string // FindingID names a finding.
	StaffID   string // StaffID names a member of staff who can log in.
)

// ParseID reads an identifier that came from outside. It refuses anything
// that is not a canonical lower-case UUID, and does not repeat the input.
func ParseID[T ~string](s string) (T, error) {
	const shape = "00000000-0000-0000-0000-000000000000"
	if len(s) != len(shape) {
		return "", fmt.Errorf("an id has %d characters, this has %d", len(shape), len(s))
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case shape[i] == '-' && c != '-':
			return "", fmt.Errorf("an id has a hyphen at offset %d", i)
		case shape[i] == '0' && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
			return "", fmt.Errorf("an id has a lower-case hex digit at offset %d", i)
		}
	}
	return T(s), nil
}

// Subject stands for a patron in one loan's facts. It is drawn anew for each
// loan; deleting the row that links it to the patron anonymises that loan
// without changing a fact. The zero Subject means that no person is meant.
type Subject [16]byte

// IsZero says whether no person is meant.
func (s Subject) IsZero() bool { return s == Subject{} }

// String is the subject in hex, for the change feed.
func (s Subject) String() string { return hex.EncodeToString(s[:]) }
