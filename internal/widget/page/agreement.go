package page

import (
	"strings"

	"github.com/oxlin/oxlin"
)

// The words of a consent have one source: the page that asks, the record of the answer, the
// terms and the question about data on every page are made of the same texts.

// fact is a condition of a consent.
type fact struct{ label, text string }

// withdrawals are the texts on how an access ends, by its mode: the bank can withdraw an
// access that was given on its own site, and does not know of the other one.
var withdrawals = map[oxlin.Mode]string{
	oxlin.ModeRedirect: "consent.withdraw.REDIRECT",
	oxlin.ModeEmbedded: "consent.withdraw.EMBEDDED",
}

// facts returns the conditions of a consent to one channel.
func (d drawing) facts(a Agreement) []fact {
	return []fact{
		{d.text("consent.data"), d.text("consent.data.list", "Data", capital(d.data(a.Data)))},
		{d.text("consent.receiver"), d.text("consent.receiver.name")},
		{d.text("consent.until"), d.until(a.Until)},
		{d.text("consent.withdraw"), d.text(withdrawals[a.Mode])},
	}
}

// facts returns the conditions of the consent to what a file brings.
func (v File) facts(d drawing) []fact {
	return []fact{
		{d.text("consent.data"), d.text("consent.data.list", "Data", capital(d.data(v.Data)))},
		{d.text("consent.receiver"), d.text("consent.receiver.name")},
		{d.text("consent.until"), d.text("consent.until.withdrawn")},
		{d.text("consent.withdraw"), d.text("file.withdraw")},
	}
}

// data enumerates kinds of data.
func (d drawing) data(kinds []oxlin.DataKind) string {
	var words []string
	for _, kind := range kinds {
		words = append(words, d.text("data.kind."+string(kind)))
	}
	return strings.Join(words, d.text("list.items"))
}

// covered returns the accounts of a consent that covers all of them.
func (d drawing) covered(bank Bank) string { return d.text("consent.all", "Bank", bank.Name) }

// term returns a section of the terms.
func (d drawing) term(section string) string {
	return d.text("terms.text."+section,
		"Accounts", d.data(oxlin.DataOfAccounts()), "Person", d.data(oxlin.DataOfCustomers()),
		"Redirect", d.text(withdrawals[oxlin.ModeRedirect]), "RedirectUntil", d.text("consent.until.day", "Day", d.text("consent.day.shown")),
		"Embedded", d.text(withdrawals[oxlin.ModeEmbedded]), "EmbeddedUntil", d.text("consent.until.withdrawn"))
}

// everyKind enumerates all data that a channel may read.
func (d drawing) everyKind() string {
	return d.data(append(oxlin.DataOfAccounts(), oxlin.DataOfCustomers()...))
}

// withdrawal returns how a user changes their mind, whatever the channel.
func (d drawing) withdrawal() string {
	return d.text("data.withdraw", "Redirect", d.text(withdrawals[oxlin.ModeRedirect]), "Embedded", d.text(withdrawals[oxlin.ModeEmbedded]))
}

// Words returns the words to which a user agrees on a page, for the record: those that view,
// a Consent, an Accounts or a File, shows in the frame.
func Words(frame Frame, view View) string {
	d := newDrawing(frame)
	var lines []string
	var agreements []Agreement
	var facts []fact
	switch v := view.(type) {
	case Consent:
		lines, agreements = []string{d.covered(v.Bank)}, []Agreement{v.Agreement}
	case Accounts:
		agreements = v.Agreements
	case File:
		lines, facts = []string{d.text("file.agree")}, v.facts(d)
	}
	for _, agreement := range agreements {
		facts = append(facts, d.facts(agreement)...)
	}
	for _, fact := range facts {
		lines = append(lines, d.text("list.fact", "Label", fact.label, "Text", fact.text))
	}
	return strings.Join(lines, "\n")
}
