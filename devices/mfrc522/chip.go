package mfrc522

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/mfrc522/commands"
)

// busSpeed is below the chip's 10 MHz, for the jumper wires of a counter.
const busSpeed = 4 * physic.MegaHertz

// fifoSize bounds a frame in either direction (MFRC522 data sheet §8.3).
const fifoSize = 64

// Register bits, MFRC522 data sheet §9.3.
const (
	irqAll       = 0x7F
	irqRx        = 0x20
	irqIdle      = 0x10
	irqTimer     = 0x01
	errOverflow  = 0x10
	errCollision = 0x08
	errParity    = 0x02
	errProtocol  = 0x01
	flushFIFO    = 0x80
	startSend    = 0x80
	powerDown    = 0x10
	antenna      = 0x03
	lastBitsMask = 0x07
)

// prescaler makes timer ticks of 25 µs: 13.56 MHz / (2·169+1) = 40 kHz.
const prescaler = 169

// How long a card may take, in the timer's ticks.
const (
	activation = 80   // 2 ms; a card answers within 0.1 ms
	command    = 1000 // 25 ms; the slowest is a write into its memory
)

// chip is the register level: one frame out, one answer in. Its errors are
// cardErrors when a card is to blame, and anything else when the chip or the
// bus is.
type chip struct {
	conn    spi.Conn
	version byte
}

// cardError is trouble with a card, not with the reader.
type cardError string

func (e cardError) Error() string { return "mfrc522: " + string(e) }

const (
	noAnswer  cardError = "the card does not answer"
	collision cardError = "several cards answer at once"
	garbled   cardError = "the card's answer is garbled"
)

// start resets the chip, checks that it is one, and sets it up for
// ISO/IEC 14443-A at 106 kbit/s with the antenna on.
func start(port spi.Port, reset gpio.PinOut) (*chip, error) {
	conn, err := port.Connect(busSpeed, spi.Mode0, 8)
	if err != nil {
		return nil, fmt.Errorf("connect to SPI: %w", err)
	}
	c := &chip{conn: conn}
	if err := pulse(reset); err != nil {
		return nil, err
	}
	if err := c.reset(); err != nil {
		return nil, err
	}
	for _, s := range []struct{ register, value byte }{
		{commands.TModeReg, 0x80}, // the timer starts by itself after sending
		{commands.TPrescalerReg, prescaler},
		{commands.TxAutoReg, 0x40}, // 100 % ASK
		{commands.ModeReg, 0x3D},   // CRC_A preset, wait for the field
		{commands.CollReg, 0x00},   // bits after a collision read as 0
	} {
		if err := c.write(s.register, s.value); err != nil {
			return nil, err
		}
	}
	held, err := c.read(commands.TPrescalerReg)
	if err != nil {
		return nil, err
	}
	if held != prescaler {
		return nil, fmt.Errorf("the MFRC522 answers (version 0x%02X) but does not hold what is written: "+
			"shorten the wires or check its supply of 3.3 V", c.version)
	}
	tx, err := c.read(commands.TxControlReg)
	if err != nil {
		return nil, err
	}
	return c, c.write(commands.TxControlReg, tx|antenna)
}

// pulse drives the reset pin low for longer than the 100 ns it needs.
func pulse(reset gpio.PinOut) error {
	if reset == nil {
		return nil
	}
	for _, level := range []gpio.Level{gpio.Low, gpio.High} {
		if err := reset.Out(level); err != nil {
			return fmt.Errorf("drive the reset pin: %w", err)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// reset waits until the oscillator runs, and reads the version: nothing on
// the bus reads as all zeros or all ones.
func (c *chip) reset() error {
	var err error
	if c.version, err = c.read(commands.VersionReg); err != nil {
		return err
	}
	if c.version == 0x00 || c.version == 0xFF {
		return fmt.Errorf("no answer from an MFRC522 on SPI: version register reads 0x%02X; "+
			"check that SPI is enabled, SDA is on CE0, MISO and MOSI are not swapped, and 3.3 V is there", c.version)
	}
	if err := c.write(commands.CommandReg, commands.PCD_RESETPHASE); err != nil {
		return err
	}
	for range 20 {
		time.Sleep(5 * time.Millisecond)
		if v, err := c.read(commands.CommandReg); err != nil {
			return err
		} else if v&powerDown == 0 {
			return nil
		}
	}
	return errors.New("the MFRC522 does not come out of reset")
}

// alive notices a chip that was unplugged, or that lost its settings in a
// dip of its supply.
func (c *chip) alive() error {
	version, err := c.read(commands.VersionReg)
	if err != nil {
		return err
	}
	tx, err := c.read(commands.TxControlReg)
	if err != nil {
		return err
	}
	if version != c.version {
		return fmt.Errorf("the MFRC522 is gone: version register reads 0x%02X, was 0x%02X", version, c.version)
	}
	if tx&antenna != antenna {
		return errors.New("the MFRC522 has lost its settings: check its supply of 3.3 V")
	}
	return nil
}

// stop switches the field off.
func (c *chip) stop() error {
	tx, err := c.read(commands.TxControlReg)
	if err != nil {
		return err
	}
	return c.write(commands.TxControlReg, tx&^antenna)
}

// answer is a frame from a card; lastBits is 0 if the last byte is whole.
type answer struct {
	data     []byte
	lastBits byte
}

// exchange sends a frame, of whose last byte only lastBits bits if not 0, and
// waits for the answer.
func (c *chip) exchange(frame []byte, lastBits byte, ticks uint16) (answer, error) {
	if len(frame) > fifoSize {
		return answer{}, fmt.Errorf("a frame of %d bytes does not fit the chip's %d", len(frame), fifoSize)
	}
	for _, s := range []struct {
		register byte
		values   []byte
	}{
		{commands.CommandReg, []byte{commands.PCD_IDLE}},
		{commands.TReloadRegH, []byte{byte(ticks >> 8)}},
		{commands.TReloadRegL, []byte{byte(ticks)}},
		{commands.CommIrqReg, []byte{irqAll}},
		{commands.FIFOLevelReg, []byte{flushFIFO}},
		{commands.FIFODataReg, frame},
		{commands.CommandReg, []byte{commands.PCD_TRANSCEIVE}},
		{commands.BitFramingReg, []byte{startSend | lastBits}},
	} {
		if err := c.write(s.register, s.values...); err != nil {
			return answer{}, err
		}
	}
	if err := c.wait(); err != nil {
		return answer{}, err
	}
	return c.receive()
}

// wait polls until an answer is there or the chip's own timer has run out.
func (c *chip) wait() error {
	for range 200 {
		irq, err := c.read(commands.CommIrqReg)
		switch {
		case err != nil:
			return err
		case irq&(irqRx|irqIdle) != 0:
			return nil
		case irq&irqTimer != 0:
			return noAnswer
		}
		time.Sleep(250 * time.Microsecond)
	}
	return errors.New("the MFRC522 does not finish sending")
}

func (c *chip) receive() (answer, error) {
	trouble, err := c.read(commands.ErrorReg)
	switch {
	case err != nil:
		return answer{}, err
	case trouble&errCollision != 0:
		return answer{}, collision
	case trouble&(errOverflow|errParity|errProtocol) != 0:
		return answer{}, garbled
	}
	n, err := c.read(commands.FIFOLevelReg)
	if err != nil {
		return answer{}, err
	}
	if n == 0 || n > fifoSize {
		return answer{}, garbled
	}
	data, err := c.readFIFO(int(n))
	if err != nil {
		return answer{}, err
	}
	control, err := c.read(commands.ControlReg)
	return answer{data, control & lastBitsMask}, err
}

// write sends values to one register, one after the other (§8.1.2.2).
func (c *chip) write(register byte, values ...byte) error {
	if err := c.conn.Tx(append([]byte{register << 1}, values...), nil); err != nil {
		return fmt.Errorf("write to SPI: %w", err)
	}
	return nil
}

func (c *chip) read(register byte) (byte, error) {
	in := make([]byte, 2)
	if err := c.conn.Tx([]byte{register<<1 | 0x80, 0}, in); err != nil {
		return 0, fmt.Errorf("read from SPI: %w", err)
	}
	return in[1], nil
}

// readFIFO repeats the address for each byte and ends with a zero (§8.1.2.1).
func (c *chip) readFIFO(n int) ([]byte, error) {
	out, in := make([]byte, n+1), make([]byte, n+1)
	for i := range n {
		out[i] = commands.FIFODataReg<<1 | 0x80
	}
	if err := c.conn.Tx(out, in); err != nil {
		return nil, fmt.Errorf("read from SPI: %w", err)
	}
	return in[1:], nil
}
