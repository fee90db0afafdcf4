package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

const (
	defaultEvents = 200
	mostEvents    = 1000
	longestWait   = 55
	// lookAgain is how often a long poll looks for what another program has
	// written to the ledger.
	lookAgain = 2 * time.Second
)

// cursorHeader is where a follower finds its next cursor, also when there is
// no body.
const cursorHeader = "Tapshelf-Cursor"

// event is a fact as a CloudEvent 1.0.
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"`
	Time        string    `json:"time"`
	Sequence    string    `json:"sequence"`
	ContentType string    `json:"datacontenttype"`
	Data        eventData `json:"data"`
}

type eventData struct {
	Item   lending.ItemID  `json:"item,omitempty"`
	Loan   lending.LoanID  `json:"loan,omitempty"`
	Patron string          `json:"patron,omitempty"` // external id, while the loan is not anonymised
	Fact   json.RawMessage `json:"fact"`
	Row    map[string]any  `json:"row,omitempty"`
}

type changesAnswer struct {
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}

// changes follows the feed: what came after a cursor, or, if nothing did,
// what comes within the time that the caller waits.
func (a *api) changes(c *fiber.Ctx) error {
	limit, err := number(c, "limit", defaultEvents, 1, mostEvents)
	if err != nil {
		return err
	}
	wait, err := number(c, "wait", 0, 0, longestWait)
	if err != nil {
		return err
	}
	after, err := a.position(c.UserContext(), c.Query("after"))
	if err != nil {
		return err
	}
	changes, head, err := a.follow(c.UserContext(), after, limit, time.Duration(wait)*time.Second)
	if err != nil {
		return err
	}
	next := after
	if len(changes) > 0 {
		next = changes[len(changes)-1].Position
	}
	cursor := cursorAt(head, next)
	c.Set(cursorHeader, cursor)
	if len(changes) == 0 {
		return c.SendStatus(fiber.StatusNoContent)
	}
	events := make([]event, len(changes))
	for i, ch := range changes {
		events[i] = eventOf(ch)
	}
	if strings.Contains(c.Get(fiber.HeaderAccept), "application/x-ndjson") {
		return sendLines(c, events)
	}
	return c.JSON(changesAnswer{Events: events, Cursor: cursor})
}

// follow reads what is there, or waits for something to be.
func (a *api) follow(ctx context.Context, after int64, limit int, wait time.Duration) ([]lending.Change, lending.Head, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		committed := a.Queries.Committed()
		changes, head, err := a.Queries.Changes(ctx, after, limit)
		if err != nil || len(changes) > 0 || wait == 0 {
			return changes, head, err
		}
		select {
		case <-committed:
		case <-again.C:
		case <-over.C:
			return nil, head, nil
		case <-a.Done:
			return nil, head, nil
		}
	}
}

// cursorAt is a position in one ledger since one restore, with a check that
// ties it to them.
func cursorAt(h lending.Head, position int64) string {
	return fmt.Sprintf("%d.%d.%s", h.Epoch, position, cursorCheck(h, position))
}

func cursorCheck(h lending.Head, position int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", h.Origin, h.Epoch, position))
	return hex.EncodeToString(sum[:4])
}

// position reads a cursor. None is the beginning; one of another ledger or
// of before a restore is gone.
func (a *api) position(ctx context.Context, cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	bad := &web.BadInput{Where: "after", What: "is not a cursor of this feed; leave it out to start from the beginning"}
	parts := strings.Split(cursor, ".")
	if len(parts) != 3 {
		return 0, bad
	}
	epoch, errEpoch := strconv.Atoi(parts[0])
	position, errPosition := strconv.ParseInt(parts[1], 10, 64)
	if errEpoch != nil || errPosition != nil || position < 0 {
		return 0, bad
	}
	_, head, err := a.Queries.Changes(ctx, position, 1)
	if err != nil {
		return 0, err
	}
	switch {
	case epoch != head.Epoch:
		return 0, fmt.Errorf("%w: the ledger was restored since; start again without a cursor", web.ErrGone)
	case parts[2] != cursorCheck(head, position):
		return 0, bad
	case position > head.Position:
		return 0, fmt.Errorf("%w: this ledger does not reach so far; start again without a cursor", web.ErrGone)
	}
	return position, nil
}

func eventOf(c lending.Change) event {
	f := c.Fact
	e := event{
		SpecVersion: "1.0", ID: string(f.ID), Source: "/ledger/" + f.Origin, Type: "tapshelf." + string(f.Kind),
		Time: f.At.UTC().Format("2006-01-02T15:04:05.000Z"), Sequence: strconv.FormatInt(c.Position, 10),
		ContentType: fiber.MIMEApplicationJSON,
		Data:        eventData{Item: f.Item, Loan: f.Loan, Patron: c.PatronExternal, Fact: f.Body, Row: c.Row},
	}
	switch {
	case f.Loan != "":
		e.Subject = "loan/" + string(f.Loan)
	case f.Item != "":
		e.Subject = "item/" + string(f.Item)
	case c.Row != nil:
		if b, err := lending.Decode[lending.ChangedBody](f); err == nil {
			e.Subject = b.Table + "/" + b.ID
		}
	}
	return e
}

func sendLines(c *fiber.Ctx, events []event) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, e := range events {
		if err := lines.Encode(e); err != nil {
			return err
		}
	}
	c.Set(fiber.HeaderContentType, "application/x-ndjson")
	return c.Send(body.Bytes())
}

// number reads a whole number of the query.
func number(c *fiber.Ctx, name string, otherwise, least, most int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, &web.BadInput{Where: name, What: fmt.Sprintf("is a whole number from %d to %d", least, most)}
	}
	return n, nil
}
