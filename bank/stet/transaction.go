package stet

import (
	"encoding/json"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// transactionRecord is a row as banks write it, in any version.
type transactionRecord struct {
	ResourceID     text   `json:"resourceId"`
	EntryReference text   `json:"entryReference"`
	Amount         amount `json:"transactionAmount"`
	Indicator      text   `json:"creditDebitIndicator"`
	Status         text   `json:"status"`

	BookingDate         day `json:"bookingDate"`
	ExpectedBookingDate day `json:"expectedBookingDate"`
	ValueDate           day `json:"valueDate"`
	TransactionDate     day `json:"transactionDate"`

	Remittance   remittance                `json:"remittanceInformation"`
	Additional   text                      `json:"additionalTransactionInformation"`
	Parties      optional[relatedParties]  `json:"relatedParties"`
	Code         optional[transactionCode] `json:"bankTransactionCode"`
	MerchantCode text                      `json:"merchantCategoryCode"`
	EndToEndID   text                      `json:"endToEndId"`
}

type transactionCode struct {
	Domain    text `json:"domain"`
	Family    text `json:"family"`
	SubFamily text `json:"subFamily"`
	Code      text `json:"code"`
}

type relatedParties struct {
	Debtor           optional[party] `json:"debtor"`
	UltimateDebtor   optional[party] `json:"ultimateDebtor"`
	Creditor         optional[party] `json:"creditor"`
	UltimateCreditor optional[party] `json:"ultimateCreditor"`
}

type party struct {
	Name text `json:"name"`
}

// rowVerdict says what becomes of a row.
type rowVerdict int

const (
	rowKept rowVerdict = iota
	// rowIgnored says nothing about the account: rejected, or informative.
	rowIgnored
	// rowUnreadable has no amount.
	rowUnreadable
)

// transaction reads one row; only something that is no row at all is an error.
func (c *Connector) transaction(raw json.RawMessage, account bank.AccountRef) (bank.Transaction, rowVerdict, error) {
	var record transactionRecord
	err := json.Unmarshal(raw, &record)
	if err != nil {
		return bank.Transaction{}, 0, nonsense(describe(err))
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
		Currency:            currency(amount.Currency, text(account.Currency)),
		BookingDate:         record.BookingDate.Date,
		ExpectedBookingDate: record.ExpectedBookingDate.Date,
		ValueDate:           record.ValueDate.Date,
		TransactionDate:     record.TransactionDate.Date,
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
	// The indicator wins over the sign: banks write debits both ways.
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
	// "NOTPROVIDED" is what SEPA prescribes where there is no reference.
	if record.EndToEndID != "NOTPROVIDED" {
		t.EndToEndID = string(record.EndToEndID)
	}
	parties := record.Parties.Value
	who, final := parties.Creditor.Value, parties.UltimateCreditor.Value
	if t.Amount > 0 {
		who, final = parties.Debtor.Value, parties.UltimateDebtor.Value
	}
	t.Counterparty = string(firstText(who.Name, final.Name))
	return t, rowKept, nil
}

// status maps the bank's status (banks §1.2); ok is false for rows that say
// nothing about the account. A row without status is booked.
func (c *Connector) status(status text, accountType oxlin.AccountType) (mapped oxlin.TransactionStatus, ok bool) {
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

// defaultCurrency is what a bank means that names none: STET is spoken in the
// euro zone.
const defaultCurrency = "EUR"

// currency takes the first that looks like one of ISO 4217.
func currency(candidates ...text) string {
	for _, candidate := range candidates {
		code := strings.ToUpper(string(candidate))
		if len(code) == 3 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return code
		}
	}
	return defaultCurrency
}

func firstText(candidates ...text) text {
	for _, candidate := range candidates {
		if candidate != "" {
			return candidate
		}
	}
	return ""
}
