package oxlin

// TermsVersion is the version of the current terms and conditions. After a change,
// users must accept them again.
const TermsVersion = "2026-12"

// MustAcceptTerms reports whether the user must first accept the terms. Users of a
// client with its own agreement never have to (contract §11).
func (u User) MustAcceptTerms(client Client) bool {
	return !client.Licensed && u.TermsVersion != TermsVersion
}
