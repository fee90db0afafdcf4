// Package tag knows what an identifier read from a badge or an item is called.
//
// It holds pure codecs only: no hardware, no ledger. A UID is what a reader
// saw; an Alias is one of the spellings under which people and other systems
// know the same thing (the number printed on a fob, the label on a laptop).
package tag
