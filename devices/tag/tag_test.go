package tag_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tapshelf/devices/tag"
)

var fob = tag.NewEM4100([5]byte{0x6F, 0x00, 0x7B, 0x39, 0x72})

func iso(t *testing.T, b ...byte) tag.UID {
	t.Helper()
	u, err := tag.NewISO14443A(b)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func texts(aliases []tag.Alias) string {
	var all []string
	for _, a := range aliases {
		s := a.Text()
		if a.Short {
			s += " short"
		}
		all = append(all, s)
	}
	return strings.Join(all, " | ")
}

func TestEverySpellingOfATag(t *testing.T) {
	label, err := tag.NewLabel("  ｌａｐ－００１ ")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		uid  tag.UID
		want string
	}{
		"a 125 kHz fob":       {fob, "em4100:6F007B3972 | dec10:0008075634 | wiegand26:123,14706 short"},
		"a seven-byte card":   {iso(t, 0x04, 0xA8, 0xD8, 0x62, 0xBC, 0x2B, 0x80), "iso14443a:04A8D862BC2B80 | iso14443a-reversed:802BBC62D8A804"},
		"a four-byte card":    {iso(t, 0x12, 0x34, 0x56, 0x78), "iso14443a:12345678 | dec10:0305419896 | iso14443a-reversed:78563412"},
		"a full-width label":  {label, "label:LAP-001"},
		"nothing at all":      {tag.UID{}, ""},
		"a fob made by hand":  {tag.UID{Tech: tag.EM4100, Value: "no hex"}, ""},
		"a card made by hand": {tag.UID{Tech: tag.ISO14443A, Value: "no hex"}, ""},
	} {
		if got := texts(c.uid.Aliases()); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyFourByteUIDsStartingWith08AreRandom(t *testing.T) {
	for _, c := range []struct {
		uid  tag.UID
		want bool
	}{
		{iso(t, 0x08, 1, 2, 3), true},
		{iso(t, 0x09, 1, 2, 3), false},
		{iso(t, 0x08, 1, 2, 3, 4, 5, 6), false},
		{tag.NewEM4100([5]byte{0x08}), false},
		{tag.UID{Tech: tag.Label, Value: "08000000"}, false},
	} {
		if got := c.uid.Random(); got != c.want {
			t.Errorf("%v: got %v, want %v", c.uid, got, c.want)
		}
	}
}

func TestAnHFCardHasFourSevenOrTenBytes(t *testing.T) {
	for n := range 12 {
		_, err := tag.NewISO14443A(make([]byte, n))
		want := n == 4 || n == 7 || n == 10
		if got := err == nil; got != want {
			t.Errorf("%d bytes: accepted %v, want %v", n, got, want)
		}
	}
}

func TestNoWayOfPrintingShowsANumber(t *testing.T) {
	alias := fob.Aliases()[1]
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "uid", fob, "alias", alias)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "uid", fob, "alias", alias)
	short, err := tag.NewLabel("B7")
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %s %v %#v %v\n", fob, fob, fob, fob, alias, alias, short) + log.String()
	for _, secret := range []string{"6F007B", "0008075", "B7"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q shows in %s", secret, out)
		}
	}
	if got, want := fob.String(), "em4100 …72"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fob.Tail(), "72"; got != want {
		t.Errorf("tail: got %s, want %s", got, want)
	}
}
