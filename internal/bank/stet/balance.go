package stet

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// balanceRecord is one of the balances of an account. Its amount has a sign; the
// indicator is not in the standard, but in some answers.
type balanceRecord struct {
	Amount        psd2.Optional[psd2.Amount] `json:"balanceAmount"`
	Indicator     psd2.Written               `json:"creditDebitIndicator"`
	Type          psd2.Written               `json:"balanceType"`
	LastChange    psd2.Written               `json:"lastChangeDateTime"`
	ReferenceDate psd2.Written               `json:"referenceDate"`
}

// listedBalance is a balance that could be read.
type listedBalance struct {
	oxlin.Balance
	// code is the type as the priorities spell it; empty for an unknown word.
	code string
	// reference is the day to which the balance refers; zero if unknown.
	reference oxlin.Date
}

// balanceTypes are the types of balances by their code.
var balanceTypes = map[string]oxlin.BalanceType{
	"CLBD": oxlin.BalanceBooked, "ITBD": oxlin.BalanceBooked, "ITAV": oxlin.BalanceAvailable, "CLAV": oxlin.BalanceAvailable,
	"XPCD": oxlin.BalanceExpected, "CRLM": oxlin.BalanceCreditLimit,
}

// readBalance converts a record; unread is the part of it that cannot be read.
func readBalance(raw json.RawMessage, account bank.AccountRef) (balance listedBalance, unread bank.Unread) {
	var record balanceRecord
	err := json.Unmarshal(raw, &record)
	if err != nil {
		return balance, bank.UnreadRecord
	}
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok {
		return balance, bank.UnreadAmount
	}
	indicator := psd2.Read(record.Indicator, notation.ReadDirection)
	money.Signed = money.Signed || indicator.IsAbsent() // a positive amount has no sign
	amount, _, ok := psd2.Signed(money, indicator)
	if !ok {
		return balance, bank.UnreadSign
	}
	balance.code = psd2.Read(record.Type, notation.ReadBalanceType).Or("")
	balance.reference = dayOf(record.ReferenceDate)
	balance.Balance = oxlin.Balance{
		Type: cmp.Or(balanceTypes[balance.code], oxlin.BalanceOther), Amount: amount, Currency: money.Currency,
		Date: balance.reference,
	}
	if balance.Date.IsZero() {
		balance.Date = dayOf(record.LastChange)
	}
	return balance, ""
}

// dayOf returns the day of a balance, or the zero Date if it has no readable one.
func dayOf(written psd2.Written) oxlin.Date {
	day, _ := psd2.Read(written, convention.Day).Told()
	return day.In(zone)
}

// balances converts the bank's records and chooses the one that the bank shows its
// customers. A balance that cannot be read costs no other. A deferred debit card has one
// OTHR balance for each coming debit (banks §1.2): if the bank gives no other balance,
// they are due.
func (c *Connector) balances(account bank.AccountRef, raws []json.RawMessage) bank.Balances {
	var told bank.Balances
	var listed []listedBalance
	for _, raw := range raws {
		balance, unread := readBalance(raw, account)
		if unread != "" {
			told.Unreadable = append(told.Unreadable, bank.Unreadable{Reason: unread, Raw: raw})
			continue
		}
		told.All = append(told.All, balance.Balance)
		if balance.Type != oxlin.BalanceCreditLimit { // it is no money of the customer's
			listed = append(listed, balance)
		}
	}
	if len(listed) == 0 {
		return told
	}
	// The best balance is first: of one type the latest up to today, then the next to come.
	// Equal ones keep the bank's order.
	today := oxlin.DateIn(c.api.Now(), zone)
	slices.SortStableFunc(listed, func(a, b listedBalance) int {
		rank := c.balanceRank(a, account) - c.balanceRank(b, account)
		comes, other := today.Before(a.reference), today.Before(b.reference)
		switch {
		case rank != 0 || comes && !other:
			return cmp.Or(rank, 1)
		case other && !comes:
			return -1
		case comes:
			return a.reference.Compare(b.reference)
		}
		return b.reference.Compare(a.reference)
	})
	shown := listed[0].Balance
	if account.Type == oxlin.AccountCreditCard {
		c.addDebits(&told, &shown, listed, today)
	}
	told.Shown = &shown
	return told
}

// addDebits sets the next debit. If the bank gives no other balance, the shown balance is
// the sum of the coming debits; or the last of them, if each includes the earlier ones.
func (c *Connector) addDebits(told *bank.Balances, shown *oxlin.Balance, listed []listedBalance, today oxlin.Date) {
	types := c.config.ComingTypes
	due := slices.DeleteFunc(slices.Clone(listed), func(b listedBalance) bool {
		return !slices.Contains(types, b.code) || !today.Before(b.reference) || b.Currency != shown.Currency
	})
	if len(due) == 0 {
		return
	}
	slices.SortStableFunc(due, func(a, b listedBalance) int { return a.reference.Compare(b.reference) })
	next := due[0].Amount
	told.NextDebitDate, told.NextDebitAmount = due[0].reference, &next
	if !slices.Contains(types, listed[0].code) {
		return
	}
	shown.Amount, shown.Date = 0, due[0].reference
	for _, balance := range due {
		if c.config.ComingBalances == "cumulative" {
			shown.Amount = 0
		}
		shown.Amount += balance.Amount
	}
}

// balanceRank orders balances: those in the account's currency first, then by the
// bank's priority; types without a priority come last.
func (c *Connector) balanceRank(balance listedBalance, account bank.AccountRef) int {
	foreign := account.Currency != "" && balance.Currency != account.Currency
	return psd2.BalanceRank(c.config.BalancePriority, balance.code, foreign)
}
