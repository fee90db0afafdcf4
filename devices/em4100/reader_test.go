package em4100_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"tapshelf/devices"
	"tapshelf/devices/devicestest"
	"tapshelf/devices/em4100"
	"tapshelf/devices/tag"
)

// module is a fake RDM6300: a pty behind a stable path, as udev makes it.
type module struct {
	t    *testing.T
	path string

	mu     sync.Mutex // guards what follows
	master *os.File
	slave  *os.File // held so that the module outlives the driver's Close
	near   bool
}

func newModule(t *testing.T) *module {
	t.Helper()
	m := &module{t: t, path: filepath.Join(t.TempDir(), "badge-reader")}
	m.plug()
	ctx, cancel := context.WithCancel(context.Background())
	var repeating sync.WaitGroup
	repeating.Go(func() { m.repeat(ctx) })
	t.Cleanup(func() { cancel(); m.unplug(); repeating.Wait() })
	return m
}

// plug makes a new pty and points the path to it.
func (m *module) plug() {
	m.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		m.t.Fatal(err)
	}
	// Raw before anything is written: a cooked terminal eats 0x03.
	port, err := em4100.OpenSerial(slave.Name())()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := port.Close(); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink(slave.Name(), m.path); err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.master, m.slave = master, slave
}

// unplug hangs the line up and removes the path.
func (m *module) unplug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.master == nil {
		return
	}
	m.slave.Close()
	m.master.Close()
	m.master, m.near = nil, false
	os.Remove(m.path)
}

func (m *module) hold(near bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.near = near
}

func (m *module) send(s string) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.master.WriteString(s); err != nil {
		m.t.Error(err)
	}
}

// repeat sends the frame every 65 ms while the fob is near, as the chip does.
func (m *module) repeat(ctx context.Context) {
	tick := time.NewTicker(65 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		if m.near {
			m.master.WriteString(rdm6300)
		}
		m.mu.Unlock()
	}
}

func (m *module) reader() *em4100.Reader {
	return em4100.New(em4100.Config{Name: "badge", Open: em4100.OpenSerial(m.path), Now: time.Now})
}

func TestReaderKeepsTheContract(t *testing.T) {
	devicestest.Run(t, func(t *testing.T) devicestest.Harness {
		m := newModule(t)
		return devicestest.Harness{
			Reader: m.reader(), Name: "badge", UID: tag.NewEM4100(fob),
			Present:       func() { m.hold(true) },
			Remove:        func() { m.hold(false) },
			RemoveHalfway: func() { m.hold(false); m.send(rdm6300[:7]) },
			Break:         m.unplug, Repair: m.plug,
		}
	})
}

// listen runs a reader until the test ends.
func listen(t *testing.T, r *em4100.Reader) (seen chan devices.Seen, done chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	seen, done = make(chan devices.Seen), make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { done <- r.Run(ctx, seen) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return seen, done
}

// count waits for so many sightings, and then a while for one too many.
func count(seen chan devices.Seen, want int) int {
	for n := 0; ; n++ {
		patience := 5 * time.Second
		if n >= want {
			patience = 250 * time.Millisecond
		}
		select {
		case <-seen:
		case <-time.After(patience):
			return n
		}
	}
}

func TestFramesOnTheLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		pieces  []string
		seen    int
		dropped uint64
	}{
		{"whole", []string{rdm6300}, 1, 0},
		{"in pieces", []string{rdm6300[:1], rdm6300[1:4], rdm6300[4:13], rdm6300[13:]}, 1, 0},
		{"byte by byte", bytewise(id12la), 1, 0},
		{"with garbage between", []string{"\x00\xff~" + rdm6300 + "\x7f\x03\r\n", rdm6300}, 2, 0},
		{"with a wrong checksum first", []string{"\x026F007B397260\x03", rdm6300}, 1, 1},
		{"cut short, then whole", []string{rdm6300[:9], rdm6300}, 1, 1},
		{"nothing but garbage", []string{"\xff\x00\x03garbage"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModule(t)
			r := m.reader()
			seen, _ := listen(t, r)
			time.Sleep(50 * time.Millisecond)
			go func() {
				for _, p := range c.pieces {
					m.send(p)
					time.Sleep(5 * time.Millisecond)
				}
			}()
			if got := count(seen, c.seen); got != c.seen {
				t.Errorf("seen %d times, want %d", got, c.seen)
			}
			if got := r.Dropped(); got != c.dropped {
				t.Errorf("dropped %d frames, want %d", got, c.dropped)
			}
		})
	}
}

func bytewise(s string) (pieces []string) {
	for i := range len(s) {
		pieces = append(pieces, s[i:i+1])
	}
	return pieces
}

func TestAReaderThatIsNotThereSaysWhichPath(t *testing.T) {
	_, done := listen(t, em4100.New(em4100.Config{Name: "badge", Now: time.Now,
		Open: em4100.OpenSerial(filepath.Join(t.TempDir(), "nothing"))}))
	if err := <-done; !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want one that says that the path does not exist", err)
	}
}

func TestAReaderIsFoundAgainAfterReplugging(t *testing.T) {
	m := newModule(t)
	s := devices.NewSupervisor([]devices.Supervised{{Name: "badge", Driver: "em4100", Reader: m.reader()}}, time.Now, nil)
	ctx, cancel := context.WithCancel(context.Background())
	seen := make(chan devices.Seen)
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx, seen) })
	t.Cleanup(func() { cancel(); running.Wait() })

	m.hold(true)
	<-seen
	m.unplug()
	deadline := time.After(5 * time.Second)
	for s.Health()[0].State != devices.Failing {
		select {
		case <-seen:
		case <-deadline:
			t.Fatalf("unplugged: %+v", s.Health()[0])
		case <-time.After(10 * time.Millisecond):
		}
	}
	m.plug()
	m.hold(true)
	select {
	case <-seen:
	case <-deadline:
		t.Fatalf("plugged in again: %+v", s.Health()[0])
	}
}

// brokenPort opens well and fails on the first read.
type brokenPort struct{ closed bool }

func (p *brokenPort) Read([]byte) (int, error)    { return 0, io.ErrUnexpectedEOF }
func (p *brokenPort) Write(b []byte) (int, error) { return len(b), nil }
func (p *brokenPort) Close() error                { p.closed = true; return nil }

func TestAPortIsClosedWhateverHappens(t *testing.T) {
	port := &brokenPort{}
	r := em4100.New(em4100.Config{Name: "badge", Now: time.Now,
		Open: func() (io.ReadWriteCloser, error) { return port, nil }})
	if err := r.Run(t.Context(), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if !port.closed {
		t.Error("the port is still open")
	}
}
