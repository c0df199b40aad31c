package synchro

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// journeyTime is how long a user may take at the bank.
const journeyTime = time.Hour

// AuthorizeRequest asks for the address of a bank's login (contract §3.4).
type AuthorizeRequest struct {
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// ConnectionID renews the consent of a connection; zero makes a new one.
	ConnectionID oxlin.ConnectionID
	// ReturnURI is where the user ends: ours redirects there after the callback,
	// or, with ClientRedirect, the bank does.
	ReturnURI string
	// ClientRedirect says that the client takes the bank's callback itself (mode B).
	ClientRedirect bool
	// ClientState comes back as state in mode B.
	ClientState       string
	ConsentPerAccount bool
	// AutoSync asks for a synchronisation every day.
	AutoSync bool
	// Widget says that widget_params were given, so that an unlicensed client may.
	Widget bool
	// FlowID is the way through our own widget that this is a part of; zero for none.
	FlowID oxlin.FlowID
}

// AuthorizeURL prepares a user's way to the bank and gives the address to send
// them to.
func (s *Service) AuthorizeURL(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) (string, error) {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return "", err
	}
	if !request.Widget {
		err := caller.RequireAgreementOrWidget()
		if err != nil {
			return "", err
		}
	}
	if request.ConsentPerAccount {
		err := caller.RequireAgreement()
		if err != nil {
			return "", err
		}
	}
	connector, err := s.authorizer(request.ProviderID, request.DefinitionID)
	if err != nil {
		return "", err
	}
	err = s.checkReturn(caller.Client, request)
	if err != nil {
		return "", err
	}
	if request.ConnectionID != 0 {
		connection, err := s.own(ctx, s.DB.Read(), caller, request.ConnectionID)
		if err != nil {
			return "", err
		}
		if connection.ProviderID != request.ProviderID {
			return "", oxlin.Invalid("connection_id", "The connection is at provider %s.", connection.ProviderID)
		}
	}

	random, err := vault.NewSessionID(s.Rand)
	if err != nil {
		return "", err
	}
	state := random.Reveal()
	verifier, err := vault.NewToken(s.Rand) // as long as RFC 7636 §4.1 asks
	if err != nil {
		return "", err
	}
	journey := bank.Authorization{RedirectURI: s.CallbackURL, State: state, Verifier: verifier}
	if request.ClientRedirect {
		journey.RedirectURI = request.ReturnURI
		if request.ClientState != "" {
			journey.State = request.ClientState
		}
	}
	address, err := connector.AuthorizeURL(journey)
	if err != nil {
		return "", fmt.Errorf("authorize url: %w", err)
	}

	hash := hashState(state)
	sealed, err := s.Vault.SealSecret(journey.Verifier, verifierPlace(hash))
	if err != nil {
		return "", err
	}
	now := s.Now()
	err = s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		queue, err := event.Subscribe(ctx, tx, now, caller.UserID)
		if err != nil {
			return err
		}
		return tx.InsertAuthorization(ctx, store.Authorization{
			StateHash: hash, UserID: caller.UserID, ClientID: caller.Client.ID, ProviderID: request.ProviderID,
			DefinitionID: request.DefinitionID, ConnectionID: request.ConnectionID, ClientRedirect: request.ClientRedirect,
			ReturnURI: request.ReturnURI, BankRedirectURI: journey.RedirectURI, Verifier: sealed,
			ConsentPerAccount: request.ConsentPerAccount, AutoSync: request.AutoSync, QueueID: queue, FlowID: request.FlowID,
			CreatedAt: now, ExpiresAt: now.Add(journeyTime),
		})
	})
	return address, err
}

// checkReturn refuses what the client may not ask to be redirected to.
func (s *Service) checkReturn(client oxlin.Client, request AuthorizeRequest) error {
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

// authorizer finds the connector of a REDIRECT channel definition.
func (s *Service) authorizer(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Authorizer, error) {
	known, ok := s.Catalogue.Provider(provider)
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
	connector, err := s.Catalogue.Connector(provider, definition)
	if err != nil {
		return nil, fmt.Errorf("connector of %s/%s: %w", provider, definition, err)
	}
	authorizer, ok := connector.(bank.Authorizer)
	if !ok {
		return nil, fmt.Errorf("the connector of %s/%s cannot authorize", provider, definition)
	}
	return authorizer, nil
}

// Callback is what a bank sent a user back with.
type Callback struct {
	State            string
	Code             string
	Error            string
	ErrorDescription string
	// PSU is the user whose browser it is.
	PSU *oxlin.PSU
}

// Return is where a user goes after the callback: the contract's query
// parameters are added to URI (contract §6.4, §11).
type Return struct {
	// URI is empty when the client gave none: we show our own page.
	URI          string
	ConnectionID oxlin.ConnectionID
	QueueID      oxlin.QueueID
	// Status is success, error or cancelled; Result refines it.
	Status           string
	Result           string
	ErrorDescription string
	// FlowID is the way through our widget that goes on now; zero for none.
	FlowID oxlin.FlowID
}

// FinishCallback takes a user back from the bank (mode A): it makes or renews the
// connection and starts its synchronisation. An unknown, used or expired state is
// CodeAuthorizationExpired; every other failure is told in the Return.
func (s *Service) FinishCallback(ctx context.Context, callback Callback) (Return, error) {
	hash := hashState(callback.State)
	journey, err := s.takeJourney(ctx, hash)
	if err != nil {
		return Return{}, err
	}
	back := Return{URI: journey.ReturnURI, ConnectionID: journey.ConnectionID, QueueID: journey.QueueID, FlowID: journey.FlowID}
	if callback.Error != "" || callback.Code == "" {
		back.Status, back.Result = "error", "bank_error"
		back.ErrorDescription = strings.TrimSpace(callback.Error + " " + callback.ErrorDescription)
		if callback.Error == "" {
			back.ErrorDescription = "The bank sent neither a code nor an error."
		}
		if callback.Error == "access_denied" {
			back.Status, back.Result = "cancelled", "cancelled"
		}
		return back, nil
	}
	id, err := s.arrive(ctx, journey, callback.Code, callback.PSU)
	if err != nil {
		s.Log.WarnContext(ctx, "the bank's callback failed", "provider", journey.ProviderID, "user", journey.UserID, "error", err)
		back.Status, back.Result = "error", "bank_error"
		back.ErrorDescription = oxlin.AsError(err).Message
		return back, nil
	}
	back.Status, back.Result, back.ConnectionID = "success", "created", id
	if journey.ConnectionID != 0 {
		back.Result = "updated"
	}
	return back, nil
}

// takeJourney uses a state up: whoever comes second finds nothing.
func (s *Service) takeJourney(ctx context.Context, hash []byte) (store.Authorization, error) {
	var journey store.Authorization
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		journey, err = tx.Authorization(ctx, hash)
		if err != nil {
			return err
		}
		taken, err := tx.TakeAuthorization(ctx, hash)
		if err == nil && !taken {
			return oxlin.NotFound("authorisation")
		}
		return err
	})
	if oxlin.IsNotFound(err) || err == nil && !s.Now().Before(journey.ExpiresAt) {
		return journey, oxlin.Errorf(oxlin.CodeAuthorizationExpired, "%s", oxlin.Catalogue[oxlin.CodeAuthorizationExpired].Message)
	}
	return journey, err
}

// arrive exchanges the bank's code and puts what it opens into a connection.
func (s *Service) arrive(ctx context.Context, journey store.Authorization, code string, psu *oxlin.PSU) (oxlin.ConnectionID, error) {
	authorizer, err := s.authorizer(journey.ProviderID, journey.DefinitionID)
	if err != nil {
		return 0, err
	}
	verifier, err := s.Vault.OpenSecret(journey.Verifier, verifierPlace(journey.StateHash))
	if err != nil {
		return 0, err
	}
	access, err := authorizer.Exchange(ctx, code, bank.Authorization{RedirectURI: journey.BankRedirectURI, Verifier: verifier})
	if err != nil {
		return 0, bankRefused(err)
	}
	var id oxlin.ConnectionID
	err = s.DB.WriteFor(ctx, journey.UserID, func(tx *store.Tx) error {
		var err error
		id, err = s.connect(ctx, tx, journey, access, psu)
		return err
	})
	return id, err
}

// bankRefused tells a bank's failure to a client, without the bank's words.
func bankRefused(err error) error {
	failure := bank.AsFailure(err)
	code := oxlin.CodeBankRefused
	switch failure.Kind {
	case bank.Unavailable, bank.RateLimited:
		code = oxlin.CodeProviderUnavailable
	case bank.Nonsense:
		code = oxlin.CodeBankError
	}
	return &oxlin.Error{Code: code, Message: oxlin.Catalogue[code].Message, RetryAfter: failure.RetryAfter, Err: err}
}

// connect makes or renews the connection of a journey, and starts listing its accounts.
func (s *Service) connect(ctx context.Context, tx *store.Tx, journey store.Authorization, access bank.Access, psu *oxlin.PSU) (oxlin.ConnectionID, error) {
	now := s.Now()
	var flow store.WidgetFlow
	if journey.FlowID != 0 {
		var err error
		flow, err = tx.WidgetFlow(ctx, journey.FlowID)
		if err != nil {
			return 0, err
		}
		if flow.ConnectionID != 0 {
			// Two visits to the bank in one flow make one connection.
			journey.ConnectionID = flow.ConnectionID
		}
	}
	id := journey.ConnectionID
	if id == 0 {
		provider, _ := s.Catalogue.Provider(journey.ProviderID)
		var err error
		id, err = tx.InsertConnection(ctx, oxlin.Connection{
			UserID: journey.UserID, ProviderID: journey.ProviderID, Name: provider.Name, AutoSync: journey.AutoSync,
			ConsentPerAccount: journey.ConsentPerAccount, CreatedAt: now,
		})
		if err != nil {
			return 0, err
		}
	}
	connection, err := tx.Connection(ctx, id)
	if err != nil {
		return 0, err
	}
	channel, used := connection.Channel(journey.DefinitionID)
	if !used {
		channel, err = addChannel(ctx, tx, id, journey.DefinitionID, oxlin.ModeRedirect)
		if err != nil {
			return 0, err
		}
	}
	if journey.ConnectionID == 0 {
		_, err := s.Events.Record(ctx, tx, now, id, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
		if err != nil {
			return 0, err
		}
	}
	err = s.saveAccess(ctx, tx, channel.ID, access)
	if err != nil {
		return 0, err
	}
	channel.ConsentUntil, channel.Failures = access.ConsentUntil, 0
	err = s.supersede(ctx, tx, channel.ID, now)
	if err != nil {
		return 0, err
	}
	if flow.ID != 0 {
		_, err := tx.EnterWidgetFlow(ctx, flow.ID, flow.Attempt, id, journey.DefinitionID)
		if err != nil {
			return 0, err
		}
	}
	return id, s.start(ctx, tx, channel, oxlin.SyncListAccounts, psu, oxlin.SyncProgress{AskConsent: flow.ID != 0})
}

// supersede ends the synchronisation of a channel that still runs, if any: it
// works with an access that is no longer the best.
func (s *Service) supersede(ctx context.Context, tx *store.Tx, id oxlin.ChannelID, now time.Time) error {
	running, err := tx.LiveSynchronisation(ctx, id)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return end(ctx, tx, running, now)
}

// CodeGrant is an authorisation code that the client took from the bank (mode B).
type CodeGrant struct {
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	RedirectURI  string
	Code         string
	// ConsentPerAccount and AutoSync, where not nil, override what authorize_url said.
	ConsentPerAccount *bool
	AutoSync          *bool
}

// CreateConnection makes a connection from an authorisation code (contract §11, "Mode B").
func (s *Service) CreateConnection(ctx context.Context, caller oxlin.Caller, grant CodeGrant) (oxlin.ConnectionID, error) {
	return s.useCode(ctx, caller, 0, grant)
}

// UpdateChannel renews or adds a REDIRECT channel with an authorisation code.
func (s *Service) UpdateChannel(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) error {
	connection, err := s.own(ctx, s.DB.Read(), caller, id)
	if err != nil {
		return err
	}
	grant.ProviderID = connection.ProviderID
	_, err = s.useCode(ctx, caller, id, grant)
	return err
}

func (s *Service) useCode(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) (oxlin.ConnectionID, error) {
	err := requireManaging(caller)
	if err != nil {
		return 0, err
	}
	_, err = s.authorizer(grant.ProviderID, grant.DefinitionID)
	if err != nil {
		return 0, err
	}
	journeys, err := s.DB.Read().ClientAuthorizations(ctx, caller.UserID, s.Now())
	if err != nil {
		return 0, err
	}
	// The state is between client and bank, so the journey is found by what
	// the client asked for: the newest is the one whose user has just come back.
	for _, journey := range journeys {
		if journey.ClientID != caller.Client.ID || journey.ProviderID != grant.ProviderID ||
			journey.DefinitionID != grant.DefinitionID || journey.ConnectionID != id ||
			grant.RedirectURI != "" && journey.BankRedirectURI != grant.RedirectURI {
			continue
		}
		journey, err = s.takeJourney(ctx, journey.StateHash)
		if err != nil {
			return 0, err
		}
		if grant.ConsentPerAccount != nil {
			journey.ConsentPerAccount = *grant.ConsentPerAccount
		}
		if grant.AutoSync != nil {
			journey.AutoSync = *grant.AutoSync
		}
		return s.arrive(ctx, journey, grant.Code, caller.PSU)
	}
	return 0, &oxlin.Error{
		Code: oxlin.CodeAuthorizationExpired, Field: "redirect_uri",
		Message: "No authorize_url of this user with use_client_redirect and this redirect_uri waits for a code.",
	}
}

// saveAccess seals what lets us in and stores it with the channel.
func (s *Service) saveAccess(ctx context.Context, tx *store.Tx, id oxlin.ChannelID, access bank.Access) error {
	sealed, err := s.Vault.SealSecret(access.Encode(), accessPlace(id))
	if err != nil {
		return err
	}
	return tx.SetAccess(ctx, id, sealed)
}

func hashState(state string) []byte { return vault.HashToken(oxlin.NewSecret(state)) }
