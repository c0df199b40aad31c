package widget

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// entry is one of the widget's entry points (contract §6.2).
type entry string

const (
	addConnection   entry = "add_connection"
	editCredentials entry = "edit_credentials"
	userInput       entry = "user_input"
	manageAccounts  entry = "manage_accounts"
	professional    entry = "professional-account"
	terms           entry = "terms"
)

var entries = []entry{addConnection, editCredentials, userInput, manageAccounts, professional, terms}

// link returns the entry's name in _links.
func (e entry) link() string {
	if e == professional {
		return "professional_account"
	}
	return string(e)
}

// path returns the entry's path, which starts with /v2.1 for the newer addresses.
func (e entry) path(modern bool) string {
	if modern {
		return "/v2.1/widget/" + string(e)
	}
	return "/widget/" + string(e)
}

// result returns the result of a successful flow (contract §11).
func (e entry) result() string {
	switch e {
	case addConnection:
		return "created"
	case terms, professional:
		return "validated"
	}
	return "updated"
}

// scopes returns the scopes of which the entry requires at least one; nil requires none.
func (e entry) scopes() []oxlin.Scope {
	switch e {
	case terms:
		return nil
	case manageAccounts, professional:
		return []oxlin.Scope{oxlin.ScopeConnectionsManage, oxlin.ScopeAccountsManage}
	}
	return []oxlin.Scope{oxlin.ScopeConnectionsManage}
}

// ending is the result of a flow (contract §6.4, §11).
type ending struct {
	Status       string             `json:"Status"`
	Result       string             `json:"Result"`
	Description  string             `json:"Description,omitempty"`
	ConnectionID oxlin.ConnectionID `json:"ConnectionID,omitempty"`
}

// state is the part of a flow that is stored as JSON. The names of the members are
// those of existing rows and do not follow the names of the fields.
type state struct {
	Entry entry `json:"Entry"`
	// OpenedAs is the entry point that the client opened, if the user has continued with
	// another one.
	OpenedAs entry `json:"Opened,omitempty"`
	// V21 is set for an address below /v2.1, whose flows offer the second channel
	// without being asked to (contract §9, row 14).
	V21 bool `json:"Modern"`
	// Parameters are those of the session and of the address, as a query string.
	Parameters string `json:"Parameters"`
	// Ignored are the parameters that the client may not use.
	Ignored  []string      `json:"Ignored,omitempty"`
	Language string        `json:"Language"`
	Queue    oxlin.QueueID `json:"Queue"`
	// Provider is the bank; empty until the user has chosen one.
	Provider oxlin.ProviderID `json:"Provider,omitempty"`
	// Definition is the definition of the current channel.
	Definition oxlin.ChannelDefinitionID `json:"Definition,omitempty"`
	// File is set while the user sends a file of the bank instead of connecting it.
	File bool `json:"File,omitempty"`
	// FilesTaken counts the forms with a file that were taken, so that each is handled once.
	FilesTaken int `json:"FilesTaken,omitempty"`
	// RequestedConnection is the connection that the client opened the flow for. It
	// may have been deleted since.
	RequestedConnection oxlin.ConnectionID `json:"Bound,omitempty"`
	// FollowOnly is set while the flow follows a channel's synchronisation without
	// asking the user for access.
	FollowOnly bool `json:"Watched,omitempty"`
	// LeftAttempt is the number of the last attempt that the user went back from.
	LeftAttempt int64 `json:"Left,omitempty"`
	// Consented is set once the user has consented to the current channel's accounts.
	Consented bool `json:"Consented,omitempty"`
	// FinishedChannels are the channels that need no further step: connected in this
	// flow, or declined by the user.
	FinishedChannels []oxlin.ChannelDefinitionID `json:"Finished,omitempty"`
	// Connected is set once the flow has connected at least one channel.
	Connected bool `json:"Made,omitempty"`
	// ReviewedAccounts are the suspended accounts that the user was asked about.
	ReviewedAccounts []oxlin.AccountID `json:"Waited,omitempty"`
	// AccessProblem is the code of the problem that prevented access to the bank.
	AccessProblem string `json:"Problem,omitempty"`
	// InFrame is set if the pages are embedded in a frame.
	InFrame bool `json:"Framed,omitempty"`
	// ReturnedViaClient is set once the user has returned from the bank to a page of
	// the client, which then opens the widget again.
	ReturnedViaClient bool `json:"Returned,omitempty"`
	// NotedReturns are the keys of the returns from the bank that the flow has recorded, newest
	// last: a callback may be repeated.
	NotedReturns []string `json:"NotedReturns,omitempty"`
	// PendingEnd is the ending that is recorded before the user's data is deleted. The
	// flow ends with it afterwards.
	PendingEnd *ending `json:"Undoing,omitempty"`
	// LastEvent is the type of the last event that the flow recorded.
	LastEvent oxlin.EventType `json:"Told,omitempty"`
	Ended     *ending         `json:"Ended,omitempty"`
}

// flow is one user's way through the widget.
type flow struct {
	store.WidgetFlow
	state
	// requested is the parsed form of Parameters.
	requested parameters
}

func (f *flow) read() error {
	err := json.Unmarshal([]byte(f.State), &f.state)
	if err != nil {
		return err
	}
	f.requested, err = parse(f.parameters())
	return err
}

// parameters returns the stored parameters.
func (f *flow) parameters() url.Values {
	values, err := url.ParseQuery(f.state.Parameters)
	if err != nil {
		return nil // impossible: Encode wrote it
	}
	return values
}

// connection returns the flow's connection, even if it was deleted.
func (f *flow) connection() oxlin.ConnectionID {
	if f.ConnectionID != 0 {
		return f.ConnectionID
	}
	return f.RequestedConnection
}

// mayChangeBank reports whether the user has chosen the bank in this flow and has not yet
// given access to it.
func (f *flow) mayChangeBank(at step) bool {
	asked := f.Entry == addConnection && f.requested.ProviderID == ""
	return asked && f.Attempt == 0 && slices.Contains([]step{stepChannels, stepNotice, stepLogin, stepFile}, at)
}

// The names under which a flow's session is sealed are stored with it: they never change.
const flowTable, sessionColumn = "widget_flows", "session"

func flowPlace(id oxlin.FlowID) vault.Place {
	return vault.Place{Table: flowTable, Column: sessionColumn, Row: id.String()}
}

// sessionFlows bounds the flows of a session, each of which begins when its link is opened.
const sessionFlows = 500

// insert stores a new flow with its queue, which starts before its first event.
func (w *Widget) insert(ctx context.Context, s session, f *flow) error {
	now := w.options.Now()
	return w.options.DB.WriteFor(ctx, s.UserID, anew(f, func(tx *store.Tx) error {
		flows, err := store.CountsOf(tx.Read()).WidgetFlows(ctx, s.IDHash)
		if err != nil {
			return err
		}
		if flows >= sessionFlows {
			return oxlin.Errorf(oxlin.CodeTooManyRequests, "The session has begun too many flows.")
		}
		f.Queue, err = event.Subscribe(ctx, tx, now, s.UserID)
		if err != nil {
			return err
		}
		err = w.tell(ctx, tx, s, f, oxlin.EventWidgetGlobal)
		if err != nil {
			return err
		}
		text, err := json.Marshal(f.state)
		if err != nil {
			return err
		}
		f.WidgetFlow.SessionHash, f.State, f.CreatedAt = s.IDHash, string(text), now
		f.ID, err = tx.Widget().InsertFlow(ctx, f.WidgetFlow, func(id oxlin.FlowID) ([]byte, error) {
			return w.options.Vault.SealSecret(oxlin.NewSecret(s.id), flowPlace(id))
		})
		return err
	}))
}

// anew returns a change of a flow for a transaction that may be repeated: each time it finds
// the flow as it was.
func anew(f *flow, change func(tx *store.Tx) error) func(tx *store.Tx) error {
	before := *f
	return func(tx *store.Tx) error {
		*f = before
		return change(tx)
	}
}

// opened returns the entry point that the client opened.
func (f *flow) opened() entry { return cmp.Or(f.OpenedAs, f.Entry) }

// errStale is returned if another request has changed the flow since it was read.
var errStale = errors.New("the flow has changed since it was read")

// save stores the state of the flow, or returns errStale.
func (w *Widget) save(ctx context.Context, tx *store.Tx, f *flow) error {
	return f.store(ctx, tx.Widget().SaveFlow)
}

// store stores the state of the flow by a method of store.Tx.
func (f *flow) store(ctx context.Context, by func(context.Context, store.WidgetFlow) (bool, error)) error {
	text, err := json.Marshal(f.state)
	if err != nil {
		return err
	}
	f.State = string(text)
	stored, err := by(ctx, f.WidgetFlow)
	if err != nil {
		return err
	}
	if !stored {
		return errStale
	}
	f.Version++
	return nil
}

// changed reports whether the state differs from the stored one.
func (f *flow) changed() bool {
	text, err := json.Marshal(f.state)
	return err != nil || string(text) != f.State
}

// tell records an event of the flow unless it repeats the last one.
func (w *Widget) tell(ctx context.Context, tx *store.Tx, s session, f *flow, what oxlin.EventType) error {
	if f.LastEvent == what && f.Ended == nil {
		return nil
	}
	f.LastEvent = what
	told := oxlin.Event{
		UserID: s.UserID, Type: what, ChannelDefinition: f.Definition, At: w.options.Now(),
		Payload: oxlin.EventPayload{Widget: &oxlin.WidgetStep{Entry: string(f.Entry), ProviderID: f.Provider}},
	}
	if f.Ended != nil {
		told.Payload.Widget.Status, told.Payload.Widget.Result = f.Ended.Status, f.Ended.Result
	}
	id := f.ConnectionID
	if f.File && f.Ended != nil {
		id = f.Ended.ConnectionID
	}
	if id != 0 {
		connection, err := tx.Read().Connection(ctx, id)
		if err != nil && !oxlin.IsNotFound(err) {
			return err
		}
		told.Connection = connection
	}
	_, err := w.options.Events.Append(ctx, tx, told)
	return err
}

// end ends a flow. A pending bank callback will be rejected.
func (w *Widget) end(ctx context.Context, s session, f *flow, e ending) error {
	return w.options.DB.WriteFor(ctx, s.UserID, anew(f, func(tx *store.Tx) error {
		f.Ended = &e
		err := w.tell(ctx, tx, s, f, oxlin.EventWidgetGlobal)
		if err != nil {
			return err
		}
		err = w.options.Service.Authorizations.ForgetFlow(ctx, tx, f.ID)
		if err != nil {
			return err
		}
		return w.save(ctx, tx, f)
	}))
}

// mostNotedReturns bounds NotedReturns: a callback is repeated soon, or not at all.
const mostNotedReturns = 20

// noteReturn records that the user has returned from the bank. It returns false if that is
// recorded already.
func (f *flow) noteReturn(back connect.CallbackResult) bool {
	if slices.Contains(f.NotedReturns, back.Key) {
		return false
	}
	f.NotedReturns = append(f.NotedReturns, back.Key)
	if extra := len(f.NotedReturns) - mostNotedReturns; extra > 0 {
		f.NotedReturns = f.NotedReturns[extra:]
	}
	f.ReturnedViaClient = f.requested.CallbackURL != ""
	switch {
	case back.Unconfirmed != "":
		f.AccessProblem = back.Unconfirmed
	case back.Status == "cancelled":
		f.AccessProblem = "refused"
	case back.Status != "success":
		f.AccessProblem = back.Result
	default:
		f.AccessProblem = ""
	}
	return true
}

// finish marks the current channel as finished.
func (st *state) finish(connected bool) {
	if !slices.Contains(st.FinishedChannels, st.Definition) {
		st.FinishedChannels = append(st.FinishedChannels, st.Definition)
	}
	st.Connected = st.Connected || connected
	st.Definition, st.Consented, st.AccessProblem = "", false, ""
}
