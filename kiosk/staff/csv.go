package staff

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// byteOrderMark makes spreadsheets read a CSV file as UTF-8.
const byteOrderMark = "\uFEFF"

// csvFile writes rows as RFC 4180 for spreadsheets.
func csvFile(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(byteOrderMark)
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = asText(cell)
		}
		if err := w.Write(safe); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// asText keeps a spreadsheet from running a cell as a formula. A name that
// begins with "=" would otherwise be run on the machine of whoever opens the
// file. Spreadsheets also trim blanks and fold full-width signs.
func asText(cell string) string {
	begin := strings.TrimLeft(cell, " \u00a0\u3000")
	if begin != "" && strings.ContainsAny(firstRune(begin), "=+-@\t\r\n＝＋－＠") {
		return "'" + cell
	}
	return cell
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
