package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

const (
	accountPath = "/signin/account"
	// ownPage is the page of the users of the client sandbox.
	ownPage = accountPath + "?client_id=sandbox&lng=en"

	firefox = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
)

// visitor is a user in a browser, which keeps its cookies.
type visitor struct {
	*browser
	t     *testing.T
	agent string
}

func newVisitor(t *testing.T, w *world) *visitor {
	t.Helper()
	return &visitor{newBrowser(t, w), t, firefox}
}

func (v *visitor) headers(at *url.URL, more ...string) []string {
	var cookies []string
	for _, cookie := range v.jar.Cookies(at) {
		cookies = append(cookies, cookie.String())
	}
	return append([]string{"Cookie", strings.Join(cookies, "; "), "User-Agent", v.agent}, more...)
}

func (v *visitor) at(path string) *url.URL {
	v.t.Helper()
	address, err := url.Parse(v.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	return address
}

// see opens a page.
func (v *visitor) see(path string) answer {
	v.t.Helper()
	at := v.at(path)
	a := v.get(v.t, path, v.headers(at)...)
	v.jar.SetCookies(at, a.Cookies())
	return a
}

// press sends the form with an action that a page shows, with its hidden fields, and follows the
// redirect. Without such a form the test fails.
func (v *visitor) press(shown answer, action string, fields ...string) answer {
	v.t.Helper()
	a := v.send(v.form(shown, action, fields...))
	v.jar.SetCookies(v.at(accountPath), a.Cookies())
	if target := a.Header.Get("Location"); strings.HasPrefix(target, accountPath) {
		return v.see(target)
	}
	return a
}

// formOf finds the form of a page by the path of its action.
func formOf(t *testing.T, shown answer, action string) *goquery.Selection {
	t.Helper()
	return parse(t, shown).Find("form").FilterFunction(func(_ int, form *goquery.Selection) bool {
		path, _, _ := strings.Cut(form.AttrOr("action", ""), "?")
		return path == accountPath+action
	})
}

// form makes the request of a form.
func (v *visitor) form(shown answer, action string, fields ...string) *http.Request {
	v.t.Helper()
	form := formOf(v.t, shown, action).First()
	if form.Length() == 0 {
		v.t.Fatalf("no form leads to %q: %d %s", action, shown.StatusCode, shown.text)
	}
	values := url.Values{}
	for _, input := range form.Find("input[name]").EachIter() {
		values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	address := form.AttrOr("action", "")
	return v.sending(address, values, v.headers(v.at(address), "Sec-Fetch-Site", "same-origin")...)
}

func (v *visitor) sending(address string, values url.Values, headers ...string) *http.Request {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.URL+address, strings.NewReader(values.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (v *visitor) send(r *http.Request) answer {
	v.t.Helper()
	return v.world.send(v.t, r)
}

// enter signs in to the page of the visitor's own.
func (v *visitor) enter() answer {
	v.t.Helper()
	a := v.press(v.see(ownPage), "", "username", email, "password", password)
	if a.StatusCode != http.StatusOK || formOf(v.t, a, "/leave").Length() != 1 {
		v.t.Fatalf("not signed in: %d %s", a.StatusCode, a.text)
	}
	return a
}

// confirm enters the password again.
func (v *visitor) confirm(with string) answer {
	v.t.Helper()
	return v.press(v.see(ownPage), "/confirm", "confirm", with)
}

// application signs in to the application by the sign-in page, and returns its tokens.
func (v *visitor) application() answer {
	v.t.Helper()
	page := v.see(signinPath())
	values := url.Values{"form": {parse(v.t, page).Find("input[name=form]").AttrOr("value", "")}, "username": {email}, "password": {password}}
	sent := redirect(v.t, v.send(v.sending(signinPath(), values, v.headers(v.at(signinPath()), "Sec-Fetch-Site", "same-origin")...)))
	a := v.post(v.t, "/token", form("grant_type", "authorization_code", "code", sent.Get("code"), "redirect_uri", callback))
	if a.StatusCode != http.StatusOK {
		v.t.Fatalf("no tokens: %s", a.text)
	}
	return a
}

// listed returns the texts of the sign-ins, or of the sessions, that a page lists.
func listed(t *testing.T, shown answer, list int) []string {
	t.Helper()
	var texts []string
	for _, item := range parse(t, shown).Find("ul.list").Eq(list).Find("li > span").EachIter() {
		texts = append(texts, strings.Join(strings.Fields(item.Text()), " "))
	}
	return texts
}

// button returns the name and the value of the button that ends the n-th item of a list.
func button(t *testing.T, shown answer, list, n int) (name, value string) {
	t.Helper()
	pressed := parse(t, shown).Find("ul.list").Eq(list).Find("li").Eq(n).Find("button")
	return pressed.AttrOr("name", ""), pressed.AttrOr("value", "")
}

func (w *world) actions(t *testing.T) (all []string) {
	t.Helper()
	err := w.Audit.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		words := strings.Fields(strings.Join([]string{string(line.Action), line.Details["door"], line.Details["kind"], string(line.Outcome)}, " "))
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func (w *world) recorded(t *testing.T, action string) int {
	t.Helper()
	n := 0
	for _, one := range w.actions(t) {
		if one == action {
			n++
		}
	}
	return n
}

func TestThePageOfAUsersOwn(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fact string
		test func(t *testing.T, v *visitor)
	}{
		{"it lists where the user is signed in, since when, and on what", func(t *testing.T, v *visitor) {
			tokens := v.application()
			v.world.signIn(t, "profile")
			v.Clock.Advance(90 * time.Minute)
			if a := v.refresh(t, tokens.field("refresh_token")); a.StatusCode != http.StatusOK {
				t.Fatal(a.text)
			}
			a := v.enter()
			if got, want := listed(t, a, 0), []string{
				"A phone (Firefox, Android) Since 2026-03-01, 13:00 (Paris time) – last used about 2026-03-01, 14:30 (Paris time)",
				"Signed in by the application itself Since 2026-03-01, 13:00 (Paris time) – last used about 2026-03-01, 13:00 (Paris time)",
			}; !slices.Equal(got, want) {
				t.Errorf("sign-ins: %q", got)
			}
			if got, want := listed(t, a, 1), []string{
				"A phone (Firefox, Android) (this page) Since 2026-03-01, 14:30 (Paris time) – last used about 2026-03-01, 14:30 (Paris time)",
			}; !slices.Equal(got, want) {
				t.Errorf("sessions: %q", got)
			}
			if v.recorded(t, "user.signed_in account done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
			if french := v.see(accountPath + "?lng=fr"); !strings.Contains(french.text, "Un téléphone (Firefox, Android)") {
				t.Error("it is not in French")
			}
		}},
		{"one sign-in ends", func(t *testing.T, v *visitor) {
			first, second := v.application(), v.application()
			a := v.enter()
			name, value := button(t, a, 0, 0)
			a = v.press(a, "/end", name, value)
			if n := len(listed(t, a, 0)); n != 1 || parse(t, a).Find("p.news[role=status]").Length() != 1 {
				t.Errorf("%d are left", n)
			}
			if v.works(t, first.field("access_token")) == v.works(t, second.field("access_token")) {
				t.Error("not one of the two has ended")
			}
			v.press(a, "/end", name, value) // again
			if v.recorded(t, "user.sign_in_ended done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"another session of the page ends", func(t *testing.T, v *visitor) {
			other := newVisitor(t, v.world)
			other.enter()
			a := v.enter()
			name, value := "", ""
			for n := range listed(t, a, 1) {
				if one, id := button(t, a, 1, n); one != "" {
					name, value = one, id
				}
			}
			if a = v.press(a, "/end", name, value); len(listed(t, a, 1)) != 1 {
				t.Errorf("sessions: %q", listed(t, a, 1))
			}
			if formOf(t, other.see(ownPage), "/leave").Length() != 0 {
				t.Error("the other session goes on")
			}
			if v.recorded(t, "user.sign_in_ended account done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"all others end", func(t *testing.T, v *visitor) {
			other := newVisitor(t, v.world)
			other.enter()
			tokens := v.application()
			a := v.press(v.enter(), "/end", "all", "true")
			if len(listed(t, a, 0)) != 0 || len(listed(t, a, 1)) != 1 {
				t.Errorf("left: %q %q", listed(t, a, 0), listed(t, a, 1))
			}
			if v.works(t, tokens.field("access_token")) || v.refresh(t, tokens.field("refresh_token")).StatusCode == http.StatusOK || formOf(t, other.see(ownPage), "/leave").Length() != 0 {
				t.Error("some go on")
			}
			if v.recorded(t, "user.sign_ins_ended done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"another user's sign-in and session do not end", func(t *testing.T, v *visitor) {
			tokens := v.application()
			a := v.enter()
			_, family := button(t, a, 0, 0)
			id, err := v.Users.Create(t.Context(), oxlin.Client{ID: "sandbox"}, "al@example.test", oxlin.NewSecret(password))
			if err != nil || id == 0 {
				t.Fatal(err)
			}
			other := newVisitor(t, v.world)
			theirs := other.press(other.see(ownPage), "", "username", "al@example.test", "password", password)
			mine := strings.TrimPrefix(parse(t, a).Find("ul.list").Eq(1).Find("span").AttrOr("id", ""), "of-")
			other.press(theirs, "/end", "sign_in", family)
			other.press(theirs, "/end", "session", mine)
			other.press(theirs, "/end", "session", "no base64!")
			if !v.works(t, tokens.field("access_token")) || formOf(t, v.see(ownPage), "/leave").Length() != 1 {
				t.Error("it has ended")
			}
		}},
		{"after five minutes the password is asked for before anything changes", func(t *testing.T, v *visitor) {
			tokens := v.application()
			a := v.enter()
			name, value := button(t, a, 0, 0)
			v.Clock.Advance(5 * time.Minute)
			if late := v.press(a, "/end", name, value); formOf(t, late, "/confirm").Length() != 1 || formOf(t, late, "/end").Length() != 0 {
				t.Error("the page does not ask")
			}
			if !v.works(t, tokens.field("access_token")) {
				t.Fatal("it has ended")
			}
			wrong := v.confirm("wrong")
			if wrong.StatusCode != http.StatusBadRequest || parse(t, wrong).Find("#confirm[aria-invalid]").Length() != 1 || v.recorded(t, "user.signed_in account refused") != 1 {
				t.Errorf("a wrong one: %d, %q", wrong.StatusCode, v.actions(t))
			}
			v.press(v.confirm(password), "/end", name, value)
			if v.works(t, tokens.field("access_token")) {
				t.Error("it goes on")
			}
		}},
		{"confirmations are counted for the session", func(t *testing.T, v *visitor) {
			v.enter()
			v.Clock.Advance(5 * time.Minute)
			for range 10 {
				v.confirm("wrong")
			}
			if a := v.confirm(password); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("%d", a.StatusCode)
			}
			newVisitor(t, v.world).enter()
			v.Clock.Advance(time.Minute)
			if a := v.confirm(password); a.StatusCode != http.StatusOK {
				t.Errorf("a minute later: %d", a.StatusCode)
			}
		}},
		{"the session ends after half an hour at rest, and after eight hours", func(t *testing.T, v *visitor) {
			v.enter()
			v.Clock.Advance(30 * time.Minute)
			if formOf(t, v.see(ownPage), "/leave").Length() != 0 {
				t.Error("it goes on after half an hour")
			}
			v.enter()
			for range 23 {
				v.Clock.Advance(20 * time.Minute)
				if formOf(t, v.see(ownPage), "/leave").Length() != 1 {
					t.Fatal("it has ended")
				}
			}
			v.Clock.Advance(20 * time.Minute)
			if formOf(t, v.see(ownPage), "/leave").Length() != 0 {
				t.Error("it goes on after eight hours")
			}
		}},
		{"the user leaves", func(t *testing.T, v *visitor) {
			a := v.enter()
			old := v.headers(v.at(accountPath))
			v.press(a, "/leave")
			if again := v.get(t, ownPage, old...); formOf(t, again, "/leave").Length() != 0 {
				t.Error("the session goes on")
			}
		}},
		{"the password changes, and everything else ends", func(t *testing.T, v *visitor) {
			const next = "a further password of nine words"
			other := newVisitor(t, v.world)
			other.enter()
			tokens := v.application()
			a := v.enter()
			for _, wrong := range []struct{ current, password, field string }{
				{"wrong", next, "current"}, {"", next, "current"}, {password, "", "password"}, {password, strings.Repeat("x", 1025), "password"},
			} {
				refused := v.press(a, "/password", "current", wrong.current, "password", wrong.password)
				if refused.StatusCode != http.StatusBadRequest || parse(t, refused).Find("#"+wrong.field+"[aria-invalid][aria-describedby="+wrong.field+"-problem]").Length() != 1 {
					t.Errorf("%+v: %d", wrong, refused.StatusCode)
				}
			}
			v.Clock.Advance(10 * time.Minute) // it asks for the current one by itself
			a = v.press(v.see(ownPage), "/password", "current", password, "password", next)
			if a.StatusCode != http.StatusOK || !strings.Contains(a.text, "The password is changed") || len(listed(t, a, 1)) != 1 {
				t.Errorf("%d %s", a.StatusCode, a.text)
			}
			if v.works(t, tokens.field("access_token")) || formOf(t, other.see(ownPage), "/leave").Length() != 0 {
				t.Error("others go on")
			}
			if got := newVisitor(t, v.world); got.press(got.see(ownPage), "", "username", email, "password", password).StatusCode != http.StatusBadRequest {
				t.Error("the old password signs in")
			}
			if v.recorded(t, "user.password_changed done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"the API ends the sessions too", func(t *testing.T, v *visitor) {
			v.enter()
			err := v.EndSignIns(t.Context(), oxlin.Caller{UserID: v.user})
			if err != nil || formOf(t, v.see(ownPage), "/leave").Length() != 0 {
				t.Error("it goes on", err)
			}
		}},
		{"a wrong password is refused as at the sign-in page", func(t *testing.T, v *visitor) {
			for _, name := range []string{email, "nobody@example.test"} {
				a := v.press(v.see(ownPage), "", "username", name, "password", "wrong")
				if a.StatusCode != http.StatusBadRequest || parse(t, a).Find("#problem").Text() != "The e-mail address or the password is not right." {
					t.Errorf("%s: %d", name, a.StatusCode)
				}
			}
			shown := v.see(ownPage)
			for range 99 { // after the one above
				v.send(v.form(shown, "", "username", email, "password", "wrong"))
				v.Clock.Advance(time.Second)
			}
			if a := v.press(shown, "", "username", email, "password", password); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("after a hundred: %d", a.StatusCode)
			}
		}},
		{"a form of another site, browser or request changes nothing", func(t *testing.T, v *visitor) {
			shown := v.see(ownPage)
			if a := newVisitor(t, v.world).press(shown, "", "username", email, "password", password); a.StatusCode != http.StatusForbidden {
				t.Errorf("another browser: %d", a.StatusCode)
			}
			a := v.enter()
			for _, action := range []string{"/leave", "/end", "/password"} {
				r := v.form(a, action, "all", "true")
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				if a := v.send(r); a.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %d", action, a.StatusCode)
				}
			}
		}},
		{"other parameters of the address change nothing", func(t *testing.T, v *visitor) {
			shown := v.see(accountPath + "?lng=en&utm=x&client_id=sandbox&done=ended")
			if a := v.press(shown, "", "username", email, "password", password); formOf(t, a, "/leave").Length() != 1 {
				t.Errorf("%d %s", a.StatusCode, a.text)
			}
		}},
		{"without a session a form leads to the page", func(t *testing.T, v *visitor) {
			a := v.enter()
			for _, action := range []string{"/leave", "/end", "/password"} {
				r := v.form(a, action)
				r.Header.Del("Cookie")
				if a := v.send(r); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), accountPath) {
					t.Errorf("%s: %d", action, a.StatusCode)
				}
			}
		}},
		{"the page asks for the application, unless the browser is known", func(t *testing.T, v *visitor) {
			for _, path := range []string{accountPath + "?lng=en", accountPath + "?lng=en&client_id=nobody"} {
				if a := v.see(path); a.StatusCode != http.StatusOK || formOf(t, a, "").Find("#password").Length() != 0 || !strings.Contains(a.text, "Open this page from the sign-in page") {
					t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
				}
			}
			v.press(v.enter(), "/leave")
			a := v.see(accountPath + "?lng=en")
			choices := parse(t, a).Find("main ul a")
			if choices.Length() != 1 || choices.AttrOr("href", "") != ownPage {
				t.Errorf("the choices: %s", a.text)
			}
		}},
		{"no frame, no cache, no script of another site", func(t *testing.T, v *visitor) {
			a := v.enter()
			policy := a.Header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "form-action 'self'"} {
				if !strings.Contains(policy, part) {
					t.Errorf("the policy %q lacks %q", policy, part)
				}
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("headers: %v", a.Header)
			}
			fresh := newVisitor(t, v.world)
			sent := fresh.send(fresh.form(fresh.see(ownPage), "", "username", email, "password", password))
			i := slices.IndexFunc(sent.Cookies(), func(c *http.Cookie) bool { return c.Name == "oxlin_account" })
			if i < 0 {
				t.Fatalf("no cookie: %v", sent.Header)
			}
			if c := sent.Cookies()[i]; !c.HttpOnly || c.Path != accountPath || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 8*60*60 {
				t.Errorf("the cookie: %v", c)
			}
			for _, field := range parse(t, a).Find("input:not([type=hidden]):not([hidden])").EachIter() {
				if parse(t, a).Find(`label[for="`+field.AttrOr("id", "?")+`"]`).Length() != 1 {
					t.Errorf("the field %q has no label", field.AttrOr("name", ""))
				}
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) { row.test(t, newVisitor(t, newWorld(t, db))) })
		})
	}
}

func TestADisabledClientHasNoPageForItsUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		client, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Users.Create(t.Context(), client, email, oxlin.NewSecret(password))
		if err != nil {
			t.Fatal(err)
		}
		path := accountPath + "?client_id=" + string(client.ID)
		v := newVisitor(t, w)
		entry := v.see(path)
		if a := v.press(entry, "", "username", email, "password", password); formOf(t, a, "/leave").Length() != 1 {
			t.Fatalf("not signed in: %d %s", a.StatusCode, a.text)
		}
		disable := func(disabled bool) {
			t.Helper()
			err := w.Clients.SetDisabled(t.Context(), client.ID, disabled)
			if err != nil {
				t.Fatal(err)
			}
		}
		disable(true)
		if formOf(t, v.see(path), "/leave").Length() != 0 || parse(t, v.see(path)).Find("#password").Length() != 0 {
			t.Error("the session goes on, or the page signs users in")
		}
		other := newVisitor(t, w)
		if a := other.press(entry, "", "username", email, "password", password); formOf(t, a, "/leave").Length() != 0 {
			t.Error("a user signs in")
		}
		disable(false)
		if formOf(t, v.see(path), "/leave").Length() != 1 {
			t.Error("the session has ended")
		}
	})
}

// Over HTTPS the cookie of the session is for HTTPS alone.
func TestTheCookieOfTheOwnPageIsSecure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		mux := http.NewServeMux()
		w.NewAuth("https://oxlin.test", func(o *auth.Options) { o.Log = w.Log.Logger() }).Register(mux)
		v := newVisitor(t, w)
		shown := v.see(ownPage)
		r := v.form(shown, "", "username", email, "password", password)
		for _, c := range r.Cookies() { // the page came over plain HTTP
			r.AddCookie(&http.Cookie{Name: "__Host-" + c.Name, Value: c.Value})
		}
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, r)
		cookies := recorder.Result().Cookies()
		for _, c := range cookies {
			if !c.Secure {
				t.Errorf("the cookie %v", c)
			}
		}
		if len(cookies) != 2 {
			t.Errorf("%d cookies", len(cookies))
		}
	})
}
