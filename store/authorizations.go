package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store/query"
)

// Authorization is a user's journey to a bank that has not come back yet.
type Authorization struct {
	// StateHash is the SHA-256 of the state given to the bank, which is used once.
	StateHash    []byte
	UserID       oxlin.UserID
	ClientID     oxlin.ClientID
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// ConnectionID is the connection to renew; zero makes a new one.
	ConnectionID oxlin.ConnectionID
	// ClientRedirect says that the bank returns to the client (mode B, contract §3.4).
	ClientRedirect bool
	// ReturnURI is where the user ends in mode A.
	ReturnURI string
	// BankRedirectURI is where the bank returns to.
	BankRedirectURI string
	// Verifier is the PKCE verifier, sealed.
	Verifier          []byte
	ConsentPerAccount bool
	AutoSync          bool
	// QueueID is a queue that starts before the journey's first event.
	QueueID oxlin.QueueID
	// FlowID is the way through the widget that the journey is a part of; zero for
	// a client's own.
	FlowID    oxlin.FlowID
	CreatedAt time.Time
	ExpiresAt time.Time
}

func authorization(row query.Authorization) Authorization {
	return Authorization{
		StateHash: row.StateHash, UserID: row.UserID, ClientID: row.ClientID, ProviderID: row.ProviderID,
		DefinitionID: row.DefinitionID, ConnectionID: row.ConnectionID, ClientRedirect: row.ClientRedirect,
		ReturnURI: row.ReturnUri, BankRedirectURI: row.BankRedirectUri, Verifier: row.Verifier,
		ConsentPerAccount: row.ConsentPerAccount, AutoSync: row.AutoSync, QueueID: row.QueueID, FlowID: row.FlowID,
		CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}
}

// Authorization finds a journey by the hash of its state.
func (r Reader) Authorization(ctx context.Context, stateHash []byte) (Authorization, error) {
	row, err := r.q.FindAuthorization(ctx, stateHash)
	return found(row, err, "authorisation", authorization)
}

// ClientAuthorizations lists a user's mode B journeys that have not expired, the
// newest first.
func (r Reader) ClientAuthorizations(ctx context.Context, id oxlin.UserID, now time.Time) ([]Authorization, error) {
	rows, err := r.q.ListAuthorizationsOfUser(ctx, query.ListAuthorizationsOfUserParams{UserID: id, Now: query.At(now)})
	return each(rows, err, "authorisation", authorization)
}

// InsertAuthorization stores a journey that begins.
func (tx *Tx) InsertAuthorization(ctx context.Context, a Authorization) error {
	err := tx.q.InsertAuthorization(ctx, query.InsertAuthorizationParams{
		StateHash: a.StateHash, UserID: a.UserID, ClientID: a.ClientID, ProviderID: a.ProviderID,
		DefinitionID: a.DefinitionID, ConnectionID: a.ConnectionID, ClientRedirect: a.ClientRedirect,
		ReturnUri: a.ReturnURI, BankRedirectUri: a.BankRedirectURI, Verifier: a.Verifier,
		ConsentPerAccount: a.ConsentPerAccount, AutoSync: a.AutoSync, QueueID: a.QueueID, FlowID: a.FlowID,
		CreatedAt: query.At(a.CreatedAt), ExpiresAt: query.At(a.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("insert authorisation: %w", err)
	}
	return nil
}

// TakeAuthorization removes a journey; false says that somebody else took it before.
func (tx *Tx) TakeAuthorization(ctx context.Context, stateHash []byte) (bool, error) {
	n, err := tx.q.TakeAuthorization(ctx, stateHash)
	if err != nil {
		return false, fmt.Errorf("take authorisation: %w", err)
	}
	return n == 1, nil
}

// DropAuthorizations removes the journeys that have expired.
func (tx *Tx) DropAuthorizations(ctx context.Context, now time.Time) error {
	err := tx.q.DropAuthorizations(ctx, query.At(now))
	if err != nil {
		return fmt.Errorf("drop authorisations: %w", err)
	}
	return nil
}

// DropAuthorizationsOfFlow removes the journeys of a widget's flow that is over: who
// comes back from one of them is too late.
func (tx *Tx) DropAuthorizationsOfFlow(ctx context.Context, id oxlin.FlowID) error {
	err := tx.q.DropAuthorizationsOfFlow(ctx, id)
	if err != nil {
		return fmt.Errorf("drop authorisations: %w", err)
	}
	return nil
}
