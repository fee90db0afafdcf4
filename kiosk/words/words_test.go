package words_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tapshelf/kiosk/words"
	"tapshelf/lending"
)

func load(t *testing.T) *words.Catalogue {
	t.Helper()
	c, err := words.Load(time.FixedZone("HKT", 8*60*60))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryReasonAndFindingHasWordsInEveryLanguage(t *testing.T) {
	c := load(t)
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	for _, lang := range words.Languages() {
		s := c.In(lang)
		for _, r := range lending.Reasons() {
			complete(t, lang, string(r), s.Reason(lending.Because{Reason: r, Count: 3, Max: 4, At: &at}))
			complete(t, lang, string(r), s.Reason(lending.Because{Reason: r, Count: 3, Max: 4}))
		}
		for _, k := range lending.FindingKinds() {
			complete(t, lang, string(k), s.Finding(k))
		}
	}
}

func complete(t *testing.T, lang, what string, why words.Why) {
	t.Helper()
	for _, text := range []string{why.Title, why.Next, why.Short} {
		if text == "" || strings.HasPrefix(text, "reason.") || strings.HasPrefix(text, "finding.") ||
			strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
			t.Errorf("%s: %s says %q", lang, what, text)
		}
	}
}

// Twelve words or twenty-two characters are what can be read at a glance.
func TestTitlesFitALine(t *testing.T) {
	c := load(t)
	for _, r := range lending.Reasons() {
		b := lending.Because{Reason: r, Count: 10, Max: 10}
		if got := c.In(words.English).Reason(b).Title; len(strings.Fields(got)) > 12 {
			t.Errorf("too many words: %q", got)
		}
		for _, lang := range []string{words.Traditional, words.Simplified} {
			if got := c.In(lang).Reason(b).Title; len([]rune(got)) > 22 {
				t.Errorf("too many characters: %q", got)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\.[A-Z][A-Za-z]*`)

// messages flattens every file of a language into key → placeholders; the
// forms of a plural count as one message.
func messages(t *testing.T, lang string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("locales", lang, "*.toml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no catalogue in %s (%v)", lang, err)
	}
	all := make(map[string]string)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := toml.Unmarshal(text, &tree); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		flatten(t, filepath.Base(name)+" ", tree, all)
	}
	return all
}

func flatten(t *testing.T, prefix string, tree map[string]any, all map[string]string) {
	t.Helper()
	for key, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			if other, ok := v["other"].(string); ok {
				all[prefix+key] = names(other)
				continue
			}
			flatten(t, prefix+key+".", v, all)
		case string:
			if strings.TrimSpace(v) == "" {
				t.Errorf("%s%s is blank", prefix, key)
			}
			all[prefix+key] = names(v)
		default:
			t.Errorf("%s%s is no sentence: %v", prefix, key, v)
		}
	}
}

func names(text string) string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestEveryCatalogueHasTheSameKeysAndPlaceholders(t *testing.T) {
	want := messages(t, words.English)
	for _, lang := range []string{words.Traditional, words.Simplified} {
		got := messages(t, lang)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if text, ok := got[key]; !ok {
				t.Errorf("%s has no words for %s", lang, key)
			} else if text != want[key] {
				t.Errorf("%s: %s fills in %q, English %q", lang, key, text, want[key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[key]; !ok {
				t.Errorf("%s has words for %s, English has none", lang, key)
			}
		}
	}
}

func TestMatchChoosesALanguage(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                "fr",
		"de-CH, *":                        "fr",
		"not a header;;":                  "fr",
		"en-GB,en;q=0.8":                  words.English,
		"zh":                              words.Traditional,
		"zh-HK":                           words.Traditional,
		"zh-MO":                           words.Traditional,
		"zh-TW,zh;q=0.9,en-US;q=0.8":      words.Traditional,
		"yue":                             words.Traditional,
		"yue-HK":                          words.Traditional,
		"zh-CN":                           words.Simplified,
		"zh-SG":                           words.Simplified,
		"zh-Hans-HK":                      words.Simplified,
		"zh-Hant-CN":                      words.Traditional,
		"fr, zh-CN;q=0.5, zh-TW;q=0.7":    words.Traditional,
		"ja;q=0.9,en;q=0.1,zh-Hans;q=0.2": words.Simplified,
	} {
		if got := words.Match(accept, "fr"); got != want {
			t.Errorf("Match(%q) = %q, want %q", accept, got, want)
		}
	}
}

func TestASpeakerNamesItsLanguage(t *testing.T) {
	c := load(t)
	for asked, want := range map[string]string{
		"en": "en", "zh-Hant": "zh-Hant-HK", "zh-Hans": "zh-Hans", "zh-HK": "zh-Hant-HK", "": "en", "xx": "en",
	} {
		if got := c.In(asked).Lang(); got != want {
			t.Errorf("In(%q).Lang() = %q, want %q", asked, got, want)
		}
	}
}

func TestInstantsAreToldInTheSitesZoneWithTheirWeekday(t *testing.T) {
	c := load(t)
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	for lang, want := range map[string][2]string{
		words.English:     {"Fri 27 Nov, 18:00", "Fri 27 Nov"},
		words.Traditional: {"11月27日（星期五）18:00", "11月27日（星期五）"},
		words.Simplified:  {"11月27日（星期五）18:00", "11月27日（星期五）"},
	} {
		if got := c.In(lang).When(at); got != want[0] {
			t.Errorf("%s: When says %q, want %q", lang, got, want[0])
		}
		if got := c.In(lang).Day(at); got != want[1] {
			t.Errorf("%s: Day says %q, want %q", lang, got, want[1])
		}
	}
	if got, want := c.In(words.English).Stamp(at), "2026-11-27 18:00"; got != want {
		t.Errorf("Stamp says %q, want %q", got, want)
	}
}

func TestReasonsTellTheirNumbersAndDates(t *testing.T) {
	c := load(t)
	at := time.Date(2026, 8, 31, 10, 0, 0, 0, time.UTC)
	limit := lending.Because{Reason: lending.LimitTotal, Count: 3, Max: 3}
	if got, want := c.In(words.English).Reason(limit).Title, "3 of 3 loans are in use"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	expired := lending.Because{Reason: lending.PatronExpired, At: &at}
	if got, want := c.In(words.Traditional).Reason(expired).Title, "此帳戶已於8月31日（星期一）到期"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMissingKeyIsShownAsItIs(t *testing.T) {
	s := load(t).In(words.Traditional)
	if got := s.T("nothing.here"); got != "nothing.here" {
		t.Errorf("got %q", got)
	}
	if got := s.N("nothing.here", 2); got != "nothing.here" {
		t.Errorf("got %q", got)
	}
}
