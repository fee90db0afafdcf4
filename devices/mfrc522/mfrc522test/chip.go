// Package mfrc522test is a model of an RC522 board: an MFRC522 on SPI, down to
// its registers, with cards that follow the states of ISO/IEC 14443-3.
//
// It is stricter than silicon: a register or command that it does not model,
// or a setting without which a real card would stay silent, fails the test.
package mfrc522test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/mfrc522/commands"
)

// Chip is the board. Its methods may be called from any goroutine.
type Chip struct {
	t testing.TB

	mu    sync.Mutex // guards what follows
	reg   map[byte]byte
	fifo  []byte
	cards []*Card
	air   []string
	stuck *byte // what the bus reads while the chip is unplugged
	fault error
	open  bool
}

// afterReset are the registers that are modelled, with their values after a
// reset (MFRC522 data sheet §9.2).
var afterReset = map[byte]byte{
	commands.CommandReg: 0x20, commands.CommIrqReg: 0x14, commands.ErrorReg: 0x00,
	commands.FIFODataReg: 0x00, commands.FIFOLevelReg: 0x00, commands.ControlReg: 0x10,
	commands.BitFramingReg: 0x00, commands.CollReg: 0x80, commands.ModeReg: 0x3F,
	commands.TxControlReg: 0x80, commands.TxAutoReg: 0x00, commands.TModeReg: 0x00,
	commands.TPrescalerReg: 0x00, commands.TReloadRegH: 0x00, commands.TReloadRegL: 0x00,
	commands.VersionReg: 0x92,
}

// New makes a board with nothing in its field.
func New(t testing.TB) *Chip {
	c := &Chip{t: t}
	c.reset()
	return c
}

// Open is for mfrc522.Config.Open. The bus has one user at a time.
func (c *Chip) Open() (spi.PortCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open {
		c.t.Error("SPI is opened twice")
	}
	c.open = true
	return &port{chip: c}, nil
}

// Place puts exactly these cards into the field; none empties it.
func (c *Chip) Place(cards ...*Card) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cards = cards
	c.powerCards()
}

// Unplug makes every read give value: 0x00 or 0xFF, as a floating MISO does.
func (c *Chip) Unplug(value byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck = &value
}

// Fail makes every transfer return err, as a vanished spidev does.
func (c *Chip) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = err
}

// Repair undoes Unplug and Fail; the chip has been without power.
func (c *Chip) Repair() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck, c.fault = nil, nil
	c.reset()
}

// BrownOut resets the chip behind the driver's back.
func (c *Chip) BrownOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
}

// Set changes a register, such as VersionReg for a clone.
func (c *Chip) Set(register, value byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reg[register] = value
}

// Antenna reports whether the field is on.
func (c *Chip) Antenna() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.field()
}

// Air lists the frames that the driver sent since it was last asked, in hex.
func (c *Chip) Air() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	air := c.air
	c.air = nil
	return air
}

// reset wants mu held, as do all methods below.
func (c *Chip) reset() {
	version, again := c.reg[commands.VersionReg]
	c.reg = make(map[byte]byte)
	for r, v := range afterReset {
		c.reg[r] = v
	}
	if again {
		c.reg[commands.VersionReg] = version
	}
	c.fifo = nil
	c.powerCards()
}

func (c *Chip) field() bool { return c.reg[commands.TxControlReg]&3 == 3 }

func (c *Chip) powerCards() {
	for _, k := range c.cards {
		k.state, k.halted = idle, false
	}
}

func (c *Chip) tx(w, r []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fault != nil:
		return c.fault
	case len(w) < 2 || r != nil && len(r) != len(w):
		return fmt.Errorf("a transfer of %d bytes out and %d in", len(w), len(r))
	case c.stuck != nil:
		for i := range r {
			r[i] = *c.stuck
		}
	case w[0]&0x80 != 0:
		for i := 1; i < len(w) && r != nil; i++ {
			r[i] = c.read(w[i-1])
		}
	default:
		for _, v := range w[1:] {
			c.write(w[0]>>1, v)
		}
	}
	return nil
}

func (c *Chip) read(address byte) byte {
	register := address >> 1 & 0x3F
	if address&0x81 != 0x80 {
		c.t.Errorf("a read with address byte 0x%02X", address)
	}
	switch register {
	case commands.FIFODataReg:
		if len(c.fifo) == 0 {
			c.t.Error("a read from the empty FIFO")
			return 0
		}
		v := c.fifo[0]
		c.fifo = c.fifo[1:]
		return v
	case commands.FIFOLevelReg:
		return byte(len(c.fifo))
	}
	v, known := c.reg[register]
	if !known {
		c.t.Errorf("a read from register 0x%02X, which the model does not know", register)
	}
	return v
}

func (c *Chip) write(register, v byte) {
	if _, known := c.reg[register]; !known {
		c.t.Errorf("a write to register 0x%02X, which the model does not know", register)
		return
	}
	switch register {
	case commands.FIFODataReg:
		c.fifo = append(c.fifo, v)
		if len(c.fifo) > 64 {
			c.t.Error("the FIFO overflows")
		}
	case commands.FIFOLevelReg:
		if v&0x80 != 0 {
			c.fifo = nil
		}
	case commands.CommIrqReg:
		if v&0x80 != 0 {
			c.reg[register] |= v & 0x7F
		} else {
			c.reg[register] &^= v
		}
	case commands.CommandReg:
		c.command(v)
	case commands.BitFramingReg:
		c.reg[register] = v &^ 0x80
		if v&0x80 != 0 && c.reg[commands.CommandReg]&0x0F == commands.PCD_TRANSCEIVE {
			c.transceive(v & 7)
		}
	case commands.TxControlReg:
		c.reg[register] = v
		if !c.field() {
			c.powerCards()
		}
	case commands.VersionReg, commands.ErrorReg:
		c.t.Errorf("a write to the read-only register 0x%02X", register)
	default:
		c.reg[register] = v
	}
}

func (c *Chip) command(v byte) {
	switch v {
	case commands.PCD_RESETPHASE:
		c.reset()
	case commands.PCD_IDLE, commands.PCD_TRANSCEIVE:
		c.reg[commands.CommandReg] = v
		c.reg[commands.ErrorReg] = 0
	default:
		c.t.Errorf("command 0x%02X, which the model does not know", v)
	}
}

// transceive sends the FIFO and takes in what the cards answer. Without an
// answer the timer runs out, if it was set up.
func (c *Chip) transceive(lastBits byte) {
	frame := c.fifo
	c.fifo = nil
	c.reg[commands.ErrorReg] = 0
	c.checkSettings()
	if !c.field() {
		return
	}
	c.air = append(c.air, fmt.Sprintf("%X", frame))
	reply, several := c.ask(frame, lastBits)
	switch {
	case several:
		c.reg[commands.ErrorReg] = 0x08
		c.reg[commands.CommIrqReg] |= 0x22
	case reply == nil:
		c.reg[commands.CommIrqReg] |= 0x01
	default:
		c.fifo = reply.data
		c.reg[commands.ControlReg] = c.reg[commands.ControlReg]&^7 | reply.lastBits
		c.reg[commands.CommIrqReg] |= 0x20
	}
}

func (c *Chip) checkSettings() {
	if c.reg[commands.TxAutoReg]&0x40 == 0 {
		c.t.Error("a frame is sent without 100 % ASK: no ISO 14443-A card hears it")
	}
	if c.reg[commands.TModeReg]&0x80 == 0 || c.reg[commands.TReloadRegH]|c.reg[commands.TReloadRegL] == 0 {
		c.t.Error("a frame is sent without a running timer: silence would never end")
	}
	if c.reg[commands.CommIrqReg]&0x33 != 0 {
		c.t.Error("a frame is sent with old interrupts pending")
	}
	if c.reg[commands.CollReg]&0x80 != 0 {
		c.t.Error("a frame is sent while bits after a collision are kept")
	}
}

// ask gives a frame to all cards; different answers at once collide.
func (c *Chip) ask(frame []byte, lastBits byte) (one *reply, several bool) {
	var staying []*Card
	for _, k := range c.cards {
		if !k.stays() {
			continue
		}
		staying = append(staying, k)
		a := k.hear(frame, lastBits)
		if a != nil && one != nil && string(a.data) != string(one.data) {
			several = true
		}
		if a != nil {
			one = a
		}
	}
	c.cards = staying
	return one, several
}

// port is the chip as periph's bus.
type port struct {
	chip      *Chip
	connected bool
}

func (p *port) String() string                       { return "SPI of a model" }
func (p *port) LimitSpeed(f physic.Frequency) error  { return nil }
func (p *port) Duplex() conn.Duplex                  { return conn.Full }
func (p *port) TxPackets(packets []spi.Packet) error { return errors.New("not modelled") }

// Close lets the bus be opened again.
func (p *port) Close() error {
	p.chip.mu.Lock()
	defer p.chip.mu.Unlock()
	if !p.chip.open {
		p.chip.t.Error("SPI is closed twice")
	}
	p.chip.open = false
	return nil
}

// Connect accepts what the data sheet allows: mode 0, 8 bits, up to 10 MHz.
func (p *port) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	if p.connected || f > 10*physic.MegaHertz || mode != spi.Mode0 || bits != 8 {
		return nil, fmt.Errorf("connect at %v, mode %v, %d bits, connected before: %v", f, mode, bits, p.connected)
	}
	p.connected = true
	return p, nil
}

// Tx transfers while the port is open.
func (p *port) Tx(w, r []byte) error { return p.chip.tx(w, r) }
