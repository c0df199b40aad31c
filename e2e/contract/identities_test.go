package contract_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// operation is an operation of the served OpenAPI document.
type operation struct {
	id, method, path string
	// public operations take no token; any scope of anyOf suffices.
	public bool
	anyOf  []string
	// inPath and inQuery are the names of its parameters.
	inPath, inQuery []string
	// html operations answer with a page.
	html bool
	body any
}

// operations returns all operations of the document that the platform serves.
func operations(t *testing.T, p *platform) []operation {
	t.Helper()
	served := caller{TB: t, platform: p}.get("/openapi.json").is(http.StatusOK)
	document, err := openapi3.NewLoader().LoadFromData(served.body)
	if err != nil {
		t.Fatal(err)
	}
	var all []operation
	for path, item := range document.Paths.Map() {
		for method, described := range item.Operations() {
			one := operation{id: described.OperationID, method: method, path: path}
			for _, parameter := range append(slices.Clone(item.Parameters), described.Parameters...) {
				switch parameter.Value.In {
				case "path":
					one.inPath = append(one.inPath, parameter.Value.Name)
				case "query":
					one.inQuery = append(one.inQuery, parameter.Value.Name)
				}
			}
			security := document.Security
			if described.Security != nil {
				security = *described.Security
			}
			one.public = len(security) == 0
			for _, alternative := range security {
				for _, scopes := range alternative {
					one.anyOf = append(one.anyOf, scopes...)
				}
			}
			if ok := described.Responses.Status(http.StatusOK); ok != nil {
				one.html = ok.Value.Content.Get("text/html") != nil
			}
			one.body = example(described)
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b operation) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})
	return all
}

// example returns a body that the document shows.
func example(described *openapi3.Operation) any {
	if described.RequestBody == nil {
		return nil
	}
	content := described.RequestBody.Value.Content.Get("application/json")
	if content == nil {
		return nil
	}
	if content.Example != nil {
		return content.Example
	}
	for _, name := range slices.Sorted(maps.Keys(content.Examples)) {
		return content.Examples[name].Value.Value
	}
	return nil
}

// withoutUser reports whether a client's own token suffices, because the operation
// concerns no user.
func (o operation) withoutUser() bool {
	return len(o.anyOf) == 0 || slices.Equal(o.anyOf, []string{"users_create"})
}

// catalogued lists the parameters that name resources of the catalogue, which belong to
// no user.
var catalogued = []string{"provider_id", "channel_definition_id"}

// owned reports whether the path names a user's resource.
func (o operation) owned() bool {
	return slices.ContainsFunc(o.inPath, func(name string) bool { return !slices.Contains(catalogued, name) })
}

// at returns the path with a user's ids; ids that the user does not have become 1.
func (o operation) at(ids map[string]string) string {
	path := o.path
	for _, name := range o.inPath {
		path = strings.ReplaceAll(path, "{"+name+"}", cmp.Or(ids[name], "1"))
	}
	return path
}

// contains maps a scope to the other scopes that it grants.
var contains = map[string][]string{
	"accounts_manage": {"accounts_read"}, "transactions_read": {"accounts_read"}, "profile_edit": {"profile"},
}

// everythingBut returns all scopes except those that grant one of these.
func everythingBut(anyOf []string) string {
	scopes := []string{"accounts_read", "accounts_manage", "connections_manage", "connections_sync", "transactions_read", "profile", "profile_edit"}
	return strings.Join(slices.DeleteFunc(scopes, func(scope string) bool {
		return slices.Contains(anyOf, scope) || slices.ContainsFunc(contains[scope], func(granted string) bool { return slices.Contains(anyOf, granted) })
	}), " ")
}

// mark is part of every resource of the user whom no other caller may reach.
const mark = "canary-of-the-victim"

// furnished gives a user a connection with accounts and transactions, a key and a
// queue, marks them, and returns their ids.
func (p *person) furnished() map[string]string {
	p.Helper()
	connection := p.connect(p.scene.customer())
	key, _ := p.key()
	ids := map[string]string{
		"user_id": p.id, "provider_id": "87", "connection_id": connection, "channel_definition_id": "8701", "credential_id": "300",
		"key_id": key, "queue_id": p.queue(), "account_id": p.get("/accounts").ok().at("0.id").text(), "transaction_id": p.get("/transactions").ok().at("0.id").text(),
	}
	p.patch("/users/me", object{"first_name": mark}).done()
	p.patch("/connections/"+connection, object{"name": mark}).done()
	for _, account := range p.get("/accounts").ok().every("id") {
		p.patch("/accounts/"+account, object{"name": mark}).done()
	}
	return ids
}

// belongings returns all answers about a user's resources.
func (p *person) belongings() string {
	p.Helper()
	var all []string
	for _, path := range []string{"/users/me", "/connections", "/accounts", "/transactions?limit=500"} {
		all = append(all, p.get(path).ok().String())
	}
	return strings.Join(all, "\n")
}

// identity is a caller without the right to an operation.
type identity struct {
	name string
	who  caller
	// wrongFor reports whether the identity is wrong for the operation; nil means it is
	// wrong for all.
	wrongFor func(operation) bool
	// status, code and field are the members of the expected error.
	status      int
	code, field string
	// names is true if the message must name the missing scopes.
	names bool
}

// agreement lists the operations reserved to clients with a PSD2 agreement of their own
// (contract §11), with a body without widget_params.
var agreement = []string{
	"answerChallenges", "createAuthorizeUrl", "createAuthorizeUrlByChannel", "createConnection", "updateChannel", "updateConsents", "updateCredential",
}

// TestWrongIdentities tries every operation of the served document with every caller
// that has no right to it.
func TestWrongIdentities(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p *platform) {
		s := &scene{t, p}
		all := operations(t, p)
		victim := s.user()
		ids := victim.furnished()
		before := victim.belongings()
		wrong := identities(s, victim)
		missing := map[string][]identity{}
		for _, one := range all {
			if scopes := strings.Join(one.anyOf, " "); scopes != "" && missing[scopes] == nil {
				missing[scopes] = lacking(s, victim, one)
			}
		}
		t.Run("operations", func(t *testing.T) {
			tried := 0
			for _, one := range all {
				t.Run(one.id, func(t *testing.T) {
					t.Parallel()
					switch {
					case one.html:
						tryPage(t, p, one)
					case one.public:
						trySession(t, p, one)
					default:
						tryOperation(t, one, ids, slices.Concat(wrong, missing[strings.Join(one.anyOf, " ")]))
					}
				})
				tried++
			}
			if tried < 30 {
				t.Errorf("the document has %d operations only", tried)
			}
		})
		t.Run("agreement", func(t *testing.T) { tryAgreement(t, p, all) })
		if after := victim.belongings(); after != before {
			t.Errorf("somebody reached the user:\n%s\nwas\n%s", after, before)
		}
	})
}

// identities are wrong for many operations alike.
func identities(s *scene, victim *person) []identity {
	revoked := victim.narrowed(allScopes)
	revoked.revoke()
	deleted := s.user()
	deleted.delete("/users/me").done()
	stranger := s.user()
	strangers := s.app(unlicensed, "users_create "+everythingBut(nil))
	own := s.app(licensed, "users_create "+everythingBut(nil))
	ofUser := func(o operation) bool { return !o.withoutUser() }
	// The path of these names the user for a client's own token (contract §12.13).
	namedInPath := func(o operation) bool { return o.id == "setPassword" || o.id == "endSessions" }
	return []identity{
		{name: "nobody", who: s.nobody(), status: 401, code: "invalid_token"},
		{name: "a token that nobody gave", who: s.nobody().with("Authorization", "Bearer nonsense"), status: 401, code: "invalid_token"},
		{name: "a client's secret instead of a token", who: s.nobody().with("Authorization", basic(licensed)), status: 401, code: "invalid_token"},
		{name: "a revoked token", who: revoked.caller, status: 401, code: "invalid_token"},
		{name: "a refresh token", who: s.nobody().with("Authorization", "Bearer "+victim.refreshToken), status: 401, code: "invalid_token"},
		{name: "the token of a deleted user", who: deleted.caller, status: 401, code: "invalid_token"},
		{
			name: "a client for itself", who: own, wrongFor: func(o operation) bool { return ofUser(o) && !namedInPath(o) },
			status: 400, code: "invalid_request", field: "x-linxo-user-id",
		},
		{name: "another client, without a header", who: strangers, wrongFor: namedInPath, status: 404, code: "not_found"},
		{name: "a client for a user of another client", who: strangers.with("x-linxo-user-id", victim.id), wrongFor: ofUser, status: 404, code: "not_found"},
		{name: "a client for a user who is not there", who: own.with("x-linxo-user-id", "999999999"), wrongFor: ofUser, status: 404, code: "not_found"},
		{name: "a client for another of its users", who: own.with("x-linxo-user-id", stranger.id), wrongFor: operation.owned, status: 404, code: "not_found"},
		{name: "another user", who: stranger.caller, wrongFor: operation.owned, status: 404, code: "not_found"},
		{name: "another user, naming the first in the header", who: stranger.with("x-linxo-user-id", victim.id), wrongFor: operation.owned, status: 404, code: "not_found"},
		{
			name: "a user who has not accepted the terms", who: s.userOf(unlicensed, allScopes).caller, status: 401, code: "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED",
			// Deleting the user is the one exception (contract §11).
			wrongFor: func(o operation) bool { return o.id != "deleteUser" },
		},
	}
}

// lacking returns callers whose token has every scope but the operation's: the user,
// and the client acting for the user.
func lacking(s *scene, victim *person, o operation) []identity {
	scopes := everythingBut(o.anyOf)
	user := victim.narrowed(scopes).caller
	if !slices.Contains(o.anyOf, "users_create") {
		scopes += " users_create"
	}
	app := s.app(licensed, scopes).with("x-linxo-user-id", victim.id)
	narrowed := s.app(licensed, "users_create "+everythingBut(nil)).with("x-linxo-user-id", victim.id).with("x-scope", "openid "+scopes)
	lacking := []identity{
		{name: "the user without the scope", who: user, status: 403, code: "insufficient_scope", field: "scope", names: true},
		{name: "the client without the scope", who: app, status: 403, code: "insufficient_scope", field: "scope", names: true},
	}
	if !o.withoutUser() {
		lacking = append(lacking, identity{name: "the client with a narrowed scope", who: narrowed, status: 403, code: "insufficient_scope", field: "scope", names: true})
	}
	return lacking
}

func tryOperation(t *testing.T, o operation, ids map[string]string, wrong []identity) {
	for _, one := range wrong {
		if one.wrongFor != nil && !one.wrongFor(o) {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			one.who.TB = t
			got := one.who.send(o.method, o.at(ids), o.body)
			shown := got.refused(one.status, one.code)
			if one.field != "" {
				shown.shows(fields{"field": one.field})
			}
			if one.status == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate is %q", got.header.Get("WWW-Authenticate"))
			}
			if one.names {
				for _, scope := range o.anyOf {
					shown.shows(fields{"message": matching(`\b` + scope + `\b`)})
				}
			}
		})
	}
	if o.withoutUser() || o.owned() || o.method != http.MethodGet {
		return
	}
	t.Run("another user, who is given their own", func(t *testing.T) {
		i := slices.IndexFunc(wrong, func(one identity) bool { return one.name == "another user" })
		who := wrong[i].who
		who.TB = t
		for _, query := range queries(o, ids) {
			got := who.get(o.at(ids) + query).is(http.StatusOK)
			if strings.Contains(string(got.body), mark) {
				t.Errorf("%s shows what is another's: %s", query, got.body)
			}
		}
	})
}

// queries returns the filters by another user's ids, and an empty one.
func queries(o operation, ids map[string]string) []string {
	all := []string{""}
	for _, name := range o.inQuery {
		if id, ok := ids[name]; ok && !slices.Contains(catalogued, name) {
			all = append(all, "?"+name+"="+id)
		}
	}
	return all
}

// tryPage tries a page without a session, with an invented, an ended and another user's
// session.
func tryPage(t *testing.T, p *platform, o operation) {
	s := &scene{t, p}
	path := "/v2.1" + o.path
	for _, query := range []string{"", "&session_id=", "&session_id=nonsense"} {
		got := s.nobody().send(o.method, path+"?redirect_url="+url.QueryEscape(backAt)+query, nil)
		if got.status != http.StatusUnauthorized || got.header.Get("Location") != "" {
			t.Errorf("%q is answered with HTTP %d, %s", query, got.status, got.header.Get("Location"))
		}
	}
	ended := s.user()
	session := ended.widget(form{"redirect_url": backAt}).at("session_id").text()
	ended.revoke()
	carries(t, s.nobody().send(o.method, path+"?session_id="+session, nil).redirect(), "https://integrator.example/back?", fields{"status": "error", "result": "expired"})
}

// trySession tries the operation that takes a client's credentials and a user's token
// in its body.
func trySession(t *testing.T, p *platform, o operation) {
	s := &scene{t, p}
	victim := s.user()
	right := object{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": victim.token}
	with := func(more object) object {
		body := maps.Clone(right)
		maps.Copy(body, more)
		return body
	}
	for name, body := range map[string]any{
		"nothing": nil, "no secret": object{"client_id": licensed.id, "access_token": victim.token}, "a wrong secret": with(object{"client_secret": "wrong"}),
		"a client that is not there": with(object{"client_id": "nobody"}), "a token that nobody gave": with(object{"access_token": "nonsense"}),
		"another client": with(object{"client_id": unlicensed.id, "client_secret": unlicensed.secret}), "a token of the client": with(object{"access_token": s.app(licensed, "users_create").token}),
		"a refresh token that nobody gave": with(object{"refresh_token": "nonsense"}), "another's refresh token": with(object{"refresh_token": s.user().refreshToken}),
	} {
		got := s.nobody().send(o.method, o.at(nil), body)
		if got.status != http.StatusBadRequest && got.status != http.StatusUnauthorized {
			t.Errorf("%s: %s: HTTP %d: %s", o.id, name, got.status, got.body)
			continue
		}
		got.refused(got.status, got.json().at("error").text())
	}
}

// tryAgreement tries every operation except the deletions for a user of a client
// without an agreement who has accepted the platform's terms, on the user's own
// resources.
func tryAgreement(t *testing.T, p *platform, all []operation) {
	s := &scene{t, p}
	user := s.withTerms()
	ids := user.furnished()
	var refused []string
	for _, o := range all {
		if o.public || o.method == http.MethodDelete {
			continue
		}
		got := user.send(o.method, o.at(ids), o.body)
		if got.status == http.StatusForbidden && got.json().at("error").any == "psd2_agreement_required" {
			got.refused(http.StatusForbidden, "psd2_agreement_required")
			refused = append(refused, o.id)
		}
	}
	slices.Sort(refused)
	if !slices.Equal(refused, agreement) {
		t.Errorf("an agreement is needed for\n%v, want\n%v", fmt.Sprint(refused), fmt.Sprint(agreement))
	}
}
