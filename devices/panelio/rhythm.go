package panelio

import (
	"slices"
	"time"

	"tapshelf/devices"
)

// lamp is the colour that is lit; at most one is.
type lamp int

const (
	dark lamp = iota
	green
	amber
	red
)

// step is one stretch of a cue. A pitch of 0 Hz is silence.
type step struct {
	lamp  lamp
	hertz int
	lasts time.Duration
}

// steady is how long a lamp stays on after the notes: long enough to be seen
// by somebody who looks at the item first.
const steady = 2 * time.Second

// rhythm is how a cue of devices.Cue goes; nil for an unknown one. Amber
// flashes three times at 2 Hz: more than three flashes a second may harm
// (WCAG 2.3.1).
func rhythm(c devices.Cue) []step {
	switch c {
	case devices.CueOK:
		return []step{
			{green, 1000, 120 * time.Millisecond},
			{green, 0, 40 * time.Millisecond},
			{green, 1500, 120 * time.Millisecond},
			{green, 0, steady},
		}
	case devices.CueAttention:
		flash := []step{
			{amber, 1200, 80 * time.Millisecond},
			{amber, 0, 170 * time.Millisecond},
			{dark, 0, 250 * time.Millisecond},
		}
		return slices.Repeat(flash, 3)
	case devices.CueStop:
		return []step{
			{red, 400, 400 * time.Millisecond},
			{red, 0, steady},
		}
	}
	return nil
}
