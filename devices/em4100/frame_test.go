package em4100_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"tapshelf/devices/em4100"
)

var fob = [5]byte{0x6F, 0x00, 0x7B, 0x39, 0x72}

const (
	rdm6300 = "\x026F007B39725F\x03"
	id12la  = "\x026F007B39725F\r\n\x03"
)

// decode feeds a whole stream.
func decode(d *em4100.Decoder, stream []byte) (cards [][5]byte, errs []error) {
	for _, b := range stream {
		card, complete, err := d.Feed(b)
		if complete {
			cards = append(cards, card)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return cards, errs
}

func TestPublishedFrames(t *testing.T) {
	raw, err := os.ReadFile("testdata/em4100_rdm6300.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name, Hex string
			Valid     bool
			Decoded   struct {
				CardNumber uint32 `json:"card_number"`
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		frame, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		cards, errs := decode(new(em4100.Decoder), frame)
		if got := len(cards) == 1 && len(errs) == 0; got != v.Valid {
			t.Errorf("%s: read %v, errors %v, want valid %v", v.Name, len(cards), errs, v.Valid)
			continue
		}
		if v.Valid {
			c := cards[0]
			if got := uint32(c[1])<<24 | uint32(c[2])<<16 | uint32(c[3])<<8 | uint32(c[4]); got != v.Decoded.CardNumber {
				t.Errorf("%s: got %d, want %d", v.Name, got, v.Decoded.CardNumber)
			}
		}
	}
}

func TestStreams(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		cards        int
		reason       string // of the only error
		offset       int64
	}{
		{"an RDM6300", rdm6300, 1, "", 0},
		{"an ID-12LA", id12la, 1, "", 0},
		{"lower-case digits", "\x026f007b39725f\x03", 1, "", 0},
		{"the same frame again and again", rdm6300 + rdm6300 + rdm6300, 3, "", 0},
		{"garbage between frames", "xx\x03\xff" + rdm6300 + "6F00" + id12la, 2, "", 0},
		{"a wrong checksum, then a good frame", "\x026F007B397260\x03" + rdm6300, 1, "wrong checksum", 13},
		{"a frame cut short by the next", "\x026F007B" + rdm6300, 1, "a frame begins inside a frame", 7},
		{"too few digits", "\x026F007B3972\x03" + rdm6300, 1, "fewer than 12 digits", 11},
		{"too many digits", "\x026F007B39725F0\x03" + rdm6300, 1, "more than 12 digits", 13},
		{"a byte lost to noise", "\x026F0\xff7B39725F\x03" + rdm6300, 1, "not a hex digit", 4},
		{"an empty frame", "\x02\x03", 0, "fewer than 12 digits", 1},
		{"nothing", "", 0, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cards, errs := decode(new(em4100.Decoder), []byte(c.stream))
			if len(cards) != c.cards {
				t.Errorf("got %d cards, want %d", len(cards), c.cards)
			}
			for _, card := range cards {
				if card != fob {
					t.Errorf("got % X", card)
				}
			}
			if c.reason == "" {
				if len(errs) != 0 {
					t.Errorf("errors %v", errs)
				}
				return
			}
			var fe *em4100.FrameError
			if len(errs) != 1 || !errors.As(errs[0], &fe) || fe.Reason != c.reason || fe.Offset != c.offset {
				t.Errorf("got %v, want only %q at %d", errs, c.reason, c.offset)
			}
		})
	}
}

func TestAppendFrameMakesWhatTheModuleSends(t *testing.T) {
	if got := string(em4100.AppendFrame(nil, fob)); got != rdm6300 {
		t.Errorf("got %q, want %q", got, rdm6300)
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	var d em4100.Decoder
	stream := []byte(id12la)
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range stream {
			d.Feed(b)
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// FuzzDecoder feeds noise: whatever came before, a good frame is read, and
// what is read is what its digits say.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{rdm6300, id12la, "\x02", "\x026F007B", "\x026F007B39725F", "\x03\x02\x02\xff\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, noise []byte) {
		var d em4100.Decoder
		cards, errs := decode(&d, noise)
		plain := bytes.ToUpper(noise)
		for _, ignored := range []string{"\r", "\n"} {
			plain = bytes.ReplaceAll(plain, []byte(ignored), nil)
		}
		for _, card := range cards {
			digits := em4100.AppendFrame(nil, card)[1:13]
			if !bytes.Contains(plain, digits) {
				t.Errorf("% X is not in the stream", card)
			}
		}
		for _, err := range errs {
			var fe *em4100.FrameError
			if !errors.As(err, &fe) || fe.Offset < 0 || fe.Offset >= int64(len(noise)) {
				t.Errorf("%v is outside of %d bytes", err, len(noise))
			}
		}
		cards, _ = decode(&d, []byte(rdm6300))
		if len(cards) != 1 || cards[0] != fob {
			t.Errorf("a good frame after the noise gave %d cards", len(cards))
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	var d em4100.Decoder
	stream := []byte(rdm6300)
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		for _, c := range stream {
			d.Feed(c)
		}
	}
}
