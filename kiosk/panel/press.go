package panel

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk"
	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
)

// ofRows are the actions that need a row.
var ofRows = []kiosk.Action{kiosk.ActUndo, kiosk.ActReturnFor, kiosk.ActReturn, kiosk.ActDismiss}

// keyLongest leaves room for any UUID that a display may make.
const keyLongest = 64

// parsePress reads the form of a button, and refuses what no button sends.
func parsePress(c *fiber.Ctx) (kiosk.Press, error) {
	p := kiosk.Press{
		Key: c.FormValue("key"), Action: kiosk.Action(c.FormValue("action")),
		Row: c.FormValue("row"), Value: c.FormValue("value"),
	}
	rev, err := strconv.ParseUint(c.FormValue("rev"), 10, 64)
	if err != nil {
		return p, &web.BadInput{Where: "rev", What: "is not the number of a screen"}
	}
	p.Rev = rev
	switch {
	case p.Key == "" || len(p.Key) > keyLongest:
		return p, &web.BadInput{Where: "key", What: "must have 1 to 64 characters"}
	case slices.Contains(ofRows, p.Action) && p.Row == "":
		return p, &web.BadInput{Where: "row", What: "is missing"}
	case !slices.Contains(kiosk.Actions(), p.Action):
		return p, &web.BadInput{Where: "action", What: "is not one of a panel"}
	case p.Action == kiosk.ActLanguage && !slices.Contains(words.Languages(), p.Value):
		return p, &web.BadInput{Where: "value", What: "is not a language of the counter"}
	}
	return p, nil
}

// Button is a button of a page.
type Button struct {
	Label   string
	Says    string // accessible name when Label alone does not tell
	Lang    string // lang attribute of a button in another language
	Primary bool
	Post    string // where it posts
	Vals    string // its form but for the key, as JSON
}

// button posts an action of the screen.
func (p *Page) button(label string, action kiosk.Action, row, value string) Button {
	vals, _ := json.Marshal(struct { // strings always marshal
		Action kiosk.Action `json:"action"`
		Rev    string       `json:"rev"`
		Row    string       `json:"row,omitempty"`
		Value  string       `json:"value,omitempty"`
	}{action, strconv.FormatUint(p.Rev, 10), row, value})
	return Button{Label: label, Post: "/s/" + p.Station.Name + "/press", Vals: string(vals)}
}
