package panel

import (
	"math"
	"time"

	"tapshelf/kiosk"
	"tapshelf/kiosk/words"
)

// Place is what a page depends on besides its screen.
type Place struct {
	Words    *words.Catalogue
	Station  kiosk.Station
	Contact  string
	Patience time.Duration
	Rows     int
	Now      time.Time
}

// Page is a screen in words. Exactly one of the views is set: what fills the
// content area.
type Page struct {
	*words.Speaker
	Station  kiosk.Station
	Stage    kiosk.Stage
	Rev      uint64
	Patience int64 // ms of silence before a display says so

	// Counts is what stands in the one status line; Heard is added for
	// those who listen to it.
	Counts []string
	Heard  string
	Strips []Strip

	Idle    *IdleView
	List    *ListView
	Card    *CardView
	Steps   *StepsView
	Warning *WarningView
	Leaving *LeavingView
	Plain   *PlainView

	Languages []Button
	Help      Button
	Finish    *Button
	Offline   []Line // in every language, for a display that is cut off
}

// Line is a text with its own language.
type Line struct{ Lang, Text string }

// Tone is how a strip, row or card is coloured, with an icon of its own.
type Tone string

// The tones. Stop means that this will not work.
const (
	Calm      Tone = "calm"
	OK        Tone = "ok"
	Attention Tone = "attention"
	Stop      Tone = "stop"
)

// Strip is one line above the content.
type Strip struct {
	Tone Tone
	Text string
}

// IdleView invites in every language, the display's own first.
type IdleView struct {
	Title       string // of the station
	Invitations []Invitation
	Empty       string // in the display's own language: no items yet
}

// Invitation is what the idle screen says in one language.
type Invitation struct{ Lang, Start, Returning string }

// StepsView is the help page.
type StepsView struct {
	Title   string
	Steps   []string
	Contact string
	Back    Button
}

// WarningView asks whether somebody is still there. Countdown has {} where
// the number of Seconds goes, so that a display can count.
type WarningView struct {
	Countdown string
	Seconds   int
	Buttons   []Button
}

// LeavingView tells what was done.
type LeavingView struct {
	Title, Bye string
	Also       []string
	NotLent    string
}

// PlainView is a heading and a sentence.
type PlainView struct{ Title, Next string }

// NewPage puts a screen into words. It depends on its arguments alone.
func NewPage(s kiosk.Screen, at Place) Page {
	p := Page{
		Speaker: at.Words.In(s.Language), Station: at.Station, Stage: s.Stage, Rev: s.Rev,
		Patience: at.Patience.Milliseconds(),
	}
	p.rail(s, at.Words)
	p.strips(s)
	switch {
	case s.Stage == kiosk.Closed:
		p.Plain = &PlainView{p.T("panel.closed.title"), p.T("panel.closed.next")}
	case s.WarnUntil != nil:
		p.warn(s, at)
	case s.Ask != nil && s.Ask.Kind == kiosk.AskHelp:
		p.steps(at)
	case s.Stage == kiosk.NewHere:
		p.Plain = &PlainView{p.T("panel.visit.new_person", "Name", given(s)), p.T("panel.visit.new_person_next")}
	case s.Stage == kiosk.Leaving:
		p.leave(s)
	case s.Stage == kiosk.Idle && s.Notice == nil:
		p.invite(s, at.Words)
	default:
		p.visit(s, at.Rows)
	}
	return p
}

// rail has the other two languages, Help always in one place, and Finish
// while there is a visit to finish.
func (p *Page) rail(s kiosk.Screen, all *words.Catalogue) {
	names := map[string][2]string{
		words.English: {"EN", "EN, English"}, words.Traditional: {"繁", "繁體中文"}, words.Simplified: {"简", "简体中文"},
	}
	for _, lang := range words.Languages() {
		other := all.In(lang)
		p.Offline = append(p.Offline, Line{other.Lang(), other.T("panel.offline")})
		if lang == p.Code() {
			continue
		}
		b := p.button(names[lang][0], kiosk.ActLanguage, "", lang)
		b.Says, b.Lang = names[lang][1], other.Lang()
		p.Languages = append(p.Languages, b)
	}
	p.Help = p.button(p.T("panel.press.help"), kiosk.ActHelp, "", "")
	if s.Stage == kiosk.Open && s.WarnUntil == nil && s.Ask == nil {
		b := p.button(p.T("panel.press.done"), kiosk.ActDone, "", "")
		b.Primary = true
		p.Finish = &b
	}
}

// strips are what concerns everybody, and a press that came too late.
func (p *Page) strips(s kiosk.Screen) {
	if s.ReadersDown && s.Stage != kiosk.Closed {
		p.Strips = append(p.Strips, Strip{Attention, p.T("panel.readers_down")})
	}
	if s.Notice != nil && s.Notice.Kind == kiosk.NoticeStale {
		p.Strips = append(p.Strips, Strip{Attention, p.T("panel.stale")})
	}
}

func (p *Page) invite(s kiosk.Screen, all *words.Catalogue) {
	v := &IdleView{Invitations: []Invitation{invitation(p.Speaker)}}
	if len(p.Strips) == 0 {
		v.Title = p.Station.Title
	}
	for _, lang := range words.Languages() {
		if lang != p.Code() {
			v.Invitations = append(v.Invitations, invitation(all.In(lang)))
		}
	}
	if s.Empty {
		v.Empty = p.Sentences(p.T("panel.idle.empty"), p.T("panel.idle.empty_next"))
	}
	p.Idle = v
}

func invitation(s *words.Speaker) Invitation {
	return Invitation{s.Lang(), s.T("panel.idle.start"), s.T("panel.idle.returning")}
}

func (p *Page) steps(at Place) {
	v := &StepsView{Title: p.T("panel.help.title"), Back: p.button(p.T("panel.press.back"), kiosk.ActBack, "", "")}
	v.Back.Primary = true
	for _, step := range []string{"borrow", "return", "finish", "undo"} {
		v.Steps = append(v.Steps, p.T("panel.help."+step))
	}
	v.Contact = p.T("panel.help.staff")
	if at.Contact != "" {
		v.Contact = p.T("panel.help.contact", "Contact", at.Contact)
	}
	p.Steps = v
}

func (p *Page) warn(s kiosk.Screen, at Place) {
	left := max(0, int(math.Ceil(s.WarnUntil.Sub(at.Now).Seconds())))
	keep := p.button(p.T("panel.press.keep"), kiosk.ActKeep, "", "")
	keep.Primary = true
	p.Warning = &WarningView{
		Countdown: p.T("panel.warning.countdown", "Seconds", "{}"), Seconds: left,
		Buttons: []Button{keep, p.button(p.T("panel.press.done_now"), kiosk.ActDone, "", "")},
	}
}

// counts says what this visit has done; it is empty when that is nothing.
func (p *Page) counts(s kiosk.Screen) []string {
	var out []string
	if s.Borrowed > 0 {
		out = append(out, p.N("panel.count.borrowed", s.Borrowed))
	}
	if s.Returned > 0 {
		out = append(out, p.N("panel.count.returned", s.Returned))
	}
	return out
}

func (p *Page) leave(s kiosk.Screen) {
	v := &LeavingView{Title: p.T("panel.leaving.nothing")}
	if counts := p.counts(s); len(counts) > 0 {
		v.Title, v.Also = counts[0], counts[1:]
	}
	if s.Given != "" {
		v.Bye = p.T("panel.leaving.bye", "Name", given(s))
	}
	var names []string
	for _, t := range s.NotLent {
		names = append(names, thing(t))
	}
	if len(names) > 0 {
		v.NotLent = p.Sentences(p.T("panel.leaving.not_lent", "Things", p.Speaker.List(names)), p.T("panel.leaving.not_lent_next"))
	}
	p.Leaving = v
	p.Heard = v.Title
}
