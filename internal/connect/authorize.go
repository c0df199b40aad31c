package connect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Authorizations are the use cases about a user's way to a REDIRECT bank and back:
// Begin returns the address of the bank's login. The user comes back to us (mode A,
// callback.go) or to the client, which brings the code (mode B, codegrant.go).
type Authorizations struct{ *core }

// authorizationLife is how long a user may take at the bank.
const authorizationLife = time.Hour

// AuthorizeRequest asks for the address of a bank's login (contract §3.4).
type AuthorizeRequest struct {
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// ConnectionID renews the consent of a connection; zero makes a new one.
	ConnectionID oxlin.ConnectionID
	// ReturnURI is where the user ends: we redirect there after the callback, or,
	// with ClientRedirect, the bank does.
	ReturnURI string
	// ClientRedirect reports that the client takes the bank's callback itself (mode B).
	ClientRedirect bool
	// ClientState comes back as state.
	ClientState       string
	ConsentPerAccount bool
	// AutoSync asks for a synchronisation every day.
	AutoSync bool
	// Widget reports that widget_params were given, which clients without an
	// agreement need.
	Widget bool
	// FlowID is the flow of our widget that the request belongs to; zero for none.
	FlowID oxlin.FlowID
	// Language is the user's; empty if unknown.
	Language string
	// Credentials are the answers to the definition's fixed questions (contract §12.17). A flow
	// of our widget asks for those that are missing.
	Credentials map[oxlin.CredentialID]string
}

// Begin prepares a user's way to the bank and returns the address to send them to.
func (a *Authorizations) Begin(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) (string, error) {
	departure, err := a.Leave(ctx, caller, request)
	return departure.Address, err
}

// Leave is Begin for a page of the platform, which gives the browser a cookie on its way: the
// return is bound to it (confirm.go).
func (a *Authorizations) Leave(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) (Departure, error) {
	err := requireAuthorizing(caller, request)
	if err != nil {
		return Departure{}, err
	}
	connector, err := a.authorizer(request.ProviderID, request.DefinitionID)
	if err != nil {
		return Departure{}, err
	}
	err = checkReturn(caller.Client, request)
	if err != nil {
		return Departure{}, err
	}
	err = a.checkRenewal(ctx, caller, request)
	if err != nil {
		return Departure{}, err
	}
	return ways{a}.begin(ctx, connector, caller, request)
}

// authorizer finds the connector of a REDIRECT channel definition.
func (a *Authorizations) authorizer(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Continuer, error) {
	known, ok := a.catalogue.Provider(provider)
	if !ok {
		return nil, oxlin.NotFound("provider")
	}
	channel, ok := known.Definition(definition)
	if !ok {
		return nil, oxlin.NotFound("channel definition")
	}
	if channel.Mode != oxlin.ModeRedirect {
		return nil, oxlin.Invalid("channel_definition_id", "Only a REDIRECT channel has an authorize URL.")
	}
	if known.Unavailable || channel.Unavailable {
		return nil, oxlin.Errorf(oxlin.CodeProviderUnavailable, "%s is not available at the moment.", known.Name)
	}
	connector, err := a.catalogue.Connector(provider, definition)
	if err != nil {
		return nil, fmt.Errorf("connector of %s/%s: %w", provider, definition, err)
	}
	continuer, ok := connector.(bank.Continuer)
	if !ok {
		return nil, fmt.Errorf("the connector of %s/%s has no way in", provider, definition)
	}
	return continuer, nil
}

// checkReturn refuses an address or a state that the client may not use.
func checkReturn(client oxlin.Client, request AuthorizeRequest) error {
	if strings.Contains(request.ClientState, "|") {
		return oxlin.Invalid("redirect_state", "The character | is reserved.")
	}
	if request.ReturnURI == "" {
		if request.ClientRedirect {
			return oxlin.Invalid("redirect_uri", "With use_client_redirect the bank needs a redirect_uri.")
		}
		return nil
	}
	if !client.MayRedirectTo(request.ReturnURI) {
		return oxlin.Invalid("redirect_uri", "The address is not registered for this client.")
	}
	return nil
}

// checkRenewal refuses to renew a connection that is another user's or at another
// provider.
func (a *Authorizations) checkRenewal(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) error {
	if request.ConnectionID == 0 {
		return nil
	}
	connection, err := ownConnection(ctx, a.db.Read(), caller, request.ConnectionID)
	if err != nil {
		return err
	}
	if connection.ProviderID != request.ProviderID {
		return oxlin.Invalid("connection_id", "The connection is at provider %s.", connection.ProviderID)
	}
	return nil
}

// mostAuthorizations bounds the authorizations of a user that wait.
const mostAuthorizations = 200

// insert stores an authorization until the user comes back, with a queue for the events of its
// connection.
func (a *Authorizations) insert(ctx context.Context, tx *store.Tx, caller oxlin.Caller, begun store.Authorization) error {
	now := a.now()
	pending, err := store.CountsOf(tx.Read()).Authorizations(ctx, caller.UserID, now)
	if err != nil {
		return err
	}
	if pending >= mostAuthorizations {
		return &oxlin.Error{
			Code: oxlin.CodeTooManyRequests, Message: "Too many authorisations of this user wait for their return from the bank.", RetryAfter: authorizationLife,
		}
	}
	begun.QueueID, err = event.Subscribe(ctx, tx, now, caller.UserID)
	if err != nil {
		return err
	}
	err = a.audit.Record(ctx, tx, audit.Entry{
		Action: audit.BankLeft, Client: caller.Client.ID, User: caller.UserID, Connection: begun.ConnectionID, Details: audit.Details{
			audit.Provider: string(begun.ProviderID), audit.Channel: string(begun.DefinitionID), audit.Flow: flowName(begun.FlowID),
		},
	})
	if err != nil {
		return err
	}
	return tx.InsertAuthorization(ctx, begun)
}

func hashState(state string) []byte { return vault.HashToken(oxlin.NewSecret(state)) }

// flowName names a flow in the audit log; it is empty without one.
func flowName(id oxlin.FlowID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}
