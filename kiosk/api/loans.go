package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
)

// bodyLimit is the largest body of a request that is no batch.
const bodyLimit = 64 << 10

// loanAnswer is a loan for a central system.
type loanAnswer struct {
	ID         lending.LoanID `json:"id"`
	Item       string         `json:"item"` // external id
	Label      string         `json:"label"`
	Title      string         `json:"title"`
	LoanType   string         `json:"loan_type"`
	Patron     string         `json:"patron,omitempty"` // external id; absent once anonymised
	LentAt     time.Time      `json:"lent_at"`
	DueAt      time.Time      `json:"due_at"`
	ReturnedAt *time.Time     `json:"returned_at,omitempty"`
	Undone     bool           `json:"undone,omitempty"`
	Overdue    bool           `json:"overdue"`
	Station    string         `json:"station"`
}

func (a *api) answer(v lending.LoanView) loanAnswer {
	return loanAnswer{
		ID: v.ID, Item: v.ItemExternal, Label: v.Thing.Label, Title: v.Thing.Name, LoanType: v.LoanType, Patron: v.PatronExternal,
		LentAt: v.LentAt, DueAt: v.DueAt, ReturnedAt: v.ReturnedAt, Undone: v.Undone, Overdue: v.Overdue(a.Now()), Station: v.Station,
	}
}

// loans lists loans in the order of their ids, a page at a time.
func (a *api) loans(c *fiber.Ctx) error {
	f, err := a.filter(c)
	if err != nil {
		return err
	}
	list, err := a.Queries.Loans(c.UserContext(), f)
	if err != nil {
		return err
	}
	answer := struct {
		Loans []loanAnswer `json:"loans"`
		Next  string       `json:"next,omitempty"` // after, for the next page
	}{Loans: []loanAnswer{}}
	for _, v := range list {
		answer.Loans = append(answer.Loans, a.answer(v))
	}
	if len(list) == f.Limit {
		answer.Next = string(list[len(list)-1].ID)
	}
	return c.JSON(answer)
}

func (a *api) filter(c *fiber.Ctx) (lending.LoanFilter, error) {
	f := lending.LoanFilter{ByID: true}
	var err error
	if f.Limit, err = number(c, "limit", 200, 1, 1000); err != nil {
		return f, err
	}
	if after := c.Query("after"); after != "" {
		if f.After, err = lending.ParseID[lending.LoanID](after); err != nil {
			return f, &web.BadInput{Where: "after", What: err.Error()}
		}
	}
	switch state := c.Query("state"); state {
	case "":
	case "open":
		f.Open = true
	case "overdue":
		now := a.Now()
		f.DueBefore = &now
	default:
		return f, &web.BadInput{Where: "state", What: "is open or overdue"}
	}
	err = a.Store.Read(c.UserContext(), func(tx lending.Tx) error {
		if id := c.Query("patron"); id != "" {
			p, err := tx.PatronByExternal(id)
			if err != nil {
				return unknown("patron", err)
			}
			f.Patron = p.ID
		}
		if id := c.Query("item"); id != "" {
			i, err := tx.ItemByExternal(id)
			if err != nil {
				return unknown("item", err)
			}
			f.Item = i.ID
		}
		return nil
	})
	return f, err
}

// unknown says which field names something that is not there.
func unknown(field string, err error) error {
	if errors.Is(err, lending.ErrNotFound) {
		return &web.BadInput{Where: field, What: "is not known"}
	}
	return err
}

func (a *api) loan(c *fiber.Ctx) error {
	id, err := lending.ParseID[lending.LoanID](c.Params("id"))
	if err != nil {
		return lending.ErrNotFound
	}
	return a.sendLoan(c, fiber.StatusOK, id)
}

func (a *api) sendLoan(c *fiber.Ctx, status int, id lending.LoanID) error {
	v, err := a.Queries.LoanView(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.Status(status).JSON(a.answer(v))
}

// lend makes a loan for a central system.
func (a *api) lend(c *fiber.Ctx) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	var asked struct {
		Patron string `json:"patron"` // external id
		Item   string `json:"item"`   // external id
	}
	if err := a.readJSON(c, &asked); err != nil {
		return err
	}
	r := lending.CheckoutRequest{Op: "api/" + tokenOf(c).ID + "/" + key, Station: Station}
	err = a.Store.Read(c.UserContext(), func(tx lending.Tx) error {
		p, err := tx.PatronByExternal(asked.Patron)
		if err != nil {
			return unknown("patron", err)
		}
		i, err := tx.ItemByExternal(asked.Item)
		if err != nil {
			return unknown("item", err)
		}
		r.Patron, r.Item = p.ID, i.ID
		return nil
	})
	if err != nil {
		return err
	}
	out, err := a.Desk.Checkout(context.WithoutCancel(c.UserContext()), r)
	if err != nil {
		return err
	}
	return a.sendLoan(c, fiber.StatusCreated, out.Loan)
}

// takeBack ends a loan for a central system. One that has ended is answered
// as it is.
func (a *api) takeBack(c *fiber.Ctx) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	id, err := lending.ParseID[lending.LoanID](c.Params("id"))
	if err != nil {
		return lending.ErrNotFound
	}
	v, err := a.Queries.LoanView(c.UserContext(), id)
	if err != nil {
		return err
	}
	if v.Open() {
		r := lending.ReturnRequest{Op: "api/" + tokenOf(c).ID + "/" + key, Station: Station, Item: v.Item, Loan: id}
		if _, err := a.Desk.Return(context.WithoutCancel(c.UserContext()), r); err != nil {
			return err
		}
	}
	return a.sendLoan(c, fiber.StatusOK, id)
}

// readJSON reads a small body into a struct; a field of the wrong type is
// named, one that there is not is ignored.
func (a *api) readJSON(c *fiber.Ctx, into any) error {
	body, err := io.ReadAll(io.LimitReader(a.body(c), bodyLimit+1))
	if err != nil {
		return &web.BadInput{Where: "the body", What: "ended before it was complete"}
	}
	if len(body) > bodyLimit {
		return web.ErrTooLarge
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, into); {
	case errors.As(err, &wrong):
		return &web.BadInput{Where: wrong.Field, What: fmt.Sprintf("is a JSON %s, must be %s", wrong.Value, wrong.Type)}
	case err != nil:
		return &web.BadInput{Where: "the body", What: "is not a JSON object"}
	}
	return nil
}
