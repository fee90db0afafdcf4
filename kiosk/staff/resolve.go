package staff

import (
	"context"
	"errors"
	"strings"

	"tapshelf/devices/tag"
	"tapshelf/kiosk"
	"tapshelf/lending"
)

// choices is how many people or things are offered to choose from.
const choices = 12

// presented is the tag that a typed number stands for. ok is false for text
// that is no tag number.
func presented(text string) (what lending.Presented, ok bool) {
	p, err := kiosk.Typed(text)
	if errors.Is(err, tag.ErrRandomUID) {
		return lending.Presented{Random: true}, true
	}
	return p, err == nil
}

// answer is who or what a typed text means: one ID, or several to choose
// from, or neither when nobody and nothing fits.
type answer[ID ~string, Choice any] struct {
	ID      ID
	Choices []Choice
	// Other is true when the number is known, but as the other kind: an item
	// where a person was asked for, or the reverse.
	Other bool
}

// person finds out who is meant: an external id or a badge names one person,
// a name offers people to choose from, even if there is only one, because
// two people may share it and only one be on record.
func (p *pages) person(ctx context.Context, op, text string) (a answer[lending.PatronID, lending.Patron], err error) {
	found, err := p.Queries.FindPatrons(ctx, text, choices)
	if err != nil {
		return a, err
	}
	for _, one := range found {
		if strings.EqualFold(one.ExternalID, text) {
			a.ID = one.ID
			return a, nil
		}
	}
	if len(found) > 0 {
		a.Choices = found
		return a, nil
	}
	id, err := p.identify(ctx, op+"/badge", text, false)
	if err != nil {
		return a, err
	}
	if id.Patron != nil {
		a.ID = id.Patron.ID
	}
	a.Other = id.Item != ""
	return a, nil
}

// thing finds out which item is meant: a tag number, or a label or external
// id in full, names one; anything else offers items to choose from.
func (p *pages) thing(ctx context.Context, op, text string) (a answer[lending.ItemID, lending.Thing], err error) {
	found, err := p.Queries.FindItems(ctx, text, choices)
	if err != nil {
		return a, err
	}
	var exact []lending.Thing
	for _, one := range found {
		if strings.EqualFold(one.Label, text) {
			exact = append(exact, one)
		}
	}
	switch {
	case len(exact) == 1:
		a.ID = exact[0].Item
		return a, nil
	case len(found) > 0:
		a.Choices = found
		return a, nil
	}
	id, err := p.identify(ctx, op+"/tag", text, true)
	if err != nil {
		return a, err
	}
	a.ID, a.Other = id.Item, id.Patron != nil
	return a, nil
}

// identify asks the ledger about a tag number. Text that is no tag number is
// nobody; a number that is not taken is a *lending.Refusal.
func (p *pages) identify(ctx context.Context, op, text string, visit bool) (lending.Identity, error) {
	what, ok := presented(text)
	if !ok {
		return lending.Identity{}, nil
	}
	return p.Desk.Identify(ctx, lending.IdentifyRequest{
		Op: op, Station: station, Presented: what, Visit: visit,
	})
}
