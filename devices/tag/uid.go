package tag

// Tech says which air interface or label a UID was read from.
type Tech string

// The technologies that Tapshelf tells apart. The value is also the form of
// the UID's first alias and the prefix in "form:value" spellings.
const (
	// EM4100 is a 125 kHz fob: 5 bytes, customer id first, then the 32-bit
	// card number, most significant byte first.
	EM4100 Tech = "em4100"
	// ISO14443A is an HF card of 4, 7 or 10 bytes, in the order the card
	// sends them (ISO/IEC 14443-3 §6.5).
	ISO14443A Tech = "iso14443a"
	// Label is text printed on the thing itself, as typed by staff or sent
	// by a simulated reader: "LAP-001", "B-07".
	Label Tech = "label"
)

// UID is what a reader saw of one tag: comparable, so that presence can use
// it as a key. Value is upper-case hex for EM4100 and ISO14443A, and the
// trimmed, upper-cased text for Label.
type UID struct {
	Tech  Tech
	Value string
}

// Alias is one spelling of a tag. Form names the spelling ("em4100", "dec10",
// "wiegand26", "iso14443a", "label" ...), Value is its canonical text.
// Short aliases hold 24 bits or less, so two different tags may share one.
type Alias struct {
	Form  string
	Value string
	Short bool
}
