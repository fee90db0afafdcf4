package api

import (
	"encoding/json"
	"errors"
	"fmt"

	"tapshelf/kiosk"
	"tapshelf/lending"
)

// line is one line of a batch. Fields that a type does not use are ignored,
// as are fields that there are not.
type line struct {
	Type       string  `json:"type"`
	ExternalID string  `json:"external_id"`
	Patron     string  `json:"patron"` // badge: external id
	Item       string  `json:"item"`   // tag: external id
	Value      string  `json:"value"`
	Revoked    bool    `json:"revoked"`
	Removed    bool    `json:"removed"`
	GivenName  *string `json:"given_name"`
	FamilyName *string `json:"family_name"`
	Category   *string `json:"category"`
	Status     *string `json:"status"`
	Expires    *string `json:"expires"`
	Language   *string `json:"language"`
	Name       *string `json:"name"`
	LoanType   *string `json:"loan_type"`
	Title      *string `json:"title"`
	Label      *string `json:"label"`
	NotForLoan *bool   `json:"not_for_loan"`
	Retired    *bool   `json:"retired"`
	Reason     *string `json:"retired_reason"`
	Badges     []value `json:"badges"`
	Tags       []value `json:"tags"`
}

// value is the number of a badge or tag: a text, or an object that says more.
type value struct {
	Value   string `json:"value"`
	Revoked bool   `json:"revoked"`
	Removed bool   `json:"removed"`
}

// UnmarshalJSON reads either spelling.
func (v *value) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &v.Value)
	}
	type plain value
	return json.Unmarshal(b, (*plain)(v))
}

// parseLine reads one line. Its complaints do not repeat what the line says.
func parseLine(text []byte, t lending.Token) (lending.Record, *lending.BadRecord) {
	var l line
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(text, &l); {
	case errors.As(err, &wrong):
		return nil, &lending.BadRecord{Field: wrong.Field, What: fmt.Sprintf("is a JSON %s, must be %s", wrong.Value, wrong.Type)}
	case errors.As(err, &syntax):
		return nil, &lending.BadRecord{Field: "the line", What: fmt.Sprintf("is not JSON from byte %d on", syntax.Offset)}
	case err != nil:
		return nil, &lending.BadRecord{Field: "the line", What: "is not a JSON object"}
	}
	kind, known := lineTypes[l.Type]
	if !known {
		return nil, &lending.BadRecord{Field: "type", What: "is one of patron, badge, title, item, tag"}
	}
	if !t.May(kind.scope) {
		return nil, &lending.BadRecord{Field: "type", What: fmt.Sprintf("the token lacks the scope %s", kind.scope)}
	}
	return kind.record(l)
}

// lineTypes is every type of line, with the scope it needs.
var lineTypes = map[string]struct {
	scope  lending.Scope
	record func(line) (lending.Record, *lending.BadRecord)
}{
	"patron": {lending.ScopePatronsWrite, patronLine},
	"badge":  {lending.ScopePatronsWrite, badgeLine},
	"title":  {lending.ScopeItemsWrite, titleLine},
	"item":   {lending.ScopeItemsWrite, itemLine},
	"tag":    {lending.ScopeItemsWrite, tagLine},
}

func patronLine(l line) (lending.Record, *lending.BadRecord) {
	p := lending.PatronRecord{
		ExternalID: l.ExternalID, GivenName: l.GivenName, FamilyName: l.FamilyName, Category: l.Category,
		Expires: l.Expires, Language: l.Language,
	}
	if l.Status != nil {
		s := lending.PatronStatus(*l.Status)
		p.Status = &s
	}
	records := lending.Together{p}
	for i, b := range l.Badges {
		tag, err := kiosk.Typed(b.Value)
		if err != nil {
			return nil, &lending.BadRecord{Field: fmt.Sprintf("badges[%d]", i), What: err.Error()}
		}
		records = append(records, lending.BadgeRecord{Patron: l.ExternalID, Presented: tag, Revoked: b.Revoked})
	}
	return records, nil
}

func badgeLine(l line) (lending.Record, *lending.BadRecord) {
	tag, err := kiosk.Typed(l.Value)
	if err != nil {
		return nil, &lending.BadRecord{Field: "value", What: err.Error()}
	}
	return lending.BadgeRecord{Patron: l.Patron, Presented: tag, Revoked: l.Revoked}, nil
}

func titleLine(l line) (lending.Record, *lending.BadRecord) {
	return lending.TitleRecord{ExternalID: l.ExternalID, Name: l.Name, LoanType: l.LoanType}, nil
}

func itemLine(l line) (lending.Record, *lending.BadRecord) {
	records := lending.Together{lending.ItemRecord{
		ExternalID: l.ExternalID, Title: l.Title, Label: l.Label, NotForLoan: l.NotForLoan, Retired: l.Retired, RetiredReason: l.Reason,
	}}
	for i, v := range l.Tags {
		tag, err := kiosk.Typed(v.Value)
		if err != nil {
			return nil, &lending.BadRecord{Field: fmt.Sprintf("tags[%d]", i), What: err.Error()}
		}
		records = append(records, lending.TagRecord{Item: l.ExternalID, Presented: tag, Removed: v.Removed})
	}
	return records, nil
}

func tagLine(l line) (lending.Record, *lending.BadRecord) {
	tag, err := kiosk.Typed(l.Value)
	if err != nil {
		return nil, &lending.BadRecord{Field: "value", What: err.Error()}
	}
	return lending.TagRecord{Item: l.Item, Presented: tag, Removed: l.Removed}, nil
}
