package lending

import "fmt"

func (r BadgeRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	p, err := g.tx.PatronByExternal(r.Patron)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("patron of a badge: %w", err)
	}
	if !known {
		return "", false, false, bad("patron", "is not known; send the patron first")
	}
	ref, bound, err := g.bound(r.Presented)
	if err != nil {
		return "", false, false, err
	}
	b := Badge{ID: BadgeID(g.NewID()), Patron: p.ID, Tail: r.Presented.Tail}
	if bound {
		if b, err = g.badgeOf(ref, p.ID); err != nil {
			return "", false, false, err
		}
	}
	switch {
	case r.Revoked && b.Revoked == nil:
		now := g.Now()
		b.Revoked = &now
	case !r.Revoked:
		b.Revoked = nil
	}
	if changed, err = g.tx.SaveBadge(b, g.by); err != nil {
		return "", false, false, err
	}
	return string(b.ID), !bound, changed, g.bind(r.Presented, TagRef{Badge: b.ID})
}

func (g *registrar) badgeOf(ref TagRef, patron PatronID) (Badge, error) {
	if ref.Badge == "" {
		return Badge{}, bad("value", "is on an item already; a tag is a badge or an item tag, never both")
	}
	b, err := g.tx.Badge(ref.Badge)
	if err != nil {
		return Badge{}, fmt.Errorf("badge: %w", err)
	}
	if b.Patron != patron {
		return Badge{}, bad("value", "is another patron's badge")
	}
	return b, nil
}

func (r TagRecord) apply(g *registrar) (id string, created, changed bool, err error) {
	i, err := g.tx.ItemByExternal(r.Item)
	known, err := found(err)
	if err != nil {
		return "", false, false, fmt.Errorf("item of a tag: %w", err)
	}
	if !known {
		return "", false, false, bad("item", "is not known; send the item first")
	}
	ref, bound, err := g.bound(r.Presented)
	if err != nil {
		return "", false, false, err
	}
	t := Tag{ID: TagID(g.NewID()), Item: i.ID, Tail: r.Presented.Tail}
	if bound {
		if t, err = g.tagOf(ref, i.ID); err != nil {
			return "", false, false, err
		}
	}
	switch {
	case r.Removed && t.Removed == nil:
		now := g.Now()
		t.Removed = &now
	case !r.Removed:
		t.Removed = nil
	}
	if changed, err = g.tx.SaveTag(t, g.by); err != nil {
		return "", false, false, err
	}
	return string(t.ID), !bound, changed, g.bind(r.Presented, TagRef{Tag: t.ID})
}

func (g *registrar) tagOf(ref TagRef, item ItemID) (Tag, error) {
	if ref.Tag == "" {
		return Tag{}, bad("value", "is a badge already; a tag is a badge or an item tag, never both")
	}
	t, err := g.tx.Tag(ref.Tag)
	if err != nil {
		return Tag{}, fmt.Errorf("tag: %w", err)
	}
	if t.Item != item && t.Removed == nil {
		return Tag{}, bad("value", "is on another item already")
	}
	t.Item = item
	return t, nil
}

// bound finds the badge or tag that a spelling which cannot be shared
// already leads to.
func (g *registrar) bound(p Presented) (TagRef, bool, error) {
	if len(p.Spellings) == 0 {
		return TagRef{}, false, bad("value", "is missing")
	}
	if p.Random {
		return TagRef{}, false, bad("value", "is a random number that changes with every tap; use a card or a fob")
	}
	for _, s := range p.Spellings {
		if s.Short && len(p.Spellings) > 1 {
			continue
		}
		ref, err := g.tx.TagRef(g.Key.Tag(s))
		known, err := found(err)
		if err != nil {
			return TagRef{}, false, fmt.Errorf("spelling %s: %w", s.Form, err)
		}
		if known && ref != (TagRef{}) {
			return ref, true, nil
		}
		if known {
			return TagRef{}, false, bad("value", "is shared by two tags; give a longer number of the same tag")
		}
	}
	return TagRef{}, false, nil
}

// bind makes every spelling lead to ref. A short one that already leads
// elsewhere becomes ambiguous: it then leads nowhere.
func (g *registrar) bind(p Presented, ref TagRef) error {
	for _, s := range p.Spellings {
		key, to := g.Key.Tag(s), ref
		was, err := g.tx.TagRef(key)
		known, err := found(err)
		if err != nil {
			return fmt.Errorf("spelling %s: %w", s.Form, err)
		}
		switch {
		case known && was == ref:
			continue
		case known && s.Short:
			to = TagRef{}
		case known:
			return bad("value", "has a spelling that belongs to another tag")
		}
		if err := g.tx.Bind(key, s.Form, to); err != nil {
			return fmt.Errorf("spelling %s: %w", s.Form, err)
		}
	}
	return nil
}
