package tag

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Tech says which air interface or label a UID was read from.
type Tech string

// The technologies that Tapshelf tells apart. The value is also the form of
// the UID's first alias and the prefix in "form:value" spellings.
const (
	// EM4100 is a 125 kHz fob: 5 bytes, customer id first, then the 32-bit
	// card number, most significant byte first.
	EM4100 Tech = "em4100"
	// ISO14443A is an HF card of 4, 7 or 10 bytes, in the order the card
	// sends them (ISO/IEC 14443-3 §6.5).
	ISO14443A Tech = "iso14443a"
	// Label is text printed on the thing itself, as typed by staff or sent
	// by a simulated reader: "LAP-001", "B-07".
	Label Tech = "label"
)

// ErrRandomUID says that a UID is drawn anew each time the card enters a
// field (phones, privacy cards), so it identifies nothing and is never
// enrolled.
var ErrRandomUID = errors.New("the card shows a random number each time")

// UID is what a reader saw of one tag: comparable, so that presence can use
// it as a key. Value is upper-case hex for EM4100 and ISO14443A, and the
// trimmed, upper-cased text for Label.
//
// Printed or logged, a UID shows its technology and last two characters only.
type UID struct {
	Tech  Tech
	Value string
}

// NewEM4100 names a 125 kHz fob by its five bytes, customer id first.
func NewEM4100(b [5]byte) UID {
	return UID{Tech: EM4100, Value: upperHex(b[:])}
}

// NewISO14443A names an HF card by its UID bytes in the order the card sends
// them, without cascade tags. It refuses any length but 4, 7 and 10
// (ISO/IEC 14443-3 §6.5.4). A random UID is not refused here: a reader must
// be able to report what it saw.
func NewISO14443A(b []byte) (UID, error) {
	switch len(b) {
	case 4, 7, 10:
		return UID{Tech: ISO14443A, Value: upperHex(b)}, nil
	}
	return UID{}, fmt.Errorf("an ISO 14443-A UID has 4, 7 or 10 bytes, not %d", len(b))
}

// NewLabel names a thing by the text printed on it. Full-width characters are
// folded to ASCII, letters upper-cased, runs of spaces made one. It returns a
// *SyntaxError for a character that no label holds.
func NewLabel(text string) (UID, error) {
	folded, err := fold(text)
	if err != nil {
		return UID{}, err
	}
	return newLabel(folded)
}

// Random reports whether the UID is drawn anew at each presentation: a
// 4-byte ISO 14443 UID that starts with 08 (ISO/IEC 14443-3 §6.5.4).
func (u UID) Random() bool {
	return u.Tech == ISO14443A && len(u.Value) == 8 && strings.HasPrefix(u.Value, "08")
}

// Tail is the last two characters, for a screen that must let people tell
// two tags apart without showing either.
func (u UID) Tail() string { return tail(u.Value) }

// String shows the technology and the tail: safe in a log.
func (u UID) String() string { return masked(string(u.Tech), u.Value) }

// GoString keeps the value out of %#v too.
func (u UID) GoString() string { return "tag.UID(" + u.String() + ")" }

// LogValue keeps the value out of every slog handler.
func (u UID) LogValue() slog.Value { return slog.StringValue(u.String()) }

func masked(kind, value string) string {
	if len([]rune(value)) < 4 {
		return kind + " …"
	}
	return kind + " …" + tail(value)
}

func tail(value string) string {
	r := []rune(value)
	if len(r) > 2 {
		r = r[len(r)-2:]
	}
	return string(r)
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
