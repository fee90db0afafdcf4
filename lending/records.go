package lending

import (
	"fmt"
	"slices"
	"time"
)

// Languages are the languages that Tapshelf speaks.
func Languages() []string { return []string{"en", "zh-Hant", "zh-Hans"} }

func (r PatronRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	if c := text("external_id", &r.ExternalID, new(string), 200, true); c != nil {
		return "", false, false, c
	}
	p, err := g.tx.PatronByExternal(r.ExternalID)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("patron: %w", err)
	}
	if !known {
		p = Patron{ID: PatronID(g.NewID()), ExternalID: r.ExternalID, Status: PatronActive}
	}
	if err := first(
		text("given_name", r.GivenName, &p.GivenName, 100, true),
		text("family_name", r.FamilyName, &p.FamilyName, 100, false),
		text("category", r.Category, &p.Category, 50, false),
		text("language", r.Language, &p.Language, 10, false),
	); err != nil {
		return "", false, false, err
	}
	if p.Language != "" && !slices.Contains(Languages(), p.Language) {
		return "", false, false, bad("language", "is one of en, zh-Hant, zh-Hans or empty")
	}
	if r.Status != nil {
		p.Status = *r.Status
	}
	if !slices.Contains([]PatronStatus{PatronActive, PatronOff, PatronStopped}, p.Status) {
		return "", false, false, bad("status", "is one of active, inactive, blocked")
	}
	if r.Expires != nil {
		if p.Expires, err = g.endOf(*r.Expires); err != nil {
			return "", false, false, err
		}
	}
	changed, err = g.tx.SavePatron(p, g.by)
	return string(p.ID), !known, changed, err
}

// endOf reads a last day of validity and gives the end of it.
func (g *registrar) endOf(day string) (*time.Time, error) {
	if day == "" {
		return nil, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, bad("expires", "is a date like 2027-06-30")
	}
	end := wall(t.Year(), t.Month(), t.Day()+1, 0, g.Zone).UTC()
	return &end, nil
}

func (r TitleRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	if c := text("external_id", &r.ExternalID, new(string), 200, true); c != nil {
		return "", false, false, c
	}
	t, err := g.tx.TitleByExternal(r.ExternalID)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("title: %w", err)
	}
	if !known {
		t = Title{ID: TitleID(g.NewID()), ExternalID: r.ExternalID}
	}
	if err := first(
		text("name", r.Name, &t.Name, 300, true),
		text("loan_type", r.LoanType, &t.LoanType, 50, true),
	); err != nil {
		return "", false, false, err
	}
	changed, err = g.tx.SaveTitle(t, g.by)
	return string(t.ID), !known, changed, err
}

func (r ItemRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	if c := text("external_id", &r.ExternalID, new(string), 200, true); c != nil {
		return "", false, false, c
	}
	i, err := g.tx.ItemByExternal(r.ExternalID)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("item: %w", err)
	}
	if !known {
		i = Item{ID: ItemID(g.NewID()), ExternalID: r.ExternalID}
	}
	if c := text("label", r.Label, &i.Label, 40, true); c != nil {
		return "", false, false, c
	}
	if err := g.itemTitle(r, &i); err != nil {
		return "", false, false, err
	}
	if r.NotForLoan != nil {
		i.NotForLoan = *r.NotForLoan
	}
	if err := g.retire(r, &i); err != nil {
		return "", false, false, err
	}
	changed, err = g.tx.SaveItem(i, g.by)
	return string(i.ID), !known, changed, err
}

func (g *registrar) itemTitle(r ItemRecord, i *Item) error {
	if r.Title == nil {
		if i.Title == "" {
			return bad("title", "is missing")
		}
		return nil
	}
	t, err := g.tx.TitleByExternal(*r.Title)
	known, err := found(err)
	if err != nil {
		return fmt.Errorf("title of an item: %w", err)
	}
	if !known {
		return bad("title", "is not known; send the title first")
	}
	i.Title = t.ID
	return nil
}

// retire takes an item out of lending, or back. An item that is out cannot
// be retired.
func (g *registrar) retire(r ItemRecord, i *Item) error {
	if c := text("retired_reason", r.RetiredReason, &i.RetiredReason, 200, false); c != nil {
		return c
	}
	switch {
	case r.Retired == nil:
		return nil
	case !*r.Retired:
		i.Retired, i.RetiredReason = nil, ""
		return nil
	case i.RetiredReason == "":
		return bad("retired_reason", "is missing; nothing is retired without a reason")
	}
	_, err := g.tx.OpenLoan(i.ID)
	out, err := found(err)
	if err != nil {
		return fmt.Errorf("open loan: %w", err)
	}
	if out {
		return bad("retired", "the item is on loan; take it back first")
	}
	if i.Retired == nil {
		now := g.Now()
		i.Retired = &now
	}
	return nil
}

func (r PolicyRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	if c := text("loan_type", &r.LoanType, new(string), 50, true); c != nil {
		return "", false, false, c
	}
	if r.LimitTotal < 0 || r.LimitType < 0 {
		return "", false, false, bad("limit", "is not below 0")
	}
	p, err := g.tx.PolicyFor(r.LoanType)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("policy: %w", err)
	}
	if !known {
		p = Policy{ID: PolicyID(g.NewID()), LoanType: r.LoanType}
	}
	p.Period, p.LimitTotal, p.LimitType, p.SelfService = r.Period, r.LimitTotal, r.LimitType, r.SelfService
	changed, err = g.tx.SavePolicy(p, g.by)
	return string(p.ID), !known, changed, err
}
