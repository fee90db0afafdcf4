package lending

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"
)

// FactKind says what happened.
type FactKind string

// The kinds of facts. A body's shape is fixed by kind and version; code that
// reads an old version is never removed.
const (
	FactLent          FactKind = "lent"           // LentBody
	FactReturned      FactKind = "returned"       // ReturnedBody
	FactUndone        FactKind = "undone"         // UndoneBody
	FactRefused       FactKind = "refused"        // RefusedBody
	FactChanged       FactKind = "changed"        // ChangedBody
	FactFindingOpened FactKind = "finding_opened" // FindingBody
	FactFindingClosed FactKind = "finding_closed" // FindingBody
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Fact is one immutable row of the ledger. The Desk fills Kind, Item, Loan,
// Subject and Body; the store fills the rest when it appends the fact.
type Fact struct {
	Origin   string // the ledger that recorded it
	Epoch    int    // counts restores of that ledger
	Seq      int64  // contiguous from 1 within the origin
	ID       FactID // UUIDv7
	Kind     FactKind
	Version  int
	At       time.Time     // wall clock, whole milliseconds: a hint, not an order
	Boot     string        // the machine's boot id
	BootTime time.Duration // since that boot, sleep included; whole milliseconds
	Item     ItemID
	Loan     LoanID
	Subject  Subject
	Body     []byte // JSON, exactly the bytes that were hashed
	Prev     Hash
	Hash     Hash
}

// Sum is SHA-256(prev ‖ header ‖ body). Every field of variable length is
// preceded by its length in 4 bytes, most significant first, so that no two
// facts have the same encoding.
func (f Fact) Sum() Hash {
	h := sha256.New()
	h.Write(f.Prev[:])
	text := func(s string) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	number := func(v int64) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	text(f.Origin)
	number(int64(f.Epoch))
	number(f.Seq)
	text(string(f.ID))
	text(string(f.Kind))
	number(int64(f.Version))
	number(f.At.UnixMilli())
	text(f.Boot)
	number(f.BootTime.Milliseconds())
	text(string(f.Item))
	text(string(f.Loan))
	h.Write(f.Subject[:])
	text(string(f.Body))
	return Hash(h.Sum(nil))
}

// LentBody is the body of a FactLent, version 1.
type LentBody struct {
	Title     TitleID  `json:"title"`
	LoanType  string   `json:"loan_type"`
	Category  string   `json:"category"`
	Policy    PolicyID `json:"policy"`
	PolicyRev int      `json:"policy_rev"`
	Due       int64    `json:"due"` // Unix milliseconds
	Station   string   `json:"station"`
	Staff     StaffID  `json:"staff,omitempty"` // who handed it over, if anybody
	After     FactID   `json:"after,omitempty"` // the return in the same transaction
}

// ReturnedBody is the body of a FactReturned, version 1. A fact with no Loan
// records an item that came back without being out.
type ReturnedBody struct {
	Station string  `json:"station"`
	Staff   StaffID `json:"staff,omitempty"`
}

// UndoneBody is the body of a FactUndone, version 1.
type UndoneBody struct {
	Of      FactID   `json:"of"`
	Kind    FactKind `json:"kind"` // lent or returned
	Station string   `json:"station"`
}

// RefusedBody is the body of a FactRefused, version 1. It names no person.
type RefusedBody struct {
	Reasons  []Because `json:"reasons"`
	Title    TitleID   `json:"title,omitempty"`
	Category string    `json:"category,omitempty"`
	Station  string    `json:"station"`
	Language string    `json:"language,omitempty"`
}

// ChangedBody is the body of a FactChanged, version 1: one edit of one
// reference row. Before and After are kept for things; for people there are
// the names of the columns only.
type ChangedBody struct {
	Table   string         `json:"table"`
	ID      string         `json:"id"`
	Rev     int            `json:"rev"`
	Columns []string       `json:"columns"`
	By      string         `json:"by"`
	Before  map[string]any `json:"before,omitempty"`
	After   map[string]any `json:"after,omitempty"`
}

// FindingBody is the body of a FactFindingOpened or FactFindingClosed,
// version 1.
type FindingBody struct {
	Finding FindingID   `json:"finding"`
	Kind    FindingKind `json:"kind"`
	Station string      `json:"station,omitempty"`
	Tail    string      `json:"tail,omitempty"`
	Staff   StaffID     `json:"staff,omitempty"`
}

// newFact makes a fact of version 1. Bodies are our own structs of strings,
// numbers and their like, which always marshal.
func newFact(kind FactKind, body any) Fact {
	b, err := json.Marshal(body)
	if err != nil {
		panic("lending: a fact's body does not marshal: " + err.Error())
	}
	return Fact{Kind: kind, Version: 1, Body: b}
}
