package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Authorization is an authorization at a bank: pending, or finished a short time ago.
type Authorization struct {
	// StateHash is the SHA-256 of the state parameter.
	StateHash    []byte
	UserID       oxlin.UserID
	ClientID     oxlin.ClientID
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// ConnectionID is the connection to renew; zero makes a new one.
	ConnectionID oxlin.ConnectionID
	// ClientRedirect is set if the bank redirects to the client (mode B, contract §3.4).
	ClientRedirect bool
	// ReturnURI is the final redirect of mode A.
	ReturnURI string
	// BankRedirectURI is the redirect URI given to the bank.
	BankRedirectURI string
	// Verifier is the PKCE verifier, sealed.
	Verifier          []byte
	ConsentPerAccount bool
	AutoSync          bool
	// QueueID is a queue that starts before the authorization's first event.
	QueueID oxlin.QueueID
	// FlowID is the widget flow that began the authorization; zero if a client did.
	FlowID oxlin.FlowID
	// Browser is the hash of the cookie of the browser that left for the bank; empty if a client
	// sent it there. Device is the kind of device, as web.DeviceOf writes it.
	Browser []byte
	Device  string
	// ClientState is the state that the client gets back in mode A.
	ClientState string
	// ClaimedBy is the random name of the request that finishes the authorization, since
	// ClaimedAt; zero while the authorization is pending.
	ClaimedBy []byte
	ClaimedAt time.Time
	// Answer is the hash of what the bank sent with the state.
	Answer []byte
	// Outcome is the result of the authorization, stored by connect; empty without one.
	Outcome   string
	CreatedAt time.Time
	ExpiresAt time.Time
}

func authorization(row query.Authorization) Authorization {
	return Authorization{
		StateHash: row.StateHash, UserID: row.UserID, ClientID: row.ClientID, ProviderID: row.ProviderID,
		DefinitionID: row.DefinitionID, ConnectionID: row.ConnectionID, ClientRedirect: row.ClientRedirect,
		ReturnURI: row.ReturnUri, BankRedirectURI: row.BankRedirectUri, Verifier: row.Verifier,
		ConsentPerAccount: row.ConsentPerAccount, AutoSync: row.AutoSync, QueueID: row.QueueID, FlowID: row.FlowID,
		Browser: row.Browser, Device: row.Device, ClientState: row.ClientState,
		ClaimedBy: row.ClaimedBy, ClaimedAt: row.ClaimedAt.Time, Answer: row.Answer, Outcome: row.Outcome,
		CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}
}

// Authorization returns an authorization by the hash of its state.
func (r Reader) Authorization(ctx context.Context, stateHash []byte) (Authorization, error) {
	row, err := r.q.FindAuthorization(ctx, stateHash)
	return found(row, err, "authorisation", authorization)
}

// ClientAuthorizations lists a user's unexpired mode B authorizations, newest first.
func (r Reader) ClientAuthorizations(ctx context.Context, id oxlin.UserID, now time.Time) ([]Authorization, error) {
	rows, err := r.q.ListAuthorizationsOfUser(ctx, query.ListAuthorizationsOfUserParams{UserID: id, Now: query.At(now)})
	return each(rows, err, "authorisation", authorization)
}

// InsertAuthorization stores a new authorization.
func (tx *Tx) InsertAuthorization(ctx context.Context, a Authorization) error {
	err := tx.q.InsertAuthorization(ctx, query.InsertAuthorizationParams{
		StateHash: a.StateHash, UserID: a.UserID, ClientID: a.ClientID, ProviderID: a.ProviderID,
		DefinitionID: a.DefinitionID, ConnectionID: a.ConnectionID, ClientRedirect: a.ClientRedirect,
		ReturnUri: a.ReturnURI, BankRedirectUri: a.BankRedirectURI, Verifier: a.Verifier,
		ConsentPerAccount: a.ConsentPerAccount, AutoSync: a.AutoSync, QueueID: a.QueueID, FlowID: a.FlowID,
		Browser: a.Browser, Device: a.Device, ClientState: a.ClientState,
		CreatedAt: query.At(a.CreatedAt), ExpiresAt: query.At(a.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("insert authorisation: %w", err)
	}
	return nil
}

// ClaimAuthorization claims an authorization with the claim's ClaimedBy, ClaimedAt, Answer
// and ExpiresAt. It returns false if the authorization is finished, removed, or claimed by a
// request that began after abandoned.
func (tx *Tx) ClaimAuthorization(ctx context.Context, claim Authorization, abandoned time.Time) (bool, error) {
	n, err := tx.q.ClaimAuthorization(ctx, query.ClaimAuthorizationParams{
		StateHash: claim.StateHash, ClaimedBy: claim.ClaimedBy, ClaimedAt: query.At(claim.ClaimedAt), Answer: claim.Answer,
		ExpiresAt: query.At(claim.ExpiresAt), Abandoned: query.At(abandoned),
	})
	if err != nil {
		return false, fmt.Errorf("claim authorisation: %w", err)
	}
	return n == 1, nil
}

// FinishAuthorization stores the outcome of an authorization, which then expires at
// another time.
func (tx *Tx) FinishAuthorization(ctx context.Context, finished Authorization) error {
	err := tx.q.FinishAuthorization(ctx, query.FinishAuthorizationParams{
		StateHash: finished.StateHash, ClaimedBy: finished.ClaimedBy, Outcome: finished.Outcome, ExpiresAt: query.At(finished.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("finish authorisation: %w", err)
	}
	return nil
}

// DropAuthorizations removes the expired authorizations.
func (tx *Tx) DropAuthorizations(ctx context.Context, now time.Time) error {
	err := tx.q.DropAuthorizations(ctx, query.At(now))
	if err != nil {
		return fmt.Errorf("drop authorisations: %w", err)
	}
	return nil
}

// DropAuthorizationsOfFlow removes the authorizations of a widget flow that are not finished,
// so that their callbacks are rejected.
func (tx *Tx) DropAuthorizationsOfFlow(ctx context.Context, id oxlin.FlowID) error {
	err := tx.q.DropAuthorizationsOfFlow(ctx, id)
	if err != nil {
		return fmt.Errorf("drop authorisations: %w", err)
	}
	return nil
}
