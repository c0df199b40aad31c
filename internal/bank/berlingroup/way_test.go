package berlingroup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/berlingroup"
)

const oauth = `,"oauth":{"authorize_url":"https://login.example/authorize","token_url":"https://bank.example/token","client_id":"us","client_authentication":"none","scopes":"AIS:{consent_id}","pkce":true}`

// harbour is a bank whose consents are approved by OAuth2.
type harbour struct {
	mu   sync.Mutex
	seen []*http.Request
}

func (h *harbour) requests() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

func (h *harbour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.seen = append(h.seen, r)
	h.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	say := func(status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	form, _ := url.ParseQuery(string(body))
	path := strings.TrimPrefix(r.URL.Path, "/xs2a/v1")
	data := strings.HasPrefix(path, "/accounts")
	of, _, _ := strings.Cut(strings.TrimPrefix(path, "/accounts/"), "/")
	switch {
	case path == "/token" && form.Get("code") == "the-code", path == "/token" && form.Get("refresh_token") == "R":
		say(200, `{"access_token":"T","refresh_token":"R","expires_in":600}`)
	case path == "/token":
		say(400, `{"error":"invalid_grant"}`)
	case r.Header.Get("X-Request-ID") == "", data && (r.Header.Get("Consent-ID") != "C1" || r.Header.Get("Authorization") != "Bearer T"):
		say(401, `{"tppMessages":[{"category":"ERROR","code":"CONSENT_INVALID"}]}`)
	case path == "/consents":
		say(201, `{"consentStatus":"received","consentId":"C1","_links":{"scaOAuth":{"href":"https://login.example/.well-known"},"status":{"href":"/v1/consents/C1/status"}}}`)
	case path == "/consents/C1/status":
		say(200, `{"consentStatus":"valid"}`)
	case path == "/accounts":
		say(200, `{"accounts":[{"resourceId":"a1","iban":"DE02120300000000202051","currency":"EUR","name":"Giro"},{"resourceId":"a2","iban":"DE75512108001245126199","currency":"EUR"}]}`)
	case strings.HasSuffix(path, "/balances"):
		say(200, `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"12.5","currency":"EUR"}}]}`)
	case r.URL.Query().Get("page") == "2":
		say(200, `{"transactions":{"booked":[`+one(of+"2", "-7", "03")+`],"pending":[]}}`)
	case strings.HasSuffix(path, "/transactions"):
		say(200, `{"transactions":{"booked":[`+one(of+"1", "5", "02")+`],"pending":[`+one(of+"3", "-1", "04")+`],"_links":{"next":{"href":"?bookingStatus=both&dateFrom=2026-11-01&page=2"}}}}`)
	default:
		say(404, `{"tppMessages":[{"category":"ERROR","code":"RESOURCE_UNKNOWN"}]}`)
	}
}

func TestTheConnectorKeepsThePromisesOfEveryConnector(t *testing.T) {
	h := &harbour{}
	standard := banktest.NewStandard(t, "1.3")
	behind := standard.Check("/xs2a", h)
	made := connector(t, oauth+`,"consent":{"redirect_state":"none"},"psu_headers":["PSU-IP-Port","PSU-Accept","PSU-Http-Method","PSU-Device-ID","PSU-Geo-Location"]`, behind)
	banktest.Exercise(t, banktest.Subject{
		New: func() bank.Connector { return made },
		Call: bank.Call{
			Access: bank.Access{Token: oxlin.NewSecret("T"), State: oxlin.NewSecret(`{"consent_id":"C1"}`)}, PSU: banktest.KnownUser(),
		},
		Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret("no-such-token"), State: oxlin.NewSecret(`{"consent_id":"C2"}`)}},
		From: oxlin.NewDate(2026, 11, 1),
		Seen: h.requests,
		Enter: func(t *testing.T, step bank.Step) bank.Input {
			if _, ok := step.(bank.Address); !ok {
				t.Fatalf("the step is %+v", step)
			}
			return bank.Input{Event: bank.Returned, Return: bank.Return{Query: url.Values{"code": {"the-code"}}}}
		},
	})
}

// trip takes a way step by step with a script in the place of the bank.
type trip struct {
	t       *testing.T
	c       *berlingroup.Connector
	journey bank.Journey
	state   oxlin.Secret
	kept    []string
}

func newTrip(t *testing.T, config string, exchanges ...banktest.Exchange) (*trip, *banktest.Script) {
	script := banktest.NewScript(t, exchanges...)
	return &trip{t: t, c: connector(t, config, script), journey: bank.Journey{
		RedirectURI: "https://oxlin.test/back", RedirectState: "s 1", Verifier: oxlin.NewSecret("verifier"),
	}}, script
}

// step takes a step, and tells in a word or two where it leads.
func (w *trip) step(event bank.Event, values string) string {
	w.t.Helper()
	query, err := url.ParseQuery(values)
	if err != nil {
		w.t.Fatal(err)
	}
	input := bank.Input{Event: event, Journey: w.journey, State: w.state, PSU: &oxlin.PSU{IP: "192.0.2.7"}, Answers: map[oxlin.CredentialID]oxlin.Secret{}}
	input.Return.Query = query
	for id := range query {
		input.Answers[oxlin.CredentialID(id)] = oxlin.NewSecret(query.Get(id))
	}
	input.Store = func(_ context.Context, state oxlin.Secret) error {
		w.kept = append(w.kept, state.Reveal())
		return nil
	}
	step, err := w.c.Continue(w.t.Context(), input)
	if err != nil {
		return "failure: " + string(bank.AsFailure(err).Kind)
	}
	w.state = banktest.StateOf(step)
	switch step := step.(type) {
	case bank.Address:
		return "to " + step.URL
	case bank.Question:
		var ids []string
		for _, challenge := range step.Challenges {
			ids = append(ids, string(challenge.ID))
		}
		return "asks " + strings.Join(ids, " ")
	case bank.Wait:
		text := "waits"
		for _, shown := range step.Show {
			text += " " + shown.Params["text"]
		}
		return text
	case bank.Access:
		return strings.TrimSpace("access " + step.Token.Reveal() + " " + step.State.Reveal())
	}
	return fmt.Sprintf("%T", step)
}

func TestWaysIn(t *testing.T) {
	const consents = "POST /xs2a/v1/consents"
	made := func(rest string) banktest.Exchange {
		return banktest.Exchange{Ask: consents, Status: 201, Body: `{"consentStatus":"received","consentId":"C1"` + rest + `}`}
	}
	status := func(status string) banktest.Exchange {
		return banktest.Exchange{Ask: "GET /xs2a/v1/consents/C1/status", Body: `{"consentStatus":"` + status + `"}`}
	}
	type step struct {
		event  bank.Event
		values string
		want   string
	}
	const access = `access  {"consent_id":"C1"}`
	psu := `,"consent":{"prefer":["embedded","decoupled","redirect"],"ask":[{"id":"psu_id","label":"Number"},{"id":"password","label":"PIN","type":"PWD"}]}`
	for _, test := range []struct {
		name, config string
		exchanges    []banktest.Exchange
		steps        []step
	}{
		{
			"redirect, approved after a while", "", []banktest.Exchange{made(`,"_links":{"scaRedirect":{"href":"https://login.example/sca?x=1"}}`), status("received"), status("valid")},
			[]step{{bank.Begun, "", "to https://login.example/sca?x=1"}, {bank.Returned, "state=s", "waits"}, {bank.Ticked, "", access}},
		},
		{
			"a relative address, with parameters", `,"consent":{"parameters":"back={redirect_uri}&id={consent_id}","check":"none"}`,
			[]banktest.Exchange{made(`,"_links":{"scaRedirect":"/login"}`)},
			[]step{{bank.Begun, "", "to https://bank.example/login?back=https%3A%2F%2Foxlin.test%2Fback%3Fstate%3Ds%2B1&id=C1"}, {bank.Returned, "", access}},
		},
		{
			"the user refuses", "", []banktest.Exchange{made(`,"_links":{"scaRedirect":"https://login.example/"}`)},
			[]step{{bank.Begun, "", "to https://login.example/"}, {bank.Returned, "error=true", "failure: challenge cancelled"}},
		},
		{
			"the bank refuses", "", []banktest.Exchange{made(`,"_links":{"scaRedirect":"https://login.example/"}`), status("rejected")},
			[]step{{bank.Begun, "", "to https://login.example/"}, {bank.Returned, "", "failure: challenge cancelled"}},
		},
		{"a script in the place of an address", "", []banktest.Exchange{made(`,"_links":{"scaRedirect":"javascript:alert(1)"}`)}, []step{{bank.Begun, "", "failure: nonsense"}}},
		{"no link", "", []banktest.Exchange{made("")}, []step{{bank.Begun, "", "failure: nonsense"}}},
		{"no id", "", []banktest.Exchange{{Ask: consents, Body: `{}`}}, []step{{bank.Begun, "", "failure: nonsense"}}},
		{
			"OAuth2 before the consent, and an approval in an app", `,"consent":{"before":"user"}` + strings.Replace(oauth, "AIS:{consent_id}", "AIS", 1),
			[]banktest.Exchange{
				{Ask: "POST /token", Body: `{"access_token":"T"}`}, made(`,"psuMessage":"Open the app","_links":{"status":{"href":"x"}}`), status("received"), status("valid"),
			},
			[]step{
				{bank.Begun, "", "to https://login.example/authorize?client_id=us&code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ&code_challenge_method=S256&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&scope=AIS&state=s+1"},
				{bank.Returned, "code=c", "waits Open the app"}, {bank.Ticked, "", "waits"}, {bank.Ticked, "", `access T {"consent_id":"C1"}`},
			},
		},
		{
			"an address of OAuth2 that leads to another", `,"consent":{"location":true,"check":"none"}` + strings.Replace(oauth, "https://login.example/authorize", "https://bank.example/start", 1),
			[]banktest.Exchange{made(""), {Status: 302, Header: http.Header{"Location": {"https://login.example/page?n=1"}}}},
			[]step{{bank.Begun, "", "to https://login.example/page?n=1"}},
		},
		{
			"decoupled", "", []banktest.Exchange{
				{Ask: consents, Status: 201, Header: http.Header{"Aspsp-Sca-Approach": {"DECOUPLED"}}, Body: `{"consentStatus":"received","consentId":"C1","psuMessage":"Approve","_links":{"scaStatus":"/v1/consents/C1/authorisations/A1"}}`},
				status("received"), status("valid"),
			},
			[]step{{bank.Begun, "", "waits Approve"}, {bank.Ticked, "", "waits"}, {bank.Ticked, "", access}},
		},
		{
			"password, one method, a code, a wrong one", psu, []banktest.Exchange{
				made(`,"_links":{"startAuthorisationWithPsuAuthentication":"x"}`),
				{Ask: "POST /xs2a/v1/consents/C1/authorisations", Status: 201, Body: `{"authorisationId":"A1","scaStatus":"psuAuthenticated","scaMethods":[{"authenticationMethodId":"m1","authenticationType":"SMS_OTP"}],"_links":{"selectAuthenticationMethod":"x"}}`},
				{Ask: "PUT /xs2a/v1/consents/C1/authorisations/A1", Body: `{"scaStatus":"scaMethodSelected","challengeData":{"otpFormat":"integer"},"_links":{"authoriseTransaction":"x"}}`},
				{Ask: "PUT /xs2a/v1/consents/C1/authorisations/A1", Status: 401, Body: `{"tppMessages":[{"category":"ERROR","code":"PSU_CREDENTIALS_INVALID"}]}`},
			},
			[]step{{bank.Begun, "", "asks psu_id password"}, {bank.Answered, "psu_id=7&password=p", "asks code"}, {bank.Answered, "code=1", "failure: challenge rejected"}},
		},
		{
			"a wrong password is typed once", psu, []banktest.Exchange{
				made(`,"_links":{"startAuthorisationWithPsuAuthentication":"x"}`),
				{Ask: "POST /xs2a/v1/consents/C1/authorisations", Status: 401, Body: `{"tppMessages":[{"category":"ERROR","code":"PSU_CREDENTIALS_INVALID"}]}`},
			},
			[]step{{bank.Begun, "", "asks psu_id password"}, {bank.Answered, "psu_id=7&password=p", "failure: credentials rejected"}},
		},
		{
			"an authorisation that began by itself, and a push", psu, []banktest.Exchange{
				made(`,"authorisationId":"A1","_links":{"updatePsuAuthentication":"x"}`),
				{Ask: "PUT /xs2a/v1/consents/C1/authorisations/A1", Header: http.Header{"Aspsp-Sca-Approach": {"DECOUPLED"}}, Body: `{"scaStatus":"started","psuMessage":"Look","_links":{"scaStatus":"x"}}`},
				{Ask: "GET /xs2a/v1/consents/C1/authorisations/A1", Body: `{"scaStatus":"started"}`},
				{Ask: "GET /xs2a/v1/consents/C1/authorisations/A1", Body: `{"scaStatus":"finalised"}`},
			},
			[]step{{bank.Begun, "", "asks psu_id password"}, {bank.Answered, "psu_id=7&password=p", "waits Look"}, {bank.Ticked, "", "waits"}, {bank.Ticked, "", access}},
		},
		{
			"start, then password, and no second factor", psu, []banktest.Exchange{
				made(`,"_links":{"startAuthorisation":"x"}`),
				{Ask: "POST /xs2a/v1/consents/C1/authorisations", Body: `{"authorisationId":"A1","scaStatus":"received","_links":{"updatePsuAuthentication":"x"}}`},
				{Ask: "PUT /xs2a/v1/consents/C1/authorisations/A1", Body: `{"scaStatus":"exempted"}`},
			},
			[]step{{bank.Begun, "", "asks psu_id password"}, {bank.Answered, "psu_id=7&password=p", access}},
		},
		{
			"discovered addresses", `,"consent":{"discover":true,"check":"none"},"oauth":{"client_id":"us","client_authentication":"none","scopes":"AIS"}`,
			[]banktest.Exchange{
				made(`,"_links":{"scaOAuth":"https://elsewhere.example/.well-known/x"}`),
				{Ask: "GET /.well-known/x", Body: `{"authorization_endpoint":"https://login.example/a","token_endpoint":"https://elsewhere.example/tokens"}`},
				{Ask: "POST /tokens", Body: `{"access_token":"T"}`},
			},
			[]step{
				{bank.Begun, "", "to https://login.example/a?client_id=us&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&scope=AIS&state=s+1"},
				{bank.Returned, "code=c", `access T {"consent_id":"C1","token_url":"https://bank.example/tokens"}`},
			},
		},
		{
			"an authorisation that leads to OAuth2, parameters of the bank's own, and a form in the address",
			`,"consent":{"check":"none","parameters":"response_type=CODE&scope=&id={consent_id}","forms":{"authorization_code":"?code={code}&consent={consent_id}&me={client_id}"}}` + strings.Replace(oauth, `,"pkce":true`, "", 1),
			[]banktest.Exchange{
				made(`,"_links":{"startAuthorisation":"x"}`),
				{Ask: "POST /xs2a/v1/consents/C1/authorisations", Body: `{"authorisationId":"A1","scaStatus":"received","_links":{"scaOAuth":"x"}}`},
				{Ask: "POST /token?code=c&consent=C1&me=us", Body: `{"access_token":"T"}`},
			},
			[]step{
				{bank.Begun, "", "to https://login.example/authorize?client_id=us&id=C1&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=CODE&state=s+1"},
				{bank.Returned, "code=c", `access T {"consent_id":"C1"}`},
			},
		},
		{
			"a branch that paths and headers need later",
			`,"consent":{"ask":[{"id":"branch","label":"Branch"}],"path":"//{branch}/consents","check":"none"},"accounts":{"path":"//{branch}/accounts"},"headers_on":{"accounts":{"X-Branch":"{branch}"}}`,
			[]banktest.Exchange{{Ask: "POST /47/consents", Body: `{"consentId":"C1","_links":{"scaRedirect":"https://login.example/"}}`}},
			[]step{{bank.Begun, "", "asks branch"}, {bank.Answered, "branch=47", "to https://login.example/"}, {bank.Returned, "", `access  {"consent_id":"C1","answers":{"branch":"47"}}`}},
		},
		{
			"IBANs of the consent", `,"consent":{"ask":[{"id":"iban","label":"IBAN"}],"access":{"accounts":[{"iban":"{iban}"}]},"check":"none"}`,
			[]banktest.Exchange{made(`,"_links":{"scaRedirect":"https://login.example/"}`)},
			[]step{{bank.Begun, "", "asks iban"}, {bank.Answered, "iban=DE02120300000000202051,DE75+5121+0800+1245+1261+99", "to https://login.example/"}},
		},
		{"an IBAN that is none", `,"consent":{"ask":[{"id":"iban","label":"IBAN"}],"access":{"accounts":[{"iban":"{iban}"}]}}`, nil, []step{{bank.Begun, "", "asks iban"}, {bank.Answered, "iban=7", "failure: credentials rejected"}}},
		{
			"a second consent for the accounts of the first", `,"consent":{"access":{"availableAccounts":"allAccounts"},"detailed":{"accounts":[{"iban":"{iban}"}],"balances":[{"iban":"{iban}"}]}}`,
			[]banktest.Exchange{
				made(`,"_links":{"scaRedirect":"https://login.example/1"}`), status("valid"),
				{Ask: "GET /xs2a/v1/accounts", Body: `{"accounts":[{"resourceId":"1","iban":"DE02120300000000202051","currency":"EUR"},{"resourceId":"2","maskedPan":"1234XXXXXXXX5678"},{"resourceId":"3","iban":"DE75512108001245126199","currency":"EUR"}]}`},
				{Ask: "DELETE /xs2a/v1/consents/C1", Status: 204},
				{Ask: consents, Status: 201, Body: `{"consentStatus":"received","consentId":"C2","_links":{"scaRedirect":"https://login.example/2"}}`},
				{Ask: "GET /xs2a/v1/consents/C2/status", Body: `{"consentStatus":"valid"}`},
			},
			[]step{{bank.Begun, "", "to https://login.example/1"}, {bank.Returned, "", "to https://login.example/2"}, {bank.Returned, "", `access  {"consent_id":"C2"}`}},
		},
		{
			"a first consent without an account", `,"consent":{"detailed":{"accounts":[{"iban":"{iban}"}]}}`,
			[]banktest.Exchange{made(`,"_links":{"scaRedirect":"https://login.example/1"}`), status("valid"), {Ask: "GET /xs2a/v1/accounts", Body: `{"accounts":[]}`}},
			[]step{{bank.Begun, "", "to https://login.example/1"}, {bank.Returned, "", "failure: nonsense"}},
		},
		{"a step that does not fit", "", nil, []step{{bank.Ticked, "", "failure: nonsense"}, {bank.Answered, "", "failure: nonsense"}, {bank.Returned, "", "failure: nonsense"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, script := newTrip(t, test.config, test.exchanges...)
			for i, step := range test.steps {
				if got := w.step(step.event, step.values); got != step.want {
					t.Errorf("step %d leads to\n%s, want\n%s", i, got, step.want)
				}
			}
			for _, kept := range append(w.kept, w.state.Reveal()) {
				if strings.Contains(kept, `"p"`) {
					t.Errorf("a state holds the password: %s", kept)
				}
			}
			if strings.HasPrefix(test.name, "a second consent") {
				for i, want := range map[int]string{0: `"access":{"availableAccounts":"allAccounts"}`, 4: `"access":{"accounts":[{"iban":"DE02120300000000202051"},{"iban":"DE75512108001245126199"}],"balances":[{"iban":"DE02120300000000202051"},{"iban":"DE75512108001245126199"}]}`} {
					if !strings.Contains(script.Bodies[i], want) {
						t.Errorf("consent %d is %s", i, script.Bodies[i])
					}
				}
			}
			if strings.Contains(test.name, "IBANs") {
				var body struct {
					Access json.RawMessage `json:"access"`
				}
				_ = json.Unmarshal([]byte(script.Bodies[0]), &body)
				if string(body.Access) != `{"accounts":[{"iban":"DE02120300000000202051"},{"iban":"DE75512108001245126199"}]}` {
					t.Errorf("the consent is for %s", body.Access)
				}
			}
		})
	}
}

func TestWhatABankWantsToKnowAboutAConsent(t *testing.T) {
	w, script := newTrip(t, `,"consent":{"body":{"combinedServiceIndicator":null,"extra":{"a":1}},"valid_until":"9999-12-31","frequency_per_day":2,"check":"none"},"headers_on":{"consent":{"TPP-Redirect-Preferred":"true"}}`,
		banktest.Exchange{Status: 201, Body: `{"consentId":"C1","_links":{"scaRedirect":"https://login.example/"}}`})
	w.step(bank.Begun, "")
	if got, want := script.Bodies[0], `{"access":{"allPsd2":"allAccounts"},"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":2,"extra":{"a":1}}`; got != want {
		t.Errorf("the body is\n%s, want\n%s", got, want)
	}
	for name, want := range map[string]string{
		"TPP-Redirect-URI": "https://oxlin.test/back?state=s+1", "TPP-Nok-Redirect-URI": "https://oxlin.test/back?error=true&state=s+1",
		"TPP-Redirect-Preferred": "true", "PSU-IP-Address": "192.0.2.7",
	} {
		if got := script.Requests[0].Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	step, err := w.c.Continue(t.Context(), bank.Input{Event: bank.Returned, State: w.state, Journey: w.journey})
	access, ok := step.(bank.Access)
	if err != nil || !ok || access.ConsentUntil.Format("2006-01-02") != "2027-02-19" { // 90 days, then the end of the day
		t.Errorf("access is %+v, %v", step, err)
	}
}

// A consent may allow less than the bank's data say: fewer accesses a day, and fewer days.
func TestABankMayAllowLess(t *testing.T) {
	for answer, want := range map[string]struct {
		perDay int
		until  string
	}{
		`"frequencyPerDay":2,"validUntil":"2026-12-01"`: {2, "2026-12-01"},
		`"frequencyPerDay":"1"`:                         {1, "2027-02-19"},
		`"frequencyPerDay":4`:                           {0, "2027-02-19"},
		`"frequencyPerDay":100`:                         {0, "2027-02-19"},
		`"frequencyPerDay":0`:                           {0, "2027-02-19"},
		`"frequencyPerDay":null`:                        {0, "2027-02-19"},
	} {
		w, _ := newTrip(t, `,"consent":{"check":"consent"}`,
			banktest.Exchange{Status: 201, Body: `{"consentId":"C1","_links":{"scaRedirect":"https://login.example/"}}`},
			banktest.Exchange{Ask: "GET /xs2a/v1/consents/C1", Body: `{"consentStatus":"valid",` + answer + `}`})
		w.step(bank.Begun, "")
		step, err := w.c.Continue(t.Context(), bank.Input{Event: bank.Returned, State: w.state, Journey: w.journey})
		access, ok := step.(bank.Access)
		if err != nil || !ok || access.UnattendedPerDay != want.perDay || access.ConsentUntil.Format("2006-01-02") != want.until {
			t.Errorf("%s: %+v, %v", answer, step, err)
		}
	}
}

// After a crash the state that was kept last tells what has to be deleted.
func TestAConsentThatWasNotApprovedIsDeleted(t *testing.T) {
	w, _ := newTrip(t, "",
		banktest.Exchange{Status: 201, Body: `{"consentId":"C1","_links":{"scaRedirect":"https://login.example/"}}`},
		banktest.Exchange{Ask: "DELETE /xs2a/v1/consents/C1", Status: 204},
		banktest.Exchange{Ask: "DELETE /xs2a/v1/consents/C1", Status: 404, Body: `{"tppMessages":[{"category":"ERROR","code":"RESOURCE_UNKNOWN"}]}`},
		banktest.Exchange{Ask: "DELETE /xs2a/v1/consents/C1", Status: 503},
	)
	w.step(bank.Begun, "")
	if len(w.kept) != 2 || strings.Contains(w.kept[0], "C1") || !strings.Contains(w.kept[1], "C1") {
		t.Fatalf("kept are %v", w.kept)
	}
	for i, want := range []bool{true, true, true, false} {
		state := w.kept[min(i, 1)]
		err := w.c.Discard(t.Context(), oxlin.NewSecret(state))
		if (err == nil) != want {
			t.Errorf("discarding %s: %v", state, err)
		}
	}
	failing := errors.New("no room")
	_, err := w.c.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: w.journey, Store: func(context.Context, oxlin.Secret) error { return failing }})
	if !errors.Is(err, failing) {
		t.Errorf("a consent is made although nothing is kept: %v", err)
	}
}

func TestAccountsUnderOtherAddressesAreTheSame(t *testing.T) {
	behind := banktest.NewReaddressed(&harbour{}, "resourceId")
	made := connector(t, oauth+`,"consent":{"redirect_state":"none"}`, behind)
	banktest.ExerciseIdentities(t, banktest.Subject{
		New:  func() bank.Connector { return made },
		Call: bank.Call{Access: bank.Access{Token: oxlin.NewSecret("T"), State: oxlin.NewSecret(`{"consent_id":"C1"}`)}},
		From: oxlin.NewDate(2026, 11, 1),
	}, behind.Renew)
}
