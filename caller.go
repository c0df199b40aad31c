package oxlin

import (
	"fmt"
	"strings"
)

// Caller identifies on whose behalf a use case runs: a user through a client, or a
// client alone, with the scopes of the token.
type Caller struct {
	Client Client
	// UserID is zero when a client acts for none of its users.
	UserID UserID
	Scopes Scopes
	// PSU is the user while they are present; nil if their presence is not stated.
	PSU *PSU
	// Hosted is set if the user acts in the hosted pages, which may do more than a
	// client without an agreement (contract §11, "Agreement").
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

// RequireAgreementOrWidget is RequireAgreement, except that the hosted pages need no
// agreement.
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
	return DefaultError(CodeAgreementRequired)
}
