package enablebanking

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// handle is a member of a row that another request could use. It is no id: it may be another
// one in each answer.
const handle = "transaction_id"

// withoutHandle returns a record without its handle, so that it is the same in each answer.
func withoutHandle(raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	err := json.Unmarshal(raw, &members)
	if _, has := members[handle]; err != nil || !has {
		return raw
	}
	delete(members, handle)
	rest, err := json.Marshal(members)
	if err != nil {
		return raw
	}
	return rest
}

// transactionRecord is Transaction.
type transactionRecord struct {
	ID          psd2.ID                    `json:"entry_reference"`
	Category    psd2.Text                  `json:"merchant_category_code"`
	Amount      psd2.Optional[psd2.Amount] `json:"transaction_amount"`
	Indicator   psd2.Written               `json:"credit_debit_indicator"`
	Status      psd2.Written               `json:"status"`
	Creditor    psd2.Optional[party]       `json:"creditor"`
	Debtor      psd2.Optional[party]       `json:"debtor"`
	Code        psd2.Optional[codeRecord]  `json:"bank_transaction_code"`
	Booking     psd2.Written               `json:"booking_date"`
	Value       psd2.Written               `json:"value_date"`
	Day         psd2.Written               `json:"transaction_date"`
	Balance     psd2.Optional[psd2.Amount] `json:"balance_after_transaction"`
	Reference   psd2.Text                  `json:"reference_number"`
	ReferenceOf psd2.Text                  `json:"reference_number_schema"`
	Remittance  json.RawMessage            `json:"remittance_information"`
}

type party struct {
	Name psd2.Text `json:"name"`
}

type codeRecord struct {
	Description psd2.Text `json:"description"`
	Code        psd2.Text `json:"code"`
	SubCode     psd2.Text `json:"sub_code"`
}

// statuses are the words for a row's state that only this interface has.
var statuses = map[string]notation.Status{"CNCL": notation.Rejected, "SCHD": notation.Pending, "HOLD": notation.Pending}

// transaction reads one record.
func (c *Connector) transaction(raw json.RawMessage, account bank.AccountRef) bank.Decoded {
	var record transactionRecord
	err := json.Unmarshal(raw, &record)
	if err != nil || len(raw) == 0 || raw[0] != '{' {
		return bank.Decoded{Transaction: bank.Transaction{Raw: raw}, Unread: bank.UnreadRecord}
	}
	status, read, counts := record.status()
	if !counts {
		return bank.Decoded{Transaction: bank.Transaction{Raw: raw}, Ignored: true}
	}
	t := bank.Decoded{Transaction: bank.Transaction{
		BankID: string(record.ID), Status: status, Remittance: psd2.ReadLines(record.Remittance),
		MerchantCategory: merchantCategory(record.Category), Code: record.Code.Value.read(), Raw: raw,
	}}
	if !read {
		t.Transaction.Unread = append(t.Transaction.Unread, bank.UnreadStatus)
	}
	daysRead := c.setDays(&t.Transaction, record)
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok {
		t.Unread = bank.UnreadAmount
		return t
	}
	t.Currency = money.Currency
	indicator := psd2.Read(record.Indicator, notation.ReadDirection)
	t.Amount, t.SignDisagreed, ok = psd2.Signed(money, indicator)
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
	other := record.Creditor.Value.Name
	if t.Amount > 0 {
		other = record.Debtor.Value.Name
	}
	t.Counterparty = string(other)
	if record.ReferenceOf == "SDDM" {
		t.MandateID = string(record.Reference)
	}
	after, ok := record.Balance.Value.Read(convention, account.Currency).Told()
	if ok && after.Currency == t.Currency {
		t.BalanceAfter = &after.Amount
	}
	return t
}

// status returns the state of a row; read is false for an unknown word, and counts for rows
// that do not change the account.
func (r transactionRecord) status() (status oxlin.TransactionStatus, read, counts bool) {
	reading := psd2.Read(r.Status, func(text string) notation.Reading[notation.Status] {
		if own, ok := statuses[strings.TrimSpace(text)]; ok {
			return notation.Told(own)
		}
		return notation.ReadStatus(text)
	})
	told, ok := reading.Told()
	switch {
	case !ok:
		return oxlin.StatusOther, false, true
	case told == notation.Booked:
		return oxlin.StatusBooked, true, true
	case told == notation.Pending:
		return oxlin.StatusPending, true, true
	case told == notation.Rejected, told == notation.Informative:
		return "", true, false
	}
	return oxlin.StatusOther, true, true
}

// day reads a day, or the day of an instant in the bank's zone.
func (c *Connector) day(written psd2.Written) notation.Reading[oxlin.Date] {
	return psd2.Read(written, func(text string) notation.Reading[oxlin.Date] { return convention.Date(text, c.zone) })
}

// setDays sets the days of a row. The booking day of a row that is not booked is expected.
// It returns false if there are days and none of them can be read.
func (c *Connector) setDays(t *bank.Transaction, record transactionRecord) bool {
	booking, part := &t.BookingDate, bank.UnreadBookingDay
	if t.Status == oxlin.StatusPending {
		booking, part = &t.ExpectedBookingDate, bank.UnreadExpectedDay
	}
	given, read := false, false
	for _, day := range []struct {
		written psd2.Written
		into    *oxlin.Date
		part    bank.Unread
	}{
		{record.Booking, booking, part}, {record.Value, &t.ValueDate, bank.UnreadValueDay}, {record.Day, &t.TransactionDate, bank.UnreadOperationDay},
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

// read returns the code of a row. The aggregator passes on what the bank writes: codes of
// ISO 20022, in one member or two, or the bank's own.
func (r codeRecord) read() bank.Code {
	parts := strings.Split(strings.Join([]string{string(r.Code), string(r.SubCode)}, "-"), "-")
	var words []string
	for _, part := range parts {
		if isWord(part) {
			words = append(words, part)
		}
	}
	switch {
	case len(words) == 3 && len(strings.Trim(string(r.Code+"-"+r.SubCode), "-")) == len("PMNT-RCDT-ESCT"):
		return bank.Code{Domain: words[0], Family: words[1], SubFamily: words[2]}
	case isWord(string(r.Code)) && isWord(string(r.SubCode)):
		return bank.Code{Family: words[0], SubFamily: words[1]}
	}
	return bank.Code{Proprietary: string(psd2.First(r.Code, r.SubCode, r.Description))}
}

// isWord reports whether a text has the form of a code of ISO 20022: four capitals.
func isWord(text string) bool {
	const length = 4
	return len(text) == length && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsUpper(r) }) < 0
}

// merchantCategory returns a code of ISO 18245; banks write 0 instead of an unknown one.
func merchantCategory(code psd2.Text) string {
	if len(code) != 4 || strings.Trim(string(code), "0123456789") != "" || code == "0000" {
		return ""
	}
	return string(code)
}
