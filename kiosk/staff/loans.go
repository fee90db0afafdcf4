package staff

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// shownLoans is how many loans a page lists; the CSV file has more.
const (
	shownLoans = 500
	csvLoans   = 100_000
)

// loansView is the list of loans.
type loansView struct {
	Tab   string // open, overdue, returned
	Tabs  []string
	Loans []loanRow
	More  bool
	Now   string
}

// loanRow is a loan with its words.
type loanRow struct {
	lending.LoanView
	Due, Back, Late string
}

func (p *pages) loans(c *fiber.Ctx) error {
	tab, f := p.filter(c)
	f.Limit = shownLoans + 1
	list, err := p.Queries.Loans(c.UserContext(), f)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	v := loansView{Tab: tab, Tabs: []string{"open", "overdue", "returned"}, Now: s.When(p.Now())}
	if v.More = len(list) > shownLoans; v.More {
		list = list[:shownLoans]
	}
	for _, l := range list {
		v.Loans = append(v.Loans, p.loanRow(s, l))
	}
	return p.show(c, fiber.StatusOK, "loans.html", "staff.loans.title", v)
}

// filter reads which loans are asked for; the address holds a code only.
func (p *pages) filter(c *fiber.Ctx) (tab string, f lending.LoanFilter) {
	now := p.Now()
	switch c.Query("show") {
	case "overdue":
		return "overdue", lending.LoanFilter{DueBefore: &now}
	case "returned":
		y, m, d := now.In(p.Zone).Date()
		morning := time.Date(y, m, d, 0, 0, 0, 0, p.Zone)
		return "returned", lending.LoanFilter{ReturnedSince: &morning}
	default:
		return "open", lending.LoanFilter{Open: true}
	}
}

func (p *pages) loanRow(s *words.Speaker, l lending.LoanView) loanRow {
	r := loanRow{LoanView: l, Due: s.When(l.DueAt)}
	if l.ReturnedAt != nil {
		r.Back = s.When(*l.ReturnedAt)
	}
	if now := p.Now(); l.Overdue(now) {
		r.Late = late(s, now.Sub(l.DueAt))
	}
	return r
}

// late is a span of lateness in its largest unit.
func late(s *words.Speaker, d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return s.N("staff.late.days", int(d/(24*time.Hour)))
	case d >= time.Hour:
		return s.N("staff.late.hours", int(d/time.Hour))
	default:
		return s.N("staff.late.minutes", max(1, int(d/time.Minute)))
	}
}

func (p *pages) loansCSV(c *fiber.Ctx) error {
	tab, f := p.filter(c)
	f.Limit = csvLoans
	list, err := p.Queries.Loans(c.UserContext(), f)
	if err != nil {
		return err
	}
	s := p.speaker(c)
	var head []string
	for _, key := range []string{"number", "thing", "label", "itemnumber", "person", "personnumber", "lentat", "due", "back", "at"} {
		head = append(head, s.T("staff.loans."+key))
	}
	rows := [][]string{head}
	for _, l := range list {
		back := ""
		if l.ReturnedAt != nil {
			back = s.Stamp(*l.ReturnedAt)
		}
		rows = append(rows, []string{string(l.ID), l.Thing.Name, l.Thing.Label, l.ItemExternal, l.PatronName, l.PatronExternal,
			s.Stamp(l.LentAt), s.Stamp(l.DueAt), back, l.Station})
	}
	body, err := csvFile(rows)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="loans-`+tab+`.csv"`)
	return c.Send(body)
}
