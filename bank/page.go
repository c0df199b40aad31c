package bank

import (
	"encoding/json"
	"time"

	"github.com/oxlin/oxlin"
)

// AccountsPage is one page of a bank's accounts.
type AccountsPage struct {
	Accounts []Account
	// OwnerLink leads to the customer's identity where the bank offers it.
	OwnerLink string
	// Customer is the name of who logged in, where the list itself tells it.
	Customer string
	Next     string
}

// AccountRef points at an account in the bank's words.
type AccountRef struct {
	BankID   string
	Type     oxlin.AccountType
	IBAN     string
	Currency string
}

// Account is an account as the bank describes it. BankID, and that it has a type,
// is all that one can rely on.
type Account struct {
	BankID       string
	Name         string
	Type         oxlin.AccountType
	Usage        oxlin.Usage
	Currency     string // ISO 4217
	IBAN         string
	Number       string
	MaskedNumber string
	// OwnerName is the account's holder, or several, where the bank names them.
	OwnerName string
	// HeldByCustomer says that who logged in is a holder, as far as the bank says: one
	// who acts for another is not.
	HeldByCustomer bool
	// LinkedBankID is the account on which a card is settled.
	LinkedBankID string
	// Closed to us until the user's consent was forwarded (see ConsentForwarder).
	NeedsConsent bool
	Details      oxlin.AccountDetails
	// Raw is the bank's own record.
	Raw json.RawMessage
}

// Ref points at the account.
func (a Account) Ref() AccountRef { return AccountRef{a.BankID, a.Type, a.IBAN, a.Currency} }

// Balance is an account's balance, chosen among the several that a bank gives.
type Balance struct {
	Amount   oxlin.Amount
	Currency string
	// At is when the bank last changed it; zero if the bank does not say.
	At time.Time
	// Expected is true if pending transactions are included, not only booked ones.
	Expected bool
	// NextDebit is when and by how much a deferred card is settled next.
	NextDebitDate   oxlin.Date
	NextDebitAmount *oxlin.Amount
}

// TransactionsPage is one page of an account's transactions. A page that others follow is
// stored as JSON, sealed, until they have come.
type TransactionsPage struct {
	Transactions []Transaction `json:"Transactions"`
	Next         string        `json:"Next"`
	// CoveredFrom is the first day that all pages together cover: later than
	// asked for where the bank gives a shorter history.
	CoveredFrom oxlin.Date `json:"CoveredFrom"`
}

// Transaction is a movement as the bank tells it. Rows that say nothing about
// the account (rejected, informative) are left out by the connector.
type Transaction struct {
	// BankID is the bank's id for the row; its worth is told by Profile.IDs.
	BankID string                  `json:"BankID"`
	Status oxlin.TransactionStatus `json:"Status"`
	// Amount is signed: a debit is negative.
	Amount   oxlin.Amount `json:"Amount"`
	Currency string       `json:"Currency"`
	// The days as far as the bank gives them, in its own calendar.
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
	// CheckNumber is the number of the customer's cheque, where a field of the bank's
	// tells it. A number within the lines of text is read from them later.
	CheckNumber  string        `json:"CheckNumber"`
	BalanceAfter *oxlin.Amount `json:"BalanceAfter"`
	// SignDisagreed is true if the amount's own sign contradicted the credit or
	// debit indicator, which won.
	SignDisagreed bool `json:"SignDisagreed"`
	// Raw is the bank's own record, so that a better reading needs no new call.
	Raw json.RawMessage `json:"Raw"`
}

// Date is the day that a user looks for: the booking day, else the operation's,
// else the day on which the booking is expected, else the value day.
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

// IDClass is how far a bank's transaction ids can be relied on (see reconciliation).
type IDClass string

const (
	// IDStable names a transaction once and for all within its account.
	IDStable IDClass = "STABLE"
	// IDPerConsent is stable until the user renews the consent.
	IDPerConsent IDClass = "PER_CONSENT"
	// IDPositional counts rows within a day, and moves when one is inserted.
	IDPositional IDClass = "POSITIONAL"
	// IDConstant is the same on every row.
	IDConstant IDClass = "CONSTANT"
	// IDNone means that the bank gives no ids, or other ones each time.
	IDNone IDClass = "NONE"
)
