package staff_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tapshelf/kiosk/staff"
	"tapshelf/kiosk/web"
	"tapshelf/kiosk/words"
	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
)

const password = "correct horse battery"

// office is the staff pages on a real ledger and a real listener, with a
// browser's memory for cookies.
type office struct {
	*lendingtest.Scene
	url    string
	client *http.Client
	ada    lending.PatronID
	laptop lending.ItemID
	routes []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{Scene: lendingtest.NewScene(t)}
	o.Policy("laptop", "3 days at 18:00", 0, 1)
	o.ada = o.Patron("Ada")
	o.laptop = o.Item("LAP-001", "ThinkPad T14", "laptop")
	o.Item("LAP-002", "ThinkPad T14", "laptop")
	for name, role := range map[string]lending.Role{"dora": lending.RoleDesk, "amir": lending.RoleAdmin} {
		err := o.Store.SaveStaff(t.Context(), lending.Staff{
			ID: lending.StaffID(lendingtest.NewID()), Name: name, Role: role, PasswordHash: web.HashPassword(password),
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
	}
	catalogue, err := words.Load(o.Zone)
	if err != nil {
		t.Fatal(err)
	}
	app, err := staff.New(staff.Config{
		Desk: o.Desk, Queries: o.Store, Words: catalogue, Now: o.Clock.Now, Zone: o.Zone, Language: "en", NewID: lendingtest.NewID,
		Readers: func() []staff.ReaderHealth {
			return []staff.ReaderHealth{
				{Name: "pad", Station: "Front desk", Driver: "mfrc522", State: "working", LastSeen: o.Clock.Now()},
				{Name: "fobs", Station: "Front desk", Driver: "em4100", State: "failing", Failures: 7, Err: "no such file"},
			}
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range app.GetRoutes(true) {
		if r.Method != "HEAD" && r.Path != "/" || r.Method == "GET" {
			o.routes = append(o.routes, r.Method+" "+r.Path)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.url = "http://" + ln.Addr().String()
	go app.Listener(ln)
	t.Cleanup(func() { app.ShutdownWithTimeout(time.Second) })
	o.forget()
	return o
}

// forget is a fresh browser that does not follow redirects by itself.
func (o *office) forget() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.Fatal(err)
	}
	o.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (o *office) send(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	o.Helper()
	req, err := http.NewRequestWithContext(o.Context(), method, o.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		o.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := o.client.Do(req)
	if err != nil {
		o.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		o.Fatal(err)
	}
	return res, string(body)
}

func (o *office) login(name string) {
	o.Helper()
	o.forget()
	if res, body := o.send("POST", "/login", url.Values{"name": {name}, "password": {password}}); res.StatusCode != 303 {
		o.Fatalf("login: %d %s", res.StatusCode, text(body))
	}
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

func text(page string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
}

var opField = regexp.MustCompile(`name="op" value="([^"]+)"`)

// form makes what the desk's form would send.
func form(page string, pairs ...string) url.Values {
	v := url.Values{}
	if found := opField.FindStringSubmatch(page); found != nil {
		v.Set("op", found[1])
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// Every route, and what it answers to somebody who is not logged in, to the
// desk and to an admin. A route that is not here fails the test.
var matrix = map[string][3]int{
	"GET /login":              {200, 303, 303},
	"POST /login":             {401, 401, 401},
	"POST /language":          {303, 303, 303},
	"POST /logout":            {303, 303, 303},
	"GET /":                   {303, 200, 200},
	"GET /loans.csv":          {303, 200, 200},
	"GET /desk":               {303, 200, 200},
	"POST /desk":              {303, 400, 400},
	"POST /return":            {303, 400, 400},
	"POST /undo":              {303, 400, 400},
	"GET /patrons/:id":        {303, 404, 404},
	"GET /items/:id":          {303, 404, 404},
	"GET /findings":           {303, 200, 200},
	"POST /findings/:id":      {303, 404, 404},
	"POST /search":            {303, 200, 200},
	"GET /search":             {303, 200, 200},
	"GET /readers":            {303, 200, 200},
	"GET /admin":              {303, 403, 200},
	"GET /font.css":           {200, 200, 200},
	"GET /assets/:hash/:name": {404, 404, 404},
}

func TestWhoMayUseWhichRoute(t *testing.T) {
	o := newOffice(t)
	for _, r := range o.routes {
		if _, known := matrix[r]; !known {
			t.Errorf("route %s is not in the matrix", r)
		}
	}
	for i, name := range []string{"", "dora", "amir"} {
		for route, want := range matrix {
			if !slices.Contains(o.routes, route) {
				t.Errorf("the matrix has %s, which is not served", route)
			}
			o.Clock.Add(10 * time.Minute) // past any throttle
			if o.forget(); name != "" {
				o.login(name)
			}
			method, path, _ := strings.Cut(route, " ")
			res, body := o.send(method, strings.NewReplacer(":id", "nonsense", ":hash", "x", ":name", "y").Replace(path), url.Values{})
			if res.StatusCode != want[i] {
				t.Errorf("%s as %q: %d, want %d: %.200s", route, name, res.StatusCode, want[i], text(body))
			}
			if method == "POST" {
				if res, _ := o.send(method, path, url.Values{}, "Sec-Fetch-Site", "cross-site"); res.StatusCode != 403 {
					t.Errorf("%s from another site as %q: %d", route, name, res.StatusCode)
				}
			}
		}
	}
}

func TestGuessingAPasswordIsSlowedDownAndTellsNothing(t *testing.T) {
	o := newOffice(t)
	_, nobody := o.send("POST", "/login", url.Values{"name": {"nobody"}, "password": {"x"}})
	_, wrong := o.send("POST", "/login", url.Values{"name": {"dora"}, "password": {"x"}})
	if text(nobody) != text(wrong) {
		t.Errorf("an unknown name is told apart:\n%s\n%s", text(nobody), text(wrong))
	}
	status := 0
	for range 6 {
		res, _ := o.send("POST", "/login", url.Values{"name": {"dora"}, "password": {"x"}})
		status = res.StatusCode
	}
	if status != 429 {
		t.Errorf("after seven wrong passwords: %d", status)
	}
	o.Clock.Add(10 * time.Minute)
	o.login("dora")
}

func TestALoginEndsByItselfAndOnRequest(t *testing.T) {
	o := newOffice(t)
	o.login("dora")
	o.Clock.Add(web.SessionIdle + time.Minute)
	if res, _ := o.send("GET", "/", nil); res.StatusCode != 303 {
		t.Errorf("after half an hour of rest: %d", res.StatusCode)
	}
	o.login("dora")
	o.send("POST", "/logout", url.Values{})
	if res, _ := o.send("GET", "/", nil); res.StatusCode != 303 {
		t.Errorf("after logging out: %d", res.StatusCode)
	}
}

func TestTheDeskLendsTakesBackAndUndoes(t *testing.T) {
	o := newOffice(t)
	o.login("dora")
	_, page := o.send("GET", "/desk", nil)
	lend := form(page, "person", "B-Ada", "thing", "LAP-001", "act", "lend")
	_, page = o.send("POST", "/desk", lend)
	if got := text(page); !strings.Contains(got, "Lent: ThinkPad T14 LAP-001") || !strings.Contains(got, "Due Fri 27 Nov, 18:00") {
		t.Fatalf("the desk says %s", got)
	}
	_, again := o.send("POST", "/desk", lend)
	if open, _ := o.Store.Loans(t.Context(), lending.LoanFilter{Open: true}); len(open) != 1 || !strings.Contains(text(again), "Lent: ThinkPad") {
		t.Errorf("the same form twice makes %d loans and says %.300s", len(open), text(again))
	}
	_, page = o.send("POST", "/desk", form(page, "person", "p-Ada", "thing", "LAP-002", "act", "lend"))
	if got := text(page); !strings.Contains(got, "Not lent") || !strings.Contains(got, "Support code L3-") || !strings.Contains(got, "1 of 1") {
		t.Errorf("a second laptop: %s", got)
	}
	support := regexp.MustCompile(`L3-\w{4}`).FindString(page)
	if _, found := o.send("POST", "/search", url.Values{"q": {support}}); !strings.Contains(text(found), "Limit of its kind") {
		t.Errorf("the support code finds %s", text(found))
	}
	_, page = o.send("POST", "/desk", form(page, "thing", "lap-001", "act", "take"))
	if !strings.Contains(text(page), "Taken back: ThinkPad T14") {
		t.Fatalf("taking back: %s", text(page))
	}
	fact := regexp.MustCompile(`name="fact" value="([^"]+)"`).FindStringSubmatch(page)[1]
	_, page = o.send("POST", "/undo", form(page, "item", string(o.laptop), "fact", fact))
	if open, _ := o.Store.Loans(t.Context(), lending.LoanFilter{Open: true}); len(open) != 1 || !strings.Contains(text(page), "Return undone") {
		t.Errorf("undo: %d open, %s", len(open), text(page))
	}
	o.Verified()
}

func TestTheDeskAsksWhenItIsNotClear(t *testing.T) {
	o := newOffice(t)
	o.Patron("Adam")
	o.login("dora")
	for name, test := range map[string]struct {
		person, thing, act, want string
	}{
		"two people have that name":  {"ada", "LAP-001", "lend", "Who is it for?"},
		"two things have that title": {"p-Ada", "thinkpad", "lend", "Which thing is it?"},
		"nobody is called that":      {"Zoe", "LAP-001", "lend", "We don"},
		"nothing is called that":     {"p-Ada", "NOTHING-1", "lend", "This tag is not in our records"},
		"a tag for a badge":          {"LAP-002", "LAP-001", "lend", "This is the tag of a thing"},
		"a badge for a tag":          {"p-Ada", "B-Ada", "lend", "This is a badge"},
		"no person":                  {"", "LAP-001", "lend", "Scan a badge"},
		"no thing":                   {"", "", "take", "Scan a tag"},
		"it was not out":             {"", "LAP-001", "take", "it was not out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, page := o.send("GET", "/desk", nil)
			res, page := o.send("POST", "/desk", form(page, "person", test.person, "thing", test.thing, "act", test.act))
			if res.StatusCode != 200 || !strings.Contains(text(page), test.want) {
				t.Errorf("%d: %s", res.StatusCode, text(page))
			}
		})
	}
	if open, _ := o.Store.Loans(t.Context(), lending.LoanFilter{Open: true}); len(open) != 0 {
		t.Errorf("something was lent: %+v", open)
	}
	_, page := o.send("GET", "/findings", nil)
	if !strings.Contains(text(page), "LAP-001") {
		t.Errorf("the finding is not listed: %s", text(page))
	}
	id := regexp.MustCompile(`action="(/findings/[^"]+)"`).FindStringSubmatch(page)[1]
	o.send("POST", id, url.Values{})
	if _, page := o.send("GET", "/findings", nil); !strings.Contains(text(page), "Nothing waits for you") {
		t.Errorf("after Done: %s", text(page))
	}
}

// lend lends the laptop and goes to when it is overdue.
func (o *office) overdue() {
	o.Helper()
	if _, err := o.Desk.Checkout(o.Context(), lending.CheckoutRequest{Op: "x", Station: "front", Patron: o.ada, Item: o.laptop}); err != nil {
		o.Fatal(err)
	}
	o.Clock.Add(5 * 24 * time.Hour)
}

func TestTheListsSayWhatIsOutLateAndBack(t *testing.T) {
	o := newOffice(t)
	o.overdue()
	o.login("dora")
	for path, want := range map[string]string{
		"/": "ThinkPad T14", "/?show=overdue": "40 hours", "/?show=returned": "Nothing has come back",
		"/patrons/" + string(o.ada): "Badge ending in DA", "/items/" + string(o.laptop): "Lent at front, due Fri 27 Nov", "/items/" + string(o.laptop) + "?": "Record created",
		"/readers": "no such file",
	} {
		if _, page := o.send("GET", path, nil); !strings.Contains(text(page), want) {
			t.Errorf("%s does not say %q: %s", path, want, text(page))
		}
	}
	if _, page := o.send("POST", "/search", url.Values{"q": {"ad"}}); !strings.Contains(text(page), "p-Ada") {
		t.Errorf("search: %s", text(page))
	}
	for lang, want := range map[string]string{"zh-HK": "借出", "zh-CN": "借出"} {
		if _, page := o.send("GET", "/", nil, "Accept-Language", lang); !strings.Contains(page, want) {
			t.Errorf("%s: %s", lang, text(page))
		}
	}
}

func TestPeopleAreFoundAsTheirNamesAreWritten(t *testing.T) {
	o := newOffice(t)
	for id, name := range map[string][2]string{"c": {"嘉欣", "陳"}, "j": {"José", "Álvarez"}} {
		o.Apply(lending.PatronRecord{ExternalID: id, GivenName: &name[0], FamilyName: &name[1]})
	}
	o.login("dora")
	for q, want := range map[string]string{"陳嘉欣": "嘉欣", "嘉欣": "嘉欣", "陳": "嘉欣", "jose": "José", "alvarez jo": "José", "José Álv": "José"} {
		if _, page := o.send("POST", "/search", url.Values{"q": {q}}); !strings.Contains(text(page), want) {
			t.Errorf("%q does not find %s: %s", q, want, text(page))
		}
	}
}

func TestAListThatRenewsItselfIsNoWorkAndNotesTheEnd(t *testing.T) {
	o := newOffice(t)
	o.login("dora")
	for range 4 {
		o.Clock.Add(9 * time.Minute)
		o.send("GET", "/", nil, "HX-Request", "true")
	}
	res, _ := o.send("GET", "/", nil, "HX-Request", "true")
	if res.StatusCode != 401 || res.Header.Get("HX-Redirect") != "/login" {
		t.Errorf("after 36 minutes of polling only: %d to %q", res.StatusCode, res.Header.Get("HX-Redirect"))
	}
}

func TestTheLanguageSwitchLeadsNowhereElse(t *testing.T) {
	o := newOffice(t)
	for back, want := range map[string]string{"/findings": "/findings", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "": "/"} {
		res, _ := o.send("POST", "/language", url.Values{"language": {"zh-Hans"}, "back": {back}})
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("back=%q leads to %q", back, got)
		}
	}
}

func TestACSVCellIsNeverAFormula(t *testing.T) {
	o := newOffice(t)
	evil := `=HYPERLINK("http://x","y")`
	o.Apply(lending.PatronRecord{ExternalID: "p-Ada", GivenName: &evil})
	o.overdue()
	o.login("dora")
	res, body := o.send("GET", "/loans.csv?show=overdue", nil)
	if !strings.HasPrefix(body, "\uFEFF") || !strings.Contains(res.Header.Get("Content-Disposition"), "loans-overdue.csv") {
		t.Errorf("the file begins %q", body[:10])
	}
	rows, err := csv.NewReader(bytes.NewReader([]byte(strings.TrimPrefix(body, "\uFEFF")))).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Contains(rows[1], "'"+evil) {
		t.Errorf("got %q (%v)", rows, err)
	}
}

func TestWithoutAnyAccountTheLoginSaysHowToMakeOne(t *testing.T) {
	o := newOffice(t)
	staff, _ := o.Store.ListStaff(t.Context())
	now := o.Clock.Now()
	for _, s := range staff {
		s.Disabled = &now
		if err := o.Store.SaveStaff(t.Context(), s, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if _, page := o.send("GET", "/login", nil); !strings.Contains(text(page), "tapshelf user add --role admin") {
		t.Errorf("login says %s", text(page))
	}
}

// slug makes a file name of a page's name.
func slug(name string) string { return strings.NewReplacer("/", "_", "?", "_", " ", "").Replace(name) }
