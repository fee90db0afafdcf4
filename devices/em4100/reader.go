// Package em4100 reads 125 kHz fobs from the serial modules RDM6300 and
// ID-12LA/ID-20LA.
//
// The modules only talk: 9600 baud, one frame per reading. An RDM6300 repeats
// the frame every 65 ms while the fob is near; an ID-12LA sends it once, so
// it is configured as OneShot. A frame with a wrong checksum is dropped and
// counted, never reported; the next one follows soon.
package em4100

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"go.bug.st/serial"

	"tapshelf/devices"
	"tapshelf/devices/tag"
)

// readTimeout is how long a read waits for a byte, and so how late a reader
// notices that its context has ended.
const readTimeout = 100 * time.Millisecond

// Config says which reader this is.
type Config struct {
	// Name goes into every Seen.
	Name string
	// Open opens the port anew for every Run. Its Read returns within about
	// 100 ms, with (0, nil) if nothing came, and with an error once the
	// module is gone.
	Open func() (io.ReadWriteCloser, error)
	// Now is the clock.
	Now func() time.Time
	// OneShot is true for ID-12LA and ID-20LA.
	OneShot bool
}

// Reader is a devices.Reader. It owns its port while Run lasts.
type Reader struct {
	config  Config
	dropped atomic.Uint64
}

// New makes a reader; nothing is opened before Run.
func New(c Config) *Reader { return &Reader{config: c} }

// OpenSerial opens path for Config.Open: 9600 baud, 8N1. A path below
// /dev/serial/by-id, or made by a udev rule, finds a replugged module again.
func OpenSerial(path string) func() (io.ReadWriteCloser, error) {
	return func() (io.ReadWriteCloser, error) {
		port, err := serial.Open(path, &serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		if err := port.SetReadTimeout(readTimeout); err != nil {
			return nil, errors.Join(fmt.Errorf("set the read time-out of %s: %w", path, err), port.Close())
		}
		return port, nil
	}
}

// OneShot implements devices.OneShot.
func (r *Reader) OneShot() bool { return r.config.OneShot }

// Dropped counts the frames that were unusable since the program started.
func (r *Reader) Dropped() uint64 { return r.dropped.Load() }

// Run implements devices.Reader. Only this goroutine touches the port, so
// whatever a read reports before ctx ends is the module's doing.
func (r *Reader) Run(ctx context.Context, seen chan<- devices.Seen) (err error) {
	if ctx.Err() != nil {
		return nil
	}
	port, err := r.config.Open()
	if err != nil {
		return fmt.Errorf("em4100 %s: %w", r.config.Name, err)
	}
	defer func() {
		if e := port.Close(); e != nil && err == nil && ctx.Err() == nil {
			err = fmt.Errorf("em4100 %s: close: %w", r.config.Name, e)
		}
	}()
	var decoder Decoder
	buf := make([]byte, 64)
	for ctx.Err() == nil {
		n, err := port.Read(buf)
		for _, b := range buf[:n] {
			r.feed(ctx, &decoder, b, seen)
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("em4100 %s: the reader is gone: %w", r.config.Name, err)
		}
	}
	return nil
}

func (r *Reader) feed(ctx context.Context, d *Decoder, b byte, seen chan<- devices.Seen) {
	card, complete, err := d.Feed(b)
	if err != nil {
		r.dropped.Add(1)
	}
	if !complete {
		return
	}
	select {
	case seen <- devices.Seen{Reader: r.config.Name, UID: tag.NewEM4100(card), At: r.config.Now()}:
	case <-ctx.Done():
	}
}
