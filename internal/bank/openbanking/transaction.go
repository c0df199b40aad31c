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

// transactionRecord is a row as banks write it: OBTransaction6 of 3.1 and of 4.0.
type transactionRecord struct {
	AccountID  psd2.ID                    `json:"AccountId"`
	ID         psd2.ID                    `json:"TransactionId"`
	Reference  psd2.Text                  `json:"TransactionReference"`
	Amount     psd2.Optional[psd2.Amount] `json:"Amount"`
	Indicator  psd2.Written               `json:"CreditDebitIndicator"`
	Status     psd2.Written               `json:"Status"`
	Mutability psd2.Text                  `json:"TransactionMutability"`

	BookingDate psd2.Written `json:"BookingDateTime"`
	ValueDate   psd2.Written `json:"ValueDateTime"`

	Information lines                         `json:"TransactionInformation"`
	Merchant    psd2.Optional[merchantRecord] `json:"MerchantDetails"`
	Creditor    psd2.Optional[namedRecord]    `json:"CreditorAccount"`
	Debtor      psd2.Optional[namedRecord]    `json:"DebtorAccount"`
	Code        psd2.Optional[codeRecord]     `json:"BankTransactionCode"`
	Proprietary psd2.Optional[codeRecord]     `json:"ProprietaryBankTransactionCode"`
	Balance     psd2.Optional[balanceRecord]  `json:"Balance"`
}

// lines are the lines of a text: a list of them, or one.
type lines []string

// UnmarshalJSON never fails.
func (l *lines) UnmarshalJSON(raw []byte) error {
	*l = psd2.ReadLines(raw)
	return nil
}

type merchantRecord struct {
	Name psd2.Text `json:"MerchantName"`
	Code psd2.Text `json:"MerchantCategoryCode"`
}

type namedRecord struct {
	Name psd2.Text `json:"Name"`
}

type codeRecord struct {
	Code    psd2.Text `json:"Code"`
	SubCode psd2.Text `json:"SubCode"`
}

// transaction converts one row. It is unread if the bank wrote a part without which the
// row says nothing in no form that has one reading.
func (c *Connector) transaction(raw json.RawMessage, account bank.AccountRef) (t bank.Decoded) {
	t.Raw = raw
	var record transactionRecord
	err := json.Unmarshal(raw, &record)
	if err != nil {
		t.Unread = bank.UnreadRecord
		return t
	}
	status, statusRead, ok := c.status(record)
	if !ok || c.isIgnored(raw, record, account) {
		t.Ignored = true
		return t
	}
	t.Transaction = bank.Transaction{
		BankID: c.idOf(raw, record), Status: status, Remittance: c.textOf(raw, record),
		MerchantCategory: merchantCategory(record.Merchant.Value.Code), Raw: raw,
	}
	if !statusRead {
		t.Transaction.Unread = append(t.Transaction.Unread, bank.UnreadStatus)
	}
	daysRead := c.setDays(&t.Transaction, raw, record)
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok {
		t.Unread = bank.UnreadAmount
		return t
	}
	t.Currency = money.Currency
	t.Amount, t.SignDisagreed, ok = c.signed(money, record, account)
	if t.SignDisagreed {
		t.Transaction.Unread = append(t.Transaction.Unread, bank.UnreadAmountSign)
	}
	switch {
	case !ok:
		t.Unread = bank.UnreadSign
		return t
	case !daysRead:
		t.Unread = bank.UnreadDay
		return t
	}
	t.Counterparty = c.counterpartyOf(raw, record, t.Amount)
	t.Code = codeOfRow(record, t.Amount)
	t.BalanceAfter = c.balanceAfter(record.Balance.Value, account, t.Currency)
	return t
}

// idOf returns the bank's id of a row.
func (c *Connector) idOf(raw json.RawMessage, record transactionRecord) string {
	switch path := c.config.Transactions.ID; path {
	case "", "TransactionId":
		return string(record.ID)
	case none:
		return ""
	default:
		var id psd2.ID
		for _, value := range at(raw, path) {
			_ = json.Unmarshal(value, &id) // never fails
		}
		return string(id)
	}
}

// textOf returns the lines of a row's text.
func (c *Connector) textOf(raw json.RawMessage, record transactionRecord) (lines []string) {
	if c.config.Transactions.Texts == nil {
		lines = slices.DeleteFunc(record.Information, isPlaceholder)
		if len(lines) == 0 && record.Reference != "" && !isPlaceholder(string(record.Reference)) {
			lines = []string{string(record.Reference)}
		}
		return lines
	}
	for _, path := range c.config.Transactions.Texts {
		lines = append(lines, textsAt(raw, path)...)
	}
	return lines
}

// counterpartyOf returns the name of the other side.
func (c *Connector) counterpartyOf(raw json.RawMessage, record transactionRecord, amount oxlin.Amount) string {
	if c.config.Transactions.Counterparties != nil {
		return firstText(raw, c.config.Transactions.Counterparties)
	}
	other := record.Creditor.Value.Name
	if amount > 0 {
		other = record.Debtor.Value.Name
	}
	return string(psd2.First(record.Merchant.Value.Name, other))
}

// merchantCategory returns a code of ISO 18245; banks write 0 or nothing instead of
// an unknown one.
func merchantCategory(code psd2.Text) string {
	if len(code) != 4 || strings.Trim(string(code), "0123456789") != "" || code == "0000" {
		return ""
	}
	return string(code)
}

// isIgnored reports whether the bank's data leave a row out. A stored row was not another account's.
func (c *Connector) isIgnored(raw json.RawMessage, record transactionRecord, account bank.AccountRef) bool {
	foreign := record.AccountID != "" && account.Address != "" && string(record.AccountID) != account.Address
	return anyMatches(c.config.Transactions.Ignore, raw) || foreign && c.config.Transactions.OfOtherAccounts == "drop"
}

// day reads a day, or the day of an instant, as the bank's data say.
func (c *Connector) day(written psd2.Written) notation.Reading[oxlin.Date] {
	return psd2.Read(written, func(text string) notation.Reading[oxlin.Date] {
		const length = len("2006-01-02")
		if c.config.Transactions.Days == "written" && len(text) > length && text[length] == 'T' {
			text = text[:length]
		}
		return convention.Date(text, c.zone)
	})
}

// setDays sets the days of a row. The booking day of a row that is not booked is expected.
// It returns false if the bank gave days, and none of them can be read.
func (c *Connector) setDays(t *bank.Transaction, raw json.RawMessage, record transactionRecord) bool {
	chosen := func(path string, otherwise psd2.Written) psd2.Written {
		if path == "" {
			return otherwise
		}
		return writtenAt(raw, path)
	}
	booking, part := &t.BookingDate, bank.UnreadBookingDay
	if t.Status == oxlin.StatusPending {
		booking, part = &t.ExpectedBookingDate, bank.UnreadExpectedDay
	}
	paths := c.config.Transactions
	given, read := false, false
	for _, day := range []struct {
		written psd2.Written
		into    *oxlin.Date
		part    bank.Unread
	}{
		{chosen(paths.BookingDate, record.BookingDate), booking, part},
		{chosen(paths.ValueDate, record.ValueDate), &t.ValueDate, bank.UnreadValueDay},
		{chosen(paths.OperationDate, psd2.Written{}), &t.TransactionDate, bank.UnreadOperationDay},
	} {
		reading := c.day(day.written)
		if reading.IsUnreadable() {
			t.Unread = append(t.Unread, day.part)
		}
		given = given || !reading.IsAbsent()
		told, ok := reading.Told()
		if ok {
			*day.into, read = told, true
		}
	}
	return read || !given
}

// signed returns a row's amount with its sign.
func (c *Connector) signed(money notation.Money, record transactionRecord, account bank.AccountRef) (amount oxlin.Amount, disagreed, ok bool) {
	if c.config.Transactions.Sign == "amount" {
		return money.Amount, false, true
	}
	indicator := psd2.Read(record.Indicator, notation.ReadDirection)
	amount, disagreed, ok = psd2.Signed(money, indicator)
	reversed := c.config.Transactions.Reversed
	if account.Type == oxlin.AccountCreditCard {
		reversed = c.config.Transactions.CardReversed
	}
	if reversed && !indicator.IsAbsent() {
		amount = -amount
	}
	return amount, disagreed, ok
}

// status returns the state of a row; read is false for an unknown word, and ok for rows
// that do not change the account.
func (c *Connector) status(record transactionRecord) (status oxlin.TransactionStatus, read, ok bool) {
	data := c.config.Transactions
	own := psd2.Read(record.Status, func(text string) notation.Reading[string] { return notation.Told(data.Statuses[text]) }).Or("")
	switch own {
	case "":
	case ignored:
		return "", true, false
	default:
		return oxlin.TransactionStatus(own), true, true
	}
	reading := psd2.Read(record.Status, notation.ReadStatus)
	if reading.IsUnreadable() {
		return oxlin.StatusOther, false, true
	}
	told, named := reading.Told()
	if !named {
		return cmp.Or(data.NoStatus, oxlin.StatusBooked), true, true
	}
	switch told {
	case notation.Booked:
		if data.MutableIsPending && strings.EqualFold(string(record.Mutability), "Mutable") {
			return oxlin.StatusPending, true, true
		}
		return oxlin.StatusBooked, true, true
	case notation.Pending:
		return oxlin.StatusPending, true, true
	case notation.Rejected, notation.Informative:
		return "", true, false
	}
	return oxlin.StatusOther, true, true
}

// balanceAfter returns the balance after a row, in the row's currency.
func (c *Connector) balanceAfter(record balanceRecord, account bank.AccountRef, currency string) *oxlin.Amount {
	if c.config.Transactions.NoBalanceAfter {
		return nil
	}
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok || money.Currency != currency {
		return nil
	}
	amount, _, ok := psd2.Signed(money, psd2.Read(record.Indicator, notation.ReadDirection))
	if !ok {
		return nil
	}
	reversed := c.config.Balances.Reversed
	if account.Type == oxlin.AccountCreditCard {
		reversed = c.config.Balances.CardReversed
	}
	if reversed {
		amount = -amount
	}
	return &amount
}
