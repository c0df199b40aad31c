package auth

import (
	"net/http"

	"github.com/ory/fosite"
)

// revoke is POST /revoke (RFC 7009): the token ends, and everything else that came
// out of the same sign-in. A token that does not exist is a success.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("token") == "" {
		s.refuse(w, r, fosite.ErrInvalidRequest.WithHint("The parameter token is missing."))
		return
	}
	err := s.oauth.NewRevocationRequest(r.Context(), r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}
