package stet

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// balanceRecord is one of the balances of an account.
type balanceRecord struct {
	Amount        psd2.Amount `json:"balanceAmount"`
	Type          psd2.Text   `json:"balanceType"`
	LastChange    psd2.Day    `json:"lastChangeDateTime"`
	ReferenceDate psd2.Day    `json:"referenceDate"`
}

// chooseBalance returns the balance that the bank shows its customers; ok is false if
// no balance has an amount. A deferred debit card has one OTHR balance for each coming
// debit (banks §1.2): their sum is due, and without any nothing is due.
func (c *Connector) chooseBalance(account bank.AccountRef, records []balanceRecord) (balance bank.Balance, ok bool) {
	records = slices.DeleteFunc(slices.Clone(records), func(r balanceRecord) bool {
		return !r.Amount.Amount.Known
	})
	if len(records) == 0 {
		isCard := account.Type == oxlin.AccountCreditCard
		return bank.Balance{Currency: psd2.Currency(euro, psd2.Text(account.Currency))}, isCard
	}
	// The best balance is first; equal ones keep the bank's order.
	slices.SortStableFunc(records, func(a, b balanceRecord) int {
		order := c.balanceRank(a, account) - c.balanceRank(b, account)
		if order != 0 {
			return order
		}
		return b.ReferenceDate.In(zone).Compare(a.ReferenceDate.In(zone))
	})
	best := records[0]
	balance = bank.Balance{
		Amount:   best.Amount.Amount.Value,
		Currency: psd2.Currency(euro, best.Amount.Currency, psd2.Text(account.Currency)),
		At:       best.LastChange.Instant(zone),
		Expected: best.Type == "XPCD" || best.Type == "ITAV",
	}
	reference := best.ReferenceDate.In(zone)
	if balance.At.IsZero() && best.Type != "OTHR" && !reference.IsZero() {
		balance.At = reference.Midnight(zone).UTC()
	}
	if account.Type == oxlin.AccountCreditCard {
		c.addDebits(&balance, best, records)
	}
	return balance, true
}

// addDebits sets the next debit. If the bank gives no other balance, it also sets the
// balance to the sum of the coming debits.
func (c *Connector) addDebits(balance *bank.Balance, best balanceRecord, records []balanceRecord) {
	today := oxlin.DateIn(c.api.Now(), zone)
	var sum oxlin.Amount
	for _, record := range records {
		due := record.ReferenceDate.In(zone)
		if record.Type != "OTHR" || !today.Before(due) {
			continue
		}
		debit := record.Amount.Amount.Value
		sum += debit
		if balance.NextDebitDate.IsZero() || due.Before(balance.NextDebitDate) {
			balance.NextDebitDate = due
			balance.NextDebitAmount = &debit
		}
	}
	if best.Type == "OTHR" && balance.NextDebitAmount != nil {
		balance.Amount = sum
	}
}

// balanceRank orders balances: those in the account's currency first, then by the
// bank's priority; types without a priority come last.
func (c *Connector) balanceRank(record balanceRecord, account bank.AccountRef) int {
	foreign := account.Currency != "" && psd2.Currency(euro, record.Amount.Currency, psd2.Text(account.Currency)) != account.Currency
	return psd2.BalanceRank(c.config.BalancePriority, strings.ToUpper(string(record.Type)), foreign)
}
