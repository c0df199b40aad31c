package oxlin

// Caller identifies on whose behalf a use case runs: a user through a client, or a
// client alone. It carries no scopes: whoever makes a Caller of a token has checked them
// with Scopes.Require.
type Caller struct {
	Client Client
	// UserID is zero when a client acts for none of its users.
	UserID UserID
	// SignIn is the family of the user's token; empty if the client acts for the user.
	SignIn string
	// PSU is the user while they are present; nil if their presence is not stated.
	PSU *PSU
	// Hosted is set if the user acts in the hosted pages, which may do more than a
	// client without an agreement (contract §11, "Agreement").
	Hosted bool
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
