package widget

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
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

// link is the entry's name in _links.
func (e entry) link() string {
	if e == professional {
		return "professional_account"
	}
	return string(e)
}

// path is the entry's address, below the version for the newer generation.
func (e entry) path(modern bool) string {
	if modern {
		return "/v2.1/widget/" + string(e)
	}
	return "/widget/" + string(e)
}

// result is what success is called at the end of the entry (contract §11).
func (e entry) result() string {
	switch e {
	case addConnection:
		return "created"
	case terms, professional:
		return "validated"
	}
	return "updated"
}

// scopes are what the entry's use cases ask for; one is enough.
func (e entry) scopes() []oxlin.Scope {
	switch e {
	case terms:
		return nil
	case manageAccounts, professional:
		return []oxlin.Scope{oxlin.ScopeConnectionsManage, oxlin.ScopeAccountsManage}
	}
	return []oxlin.Scope{oxlin.ScopeConnectionsManage}
}

// ending is how a flow ended (contract §6.4, §11). It is stored with the flow, so the
// JSON names never change.
type ending struct {
	Status       string             `json:"Status"`
	Result       string             `json:"Result"`
	Description  string             `json:"Description,omitempty"`
	ConnectionID oxlin.ConnectionID `json:"ConnectionID,omitempty"`
}

// state is where a user is. It is stored with the flow, so the JSON names never change.
type state struct {
	Entry entry `json:"Entry"`
	// Modern says that the address began with /v2.1, whose flows offer the second
	// channel by themselves (contract §9, row 14).
	Modern bool `json:"Modern"`
	// Parameters are those of the session and of the address, as a query string.
	Parameters string        `json:"Parameters"`
	Language   string        `json:"Language"`
	Queue      oxlin.QueueID `json:"Queue"`
	// Provider is the bank; empty until the user has chosen one.
	Provider oxlin.ProviderID `json:"Provider,omitempty"`
	// Definition is the channel at hand.
	Definition oxlin.ChannelDefinitionID `json:"Definition,omitempty"`
	// Bound is the connection that the flow was opened for; it may be gone since.
	Bound oxlin.ConnectionID `json:"Bound,omitempty"`
	// Watched says that the channel is looked on at without new access.
	Watched bool `json:"Watched,omitempty"`
	// Left is the last attempt that the user went back from.
	Left int64 `json:"Left,omitempty"`
	// Consented says that the user consented to what the channel at hand shows.
	Consented bool `json:"Consented,omitempty"`
	// Finished are the channels that this flow is done with, or that the user
	// does not have.
	Finished []oxlin.ChannelDefinitionID `json:"Finished,omitempty"`
	// Made says that at least one channel came to its end.
	Made bool `json:"Made,omitempty"`
	// Waited are the suspended accounts that the user was asked about.
	Waited []oxlin.AccountID `json:"Waited,omitempty"`
	// Problem is what went wrong on the way to the bank.
	Problem string `json:"Problem,omitempty"`
	// Framed says that the pages are shown in a frame.
	Framed bool `json:"Framed,omitempty"`
	// Returned says that the bank has sent the user back by a page of the client, which
	// opens the widget anew.
	Returned bool `json:"Returned,omitempty"`
	// Undoing is how the flow ends, once what the user has given up is destroyed.
	Undoing *ending `json:"Undoing,omitempty"`
	// Told is the last event of the flow.
	Told  oxlin.EventType `json:"Told,omitempty"`
	Ended *ending         `json:"Ended,omitempty"`
}

// flow is one way of a user through the widget.
type flow struct {
	store.WidgetFlow
	state
	// asked is what Parameters say.
	asked parameters
}

func (f *flow) read() error {
	err := json.Unmarshal([]byte(f.State), &f.state)
	if err != nil {
		return err
	}
	f.asked, err = parse(f.parameters())
	return err
}

// parameters are what the client asked for.
func (f *flow) parameters() url.Values {
	values, err := url.ParseQuery(f.state.Parameters)
	if err != nil {
		return nil // it was written by Encode
	}
	return values
}

// connection is what the flow is about, even if it is gone.
func (f *flow) connection() oxlin.ConnectionID {
	if f.ConnectionID != 0 {
		return f.ConnectionID
	}
	return f.Bound
}

// mayChangeBank says that the user has chosen the bank here, and given it nothing yet.
func (f *flow) mayChangeBank(at step) bool {
	asked := f.Entry == addConnection && f.asked.ProviderID == ""
	return asked && f.Attempt == 0 && slices.Contains([]step{stepChannels, stepNotice, stepLogin}, at)
}

// The names under which a flow's session is sealed are stored with it: they never change.
const flowTable, sessionColumn = "widget_flows", "session"

func flowPlace(id oxlin.FlowID) vault.Place {
	return vault.Place{Table: flowTable, Column: sessionColumn, Row: id.String()}
}

// insert stores a flow that begins, with its queue, which starts before its first event.
func (w *Widget) insert(ctx context.Context, s session, f *flow) error {
	now := w.Now()
	return w.DB.WriteFor(ctx, s.UserID, func(tx *store.Tx) error {
		var err error
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
		f.ID, err = tx.InsertWidgetFlow(ctx, f.WidgetFlow, func(id oxlin.FlowID) ([]byte, error) {
			return w.Vault.SealSecret(oxlin.NewSecret(s.id), flowPlace(id))
		})
		return err
	})
}

// errMoved says that the flow is not where it was when it was read.
var errMoved = errors.New("the flow has moved on")

// save stores where the flow is now. errMoved says that another request was quicker.
func (w *Widget) save(ctx context.Context, tx *store.Tx, f *flow) error {
	text, err := json.Marshal(f.state)
	if err != nil {
		return err
	}
	f.State = string(text)
	saved, err := tx.SaveWidgetFlow(ctx, f.WidgetFlow)
	if err != nil {
		return err
	}
	if !saved {
		return errMoved
	}
	f.Version++
	return nil
}

// changed says that the flow is not where it is stored to be.
func (f *flow) changed() bool {
	text, err := json.Marshal(f.state)
	return err != nil || string(text) != f.State
}

// tell records an event of the flow, once in a row.
func (w *Widget) tell(ctx context.Context, tx *store.Tx, s session, f *flow, what oxlin.EventType) error {
	if f.Told == what && f.Ended == nil {
		return nil
	}
	f.Told = what
	told := oxlin.Event{
		UserID: s.UserID, Type: what, ChannelDefinition: f.Definition, At: w.Now(),
		Payload: oxlin.EventPayload{Widget: &oxlin.WidgetStep{Entry: string(f.Entry), ProviderID: f.Provider}},
	}
	if f.Ended != nil {
		told.Payload.Widget.Status, told.Payload.Widget.Result = f.Ended.Status, f.Ended.Result
	}
	if f.ConnectionID != 0 {
		connection, err := tx.Connection(ctx, f.ConnectionID)
		if err != nil && !oxlin.IsNotFound(err) {
			return err
		}
		told.Connection = connection
	}
	_, err := w.Events.Append(ctx, tx, told)
	return err
}

// end ends a flow. Who is still at the bank comes back too late.
func (w *Widget) end(ctx context.Context, s session, f *flow, e ending) error {
	return w.DB.WriteFor(ctx, s.UserID, func(tx *store.Tx) error {
		f.Ended = &e
		err := w.tell(ctx, tx, s, f, oxlin.EventWidgetGlobal)
		if err != nil {
			return err
		}
		err = tx.DropAuthorizationsOfFlow(ctx, f.ID)
		if err != nil {
			return err
		}
		return w.save(ctx, tx, f)
	})
}

// finish notes that the channel at hand came to its end, or is not wanted.
func (st *state) finish(made bool) {
	if !slices.Contains(st.Finished, st.Definition) {
		st.Finished = append(st.Finished, st.Definition)
	}
	st.Made = st.Made || made
	st.Definition, st.Consented, st.Problem = "", false, ""
}
