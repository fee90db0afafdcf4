package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

const (
	// LineLimit is the longest line of a batch, in bytes.
	LineLimit = 1 << 20
	// chunk is how many lines are written in one transaction.
	chunk = 100
	// patience is how long a sender may pause within a batch.
	patience = 5 * time.Second
)

// batchAnswer is what became of a batch. It is remembered as it is.
type batchAnswer struct {
	Created   int          `json:"created"`
	Changed   int          `json:"changed"`
	Unchanged int          `json:"unchanged"`
	Invalid   int          `json:"invalid"`
	Results   []lineAnswer `json:"results"`
}

type lineAnswer struct {
	Line   int            `json:"line"` // from 1
	Status lending.Status `json:"status"`
	ID     string         `json:"id,omitempty"`
	Field  string         `json:"field,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// batch takes NDJSON. The whole body is read before the first line is acted
// on, so a batch that breaks off changes nothing.
func (a *api) batch(c *fiber.Ctx) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	t := tokenOf(c)
	op := "batch/" + t.ID + "/" + key
	if !a.batches.begin(op) {
		return web.ErrBusy
	}
	defer a.batches.end(op)
	file, hash, err := a.spool(c)
	if err != nil {
		return err
	}
	defer file.Close()
	ctx := context.WithoutCancel(c.UserContext())
	answer, err := a.recall(ctx, op, hash)
	if errors.Is(err, lending.ErrNotFound) {
		answer, err = a.take(ctx, file, t)
		if err == nil {
			err = a.remember(ctx, op, hash, answer)
		}
	}
	if err != nil {
		return err
	}
	return c.JSON(answer)
}

// spool copies the body to a file that is gone once it is closed, and gives
// the hash of what it holds. The read deadline moves with every chunk.
func (a *api) spool(c *fiber.Ctx) (*os.File, lending.Hash, error) {
	file, err := os.CreateTemp(a.Temp, "tapshelf-batch-")
	if err != nil {
		return nil, lending.Hash{}, fmt.Errorf("spool: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, lending.Hash{}, errors.Join(fmt.Errorf("spool: %w", err), file.Close())
	}
	h := sha256.New()
	limit := &limitedLines{to: io.MultiWriter(file, h), left: a.BatchLimit}
	if _, err := io.Copy(limit, a.body(c)); err != nil {
		file.Close()
		if errors.Is(err, web.ErrTooLarge) {
			return nil, lending.Hash{}, err
		}
		return nil, lending.Hash{}, &web.BadInput{Where: "the body", What: "ended before it was complete; nothing has been changed"}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, lending.Hash{}, errors.Join(fmt.Errorf("spool: %w", err), file.Close())
	}
	return file, lending.Hash(h.Sum(nil)), nil
}

// body streams a request's body, however fasthttp holds it.
func (a *api) body(c *fiber.Ctx) io.Reader {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return bytes.NewReader(c.Request().Body())
	}
	return patient{stream, c, a.Wall}
}

// patient moves the connection's read deadline with every read.
type patient struct {
	io.Reader
	c   *fiber.Ctx
	now func() time.Time
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.c.Context().Conn().SetReadDeadline(p.now().Add(patience)); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// limitedLines refuses a body or a line that is too long.
type limitedLines struct {
	to   io.Writer
	left int64
	line int
}

func (l *limitedLines) Write(b []byte) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, fmt.Errorf("%w: the batch is longer than is taken; nothing has been changed", web.ErrTooLarge)
	}
	for rest := b; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			l.line += len(rest)
			break
		}
		if l.line+i > LineLimit {
			break
		}
		l.line, rest = 0, rest[i+1:]
	}
	if l.line > LineLimit {
		return 0, fmt.Errorf("%w: a line is longer than %d bytes; nothing has been changed", web.ErrTooLarge, LineLimit)
	}
	return l.to.Write(b)
}

// take applies the lines in chunks.
func (a *api) take(ctx context.Context, body io.Reader, t lending.Token) (batchAnswer, error) {
	answer := batchAnswer{Results: []lineAnswer{}}
	lines := bufio.NewReaderSize(body, 64<<10)
	for number, more := 1, true; more; {
		var records []lending.Record
		var at []int
		for len(records) < chunk && more {
			text, err := lines.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return answer, fmt.Errorf("spool: %w", err)
			}
			more = err == nil
			if text = bytes.TrimSpace(text); len(text) > 0 {
				record, bad := parseLine(text, t)
				if bad != nil {
					answer.add(number, lending.Result{Status: lending.StatusInvalid, Err: bad})
				} else {
					records, at = append(records, record), append(at, number)
				}
			}
			number++
		}
		results, err := a.Registry.Apply(ctx, records, lending.ApplyOptions{By: "token:" + t.ID})
		if err != nil {
			return answer, err
		}
		for i, r := range results {
			answer.add(at[i], r)
		}
	}
	answer.sort()
	return answer, nil
}

func (b *batchAnswer) add(line int, r lending.Result) {
	l := lineAnswer{Line: line, Status: r.Status, ID: r.ID}
	if r.Err != nil {
		l.Field, l.Error = r.Err.Field, r.Err.What
	}
	b.Results = append(b.Results, l)
	switch r.Status {
	case lending.StatusCreated:
		b.Created++
	case lending.StatusChanged:
		b.Changed++
	case lending.StatusUnchanged:
		b.Unchanged++
	case lending.StatusInvalid:
		b.Invalid++
	}
}

// sort puts results in the order of their lines: mistakes are found before
// the other lines of their chunk are applied.
func (b *batchAnswer) sort() {
	slices.SortFunc(b.Results, func(x, y lineAnswer) int { return x.Line - y.Line })
}

func (a *api) recall(ctx context.Context, op string, hash lending.Hash) (answer batchAnswer, err error) {
	err = a.Store.Read(ctx, func(tx lending.Tx) error {
		prior, err := tx.Operation(op)
		if err != nil {
			return err
		}
		if prior.Hash != hash {
			return lending.ErrOperationReused
		}
		return json.Unmarshal(prior.Answer, &answer)
	})
	return answer, err
}

func (a *api) remember(ctx context.Context, op string, hash lending.Hash, answer batchAnswer) error {
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return a.Store.Write(ctx, func(tx lending.Tx) error {
		return tx.Remember(lending.Operation{ID: op, Hash: hash, Answer: b})
	})
}

// inHand is the acts that are being worked on.
type inHand struct {
	mu  sync.Mutex // guards ops
	ops map[string]struct{}
}

func (h *inHand) begin(op string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, busy := h.ops[op]; busy {
		return false
	}
	if h.ops == nil {
		h.ops = map[string]struct{}{}
	}
	h.ops[op] = struct{}{}
	return true
}

func (h *inHand) end(op string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ops, op)
}
