package mfrc522test

import "slices"

// Card is one ISO 14443-A card. Set its fields before it is placed.
type Card struct {
	// UID has 4, 7 or 10 bytes.
	UID []byte
	// Memory is what READ (0x30) serves, in pages of 4 bytes; a card without
	// it refuses READ.
	Memory []byte
	// WrongBCC makes the check byte of this cascade level, 1 to 3, wrong.
	WrongBCC int
	// WrongCRC makes every CRC that the card sends wrong.
	WrongCRC bool
	// LeavesAfter makes the card leave the field once it has heard so many
	// frames; 0 means that it stays.
	LeavesAfter int

	heard  int
	state  state
	level  int  // while ready
	halted bool // came from HALT, and goes back to it
}

// state is that of ISO/IEC 14443-3 §6.3, with the level of READY kept apart.
type state int

const (
	idle state = iota
	ready
	active
	halt
)

// reply is a frame from a card; lastBits is 0 if the last byte is whole.
type reply struct {
	data     []byte
	lastBits byte
}

func (k *Card) stays() bool { return k.LeavesAfter == 0 || k.heard < k.LeavesAfter }

// hear is nil if the card keeps silent.
func (k *Card) hear(frame []byte, lastBits byte) *reply {
	k.heard++
	if lastBits == 7 && len(frame) == 1 {
		return k.wake(frame[0])
	}
	if lastBits != 0 {
		return k.rest()
	}
	switch k.state {
	case ready:
		return k.cascade(frame)
	case active:
		return k.serve(frame)
	}
	return nil
}

// wake answers REQA and WUPA from rest; elsewhere they are errors.
func (k *Card) wake(short byte) *reply {
	switch {
	case k.state == idle && (short == 0x26 || short == 0x52):
		k.halted = false
	case k.state == halt && short == 0x52:
		k.halted = true
	case k.state == halt:
		return nil
	default:
		return k.rest()
	}
	k.state, k.level = ready, 0
	return &reply{data: []byte{[]byte{0x04, 0x44, 0x84}[k.last()], 0x00}}
}

// rest is what a card does about a frame that it does not expect.
func (k *Card) rest() *reply {
	k.state = idle
	if k.halted {
		k.state = halt
	}
	return nil
}

func (k *Card) cascade(frame []byte) *reply {
	if len(frame) < 2 || frame[0] != []byte{0x93, 0x95, 0x97}[k.level] {
		return k.rest()
	}
	part := k.part()
	switch {
	case frame[1] == 0x20 && len(frame) == 2:
		return &reply{data: part}
	case frame[1] == 0x70 && len(frame) == 9 && intact(frame) && slices.Equal(frame[2:7], part):
		return k.selected()
	}
	return k.rest()
}

func (k *Card) last() int { return (len(k.UID) - 4) / 3 }

// part is what the card sends at its level: four bytes and their XOR.
func (k *Card) part() []byte {
	rest := k.UID[3*k.level:]
	part := slices.Clone(rest[:min(4, len(rest))])
	if k.level < k.last() {
		part = append([]byte{0x88}, rest[:3]...)
	}
	bcc := part[0] ^ part[1] ^ part[2] ^ part[3]
	if k.WrongBCC == k.level+1 {
		bcc ^= 0x2A
	}
	return append(part, bcc)
}

func (k *Card) selected() *reply {
	if k.level < k.last() {
		k.level++
		return k.sealed(0x04)
	}
	k.state = active
	return k.sealed(0x00)
}

// serve answers HLTA with silence and READ with four pages, which wrap.
func (k *Card) serve(frame []byte) *reply {
	switch {
	case !intact(frame):
		return k.rest()
	case len(frame) == 4 && frame[0] == 0x50 && frame[1] == 0x00:
		k.state, k.halted = halt, true
		return nil
	case len(frame) == 4 && frame[0] == 0x30 && 4*int(frame[1]) < len(k.Memory):
		twice := append(slices.Clone(k.Memory[4*int(frame[1]):]), k.Memory...)
		return k.sealed(twice[:16]...)
	}
	k.rest()
	return &reply{data: []byte{0x00}, lastBits: 4}
}

func (k *Card) sealed(data ...byte) *reply {
	crc := crcA(data)
	if k.WrongCRC {
		crc ^= 1
	}
	return &reply{data: append(slices.Clone(data), byte(crc), byte(crc>>8))}
}

func intact(frame []byte) bool {
	n := len(frame) - 2
	if n < 1 {
		return false
	}
	crc := crcA(frame[:n])
	return frame[n] == byte(crc) && frame[n+1] == byte(crc>>8)
}

// crcA is CRC_A bit by bit, apart from the driver's, so that both can be
// wrong only in different ways.
func crcA(data []byte) uint16 {
	crc := uint16(0x6363)
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8408
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
