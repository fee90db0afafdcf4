package kiosk

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tapshelf/devices"
	"tapshelf/lending"
)

// How long things stand. Idle and Warning are the site's to choose.
const (
	// DefaultIdle is how long a visit may rest before the panel asks.
	DefaultIdle = 60 * time.Second
	// DefaultWarning is how long the question stands before the visit ends.
	DefaultWarning = 30 * time.Second

	waitFor     = 15 * time.Second        // an item for its badge, an Undo for its item
	againFor    = 10 * time.Second        // "tap it again now"
	showFor     = 10 * time.Second        // rows and notices with nobody here
	leaveFor    = 6 * time.Second         // what was done, after a visit
	newHereFor  = 1500 * time.Millisecond // "New person"
	checkingFor = 400 * time.Millisecond  // before a row says "Checking…"
	keysKept    = 256                     // presses remembered
	manyUnknown = 3                       // unknown tags in a row before staff are told
)

// Station is where a Kiosk stands.
type Station struct {
	Name  string // in URLs and facts: "front"
	Title string // for people: "Front desk"
}

// Config is what a Kiosk needs. Idle and Warning may be zero for the
// defaults.
type Config struct {
	Station  Station
	Desk     *lending.Desk
	Signal   devices.Signal
	Now      func() time.Time
	Boot     string // new for every start; makes operation ids unique
	Idle     time.Duration
	Warning  time.Duration
	Language string // the site's own
	// HasItems says whether anything can be lent here at all.
	HasItems func(context.Context) (bool, error)
	Log      *slog.Logger
}

// Kiosk is one station: a visit, and the loop that owns it. Its methods may
// be called from any goroutine, while Run runs or not.
type Kiosk struct {
	cfg     Config
	taps    chan devices.Tap
	presses chan Press
	readers chan bool
	results chan func(*loop)

	mu       sync.Mutex // guards screen and watchers
	screen   Screen
	watchers map[chan Screen]struct{}
}

// New makes a Kiosk that shows its idle screen. Run brings it to life.
func New(c Config) *Kiosk {
	if c.Idle == 0 {
		c.Idle = DefaultIdle
	}
	if c.Warning == 0 {
		c.Warning = DefaultWarning
	}
	return &Kiosk{
		cfg: c, taps: make(chan devices.Tap), presses: make(chan Press),
		readers: make(chan bool), results: make(chan func(*loop)),
		watchers: map[chan Screen]struct{}{},
		screen:   Screen{Rev: 1, Station: c.Station.Name, Stage: Idle, Language: c.Language},
	}
}

// Station is where the Kiosk stands.
func (k *Kiosk) Station() Station { return k.cfg.Station }

// Run serves the station until ctx ends. An act that has begun by then is
// finished by the ledger, but no longer shown.
func (k *Kiosk) Run(ctx context.Context) {
	l := &loop{Kiosk: k, ctx: ctx, jobs: make(chan func()), timer: time.NewTimer(0), rev: 1}
	l.reset()
	var worker sync.WaitGroup
	worker.Go(func() {
		for job := range l.jobs {
			job()
		}
	})
	l.run()
	close(l.jobs)
	worker.Wait()
}

// Tap takes a tap from the station's readers. It waits until the loop has
// it, or ctx ends.
func (k *Kiosk) Tap(ctx context.Context, t devices.Tap) { send(ctx, k.taps, t) }

// Press takes a touch of a button. It returns ctx's error if the loop did
// not take it in time.
func (k *Kiosk) Press(ctx context.Context, p Press) error {
	send(ctx, k.presses, p)
	return ctx.Err()
}

// ReadersDown tells the panel whether a reader of this station needs help.
func (k *Kiosk) ReadersDown(ctx context.Context, down bool) { send(ctx, k.readers, down) }

func send[T any](ctx context.Context, to chan<- T, v T) {
	select {
	case to <- v:
	case <-ctx.Done():
	}
}

// Screen is what the panel shows now.
func (k *Kiosk) Screen() Screen {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.screen
}

// Watch gives the present screen at once and each later one, until ctx ends,
// when the channel is closed. A slow viewer misses screens, never the last.
func (k *Kiosk) Watch(ctx context.Context) <-chan Screen {
	out := make(chan Screen, 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	out <- k.screen
	k.watchers[out] = struct{}{}
	context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.watchers, out)
		close(out)
	})
	return out
}

func (k *Kiosk) show(s Screen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.screen = s
	for w := range k.watchers {
		select {
		case <-w: // the screen that was not taken is out of date
		default:
		}
		w <- s
	}
}
