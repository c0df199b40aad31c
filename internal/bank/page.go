package bank

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
)

// AccountsPage is one page of a bank's accounts. Until the whole list has been read, it
// is stored as sealed JSON.
type AccountsPage struct {
	Accounts []Account `json:"accounts,omitempty"`
	// OwnerLink is the address of the customer's identity, if the bank offers it.
	OwnerLink string `json:"owner_link,omitempty"`
	// Unreadable are the accounts without a usable id. What a list lacks that breaks before
	// its end counts as one of them.
	Unreadable []Unreadable `json:"unreadable,omitempty"`
	// Customer is the name of the user who logged in, if the list contains it.
	Customer string `json:"customer,omitempty"`
	Next     string `json:"next,omitempty"`
	// Kept is how the bank finds the next page.
	Kept oxlin.PageKeeping `json:"kept,omitempty"`
	// Endless is set if the pages have no end: there is no next one for this reason.
	Endless bool `json:"endless,omitempty"`
}

// AccountRef is an account for a call to its bank.
type AccountRef struct {
	// Address is the account's address in the last list. It is not empty in a call, and absent
	// for Decode.
	Address string
	Type    oxlin.AccountType
	IBAN    string
	// Currency is empty if it is not known: then balances and rows have only the ones
	// that the bank names with them.
	Currency string
}

// Account is an account as the bank describes it. Only Type is always set, and with it something
// that distinguishes the account: an identity, a number, or at least a name.
//
// An account has two kinds of names. Its address is where the bank keeps it under this access. It
// is replaced by each list and never compared with that of another list. Identities belong to it
// for ever, and by them alone it is recognised: IBAN, number or card number, with the currency;
// BankID; Identities.
type Account struct {
	// Address names the account in calls about it (AccountRef), in the connector's own format;
	// empty if the bank lists the account and lets nobody read it.
	Address string `json:"address"`
	// BankID is the bank's id of the account. It is empty unless the id outlives a consent, by the
	// bank's data.
	BankID string `json:"bank_id"`
	// Identities are further ones.
	Identities []oxlin.AccountIdentity `json:"identities,omitempty"`
	Name       string                  `json:"name,omitempty"`
	Type       oxlin.AccountType       `json:"type"`
	Usage      oxlin.Usage             `json:"usage,omitempty"`
	// Currency is the one that the bank's list names (ISO 4217).
	Currency     string `json:"currency,omitempty"`
	IBAN         string `json:"iban,omitempty"`
	Number       string `json:"number,omitempty"`
	MaskedNumber string `json:"masked_number,omitempty"`
	// OwnerName holds the names of the account's holders, if the bank gives them.
	OwnerName string `json:"owner_name,omitempty"`
	// HeldByCustomer reports whether the user who logged in is a holder of the account,
	// as far as the bank discloses it. An agent of the holder is not.
	HeldByCustomer bool `json:"held_by_customer,omitempty"`
	// LinkedAddress is the address of the account from which a card is paid, in the same list.
	LinkedAddress string `json:"linked_bank_id,omitempty"`
	// NeedsConsent is true while the bank gives no access to the account because the
	// user's consent has not been forwarded (see ConsentForwarder).
	NeedsConsent bool                 `json:"needs_consent,omitempty"`
	Details      oxlin.AccountDetails `json:"details,omitzero"`
	// Balances are those that the list itself tells about the account; nil if it has no balances. ToldAt is
	// when the list was read; the connector leaves it to the platform.
	Balances *Balances `json:"balances,omitempty"`
	ToldAt   time.Time `json:"told_at,omitzero"`
	// Raw is the bank's own record.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Ref returns the account for a call.
func (a Account) Ref() AccountRef { return AccountRef{a.Address, a.Type, a.IBAN, a.Currency} }

// UnmarshalJSON reads a stored account. In one that a version before addresses has stored, the
// bank's id is the address as well.
func (a *Account) UnmarshalJSON(text []byte) error {
	type stored Account
	var read struct {
		stored
		Address *string `json:"address"`
	}
	err := json.Unmarshal(text, &read)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	*a = Account(read.stored)
	a.Address = a.BankID
	if read.Address != nil {
		a.Address = *read.Address
	}
	return nil
}

// Balances are an account's balances as the bank gives them. Until the transactions have
// been read, they are stored as sealed JSON.
type Balances struct {
	// All are the balances that could be read, in the bank's order.
	All []oxlin.Balance `json:"all,omitempty"`
	// Shown is the one that the bank shows its customers; nil if the bank gave none
	// that can be read. It need not be in All: a card's may be a sum.
	Shown *oxlin.Balance `json:"shown,omitempty"`
	// Unreadable are the balances that could not be read.
	Unreadable []Unreadable `json:"unreadable,omitempty"`
	// NextDebitDate and NextDebitAmount are the next payment of a deferred debit card.
	NextDebitDate   oxlin.Date    `json:"next_debit_date,omitzero"`
	NextDebitAmount *oxlin.Amount `json:"next_debit_amount,omitempty"`
	// Next is the cursor with which the balances are asked for further; empty if these
	// are the bank's last word.
	Next string `json:"next,omitempty"`
	// InList is set if the answer has no balances and the bank may have them in its list of accounts. A caller that has
	// that list needs no further call.
	InList bool `json:"-"`
}

// TransactionsPage is one page of an account's transactions. Until the following pages
// have been read, it is stored as sealed JSON.
type TransactionsPage struct {
	Transactions []Transaction `json:"Transactions"`
	Next         string        `json:"Next"`
	// CoveredFrom is the first day that all pages together cover: later than the
	// requested day if the bank's history is shorter.
	CoveredFrom oxlin.Date `json:"CoveredFrom"`
	// WholeFrom is the first of the days that this page and those before it cover for
	// certain, whatever follows; absent if only the order of the rows tells it.
	WholeFrom oxlin.Date `json:"WholeFrom,omitzero"`
	// Unreadable are the rows whose amount, sign or given days cannot be read.
	Unreadable []Unreadable `json:"Unreadable,omitempty"`
	// Broken is why the walk over the pages ended before its end; empty otherwise. Then
	// Next is empty.
	Broken string `json:"Broken,omitempty"`
	// Endless is set if the walk was given up because its pages have no end.
	Endless bool `json:"Endless,omitempty"`
	// Kept is how the bank finds the next page.
	Kept oxlin.PageKeeping `json:"Kept,omitempty"`
}

// Unreadable is a bank's record that cannot be read. It is kept apart and never shown.
type Unreadable struct {
	Reason Unread `json:"reason"`
	// Day is the day of the row, if it can be read.
	Day oxlin.Date `json:"day,omitzero"`
	// Raw is the bank's own record. An improved parser can read it again.
	Raw json.RawMessage `json:"raw"`
}

// Unread is the part of a record that cannot be read.
type Unread string

// The parts of a record without which it says nothing.
const (
	UnreadAmount Unread = "amount"
	UnreadSign   Unread = "sign"
	UnreadDay    Unread = "day"
	// UnreadID is the id or number of an account.
	UnreadID Unread = "id"
	// UnreadRecord is the record as a whole: it has another form.
	UnreadRecord Unread = "record"
)

// The parts of a record that can be read without them.
const (
	UnreadStatus       Unread = "status"
	UnreadBookingDay   Unread = "booking_day"
	UnreadExpectedDay  Unread = "expected_booking_day"
	UnreadValueDay     Unread = "value_day"
	UnreadOperationDay Unread = "transaction_day"
	// UnreadAmountSign is a sign of the amount that contradicts the indicator.
	UnreadAmountSign Unread = "amount_sign"
)

// Transaction is a transaction as the bank reports it. The connector leaves out rows
// that do not change the account (rejected, informative).
type Transaction struct {
	// BankID is the bank's id of the row; Profile.IDs classifies its stability.
	BankID string                  `json:"BankID"`
	Status oxlin.TransactionStatus `json:"Status"`
	// Amount is signed: a debit is negative.
	Amount   oxlin.Amount `json:"Amount"`
	Currency string       `json:"Currency"`
	// The dates, if the bank gives them, in the bank's calendar.
	BookingDate         oxlin.Date `json:"BookingDate"`
	ExpectedBookingDate oxlin.Date `json:"ExpectedBookingDate"`
	ValueDate           oxlin.Date `json:"ValueDate"`
	TransactionDate     oxlin.Date `json:"TransactionDate"`
	Remittance          []string   `json:"Remittance"`
	Counterparty        string     `json:"Counterparty"`
	// Code is the ISO 20022 bank transaction code, or the bank's own.
	Code             Code   `json:"Code"`
	MerchantCategory string `json:"MerchantCategory"` // ISO 18245
	EndToEndID       string `json:"EndToEndID"`
	MandateID        string `json:"MandateID"`
	// CheckNumber is the number of the customer's cheque, if the bank has a field for
	// it. A number within the remittance lines is extracted later.
	CheckNumber  string        `json:"CheckNumber"`
	BalanceAfter *oxlin.Amount `json:"BalanceAfter"`
	// SignDisagreed is true if the amount's sign contradicted the credit or debit
	// indicator. The indicator wins.
	SignDisagreed bool `json:"SignDisagreed"`
	// Unread are the parts of the record that could not be read, although the row can.
	Unread []Unread `json:"Unread,omitempty"`
	// Raw is the bank's own record. An improved parser can read it again without a new
	// call.
	Raw json.RawMessage `json:"Raw"`
}

// Decoded is one record of a bank's list of transactions, as its connector reads it.
type Decoded struct {
	// Transaction is the row. If Unread is set, it holds what could be read.
	Transaction
	// Unread is the part of the record that cannot be read; empty if it is a row.
	Unread Unread
	// Ignored reports that the record does not change the account: it is rejected, or
	// informative.
	Ignored bool
}

// Date is the day that users see: the booking day, else the operation's, else the day
// on which the booking is expected, else the value day.
func (t Transaction) Date() oxlin.Date {
	for _, day := range []oxlin.Date{t.BookingDate, t.TransactionDate, t.ExpectedBookingDate, t.ValueDate} {
		if !day.IsZero() {
			return day
		}
	}
	return oxlin.Date{}
}

// Code is a bank transaction code (ISO 20022 external code set).
type Code struct {
	Domain    string `json:"Domain"`
	Family    string `json:"Family"`
	SubFamily string `json:"SubFamily"`
	// Proprietary is the bank's own code.
	Proprietary string `json:"Proprietary"`
}

// IDClass classifies how stable a bank's transaction ids are (see reconciliation).
type IDClass string

const (
	// IDStable identifies a transaction permanently within its account. Some of them may be
	// references that recurring payments share.
	IDStable IDClass = "STABLE"
	// IDLasting is stable, and never on two transactions.
	IDLasting IDClass = "LASTING"
	// IDPerConsent is stable until the user renews the consent.
	IDPerConsent IDClass = "PER_CONSENT"
	// IDPositional counts the rows of a day, and changes when a row is inserted.
	IDPositional IDClass = "POSITIONAL"
	// IDConstant is the same on every row.
	IDConstant IDClass = "CONSTANT"
	// IDNone means that the bank gives no ids, or different ones in each answer.
	IDNone IDClass = "NONE"
)
