package web

import (
	"bufio"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Beat is how often a stream sends "event: hb". A client that has heard none
// for three of them knows that it is cut off.
const Beat = 5 * time.Second

// Streams are the event streams of one app. They all end when Done is
// closed, which must happen before the app is shut down.
type Streams struct {
	Done <-chan struct{}
	Most int64 // how many at once; more are answered 503

	open atomic.Int64
}

// Send streams what next gives as unnamed server-sent events, with a
// heartbeat between. next is called with a context that ends with the
// stream, and gives a channel that is closed when there is no more. Nothing
// of c is used once the handler has returned.
func (s *Streams) Send(c *fiber.Ctx, next func(context.Context) <-chan string) error {
	if c.Method() == fiber.MethodHead {
		c.Set(fiber.HeaderContentType, "text/event-stream")
		return nil
	}
	if s.open.Add(1) > s.Most {
		s.open.Add(-1)
		return fiber.NewError(fiber.StatusServiceUnavailable, "too many displays follow this station")
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.open.Add(-1)
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		s.pump(w, next(ctx))
	})
	return nil
}

func (s *Streams) pump(w *bufio.Writer, messages <-chan string) {
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-s.Done:
			return
		case m, more := <-messages:
			if !more {
				return
			}
			err = event(w, m)
		case <-beat.C:
			_, err = w.WriteString("event: hb\ndata: 1\n\n")
		}
		if err != nil || w.Flush() != nil {
			return // the client has gone
		}
	}
}

// lineEnds are what ends a line of an event stream, as a new line. A title
// with a bare carriage return must not begin an event of its own.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// event writes one message; each of its lines becomes a data line.
func event(w *bufio.Writer, message string) error {
	for line := range strings.Lines(lineEnds.Replace(message)) {
		if _, err := w.WriteString("data: " + strings.TrimRight(line, "\n") + "\n"); err != nil {
			return err
		}
	}
	_, err := w.WriteString("\n")
	return err
}
