package mfrc522_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/mfrc522/commands"

	"tapshelf/devices"
	"tapshelf/devices/devicestest"
	"tapshelf/devices/mfrc522"
	"tapshelf/devices/mfrc522/mfrc522test"
	"tapshelf/devices/tag"
)

var (
	uid4   = []byte{0x12, 0x34, 0x56, 0x78}
	uid7   = []byte{0x04, 0x51, 0x7C, 0xE1, 0xED, 0x25, 0x80}
	uid10  = []byte{0x04, 0x51, 0x7C, 0x88, 0xED, 0x25, 0x80, 0x11, 0x22, 0x33}
	random = []byte{0x08, 0xA1, 0xB2, 0xC3}
)

func named(t *testing.T, uid []byte) tag.UID {
	t.Helper()
	u, err := tag.NewISO14443A(uid)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newReader(chip *mfrc522test.Chip) *mfrc522.Reader {
	return mfrc522.New(mfrc522.Config{Name: "pad", Open: chip.Open, Now: time.Now})
}

func TestReaderKeepsTheContract(t *testing.T) {
	for name, uid := range map[string][]byte{"4 bytes": uid4, "7 bytes": uid7, "10 bytes": uid10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			devicestest.Run(t, func(t *testing.T) devicestest.Harness {
				chip := mfrc522test.New(t)
				return devicestest.Harness{
					Reader: newReader(chip), Name: "pad", UID: named(t, uid),
					Present:       func() { chip.Place(&mfrc522test.Card{UID: uid}) },
					Remove:        func() { chip.Place() },
					RemoveHalfway: func() { chip.Place(&mfrc522test.Card{UID: uid, LeavesAfter: 2}) },
					Break:         func() { chip.Unplug(0xFF) },
					Repair:        chip.Repair,
				}
			})
		})
	}
}

// listen runs a reader until the test ends.
func listen(t *testing.T, r *mfrc522.Reader) (seen chan devices.Seen, done chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	seen, done = make(chan devices.Seen, 100), make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { done <- r.Run(ctx, seen) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return seen, done
}

func TestCardsInTheField(t *testing.T) {
	type card = mfrc522test.Card
	for _, c := range []struct {
		name  string
		cards []*card
		want  []byte // nil: nothing is reported
	}{
		{"a card of four bytes", []*card{{UID: uid4}}, uid4},
		{"a card of seven bytes", []*card{{UID: uid7}}, uid7},
		{"a card of ten bytes", []*card{{UID: uid10}}, uid10},
		{"a phone with a random number", []*card{{UID: random}}, random},
		{"nothing", nil, nil},
		{"a wrong check byte at the first level", []*card{{UID: uid4, WrongBCC: 1}}, nil},
		{"a wrong check byte at the second level", []*card{{UID: uid7, WrongBCC: 2}}, nil},
		{"a wrong check byte at the third level", []*card{{UID: uid10, WrongBCC: 3}}, nil},
		{"wrong checksums", []*card{{UID: uid7, WrongCRC: true}}, nil},
		{"two cards at once", []*card{{UID: uid4}, {UID: uid7}}, nil},
		{"two cards of one batch", []*card{{UID: uid7}, {UID: []byte{4, 0x51, 0x7C, 1, 2, 3, 4}}}, nil},
		{"a card that looks like a cascade that never comes", []*card{{UID: []byte{0x88, 1, 2, 3}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			chip := mfrc522test.New(t)
			chip.Place(c.cards...)
			seen, done := listen(t, newReader(chip))
			patience := 5 * time.Second
			if c.want == nil {
				patience = 350 * time.Millisecond
			}
			var got []tag.UID
			for quiet := time.After(patience); quiet != nil && len(got) < 3; {
				select {
				case s := <-seen:
					got = append(got, s.UID)
				case err := <-done:
					t.Fatalf("Run returned %v", err)
				case <-quiet:
					quiet = nil
				}
			}
			if c.want == nil {
				if len(got) != 0 {
					t.Errorf("saw %v, want nothing", got)
				}
				return
			}
			want := named(t, c.want)
			if len(got) < 3 || slices.ContainsFunc(got, func(u tag.UID) bool { return u != want }) {
				t.Errorf("saw %v, want %v repeatedly", got, want)
			}
			if got := want.Random(); got != (c.name == "a phone with a random number") {
				t.Errorf("random: %v", got)
			}
		})
	}
}

func TestACardMayLeaveAtAnyFrame(t *testing.T) {
	for frames := 1; frames <= 8; frames++ {
		chip := mfrc522test.New(t)
		chip.Place(&mfrc522test.Card{UID: uid10, LeavesAfter: frames})
		seen, done := listen(t, newReader(chip))
		time.Sleep(130 * time.Millisecond)
		chip.Place(&mfrc522test.Card{UID: uid4})
		for waiting := true; waiting; {
			select {
			case s := <-seen:
				waiting = s.UID != named(t, uid4)
			case err := <-done:
				t.Fatalf("after %d frames Run returned %v", frames, err)
			case <-time.After(5 * time.Second):
				t.Fatalf("after %d frames the next card is not seen", frames)
			}
		}
	}
}

// published gives the vectors of a file by name.
func published(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/iso14443a_type2.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []struct{ Name, Hex string } }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, v := range file.Vectors {
		byName[v.Name] = v.Hex
	}
	return byName
}

func TestACardIsSelectedThroughEveryLevelAndPutToRest(t *testing.T) {
	chip := mfrc522test.New(t)
	chip.Place(&mfrc522test.Card{UID: uid7})
	seen, _ := listen(t, newReader(chip))
	<-seen
	v := published(t)
	want := []string{"52", "9320", v["SELECT CL1 of cascade tag 88 04 51 7C"], "9520", "9570E1ED2580A9", v["HLTA"]}
	got := chip.Air()
	if len(got) < len(want) {
		t.Fatalf("sent %q", got)
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("frame %d: sent %s, want %s", i, got[i], w)
		}
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestASelectedTagAnswersCommands(t *testing.T) {
	dump, err := hex.DecodeString(published(t)["NTAG213 pages 0-3"])
	if err != nil {
		t.Fatal(err)
	}
	chip := mfrc522test.New(t)
	chip.Place(&mfrc522test.Card{UID: uid7, Memory: append(dump, 0x03, 0x00, 0xFE, 0x00)})
	r := newReader(chip)
	listen(t, r)
	var kept devices.Card
	err = r.With(bounded(t), named(t, uid7), func(c devices.Card) error {
		kept = c
		if c.UID() != named(t, uid7) {
			t.Errorf("the card is %v", c.UID())
		}
		for range 2 {
			got, err := c.Transceive([]byte{0x30, 0x00})
			if err != nil || !bytes.Equal(got, dump) {
				t.Errorf("READ 0: % X, %v; want % X", got, err, dump)
			}
		}
		if _, err := c.Transceive([]byte{0x30, 0xF0}); err == nil {
			t.Error("a refused READ gives no error")
		}
		if _, err := c.Transceive([]byte{0x30, 0x00}); err == nil {
			t.Error("a silent card gives no error")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Transceive([]byte{0x30, 0x00}); err == nil {
		t.Error("a card can be used after its time")
	}
}

func TestTalkingToATagThatIsNotThere(t *testing.T) {
	chip := mfrc522test.New(t)
	r := newReader(chip)
	never := func(devices.Card) error { t.Error("talked to the wrong card"); return nil }

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.With(ended, named(t, uid7), never); !errors.Is(err, context.Canceled) {
		t.Errorf("not running: got %v", err)
	}
	seen, _ := listen(t, r)
	if err := r.With(bounded(t), named(t, uid7), never); !errors.Is(err, devices.ErrTagGone) {
		t.Errorf("empty field: got %v", err)
	}
	chip.Place(&mfrc522test.Card{UID: uid4})
	if err := r.With(bounded(t), named(t, uid7), never); !errors.Is(err, devices.ErrTagGone) {
		t.Errorf("another card: got %v", err)
	}
	fault := errors.New("wrong block")
	if err := r.With(bounded(t), named(t, uid4), func(devices.Card) error { return fault }); err != fault {
		t.Errorf("got %v, want do's own error", err)
	}
	if err := r.With(bounded(t), named(t, uid4), func(devices.Card) error { panic("oops") }); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("a panic gives %v", err)
	}
	for len(seen) > 0 {
		<-seen
	}
	select {
	case <-seen:
	case <-time.After(5 * time.Second):
		t.Error("the card is not seen any more")
	}
}

func TestWhatIsWrongWithTheBoardIsSaid(t *testing.T) {
	vanished := errors.New("no such device")
	for _, c := range []struct {
		name   string
		damage func(*mfrc522test.Chip)
		want   string
	}{
		{"nothing on the bus, low", func(c *mfrc522test.Chip) { c.Unplug(0x00) }, "no answer from an MFRC522 on SPI: version register reads 0x00"},
		{"nothing on the bus, high", func(c *mfrc522test.Chip) { c.Unplug(0xFF) }, "no answer from an MFRC522 on SPI: version register reads 0xFF"},
		{"a bus that holds one value", func(c *mfrc522test.Chip) { c.Unplug(0x82) }, "does not hold what is written"},
		{"a bus that fails", func(c *mfrc522test.Chip) { c.Fail(vanished) }, "no such device"},
	} {
		chip := mfrc522test.New(t)
		c.damage(chip)
		err := newReader(chip).Run(bounded(t), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "mfrc522 pad: ") {
			t.Errorf("at the start, %s: got %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*mfrc522test.Chip)
		want   string
	}{
		{"unplugged, low", func(c *mfrc522test.Chip) { c.Unplug(0x00) }, "is gone: version register reads 0x00, was 0x92"},
		{"unplugged, high", func(c *mfrc522test.Chip) { c.Unplug(0xFF) }, "is gone: version register reads 0xFF, was 0x92"},
		{"a dip of the supply", (*mfrc522test.Chip).BrownOut, "has lost its settings"},
		{"a bus that fails", func(c *mfrc522test.Chip) { c.Fail(vanished) }, "no such device"},
	} {
		chip := mfrc522test.New(t)
		chip.Place(&mfrc522test.Card{UID: uid4})
		seen, done := listen(t, newReader(chip))
		<-seen
		c.damage(chip)
		if err := <-done; err == nil || !strings.Contains(err.Error(), c.want) {
			// Between two registers of one frame the chip may also just not finish.
			if err == nil || !strings.Contains(err.Error(), "does not finish") {
				t.Errorf("while running, %s: got %v, want %q", c.name, err, c.want)
			}
		}
	}
}

func TestAClonesVersionIsAccepted(t *testing.T) {
	chip := mfrc522test.New(t)
	chip.Set(commands.VersionReg, 0xB2)
	chip.Place(&mfrc522test.Card{UID: uid4})
	seen, _ := listen(t, newReader(chip))
	<-seen
}

func TestTheFieldIsOffAndTheResetPinHighAfterwards(t *testing.T) {
	chip, reset := mfrc522test.New(t), &gpiotest.Pin{N: "RST"}
	r := mfrc522.New(mfrc522.Config{Name: "pad", Open: chip.Open, Reset: reset, Now: time.Now})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := r.Run(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if chip.Antenna() {
		t.Error("the antenna is still on")
	}
	if reset.Read() != gpio.High {
		t.Error("the chip is held in reset")
	}
}

func TestABusThatCannotBeOpenedSaysWhy(t *testing.T) {
	r := mfrc522.New(mfrc522.Config{Name: "pad", Now: time.Now,
		Open: func() (spi.PortCloser, error) { return nil, os.ErrPermission }})
	if err := r.Run(t.Context(), nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}
