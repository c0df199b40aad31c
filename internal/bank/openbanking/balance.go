package openbanking

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// balanceRecord is one of the balances of an account.
type balanceRecord struct {
	Amount      psd2.Optional[psd2.Amount] `json:"Amount"`
	Indicator   psd2.Written               `json:"CreditDebitIndicator"`
	Type        psd2.Written               `json:"Type"`
	DateTime    psd2.Written               `json:"DateTime"`
	CreditLines json.RawMessage            `json:"CreditLine"`
}

// creditLine is a credit line of a balance.
type creditLine struct {
	Type     psd2.Text                  `json:"Type"`
	Included json.RawMessage            `json:"Included"`
	Amount   psd2.Optional[psd2.Amount] `json:"Amount"`
}

// listedBalance is a balance that could be read.
type listedBalance struct {
	oxlin.Balance
	// code is the type as the priorities spell it.
	code string
	// withCredit is set if the balance includes a credit line.
	withCredit bool
}

// balanceCodes are the types that ISO 20022 does not have, by their names without spaces.
var balanceCodes = map[string]string{
	"ClosingCleared": "CLCL", "InterimCleared": "ITCL", "OpeningCleared": "OPCL",
}

// balanceTypes are the types of balances by their code.
var balanceTypes = map[string]oxlin.BalanceType{
	"CLBD": oxlin.BalanceBooked, "ITBD": oxlin.BalanceBooked, "OPBD": oxlin.BalanceOther, "PRCD": oxlin.BalanceOther,
	"CLAV": oxlin.BalanceAvailable, "ITAV": oxlin.BalanceAvailable, "XPCD": oxlin.BalanceExpected,
}

// defaultPriority is the order of balances if the bank's data name no other: the booked one
// of now first, then a cleared or expected one, and an available one last, because it may hold
// a credit line.
var defaultPriority = []string{"ITBD", "CLBD", "ITCL", "CLCL", "XPCD", "INFO", "ITAV", "CLAV", "OPBD", "OPCL", "PRCD", "OPAV", "FWAV"}

// codeOf returns the code of a type, in either version of the standard. An unknown word
// is its own code.
func codeOf(name string) string {
	code, ok := balanceCodes[name]
	if ok {
		return code
	}
	return notation.ReadBalanceType(name).Or(name)
}

func codesOf(names []string) (all []string) {
	for _, name := range names {
		all = append(all, codeOf(name))
	}
	return all
}

// priority returns the order in which an account's balances are shown.
func (b Balances) priority(kind oxlin.AccountType) []string {
	switch {
	case kind == oxlin.AccountCreditCard && len(b.CardPriority) > 0:
		return codesOf(b.CardPriority)
	case len(b.Priority) > 0:
		return codesOf(b.Priority)
	}
	return defaultPriority
}

// readBalance converts a record; unread is the part of it that cannot be read.
func (c *Connector) readBalance(raw json.RawMessage, account bank.AccountRef) (balance listedBalance, unread bank.Unread) {
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
	if c.config.Balances.Sign == "amount" {
		indicator, money.Signed = notation.Absent[notation.Direction](), true // a positive amount has no sign
	}
	amount, _, ok := psd2.Signed(money, indicator)
	if !ok {
		return balance, bank.UnreadSign
	}
	reversed := c.config.Balances.Reversed
	if account.Type == oxlin.AccountCreditCard {
		reversed = c.config.Balances.CardReversed
	}
	if reversed && !indicator.IsAbsent() {
		amount = -amount
	}
	credit := c.creditIn(record, account)
	balance.withCredit = credit != nil
	if credit != nil && c.config.Balances.CreditLine == "subtract" {
		amount -= *credit
	}
	balance.code = psd2.Read(record.Type, func(name string) notation.Reading[string] { return notation.Told(codeOf(name)) }).Or("")
	balance.Balance = oxlin.Balance{
		Type: cmp.Or(balanceTypes[balance.code], oxlin.BalanceOther), Amount: amount, Currency: money.Currency,
		Date: c.day(record.DateTime).Or(oxlin.Date{}),
	}
	return balance, ""
}

// creditIn returns the sum of the credit lines that a balance includes; nil without one.
// The standard's kinds of lines are parts of one: Available is the unused part of Credit,
// so the largest counts if the data name no kinds.
func (c *Connector) creditIn(record balanceRecord, account bank.AccountRef) *oxlin.Amount {
	lines, _ := psd2.ReadRecords(record.CreditLines, "Included", "Amount")
	var credit *oxlin.Amount
	for _, raw := range lines {
		var line psd2.Optional[creditLine]
		_ = json.Unmarshal(raw, &line) // never fails
		var included psd2.Text
		_ = json.Unmarshal(line.Value.Included, &included)
		if string(line.Value.Included) != "true" && included != "true" {
			continue
		}
		money, ok := line.Value.Amount.Value.Read(convention, account.Currency).Told()
		kinds := c.config.Balances.CreditLines
		counts := len(kinds) == 0 || slices.ContainsFunc(kinds, func(kind string) bool { return strings.EqualFold(kind, string(line.Value.Type)) })
		switch {
		case !ok || !counts:
		case credit == nil:
			credit = &money.Amount
		case len(kinds) > 0:
			*credit += money.Amount
		case *credit < money.Amount:
			credit = &money.Amount
		}
	}
	return credit
}

// balances converts the bank's records and chooses the one that the bank shows its
// customers. A balance that cannot be read costs no other.
func (c *Connector) balances(account bank.AccountRef, raws []json.RawMessage) bank.Balances {
	var told bank.Balances
	var listed []listedBalance
	for _, raw := range raws {
		balance, unread := c.readBalance(raw, account)
		if unread != "" {
			told.Unreadable = append(told.Unreadable, bank.Unreadable{Reason: unread, Raw: raw})
			continue
		}
		listed = append(listed, balance)
		told.All = append(told.All, balance.Balance)
	}
	if len(listed) == 0 {
		return told
	}
	priority := c.config.Balances.priority(account.Type)
	rank := func(b listedBalance) int {
		foreign := account.Currency != "" && b.Currency != account.Currency
		rank := psd2.BalanceRank(priority, b.code, foreign)
		if b.withCredit && c.config.Balances.CreditLine == "skip" {
			rank += 1000 // after all without
		}
		return rank
	}
	// Of one type the latest counts; equal ones keep the bank's order.
	slices.SortStableFunc(listed, func(a, b listedBalance) int {
		return cmp.Or(rank(a)-rank(b), b.Date.Compare(a.Date))
	})
	shown := listed[0].Balance
	told.Shown = &shown
	return told
}
