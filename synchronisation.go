package oxlin

import "time"

// SyncKind is what a synchronisation does (contract §5.4).
type SyncKind string

const (
	// SyncListAccounts finds out which accounts there are, and stores no data of them.
	SyncListAccounts SyncKind = "LIST_ACCOUNTS"
	// SyncAll reads balances and transactions of the consented accounts.
	SyncAll SyncKind = "SYNC_ALL"
)

// SyncState is where a synchronisation stands. One that has not ended is the
// only one of its channel.
type SyncState string

const (
	// SyncRunning has a job; we act next.
	SyncRunning SyncState = "RUNNING"
	// SyncWaiting has asked a challenge; the user acts next.
	SyncWaiting SyncState = "WAITING"
	// SyncEnded is history.
	SyncEnded SyncState = "ENDED"
)

// Synchronisation is one run of one channel. Its id fences its writes: a run
// that was given up for dead finds itself ended and writes nothing.
type Synchronisation struct {
	ID        SyncID
	ChannelID ChannelID
	Kind      SyncKind
	State     SyncState
	// PSU is the user who is present; nil when nobody is (RTS Art. 36(5)).
	PSU *PSU
	// Progress is where the next job goes on.
	Progress SyncProgress
	// Attempts counts the tries since the last progress; it grows when the bank
	// is down.
	Attempts        int
	NewTransactions int
	StartedAt       time.Time
	EndedAt         time.Time
	// Outcome is the channel status that it ended in; empty while it runs, and if it
	// was given up for another one.
	Outcome ChannelStatus
	// Problem is what went wrong at the bank, in a few words for the operator.
	Problem string
}

// SyncProgress is the position of a synchronisation between two jobs. It is
// stored, so that no goroutine has to live as long as a synchronisation.
type SyncProgress struct {
	// AskConsent says that the accounts, once listed, wait for the user's consent,
	// for which the widget asks.
	AskConsent bool `json:"ask_consent,omitempty"`
	// Entered says that the channel's stored access is a session of this
	// synchronisation: the credentials need not be typed again.
	Entered bool `json:"entered,omitempty"`
	// Listed says that the accounts have been listed, and Pending is valid.
	Listed bool `json:"listed,omitempty"`
	// Pending are the accounts still to be read, the present one first.
	Pending []AccountID `json:"pending,omitempty"`
	// Cursor continues inside the present account, in the connector's own words.
	Cursor string `json:"cursor,omitempty"`
	// Page numbers the staged page that comes next.
	Page int `json:"page,omitempty"`
	// Failed are the accounts that could not be read.
	Failed []AccountID `json:"failed,omitempty"`
	// Lost says that the bank refused one of them as if there were no consent.
	Lost bool `json:"lost,omitempty"`
	// Renewed says that the bank refused the channel's access before its time, and
	// that it was renewed: that is done once in a synchronisation.
	Renewed bool `json:"renewed,omitempty"`
}

// Next moves on to the next account. It resets what belongs to the account that was
// read, and the question for consent, which belongs to the listing before it.
func (p SyncProgress) Next() SyncProgress {
	p.AskConsent = false
	p.Listed = true
	p.Pending = p.Pending[1:]
	p.Cursor = ""
	p.Page = 0
	return p
}

// PSU is the payment service user while they are present (banks §1.5). Its
// presence in a call is a statement to the bank, and must be true. It is stored as JSON.
type PSU struct {
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent,omitempty"`
}
