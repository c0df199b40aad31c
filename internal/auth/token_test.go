package auth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// texts are scopes as they are written.
func texts(scopes oxlin.Scopes) []string {
	var all []string
	for _, scope := range scopes {
		all = append(all, string(scope))
	}
	return all
}

// Each row is one fact of the contract about POST /token.
func TestToken(t *testing.T) {
	t.Parallel()
	const (
		forms = "application/x-www-form-urlencoded"
		jsons = "application/json"
	)
	user := url.Values{"username": {email}, "password": {password}}.Encode()
	inParts, machine := parts("grant_type", "client_credentials", "scope", "users_create")
	userInParts, person := parts("grant_type", "password", "username", email, "password", password, "scope", "profile")
	hugeInParts, huge := parts("grant_type", strings.Repeat("x", 100_000))
	binaryInParts, binary := parts("grant_type", "\xff")
	twiceInParts, twice := parts("grant_type", "client_credentials", "scope", "profile", "scope", "users_create")
	const file = "--x\r\nContent-Disposition: form-data; name=scope; filename=scope.txt\r\n\r\nprofile\r\n--x--"
	rows := []struct {
		fact        string
		contentType string
		basic       string
		path        string
		body        string
		status      int
		err         string
		names       string // the parameter that the error names
		scope       string
		members     []string // of a success
	}{
		{fact: "client_credentials with Basic (seed A)", basic: basic("sandbox", "sandbox-secret"), body: "grant_type=client_credentials&scope=users_create",
			scope: "users_create", members: []string{"access_token", "expires_in", "scope", "token_type"}},
		{fact: "Basic is URL-decoded", basic: basic("s%61ndbox", "sandbox%2Dsecret"), body: "grant_type=client_credentials",
			members: []string{"access_token", "expires_in", "token_type"}},
		{fact: "client_credentials with form fields", body: form("grant_type", "client_credentials", "scope", "users_create"), scope: "users_create"},
		{fact: "scopes between commas", body: form("grant_type", "client_credentials", "scope", "users_create,accounts_read, profile"), scope: "users_create accounts_read profile"},
		{fact: "client_credentials in JSON", contentType: jsons, body: `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret","scope":"users_create","provider":"linxoConnect"}`, scope: "users_create"},
		{fact: "JSON with a form's content type", contentType: forms, body: ` {"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret"}`},
		{fact: "JSON without a content type", contentType: "-", body: `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret"}`},
		{fact: "a form with JSON's content type", contentType: jsons, body: form("grant_type", "client_credentials")},
		{fact: "a form in parts", contentType: inParts, body: machine, scope: "users_create"},
		{fact: "a user's form in parts", contentType: userInParts, body: person, scope: "profile",
			members: []string{"access_token", "expires_in", "refresh_token", "scope", "token_type"}},
		{fact: "JSON with the content type of parts", contentType: inParts, body: `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret"}`},
		{fact: "a client may ask for the scopes of the admin mode", body: form("grant_type", "client_credentials", "scope", "users_create accounts_read accounts_manage connections_manage connections_sync transactions_read profile profile_edit"),
			scope: "users_create accounts_read accounts_manage connections_manage connections_sync transactions_read profile profile_edit"},
		{fact: "openid is not for clients", body: form("grant_type", "client_credentials", "scope", "openid"), status: 400, err: "invalid_scope"},

		{fact: "password (seed Q)", body: "grant_type=password&" + user + "&client_id=sandbox&client_secret=sandbox-secret&scope=openid%20profile%20accounts_read&provider=connect",
			scope: "openid profile accounts_read", members: []string{"access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"}},
		{fact: "password in JSON", contentType: jsons, body: `{"grant_type":"password","username":"` + email + `","password":"` + password + `","client_id":"sandbox","client_secret":"sandbox-secret","scope":"profile"}`,
			scope: "profile", members: []string{"access_token", "expires_in", "refresh_token", "scope", "token_type"}},
		{fact: "password without a scope", body: form("grant_type", "password", "username", email, "password", password),
			members: []string{"access_token", "expires_in", "refresh_token", "token_type"}},
		{fact: "users_create is not for users", body: form("grant_type", "password", "username", email, "password", password, "scope", "users_create"), status: 400, err: "invalid_scope"},
		{fact: "an unknown scope", body: form("grant_type", "password", "username", email, "password", password, "scope", "profile everything"), status: 400, err: "invalid_scope"},
		{fact: "a wrong password", body: form("grant_type", "password", "username", email, "password", "wrong"), status: 400, err: "invalid_grant"},
		{fact: "an unknown user", body: form("grant_type", "password", "username", "nobody@example.test", "password", password), status: 400, err: "invalid_grant"},
		{fact: "another client's user is unknown", body: form("client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret", "grant_type", "password", "username", email, "password", password), status: 400, err: "invalid_grant"},
		{fact: "no password", body: form("grant_type", "password", "username", email), status: 400, err: "invalid_request", names: "password"},
		{fact: "no username", body: form("grant_type", "password", "password", password), status: 400, err: "invalid_request", names: "username"},
		{fact: "no refresh_token", body: form("grant_type", "refresh_token"), status: 400, err: "invalid_request", names: "refresh_token"},
		{fact: "an empty refresh_token", body: form("grant_type", "refresh_token", "refresh_token", ""), status: 400, err: "invalid_request", names: "refresh_token"},
		{fact: "no code", body: form("grant_type", "authorization_code", "redirect_uri", "https://client.test/"), status: 400, err: "invalid_request", names: "code"},

		{fact: "a parameter twice", body: form("grant_type", "client_credentials", "scope", "profile") + "&scope=users_create", status: 400, err: "invalid_request", names: "scope"},
		{fact: "a grant twice", body: form("grant_type", "client_credentials") + "&grant_type=password&" + user, status: 400, err: "invalid_request", names: "grant_type"},
		{fact: "a parameter twice in JSON", body: `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret","scope":"profile","scope":"users_create"}`, status: 400, err: "invalid_request", names: "scope"},
		{fact: "a parameter twice in parts", contentType: twiceInParts, body: twice, status: 400, err: "invalid_request", names: "scope"},
		{fact: "the same twice", body: form("grant_type", "client_credentials", "scope", "profile") + "&scope=profile&client_id=sandbox", scope: "profile"},
		{fact: "once with a value and once without", body: "scope=&" + form("grant_type", "client_credentials", "scope", "profile"), scope: "profile"},

		{fact: "a wrong secret", basic: basic("sandbox", "wrong"), body: "grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "a wrong secret in the body", body: form("client_secret", "wrong", "grant_type", "client_credentials"), status: 401, err: "invalid_client"},
		{fact: "no secret", body: "client_id=sandbox&grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "an unknown client", body: form("client_id", "nobody", "grant_type", "client_credentials"), status: 401, err: "invalid_client"},
		{fact: "no client at all", body: "grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "an unknown grant", body: form("grant_type", "magic"), status: 400, err: "unsupported_grant_type"},
		{fact: "no grant", body: form(), status: 400, err: "invalid_request", names: "grant_type"},
		{fact: "an empty body", body: "", status: 400, err: "invalid_request"},
		{fact: "broken JSON", contentType: jsons, body: `{"grant_type":`, status: 400, err: "invalid_request"},
		{fact: "a list in JSON", contentType: jsons, body: `{"grant_type":"client_credentials","scope":["a"]}`, status: 400, err: "invalid_request"},
		{fact: "a body beyond measure", body: "grant_type=" + strings.Repeat("x", 100_000), status: 400, err: "invalid_request"},
		{fact: "parts beyond measure", contentType: hugeInParts, body: huge, status: 400, err: "invalid_request"},
		{fact: "parts that are no text", contentType: binaryInParts, body: binary, status: 400, err: "invalid_request"},
		{fact: "parts without a boundary", contentType: "multipart/form-data", body: machine, status: 400, err: "invalid_request"},
		{fact: "parts without an end", contentType: inParts, body: machine[:len(machine)-10], status: 400, err: "invalid_request"},
		{fact: "a file", contentType: "multipart/form-data; boundary=x", body: file, status: 400, err: "invalid_request", names: "scope"},
		{fact: "a NUL", body: form("grant_type", "password", "username", "\x00", "password", "x"), status: 400, err: "invalid_request"},
		{fact: "a NUL in JSON", body: `{"client_id":"\u0000","client_secret":"x","grant_type":"client_credentials"}`, status: 400, err: "invalid_request"},
		{fact: "bytes that are no text", body: form("grant_type", "password", "username", "\xff", "password", "x"), status: 400, err: "invalid_request"},
		{fact: "a NUL in Basic", basic: basic("%00", "x"), body: "grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "Basic that is not URL-encoded", basic: basic("%", "x"), body: "grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "audience means nothing here", body: form("grant_type", "client_credentials", "audience", "https://api.test/")},
		{fact: "parameters in the URL do not count", path: "/token?" + form("grant_type", "client_credentials"), body: "", status: 400, err: "invalid_request"},
		{fact: "a secret in the URL does not count", path: "/token?client_id=sandbox&client_secret=sandbox-secret", body: "grant_type=client_credentials", status: 401, err: "invalid_client"},
		{fact: "an unknown code", body: form("grant_type", "authorization_code", "code", "x", "redirect_uri", "https://client.test/"), status: 400, err: "invalid_grant"},
		{fact: "an unknown refresh token", body: form("grant_type", "refresh_token", "refresh_token", "x"), status: 400, err: "invalid_grant"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) {
				path := row.path
				if path == "" {
					path = "/token"
				}
				headers := []string{}
				if row.contentType != "" {
					headers = append(headers, "Content-Type", strings.TrimPrefix(row.contentType, "-"))
				}
				if row.basic != "" {
					headers = append(headers, "Authorization", row.basic)
				}
				a := w.post(t, path, row.body, headers...)
				if a.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("Cache-Control: %q", a.Header.Get("Cache-Control"))
				}
				if row.err != "" {
					if a.StatusCode != row.status || a.field("error") != row.err || a.field("error_description") == "" {
						t.Errorf("got %d %s; want %d %s", a.StatusCode, a.text, row.status, row.err)
					}
					if row.names != "" && !strings.Contains(a.field("error_description"), " "+row.names+" ") {
						t.Errorf("%q does not name %s", a.field("error_description"), row.names)
					}
					if (a.StatusCode == 401) != (a.Header.Get("WWW-Authenticate") != "") {
						t.Errorf("%d with WWW-Authenticate: %q", a.StatusCode, a.Header.Get("WWW-Authenticate"))
					}
					return
				}
				if a.StatusCode != http.StatusOK || a.field("token_type") != "Bearer" || a.json["expires_in"] != 3600.0 {
					t.Fatalf("got %d %s", a.StatusCode, a.text)
				}
				if a.field("scope") != row.scope {
					t.Errorf("scope %q; want %q", a.field("scope"), row.scope)
				}
				if row.members != nil {
					members := []string{}
					for member := range a.json {
						members = append(members, member)
					}
					slices.Sort(members)
					if !slices.Equal(members, row.members) {
						t.Errorf("members %v; want %v", members, row.members)
					}
				}
				if !w.works(t, a.field("access_token")) {
					t.Error("the access token does not work")
				}
			})
		}
	})
}

func TestTokenTakesPostOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := newWorld(t, db).get(t, "/token?"+form("grant_type", "client_credentials"))
		if a.StatusCode != http.StatusMethodNotAllowed || a.field("error") != "method_not_allowed" || a.Header.Get("Allow") != "POST" {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
}

func TestGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signedIn := w.signIn(t, "profile accounts_read")
		g, err := w.Authenticate(t.Context(), oxlin.NewSecret(signedIn.field("access_token")))
		if err != nil {
			t.Fatal(err)
		}
		if g.Client.ID != "sandbox" || g.UserID != w.user || !slices.Equal(g.Scopes, oxlin.Scopes{"profile", "accounts_read"}) ||
			!g.ExpiresAt.Equal(w.Clock.Now().Add(time.Hour)) {
			t.Errorf("a user's grant: %+v", g)
		}
		client := w.post(t, "/token", form("grant_type", "client_credentials", "scope", "users_create"))
		g, err = w.Authenticate(t.Context(), oxlin.NewSecret(client.field("access_token")))
		if err != nil {
			t.Fatal(err)
		}
		if g.Client.ID != "sandbox" || g.UserID != 0 || !slices.Equal(g.Scopes, oxlin.Scopes{"users_create"}) {
			t.Errorf("a client's grant: %+v", g)
		}
		if w.works(t, "") || w.works(t, signedIn.field("refresh_token")) {
			t.Error("what is no access token was accepted")
		}
		w.Clock.Advance(time.Hour)
		if w.works(t, signedIn.field("access_token")) {
			t.Error("an expired token was accepted")
		}
	})
}

func TestDeletedUsersTokensDieAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signedIn := w.signIn(t, "profile")
		err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), w.user) })
		if err != nil {
			t.Fatal(err)
		}
		if w.works(t, signedIn.field("access_token")) {
			t.Error("the access token still works")
		}
		if a := w.refresh(t, signedIn.field("refresh_token")); a.field("error") != "invalid_grant" {
			t.Errorf("the refresh token: %d %s", a.StatusCode, a.text)
		}
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fact string
		test func(t *testing.T, w *world)
	}{
		{"gives a new pair, an id_token and the same scopes", func(t *testing.T, w *world) {
			before := w.signIn(t, "openid profile")
			after := w.refresh(t, before.field("refresh_token"))
			if after.StatusCode != http.StatusOK || after.json["expires_in"] != 3600.0 || after.field("token_type") != "Bearer" ||
				after.field("scope") != "openid profile" || after.field("id_token") == "" ||
				after.field("refresh_token") == "" || after.field("refresh_token") == before.field("refresh_token") {
				t.Errorf("got %d %s", after.StatusCode, after.text)
			}
			if !w.works(t, before.field("access_token")) || !w.works(t, after.field("access_token")) {
				t.Error("an access token does not work")
			}
		}},
		{"works without a scope, with redirect_uri and in JSON", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			a := w.post(t, "/token", `{"grant_type":"refresh_token","refresh_token":"`+token+`","redirect_uri":"https://client.test/","client_id":"sandbox","client_secret":"sandbox-secret"}`, "Accept", "application/json")
			if a.StatusCode != http.StatusOK {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"may narrow the access token's scopes, and never those of the next refresh", func(t *testing.T, w *world) {
			granted := w.signIn(t, "openid profile_edit accounts_read").field("refresh_token")
			for _, step := range []struct {
				asked string
				want  oxlin.Scopes
			}{
				{"accounts_read", oxlin.Scopes{"accounts_read"}},
				{"profile_edit openid", oxlin.Scopes{"profile_edit", "openid"}},
				{"profile,profile", oxlin.Scopes{"profile"}}, // profile_edit contains it
				{"", oxlin.Scopes{"openid", "profile_edit", "accounts_read"}},
				{" ", oxlin.Scopes{"openid", "profile_edit", "accounts_read"}},
			} {
				a := w.refresh(t, granted, "scope", step.asked)
				g, err := w.Authenticate(t.Context(), secretOf(a.field("access_token")))
				if err != nil || !slices.Equal(g.Scopes, step.want) || !slices.Equal(strings.Fields(a.field("scope")), texts(step.want)) {
					t.Errorf("%q: %d %s carries %v, %v", step.asked, a.StatusCode, a.text, g.Scopes, err)
				}
				if (a.field("id_token") != "") != slices.Contains(step.want, oxlin.ScopeOpenID) {
					t.Errorf("%q: id_token %q", step.asked, a.field("id_token"))
				}
				granted = a.field("refresh_token")
			}
		}},
		{"never widens the scopes, and is not spent by the try", func(t *testing.T, w *world) {
			token := w.signIn(t, "openid profile accounts_read").field("refresh_token")
			for _, more := range []string{"accounts_manage", "profile profile_edit", "users_create", "everything"} {
				if a := w.refresh(t, token, "scope", more); a.StatusCode != 400 || a.field("error") != "invalid_scope" {
					t.Errorf("%q: %d %s", more, a.StatusCode, a.text)
				}
			}
			w.Clock.Advance(time.Minute)
			if a := w.refresh(t, token); a.StatusCode != http.StatusOK || a.field("scope") != "openid profile accounts_read" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"is for the client that the token was given to", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			a := w.post(t, "/token", form("client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret", "grant_type", "refresh_token", "refresh_token", token))
			if a.StatusCode != 400 || a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
			if w.refresh(t, token).StatusCode != http.StatusOK {
				t.Error("the other client's try has spent it")
			}
		}},
		{"twice within a few seconds is no theft", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			first := w.refresh(t, token)
			w.Clock.Advance(9 * time.Second)
			second := w.refresh(t, token)
			for _, a := range []answer{first, second} {
				if a.StatusCode != http.StatusOK || !w.works(t, a.field("access_token")) || w.refresh(t, a.field("refresh_token")).StatusCode != http.StatusOK {
					t.Errorf("got %d %s", a.StatusCode, a.text)
				}
			}
		}},
		{"twice within a few seconds gives one refresh token", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			first, second := w.refresh(t, token), w.refresh(t, token)
			if first.field("refresh_token") != second.field("refresh_token") || first.field("access_token") == second.field("access_token") {
				t.Errorf("got %s and %s", first.text, second.text)
			}
		}},
		{"of a token whose successor was used ends the whole family", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			first := w.refresh(t, token)
			next := w.refresh(t, first.field("refresh_token"))
			if a := w.refresh(t, token); a.StatusCode != 400 || a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
			if w.works(t, next.field("access_token")) || w.refresh(t, next.field("refresh_token")).StatusCode != 400 {
				t.Error("the family still works")
			}
		}},
		{"many times at once is no theft", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			var wait sync.WaitGroup
			answers := make([]answer, 8)
			for i := range answers {
				wait.Go(func() { answers[i] = w.refresh(t, token) })
			}
			wait.Wait()
			for _, a := range answers {
				if a.StatusCode != http.StatusOK || !w.works(t, a.field("access_token")) || a.field("refresh_token") != answers[0].field("refresh_token") {
					t.Errorf("got %d %s", a.StatusCode, a.text)
				}
			}
		}},
		{"of a token used before ends the whole family", func(t *testing.T, w *world) {
			signedIn := w.signIn(t, "")
			other := w.signIn(t, "")
			refreshed := w.refresh(t, signedIn.field("refresh_token"))
			w.Clock.Advance(11 * time.Second)
			a := w.refresh(t, signedIn.field("refresh_token"))
			if a.StatusCode != 400 || a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
			if w.works(t, signedIn.field("access_token")) || w.works(t, refreshed.field("access_token")) {
				t.Error("an access token of the family still works")
			}
			if a := w.refresh(t, refreshed.field("refresh_token")); a.field("error") != "invalid_grant" {
				t.Errorf("the family's refresh token still works: %s", a.text)
			}
			if !w.works(t, other.field("access_token")) || w.refresh(t, other.field("refresh_token")).StatusCode != http.StatusOK {
				t.Error("another sign-in was ended as well")
			}
		}},
		{"the few seconds count from the first use", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			for range 3 {
				w.refresh(t, token)
				w.Clock.Advance(6 * time.Second)
			}
			if a := w.refresh(t, token); a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"is possible for 90 days, from the last time", func(t *testing.T, w *world) {
			token := w.signIn(t, "").field("refresh_token")
			w.Clock.Advance(90*24*time.Hour - time.Second)
			a := w.refresh(t, token)
			if a.StatusCode != http.StatusOK {
				t.Fatalf("got %d %s", a.StatusCode, a.text)
			}
			w.Clock.Advance(90 * 24 * time.Hour)
			if a := w.refresh(t, a.field("refresh_token")); a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) { row.test(t, w) })
		}
	})
}

func TestRefreshTokenIsVerifiedAndNotSpent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		token := w.signIn(t, "profile").field("refresh_token")
		verify := func(id oxlin.ClientID, token string) error {
			_, err := w.VerifyRefresh(t.Context(), id, oxlin.NewSecret(token))
			return err
		}
		for range 2 {
			g, err := w.VerifyRefresh(t.Context(), "sandbox", oxlin.NewSecret(token))
			if err != nil || g.UserID != w.user || !slices.Equal(g.Scopes, oxlin.Scopes{"profile"}) {
				t.Fatalf("%+v, %v", g, err)
			}
		}
		if w.refresh(t, token).StatusCode != http.StatusOK {
			t.Error("verifying has spent it")
		}
		if verify("sandbox", token) != nil {
			t.Error("refused while a parallel request may have used it")
		}
		w.Clock.Advance(time.Minute)
		for name, err := range map[string]error{
			"a used token": verify("sandbox", token), "an unknown token": verify("sandbox", "x"), "another client's": verify("sandbox-licensed", token),
		} {
			if oxlin.AsError(err).Code != oxlin.CodeInvalidToken {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Each row is something that may happen to a sign-in.
func TestFamilyLivesAsLongAsItCanBeRefreshed(t *testing.T) {
	t.Parallel()
	const days = 24 * time.Hour
	rows := []struct {
		fact string
		// happens is the event of a sign-in, whose effect on its lifetime the row
		// checks.
		happens func(t *testing.T, w *world, signedIn answer)
		lives   time.Duration
	}{
		{"nothing", func(*testing.T, *world, answer) {}, 90 * days},
		{"the access token expires", func(_ *testing.T, w *world, _ answer) { w.Clock.Advance(time.Hour) }, 90*days - time.Hour},
		{"a refresh", func(t *testing.T, w *world, signedIn answer) {
			w.Clock.Advance(30 * days)
			w.refresh(t, signedIn.field("refresh_token"))
			w.Clock.Advance(time.Minute)
		}, 90*days - time.Minute},
		{"two refreshes at once", func(t *testing.T, w *world, signedIn answer) {
			w.refresh(t, signedIn.field("refresh_token"))
			w.Clock.Advance(5 * time.Second)
			w.refresh(t, signedIn.field("refresh_token"))
		}, 90*days - 5*time.Second}, // both get the token of the first
		{"verifying its refresh token", func(t *testing.T, w *world, signedIn answer) {
			_, err := w.VerifyRefresh(t.Context(), "sandbox", secretOf(signedIn.field("refresh_token")))
			if err != nil {
				t.Error(err)
			}
		}, 90 * days},
		{"90 days", func(_ *testing.T, w *world, _ answer) { w.Clock.Advance(90 * days) }, 0},
		{"a stolen refresh token", func(t *testing.T, w *world, signedIn answer) {
			w.refresh(t, signedIn.field("refresh_token"))
			w.Clock.Advance(time.Minute)
			w.refresh(t, signedIn.field("refresh_token"))
		}, 0},
		{"signing out", func(t *testing.T, w *world, signedIn answer) {
			w.post(t, "/revoke", form("token", signedIn.field("access_token")))
		}, 0},
		{"the user is deleted", func(t *testing.T, w *world, _ answer) {
			err := w.DB.Write(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), w.user) })
			if err != nil {
				t.Fatal(err)
			}
		}, 0},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		family := func(t *testing.T, access answer) string {
			t.Helper()
			g, err := w.Authenticate(t.Context(), secretOf(access.field("access_token")))
			if err != nil || g.Family == "" {
				t.Fatalf("%+v, %v", g, err)
			}
			return g.Family
		}
		check := func(t *testing.T, family string, lives time.Duration) {
			t.Helper()
			until, alive, err := w.FamilyAlive(t.Context(), family)
			if err != nil || alive != (lives > 0) || alive && until.Sub(w.Clock.Now()) != lives || !alive && !until.IsZero() {
				t.Errorf("until %v (%v, %v), which is %v; want %v", until, alive, err, until.Sub(w.Clock.Now()), lives)
			}
		}
		other := family(t, w.post(t, "/token", form("grant_type", "client_credentials")))
		check(t, other, 0) // a client's own token cannot be refreshed
		check(t, "unknown", 0)
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) {
				signedIn := w.signIn(t, "profile")
				of := family(t, signedIn)
				g, err := w.VerifyRefresh(t.Context(), "sandbox", secretOf(signedIn.field("refresh_token")))
				if err != nil || g.Family != of {
					t.Errorf("the refresh token's family is %q, %v; want %q", g.Family, err, of)
				}
				row.happens(t, w, signedIn)
				check(t, of, row.lives)
			})
		}
	})
}

func TestPasswordsCannotBeGuessedFast(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		try := func(username, password string) answer {
			return w.post(t, "/token", form("grant_type", "password", "username", username, "password", password))
		}
		for i := range 10 {
			if a := try(email, "wrong"); a.StatusCode != 400 {
				t.Fatalf("try %d: %d %s", i, a.StatusCode, a.text)
			}
		}
		a := try(email, password)
		if a.StatusCode != http.StatusTooManyRequests || a.field("error") != "invalid_grant" || a.Header.Get("Retry-After") != "60" {
			t.Errorf("got %d %s, Retry-After %q", a.StatusCode, a.text, a.Header.Get("Retry-After"))
		}
		if a := try("other@example.test", "wrong"); a.StatusCode != 400 {
			t.Errorf("another user: %d %s", a.StatusCode, a.text)
		}
		w.Clock.Advance(time.Minute)
		if a := try(email, password); a.StatusCode != http.StatusOK {
			t.Errorf("a minute later: %d %s", a.StatusCode, a.text)
		}
		for i := range 10 {
			if a := try(email, "wrong"); a.StatusCode != 400 {
				t.Errorf("try %d after a success: %d %s", i, a.StatusCode, a.text)
			}
		}
	})
}
