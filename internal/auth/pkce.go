package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"regexp"

	"github.com/oxlin/oxlin"
)

// challengeMethod is the only supported transformation. "plain" would show the verifier
// to every reader of the request (RFC 7636 §7.2, RFC 9700 §2.1.1).
const challengeMethod = "S256"

// challengeForm is a SHA-256 hash in base64url (RFC 7636 §4.2).
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// verifierForm is the syntax of a code_verifier (RFC 7636 §4.1).
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// checkChallenge checks the PKCE parameters of a request for a code. A public client
// must send a challenge (RFC 7636 §4.4.1, RFC 9700 §2.1.1).
func checkChallenge(client oxlin.Client, form url.Values) error {
	challenge := form.Get("code_challenge")
	switch {
	case challenge == "" && client.IsPublic():
		return refusalf(oxlin.CodeInvalidRequest, "A client without a secret must send a code_challenge.")
	case challenge != "" && form.Get("code_challenge_method") != challengeMethod:
		return refusalf(oxlin.CodeInvalidRequest, "The only supported code_challenge_method is S256.")
	case challenge != "" && !challengeForm.MatchString(challenge):
		return refusalf(oxlin.CodeInvalidRequest, "The code_challenge is the SHA-256 hash of the code_verifier in base64url: 43 characters.")
	}
	return nil
}

// checkVerifier compares the code_verifier of a token request with the challenge of
// the request for the code (RFC 7636 §4.6). Neither can be sent without the other:
// an attacker could remove the challenge (RFC 9700 §4.8.2).
func checkVerifier(asked url.Values, request tokenRequest) error {
	challenge, verifier := asked.Get("code_challenge"), request.form.Get("code_verifier")
	err := checkChallenge(request.client, asked)
	if err != nil {
		return err
	}
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return refusalf(oxlin.CodeInvalidGrant, "The request for the code had no code_challenge; a code_verifier is refused.")
	case !verifierForm.MatchString(verifier):
		return refusalf(oxlin.CodeInvalidGrant, "The code_verifier must have 43 to 128 letters, digits, or characters of -._~.")
	}
	sum := sha256.Sum256([]byte(verifier))
	transformed := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(transformed), []byte(challenge)) != 1 {
		return refusalf(oxlin.CodeInvalidGrant, "The code_verifier does not match the code_challenge.")
	}
	return nil
}
