package lending

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a period counts.
type Unit string

// The units of a period.
const (
	Minute Unit = "minute"
	Hour   Unit = "hour"
	Day    Unit = "day"   // calendar days; keeps the time of day across a clock change
	Until  Unit = "until" // the next time it is At, at least ShortestLoan away
)

// ShortestLoan is the least time an item is lent for; a loan that would be
// shorter is refused, or runs until the next day.
const ShortestLoan = 15 * time.Minute

// TimeOfDay is minutes since local midnight, 0 to 1440; 1440 is the end of
// the day.
type TimeOfDay int

// String is the time as "18:00".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// ParseTimeOfDay reads "18:00"; "24:00" is the end of the day.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, errH := strconv.Atoi(h)
	minute, errM := strconv.Atoi(m)
	if !ok || len(h) != 2 || len(m) != 2 || errH != nil || errM != nil ||
		hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fmt.Errorf("%q is not a time of day like 18:00", s)
	}
	return TimeOfDay(hour*60 + minute), nil
}

// Period is how long a loan lasts: N units, and for days optionally At, the
// time of day at which it is due. "until" has At and no N.
type Period struct {
	N    int
	Unit Unit
	At   *TimeOfDay // nil: the same time of day as the loan
}

// String spells a period as ParsePeriod reads it: "4 hours",
// "3 days at 18:00", "until 17:30".
func (p Period) String() string {
	if p.Unit == Until {
		return "until " + p.At.String()
	}
	s := fmt.Sprintf("%d %s", p.N, p.Unit)
	if p.N != 1 {
		s += "s"
	}
	if p.At != nil {
		s += " at " + p.At.String()
	}
	return s
}

// ParsePeriod reads "90 minutes", "4 hours", "1 day", "3 days at 18:00" or
// "until 17:30". A period lasts at least ShortestLoan and at most 366 days.
func ParsePeriod(s string) (Period, error) {
	bad := func(why string) (Period, error) {
		return Period{}, fmt.Errorf("period %q: %s", s, why)
	}
	words := strings.Fields(s)
	if len(words) == 2 && words[0] == "until" {
		at, err := ParseTimeOfDay(words[1])
		if err != nil {
			return bad(err.Error())
		}
		return Period{Unit: Until, At: &at}, nil
	}
	if len(words) != 2 && (len(words) != 4 || words[2] != "at") {
		return bad(`write it like "4 hours", "3 days at 18:00" or "until 17:30"`)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 {
		return bad("it starts with a whole number above 0")
	}
	p := Period{N: n, Unit: Unit(strings.TrimSuffix(words[1], "s"))}
	most, known := map[Unit]int{Minute: 366 * 24 * 60, Hour: 366 * 24, Day: 366}[p.Unit]
	if !known {
		return bad("its unit is minutes, hours or days")
	}
	if n > most || p.Unit == Minute && time.Duration(n)*time.Minute < ShortestLoan {
		return bad("a loan lasts from 15 minutes to 366 days")
	}
	if len(words) == 4 {
		at, err := ParseTimeOfDay(words[3])
		if err != nil {
			return bad(err.Error())
		}
		if p.Unit != Day {
			return bad("only days are due at a time of day")
		}
		p.At = &at
	}
	return p, nil
}

// Policy says for how long and how many things of a loan type are lent.
type Policy struct {
	ID       PolicyID
	LoanType string // the titles it governs
	Period   Period
	// LimitTotal is how many open loans of any type a patron may have when
	// borrowing under this policy; LimitType how many of this loan type.
	// 0 means no limit.
	LimitTotal int
	LimitType  int
	// SelfService says whether patrons may take the item without staff.
	SelfService bool
	Rev         int
}

// Due is when a loan made at now is due. Seconds round up to the next whole
// minute first, so that nobody gets less than the period promises.
func (p Policy) Due(now time.Time, zone *time.Location) time.Time {
	if r := now.Truncate(time.Minute); !r.Equal(now) {
		now = r.Add(time.Minute)
	}
	local := now.In(zone)
	y, m, d := local.Date()
	switch p.Period.Unit {
	case Minute:
		return now.Add(time.Duration(p.Period.N) * time.Minute).UTC()
	case Hour:
		return now.Add(time.Duration(p.Period.N) * time.Hour).UTC()
	case Until:
		due := wall(y, m, d, *p.Period.At, zone)
		if due.Sub(now) < ShortestLoan {
			due = wall(y, m, d+1, *p.Period.At, zone)
		}
		return due.UTC()
	default:
		at := TimeOfDay(local.Hour()*60 + local.Minute())
		if p.Period.At != nil {
			at = *p.Period.At
		}
		return wall(y, m, d+p.Period.N, at, zone).UTC()
	}
}

// wall is the instant at which clocks in zone show a time of day. A time in
// the gap of a clock change is read with the offset before the gap (RFC 5545
// §3.3.5), one that happens twice is the later of the two. time.Date alone
// does one or the other depending on the zone.
func wall(y int, m time.Month, d int, at TimeOfDay, zone *time.Location) time.Time {
	asUTC := time.Date(y, m, d, 0, int(at), 0, 0, time.UTC)
	// The two offsets that can apply are those a day before and after.
	_, before := asUTC.Add(-24 * time.Hour).In(zone).Zone()
	_, after := asUTC.Add(24 * time.Hour).In(zone).Zone()
	early, late := asUTC.Add(-time.Duration(before)*time.Second), asUTC.Add(-time.Duration(after)*time.Second)
	shows := func(t time.Time) bool {
		_, off := t.In(zone).Zone()
		return t.Add(time.Duration(off) * time.Second).Equal(asUTC)
	}
	switch {
	case shows(early) && shows(late):
		if early.After(late) {
			return early
		}
		return late
	case shows(late):
		return late
	default: // shown before the change, or in the gap
		return early
	}
}
