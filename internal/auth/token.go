package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
)

// Grant types (RFC 6749 §4.1 to §4.4 and §6).
const (
	grantCode     = "authorization_code"
	grantClient   = "client_credentials"
	grantPassword = "password"
	grantRefresh  = "refresh_token"
)

// grantType is one way to get tokens (RFC 6749 §1.3).
type grantType interface {
	rules() rules
	// authorize checks the credentials in the request and returns what the new tokens
	// allow. It is called after the rules were checked, and issues nothing.
	authorize(ctx context.Context, request tokenRequest) (authorization, error)
}

// rules are the conditions of a grant type that need no credentials of the grant.
type rules struct {
	// parameters are required besides grant_type.
	parameters []string
	// confidential grant types are for clients with a secret (RFC 6749 §2.1).
	confidential bool
	// scopes may be requested. Where it is nil, an earlier request has decided.
	scopes oxlin.Scopes
}

// grantTypes returns the supported grant types by their value of grant_type.
func (s *Server) grantTypes() map[string]grantType {
	return map[string]grantType{
		grantCode:     codeGrant{s},
		grantClient:   clientGrant{s},
		grantPassword: passwordGrant{s},
		grantRefresh:  refreshGrant{s},
	}
}

// tokenRequest is a request for tokens of an authenticated client.
type tokenRequest struct {
	client oxlin.Client
	form   url.Values
	// scopes are the requested scopes, in order and without duplicates.
	scopes oxlin.Scopes
	// sent is the request as it came.
	sent *http.Request
}

// token is POST /token (contract §2.1, RFC 6749 §3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	response, err := s.grant(r.Context(), r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

// grant answers one request for tokens. The credentials are checked in a fixed
// order: parameters, client, scopes, and last those of the grant itself.
func (s *Server) grant(ctx context.Context, r *http.Request) (tokenResponse, error) {
	grant, err := s.chooseGrant(r.PostForm)
	if err != nil {
		return tokenResponse{}, err
	}
	client, err := s.authenticateRequest(ctx, r)
	if err != nil {
		return tokenResponse{}, err
	}
	request := tokenRequest{client: client, form: r.PostForm, scopes: parseScopes(r.PostForm.Get("scope")), sent: r}
	err = grant.rules().check(request)
	if err == nil {
		err = checkBinding(ctx, client)
	}
	if err != nil {
		return tokenResponse{}, err
	}
	authorized, err := grant.authorize(ctx, request)
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.issue(ctx, client, authorized)
	if errors.Is(err, errReused) {
		action := audit.RefreshReused
		if authorized.spends.successor.IsZero() {
			action = audit.CodeReused
		}
		return tokenResponse{}, s.endReused(ctx, action, client.ID, authorized.userID, authorized.family)
	}
	return response, err
}

// chooseGrant returns the grant type of a request that has its required parameters
// (RFC 6749 §4.1.3, §4.3.2, §4.4.2 and §6).
func (s *Server) chooseGrant(form url.Values) (grantType, error) {
	err := checkPresent(form, "grant_type")
	if err != nil {
		return nil, err
	}
	grant, supported := s.grants[form.Get("grant_type")]
	if !supported { // RFC 6749 §5.2
		return nil, refusalf(oxlin.CodeUnsupportedGrantType, "The grant_type is not supported.")
	}
	return grant, checkPresent(form, grant.rules().parameters...)
}

func (r rules) check(request tokenRequest) error {
	if r.confidential && request.client.IsPublic() {
		return refusalf(oxlin.CodeUnauthorizedClient, "This grant type requires a client with a secret.")
	}
	if r.scopes == nil {
		return nil
	}
	return checkScopes(request.scopes, r.scopes)
}

// checkScopes refuses the first requested scope that is not among those allowed
// (RFC 6749 §3.3).
func checkScopes(requested, allowed oxlin.Scopes) error {
	for _, scope := range requested {
		if !slices.Contains(allowed, scope) {
			return refusalf(oxlin.CodeInvalidScope, "The scope %s does not exist or cannot be requested here.", scope)
		}
	}
	return nil
}
