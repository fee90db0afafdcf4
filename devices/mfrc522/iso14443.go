package mfrc522

import (
	"tapshelf/devices/tag"
)

// Commands of ISO/IEC 14443-3 §6.4 and §6.5.
const (
	wupa       = 0x52 // wakes halted cards too; 7 bits
	nvbAll     = 0x20 // anticollision, nothing known yet
	nvbSelect  = 0x70 // select, all 40 bits follow
	cascadeTag = 0x88
	sakCascade = 0x04 // the UID goes on at the next level
	ackNibble  = 0x0A // Type 2 tags acknowledge with 4 bits
)

// selectCommand is SEL of the three cascade levels.
var selectCommand = [3]byte{0x93, 0x95, 0x97}

// activate wakes and selects the card in the field, which is then ready for
// commands, and tells its UID.
func (c *chip) activate() (tag.UID, error) {
	if err := c.wake(); err != nil {
		return tag.UID{}, err
	}
	var uid []byte
	for level, sel := range selectCommand {
		part, sak, err := c.cascade(sel)
		if err != nil {
			return tag.UID{}, err
		}
		more := sak&sakCascade != 0
		if more != (part[0] == cascadeTag) || more && level == len(selectCommand)-1 {
			return tag.UID{}, garbled
		}
		if !more {
			return tag.NewISO14443A(append(uid, part...))
		}
		uid = append(uid, part[1:]...)
	}
	return tag.UID{}, garbled
}

// wake asks twice: a card that was left in the middle of something answers
// the first with nothing but a return to rest. Several cards may answer at
// once here, and one of them alone afterwards.
func (c *chip) wake() (err error) {
	for range 2 {
		_, err = c.exchange([]byte{wupa}, 7, activation)
		if err == nil || err == collision {
			return nil
		}
		if err != noAnswer {
			return err
		}
	}
	return err
}

// cascade asks for the four bytes of one level and selects them.
func (c *chip) cascade(sel byte) (part []byte, sak byte, err error) {
	found, err := c.exchange([]byte{sel, nvbAll}, 0, activation)
	if err != nil {
		return nil, 0, err
	}
	b := found.data
	if len(b) != 5 || found.lastBits != 0 || b[0]^b[1]^b[2]^b[3] != b[4] {
		return nil, 0, garbled
	}
	chosen, err := c.exchange(withCRC(append([]byte{sel, nvbSelect}, b...)), 0, activation)
	if err != nil {
		return nil, 0, err
	}
	body, err := checkCRC(chosen)
	if err != nil || len(body) != 1 {
		return nil, 0, garbled
	}
	return b[:4], body[0], nil
}

// halt sends the card to rest until the next wake. Silence means that it
// heard (§6.4.3).
func (c *chip) halt() error {
	_, err := c.exchange(withCRC([]byte{0x50, 0x00}), 0, activation)
	if _, card := err.(cardError); card {
		return nil
	}
	return err
}

// card is a selected card for as long as Tagger.With lasts.
type card struct {
	chip *chip
	uid  tag.UID
	over bool
}

func (k *card) UID() tag.UID { return k.uid }

// Transceive implements devices.Card. An acknowledgement of 4 bits is
// returned as the one byte 0x0A; a refusal of 4 bits is an error.
func (k *card) Transceive(cmd []byte) ([]byte, error) {
	if k.over {
		return nil, cardError("the card was used after its time")
	}
	a, err := k.chip.exchange(withCRC(cmd), 0, command)
	if err != nil {
		return nil, err
	}
	if a.lastBits == 4 && len(a.data) == 1 {
		if a.data[0]&0x0F != ackNibble {
			return nil, cardError("the card refuses the command")
		}
		return []byte{ackNibble}, nil
	}
	return checkCRC(a)
}

func withCRC(b []byte) []byte {
	crc := crcA(b)
	return append(b[:len(b):len(b)], byte(crc), byte(crc>>8))
}

func checkCRC(a answer) ([]byte, error) {
	n := len(a.data) - 2
	if n < 1 || a.lastBits != 0 {
		return nil, garbled
	}
	if crc := crcA(a.data[:n]); a.data[n] != byte(crc) || a.data[n+1] != byte(crc>>8) {
		return nil, garbled
	}
	return a.data[:n], nil
}

// crcA is CRC_A of ISO/IEC 14443-3 annex B, sent low byte first.
func crcA(data []byte) uint16 {
	crc := uint16(0x6363)
	for _, b := range data {
		b ^= byte(crc)
		b ^= b << 4
		crc = crc>>8 ^ uint16(b)<<8 ^ uint16(b)<<3 ^ uint16(b)>>4
	}
	return crc
}
