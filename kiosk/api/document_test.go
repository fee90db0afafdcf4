package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"tapshelf/lending"
)

var update = flag.Bool("update", false, "write openapi.json from openapi.yaml")

func loadDocument(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheJSONDocumentIsTheYAMLDocument(t *testing.T) {
	compact, err := loadDocument(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, compact, "", " "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("openapi.json is not made from openapi.yaml (%v); run: go test ./kiosk/api -run Document -update", err)
	}
}

func TestEveryRouteIsInTheDocumentAndTheReverse(t *testing.T) {
	var served []string
	for _, r := range newAPI(t).app.GetRoutes(true) {
		if path, ok := strings.CutPrefix(r.Path, "/api/v1"); ok && r.Method != "HEAD" && path != "" && path != "/" {
			served = append(served, r.Method+" "+strings.ReplaceAll(path, ":id", "{id}"))
		}
	}
	var documented []string
	for path, item := range loadDocument(t).Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(documented)
	if served = slices.Compact(served); !slices.Equal(served, documented) {
		t.Errorf("served:     %v\ndocumented: %v", served, documented)
	}
}

func TestEveryReasonIsInTheDocument(t *testing.T) {
	var want []string
	for _, r := range lending.Reasons() {
		want = append(want, string(r))
	}
	var got []string
	for _, v := range loadDocument(t).Components.Schemas["Reason"].Value.Enum {
		got = append(got, v.(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("documented %v, the rules have %v", got, want)
	}
}
