package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// mistakes collects everything that is wrong with a configuration file, so
// that it is all told at once.
type mistakes struct {
	file  string
	lines map[string]int // key → line
	found []mistake
}

type mistake struct {
	line      int
	key, what string
}

func (m *mistakes) add(key, format string, args ...any) {
	m.found = append(m.found, mistake{m.line(key), key, fmt.Sprintf(format, args...)})
}

// line is where a key stands; for a key that is missing, where the table
// stands that should hold it.
func (m *mistakes) line(key string) int {
	for key != "" {
		if n, ok := m.lines[key]; ok {
			return n
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 1
}

// err is nil, or one line per mistake in the order of the file.
func (m *mistakes) err() error {
	slices.SortStableFunc(m.found, func(a, b mistake) int { return a.line - b.line })
	var errs []error
	for _, x := range m.found {
		errs = append(errs, fmt.Errorf("%s:%d: %s: %s", m.file, x.line, x.key, x.what))
	}
	return errors.Join(errs...)
}

// decodeStrict fills the struct that into points to from TOML. go-toml stops
// at the first wrong type, so the file is read into a map and the struct is
// filled from that by a walker that goes on.
func decodeStrict(file string, text []byte, into any) *mistakes {
	m := &mistakes{file: file, lines: map[string]int{}}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			row, _ := syntax.Position()
			m.found = append(m.found, mistake{row, "the file", strings.TrimPrefix(syntax.Error(), "toml: ")})
			return m
		}
		m.add("the file", "%v", err)
		return m
	}
	m.locate(text)
	m.table("", tree, reflect.ValueOf(into).Elem())
	return m
}

// locate finds the line of every key. The text has been parsed once, so it
// has no syntax errors.
func (m *mistakes) locate(text []byte) {
	var p unstable.Parser
	p.Reset(text)
	prefix, counts := "", map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		name, line := keyOf(&p, e)
		switch e.Kind {
		case unstable.Table:
			prefix = name
		case unstable.ArrayTable:
			prefix = fmt.Sprintf("%s[%d]", name, counts[name])
			counts[name]++
			name = prefix
		case unstable.KeyValue:
			name = join(prefix, name)
		default:
			continue
		}
		if _, known := m.lines[name]; !known {
			m.lines[name] = line
		}
	}
}

func keyOf(p *unstable.Parser, e *unstable.Node) (name string, line int) {
	var parts []string
	for it := e.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
		line = p.Shape(it.Node().Raw).Start.Line
	}
	return strings.Join(parts, "."), line
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// table fills a struct from a table. Every key must be one of the struct's.
func (m *mistakes) table(path string, tree map[string]any, into reflect.Value) {
	fields := map[string]reflect.Value{}
	var names []string
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("toml")
		fields[name] = into.Field(i)
		names = append(names, name)
	}
	for key, value := range tree {
		full := join(path, key)
		field, known := fields[key]
		if !known {
			m.add(full, "there is no such key%s", didYouMean(key, names))
			continue
		}
		m.value(full, value, field)
	}
}

func (m *mistakes) value(key string, value any, into reflect.Value) {
	switch v := value.(type) {
	case map[string]any:
		if into.Kind() == reflect.Struct {
			m.table(key, v, into)
			return
		}
	case []any:
		if into.Kind() == reflect.Slice {
			m.list(key, v, into)
			return
		}
	case int64:
		switch into.Kind() {
		case reflect.Int:
			into.SetInt(v)
			return
		case reflect.Float64:
			into.SetFloat(float64(v))
			return
		}
	default:
		if rv := reflect.ValueOf(value); rv.IsValid() && rv.Type() == into.Type() {
			into.Set(rv)
			return
		}
	}
	m.add(key, "is %s, must be %s", kindOf(reflect.ValueOf(value).Kind()), kindOf(into.Kind()))
}

func (m *mistakes) list(key string, values []any, into reflect.Value) {
	out := reflect.MakeSlice(into.Type(), len(values), len(values))
	for i, v := range values {
		m.value(key+"["+strconv.Itoa(i)+"]", v, out.Index(i))
	}
	into.Set(out)
}

func kindOf(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a table"
	default:
		return "a date"
	}
}

// didYouMean suggests the name that is nearest, if one is near.
func didYouMean(word string, names []string) string {
	best, distance := "", 3
	for _, n := range names {
		if d := editDistance(word, n); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
