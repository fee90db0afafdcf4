package staff

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// deskView is the desk: who is served, what was typed, what came of it.
type deskView struct {
	Patron   *lending.PatronView
	Loans    []loanRow
	Person   string // what was typed, to be mended
	Thing    string
	Ask      string // what is missing
	People   []lending.Patron
	Things   []lending.Thing
	Result   *result
	TakeBack bool
}

// result is what an act came to.
type result struct {
	Tone    string // ok, attention, stop
	Title   string
	Thing   lending.Thing
	Due     string
	Why     []words.Why
	Support string
	Fact    lending.FactID // what Undo takes back; empty if nothing
}

func (p *pages) deskPage(c *fiber.Ctx) error {
	v := deskView{}
	if err := p.serve(c, &v, c.Query("patron")); err != nil {
		return err
	}
	return p.showDesk(c, v)
}

func (p *pages) showDesk(c *fiber.Ctx, v deskView) error {
	if v.Patron != nil {
		// What an act has just changed must be seen.
		if err := p.serve(c, &v, string(v.Patron.ID)); err != nil {
			return err
		}
	}
	return p.show(c, fiber.StatusOK, "desk.html", "staff.desk.title", v)
}

// serve reads who is being served; nobody if id is empty.
func (p *pages) serve(c *fiber.Ctx, v *deskView, id string) error {
	if id == "" {
		return nil
	}
	patron, err := lending.ParseID[lending.PatronID](id)
	if err != nil {
		return lending.ErrNotFound
	}
	view, err := p.Queries.PatronView(c.UserContext(), patron)
	if err != nil {
		return err
	}
	v.Patron, v.Loans = &view, nil
	s := p.speaker(c)
	for _, l := range view.Loans {
		v.Loans = append(v.Loans, p.loanRow(s, l))
	}
	return nil
}

// deskAct takes what was typed or scanned: first a person, then things; or,
// to take something back, the thing alone.
func (p *pages) deskAct(c *fiber.Ctx) error {
	op, err := opOf(c)
	if err != nil {
		return err
	}
	v := deskView{Person: strings.TrimSpace(c.FormValue("person")), Thing: strings.TrimSpace(c.FormValue("thing")), TakeBack: c.FormValue("act") == "take"}
	if err := p.serve(c, &v, c.FormValue("patron")); err != nil {
		return err
	}
	if v.Patron == nil && !v.TakeBack {
		done, err := p.findPerson(c, op, &v)
		if err != nil || !done {
			return errors.Join(err, p.showUnless(c, v, err))
		}
		if v.Thing == "" {
			return p.showDesk(c, v)
		}
	}
	item, done, err := p.findThing(c, op, &v)
	if err != nil || !done {
		return errors.Join(err, p.showUnless(c, v, err))
	}
	return p.doAct(c, op, &v, item)
}

// showUnless shows the desk, unless there is an error to be shown instead.
func (p *pages) showUnless(c *fiber.Ctx, v deskView, err error) error {
	if err != nil {
		return nil
	}
	return p.showDesk(c, v)
}

func (p *pages) findPerson(c *fiber.Ctx, op string, v *deskView) (done bool, err error) {
	if v.Person == "" {
		v.Ask = "staff.desk.personneeded"
		return false, nil
	}
	a, err := p.person(c.UserContext(), op, v.Person)
	if refused := p.refused(c, err); refused != nil {
		v.Result = refused
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case a.ID != "":
		return true, p.serve(c, v, string(a.ID))
	case len(a.Choices) > 0:
		v.People = a.Choices
	case a.Other:
		v.Ask = "staff.desk.isitem"
	default:
		v.Ask = "staff.desk.nobody"
	}
	return false, nil
}

func (p *pages) findThing(c *fiber.Ctx, op string, v *deskView) (id lending.ItemID, done bool, err error) {
	if chosen := c.FormValue("item"); chosen != "" {
		id, err := lending.ParseID[lending.ItemID](chosen)
		if err != nil {
			return "", false, &web.BadInput{Where: "item", What: "is no id"}
		}
		return id, true, nil
	}
	if v.Thing == "" {
		v.Ask = "staff.desk.thingneeded"
		return "", false, nil
	}
	a, err := p.thing(c.UserContext(), op, v.Thing)
	if refused := p.refused(c, err); refused != nil {
		v.Result = refused
		return "", false, nil
	}
	switch {
	case err != nil:
		return "", false, err
	case a.ID != "":
		return a.ID, true, nil
	case len(a.Choices) > 0:
		v.Things = a.Choices
	case a.Other:
		v.Ask = "staff.desk.isbadge"
	default:
		v.Ask = "staff.desk.nothing"
	}
	return "", false, nil
}

func (p *pages) doAct(c *fiber.Ctx, op string, v *deskView, item lending.ItemID) error {
	var out lending.Outcome
	var err error
	if v.TakeBack {
		out, err = p.Desk.Return(act(c), lending.ReturnRequest{Op: op, Station: station, Item: item, Staff: who(c).ID})
	} else {
		out, err = p.Desk.Checkout(act(c), lending.CheckoutRequest{
			Op: op, Station: station, Patron: v.Patron.ID, Item: item, Staff: who(c).ID, Language: p.speaker(c).Code(),
		})
	}
	if err := p.tell(c, v, out, err); err != nil {
		return err
	}
	v.Thing = ""
	return p.showDesk(c, *v)
}

// tell puts what came of an act on the desk; a form that is sent a second
// time for something else is said, not acted on.
func (p *pages) tell(c *fiber.Ctx, v *deskView, out lending.Outcome, err error) error {
	switch refused := p.refused(c, err); {
	case refused != nil:
		v.Result = refused
	case errors.Is(err, lending.ErrOperationReused):
		v.Ask = "staff.desk.used"
	case err != nil:
		return err
	default:
		v.Result = p.result(c, out)
	}
	return nil
}

func (p *pages) refused(c *fiber.Ctx, err error) *result {
	var refusal *lending.Refusal
	if !errors.As(err, &refusal) {
		return nil
	}
	s := p.speaker(c)
	r := &result{Tone: "stop", Title: s.T("staff.result.refused"), Thing: refusal.Thing, Support: refusal.Support()}
	for _, b := range lending.MostFixableFirst(refusal.Reasons) {
		r.Why = append(r.Why, s.Reason(b))
	}
	return r
}

func (p *pages) result(c *fiber.Ctx, out lending.Outcome) *result {
	s := p.speaker(c)
	r := &result{Tone: "ok", Thing: out.Thing, Fact: out.Fact}
	if out.Due != nil {
		r.Due = s.T("staff.result.due", "When", s.When(*out.Due))
	}
	switch out.Kind {
	case lending.Lent:
		r.Title = s.T("staff.result.lent")
	case lending.Shown:
		r.Title, r.Fact = s.T("staff.result.already"), ""
	case lending.Returned:
		r.Title, r.Due = s.T("staff.result.returned"), ""
	case lending.Unmatched:
		r.Tone, r.Title, r.Fact = "attention", s.T("staff.result.unmatched"), ""
		r.Why = []words.Why{{Next: s.T("staff.result.unmatchednext")}}
	case lending.Undone:
		r.Title, r.Fact = s.T("staff.result.loanundone"), ""
		if out.Due != nil {
			r.Title = s.T("staff.result.returnundone")
		}
	default:
		r.Title = s.T("staff.result.notdone")
	}
	return r
}

// takeBack and undo are the buttons in lists; they lead to the desk, which
// says what came of them.
func (p *pages) takeBack(c *fiber.Ctx) error {
	op, err := opOf(c)
	if err != nil {
		return err
	}
	item, errItem := lending.ParseID[lending.ItemID](c.FormValue("item"))
	loan, errLoan := lending.ParseID[lending.LoanID](c.FormValue("loan"))
	if errItem != nil || errLoan != nil {
		return &web.BadInput{Where: "item, loan", What: "are no ids"}
	}
	v := deskView{TakeBack: true}
	if err := p.serve(c, &v, c.FormValue("patron")); err != nil {
		return err
	}
	out, err := p.Desk.Return(act(c), lending.ReturnRequest{Op: op, Station: station, Item: item, Loan: loan, Staff: who(c).ID})
	if err := p.tell(c, &v, out, err); err != nil {
		return err
	}
	return p.showDesk(c, v)
}

func (p *pages) undo(c *fiber.Ctx) error {
	op, err := opOf(c)
	if err != nil {
		return err
	}
	item, errItem := lending.ParseID[lending.ItemID](c.FormValue("item"))
	fact, errFact := lending.ParseID[lending.FactID](c.FormValue("fact"))
	if errItem != nil || errFact != nil {
		return &web.BadInput{Where: "item, fact", What: "are no ids"}
	}
	var v deskView
	if err := p.serve(c, &v, c.FormValue("patron")); err != nil {
		return err
	}
	out, err := p.Desk.Undo(act(c), lending.UndoRequest{Op: op, Station: station, Item: item, Fact: fact, Staff: who(c).ID})
	if err := p.tell(c, &v, out, err); err != nil {
		return err
	}
	return p.showDesk(c, v)
}

// opOf reads the operation id that a form was drawn with.
func opOf(c *fiber.Ctx) (string, error) {
	id, err := lending.ParseID[lending.FactID](c.FormValue("op"))
	if err != nil {
		return "", &web.BadInput{Where: "op", What: "is missing"}
	}
	return station + "/" + string(id), nil
}
