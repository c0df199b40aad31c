package auth_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// code signs the user in and returns the code that the client gets.
func (b *browser) code(t *testing.T, pairs ...string) string {
	t.Helper()
	return redirect(t, b.submit(t, b.open(t, signinPath(pairs...)), "username", email, "password", password)).Get("code")
}

// exchange sends a code to the token endpoint.
func (b *browser) exchange(t *testing.T, code string, pairs ...string) answer {
	t.Helper()
	return b.post(t, "/token", form(append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback}, pairs...)...))
}

// refusedWith checks an error response.
func (a answer) refusedWith(t *testing.T, what string, status int, code string) {
	t.Helper()
	if a.StatusCode != status || a.field("error") != code {
		t.Errorf("%s: got %d %s; want %d %s", what, a.StatusCode, a.text, status, code)
	}
}

// The example of RFC 7636, appendix B.
const (
	exampleVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	exampleChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var other = []string{"client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret"}

// Each row is a rule of the RFCs that the package cites.
var rules = []struct {
	cited string
	fact  string
	test  func(t *testing.T, b *browser)
}{
	{"RFC 6749 §1.3, §3.2, §4.1, §4.1.1, §4.2, §4.3, §4.4, §4.4.2, §6; RFC 9700 §2.4", "every grant type but the implicit one issues tokens", func(t *testing.T, b *browser) {
		signedIn := b.exchange(t, b.code(t))
		for name, a := range map[string]answer{
			"code": signedIn, "password": b.signIn(t, "profile"), "refresh": b.refresh(t, signedIn.field("refresh_token")),
			"client": b.post(t, "/token", form("grant_type", "client_credentials")),
		} {
			if a.StatusCode != http.StatusOK || !b.works(t, a.field("access_token")) {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			}
		}
		b.post(t, "/token", form("grant_type", "implicit")).refusedWith(t, "implicit", 400, "unsupported_grant_type")
	}},
	{"RFC 6749 §2.1", "a client without a secret has neither passwords nor tokens of its own", func(t *testing.T, b *browser) {
		public, _, err := b.Clients.Create(t.Context(), directory.NewClient{Name: "App", RedirectURIs: []string{callback}, Public: true})
		if err != nil {
			t.Fatal(err)
		}
		id := "client_id=" + string(public.ID)
		b.post(t, "/token", id+"&grant_type=client_credentials").refusedWith(t, "client credentials", 400, "unauthorized_client")
		b.post(t, "/token", id+"&grant_type=password&username=x&password=x").refusedWith(t, "password", 400, "unauthorized_client")
	}},
	{"RFC 6749 §2.3.1, §3.2.1, §5.2", "credentials in Basic are form-encoded, and a wrong one is a challenge", func(t *testing.T, b *browser) {
		const machine = "grant_type=client_credentials"
		if a := b.post(t, "/token", machine, "Authorization", basic("sand%62ox", "sandbox%2Dsecret")); a.StatusCode != http.StatusOK {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
		a := b.post(t, "/token", machine, "Authorization", basic("sandbox", "wrong"))
		a.refusedWith(t, "wrong", 401, "invalid_client")
		if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("challenge %q", a.Header.Get("WWW-Authenticate"))
		}
		b.post(t, "/token", machine).refusedWith(t, "none", 401, "invalid_client")
	}},
	{"RFC 6749 §2.3", "a request authenticates in one way", func(t *testing.T, b *browser) {
		const machine = "grant_type=client_credentials"
		for body, want := range map[string]int{
			machine:                                                     http.StatusOK,
			machine + "&client_id=sandbox":                              http.StatusOK,
			machine + "&client_id=sandbox-licensed":                     http.StatusBadRequest,
			machine + "&client_secret=sandbox-secret":                   http.StatusBadRequest,
			machine + "&client_id=sandbox&client_secret=sandbox-secret": http.StatusBadRequest,
		} {
			a := b.post(t, "/token", body, "Authorization", basic("sandbox", "sandbox-secret"))
			if a.StatusCode != want || want == http.StatusBadRequest && a.field("error") != "invalid_request" {
				t.Errorf("%s: %d %s", body, a.StatusCode, a.text)
			}
		}
	}},
	{"RFC 6749 §3.1, §3.2, §4.1.3, §4.3.2, §4.4.2, §6", "a parameter comes once, and an empty one is absent", func(t *testing.T, b *browser) {
		b.post(t, "/token", form("grant_type", "client_credentials", "scope", "profile")+"&scope=users_create").refusedWith(t, "twice", 400, "invalid_request")
		if a := b.get(t, signinPath()+"&state=a&state=b"); a.StatusCode != 400 || parse(t, a).Find("code").Text() != "invalid_request" {
			t.Errorf("twice at the page: %d %s", a.StatusCode, a.text)
		}
		for grant, parameter := range map[string]string{"authorization_code": "code", "password": "username", "refresh_token": "refresh_token"} {
			b.post(t, "/token", form("grant_type", grant, parameter, "")).refusedWith(t, grant, 400, "invalid_request")
		}
	}},
	{"RFC 6749 §3.1.2, §3.1.2.3, §3.1.2.4, §4.1.2.1; RFC 9700 §2.1, §4.1.3, §4.11.2", "users return to a registered address alone, compared letter by letter", func(t *testing.T, b *browser) {
		created, _, err := b.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}})
		if err != nil {
			t.Fatal(err)
		}
		for _, uri := range []string{callback + "&more=1", callback + "#fragment", "https://CLIENT.test/callback?keep=1", "https://client.test/"} {
			a := b.get(t, signinPath("client_id", string(created.ID), "redirect_uri", uri))
			if a.StatusCode != 400 || a.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q", uri, a.StatusCode, a.Header.Get("Location"))
			}
		}
		if sent := redirect(t, b.get(t, signinPath("client_id", string(created.ID), "scope", "everything"))); sent.Get("error") != "invalid_scope" {
			t.Errorf("the registered one: %v", sent)
		}
	}},
	{"RFC 6749 §3.3", "an unknown scope is refused, and a repeated one counts once", func(t *testing.T, b *browser) {
		b.post(t, "/token", form("grant_type", "client_credentials", "scope", "profile Profile")).refusedWith(t, "other case", 400, "invalid_scope")
		if a := b.signIn(t, "profile  openid profile"); a.field("scope") != "profile openid" {
			t.Errorf("scope %q", a.field("scope"))
		}
	}},
	{"RFC 6749 §4.1.2, §10.5; RFC 6819 §5.2.1.1", "a code is good once within ten minutes, and a second use ends its tokens", func(t *testing.T, b *browser) {
		code := b.code(t)
		b.Clock.Advance(10*time.Minute - time.Second)
		first := b.exchange(t, code)
		if first.StatusCode != http.StatusOK {
			t.Fatalf("got %d %s", first.StatusCode, first.text)
		}
		late := b.code(t)
		b.exchange(t, code).refusedWith(t, "again", 400, "invalid_grant")
		b.refresh(t, first.field("refresh_token")).refusedWith(t, "its refresh token", 400, "invalid_grant")
		if b.works(t, first.field("access_token")) {
			t.Error("its access token works")
		}
		b.Clock.Advance(10 * time.Minute)
		b.exchange(t, late).refusedWith(t, "late", 400, "invalid_grant")
	}},
	{"RFC 6749 §4.1.2, §10.5; RFC 6819 §5.2.1.1", "a code that is exchanged many times at once leaves no tokens", func(t *testing.T, b *browser) {
		code := b.code(t)
		answers := make([]answer, 8)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() { answers[i] = b.exchange(t, code) })
		}
		wait.Wait()
		for _, a := range answers {
			if a.StatusCode == http.StatusOK && b.works(t, a.field("access_token")) {
				t.Error("tokens of the code still work")
			}
			if a.StatusCode != http.StatusOK {
				a.refusedWith(t, "another exchange", 400, "invalid_grant")
			}
		}
	}},
	{"RFC 6749 §4.1.3", "a code is for its client and its redirect_uri", func(t *testing.T, b *browser) {
		code := b.code(t)
		b.exchange(t, code, other...).refusedWith(t, "another client", 400, "invalid_grant")
		b.exchange(t, code, "redirect_uri", callback+"&more=1").refusedWith(t, "another address", 400, "invalid_grant")
		b.exchange(t, code, "redirect_uri", "").refusedWith(t, "no address", 400, "invalid_grant")
		if a := b.exchange(t, code); a.StatusCode != http.StatusOK {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	}},
	{"RFC 6749 §4.3, §4.3.2; RFC 6819 §5.1.4.2.4", "passwords are tried slowly, and an unknown user looks like a known one", func(t *testing.T, b *browser) {
		try := func(username string) answer {
			return b.post(t, "/token", form("grant_type", "password", "username", username, "password", "wrong"))
		}
		if known, unknown := try(email), try("nobody@example.test"); known.text != unknown.text || known.StatusCode != unknown.StatusCode {
			t.Errorf("%d %s and %d %s", known.StatusCode, known.text, unknown.StatusCode, unknown.text)
		}
		for range 9 {
			try(email)
		}
		try(email).refusedWith(t, "the eleventh", 429, "invalid_grant")
		b.Clock.Advance(time.Hour)
	}},
	{"RFC 6749 §4.4.3", "a client's own token comes without a refresh token", func(t *testing.T, b *browser) {
		if a := b.post(t, "/token", form("grant_type", "client_credentials")); a.json["refresh_token"] != nil {
			t.Errorf("got %s", a.text)
		}
	}},
	{"RFC 6749 §5.1, §5.2", "responses with tokens and errors are not cached", func(t *testing.T, b *browser) {
		for _, a := range []answer{b.signIn(t, ""), b.post(t, "/token", form())} {
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" {
				t.Errorf("%d: %v", a.StatusCode, a.Header)
			}
		}
	}},
	{"RFC 6749 §6; RFC 6819 §5.2.2.2, §5.2.2.3; RFC 9700 §4.14.2", "a refresh token is replaced, is for its client, and ends its family when it is reused", func(t *testing.T, b *browser) {
		first := b.signIn(t, "profile")
		b.refresh(t, first.field("refresh_token"), other...).refusedWith(t, "another client", 400, "invalid_grant")
		b.refresh(t, first.field("refresh_token"), "scope", "profile_edit").refusedWith(t, "more scopes", 400, "invalid_scope")
		second := b.refresh(t, first.field("refresh_token"))
		if second.StatusCode != http.StatusOK || second.field("refresh_token") == first.field("refresh_token") {
			t.Fatalf("got %d %s", second.StatusCode, second.text)
		}
		b.Clock.Advance(time.Minute)
		b.refresh(t, first.field("refresh_token")).refusedWith(t, "reused", 400, "invalid_grant")
		b.refresh(t, second.field("refresh_token")).refusedWith(t, "its successor", 400, "invalid_grant")
	}},
	{"RFC 6749 §10.10; RFC 6819 §5.1.4.1.3, §5.1.4.2.2", "tokens have 256 random bits, and the store has their hashes alone", func(t *testing.T, b *browser) {
		signedIn := b.signIn(t, "")
		for name, kind := range map[string]store.TokenKind{"access_token": store.AccessToken, "refresh_token": store.RefreshToken} {
			token := signedIn.field(name)
			if len(token) != 43 { // in base64
				t.Errorf("%s has %d characters", name, len(token))
			}
			_, clear := b.DB.Read().Token(t.Context(), kind, []byte(token), b.Clock.Now())
			stored, err := b.DB.Read().Token(t.Context(), kind, vault.HashToken(secretOf(token)), b.Clock.Now())
			if !oxlin.IsNotFound(clear) || err != nil || strings.Contains(stored.Family+stored.Form, token) {
				t.Errorf("%s: %v, %v", name, clear, err)
			}
		}
	}},
	{"RFC 6749 §10.12", "another site cannot send the page's form", func(t *testing.T, b *browser) {
		if a := b.submitFrom(t, b.open(t, signinPath()), "cross-site", "username", email, "password", password); a.StatusCode != http.StatusForbidden {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	}},
	{"RFC 6819 §5.1.5.3", "an access token lives an hour", func(t *testing.T, b *browser) {
		signedIn := b.signIn(t, "")
		b.Clock.Advance(time.Hour)
		if b.works(t, signedIn.field("access_token")) {
			t.Error("it works after its hour")
		}
	}},
	{"RFC 7636 §4.1, §4.4, §4.6", "a verifier is well-formed and matches its challenge", func(t *testing.T, b *browser) {
		for _, wrong := range []string{strings.Repeat("x", 42), strings.Repeat("x", 129), strings.Repeat("x", 42) + "+", oauth2.GenerateVerifier(), ""} {
			code := b.code(t, "code_challenge", oauth2.S256ChallengeFromVerifier(wrong), "code_challenge_method", "S256")
			if len(wrong) == 43 && !strings.Contains(wrong, "+") {
				code = b.code(t, "code_challenge", exampleChallenge, "code_challenge_method", "S256")
			}
			b.exchange(t, code, "code_verifier", wrong).refusedWith(t, wrong, 400, "invalid_grant")
		}
		code := b.code(t, "code_challenge", exampleChallenge, "code_challenge_method", "S256")
		if a := b.exchange(t, code, "code_verifier", exampleVerifier); a.StatusCode != http.StatusOK {
			t.Errorf("the RFC's example: %d %s", a.StatusCode, a.text)
		}
	}},
	{"RFC 7636 §4.2", "a challenge is a hash", func(t *testing.T, b *browser) {
		for _, wrong := range []string{exampleChallenge[1:], exampleChallenge + "x", exampleChallenge[1:] + "=", exampleChallenge[1:] + "+"} {
			if sent := redirect(t, b.get(t, signinPath("code_challenge", wrong, "code_challenge_method", "S256"))); sent.Get("error") != "invalid_request" {
				t.Errorf("%s: %v", wrong, sent)
			}
		}
	}},
	{"RFC 9207 §2, §3; RFC 9700 §4.4.2", "each answer of the page names the server", func(t *testing.T, b *browser) {
		answers := map[string]url.Values{
			"a code":    redirect(t, b.submit(t, b.open(t, signinPath()), "username", email, "password", password)),
			"a refusal": redirect(t, b.get(t, signinPath("scope", "everything"))),
			"a cancel":  redirect(t, b.submit(t, b.open(t, signinPath()), "cancel", "yes")),
		}
		for name, sent := range answers {
			if !slices.Equal(sent["iss"], []string{b.URL}) {
				t.Errorf("%s: %v", name, sent)
			}
		}
		metadata := b.get(t, "/.well-known/oauth-authorization-server")
		if metadata.json["authorization_response_iss_parameter_supported"] != true || metadata.field("issuer") != b.URL {
			t.Error(metadata.text)
		}
	}},
	{"RFC 7636 §4.4.1, §7.2; RFC 9700 §2.1.1", "a public client needs a challenge, and plain ones are refused", func(t *testing.T, b *browser) {
		public, _, err := b.Clients.Create(t.Context(), directory.NewClient{Name: "App", RedirectURIs: []string{callback}, Public: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			signinPath("client_id", string(public.ID)),
			signinPath("code_challenge", exampleVerifier, "code_challenge_method", "plain"),
			signinPath("code_challenge", exampleVerifier),
		} {
			if sent := redirect(t, b.get(t, path)); sent.Get("error") != "invalid_request" {
				t.Errorf("%s: %v", path, sent)
			}
		}
	}},
	{"RFC 9700 §4.8.2", "a verifier without a challenge is refused", func(t *testing.T, b *browser) {
		b.exchange(t, b.code(t), "code_verifier", exampleVerifier).refusedWith(t, "downgrade", 400, "invalid_grant")
	}},
	{"RFC 7009 §2.1, §2.2", "a client revokes its own tokens, and an unknown one is revoked already", func(t *testing.T, b *browser) {
		signedIn := b.signIn(t, "")
		b.post(t, "/revoke", form(append([]string{"token", signedIn.field("access_token")}, other...)...)).refusedWith(t, "another's", 400, "unauthorized_client")
		for _, token := range []string{"unknown", signedIn.field("refresh_token")} {
			if a := b.post(t, "/revoke", form("token", token, "token_type_hint", "nonsense")); a.StatusCode != http.StatusOK || a.text != "{}\n" || a.Header.Get("Content-Type") != "application/json;charset=UTF-8" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}
		if b.works(t, signedIn.field("access_token")) {
			t.Error("the sign-in's access token works")
		}
	}},
	{"RFC 7662 §2.1, §2.2", "a client with a secret asks about its own tokens", func(t *testing.T, b *browser) {
		token := b.signIn(t, "").field("access_token")
		b.post(t, "/introspect", "token="+token).refusedWith(t, "no client", 401, "invalid_client")
		if a := b.post(t, "/introspect", form("token", token, "token_type_hint", "refresh_token")); a.json["active"] != true {
			t.Errorf("its own: %d %s", a.StatusCode, a.text)
		}
		if a := b.post(t, "/introspect", form(append([]string{"token", token}, other...)...)); a.text != "{\"active\":false}\n" {
			t.Errorf("another's: %d %s", a.StatusCode, a.text)
		}
	}},
	{"RFC 8414 §2, §3", "the metadata names the issuer, what works and where", func(t *testing.T, b *browser) {
		a := b.get(t, "/.well-known/oauth-authorization-server")
		if a.field("issuer") != b.URL {
			t.Errorf("issuer %q", a.field("issuer"))
		}
		for _, endpoint := range []string{"token_endpoint", "introspection_endpoint", "revocation_endpoint"} {
			path, ours := strings.CutPrefix(a.field(endpoint), b.URL)
			if !ours {
				t.Fatalf("%s: %q", endpoint, a.field(endpoint))
			}
			if status := b.post(t, path, form()).StatusCode; status == http.StatusNotFound {
				t.Errorf("%s: %d", endpoint, status)
			}
		}
		for _, grant := range a.json["grant_types_supported"].([]any) {
			if a := b.post(t, "/token", form("grant_type", grant.(string))); a.field("error") == "unsupported_grant_type" {
				t.Errorf("%s: %s", grant, a.text)
			}
		}
	}},
	{"RFC 9700 §2.1.2, §4.12", "the page gives codes, by a redirect that drops the form", func(t *testing.T, b *browser) {
		if sent := redirect(t, b.get(t, signinPath("response_type", "token"))); sent.Get("error") != "unsupported_response_type" {
			t.Errorf("token: %v", sent)
		}
		a := b.submit(t, b.open(t, signinPath()), "username", email, "password", password)
		if a.StatusCode != http.StatusSeeOther {
			t.Errorf("redirects with %d", a.StatusCode)
		}
	}},
}

func TestRFCs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, rule := range rules {
			t.Run(rule.fact, func(t *testing.T) { rule.test(t, newBrowser(t, w)) })
		}
	})
}

var (
	citedSections = regexp.MustCompile(`RFC (6749|6819|7636|7009|7662|8414|9207|9700)((?:(?:,| and| to|)? \x{A7}[0-9]+(?:\.[0-9]+)*)+)`)
	section       = regexp.MustCompile(`\x{A7}[0-9.]*[0-9]`)
	wrapped       = regexp.MustCompile(`\n\s*//\s*`)
)

// sections returns the sections of the RFCs about OAuth2 that a text cites.
func sections(text string) []string {
	var found []string
	for _, citation := range citedSections.FindAllStringSubmatch(wrapped.ReplaceAllString(text, " "), -1) {
		for _, number := range section.FindAllString(citation[2], -1) {
			found = append(found, "RFC "+citation[1]+" "+number)
		}
	}
	return found
}

func TestEveryCitedRuleIsTested(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, rule := range rules {
		tested = append(tested, sections(rule.cited)...)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	cited := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range sections(string(text)) {
			cited++
			if !slices.Contains(tested, rule) {
				t.Errorf("%s cites %s, and no row of rules tests it", file, rule)
			}
		}
	}
	if cited < 40 {
		t.Errorf("only %d citations were found", cited)
	}
}
