package testbank

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLoginPage(t *testing.T) {
	r := start(t, Options{})
	page := r.get("/authorize?create=true&redirect_uri=" + url.QueryEscape(callback) + "&state=s1")
	for _, want := range []string{`<input id="login"`, `<input id="password"`, `<input id="file_url"`, `<input id="btn-login" type="submit"`, "simulée", `autocomplete="username"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Count(page.body, "<form") != 1 || strings.Contains(page.body, "<script") || page.header.Get("X-Frame-Options") != "" {
		t.Error("one form, no script, frameable")
	}
	id := page.session(t)
	for name, form := range map[string]url.Values{
		"wrong password":   {"login": {"dev"}, "password": {"nope"}},
		"wrong login":      {"login": {"someone"}, "password": {"dev"}},
		"empty":            {},
		"unknown scenario": {"login": {"dev+flying"}, "password": {"dev"}},
		"bad location":     {"login": {"dev"}, "password": {"dev"}, "file_url": {"ftp://files.example/x"}},
	} {
		form.Set("session", id)
		a := r.post("/authorize", form)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `role="alert"`) || a.session(t) != id {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if strings.Contains(a.body, "nope") {
			t.Errorf("%s: the password is in the page", name)
		}
	}
}

func TestLoginEndsTheAuthorisation(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := "CREDENTIALS|zoe|x\nACCOUNT|u|1|D|5|Checkings\n"
		if r.URL.Path != "/plain" {
			text += strings.TrimPrefix(r.URL.Path, "/") + "\n"
		}
		fmt.Fprint(w, text)
	}))
	defer web.Close()
	r := start(t, Options{AllowPrivateFileURLs: true, Control: true})
	for _, tc := range []struct {
		name, login, file string
		asked             bool
	}{
		{"the default file", "dev", "", false},
		{"a scenario of data calls", "dev+slow", "", false},
		{"a scenario of the web sites", "dev+questions", "", false},
		{"sms", "dev+sms", "", true},
		{"sms with a parameter, which is for web sites", "dev+sms-30", "", true},
		{"sms among others", "dev+slow+sms", "", true},
		{"sms_wrong", "dev+sms_wrong", "", true},
		{"a file without a challenge", "zoe", "/plain", false},
		{"a file with a challenge", "zoe", "/CHALLENGE|SMS|4711", true},
		{"a file with a challenge of the bank's own code", "zoe", "/CHALLENGE", true},
		{"a file with the scenario", "zoe", "/SCENARIO|sms", true},
	} {
		id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
		form := url.Values{"session": {id}, "login": {tc.login}, "password": {"dev"}}
		if tc.file != "" {
			form.Set("password", "x")
			form.Set("file_url", web.URL+tc.file)
		}
		a := r.post("/authorize", form)
		if tc.asked {
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/authorize/sca?") {
				t.Errorf("%s: %d to %s", tc.name, a.status, a.header.Get("Location"))
			}
			continue
		}
		if q := r.arrived(a); q.Get("code") == "" || q.Get("state") != "the-state" {
			t.Errorf("%s: came back with %v", tc.name, q)
		}
		if again := r.post("/authorize", form); again.status != http.StatusGone {
			t.Errorf("%s: the session worked twice: %d", tc.name, again.status)
		}
	}
}

// TestNoCodeIsRight: with sms_wrong the third code turns the customer away, whoever
// switched it on.
func TestNoCodeIsRight(t *testing.T) {
	r := start(t, Options{Control: true})
	a := r.control(http.MethodPost, "/control/scenario", `{"login":"dev","scenario":"sms_wrong"}`)
	if a.status >= 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, login := range []string{"dev+sms_wrong", "dev"} {
		id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
		r.post("/authorize", url.Values{"session": {id}, "login": {login}, "password": {"dev"}})
		for try := range maxWrongCodes {
			a := r.post("/authorize/sca", url.Values{"session": {id}, "code": {"123456"}})
			if try < maxWrongCodes-1 {
				if a.status != http.StatusUnprocessableEntity {
					t.Errorf("%s: %d", login, a.status)
				}
				continue
			}
			if q := r.arrived(a); q.Get("error") != "access_denied" {
				t.Errorf("%s: came back with %v", login, q)
			}
		}
	}
}

func TestSCAPage(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, defaultFile+"\nCHALLENGE|SMS||\n")
	}))
	defer web.Close()
	r := start(t, Options{AllowPrivateFileURLs: true})
	toSCA := func(login string) (string, string) {
		id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
		a := r.post("/authorize", url.Values{"session": {id}, "login": {login}, "password": {"dev"}, "file_url": {web.URL}})
		return id, a.header.Get("Location")
	}
	id, where := toSCA("dev")
	page := r.get(where)
	confirm, refuse := strings.Index(page.body, `id="btn-confirm"`), strings.Index(page.body, `id="btn-refuse"`)
	if confirm < 0 || refuse < confirm || !strings.Contains(page.body, "19/02/2027") || !strings.Contains(page.body, "COMPTE JOINT") {
		t.Errorf("the page does not say what is asked for, or its first button does not go on: %s", page.body)
	}
	for range 5 { // dev is shared and never locked
		if a := r.post("/authorize/sca", url.Values{"session": {id}, "code": {"000000"}, "action": {"confirm"}}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `role="alert"`) {
			t.Fatalf("wrong code: %d %s", a.status, a.body)
		}
	}
	if q := r.arrived(r.post("/authorize/sca", url.Values{"session": {id}, "code": {"123 456"}})); q.Get("code") == "" || q.Get("state") != "the-state" {
		t.Errorf("came back with %v", q)
	}
	if a := r.post("/authorize/sca", url.Values{"session": {id}, "code": {"123456"}}); a.status != http.StatusGone {
		t.Errorf("a session worked twice: %d", a.status)
	}

	id, _ = toSCA("dev")
	if q := r.arrived(r.post("/authorize/sca", url.Values{"session": {id}, "action": {"refuse"}})); q.Get("error") != "access_denied" || q.Get("state") != "the-state" {
		t.Errorf("a refusal came back with %v", q)
	}
	id = r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
	if a := r.post("/authorize/sca", url.Values{"session": {id}, "code": {"123456"}}); a.status != http.StatusGone {
		t.Errorf("the code alone was enough: %d", a.status)
	}
	if q := r.arrived(r.get("/authorize/cancel?session=" + id)); q.Get("error") != "access_denied" {
		t.Errorf("cancel came back with %v", q)
	}
	id, _ = toSCA("dev+slow")
	var last answer
	for range maxWrongCodes {
		last = r.post("/authorize/sca", url.Values{"session": {id}, "code": {"000000"}})
	}
	if q := r.arrived(last); q.Get("error") != "access_denied" {
		t.Errorf("a scenario's login was not turned away: %v", q)
	}
	id, _ = toSCA("dev")
	r.clock.add(sessionLife + time.Second)
	if a := r.post("/authorize/sca", url.Values{"session": {id}, "code": {"123456"}}); a.status != http.StatusGone {
		t.Errorf("an old session worked: %d", a.status)
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	with := func(change func(url.Values)) string {
		q := authorizeQuery("aisp")
		change(q)
		return "/authorize?" + q.Encode()
	}
	open := start(t, Options{})
	closed := start(t, Options{Clients: []Client{{ID: "oxlin", Secret: "s3cret", RedirectURIs: []string{callback}}}})
	for _, tc := range []struct {
		name   string
		rig    *rig
		target string
		errors string // the error that goes back, or empty for a page
	}{
		{"no target", open, with(func(q url.Values) { q.Del("redirect_uri") }), ""},
		{"script target", open, with(func(q url.Values) { q.Set("redirect_uri", "javascript:alert(1)") }), ""},
		{"other target", closed, with(func(q url.Values) { q.Set("redirect_uri", callback+"/else") }), ""},
		{"unknown client", closed, with(func(q url.Values) { q.Set("client_id", "who") }), ""},
		{"implicit", open, with(func(q url.Values) { q.Set("response_type", "token") }), "unsupported_response_type"},
		{"scope", open, with(func(q url.Values) { q.Set("scope", "pisp") }), "invalid_scope"},
		{"plain PKCE", open, with(func(q url.Values) { q.Set("code_challenge_method", "plain") }), "invalid_request"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.rig.t = t
			a := tc.rig.get(tc.target)
			if tc.errors == "" {
				if a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
					t.Errorf("%d to %s", a.status, a.header.Get("Location"))
				}
				return
			}
			if q := tc.rig.arrived(a); q.Get("error") != tc.errors || q.Get("state") != "the-state" {
				t.Errorf("got %v", q)
			}
		})
	}
}

func TestToken(t *testing.T) {
	r := start(t, Options{})
	code := func() string { return r.signIn(authorizeQuery("aisp"), "dev", "dev", "").Get("code") }
	for _, tc := range []struct {
		name   string
		change func(url.Values)
		want   string
	}{
		{"verifier", func(f url.Values) { f.Set("code_verifier", "another") }, "invalid_grant"},
		{"no verifier", func(f url.Values) { f.Del("code_verifier") }, "invalid_grant"},
		{"target", func(f url.Values) { f.Set("redirect_uri", callback+"/x") }, "invalid_grant"},
		{"client", func(f url.Values) { f.Set("client_id", "another") }, "invalid_grant"},
		{"code", func(f url.Values) { f.Set("code", "guessed") }, "invalid_grant"},
		{"grant", func(f url.Values) { f.Set("grant_type", "password") }, "unsupported_grant_type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.t = t
			f := codeForm(code())
			tc.change(f)
			if tok := r.token(f); tok.status != http.StatusBadRequest || tok.Error != tc.want {
				t.Errorf("got %d %s, want %s", tok.status, tok.Error, tc.want)
			}
		})
	}
	r.t = t

	form := codeForm(code())
	tok := r.token(form)
	if tok.Type != "Bearer" || tok.Expires != 3600 || tok.Scope != "aisp" || tok.Refresh == "" {
		t.Errorf("got %+v", tok)
	}
	if again := r.token(form); again.Error != "invalid_grant" {
		t.Errorf("a code worked twice: %+v", again)
	}
	late := codeForm(code())
	r.clock.add(codeLife + time.Second)
	if tok := r.token(late); tok.Error != "invalid_grant" {
		t.Errorf("an old code worked: %+v", tok)
	}

	next := r.token(refreshForm(tok.Refresh))
	if next.Access == "" || next.Refresh == tok.Refresh {
		t.Fatalf("no rotation: %+v", next)
	}
	if again := r.token(refreshForm(tok.Refresh)); again.status != http.StatusBadRequest || again.Error != "invalid_grant" {
		t.Errorf("a spent refresh token worked: %+v", again)
	}
	if a := r.attended(v15, next).get("/accounts"); a.status != http.StatusOK {
		t.Errorf("refreshed token: %d", a.status)
	}
	r.clock.add(accessLife + time.Second)
	if a := r.attended(v15, next).get("/accounts"); a.status != http.StatusUnauthorized {
		t.Errorf("an old access token: %d", a.status)
	}
	last := r.token(refreshForm(next.Refresh))
	if a := r.post("/revoke", url.Values{"client_id": {"oxlin"}, "token": {last.Refresh}}); a.status != http.StatusOK {
		t.Errorf("revoke: %d", a.status)
	}
	if a := r.attended(v15, last).get("/accounts"); a.status != http.StatusUnauthorized {
		t.Errorf("a revoked consent: %d", a.status)
	}
	if tok := r.token(refreshForm(last.Refresh)); tok.Error != "invalid_grant" {
		t.Errorf("a revoked refresh token worked: %+v", tok)
	}
}

// TestShortForm: the reference's own address, without client, scope and PKCE.
func TestShortForm(t *testing.T) {
	r := start(t, Options{})
	back := r.signIn(url.Values{"create": {"true"}, "redirect_uri": {callback}, "state": {"s"}}, "dev", "dev", "")
	tok := r.token(url.Values{"grant_type": {"authorization_code"}, "client_id": {"anyone"}, "code": {back.Get("code")}, "redirect_uri": {callback}})
	if tok.Access == "" || tok.Scope != "aisp extended_transaction_history" {
		t.Errorf("got %+v", tok)
	}
}

func TestClientSecret(t *testing.T) {
	r := start(t, Options{Clients: []Client{{ID: "oxlin", Secret: "s3cret", RedirectURIs: []string{callback}}}, RefreshGrace: time.Minute})
	f := codeForm(r.signIn(authorizeQuery("aisp"), "dev", "dev", "").Get("code"))
	if tok := r.token(f); tok.status != http.StatusUnauthorized || tok.Error != "invalid_client" {
		t.Errorf("without the secret: %+v", tok)
	}
	req, _ := http.NewRequest(http.MethodPost, r.url("/token"), strings.NewReader(f.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("oxlin", "s3cret")
	a := r.do(req)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("Basic: %d %s", a.status, a.body)
	}
	first := decode[tokens](t, a)
	refresh := refreshForm(first.Refresh)
	refresh.Set("client_secret", "s3cret")
	for i := range 2 {
		if tok := r.token(refresh); tok.Access == "" {
			t.Errorf("use %d within the grace: %+v", i+1, tok)
		}
	}
	r.clock.add(2 * time.Minute)
	if tok := r.token(refresh); tok.Error != "invalid_grant" {
		t.Errorf("after the grace: %+v", tok)
	}
}
