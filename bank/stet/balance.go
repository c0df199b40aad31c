package stet

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// balanceRecord is one of the balances of an account.
type balanceRecord struct {
	Amount        amount `json:"balanceAmount"`
	Type          text   `json:"balanceType"`
	LastChange    moment `json:"lastChangeDateTime"`
	ReferenceDate day    `json:"referenceDate"`
}

// chooseBalance takes the balance that the bank's customers know; ok is false
// where none has an amount. A deferred card has one OTHR balance for each coming
// debit (banks §1.2): their sum is what is still to be paid, and where there is
// none, nothing is.
func (c *Connector) chooseBalance(account bank.AccountRef, records []balanceRecord) (balance bank.Balance, ok bool) {
	records = slices.DeleteFunc(slices.Clone(records), func(r balanceRecord) bool {
		return !r.Amount.Amount.Known
	})
	if len(records) == 0 {
		isCard := account.Type == oxlin.AccountCreditCard
		return bank.Balance{Currency: currency(text(account.Currency))}, isCard
	}
	// The best comes first; where nothing else decides, the bank's own order does.
	slices.SortStableFunc(records, func(a, b balanceRecord) int {
		order := c.balanceRank(a, account) - c.balanceRank(b, account)
		if order != 0 {
			return order
		}
		return b.ReferenceDate.Compare(a.ReferenceDate.Date)
	})
	best := records[0]
	balance = bank.Balance{
		Amount:   best.Amount.Amount.Value,
		Currency: currency(best.Amount.Currency, text(account.Currency)),
		At:       best.LastChange.Time,
		Expected: best.Type == "XPCD" || best.Type == "ITAV",
	}
	if balance.At.IsZero() && best.Type != "OTHR" && !best.ReferenceDate.IsZero() {
		balance.At = best.ReferenceDate.Midnight(oxlin.Paris).UTC()
	}
	if account.Type == oxlin.AccountCreditCard {
		c.addDebits(&balance, best, records)
	}
	return balance, true
}

// addDebits sets the next debit, and the sum of those to come where the bank
// gives nothing but them.
func (c *Connector) addDebits(balance *bank.Balance, best balanceRecord, records []balanceRecord) {
	today := oxlin.DateIn(c.now(), oxlin.Paris)
	var sum oxlin.Amount
	for _, record := range records {
		if record.Type != "OTHR" || !today.Before(record.ReferenceDate.Date) {
			continue
		}
		debit := record.Amount.Amount.Value
		sum += debit
		if balance.NextDebitDate.IsZero() || record.ReferenceDate.Before(balance.NextDebitDate) {
			balance.NextDebitDate = record.ReferenceDate.Date
			balance.NextDebitAmount = &debit
		}
	}
	if best.Type == "OTHR" && balance.NextDebitAmount != nil {
		balance.Amount = sum
	}
}

// balanceRank orders balances: those in the account's currency first, then by
// the bank's priority; types that it does not name come last.
func (c *Connector) balanceRank(record balanceRecord, account bank.AccountRef) int {
	rank := slices.Index(c.config.BalancePriority, strings.ToUpper(string(record.Type)))
	if rank < 0 {
		rank = len(c.config.BalancePriority)
	}
	if account.Currency != "" && currency(record.Amount.Currency, text(account.Currency)) != account.Currency {
		rank += 1000
	}
	return rank
}
