package kiosk

import (
	"time"

	"tapshelf/lending"
)

// Stage says which of the panel's pages a Screen is.
type Stage string

// The stages of a station's panel.
const (
	Idle Stage = "idle" // nobody is here; three languages at once
	// Waiting: nobody is here, but something lies or lay on the reader. The
	// rows say what: RowWaiting asks whose it is; the others tell what was
	// done with no badge (returned, just borrowed, refused).
	Waiting Stage = "waiting"
	Open    Stage = "open"     // a visit
	Leaving Stage = "leaving"  // the visit has ended; what was done, for a moment
	NewHere Stage = "new_here" // another person's badge ended a visit
	Closed  Stage = "closed"   // out of service: says why
)

// Screen is what a station's panel shows: a value, the same for every
// display of the station. It has no text but names; words come from
// kiosk/words. It never holds an identifier of a person.
type Screen struct {
	// Rev grows with every change. A button carries the Rev it was drawn
	// with; Press ignores one that no longer makes sense.
	Rev      uint64
	Station  string
	Stage    Stage
	Language string // "en", "zh-Hant", "zh-Hans"; on the idle screen only a preference
	// Given is the given name of the visiting patron; only in Open, Leaving
	// (empty after a time-out) and NewHere.
	Given string
	// Rows are what happened in this visit, or without one, newest first.
	Rows []Row
	// Borrowed and Returned count things in this visit, undone ones left out.
	Borrowed, Returned int
	// Loans is how many open loans the patron has; Overdue how many are late.
	Loans, Overdue int
	// Standing is what stands against the patron whatever they ask for.
	Standing []lending.Because
	// Notice is one message that is not about an item: unknown tag, reader
	// trouble. Nil if there is none.
	Notice *Notice
	// Ask is the one question that the panel waits for; nil if none.
	Ask *Ask
	// WarnUntil is set while the panel asks "Are you still there?": the
	// instant at which the visit ends.
	WarnUntil *time.Time
	// Empty says that the ledger has no items yet.
	Empty bool
	// ReadersDown names no reader; it says that one needs help.
	ReadersDown bool
	// NotLent names what waited for something until the end of the visit and
	// was not lent. Only in Leaving.
	NotLent []lending.Thing
}

// RowState says what a Row is about.
type RowState string

// The states of a row.
const (
	RowChecking     RowState = "checking"    // not decided after 400 ms
	RowLent         RowState = "lent"        // with Due
	RowHandedOver   RowState = "handed_over" // returned for somebody else and lent, with Due
	RowReturned     RowState = "returned"
	RowShown        RowState = "shown"         // lent in this visit and tapped again
	RowJustBorrowed RowState = "just_borrowed" // tap again to return it
	RowRefused      RowState = "refused"       // with Reasons and Support
	RowNeedsStaff   RowState = "needs_staff"   // with Reasons; a staff badge approves
	RowWaiting      RowState = "waiting"       // waits for a badge
	RowUndoing      RowState = "undoing"       // tap it once more to put it back
	RowUndone       RowState = "undone"
	RowFailed       RowState = "failed" // could not be decided; nothing was done
)

// Row is one thing of this visit. A thing has one row, which moves to the
// top when it is tapped again.
type Row struct {
	ID      string // names the row in buttons; means nothing else
	State   RowState
	Thing   lending.Thing // zero for a tag that is not known
	Due     *time.Time
	Reasons []lending.Because // most fixable first
	Support string            // what to read to staff: "L2-4F0C"
	// Actions are the buttons that make sense, the best one first.
	Actions []Action
	// Fresh is true for the row that changed last.
	Fresh bool
}

// Action is what a button on a row or the rail does.
type Action string

// The actions.
const (
	ActUndo      Action = "undo"       // of a row
	ActReturnFor Action = "return_for" // of a row refused as on loan to somebody else
	ActReturn    Action = "return"     // of a row lent in this visit: same as undo by tap
	ActDismiss   Action = "dismiss"    // of a row: take it off the screen
	ActDone      Action = "done"       // end the visit
	ActKeep      Action = "keep"       // "I am still here"
	ActLanguage  Action = "language"   // with Value
	ActHelp      Action = "help"
	ActBack      Action = "back" // out of help
)

// Actions lists every action that a panel may send.
func Actions() []Action {
	return []Action{ActUndo, ActReturnFor, ActReturn, ActDismiss, ActDone, ActKeep, ActLanguage, ActHelp, ActBack}
}

// Press is a touch of a button.
type Press struct {
	Key    string // idempotency key: the same key acts once
	Rev    uint64 // the Screen's Rev the button was drawn with
	Action Action
	Row    string // for actions of a row
	Value  string // for ActLanguage
}

// NoticeKind says what a Notice is about.
type NoticeKind string

// The notices.
const (
	NoticeRefused NoticeKind = "refused" // Reasons say why a badge or tag was not taken
	NoticeStale   NoticeKind = "stale"   // the button belonged to an earlier screen
)

// Notice is a message that is not about a known item.
type Notice struct {
	Kind    NoticeKind
	Reasons []lending.Because
	Support string
	Tail    string // the last characters of an unknown tag
}

// AskKind says which question the panel asks.
type AskKind string

// Ask is a question in the whole content area.
type Ask struct {
	Kind AskKind
}

// AskHelp shows what can be done here and how to reach staff.
const AskHelp AskKind = "help"
