package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/connect"
)

// CreateAuthorizeUrl returns the address of a bank's login for the user (contract §3.4,
// §11).
func (a *API) CreateAuthorizeUrl(ctx context.Context, request *oas.AuthorizeRequest, params oas.CreateAuthorizeUrlParams) (*oas.BankAddressHeaders, error) {
	caller := callerOf(ctx)
	if id, ok := request.ChannelDefinitionID.Get(); ok && string(id) != params.ChannelDefinitionID {
		return nil, oxlin.Invalid("channel_definition_id", "The path names channel definition %s.", params.ChannelDefinitionID)
	}
	widget := request.WidgetParams
	err := a.checkWidgetParams(ctx, caller, widget.Value)
	if err != nil {
		return nil, err
	}
	asked := connect.AuthorizeRequest{
		ProviderID:        oxlin.ProviderID(params.ProviderID),
		DefinitionID:      oxlin.ChannelDefinitionID(params.ChannelDefinitionID),
		ClientRedirect:    bool(request.UseClientRedirect.Value),
		ClientState:       request.RedirectState.Value,
		ConsentPerAccount: isTrue(false, request.ConsentPerAccount, request.SelectAccounts, widget.Value.ConsentPerAccount, widget.Value.SelectAccounts),
		AutoSync:          isTrue(true, request.AutoSync, widget.Value.AutoSync),
		Widget:            widget.Set,
	}
	asked.Credentials, err = credentialValues(request.Credentials)
	if err != nil {
		return nil, err
	}
	if id, ok := request.ConnectionID.Get(); ok {
		asked.ConnectionID, ok = oxlin.ParseID[oxlin.ConnectionID](string(id))
		if !ok {
			return nil, oxlin.NotFound("connection")
		}
	}
	asked.ReturnURI = request.RedirectURL.Or(request.RedirectURI.Value)
	if asked.ReturnURI == "" && !asked.ClientRedirect {
		asked.ReturnURI = widget.Value.RedirectURL.Or(widget.Value.RedirectURI.Value)
	}
	address, err := a.options.Service.Authorizations.Begin(ctx, caller, asked)
	if err != nil {
		return nil, err
	}
	return &oas.BankAddressHeaders{Location: address}, nil
}

// CreateAuthorizeUrlByChannel is CreateAuthorizeUrl under its other path.
func (a *API) CreateAuthorizeUrlByChannel(ctx context.Context, request *oas.AuthorizeRequest, params oas.CreateAuthorizeUrlByChannelParams) (*oas.BankAddressHeaders, error) {
	return a.CreateAuthorizeUrl(ctx, request, oas.CreateAuthorizeUrlParams(params))
}

// firstFlag returns the first flag that is set; nil if all are absent.
func firstFlag(flags ...oas.OptFlag) *bool {
	for _, flag := range flags {
		if flag.Set {
			value := bool(flag.Value)
			return &value
		}
	}
	return nil
}

// isTrue returns the first flag that is set, or the default.
func isTrue(otherwise bool, flags ...oas.OptFlag) bool {
	flag := firstFlag(flags...)
	if flag == nil {
		return otherwise
	}
	return *flag
}

// checkWidgetParams refuses tokens of another client or user.
func (a *API) checkWidgetParams(ctx context.Context, caller oxlin.Caller, widget oas.WidgetParams) error {
	if id, ok := widget.ClientID.Get(); ok && id != string(caller.Client.ID) {
		return oxlin.Invalid("widget_params.client_id", "The token of this request is of another client.")
	}
	if token, ok := widget.AccessToken.Get(); ok {
		grant, err := a.options.Auth.Authenticate(ctx, oxlin.NewSecret(token))
		err = sameUser(caller, grant, err, "widget_params.access_token")
		if err != nil {
			return err
		}
	}
	if token, ok := widget.RefreshToken.Get(); ok {
		grant, err := a.options.Auth.VerifyRefresh(ctx, caller.Client.ID, oxlin.NewSecret(token))
		return sameUser(caller, grant, err, "widget_params.refresh_token")
	}
	return nil
}

// sameUser returns an error unless a token's grant belongs to the caller.
func sameUser(caller oxlin.Caller, grant auth.Grant, err error, field string) error {
	if err != nil && oxlin.AsError(err).Code != oxlin.CodeInvalidToken {
		return err
	}
	if err != nil || grant.Client.ID != caller.Client.ID || grant.UserID != caller.UserID {
		return oxlin.Invalid(field, "The token has to be valid, and of the same user and client.")
	}
	return nil
}
