package website

import (
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// reader reads values of a page's facts. A fact that is missing or cannot be read has no
// value, and costs no other.
type reader struct {
	convention notation.Convention
	facts      map[string]string
}

func (r reader) date(name string) oxlin.Date {
	return r.convention.Date(r.facts[name]).Or(oxlin.Date{})
}

func (r reader) amount(name string) *oxlin.Amount { return r.number(r.facts[name]) }

// rate reads a percentage.
func (r reader) rate(name string) *oxlin.Amount {
	return r.number(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(r.facts[name]), "%")))
}

func (r reader) number(text string) *oxlin.Amount {
	money, ok := r.convention.Money(text, "").Told()
	if !ok {
		return nil
	}
	return &money.Amount
}

func (r reader) count(name string) *int {
	n, err := strconv.Atoi(r.facts[name])
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
func (r reader) iban(name string) string { return notation.IBAN(r.facts[name]).Or("") }
