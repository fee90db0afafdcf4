// Package mfrc522 reads ISO 14443-A cards with an RC522 board on SPI.
//
// It polls the chip and needs no interrupt line. Above periph's SPI it has
// its own ISO/IEC 14443-3 layer: cards are woken, selected through all
// cascade levels with BCC, SAK and CRC_A checked, and put to rest, so that
// UIDs of 4, 7 and 10 bytes are read whole and Tagger.With talks to a card
// that is really selected.
//
// With two cards in the field at once neither is reported.
package mfrc522

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/spi"

	"tapshelf/devices"
	"tapshelf/devices/tag"
)

// Interval is the time between two polls.
const Interval = 100 * time.Millisecond

// Config says which reader this is.
type Config struct {
	// Name goes into every Seen.
	Name string
	// Open opens the port anew for every Run, such as spireg.Open.
	Open func() (spi.PortCloser, error)
	// Reset is the pin wired to RST; nil if RST is tied to 3.3 V.
	Reset gpio.PinOut
	// Now is the clock.
	Now func() time.Time
}

// Reader is a devices.Reader and a devices.Tagger.
type Reader struct {
	config   Config
	requests chan request
}

// request is one call of With on its way to the goroutine that owns the bus.
type request struct {
	uid  tag.UID
	do   func(devices.Card) error
	done chan error
}

// New makes a reader; nothing is opened before Run.
func New(c Config) *Reader { return &Reader{config: c, requests: make(chan request)} }

// Run implements devices.Reader. A card that cannot be read is tried again
// with the next poll; only the chip and the bus make Run fail.
func (r *Reader) Run(ctx context.Context, seen chan<- devices.Seen) error {
	if ctx.Err() != nil {
		return nil
	}
	if err := r.run(ctx, seen); err != nil && ctx.Err() == nil {
		return fmt.Errorf("mfrc522 %s: %w", r.config.Name, err)
	}
	return nil
}

func (r *Reader) run(ctx context.Context, seen chan<- devices.Seen) (err error) {
	port, err := r.config.Open()
	if err != nil {
		return fmt.Errorf("open SPI: %w", err)
	}
	defer func() {
		if e := port.Close(); err == nil && e != nil {
			err = fmt.Errorf("close SPI: %w", e)
		}
	}()
	c, err := start(port, r.config.Reset)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.stop(); err == nil {
			err = e
		}
	}()
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		uid, err := c.poll()
		if err != nil {
			return err
		}
		r.untilNextPoll(ctx, c, uid, seen, tick.C)
	}
	return nil
}

// poll looks once for a card; the zero UID means none.
func (c *chip) poll() (tag.UID, error) {
	if err := c.alive(); err != nil {
		return tag.UID{}, err
	}
	uid, err := c.activate()
	if _, card := err.(cardError); card {
		return tag.UID{}, nil
	}
	if err != nil {
		return tag.UID{}, err
	}
	return uid, c.halt()
}

// untilNextPoll offers what was seen and serves calls of With. What nobody
// took by the next poll is dropped: that poll says it anew.
func (r *Reader) untilNextPoll(ctx context.Context, c *chip, uid tag.UID, seen chan<- devices.Seen, tick <-chan time.Time) {
	found := devices.Seen{Reader: r.config.Name, UID: uid, At: r.config.Now()}
	if uid == (tag.UID{}) {
		seen = nil
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			return
		case seen <- found:
			seen = nil
		case q := <-r.requests:
			q.done <- c.with(q)
		}
	}
}

// With implements devices.Tagger. ctx bounds the wait for the bus, also while
// the reader is not running; once do has begun With waits for it. do's error
// is returned as it is.
func (r *Reader) With(ctx context.Context, uid tag.UID, do func(devices.Card) error) error {
	q := request{uid, do, make(chan error, 1)}
	select {
	case r.requests <- q:
		return <-q.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// with runs on the goroutine that owns the bus. A panic in do is the
// caller's, not the reader's.
func (c *chip) with(q request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mfrc522: talking to the card panicked: %v", p)
		}
	}()
	uid, err := c.activate()
	if _, trouble := err.(cardError); trouble || err == nil && uid != q.uid {
		return devices.ErrTagGone
	}
	if err != nil {
		return err
	}
	k := &card{chip: c, uid: uid}
	defer func() { k.over = true }()
	err = q.do(k)
	if e := c.halt(); err == nil {
		err = e
	}
	return err
}
