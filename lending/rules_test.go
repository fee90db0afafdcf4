package lending_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tapshelf/lending"
)

func TestEveryReasonIsInTheTableOnce(t *testing.T) {
	support := map[string]lending.Reason{}
	for _, r := range lending.Reasons() {
		if r.Class() == 0 || r.Support() == "" {
			t.Errorf("%s has no class or no support code", r)
		}
		if other, taken := support[r.Support()]; taken {
			t.Errorf("%s and %s share the support code %s", r, other, r.Support())
		}
		support[r.Support()] = r
	}
	if lending.Reason("nonsense").Class() != 0 || lending.Reason("nonsense").Overridable() {
		t.Error("a reason that is not in the list has a class")
	}
}

func zone(t testing.TB, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestDueInstants(t *testing.T) {
	for _, test := range []struct{ name, period, zone, lent, want string }{
		// Seconds round up to 10:01 first, then four hours are added.
		{"an hour loan counts from the next whole minute", "4 hours", "Asia/Hong_Kong", "2026-11-24T10:00:30+08:00", "2026-11-24T14:01:00+08:00"},
		{"a day loan keeps the time of day", "1 day", "Asia/Hong_Kong", "2026-11-24T10:00:00+08:00", "2026-11-25T10:00:00+08:00"},
		{"a day loan may be due at a time of day", "3 days at 18:00", "Asia/Hong_Kong", "2026-11-24T23:59:00+08:00", "2026-11-27T18:00:00+08:00"},
		{"until is today while there is time", "until 17:30", "Asia/Hong_Kong", "2026-11-24T17:15:00+08:00", "2026-11-24T17:30:00+08:00"},
		{"until is tomorrow when too little is left", "until 17:30", "Asia/Hong_Kong", "2026-11-24T17:16:00+08:00", "2026-11-25T17:30:00+08:00"},
		{"the end of the day is midnight", "until 24:00", "Asia/Hong_Kong", "2026-11-24T10:00:00+08:00", "2026-11-25T00:00:00+08:00"},
		// London springs forward on 29 March 2026 at 01:00Z: the day has 23 hours.
		{"a day is not 24 hours in London in spring", "1 day", "Europe/London", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00+01:00"},
		{"an hour loan keeps its length across the change", "4 hours", "Europe/London", "2026-03-29T00:00:00Z", "2026-03-29T05:00:00+01:00"},
		// 01:30 does not exist on 29 March in London: read with GMT it is 01:30Z, shown as 02:30 BST.
		{"a time in London's gap is read with the offset before", "1 day at 01:30", "Europe/London", "2026-03-28T12:00:00Z", "2026-03-29T02:30:00+01:00"},
		// 01:30 happens twice on 25 October in London: the later is 01:30 GMT.
		{"a time that happens twice in London is the later", "1 day at 01:30", "Europe/London", "2026-10-24T12:00:00+01:00", "2026-10-25T01:30:00Z"},
		// Los Angeles springs forward on 8 March 2026: 02:30 read as PST (-08:00) is 10:30Z, shown as 03:30 PDT.
		{"a time in Los Angeles' gap is read with the offset before", "1 day at 02:30", "America/Los_Angeles", "2026-03-07T12:00:00-08:00", "2026-03-08T03:30:00-07:00"},
		{"a time that happens twice in Los Angeles is the later", "1 day at 01:30", "America/Los_Angeles", "2026-10-31T12:00:00-07:00", "2026-11-01T01:30:00-08:00"},
		{"29 February is a day like others", "1 day", "Asia/Hong_Kong", "2028-02-28T10:00:00+08:00", "2028-02-29T10:00:00+08:00"},
		{"the year ends in a loan", "3 days at 18:00", "Asia/Hong_Kong", "2026-12-30T10:00:00+08:00", "2027-01-02T18:00:00+08:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := lending.ParsePeriod(test.period)
			if err != nil {
				t.Fatal(err)
			}
			lent, _ := time.Parse(time.RFC3339, test.lent)
			want, _ := time.Parse(time.RFC3339, test.want)
			got := lending.Policy{Period: p}.Due(lent, zone(t, test.zone))
			if !got.Equal(want) {
				t.Errorf("due %s, want %s", got.In(zone(t, test.zone)), want)
			}
		})
	}
}

func TestALoanIsNeverDueBeforeItBegins(t *testing.T) {
	zones := []string{"Asia/Hong_Kong", "Europe/London", "America/Los_Angeles", "Australia/Lord_Howe", "America/Santiago"}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := lending.TimeOfDay(rapid.IntRange(0, 1440).Draw(t, "at"))
		p := rapid.SampledFrom([]lending.Period{
			{N: rapid.IntRange(15, 3000).Draw(t, "minutes"), Unit: lending.Minute},
			{N: rapid.IntRange(1, 60).Draw(t, "days"), Unit: lending.Day},
			{N: rapid.IntRange(1, 60).Draw(t, "days"), Unit: lending.Day, At: &at},
			{Unit: lending.Until, At: &at},
		}).Draw(t, "period")
		lent := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "lent"), 0)
		policy := lending.Policy{Period: p}
		due := policy.Due(lent, z)
		if !due.After(lent) && !(p.Unit == lending.Day && p.At != nil) {
			t.Fatalf("lent %s, due %s", lent.In(z), due.In(z))
		}
		if later := policy.Due(lent.Add(time.Hour), z); later.Before(due) {
			t.Fatalf("lent an hour later it is due earlier: %s, then %s", due.In(z), later.In(z))
		}
	})
}

func TestAPeriodThatIsWrittenWrongSaysWhy(t *testing.T) {
	for _, s := range []string{"", "3", "3 weeks", "0 days", "-1 days", "14 minutes", "367 days", "3 hours at 18:00", "3 days at 25:00", "3 days at 18", "until", "until 24:01", "until soon", "three days"} {
		if p, err := lending.ParsePeriod(s); err == nil {
			t.Errorf("%q is read as %v", s, p)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"4 hours", "3 days at 18:00", "until 17:30", "1 day", "90 minutes"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := lending.ParsePeriod(s)
		if err != nil {
			return
		}
		again, err := lending.ParsePeriod(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is read as %q, and that as %q (%v)", s, p, again, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add("0198f000-0000-7000-8000-000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := lending.ParseID[lending.LoanID](s); err == nil && string(id) != s {
			t.Errorf("%q became %q", s, id)
		}
	})
}
