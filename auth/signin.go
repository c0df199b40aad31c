package auth

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

// showSignin is GET /signin (contract §2.2): the page on which a user of the client
// signs in, to send the client a code (RFC 6749 §4.1).
func (s *Server) showSignin(w http.ResponseWriter, r *http.Request) {
	request, err := s.authorizeRequest(r)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	s.writeSignin(w, r, request, http.StatusOK, r.URL.Query().Get("login_hint"), "")
}

// answerSignin is POST /signin: the page's form. The request of the client is in
// the URL, as it was when the page was shown.
func (s *Server) answerSignin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	if err != nil || checkText(r.PostForm) != nil {
		s.refuseSignin(w, r, nil, fosite.ErrInvalidRequest.WithHint("The form cannot be read."))
		return
	}
	request, err := s.authorizeRequest(r)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	if r.PostForm.Has("cancel") {
		s.refuseSignin(w, r, request, fosite.ErrAccessDenied.WithHint("The user has cancelled."))
		return
	}
	email := r.PostForm.Get("username")
	if !s.checkForm(r) {
		s.writeSignin(w, r, request, http.StatusForbidden, email, "form_expired")
		return
	}
	id, err := s.checkPassword(r.Context(), oxlin.ClientID(request.GetClient().GetID()), email, oxlin.NewSecret(r.PostForm.Get("password")))
	refused := asRefusal(err)
	switch {
	case oxlin.IsNotFound(err):
		s.writeSignin(w, r, request, http.StatusBadRequest, email, "wrong_password")
	case err != nil && refused.status == http.StatusTooManyRequests:
		setRetryAfter(w, refused)
		s.writeSignin(w, r, request, http.StatusTooManyRequests, email, "too_many_attempts")
	case err != nil:
		s.refuseSignin(w, r, request, err)
	default:
		s.sendCode(w, r, request, id)
	}
}

// sendCode sends the user back to the client with a code.
func (s *Server) sendCode(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, id oxlin.UserID) {
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope) // fosite refused what the client may not have
	}
	batched, commit := s.storage.withBatch(r.Context())
	response, err := s.oauth.NewAuthorizeResponse(batched, request, &session{userID: id, authenticatedAt: s.now()})
	if err == nil {
		err = commit()
	}
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	sendBack(w, request, url.Values{"code": {response.GetCode()}})
}

// sendBack redirects to the client (RFC 6749 §4.1.2). It is not called before
// fosite has checked the redirect URI.
func sendBack(w http.ResponseWriter, request fosite.AuthorizeRequester, parameters url.Values) {
	if request.GetState() != "" {
		parameters.Set("state", request.GetState())
	}
	target := *request.GetRedirectURI()
	query := target.Query()
	for name := range parameters {
		query.Set(name, parameters.Get(name))
	}
	target.RawQuery = query.Encode()
	w.Header().Set("Location", target.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// refuseSignin tells the client what is wrong, or the user where the client or its
// redirect URI is not known (RFC 6749 §4.1.2.1).
func (s *Server) refuseSignin(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, err error) {
	refused := asRefusal(err)
	s.logged(r, refused, err)
	if request == nil || request.GetRedirectURI() == nil {
		s.writeRefusal(w, r, refused)
		return
	}
	sendBack(w, request, url.Values{"error": {string(refused.Code)}, "error_description": {refused.Description}})
}

// authorizeRequest reads the client's request out of the URL. With an error it
// gives the request as well, as far as it was read; its redirect URI is set when
// it is one of the client's.
func (s *Server) authorizeRequest(r *http.Request) (fosite.AuthorizeRequester, error) {
	r = r.Clone(r.Context())
	r.Form = r.URL.Query() // never the fields of the page's form
	err := checkText(r.Form)
	if err != nil {
		return nil, err
	}
	err = checkOnce(r.Form)
	if err != nil {
		return nil, err
	}
	separateScopes(r.Form)
	request, err := s.oauth.NewAuthorizeRequest(r.Context(), r)
	// fosite wants a state of at least a character, and looks at it last. RFC 6749
	// leaves it to the client, and some leave it out.
	if err != nil && !errors.Is(err, fosite.ErrInvalidState) {
		return request, err
	}
	return request, checkProof(request)
}

// checkProof refuses before the user signs in what fosite would refuse after.
func checkProof(request fosite.AuthorizeRequester) error {
	form := request.GetRequestForm()
	switch {
	case form.Get("code_challenge") != "" && form.Get("code_challenge_method") != "S256":
		return fosite.ErrInvalidRequest.WithHint("Only S256 is supported as code_challenge_method.")
	case form.Get("code_challenge") == "" && request.GetClient().IsPublic():
		return fosite.ErrInvalidRequest.WithHint("A client without a secret needs a code_challenge.")
	case form.Get("prompt") == "none":
		// Nobody stays signed in here, so nobody can be without a page.
		return fosite.ErrLoginRequired
	}
	return nil
}

// sameOrigin lets a page's form in from the page alone.
func (s *Server) sameOrigin(answer http.HandlerFunc) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeRefusal(w, r, refusal{oxlin.CodeAccessDenied, "The form was sent from another site.", http.StatusForbidden, 0})
	}))
	return protection.Handler(answer)
}

// clientOf is the client as we know it.
func clientOf(request fosite.Requester) oxlin.Client {
	return request.GetClient().(client).Client
}
