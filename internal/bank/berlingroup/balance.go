package berlingroup

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/statement"
)

// balanceRecord is one of the balances of an account, as the standard writes it.
type balanceRecord struct {
	Amount        json.RawMessage `json:"balanceAmount"`
	Indicator     psd2.Written    `json:"creditDebitIndicator"`
	Type          psd2.Text       `json:"balanceType"`
	CreditLimit   psd2.Text       `json:"creditLimitIncluded"`
	LastChange    psd2.Written    `json:"lastChangeDateTime"`
	ReferenceDate psd2.Written    `json:"referenceDate"`
}

// listedBalance is a balance that could be read.
type listedBalance struct {
	oxlin.Balance
	// code is that of ISO 20022; empty for an unknown word.
	code string
	// withCredit is set if the balance includes a credit limit.
	withCredit bool
	// reference is the day to which the balance refers; zero if unknown.
	reference oxlin.Date
	// changed is when the balance changed last, as the bank wrote it in ISO 8601 in universal time.
	changed string
}

// balanceMembers are members that only a balance has.
var balanceMembers = []string{"balanceAmount", "balanceType", "amount", "balance"}

// Balances reads an account's balances, from wherever the bank has them.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	config := c.config.Balances
	values := valuesOf(call, account)
	switch {
	case config.From == "list" || cursor != "":
		return c.balancesInList(ctx, call, account, cursor)
	case config.From == "details":
		resource := expandPath(c.config.Accounts.DetailsPath, values)
		return c.balancesAt(ctx, call, account, psd2.Request{Op: opDetails, Resource: resource, Query: expandQuery(config.Query, values), Accept: config.Accept})
	}
	path := config.Path
	if isCard(account) {
		path = config.CardPath
	}
	return c.balancesAt(ctx, call, account, psd2.Request{
		Op: opBalances, Resource: expandPath(path, values), Query: expandQuery(config.Query, values), Accept: config.Accept,
	})
}

// balancesAt reads the balances in the answer to a request.
func (c *Connector) balancesAt(ctx context.Context, call bank.Call, account bank.AccountRef, r psd2.Request) (bank.Balances, error) {
	fetched, err := c.fetch(ctx, call, r)
	if err != nil || fetched.IsEmpty() {
		return bank.Balances{InList: err == nil}, err
	}
	object, err := c.listObject(fetched, c.config.Balances.List)
	if err != nil {
		return bank.Balances{}, err
	}
	records := c.listedBalances(objectOf(object))
	told := c.balances(account, records)
	told.InList = len(records) == 0
	return told, nil
}

// balancesInList looks for the account in a page of the list of accounts.
func (c *Connector) balancesInList(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	at, err := readAccountsCursor(cursor)
	if err != nil {
		return bank.Balances{}, err
	}
	if cursor == "" {
		at.Cards = isCard(account)
	}
	list, err := c.listAccounts(ctx, call, &at)
	if err != nil {
		return bank.Balances{}, err
	}
	for _, raw := range list.records {
		standard := c.config.Accounts.Members.standard(raw)
		if word(standard, c.config.Accounts.ID) == resourceID(account) {
			return c.balances(account, c.listedBalances(standard)), nil
		}
	}
	return bank.Balances{Next: at.encode()}, nil
}

// listedBalances returns the balances in an account or in an answer, as the standard writes
// them. What is written instead of them is one record, which cannot be read.
func (c *Connector) listedBalances(raw json.RawMessage) (records []json.RawMessage) {
	config := c.config.Balances
	for _, fields := range config.Fields {
		record := psd2.Object{}
		for name, path := range fields {
			value := valueAt(raw, path)
			if value == nil && name == "balanceType" {
				value = text(path) // the type is a word of the data
			}
			if value != nil {
				record[name] = value
			}
		}
		if record["amount"] != nil {
			records = append(records, objectOf(record))
		}
	}
	held := valueAt(raw, config.List+"|balance|account."+config.List+"|account.balance|accounts.0."+config.List)
	if len(config.Fields) > 0 || held == nil {
		return records
	}
	listed, ok := psd2.ReadRecords(held, balanceMembers...)
	if !ok {
		return []json.RawMessage{held}
	}
	for _, record := range listed {
		records = append(records, unwrapped(config.Members.standard(record))...)
	}
	return records
}

// unwrapped returns the balances in one element of a list: the element itself, a balance
// within it, or one under the name of each type, as the first version of the standard has
// them.
func unwrapped(raw json.RawMessage) []json.RawMessage {
	object, ok := psd2.ReadObject(raw)
	if !ok || memberOf(object, "balanceAmount") != nil || memberOf(object, "amount") != nil {
		return []json.RawMessage{raw}
	}
	inner := memberOf(object, "balance")
	if nested, ok := psd2.ReadObject(inner); ok {
		return unwrapped(objectOf(nested))
	}
	var found []json.RawMessage
	for name, value := range object {
		typed, ok := psd2.ReadObject(value)
		if ok && !notation.ReadBalanceType(name).IsUnreadable() {
			typed["balanceType"] = text(name)
			found = append(found, objectOf(typed))
		}
	}
	slices.SortFunc(found, func(a, b json.RawMessage) int { return strings.Compare(string(a), string(b)) })
	if len(found) == 0 {
		return []json.RawMessage{raw}
	}
	return found
}

// amountOf reads an amount: an object with amount and currency, or the number itself beside
// its currency.
func amountOf(raw json.RawMessage, beside psd2.Written, account string) notation.Reading[notation.Money] {
	var amount psd2.Amount
	_, isObject := psd2.ReadObject(raw)
	if !isObject {
		_ = amount.Amount.UnmarshalJSON(raw) // never fails
		amount.Currency = beside
		return amount.Read(convention, account)
	}
	err := json.Unmarshal(raw, &amount)
	if err != nil {
		return notation.Unreadable[notation.Money]()
	}
	if content := valueAt(raw, "content|value"); content != nil && valueAt(raw, "amount") == nil {
		_ = amount.Amount.UnmarshalJSON(content) // as the first version of the standard has it
	}
	return amount.Read(convention, account)
}

// readBalance converts a record; unread is the part of it that cannot be read.
func (c *Connector) readBalance(raw json.RawMessage, account bank.AccountRef) (balance listedBalance, unread bank.Unread) {
	var record struct {
		balanceRecord
		Plain    json.RawMessage `json:"amount"`
		Currency psd2.Written    `json:"currency"`
		Date     psd2.Written    `json:"date"`
	}
	err := json.Unmarshal(raw, &record)
	if err != nil {
		return balance, bank.UnreadRecord
	}
	written := record.Amount
	if isBlank(written) {
		written = record.Plain
	}
	money, ok := amountOf(written, record.Currency, account.Currency).Told()
	if !ok {
		return balance, bank.UnreadAmount
	}
	sign := c.config.Balances.Sign
	if isCard(account) || account.Type == oxlin.AccountCreditCard {
		sign = c.config.Balances.CardSign
	}
	amount, _, ok := direct(sign, money, psd2.Read(record.Indicator, notation.ReadDirection), "")
	if !ok {
		return balance, bank.UnreadSign
	}
	balance.code = c.balanceCode(string(record.Type))
	balance.withCredit = strings.EqualFold(string(record.CreditLimit), "true") || word(raw, "creditLimitIncluded") == "true" ||
		string(valueAt(raw, "creditLimitIncluded")) == "true"
	balance.reference = c.dayOf(record.ReferenceDate)
	if changed, err := time.Parse(time.RFC3339, word(raw, "lastChangeDateTime")); err == nil {
		balance.changed = changed.UTC().Format(time.RFC3339Nano)
	}
	balance.Balance = oxlin.Balance{
		Type: statement.TypeOf(balance.code), Amount: amount, Currency: money.Currency, Date: balance.reference,
	}
	for _, other := range []psd2.Written{record.Date, record.LastChange} {
		if balance.Date.IsZero() {
			balance.Date = c.dayOf(other)
		}
	}
	return balance, ""
}

// balanceCode returns the code of a bank's word for a type.
func (c *Connector) balanceCode(name string) string {
	for known, code := range c.config.Balances.Types {
		if strings.EqualFold(known, name) {
			return code
		}
	}
	return notation.ReadBalanceType(name).Or("")
}

// dayOf returns a day in the bank's zone, or the zero Date if there is no readable one.
func (c *Connector) dayOf(written psd2.Written) oxlin.Date {
	day, _ := psd2.Read(written, convention.Day).Told()
	return day.In(c.zone)
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
		if only, _ := onlyCurrency(account); only != "" && balance.Currency != only {
			continue
		}
		listed = append(listed, balance)
		told.All = append(told.All, balance.Balance)
	}
	if len(listed) == 0 {
		return told
	}
	today := c.today()
	slices.SortStableFunc(listed, func(a, b listedBalance) int {
		rank := c.balanceRank(a, account) - c.balanceRank(b, account)
		comes, other := today.Before(a.reference), today.Before(b.reference)
		switch {
		case rank != 0:
			return rank
		case a.withCredit != b.withCredit:
			return cmp.Compare(boolean(a.withCredit), boolean(b.withCredit))
		case comes != other:
			return cmp.Compare(boolean(comes), boolean(other))
		case comes:
			return a.reference.Compare(b.reference)
		}
		return cmp.Or(b.reference.Compare(a.reference), strings.Compare(b.changed, a.changed))
	})
	shown := listed[0].Balance
	told.Shown = &shown
	return told
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// balanceRank orders balances: those in the account's currency first, then by the bank's
// priority; types without a priority come last.
func (c *Connector) balanceRank(balance listedBalance, account bank.AccountRef) int {
	foreign := account.Currency != "" && balance.Currency != account.Currency
	return psd2.BalanceRank(c.config.Balances.Priority, balance.code, foreign)
}
