package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// audited is a platform whose audit log is read.
type audited struct {
	*process
	url string
	// bankLog is the log of the test bank.
	bankLog string
	// flags name the database for commands.
	flags []string
	who   journey.Customer
}

func startAudited(t *testing.T, flags ...string) *audited {
	t.Helper()
	file := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, reticentFile) }))
	t.Cleanup(file.Close)
	bank := run(t, "bank", "testbank", "--control", "--allow-private-file-urls", "--listen", "127.0.0.1:0")
	address := freeAddress(t)
	a := &audited{url: "http://" + address, bankLog: bank.Log, flags: append([]string{"--data", t.TempDir()}, flags...), who: reticent}
	a.who.File = file.URL + "/reticent.txt"
	a.process = run(t, "platform", append([]string{
		"serve", "--sandbox", "--roles", "api,worker", "--listen", address, "--testbank-url", bank.where(t, "test bank"),
	}, a.flags...)...)
	a.where(t, "platform")
	return a
}

// command runs a command on the database.
func (a *audited) command(t *testing.T, words string, more ...string) string {
	t.Helper()
	return mustOxlin(t, with(words, a.flags, more)...)
}

// entry is a line of an export.
type entry struct {
	ID         int64
	Action     audit.Action
	Outcome    audit.Outcome
	Actor      audit.Actor
	Client     string
	Subject    string
	Connection int64
	Consent    int64
	Account    int64
	Request    string
	Details    map[string]string
}

// export returns the entries that flags select.
func (a *audited) export(t *testing.T, flags ...string) []entry {
	t.Helper()
	var list []entry
	for text := range strings.Lines(a.command(t, "audit export", flags...)) {
		var e entry
		err := json.Unmarshal([]byte(text), &e)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if e.ID != 0 { // not a seal
			list = append(list, e)
		}
	}
	return list
}

func actions(list []entry) []audit.Action {
	var names []audit.Action
	for _, e := range list {
		names = append(names, e.Action)
	}
	return names
}

// operator is somebody in the console.
type operator struct {
	t       *testing.T
	url     string
	browser *http.Client
}

func (a *audited) operator(t *testing.T) *operator {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{t, a.url, &http.Client{Jar: jar}}
	page := o.open(http.MethodPost, "/console/login", url.Values{"password": {"sandbox"}})
	if page.Find("nav").Length() == 0 {
		t.Fatalf("no login: %s", page.Text())
	}
	return o
}

func (o *operator) open(method, path string, form url.Values) *goquery.Document {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := o.browser.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return page
}

// submit sends the form with an action as it is filled, and changes.
func (o *operator) submit(page *goquery.Document, action string, changes url.Values) *goquery.Document {
	o.t.Helper()
	form := page.Find(`form[action="` + action + `"]`)
	if form.Length() == 0 {
		o.t.Fatalf("no form for %s: %s", action, page.Text())
	}
	values := url.Values{}
	for _, input := range form.Find("input[type=hidden], input:not([type])").EachIter() {
		values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	for name := range changes {
		values[name] = changes[name]
	}
	return o.open(http.MethodPost, action, values)
}

// audits runs a test on both databases.
func audits(t *testing.T, test func(t *testing.T, flags ...string)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, "--database", storetest.Postgres(t))
	})
}

// TestAnAuditorReadsOneConsent follows a consent from the question to the deletion, by all
// three doors, and a request of ours to the bank's log.
func TestAnAuditorReadsOneConsent(t *testing.T) {
	audits(t, func(t *testing.T, flags ...string) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		a := startAudited(t, flags...)
		software := ownClient(t, a.flags[1], a.flags[2:])
		software.Platform = a.url
		jo, err := journey.Arrive(ctx, software, "leontine.taciturne@example.test", password, a.who)
		if err != nil {
			t.Fatal(err)
		}
		user := &refusing{EndUser: jo, t: t, ctx: ctx}
		user.press(user.toTheConsent("8701"), "consent")
		var connections []scenario.Connection
		err = jo.User.Get(ctx, "/connections", &connections)
		if err != nil || len(connections) != 1 {
			t.Fatalf("%d connections, %v", len(connections), err)
		}
		id := connections[0].ID
		_, err = jo.User.WaitForConnection(ctx, id)
		if err == nil {
			err = jo.User.Delete(ctx, "/connections/"+id)
		}
		if err != nil {
			t.Fatal(err)
		}

		// The auditor knows the connection alone.
		var consent int64
		for _, e := range a.export(t, "--connection", id) {
			consent = max(consent, e.Consent)
		}
		flag := []string{"--consent", strconv.FormatInt(consent, 10)}
		life := a.export(t, flag...)
		rest := actions(life)
		for _, want := range []audit.Action{
			audit.SyncStarted, audit.BankAccess, audit.BankReturned, audit.BankAccess, audit.ConsentAsked, audit.ConsentGiven, audit.SyncStarted,
			audit.BankAccess, audit.SyncEnded, audit.ConsentWithdrawn, audit.ConnectionDeleted,
		} {
			i := slices.Index(rest, want)
			if i < 0 {
				t.Fatalf("after that, there is no %s in %v; the rest is %v", want, actions(life), rest)
			}
			rest = rest[i+1:]
		}
		given := life[slices.IndexFunc(life, func(e entry) bool { return e.Action == audit.ConsentGiven })]
		if given.Details["version"] == "" || given.Details["language"] == "" || given.Actor != audit.User || given.Client != software.ClientID {
			t.Errorf("the consent is %+v", given)
		}

		// The other doors.
		shown := strings.Split(strings.TrimSpace(a.command(t, "audit show", flag...)), "\n")
		console := a.operator(t).open(http.MethodGet, "/console/audit?consent="+flag[1], nil)
		rows := console.Find("table tbody tr")
		later := a.export(t, flag...)
		for name, n := range map[string]int{"show": len(shown), "console": rows.Length()} {
			if n < len(life) || n > len(later) { // looking is recorded too
				t.Errorf("%s has %d entries, and the export %d, later %d", name, n, len(life), len(later))
			}
		}
		for i, e := range life {
			if !strings.Contains(shown[i], string(e.Action)) || !strings.Contains(rows.Eq(rows.Length()-1-i).Text(), string(e.Action)) {
				t.Errorf("entry %d is %s: show has %q, the console %q", i, e.Action, shown[i], rows.Eq(rows.Length()-1-i).Text())
			}
		}

		// From our request to the bank's.
		started := life[slices.IndexFunc(life, func(e entry) bool { return e.Action == audit.SyncStarted })]
		if started.Request == "" {
			t.Fatalf("the synchronisation began with no request: %+v", started)
		}
		bankLog, err := os.ReadFile(a.bankLog)
		if err != nil {
			t.Fatal(err)
		}
		reached := 0
		for _, e := range a.export(t, "--request", started.Request) {
			sent := e.Details["bank_request"]
			if e.Action != audit.BankAccess || sent == "" {
				continue
			}
			reached++
			if !strings.Contains(string(bankLog), sent) || e.Details["attended"] != "yes" {
				t.Errorf("the bank does not know %+v", e)
			}
		}
		accounts := slices.ContainsFunc(life, func(e entry) bool {
			return e.Details["resource"] == "transactions" && e.Account != 0 && e.Consent == consent && e.Details["bank_answer"] != ""
		})
		if reached < 2 || !accounts {
			t.Errorf("%d requests of ours reached the bank; one of an account: %t", reached, accounts)
		}

		// Nothing personal, a whole export that verifies, and erasure.
		whole := a.command(t, "audit export")
		nothingOf(t, "in the export", []byte(whole))
		nothingOf(t, "in the console", []byte(console.Text()))
		for _, secret := range []string{"leontine.taciturne@example.test", password, a.who.Login, "127.0.0.1"} {
			for text := range strings.Lines(whole) {
				if strings.Contains(text, secret) && strings.Contains(text, `"subject"`) {
					t.Errorf("the entry of a user tells %q: %s", secret, text)
				}
			}
		}
		err = jo.User.Delete(ctx, "/users/me")
		if err != nil {
			t.Fatal(err)
		}
		after := a.export(t, flag...)
		if len(after) < len(life) || after[0].Subject != life[0].Subject {
			t.Errorf("after the user's deletion, %d of %d entries are left", len(after), len(life))
		}
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		text := a.command(t, "audit export")
		err = os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		inDatabase := a.command(t, "audit verify")
		a.command(t, "audit verify", "--file", path)
		_, head, _ := strings.Cut(strings.TrimSpace(inDatabase), "head ")
		a.command(t, "audit verify", "--head", head)

		// A changed entry.
		a.stop(t)
		lines := strings.SplitAfter(text, "\n")
		err = os.WriteFile(path, []byte(strings.Join(lines[1:], "")), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, "the audit log was changed", with("audit verify --file "+path, a.flags)...)
		database := "sqlite:" + filepath.Join(a.flags[1], "oxlin.db")
		if len(flags) > 0 {
			database = flags[1]
		}
		statement(t, database, "UPDATE audit_entries SET outcome = 'refused' WHERE action = 'consent.given'")
		wantRefusal(t, "the audit log was changed", with("audit verify", a.flags)...)
	})
}

// elsewhere are the actions that no request leads to, or not within minutes, or not at the address of
// this platform, and the tests that prove them.
var elsewhere = map[audit.Action]string{
	audit.Dropped:               "TestRetentionDropsWholeBatchesAndKeepsTheirHashes",
	audit.Overflowed:            "TestEntriesWaitWhileTheDatabaseIsAway",
	audit.AbsenceAccepted:       "TestAnAcceptedAbsenceIsRecorded",
	audit.BankReturnedElsewhere: "TestAReturnInAnotherBrowserIsAudited",
	audit.UserChanged:           "TestAChangedUserIsRecorded",
	audit.PasskeyAdded:          "TestPasskeysOfUsers",
	audit.PasskeyRemoved:        "TestPasskeysOfUsers",
	audit.PasswordSwitched:      "TestPasskeysAlone",
	audit.RowsRederived:         "TestACommandReadsRowsAnewWithoutAQueue",
	audit.Copied:                "TestStories",
}

// TestEveryActionIsRecorded plays journeys over HTTP, and compares the actions that they
// leave with the list.
func TestEveryActionIsRecorded(t *testing.T) {
	audits(t, func(t *testing.T, flags ...string) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		a := startAudited(t, flags...)
		o := a.operator(t)
		made := o.submit(o.open(http.MethodGet, "/console/clients", nil), "/console/clients", url.Values{
			"name": {"Console"}, "redirect_uris": {"https://integrator.example/return"},
		})
		o.submit(made, made.Find(`form[action$="/delete"]`).AttrOr("action", ""), url.Values{"name": {"Console"}})
		client := o.open(http.MethodGet, "/console/clients/sandbox-licensed", nil)
		o.submit(client, "/console/clients/sandbox-licensed/rotate", nil)
		o.submit(client, "/console/clients/sandbox-licensed", url.Values{"name": {"Renamed"}, "any_redirect_uri": {"yes"}})
		a.command(t, "operator add jo")
		o.open(http.MethodPost, "/console/logout", nil)
		for range 7 {
			o.open(http.MethodPost, "/console/login", url.Values{"password": {"wrong"}})
		}
		software := scenario.Integrator{Platform: a.url, ClientID: "sandbox", ClientSecret: "sandbox-secret"}
		a.signIns(t, ctx, software)
		a.consents(t, ctx, software)

		a.command(t, "audit export")
		recorded := map[audit.Action]bool{}
		lacks := func(action audit.Action) bool { return !recorded[action] && elsewhere[action] == "" }
		// Refusals are stored within a second, or later on a busy machine.
		for end := time.Now().Add(30 * time.Second); slices.ContainsFunc(audit.Actions, lacks) && time.Now().Before(end); {
			for _, action := range actions(a.export(t)) {
				recorded[action] = true
			}
		}
		for _, action := range audit.Actions {
			if recorded[action] == (elsewhere[action] != "") {
				t.Errorf("%s is recorded: %t", action, recorded[action])
			}
		}
		a.stop(t)
		a.command(t, "audit verify")
	})
}

// form posts a form to an endpoint of the authorization server, and returns the answer.
func (a *audited) form(t *testing.T, path string, pairs ...string) map[string]any {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	response, err := http.PostForm(a.url+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := map[string]any{}
	_ = json.NewDecoder(response.Body).Decode(&answer) // some answers are empty
	return answer
}

// signIns plays what a user and a client do about tokens and passwords.
func (a *audited) signIns(t *testing.T, ctx context.Context, software scenario.Integrator) {
	t.Helper()
	const email, right = "signs-in@example.test", "a password of many words"
	client, err := software.ClientToken(ctx)
	if err == nil {
		_, err = client.CreateUser(ctx, email, right)
	}
	if err != nil {
		t.Fatal(err)
	}
	by := func(pairs ...string) []string {
		return append([]string{"client_id", software.ClientID, "client_secret", software.ClientSecret}, pairs...)
	}
	a.form(t, "/token", "client_id", software.ClientID, "client_secret", "wrong", "grant_type", "client_credentials", "scope", "users_create")
	a.form(t, "/token", by("grant_type", "password", "username", email, "password", "wrong", "scope", "openid")...)
	for range 12 {
		a.form(t, "/token", by("grant_type", "password", "username", "unknown@example.test", "password", "wrong", "scope", "openid")...)
	}
	signIn := func() (refresh string) {
		answer := a.form(t, "/token", by("grant_type", "password", "username", email, "password", right, "scope", "openid")...)
		refresh, _ = answer["refresh_token"].(string)
		if refresh == "" {
			t.Fatalf("no tokens: %v", answer)
		}
		return refresh
	}
	first := signIn()
	second, _ := a.form(t, "/token", by("grant_type", "refresh_token", "refresh_token", first)...)["refresh_token"].(string)
	a.form(t, "/token", by("grant_type", "refresh_token", "refresh_token", second)...)
	a.form(t, "/token", by("grant_type", "refresh_token", "refresh_token", first)...)
	a.form(t, "/revoke", by("token", signIn())...)

	// A code of the sign-in page, exchanged twice.
	const back = "https://integrator.example/return"
	page := a.url + "/signin?" + url.Values{
		"client_id": {software.ClientID}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid"},
	}.Encode()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := goquery.NewDocumentFromReader(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	response, err = browser.PostForm(page, url.Values{
		"form": {shown.Find("input[name=form]").AttrOr("value", "")}, "username": {email}, "password": {right},
	})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	target, err := response.Location()
	if err != nil {
		t.Fatalf("the sign-in page leads nowhere: HTTP %d", response.StatusCode)
	}
	for range 2 {
		a.form(t, "/token", by("grant_type", "authorization_code", "code", target.Query().Get("code"), "redirect_uri", back)...)
	}
	signIn()
	a.ownPage(t, browser, software.ClientID, email, right)
}

// ownPage plays a user who ends a sign-in on the page of their own.
func (a *audited) ownPage(t *testing.T, browser *http.Client, client, email, right string) {
	t.Helper()
	page := a.url + "/signin/account?client_id=" + client
	see := func() *goquery.Document {
		t.Helper()
		response, err := browser.Get(page)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		shown, err := goquery.NewDocumentFromReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return shown
	}
	press := func(action string, form url.Values) {
		t.Helper()
		response, err := browser.PostForm(a.url+action, form)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: HTTP %d", action, response.StatusCode)
		}
	}
	press("/signin/account?client_id="+client, url.Values{
		"form": {see().Find("input[name=form]").AttrOr("value", "")}, "username": {email}, "password": {right},
	})
	press("/signin/account/end", url.Values{"sign_in": {see().Find("button[name=sign_in]").Last().AttrOr("value", "")}})
}

// consents plays a user in the widget. The user refuses, consents, and deletes an account, the
// connection and the user itself.
func (a *audited) consents(t *testing.T, ctx context.Context, software scenario.Integrator) {
	t.Helper()
	const email = "consents@example.test"
	jo := &journey.EndUser{Customer: a.who}
	client, err := software.ClientToken(ctx)
	if err == nil {
		_, err = client.CreateUser(ctx, email, password)
	}
	if err == nil {
		jo.User, err = software.UserToken(ctx, email, password)
	}
	if err != nil {
		t.Fatal(err)
	}
	user := &refusing{EndUser: jo, t: t, ctx: ctx}
	terms := user.open(http.MethodGet, user.link("add_connection", "provider_id", "87", "channel_definition_id", "8701"), nil)
	user.press(terms, "accept_terms", "terms", "accepted")
	user.press(user.toTheConsent("8701"), "cancel")
	user.press(user.toTheConsent("8701"), "consent")
	var connections []scenario.Connection
	err = jo.User.Get(ctx, "/connections", &connections)
	if err != nil || len(connections) != 1 {
		t.Fatalf("%d connections, %v", len(connections), err)
	}
	_, err = jo.User.WaitForConnection(ctx, connections[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var accounts []struct{ ID string }
	err = jo.User.Get(ctx, "/accounts", &accounts)
	if err != nil || len(accounts) == 0 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	remove := func(resource string) {
		t.Helper()
		err := jo.User.Delete(ctx, resource)
		if err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
	}
	remove("/accounts/" + accounts[0].ID)
	if len(accounts) > 1 { // the last account takes the connection with it
		remove("/connections/" + connections[0].ID)
	}
	var me struct{ ID string }
	err = jo.User.Get(ctx, "/users/me", &me)
	if err != nil {
		t.Fatal(err)
	}
	a.command(t, "import testdata/statement.ofx --sandbox --user "+me.ID)
	change, err := http.NewRequestWithContext(ctx, http.MethodPut, a.url+"/v2.1/users/me/password",
		strings.NewReader(`{"password":"another password of many words","current_password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	change.Header.Set("Authorization", "Bearer "+jo.User.Tokens.AccessToken)
	change.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(change)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	remove("/users/me/sessions")
	jo.User, err = software.UserToken(ctx, email, "another password of many words")
	if err != nil {
		t.Fatal(err)
	}
	remove("/users/me")
}
