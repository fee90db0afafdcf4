// Package devices is the contract between Tapshelf and its hardware: what a
// reader reports, what a lamp and a buzzer are asked to show.
//
// A driver lives in its own folder, takes its bus from the caller and passes
// the suite in devicestest. Nothing here knows what a tag means: a badge and
// an item tag look the same from below.
package devices

import (
	"context"
	"errors"
	"time"

	"tapshelf/devices/tag"
)

// Seen is one tag found by one poll of one reader. A tag that lies on a pad
// is Seen again with every poll; Presence makes one Tap of them.
type Seen struct {
	Reader string // the reader's configured name
	UID    tag.UID
	At     time.Time
}

// Tap is one presentation of a tag at a station: from its arrival until it
// has been away for longer than Presence forgives.
type Tap struct {
	// ID is "station/boot/counter": unique for ever, so that it can name the
	// operation that the tap causes in the ledger.
	ID     string
	Reader string
	UID    tag.UID
	At     time.Time
}

// Reader is one antenna, or anything that reads tags one poll at a time.
//
// Run delivers one Seen per poll and tag on seen until ctx ends, when it
// returns nil, or until the hardware fails, when it says why. It opens its
// bus on entry and closes it before it returns, never closes seen, never
// panics, and may be called again after it has returned. A send on seen is
// always abandoned when ctx ends.
type Reader interface {
	Run(ctx context.Context, seen chan<- Seen) error
}

// OneShot is implemented by readers that report a tag once per presentation
// and fall silent (ID-12LA, barcode scanners). Presence departs their tags
// after 500 ms instead of waiting for polls that will not come.
type OneShot interface {
	OneShot() bool
}

// ErrTagGone says that a tag is not in the field (any more).
var ErrTagGone = errors.New("the tag is not on the reader")

// Card is a tag while it is in the field, handed to the function given to
// Tagger.With. It must not be used after that function has returned.
type Card interface {
	UID() tag.UID
	// Transceive sends one command without its CRC and returns the answer
	// without its CRC. It fails when the card does not answer or the CRC is
	// wrong.
	Transceive(command []byte) ([]byte, error)
}

// Tagger is implemented by readers that can talk to a tag, not only see it.
//
// With runs do on the goroutine that owns the bus, between two polls, with
// the tag selected. It returns ErrTagGone if the tag is not in the field.
type Tagger interface {
	With(ctx context.Context, uid tag.UID, do func(Card) error) error
}

// Cue is what the counter says without words. The three differ in rhythm as
// well as in colour and pitch.
type Cue int

const (
	// CueOK is two rising notes and a steady green lamp: it worked.
	CueOK Cue = iota + 1
	// CueAttention is three short equal notes and three amber flashes: look
	// at the screen.
	CueAttention
	// CueStop is one low long note and a steady red lamp: this did not work.
	CueStop
)

// Signal is the station's lamp and buzzer. Give starts the cue and returns
// at once; a new cue replaces the one that is playing.
type Signal interface {
	Give(Cue) error
}
