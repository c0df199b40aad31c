package synchro

import (
	"context"

	"github.com/oxlin/oxlin"
)

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
}

// AuthorizeURL prepares a user's way to the bank and gives the address to send
// them to.
func (s *Service) AuthorizeURL(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) (string, error) {
	panic("being written")
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
}

// FinishCallback takes a user back from the bank (mode A): it makes or renews the
// connection and starts its synchronisation. An unknown, used or expired state is
// CodeAuthorizationExpired; every other failure is told in the Return.
func (s *Service) FinishCallback(ctx context.Context, callback Callback) (Return, error) {
	panic("being written")
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
	panic("being written")
}

// UpdateChannel renews or adds a REDIRECT channel with an authorisation code.
func (s *Service) UpdateChannel(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) error {
	panic("being written")
}
