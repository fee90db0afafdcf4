package words

import "golang.org/x/text/language"

// Match chooses the language for a browser's Accept-Language header (or any
// list of BCP 47 tags), best first. Cantonese and Chinese of Hong Kong,
// Macau and Taiwan read Traditional, of China and Singapore Simplified; bare
// "zh" means Traditional. Fallback is answered when nothing matches.
func Match(acceptLanguage, fallback string) string {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return fallback
	}
	for _, tag := range tags {
		if lang := ours(tag); lang != "" {
			return lang
		}
	}
	return fallback
}

// ours is "" for a language that has no catalogue. The matcher of x/text is
// not asked: it takes bare "zh" for Simplified, and gives English to all
// that it does not know.
func ours(tag language.Tag) string {
	base, script, region := tag.Raw()
	switch base.String() {
	case "en":
		return English
	case "zh", "yue", "cmn":
	default:
		return ""
	}
	switch script.String() {
	case "Hans":
		return Simplified
	case "Hant":
		return Traditional
	}
	switch region.String() {
	case "CN", "SG", "MY":
		return Simplified
	}
	return Traditional
}
