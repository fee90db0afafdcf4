package tag

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds in characters: a text may hold the longest label and its form.
const (
	maxLabel = 64
	maxText  = maxLabel + 32
)

const tooLong = "longer than 64 characters"

// SyntaxError says what in a text is no tag number, without quoting it: the
// text may be a badge number.
type SyntaxError struct {
	// Offset is the byte at which the text as given goes wrong.
	Offset int
	// Reason is a short English phrase.
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("tag: %s at offset %d", e.Reason, e.Offset)
}

// char is one folded character and the bytes it took in the text as given.
type char struct {
	r           rune
	offset, end int
}

// text is folded input: trimmed, upper-case, full-width forms as ASCII, one
// space where there were several. It remembers offsets for errors.
type text []char

func fold(given string) (text, error) {
	var t text
	for i, r := range given {
		if r == utf8.RuneError && !strings.HasPrefix(given[i:], "\uFFFD") {
			return nil, &SyntaxError{Offset: i, Reason: "not UTF-8"}
		}
		end := i + utf8.RuneLen(r)
		r = foldRune(r)
		if r == ' ' && (len(t) == 0 || t[len(t)-1].r == ' ') {
			continue
		}
		if len(t) >= maxText && r != ' ' {
			return nil, &SyntaxError{Offset: i, Reason: tooLong}
		}
		t = append(t, char{r, i, end})
	}
	if n := len(t); n > 0 && t[n-1].r == ' ' {
		t = t[:n-1]
	}
	if len(t) == 0 {
		return nil, &SyntaxError{Reason: "nothing but spaces"}
	}
	return t, nil
}

// foldRune makes one of what a Chinese input method and a Latin keyboard
// type: U+FF01–FF5E mirror ASCII, U+3000 is the wide space.
func foldRune(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		r -= 0xFEE0
	case r == 0x3000 || r == '\t':
		r = ' '
	}
	return unicode.ToUpper(r)
}

// newLabel checks what a label may hold: letters of any script, ASCII
// digits, and the marks that label printers put between them.
func newLabel(t text) (UID, error) {
	t = t.trimmed()
	for i, c := range t {
		if i == maxLabel {
			return UID{}, t.errAt(i, tooLong)
		}
		digit := c.r >= '0' && c.r <= '9'
		if !digit && !unicode.IsLetter(c.r) && !strings.ContainsRune("-_./ ", c.r) {
			return UID{}, t.errAt(i, "a character that no label holds")
		}
	}
	if len(t) == 0 {
		return UID{}, &SyntaxError{Reason: "an empty label"}
	}
	return UID{Tech: Label, Value: t.String()}, nil
}

func (t text) String() string {
	var b strings.Builder
	for _, c := range t {
		b.WriteRune(c.r)
	}
	return b.String()
}

// index finds the first r, or gives -1.
func (t text) index(r rune) int {
	return slices.IndexFunc(t, func(c char) bool { return c.r == r })
}

func (t text) trimmed() text {
	if len(t) > 0 && t[0].r == ' ' {
		t = t[1:]
	}
	return t
}

func (t text) errAt(i int, reason string) error {
	switch {
	case i < len(t):
		return &SyntaxError{Offset: t[i].offset, Reason: reason}
	case len(t) > 0:
		return &SyntaxError{Offset: t[len(t)-1].end, Reason: reason}
	}
	return &SyntaxError{Reason: reason}
}
