package em4100

import "fmt"

const (
	stx = 0x02
	etx = 0x03
	// digits is five data bytes and their XOR, as ASCII hex.
	digits = 12
)

// FrameError says what made a frame unusable. The Decoder has already found
// its way to the next one.
type FrameError struct {
	// Offset counts the bytes fed to the Decoder before the offending one.
	Offset int64
	// Reason is a short English phrase. It holds no card number.
	Reason string
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("em4100: %s at offset %d", e.Reason, e.Offset)
}

// Decoder reads the frames of RDM6300 (STX, 12 hex digits, ETX) and
// ID-12LA/ID-20LA (the same with CR LF before ETX) from a stream of bytes.
// It skips what stands between frames and takes hex digits in either case.
// The zero value is ready.
type Decoder struct {
	offset int64
	inside bool
	n      int // digits read
	nibble [digits]byte
}

// Feed takes the next byte. complete is true when it ends a good frame, whose
// five data bytes are then in card, customer id first. The error is a
// *FrameError.
func (d *Decoder) Feed(b byte) (card [5]byte, complete bool, err error) {
	at := d.offset
	d.offset++
	switch {
	case b == stx:
		cut := d.inside
		d.inside, d.n = true, 0
		if cut {
			err = &FrameError{at, "a frame begins inside a frame"}
		}
		return card, false, err
	case !d.inside, b == '\r', b == '\n':
		return card, false, nil
	case b == etx:
		d.inside = false
		return d.finish(at)
	}
	v, ok := hexDigit(b)
	switch {
	case !ok:
		d.inside = false
		return card, false, &FrameError{at, "not a hex digit"}
	case d.n == digits:
		d.inside = false
		return card, false, &FrameError{at, "more than 12 digits"}
	}
	d.nibble[d.n] = v
	d.n++
	return card, false, nil
}

func (d *Decoder) finish(at int64) (card [5]byte, complete bool, err error) {
	if d.n != digits {
		return card, false, &FrameError{at, "fewer than 12 digits"}
	}
	var sum byte
	for i := range card {
		card[i] = d.nibble[2*i]<<4 | d.nibble[2*i+1]
		sum ^= card[i]
	}
	if sum != d.nibble[10]<<4|d.nibble[11] {
		return [5]byte{}, false, &FrameError{at, "wrong checksum"}
	}
	return card, true, nil
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10, true
	}
	return 0, false
}

// AppendFrame appends the 14 bytes that an RDM6300 sends of a fob: for fakes.
func AppendFrame(dst []byte, card [5]byte) []byte {
	sum := card[0] ^ card[1] ^ card[2] ^ card[3] ^ card[4]
	return fmt.Appendf(dst, "\x02%X%02X\x03", card[:], sum)
}
