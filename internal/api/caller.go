package api

import (
	"context"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// operationsWithoutUser lists the operations that a client's own token may call.
var operationsWithoutUser = []oas.OperationName{
	oas.CreateUserOperation, oas.ListProvidersOperation, oas.GetProviderOperation, oas.ListCategoriesOperation,
}

type callerKey struct{}

// callerOf returns the caller of the current operation.
func callerOf(ctx context.Context) oxlin.Caller { return ctx.Value(callerKey{}).(oxlin.Caller) }

// HandleOAuth2 turns the bearer token into a caller before the request is read. The
// scopes are those that the document lists for the operation.
func (a *API) HandleOAuth2(ctx context.Context, operation oas.OperationName, token oas.OAuth2) (context.Context, error) {
	x := exchangeOf(ctx)
	grant, err := a.Auth.Authenticate(ctx, oxlin.NewSecret(token.Token))
	if err != nil {
		return nil, err
	}
	psu, err := x.psu()
	if err != nil {
		return nil, err
	}
	x.caller = oxlin.Caller{Client: grant.Client, UserID: grant.UserID, Scopes: grant.Scopes, PSU: psu}
	if grant.UserID == 0 {
		err = a.actForUser(ctx, x, operation)
	} else {
		err = a.checkUser(ctx, x.caller, operation)
	}
	if err != nil {
		return nil, err
	}
	err = requireScope(x.caller, token.Scopes)
	if err != nil {
		return nil, err
	}
	if x.caller.UserID == 0 && !slices.Contains(operationsWithoutUser, operation) {
		return nil, oxlin.Invalid(headerUserID, "A token of the client acts for a user: name the user in the header %s, or send a token of the user.", headerUserID)
	}
	return context.WithValue(ctx, callerKey{}, x.caller), nil
}

// The headers of the admin mode (contract §3.2).
const (
	headerUserID = "x-linxo-user-id"
	headerScope  = "x-scope"
)

// actForUser implements the admin mode: a client's own token acts for one of its users.
func (a *API) actForUser(ctx context.Context, x *exchange, operation oas.OperationName) error {
	if slices.Contains(operationsWithoutUser, operation) {
		return nil
	}
	named := x.request.Header.Get(headerUserID)
	if named == "" && operation == oas.GetConnectionsUsingGETOperation {
		named = x.request.URL.Query().Get("user_id")
	}
	if named != "" {
		id, _ := oxlin.ParseID[oxlin.UserID](named)
		_, err := a.Users.OfClient(ctx, x.caller.Client, id)
		if err != nil {
			return err
		}
		x.caller.UserID = id
	}
	if narrow := strings.Fields(x.request.Header.Get(headerScope)); len(narrow) > 0 {
		var scopes oxlin.Scopes
		for _, scope := range narrow {
			if x.caller.Scopes.Grants(oxlin.Scope(scope)) {
				scopes = append(scopes, oxlin.Scope(scope))
			}
		}
		x.caller.Scopes = scopes
	}
	return nil
}

// checkUser refuses a deleted user, and a user who has not accepted the terms yet; the
// latter may only delete themselves (contract §11, "Terms").
func (a *API) checkUser(ctx context.Context, caller oxlin.Caller, operation oas.OperationName) error {
	user, err := a.Users.Get(ctx, caller)
	if oxlin.IsNotFound(err) {
		return oxlin.Errorf(oxlin.CodeInvalidToken, "The user of this token has been deleted.")
	}
	if err != nil {
		return err
	}
	if operation != oas.DeleteUserOperation && user.MustAcceptTerms(caller.Client) {
		return oxlin.DefaultError(oxlin.CodeTermsRequired)
	}
	return nil
}

// requireScope returns an error unless the caller has one of the scopes; an empty list
// accepts any token.
func requireScope(caller oxlin.Caller, scopes []string) error {
	if len(scopes) == 0 {
		return nil
	}
	anyOf := make([]oxlin.Scope, len(scopes))
	for i, scope := range scopes {
		anyOf[i] = oxlin.Scope(scope)
	}
	return caller.Require(anyOf...)
}
