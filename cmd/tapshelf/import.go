package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tapshelf/kiosk"
	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

type importCmd struct {
	Patrons importPatronsCmd `cmd:"" help:"Columns: external_id given_name family_name category status expires language badges."`
	Items   importItemsCmd   `cmd:"" help:"Columns: external_id title title_name loan_type label not_for_loan tags."`
}

// importFlags are those of every import.
type importFlags struct {
	ledgerFlag `embed:""`
	SiteKey    string `help:"Site key, instead of the configuration's." type:"path"`
	DryRun     bool   `help:"Say what would happen and change nothing."`
	SkipBad    bool   `help:"Take the good lines although some are bad."`
	File       string `arg:"" help:"CSV file in UTF-8, its first line naming the columns." type:"existingfile"`
}

type importPatronsCmd struct {
	importFlags `embed:""`
}

func (i importPatronsCmd) Run(a *app) error { return i.run(a, patronColumns, patronRecords) }

type importItemsCmd struct {
	importFlags `embed:""`
}

func (i importItemsCmd) Run(a *app) error { return i.run(a, itemColumns, itemRecords) }

var (
	patronColumns = []string{"external_id", "given_name", "family_name", "category", "status", "expires", "language", "badges"}
	itemColumns   = []string{"external_id", "title", "title_name", "loan_type", "label", "not_for_loan", "tags"}
)

// csvLine is one line of a file, by column. Columns that the file does not
// have are absent.
type csvLine struct {
	number int
	fields map[string]string
}

// text gives a field, or nil if the file has no such column.
func (l csvLine) text(column string) *string {
	v, ok := l.fields[column]
	if !ok {
		return nil
	}
	v = strings.TrimSpace(v)
	return &v
}

// list gives the parts of a field that holds several, separated by ";".
func (l csvLine) list(column string) []string {
	var out []string
	for part := range strings.SplitSeq(l.fields[column], ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (l csvLine) bad(column, format string, args ...any) error {
	return badLine{l.number, column, fmt.Sprintf(format, args...)}
}

// badLine is one mistake in a file. It does not repeat what the line says.
type badLine struct {
	line         int
	column, what string
}

func (b badLine) Error() string { return fmt.Sprintf("line %d, %s: %s", b.line, b.column, b.what) }

func patronRecords(l csvLine) ([]lending.Record, error) {
	p := lending.PatronRecord{
		GivenName: l.text("given_name"), FamilyName: l.text("family_name"), Category: l.text("category"),
		Expires: l.text("expires"), Language: l.text("language"),
	}
	if id := l.text("external_id"); id != nil {
		p.ExternalID = *id
	}
	if s := l.text("status"); s != nil && *s != "" {
		status := lending.PatronStatus(*s)
		p.Status = &status
	}
	records := []lending.Record{p}
	for _, value := range l.list("badges") {
		badge, err := kiosk.Typed(value)
		if err != nil {
			return nil, l.bad("badges", "%v", err)
		}
		records = append(records, lending.BadgeRecord{Patron: p.ExternalID, Presented: badge})
	}
	return records, nil
}

func itemRecords(l csvLine) ([]lending.Record, error) {
	i := lending.ItemRecord{Title: l.text("title"), Label: l.text("label")}
	if id := l.text("external_id"); id != nil {
		i.ExternalID = *id
	}
	var records []lending.Record
	if name := l.text("title_name"); name != nil && *name != "" && i.Title != nil {
		records = append(records, lending.TitleRecord{ExternalID: *i.Title, Name: name, LoanType: l.text("loan_type")})
	}
	if v := l.text("not_for_loan"); v != nil && *v != "" {
		yes, no := slices.Contains([]string{"1", "true", "yes"}, *v), slices.Contains([]string{"0", "false", "no"}, *v)
		if !yes && !no {
			return nil, l.bad("not_for_loan", "is yes or no")
		}
		i.NotForLoan = &yes
	}
	records = append(records, i)
	for _, value := range l.list("tags") {
		t, err := kiosk.Typed(value)
		if err != nil {
			return nil, l.bad("tags", "%v", err)
		}
		records = append(records, lending.TagRecord{Item: i.ExternalID, Presented: t})
	}
	return records, nil
}

// fieldColumns names the columns of fields that records call otherwise.
var fieldColumns = map[string]string{"value": "badges or tags", "name": "title_name", "patron": "external_id", "item": "external_id"}

func (i importFlags) run(a *app, columns []string, toRecords func(csvLine) ([]lending.Record, error)) error {
	lines, bad, err := readCSV(i.File, columns)
	if err != nil {
		return err
	}
	read := len(lines) + len(bad)
	var records []lending.Record
	var from []int // the line of each record
	for _, l := range lines {
		rs, err := toRecords(l)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for range rs {
			from = append(from, l.number)
		}
		records = append(records, rs...)
	}
	return withLedger(a, i.ledgerFlag, func(store *sqlite.Store) error {
		registry, err := i.registry(a, store)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "%d lines read …\n", read)
		opt := lending.ApplyOptions{By: "import", Whole: !i.SkipBad, Dry: i.DryRun || len(bad) > 0 && !i.SkipBad}
		results, err := registry.Apply(a.ctx, records, opt)
		if err != nil {
			return err
		}
		for n, r := range results {
			if r.Err != nil {
				column := r.Err.Field
				if c, ok := fieldColumns[column]; ok {
					column = c
				}
				bad = append(bad, badLine{from[n], column, r.Err.What})
			}
		}
		return i.report(a, results, bad)
	})
}

func (i importFlags) registry(a *app, store *sqlite.Store) (*lending.Registry, error) {
	zone, path := time.Local, i.SiteKey
	if i.Ledger == "" || path == "" {
		c, err := loadConfig(i.Config)
		if err != nil {
			return nil, err
		}
		if path == "" {
			path = c.SiteKey
		}
		if zone, err = c.zone(); err != nil {
			return nil, err
		}
	}
	key, err := loadSiteKey(path)
	if err != nil {
		return nil, err
	}
	if err := store.CheckKey(a.ctx, key); err != nil {
		return nil, err
	}
	return &lending.Registry{Store: store, Key: key, Zone: zone, Now: time.Now, NewID: newID}, nil
}

// report tells what became of the lines, and every mistake by line.
func (i importFlags) report(a *app, results []lending.Result, bad []error) error {
	slices.SortStableFunc(bad, func(x, y error) int { return x.(badLine).line - y.(badLine).line })
	for _, b := range bad {
		a.printf("%v\n", b)
	}
	count := map[lending.Status]int{}
	for _, r := range results {
		count[r.Status]++
	}
	tally := fmt.Sprintf("%d new, %d changed, %d as they were, %d mistakes",
		count[lending.StatusCreated], count[lending.StatusChanged], count[lending.StatusUnchanged], len(bad))
	switch {
	case len(bad) > 0 && !i.SkipBad:
		a.printf("%s. Nothing has been changed; mend the lines above, or use --skip-bad.\n", tally)
		return exitCode(1)
	case i.DryRun:
		a.printf("%s. Nothing has been changed: this was a dry run.\n", tally)
	default:
		a.printf("%s.\n", tally)
	}
	return nil
}

// readCSV reads a file with a heading. Lines that are no CSV are mistakes;
// the others are read all the same.
func readCSV(path string, columns []string) (lines []csvLine, bad []error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text := bufio.NewReader(f)
	if bom, _ := text.Peek(3); string(bom) == "\uFEFF" {
		text.Discard(3)
	}
	r := csv.NewReader(text)
	r.FieldsPerRecord = -1
	heading, err := r.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: it has no heading line naming its columns: %w", path, err)
	}
	for n, h := range heading {
		heading[n] = strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(columns, heading[n]) {
			return nil, nil, fmt.Errorf("%s, line 1: column %d is called %q; there are %s", path, n+1, heading[n], strings.Join(columns, ", "))
		}
	}
	for {
		fields, err := r.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return lines, bad, nil
		case errors.As(err, &syntax):
			bad = append(bad, badLine{syntax.StartLine, "the whole line", syntax.Err.Error()})
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		number, _ := r.FieldPos(0)
		if len(fields) != len(heading) {
			bad = append(bad, badLine{number, "the whole line", fmt.Sprintf("has %d fields, the heading has %d", len(fields), len(heading))})
			continue
		}
		l := csvLine{number: number, fields: map[string]string{}}
		for n, h := range heading {
			l.fields[h] = fields[n]
		}
		lines = append(lines, l)
	}
}
