package auth

import (
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

// userinfo is GET and POST /userinfo (OpenID Connect Core §5.3).
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		bearer = ""
	}
	grant, err := s.Authenticate(r.Context(), oxlin.NewSecret(bearer))
	if err == nil && (grant.UserID == 0 || !grant.Scopes.Grants(oxlin.ScopeOpenID)) {
		err = oxlin.Errorf(oxlin.CodeInsufficientScope, "The token does not carry the scope openid.")
	}
	var user oxlin.User
	if err == nil {
		user, err = s.db.Read().User(r.Context(), grant.UserID)
	}
	if err != nil {
		s.refuseBearer(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, userClaims(user, grant.Scopes))
}

// refuseBearer writes an error in the form of RFC 6750 §3.
func (s *Server) refuseBearer(w http.ResponseWriter, r *http.Request, err error) {
	shown := oxlin.AsError(store.Told(err))
	refused := refusal{Code: shown.Code, Description: shown.Message, status: oxlin.Catalogue[shown.Code].Status}
	s.logged(r, refused, err)
	web.SetRetryAfter(w.Header(), shown.RetryAfter)
	w.Header().Set("WWW-Authenticate", `Bearer realm="oxlin", error="`+string(refused.Code)+`"`)
	writeJSON(w, refused.status, refused)
}
