package oxlin

import "time"

// TransactionType is the kind of a transaction (contract §4.8).
type TransactionType string

// The transaction types of the contract.
const (
	TypeCredit            TransactionType = "CREDIT"
	TypeDebit             TransactionType = "DEBIT"
	TypeInterest          TransactionType = "INTEREST"
	TypeDividend          TransactionType = "DIVIDEND"
	TypeBankFee           TransactionType = "BANK_FEE"
	TypeDeposit           TransactionType = "DEPOSIT"
	TypeATM               TransactionType = "ATM"
	TypePointOfSale       TransactionType = "POINT_OF_SALE"
	TypeCreditCardPayment TransactionType = "CREDIT_CARD_PAYMENT"
	TypeInternalTransfer  TransactionType = "INTERNAL_TRANSFER"
	TypePotentialTransfer TransactionType = "POTENTIAL_TRANSFER"
	TypeCheck             TransactionType = "CHECK"
	TypeElectronicPayment TransactionType = "ELECTRONIC_PAYMENT"
	TypeCash              TransactionType = "CASH"
	TypeDirectDeposit     TransactionType = "DIRECT_DEPOSIT"
	TypeDirectDebit       TransactionType = "DIRECT_DEBIT"
	TypeRepeatingPayment  TransactionType = "REPEATING_PAYMENT"
	TypeOther             TransactionType = "OTHER"
)

// TransactionStatus is the state of a transaction.
type TransactionStatus string

const (
	// StatusBooked is final: the money has moved.
	StatusBooked TransactionStatus = "BOOKED"
	// StatusPending is announced by the bank; it may change, be booked or disappear.
	StatusPending TransactionStatus = "PENDING"
	// StatusOther is a state that only the bank can interpret.
	StatusOther TransactionStatus = "OTHER"
	// StatusExpired was pending and is no longer reported by the bank.
	StatusExpired   TransactionStatus = "EXPIRED"
	StatusRejected  TransactionStatus = "REJECTED"
	StatusCancelled TransactionStatus = "CANCELLED"
	StatusRefunded  TransactionStatus = "REFUNDED"
)

// Origin is the source of a transaction.
type Origin string

// The origins. Transactions of a bank have OriginTransaction.
const (
	OriginOriginal    Origin = "ORIGINAL"
	OriginUpcoming    Origin = "UPCOMING"
	OriginTransaction Origin = "TRANSACTION"
	OriginRecurring   Origin = "RECURRING"
	OriginScheduled   Origin = "SCHEDULED"
)

// Uncategorized is the category of a transaction that has no other (contract §3.10).
const Uncategorized = "UNCATEGORIZED"

// Transaction is a movement on an account as stored here (contract §4.8).
// Amounts are signed: a debit is negative.
type Transaction struct {
	ID        TransactionID
	AccountID AccountID
	Amount    Amount
	Currency  string // ISO 4217
	Type      TransactionType
	Status    TransactionStatus
	Origin    Origin
	Category  string
	// Date is the day that users see: the booking day, otherwise the day of the
	// operation. The other three are absent if the bank does not report them.
	Date Date
	// Undated is set if the bank reports no day at all. Then Date is the day of the first
	// import, and says nothing about the transaction.
	Undated         bool
	BookingDate     Date
	ValueDate       Date
	TransactionDate Date
	// Label is the bank's text in a readable form. Notes and SourceLabel are set only if
	// it differs from the original: Notes then has the original lines.
	Label       string
	Notes       string
	SourceLabel string
	// Remittance has the bank's original lines.
	Remittance []string
	// CheckNumber is the number of a cheque as reported by the bank; empty if unknown.
	CheckNumber string
	// Counterparty is the name of the other party; empty if unknown.
	Counterparty string
	// ImportedAt increases strictly with every stored transaction of a user, so that
	// pages in the documented order are stable (contract §3.9).
	ImportedAt time.Time
	UpdatedAt  time.Time // zero while unchanged since the import
	// MissingSince is the day of the first complete reading that lacks the booked
	// transaction; absent while the bank reports it (contract §12.4).
	MissingSince Date
}
