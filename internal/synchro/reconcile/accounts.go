package reconcile

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// KnownAccount is a stored account of a connection.
type KnownAccount struct {
	ID       oxlin.AccountID
	IBAN     string
	Currency string
	// CurrencyUnlisted is set if no list of the bank has named the currency.
	CurrencyUnlisted bool
	Number           string
	MaskedNumber     string
	Type             oxlin.AccountType
	Name             string
	// BankID is empty if the bank's ids do not last.
	BankID     string
	Identities []oxlin.AccountIdentity
	// LinkedBankID is the bank's id of the account that a card is settled on.
	LinkedBankID string
	// Channel read it last: bank ids of another channel are not comparable.
	Channel oxlin.ChannelDefinitionID
}

// KnownOf returns by what a stored account is recognised. LinkedBankID is left out.
func KnownOf(a oxlin.Account) KnownAccount {
	return KnownAccount{
		ID: a.ID, IBAN: a.IBAN, Currency: a.Currency, CurrencyUnlisted: a.CurrencyWord < oxlin.CurrencyOfList, Number: a.Number,
		MaskedNumber: a.MaskedNumber, Type: a.Type, Name: a.Name, BankID: a.BankID, Identities: a.Identities, Channel: a.LastChannelDefinition,
	}
}

// identity returns the values of a known account in the form in which they are compared, but
// those that only one channel gives.
func (k KnownAccount) identity() identity {
	return identity{
		iban: compact(k.IBAN), currency: k.Currency, number: significant(k.Number), basic: basicNumber(k.IBAN, k.Number),
		masked: compact(k.MaskedNumber), further: further(k.Identities), kind: k.Type, name: nameOf(k.Name), partner: -1,
	}
}

// AccountMatch pairs a known account with a fetched one.
type AccountMatch struct {
	ID  oxlin.AccountID
	Row int // index into the fetched accounts
}

// AccountResult is the outcome of comparing a complete list of accounts. An account that
// the list shows twice appears once.
type AccountResult struct {
	Matches []AccountMatch
	New     []int
	// Gone are the accounts that this channel read last and no longer shows.
	Gone []oxlin.AccountID
	// Renumbered are those of New that only the bank's id distinguishes from one that is Gone:
	// several accounts have one name and no number, so that nothing tells which is which.
	Renumbered []int
	// Replaced are those of Gone that only the bank's id distinguishes from one that is New, at a
	// bank that shows none of its ids again.
	Replaced []oxlin.AccountID
}

// Accounts recognises the accounts of one connection across consents and
// channels: by IBAN and currency (and by type where one IBAN is shown for an
// account and its card), else by a further identity and the currency in the same way, else by
// masked card number and type, else by the
// account number and type, alone or within an IBAN, else by the number if the type has changed
// and the name or the bank's id stays, else by the bank's id within one channel, else by name, type
// and currency if nothing stronger differs; the bank's ids count as stronger only
// if the list shows one of them again. Each criterion counts only if it
// names one account on both sides, the name among all accounts. The bank's id overrides a
// different IBAN or number in one case: a card was replaced if its id, the account that it
// is settled on and, where the bank names no such account, its name stay. Addresses are compared
// within fetched alone. Fetched must be the complete list.
func Accounts(known []KnownAccount, fetched []bank.Account, channel oxlin.ChannelDefinitionID) AccountResult {
	old := make([]identity, 0, len(known))
	for _, k := range known {
		id := k.identity()
		if k.Channel == channel {
			id.bankID, id.linked = k.BankID, k.LinkedBankID
		}
		old = append(old, id)
	}
	rows := make([]identity, 0, len(fetched))
	shown := make(map[identity]bool)
	for _, a := range fetched {
		id := identity{
			iban: compact(a.IBAN), currency: a.Currency, number: significant(a.Number), basic: basicNumber(a.IBAN, a.Number),
			masked: compact(a.MaskedNumber), further: further(a.Identities), kind: a.Type, bankID: a.BankID, address: a.Address,
			name: nameOf(a.Name), linked: linkedID(a, fetched), partner: -1,
		}
		if id.currency == "" {
			id.currency = currencyOf(id, old)
		}
		id.again = shown[id] || slices.ContainsFunc(rows, func(r identity) bool { return oneResource(r, id) || oneIBAN(r, id) })
		shown[id] = true
		rows = append(rows, id)
	}
	for i := range old {
		if old[i].currency == "" {
			old[i].currency = currencyOf(old[i], rows)
		}
	}
	for i, k := range known {
		if k.CurrencyUnlisted {
			old[i].currency = listedCurrency(old[i], old, rows)
		}
	}
	for _, criterion := range criteria {
		pairUnique(old, rows, criterion)
	}
	idsHold := idsHold(old, rows)
	if !idsHold {
		pairUnique(old, rows, renamed)
	}
	var result AccountResult
	for i, r := range rows {
		switch {
		case r.again:
		case r.partner < 0:
			result.New = append(result.New, i)
		default:
			result.Matches = append(result.Matches, AccountMatch{known[r.partner].ID, i})
		}
	}
	var gone []identity
	for i, k := range known {
		if old[i].partner < 0 && k.Channel == channel {
			result.Gone, gone = append(result.Gone, k.ID), append(gone, old[i])
		}
	}
	slices.Sort(result.Gone)
	for _, i := range result.New {
		if slices.ContainsFunc(gone, func(k identity) bool { return renumbered(k, rows[i]) }) {
			result.Renumbered = append(result.Renumbered, i)
		}
	}
	for i, k := range old {
		if !idsHold && slices.Contains(result.Gone, known[i].ID) && slices.ContainsFunc(result.New, func(row int) bool { return renumbered(k, rows[row]) }) {
			result.Replaced = append(result.Replaced, known[i].ID)
		}
	}
	return result
}

// linkedID returns the bank's id of the account that a card is settled on. If the list lacks that
// account, its address is the best word for it.
func linkedID(card bank.Account, fetched []bank.Account) string {
	for _, a := range fetched {
		if a.Address != "" && a.Address == card.LinkedAddress {
			return a.BankID
		}
	}
	return card.LinkedAddress
}

// further returns identities in one text, to be compared as a whole or by values.
func further(identities []oxlin.AccountIdentity) string {
	var texts []string
	for _, i := range identities {
		if i.Value != "" {
			texts = append(texts, string(i.Kind)+" "+i.Value)
		}
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), betweenIdentities)
}

// betweenIdentities is in none of them.
const betweenIdentities = "\x00"

// ofFurther returns the texts of the further identities, each with what follows it.
func ofFurther(a identity, rest ...string) (texts []string) {
	for one := range strings.SplitSeq(a.further, betweenIdentities) {
		texts = append(texts, joined(one, rest...))
	}
	return texts
}

// listedCurrency returns the currency of a known account of which no list has named it: the
// one that this list names, if it shows one account of its number, in a currency in which
// none is known.
func listedCurrency(account identity, known, shown []identity) string {
	listed := ""
	for _, other := range shown {
		switch {
		case !shareNumber(other, account) || other.currency == listed:
		case listed != "":
			return account.currency
		default:
			listed = other.currency
		}
	}
	taken := slices.ContainsFunc(known, func(k identity) bool { return k.currency == listed && shareNumber(k, account) })
	if listed == "" || taken {
		return account.currency
	}
	return listed
}

// shareNumber reports whether two accounts have a number or the bank's id in common.
func shareNumber(a, b identity) bool {
	same := func(x, y string) bool { return x != "" && x == y }
	return !cardOrNot(a, b) && (same(a.iban, b.iban) || shareFurther(a, b) || same(a.masked, b.masked) || same(a.number, b.number) || same(a.bankID, b.bankID))
}

// shareFurther reports whether two accounts have a further identity in common.
func shareFurther(a, b identity) bool {
	others := ofFurther(b)
	return slices.ContainsFunc(ofFurther(a), func(text string) bool { return text != "" && slices.Contains(others, text) })
}

// oneResource reports whether two accounts of one list are one under different names: they
// have the address in common, under which their rows are read, or the bank's id, and nothing
// contradicts.
func oneResource(a, b identity) bool {
	same := func(x, y string) bool { return x != "" && x == y }
	return (same(a.address, b.address) || same(a.bankID, b.bankID)) && a.currency == b.currency && a.kind == b.kind &&
		!otherIBAN(a, b) && !differ(a.number, b.number) && !differ(a.masked, b.masked) && a.linked == b.linked
}

// oneIBAN reports whether two accounts of one list are one under several ids of the bank:
// nothing but the id distinguishes them, and they have an IBAN.
func oneIBAN(a, b identity) bool {
	return a.iban != "" && a.iban == b.iban && a.currency == b.currency && a.kind == b.kind && a.name == b.name &&
		!differ(a.number, b.number) && !differ(a.masked, b.masked) && a.linked == b.linked
}

// currencyOf returns the currency of the accounts on the other side that share a number with
// an account, else its name and type; empty if they have several.
func currencyOf(account identity, others []identity) string {
	byNumber := func(k identity) bool { return shareNumber(k, account) }
	byName := func(k identity) bool { return k.kind == account.kind && k.name != "" && k.name == account.name }
	for _, shares := range []func(identity) bool{byNumber, byName} {
		var currencies []string
		for _, other := range others {
			if shares(other) && other.currency != "" && !slices.Contains(currencies, other.currency) {
				currencies = append(currencies, other.currency)
			}
		}
		switch len(currencies) {
		case 0:
		case 1:
			return currencies[0]
		default:
			return ""
		}
	}
	return ""
}

// identity holds the values by which an account can be recognised.
type identity struct {
	// basic is the number of the account within its country: that of an IBAN, or one that the
	// bank gives in its place.
	iban, currency, number, basic, masked, bankID, name, linked string
	// further are the further identities. address is the place of a fetched account.
	further, address string
	kind             oxlin.AccountType
	partner          int
	// again reports that the list has shown the account before.
	again bool
}

// significant returns a number without its layout and without the zeros in front, which a
// list that holds it as a number has lost. It is empty for a placeholder.
func significant(number string) string {
	number = compact(number)
	if IsPlaceholder(number) {
		return ""
	}
	if strings.Trim(number, "0123456789") == "" {
		return strings.TrimLeft(number, "0")
	}
	return number
}

// placeholderNumbers are texts that banks write in the place of a number.
var placeholderNumbers = map[string]bool{"NOTPROVIDED": true, "NONE": true, "NULL": true, "N/A": true, "NA": true, "UNKNOWN": true, "INCONNU": true}

// IsPlaceholder reports whether a bank's text stands for the number that it does not give.
func IsPlaceholder(number string) bool {
	number = compact(number)
	return strings.Trim(number, "0X*") == "" || placeholderNumbers[number]
}

// basicNumber returns the number of an account within its country, which an IBAN holds after
// its country and its check digits.
func basicNumber(iban, number string) string {
	const prefix = 4
	iban = compact(iban)
	if len(iban) > prefix {
		return significant(iban[prefix:])
	}
	return significant(number)
}

// nameOf returns a name in capitals without accents and marks, which banks write today and
// leave out tomorrow.
func nameOf(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			return ' '
		}
		return r
	}, norm.NFD.String(normalise(name)))), " ")
}

// compact removes blanks, dashes and dots from a number.
func compact(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \u00a0\t-.", r) {
			return -1
		}
		return r
	}, s))
}

// tail is the last four digits of a card number, which every way of masking shows.
func tail(masked string) string {
	if len(masked) < 4 {
		return ""
	}
	last := masked[len(masked)-4:]
	if strings.Trim(last, "0123456789") != "" {
		return ""
	}
	return last
}

// criterion returns a text that both sides of one account share; empty for none.
type criterion struct {
	of func(identity) string
	// ofAll returns several such texts, in the place of of. One is enough.
	ofAll func(identity) []string
	// against reports whether another property contradicts a pair.
	against func(a, b identity) bool
	// amongAll reports that accounts which a stronger criterion has paired count, too.
	amongAll bool
}

// texts returns what the criterion compares of an account.
func (c criterion) texts(a identity) []string {
	if c.ofAll != nil {
		return c.ofAll(a)
	}
	return []string{c.of(a)}
}

var criteria = []criterion{
	{of: func(a identity) string { return joined(a.iban, a.currency, string(a.kind)) }, against: unopposed},
	{of: func(a identity) string { return joined(a.iban, a.currency) }, against: cardOrNot},
	{ofAll: func(a identity) []string { return ofFurther(a, a.currency, string(a.kind)) }, against: otherIBAN},
	{ofAll: func(a identity) []string { return ofFurther(a, a.currency) }, against: func(a, b identity) bool {
		return otherIBAN(a, b) || cardOrNot(a, b)
	}},
	{of: func(a identity) string { return joined(a.masked, string(a.kind), a.currency) }, against: otherIBAN},
	{of: func(a identity) string { return joined(tail(a.masked), string(a.kind), a.currency) }, against: otherDigits},
	{of: func(a identity) string { return joined(a.number, string(a.kind), a.currency) }, against: otherIBAN},
	{of: func(a identity) string { return joined(a.basic, string(a.kind), a.currency) }, against: otherIBAN},
	{of: func(a identity) string { return joined(a.number, a.currency) }, against: otherKind},
	{of: func(a identity) string { return joined(a.bankID, a.currency) }, against: func(a, b identity) bool {
		return otherIBAN(a, b) || otherDigits(a, b) || cardOrNot(a, b) || differ(a.number, b.number)
	}},
	{of: func(a identity) string { return joined(a.bankID, a.currency) }, against: anotherCard},
	{of: func(a identity) string { return joined(a.name, string(a.kind), a.currency) }, against: bothSigned, amongAll: true},
}

// renamed is the last criterion of a list in which no bank id is a known one: a new consent
// has renewed them all, so that another id contradicts no name.
var renamed = criterion{
	of: func(a identity) string { return joined(a.name, string(a.kind), a.currency) },
	against: func(a, b identity) bool {
		a.bankID = ""
		return bothSigned(a, b)
	},
	amongAll: true,
}

// idsHold reports whether a list shows a bank id again.
func idsHold(known, fetched []identity) bool {
	return slices.ContainsFunc(known, func(k identity) bool {
		return k.bankID != "" && slices.ContainsFunc(fetched, func(f identity) bool { return f.bankID == k.bankID })
	})
}

// anotherCard reports whether a card of one bank's id is not the one that it replaces.
func anotherCard(a, b identity) bool {
	switch {
	case a.kind != oxlin.AccountCreditCard || b.kind != oxlin.AccountCreditCard || otherIBAN(a, b):
		return true
	case a.linked != "" || b.linked != "":
		return a.linked != b.linked
	}
	return a.name == "" || a.name != b.name
}

// renumbered reports whether two accounts are equal but for the bank's id, and have no number.
func renumbered(a, b identity) bool {
	unsigned := func(i identity) bool { return i.iban == "" && i.number == "" && i.masked == "" && i.further == "" }
	return a.name != "" && a.name == b.name && a.kind == b.kind && a.currency == b.currency && unsigned(a) && unsigned(b)
}

// LookAlike reports whether two accounts are equal but for the bank's id, and have no number:
// their rows alone decide whether they are one.
func LookAlike(a, b KnownAccount) bool { return renumbered(a.identity(), b.identity()) }

// SameAccount reports whether two accounts of one bank, in different connections, are one: by
// IBAN or a further identity, else by card number as far as both show it, else by number, alone or within an IBAN, and by
// currency. An account without any of them equals none.
func SameAccount(a, b KnownAccount) bool {
	x, y := a.identity(), b.identity()
	same := func(a, b string) bool { return a != "" && a == b }
	switch {
	case x.currency != y.currency, cardOrNot(x, y), otherIBAN(x, y):
		return false
	case same(x.iban, y.iban), shareFurther(x, y):
		return true
	case x.kind == oxlin.AccountCreditCard && (x.masked != "" || y.masked != ""):
		return same(tail(x.masked), tail(y.masked)) && !otherDigits(x, y)
	}
	return x.kind == y.kind && (same(x.number, y.number) || same(x.basic, y.basic))
}

// bothSigned reports whether both accounts have one of the stronger signs, and it differs. One
// that is equal may be the customer's: all accounts of a list have it.
func bothSigned(a, b identity) bool {
	return otherIBAN(a, b) || differ(a.number, b.number) || differ(a.masked, b.masked) || differ(a.bankID, b.bankID) ||
		a.further != "" && b.further != "" && !shareFurther(a, b)
}

// otherKind reports whether two accounts of one number and different types are two, such as
// those of a customer whose number the bank gives for each.
func otherKind(a, b identity) bool {
	return otherIBAN(a, b) || cardOrNot(a, b) || differ(a.name, b.name) && a.bankID != b.bankID
}

func joined(first string, rest ...string) string {
	if first == "" {
		return ""
	}
	return first + "|" + strings.Join(rest, "|")
}

func unopposed(_, _ identity) bool { return false }

func cardOrNot(a, b identity) bool {
	return (a.kind == oxlin.AccountCreditCard) != (b.kind == oxlin.AccountCreditCard)
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

func otherIBAN(a, b identity) bool { return differ(a.iban, b.iban) }

// otherDigits compares the digits that both ways of masking show.
func otherDigits(a, b identity) bool {
	if otherIBAN(a, b) || differ(tail(a.masked), tail(b.masked)) {
		return true
	}
	if len(a.masked) != len(b.masked) {
		return false
	}
	for i := range len(a.masked) {
		x, y := a.masked[i], b.masked[i]
		if x != y && digit(x) && digit(y) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// pairUnique pairs the accounts whose text occurs once on each side.
func pairUnique(known, fetched []identity, c criterion) {
	type side struct{ known, fetched []int }
	named := make(map[string]*side)
	place := func(text string) *side {
		if named[text] == nil {
			named[text] = &side{}
		}
		return named[text]
	}
	for i, k := range known {
		for _, text := range c.texts(k) {
			if text != "" && (k.partner < 0 || c.amongAll) {
				s := place(text)
				s.known = append(s.known, i)
			}
		}
	}
	for i, f := range fetched {
		for _, text := range c.texts(f) {
			if text != "" && (f.partner < 0 || c.amongAll) && !f.again {
				s := place(text)
				s.fetched = append(s.fetched, i)
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(named)) {
		s := named[text]
		if len(s.known) != 1 || len(s.fetched) != 1 || c.against(known[s.known[0]], fetched[s.fetched[0]]) {
			continue
		}
		if known[s.known[0]].partner >= 0 || fetched[s.fetched[0]].partner >= 0 {
			continue
		}
		known[s.known[0]].partner, fetched[s.fetched[0]].partner = s.fetched[0], s.known[0]
	}
}
