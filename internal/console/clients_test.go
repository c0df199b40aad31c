package console_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

func TestThePlatformWithoutClients(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	p := w.get(t, "/console/clients")
	if p.html.Find("table").Length() != 0 || !strings.HasPrefix(p.words("section"), "No clients.") {
		t.Errorf("got %s", p.words("main"))
	}
}

func TestCreatingAClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.submit(t, w.get(t, "/console/clients"), "/console/clients",
			"name", " "+hostile+" ", "redirect_uris", "https://a.test/back\r\n\r\n  app.a:/back ", "licensed", "yes")
		secret, id := p.words(".secret"), p.words("main > p code")
		if p.StatusCode != http.StatusCreated || p.words("h1") != hostile || secret == "" {
			t.Fatalf("got %d %s", p.StatusCode, p.text)
		}
		if !w.accepts(t, oxlin.ClientID(id), secret) {
			t.Error("the secret is not the client's")
		}
		client, err := w.DB.Read().Client(t.Context(), oxlin.ClientID(id))
		if err != nil || client.Name != hostile || !client.Licensed || fmt.Sprint(client.RedirectURIs) != "[https://a.test/back app.a:/back]" {
			t.Errorf("stored %+v, %v", client, err)
		}
		// The secret is shown once, its hash never.
		for _, path := range []string{"/console", "/console/clients", "/console/clients/" + id} {
			noSecret(t, w.get(t, path), secret)
		}
		if list := rows(w.get(t, "/console/clients").html.Find("table")); len(list) != 1 || list[0][0] != hostile || list[0][1] != id || list[0][2] != "its own" {
			t.Errorf("listed %v", list)
		}
	})
}

// A form creates one client: a double click or a reload does not create a second one.
func TestAFormMakesOneClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		drawn := w.get(t, "/console/clients")
		first := w.submit(t, drawn, "/console/clients", "name", "Budget")
		secret, id := first.words(".secret"), first.words("main > p code")
		w.url = serve(t, w.options) // another node, or the same one after a restart
		again := w.submit(t, drawn, "/console/clients", "name", "Budget")
		if again.StatusCode != http.StatusConflict || again.words("main > p code") != id || again.html.Find(".secret").Length() != 0 || !strings.HasPrefix(again.words("[role=alert]"), "Nothing was created") {
			t.Errorf("sent again: %d %s", again.StatusCode, again.text)
		}
		clicked := w.get(t, "/console/clients")
		var clicks sync.WaitGroup
		for range 4 {
			clicks.Go(func() { w.submit(t, clicked, "/console/clients", "name", "Clicked") })
		}
		clicks.Wait()
		if p := w.post(t, "/console/clients", "name", "Without a form"); p.StatusCode != http.StatusBadRequest {
			t.Errorf("without a form: %d %s", p.StatusCode, p.text)
		}
		clients, err := w.DB.Read().Clients(t.Context())
		if err != nil || len(clients) != 2 || !w.accepts(t, oxlin.ClientID(id), secret) {
			t.Errorf("there are %d clients, %v", len(clients), err)
		}
		// A second client of the same name is created with a new form.
		if p := w.submit(t, w.get(t, "/console/clients"), "/console/clients", "name", "Budget"); p.StatusCode != http.StatusCreated || p.words("main > p code") == id {
			t.Errorf("another: %d %s", p.StatusCode, p.text)
		}
	})
}

// noSecret fails if a page shows a secret or its hash.
func noSecret(t *testing.T, p page, secret string) {
	t.Helper()
	hash := vault.HashToken(oxlin.NewSecret(secret))
	for _, form := range []string{secret, hex.EncodeToString(hash), base64.StdEncoding.EncodeToString(hash), base64.RawURLEncoding.EncodeToString(hash)} {
		if strings.Contains(p.text, form) {
			t.Errorf("%s shows %q", p.Request.URL.Path, form)
		}
	}
}

func TestAPublicClientHasNoSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		created := w.submit(t, w.get(t, "/console/clients"), "/console/clients", "name", "App", "redirect_uris", "app:/back", "public", "yes")
		if created.StatusCode != http.StatusCreated || created.html.Find(".secret").Length() != 0 {
			t.Errorf("got %d %s", created.StatusCode, created.text)
		}
		path := "/console/clients/" + created.words("main > p code")
		if p := w.get(t, path); words(p.section("Secret").Find("p")) != "A public client has no secret." || p.section("Secret").Find("button").Length() != 0 {
			t.Errorf("got %s", words(p.section("Secret")))
		}
		if p := w.post(t, path+"/rotate"); p.StatusCode != http.StatusConflict || p.html.Find(".secret").Length() != 0 {
			t.Errorf("rotated: %d %s", p.StatusCode, p.text)
		}
	})
}

// refusals are values that a form refuses, each with the field beside which the error
// is shown.
var refusals = []struct{ field, value, beside string }{
	{"name", "", "name"},
	{"name", "   ", "name"},
	{"name", strings.Repeat("é", 201), "name"},
	{"name", "Budget\x1b[31m", "name"},
	{"redirect_uris", "budget.test", "redirect_uris"},
	{"redirect_uris", "https://good.test/\nhttp://far.test/", "redirect_uris"},
	{"redirect_uris", "https:///path", "redirect_uris"},
	{"redirect_uris", "https://budget.test/#part", "redirect_uris"},
	{"redirect_uris", "https://good.test/ " + hostile, "redirect_uris"},
	{"webhook_url", "http://far.test/", "webhook_url"},
	{"webhook_url", "https://me:pw@far.test/", "webhook_url"},
	{"font", "Arial; } body { display: none", "font"},
	{"font", hostile, "font"},
	{"font_color", "#12345", "font_color"},
	{"font_color", "url(https://evil.test)", "font_color"},
	{"elements_color", "red;", "elements_color"},
}

func TestABadValueIsToldBesideItsField(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		before, _ := w.DB.Read().Client(t.Context(), "budget")
		for path, count := range map[string]int{"/console/clients": 11, "/console/clients/budget": len(refusals)} {
			for _, row := range refusals[:count] {
				fields := []string{row.field, row.value}
				if row.field != "name" {
					fields = append(fields, "name", "Good")
				}
				p := w.submit(t, w.get(t, path), path, fields...)
				alert := p.html.Find("[role=alert]")
				if p.StatusCode != http.StatusUnprocessableEntity || alert.Length() != 1 || words(alert) == "" {
					t.Fatalf("%s %s=%q: %d %s", path, row.field, row.value, p.StatusCode, p.text)
				}
				field := p.html.Find("[autofocus]")
				value := field.AttrOr("value", field.Text())
				if field.AttrOr("id", "") != row.beside || alert.Next().AttrOr("id", "") != row.beside || alert.Prev().AttrOr("for", "") != row.beside || strings.Join(strings.Fields(value), " ") != strings.Join(strings.Fields(row.value), " ") {
					t.Errorf("%s %s=%q: shown beside %q with %q", path, row.field, row.value, field.AttrOr("id", ""), value)
				}
				if want := map[bool]string{true: "Clients", false: s.client.Name}[count == 11]; p.words("h1") != want {
					t.Errorf("the page is of %q", p.words("h1"))
				}
			}
		}
		after, err := w.DB.Read().Client(t.Context(), "budget")
		clients, _ := w.DB.Read().Clients(t.Context())
		if err != nil || !reflect.DeepEqual(before, after) || len(clients) != 1 {
			t.Errorf("something was stored: %v %+v, %v", clients, after, err)
		}
	})
}

func TestChangingAClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		before, _ := w.DB.Read().Client(t.Context(), "budget")
		const path = "/console/clients/budget"
		drawn := w.get(t, path)
		// A form that is sent unchanged changes nothing.
		if p := w.submit(t, drawn, path); p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != path+"?saved" {
			t.Fatalf("got %d %s", p.StatusCode, p.text)
		}
		same, err := w.DB.Read().Client(t.Context(), "budget")
		if err != nil || !reflect.DeepEqual(before, same) {
			t.Errorf("changed to %+v, %v", same, err)
		}
		w.submit(t, drawn, path, "name", "Malin", "redirect_uris", "https://one.test/\nhttp://127.0.0.1/two", "licensed", "yes",
			"webhook_url", " https://one.test/hook ", "font", " Georgia, serif", "font_color", "#123456", "elements_color", "teal ")
		want := before
		want.Name, want.Licensed, want.RedirectURIs = "Malin", true, []string{"https://one.test/", "http://127.0.0.1/two"}
		want.Settings = oxlin.Settings{"webhook_url": {Value: "https://one.test/hook"}}
		want.Theme = oxlin.Theme{Font: "Georgia, serif", FontColor: "#123456", ElementsColor: "teal"}
		after, err := w.DB.Read().Client(t.Context(), "budget")
		if err != nil || !reflect.DeepEqual(want, after) {
			t.Errorf("changed to %+v, %v", after, err)
		}
		// The form shows the stored settings; each of them can be removed again.
		w.submit(t, w.get(t, path), path, "licensed", "", "redirect_uris", "", "webhook_url", "", "font", "", "font_color", "", "elements_color", "")
		last, err := w.DB.Read().Client(t.Context(), "budget")
		if err != nil || last.Name != "Malin" || last.Licensed || len(last.RedirectURIs) != 0 || len(last.Settings) != 0 || last.Theme != (oxlin.Theme{}) {
			t.Errorf("changed to %+v, %v", last, err)
		}
	})
}

// A form that was rendered before another tab saved a setting does not undo that
// setting.
func TestAnOldFormTakesNoChangeBack(t *testing.T) {
	for _, setting := range [][]string{
		{"name", "Malin"}, {"redirect_uris", "https://new.test/"}, {"webhook_url", "https://hook.test/"}, {"licensed", "yes"},
		{"font", "Arial"}, {"font_color", "red"}, {"elements_color", "#663399"},
	} {
		t.Run(setting[0], func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.seed(t)
				const path = "/console/clients/budget"
				old := w.get(t, path)
				saved := w.submit(t, old, path, setting...)
				if p := w.get(t, saved.Header.Get("Location")); p.words("[role=status]") != "Saved." {
					t.Errorf("after the save: %s", p.text)
				}
				stored, _ := w.DB.Read().Client(t.Context(), "budget")
				// A form that is sent twice has the effect of one.
				if p := w.submit(t, old, path, setting...); p.StatusCode != http.StatusSeeOther {
					t.Errorf("sent twice: %d %s", p.StatusCode, p.text)
				}
				other := []string{"font", "Georgia"}
				if setting[0] == "font" {
					other = []string{"name", "Other"}
				}
				late := w.submit(t, old, path, other...)
				if late.StatusCode != http.StatusConflict || !strings.HasPrefix(late.words("[role=alert]"), "Nothing was saved") || late.html.Find("[role=status]").Length() != 0 {
					t.Errorf("from the old tab: %d %s", late.StatusCode, late.text)
				}
				after, err := w.DB.Read().Client(t.Context(), "budget")
				if err != nil || !reflect.DeepEqual(stored, after) {
					t.Errorf("changed to %+v, %v", after, err)
				}
				// The page shows the stored settings, and its form can be saved. A new
				// secret does not invalidate the form.
				if p := w.submit(t, w.get(t, path), path+"/rotate"); p.StatusCode != http.StatusOK {
					t.Errorf("rotated: %d %s", p.StatusCode, p.text)
				}
				p := w.submit(t, late, path, other...)
				both, err := w.DB.Read().Client(t.Context(), "budget")
				if p.StatusCode != http.StatusSeeOther || err != nil || both.Name+both.Theme.Font == stored.Name+stored.Theme.Font || fmt.Sprint(both.RedirectURIs) != fmt.Sprint(stored.RedirectURIs) || both.Licensed != stored.Licensed {
					t.Errorf("changed again: %d, %+v, %v", p.StatusCode, both, err)
				}
			})
		})
	}
}

func TestRotatingASecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		const path, rotate = "/console/clients/budget", "/console/clients/budget/rotate"
		valid := func(secrets ...string) string {
			t.Helper()
			var list []string
			for _, secret := range secrets {
				list = append(list, fmt.Sprint(w.accepts(t, "budget", secret)))
			}
			return strings.Join(list, " ")
		}
		first := w.submit(t, w.get(t, path), rotate)
		one := first.words(".secret")
		if first.StatusCode != http.StatusOK || one == "" || valid("secret-of-budget", one) != "true true" {
			t.Fatalf("got %d %s", first.StatusCode, first.text)
		}
		noSecret(t, w.get(t, path), one)
		// The page that shows a secret has a form that can rotate it.
		second := w.submit(t, first, rotate)
		two := second.words(".secret")
		if got := valid("secret-of-budget", one, two); got != "false true true" {
			t.Errorf("after two rotations the secrets are valid: %s", got)
		}
		noSecret(t, second, one)
		// A form works once: a reload or an old tab does not end a secret in use.
		for _, old := range []string{"", "x", first.html.Find("[name=mark]").AttrOr("value", "")} {
			p := w.post(t, rotate, "mark", old)
			if p.StatusCode != http.StatusConflict || p.html.Find(".secret").Length() != 0 || p.words("[role=alert]") == "" {
				t.Errorf("with the mark %q: %d %s", old, p.StatusCode, p.text)
			}
		}
		if got := valid(one, two); got != "true true" {
			t.Errorf("after the old forms the secrets are valid: %s", got)
		}
	})
}

// The end of a secret is asked for where it is made, and told where the client is shown.
func TestTheEndOfASecretIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.options.SecretDays = 90
		w.url = serve(t, w.options)
		w.login(t)
		list := w.get(t, "/console/clients")
		if proposed := list.html.Find("[name=secret_days]").AttrOr("value", ""); proposed != "90" {
			t.Errorf("the form proposes %q days", proposed)
		}
		for _, wrong := range []string{"x", "-1", "3651", "1.5"} {
			p := w.submit(t, list, "/console/clients", "name", "Shop", "secret_days", wrong)
			if p.StatusCode != http.StatusUnprocessableEntity || p.html.Find("[name=secret_days]").AttrOr("value", "") != wrong || p.words("[role=alert]") == "" {
				t.Errorf("%s days: %d %s", wrong, p.StatusCode, p.words("[role=alert]"))
			}
		}
		created := w.submit(t, w.get(t, "/console/clients"), "/console/clients", "name", "Shop", "secret_days", "20")
		id := created.words("main > p code")
		path := "/console/clients/" + id
		first := vault.HashToken(oxlin.NewSecret(created.words(".secret")))
		secrets := func(fact string, want ...string) {
			t.Helper()
			var got []string
			for _, row := range rows(w.get(t, path).html.Find("table:has(th:contains('Last used'))")) {
				got = append(got, strings.Join(row[2:], ", "))
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %q, want %q", fact, got, want)
			}
		}
		end := w.Clock.Now().AddDate(0, 0, 20).UTC().Format("2006-01-02")
		if p := w.get(t, path); p.words("td code") != hex.EncodeToString(first[:4]) || p.html.Find("td.bad").Length() != 1 {
			t.Errorf("shown: %s", p.words("table"))
		}
		if p := w.get(t, "/console/clients"); !strings.Contains(p.words("table .bad"), "a secret ends in ") {
			t.Errorf("the list warns %q", p.words("table"))
		}
		if p := w.submit(t, w.get(t, path), path+"/rotate", "secret_days", "99999"); p.StatusCode != http.StatusUnprocessableEntity || p.html.Find(".secret").Length() != 0 {
			t.Errorf("a life of 99999 days: %d", p.StatusCode)
		}
		if p := w.submit(t, w.get(t, path), path+"/rotate", "secret_days", ""); p.StatusCode != http.StatusOK {
			t.Fatalf("rotated: %d %s", p.StatusCode, p.text)
		}
		client, err := w.DB.Read().Client(t.Context(), oxlin.ClientID(id))
		if err != nil || len(client.Secrets) != 2 || !client.Secrets[0].EndsAt.IsZero() || client.Secrets[1].EndsAt.Format("2006-01-02") != end {
			t.Errorf("stored %+v, %v", client.Secrets, err)
		}
		w.Clock.Advance(21 * 24 * time.Hour)
		w.login(t)
		secrets("after its end", "no end, –", "ended "+instantOf(client.Secrets[1].EndsAt)+", –")
	})
}

func instantOf(at time.Time) string { return at.UTC().Format(time.DateTime) }

func TestADoubleClickRotatesOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		drawn := w.get(t, "/console/clients/budget")
		var clicks sync.WaitGroup
		for range 4 {
			clicks.Go(func() { w.submit(t, drawn, "/console/clients/budget/rotate") })
		}
		clicks.Wait()
		if !w.accepts(t, "budget", "secret-of-budget") {
			t.Error("the secret that the client uses has ended")
		}
	})
}

func TestTheSandboxClientMayReturnAnywhere(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	err := w.options.Clients.EnsureSandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := w.get(t, "/console/clients/sandbox"); !strings.Contains(words(p.section("Settings")), "Any redirect URI") {
		t.Errorf("got %s", words(p.section("Settings")))
	}
}

func TestUsersOfAClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		const path = "/console/clients/budget"
		w.Write(func(tx *store.Tx) error {
			err := tx.SaveClient(t.Context(), oxlin.Client{ID: "other", Name: "Other", CreatedAt: w.Clock.Now()})
			if err != nil {
				return err
			}
			_, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: "other", Email: "else@example.test", CreatedAt: w.Clock.Now()})
			for n := 1; err == nil && n <= 51; n++ {
				_, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: "budget", Email: fmt.Sprintf("jo+%d@example.test", n), CreatedAt: w.Clock.Now()})
			}
			return err
		})
		p := w.get(t, path)
		users := p.section("Users")
		list := rows(users)
		if words(users.Find("h2")) != "Users (52)" || len(list) != 50 || list[0][1] != "jo+51@example.test" || list[49][1] != "jo+2@example.test" {
			t.Errorf("listed %v", list)
		}
		if note := words(users.Find("p")); note != "The newest 50; search for others by e-mail." {
			t.Errorf("the note is %q", note)
		}
		for email, want := range map[string]string{
			"jo+1@example.test": "jo+1@example.test", "++jo%2B7@example.test+": "jo+7@example.test", "jo%2B1@example.test": "jo+1@example.test",
			"nobody@example.test": "", "else@example.test": "", "%25": "",
		} {
			found := rows(w.get(t, path+"?email="+strings.ReplaceAll(email, "jo+", "jo%2B")).section("Users"))
			if want == "" && len(found) != 0 || want != "" && (len(found) != 1 || found[0][1] != want) {
				t.Errorf("%s: found %v", email, found)
			}
		}
		if p := w.get(t, path+"?email=nobody@example.test"); words(p.section("Users").Find("p")) != "No users." || p.html.Find("#email").AttrOr("value", "") != "nobody@example.test" {
			t.Errorf("got %s", words(p.section("Users")))
		}
		if p := w.get(t, "/console/clients/other"); !strings.HasPrefix(p.words("h2"), "Users (1)") {
			t.Errorf("got %s", p.words("h2"))
		}
		// From the client's page to its user's page.
		found := w.get(t, path+"?email=jo%3Cscript%3E") // the search compares whole e-mail addresses
		if len(rows(found.section("Users"))) != 0 {
			t.Errorf("found %v", rows(found.section("Users")))
		}
		user := w.get(t, s.userPath)
		if user.words("h1") != "User "+s.user.ID.String() || user.words("main > p") != s.user.Email+", of client budget, since 2026-11-17 09:30:00 – terms 2026-11 accepted 2026-11-17 09:30:00" {
			t.Errorf("got %s", user.words("main"))
		}
		connections := rows(user.section("Connections"))
		if len(connections) != 1 || connections[0][1] != s.connection.Name || connections[0][2] != "SUCCESS" || connections[0][3] != "8701 SUCCESS" {
			t.Errorf("connections %v", connections)
		}
		if href := user.section("Connections").Find("a").AttrOr("href", ""); href != s.connectionPath {
			t.Errorf("led to %s", href)
		}
		lonely := w.get(t, p.section("Users").Find("a").First().AttrOr("href", ""))
		if words(lonely.section("Connections").Find("p")) != "No connections." || lonely.words("main > p") != "jo+51@example.test, of client budget, since 2026-11-18 09:30:00 – terms not accepted" {
			t.Errorf("got %s", lonely.words("main"))
		}
	})
}

func TestAClientIsDisabledAndEnabled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		const path, state = "/console/clients/budget", "/console/clients/budget/disabled"
		for _, disabled := range []bool{true, false} {
			if p := w.submit(t, w.get(t, path), state); p.StatusCode != http.StatusSeeOther {
				t.Fatalf("%d %s", p.StatusCode, p.text)
			}
			if w.accepts(t, "budget", "secret-of-budget") == disabled {
				t.Errorf("disabled %v, and the secret is not refused accordingly", disabled)
			}
			client, err := w.DB.Read().Client(t.Context(), "budget")
			if err != nil || client.Disabled != disabled {
				t.Errorf("%+v, %v", client, err)
			}
		}
	})
}

func TestASecretIsEndedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		const path, rotate = "/console/clients/budget", "/console/clients/budget/rotate"
		p := w.submit(t, w.get(t, path), rotate, "at_once", "yes")
		if p.StatusCode != http.StatusOK || w.accepts(t, "budget", "secret-of-budget") || !w.accepts(t, "budget", p.words(".secret")) {
			t.Errorf("%d: the new secret is not the only one", p.StatusCode)
		}
	})
}

func TestAnyRedirectURIIsTakenAwayForGood(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		const path = "/console/clients/budget"
		may := func() bool {
			t.Helper()
			client, err := w.DB.Read().Client(t.Context(), "budget")
			if err != nil {
				t.Fatal(err)
			}
			return client.AnyRedirectURI
		}
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			client, err := tx.Read().Client(t.Context(), "budget")
			if err != nil {
				return err
			}
			client.AnyRedirectURI = true
			return tx.SaveClient(t.Context(), client)
		})
		if err != nil {
			t.Fatal(err)
		}
		w.submit(t, w.get(t, path), path, "name", "Kept")
		if !may() {
			t.Error("another change takes it away")
		}
		w.submit(t, w.get(t, path), path, "any_redirect_uri", "")
		if may() {
			t.Error("it was not taken away")
		}
		w.submit(t, w.get(t, path), path, "any_redirect_uri", "yes")
		if may() {
			t.Error("it was given again")
		}
	})
}

func TestAClientIsDeletedByItsName(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		const path, deletion = "/console/clients/budget", "/console/clients/budget/delete"
		for _, row := range []struct {
			fact   string
			fields []string
			status int
		}{
			{"another name", []string{"name", "Budge", "with_users", "yes"}, http.StatusUnprocessableEntity},
			{"no name", []string{"with_users", "yes"}, http.StatusUnprocessableEntity},
			{"its users are not named", []string{"name", s.client.Name}, http.StatusConflict},
		} {
			p := w.submit(t, w.get(t, path), deletion, row.fields...)
			if p.StatusCode != row.status || !strings.HasPrefix(p.words("[role=alert]"), "Nothing was deleted") || !w.accepts(t, "budget", "secret-of-budget") {
				t.Errorf("%s: %d %s", row.fact, p.StatusCode, p.words("[role=alert]"))
			}
		}
		drawn := w.get(t, path)
		p := w.submit(t, drawn, deletion, "name", s.client.Name, "with_users", "yes")
		if p.StatusCode != http.StatusSeeOther || w.accepts(t, "budget", "secret-of-budget") {
			t.Fatalf("%d %s", p.StatusCode, p.text)
		}
		if p := w.get(t, p.Header.Get("Location")); !strings.Contains(p.words("[role=status]"), s.client.Name+" is deleted") || len(rows(p.html.Find("table"))) != 0 {
			t.Errorf("got %s", p.words("main"))
		}
		if p := w.submit(t, drawn, deletion, "name", s.client.Name, "with_users", "yes"); p.StatusCode != http.StatusNotFound {
			t.Errorf("again: %d", p.StatusCode)
		}
	})
}
