package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// WidgetTx writes the sessions and flows of the widget.
type WidgetTx struct{ executor }

// Widget returns the writer of those rows in this transaction.
func (tx *Tx) Widget() WidgetTx { return WidgetTx{tx.executor} }

// WidgetSession is the session of one user of one client in the widget (contract §6.1).
type WidgetSession struct {
	// IDHash is the SHA-256 of the session's id.
	IDHash   []byte
	ClientID oxlin.ClientID
	UserID   oxlin.UserID
	Scopes   oxlin.Scopes
	// TokenHash is the hash of the access token that created the session. Family is the
	// family of the refresh token; empty without one.
	TokenHash []byte
	Family    string
	// Parameters are the client's parameters as a query string.
	Parameters string
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

func widgetSession(row query.WidgetSession) WidgetSession {
	return WidgetSession{
		IDHash: row.IDHash, ClientID: row.ClientID, UserID: row.UserID, Scopes: row.Scopes.V, TokenHash: row.TokenHash,
		Family: row.Family, Parameters: row.Parameters, CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}
}

// InsertSession stores a new session.
func (tx WidgetTx) InsertSession(ctx context.Context, s WidgetSession) error {
	err := tx.q.InsertWidgetSession(ctx, query.InsertWidgetSessionParams{
		IDHash: s.IDHash, ClientID: s.ClientID, UserID: s.UserID, Scopes: query.AsJSON(s.Scopes), TokenHash: s.TokenHash,
		Family: s.Family, Parameters: s.Parameters, CreatedAt: query.At(s.CreatedAt), ExpiresAt: query.At(s.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("insert widget session: %w", err)
	}
	return nil
}

// WidgetSession returns a session, which may have expired.
func (r Reader) WidgetSession(ctx context.Context, idHash []byte) (WidgetSession, error) {
	row, err := r.q.FindWidgetSession(ctx, idHash)
	return found(row, err, "widget session", widgetSession)
}

// ExtendSession sets a later expiry.
func (tx WidgetTx) ExtendSession(ctx context.Context, idHash []byte, until time.Time) error {
	err := tx.q.ExtendWidgetSession(ctx, query.ExtendWidgetSessionParams{IDHash: idHash, ExpiresAt: query.At(until)})
	if err != nil {
		return fmt.Errorf("extend widget session: %w", err)
	}
	return nil
}

// DropSessions removes the sessions that expired before an instant, with their flows.
func (tx WidgetTx) DropSessions(ctx context.Context, before time.Time) error {
	err := tx.q.DropWidgetSessions(ctx, query.At(before))
	if err != nil {
		return fmt.Errorf("drop widget sessions: %w", err)
	}
	return nil
}

// WidgetFlow is one user's way through the widget.
type WidgetFlow struct {
	ID          oxlin.FlowID
	SessionHash []byte
	// Session is the session's id, sealed.
	Session []byte
	// ConnectionID is the connection that the flow created or opened; zero before.
	ConnectionID oxlin.ConnectionID
	// Entered is the channel definition to which the user last gave access. Attempt
	// counts how often they did.
	Entered oxlin.ChannelDefinitionID
	Attempt int64
	// State is opaque to the store.
	State     string
	Version   int64
	CreatedAt time.Time
}

func widgetFlow(row query.WidgetFlow) WidgetFlow {
	return WidgetFlow{
		ID: row.ID, SessionHash: row.SessionHash, Session: row.Session, ConnectionID: row.ConnectionID, Entered: row.Entered,
		Attempt: row.Attempt, State: row.State, Version: row.Version, CreatedAt: row.CreatedAt.Time,
	}
}

// InsertFlow stores a new flow. seal seals the session's id for the flow's row.
func (tx WidgetTx) InsertFlow(ctx context.Context, f WidgetFlow, seal func(oxlin.FlowID) ([]byte, error)) (oxlin.FlowID, error) {
	id, err := tx.q.InsertWidgetFlow(ctx, query.InsertWidgetFlowParams{
		SessionHash: f.SessionHash, Session: []byte{}, ConnectionID: f.ConnectionID, State: f.State, CreatedAt: query.At(f.CreatedAt),
	})
	if err != nil {
		return 0, fmt.Errorf("insert widget flow: %w", err)
	}
	sealed, err := seal(id)
	if err != nil {
		return 0, err
	}
	err = tx.q.SealWidgetFlow(ctx, query.SealWidgetFlowParams{ID: id, Session: sealed})
	if err != nil {
		return 0, fmt.Errorf("seal widget flow: %w", err)
	}
	return id, nil
}

// WidgetFlow returns a flow.
func (r Reader) WidgetFlow(ctx context.Context, id oxlin.FlowID) (WidgetFlow, error) {
	row, err := r.q.FindWidgetFlow(ctx, id)
	return found(row, err, "widget flow", widgetFlow)
}

// WidgetFlows lists at most most flows of a session, newest first.
func (r Reader) WidgetFlows(ctx context.Context, sessionHash []byte, most int) ([]WidgetFlow, error) {
	rows, err := r.q.WidgetFlows(ctx, query.WidgetFlowsParams{SessionHash: sessionHash, Most: int64(most)})
	return each(rows, err, "widget flows", widgetFlow)
}

// SaveFlow writes the state of a flow. It returns false if the flow has changed
// since it was read. It does not write the connection, which InsertWidgetFlow,
// BindFlow and EnterWidgetFlow set.
func (tx WidgetTx) SaveFlow(ctx context.Context, f WidgetFlow) (bool, error) {
	n, err := tx.q.SaveWidgetFlow(ctx, query.SaveWidgetFlowParams{
		ID: f.ID, State: f.State, Version: f.Version,
	})
	if err != nil {
		return false, fmt.Errorf("save widget flow: %w", err)
	}
	return n == 1, nil
}

// BindFlow writes the state and the connection of a flow that continues with an
// existing connection. Its result is that of SaveWidgetFlow.
func (tx WidgetTx) BindFlow(ctx context.Context, f WidgetFlow) (bool, error) {
	n, err := tx.q.BindWidgetFlow(ctx, query.BindWidgetFlowParams{
		ID: f.ID, State: f.State, ConnectionID: f.ConnectionID, Version: f.Version,
	})
	if err != nil {
		return false, fmt.Errorf("bind widget flow: %w", err)
	}
	return n == 1, nil
}

// EnterFlow records that the user gave access to a channel of a connection, in
// the transaction that stores the access. It returns false if this attempt was already
// recorded.
func (tx WidgetTx) EnterFlow(ctx context.Context, id oxlin.FlowID, attempt int64, connection oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) (bool, error) {
	n, err := tx.q.EnterWidgetFlow(ctx, query.EnterWidgetFlowParams{
		ID: id, Attempt: attempt, ConnectionID: connection, Entered: definition,
	})
	if err != nil {
		return false, fmt.Errorf("enter widget flow: %w", err)
	}
	return n == 1, nil
}
