package berlingroup

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/statement"
)

// transactionRecord is a row as the standard writes it, of an account or of a card.
type transactionRecord struct {
	Amount    json.RawMessage `json:"transactionAmount"`
	Plain     json.RawMessage `json:"amount"`
	Currency  psd2.Written    `json:"currency"`
	Indicator psd2.Written    `json:"creditDebitIndicator"`

	BookingDate         psd2.Written `json:"bookingDate"`
	ExpectedBookingDate psd2.Written `json:"expectedBookingDate"`
	ValueDate           psd2.Written `json:"valueDate"`
	TransactionDate     psd2.Written `json:"transactionDate"`

	CreditorName     psd2.Text                           `json:"creditorName"`
	CreditorAccount  psd2.Optional[reference]            `json:"creditorAccount"`
	UltimateCreditor psd2.Text                           `json:"ultimateCreditor"`
	DebtorName       psd2.Text                           `json:"debtorName"`
	DebtorAccount    psd2.Optional[reference]            `json:"debtorAccount"`
	UltimateDebtor   psd2.Text                           `json:"ultimateDebtor"`
	Unstructured     json.RawMessage                     `json:"remittanceInformationUnstructured"`
	Lines            json.RawMessage                     `json:"remittanceInformationUnstructuredArray"`
	Structured       json.RawMessage                     `json:"remittanceInformationStructured"`
	References       json.RawMessage                     `json:"remittanceInformationStructuredArray"`
	Additional       psd2.Text                           `json:"additionalInformation"`
	Details          psd2.Text                           `json:"transactionDetails"`
	Code             json.RawMessage                     `json:"bankTransactionCode"`
	OwnCode          psd2.Text                           `json:"proprietaryBankTransactionCode"`
	MerchantCategory psd2.Text                           `json:"merchantCategoryCode"`
	EndToEndID       psd2.ID                             `json:"endToEndId"`
	MandateID        psd2.ID                             `json:"mandateId"`
	CheckID          psd2.ID                             `json:"checkId"`
	BalanceAfter     psd2.Optional[balanceAfterMovement] `json:"balanceAfterTransaction"`
}

// reference identifies an account.
type reference struct {
	IBAN psd2.Written `json:"iban"`
	BBAN psd2.ID      `json:"bban"`
}

func (r reference) iban() string { return psd2.Read(r.IBAN, notation.IBAN).Or("") }

// given reports whether a party is named at all.
func (r reference) given() bool { return r.iban() != "" || r.BBAN != "" }

type balanceAfterMovement struct {
	Amount json.RawMessage `json:"balanceAmount"`
}

// listed is the raw record of a row: the bank's record, and the list that holds it, which
// tells the status.
type listed struct {
	List string `json:"list,omitempty"`
	// Card is set for a row of an account in the list of card accounts, or of that type at a bank
	// whose cards have other signs.
	Card bool `json:"card,omitempty"`
	// Several is set for a row of an account that has several currencies.
	Several bool            `json:"several,omitempty"`
	Record  json.RawMessage `json:"record"`
}

// Decode reads one record of the bank's list, or an entry of a statement.
func (c *Connector) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	if statement.IsRecord(raw) {
		return statement.Decode(raw, c.statementOptions(account))
	}
	var row listed
	err := json.Unmarshal(raw, &row)
	if err != nil || row.Record == nil {
		return bank.Decoded{}, false
	}
	return c.transaction(row, account), true
}

// transaction converts one row. It is unread if the bank wrote a part without which the row
// says nothing in no form that has one reading.
func (c *Connector) transaction(row listed, account bank.AccountRef) (t bank.Decoded) {
	config := c.config.Transactions
	kept := psd2.Object{"list": text(row.List), "record": row.Record}
	for name, set := range map[string]bool{"card": row.Card, "several": row.Several} {
		if set {
			kept[name] = json.RawMessage("true")
		}
	}
	t.Raw = objectOf(kept)
	standard := config.Members.standard(row.Record)
	status, told, ok := c.status(row.List, standard)
	if !ok || isLeftOut(row.Record, config.LeaveWhere) {
		t.Ignored = true
		return t
	}
	var record transactionRecord
	err := json.Unmarshal(standard, &record)
	if err != nil {
		t.Unread = bank.UnreadRecord
		return t
	}
	t.Transaction = bank.Transaction{
		Status: status, Remittance: record.remittance(), MerchantCategory: string(record.MerchantCategory),
		Code: codeOf(record.Code, string(record.OwnCode)), MandateID: string(record.MandateID), CheckNumber: string(record.CheckID),
		Raw: t.Raw,
	}
	if !told {
		t.Transaction.Unread = append(t.Transaction.Unread, bank.UnreadStatus)
	}
	if config.ID != "none" {
		t.BankID = word(standard, config.ID)
	}
	// SEPA prescribes "NOTPROVIDED" if there is no reference.
	if record.EndToEndID != "NOTPROVIDED" {
		t.EndToEndID = string(record.EndToEndID)
	}
	daysRead := c.setDays(&t.Transaction, record)
	written := record.Amount
	if isBlank(written) {
		written = record.Plain
	}
	usual := account.Currency
	if row.Several {
		usual = "" // it may be any of the bank's account
	}
	money, ok := amountOf(written, record.Currency, usual).Told()
	if !ok || row.Several && money.Currency == "" {
		t.Unread = bank.UnreadAmount
		return t
	}
	t.Currency = money.Currency
	sign := config.Sign
	switch {
	case row.Card:
		sign = config.CardSign
	case status == oxlin.StatusPending:
		sign = config.PendingSign
	}
	t.Amount, t.SignDisagreed, ok = direct(sign, money, psd2.Read(record.Indicator, notation.ReadDirection), record.direction(account))
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
	t.Counterparty = record.counterparty(t.Amount > 0, account)
	if record.BalanceAfter.Value.Amount != nil {
		after, ok := amountOf(record.BalanceAfter.Value.Amount, psd2.Written{}, t.Currency).Told()
		if ok && after.Currency == t.Currency {
			t.BalanceAfter = &after.Amount
		}
	}
	return t
}

// status returns the status of a row, by its own word where the data name the member, else
// by its list; ok is false for rows that do not change the account. told is false for a
// word that is unknown.
func (c *Connector) status(list string, standard json.RawMessage) (status oxlin.TransactionStatus, told, ok bool) {
	config := c.config.Transactions
	status, known := config.Lists[list]
	if list == "" {
		status, known = oxlin.StatusBooked, true
	}
	if !known || list != "" && status == "" {
		return "", true, false
	}
	written := ""
	if config.Status != "" {
		written = word(standard, config.Status)
	}
	if written == "" {
		return status, true, true
	}
	for name, own := range config.Words {
		if strings.EqualFold(name, written) {
			return own, true, own != ""
		}
	}
	reading := notation.ReadStatus(written)
	if reading.IsUnreadable() {
		return oxlin.StatusOther, false, true
	}
	switch reading.Or(notation.OtherStatus) {
	case notation.Booked:
		return oxlin.StatusBooked, true, true
	case notation.Pending:
		return oxlin.StatusPending, true, true
	case notation.Rejected, notation.Informative:
		return "", true, false
	}
	return oxlin.StatusOther, true, true
}

// setDays sets the days of a row. It returns false if the bank gave days, and none of them
// can be read.
func (c *Connector) setDays(t *bank.Transaction, record transactionRecord) bool {
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
			*day.into, read = told.In(c.zone), true
		}
	}
	return read || !given
}

// direct returns an amount with its sign, which the bank tells as Transactions.Sign has it. An
// amount without a sign is a credit in this standard. disagreed reports that the sign
// contradicted an indicator, which wins.
func direct(
	sign string, money notation.Money, indicator notation.Reading[notation.Direction], parties notation.Direction,
) (amount oxlin.Amount, disagreed, ok bool) {
	direction, told := indicator.Told()
	switch {
	case indicator.IsUnreadable():
		return 0, false, false
	case told:
	case sign == "reversed":
		return -money.Amount, false, true
	case sign == "indicator" && money.Amount != 0, sign == "parties" && money.Amount > 0 && !money.Signed && parties == "":
		return 0, false, false
	case sign == "parties" && money.Amount > 0 && !money.Signed:
		direction = parties
	default:
		return money.Amount, false, true
	}
	if direction == notation.Debit {
		return -money.Amount.Abs(), false, true
	}
	return money.Amount.Abs(), money.Amount < 0, true
}

// direction tells a debit from a credit by the parties: the account's holder pays, or is
// paid. It is empty if the record does not tell.
func (r transactionRecord) direction(account bank.AccountRef) notation.Direction {
	creditor, debtor := r.CreditorAccount.Value, r.DebtorAccount.Value
	ours := account.IBAN
	isCreditor, isDebtor := ours != "" && creditor.iban() == ours, ours != "" && debtor.iban() == ours
	toAnother := !isCreditor && (creditor.given() || r.CreditorName != "")
	fromAnother := !isDebtor && (debtor.given() || r.DebtorName != "")
	switch {
	case isCreditor && !isDebtor, fromAnother && !toAnother && !isDebtor:
		return notation.Credit
	case isDebtor && !isCreditor, toAnother && !fromAnother && !isCreditor:
		return notation.Debit
	}
	return ""
}

// counterparty returns the other party's name: the debtor of a credit, the creditor of a
// debit. Banks that have only one place for a name write the other party there.
func (r transactionRecord) counterparty(credit bool, account bank.AccountRef) string {
	creditor, debtor := psd2.First(r.CreditorName, r.UltimateCreditor), psd2.First(r.DebtorName, r.UltimateDebtor)
	who, other, its := creditor, debtor, r.DebtorAccount.Value
	if credit {
		who, other, its = debtor, creditor, r.CreditorAccount.Value
	}
	if who == "" && (account.IBAN == "" || its.iban() != account.IBAN) {
		who = other
	}
	return string(who)
}

// remittance returns the lines for people, each once: some banks write one text in two
// members.
func (r transactionRecord) remittance() (lines []string) {
	for _, raw := range []json.RawMessage{r.Lines, r.Unstructured, r.Structured, r.References} {
		for _, line := range linesIn(raw) {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		line := psd2.First(r.Details, r.Additional)
		if line != "" {
			lines = []string{string(line)}
		}
	}
	return lines
}

// linesIn returns the lines of a text, of a list of them, or of references.
func linesIn(raw json.RawMessage) (lines []string) {
	records, ok := psd2.ReadRecords(raw, "reference", "referenceType")
	if !ok {
		return psd2.ReadLines(raw)
	}
	for _, record := range records {
		line := word(record, "reference")
		if line == "" {
			lines = append(lines, psd2.ReadLines(record)...)
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// codeOf reads the code of a transaction: PMNT-RCDT-ESCT, the same in an object, or a text
// of the bank's own.
func codeOf(raw json.RawMessage, own string) bank.Code {
	code := bank.Code{Proprietary: own}
	_, ok := psd2.ReadObject(raw)
	if ok {
		code.Domain, code.Family, code.SubFamily = word(raw, "domain|code"), word(raw, "family"), word(raw, "subFamily")
		return code
	}
	var written psd2.ID
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &written) // never fails
	}
	parts := strings.Split(string(written), "-")
	if len(parts) == 3 && len(parts[0]) == 4 {
		code.Domain, code.Family, code.SubFamily = parts[0], parts[1], parts[2]
		return code
	}
	code.Proprietary = cmp.Or(code.Proprietary, string(written))
	return code
}
