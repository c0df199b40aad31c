package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

// codeRequest is a client's request that a user signs in and returns with a code
// (RFC 6749 §4.1.1).
type codeRequest struct {
	client oxlin.Client
	// redirectURI is nil until the request proved to have one of the client's.
	redirectURI *url.URL
	state       string
	scopes      oxlin.Scopes
	form        url.Values
}

// showSignin is GET /signin (contract §2.2): the page where a user of the client
// signs in, so that the client gets a code (RFC 6749 §4.1).
func (s *Server) showSignin(w http.ResponseWriter, r *http.Request) {
	err := s.passwords.admitPage(r)
	if err != nil {
		s.failSignin(w, r, err)
		return
	}
	request, err := s.readCodeRequest(r)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	s.writeSignin(w, r, request, http.StatusOK, r.URL.Query().Get("login_hint"), "")
}

// answerSignin is POST /signin, the page's form. The URL still carries the client's
// request.
func (s *Server) answerSignin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	if err != nil || checkText(r.PostForm) != nil {
		s.refuseSignin(w, r, codeRequest{}, refusalf(oxlin.CodeInvalidRequest, "The form cannot be read."))
		return
	}
	request, err := s.readCodeRequest(r)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	if r.PostForm.Has("cancel") {
		s.refuseSignin(w, r, request, refusalf(oxlin.CodeAccessDenied, "The user has cancelled."))
		return
	}
	proved, err := userProofs{s, request.client.ID, pageDoor, r.URL.RawQuery}.form(r)
	if how, ok := show(w, err); ok {
		s.writeSignin(w, r, request, how.status, r.PostForm.Get("username"), how.problem)
		return
	}
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	if proved.device != nil {
		s.setCookie(w, request, proved.device)
	}
	s.sendCode(w, r, request, proved)
}

// sendCode redirects the user to the client with a code.
func (s *Server) sendCode(w http.ResponseWriter, r *http.Request, request codeRequest, proved userProof) {
	a := authorization{userID: proved.user.ID, authenticatedAt: s.now(), device: web.DeviceOf(r.UserAgent()), scopes: request.scopes}
	err := s.ensureFamily(&a)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	code, err := s.newToken(store.AuthorizationCode, request.client, a)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	code.Form, code.by = request.stored(), proved.by
	err = s.save(r.Context(), nil, code)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	s.sendBack(w, request, url.Values{"code": {code.secret.Reveal()}})
}

// stored returns the parameters that bind a code to this request: the exchange of the
// code compares them (RFC 6749 §4.1.3, RFC 7636 §4.4).
func (c codeRequest) stored() string {
	form := url.Values{}
	for _, name := range []string{"redirect_uri", "code_challenge", "code_challenge_method", "nonce"} {
		if c.form.Get(name) != "" {
			form.Set(name, c.form.Get(name))
		}
	}
	return form.Encode()
}

// sendBack redirects to the client (RFC 6749 §4.1.2) with 303, which makes the browser
// drop the form with the password (RFC 9700 §4.12). The parameter iss tells a client of
// several servers which one answers (RFC 9207 §2, RFC 9700 §4.4.2). The redirect URI must
// have been checked.
func (s *Server) sendBack(w http.ResponseWriter, request codeRequest, parameters url.Values) {
	parameters.Set("iss", s.issuer)
	if request.state != "" {
		parameters.Set("state", request.state)
	}
	target := *request.redirectURI
	query := target.Query()
	for name := range parameters {
		query.Set(name, parameters.Get(name))
	}
	target.RawQuery = query.Encode()
	w.Header().Set("Location", target.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// refuseSignin tells the client what is wrong. If the client or its redirect URI is
// not known, it tells the user instead and redirects nowhere (RFC 6749 §3.1.2.4 and
// §4.1.2.1, RFC 9700 §4.11.2).
func (s *Server) refuseSignin(w http.ResponseWriter, r *http.Request, request codeRequest, err error) {
	refused := asRefusal(err)
	s.logged(r, refused, err)
	if request.redirectURI == nil {
		s.writeRefusal(w, r, refused)
		return
	}
	s.sendBack(w, request, url.Values{"error": {string(refused.Code)}, "error_description": {refused.Description}})
}

// readCodeRequest reads the client's request from the URL. With an error it returns
// as much of the request as is valid; refuseSignin needs the redirect URI and state.
func (s *Server) readCodeRequest(r *http.Request) (codeRequest, error) {
	form, err := url.ParseQuery(r.URL.RawQuery) // without the fields of the page's form
	if err != nil {                             // parameters would be left out, such as the state
		return codeRequest{}, refusalf(oxlin.CodeInvalidRequest, "The query of the address cannot be read.")
	}
	err = checkText(form)
	if err != nil {
		return codeRequest{}, err
	}
	err = checkOnce(form)
	if err != nil {
		return codeRequest{}, err
	}
	separateScopes(form)
	request := codeRequest{state: form.Get("state"), scopes: parseScopes(form.Get("scope")), form: form}
	request.client, err = s.db.Read().Client(r.Context(), oxlin.ClientID(form.Get("client_id")))
	if oxlin.IsNotFound(err) || err == nil && request.client.Deleting {
		return request, refusalf(oxlin.CodeInvalidClient, "The client does not exist.")
	}
	if err != nil {
		return request, err
	}
	if request.client.Disabled {
		return request, refusalf(oxlin.CodeUnauthorizedClient, "The client is disabled.")
	}
	err = request.checkBeforeRedirect()
	if err != nil {
		return request, err
	}
	request.redirectURI, err = request.findRedirectURI()
	if err != nil {
		return request, err
	}
	return request, request.checkRest()
}

// checkBeforeRedirect refuses request objects (OpenID Connect Core §6) and unknown
// values of response_mode. Until these are clear, the redirect URI is not trusted.
func (c codeRequest) checkBeforeRedirect() error {
	if c.scopes.Grants(oxlin.ScopeOpenID) {
		object, address := c.form.Get("request") != "", c.form.Get("request_uri") != ""
		switch {
		case object && address:
			return refusalf(oxlin.CodeInvalidRequest, "The parameters request and request_uri exclude each other.")
		case address:
			return refusalf(oxlin.CodeRequestURINotSupported, "The parameter request_uri is not supported.")
		case object:
			return refusalf(oxlin.CodeRequestNotSupported, "The parameter request is not supported.")
		}
	}
	switch c.form.Get("response_mode") {
	case "", "query", "fragment", "form_post":
		return nil
	}
	return refusalf(oxlin.CodeUnsupportedResponseMode, "The response_mode is unknown.")
}

// findRedirectURI returns where the user returns to: the redirect_uri of the request,
// if the client has registered it (RFC 6749 §3.1.2.3, RFC 9700 §2.1 and §4.1.3). A
// client with a single registered one may omit it, except with the scope openid
// (OpenID Connect Core §3.1.2.1).
func (c codeRequest) findRedirectURI() (*url.URL, error) {
	uri := c.form.Get("redirect_uri")
	switch {
	case uri == "" && c.scopes.Grants(oxlin.ScopeOpenID):
		return nil, refusalf(oxlin.CodeInvalidRequest, "With the scope openid, redirect_uri is required.")
	case uri == "" && len(c.client.RedirectURIs) == 1 && !c.client.AnyRedirectURI:
		uri = c.client.RedirectURIs[0]
	case !c.client.MayRedirectTo(uri):
		return nil, refusalf(oxlin.CodeInvalidRequest, "The redirect_uri is not registered for this client.")
	}
	parsed, err := url.Parse(uri)
	if err != nil || !parsed.IsAbs() || parsed.Fragment != "" { // RFC 6749 §3.1.2
		return nil, refusalf(oxlin.CodeInvalidRequest, "The redirect_uri is not an absolute URI without a fragment.")
	}
	return parsed, nil
}

// checkRest checks the parameters whose errors the client receives by a redirect.
func (c codeRequest) checkRest() error {
	err := checkScopes(c.scopes, oxlin.UserScopes())
	if err != nil {
		return err
	}
	switch {
	case c.form.Get("registration") != "":
		return refusalf(oxlin.CodeRegistrationNotSupported, "The parameter registration is not supported.")
	case strings.TrimSpace(c.form.Get("response_type")) != "code": // RFC 9700 §2.1.2: no implicit grant
		return refusalf(oxlin.CodeUnsupportedResponseType, "The only supported response_type is code.")
	case c.form.Get("response_mode") != "" && c.form.Get("response_mode") != "query":
		return refusalf(oxlin.CodeUnsupportedResponseMode, "The only supported response_mode is query.")
	}
	err = checkChallenge(c.client, c.form)
	if err != nil {
		return err
	}
	if c.form.Get("prompt") == "none" {
		// Sessions end with the page, so every sign-in needs the user.
		return refusalf(oxlin.CodeLoginRequired, "The user has to sign in.")
	}
	return nil
}

// sameOrigin refuses forms that another site sends (RFC 6749 §10.12).
func (s *Server) sameOrigin(answer http.HandlerFunc) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeRefusal(w, r, refusal{oxlin.CodeAccessDenied, "The form was sent from another site.", http.StatusForbidden, 0})
	}))
	return protection.Handler(answer)
}
