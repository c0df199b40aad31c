package oxlin

// TermsVersion names our terms and conditions as they are now; it changes with
// the text, and users then accept it anew.
const TermsVersion = "2026-11"

// MustAcceptTerms says whether the user has to accept our terms before anything
// else: the users of a client with an agreement of its own never do (contract §11).
func (u User) MustAcceptTerms(client Client) bool {
	return !client.Licensed && u.TermsVersion != TermsVersion
}
