package bank

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
)

// Connector speaks one bank's interface for one channel definition. Its methods
// may be called from any goroutine, and fail with a *Failure.
//
// Cursors are the connector's own text: empty begins, and what a page gives as
// Next continues, in any process, until Next is empty. A connector makes sure
// that this ends, whatever the bank answers.
type Connector interface {
	// Profile returns how the bank behaves; it never changes.
	Profile() Profile
	// Accounts reads one page of the accounts that the user let us see.
	Accounts(ctx context.Context, call Call, cursor string) (AccountsPage, error)
	// Balance reads the balance of one account that Accounts gave.
	Balance(ctx context.Context, call Call, account AccountRef) (Balance, error)
	// Transactions reads one page of an account's transactions, of every status,
	// from a day on (inclusive) to now.
	Transactions(ctx context.Context, call Call, account AccountRef, from oxlin.Date, cursor string) (TransactionsPage, error)
}

// Authorizer is a connector whose users log in on the bank's own pages: every
// REDIRECT channel has one.
type Authorizer interface {
	// AuthorizeURL is where the user's browser is sent; it makes no call.
	AuthorizeURL(request Authorization) (string, error)
	// Exchange turns the code that the bank sent back into access.
	Exchange(ctx context.Context, code string, request Authorization) (Access, error)
	// Refresh renews the access; the old one may be void afterwards, so what it
	// returns must be stored before it is used.
	Refresh(ctx context.Context, access Access) (Access, error)
}

// Revoker is a connector that can hand access back; it may be called twice.
type Revoker interface {
	Revoke(ctx context.Context, access Access) error
}

// OwnerReader is a connector that can name the customer.
type OwnerReader interface {
	// Owner reads the customer's identity; a bank that tells none gives an empty Owner.
	Owner(ctx context.Context, call Call, page AccountsPage) (oxlin.Owner, error)
}

// ConsentForwarder is a connector of a bank that wants to be told which accounts
// the user allowed (banks §1.1, mixed consent model): only then does it open them.
type ConsentForwarder interface {
	ForwardConsent(ctx context.Context, call Call, accounts []AccountRef) error
}

// Profile describes how a bank behaves, for the synchronisation.
type Profile struct {
	// IDs classifies the ids of its transactions.
	IDs IDClass
	// UnattendedPerDay is how often each account may be read in a day without
	// the user (RTS Art. 36(5)(b)); pages that follow one another count once.
	UnattendedPerDay int
	// HistoryDays is how far back the first access reaches.
	HistoryDays int
	// RequestsPerMinute is how many calls the bank bears from all of our users
	// together; 0 for no limit.
	RequestsPerMinute int
}

// Call holds what every request to the bank needs.
type Call struct {
	Access Access
	// PSU is the user while they are present, else nil: a connector tells the
	// bank exactly that.
	PSU *oxlin.PSU
}

// Authorization is one journey of a user to the bank and back.
type Authorization struct {
	RedirectURI string
	State       string
	// Verifier is the secret of PKCE (RFC 7636); the connector derives the challenge.
	Verifier oxlin.Secret
}

// Access holds the credentials (tokens, or a web session) for acting on the user's
// behalf. It is sealed wherever it is stored.
type Access struct {
	Token        oxlin.Secret
	RefreshToken oxlin.Secret
	// TokenUntil is when Token ends; zero if the bank does not say.
	TokenUntil time.Time
	// ConsentUntil is when the user has to come back, whatever is refreshed.
	ConsentUntil time.Time
	// Refreshed is true if Token is not the first one after the user's login;
	// some banks then give a shorter history.
	Refreshed bool
}
