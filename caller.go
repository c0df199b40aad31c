package oxlin

import (
	"fmt"
	"strings"
)

// Caller is on whose behalf something is done: a user through a client, or a
// client alone, with what their token allows.
type Caller struct {
	Client Client
	// UserID is zero when a client acts for none of its users.
	UserID UserID
	Scopes Scopes
	// PSU is the user while they are present; nil when nobody says so.
	PSU *PSU
	// Hosted says that the user acts in our own pages, which do for a client
	// without an agreement what it may not do itself (contract §11, "Agreement").
	Hosted bool
}

// Require fails with CodeInsufficientScope, which names the scopes, unless one of
// them is granted (contract §11, "Scopes per operation").
func (c Caller) Require(anyOf ...Scope) error {
	if c.Scopes.GrantsAny(anyOf...) {
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

// RequireAgreementOrWidget is RequireAgreement, for what our own pages do for
// every client.
func (c Caller) RequireAgreementOrWidget() error {
	if c.Hosted {
		return nil
	}
	return c.RequireAgreement()
}

// RequireAgreement fails with CodeAgreementRequired unless the client has a PSD2
// agreement of its own (contract §11, "Agreement").
func (c Caller) RequireAgreement() error {
	if c.Client.Licensed {
		return nil
	}
	return Errorf(CodeAgreementRequired, "%s", Catalogue[CodeAgreementRequired].Message)
}
