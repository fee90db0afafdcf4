package lending

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Key is the site key: 32 secret bytes, created once per site. Badge and tag
// values are stored only as HMACs under it, so a stolen ledger alone knows no
// badge, and a ledger restored without its key recognises none.
type Key [32]byte

// TagKey is the HMAC-SHA256 of one spelling of a tag under the site key.
type TagKey [sha256.Size]byte

// Tag gives the key under which a spelling is stored.
func (k Key) Tag(s Spelling) TagKey {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(s.Form))
	mac.Write([]byte{0})
	mac.Write([]byte(s.Value))
	return TagKey(mac.Sum(nil))
}

// Fingerprint names a key without revealing it: it is stored in the ledger,
// so that a ledger opened with the wrong key is noticed at once.
func (k Key) Fingerprint() string {
	t := k.Tag(Spelling{Form: "fingerprint"})
	return Subject(t[:16]).String()
}

// Spelling is one form under which a tag is known: Form names it ("em4100",
// "dec10", "iso14443a", "label" ...), Value is its canonical text. A Short
// spelling holds 24 bits or less, so two different tags may share it.
type Spelling struct {
	Form  string
	Value string
	Short bool
}

// Presented is a tag as it was held to a reader or typed at the desk.
type Presented struct {
	// Spellings is every form of the tag, most telling first.
	Spellings []Spelling
	// Random says that the UID is drawn anew each time (phones), so that it
	// can name nothing.
	Random bool
	// Tail is the last two characters, all that may be shown or kept of it.
	Tail string
}
