package reconcile

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin/bank"
)

// Words are the bank's words for a row in the form in which they are compared
// and stored: the remittance lines, else the counterparty, composed (NFC), in
// capitals, with single spaces. Changing this form makes every stored row look
// relabelled once; the matching survives that, but do it knowingly.
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
	// Composed again at the end: capitals may come apart (ΐ).
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

// frame are words that banks put around a name, add or take away at settlement,
// and that say nothing about whose row it is.
var frame = func() map[string]bool {
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

// gist is what remains of words when dates, numbers, accents and the bank's own
// frame are taken away.
type gist struct {
	names []string // sorted, without repetition
	marks []string // words with digits: they tell equal names apart, no more
}

func gistOf(words string) gist {
	var g gist
	for _, word := range strings.FieldsFunc(fold(words), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		switch {
		case strings.ContainsFunc(word, unicode.IsDigit):
			g.marks = append(g.marks, word)
		case len(word) > 1 && !frame[word]:
			g.names = append(g.names, word)
		}
	}
	slices.Sort(g.names)
	g.names = slices.Compact(g.names)
	slices.Sort(g.marks)
	g.marks = slices.Compact(g.marks)
	return g
}

// fold takes the accents off.
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

// The steps of likeness between two gists.
const (
	unlike = iota
	// vague: one of them names nobody, so that nothing speaks against it.
	vague
	// alike: most names of the shorter one are in the longer one.
	alike
	// same: all names of the shorter one are in the longer one.
	same
)

// compare says how alike two gists are, and within a step how closely (0 to 100).
func compare(a, b gist) (step, closeness int) {
	if len(a.names) == 0 || len(b.names) == 0 {
		if len(a.names) == len(b.names) {
			return vague, 50 + common(a.marks, b.marks, false)*50/max(len(a.marks), len(b.marks), 1)
		}
		return vague, 0
	}
	shorter := min(len(a.names), len(b.names))
	shared := common(a.names, b.names, true)
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

// common counts the words of the shorter list that the longer one has too. With
// cut, a word that a bank cut off counts as the whole one.
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
