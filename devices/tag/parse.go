package tag

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads what staff type, a CSV column holds or a wedge reader sends,
// and lists the spellings it stands for, the most specific first. A tag is
// found if any of them is also among the Aliases of the UID that is tapped.
//
// The first row that fits decides:
//
//	text                               meaning
//	"form:value", form as in Form…     exactly that form
//	04:A8:D8:62 …, hex pairs           the hex digits without the colons
//	0008075634 123,14706               both prints of one fob; they must agree
//	123,14706                          wiegand26
//	123 14706  (≤255, ≤65535)          wiegand26
//	10 digits up to 4294967295         dec10, and so its wiegand26
//	10 hex digits                      em4100
//	12 hex digits, last pair the XOR   em4100 with its RDM6300 checksum
//	8, 14 or 20 hex digits             iso14443a
//	letters digits - _ . / space       label
//
// What consists of digits only is besides a label, as barcodes are; write
// "label:" or "iso14443a:" before it to say which. Letters are upper-cased,
// full-width characters folded to ASCII, runs of spaces made one; a label is
// at most 64 characters.
//
// It returns a *SyntaxError naming what is wrong and where, or an error that
// wraps ErrRandomUID for a 4-byte UID that starts with 08.
func Parse(text string) ([]Alias, error) {
	folded, err := fold(text)
	if err != nil {
		return nil, err
	}
	aliases, err := folded.aliases()
	if err != nil {
		return nil, err
	}
	if s := folded.String(); onlyDigits(s) {
		aliases = append(aliases, Alias{Form: FormLabel, Value: s})
	}
	return aliases, nil
}

func (t text) aliases() ([]Alias, error) {
	s := t.String()
	if pairs, ok := colonPairs(s); ok {
		s = pairs
	} else if colon := t.index(':'); colon >= 0 {
		return explicit(t[:colon], t[colon+1:].trimmed())
	}
	if strings.Contains(s, ",") {
		return t.printed(s)
	}
	if facility, card, ok := spacedWiegand(s); ok {
		return []Alias{wiegand26(facility, card)}, nil
	}
	if len(s) == 10 && onlyDigits(s) {
		if n, err := strconv.ParseUint(s, 10, 32); err == nil {
			return decimalAliases(uint32(n)), nil
		}
	}
	if b, err := hex.DecodeString(s); err == nil {
		if u, ok := hexUID(b); ok {
			return enrol(u)
		}
	}
	u, err := newLabel(t)
	if err != nil {
		return nil, err
	}
	return u.Aliases(), nil
}

// hexUID tells by its length what a run of hex bytes is.
func hexUID(b []byte) (UID, bool) {
	switch {
	case len(b) == 5:
		return NewEM4100([5]byte(b)), true
	case len(b) == 6 && b[0]^b[1]^b[2]^b[3]^b[4] == b[5]:
		return NewEM4100([5]byte(b[:5])), true
	}
	u, err := NewISO14443A(b)
	return u, err == nil
}

func enrol(u UID) ([]Alias, error) {
	if u.Random() {
		return nil, fmt.Errorf("tag: %w", ErrRandomUID)
	}
	return u.Aliases(), nil
}

// explicit reads what stood before and after the colon of "form:value".
func explicit(form, value text) ([]Alias, error) {
	switch strings.ToLower(form.String()) {
	case FormEM4100:
		b, err := value.hexBytes(5)
		if err != nil {
			return nil, err
		}
		return NewEM4100([5]byte(b)).Aliases(), nil
	case FormISO14443A:
		b, err := value.hexBytes(4, 7, 10)
		if err != nil {
			return nil, err
		}
		return isoBytes(b)
	case FormISO14443AReversed:
		b, err := value.hexBytes(4, 7, 10)
		if err != nil {
			return nil, err
		}
		slices.Reverse(b)
		return isoBytes(b)
	case FormDec10:
		n, err := value.number(0, len(value), 1<<32-1)
		if err != nil {
			return nil, err
		}
		return decimalAliases(n), nil
	case FormWiegand26:
		return value.wiegand()
	case FormLabel:
		u, err := newLabel(value)
		if err != nil {
			return nil, err
		}
		return u.Aliases(), nil
	}
	return nil, form.errAt(0, "unknown form before the colon")
}

func isoBytes(b []byte) ([]Alias, error) {
	u, err := NewISO14443A(b)
	if err != nil {
		return nil, err
	}
	return enrol(u)
}

// printed reads "123,14706" and "0008075634 123,14706".
func (t text) printed(s string) ([]Alias, error) {
	space := strings.IndexByte(s, ' ')
	if space != 10 || !onlyDigits(s[:10]) {
		return t.wiegand()
	}
	n, err := t.number(0, 10, 1<<32-1)
	if err != nil {
		return nil, err
	}
	short, err := t[11:].wiegand()
	if err != nil {
		return nil, err
	}
	both := decimalAliases(n)
	if short[0] != both[1] {
		return nil, t.errAt(11, "the two printed numbers belong to different fobs")
	}
	return both, nil
}

func (t text) wiegand() ([]Alias, error) {
	comma := t.index(',')
	if comma < 0 {
		return nil, t.errAt(len(t), "no comma between facility and card number")
	}
	facility, err := t.number(0, comma, 255)
	if err != nil {
		return nil, err
	}
	card, err := t.number(comma+1, len(t), 65535)
	if err != nil {
		return nil, err
	}
	return []Alias{wiegand26(facility, card)}, nil
}

// spacedWiegand recognises "123 14706". Numbers out of range make a label.
func spacedWiegand(s string) (facility, card uint32, ok bool) {
	if len(s) != 9 || s[3] != ' ' || !onlyDigits(s[:3]) || !onlyDigits(s[4:]) {
		return 0, 0, false
	}
	f, _ := strconv.ParseUint(s[:3], 10, 32)
	c, _ := strconv.ParseUint(s[4:], 10, 32)
	return uint32(f), uint32(c), f <= 255 && c <= 65535
}

// colonPairs removes the colons from "04:A8:D8:62".
func colonPairs(s string) (string, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 4 {
		return "", false
	}
	for _, p := range parts {
		if len(p) != 2 || !isHex(p[0]) || !isHex(p[1]) {
			return "", false
		}
	}
	return strings.Join(parts, ""), true
}

func (t text) hexBytes(lengths ...int) ([]byte, error) {
	for i, c := range t {
		if c.r > 0x7F || !isHex(byte(c.r)) {
			return nil, t.errAt(i, "not a hex digit")
		}
	}
	if !slices.Contains(lengths, len(t)/2) || len(t)%2 != 0 {
		return nil, t.errAt(len(t), "wrong number of hex digits")
	}
	return hex.DecodeString(t.String())
}

// number reads the characters [from,to) as a decimal number up to limit.
func (t text) number(from, to int, limit uint64) (uint32, error) {
	for i := from; i < to; i++ {
		if t[i].r < '0' || t[i].r > '9' {
			return 0, t.errAt(i, "not a digit")
		}
	}
	n, err := strconv.ParseUint(t[from:to].String(), 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && n > limit {
		return 0, t.errAt(from, fmt.Sprintf("number above %d", limit))
	}
	if err != nil {
		return 0, t.errAt(from, "a number is missing")
	}
	return uint32(n), nil
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'F'
}
