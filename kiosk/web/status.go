package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/lending"
)

// Errors that a surface answers with. Handlers return them; Status is the
// only place that knows their statuses.
var (
	// ErrUnauthorised asks for a login or a token.
	ErrUnauthorised = errors.New("log in first")
	// ErrForbidden says that the caller may not.
	ErrForbidden = errors.New("this is not for you")
	// ErrForged says that a request did not come from our own page.
	ErrForged = errors.New("this request did not come from this site's own page")
	// ErrTooLarge says that a request is larger than is read.
	ErrTooLarge = errors.New("the request is too large")
	// ErrGone says that what was followed is there no more.
	ErrGone = errors.New("gone; start again from the beginning")
	// ErrBusy says that the same request is in hand already.
	ErrBusy = errors.New("the same request is being worked on")
	// ErrStopping says that the program is about to stop.
	ErrStopping = errors.New("stopping; try again in a moment")
)

// BadInput is a request that cannot be understood: Where names the field or
// line, What says what is wrong with it.
type BadInput struct{ Where, What string }

func (e *BadInput) Error() string { return e.Where + ": " + e.What }

// TooMany asks a client to wait.
type TooMany struct{ Wait time.Duration }

func (e *TooMany) Error() string {
	return fmt.Sprintf("too many attempts; wait %s seconds", e.seconds())
}

func (e *TooMany) seconds() string {
	return strconv.Itoa(max(1, int((e.Wait+time.Second-1)/time.Second)))
}

// classes turns what kind of "no" a reason is into a status.
var classes = map[lending.Class]int{
	lending.ClassNotFound:    http.StatusNotFound,
	lending.ClassForbidden:   http.StatusForbidden,
	lending.ClassConflict:    http.StatusConflict,
	lending.ClassUnavailable: http.StatusServiceUnavailable,
}

// Status is the HTTP status of an error, and nil is 200. It is the only such
// table; an error that nobody foresaw is 500.
func Status(err error) int {
	var refusal *lending.Refusal
	var bad *BadInput
	var many *TooMany
	var fiberErr *fiber.Error
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &refusal):
		return refusalStatus(refusal)
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.As(err, &many):
		return http.StatusTooManyRequests
	case errors.As(err, &fiberErr):
		return fiberErr.Code
	}
	for _, known := range []struct {
		err    error
		status int
	}{
		{lending.ErrNotFound, http.StatusNotFound},
		{lending.ErrOperationReused, http.StatusUnprocessableEntity},
		{ErrUnauthorised, http.StatusUnauthorized},
		{ErrForbidden, http.StatusForbidden},
		{ErrForged, http.StatusForbidden},
		{ErrTooLarge, http.StatusRequestEntityTooLarge},
		{ErrGone, http.StatusGone},
		{ErrBusy, http.StatusConflict},
		{ErrStopping, http.StatusServiceUnavailable},
		{context.DeadlineExceeded, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, known.err) {
			return known.status
		}
	}
	return http.StatusInternalServerError
}

// refusalStatus is the status of the first reason, in the rules' order.
func refusalStatus(r *lending.Refusal) int {
	if len(r.Reasons) == 0 {
		return http.StatusInternalServerError
	}
	if status, ok := classes[r.Reasons[0].Reason.Class()]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// Problem is an answer of type application/problem+json (RFC 9457).
type Problem struct {
	Type    string          `json:"type"`
	Title   string          `json:"title"`
	Status  int             `json:"status"`
	Detail  string          `json:"detail,omitempty"`
	Where   string          `json:"where,omitempty"`   // the field or line that is wrong
	Support string          `json:"support,omitempty"` // what staff search for
	Reasons []ProblemReason `json:"reasons,omitempty"` // in the rules' order
}

// ProblemReason is one reason of a refusal with its words.
type ProblemReason struct {
	lending.Because
	Title string `json:"title,omitempty"`
	Next  string `json:"next,omitempty"`
}

// NewProblem describes an error to a client. It repeats the text of errors
// that were written for clients, and nothing of any other.
func NewProblem(status int, err error) Problem {
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status}
	var refusal *lending.Refusal
	var bad *BadInput
	var fiberErr *fiber.Error
	switch {
	case errors.As(err, &refusal):
		p.Title, p.Support = "Refused", refusal.Support()
		for _, b := range refusal.Reasons {
			p.Reasons = append(p.Reasons, ProblemReason{Because: b})
		}
	case errors.As(err, &bad):
		p.Where, p.Detail = bad.Where, bad.What
	case errors.As(err, &fiberErr):
		p.Detail = fiberErr.Message
	case status != http.StatusInternalServerError:
		p.Detail = err.Error()
	}
	return p
}

// SendProblem sends a problem.
func SendProblem(c *fiber.Ctx, p Problem) error {
	if err := c.Status(p.Status).JSON(p); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return nil
}
