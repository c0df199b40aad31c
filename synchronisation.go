package oxlin

import "time"

// SyncKind is the task of a synchronisation (contract §5.4).
type SyncKind string

const (
	// SyncListAccounts lists the accounts without reading their data.
	SyncListAccounts SyncKind = "LIST_ACCOUNTS"
	// SyncAll reads balances and transactions of the consented accounts.
	SyncAll SyncKind = "SYNC_ALL"
)

// SyncState is the state of a synchronisation. A channel has at most one that has not
// ended.
type SyncState string

const (
	// SyncRunning has a job; the platform acts next.
	SyncRunning SyncState = "RUNNING"
	// SyncWaiting has an open challenge; the user acts next.
	SyncWaiting SyncState = "WAITING"
	// SyncEnded is final; nobody has to act.
	SyncEnded SyncState = "ENDED"
)

// Synchronisation is one run of one channel. Its id fences its writes: after another
// process has ended an unresponsive run, the run can no longer write.
type Synchronisation struct {
	ID        SyncID
	ChannelID ChannelID
	Kind      SyncKind
	State     SyncState
	// PSU is the user who is present; nil when nobody is (RTS Art. 36(5)).
	PSU *PSU
	// RequestID is the request that it began with; empty for one of the platform's own.
	RequestID string
	// Progress is the position from which the next job continues.
	Progress SyncProgress
	// Attempts counts the attempts since the last progress; it grows while the bank is
	// unavailable.
	Attempts        int
	NewTransactions int
	StartedAt       time.Time
	EndedAt         time.Time
	// Outcome is the final channel status; empty while the synchronisation runs, and if
	// another one replaced it.
	Outcome ChannelStatus
	// Problem is a short description of the failure for the operator.
	Problem string
}

// SyncProgress is the position of a synchronisation between two jobs. It is stored
// because no goroutine lives as long as a synchronisation.
type SyncProgress struct {
	// Entered is set if the channel's stored access is a session of this
	// synchronisation, so no further login is needed.
	Entered bool `json:"entered,omitempty"`
	// ListEnded is set once all pages of the list of accounts are staged, and OwnerAsked
	// once the owner is.
	ListEnded  bool `json:"list_ended,omitempty"`
	OwnerAsked bool `json:"owner_asked,omitempty"`
	// Forwarded is set once the bank was told which accounts the user allowed, so that the
	// list that follows is the last one.
	Forwarded bool `json:"forwarded,omitempty"`
	// Listed is set once the accounts have been listed and Pending is valid.
	Listed bool `json:"listed,omitempty"`
	// Unreadable counts the accounts of the list that have no usable id.
	Unreadable int `json:"unreadable,omitempty"`
	// Pending are the accounts still to be read, the current one first.
	Pending []AccountID `json:"pending,omitempty"`
	// ListFailed is set if the bank gave no list. Unlisted are the accounts of Pending that
	// the list lacks although they may still be there; they are the last ones.
	ListFailed bool        `json:"list_failed,omitempty"`
	Unlisted   []AccountID `json:"unlisted,omitempty"`
	// Unnamed are the accounts whose currency neither the bank's list names nor an earlier
	// balance.
	Unnamed []AccountID `json:"unnamed,omitempty"`
	// Told holds the balances that the list of accounts has told, sealed.
	Told []byte `json:"told,omitempty"`
	// Balanced is set once the current account's balance was asked for.
	Balanced bool `json:"balanced,omitempty"`
	// Deep is set if every account is to be read as far back as the bank allows, because
	// the user has just renewed the consent.
	Deep bool `json:"deep,omitempty"`
	// Older is set once the current account's newest days are stored, and older ones are
	// asked for.
	Older bool `json:"older,omitempty"`
	// NoOlder is set once the bank has limited a walk for older days: this synchronisation
	// asks no account for them any more.
	NoOlder bool `json:"no_older,omitempty"`
	// Unbounded is set once the bank has refused a request for older days that names their
	// end: the next one names none.
	Unbounded bool `json:"unbounded,omitempty"`
	// Position is the connector's cursor within the list of accounts, or within the balances
	// or the transactions of the current account: sealed, because it may hold cookies. Cursor
	// is one that an earlier version has stored in clear.
	Position []byte `json:"position,omitempty"`
	Cursor   string `json:"cursor,omitempty"`
	// Kept is how the bank finds the next page. Asked is set before a page is asked for that
	// its address alone does not name, until the page is staged; Restarts counts how often the
	// walk began again because such a page was lost.
	Kept     PageKeeping `json:"kept,omitempty"`
	Asked    bool        `json:"asked,omitempty"`
	Restarts int         `json:"restarts,omitempty"`
	// Read is set while pages are staged of a walk that is stored already: they are dropped
	// before the next one begins.
	Read bool `json:"read,omitempty"`
	// Page is the number of the next page to stage.
	Page int `json:"page,omitempty"`
	// Failed are the accounts of which no page of transactions could be read.
	Failed []AccountID `json:"failed,omitempty"`
	// Limited is set while the last account met a limit of the bank's.
	Limited bool `json:"limited,omitempty"`
	// Lost is set if the bank reported a missing consent for one of them.
	Lost bool `json:"lost,omitempty"`
	// Cancelled and Restored count the transactions of all accounts that became CANCELLED,
	// and those that were and are shown again.
	Cancelled int `json:"cancelled,omitempty"`
	Restored  int `json:"restored,omitempty"`
	// Answered is the attempt of the current job that was the last to store an answer of the
	// bank; zero if none was.
	Answered int `json:"answered,omitempty"`
	// Reserved are the accesses without the user that were counted when the run started and
	// are not made yet.
	Reserved ReservedAccesses `json:"reserved,omitzero"`
	// Renewed is set while an access that was renewed, because the bank refused the one
	// before it early, has read nothing yet: such an access is not renewed once more.
	Renewed bool `json:"renewed,omitempty"`
}

// ReservedAccesses are accesses to a bank that are counted before they are made.
type ReservedAccesses struct {
	// Day is the bank's day on which they count.
	Day   Date     `json:"day,omitzero"`
	Names []string `json:"names,omitempty"`
}

// Stages reports whether answers of the bank may wait on disk.
func (p SyncProgress) Stages() bool {
	return p.Page > 0 || p.Balanced || p.OwnerAsked || p.ListEnded || p.Read
}

// Next moves on to the next account. It resets what belongs to the account that was read.
func (p SyncProgress) Next() SyncProgress {
	p.Listed = true
	p.Pending = p.Pending[1:]
	p.Balanced, p.Older, p.Unbounded, p.Limited = false, false, false, false
	return p.AtStart()
}

// AtStart moves before the first page of a walk.
func (p SyncProgress) AtStart() SyncProgress {
	p.Position, p.Cursor, p.Page = nil, "", 0
	p.Kept, p.Asked, p.Restarts = PageAddressed, false, 0
	return p
}

// PageKeeping is how a bank finds the next page of a walk.
type PageKeeping string

const (
	// PageAddressed pages have addresses: one can be asked for again.
	PageAddressed PageKeeping = ""
	// PageInSession pages have one address, and cookies name a session that has the
	// position. Without them the bank begins again.
	PageInSession PageKeeping = "session"
	// PageCounted pages have one address, and nothing in a request names the position: after
	// an answer that was lost, the bank gives the page after it.
	PageCounted PageKeeping = "counted"
)
