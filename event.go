package oxlin

import (
	"slices"
	"time"
)

// EventType is the kind of an event (contract §4.9, §11).
type EventType string

// The events of a connection. A channel's failure is also an event under the
// name of the channel status, before the ..._FAILED event.
const (
	EventConnectionCreated EventType = "CONNECTION_CREATED"
	// EventConnectionUpdated is ours: outside of a synchronisation, a client or user
	// changed the connection, a file was imported, or a new version read its stored records anew.
	EventConnectionUpdated EventType = "CONNECTION_UPDATED"
	EventConnectionDeleted EventType = "CONNECTION_DELETED"
)

// The steps of a widget session (contract §11). They may precede the connection.
const (
	EventWidgetGlobal          EventType = "WIDGET_GLOBAL"
	EventWidgetChooseBank      EventType = "WIDGET_CHOOSE_BANK"
	EventWidgetLogin           EventType = "WIDGET_LOGIN"
	EventWidgetSynchronization EventType = "WIDGET_SYNCHRONIZATION"
	EventWidgetConsent         EventType = "WIDGET_CONSENT"
)

// The steps of a synchronisation; their event types are prefixed with its kind.
const (
	stepRunning   = "_RUNNING"
	stepSuccess   = "_SUCCESS"
	stepFailed    = "_FAILED"
	stepUserInput = "_USER_INPUT_REQUESTED"
)

// RunningEvent is the event type of a synchronisation that begins.
func (k SyncKind) RunningEvent() EventType { return EventType(string(k) + stepRunning) }

// SuccessEvent is the event type of a synchronisation that succeeded.
func (k SyncKind) SuccessEvent() EventType { return EventType(string(k) + stepSuccess) }

// FailedEvent is the event type of a synchronisation that failed.
func (k SyncKind) FailedEvent() EventType { return EventType(string(k) + stepFailed) }

// UserInputEvent is the event type of a synchronisation that asks a challenge.
func (k SyncKind) UserInputEvent() EventType { return EventType(string(k) + stepUserInput) }

// EndsSynchronisation reports whether a synchronisation ends with the event.
func (t EventType) EndsSynchronisation() bool {
	for _, kind := range []SyncKind{SyncListAccounts, SyncAll} {
		if t == kind.SuccessEvent() || t == kind.FailedEvent() {
			return true
		}
	}
	return false
}

// Event records a change of a connection. Its id grows with every event of the user,
// in commit order.
type Event struct {
	ID                EventID
	UserID            UserID
	Type              EventType
	ChannelDefinition ChannelDefinitionID
	At                time.Time
	// Connection is the state of the connection at that time. Its id is zero in a widget
	// event that precedes the connection.
	Connection Connection
	Payload    EventPayload
}

// EventPayload holds the additional data of some event types (contract §11). It is
// stored as JSON.
type EventPayload struct {
	// Accounts come with LIST_ACCOUNTS_SUCCESS.
	Accounts []Account `json:"Accounts,omitempty"`
	// NewTransactions is a count; it comes with SYNC_ALL_SUCCESS.
	NewTransactions int `json:"NewTransactions,omitzero"`
	// CancelledTransactions and RestoredTransactions count the transactions that the bank has
	// dropped for long enough, and those of them that it shows again.
	CancelledTransactions int `json:"CancelledTransactions,omitzero"`
	RestoredTransactions  int `json:"RestoredTransactions,omitzero"`
	// Derived comes with CONNECTION_UPDATED if the connection's rows were read anew, or a file
	// was imported.
	Derived *DerivedRows `json:"Derived,omitempty"`
	// Incomplete are the accounts of which the run could not read everything; they come
	// with SYNC_ALL_SUCCESS.
	Incomplete []IncompleteAccount `json:"Incomplete,omitempty"`
	// UnreadableAccounts counts the accounts of the bank's list that have no usable id; it
	// comes with both ..._SUCCESS events.
	UnreadableAccounts int `json:"UnreadableAccounts,omitzero"`
	// Challenge comes with the ..._USER_INPUT_REQUESTED events.
	Challenge []Challenge `json:"Challenge,omitempty"`
	// Widget comes with the WIDGET_... events.
	Widget *WidgetStep `json:"Widget,omitempty"`
}

// IncompleteAccount is an account of which a synchronisation could not read everything.
// Events store it as JSON.
type IncompleteAccount struct {
	ID       AccountID     `json:"id"`
	Status   AccountStatus `json:"status"`
	Coverage Coverage      `json:"coverage"`
	// NoBalance is set if the bank gave no balance that can be read.
	NoBalance bool `json:"no_balance,omitempty"`
}

// Gaps are the reasons for which the transactions are incomplete, the newest days' first.
func (a IncompleteAccount) Gaps() []Gap {
	var gaps []Gap
	for _, gap := range []Gap{a.Coverage.Newest, a.Coverage.Older, a.Coverage.Gap} {
		if gap != "" && !slices.Contains(gaps, gap) {
			gaps = append(gaps, gap)
		}
	}
	return gaps
}

// WidgetStep describes the user's position in the widget. Events store it as JSON.
type WidgetStep struct {
	// Entry is the entry point: "add_connection".
	Entry      string     `json:"Entry"`
	ProviderID ProviderID `json:"ProviderID,omitempty"`
	// Status and Result are set at the end (contract §11, "Widget results").
	Status string `json:"Status,omitempty"`
	Result string `json:"Result,omitempty"`
}

// Queue is a reader's position in a user's events (contract §3.7).
type Queue struct {
	ID     QueueID
	UserID UserID
	// Position is the last event that a poll has returned.
	Position EventID
	// PolledAt is the day of the last reading; zero if it is not known.
	PolledAt time.Time
	// Forgotten is the newest event of the user whose retention is over: nothing up to it can be
	// read again.
	Forgotten EventID
}
