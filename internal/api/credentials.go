package api

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
)

// values maps the credentials of a body by their ids.
type values map[oxlin.CredentialID]string

// credentialValues reads the credentials of a body; a repeated id is an error, because
// the intended value is ambiguous.
func credentialValues(list []oas.Credential) (values, error) {
	given := values{}
	for _, credential := range list {
		id := oxlin.CredentialID(credential.ID)
		if _, twice := given[id]; twice {
			return nil, oxlin.Invalid("credentials."+string(id), "The credential %s comes twice.", id)
		}
		given[id] = string(credential.Value)
	}
	return given, nil
}

// authorizationCode returns the one credential that a REDIRECT channel takes. The other
// credentials belong to an EMBEDDED channel; both together are an error.
func (v values) authorizationCode() (code string, given bool, err error) {
	code, given = v[oxlin.CredentialID(oxlin.CredentialAuthorizationCode)]
	switch {
	case given && len(v) > 1:
		return "", true, oxlin.Invalid("credentials", "%s stands alone: other credentials are those of an EMBEDDED channel.", oxlin.CredentialAuthorizationCode)
	case given && code == "":
		return "", true, oxlin.Invalid("credentials", "The %s is empty.", oxlin.CredentialAuthorizationCode)
	}
	return code, given, nil
}

// definition returns the provider's first EMBEDDED channel definition that asks for all
// of these credentials. If there is no match it is empty, and the provider's first
// definition names the credential that does not fit.
func (v values) definition(p oxlin.Provider) oxlin.ChannelDefinitionID {
	for _, d := range p.ChannelDefinitions {
		fitting := 0
		for _, c := range d.Credentials {
			if _, given := v[c.ID]; given {
				fitting++
			}
		}
		if d.Mode == oxlin.ModeEmbedded && fitting == len(v) {
			return d.ID
		}
	}
	return ""
}

// keyID reads the id of the key that encrypts the credentials; zero if it is absent.
func keyID(given oas.OptID) (oxlin.KeyID, error) {
	if !given.Set {
		return 0, nil
	}
	id, ok := oxlin.ParseID[oxlin.KeyID](string(given.Value))
	if !ok {
		return 0, oxlin.Invalid("key_id", "There is no key %q.", string(given.Value))
	}
	return id, nil
}

// CreateConnection creates a connection from the user's credentials, or from the code
// that a bank gave to the client (contract §3.6, §11, "Mode B").
func (a *API) CreateConnection(ctx context.Context, request *oas.NewConnection, _ oas.CreateConnectionParams) (*oas.CreatedHeaders, error) {
	caller := callerOf(ctx)
	err := caller.RequireAgreement()
	if err != nil {
		return nil, err
	}
	given, err := credentialValues(request.Credentials)
	if err != nil {
		return nil, err
	}
	code, isCode, err := given.authorizationCode()
	if err != nil {
		return nil, err
	}
	p, ok := a.options.Service.Providers.Get(oxlin.ProviderID(request.ProviderID))
	if !ok {
		return nil, oxlin.Invalid("provider_id", "There is no provider %s.", string(request.ProviderID))
	}
	var id oxlin.ConnectionID
	if isCode {
		id, err = a.connectWithCode(ctx, request, p, code)
	} else {
		id, err = a.connectWithCredentials(ctx, request, p, given)
	}
	if err != nil {
		return nil, err
	}
	return &oas.CreatedHeaders{Location: "/connections/" + id.String()}, nil
}

func (a *API) connectWithCode(ctx context.Context, request *oas.NewConnection, p oxlin.Provider, code string) (oxlin.ConnectionID, error) {
	grant := connect.CodeGrant{
		ProviderID: p.ID, DefinitionID: oxlin.ChannelDefinitionID(request.ChannelDefinitionID.Value),
		RedirectURI: request.RedirectURI.Value, Return: connect.ReturnOf(code),
		ConsentPerAccount: firstFlag(request.ConsentPerAccount, request.SelectAccounts), AutoSync: firstFlag(request.AutoSync),
	}
	if grant.DefinitionID == "" {
		isRedirect := func(d oxlin.ChannelDefinition) bool { return d.Mode == oxlin.ModeRedirect }
		redirect := slices.IndexFunc(p.ChannelDefinitions, func(d oxlin.ChannelDefinition) bool { return isRedirect(d) && !d.Unavailable })
		if redirect < 0 {
			redirect = slices.IndexFunc(p.ChannelDefinitions, isRedirect)
		}
		if redirect < 0 {
			return 0, oxlin.Invalid("credentials", "Provider %s has no REDIRECT channel, so it gives no authorisation code.", p.ID)
		}
		grant.DefinitionID = p.ChannelDefinitions[redirect].ID
	}
	return a.options.Service.Authorizations.Connect(ctx, callerOf(ctx), grant)
}

func (a *API) connectWithCredentials(ctx context.Context, request *oas.NewConnection, p oxlin.Provider, given values) (oxlin.ConnectionID, error) {
	key, err := keyID(request.KeyID)
	if err != nil {
		return 0, err
	}
	definition := oxlin.ChannelDefinitionID(request.ChannelDefinitionID.Value)
	if definition == "" {
		definition = given.definition(p)
	}
	return a.options.Service.Credentials.Connect(ctx, callerOf(ctx), connect.NewConnection{
		ProviderID: p.ID, DefinitionID: definition, Credentials: connect.CredentialValues{KeyID: key, Values: given},
		ConsentPerAccount: isTrue(false, request.ConsentPerAccount, request.SelectAccounts), AutoSync: isTrue(true, request.AutoSync),
	})
}

// UpdateChannel gives a channel new credentials or renews it with a code. It adds the
// channel if the connection has not used it yet.
func (a *API) UpdateChannel(ctx context.Context, request *oas.ChannelUpdate, params oas.UpdateChannelParams) error {
	caller := callerOf(ctx)
	err := caller.RequireAgreement()
	if err != nil {
		return err
	}
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	if repeated, ok := request.ID.Get(); ok && string(repeated) != params.ChannelDefinitionID {
		return oxlin.Invalid("id", "The path names channel definition %s.", params.ChannelDefinitionID)
	}
	given, err := credentialValues(request.Credentials)
	if err != nil {
		return err
	}
	code, isCode, err := given.authorizationCode()
	if err != nil {
		return err
	}
	definition := oxlin.ChannelDefinitionID(params.ChannelDefinitionID)
	if isCode {
		return a.options.Service.Authorizations.Renew(ctx, caller, id, connect.CodeGrant{
			DefinitionID: definition, RedirectURI: request.RedirectURI.Value, Return: connect.ReturnOf(code),
		})
	}
	key, err := keyID(request.KeyID)
	if err != nil {
		return err
	}
	return a.options.Service.Credentials.Replace(ctx, caller, id, definition, connect.CredentialValues{KeyID: key, Values: given})
}

// UpdateCredential changes one credential of a connection.
func (a *API) UpdateCredential(ctx context.Context, request *oas.CredentialUpdate, params oas.UpdateCredentialParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	key, err := keyID(request.KeyID)
	if err != nil {
		return err
	}
	return a.options.Service.Credentials.ReplaceOne(ctx, callerOf(ctx), id, oxlin.CredentialID(params.CredentialID), key, string(request.Value))
}

// AnswerChallenges takes the user's answers to a bank's challenges (contract §3.6,
// §4.10).
func (a *API) AnswerChallenges(ctx context.Context, request *oas.Answers, params oas.AnswerChallengesParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	given, err := credentialValues(request.Credentials)
	if err != nil {
		return err
	}
	key, err := keyID(request.KeyID)
	if err != nil {
		return err
	}
	return a.options.Service.Credentials.Answer(ctx, callerOf(ctx), id, oxlin.ChannelDefinitionID(params.ChannelDefinitionID), connect.UserInput{Answers: given, KeyID: key})
}
