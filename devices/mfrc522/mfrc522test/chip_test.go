package mfrc522test_test

import (
	"testing"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/mfrc522/commands"

	"tapshelf/devices/mfrc522/mfrc522test"
)

// complaints counts what the model would fail a test for.
type complaints struct {
	testing.TB
	n int
}

func (c *complaints) Error(...any)          { c.n++ }
func (c *complaints) Errorf(string, ...any) { c.n++ }

func TestTheModelRefusesWhatItDoesNotKnow(t *testing.T) {
	write := func(register byte, values ...byte) []byte { return append([]byte{register << 1}, values...) }
	for _, c := range []struct {
		name      string
		transfers [][]byte
		want      int
	}{
		{"a register that it models", [][]byte{write(commands.TPrescalerReg, 169)}, 0},
		{"a register that it does not model", [][]byte{write(commands.DemodReg, 1)}, 1},
		{"a reserved register", [][]byte{write(0x1A, 1)}, 1},
		{"a read-only register", [][]byte{write(commands.VersionReg, 1)}, 1},
		{"a command that it does not model", [][]byte{write(commands.CommandReg, commands.PCD_AUTHENT)}, 1},
		{"more than the FIFO holds", [][]byte{write(commands.FIFODataReg, make([]byte, 65)...)}, 1},
		{"a frame without timer, ASK, or cleared interrupts", [][]byte{
			write(commands.FIFODataReg, 0x52),
			write(commands.CommandReg, commands.PCD_TRANSCEIVE),
			write(commands.BitFramingReg, 0x87)}, 4},
	} {
		spy := &complaints{TB: t}
		port, err := mfrc522test.New(spy).Open()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := port.Connect(physic.MegaHertz, spi.Mode0, 8)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range c.transfers {
			if err := conn.Tx(w, nil); err != nil {
				t.Fatal(err)
			}
		}
		if spy.n != c.want {
			t.Errorf("%s: %d complaints, want %d", c.name, spy.n, c.want)
		}
	}
}
