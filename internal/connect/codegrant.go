package connect

import (
	"context"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// CodeGrant is an authorisation code that the client took from the bank (mode B).
type CodeGrant struct {
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	RedirectURI  string
	// Return holds what the bank sent to the client: the whole return, or a code alone.
	Return bank.Return
	// ConsentPerAccount and AutoSync, where not nil, override what authorize_url said.
	ConsentPerAccount *bool
	AutoSync          *bool
}

// Connect makes a connection from an authorisation code (contract §11, "Mode B").
func (a *Authorizations) Connect(ctx context.Context, caller oxlin.Caller, grant CodeGrant) (oxlin.ConnectionID, error) {
	return a.useCode(ctx, caller, 0, grant)
}

// Renew renews or adds a connection's REDIRECT channel with an authorisation code.
func (a *Authorizations) Renew(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) error {
	connection, err := ownConnection(ctx, a.db.Read(), caller, id)
	if err != nil {
		return err
	}
	grant.ProviderID = connection.ProviderID
	_, err = a.useCode(ctx, caller, id, grant)
	return err
}

func (a *Authorizations) useCode(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) (oxlin.ConnectionID, error) {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return 0, err
	}
	_, err = a.authorizer(grant.ProviderID, grant.DefinitionID)
	if err != nil {
		return 0, err
	}
	// A repeated request joins the work on its code, also after the first one got the answer
	// that the database is away.
	key := answerHash("grant", caller.UserID.String(), string(caller.Client.ID), string(grant.ProviderID), string(grant.DefinitionID),
		id.String(), grant.RedirectURI, string(returnHash(grant.Return)))
	result, err := a.flights.join(ctx, string(key), func(ctx context.Context, f *flight) (CallbackResult, error) {
		begun, err := a.claimFor(ctx, f, caller, id, grant)
		if err != nil {
			return CallbackResult{}, err
		}
		return a.redeem(ctx, f, begun, bank.Input{Event: bank.Returned, Return: grant.Return, PSU: caller.PSU}, true)
	})
	if err == nil {
		err = result.failure
	}
	return result.ConnectionID, err
}

// claimFor claims the authorization that a grant completes. The state is between client
// and bank, so the authorization is found by what the client asked for. The newest comes
// first: its user has just come back.
func (a *Authorizations) claimFor(ctx context.Context, f *flight, caller oxlin.Caller, id oxlin.ConnectionID, grant CodeGrant) (begun store.Authorization, err error) {
	var waiting []store.Authorization
	err = f.persist(ctx, func(ctx context.Context) (err error) {
		waiting, err = a.db.Read().ClientAuthorizations(ctx, caller.UserID, a.now())
		return err
	})
	if err != nil {
		return begun, err
	}
	for _, begun := range waiting {
		if begun.ClientID != caller.Client.ID || begun.ProviderID != grant.ProviderID ||
			begun.DefinitionID != grant.DefinitionID || begun.ConnectionID != id ||
			grant.RedirectURI != "" && begun.BankRedirectURI != grant.RedirectURI {
			continue
		}
		begun, err = a.claim(ctx, f, begun.StateHash, grantHash(grant.Return))
		if err == nil && begun.Outcome != "" {
			err = oxlin.DefaultError(oxlin.CodeAuthorizationExpired) // another request was faster
		}
		if grant.ConsentPerAccount != nil {
			begun.ConsentPerAccount = *grant.ConsentPerAccount
		}
		if grant.AutoSync != nil {
			begun.AutoSync = *grant.AutoSync
		}
		return begun, err
	}
	return begun, &oxlin.Error{
		Code: oxlin.CodeAuthorizationExpired, Field: "redirect_uri",
		Message: "No authorize_url of this user with use_client_redirect and this redirect_uri waits for a code.",
	}
}

// ReturnOf reads the value of an AUTHORIZATION_CODE: a code, or the whole address with which
// the bank returned the user to the client (contract §12.17).
func ReturnOf(value string) bank.Return {
	address, err := url.Parse(value)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return bank.Return{Query: url.Values{"code": {value}}}
	}
	back := bank.Return{Query: address.Query()}
	back.Fragment, err = url.ParseQuery(address.EscapedFragment())
	if err != nil {
		back.Fragment = nil
	}
	return back
}

// grantHash identifies what a client brings, as the rows of earlier releases have it.
func grantHash(back bank.Return) []byte {
	if code := back.Get("code"); code != "" {
		return answerHash(code)
	}
	return returnHash(back)
}
