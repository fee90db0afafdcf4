// Package words turns keys, reasons, numbers and instants into sentences in
// the three languages of the counter: English, Traditional Chinese in Hong
// Kong wording, and Simplified Chinese in mainland wording.
//
// # Promises, and where each is kept
//
//   - Every lending.Reason and every lending.FindingKind has words in every
//     language (test).
//   - Every catalogue has the same keys with the same placeholders (test).
//   - A date always names its weekday, and is told in the site's zone.
//
// The catalogues are locales/LANGUAGE/SURFACE.toml; a new surface adds its
// own three files and is loaded without more ado.
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed locales
var locales embed.FS

// The languages, as kiosk.Screen.Language and a patron's record spell them.
const (
	English     = "en"
	Traditional = "zh-Hant"
	Simplified  = "zh-Hans"
)

// Languages lists every language, in the order in which a panel offers them.
func Languages() []string { return []string{English, Traditional, Simplified} }

// Catalogue holds all words of all languages. It never changes after Load
// and may be shared.
type Catalogue struct {
	speakers map[string]*Speaker
}

// Load reads the catalogues. Instants are told in zone, the site's.
func Load(zone *time.Location) (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	for _, lang := range Languages() {
		if err := read(bundle, lang); err != nil {
			return nil, fmt.Errorf("words in %s: %w", lang, err)
		}
	}
	c := &Catalogue{speakers: make(map[string]*Speaker)}
	for _, lang := range Languages() {
		c.speakers[lang] = &Speaker{
			code: lang, voice: voices[lang], zone: zone,
			localizer: i18n.NewLocalizer(bundle, lang),
		}
	}
	return c, nil
}

func read(bundle *i18n.Bundle, lang string) error {
	files, err := fs.Glob(locales, path.Join("locales", lang, "*.toml"))
	if err != nil {
		return err
	}
	for _, name := range files {
		text, err := locales.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := bundle.ParseMessageBytes(language.MustParse(lang), text, toml.Unmarshal); err != nil {
			return fmt.Errorf("%s: %w", path.Base(name), err)
		}
	}
	return nil
}

// In gives the speaker of a language. Any BCP 47 tag will do; one that is
// not Chinese speaks English.
func (c *Catalogue) In(lang string) *Speaker {
	if s, ok := c.speakers[lang]; ok {
		return s
	}
	return c.speakers[Match(lang, English)]
}
