package stet

import (
	"encoding/json"
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

// balanceTypes are the types of STET's balances (STET 1.4.0.47, BalanceResource).
var balanceTypes = map[string]oxlin.BalanceType{
	"CLBD": oxlin.BalanceBooked, "ITAV": oxlin.BalanceAvailable, "XPCD": oxlin.BalanceExpected,
}

// kind returns the type of a balance in upper case, as the priorities spell it.
func (r balanceRecord) kind() string { return strings.ToUpper(string(r.Type)) }

// balance converts a record whose amount is known.
func (r balanceRecord) balance(account bank.AccountRef) oxlin.Balance {
	balance := oxlin.Balance{
		Type: oxlin.BalanceOther, Amount: r.Amount.Amount.Value,
		Currency: psd2.Currency(euro, r.Amount.Currency, psd2.Text(account.Currency)), Date: r.ReferenceDate.In(zone),
	}
	if known, ok := balanceTypes[r.kind()]; ok {
		balance.Type = known
	}
	if balance.Date.IsZero() {
		balance.Date = r.LastChange.In(zone)
	}
	return balance
}

// balances converts the bank's records and chooses the one that the bank shows its
// customers. A deferred debit card has one OTHR balance for each coming debit (banks
// §1.2): if the bank gives no other balance, their sum is due.
func (c *Connector) balances(account bank.AccountRef, raws []json.RawMessage) bank.Balances {
	var told bank.Balances
	var records []balanceRecord
	for _, raw := range raws {
		var record balanceRecord
		err := json.Unmarshal(raw, &record)
		switch {
		case err != nil:
			told.Unreadable = append(told.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord, Raw: raw})
			continue
		case !record.Amount.Amount.Known:
			told.Unreadable = append(told.Unreadable, bank.Unreadable{Reason: bank.UnreadAmount, Raw: raw})
			continue
		}
		records = append(records, record)
		told.All = append(told.All, record.balance(account))
	}
	if len(records) == 0 {
		return told
	}
	// The best balance is first; equal ones keep the bank's order.
	slices.SortStableFunc(records, func(a, b balanceRecord) int {
		order := c.balanceRank(a, account) - c.balanceRank(b, account)
		if order != 0 {
			return order
		}
		return b.ReferenceDate.In(zone).Compare(a.ReferenceDate.In(zone))
	})
	shown := records[0].balance(account)
	if account.Type == oxlin.AccountCreditCard {
		c.addDebits(&told, &shown, records)
	}
	told.Shown = &shown
	return told
}

// addDebits sets the next debit. If the bank gives no other balance, it also sets the
// shown balance to the sum of the coming debits.
func (c *Connector) addDebits(told *bank.Balances, shown *oxlin.Balance, records []balanceRecord) {
	today := oxlin.DateIn(c.api.Now(), zone)
	var sum oxlin.Amount
	for _, record := range records {
		due := record.ReferenceDate.In(zone)
		if record.kind() != "OTHR" || !today.Before(due) {
			continue
		}
		debit := record.Amount.Amount.Value
		sum += debit
		if told.NextDebitDate.IsZero() || due.Before(told.NextDebitDate) {
			told.NextDebitDate = due
			told.NextDebitAmount = &debit
		}
	}
	if records[0].kind() == "OTHR" && told.NextDebitAmount != nil {
		shown.Amount = sum
		shown.Date = told.NextDebitDate
	}
}

// balanceRank orders balances: those in the account's currency first, then by the
// bank's priority; types without a priority come last.
func (c *Connector) balanceRank(record balanceRecord, account bank.AccountRef) int {
	foreign := account.Currency != "" && psd2.Currency(euro, record.Amount.Currency, psd2.Text(account.Currency)) != account.Currency
	return psd2.BalanceRank(c.config.BalancePriority, record.kind(), foreign)
}
