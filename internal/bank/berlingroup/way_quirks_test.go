package berlingroup_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// TestAWayInIsData takes ways in at banks that do each thing in their own way. Every request is listed
// with the headers that matter, and no other may happen.
func TestAWayInIsData(t *testing.T) {
	const (
		consents   = "POST /xs2a/v1/consents"
		start      = "POST /xs2a/v1/consents/C1/authorisations"
		part       = "/xs2a/v1/consents/C1/authorisations/A1"
		statusOf   = "GET /xs2a/v1/consents/C1/status"
		access     = `access  {"consent_id":"C1"}`
		page       = `"_links":{"scaRedirect":{"href":"https://login.example/"}}`
		toPage     = "to https://login.example/"
		backHeader = "Tpp-Redirect-Uri: https://oxlin.test/back?state=s+1"
	)
	psu := `"prefer":["embedded","decoupled","redirect"],"ask":[{"id":"psu_id","label":"Number"},{"id":"password","label":"PIN","type":"PWD"}]`
	ways := strings.Replace(oauth, "AIS:{consent_id}", "AIS", 1)
	type step struct {
		event  bank.Event
		values string
		want   string
	}
	type exchange struct {
		ask    string
		status int
		body   string
		header http.Header
		// sent are headers of the request.
		sent []string
	}
	valid := exchange{ask: statusOf, body: `{"consentStatus":"valid"}`}
	redirect := []step{{bank.Begun, "", toPage}, {bank.Returned, "state=s", access}}
	for _, test := range []struct {
		name, config string
		exchanges    []exchange
		steps        []step
	}{
		{"states in capital letters", "", []exchange{{ask: consents, status: 201, body: `{"consentId":"C1","consentStatus":"RECEIVED",` + page + `}`}, {ask: statusOf, body: `{"consentStatus":"VALID"}`}}, redirect},
		{
			"states with separators, and in American", "", []exchange{{ask: consents, body: `{"consentId":"C1",` + page + `}`}, {ask: statusOf, body: `{"consentStatus":"partially_authorized"}`}}, redirect,
		},
		{
			"states in words of the bank", `,"consent":{"words":{"AUTHORISED":"valid","AwaitingAuthorisation":"received","revoked":"revokedByPsu"}}`, []exchange{
				{ask: consents, body: `{"consentId":"C1",` + page + `}`}, {ask: statusOf, body: `{"consentStatus":"AwaitingAuthorisation"}`}, {ask: statusOf, body: `{"consentStatus":"Authorised"}`},
			}, []step{{bank.Begun, "", toPage}, {bank.Returned, "state=s", "waits"}, {bank.Ticked, "", access}},
		},
		{
			"a word of the bank for a refusal", `,"consent":{"words":{"revoked":"revokedByPsu"}}`,
			[]exchange{{ask: consents, body: `{"consentId":"C1",` + page + `}`}, {ask: statusOf, body: `{"consentStatus":"REVOKED"}`}},
			[]step{{bank.Begun, "", toPage}, {bank.Returned, "state=s", "failure: challenge cancelled"}},
		},
		{
			"members under names of the bank", `,"consent":{"members":{"consentId":"data.id","consentStatus":"data.state","_links.scaRedirect":"data.url"}}`,
			[]exchange{{ask: consents, body: `{"data":{"id":"C1","state":"received","url":"https://login.example/"}}`}, {ask: statusOf, body: `{"data":{"state":"valid"}}`}}, redirect,
		},
		{
			"the id in the address of what was made", "", []exchange{{ask: consents, status: 201, header: http.Header{"Location": {"https://bank.example/v1/consents/C1"}}, body: `{` + page + `}`}, valid}, redirect,
		},
		{
			"an authorisation that the links ask for, and its redirect", "", []exchange{
				{ask: consents, status: 201, body: `{"consentId":"C1","_links":{"startAuthorisation":{"href":"/v1/consents/C1/authorisations"}}}`, sent: []string{backHeader}},
				{ask: start, status: 201, body: `{"authorisationId":"A1","scaStatus":"RECEIVED",` + page + `}`, sent: []string{backHeader, "Tpp-Nok-Redirect-Uri: https://oxlin.test/back?error=true&state=s+1"}}, valid,
			}, redirect,
		},
		{
			"an authorisation that the data ask for", `,"consent":{"explicit":true}`, []exchange{
				{ask: consents, status: 201, body: `{"consentId":"C1","_links":{"self":{"href":"/v1/consents/C1"}}}`},
				{ask: start, status: 201, body: `{"authorisationId":"A1",` + page + `}`}, valid,
			}, redirect,
		},
		{
			"an authorisation whose id is in a link alone, in other letters", `,"consent":{` + psu + `}`, []exchange{
				{ask: consents, body: `{"consentId":"C1","_links":{"startAuthorisationWithPsuAuthentication":{"href":"/v1/consents/C1/authorisations"}}}`},
				{ask: start, status: 201, body: `{"scaStatus":"PSU_AUTHENTICATED","scaMethods":[{"authenticationMethodId":"m1"}],"_links":{"selectAuthenticationMethod":{"href":"https://other.example/v1/consents/C1/authorisations/A1"}}}`},
				{ask: "PUT " + part, body: `{"scaStatus":"SCAMETHODSELECTED","_links":{"authoriseTransaction":{"href":"x"}}}`}, {ask: "PUT " + part, body: `{"scaStatus":"FINALIZED"}`},
			}, []step{{bank.Begun, "", "asks psu_id password"}, {bank.Answered, "psu_id=7&password=p", "asks code"}, {bank.Answered, "code=1", access}},
		},
		{
			"a token of ours, the consent, and a login", `,"consent":{"before":"client","check":"none"}` + oauth, []exchange{
				{ask: "POST /token", body: `{"access_token":"ours"}`}, {ask: consents, body: `{"consentId":"C1"}`, sent: []string{"Authorization: Bearer ours"}}, {ask: "POST /token", body: `{"access_token":"T"}`},
			}, []step{
				{bank.Begun, "", "to https://login.example/authorize?client_id=us&code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ&code_challenge_method=S256&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&scope=AIS%3AC1&state=s+1"},
				{bank.Returned, "code=c", `access T {"consent_id":"C1"}`},
			},
		},
		{
			"a login, the consent, and a second redirect", `,"consent":{"before":"user"}` + ways, []exchange{
				{ask: "POST /token", body: `{"access_token":"T"}`}, {ask: consents, body: `{"consentId":"C1",` + page + `}`, sent: []string{"Authorization: Bearer T"}}, {ask: statusOf, body: `{"consentStatus":"valid"}`, sent: []string{"Authorization: Bearer T"}},
			}, []step{
				{bank.Begun, "", "to https://login.example/authorize?client_id=us&code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ&code_challenge_method=S256&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&scope=AIS&state=s+1"},
				{bank.Returned, "code=c", toPage}, {bank.Returned, "state=s", `access T {"consent_id":"C1"}`},
			},
		},
		{
			"the consent in the address of the login", `,"consent":{"parameters":"consentId={consent_id}&scope=","check":"none"}` + strings.Replace(ways, `,"pkce":true`, "", 1), []exchange{{ask: consents, body: `{"consentId":"C1"}`}},
			[]step{{bank.Begun, "", "to https://login.example/authorize?client_id=us&consentId=C1&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&state=s+1"}},
		},
		{
			"the redirect address under a name of the bank", `,"headers_on":{"consent":{"X-Back":"{redirect_uri}","TPP-Nok-Redirect-URI":""}}`,
			[]exchange{{ask: consents, body: `{"consentId":"C1",` + page + `}`, sent: []string{"X-Back: https://oxlin.test/back?state=s+1", "Tpp-Nok-Redirect-Uri: "}}, valid}, redirect,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var exchanges []banktest.Exchange
			for _, e := range test.exchanges {
				exchanges = append(exchanges, banktest.Exchange{Ask: e.ask, Status: e.status, Body: e.body, Header: e.header})
			}
			w, script := newTrip(t, test.config, exchanges...)
			for i, step := range test.steps {
				if got := w.step(step.event, step.values); got != step.want {
					t.Errorf("step %d leads to\n%s, want\n%s", i, got, step.want)
				}
			}
			for i, e := range test.exchanges {
				for _, sent := range e.sent {
					name, value, _ := strings.Cut(sent, ": ")
					if i < len(script.Requests) && script.Requests[i].Header.Get(name) != value {
						t.Errorf("request %d has %s: %q, want %q", i, name, script.Requests[i].Header.Get(name), value)
					}
				}
			}
		})
	}
}

// A consent whose end the bank writes in its own way, or that has no end, ends when the law says.
func TestTheEndOfAConsent(t *testing.T) {
	for written, want := range map[string]string{
		`"2026-12-01"`: "2026-12-01", `"2026-12-01T10:00:00Z"`: "2026-12-01", `"2026-12-01T23:30:00Z"`: "2026-12-02", `"01.12.2026"`: "2026-12-01",
		`"9999-12-31"`: "2027-02-19", `"2099-12-31T00:00:00.000+01:00"`: "2027-02-19", `null`: "2027-02-19", `""`: "2027-02-19", `"soon"`: "2027-02-19",
	} {
		w, _ := newTrip(t, `,"consent":{"check":"consent"}`,
			banktest.Exchange{Status: 201, Body: `{"consentId":"C1","_links":{"scaRedirect":"https://login.example/"}}`},
			banktest.Exchange{Ask: "GET /xs2a/v1/consents/C1", Body: `{"consentStatus":"valid","validUntil":` + written + `}`})
		w.step(bank.Begun, "")
		step, err := w.c.Continue(t.Context(), bank.Input{Event: bank.Returned, State: w.state, Journey: w.journey})
		access, ok := step.(bank.Access)
		if err != nil || !ok || access.ConsentUntil.Format("2006-01-02") != want {
			t.Errorf("%s: the end is %v, want %s, %v", written, access.ConsentUntil, want, err)
		}
	}
}
