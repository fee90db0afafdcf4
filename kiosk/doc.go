// Package kiosk is the counter: one Kiosk per station, with one visit at a
// time and one loop that owns it. Taps, touches, time-outs and outcomes are
// messages to the loop, and what a panel shows is a Screen, a value.
//
// # Act, then offer the alternative
//
// There are no modes. A tap acts at once, and its row carries Undo and what
// else could have been meant:
//
//	what is tapped                visit open                       no visit
//	lent here < 2 min ago, not    nothing: "tap it again now"      same
//	  in this visit               (10 s, then the tap counts)
//	available item                lent, or waits for what it       waits 15 s for a badge
//	                              needs first
//	item lent in this visit       its row again: Undo              -
//	mine from an earlier visit    returned, with Undo              returned
//	somebody else's               returned and lent, or neither:   returned; never names
//	                              "Return it for them"             the person, no Undo
//	badge, mine                   ends the visit                   -
//	badge of staff while          approves it; the visit stays     -
//	  something waits for staff
//	badge, another                "New person", starts theirs      starts a visit
//	unknown tag                   says so with its last            same
//	                              characters; staff told after three
package kiosk
