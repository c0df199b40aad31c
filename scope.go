package oxlin

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is a permission of a token (contract §2.3).
type Scope string

// The eight scopes, and openid, which asks for an id_token.
const (
	ScopeAccountsRead      Scope = "accounts_read"
	ScopeAccountsManage    Scope = "accounts_manage"
	ScopeConnectionsManage Scope = "connections_manage"
	ScopeConnectionsSync   Scope = "connections_sync"
	ScopeTransactionsRead  Scope = "transactions_read"
	ScopeProfile           Scope = "profile"
	ScopeProfileEdit       Scope = "profile_edit"
	ScopeUsersCreate       Scope = "users_create"
	ScopeOpenID            Scope = "openid"
)

// implies lists the additional scopes that a scope grants.
var implies = map[Scope][]Scope{
	ScopeAccountsManage:   {ScopeAccountsRead},
	ScopeTransactionsRead: {ScopeAccountsRead},
	ScopeProfileEdit:      {ScopeProfile},
}

// UserScopes are the scopes that a user's token may carry.
func UserScopes() []Scope {
	return []Scope{
		ScopeOpenID, ScopeAccountsRead, ScopeAccountsManage, ScopeConnectionsManage,
		ScopeConnectionsSync, ScopeTransactionsRead, ScopeProfile, ScopeProfileEdit,
	}
}

// ClientScopes are the scopes that a client's own token may carry: users_create,
// and those of a user for the admin mode (contract §3.2), but never openid.
func ClientScopes() []Scope {
	return append([]Scope{ScopeUsersCreate}, UserScopes()[1:]...)
}

// Scopes are the scopes of one token.
type Scopes []Scope

// Grants reports whether the scopes include one, directly or through the hierarchy.
func (s Scopes) Grants(wanted Scope) bool {
	return slices.ContainsFunc(s, func(held Scope) bool {
		return held == wanted || slices.Contains(implies[held], wanted)
	})
}

// Require fails with CodeInsufficientScope, which names the scopes, unless one of
// them is granted (contract §11, "Scopes per operation"). An empty list requires none.
func (s Scopes) Require(anyOf ...Scope) error {
	if len(anyOf) == 0 || slices.ContainsFunc(anyOf, s.Grants) {
		return nil
	}
	names := make([]string, len(anyOf))
	for i, scope := range anyOf {
		names[i] = string(scope)
	}
	return &Error{
		Code: CodeInsufficientScope, Field: "scope",
		Message: fmt.Sprintf("This operation needs the scope %s.", strings.Join(names, " or ")),
	}
}
