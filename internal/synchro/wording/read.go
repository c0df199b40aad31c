package wording

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Reading is a row in the form that people read (contract §4.8).
type Reading struct {
	Type oxlin.TransactionType
	// Label is never empty.
	Label string
	// Notes are the bank's lines joined with newlines, and SourceLabel the
	// merchant. Both are empty if Label is the bank's own line.
	Notes       string
	SourceLabel string
	// Category is an id of Categories; oxlin.Uncategorized if there is any doubt.
	Category string
	// The rules that gave label, type and category.
	LabelRule, TypeRule, CategoryRule Rule
}

// Read reads a row of an account of a type. It drops bytes that are not UTF-8.
func Read(t bank.Transaction, account oxlin.AccountType) Reading {
	lines := cleanLines(t.Remittance)
	counterparty := clean(t.Counterparty)
	if notation.IsFiller(counterparty) {
		counterparty = "" // a program does not know the name
	}
	opening, rest := match(lines)
	whole := join(lines)
	other, hasTags := "", tagged(opening, whole)

	var reading Reading
	reading.Type, reading.TypeRule = typeOf(t, opening, lines, account)
	reading.Category, reading.CategoryRule = categoryOf(t, lines, counterparty)
	reading.Label, reading.LabelRule = firstOf(lines, counterparty, typeNames[reading.Type])
	if hasTags {
		direct := reading.Type == oxlin.TypeDirectDebit || opening != nil && opening.kind.debit == oxlin.TypeDirectDebit
		other = party(whole, direct, t.Amount)
		rest = rest.beforeTags()
		if direct {
			rest = rest.beforeMandate()
		}
	}
	if len(lines) == 0 || other == "" && !somebody(reading.Type, opening, counterparty) {
		return reading
	}
	candidates := []candidate{{shop(newText(counterparty)), LabelCounterparty}}
	switch {
	case other != "":
		candidates = append(candidates, candidate{other, LabelTag})
	case opening == nil || !opening.whole:
		candidates = append(candidates, candidate{shop(rest), LabelWords})
	}
	if reading.Type == oxlin.TypeRepeatingPayment && other == "" {
		// The counterparty of a standing order to one's own savings is oneself.
		slices.Reverse(candidates)
	}
	merchant := candidates[0]
	if merchant.text == "" {
		merchant = candidates[len(candidates)-1]
	}
	if merchant.text == "" || len(lines) == 1 && merchant.text == lines[0] {
		return reading
	}
	reading.Label, reading.SourceLabel, reading.LabelRule = merchant.text, merchant.text, merchant.rule
	reading.Notes = strings.Join(lines, "\n")
	return reading
}

// candidate is a possible label.
type candidate struct {
	text string
	rule Rule
}

// typeOf derives the type from the code, else the words, else the sign.
func typeOf(t bank.Transaction, opening *phrase, lines []string, account oxlin.AccountType) (oxlin.TransactionType, Rule) {
	byCode := typeOfCode(t.Code, t.Amount)
	if byCode != "" {
		return byCode, TypeCode
	}
	if opening != nil && opening.kind.of(t.Amount) != "" {
		return opening.kind.of(t.Amount), TypeWords
	}
	byCard := account == oxlin.AccountCreditCard || len(lines) > 1 && cardLine.MatchString(plain(lines[1]))
	switch {
	case byCard && t.Amount < 0:
		return oxlin.TypePointOfSale, TypeCard
	case t.Amount < 0:
		return oxlin.TypeDebit, TypeSign
	}
	return oxlin.TypeCredit, TypeSign
}

// somebody reports whether a row has a shop or a person whose name is a better label
// than the bank's line.
func somebody(t oxlin.TransactionType, opening *phrase, counterparty string) bool {
	switch t {
	case oxlin.TypePointOfSale, oxlin.TypeDirectDebit, oxlin.TypeDirectDeposit, oxlin.TypeElectronicPayment:
		return opening == nil || !opening.whole || counterparty != ""
	case oxlin.TypeCredit, oxlin.TypeDebit, oxlin.TypeRepeatingPayment:
		if opening != nil {
			return !opening.whole
		}
		return counterparty != ""
	}
	return false
}

// match finds the phrase at the beginning of the bank's words, and the text after it: on
// that line, or on the next one if nothing follows.
func match(lines []string) (*phrase, text) {
	if len(lines) == 0 {
		return nil, text{}
	}
	first := newText(lines[0])
	plain := string(first.plain)
	for i := range phrases {
		begin := phrases[i].begins.FindString(plain)
		if begin == "" {
			continue
		}
		rest := first.from(utf8.RuneCountInString(begin))
		if !named(rest.shown) && len(lines) > 1 {
			rest = newText(lines[1])
		}
		if allSmall(lines) {
			rest = rest.large()
		}
		return &phrases[i], rest
	}
	if end := contactless.FindString(plain); end != "" {
		shop := len(first.plain) - utf8.RuneCountInString(end)
		return &phrase{kind: kind{oxlin.TypePointOfSale, oxlin.TypeCredit}}, text{first.shown[:shop], first.plain[:shop]}
	}
	return nil, first
}

// allSmall reports whether a bank writes a row's words without a capital, names too.
func allSmall(lines []string) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return strings.ContainsFunc(line, unicode.IsUpper) })
}

// typeNames are the last resort for a label.
var typeNames = map[oxlin.TransactionType]string{
	oxlin.TypeCredit: "Crédit", oxlin.TypeDebit: "Débit", oxlin.TypeInterest: "Intérêts",
	oxlin.TypeDividend: "Dividende", oxlin.TypeBankFee: "Frais bancaires", oxlin.TypeDeposit: "Dépôt",
	oxlin.TypeATM: "Retrait", oxlin.TypePointOfSale: "Paiement par carte",
	oxlin.TypeCreditCardPayment: "Règlement de carte", oxlin.TypeInternalTransfer: "Virement interne",
	oxlin.TypePotentialTransfer: "Virement", oxlin.TypeCheck: "Chèque",
	oxlin.TypeElectronicPayment: "Virement", oxlin.TypeCash: "Espèces",
	oxlin.TypeDirectDeposit: "Virement reçu", oxlin.TypeDirectDebit: "Prélèvement",
	oxlin.TypeRepeatingPayment: "Virement permanent", oxlin.TypeOther: "Opération",
}

// firstOf returns the label of a row without a better one.
func firstOf(lines []string, counterparty, name string) (string, Rule) {
	switch {
	case len(lines) > 0:
		return lines[0], LabelLine
	case counterparty != "":
		return counterparty, LabelCounterparty
	case name != "":
		return name, LabelType
	}
	return typeNames[oxlin.TypeOther], LabelType
}

// notProvided matches the word that SEPA's rules prescribe in the place of a text.
var notProvided = regexp.MustCompile(`^(?i:not[ _-]?provided)$`)

// cleanLines drops lines that say nothing.
func cleanLines(lines []string) []string {
	var kept []string
	for _, line := range lines {
		line = clean(line)
		if line != "" && !notProvided.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return kept
}

// clean returns valid, composed text with single spaces.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200C' || r == '\u200D': // they join letters of some scripts, and emoji
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}

// plain returns clean text in capitals without accents, the form of the tables.
func plain(s string) string { return string(newText(s).plain) }
