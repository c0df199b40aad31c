package bank

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/oxlin/oxlin"
)

// Connector reads one bank's interface for one channel definition. Its methods are safe
// for concurrent use, and fail with a *Failure.
//
// A cursor is text that only the connector understands. The empty cursor requests the
// first page; a page's Next is the cursor of the following page, in any process, and is
// empty on the last page. The connector guarantees that the pages end, whatever the
// bank answers.
type Connector interface {
	// Profile returns how the bank behaves. It is constant.
	Profile() Profile
	// Accounts reads one page of the accounts to which the user gave access.
	Accounts(ctx context.Context, call Call, cursor string) (AccountsPage, error)
	// Balances reads the balances of one account that Accounts returned. An answer
	// without any is no failure.
	Balances(ctx context.Context, call Call, account AccountRef, cursor string) (Balances, error)
	// Transactions reads one page of an account's transactions, of every status, from a
	// day (inclusive) to now.
	Transactions(ctx context.Context, call Call, account AccountRef, from oxlin.Date, cursor string) (TransactionsPage, error)
}

// Revoker is a connector that can revoke access at the bank. Revoking twice is not an
// error. What was begun without an access in the end is discarded instead (Discarder).
type Revoker interface {
	Revoke(ctx context.Context, access Access) error
}

// Replacer is a Revoker whose bank keeps the consent of an access when a renewal makes another one.
type Replacer interface {
	// Replaced returns the part of an access that is to be revoked once renewed is stored in its place: the
	// consent, and no token, because a bank may revoke with one all those of its user. ok is false if the renewal
	// has left nothing behind, such as where it has extended the same consent.
	Replaced(old, renewed Access) (left Access, ok bool)
}

// Sharer is a Revoker at whose bank a renewal may go on with the consent of before.
type Sharer interface {
	// SharesConsent reports whether two accesses are of one consent: whoever revokes one of them ends the other.
	SharesConsent(a, b Access) bool
}

// OwnerReader is a connector that can name the customer.
type OwnerReader interface {
	// Owner reads the customer's identity. It returns an empty Owner if the bank does
	// not offer it.
	Owner(ctx context.Context, call Call, page AccountsPage) (oxlin.Owner, error)
}

// Decoder is a connector that can read a stored record of its bank again, without a call.
type Decoder interface {
	// Decode reads the Raw of a Transaction or of an Unreadable as Transactions reads it
	// in an answer. It returns false if the record alone does not hold the whole row.
	Decode(raw json.RawMessage, account AccountRef) (Decoded, bool)
}

// PeriodReader is a connector that can ask the bank for the days before another one.
type PeriodReader interface {
	// TransactionsUntil is Transactions without the rows of until and of later days. A
	// cursor of one is valid for the other.
	TransactionsUntil(ctx context.Context, call Call, account AccountRef, from, until oxlin.Date, cursor string) (TransactionsPage, error)
}

// ConsentForwarder is a connector of a bank that opens accounts only after it was sent
// the list of those that the user allowed (banks §1.1, mixed consent model).
type ConsentForwarder interface {
	ForwardConsent(ctx context.Context, call Call, accounts []Account) error
}

// Profile describes how a bank behaves, for the synchronisation.
type Profile struct {
	// IDs classifies the ids of its transactions.
	IDs IDClass
	// UnattendedPerDay is how often each account may be read in a day without the user
	// (RTS Art. 36(5)(b)); the pages of one walk count once.
	UnattendedPerDay int
	// HistoryDays is the number of days that the first access covers.
	HistoryDays int
	// RequestsPerMinute limits the calls for all of our users together; 0 means no
	// limit.
	RequestsPerMinute int
	// Currency is that of accounts if the bank names none: neither in its list, nor with
	// balances or rows.
	Currency string
	// Customer lists what the bank may tell about the customer beside the name. The page of
	// the consent names it, and nothing else is kept.
	Customer []oxlin.DataKind
	// BalancesInList is set if the list of accounts has all balances: Account.Balances.
	BalancesInList bool
	// CallTime is the most that one call may take; 0 means a minute.
	CallTime time.Duration
	// Interactive is set if the way in may need a page of the platform's own beside the
	// bank's: a question that depends on answers, an approval in an app, or an answer in the
	// fragment of an address (contract §12.17). The definition's data tell clients the same.
	Interactive bool
}

// Call holds the parameters of every request to the bank.
type Call struct {
	Access Access
	// PSU is the user while they are present, else nil. The connector sends the bank
	// exactly this.
	PSU *oxlin.PSU
}

// Access holds the credentials (tokens, or a web session) for acting on the user's
// behalf. It is sealed wherever it is stored.
type Access struct {
	Token        oxlin.Secret
	RefreshToken oxlin.Secret
	// TokenFrom and TokenUntil are when Token was given and when it expires. TokenUntil is
	// zero if the bank does not announce it, and TokenFrom if it was not noted.
	TokenFrom, TokenUntil time.Time
	// ConsentUntil is when the user must give the consent again, however often the
	// token is refreshed.
	ConsentUntil time.Time
	// Refreshed is true if Token is not the first one after the user's login;
	// some banks then give a shorter history.
	Refreshed bool
	// UnattendedPerDay is Profile.UnattendedPerDay as the bank has lowered it for this access; 0
	// if it has not.
	UnattendedPerDay int
	// State holds the rest that every call needs, such as the id of the consent, in the
	// connector's own format. Some banks give no token beside it.
	State oxlin.Secret
}

// IsZero reports whether there is no access: neither a token nor a state.
func (a Access) IsZero() bool { return a.Token.IsZero() && a.State.IsZero() }

// Same reports whether two accesses are one: the same token, and the same state.
func (a Access) Same(other Access) bool {
	equal := func(x, y oxlin.Secret) bool {
		return subtle.ConstantTimeCompare([]byte(x.Reveal()), []byte(y.Reveal())) == 1
	}
	return equal(a.Token, other.Token) && equal(a.State, other.State)
}
