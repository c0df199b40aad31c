package stet

import (
	"encoding/json"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// transactionRecord is a row as banks write it, in any version.
type transactionRecord struct {
	ResourceID     psd2.Text   `json:"resourceId"`
	EntryReference psd2.Text   `json:"entryReference"`
	Amount         psd2.Amount `json:"transactionAmount"`
	Indicator      psd2.Text   `json:"creditDebitIndicator"`
	Status         psd2.Text   `json:"status"`

	BookingDate         psd2.Day `json:"bookingDate"`
	ExpectedBookingDate psd2.Day `json:"expectedBookingDate"`
	ValueDate           psd2.Day `json:"valueDate"`
	TransactionDate     psd2.Day `json:"transactionDate"`

	Remittance   remittance                     `json:"remittanceInformation"`
	Additional   psd2.Text                      `json:"additionalTransactionInformation"`
	Parties      psd2.Optional[relatedParties]  `json:"relatedParties"`
	Code         psd2.Optional[transactionCode] `json:"bankTransactionCode"`
	MerchantCode psd2.Text                      `json:"merchantCategoryCode"`
	EndToEndID   psd2.Text                      `json:"endToEndId"`
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

// rowVerdict is the decision about a row.
type rowVerdict int

const (
	rowKept rowVerdict = iota
	// rowIgnored does not change the account: rejected, or informative.
	rowIgnored
	// rowUnreadable has no amount.
	rowUnreadable
)

// transaction converts one row; it fails only if the row is not an object.
func (c *Connector) transaction(raw json.RawMessage, account bank.AccountRef) (bank.Transaction, rowVerdict, error) {
	var record transactionRecord
	err := json.Unmarshal(raw, &record)
	if err != nil {
		return bank.Transaction{}, 0, psd2.Nonsense(psd2.DescribeJSON(err))
	}
	status, ok := c.status(record.Status, account.Type)
	if !ok {
		return bank.Transaction{}, rowIgnored, nil
	}
	amount := record.Amount
	if !amount.Amount.Known {
		return bank.Transaction{}, rowUnreadable, nil
	}
	t := bank.Transaction{
		Status:              status,
		Amount:              amount.Amount.Value,
		Currency:            psd2.Currency(euro, amount.Currency, psd2.Text(account.Currency)),
		BookingDate:         record.BookingDate.In(zone),
		ExpectedBookingDate: record.ExpectedBookingDate.In(zone),
		ValueDate:           record.ValueDate.In(zone),
		TransactionDate:     record.TransactionDate.In(zone),
		Remittance:          record.Remittance,
		MerchantCategory:    string(record.MerchantCode),
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
	// The indicator wins over the sign: banks write debits with and without a minus.
	switch record.Indicator {
	case "CRDT":
		t.SignDisagreed = t.Amount < 0
		t.Amount = t.Amount.Abs()
	case "DBIT":
		t.Amount = -t.Amount.Abs()
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
	return t, rowKept, nil
}

// status maps the bank's status (banks §1.2); ok is false for rows that do not change
// the account. A row without a status is booked.
func (c *Connector) status(status psd2.Text, accountType oxlin.AccountType) (mapped oxlin.TransactionStatus, ok bool) {
	other := c.config.OtherStatus
	if accountType == oxlin.AccountCreditCard {
		other = c.config.OtherCardStatus
	}
	switch strings.ToUpper(string(status)) {
	case "BOOK", "":
		return oxlin.StatusBooked, true
	case "PDNG", "FUTR":
		return oxlin.StatusPending, true
	case "RJCT", "INFO":
		return "", false
	case "OTHR":
		if other != "" {
			return other, true
		}
	}
	return oxlin.StatusOther, true
}

// remittance holds the bank's lines: a list (1.4.0), an object with lists (1.4.2 and
// later), a string, or null.
type remittance []string

// UnmarshalJSON never fails.
func (r *remittance) UnmarshalJSON(raw []byte) error {
	*r = nil
	var object struct {
		Unstructured json.RawMessage `json:"unstructured"`
		Structured   psd2.Optional[[]struct {
			Creditor struct {
				Reference psd2.Text `json:"reference"`
			} `json:"creditorReferenceInformation"`
		}] `json:"structured"`
	}
	err := json.Unmarshal(raw, &object)
	if err != nil {
		*r = psd2.ReadLines(raw)
		return nil
	}
	*r = psd2.ReadLines(object.Unstructured)
	for _, line := range object.Structured.Value {
		if line.Creditor.Reference != "" {
			*r = append(*r, string(line.Creditor.Reference))
		}
	}
	return nil
}
