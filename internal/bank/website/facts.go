package website

import (
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// zone is the zone of the sites: a day that is written as an instant is one of Paris.
var zone = oxlin.Paris

// facts are the values of a page by their names.
type facts map[string]string

// factName returns a name as facts have it: sites write it with and without a colon, and
// in any case.
func factName(shown string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimRight(shown, ": ")))
}

// of returns a value; empty for a missing one.
func (f facts) of(name string) string { return f[factName(name)] }

// reader reads values of a page's facts. A fact that is missing or cannot be read has no
// value, and costs no other.
type reader struct {
	convention notation.Convention
	facts      facts
}

func (r reader) date(name string) oxlin.Date {
	return r.convention.Date(r.facts.of(name), zone).Or(oxlin.Date{})
}

func (r reader) amount(name string) *oxlin.Amount {
	money, ok := r.convention.Money(r.facts.of(name), "").Told()
	if !ok {
		return nil
	}
	return &money.Amount
}

// rate reads a percentage.
func (r reader) rate(name string) *oxlin.Amount {
	rate, ok := r.convention.Number(strings.TrimSuffix(r.facts.of(name), "%")).Told()
	if !ok {
		return nil
	}
	return &rate
}

// card reads when a card's payments are debited. An unknown word is no value.
func (r reader) card(name, masked string) *oxlin.CardDetails {
	return &oxlin.CardDetails{DebitType: notation.ReadDebitType(r.facts.of(name)).Or(""), MaskedNumber: masked}
}

func (r reader) count(name string) *int {
	n, err := strconv.Atoi(r.facts.of(name))
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// nextDebit reads the next payment of a deferred debit card, which has a day and an
// amount.
func (r reader) nextDebit(balances *bank.Balances, day, amount string) {
	due, debit := r.date(day), r.amount(amount)
	if !due.IsZero() && debit != nil {
		balances.NextDebitDate, balances.NextDebitAmount = due, debit
	}
}

// iban reads an IBAN; empty for a placeholder.
func (r reader) iban(name string) string { return notation.IBAN(r.facts.of(name)).Or("") }
