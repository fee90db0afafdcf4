package tag_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tapshelf/devices/tag"
)

func TestWhatStaffTypeMeans(t *testing.T) {
	em := "em4100:6F007B3972 | dec10:0008075634 | wiegand26:123,14706 short"
	ntag := "iso14443a:04A8D862BC2B80 | iso14443a-reversed:802BBC62D8A804"
	for _, c := range []struct{ name, text, want string }{
		{"the number on the fob", "0008075634", "dec10:0008075634 | wiegand26:123,14706 short | label:0008075634"},
		{"both numbers on the fob", "0008075634 123,14706", "dec10:0008075634 | wiegand26:123,14706 short"},
		{"facility and card with a comma", "123,14706", "wiegand26:123,14706 short"},
		{"without leading zeros", "1,1", "wiegand26:001,00001 short"},
		{"facility and card with a space", "123 14706", "wiegand26:123,14706 short"},
		{"out of range with a space it is a label", "999 14706", "label:999 14706"},
		{"what the reader sends, with checksum", "6f007b39725f", em},
		{"another last pair makes it a label", "6f007b397260", "label:6F007B397260"},
		{"ten hex digits", "6F007B3972", em},
		{"ten digits too large for a print are hex", "6700753972", "em4100:6700753972 | dec10:0007682418 | wiegand26:117,14706 short | label:6700753972"},
		{"a seven-byte card", "04a8d862bc2b80", ntag},
		{"with colons", "04:A8:d8:62:BC:2B:80", ntag},
		{"a ten-byte card", "04517C88ED2580112233", "iso14443a:04517C88ED2580112233 | iso14443a-reversed:3322118025ED887C5104"},
		{"a four-byte card", "DEADBEEF", "iso14443a:DEADBEEF | dec10:3735928559 | iso14443a-reversed:EFBEADDE"},
		{"a barcode of fourteen digits", "23456000123456", "iso14443a:23456000123456 | iso14443a-reversed:56341200604523 | label:23456000123456"},
		{"a label", "lap-001", "label:LAP-001"},
		{"a full-width label", "ＬＡＰ－００１", "label:LAP-001"},
		{"a full-width number", "０００８０７５６３４", "dec10:0008075634 | wiegand26:123,14706 short | label:0008075634"},
		{"a Chinese label", "相機　 01", "label:相機 01"},
		{"a label that says so", "Label: 0008075634", "label:0008075634"},
		{"a print that says so", "dec10:8075634", "dec10:0008075634 | wiegand26:123,14706 short"},
		{"a fob that says so", "em4100:6F007B3972", em},
		{"a reversed card", "iso14443a-reversed:802BBC62D8A804", ntag},
		{"a short print that says so", "wiegand26:123,14706", "wiegand26:123,14706 short"},
	} {
		got, err := tag.Parse(c.text)
		if err != nil || texts(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, texts(got), err, c.want)
		}
	}
}

func TestWhatCannotBeATagSaysWhere(t *testing.T) {
	for _, c := range []struct {
		name, text string
		offset     int
		reason     string
	}{
		{"nothing", "", 0, "nothing but spaces"},
		{"spaces", " \u3000 ", 0, "nothing but spaces"},
		{"a mark", "LAP#1", 3, "a character that no label holds"},
		{"a mark after a wide character", "相#", 3, "a character that no label holds"},
		{"a control character", "LAP\x00", 3, "a character that no label holds"},
		{"broken UTF-8", "LAP\xff", 3, "not UTF-8"},
		{"too long", strings.Repeat("A", 65), 64, "longer than 64 characters"},
		{"an unknown form", "mifare:1234", 0, "unknown form before the colon"},
		{"no hex", "em4100:6F007B39ZZ", 15, "not a hex digit"},
		{"too few digits", "em4100:6F00", 11, "wrong number of hex digits"},
		{"wide hex digits too few", "iso14443a:０４", 16, "wrong number of hex digits"},
		{"an impossible facility", "256,1", 0, "number above 255"},
		{"an impossible card", "1,65536", 2, "number above 65535"},
		{"no card", "1,", 2, "a number is missing"},
		{"a letter in the card", "1,2x", 3, "not a digit"},
		{"a print that is too large", "dec10:4294967296", 6, "number above 4294967295"},
		{"a short print without comma", "wiegand26:12", 12, "no comma between facility and card number"},
		{"prints of two fobs", "0008075634 123,14707", 11, "the two printed numbers belong to different fobs"},
		{"an empty label", "label:", 0, "an empty label"},
	} {
		_, err := tag.Parse(c.text)
		var syntax *tag.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: got %v, want a SyntaxError", c.name, err)
			continue
		}
		if syntax.Offset != c.offset || syntax.Reason != c.reason {
			t.Errorf("%s: got %v, want %s at %d", c.name, err, c.reason, c.offset)
		}
	}
}

func TestARandomUIDIsNeverEnrolled(t *testing.T) {
	for _, text := range []string{"08A1B2C3", "08:a1:b2:c3", "iso14443a:08A1B2C3", "iso14443a-reversed:C3B2A108", "08123456"} {
		if _, err := tag.Parse(text); !errors.Is(err, tag.ErrRandomUID) {
			t.Errorf("%s: got %v, want ErrRandomUID", text, err)
		}
	}
}

func TestATappedFobIsFoundByWhateverWasRegistered(t *testing.T) {
	for _, registered := range []string{"0008075634", "123,14706", "123 14706", "6F007B39725F", "6F007B3972", "0008075634 123,14706"} {
		aliases, err := tag.Parse(registered)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(fob.Aliases(), func(a tag.Alias) bool { return slices.Contains(aliases, a) })
		if !found {
			t.Errorf("%s: the tapped fob is not recognised", registered)
		}
	}
}

type vector struct {
	Name    string
	Hex     string
	Valid   bool
	Decoded struct {
		Facility, Card uint32
		UID            string
	}
}

func vectors(t *testing.T, file string) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Vectors) == 0 {
		t.Fatalf("no vectors in %s", file)
	}
	return all.Vectors
}

func TestPublishedFobsAreReadWithTheirChecksum(t *testing.T) {
	for _, v := range vectors(t, "em4100_rdm6300.json") {
		raw, _ := hex.DecodeString(v.Hex)
		payload := strings.Trim(string(raw), "\x02\x03\r\n")
		aliases, err := tag.Parse(payload)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if got := aliases[0].Form == tag.FormEM4100; got != v.Valid {
			t.Errorf("%s: a fob: %v, want %v", v.Name, got, v.Valid)
		}
	}
}

func TestFacilityAndCardAgreeWithTheWiegandVectors(t *testing.T) {
	for _, v := range vectors(t, "wiegand26.json") {
		var bits uint32
		if _, err := fmt.Sscanf(v.Hex, "%X", &bits); err != nil {
			t.Fatal(err)
		}
		data := bits >> 1 & 0xFFFFFF // without the two parity bits
		u := tag.NewEM4100([5]byte{0, 0, byte(data >> 16), byte(data >> 8), byte(data)})
		want := fmt.Sprintf("%03d,%05d", v.Decoded.Facility, v.Decoded.Card)
		if got := u.Aliases()[2].Value; got != want {
			t.Errorf("%s: got %s, want %s", v.Name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0008075634 123,14706", "6F007B39725F", "04:A8:D8:62", "iso14443a-reversed:802BBC62D8A804",
		"ＬＡＰ－００１", "label:相機 01", "08123456", "123 14706", "ß-1", "\xff", "dec10:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		aliases, err := tag.Parse(text)
		if err != nil {
			var syntax *tag.SyntaxError
			if errors.As(err, &syntax) && (syntax.Offset < 0 || syntax.Offset > len(text)) {
				t.Errorf("%q: offset %d is outside", text, syntax.Offset)
			}
			return
		}
		if len(aliases) == 0 {
			t.Errorf("%q means nothing, without an error", text)
		}
		for _, a := range aliases {
			again, err := tag.Parse(a.Text())
			if err != nil || !slices.Contains(again, a) {
				t.Errorf("%q: %s does not read back: %v", text, a.Text(), err)
			}
		}
	})
}
