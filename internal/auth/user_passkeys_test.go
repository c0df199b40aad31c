package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/web/passkey/passkeytest"
)

// Passkeys belong to a name, so these worlds have one.
const (
	platformHost = "platform.test"
	platformURL  = "http://platform.test"
)

func newDevice(t *testing.T) *passkeytest.Device {
	t.Helper()
	return passkeytest.New(t, platformHost, platformURL, nil)
}

// challengeOf returns the challenge of a form.
func challengeOf(t *testing.T, form *goquery.Selection) []byte {
	t.Helper()
	read, err := base64.RawURLEncoding.DecodeString(form.AttrOr("data-challenge", ""))
	if err != nil || len(read) != 32 || form.AttrOr("data-rp", "") != platformHost || form.AttrOr("data-verification", "") != "required" {
		html, _ := goquery.OuterHtml(form)
		t.Fatalf("no question for a passkey: %s", html)
	}
	return read
}

func asked(t *testing.T, shown answer, action string) *goquery.Selection {
	t.Helper()
	return formOf(t, shown, action).Filter("[data-passkey]")
}

func asJSON(t *testing.T, answer any) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pressPasskey answers the question of the form with an action.
func (v *visitor) pressPasskey(shown answer, action string, fields ...string) answer {
	v.t.Helper()
	form := asked(v.t, shown, action).First()
	if form.Length() == 0 {
		v.t.Fatalf("no form at %q asks for a passkey: %d %s", action, shown.StatusCode, shown.text)
	}
	values := url.Values{}
	for _, input := range form.Find("input[name]").EachIter() {
		values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	address := form.AttrOr("action", "")
	a := v.send(v.sending(address, values, v.headers(v.at(address), "Sec-Fetch-Site", "same-origin")...))
	v.jar.SetCookies(v.at(accountPath), a.Cookies())
	if target := a.Header.Get("Location"); strings.HasPrefix(target, accountPath) {
		return v.see(target)
	}
	return a
}

// addPasskey registers a passkey as the page does.
func (v *visitor) addPasskey(shown answer, device *passkeytest.Device, name string) answer {
	v.t.Helper()
	made := device.Create(challengeOf(v.t, asked(v.t, shown, "/passkeys")))
	return v.pressPasskey(shown, "/passkeys", "passkey_name", name, "passkey", asJSON(v.t, made))
}

// question returns the form of the sign-in page that asks for a passkey.
func question(t *testing.T, page answer) *goquery.Selection {
	t.Helper()
	return parse(t, page).Find("form[data-passkey=get]:not([action])")
}

// byPasskey opens the sign-in page and answers with a passkey.
func (v *visitor) byPasskey(device *passkeytest.Device, pairs ...string) answer {
	v.t.Helper()
	page := v.see(signinPath(pairs...))
	return v.answers(page, asJSON(v.t, device.Get(challengeOf(v.t, question(v.t, page)))), pairs...)
}

func (v *visitor) answers(page answer, text string, pairs ...string) answer {
	v.t.Helper()
	values := url.Values{"form": {question(v.t, page).Find("input[name=form]").AttrOr("value", "")}, "passkey": {text}}
	a := v.send(v.sending(signinPath(pairs...), values, v.headers(v.at(signinPath()), "Sec-Fetch-Site", "same-origin")...))
	v.jar.SetCookies(v.at("/signin"), a.Cookies())
	return a
}

func passkeyNames(t *testing.T, shown answer) (names []string) {
	t.Helper()
	for _, item := range parse(t, shown).Find("ul.list").Last().Find("strong").EachIter() {
		names = append(names, item.Text())
	}
	return names
}

func TestPasskeysOfUsers(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, fact string, a answer) {
		t.Helper()
		if a.StatusCode != http.StatusBadRequest || !strings.Contains(parse(t, a).Find("#problem").Text(), "passkey was not accepted") {
			t.Errorf("%s: %d %q", fact, a.StatusCode, parse(t, a).Find("#problem").Text())
		}
	}
	for _, row := range []struct {
		fact string
		test func(t *testing.T, v *visitor, device *passkeytest.Device)
	}{
		{"a passkey signs in to the application, in the place of the password", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			code := redirect(t, newVisitor(t, v.world).byPasskey(device, "lng", "en")).Get("code")
			a := v.post(t, "/token", form("grant_type", "authorization_code", "code", code, "redirect_uri", callback))
			if a.StatusCode != http.StatusOK || !v.works(t, a.field("access_token")) {
				t.Errorf("%d %s", a.StatusCode, a.text)
			}
			if v.recorded(t, "user.signed_in page passkey done") != 1 || v.recorded(t, "user.passkey_added done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
			if shown := v.see(ownPage); !strings.Contains(parse(t, shown).Find("ul.list").Last().Text(), "last used 2026-03-01, 13:00") {
				t.Errorf("the list: %s", parse(t, shown).Find("ul.list").Last().Text())
			}
			if question(t, v.see(signinPath())).AttrOr("data-ids", "?") != "" {
				t.Error("the sign-in page tells who has passkeys")
			}
		}},
		{"it opens the page of the user's own, whichever application is named", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			for _, path := range []string{ownPage, accountPath + "?lng=en", accountPath + "?client_id=nobody"} {
				other := newVisitor(t, v.world)
				shown := other.see(path)
				opened := other.pressPasskey(shown, "", "passkey", asJSON(t, device.Get(challengeOf(t, asked(t, shown, "")))))
				if formOf(t, opened, "/leave").Length() != 1 {
					t.Errorf("%s: %d %s", path, opened.StatusCode, opened.text)
				}
			}
			if v.recorded(t, "user.signed_in account passkey done") != 3 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"it confirms", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			v.Clock.Advance(5 * time.Minute)
			shown := v.see(ownPage)
			form := asked(t, shown, "/confirm")
			if form.AttrOr("data-ids", "") == "" || formOf(t, shown, "/passkeys").Length()+formOf(t, shown, "/passkeys/remove").Length() != 0 {
				t.Errorf("the page offers changes: %s", shown.text)
			}
			another := v.pressPasskey(shown, "/confirm", "passkey", asJSON(t, newDevice(t).Get(challengeOf(t, form))))
			if another.StatusCode != http.StatusBadRequest || v.recorded(t, "user.signed_in account passkey refused") != 1 {
				t.Errorf("another's: %d, %q", another.StatusCode, v.actions(t))
			}
			form = asked(t, another, "/confirm")
			if shown = v.pressPasskey(another, "/confirm", "passkey", asJSON(t, device.Get(challengeOf(t, form)))); asked(t, shown, "/passkeys").Length() != 1 {
				t.Errorf("%d %s", shown.StatusCode, shown.text)
			}
		}},
		{"an answer works once, for its page, in its browser, for an hour", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			other := newVisitor(t, v.world)
			page := other.see(signinPath("lng", "en"))
			text := asJSON(t, device.Get(challengeOf(t, question(t, page))))
			refused(t, "another page", other.answers(other.see(signinPath("lng", "en")), text, "lng", "en"))
			if a := newVisitor(t, v.world).answers(page, text, "lng", "en"); a.StatusCode != http.StatusForbidden {
				t.Errorf("another browser: %d", a.StatusCode)
			}
			if a := other.answers(page, text, "lng", "en", "state", "x"); a.StatusCode != http.StatusForbidden {
				t.Errorf("another request: %d", a.StatusCode)
			}
			if a := other.answers(page, text, "lng", "en"); a.StatusCode != http.StatusSeeOther {
				t.Fatalf("the first time: %d %s", a.StatusCode, a.text)
			}
			refused(t, "again", other.answers(page, text, "lng", "en"))
			page = other.see(signinPath("lng", "en"))
			text = asJSON(t, device.Get(challengeOf(t, question(t, page))))
			v.Clock.Advance(time.Hour)
			if a := other.answers(page, text, "lng", "en"); a.StatusCode != http.StatusForbidden {
				t.Errorf("an hour later: %d", a.StatusCode)
			}
		}},
		{"what is refused", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			for fact, wrong := range map[string]*passkeytest.Device{
				"a device that asks for no PIN":  device.With(func(d *passkeytest.Device) { d.Unverified = true }),
				"nobody present":                 device.With(func(d *passkeytest.Device) { d.Absent = true }),
				"the page of another site":       device.With(func(d *passkeytest.Device) { d.Origin = "https://evil.test" }),
				"a frame of another site":        device.With(func(d *passkeytest.Device) { d.CrossOrigin = true }),
				"a passkey of another site":      device.With(func(d *passkeytest.Device) { d.Party = "evil.test" }),
				"a passkey that nobody has here": newDevice(t),
			} {
				refused(t, fact, newVisitor(t, v.world).byPasskey(wrong, "lng", "en"))
			}
			page := v.see(signinPath("lng", "en"))
			for _, text := range []string{"x", "{}", strings.Repeat("x", 20_000)} {
				refused(t, "no answer", v.answers(page, text, "lng", "en"))
			}
			if n := v.recorded(t, "user.signed_in page passkey refused"); n != 9 {
				t.Errorf("the audit log has %d: %q", n, v.actions(t))
			}
		}},
		{"a wrong answer spends the challenge", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			page := v.see(signinPath("lng", "en"))
			right := asJSON(t, device.Get(challengeOf(t, question(t, page))))
			refused(t, "wrong", v.answers(page, asJSON(t, device.Get([]byte("another"))), "lng", "en"))
			refused(t, "then right", v.answers(page, right, "lng", "en"))
		}},
		{"fifty times at once, an answer works once", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			for _, row := range []struct {
				text func(challenge []byte) any
				want map[int]int
			}{
				{func(challenge []byte) any { return device.Get(challenge) }, map[int]int{http.StatusSeeOther: 1, http.StatusBadRequest: 49}},
				{func([]byte) any { return device.Get([]byte("another")) }, map[int]int{http.StatusBadRequest: 50}},
			} {
				other := newVisitor(t, v.world)
				page := other.see(signinPath("lng", "en"))
				text := asJSON(t, row.text(challengeOf(t, question(t, page))))
				statuses := make(chan int, 50)
				var all sync.WaitGroup
				for range cap(statuses) {
					all.Go(func() { statuses <- other.answers(page, text, "lng", "en").StatusCode })
				}
				all.Wait()
				close(statuses)
				got := map[int]int{}
				for status := range statuses {
					got[status]++
				}
				if !maps.Equal(got, row.want) {
					t.Errorf("got %v, want %v", got, row.want)
				}
			}
			if done, not := v.recorded(t, "user.signed_in page passkey done"), v.recorded(t, "user.signed_in page passkey refused"); done != 1 || not != 99 {
				t.Errorf("the audit log has %d sign-ins and %d refusals", done, not)
			}
		}},
		{"a counter that goes back is refused and recorded", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			redirect(t, v.byPasskey(device.With(func(d *passkeytest.Device) { d.Count = 50 })))
			refused(t, "a copy", v.byPasskey(device.With(func(d *passkeytest.Device) { d.Count, d.Step = 50, 0 }), "lng", "en"))
			if v.recorded(t, "user.signed_in page passkey refused") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"the user of another client does not sign in", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			refused(t, "another client", v.byPasskey(device, "lng", "en", "client_id", "sandbox-licensed"))
		}},
		{"strangers' wrong passwords keep no passkey out, and wrong passkeys no password", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			stranger := newVisitor(t, v.world)
			for range 100 {
				stranger.send(stranger.form(stranger.see(ownPage), "", "username", email, "password", "wrong"))
				v.Clock.Advance(time.Second)
			}
			if a := newVisitor(t, v.world).byPasskey(device); a.StatusCode != http.StatusSeeOther {
				t.Errorf("after wrong passwords: %d", a.StatusCode)
			}
			v.Clock.Advance(time.Hour)
			page := stranger.see(signinPath("lng", "en"))
			wrong := asJSON(t, device.Get([]byte("another")))
			for range 100 {
				refused(t, "a wrong passkey", stranger.answers(page, wrong, "lng", "en"))
				v.Clock.Advance(time.Second)
			}
			if a := stranger.answers(page, wrong, "lng", "en"); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("after a hundred: %d", a.StatusCode)
			}
			newVisitor(t, v.world).enter()
			if a := v.byPasskey(device); a.StatusCode != http.StatusSeeOther {
				t.Errorf("the known browser: %d", a.StatusCode)
			}
		}},
		{"a removed passkey opens nothing", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			shown := v.see(ownPage)
			id := formOf(t, shown, "/passkeys/remove").Find("button").AttrOr("value", "")
			_, err := v.Users.Create(t.Context(), oxlin.Client{ID: "sandbox"}, "al@example.test", oxlin.NewSecret(password))
			if err != nil {
				t.Fatal(err)
			}
			other := newVisitor(t, v.world)
			theirs := other.press(other.see(ownPage), "", "username", "al@example.test", "password", password)
			theirs = other.addPasskey(theirs, newDevice(t), "Theirs")
			other.press(theirs, "/passkeys/remove", "id", id)
			if names := passkeyNames(t, v.see(ownPage)); len(names) != 1 {
				t.Fatalf("another user has removed it: %q", names)
			}
			v.press(shown, "/passkeys/remove", "id", id)
			v.press(shown, "/passkeys/remove", "id", id) // again
			refused(t, "removed", newVisitor(t, v.world).byPasskey(device, "lng", "en"))
			if v.recorded(t, "user.passkey_removed done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"it goes with the user", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			err := v.Users.Delete(t.Context(), oxlin.Caller{UserID: v.user})
			if err != nil {
				t.Fatal(err)
			}
			refused(t, "deleted", newVisitor(t, v.world).byPasskey(device, "lng", "en"))
			if formOf(t, v.see(ownPage), "/leave").Length() != 0 {
				t.Error("the session goes on")
			}
		}},
		{"a password that the client sets removes it, one of the user's own does not", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			const next = "a further password of nine words"
			v.press(v.see(ownPage), "/password", "current", password, "password", next)
			redirect(t, newVisitor(t, v.world).byPasskey(device))
			err := v.SetPassword(t.Context(), oxlin.Caller{Client: oxlin.Client{ID: "sandbox"}, UserID: v.user}, oxlin.NewSecret(password), oxlin.Secret{})
			if err != nil {
				t.Fatal(err)
			}
			refused(t, "after a new password", newVisitor(t, v.world).byPasskey(device, "lng", "en"))
			if v.recorded(t, "user.passkey_removed done") != 1 {
				t.Errorf("the audit log has %q", v.actions(t))
			}
		}},
		{"what is refused at the registration", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			old := v.see(ownPage)
			for fact, add := range map[string]func() answer{
				"the same again": func() answer { return v.addPasskey(v.see(ownPage), device, "Again") },
				"no name":        func() answer { return v.addPasskey(v.see(ownPage), newDevice(t), " ") },
				"a long name":    func() answer { return v.addPasskey(v.see(ownPage), newDevice(t), strings.Repeat("x", 61)) },
				"nothing":        func() answer { return v.pressPasskey(v.see(ownPage), "/passkeys", "passkey_name", "None") },
				"a page used once": func() answer {
					v.addPasskey(old, newDevice(t).With(func(d *passkeytest.Device) { d.Origin = "https://evil.test" }), "Evil")
					return v.addPasskey(old, newDevice(t), "Old")
				},
				"no PIN": func() answer {
					return v.addPasskey(v.see(ownPage), newDevice(t).With(func(d *passkeytest.Device) { d.Unverified = true }), "No PIN")
				},
			} {
				if a := add(); a.StatusCode != http.StatusBadRequest || parse(t, a).Find("#passkey_name-problem[role=alert]").Length() != 1 || len(passkeyNames(t, v.see(ownPage))) != 1 {
					t.Errorf("%s: %d, %q", fact, a.StatusCode, passkeyNames(t, v.see(ownPage)))
				}
			}
			for range 9 {
				v.addPasskey(v.see(ownPage), newDevice(t), "One more")
			}
			if full := v.see(ownPage); len(passkeyNames(t, full)) != 10 || asked(t, full, "/passkeys").Length() != 0 {
				t.Errorf("%q", passkeyNames(t, full))
			}
			v.addPasskey(old, newDevice(t), "An eleventh")
			if names := passkeyNames(t, v.see(ownPage)); len(names) != 10 {
				t.Errorf("%q", names)
			}
		}},
		{"after five minutes nothing is added or removed", func(t *testing.T, v *visitor, device *passkeytest.Device) {
			shown := v.see(ownPage)
			v.Clock.Advance(5 * time.Minute)
			v.addPasskey(shown, newDevice(t), "Late")
			v.press(shown, "/passkeys/remove", "id", formOf(t, shown, "/passkeys/remove").Find("button").AttrOr("value", ""))
			if names := passkeyNames(t, v.see(ownPage)); len(names) != 1 || names[0] != "Blue key" {
				t.Errorf("%q", names)
			}
		}},
	} {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				v := newVisitor(t, newWorldAs(t, db, platformURL))
				device := newDevice(t)
				shown := v.addPasskey(v.enter(), device, " Blue key ")
				if names := passkeyNames(t, shown); len(names) != 1 || names[0] != "Blue key" || !strings.Contains(shown.text, "The passkey is added") {
					t.Fatalf("%d %q %s", shown.StatusCode, names, shown.text)
				}
				row.test(t, v, device)
			})
		})
	}
}

func TestAPasskeyOfADisabledClientOpensNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorldAs(t, db, platformURL)
		client, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Users.Create(t.Context(), client, email, oxlin.NewSecret(password))
		if err != nil {
			t.Fatal(err)
		}
		v, device := newVisitor(t, w), newDevice(t)
		path := accountPath + "?lng=en&client_id=" + string(client.ID)
		v.addPasskey(v.press(v.see(path), "", "username", email, "password", password), device, "Blue key")
		for _, disabled := range []bool{true, false} {
			err := w.Clients.SetDisabled(t.Context(), client.ID, disabled)
			if err != nil {
				t.Fatal(err)
			}
			other := newVisitor(t, w)
			shown := other.see(accountPath + "?lng=en")
			opened := other.pressPasskey(shown, "", "passkey", asJSON(t, device.Get(challengeOf(t, asked(t, shown, "")))))
			if formOf(t, opened, "/leave").Length() == 1 == disabled {
				t.Errorf("disabled %t: %d", disabled, opened.StatusCode)
			}
		}
	})
}

// At an IP address, browsers make no passkeys.
func TestAnAddressHasNoPasskeys(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	v := newVisitor(t, newWorld(t, db))
	for _, shown := range []answer{v.see(signinPath()), v.see(ownPage), v.enter()} {
		if parse(t, shown).Find("[data-passkey], script[src*=passkey]").Length() != 0 {
			t.Errorf("a page asks for a passkey: %s", shown.text)
		}
	}
}

// A user who enters the platform's pages by passkeys alone has no password that a copy of them could
// ask for; the client that created the user signs them in with it as before.
func TestPasskeysAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := newVisitor(t, newWorldAs(t, db, platformURL))
		device := newDevice(t)
		shown := v.addPasskey(v.enter(), device, "Blue key")
		if formOf(t, shown, "/passkeys/alone").Length() != 0 {
			t.Error("a passkey that was never used may be the only way in")
		}
		forged := v.send(v.sending(accountPath+"/passkeys/alone", url.Values{"alone": {"true"}}, v.headers(v.at(accountPath), "Sec-Fetch-Site", "same-origin")...))
		if forged.StatusCode != http.StatusSeeOther || v.recorded(t, "user.password_switched done") != 0 {
			t.Errorf("a form that the page did not show: %d, %q", forged.StatusCode, v.actions(t))
		}
		redirect(t, v.byPasskey(device))

		// pages tries the password at both pages, and the grant of the client.
		pages := func(fact string, want bool) {
			t.Helper()
			other := newVisitor(t, v.world)
			page := other.see(signinPath("lng", "en"))
			values := url.Values{"form": {parse(t, page).Find("input[name=form]").AttrOr("value", "")}, "username": {email}, "password": {password}}
			try := func(password string) answer {
				values.Set("password", password)
				return other.send(other.sending(signinPath("lng", "en"), values, other.headers(other.at(signinPath()), "Sec-Fetch-Site", "same-origin")...))
			}
			right := try(password)
			if (right.StatusCode == http.StatusSeeOther) != want {
				t.Errorf("%s: the sign-in page answers the password with %d", fact, right.StatusCode)
			}
			owner := newVisitor(t, v.world)
			own := owner.press(owner.see(ownPage), "", "username", email, "password", password)
			if (formOf(t, own, "/leave").Length() == 1) != want {
				t.Errorf("%s: the page of the user's own answers the password with %d", fact, own.StatusCode)
			}
			if wrong := try("another password"); !want {
				told := func(a answer) string { return parse(t, a).Find("#problem").Text() }
				if right.StatusCode != wrong.StatusCode || told(right) != told(wrong) || !strings.Contains(told(right), "If you have chosen") {
					t.Errorf("%s: the right password is %d %q, a wrong one %d %q", fact, right.StatusCode, told(right), wrong.StatusCode, told(wrong))
				}
			}
			a := v.post(t, "/token", form("grant_type", "password", "username", email, "password", password))
			if a.StatusCode != http.StatusOK {
				t.Errorf("%s: the client's grant is answered with %d %s", fact, a.StatusCode, a.text)
			}
		}
		pages("before", true)
		shown = v.press(v.see(ownPage), "/passkeys/alone", "alone", "true")
		if !strings.Contains(shown.text, "take your passkeys alone now") || v.recorded(t, "user.password_switched off done") != 1 {
			t.Errorf("%d %s, %q", shown.StatusCode, shown.text, v.actions(t))
		}
		pages("chosen", false)
		redirect(t, newVisitor(t, v.world).byPasskey(device))

		// The session of the page asks for a passkey too.
		v.Clock.Advance(5 * time.Minute)
		shown = v.see(ownPage)
		if parse(t, shown).Find("input[name=confirm]").Length() != 0 || asked(t, shown, "/confirm").Length() != 1 {
			t.Errorf("the page asks for the password: %s", shown.text)
		}
		a := v.send(v.sending(accountPath+"/confirm", url.Values{"confirm": {password}}, v.headers(v.at(accountPath), "Sec-Fetch-Site", "same-origin")...))
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("the password confirms: %d", a.StatusCode)
		}
		shown = v.pressPasskey(shown, "/confirm", "passkey", asJSON(t, device.Get(challengeOf(t, asked(t, shown, "/confirm")))))
		shown = v.press(shown, "/passkeys/alone")
		if !strings.Contains(shown.text, "signs you in here again") || v.recorded(t, "user.password_switched on done") != 1 {
			t.Errorf("%d %s, %q", shown.StatusCode, shown.text, v.actions(t))
		}
		pages("taken back", true)

		// Nobody is left without a way in: the last passkey takes the choice along, and a password that the
		// client sets does.
		v.press(v.see(ownPage), "/passkeys/alone", "alone", "true")
		pages("chosen again", false)
		id := formOf(t, v.see(ownPage), "/passkeys/remove").Find("button").AttrOr("value", "")
		v.press(v.see(ownPage), "/passkeys/remove", "id", id)
		pages("without a passkey", true)
		another := newDevice(t)
		v.addPasskey(v.see(ownPage), another, "Red key")
		pages("with another one", true)
		redirect(t, v.byPasskey(another))
		v.press(v.see(ownPage), "/passkeys/alone", "alone", "true")
		pages("chosen with another one", false)
		err := v.SetPassword(t.Context(), oxlin.Caller{Client: oxlin.Client{ID: "sandbox"}, UserID: v.user}, oxlin.NewSecret(password), oxlin.Secret{})
		if err != nil {
			t.Fatal(err)
		}
		pages("after a password that the client sets", true)
		stored, err := db.Read().User(t.Context(), v.user)
		if err != nil || stored.PasskeysAlone {
			t.Errorf("stored %t, %v", stored.PasskeysAlone, err)
		}
	})
}

// Passkeys belong to the name of the site: where it has another one, the password signs in again.
func TestPasskeysAloneAreForTheirSite(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	w := newWorldAs(t, db, "http://renamed.test")
	err := db.WriteFor(t.Context(), w.user, func(tx *store.Tx) error {
		user, err := tx.Read().User(t.Context(), w.user)
		if err != nil {
			return err
		}
		user.PasskeysAlone = true
		err = tx.UpdateUser(t.Context(), user)
		if err != nil {
			return err
		}
		return store.UserPasskeysOf(tx).Insert(t.Context(), store.UserPasskey{
			ID: "old", UserID: w.user, Name: "Old", Party: platformHost, PublicKey: []byte{1}, CreatedAt: w.Clock.Now(), UsedAt: w.Clock.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	newVisitor(t, w).enter()
}
