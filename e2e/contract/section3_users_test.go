package contract_test

import (
	"bytes"
	"net/http"
	"strings"
)

// lists names all resources that answer with pages of an array.
var lists = []string{"/connections", "/accounts", "/transactions", "/providers"}

var section3Conventions = []fact{
	{"3 9.19", "JSON under curl's form content type is JSON", func(s *scene) {
		p := s.user()
		p.post("/queues/subscribe", raw("{\n\"topics\": [\"connections\"]\n}")).created("/queues/")
		p.post("/keys", raw("{\n\"type\": \"PGP\"\n}")).created("/keys/")
	}, ""},
	{"3", "POST /users takes a form, JSON and a query", func(s *scene) {
		app := s.app(licensed, "users_create")
		app.post("/users", form{"email": s.platform.unique("form") + "@example.test", "password": "secret"}).created("/users/")
		app.post("/users", object{"email": s.platform.unique("json") + "@example.test", "password": "secret"}).created("/users/")
		app.post("/users?"+form{"email": s.platform.unique("query") + "@example.test", "password": "secret"}.encode(), nil).created("/users/")
	}, ""},
	{"3", "other operations that write take forms as well", func(s *scene) {
		p := s.user()
		p.post("/queues/subscribe", form{"topics": "connections"}).created("/queues/")
		id := p.post("/accounts", form{"name": "Tirelire", "type": "SAVINGS", "balance": "12.50"}).created("/accounts/")
		p.patch("/accounts/"+id, form{"name": "Cochon"}).done()
		p.get("/accounts/" + id).ok().shows(fields{"name": "Cochon", "balance": someNumber})
	}, ""},
	{"3", "a body on GET is ignored, whatever it is called", func(s *scene) {
		p := s.user()
		p.send("GET", "/users/me", raw(`{"limit":0}`)).ok()
		p.send("GET", "/accounts", form{"limit": "0"}).ok()
	}, ""},
	{"3", "creating answers 201 with a relative location", func(s *scene) {
		p := s.user() // whose creation has looked at /users/{id}
		p.post("/keys", object{"type": "PGP"}).created("/keys/")
		p.post("/queues/subscribe", object{"topics": []string{"connections"}}).created("/queues/")
		p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.post("/connections", p.login(s.customer())).created("/connections/")
	}, ""},
	{"3", "changing and deleting answer 204 without a body", func(s *scene) {
		p := s.user()
		id := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.patch("/accounts/"+id, object{"name": "Cochon"}).done()
		p.delete("/accounts/" + id).done()
	}, ""},
	{"3", "lists are bare arrays, and a page past the end is 200 []", func(s *scene) {
		p := s.user()
		for _, list := range append(lists, "/categories") {
			p.get(list).ok().is(someList)
		}
		for _, list := range lists {
			p.get(list + "?page=900").ok().is(noList)
		}
	}, ""},
	{"3", "pages are counted from 1 and have limit elements", func(s *scene) {
		p := s.user()
		for _, name := range []string{"A", "B", "C"} {
			p.post("/accounts", object{"name": name, "type": "SAVINGS"}).created("/accounts/")
		}
		p.get("/accounts?limit=2").ok().has("name", "A", "B")
		p.get("/accounts?limit=2&page=1").ok().has("name", "A", "B")
		p.get("/accounts?limit=2&page=2").ok().has("name", "C")
	}, ""},
	{"3", "a limit outside 1 to 500 and a page below 1 are 400, for every list", func(s *scene) {
		p := s.user()
		for _, list := range lists {
			for query, field := range map[string]string{"limit=0": "limit", "limit=501": "limit", "limit=many": "limit", "page=0": "page", "page=-1": "page"} {
				p.get(list+"?"+query).refused(400, "invalid_request").shows(fields{"field": field})
			}
			p.get(list + "?limit=500&page=1").ok()
		}
	}, ""},
	{"3", "lists are in the order of their ids", func(s *scene) {
		p := s.user()
		for _, name := range []string{"C", "A", "B"} {
			p.post("/accounts", object{"name": name, "type": "SAVINGS"}).created("/accounts/")
		}
		got := p.get("/accounts").ok()
		if names := strings.Join(got.every("name"), ""); names != "CAB" {
			s.Errorf("the accounts come as %s", names)
		}
	}, ""},
	{"3", "ids are decimal strings, dates Unix seconds, amounts JSON numbers", func(s *scene) {
		p := s.user()
		p.connect(s.customer())
		p.get("/accounts").ok().at("0").shows(fields{"id": someID, "connection_id": someID, "creation_date": instant, "balance_date": instant, "balance": someNumber})
		p.get("/transactions").ok().at("0").shows(fields{"id": someID, "account_id": someID, "import_date": instant, "date": parisDay, "amount": someNumber})
		p.get("/users/me").ok().shows(fields{"id": someID, "creation_date": instant})
	}, ""},
	{"3", "ids in bodies may be JSON numbers", func(s *scene) {
		p := s.user()
		body := p.login(s.customer())
		body["provider_id"] = 87
		p.post("/connections", body).created("/connections/")
	}, ""},
	{"3", "every error is JSON of one shape, whatever the status", func(s *scene) {
		p := s.user()
		p.post("/users", nil).is(403).json()
		s.nobody().get("/accounts").refused(401, "invalid_token")
		p.get("/nothing").refused(404, "not_found")
		p.get("/accounts/0").refused(404, "not_found")
		p.delete("/categories").refused(405, "method_not_allowed")
		p.post("/keys", raw(`{"type":`)).refused(400, "invalid_request")
		p.post("/keys", object{"type": "X509"}).refused(400, "invalid_request").shows(fields{"field": "type"})
	}, ""},
	{"3", "an unknown address outside the API shows a browser a page, and answers software with JSON", func(s *scene) {
		const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		for _, path := range []string{"/unknown", "/unknown/page.html"} {
			b := s.nobody().with("Accept", browser).with("Accept-Language", "en").get(path).is(http.StatusNotFound)
			if kind := b.header.Get("Content-Type"); kind != "text/html; charset=utf-8" || !bytes.Contains(b.body, []byte("<h1>This page cannot be opened</h1>")) {
				s.Errorf("%s in a browser: %s\n%s", path, kind, b.body)
			}
			s.nobody().get(path).refused(404, "not_found")
			for _, accept := range []string{"*/*", "application/json", "application/json, text/html;q=0.9"} {
				s.nobody().with("Accept", accept).get(path).refused(404, "not_found")
			}
		}
		s.nobody().with("Accept", browser).get("/v2.1/unknown").refused(404, "not_found")
	}, ""},
	{"3", "without accepted terms every call is 401, and only the deletion works", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		calls := []answer{
			p.get("/users/me"), p.get("/accounts"), p.get("/connections"), p.get("/transactions"), p.get("/providers"), p.get("/categories"),
			p.post("/keys", object{"type": "PGP"}), p.post("/queues/subscribe", object{"topics": []string{"connections"}}), p.get("/queues/1"),
			p.post("/connections/synchronize", nil), p.patch("/users/me", object{"first_name": "Jo"}),
		}
		for _, got := range calls {
			// Clients compare error_description without its surrounding space.
			got.refused(401, "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED")
		}
		p.delete("/users/me").done()
	}, ""},
	{"3", "without accepted terms /token, /widget_session and the widget's pages work", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		p.tokens(allScopes).ok()
		p.open("add_connection", nil).shows(termsPage)
	}, ""},
}

var section3Users = []fact{
	{"3.1", "POST /users with a client token gives the id in the location", func(s *scene) {
		p := s.user()
		p.get("/users/" + p.id).ok().shows(fields{"id": p.id, "email": p.email})
	}, ""},
	{"3.1", "a password may have 64 and 72 characters, and more", func(s *scene) {
		app := s.app(licensed, "users_create")
		for _, n := range []int{64, 72, 200} {
			email, password := s.platform.unique("long")+"@example.test", strings.Repeat("a", n)
			app.post("/users", object{"email": email, "password": password}).created("/users/")
			grant := form{"grant_type": "password", "username": email, "client_id": licensed.id, "client_secret": licensed.secret}
			grant["password"] = password
			s.nobody().post("/token", grant).ok()
			grant["password"] = password[1:]
			s.nobody().post("/token", grant).is(400)
		}
	}, ""},
	{"3.1", "the e-mail has to be valid in form", func(s *scene) {
		app := s.app(licensed, "users_create")
		for _, wrong := range []string{"nobody", "a b@example.test", "Jo <jo@example.test>", ""} {
			app.post("/users", object{"email": wrong, "password": "secret"}).refused(400, "invalid_request").shows(fields{"field": "email"})
		}
	}, ""},
	{"3.1", "a second user with the same e-mail is 409; another client may have it", func(s *scene) {
		p := s.user()
		again := object{"email": p.email, "password": "another"}
		s.app(licensed, "users_create").post("/users", again).refused(409, "email_taken")
		s.app(unlicensed, "users_create").post("/users", again).created("/users/")
	}, ""},
	{"3.1", "a user's token creates no users", func(s *scene) {
		s.user().post("/users", object{"email": s.platform.unique("x") + "@example.test", "password": "secret"}).refused(403, "insufficient_scope")
	}, ""},
	{"3.1", "me and the own id are the user; another's id does not exist", func(s *scene) {
		p, other := s.user(), s.user()
		p.get("/users/me").ok().shows(fields{"id": p.id})
		p.get("/users/" + p.id).ok().shows(fields{"id": p.id})
		for _, method := range []string{"GET", "DELETE"} {
			p.send(method, "/users/"+other.id, nil).refused(404, "not_found")
		}
		p.patch("/users/"+other.id, object{"first_name": "Eve"}).refused(404, "not_found")
		other.get("/users/me").ok().shows(fields{"first_name": absent})
	}, ""},
	{"3.1", "PUT and PATCH change the profile, of me and of the own id", func(s *scene) {
		p := s.user()
		p.patch("/users/me", object{"first_name": "Jo", "birthdate": 599616000}).done()
		p.put("/users/"+p.id, object{"last_name": "DOE", "gender": "MALE", "address": object{"postcode": "75001"}}).done()
		p.get("/users/me").ok().shows(fields{"first_name": "Jo", "last_name": "DOE", "gender": "MALE", "birthdate": 599612400, "address.postcode": "75001"})
	}, ""},
	{"3.1", "deleting the user removes everything, and the e-mail is free again", func(s *scene) {
		p := s.user()
		p.connect(s.customer())
		p.delete("/users/me").done()
		p.get("/users/me").refused(401, "invalid_token")
		s.nobody().post("/token", form{"grant_type": "refresh_token", "refresh_token": p.refreshToken, "client_id": licensed.id, "client_secret": licensed.secret}).is(400)
		p.id = s.app(licensed, "users_create").post("/users", object{"email": p.email, "password": p.password}).created("/users/")
		p.signIn(allScopes)
		p.get("/accounts").ok().is(noList)
		p.get("/connections").ok().is(noList)
	}, ""},
	{"3.1", "DELETE /users/{id} does the same", func(s *scene) {
		p := s.user()
		p.delete("/users/" + p.id).done()
		p.get("/users/me").refused(401, "invalid_token")
	}, ""},
	{"3.1 9.23", "DELETE /admin/users/me deletes with a client token", func(s *scene) {
		p := s.user()
		s.app(licensed, "profile_edit").with("x-linxo-user-id", p.id).delete("/admin/users/me").done()
		p.get("/users/me").refused(401, "invalid_token")
	}, ""},

	{"3.2", "a client token and x-linxo-user-id act for that user on every resource", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		admin := s.app(licensed, "profile_edit accounts_manage connections_manage connections_sync transactions_read").with("x-linxo-user-id", p.id)
		admin.get("/users/me").ok().shows(fields{"id": p.id})
		admin.get("/connections/" + id).ok().shows(fields{"id": id, "user_id": p.id})
		admin.get("/connections").ok().has("id", id)
		account := admin.get("/accounts").ok().at("0.id").text()
		admin.get("/transactions").ok().at("0.id").is(someID)
		admin.delete("/accounts/" + account).done()
		admin.delete("/connections/" + id).done()
		admin.delete("/users/me").done()
	}, ""},
	{"3.2", "x-scope narrows the client token for the request", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		admin := s.app(licensed, "accounts_read transactions_read profile").with("x-linxo-user-id", p.id)
		admin.with("x-scope", "accounts_read transactions_read").get("/connections/" + id).ok()
		admin.with("x-scope", "accounts_read").get("/transactions").refused(403, "insufficient_scope").shows(fields{"message": matching("transactions_read")})
		admin.with("x-scope", "profile_edit").delete("/users/me").refused(403, "insufficient_scope")
	}, ""},
	{"3.2", "with a user's token both headers are ignored", func(s *scene) {
		p, other := s.user(), s.user()
		p.caller = p.with("x-linxo-user-id", other.id).with("x-scope", "users_create")
		p.get("/users/me").ok().shows(fields{"id": p.id})
	}, ""},
	{"3.2", "a client acts for its own users only, and says for whom", func(s *scene) {
		stranger := s.userOf(unlicensed, allScopes)
		admin := s.app(licensed, "profile accounts_read")
		admin.with("x-linxo-user-id", stranger.id).get("/users/me").refused(404, "not_found")
		admin.with("x-linxo-user-id", stranger.id).get("/accounts").refused(404, "not_found")
		admin.with("x-linxo-user-id", "nonsense").get("/accounts").refused(404, "not_found")
		admin.get("/accounts").refused(400, "invalid_request").shows(fields{"field": "x-linxo-user-id"})
	}, ""},
	{"3.2", "GET /connections takes the user in user_id as well", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		s.app(licensed, "accounts_read").get("/connections?user_id="+p.id).ok().has("id", id)
	}, ""},

	{"3.3", "there is no path of the API that accepts terms: the widget does it, then the API opens", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		p.post("/terms", nil).refused(404, "not_found")
		carries(s, p.open("terms", nil).accept().leaves(), "https://integrator.example/back?mine=1&", fields{"status": "success", "result": "validated"})
		p.get("/users/me").is(http.StatusOK)
	}, ""},
	{"3.3", "users of a client with an agreement need not accept", func(s *scene) {
		p := s.userOf(licensed, allScopes)
		p.get("/users/me").ok()
		p.open("add_connection", nil).shows(banksPage).lacks(termsPage)
	}, ""},
}
