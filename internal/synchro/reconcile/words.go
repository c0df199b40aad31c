package reconcile

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin/internal/bank"
)

// Words returns the bank's words for a row in the form in which they are compared and
// stored: the remittance lines, else the counterparty, composed (NFC), in capitals, with
// single spaces. A change of this form makes every stored row look relabelled once; the
// matching survives that.
func Words(t bank.Transaction) string {
	words := normalise(strings.Join(t.Remittance, " "))
	if words == "" {
		return normalise(t.Counterparty)
	}
	return words
}

func normalise(s string) string {
	if plain(s) {
		return strings.Join(strings.Fields(strings.ToUpper(s)), " ")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r): // soft hyphens, zero-width spaces, byte order marks
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	// Compose again at the end: capitals may decompose (ΐ).
	return strings.Join(strings.Fields(norm.NFC.String(strings.ToUpper(norm.NFC.String(s)))), " ")
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// stopWords are words that banks put around a name, or add or remove at booking. They do
// not distinguish rows.
var stopWords = func() map[string]bool {
	words := make(map[string]bool)
	for word := range strings.FieldsSeq(`
		CB CARTE CARD PAIEMENT PAIEMENTS ACHAT ACHATS PSC SANS CONTACT AUTORISATION ATTENTE COURS EN
		VIR VIREMENT VIRT SEPA INST INSTANTANE RECU EMIS FAVEUR PRLV PRELEVEMENT PRLVT
		RETRAIT RET DAB GAB FACTURE FACT OPERATION OPE REF REFERENCE NUMERO NO
		DU DE DES LE LA LES AU AUX ET POUR PAR VERS
		EUR EUROS FR FRA FRANCE PENDING PURCHASE PAYMENT TRANSFER`) {
		words[word] = true
	}
	return words
}()

// tokens are the significant parts of words, without dates, numbers, accents and stop
// words.
type tokens struct {
	names []string // sorted, without repetition
	marks []string // words with digits, which only distinguish equal names
	// last is the last word, which a bank may have cut.
	last string
}

func tokensOf(words string) tokens {
	var g tokens
	for _, word := range strings.FieldsFunc(fold(words), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		g.last = word
		switch {
		case strings.ContainsFunc(word, unicode.IsDigit):
			g.marks = append(g.marks, word)
		case len(word) > 1 && !stopWords[word]:
			g.names = append(g.names, word)
		}
	}
	slices.Sort(g.names)
	g.names = slices.Compact(g.names)
	slices.Sort(g.marks)
	g.marks = slices.Compact(g.marks)
	return g
}

// fold removes accents.
func fold(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// The steps of likeness of two token sets.
const (
	unlike = iota
	// vague: one of them has no names, so nothing contradicts.
	vague
	// alike: most names of the shorter one are in the longer one.
	alike
	// same: all names of the shorter one are in the longer one.
	same
)

// compare returns the likeness of two token sets: its step, and within the step how
// close they are (0 to 100).
func compare(a, b tokens) (step, closeness int) {
	if len(a.names) == 0 || len(b.names) == 0 {
		if len(a.names) == len(b.names) {
			return vague, 50 + common(a.marks, b.marks, false)*50/max(len(a.marks), len(b.marks), 1)
		}
		return vague, 0
	}
	shorter := min(len(a.names), len(b.names))
	shared := common(a.names, b.names, true)
	if shared < shorter && (cutShort(a, b) || cutShort(b, a)) {
		shared++
	}
	closeness = 70*shared/max(len(a.names), len(b.names)) +
		30*common(a.marks, b.marks, false)/max(len(a.marks), len(b.marks), 1)
	switch {
	case shared == shorter:
		return same, closeness
	case 10*shared >= 6*shorter:
		return alike, closeness
	}
	return unlike, 0
}

// cutShort reports whether a label ends in the beginning of a word of another one. Shorter
// than four letters, such a word counts only at the end, and only beside another name.
func cutShort(cut, whole tokens) bool {
	if len(cut.last) >= 4 || len(cut.names) < 2 || !slices.Contains(cut.names, cut.last) {
		return false
	}
	return slices.ContainsFunc(whole.names, func(word string) bool {
		return len(word) > len(cut.last) && strings.HasPrefix(word, cut.last)
	})
}

// common counts the words of the shorter list that the longer one has, too. With cut, a
// truncated word counts as the whole one.
func common(a, b []string, cut bool) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := 0
	for _, word := range a {
		if slices.ContainsFunc(b, func(other string) bool {
			return word == other || cut && min(len(word), len(other)) >= 4 &&
				(strings.HasPrefix(word, other) || strings.HasPrefix(other, word))
		}) {
			n++
		}
	}
	return n
}
