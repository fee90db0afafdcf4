package lending

import (
	"slices"
	"time"
)

// Role says what a member of staff may do.
type Role string

// The roles. An admin may do all that desk may.
const (
	RoleDesk  Role = "desk"  // lend, take back, look things up, close findings
	RoleAdmin Role = "admin" // also tokens and other staff
)

// Staff is somebody who can log in to the staff pages.
type Staff struct {
	ID           StaffID
	Name         string // the login name, unique
	Role         Role
	PasswordHash string   // argon2id in PHC form
	Patron       PatronID // their own patron record, whose badge approves at a station; may be empty
	Disabled     *time.Time
	Rev          int
}

// StaffSession is one login. Its id is known only as a hash.
type StaffSession struct {
	Hash     Hash
	Staff    StaffID
	Created  time.Time
	LastSeen time.Time
}

// Scope is one thing that a token may do.
type Scope string

// The scopes of a token.
const (
	ScopeFeedRead     Scope = "feed:read"
	ScopePatronsWrite Scope = "patrons:write"
	ScopeItemsWrite   Scope = "items:write"
	ScopeLoansWrite   Scope = "loans:write"
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{ScopeFeedRead, ScopePatronsWrite, ScopeItemsWrite, ScopeLoansWrite}
}

// Token lets a central system in. Its secret is shown once and known only as
// a hash.
type Token struct {
	ID       string
	Name     string
	Hash     Hash
	Scopes   []Scope
	Created  time.Time
	LastUsed *time.Time
	Revoked  *time.Time
}

// May says whether the token has a scope.
func (t Token) May(s Scope) bool { return t.Revoked == nil && slices.Contains(t.Scopes, s) }
