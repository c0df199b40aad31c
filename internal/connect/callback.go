package connect

import (
	"context"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// Callback is the query with which a bank sent a user back.
type Callback struct {
	State            string
	Code             string
	Error            string
	ErrorDescription string
	// PSU is the user whose browser it is.
	PSU *oxlin.PSU
}

// CallbackResult is where a user goes after the callback: the contract's query
// parameters are added to URI (contract §6.4, §11).
type CallbackResult struct {
	// URI is empty if the client gave none: then we show our own page.
	URI          string
	ConnectionID oxlin.ConnectionID
	QueueID      oxlin.QueueID
	// Status is success, error or cancelled; Result refines it.
	Status           string
	Result           string
	ErrorDescription string
	// FlowID is the flow of our widget that continues; zero for none.
	FlowID oxlin.FlowID
}

// Finish handles a user's return from the bank (mode A): it makes or renews the
// connection and starts its synchronisation. An unknown, used or expired state is
// CodeAuthorizationExpired; the result reports every other failure.
func (a *Authorizations) Finish(ctx context.Context, callback Callback) (CallbackResult, error) {
	begun, err := a.claim(ctx, hashState(callback.State))
	if err != nil {
		return CallbackResult{}, err
	}
	result := CallbackResult{URI: begun.ReturnURI, ConnectionID: begun.ConnectionID, QueueID: begun.QueueID, FlowID: begun.FlowID}
	if callback.Error != "" || callback.Code == "" {
		return result.refused(callback), nil
	}
	id, err := a.redeem(ctx, begun, callback.Code, callback.PSU)
	if err != nil {
		a.log.WarnContext(ctx, "the bank's callback failed", "provider", begun.ProviderID, "user", begun.UserID, "error", err)
		result.Status, result.Result = "error", "bank_error"
		result.ErrorDescription = oxlin.AsError(err).Message
		return result, nil
	}
	result.Status, result.Result, result.ConnectionID = "success", "created", id
	if begun.ConnectionID != 0 {
		result.Result = "updated"
	}
	return result, nil
}

// refused is the result of a callback without a code.
func (r CallbackResult) refused(callback Callback) CallbackResult {
	r.Status, r.Result = "error", "bank_error"
	r.ErrorDescription = strings.TrimSpace(callback.Error + " " + callback.ErrorDescription)
	switch callback.Error {
	case "":
		r.ErrorDescription = "The bank sent neither a code nor an error."
	case "access_denied":
		r.Status, r.Result = "cancelled", "cancelled"
	}
	return r
}

// claim uses up the state of an authorization. A second claim of the same state finds
// nothing.
func (a *Authorizations) claim(ctx context.Context, hash []byte) (store.Authorization, error) {
	var begun store.Authorization
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		begun, err = tx.Authorization(ctx, hash)
		if err != nil {
			return err
		}
		taken, err := tx.TakeAuthorization(ctx, hash)
		if err == nil && !taken {
			return oxlin.NotFound("authorisation")
		}
		return err
	})
	if oxlin.IsNotFound(err) || err == nil && !a.now().Before(begun.ExpiresAt) {
		return begun, oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	return begun, err
}

// redeem exchanges the bank's code for access, stores it with the connection and
// starts listing the accounts.
func (a *Authorizations) redeem(ctx context.Context, begun store.Authorization, code string, psu *oxlin.PSU) (oxlin.ConnectionID, error) {
	authorizer, err := a.authorizer(begun.ProviderID, begun.DefinitionID)
	if err != nil {
		return 0, err
	}
	verifier, err := a.vault.OpenSecret(begun.Verifier, verifierPlace(begun.StateHash))
	if err != nil {
		return 0, err
	}
	access, err := authorizer.Exchange(ctx, code, bank.Authorization{RedirectURI: begun.BankRedirectURI, Verifier: verifier})
	if err != nil {
		return 0, bankRefused(err)
	}
	var id oxlin.ConnectionID
	err = a.db.WriteFor(ctx, begun.UserID, func(tx *store.Tx) error {
		var err error
		id, err = a.storeAccess(ctx, tx, begun, access, psu)
		return err
	})
	return id, err
}

// bankRefused is a bank's failure as a client sees it, without the bank's words.
func bankRefused(err error) error {
	failure := bank.AsFailure(err)
	code := oxlin.CodeBankRefused
	switch failure.Kind {
	case bank.Unavailable, bank.RateLimited:
		code = oxlin.CodeProviderUnavailable
	case bank.Nonsense:
		code = oxlin.CodeBankError
	}
	refused := oxlin.DefaultError(code)
	refused.RetryAfter, refused.Err = failure.RetryAfter, err
	return refused
}

// storeAccess makes or renews the connection of an authorization, stores the new
// access with its channel and starts listing the accounts.
func (a *Authorizations) storeAccess(ctx context.Context, tx *store.Tx, begun store.Authorization, access bank.Access, psu *oxlin.PSU) (oxlin.ConnectionID, error) {
	flow, err := flowOf(ctx, tx, begun)
	if err != nil {
		return 0, err
	}
	if flow.ConnectionID != 0 {
		// Two authorizations in one flow make one connection.
		begun.ConnectionID = flow.ConnectionID
	}
	id, channel, err := a.channelOf(ctx, tx, begun)
	if err != nil {
		return 0, err
	}
	err = a.engine.SaveAccess(ctx, tx, channel.ID, access)
	if err != nil {
		return 0, err
	}
	channel.ConsentUntil, channel.Failures = access.ConsentUntil, 0
	err = a.engine.Supersede(ctx, tx, channel.ID)
	if err != nil {
		return 0, err
	}
	if flow.ID != 0 {
		_, err := tx.EnterWidgetFlow(ctx, flow.ID, flow.Attempt, id, begun.DefinitionID)
		if err != nil {
			return 0, err
		}
	}
	return id, a.engine.Start(ctx, tx, channel, oxlin.SyncListAccounts, psu, oxlin.SyncProgress{AskConsent: flow.ID != 0})
}

// flowOf finds the widget flow of an authorization; it is zero for an authorization outside the widget.
func flowOf(ctx context.Context, tx *store.Tx, begun store.Authorization) (store.WidgetFlow, error) {
	if begun.FlowID == 0 {
		return store.WidgetFlow{}, nil
	}
	return tx.WidgetFlow(ctx, begun.FlowID)
}

// channelOf finds the channel that an authorization is for, and inserts it, with its
// connection, where it is missing.
func (a *Authorizations) channelOf(ctx context.Context, tx *store.Tx, begun store.Authorization) (oxlin.ConnectionID, oxlin.Channel, error) {
	now := a.now()
	id := begun.ConnectionID
	if id == 0 {
		provider, _ := a.catalogue.Provider(begun.ProviderID)
		var err error
		id, err = tx.InsertConnection(ctx, oxlin.Connection{
			UserID: begun.UserID, ProviderID: begun.ProviderID, Name: provider.Name, AutoSync: begun.AutoSync,
			ConsentPerAccount: begun.ConsentPerAccount, CreatedAt: now,
		})
		if err != nil {
			return 0, oxlin.Channel{}, err
		}
	}
	connection, err := tx.Connection(ctx, id)
	if err != nil {
		return 0, oxlin.Channel{}, err
	}
	channel, used := connection.Channel(begun.DefinitionID)
	if !used {
		channel, err = addChannel(ctx, tx, id, begun.DefinitionID, oxlin.ModeRedirect)
		if err != nil {
			return 0, oxlin.Channel{}, err
		}
	}
	if begun.ConnectionID == 0 {
		_, err = a.events.Record(ctx, tx, now, id, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
	}
	return id, channel, err
}
