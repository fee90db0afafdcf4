package panel

import (
	"strings"

	"golang.org/x/text/width"

	"tapshelf/kiosk"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

// ListView is a visit: what happened so far, newest first.
type ListView struct {
	Title  string
	Strips []Strip // what stands against the patron
	Prompt string
	Next   string
	Big    bool // nothing has happened yet: the prompt fills the page
	Rows   []RowView
	More   string
}

// RowView is one thing in a list.
type RowView struct {
	ID          string
	Tone        Tone
	Name, Label string
	Text        string
	Loud        bool // to be told at once to those who listen
	Fresh       bool
	Button      *Button
}

// CardView is one thing that fills the page: what is true about it, the
// next step, and what is not affected.
type CardView struct {
	Tone        Tone
	Name, Label string
	Tail        string
	Why         []words.Why
	More        string // titles of reasons for which there is no room
	Dense       bool
	Support     string
	Unaffected  string
	Buttons     []Button
}

// A card holds so many reasons at ease, and so many in full; of yet more it
// tells the titles.
const (
	whyRoomy = 2
	whyMost  = 3
)

// visit shows a notice, the newest thing if it asks for something, or the
// list.
func (p *Page) visit(s kiosk.Screen, most int) {
	if s.Stage == kiosk.Open {
		p.Counts = p.counts(s)
	}
	if n := s.Notice; n != nil && n.Kind == kiosk.NoticeRefused {
		c := p.refusal(n.Reasons, n.Support)
		if n.Tail != "" {
			c.Tail = p.T("panel.tail", "Tail", n.Tail)
		}
		p.Card = p.unaffected(c, len(s.Rows) > 0)
		return
	}
	if c := p.card(s); c != nil {
		p.Card = p.unaffected(c, len(s.Rows) > 1)
		return
	}
	p.list(s, most)
	if len(s.Rows) > 0 && p.List.Rows[0].Fresh && !p.List.Rows[0].Loud {
		r := p.List.Rows[0]
		p.Heard = strings.Join([]string{r.Name, r.Label, r.Text}, " ")
	}
}

func (p *Page) unaffected(c *CardView, others bool) *CardView {
	if others {
		c.Unaffected = p.T("panel.unaffected")
	}
	return c
}

// card is the page of the newest row, or nil if that has its place in the
// list.
func (p *Page) card(s kiosk.Screen) *CardView {
	if len(s.Rows) == 0 {
		return nil
	}
	r := s.Rows[0]
	var c *CardView
	switch r.State {
	case kiosk.RowRefused, kiosk.RowNeedsStaff:
		c = p.refusal(r.Reasons, r.Support)
		if r.State == kiosk.RowNeedsStaff {
			c.Tone = Attention
		}
	case kiosk.RowUndoing:
		c = p.say(Attention, "undoing")
	case kiosk.RowJustBorrowed:
		c = p.say(Attention, "just_borrowed")
	case kiosk.RowFailed:
		c = p.say(Stop, "failed")
	case kiosk.RowWaiting:
		if len(s.Rows) == 1 {
			c = p.say(Calm, "waiting")
		}
	case kiosk.RowReturned:
		if len(s.Rows) == 1 && s.Stage == kiosk.Waiting {
			c = p.say(OK, "returned")
		}
	}
	if c == nil {
		return nil
	}
	c.Name, c.Label = shorten(r.Thing.Name, nameWidest), r.Thing.Label
	for i, a := range r.Actions {
		b := p.act(r, a)
		b.Primary = i == 0 && r.State != kiosk.RowNeedsStaff // there, the badge is what to do
		c.Buttons = append(c.Buttons, b)
	}
	return c
}

func (p *Page) say(tone Tone, what string) *CardView {
	return &CardView{Tone: tone, Why: []words.Why{{
		Title: p.T("panel.card." + what), Next: p.T("panel.card." + what + "_next"),
	}}}
}

func (p *Page) refusal(reasons []lending.Because, support string) *CardView {
	c := &CardView{Tone: Stop, Dense: len(reasons) > whyRoomy}
	for i, b := range reasons {
		why := p.Reason(b)
		if i < whyMost {
			c.Why = append(c.Why, why)
		} else if c.More == "" {
			c.More = why.Title
		} else {
			c.More = p.Sentences(c.More, why.Title)
		}
	}
	if support != "" {
		c.Support = p.T("panel.support", "Code", support)
	}
	return c
}

// act is a button of a row.
func (p *Page) act(r kiosk.Row, a kiosk.Action) Button {
	what := string(a)
	if a == kiosk.ActDismiss {
		switch r.State {
		case kiosk.RowUndoing, kiosk.RowJustBorrowed:
			what = "keep_loan"
		case kiosk.RowRefused, kiosk.RowNeedsStaff:
			what = "leave"
		}
	}
	return p.button(p.T("panel.press."+what), a, r.ID, "")
}

func (p *Page) list(s kiosk.Screen, most int) {
	v := &ListView{}
	switch {
	case s.Stage == kiosk.Open && len(s.Rows) == 0:
		v.Big, v.Title = true, p.T("panel.visit.hello", "Name", given(s))
		v.Prompt, v.Next = p.T("panel.visit.first"), p.T("panel.visit.first_next")
		v.Strips = p.standing(s)
	case s.Stage == kiosk.Open:
		v.Title, v.Prompt = p.T("panel.visit.hello", "Name", given(s)), p.T("panel.visit.prompt")
		v.Strips = p.late(s)
	case len(s.Rows) > 0 && s.Rows[0].State == kiosk.RowWaiting:
		v.Title = p.T("panel.card.waiting_many")
	default:
		v.Title = p.T("panel.title")
	}
	most = max(1, most-len(p.Strips)-len(v.Strips))
	for i, r := range s.Rows {
		if i == most {
			v.More, v.Prompt = p.N("panel.count.more", len(s.Rows)-most), ""
			break
		}
		v.Rows = append(v.Rows, p.row(r))
	}
	p.List = v
}

// standing is what stands against the patron, told before any item. Once
// there are items, each refusal says it again.
func (p *Page) standing(s kiosk.Screen) []Strip {
	strips := p.late(s)
	for i, b := range s.Standing {
		if i < whyRoomy {
			why := p.Reason(b)
			strips = append(strips, Strip{Attention, p.Sentences(why.Title, why.Next)})
		}
	}
	if s.Loans > 0 && len(p.Counts) == 0 {
		p.Counts = []string{p.N("panel.count.loans", s.Loans)}
	}
	return strips
}

func (p *Page) late(s kiosk.Screen) []Strip {
	if s.Overdue == 0 {
		return nil
	}
	return []Strip{{Attention, p.N("panel.count.overdue", s.Overdue)}}
}

// rowTones are the tones of rows; one that is not here is Calm.
var rowTones = map[kiosk.RowState]Tone{
	kiosk.RowLent: OK, kiosk.RowHandedOver: OK, kiosk.RowReturned: OK, kiosk.RowShown: OK,
	kiosk.RowJustBorrowed: Attention, kiosk.RowNeedsStaff: Attention, kiosk.RowUndoing: Attention,
	kiosk.RowRefused: Stop, kiosk.RowFailed: Stop,
}

func (p *Page) row(r kiosk.Row) RowView {
	v := RowView{
		ID: r.ID, Tone: Calm, Name: shorten(r.Thing.Name, nameWidest), Label: r.Thing.Label,
		Text: p.rowText(r), Fresh: r.Fresh,
	}
	if tone, ok := rowTones[r.State]; ok {
		v.Tone = tone
	}
	v.Loud = v.Tone == Stop || v.Tone == Attention
	if v.Name == "" && r.State != kiosk.RowChecking {
		v.Name = p.T("panel.row.unknown")
	}
	if len(r.Actions) > 0 {
		b := p.act(r, r.Actions[0])
		b.Says = b.Label + ": " + thing(r.Thing)
		b.Primary = r.Fresh
		if r.Actions[0] == kiosk.ActDismiss && r.State != kiosk.RowUndoing {
			b.Label = p.T("panel.press.close")
			b.Says = b.Label + ": " + thing(r.Thing)
		}
		v.Button = &b
	}
	return v
}

func (p *Page) rowText(r kiosk.Row) string {
	when := ""
	if r.Due != nil {
		when = p.When(*r.Due)
	}
	switch r.State {
	case kiosk.RowJustBorrowed:
		return p.T("panel.card.just_borrowed_next")
	case kiosk.RowUndoing, kiosk.RowFailed:
		return p.T("panel.card." + string(r.State))
	case kiosk.RowRefused, kiosk.RowNeedsStaff:
		if len(r.Reasons) > 0 {
			return p.Reason(r.Reasons[0]).Title
		}
		return p.T("panel.card.failed")
	case kiosk.RowUndone:
		if r.Due != nil { // a return was undone: the loan is open again
			return p.T("panel.row.return_undone", "When", when)
		}
	}
	return p.T("panel.row."+string(r.State), "When", when)
}

// thing is what people call an item: "ThinkPad T14 · LAP-001".
func thing(t lending.Thing) string {
	if t.Label == "" {
		return shorten(t.Name, nameWidest)
	}
	return shorten(t.Name, nameWidest) + " · " + t.Label
}

func given(s kiosk.Screen) string { return shorten(s.Given, givenWidest) }

// How wide names may be, a Latin letter being 1 and a Han character 2: what
// fits two lines of a row, and one line of a heading.
const (
	nameWidest  = 46
	givenWidest = 20
)

// shorten ends a name that is too wide with an ellipsis.
func shorten(name string, widest int) string {
	wide := 0
	for i, r := range name {
		wide++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			wide++
		}
		if wide > widest {
			return strings.TrimSpace(name[:i]) + "…"
		}
	}
	return name
}
