package api

import (
	"context"
	"crypto/sha256"
	"path"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth"
)

// operationsWithoutUser lists the operations that a client's own token may call.
var operationsWithoutUser = []oas.OperationName{
	oas.CreateUserOperation, oas.ListProvidersOperation, oas.GetProviderOperation, oas.ListCategoriesOperation,
}

type callerKey struct{}

// operationsOnUser lists the operations for which a client's own token may name the user in
// the path alone.
var operationsOnUser = []oas.OperationName{oas.SetPasswordOperation, oas.EndSessionsOperation}

// callerOf returns the caller of the current operation.
func callerOf(ctx context.Context) oxlin.Caller { return ctx.Value(callerKey{}).(oxlin.Caller) }

// HandleOAuth2 turns the bearer token into a caller before the request is read. The
// document alone lists the scopes of each operation; they are checked here and nowhere else.
func (a *API) HandleOAuth2(ctx context.Context, operation oas.OperationName, token oas.OAuth2) (context.Context, error) {
	x := exchangeOf(ctx)
	grant, err := a.options.Auth.Authenticate(ctx, oxlin.NewSecret(token.Token))
	if err != nil {
		return nil, err
	}
	psu, err := x.psu()
	if err != nil {
		return nil, err
	}
	x.bearer = sha256.Sum256([]byte(token.Token))
	x.caller = oxlin.Caller{Client: grant.Client, UserID: grant.UserID, PSU: psu}
	scopes := grant.Scopes
	if grant.UserID == 0 {
		scopes, err = a.actForUser(ctx, x, operation, scopes)
	} else {
		x.caller.SignIn = grant.Family
		err = checkUser(grant, operation)
	}
	if err != nil {
		return nil, err
	}
	err = scopes.Require(convertAll(token.Scopes, func(name string) oxlin.Scope { return oxlin.Scope(name) })...)
	if err != nil {
		return nil, err
	}
	if x.caller.UserID == 0 && !slices.Contains(operationsWithoutUser, operation) {
		return nil, oxlin.Invalid(headerUserID, "A token of the client acts for a user: name the user in the header %s, or send a token of the user.", headerUserID)
	}
	actor := audit.Client
	if x.caller.SignIn != "" && psu != nil {
		actor = audit.User
	}
	return context.WithValue(audit.As(ctx, actor, ""), callerKey{}, x.caller), nil
}

// The headers of the admin mode (contract §3.2).
const (
	headerUserID = "x-linxo-user-id"
	headerScope  = "x-scope"
)

// actForUser implements the admin mode: a client's own token acts for one of its users.
// It returns the token's scopes, narrowed to those that the client names.
func (a *API) actForUser(ctx context.Context, x *exchange, operation oas.OperationName, held oxlin.Scopes) (oxlin.Scopes, error) {
	if slices.Contains(operationsWithoutUser, operation) {
		return held, nil
	}
	named := x.request.Header.Get(headerUserID)
	if named == "" && operation == oas.GetConnectionsUsingGETOperation {
		named = x.request.URL.Query().Get("user_id")
	}
	if in := path.Base(path.Dir(x.request.URL.Path)); named == "" && in != "me" && slices.Contains(operationsOnUser, operation) {
		named = in
	}
	if named != "" {
		id, _ := oxlin.ParseID[oxlin.UserID](named)
		_, err := a.options.Users.OfClient(ctx, x.caller.Client, id)
		if err != nil {
			return nil, err
		}
		x.caller.UserID = id
	}
	wanted := strings.Fields(x.request.Header.Get(headerScope))
	if len(wanted) == 0 {
		return held, nil
	}
	var narrowed oxlin.Scopes
	for _, name := range wanted {
		if held.Grants(oxlin.Scope(name)) {
			narrowed = append(narrowed, oxlin.Scope(name))
		}
	}
	return narrowed, nil
}

// checkUser refuses a deleted user, and a user who has not accepted the terms yet; the
// latter may only delete themselves (contract §11, "Terms").
func checkUser(grant auth.Grant, operation oas.OperationName) error {
	if grant.User.ID == 0 {
		return oxlin.Errorf(oxlin.CodeInvalidToken, "The user of this token has been deleted.")
	}
	if operation != oas.DeleteUserOperation && grant.User.MustAcceptTerms(grant.Client) {
		return oxlin.DefaultError(oxlin.CodeTermsRequired)
	}
	return nil
}
