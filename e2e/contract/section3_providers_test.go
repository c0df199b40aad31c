package contract_test

import (
	"net/http"
	"net/url"
)

// authorizePaths lists the two paths of the documents.
var authorizePaths = []string{"/providers/87/channel_definitions/8701/authorize_url", "/providers/87/channels/8701/authorize_url"}

// withTerms returns a user of the client without an agreement who has accepted the
// platform's terms.
func (s *scene) withTerms() *person {
	s.Helper()
	p := s.userOf(unlicensed, allScopes)
	p.open("terms", nil).accept().leaves()
	return p
}

var section3Providers = []fact{
	{"3.4", "GET /providers lists the banks, with limit 250 as clients ask", func(s *scene) {
		s.user().get("/providers?limit=250").ok().has("id", "87", "119", "182", "183", "184", "185")
	}, ""},
	{"3.4", "GET /providers by q, country and mode, sorted", func(s *scene) {
		p := s.user()
		p.get("/providers?q=linxo").ok().has("id", "87", "183", "184", "185")
		p.get("/providers?country=FRA").ok().has("id", "87", "119", "182", "183", "184")
		p.get("/providers?country=GBR").ok().has("id", "185")
		p.get("/providers?country=DEU").ok().is(noList)
		p.get("/providers?mode=REDIRECT").ok().has("id", "87", "119", "183", "184", "185")
		p.get("/providers?mode=DEDICATED_INTERFACE").ok().has("id", "87", "119", "183", "184", "185")
		p.get("/providers?mode=DIRECT_ACCESS&q=demo").ok().has("id", "182")
		p.get("/providers?sort=-name").ok().at("0").shows(fields{"id": "185"})
	}, ""},
	{"3.4", "GET /providers/{id} has the channel definitions; an unknown one is 404", func(s *scene) {
		p := s.user()
		p.get("/providers/87").ok().at("channel_definitions").has("id", "8700", "8701")
		p.get("/providers/4711").refused(404, "not_found")
	}, ""},
	{"3.4 9.2", "authorize_url, both paths: 201 with the bank's absolute address, and {} for a body", func(s *scene) {
		p := s.user()
		for _, path := range authorizePaths {
			got := p.post(path, object{"widget_params": p.widgetParams()}).is(http.StatusCreated)
			if string(got.body) != "{}" {
				s.Errorf("the body is %s", got.body)
			}
			carries(s, got.location(), s.platform.bank+"/authorize?", fields{
				"redirect_uri": s.platform.address + "/oauth2/aisp", "state": matching(`^[A-Za-z0-9_-]{32}$`), "scope": "aisp extended_transaction_history",
			})
		}
	}, ""},
	{"3.4", "mode A leads back with connection_id, status and queue_id, and the integrator's own query", func(s *scene) {
		p := s.user()
		back := s.arrive(s.visit(p.authorizeURL(nil), s.customer())).redirect()
		carries(s, back, "https://integrator.example/back?mine=1&", fields{"connection_id": someID, "status": "success", "result": "created", "queue_id": someID})
		p.settled(back.Query().Get("connection_id")).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.4", "mode A's queue starts before the first event", func(s *scene) {
		p := s.user()
		back := p.begin(s.customer(), nil)
		p.told(back.Get("queue_id"), "SYNC_ALL_SUCCESS")
		p.events(back.Get("queue_id")).at("0").shows(fields{"event_type": "CONNECTION_CREATED", "resource.id": back.Get("connection_id")})
	}, ""},
	{"3.4 9.17", "redirect_uri may stand in widget_params or outside", func(s *scene) {
		p := s.user()
		params := p.widgetParams()
		params["redirect_uri"] = "https://integrator.example/inside"
		carries(s, s.arrive(s.visit(p.authorizeURL(object{"redirect_uri": nil, "widget_params": params}), s.customer())).redirect(), "https://integrator.example/inside?", fields{"status": "success"})
		carries(s, s.arrive(s.visit(p.authorizeURL(object{"widget_params": params}), s.customer())).redirect(), "https://integrator.example/back?", fields{"status": "success"})
	}, ""},
	{"3.4", "mode A never shows a page of ours, whatever captive_mode says", func(s *scene) {
		p := s.user()
		for _, captive := range []any{true, "false"} {
			params := p.widgetParams()
			params["captive_mode"] = captive
			s.arrive(s.visit(p.authorizeURL(object{"widget_params": params}), s.customer())).redirect()
		}
	}, ""},
	{"3.4", "without redirect_uri the user ends on a page of ours", func(s *scene) {
		p := s.user()
		callback := s.visit(p.authorizeURL(object{"redirect_uri": nil}), s.customer())
		b := s.browse(callback.String())
		if b.answer.status != http.StatusOK || b.address.Path != "/success" {
			s.Errorf("the user ends at %s with HTTP %d", b.address, b.answer.status)
		}
	}, ""},
	{"3.4", "a refusal at the bank ends as cancelled, and makes no connection", func(s *scene) {
		p := s.user()
		back := p.begin(s.customer("refuse"), nil)
		if back.Get("status") != "cancelled" || back.Get("result") != "cancelled" || back.Has("connection_id") {
			s.Errorf("the user comes back with %s", back.Encode())
		}
		p.get("/connections").ok().is(noList)
	}, ""},
	{"3.4", "a code that the bank does not know ends as error, bank_error", func(s *scene) {
		p := s.user()
		address, err := url.Parse(p.authorizeURL(nil))
		if err != nil {
			s.Fatal(err)
		}
		callback, err := url.Parse(s.platform.address + "/oauth2/aisp?code=wrong&state=" + address.Query().Get("state"))
		if err != nil {
			s.Fatal(err)
		}
		carries(s, s.arrive(callback).redirect(), "https://integrator.example/back?", fields{"status": "error", "result": "bank_error", "error_description": someText, "connection_id": absent})
	}, ""},
	{"3.4", "the same callback gets the same redirect, and another code for its state does not", func(s *scene) {
		p := s.user()
		callback := s.visit(p.authorizeURL(nil), s.customer())
		first := s.arrive(callback).redirect()
		if again := s.arrive(callback).redirect(); again.String() != first.String() {
			s.Errorf("the second visit ends at %s, the first at %s", again, first)
		}
		query := callback.Query()
		query.Set("code", "another")
		callback.RawQuery = query.Encode()
		if other := s.arrive(callback); other.status/100 != 4 {
			s.Errorf("another code is answered with HTTP %d", other.status)
		}
		p.get("/connections").ok().at("1").is(absent)
	}, ""},
	{"3.4", "without connection_id it always makes a new connection", func(s *scene) {
		p, who := s.user(), s.customer()
		first, second := p.connect(who), p.connect(who)
		if first == second {
			s.Errorf("both visits made connection %s", first)
		}
		p.get("/connections").ok().has("id", first, second)
	}, ""},
	{"3.4", "with connection_id and channel_definition_id it renews that connection", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		accounts := p.get("/accounts").ok().every("id")
		back := p.begin(who, object{"connection_id": id, "channel_definition_id": "8701"})
		if back.Get("connection_id") != id || back.Get("result") != "updated" {
			s.Errorf("the user comes back with %s", back.Encode())
		}
		p.settled(id).shows(fields{"status": "SUCCESS"})
		p.get("/connections").ok().has("id", id)
		p.get("/accounts").ok().has("id", accounts...)
	}, ""},
	{"3.4", "the ids of the path win: another channel_definition_id in the body is 400", func(s *scene) {
		p := s.user()
		p.post(authorizePaths[0], object{"channel_definition_id": "8700"}).refused(400, "invalid_request").shows(fields{"field": "channel_definition_id"})
		p.post(authorizePaths[0], object{"channel_definition_id": 8701}).is(http.StatusCreated)
		p.post("/providers/87/channels/4711/authorize_url", object{}).refused(404, "not_found")
		p.post("/providers/87/channels/8700/authorize_url", object{}).refused(400, "invalid_request")
	}, ""},
	{"3.4", "another's connection does not exist", func(s *scene) {
		p, other := s.user(), s.user()
		id := other.begin(s.customer(), nil).Get("connection_id")
		p.post(authorizePaths[0], object{"connection_id": id, "widget_params": p.widgetParams()}).refused(404, "not_found")
	}, ""},
	{"3.4", "widget_params have to be of the same user and client", func(s *scene) {
		p, other := s.user(), s.user()
		for field, wrong := range map[string]object{
			"widget_params.access_token":  {"access_token": other.token},
			"widget_params.refresh_token": {"access_token": p.token, "refresh_token": other.refreshToken},
			"widget_params.client_id":     {"client_id": unlicensed.id, "client_secret": unlicensed.secret, "access_token": p.token},
		} {
			p.post(authorizePaths[0], object{"widget_params": wrong}).refused(400, "invalid_request").shows(fields{"field": field})
		}
		p.post(authorizePaths[0], object{"widget_params": object{"access_token": "nonsense"}}).refused(400, "invalid_request")
	}, ""},
	{"3.4", "a refresh token in widget_params is verified and stays valid", func(s *scene) {
		p := s.user()
		params := p.widgetParams()
		params["refresh_token"] = p.refreshToken
		p.authorizeURL(object{"widget_params": params})
		s.nobody().post("/token", form{"grant_type": "refresh_token", "refresh_token": p.refreshToken, "client_id": licensed.id, "client_secret": licensed.secret}).ok()
	}, ""},
	{"3.4", "mode B: the bank sends the user to the integrator, with its state", func(s *scene) {
		p := s.user()
		address := p.authorizeURL(object{"use_client_redirect": true, "widget_params": nil, "redirect_state": "af0ifjsldkj"})
		carries(s, s.visit(address, s.customer()), "https://integrator.example/back?", fields{"code": someText, "state": "af0ifjsldkj"})
	}, ""},
	{"3.4", "mode B: | is forbidden in redirect_state, and redirect_uri has to be there", func(s *scene) {
		p := s.user()
		p.post(authorizePaths[0], object{"use_client_redirect": true, "redirect_uri": backAt, "redirect_state": "a|b"}).refused(400, "invalid_request").shows(fields{"field": "redirect_state"})
		params := p.widgetParams()
		params["redirect_uri"] = backAt
		p.post(authorizePaths[0], object{"use_client_redirect": true, "widget_params": params}).refused(400, "invalid_request").shows(fields{"field": "redirect_uri"})
	}, ""},
	{"3.4", "mode B ends with POST /connections and the code", func(s *scene) {
		p := s.user()
		address := p.authorizeURL(object{"use_client_redirect": true, "widget_params": nil})
		code := s.visit(address, s.customer()).Query().Get("code")
		id := p.post("/connections", object{
			"provider_id": "87", "channel_definition_id": "8701", "redirect_uri": backAt, "credentials": []object{credential("AUTHORIZATION_CODE", code)},
		}).created("/connections/")
		p.settled(id).shows(fields{"status": "SUCCESS", "channels.8701.status": "SUCCESS"})
	}, ""},
	{"3.4", "mode B renews with PUT of the channel and the code", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		address := p.authorizeURL(object{"use_client_redirect": true, "widget_params": nil, "connection_id": id})
		code := s.visit(address, who).Query().Get("code")
		p.put("/connections/"+id+"/channels/8701", object{"redirect_uri": backAt, "credentials": []object{credential("AUTHORIZATION_CODE", code)}}).done()
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.4", "mode B wants the code of an authorize_url of the same user", func(s *scene) {
		p, other := s.user(), s.user()
		address := p.authorizeURL(object{"use_client_redirect": true, "widget_params": nil})
		code := s.visit(address, s.customer()).Query().Get("code")
		got := other.post("/connections", object{"provider_id": "87", "channel_definition_id": "8701", "redirect_uri": backAt, "credentials": []object{credential("AUTHORIZATION_CODE", code)}})
		got.refused(400, "authorization_expired")
	}, ""},
	{"3.4", "a client without an agreement needs widget_params", func(s *scene) {
		p := s.withTerms()
		for _, path := range authorizePaths {
			p.post(path, object{"redirect_uri": backAt}).refused(403, "psd2_agreement_required")
			p.post(path, object{"redirect_uri": backAt, "use_client_redirect": true}).refused(403, "psd2_agreement_required")
			p.post(path, object{"redirect_uri": backAt, "widget_params": p.widgetParams()}).is(http.StatusCreated)
		}
	}, ""},
	{"3.4", "auto_sync is true unless authorize_url says false", func(s *scene) {
		p := s.user()
		for said, want := range map[any]bool{true: true, "false": false} {
			id := p.begin(s.customer(), object{"auto_sync": said}).Get("connection_id")
			p.get("/connections/" + id).ok().shows(fields{"auto_sync": want})
		}
	}, ""},
	{"3.4", "a redirect_uri has to be one of the client's", func(s *scene) {
		p := s.userOf(s.newClient("https://app.example.test/back"), allScopes)
		p.authorizeURL(object{"redirect_uri": "https://app.example.test/back"})
		for _, body := range []object{{"redirect_uri": backAt}, {"redirect_uri": backAt, "use_client_redirect": true}} {
			p.post(authorizePaths[0], body).refused(400, "invalid_request").shows(fields{"field": "redirect_uri"})
		}
	}, ""},
	{"3.4", "consent_per_account and select_accounts, at either level; licensed clients only", func(s *scene) {
		p := s.user()
		params := p.widgetParams()
		params["select_accounts"] = true
		for _, body := range []object{{"consent_per_account": true}, {"select_accounts": "true"}, {"widget_params": params}} {
			id := p.begin(s.customer(), body).Get("connection_id")
			p.settled(id).shows(fields{"consent_per_account": true, "channels.8701.status": "NEVER"})
		}
		other := s.withTerms()
		other.post(authorizePaths[0], object{"redirect_uri": backAt, "consent_per_account": true, "widget_params": other.widgetParams()}).refused(403, "psd2_agreement_required")
	}, ""},

	{"3.5", "POST /keys, then GET /keys/{id}: an armored public key and when it expires", func(s *scene) {
		p := s.user()
		id := p.post("/keys", object{"type": "PGP"}).created("/keys/")
		p.get("/keys/" + id).ok().shows(fields{
			"id": id, "type": "PGP", "expiration_date": instant,
			"public_key": matching(`(?s)^-----BEGIN PGP PUBLIC KEY BLOCK-----\n.*\n-----END PGP PUBLIC KEY BLOCK-----\n$`),
		})
	}, ""},
	{"3.5", "a key is the user's", func(s *scene) {
		p, other := s.user(), s.user()
		id, _ := p.key()
		other.get("/keys/"+id).refused(404, "not_found")
		body := other.login(s.customer())
		body["key_id"] = id
		if got := other.post("/connections", body); got.status/100 != 4 {
			s.Errorf("another's key is taken with HTTP %d", got.status)
		}
	}, ""},
	{"3.5", "keys need connections_manage", func(s *scene) {
		p := s.user()
		id, _ := p.key()
		less := p.narrowed("accounts_manage connections_sync transactions_read profile_edit")
		less.post("/keys", object{"type": "PGP"}).refused(403, "insufficient_scope").shows(fields{"message": matching("connections_manage")})
		less.get("/keys/"+id).refused(403, "insufficient_scope").shows(fields{"message": matching("connections_manage")})
	}, ""},
	{"3.5", "a value whose definition says encrypt has to be encrypted, the others are plain", func(s *scene) {
		p, who := s.user(), s.customer()
		id, seal := p.key()
		plain := object{"provider_id": "87", "key_id": id, "credentials": []object{credential("300", who.login), credential("301", who.password), credential("302", who.file)}}
		p.post("/connections", plain).refused(400, "invalid_request").shows(fields{"field": "credentials.301"})
		p.post("/connections", object{"provider_id": "87", "credentials": []object{credential("300", who.login), credential("301", seal(who.password)), credential("302", who.file)}}).
			refused(400, "invalid_request").shows(fields{"field": "key_id"})
	}, ""},
}
