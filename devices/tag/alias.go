package tag

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
)

// The forms of an Alias. They are part of what a ledger's tag keys are made
// from, so a form is never renamed.
const (
	// FormEM4100 is ten hex digits, customer id first: "6F007B3972".
	FormEM4100 = "em4100"
	// FormDec10 is the low 32 bits as ten decimal digits, as printed on fobs
	// and typed by USB wedge readers: "0008075634".
	FormDec10 = "dec10"
	// FormWiegand26 is facility and card number of the 26-bit format
	// (H10301), the low 24 bits, as printed on fobs: "123,14706".
	FormWiegand26 = "wiegand26"
	// FormISO14443A is 8, 14 or 20 hex digits as the card sends them.
	FormISO14443A = "iso14443a"
	// FormISO14443AReversed is the same bytes last first, as some door
	// systems list them.
	FormISO14443AReversed = "iso14443a-reversed"
	// FormLabel is the text printed on a thing.
	FormLabel = "label"
)

// Alias is one spelling of a tag. Form names the spelling ("em4100", "dec10",
// "wiegand26", "iso14443a", "label" ...), Value is its canonical text.
// Short aliases hold 24 bits or less, so two different tags may share one.
//
// Printed or logged, an Alias shows its form and last two characters only;
// Text gives the whole.
type Alias struct {
	Form  string
	Value string
	Short bool
}

// Text is the spelling that Parse reads back: "form:value".
func (a Alias) Text() string { return a.Form + ":" + a.Value }

// String shows the form and the tail: safe in a log.
func (a Alias) String() string { return masked(a.Form, a.Value) }

// GoString keeps the value out of %#v too.
func (a Alias) GoString() string { return "tag.Alias(" + a.String() + ")" }

// LogValue keeps the value out of every slog handler.
func (a Alias) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Aliases lists every spelling under which the tag may be on record, the most
// specific first and Short ones last. The first names exactly this tag.
// A UID that no constructor of this package made has none.
func (u UID) Aliases() []Alias {
	switch u.Tech {
	case EM4100:
		b, err := hex.DecodeString(u.Value)
		if err != nil || len(b) != 5 {
			return nil
		}
		low := binary.BigEndian.Uint32(b[1:])
		return append([]Alias{{Form: FormEM4100, Value: u.Value}}, decimalAliases(low)...)
	case ISO14443A:
		return u.isoAliases()
	case Label:
		return []Alias{{Form: FormLabel, Value: u.Value}}
	}
	return nil
}

func (u UID) isoAliases() []Alias {
	b, err := hex.DecodeString(u.Value)
	if err != nil {
		return nil
	}
	aliases := []Alias{{Form: FormISO14443A, Value: u.Value}}
	if len(b) == 4 {
		aliases = append(aliases, dec10(binary.BigEndian.Uint32(b)))
	}
	slices.Reverse(b)
	return append(aliases, Alias{Form: FormISO14443AReversed, Value: upperHex(b)})
}

// decimalAliases are the two numbers printed on one fob; the second says less.
func decimalAliases(low uint32) []Alias {
	return []Alias{dec10(low), wiegand26(low>>16&0xFF, low&0xFFFF)}
}

func dec10(n uint32) Alias {
	return Alias{Form: FormDec10, Value: fmt.Sprintf("%010d", n)}
}

func wiegand26(facility, card uint32) Alias {
	return Alias{Form: FormWiegand26, Value: fmt.Sprintf("%03d,%05d", facility, card), Short: true}
}
