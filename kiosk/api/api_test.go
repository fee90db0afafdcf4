package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gofiber/fiber/v2"

	"tapshelf/kiosk/api"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

// server is an API on a real ledger and a real listener. Every answer that
// its client gets is held against the document.
type server struct {
	*lendingtest.Scene
	app    *fiber.App
	url    string
	secret string
	router routers.Router
	done   chan struct{}
}

func newAPI(t *testing.T) *server {
	t.Helper()
	s := &server{Scene: lendingtest.NewScene(t)}
	s.start()
	s.secret = s.token(lending.Scopes()...)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	router, err := gorillamux.NewRouter(loadDocument(t))
	if err != nil {
		t.Fatal(err)
	}
	s.router = router
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.Helper()
	catalogue, err := words.Load(s.Zone)
	if err != nil {
		s.Fatal(err)
	}
	s.done = make(chan struct{})
	s.app = api.New(api.Config{
		Desk: s.Desk, Registry: s.Registry, Store: s.Store, Queries: s.Store, Words: catalogue, Now: s.Clock.Now, Wall: time.Now,
		Log: slog.New(slog.DiscardHandler), Done: s.done, BatchLimit: 4 << 20, Temp: s.TempDir(),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	s.url = "http://" + ln.Addr().String()
	go s.app.Listener(ln)
}

func (s *server) stop() {
	close(s.done)
	s.app.ShutdownWithTimeout(time.Second)
}

func (s *server) token(scopes ...lending.Scope) string {
	s.Helper()
	secret, hash := api.NewSecret()
	err := s.Store.SaveToken(s.Context(), lending.Token{ID: lendingtest.NewID(), Name: "test", Hash: hash, Scopes: scopes, Created: s.Clock.Now()}, "test")
	if err != nil {
		s.Fatal(err)
	}
	return secret
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

// call sends a request and holds the answer against the document.
func (s *server) call(method, path, body string, header ...string) answer {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.secret)
	req.Header.Set("Idempotency-Key", lendingtest.NewID())
	if strings.HasPrefix(path, "/batch") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	s.validate(req, res, got)
	return answer{res.StatusCode, res.Header, got}
}

func (s *server) validate(req *http.Request, res *http.Response, body []byte) {
	s.Helper()
	bare := req.Clone(s.Context())
	bare.URL.Scheme, bare.URL.Host, bare.Host = "", "", ""
	route, params, err := s.router.FindRoute(bare)
	if err != nil {
		s.Fatalf("%s %s is not in the document: %v", req.Method, req.URL.Path, err)
	}
	err = openapi3filter.ValidateResponse(s.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: bare, Route: route, PathParams: params},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		s.Errorf("%s %s answered %d, which the document does not: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

const someLines = `{"type":"patron","external_id":"s1","given_name":"Ada","badges":["0008075634",{"value":"B-OLD","revoked":true}]}
{"type":"title","external_id":"t14","name":"ThinkPad T14","loan_type":"laptop","unknown":"is ignored"}
{"type":"item","external_id":"LAP-001","title":"t14","label":"LAP-001","tags":["LAP-001"]}
{"type":"patron","external_id":"s2"}
{"type":"item","external_id":"LAP-002","title":"nothing","label":"LAP-002"}
{"type":"patron","external_id":7}
nonsense
{"type":"ship"}

{"type":"badge","patron":"s1","value":"LAP-001"}
{"type":"tag","item":"LAP-001","value":"67003B51C6CB"}
`

type batchResult struct {
	Created, Changed, Unchanged, Invalid int
	Results                              []struct {
		Line                     int
		Status, ID, Field, Error string
	}
}

func TestABatchTakesGoodLinesAndNamesTheOthers(t *testing.T) {
	s := newAPI(t)
	var got batchResult
	s.call("POST", "/batch", someLines).json(t, &got)
	want := map[int]string{4: "given_name", 5: "title", 6: "external_id", 7: "the line", 8: "type", 10: "value"}
	for _, r := range got.Results {
		if field := want[r.Line]; field != r.Field || (field == "") == (r.Status == "invalid") {
			t.Errorf("line %d: %s %s %s, want a complaint about %q", r.Line, r.Status, r.Field, r.Error, field)
		}
	}
	if got.Created != 4 || got.Invalid != 6 {
		t.Errorf("created %d, invalid %d; want 4 and 6", got.Created, got.Invalid)
	}
	s.Verified()
}

func TestABatchSentTwiceActsOnceAndItsKeyIsNotReused(t *testing.T) {
	s := newAPI(t)
	first := s.call("POST", "/batch", someLines, "Idempotency-Key", "same")
	before, _ := s.Store.Head(t.Context())
	again := s.call("POST", "/batch", someLines, "Idempotency-Key", "same")
	if after, _ := s.Store.Head(t.Context()); after != before || !bytes.Equal(first.body, again.body) {
		t.Errorf("the second answer is %s", again.body)
	}
	if got := s.call("POST", "/batch", someLines+"\n", "Idempotency-Key", "same"); got.status != 422 {
		t.Errorf("another body under the same key: %d", got.status)
	}
	if got := s.call("POST", "/batch", someLines, "Idempotency-Key", " "); got.status != 400 {
		t.Errorf("no key: %d", got.status)
	}
}

func TestAnOversizedBatchOrLineChangesNothing(t *testing.T) {
	s := newAPI(t)
	before, _ := s.Store.Head(t.Context())
	long := `{"type":"patron","external_id":"s1","given_name":"` + strings.Repeat("A", api.LineLimit) + `"}`
	if got := s.call("POST", "/batch", someLines+long); got.status != 413 {
		t.Errorf("a line that is too long: %d", got.status)
	}
	if got := s.call("POST", "/batch", strings.Repeat(someLines, 8000)); got.status != 413 {
		t.Errorf("a batch that is too long: %d", got.status)
	}
	if after, _ := s.Store.Head(t.Context()); after != before {
		t.Error("the ledger moved")
	}
}

func TestHalfABatchChangesNothing(t *testing.T) {
	s := newAPI(t)
	before, _ := s.Store.Head(t.Context())
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /api/v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nIdempotency-Key: half\r\nContent-Length: %d\r\n\r\n%s",
		s.secret, len(someLines)+1000, someLines)
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	io.Copy(io.Discard, conn)
	conn.Close()
	if after, _ := s.Store.Head(t.Context()); after != before {
		t.Error("the ledger moved")
	}
	if got := s.call("POST", "/batch", someLines, "Idempotency-Key", "half"); got.status != 200 {
		t.Errorf("the whole batch under the same key: %d %s", got.status, got.body)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	s := newAPI(t)
	revoked := s.token(lending.Scopes()...)
	tokens, _ := s.Store.Tokens(t.Context())
	last := tokens[len(tokens)-1]
	now := s.Clock.Now()
	last.Revoked = &now
	if err := s.Store.SaveToken(t.Context(), last, "test"); err != nil {
		t.Fatal(err)
	}
	feed, items := s.token(lending.ScopeFeedRead), s.token(lending.ScopeItemsWrite)
	for _, test := range []struct {
		name, secret, method, path string
		want                       int
	}{
		{"no token", "", "GET", "/changes", 401},
		{"a wrong token", "tsk_wrong", "GET", "/changes", 401},
		{"a revoked token", revoked, "GET", "/changes", 401},
		{"the feed with its scope", feed, "GET", "/changes", 200},
		{"a batch with the feed's scope", feed, "POST", "/batch", 403},
		{"a loan with the feed's scope", feed, "POST", "/loans", 403},
		{"loans with the feed's scope", feed, "GET", "/loans", 200},
		{"the feed with the items' scope", items, "GET", "/changes", 403},
		{"a batch with the items' scope", items, "POST", "/batch", 200},
		{"the document with no token", "", "GET", "/openapi.json", 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := s.call(test.method, test.path, "", "Authorization", "Bearer "+test.secret); got.status != test.want {
				t.Errorf("%d, want %d: %s", got.status, test.want, got.body)
			}
		})
	}
	var got batchResult
	s.call("POST", "/batch", `{"type":"patron","external_id":"x","given_name":"X"}`, "Authorization", "Bearer "+items).json(t, &got)
	if got.Invalid != 1 || got.Results[0].Field != "type" {
		t.Errorf("a patron with the items' scope: %+v", got)
	}
}

func TestGuessingTokensIsSlowedDown(t *testing.T) {
	s := newAPI(t)
	for range 11 {
		s.call("GET", "/changes", "", "Authorization", "Bearer guess")
	}
	got := s.call("GET", "/changes", "", "Authorization", "Bearer guess")
	if got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	s.Clock.Add(2 * time.Minute)
	if got := s.call("GET", "/changes", ""); got.status != 200 {
		t.Errorf("afterwards the right token: %d", got.status)
	}
}

func TestLoansAreMadeReadAndEnded(t *testing.T) {
	s := newAPI(t)
	s.Policy("laptop", "3 days at 18:00", 0, 1)
	s.Patron("Ada")
	s.Item("LAP-001", "ThinkPad", "laptop")
	s.Item("LAP-002", "ThinkPad", "laptop")
	made := s.call("POST", "/loans", `{"patron":"p-Ada","item":"LAP-001"}`, "Idempotency-Key", "one")
	var loan struct{ ID, Item, Patron string }
	made.json(t, &loan)
	if made.status != 201 || loan.Patron != "p-Ada" || loan.Item != "LAP-001" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if again := s.call("POST", "/loans", `{"patron":"p-Ada","item":"LAP-001"}`, "Idempotency-Key", "one"); !bytes.Equal(again.body, made.body) {
		t.Errorf("again: %s", again.body)
	}
	refused := s.call("POST", "/loans", `{"patron":"p-Ada","item":"LAP-002"}`, "Accept-Language", "zh-HK")
	var problem struct {
		Support string
		Reasons []struct{ Reason, Title, Next string }
	}
	refused.json(t, &problem)
	if refused.status != 403 || len(problem.Reasons) != 1 || problem.Reasons[0].Reason != "limit_type" ||
		problem.Support == "" || problem.Reasons[0].Title == "" || problem.Reasons[0].Next == "" {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	for path, want := range map[string]int{
		"?state=open": 1, "?state=overdue": 0, "?patron=p-Ada": 1, "?item=LAP-002": 0, "?after=" + loan.ID: 0,
	} {
		var list struct{ Loans []struct{ ID string } }
		s.call("GET", "/loans"+path, "").json(t, &list)
		if len(list.Loans) != want {
			t.Errorf("%s lists %d loans, want %d", path, len(list.Loans), want)
		}
	}
	for range 2 {
		var back struct {
			ReturnedAt string `json:"returned_at"`
		}
		s.call("POST", "/loans/"+loan.ID+"/return", "").json(t, &back)
		if back.ReturnedAt == "" {
			t.Error("it is still out")
		}
	}
	for path, want := range map[string]int{
		"/loans/nonsense": 404, "/loans/" + lendingtest.NewID(): 404, "/loans?state=lost": 400, "/loans?patron=nobody": 400, "/loans?limit=0": 400,
	} {
		if got := s.call("GET", path, ""); got.status != want {
			t.Errorf("%s: %d, want %d", path, got.status, want)
		}
	}
	for body, where := range map[string]string{`{"patron":"nobody","item":"LAP-001"}`: "patron", `{"patron":7}`: "patron", `[`: "the body"} {
		var p struct{ Where string }
		if got := s.call("POST", "/loans", body); got.status != 400 {
			t.Errorf("%s: %d", body, got.status)
		} else if got.json(t, &p); p.Where != where {
			t.Errorf("%s: complains about %q", body, p.Where)
		}
	}
	s.Verified()
}

type changes struct {
	Cursor string
	Events []struct{ ID, Type, Sequence string }
}

// follow reads the feed from a cursor to its end.
func (s *server) follow(cursor string, into *[]string) string {
	s.Helper()
	for {
		got := s.call("GET", "/changes?limit=7&after="+cursor, "")
		if got.status == 204 {
			return got.header.Get("Tapshelf-Cursor")
		}
		var page changes
		got.json(s, &page)
		for _, e := range page.Events {
			*into = append(*into, e.Sequence)
		}
		cursor = page.Cursor
	}
}

func TestTheFeedHasNoGapAndNoDuplicateAcrossARestart(t *testing.T) {
	s := newAPI(t)
	var seen []string
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for j := range 10 {
				s.Patron(fmt.Sprintf("P%d-%d", i, j))
			}
		})
	}
	cursor := s.follow("", &seen)
	writers.Wait()
	s.stop()
	s.Store.Close()
	s.Open()
	s.start()
	s.Patron("After")
	cursor = s.follow(cursor, &seen)
	head, _ := s.Store.Head(t.Context())
	if int64(len(seen)) != head.Position {
		t.Errorf("%d events, the ledger has %d facts", len(seen), head.Position)
	}
	for i, sequence := range seen {
		if sequence != fmt.Sprint(i+1) {
			t.Fatalf("event %d has the sequence %s", i+1, sequence)
		}
	}
	for after, want := range map[string]int{"nonsense": 400, "1.1.00000000": 400, "2.1.00000000": 410, cursor: 204, "1.-1.x": 400} {
		if got := s.call("GET", "/changes?after="+after, ""); got.status != want {
			t.Errorf("after=%s: %d, want %d", after, got.status, want)
		}
	}
	lines := s.call("GET", "/changes?limit=3", "", "Accept", "application/x-ndjson")
	if n := bytes.Count(lines.body, []byte("\n")); n != 3 {
		t.Errorf("%d lines: %s", n, lines.body)
	}
}

func TestALongPollAnswersWhenSomethingHappens(t *testing.T) {
	s := newAPI(t)
	var seen []string
	cursor := s.follow("", &seen)
	got := make(chan answer)
	go func() { got <- s.call("GET", "/changes?wait=20&after="+cursor, "") }()
	select {
	case a := <-got:
		t.Fatalf("it did not wait: %d %s", a.status, a.body)
	case <-time.After(100 * time.Millisecond):
	}
	s.Patron("Ada")
	if a := <-got; a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestALongPollEndsWhenTheProgramStops(t *testing.T) {
	s := newAPI(t)
	var seen []string
	cursor := s.follow("", &seen)
	got := make(chan answer)
	go func() { got <- s.call("GET", "/changes?wait=50&after="+cursor, "") }()
	time.Sleep(50 * time.Millisecond)
	close(s.done)
	if a := <-got; a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.done = make(chan struct{})
}

func TestHostileRequestsAreRefused(t *testing.T) {
	s := newAPI(t)
	for name, raw := range map[string]string{
		"another host":      "GET /api/v1/changes HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"a header too long": "GET /api/v1/changes HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"no HTTP":           "hello\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(conn, raw)
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if strings.Contains(line, " 200 ") || strings.Contains(line, " 500 ") {
				t.Errorf("answered %q", line)
			}
		})
	}
}

func FuzzBatchLine(f *testing.F) {
	for line := range strings.Lines(someLines) {
		f.Add([]byte(line))
	}
	all := lending.Token{Scopes: lending.Scopes()}
	f.Fuzz(func(t *testing.T, text []byte) {
		record, bad := api.ParseLine(text, all)
		if (record == nil) == (bad == nil) {
			t.Errorf("record %v, complaint %v", record, bad)
		}
	})
}
