package sqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tapshelf/lending"
)

// table is a reference table: its columns but for id and rev. Facts about
// changes of a private one name columns, never values.
type table struct {
	name    string
	columns []string
	private bool
}

var (
	patronTable = table{"patron", []string{"external_id", "given_name", "family_name", "category", "status", "expires", "language", "given_folded", "family_folded"}, true}
	badgeTable  = table{"badge", []string{"patron", "tail", "revoked"}, true}
	titleTable  = table{"title", []string{"external_id", "name", "loan_type"}, false}
	itemTable   = table{"item", []string{"external_id", "title", "label", "not_for_loan", "retired", "retired_reason"}, false}
	tagTable    = table{"item_tag", []string{"item", "tail", "removed"}, false}
	policyTable = table{"policy", []string{"loan_type", "period", "limit_total", "limit_type", "self_service"}, false}
	staffTable  = table{"staff", []string{"name", "role", "password_hash", "patron", "disabled"}, true}
	tokenTable  = table{"token", []string{"name", "hash", "scopes", "created", "revoked"}, true}

	referenceTables = []table{patronTable, badgeTable, titleTable, itemTable, tagTable, policyTable, staffTable, tokenTable}
)

func (t table) selectRow() string {
	return `SELECT ` + strings.Join(t.columns, ", ") + `, rev FROM ` + t.name + ` WHERE id = ?`
}

func (t table) upsert() string {
	marks := strings.Repeat(", ?", len(t.columns)+1)
	sets := make([]string, 0, len(t.columns)+1)
	for _, c := range append(t.columns[:len(t.columns):len(t.columns)], "rev") {
		sets = append(sets, c+" = excluded."+c)
	}
	return `INSERT INTO ` + t.name + ` (id, ` + strings.Join(t.columns, ", ") + `, rev) VALUES (?` + marks + `)
		ON CONFLICT (id) DO UPDATE SET ` + strings.Join(sets, ", ")
}

// read gives a row's values, in the order of the columns, and its rev.
func (t table) read(c *conn, id string) (values []any, rev int, err error) {
	values = make([]any, len(t.columns))
	into := make([]any, len(t.columns), len(t.columns)+1)
	for i := range values {
		into[i] = &values[i]
	}
	err = c.row(t.selectRow(), []any{id}, append(into, &rev)...)
	return values, rev, err
}

// save writes one reference row and the fact that says so, unless the row
// says the same already. Values are int64, string, []byte or nil.
func (t *Tx) save(tb table, id string, values []any, by string) (bool, error) {
	if !t.writes {
		return false, errReadOnly
	}
	was, rev, err := tb.read(t.c, id)
	if err != nil && !errors.Is(err, lending.ErrNotFound) {
		return false, fmt.Errorf("%s: %w", tb.name, err)
	}
	isNew := err != nil
	change := lending.ChangedBody{Table: tb.name, ID: id, Rev: rev + 1, By: by}
	before, after := map[string]any{}, map[string]any{}
	for i, c := range tb.columns {
		if !isNew && same(was[i], values[i]) {
			continue
		}
		change.Columns = append(change.Columns, c)
		before[c], after[c] = was[i], values[i]
	}
	if len(change.Columns) == 0 {
		return false, nil
	}
	if !tb.private {
		change.After = after
		if !isNew {
			change.Before = before
		}
	}
	args := append(append([]any{id}, values...), change.Rev)
	if _, err := t.c.exec(tb.upsert(), args...); err != nil {
		return false, fmt.Errorf("%s: %w", tb.name, err)
	}
	body, err := json.Marshal(change)
	if err != nil {
		return false, fmt.Errorf("%s: %w", tb.name, err)
	}
	_, err = t.Append(lending.Fact{Kind: lending.FactChanged, Version: 1, Item: itemOf(tb, id, values), Body: body})
	return true, err
}

// itemOf is the item whose history a change belongs to; empty if none.
func itemOf(tb table, id string, values []any) lending.ItemID {
	switch tb.name {
	case itemTable.name:
		return lending.ItemID(id)
	case tagTable.name:
		if item, ok := values[0].(string); ok {
			return lending.ItemID(item)
		}
	}
	return ""
}

func same(a, b any) bool {
	x, isBytes := a.([]byte)
	y, both := b.([]byte)
	if isBytes && both {
		return bytes.Equal(x, y)
	}
	return !isBytes && !both && a == b
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func maybeText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// folded is how names are found: without case and accents.
func folded(s string) string {
	strip := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	out, _, err := transform.String(strip, s)
	if err != nil {
		out = s
	}
	return cases.Fold().String(strings.TrimSpace(out))
}

// SavePatron inserts or updates a patron.
func (t *Tx) SavePatron(p lending.Patron, by string) (bool, error) {
	return t.save(patronTable, string(p.ID), []any{p.ExternalID, p.GivenName, p.FamilyName, p.Category, string(p.Status),
		maybeMillis(p.Expires), p.Language, folded(p.GivenName), folded(p.FamilyName)}, by)
}

// SaveBadge inserts or updates a badge.
func (t *Tx) SaveBadge(b lending.Badge, by string) (bool, error) {
	return t.save(badgeTable, string(b.ID), []any{string(b.Patron), b.Tail, maybeMillis(b.Revoked)}, by)
}

// SaveTitle inserts or updates a title.
func (t *Tx) SaveTitle(x lending.Title, by string) (bool, error) {
	return t.save(titleTable, string(x.ID), []any{x.ExternalID, x.Name, x.LoanType}, by)
}

// SaveItem inserts or updates an item.
func (t *Tx) SaveItem(i lending.Item, by string) (bool, error) {
	return t.save(itemTable, string(i.ID), []any{i.ExternalID, string(i.Title), i.Label, flag(i.NotForLoan),
		maybeMillis(i.Retired), i.RetiredReason}, by)
}

// SaveTag inserts or updates a tag on an item.
func (t *Tx) SaveTag(g lending.Tag, by string) (bool, error) {
	return t.save(tagTable, string(g.ID), []any{string(g.Item), g.Tail, maybeMillis(g.Removed)}, by)
}

// SavePolicy inserts or updates a policy.
func (t *Tx) SavePolicy(p lending.Policy, by string) (bool, error) {
	return t.save(policyTable, string(p.ID), []any{p.LoanType, p.Period.String(), int64(p.LimitTotal), int64(p.LimitType),
		flag(p.SelfService)}, by)
}
