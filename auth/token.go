package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

// token is POST /token (contract §2.1).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	answer, err := s.grant(r.Context(), r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// tokenAnswer is the answer of RFC 6749 §5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// needed are the grants, and the parameters that each cannot do without (RFC 6749
// §4.1.3, §4.3.2, §4.4.2 and §6).
var needed = map[string][]string{
	grantCode:     {"code"},
	grantClient:   {},
	grantPassword: {"username", "password"},
	grantRefresh:  {"refresh_token"},
}

// checkGrant refuses what fosite would call by other names.
func checkGrant(form url.Values) error {
	err := checkPresent(form, "grant_type")
	if err != nil {
		return err
	}
	parameters, known := needed[form.Get("grant_type")]
	if !known {
		return fosite.ErrUnsupportedGrantType
	}
	return checkPresent(form, parameters...)
}

// grant answers one request for tokens. What it writes is committed when the
// answer is complete.
func (s *Server) grant(ctx context.Context, r *http.Request) (tokenAnswer, error) {
	err := checkGrant(r.PostForm)
	if err != nil {
		return tokenAnswer{}, err
	}
	request, err := s.oauth.NewAccessRequest(ctx, r, &session{authenticatedAt: s.now()})
	if err != nil {
		return tokenAnswer{}, err
	}
	if request.GetGrantTypes().ExactOne(grantRefresh) {
		err = narrow(request)
		if err != nil {
			return tokenAnswer{}, err
		}
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope) // fosite refused what the client may not have
	}
	batched, commit := s.storage.withBatch(ctx)
	response, err := s.oauth.NewAccessResponse(batched, request)
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes := accessScopes(request)
	answer := tokenAnswer{
		AccessToken: response.GetAccessToken(),
		TokenType:   "Bearer", // fosite writes it small, and clients compare
		ExpiresIn:   int(accessTokenLifetime.Seconds()),
		Scope:       strings.Join(toArguments(scopes), " "),
	}
	answer.RefreshToken, _ = response.GetExtra("refresh_token").(string)
	if scopes.Grants(oxlin.ScopeOpenID) {
		answer.IDToken, err = s.newIDToken(ctx, request, answer.AccessToken)
		if err != nil {
			return tokenAnswer{}, err
		}
	}
	err = commit()
	if err != nil {
		return tokenAnswer{}, err
	}
	return answer, nil
}
