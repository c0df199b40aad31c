package oxlin

import "time"

// TransactionType says what kind of movement a transaction is (contract §4.8).
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

// TransactionStatus says how final a transaction is.
type TransactionStatus string

const (
	// StatusBooked is final: the money has moved.
	StatusBooked TransactionStatus = "BOOKED"
	// StatusPending is announced by the bank and may change, be booked or vanish.
	StatusPending TransactionStatus = "PENDING"
	// StatusOther is a state that the bank alone understands.
	StatusOther TransactionStatus = "OTHER"
	// StatusExpired was pending and is not any more: the bank dropped it.
	StatusExpired   TransactionStatus = "EXPIRED"
	StatusRejected  TransactionStatus = "REJECTED"
	StatusCancelled TransactionStatus = "CANCELLED"
	StatusRefunded  TransactionStatus = "REFUNDED"
)

// Origin says where a transaction comes from.
type Origin string

// The origins; what a bank gives is OriginTransaction.
const (
	OriginOriginal    Origin = "ORIGINAL"
	OriginUpcoming    Origin = "UPCOMING"
	OriginTransaction Origin = "TRANSACTION"
	OriginRecurring   Origin = "RECURRING"
	OriginScheduled   Origin = "SCHEDULED"
)

// Uncategorized is the category of what nobody has sorted (contract §3.10).
const Uncategorized = "UNCATEGORIZED"

// Transaction is a movement on an account, as we hold it (contract §4.8).
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
	// Date is the day that a user looks for: booking day, else the day of the
	// operation. The other three are absent where the bank gives none.
	Date            Date
	BookingDate     Date
	ValueDate       Date
	TransactionDate Date
	// Label is cleaned for people. Notes and SourceLabel are set only where
	// cleaning changed the bank's words: Notes are then the bank's lines joined
	// with newlines.
	Label       string
	Notes       string
	SourceLabel string
	// Remittance are the bank's own lines.
	Remittance []string
	// CheckNumber is the number of the cheque that the user wrote: digits as the bank
	// wrote them, empty where it does not say.
	CheckNumber string
	// Counterparty names the other side where the bank does.
	Counterparty string
	// ImportedAt grows strictly with every transaction of a user that is stored,
	// so that pages in the documented order do not move (contract §3.9).
	ImportedAt time.Time
	UpdatedAt  time.Time // zero while unchanged since the import
}
