package widget_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget"
	"github.com/oxlin/oxlin/testbank/robot"
)

func TestAWrongPasswordThenTheRightOne(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "expected_account_types", "OTHER")
		b.goOn("300", "", "301", "").wantStatus(http.StatusUnprocessableEntity).want("login")
		if n := b.page.Find("[id$=-problem]").Length(); n != 2 {
			t.Errorf("%d fields have a problem beside them: %s", n, b.text())
		}
		if len(p.connections()) != 0 {
			t.Error("an empty form has made a connection")
		}
		b.goOn("300", "dev", "301", "wrong horse", "302", "ftp://elsewhere.example.test/file").wait().want("login")
		if b.alert() == "" || strings.Contains(b.body, "wrong horse") {
			t.Errorf("%s", b.body)
		}
		b.reload().want("login")
		// Any of them may be wrong and all are hidden, so none is kept, not even optional ones.
		b.goOn("301", "dev").wantStatus(http.StatusUnprocessableEntity).want("login")
		if b.page.Find("[id='300-problem']").Length() != 1 || b.page.Find("[id='300-help'], label[for='300'] small").Length() != 0 {
			t.Errorf("the identifier need not be typed again: %s", b.text())
		}
		b.goOn("300", "dev", "301", "dev").wait().want("challenge")
		b.goOn().wait().want("challenge").goOn("306", "654321").wait().want("challenge")
		if said := b.page.Find("[id='306-problem']").Text(); said == "" || !strings.Contains(b.alert(), said) {
			t.Errorf("the page does not say at its field that the code was wrong: %s", b.text())
		}
		if b.page.Find("input[name='306'][aria-invalid=true][aria-describedby='306-problem']").Length() != 1 || b.page.Find("[role=alert][tabindex='-1'][autofocus]").Length() != 1 {
			t.Errorf("nothing leads to what is wrong: %s", b.body)
		}
		b.goOn("306", "").wantStatus(http.StatusUnprocessableEntity).want("challenge").goOn("306", "123456").wait().want("consent").act("consent").wait().wantEnd("success created")
		if len(p.connections()) != 1 {
			t.Errorf("%d connections", len(p.connections()))
		}
	})
}

// After a refused login, all credentials must be entered again, even if an earlier login
// succeeded: the stored values are the refused ones.
func TestAWrongPasswordInARenewal(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").signIn("dev", "dev").sms("123456").act("consent").wait().wantEnd("success created")
	keeps := "[id='300-help'], label[for='300'] small"
	b := p.visit("edit_credentials", "channel_definition_id", "8700").want("login")
	if b.page.Find(keeps).Length() != 2 {
		t.Errorf("the identifier has to be typed again: %s", b.text())
	}
	b.signIn("dve", "dev").want("login")
	if b.alert() == "" || b.page.Find(keeps).Length() != 0 {
		t.Errorf("the page would keep what was mistyped: %s", b.text())
	}
	b.goOn("301", "dev").wantStatus(http.StatusUnprocessableEntity).want("login")
	b.signIn("dev", "dev").want("consent") // the bank knows us by now

	// A refused consent does not mean wrong credentials.
	b.act("cancel").wantEnd("cancelled cancelled")
	b = p.visit("edit_credentials", "channel_definition_id", "8700").want("login")
	if b.alert() != "" || b.page.Find(keeps).Length() != 0 {
		t.Errorf("the page speaks of a login that the bank has refused: %s", b.text())
	}
}

// TestFailures checks the page of each failure and both of its buttons.
func TestFailures(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	wrongCodes := func(b *browser) { b.sms("111111").goOn("306", "222222").wait().goOn("306", "333333").wait() }
	for _, row := range []struct {
		fact, login, channel string
		// then runs between the login and the failure.
		then   func(b *browser)
		result string
		// retry is the page after another attempt.
		retry string
	}{
		{"too many attempts", "dev+locked", "8700", nil, "too_many_attempts", "login"},
		{"a password to change", "dev+password_change", "8700", nil, "password_change_required", "login"},
		{"new terms at the bank", "dev+action_required+sms", "8700", func(b *browser) { b.sms("123456") }, "user_action_required", "login"},
		{"three wrong codes", "dev+sms_wrong", "8700", wrongCodes, "challenge_failed", "loading"},
		{"a bank that talks nonsense", "dev+garbage-html", "8701", nil, "failed", "loading"},
		{"a consent that is over at once", "dev+consent_expired", "8701", nil, "token_expired", "notice"},
	} {
		failed := func(t *testing.T) *browser {
			t.Helper()
			b := w.person(t, sandbox).visit("add_connection", "provider_id", "87", "channel_definition_id", row.channel)
			if row.channel == "8700" {
				b.signIn(row.login, "dev")
			} else {
				b.act("authorize").atBank(row.login).wait()
			}
			if row.then != nil {
				row.then(b)
			}
			return b.want("failed")
		}
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			b := failed(t)
			if strings.TrimSpace(b.page.Find("h1 ~ p.lead").Text()) == "" {
				t.Errorf("the page gives no advice: %s", b.text())
			}
			got := b.act("leave").wantEnd("error " + row.result)
			if got.Get("connection_id") != b.connection().ID.String() {
				t.Errorf("%v", got)
			}
		})
		t.Run(row.fact+", tried again", func(t *testing.T) {
			t.Parallel()
			b := failed(t)
			b.act("retry").want(row.retry).reload().want(row.retry)
			if row.retry != "loading" {
				b.act("cancel").wantEnd("cancelled cancelled")
				if len(b.connections()) != 0 {
					t.Errorf("what was typed is kept: %+v", b.connections())
				}
				return
			}
			b.wait()
			if row.then != nil {
				row.then(b)
			}
			b.want("failed").act("leave").wantEnd("error " + row.result)
		})
	}
}

// An unavailable bank is retried for a while; then the user decides.
func TestABankThatIsDown(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev+down").want("loading")
	for range 10 {
		w.Clock.Advance(time.Minute)
		p.work()
	}
	b.reload().want("failed").act("leave").wantEnd("error failed")
}

func TestTheBankRefuses(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87")
		b.act("authorize").atBank("dev+refuse").want("notice")
		if b.alert() == "" {
			t.Errorf("the page does not say what happened: %s", b.text())
		}
		b.act("authorize") // a used state is rejected
		back := b.backFrom("dev")
		b.open(strings.Replace(back, "code=", "code=x", 1))
		b.want("notice")
		if b.alert() == "" {
			t.Errorf("the page does not say what happened: %s", b.text())
		}
		b.open(back)
		b.wantStatus(http.StatusBadRequest).want("over")
		p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
		if len(p.connections()) != 1 {
			t.Errorf("%+v", p.connections())
		}
	})
}

func TestACallbackThatNobodyKnows(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87", "redirect_url", "https://app.example.test/")
	notice := b.address
	b.act("authorize")
	back := b.backFrom("dev")
	// A bank may have answered in the fragment, which the page's script sends after it.
	b.open(w.URL + "/oauth2/aisp")
	b.wantStatus(http.StatusOK)
	for _, address := range []string{"/oauth2/aisp?fragment=", "/oauth2/aisp?state=", "/oauth2/aisp?state=nobody&code=x", "/v2.1/oauth2/aisp?error=access_denied"} {
		b.open(w.URL + address)
		b.wantStatus(http.StatusBadRequest).want("over")
	}
	// A callback after a cancellation is rejected and creates nothing.
	tab := p.browser()
	tab.open(notice)
	tab.act("cancel").wantEnd("cancelled cancelled")
	b.open(back)
	b.wantStatus(http.StatusBadRequest).want("over")
	if len(p.connections()) != 0 {
		t.Errorf("%+v", p.connections())
	}
}

// An authorization that a client began (mode A) ends with a redirect and without a page.
func TestModeAShowsNoPage(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	body := `{"widget_params":{"client_id":"sandbox","client_secret":"sandbox-secret","access_token":"` + p.access + `",
		"provider_id":"87","redirect_uri":"https://app.example.test/?own=1","captive_mode":"true"}}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v2.1/providers/87/channel_definitions/8701/authorize_url", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.access)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	back, err := robot.LogIn(t.Context(), response.Header.Get("Location"), robot.Dev())
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser()
	b.open(back.String())
	address, values := b.over()
	if address != "https://app.example.test/" || values.Get("own") != "1" || b.status != http.StatusSeeOther {
		t.Errorf("%d %s", b.status, b.away)
	}
	b.wantEnd("success created")
	if p.connection().Status() != oxlin.ConnectionRunning {
		t.Errorf("%s", p.connection().Status())
	}
}

// The client deletes the connection while the user is in the widget.
func TestTheConnectionIsDeletedMeanwhile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		for _, at := range []string{"loading", "challenge", "consent"} {
			b := p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").want("loading")
			if at != "loading" {
				b.wait().want("challenge")
			}
			if at == "consent" {
				b.sms("123456").want("consent")
			}
			err := w.Service.Connections.Delete(t.Context(), p.caller(), p.connection().ID)
			if err != nil {
				t.Fatal(err)
			}
			if at != "loading" {
				b.goOn()
			} else {
				b.reload()
			}
			b.wantEnd("error connection_deleted")
			p.work()
		}
		// In a renewal, the result names the connection.
		b := p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").wait().sms("123456").act("consent").wait()
		id := b.wantEnd("success created").Get("connection_id")
		b = p.visit("edit_credentials").want("login")
		err := w.Service.Connections.Delete(t.Context(), p.caller(), p.connection().ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.goOn().wantEnd("error connection_deleted").Get("connection_id"); got != id {
			t.Errorf("%s, want %s", got, id)
		}
	})
}

// A form of another site is rejected.
func TestFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection").want("banks")
	address, values := b.form("button[value=cancel]")
	for _, foreign := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		{"Sec-Fetch-Site": {""}, "Origin": {"https://evil.example"}},
	} {
		b.header = foreign
		b.send(http.MethodPost, address, values)
		b.wantStatus(http.StatusForbidden).want("over")
		if b.answer.Get("Content-Security-Policy") == "" {
			t.Error("the refusal has no policy")
		}
	}
	b.header = http.Header{"Sec-Fetch-Site": {"cross-site"}, "Accept-Language": {"en"}}
	b.open(address) // clients link to this address
	b.want("banks")
	// A browser that hides the origin of a form sends "null" for the widget's own.
	for _, own := range []http.Header{
		{"Sec-Fetch-Site": {""}}, {"Sec-Fetch-Site": {""}, "Origin": {w.URL}}, {"Sec-Fetch-Site": {"same-origin"}, "Origin": {w.URL}},
	} {
		b := b.person.visit("add_connection").want("banks")
		b.header = own
		b.act("cancel").wantEnd("cancelled cancelled")
	}
}

// The address of the browser is that of the connection or of the trusted proxy's header.
func TestWhereTheBrowserIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		trusted   bool
		forwarded []string
		want      string
	}{
		{false, []string{"198.51.100.7"}, "127.0.0.1"},
		{true, nil, "127.0.0.1"},
		{true, []string{"198.51.100.7"}, "198.51.100.7"},
		{true, []string{"203.0.113.66, 198.51.100.7"}, "198.51.100.7"},
		{true, []string{"203.0.113.66", "198.51.100.7:4711"}, "198.51.100.7"},
		{true, []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{true, []string{"2001:db8::7"}, "2001:db8::7"},
		{true, []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{true, []string{"unknown"}, ""},
	} {
		w := adjustedWorld(t, func(o *widget.Options) { o.TrustProxy = row.trusted })
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87")
		b.act("authorize")
		b.header["X-Forwarded-For"] = row.forwarded
		b.header.Set("User-Agent", "Téléphone/1")
		b.atBank("dev").want("loading")
		sync, err := w.DB.Read().LiveSynchronisation(t.Context(), p.channel("8701").ID)
		if err != nil {
			t.Fatal(err)
		}
		if row.want == "" {
			if sync.PSU != nil {
				t.Errorf("%v: %+v is stated to the bank", row.forwarded, sync.PSU)
			}
			continue
		}
		if sync.PSU == nil || sync.PSU.IP != row.want || sync.PSU.UserAgent != "Téléphone/1" {
			t.Errorf("%v: %+v, want %s", row.forwarded, sync.PSU, row.want)
		}
	}
}

// For every internal failure, the user gets a page and the log gets the cause.
func TestAFaultOfOurs(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	session := p.session("add_connection", nil)
	err := w.DB.Close()
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, session, nil)
	request.Header.Set("X-Request-ID", "proxy-17")
	recorder := httptest.NewRecorder()
	mux := http.NewServeMux()
	w.widget.Register(mux)
	mux.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusInternalServerError || recorder.Header().Get("X-Request-ID") != "proxy-17" || !strings.Contains(recorder.Body.String(), "proxy-17") {
		t.Errorf("%d %v %s", recorder.Code, recorder.Header(), recorder.Body)
	}
	if log := w.Log.String(); !strings.Contains(log, "level=ERROR msg=widget request=proxy-17") || !strings.Contains(log, "closed") {
		t.Errorf("the log does not tell: %s", log)
	}
	if strings.Contains(recorder.Body.String(), "closed") {
		t.Error("the page tells the cause")
	}
}

// Invalid text is rejected next to its field, on both databases.
func TestWhatIsNoText(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "182").want("login")
		for _, value := range []string{"demo\x00", "\x00\x00", "demo\xff\xfe", "\xed\xa0\x80abcd"} {
			b.goOn("10001", value).wantStatus(http.StatusUnprocessableEntity).want("login")
		}
		b.goOn("10001", "démo😀").wait().want("login")
		b.goOn("10001", "demo").wait().want("challenge").goOn().wait()
		b.goOn("306", "\x00").wantStatus(http.StatusUnprocessableEntity).want("challenge")
		for _, parameters := range [][]string{{"redirect_url", "https://app.example.test/?\x00\xff"}, {"lng", "\x00"}, {"countries", "\x00"}, {"provider_id", "\x00"}} {
			if b := p.visit("add_connection", parameters...); b.status >= http.StatusInternalServerError {
				t.Errorf("%q: HTTP %d", parameters, b.status)
			}
		}
	})
}
