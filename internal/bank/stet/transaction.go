package stet

import (
	"cmp"
	"encoding/json"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// transactionRecord is a row as banks write it, in any version.
type transactionRecord struct {
	ResourceID     psd2.ID                    `json:"resourceId"`
	EntryReference psd2.ID                    `json:"entryReference"`
	Amount         psd2.Optional[psd2.Amount] `json:"transactionAmount"`
	Indicator      psd2.Written               `json:"creditDebitIndicator"`
	Status         psd2.Written               `json:"status"`

	BookingDate         psd2.Written `json:"bookingDate"`
	ExpectedBookingDate psd2.Written `json:"expectedBookingDate"`
	ValueDate           psd2.Written `json:"valueDate"`
	TransactionDate     psd2.Written `json:"transactionDate"`

	Remittance   remittance                     `json:"remittanceInformation"`
	Additional   psd2.Text                      `json:"additionalTransactionInformation"`
	Parties      psd2.Optional[relatedParties]  `json:"relatedParties"`
	Code         psd2.Optional[transactionCode] `json:"bankTransactionCode"`
	MerchantCode psd2.Text                      `json:"merchantCategoryCode"`
	EndToEndID   psd2.ID                        `json:"endToEndId"`
}

type transactionCode struct {
	Domain    psd2.Text `json:"domain"`
	Family    psd2.Text `json:"family"`
	SubFamily psd2.Text `json:"subFamily"`
	Code      psd2.Text `json:"code"`
}

type relatedParties struct {
	Debtor           psd2.Optional[party] `json:"debtor"`
	UltimateDebtor   psd2.Optional[party] `json:"ultimateDebtor"`
	Creditor         psd2.Optional[party] `json:"creditor"`
	UltimateCreditor psd2.Optional[party] `json:"ultimateCreditor"`
}

type party struct {
	Name psd2.Text `json:"name"`
}

// Decode reads one record of the bank's list.
func (c *Connector) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	return c.transaction(raw, account), true
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
	status, ok := c.status(record.Status, account.Type)
	if !ok {
		t.Ignored = true
		return t
	}
	t.Transaction = bank.Transaction{
		Status:           status,
		Remittance:       record.Remittance,
		MerchantCategory: string(record.MerchantCode),
		Code: bank.Code{
			Domain:      string(record.Code.Value.Domain),
			Family:      string(record.Code.Value.Family),
			SubFamily:   string(record.Code.Value.SubFamily),
			Proprietary: string(record.Code.Value.Code),
		},
		Raw: raw,
	}
	switch c.config.IDField {
	case "entryReference":
		t.BankID = string(record.EntryReference)
	case "resourceId":
		t.BankID = string(record.ResourceID)
	}
	told := psd2.Read(record.Status, notation.ReadStatus)
	if told.IsUnreadable() {
		t.Transaction.Unread = append(t.Transaction.Unread, bank.UnreadStatus)
	}
	daysRead := setDays(&t.Transaction, record)
	if told.IsAbsent() && t.BookingDate.IsZero() && !t.ExpectedBookingDate.IsZero() {
		t.Status = oxlin.StatusPending // it is not booked yet
	}
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok {
		t.Unread = bank.UnreadAmount
		return t
	}
	t.Currency = money.Currency
	t.Amount, t.SignDisagreed, ok = psd2.Signed(money, psd2.Read(record.Indicator, notation.ReadDirection))
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
	if len(t.Remittance) == 0 && record.Additional != "" {
		t.Remittance = []string{string(record.Additional)}
	}
	// SEPA prescribes "NOTPROVIDED" if there is no reference.
	if record.EndToEndID != "NOTPROVIDED" {
		t.EndToEndID = string(record.EndToEndID)
	}
	parties := record.Parties.Value
	who, final := parties.Creditor.Value, parties.UltimateCreditor.Value
	if t.Amount > 0 {
		who, final = parties.Debtor.Value, parties.UltimateDebtor.Value
	}
	t.Counterparty = string(psd2.First(who.Name, final.Name))
	return t
}

// setDays sets the days of a row. It returns false if the bank gave days, and none of
// them can be read.
func setDays(t *bank.Transaction, record transactionRecord) bool {
	given, read := false, false
	for _, day := range []struct {
		written psd2.Written
		into    *oxlin.Date
		part    bank.Unread
	}{
		{record.BookingDate, &t.BookingDate, bank.UnreadBookingDay},
		{record.ExpectedBookingDate, &t.ExpectedBookingDate, bank.UnreadExpectedDay},
		{record.ValueDate, &t.ValueDate, bank.UnreadValueDay},
		{record.TransactionDate, &t.TransactionDate, bank.UnreadOperationDay},
	} {
		reading := psd2.Read(day.written, convention.Day)
		if reading.IsUnreadable() {
			t.Unread = append(t.Unread, day.part)
		}
		given = given || !reading.IsAbsent()
		told, ok := reading.Told()
		if ok {
			*day.into, read = told.In(zone), true
		}
	}
	return read || !given
}

// status maps the bank's status (banks §1.2); ok is false for rows that do not change
// the account. A row without a status is booked, see transaction for the exception. An
// unknown word is OTHER.
func (c *Connector) status(written psd2.Written, accountType oxlin.AccountType) (mapped oxlin.TransactionStatus, ok bool) {
	reading := psd2.Read(written, notation.ReadStatus)
	if reading.IsUnreadable() {
		return oxlin.StatusOther, true
	}
	switch reading.Or(notation.Booked) {
	case notation.Booked:
		return oxlin.StatusBooked, true
	case notation.Pending:
		return oxlin.StatusPending, true
	case notation.Rejected, notation.Informative:
		return "", false
	}
	other := c.config.OtherStatus
	if accountType == oxlin.AccountCreditCard {
		other = c.config.OtherCardStatus
	}
	return cmp.Or(other, oxlin.StatusOther), true
}

// remittance holds the bank's lines: a list (1.4.0), an object with lists (1.4.2 and
// later), a string, or null.
type remittance []string

// UnmarshalJSON never fails.
func (r *remittance) UnmarshalJSON(raw []byte) error {
	*r = nil
	parts, ok := psd2.ReadRecords(raw, "unstructured", "structured")
	if !ok {
		*r = psd2.ReadLines(raw)
		return nil
	}
	for _, part := range parts {
		*r = append(*r, remittanceOf(part)...)
	}
	return nil
}

// remittanceOf returns the lines of a single line, or of an object with lists.
func remittanceOf(raw json.RawMessage) []string {
	var object psd2.Optional[struct {
		Unstructured json.RawMessage `json:"unstructured"`
		Structured   json.RawMessage `json:"structured"`
	}]
	_ = json.Unmarshal(raw, &object) // never fails
	lines := append(psd2.ReadLines(raw), psd2.ReadLines(object.Value.Unstructured)...)
	structured, _ := psd2.ReadRecords(object.Value.Structured, "creditorReferenceInformation", "reference")
	for _, record := range structured {
		var reference psd2.Optional[struct {
			Creditor struct {
				Reference psd2.Text `json:"reference"`
			} `json:"creditorReferenceInformation"`
			Reference psd2.Text `json:"reference"`
		}]
		_ = json.Unmarshal(record, &reference)
		if text := psd2.First(reference.Value.Creditor.Reference, reference.Value.Reference); text != "" {
			lines = append(lines, string(text))
		}
	}
	return lines
}
