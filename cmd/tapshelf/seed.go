package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tapshelf/kiosk"
	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

// demoPerson is somebody on the bench.
type demoPerson struct {
	Badge    string
	Given    string
	Family   string
	Language string
	Status   lending.PatronStatus
}

// demoThing is something on the bench.
type demoThing struct {
	Label string
	Title string
	Type  string
}

var demoPeople = []demoPerson{
	{"B-01", "Ada", "Park", "en", lending.PatronActive},
	{"B-02", "嘉欣", "陳", "zh-Hant", lending.PatronActive},
	{"B-03", "子轩", "王", "zh-Hans", lending.PatronActive},
	{"B-04", "José", "Álvarez", "en", lending.PatronActive},
	{"B-05", "Priya", "Nair", "en", lending.PatronActive},
	{"B-06", "浩然", "李", "zh-Hans", lending.PatronActive},
	{"B-07", "Mei", "Wong", "zh-Hant", lending.PatronActive},
	{"B-08", "Omar", "Haddad", "en", lending.PatronActive},
	{"B-09", "詠琳", "黃", "zh-Hant", lending.PatronStopped},
	{"B-10", "Sukarno", "", "en", lending.PatronActive},
	{"B-11", "思远", "张", "zh-Hans", lending.PatronActive},
	{"B-12", "Sam", "Lee", "en", lending.PatronActive}, // works here
}

// demoThings is 30 items of 9 titles, under 4 policies.
var demoThings = func() []demoThing {
	var all []demoThing
	for _, t := range []struct {
		prefix, title, kind string
		n                   int
	}{
		{"LAP", "ThinkPad T14", "laptop", 5},
		{"MAC", "MacBook Air 13", "laptop", 3},
		{"TXT", "Calculus: Early Transcendentals", "textbook", 4},
		{"PHY", "University Physics", "textbook", 3},
		{"OSS", "Operating Systems: Three Easy Pieces", "textbook", 3},
		{"CHG", "USB-C charger 65 W", "tool", 5},
		{"MUL", "Multimeter", "tool", 3},
		{"SOL", "Soldering iron", "tool", 2},
		{"CAM", "Camera kit EOS R50", "camera", 2},
	} {
		for i := range t.n {
			all = append(all, demoThing{fmt.Sprintf("%s-%03d", t.prefix, i+1), t.title, t.kind})
		}
	}
	return all
}()

var demoPolicies = []struct {
	loanType, period string
	total, perType   int
	selfService      bool
}{
	{"laptop", "3 days at 18:00", 5, 1, true},
	{"textbook", "4 hours", 5, 3, true},
	{"tool", "1 day at 18:00", 5, 3, true},
	{"camera", "2 days at 12:00", 5, 1, false},
}

// The demo's staff login. It opens nothing but a demo on this machine.
const (
	demoUser     = "demo"
	demoPassword = "lend-something"
)

// movable is a clock that the demo sets back while it makes its past.
type movable struct{ back time.Duration }

func (m *movable) Now() time.Time { return time.Now().Add(-m.back) }

// seedDemo fills an empty ledger: people, things, policies, one overdue
// loan, some open ones, and a finding.
func seedDemo(ctx context.Context, store *sqlite.Store, desk *lending.Desk, registry *lending.Registry, clock *movable) error {
	clock.back = 6 * 24 * time.Hour
	defer func() { clock.back = 0 }()
	ids, err := seedRecords(ctx, registry)
	if err != nil {
		return err
	}
	if err := addStaff(ctx, store, demoUser, lending.RoleAdmin, "B-12", demoPassword); err != nil {
		return err
	}
	lend := func(badge, label string) error {
		_, err := desk.Checkout(ctx, lending.CheckoutRequest{
			Op: "demo/" + label, Station: "front", Patron: lending.PatronID(ids[badge]), Item: lending.ItemID(ids[label]),
		})
		return err
	}
	// Lent six days ago for three: overdue by now.
	errs := []error{lend("B-04", "LAP-005")}
	clock.back = time.Hour
	errs = append(errs, lend("B-05", "TXT-004"), lend("B-06", "MAC-003"), lend("B-05", "CHG-005"))
	_, err = desk.Return(ctx, lending.ReturnRequest{Op: "demo/found", Station: "front", Item: lending.ItemID(ids["SOL-002"])})
	return errors.Join(append(errs, err)...)
}

// seedRecords gives the ids of people by badge and of items by label.
func seedRecords(ctx context.Context, registry *lending.Registry) (map[string]string, error) {
	var records []lending.Record
	var names []string
	add := func(name string, r lending.Record) { records, names = append(records, r), append(names, name) }
	for _, p := range demoPolicies {
		period, err := lending.ParsePeriod(p.period)
		if err != nil {
			return nil, err
		}
		add("", lending.PolicyRecord{LoanType: p.loanType, Period: period, LimitTotal: p.total, LimitType: p.perType, SelfService: p.selfService})
	}
	category := "student"
	for _, p := range demoPeople {
		badge, err := kiosk.Typed(p.Badge)
		if err != nil {
			return nil, err
		}
		add(p.Badge, lending.PatronRecord{ExternalID: p.Badge, GivenName: &p.Given, FamilyName: &p.Family,
			Category: &category, Status: &p.Status, Language: &p.Language})
		add("", lending.BadgeRecord{Patron: p.Badge, Presented: badge})
	}
	for _, t := range demoThings {
		label, err := kiosk.Typed(t.Label)
		if err != nil {
			return nil, err
		}
		add("", lending.TitleRecord{ExternalID: t.Title, Name: &t.Title, LoanType: &t.Type})
		add(t.Label, lending.ItemRecord{ExternalID: t.Label, Title: &t.Title, Label: &t.Label})
		add("", lending.TagRecord{Item: t.Label, Presented: label})
	}
	results, err := registry.Apply(ctx, records, lending.ApplyOptions{By: "demo", Whole: true})
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for i, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("demo data: %w", r.Err)
		}
		if names[i] != "" {
			ids[names[i]] = r.ID
		}
	}
	return ids, nil
}
