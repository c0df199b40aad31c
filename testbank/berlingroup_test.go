package testbank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// berliner is an aggregator of the Berlin Group: its consent, and the customer's address.
type berliner struct {
	r       *rig
	consent string
	ip      string
}

const aUUID = "0bd2f1a8-3c0e-4a7e-9a53-6c2f5a2f0c11"

// send sends a request and validates the answer against the official file.
func (v berliner) send(method, target, body string, headers map[string]string) answer {
	v.r.t.Helper()
	build := func() *http.Request {
		if !strings.HasPrefix(target, "/berlingroup") {
			target = berlinPrefix + target
		}
		req, err := http.NewRequest(method, v.r.url(target), strings.NewReader(body))
		if err != nil {
			v.r.t.Fatal(err)
		}
		if body == "" {
			req.Body, req.ContentLength = http.NoBody, 0
		} else {
			req.Header.Set("Content-Type", "application/json")
		}
		req.Header.Set("X-Request-ID", aUUID)
		if v.consent != "" {
			req.Header.Set("Consent-ID", v.consent)
		}
		if v.ip != "" {
			req.Header.Set("PSU-IP-Address", v.ip)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		return req
	}
	a := v.r.do(build())
	official(v.r.t, berlinGroup13, build(), a)
	if got := a.header.Get("X-Request-ID"); got != aUUID {
		v.r.t.Errorf("%s %s: X-Request-ID is %q", method, target, got)
	}
	return a
}

func (v berliner) get(target string) answer {
	v.r.t.Helper()
	return v.send(http.MethodGet, target, "", nil)
}

const wholeConsent = `{"access":{"allPsd2":"allAccounts"},"recurringIndicator":true,"validUntil":"2027-02-19","frequencyPerDay":4,"combinedServiceIndicator":false}`

var redirects = map[string]string{"TPP-Redirect-URI": callback + "?state=s", "TPP-Nok-Redirect-URI": callback + "?error=true"}

type gotConsent struct {
	ID     string          `json:"consentId"`
	Status string          `json:"consentStatus"`
	Until  string          `json:"validUntil"`
	Links  map[string]link `json:"_links"`
}

// ask makes a consent.
func (r *rig) ask(body string, headers map[string]string) gotConsent {
	r.t.Helper()
	a := berliner{r: r, ip: "203.0.113.7"}.send(http.MethodPost, "/consents", body, headers)
	if a.status != http.StatusCreated {
		r.t.Fatalf("consent: %d %s", a.status, a.body)
	}
	var made gotConsent
	if err := json.Unmarshal([]byte(a.body), &made); err != nil {
		r.t.Fatal(err)
	}
	return made
}

// berliner makes a consent that a login approves on the bank's page.
func (r *rig) berliner(login string) berliner {
	r.t.Helper()
	made := r.ask(wholeConsent, redirects)
	page := r.get(made.Links["scaRedirect"].Href)
	back := r.arrived(r.post("/authorize", url.Values{"session": {page.session(r.t)}, "login": {login}, "password": {"dev"}}))
	if back.Get("state") != "s" || back.Has("code") {
		r.t.Errorf("the customer comes back with %v", back)
	}
	return berliner{r, made.ID, "203.0.113.7"}
}

func (v berliner) status() string {
	v.r.t.Helper()
	return decode[gotConsent](v.r.t, v.get("/consents/"+v.consent+"/status")).Status
}

type gotBerlin struct {
	Accounts []berlinAccount
	Cards    []berlinAccount `json:"cardAccounts"`
	Balances []berlinBalance
	Rows     map[string]json.RawMessage `json:"transactions"`
	CardRows map[string]json.RawMessage `json:"cardTransactions"`
}

func (v berliner) read(target string) gotBerlin {
	v.r.t.Helper()
	return decode[gotBerlin](v.r.t, v.get(target))
}

// all follows the pages of a list of rows.
func (v berliner) all(target string) (booked, pending []berlinTransaction) {
	v.r.t.Helper()
	for range 100 {
		got := v.read(target)
		lists := got.Rows
		if lists == nil {
			lists = got.CardRows
		}
		var more []berlinTransaction
		var l map[string]link
		for name, into := range map[string]*[]berlinTransaction{"booked": &booked, "pending": &pending} {
			more = nil
			if raw, ok := lists[name]; ok {
				if err := json.Unmarshal(raw, &more); err != nil {
					v.r.t.Fatal(err)
				}
			}
			*into = append(*into, more...)
		}
		if err := json.Unmarshal(lists["_links"], &l); err != nil {
			v.r.t.Fatal(err)
		}
		if l["next"].Href == "" {
			return booked, pending
		}
		target = l["next"].Href
	}
	v.r.t.Fatal("the pages never end")
	return nil, nil
}

func TestTheBerlinGroupSeesWhatStetSees(t *testing.T) {
	r := start(t, Options{PageSize: 40})
	v := r.berliner("dev")
	if status := v.status(); status != valid {
		t.Fatalf("the consent is %s", status)
	}
	stet := r.attended(v15, r.connect("dev"))
	list := v.read("/accounts").Accounts
	list = append(list, v.read("/card-accounts").Cards...)
	var ids []string
	for _, a := range list {
		ids = append(ids, a.ResourceID)
		path := "/accounts/" + a.ResourceID
		if a.MaskedPAN != "" {
			path = "/card-accounts/" + a.ResourceID
		}
		v.get(path)
		balances := v.read(path + "/balances").Balances
		var theirs []string
		for _, b := range decode[struct{ Balances []balanceResource }](t, stet.get("/accounts/"+a.ResourceID+"/balances")).Balances {
			theirs = append(theirs, string(b.Amount.Amount))
		}
		var ours []string
		for _, b := range balances {
			ours = append(ours, b.Amount.Amount)
		}
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: balances %v, and %v in STET", a.Name, ours, theirs)
		}
		booked, pending := v.all(path + "/transactions?bookingStatus=both&dateFrom=2026-01-01")
		rows := stet.all(a.ResourceID, "?dateFrom=2026-01-01")
		known := map[string]string{}
		for _, row := range rows {
			if row.Status == "BOOK" {
				known[row.EntryReference] = row.BookingDate[:10]
			}
		}
		for _, row := range booked {
			id := orDefault(row.TransactionID, row.CardTransactionID)
			if known[id] != row.BookingDate {
				t.Errorf("row %+v is booked on %q in STET", row, known[id])
			}
		}
		if len(booked) != len(known) || len(booked)+len(pending) != len(rows) || len(booked) == 0 {
			t.Errorf("%s: %d booked and %d pending rows, %d in STET", a.Name, len(booked), len(pending), len(rows))
		}
		onlyPending, none := v.all(path + "/transactions?bookingStatus=pending")
		if len(none) != len(pending) || len(onlyPending) != 0 {
			t.Errorf("%s: %d of %d rows are pending", a.Name, len(none), len(pending))
		}
		day := booked[0].BookingDate
		of, _ := v.all(path + "/transactions?bookingStatus=booked&dateFrom=" + day + "&dateTo=" + day)
		if len(of) == 0 || slices.ContainsFunc(of, func(t berlinTransaction) bool { return t.BookingDate != day }) {
			t.Errorf("%s: rows of %s are %+v", a.Name, day, of)
		}
	}
	var others []string
	for _, a := range stet.accounts() {
		others = append(others, a.ResourceID)
	}
	slices.Sort(ids)
	slices.Sort(others)
	if !slices.Equal(ids, others) {
		t.Errorf("accounts %v, and %v in STET", ids, others)
	}
}

func TestAConsentOfTheBerlinGroupLivesAndEnds(t *testing.T) {
	t.Run("it waits, and is refused", func(t *testing.T) {
		r := start(t, Options{})
		made := r.ask(wholeConsent, redirects)
		v := berliner{r, made.ID, "203.0.113.7"}
		if v.status() != received || v.get("/accounts").status != http.StatusUnauthorized {
			t.Error("a consent that waits gives accounts")
		}
		page := r.get(made.Links["scaRedirect"].Href)
		back := r.arrived(r.get("/authorize/cancel?session=" + page.session(t)))
		if back.Get("error") != "true" || v.status() != rejected {
			t.Errorf("refused: %v, %s", back, v.status())
		}
		if page := r.get(made.Links["scaRedirect"].Href); page.status != http.StatusBadRequest {
			t.Errorf("a refused consent has a login page: %d", page.status)
		}
	})
	t.Run("nobody approves it", func(t *testing.T) {
		r := start(t, Options{})
		v := berliner{r, r.ask(wholeConsent, redirects).ID, ""}
		r.clock.add(askLife)
		if v.status() != expired {
			t.Errorf("it is %s", v.status())
		}
	})
	t.Run("its last day ends", func(t *testing.T) {
		r := start(t, Options{})
		v := r.berliner("dev")
		if until := decode[gotConsent](t, v.get("/consents/"+v.consent)).Until; until != "2027-02-19" {
			t.Errorf("until %s", until)
		}
		r.clock.add(90*24*60*60*1e9 + 11*60*60*1e9)
		if v.status() != valid {
			t.Errorf("on its last day it is %s", v.status())
		}
		r.clock.add(60 * 60 * 1e9)
		if a := v.get("/accounts"); v.status() != expired || a.status != http.StatusUnauthorized || !strings.Contains(a.body, "CONSENT_EXPIRED") {
			t.Errorf("after its last day it is %s: %d %s", v.status(), a.status, a.body)
		}
	})
	t.Run("for one reading it ends with the day", func(t *testing.T) {
		r := start(t, Options{})
		made := r.ask(strings.Replace(wholeConsent, "true", "false", 1), redirects)
		if until := decode[gotConsent](t, berliner{r: r}.get("/consents/"+made.ID)).Until; until != DayOf(noon).String() {
			t.Errorf("until %s", until)
		}
	})
	t.Run("the client deletes it", func(t *testing.T) {
		r := start(t, Options{})
		v := r.berliner("dev")
		if a := v.send(http.MethodDelete, "/consents/"+v.consent, "", nil); a.status != http.StatusNoContent {
			t.Fatalf("deleting: %d %s", a.status, a.body)
		}
		if a := v.get("/accounts"); v.status() != terminated || a.status != http.StatusUnauthorized || !strings.Contains(a.body, "CONSENT_INVALID") {
			t.Errorf("deleted, it is %s: %d %s", v.status(), a.status, a.body)
		}
	})
	t.Run("its days have fewer accesses", func(t *testing.T) {
		r := start(t, Options{})
		v := r.berliner("dev")
		v.ip = ""
		for n := range unattendedQuota {
			if a := v.get("/accounts"); a.status != http.StatusOK {
				t.Fatalf("access %d: %d %s", n+1, a.status, a.body)
			}
		}
		a := v.get("/accounts")
		if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "ACCESS_EXCEEDED") || a.header.Get("Retry-After") == "" {
			t.Errorf("the fifth access: %d %s", a.status, a.body)
		}
	})
}

func TestTheBerlinGroupRefuses(t *testing.T) {
	r := start(t, Options{})
	v := r.berliner("dev")
	id := v.read("/accounts").Accounts[0].ResourceID
	rows := "/accounts/" + id + "/transactions?bookingStatus="
	late := func() { r.clock.add(16 * 60 * 1e9) }
	for _, test := range []struct {
		what, method, target, body string
		headers                    map[string]string
		status                     int
		code                       string
	}{
		{"no such resource", "GET", "/savings", "", nil, 404, "RESOURCE_UNKNOWN"},
		{"another method", "DELETE", "/accounts", "", nil, 405, "SERVICE_INVALID"},
		{"no such account", "GET", "/accounts/none/balances", "", nil, 404, "RESOURCE_UNKNOWN"},
		{"a card that is none", "GET", "/card-accounts/" + id + "/balances", "", nil, 404, "RESOURCE_UNKNOWN"},
		{"another consent", "GET", "/accounts", "", map[string]string{"Consent-ID": "none"}, 403, "CONSENT_UNKNOWN"},
		{"no status of rows", "GET", "/accounts/" + id + "/transactions?dateFrom=2026-11-01", "", nil, 400, "FORMAT_ERROR"},
		{"no first day", "GET", rows + "booked", "", nil, 400, "FORMAT_ERROR"},
		{"a day that is none", "GET", rows + "both&dateFrom=yesterday", "", nil, 400, "FORMAT_ERROR"},
		{"an address that is none", "GET", "/accounts", "", map[string]string{"PSU-IP-Address": "home"}, 400, "FORMAT_ERROR"},
		{"half a consent", "POST", "/consents", `{"access":{"allPsd2":"allAccounts"}}`, redirects, 400, "FORMAT_ERROR"},
		{"a consent of yesterday", "POST", "/consents", strings.Replace(wholeConsent, "2027-02-19", "2026-11-20", 1), redirects, 400, "FORMAT_ERROR"},
		{"one account", "POST", "/consents", strings.Replace(wholeConsent, `"allPsd2":"allAccounts"`, `"accounts":[{"iban":"FR7612345987650123456789014"}]`, 1), redirects, 400, "FORMAT_ERROR"},
		{"nowhere to return", "POST", "/consents", wholeConsent, nil, 400, "FORMAT_ERROR"},
		{"old rows, later", "GET", rows + "both&dateFrom=2026-01-01", "", nil, 400, "PERIOD_INVALID"},
	} {
		if test.what == "old rows, later" {
			late()
		}
		a := v.send(test.method, test.target, test.body, test.headers)
		if a.status != test.status || !strings.Contains(a.body, `"code":"`+test.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", test.what, a.status, a.body, test.status, test.code)
		}
	}
}

type gotSCA struct {
	ID      string          `json:"authorisationId"`
	Status  string          `json:"scaStatus"`
	Methods []berlinMethod  `json:"scaMethods"`
	Message string          `json:"psuMessage"`
	Links   map[string]link `json:"_links"`
}

// put sends a step of an approval.
func (v berliner) put(target, body string) gotSCA {
	v.r.t.Helper()
	return decode[gotSCA](v.r.t, v.send(http.MethodPut, target, body, nil))
}

// start shows the password and returns the path of the approval.
func (v berliner) start(made gotConsent, password string) (gotSCA, string) {
	v.r.t.Helper()
	a := v.send(http.MethodPost, made.Links["startAuthorisationWithPsuAuthentication"].Href, `{"psuData":{"password":"`+password+`"}}`, nil)
	if a.status == http.StatusCreated {
		a.status = http.StatusOK
	}
	got := decode[gotSCA](v.r.t, a)
	return got, got.Links["scaStatus"].Href
}

func (r *rig) named(login string) (gotConsent, berliner) {
	r.t.Helper()
	made := r.ask(wholeConsent, map[string]string{"PSU-ID": login})
	return made, berliner{r: r, consent: made.ID, ip: "203.0.113.7"}
}

func TestAConsentWithAPasswordAndAMethod(t *testing.T) {
	t.Run("a code", func(t *testing.T) {
		r := start(t, Options{})
		made, v := r.named("dev")
		if a := v.send(http.MethodPost, made.Links["startAuthorisationWithPsuAuthentication"].Href, `{"psuData":{"password":"no"}}`, nil); a.status != 401 || !strings.Contains(a.body, "PSU_CREDENTIALS_INVALID") {
			t.Errorf("a wrong password: %d %s", a.status, a.body)
		}
		begun, at := v.start(made, "dev")
		if begun.Status != authenticated || len(begun.Methods) != 2 {
			t.Fatalf("after the password: %+v", begun)
		}
		chosen := v.put(at, `{"authenticationMethodId":"sms"}`)
		if chosen.Status != selected || chosen.Links["authoriseTransaction"].Href == "" {
			t.Fatalf("after the choice: %+v", chosen)
		}
		if a := v.send(http.MethodPut, at, `{"scaAuthenticationData":"000000"}`, nil); a.status != 401 || v.status() != received {
			t.Errorf("a wrong code: %d %s", a.status, a.body)
		}
		if done := v.put(at, `{"scaAuthenticationData":"123456"}`); done.Status != finalised || v.status() != valid || len(v.read("/accounts").Accounts) != 2 {
			t.Errorf("after the code: %+v, the consent is %s", done, v.status())
		}
		if a := v.send(http.MethodPut, at, `{"scaAuthenticationData":"123456"}`, nil); a.status != 400 {
			t.Errorf("the code again: %d", a.status)
		}
	})
	t.Run("the third wrong code is the last", func(t *testing.T) {
		r := start(t, Options{})
		made, v := r.named("dev+sms_wrong")
		_, at := v.start(made, "dev")
		v.put(at, `{"authenticationMethodId":"sms"}`)
		for range maxWrongCodes {
			v.send(http.MethodPut, at, `{"scaAuthenticationData":"123456"}`, nil)
		}
		if got := decode[gotSCA](t, v.get(at)); got.Status != failed || v.status() != rejected {
			t.Errorf("the approval is %s, the consent %s", got.Status, v.status())
		}
	})
	t.Run("the app", func(t *testing.T) {
		r := start(t, Options{})
		made, v := r.named("dev")
		_, at := v.start(made, "dev")
		if got := v.put(at, `{"authenticationMethodId":"app"}`); got.Status != started || got.Message == "" {
			t.Fatalf("after the choice: %+v", got)
		}
		r.clock.add(appSeconds * 1e9)
		if got := decode[gotSCA](t, v.get(at)); got.Status != finalised || v.status() != valid {
			t.Errorf("the approval is %s, the consent %s", got.Status, v.status())
		}
	})
}

func TestAConsentInTheApp(t *testing.T) {
	r := start(t, Options{})
	_, v := r.named("dev+decoupled-30")
	r.clock.add(29 * 1e9)
	if v.status() != received || v.get("/accounts").status != http.StatusUnauthorized {
		t.Errorf("before the approval it is %s", v.status())
	}
	r.clock.add(1e9)
	if v.status() != valid || len(v.read("/accounts").Accounts) != 2 {
		t.Errorf("after the approval it is %s", v.status())
	}
	_, v = r.named("dev+decoupled-0+refuse")
	if v.status() != rejected {
		t.Errorf("refused, it is %s", v.status())
	}
	if a := (berliner{r: r}).send(http.MethodPost, "/consents", wholeConsent, map[string]string{"PSU-ID": "nobody+decoupled"}); a.status != 401 {
		t.Errorf("an unknown login: %d %s", a.status, a.body)
	}
}
