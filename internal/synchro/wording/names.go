package wording

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// noise is removed from the text after a phrase, in this order.
var noise = []*regexp.Regexp{
	// Everything from the first reference on.
	regexp.MustCompile(`(?:^|[ /])(?:REF|REFERENCE|RUM|MDT|MANDAT|ID EMETTEUR|IDENTIFIANT|ICS|ECH|ID|MOTIF|LIB|LIBELLE|CHEZ|DATE|EREF|E2E|NPY|NPR|BEN|CPT|CLIENT|CONTRAT|FACTURE|N°)(?:\.? ?[:/].*| N?[O°]? ?[A-Z]*\d.*)$`),
	regexp.MustCompile(` (?:CARTE|CB)(?: (?:NUMERO|NO|N°))? ?[X\d*]{3,}.*$`),
	// What the shop is paid by, and in which currency.
	regexp.MustCompile(` COMMERCE ELECTRONIQUE$`),
	regexp.MustCompile(` (?:[A-Z]{3} \d+[,.]\d{2}|\d+[,.]\d{2} ?[A-Z]{3})$`),
	regexp.MustCompile(` FACT\.? (?:DU )?\d{6}(?: .*)?$`),
	// Cards and days.
	regexp.MustCompile(`(?:^| )(?:CB ?\*+\d{4}|[X*\d]*[X*]{3,}[X*\d]*|X\d{4})(?: |$)`),
	regexp.MustCompile(`(?:^| )(?:DU |LE )?\d{2}[/.-]\d{2}(?:[/.-]\d{2,4})?(?: A)?(?: \d{1,2}[:H]\d{2})?(?: |$)`),
	regexp.MustCompile(`^(?:DU )?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:\d{2})? `),
	regexp.MustCompile(` (?:DU )?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:\d{2})?$`),
	// The place of the shop: department and town in one word, postcode and town, Paris 11.
	regexp.MustCompile(` F?(?:0[1-9]|[1-8]\d|9[0-58])\d{0,3} ?[A-Z][A-Z' -]{2,}$`),
	regexp.MustCompile(` (?:PARIS|LYON|MARSEILLE) (?:CEDEX )?\d{1,2}(?:E|EME)?$`),
	regexp.MustCompile(` (?:FR|FRA|FRANCE)$`),
	// Numbers of contracts and the like.
	regexp.MustCompile(` (?:[A-Z]{0,4}\d[A-Z\d/-]*\d{4}[A-Z\d/-]*|\d{5,})`),
	regexp.MustCompile(`[ .:/-]+$`),
}

// text is a bank's text with, letter by letter, its form for comparing: capitals without
// accents.
type text struct{ shown, plain []rune }

func newText(s string) text {
	shown := []rune(s)
	t := text{shown, make([]rune, len(shown))}
	for i, r := range shown {
		if r > unicode.MaxASCII {
			base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
			r = base
		}
		t.plain[i] = unicode.ToUpper(r)
	}
	return t
}

func (t text) from(i int) text { return text{t.shown[i:], t.plain[i:]} }

// without removes the letters from i to j.
func (t text) without(i, j int) text {
	cut := func(runes []rune) []rune { return slices.Concat(runes[:i], []rune{' '}, runes[j:]) }
	return text{cut(t.shown), cut(t.plain)}.trim()
}

func (t text) trim() text {
	for len(t.plain) > 0 && t.plain[0] == ' ' {
		t = t.from(1)
	}
	for len(t.plain) > 0 && t.plain[len(t.plain)-1] == ' ' {
		t = text{t.shown[:len(t.shown)-1], t.plain[:len(t.plain)-1]}
	}
	return t
}

// large shows a text in capitals, letter by letter.
func (t text) large() text {
	shown := make([]rune, len(t.shown))
	for i, r := range t.shown {
		shown[i] = unicode.ToUpper(r)
	}
	return text{shown, t.plain}
}

// shop returns the name in a text; empty without one.
func shop(t text) string {
	t = t.trim()
	whole := string(t.plain)
	for _, pattern := range noise {
		found := pattern.FindStringIndex(whole)
		if found == nil || strings.HasSuffix(whole[:found[0]], " DE") {
			continue // the name ends with it: ILE DE FRANCE
		}
		rest := t.without(utf8.RuneCountInString(whole[:found[0]]), utf8.RuneCountInString(whole[:found[1]]))
		if named(rest.shown) {
			t, whole = rest, string(rest.plain)
		}
	}
	if !named(t.shown) {
		return ""
	}
	return titled(string(t.shown))
}

// named reports whether a text has at least two letters.
func named(runes []rune) bool {
	n := 0
	for _, r := range runes {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n >= 2
}

// initials stay in capitals. Short words without a vowel need no entry.
var initials = set(`SNCF EDF RATP MAIF MMA CAF CPAM SFR BNP LCL CIC DGFIP URSSAF GMF MGEN MAAF AXA
	KFC BHV UGC MK2 GRDF TGV SA SAS SARL EURL SCI TV USA UK UE EU DAB IARD PEL LDD LDDS CEL PEA
	DRFIP DDFIP SIE CARSAT MSA IBM HP SPA TER ING AGIRC ARRCO CNAV ENS INA IUT SIP TVA EI SCP SNC OVH AWS ADP CAMIF APRR ASF`)

// small words join others; they get a capital only at the beginning.
var small = set(`DE DU DES LA LE LES ET A AU AUX EN SUR SOUS CHEZ D L`)

// titled gives a name in capitals the case that people write.
func titled(s string) string {
	if strings.ContainsFunc(s, unicode.IsLower) {
		return s
	}
	words := strings.Fields(s)
	for i, word := range words {
		if i > 0 && i < len(words)-1 && small[word] {
			words[i] = strings.ToLower(word)
			continue
		}
		words[i] = capitalised(word, i == 0)
	}
	return strings.Join(words, " ")
}

// capitalised capitalises each part between apostrophes, hyphens, dots and the like.
func capitalised(word string, first bool) string {
	var b strings.Builder
	part := func(text, after string) {
		shortInitials := len(text) <= 2 && (after == "&" || strings.HasSuffix(b.String(), "&")) // AT&T
		switch {
		case shortInitials || initials[text] || len(text) > 1 && len(text) <= 4 && !strings.ContainsAny(text, "AEIOUY") || strings.ContainsAny(text, "0123456789"):
			b.WriteString(text)
		case text == "S" && after == "" && strings.HasSuffix(b.String(), "'"): // McDonald's
			b.WriteString("s")
		case !first && after == "'" && small[text]:
			b.WriteString(strings.ToLower(text))
		default:
			runes := []rune(strings.ToLower(text))
			if len(runes) > 0 {
				runes[0] = unicode.ToUpper(runes[0])
			}
			b.WriteString(string(runes))
		}
		b.WriteString(after)
	}
	start := 0
	for i, r := range word {
		if strings.ContainsRune("'’-./&*", r) {
			part(word[start:i], string(r))
			start, first = i+len(string(r)), false
		}
	}
	part(word[start:], "")
	return b.String()
}

func set(words string) map[string]bool {
	all := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}
