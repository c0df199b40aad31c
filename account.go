package oxlin

import (
	"strings"
	"time"
)

// AccountType is one of the four kinds of account that the API supports (contract §4.3).
type AccountType string

// The account types.
const (
	AccountCheckings  AccountType = "CHECKINGS"
	AccountSavings    AccountType = "SAVINGS"
	AccountLoan       AccountType = "LOAN"
	AccountCreditCard AccountType = "CREDIT_CARD"
)

// AccountStatus is the state of an account; it determines who acts next (contract §5.3).
type AccountStatus string

const (
	// AccountActive is synchronised; nobody has to act.
	AccountActive AccountStatus = "ACTIVE"
	// AccountManual was created through the API and belongs to no bank.
	AccountManual AccountStatus = "MANUAL"
	// AccountError could not be read in the last synchronisation; the next one tries again.
	AccountError AccountStatus = "ERROR"
	// AccountNotFound is no longer shown by the bank; it becomes active again if the bank shows it again.
	AccountNotFound AccountStatus = "NOT_FOUND"
	// AccountClosed was archived by the client, who may set it active again.
	AccountClosed AccountStatus = "CLOSED"
	// AccountSuspended waits for the validation of a professional account.
	AccountSuspended AccountStatus = "SUSPENDED"
	// AccountPendingConsent waits for the user's decision (contract §11).
	AccountPendingConsent AccountStatus = "PENDING_CONSENT"
)

// Usage is private or professional.
type Usage string

// The usages of an account.
const (
	UsagePersonal     Usage = "PERSONAL"
	UsageProfessional Usage = "PROFESSIONAL"
)

// CurrencyWord is the word of a bank from which the currency of an account is known.
// Stored: the numbers keep their meaning.
type CurrencyWord int

// The words, the better one last. CurrencyAssumed is no word: the currency is that of the
// bank's data.
const (
	CurrencyAssumed CurrencyWord = iota
	CurrencyOfRows
	CurrencyOfBalance
	CurrencyOfList
)

// Account is an account as stored here (contract §4.7). Events store it as JSON.
type Account struct {
	ID           AccountID     `json:"ID"`
	UserID       UserID        `json:"UserID"`
	ConnectionID ConnectionID  `json:"ConnectionID"` // zero for a MANUAL account
	Name         string        `json:"Name"`
	Type         AccountType   `json:"Type"`
	Status       AccountStatus `json:"Status"`
	// Declined is set if the user saw the account on a hosted page and did not select
	// it. Its status is PENDING_CONSENT. Declined accounts are hidden from the API.
	Declined bool   `json:"Declined"`
	Usage    Usage  `json:"Usage"`
	Currency string `json:"Currency"` // ISO 4217
	// CurrencyWord is from where Currency is known. A better word of the bank corrects it.
	// Events do not need it.
	CurrencyWord CurrencyWord `json:"-"`
	// Balance is absent until the bank has given one. See ShownBalance.
	Balance *Amount `json:"Balance"`
	// BalanceAt is when Balance was read.
	BalanceAt time.Time `json:"BalanceAt"`
	// BalanceExpected is set if Balance includes pending transactions.
	BalanceExpected bool `json:"BalanceExpected"`
	// Balances are all balances of the answer that gave Balance.
	Balances []Balance `json:"Balances,omitempty"`
	// Coverage describes the last reading of the transactions.
	Coverage Coverage `json:"Coverage,omitzero"`
	IBAN     string   `json:"IBAN"`
	// Number is the account number in the bank's own form.
	Number string `json:"Number"`
	// MaskedNumber is the visible part of a card number.
	MaskedNumber string `json:"MaskedNumber"`
	// OwnerName names the holders as the bank does. If the bank names none, it is the
	// customer who logged in, unless they act for another person.
	OwnerName string `json:"OwnerName"`
	// LastChannelDefinition is the channel that read the account last.
	LastChannelDefinition ChannelDefinitionID `json:"LastChannelDefinition"`
	// BankID is the bank's id of the account, if it lasts longer than a consent.
	BankID string `json:"BankID"`
	// Identities are values by which the account is recognised for ever, beside its numbers and
	// BankID: all that the bank has ever given, the oldest first. Events do not need them.
	Identities []AccountIdentity `json:"-"`
	// CoveredUntil is the last day for which all booked transactions were read. The
	// next synchronisation starts from it.
	CoveredUntil Date           `json:"CoveredUntil"`
	Details      AccountDetails `json:"Details"`
	CreatedAt    time.Time      `json:"CreatedAt"`
}

// IdentityKind is the kind of an AccountIdentity. Stored: the words keep their meaning.
type IdentityKind string

// IdentityHash is a hash of an account's number. An aggregator names the account by it in all
// sessions and to all of its clients.
const IdentityHash IdentityKind = "hash"

// AccountIdentity is a value that belongs to one account for ever, whatever consent shows it.
// Accounts in several currencies may share one.
type AccountIdentity struct {
	Kind  IdentityKind `json:"kind"`
	Value string       `json:"value"`
}

// ShownBalance returns the balance; ok is false if the bank has never given one. Events
// of older versions store such a balance as 0 without a time.
func (a Account) ShownBalance() (balance Amount, ok bool) {
	if a.Balance == nil || a.BalanceAt.IsZero() {
		return 0, false
	}
	return *a.Balance, true
}

// BeforeConsent returns what may be known of an account before the user's consent (contract
// §11, "Consent per account"): its name is without those of its holders.
func (a Account) BeforeConsent(holders ...string) Account {
	name := a.Name
	if a.Details.Savings != nil && strings.TrimSpace(name) == "" {
		name = a.Details.Savings.Product
	}
	return Account{
		ID: a.ID, UserID: a.UserID, ConnectionID: a.ConnectionID, Name: withoutHolders(name, append(holders, a.OwnerName)...),
		Type: a.Type, Status: a.Status, Declined: a.Declined, Currency: a.Currency, IBAN: a.IBAN, Number: a.Number,
		MaskedNumber: a.MaskedNumber, LastChannelDefinition: a.LastChannelDefinition, BankID: a.BankID, CreatedAt: a.CreatedAt,
	}
}

// Consented returns the status of an account after the user's consent: a professional
// account waits for its validation (contract §11).
func (a Account) Consented() AccountStatus {
	if a.Usage == UsageProfessional {
		return AccountSuspended
	}
	return AccountActive
}

// Synchronised reports whether a synchronisation reads the account's data.
func (a Account) Synchronised() bool {
	switch a.Status {
	case AccountActive, AccountError, AccountNotFound:
		return true
	}
	return false
}

// AccountDetails holds the fields of particular account types (contract §11). They
// are stored as JSON.
type AccountDetails struct {
	Loan       *LoanDetails    `json:"loan,omitempty"`
	Savings    *SavingsDetails `json:"savings,omitempty"`
	CreditCard *CardDetails    `json:"credit_card,omitempty"`
}

// LoanDetails describe a loan; rates are in percent a year.
type LoanDetails struct {
	Amount             *Amount `json:"amount,omitempty"`
	RemainingCapital   *Amount `json:"remaining_capital,omitempty"`
	Rate               *Amount `json:"rate,omitempty"`
	StartDate          Date    `json:"start_date,omitzero"`
	EndDate            Date    `json:"end_date,omitzero"`
	InstalmentAmount   *Amount `json:"instalment_amount,omitempty"`
	NextInstalmentDate Date    `json:"next_instalment_date,omitzero"`
	InstalmentsLeft    *int    `json:"instalments_left,omitempty"`
}

// SavingsDetails describe a savings account; the rate is in percent a year.
type SavingsDetails struct {
	Rate    *Amount `json:"rate,omitempty"`
	Ceiling *Amount `json:"ceiling,omitempty"`
	Product string  `json:"product,omitempty"`
}

// CardDetails describe a card. DebitType is IMMEDIATE or DEFERRED; a deferred
// card is settled on its linked account at the next debit date.
type CardDetails struct {
	DebitType       string    `json:"debit_type,omitempty"`
	NextDebitDate   Date      `json:"next_debit_date,omitzero"`
	NextDebitAmount *Amount   `json:"next_debit_amount,omitempty"`
	LinkedAccountID AccountID `json:"linked_account_id,omitempty"`
	MaskedNumber    string    `json:"masked_number,omitempty"`
}
