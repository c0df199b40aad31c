package audit

import "strconv"

// Action is something that happens. Names are stored and never change.
type Action string

// The actions.
const (
	// SignedIn: a user signs in, with Door in the details, and Kind if it was not by a password.
	// Refused: the password or the passkey is not theirs.
	SignedIn Action = "user.signed_in"
	// LockedOut: the password was not looked at, because too many were wrong.
	LockedOut Action = "user.locked_out"
	// PasswordChanged: a user changes their password.
	PasswordChanged Action = "user.password_changed"
	// PasskeyAdded and PasskeyRemoved: the passkeys of a user. A new password that a client sets
	// removes all, with their Count.
	PasskeyAdded   Action = "user.passkey_added"
	PasskeyRemoved Action = "user.passkey_removed"
	// PasswordSwitched: a user keeps the password out of the platform's pages, with "off" as Kind in the
	// details, or lets it in again: "on".
	PasswordSwitched Action = "user.password_switched"
	// SignInEnded: a user ends one sign-in, with its Family in the details, or with the Door of a
	// session of the user's own page.
	SignInEnded Action = "user.sign_in_ended"
	// SignInsEnded: all sign-ins of a user end.
	SignInsEnded Action = "user.sign_ins_ended"
	UserCreated  Action = "user.created"
	// UserChanged: the e-mail or the profile of a user, with "email" and "profile" in Changed.
	UserChanged Action = "user.changed"
	UserDeleted Action = "user.deleted"
	// TermsAccepted: a user accepts our terms, with Version in the details.
	TermsAccepted Action = "user.terms_accepted"

	// SecretRefused: a client's secret is wrong or absent; or its time is over, with "ended" as
	// Kind in the details.
	SecretRefused Action = "client.secret_refused"
	// CodeReused and RefreshReused: what may be used once was used again. Its family of
	// tokens ends.
	CodeReused    Action = "token.code_reused"
	RefreshReused Action = "token.refresh_reused"

	// TokenRevoked: a client ends a sign-in.
	TokenRevoked Action = "token.revoked"

	// ConsentAsked: a page of ours asks a user for the consent to read the accounts of a bank.
	ConsentAsked     Action = "consent.asked"
	ConsentGiven     Action = "consent.given"
	ConsentRefused   Action = "consent.refused"
	ConsentWithdrawn Action = "consent.withdrawn"

	// BankLeft: a user is sent to the bank. BankReturned: the bank sends a user back.
	BankLeft     Action = "bank.left"
	BankReturned Action = "bank.returned"
	// BankReturnedElsewhere: the bank sends back another browser than the one that left, or
	// whoever is there answers our question about it. Kind in the details tells which.
	BankReturnedElsewhere Action = "bank.returned_elsewhere"
	// BankAccess: a request to a bank, with the request ids of both sides in the details.
	BankAccess Action = "bank.access"
	// SyncStarted and SyncEnded: a synchronisation.
	SyncStarted Action = "sync.started"
	SyncEnded   Action = "sync.ended"

	// FileImported: a file is imported into an account, with the Count of its new transactions
	// and the Channel that stands for files of its format.
	FileImported Action = "file.imported"

	ConnectionDeleted Action = "connection.deleted"
	AccountDeleted    Action = "account.deleted"

	ClientCreated Action = "client.created"
	// ClientChanged: the settings of a client change, with Changed in the details.
	ClientChanged Action = "client.changed"
	SecretRotated Action = "client.secret_rotated"
	// ClientDeleted: a client is refused for ever, and the platform begins to delete its users.
	ClientDeleted Action = "client.deleted"

	OperatorSignedIn  Action = "operator.signed_in"
	OperatorSignedOut Action = "operator.signed_out"
	// OperatorChanged: the account of an operator, with its number in Operates and what changes
	// in Changed.
	OperatorChanged Action = "operator.changed"
	// OperatorSaw: an operator opens a page about a client, a user or a connection.
	OperatorSaw Action = "operator.saw"
	// AbsenceAccepted: an operator accepts what a bank's answer lacks.
	AbsenceAccepted Action = "operator.absence_accepted"

	// RowsRederived: the stored rows of a connection are read anew from the bank's records. Count
	// tells how many changed. "asked" as Kind: a command begins it.
	RowsRederived Action = "connection.rows_rederived"

	// KeyRotated: a key is replaced, with Key in the details. "in-use" as Kind: a process seals with
	// a new one for the first time.
	KeyRotated Action = "key.rotated"
	// Started: a process begins to serve the database.
	Started Action = "platform.started"
	// Copied: everything was copied into this database from another one, of the Kind in the details.
	Copied Action = "platform.copied"
	// Exported: the audit log is exported. Dropped: the end of the retention removes
	// batches. Overflowed: entries were lost, because more came than could be stored.
	Exported   Action = "audit.exported"
	Dropped    Action = "audit.dropped"
	Overflowed Action = "audit.overflowed"
)

// Actions lists all actions. An entry with another one is refused.
var Actions = []Action{
	SignedIn, LockedOut, PasswordChanged, PasskeyAdded, PasskeyRemoved, PasswordSwitched, SignInEnded, SignInsEnded, UserCreated, UserChanged, UserDeleted, TermsAccepted,
	SecretRefused, CodeReused, RefreshReused, TokenRevoked,
	ConsentAsked, ConsentGiven, ConsentRefused, ConsentWithdrawn,
	BankLeft, BankReturned, BankReturnedElsewhere, BankAccess, SyncStarted, SyncEnded, FileImported, ConnectionDeleted, AccountDeleted,
	ClientCreated, ClientChanged, SecretRotated, ClientDeleted,
	OperatorSignedIn, OperatorSignedOut, OperatorChanged, OperatorSaw, AbsenceAccepted,
	RowsRederived, KeyRotated, Started, Copied, Exported, Dropped, Overflowed,
}

var known = func() map[Action]bool {
	set := map[Action]bool{}
	for _, action := range Actions {
		set[action] = true
	}
	return set
}()

// Outcome is how an action ended.
type Outcome string

// The outcomes. An Entry without one is Done.
const (
	Done Outcome = "done"
	// Refused: we did not allow it.
	Refused Outcome = "refused"
	// Failed: it was allowed, and did not work.
	Failed Outcome = "failed"
)

// Actor is the party that acts.
type Actor string

// The actors.
const (
	// Platform acts by itself, such as at a synchronisation without the user.
	Platform Actor = "platform"
	// User is the entry's user, in person: in a page of ours, or stated as present.
	User Actor = "user"
	// Client is the entry's client, for a user or for itself.
	Client Actor = "client"
	// Stranger has not proved who they are.
	Stranger Actor = "stranger"
	// Command is somebody with a shell on a machine of the platform.
	Command Actor = "command"
)

// Operator is an operator of the console, by the number of the account.
func Operator(id int64) Actor { return Actor("operator:" + strconv.FormatInt(id, 10)) }

// Details are more facts about an action: ids, constants and numbers by the names of Detail.
// A value that may be something else is replaced with "?".
type Details map[Detail]string

// Detail is the name of a fact. Names are stored and never change.
type Detail string

// The details.
const (
	Door     Detail = "door"
	Version  Detail = "version"
	Language Detail = "language"
	Channel  Detail = "channel"
	Provider Detail = "provider"
	Sync     Detail = "sync"
	Kind     Detail = "kind"
	// Attended is "yes" if the user is present, else "no".
	Attended Detail = "attended"
	// Resource names a kind of data at a bank: accounts, owner, balance, transactions.
	Resource Detail = "resource"
	// BankRequest is the id that we give a request to a bank, and BankAnswer the id that the
	// bank gives its answer.
	BankRequest Detail = "bank_request"
	BankAnswer  Detail = "bank_answer"
	// Status is the status of an answer over HTTP, or that of a channel.
	Status Detail = "status"
	// Code is the code of an error.
	Code Detail = "code"
	// Family is a hash that the tokens of one sign-in share.
	Family Detail = "family"
	// Page is a kind of page, and Changed a list of settings.
	Page    Detail = "page"
	Changed Detail = "changed"
	Key     Detail = "key"
	First   Detail = "first"
	Last    Detail = "last"
	Count   Detail = "count"
	// Operates is the number of an operator's account.
	Operates Detail = "operator"
	// Flow is a pass through the widget.
	Flow Detail = "flow"
)
