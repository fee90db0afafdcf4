package words

import (
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"

	"tapshelf/lending"
)

// voice is what a language has besides its catalogue.
type voice struct {
	tag       string // for the lang attribute
	day, when string // layouts; WEEKDAY stands for the weekday's name
	weekdays  [7]string
	list      string // between members of a list
	stop      string // between two sentences
}

var chineseDays = [7]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"}

var voices = map[string]voice{
	English: {
		tag: "en", day: "WEEKDAY 2 Jan", when: "WEEKDAY 2 Jan, 15:04", list: ", ", stop: ". ",
		weekdays: [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
	},
	Traditional: {
		tag: "zh-Hant-HK", day: "1月2日（WEEKDAY）", when: "1月2日（WEEKDAY）15:04", list: "、", stop: "。",
		weekdays: chineseDays,
	},
	Simplified: {
		tag: "zh-Hans", day: "1月2日（WEEKDAY）", when: "1月2日（WEEKDAY）15:04", list: "、", stop: "。",
		weekdays: chineseDays,
	},
}

// Speaker says things in one language. Its methods may be called from
// templates, and from many goroutines at once.
type Speaker struct {
	code string
	voice
	zone      *time.Location
	localizer *i18n.Localizer
}

// Code is the language as the rest of the counter spells it: "zh-Hant".
func (s *Speaker) Code() string { return s.code }

// Lang is the language for a lang attribute: "en", "zh-Hant-HK", "zh-Hans".
// The region chooses Hong Kong glyph shapes.
func (s *Speaker) Lang() string { return s.tag }

// T says the sentence of a key. Pairs are the names and values of its
// placeholders: T("panel.hello", "Name", "Ada"). A key that no catalogue
// has comes back as it is.
func (s *Speaker) T(key string, pairs ...any) string {
	return s.say(key, &i18n.LocalizeConfig{MessageID: key, TemplateData: data(pairs)})
}

// N says the sentence of a key for n things; {{.Count}} is n.
func (s *Speaker) N(key string, n int, pairs ...any) string {
	d := data(pairs)
	d["Count"] = n
	return s.say(key, &i18n.LocalizeConfig{MessageID: key, TemplateData: d, PluralCount: n})
}

func (s *Speaker) say(key string, c *i18n.LocalizeConfig) string {
	text, err := s.localizer.Localize(c)
	if err != nil || text == "" {
		return key
	}
	return text
}

func data(pairs []any) map[string]any {
	d := make(map[string]any, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			d[name] = pairs[i+1]
		}
	}
	return d
}

// List joins names as the language writes a list.
func (s *Speaker) List(names []string) string { return strings.Join(names, s.list) }

// Sentences joins sentences that stand in one line; a title gets its full
// stop.
func (s *Speaker) Sentences(title, next string) string { return title + s.stop + next }

// When tells an instant in the site's zone: "Fri 27 Nov, 18:00".
func (s *Speaker) When(t time.Time) string { return s.layout(s.when, t) }

// Day tells a day in the site's zone: "Fri 27 Nov".
func (s *Speaker) Day(t time.Time) string { return s.layout(s.day, t) }

// Stamp tells an instant so that it sorts and has a year, for tables of
// staff: "2026-11-27 18:00". It is the same in every language.
func (s *Speaker) Stamp(t time.Time) string { return t.In(s.zone).Format("2006-01-02 15:04") }

func (s *Speaker) layout(layout string, t time.Time) string {
	t = t.In(s.zone)
	return strings.Replace(t.Format(layout), "WEEKDAY", s.weekdays[t.Weekday()], 1)
}

// Why explains a reason or a finding to the person it concerns.
type Why struct {
	Title string // what is true about the thing
	Next  string // the next step that can be taken now
	Short string // two or three words, for a table
}

// Reason explains a refusal, its numbers and dates filled in.
func (s *Speaker) Reason(b lending.Because) Why {
	at := ""
	if b.At != nil {
		at = s.Day(*b.At)
	}
	return s.why("reason."+string(b.Reason), "Count", b.Count, "Max", b.Max, "At", at)
}

// Finding explains to staff what does not add up and what to do about it.
func (s *Speaker) Finding(kind lending.FindingKind) Why {
	return s.why("finding." + string(kind))
}

func (s *Speaker) why(key string, pairs ...any) Why {
	return Why{
		Title: s.T(key+".title", pairs...),
		Next:  s.T(key+".next", pairs...),
		Short: s.T(key+".short", pairs...),
	}
}
