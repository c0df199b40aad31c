package auth

import (
	"context"
	"net/http"
	"slices"

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

// grant answers one request for tokens. What it writes is committed when the
// answer is complete.
func (s *Server) grant(ctx context.Context, r *http.Request) (tokenAnswer, error) {
	grantType := r.PostForm.Get("grant_type")
	if grantType == "" {
		return tokenAnswer{}, fosite.ErrInvalidRequest.WithHint("The parameter grant_type is missing.")
	}
	if !slices.Contains([]string{grantCode, grantClient, grantPassword, grantRefresh}, grantType) {
		return tokenAnswer{}, fosite.ErrUnsupportedGrantType // fosite would call it invalid_request
	}
	request, err := s.oauth.NewAccessRequest(ctx, r, &session{authenticatedAt: s.now()})
	if err != nil {
		return tokenAnswer{}, err
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope) // fosite refused what the client may not have
	}
	batched, commit := s.storage.withBatch(ctx)
	response, err := s.oauth.NewAccessResponse(batched, request)
	if err != nil {
		return tokenAnswer{}, err
	}
	answer := tokenAnswer{
		AccessToken: response.GetAccessToken(),
		TokenType:   "Bearer", // fosite writes it small, and clients compare
		ExpiresIn:   int(accessTokenLifetime.Seconds()),
	}
	answer.RefreshToken, _ = response.GetExtra("refresh_token").(string)
	answer.Scope, _ = response.GetExtra("scope").(string)
	if request.GetGrantedScopes().Has(string(oxlin.ScopeOpenID)) {
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
