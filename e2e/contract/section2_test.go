package contract_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// rs256 is the beginning of a JWT signed with RS256, as the documents show it.
var rs256 = matching(`^eyJ[\w-]+\.[\w-]+\.[\w-]+$`)

// basic is the header of HTTP Basic.
func basic(who software) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(who.id+":"+who.secret))
}

// password are the parameters of the password grant.
func (p *person) passwordGrant(more object) object {
	all := object{
		"grant_type": "password", "username": p.email, "password": p.password, "provider": "linxoConnect",
		"client_id": p.software.id, "client_secret": p.software.secret, "scope": "openid profile accounts_read",
	}
	for name, one := range more {
		all[name] = one
	}
	return all
}

// The four answers of the token endpoint.
var (
	clientTokens = fields{"access_token": someText, "token_type": "Bearer", "expires_in": 3600, "refresh_token": absent, "id_token": absent, "error": absent}
	userTokens   = fields{"access_token": someText, "token_type": "Bearer", "expires_in": 3600, "refresh_token": someText, "error": absent}
	oauthError   = func(code string) fields { return fields{"error": code, "error_description": someText} }
)

// signInAddress returns the sign-in page of the retail brand.
func signInAddress(who software, more string) string {
	return "/signin?response_type=code&client_id=" + who.id + "&redirect_uri=" + url.QueryEscape(backAt) +
		"&scope=openid%20profile" + more
}

// signedIn signs a user in on the page and returns the redirect target.
func (p *person) signedIn(address string) *url.URL {
	p.Helper()
	return p.scene.browse(address).press("form button", form{"username": p.email, "password": p.password}).leaves()
}

var section2 = []fact{
	{"2.1", "client credentials, the client by HTTP Basic", func(s *scene) {
		s.nobody().with("Authorization", basic(licensed)).post("/token", form{"grant_type": "client_credentials", "scope": "users_create"}).ok().shows(clientTokens)
	}, ""},
	{"2.1", "client credentials, the client in form fields", func(s *scene) {
		s.nobody().post("/token", form{"grant_type": "client_credentials", "client_id": licensed.id, "client_secret": licensed.secret, "scope": "users_create"}).ok().shows(clientTokens)
	}, ""},
	{"2.1", "client credentials, the client inside a JSON body", func(s *scene) {
		s.nobody().post("/token", object{"grant_type": "client_credentials", "client_id": licensed.id, "client_secret": licensed.secret, "scope": "users_create", "provider": "linxoConnect"}).ok().shows(clientTokens)
	}, ""},
	{"2.1", "JSON is JSON whatever the content type says", func(s *scene) {
		s.nobody().post("/token", raw(`{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret","scope":"users_create"}`)).ok().shows(clientTokens)
	}, ""},
	{"2.1", "a password gives the pair and, with openid, an RS256 id_token", func(s *scene) {
		p := s.userOf(licensed, "openid profile accounts_read")
		tokens := p.tokens("openid profile accounts_read").ok().shows(userTokens).shows(fields{"id_token": rs256})
		header, _, _ := strings.Cut(tokens.at("id_token").text(), ".")
		text, err := base64.RawURLEncoding.DecodeString(header)
		if err != nil || !strings.Contains(string(text), `"RS256"`) {
			s.Errorf("the id_token's header is %s: %v", text, err)
		}
	}, ""},
	{"2.1", "without openid there is no id_token", func(s *scene) {
		p := s.userOf(licensed, "profile")
		p.tokens("profile accounts_read").ok().shows(userTokens).shows(fields{"id_token": absent})
	}, ""},
	{"2.1 9.11", "a password in a JSON body; provider is connect, linxoConnect or anything else", func(s *scene) {
		p := s.user()
		for _, provider := range []string{"connect", "linxoConnect", "another"} {
			s.nobody().post("/token", p.passwordGrant(object{"provider": provider})).ok().shows(userTokens)
		}
	}, ""},
	{"2.1", "a refresh with redirect_uri and Accept, as the documents show it", func(s *scene) {
		p := s.user()
		c := s.nobody().with("Accept", "application/json").with("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
		tokens := c.post("/token", form{
			"grant_type": "refresh_token", "refresh_token": p.refreshToken, "redirect_uri": backAt, "client_id": licensed.id, "client_secret": licensed.secret,
		}).ok().shows(userTokens).shows(fields{"id_token": rs256})
		p.token = tokens.at("access_token").text()
		p.get("/users/me").ok()
	}, ""},
	{"2.1", "a refresh without redirect_uri, as JSON", func(s *scene) {
		p := s.user()
		s.nobody().post("/token", object{"grant_type": "refresh_token", "refresh_token": p.refreshToken, "client_id": licensed.id, "client_secret": licensed.secret}).ok().shows(userTokens)
	}, ""},
	{"2.1", "parallel refreshes of one token are not theft", func(s *scene) {
		p := s.user()
		var together sync.WaitGroup
		answers := make([]answer, 4)
		for i := range answers {
			together.Go(func() {
				answers[i] = s.nobody().post("/token", form{"grant_type": "refresh_token", "refresh_token": p.refreshToken, "client_id": licensed.id, "client_secret": licensed.secret})
			})
		}
		together.Wait()
		for _, got := range answers {
			p.token = got.ok().shows(userTokens).at("access_token").text()
			p.get("/users/me").ok()
		}
	}, ""},
	{"2.1", "a user may sign in on many sides at once", func(s *scene) {
		p := s.user()
		for range 3 {
			var together sync.WaitGroup
			answers := make([]answer, 5)
			for i := range answers {
				together.Go(func() { answers[i] = s.nobody().post("/token", p.passwordGrant(nil)) })
			}
			together.Wait()
			for _, got := range answers {
				got.ok().shows(userTokens)
			}
		}
	}, ""},
	{"2.1", "an authorization code gives the pair", func(s *scene) {
		p := s.user()
		code := p.signedIn(signInAddress(licensed, "")).Query().Get("code")
		s.nobody().post("/token", form{
			"grant_type": "authorization_code", "code": code, "redirect_uri": backAt, "client_id": licensed.id, "client_secret": licensed.secret,
		}).ok().shows(userTokens).shows(fields{"id_token": rs256})
	}, ""},
	{"2.1", "an absent scope grants nothing beyond authentication", func(s *scene) {
		p := s.user()
		p.token = s.nobody().post("/token", form{
			"grant_type": "password", "username": p.email, "password": p.password, "client_id": licensed.id, "client_secret": licensed.secret,
		}).ok().shows(userTokens).at("access_token").text()
		p.get("/categories").ok()
		p.get("/users/me").refused(403, "insufficient_scope")
	}, ""},
	{"2.1", "an unknown client or a wrong secret is invalid_client, 401", func(s *scene) {
		for _, who := range []software{{"nobody", "sandbox-secret"}, {"sandbox", "wrong"}} {
			s.nobody().with("Authorization", basic(who)).post("/token", form{"grant_type": "client_credentials"}).is(401).json().shows(oauthError("invalid_client"))
			s.nobody().post("/token", object{"grant_type": "client_credentials", "client_id": who.id, "client_secret": who.secret}).is(401).json().shows(oauthError("invalid_client"))
		}
	}, ""},
	{"2.1", "a wrong password, an unknown user and a deleted one are invalid_grant, 400", func(s *scene) {
		p := s.user()
		for _, wrong := range []object{{"password": "wrong"}, {"username": "nobody@example.test"}} {
			s.nobody().post("/token", p.passwordGrant(wrong)).is(400).json().shows(oauthError("invalid_grant"))
		}
		p.delete("/users/me").done()
		s.nobody().post("/token", p.passwordGrant(nil)).is(400).json().shows(oauthError("invalid_grant"))
	}, ""},
	{"2.1", "a user of another client is not known", func(s *scene) {
		p := s.user()
		s.nobody().post("/token", p.passwordGrant(object{"client_id": unlicensed.id, "client_secret": unlicensed.secret})).is(400).json().shows(oauthError("invalid_grant"))
	}, ""},
	{"2.1", "a wrong refresh token or code is invalid_grant, 400", func(s *scene) {
		for _, wrong := range []object{{"grant_type": "refresh_token", "refresh_token": "3495142fgte56fb3f13b"}, {"grant_type": "authorization_code", "code": "wrong", "redirect_uri": backAt}} {
			wrong["client_id"], wrong["client_secret"] = licensed.id, licensed.secret
			s.nobody().post("/token", wrong).is(400).json().shows(oauthError("invalid_grant"))
		}
	}, ""},
	{"2.1", "an unknown scope is invalid_scope, 400; users_create is for tokens of the client", func(s *scene) {
		p := s.user()
		for _, scope := range []string{"everything", "profile users_create"} {
			s.nobody().post("/token", p.passwordGrant(object{"scope": scope})).is(400).json().shows(oauthError("invalid_scope"))
		}
	}, ""},
	{"2.1", "an unknown grant is unsupported_grant_type, 400", func(s *scene) {
		s.nobody().with("Authorization", basic(licensed)).post("/token", form{"grant_type": "magic"}).is(400).json().shows(oauthError("unsupported_grant_type"))
	}, ""},
	{"2.1", "a request without grant_type, or that cannot be read, is invalid_request, 400", func(s *scene) {
		c := s.nobody().with("Authorization", basic(licensed))
		c.post("/token", form{"scope": "users_create"}).is(400).json().shows(oauthError("invalid_request"))
		c.post("/token", raw(`{"grant_type":`)).is(400).json().shows(oauthError("invalid_request"))
	}, ""},
	{"2.1", "the provider and the scope of the documents' JSON client may come in any order", func(s *scene) {
		p := s.user()
		s.nobody().post("/token", p.passwordGrant(object{"scope": "transactions_read profile openid"})).ok().shows(userTokens)
	}, ""},

	{"2.2", "signing in leads back with a code and the state", func(s *scene) {
		p := s.user()
		back := p.signedIn(signInAddress(licensed, "&state=af0ifjsldkj&approval_prompt=auto&"))
		carries(s, back, "https://integrator.example/back?", fields{"code": someText, "state": "af0ifjsldkj", "mine": "1", "error": absent})
	}, ""},
	{"2.2", "state is optional", func(s *scene) {
		p := s.user()
		carries(s, p.signedIn(signInAddress(licensed, "")), "https://integrator.example/back?", fields{"code": someText, "state": absent})
	}, ""},

	{"2.3", "accounts_read reads accounts and connections, and nothing else", func(s *scene) {
		p := s.userOf(licensed, "accounts_read")
		p.get("/accounts").ok()
		p.get("/connections").ok()
		p.get("/transactions").refused(403, "insufficient_scope").shows(fields{"message": matching("transactions_read")})
		p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).refused(403, "insufficient_scope").shows(fields{"message": matching("accounts_manage")})
		p.get("/users/me").refused(403, "insufficient_scope").shows(fields{"message": matching("profile")})
	}, ""},
	{"2.3", "accounts_manage contains accounts_read", func(s *scene) {
		p := s.userOf(licensed, "accounts_manage")
		id := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.get("/accounts/" + id).ok()
	}, ""},
	{"2.3", "connections_manage adds connections, makes keys and subscribes to queues", func(s *scene) {
		p := s.userOf(licensed, "connections_manage")
		queue := p.queue()
		p.key()
		p.get("/queues/" + queue).ok()
		p.get("/connections").ok()
		p.embed(s.customer(), nil)
		p.post("/connections/synchronize", nil).refused(403, "insufficient_scope").shows(fields{"message": matching("connections_sync")})
	}, ""},
	{"2.3", "connections_sync synchronises", func(s *scene) {
		p := s.userOf(licensed, "connections_sync")
		p.post("/connections/synchronize", nil).ok().is(noList)
		p.get("/connections").refused(403, "insufficient_scope")
	}, ""},
	{"2.3", "transactions_read reads accounts, connections and transactions", func(s *scene) {
		p := s.userOf(licensed, "transactions_read")
		p.get("/accounts").ok()
		p.get("/connections").ok()
		p.get("/transactions").ok()
	}, ""},
	{"2.3", "profile reads the profile and does not change it", func(s *scene) {
		p := s.userOf(licensed, "profile")
		p.get("/users/me").ok()
		p.patch("/users/me", object{"first_name": "Jo"}).refused(403, "insufficient_scope").shows(fields{"message": matching("profile_edit")})
		p.delete("/users/me").refused(403, "insufficient_scope").shows(fields{"message": matching("profile_edit")})
	}, ""},
	{"2.3", "profile_edit contains profile, changes and deletes", func(s *scene) {
		p := s.userOf(licensed, "profile_edit")
		p.get("/users/me").ok()
		p.patch("/users/me", object{"first_name": "Jo"}).done()
		p.delete("/users/me").done()
	}, ""},
	{"2.3", "users_create creates users", func(s *scene) {
		s.app(licensed, "users_create").post("/users", object{"email": s.platform.unique("new") + "@example.test", "password": "secret"}).created("/users/")
		s.app(licensed, "profile").post("/users", object{"email": s.platform.unique("new") + "@example.test", "password": "secret"}).
			refused(403, "insufficient_scope").shows(fields{"message": matching("users_create")})
	}, ""},
	{"2.3", "any valid token reads providers and categories", func(s *scene) {
		for _, c := range []caller{s.userOf(licensed, "profile").caller, s.app(licensed, "users_create")} {
			c.get("/providers").ok()
			c.get("/providers/87").ok()
			c.get("/categories").ok()
		}
	}, ""},
	{"2.3", "consents are given with connections_manage or accounts_manage", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		account := p.get("/accounts").ok().at("0.id").text()
		for _, scope := range []string{"connections_manage", "accounts_manage"} {
			p.narrowed(scope).put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": account, "consent": true}}}).done()
		}
		p.narrowed("accounts_read").put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": account, "consent": true}}}).
			refused(403, "insufficient_scope").shows(fields{"message": matching("connections_manage or accounts_manage")})
	}, ""},
	{"2.3", "the token of the quickstart document does not suffice for the widget, which says so", func(s *scene) {
		p := s.userOf(licensed, "openid profile accounts_read")
		carries(s, p.open("add_connection", nil).leaves(), "https://integrator.example/back?", fields{"status": "error", "result": "insufficient_scope", "error_description": matching("connections_manage")})
	}, ""},
	{"2.3", "a missing, unknown or revoked token is 401, one of too few scopes 403", func(s *scene) {
		p := s.userOf(licensed, "profile")
		for _, got := range []answer{s.nobody().get("/accounts"), s.nobody().with("Authorization", "Bearer nonsense").get("/accounts"), s.nobody().with("Authorization", basic(licensed)).get("/accounts")} {
			got.refused(401, "invalid_token")
		}
		p.get("/accounts").refused(403, "insufficient_scope")
		p.revoke()
		p.get("/users/me").refused(401, "invalid_token")
	}, ""},

	{"2.4", "an access token lives for 3600 seconds", func(s *scene) {
		s.user().tokens("profile").ok().at("expires_in").is(3600)
	}, ""},
	{"2.4", "a widget session without refresh token ends with the access token", func(s *scene) {
		p := s.user()
		address := p.entry("add_connection", nil)
		s.browse(address).shows(banksPage)
		p.revoke()
		carries(s, s.browse(address).leaves(), "https://integrator.example/back?", fields{"status": "error", "result": "expired"})
	}, ""},
	{"2.4", "with a refresh token it goes on, and the integrator's pair stays valid", func(s *scene) {
		p := s.user()
		session := p.widget(form{"refresh_token": p.refreshToken, "redirect_url": backAt})
		s.browse(session.at("_links.add_connection").text()).shows(banksPage)
		got := s.nobody().post("/token", form{"grant_type": "refresh_token", "refresh_token": p.refreshToken, "client_id": licensed.id, "client_secret": licensed.secret})
		p.token = got.ok().shows(userTokens).at("access_token").text()
		p.get("/users/me").is(http.StatusOK)
		s.browse(session.at("_links.add_connection").text()).shows(banksPage)
	}, ""},
}
