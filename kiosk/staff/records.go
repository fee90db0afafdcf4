package staff

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// patronView is the page of a person.
type patronView struct {
	lending.PatronView
	Rows    []loanRow
	Expires string
	Ended   bool
}

func (p *pages) patron(c *fiber.Ctx) error {
	id, err := lending.ParseID[lending.PatronID](c.Params("id"))
	if err != nil {
		return lending.ErrNotFound
	}
	view, err := p.Queries.PatronView(c.UserContext(), id)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	v := patronView{PatronView: view}
	if view.Expires != nil {
		v.Expires, v.Ended = s.Day(view.Expires.Add(-time.Minute)), !p.Now().Before(*view.Expires)
	}
	for _, l := range view.Loans {
		v.Rows = append(v.Rows, p.loanRow(s, l))
	}
	return p.show(c, fiber.StatusOK, "patron.html", "staff.patron.title", v)
}

// itemView is the page of a thing.
type itemView struct {
	lending.ItemView
	Open    *loanRow
	History []event
}

// event is one line of what happened to a thing.
type event struct{ When, Text string }

func (p *pages) item(c *fiber.Ctx) error {
	id, err := lending.ParseID[lending.ItemID](c.Params("id"))
	if err != nil {
		return lending.ErrNotFound
	}
	view, err := p.Queries.ItemView(c.UserContext(), id)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	v := itemView{ItemView: view}
	if view.Loan != nil {
		r := p.loanRow(s, *view.Loan)
		v.Open = &r
	}
	for _, f := range view.History {
		v.History = append(v.History, event{s.When(f.At), happened(s, f)})
	}
	return p.show(c, fiber.StatusOK, "item.html", "staff.item.title", v)
}

// happened says a fact in words. One that cannot be read is said to be so.
func happened(s *words.Speaker, f lending.Fact) string {
	switch f.Kind {
	case lending.FactLent:
		if b, err := lending.Decode[lending.LentBody](f); err == nil {
			return s.T("staff.fact.lent", "Station", b.Station, "When", s.When(time.UnixMilli(b.Due)))
		}
	case lending.FactReturned:
		if b, err := lending.Decode[lending.ReturnedBody](f); err == nil && f.Loan != "" {
			return s.T("staff.fact.returned", "Station", b.Station)
		} else if err == nil {
			return s.T("staff.fact.unmatched", "Station", b.Station)
		}
	case lending.FactUndone:
		if b, err := lending.Decode[lending.UndoneBody](f); err == nil {
			return s.T("staff.fact.undone"+string(b.Kind), "Station", b.Station)
		}
	case lending.FactRefused:
		if b, err := lending.Decode[lending.RefusedBody](f); err == nil {
			return s.T("staff.fact.refused", "Station", b.Station, "Reasons", reasonsOf(s, b))
		}
	case lending.FactChanged:
		if b, err := lending.Decode[lending.ChangedBody](f); err == nil && b.Rev == 1 && b.Table == "item" {
			return s.T("staff.fact.created")
		} else if err == nil {
			return s.T("staff.fact.changed", "Columns", columnsOf(s, b))
		}
	case lending.FactFindingOpened, lending.FactFindingClosed:
		if b, err := lending.Decode[lending.FindingBody](f); err == nil {
			return s.T("staff.fact."+strings.TrimPrefix(string(f.Kind), "finding_"), "Finding", s.Finding(b.Kind).Short)
		}
	}
	return s.T("staff.fact.unknown")
}

func reasonsOf(s *words.Speaker, b lending.RefusedBody) string {
	var names []string
	for _, r := range b.Reasons {
		names = append(names, s.Reason(r).Short)
	}
	return s.List(names)
}

func columnsOf(s *words.Speaker, b lending.ChangedBody) string {
	var names []string
	for _, c := range b.Columns {
		names = append(names, s.T("staff.column."+c))
	}
	return s.List(names)
}

// findingRow is a finding with its words.
type findingRow struct {
	lending.FindingView
	Why   words.Why
	Since string
}

func (p *pages) findings(c *fiber.Ctx) error {
	list, err := p.Queries.Findings(c.UserContext(), true)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	var rows []findingRow
	for _, f := range list {
		rows = append(rows, findingRow{f, s.Finding(f.Kind), s.When(f.OpenedAt)})
	}
	return p.show(c, fiber.StatusOK, "findings.html", "staff.findings.title", rows)
}

func (p *pages) closeFinding(c *fiber.Ctx) error {
	id, err := lending.ParseID[lending.FindingID](c.Params("id"))
	if err != nil {
		return lending.ErrNotFound
	}
	if err := p.Desk.CloseFinding(act(c), id, who(c).ID); err != nil {
		return err
	}
	return c.Redirect("/findings", fiber.StatusSeeOther)
}

// searchView is what a search found.
type searchView struct {
	Asked    bool
	People   []lending.Patron
	Things   []lending.Thing
	Refusals []refusalRow
	Maybe    bool
}

type refusalRow struct {
	When, Reasons, Station string
	Item                   lending.ItemID
}

// most is how many of each kind a search lists.
const most = 20

// search looks everywhere at once. Its text travels in a POST, as it may
// name a person.
func (p *pages) search(c *fiber.Ctx) error {
	q := strings.TrimSpace(c.FormValue("q"))
	v := searchView{Asked: q != "" && c.Method() == fiber.MethodPost}
	if !v.Asked {
		return p.show(c, fiber.StatusOK, "search.html", "staff.search.title", v)
	}
	var err error
	if v.People, err = p.Queries.FindPatrons(c.UserContext(), q, most); err != nil {
		return err
	}
	if v.Things, err = p.Queries.FindItems(c.UserContext(), q, most); err != nil {
		return err
	}
	if len(v.People)+len(v.Things) == 0 {
		if err := p.searchTag(c, q, &v); err != nil {
			return err
		}
	}
	if err := p.searchRefusals(c, q, &v); err != nil {
		return err
	}
	v.Maybe = len(v.People) == most || len(v.Things) == most
	return p.show(c, fiber.StatusOK, "search.html", "staff.search.title", v)
}

// searchTag finds whose badge or what thing a scanned number is. A number
// that nobody knows is no refusal here.
func (p *pages) searchTag(c *fiber.Ctx, q string, v *searchView) error {
	id, err := p.identify(c.UserContext(), station+"/"+p.NewID(), q, true)
	if p.refused(c, err) != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if id.Patron != nil {
		v.People = append(v.People, *id.Patron)
	}
	if id.Item != "" {
		view, err := p.Queries.ItemView(c.UserContext(), id.Item)
		if err != nil {
			return err
		}
		v.Things = append(v.Things, lending.Thing{Item: id.Item, Name: view.Title.Name, Label: view.Label, Type: view.Title.LoanType})
	}
	return nil
}

// searchRefusals finds refusals by a support code such as L2-4F0C.
func (p *pages) searchRefusals(c *fiber.Ctx, q string, v *searchView) error {
	_, suffix, isCode := strings.Cut(q, "-")
	if !isCode || len(suffix) != 4 {
		return nil
	}
	facts, err := p.Queries.FindRefusals(c.UserContext(), suffix)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	for _, f := range facts {
		b, err := lending.Decode[lending.RefusedBody](f)
		if err != nil {
			return err
		}
		v.Refusals = append(v.Refusals, refusalRow{s.When(f.At), reasonsOf(s, b), b.Station, f.Item})
	}
	return nil
}

// readerRow is a reader with its words.
type readerRow struct {
	ReaderHealth
	Tone, Says, Seen string
}

func (p *pages) readers(c *fiber.Ctx) error {
	s := p.speaker(c)
	var rows []readerRow
	for _, h := range p.Readers() {
		r := readerRow{ReaderHealth: h, Tone: "stop", Says: s.T("staff.readers.down"), Seen: s.T("staff.frame.never")}
		switch h.State {
		case "working":
			r.Tone, r.Says = "ok", s.T("staff.readers.up")
		case "starting":
			r.Tone, r.Says = "attention", s.T("staff.readers.starting")
		}
		if !h.LastSeen.IsZero() {
			r.Seen = s.When(h.LastSeen)
		}
		rows = append(rows, r)
	}
	return p.show(c, fiber.StatusOK, "readers.html", "staff.readers.title", rows)
}

// adminView is who may log in, and which systems may call.
type adminView struct {
	Staff  []lending.Staff
	Tokens []tokenRow
}

type tokenRow struct {
	lending.Token
	Made, Used string
}

func (p *pages) admin(c *fiber.Ctx) error {
	staff, err := p.Queries.ListStaff(c.UserContext())
	if err != nil {
		return err
	}
	tokens, err := p.Queries.Tokens(c.UserContext())
	if err != nil {
		return err
	}
	s := p.speaker(c)
	v := adminView{Staff: staff}
	for _, t := range tokens {
		r := tokenRow{t, s.Stamp(t.Created), s.T("staff.frame.never")}
		if t.LastUsed != nil {
			r.Used = s.Stamp(*t.LastUsed)
		}
		v.Tokens = append(v.Tokens, r)
	}
	return p.show(c, fiber.StatusOK, "admin.html", "staff.admin.title", v)
}
