package testbank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// briton is an aggregator of Open Banking UK: a token, and the customer's address.
type briton struct {
	r     *rig
	token string
	ip    string
}

// send sends a request and validates the answer against the official file.
func (v briton) send(method, target, body string) answer {
	v.r.t.Helper()
	if !strings.HasPrefix(target, "http") {
		target = ukPrefix + target
	}
	build := func() *http.Request {
		req, err := http.NewRequest(method, v.r.url(target), strings.NewReader(body))
		if err != nil {
			v.r.t.Fatal(err)
		}
		if body == "" {
			req.Body, req.ContentLength = http.NoBody, 0
		} else {
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		req.Header.Set("Authorization", "Bearer "+v.token)
		req.Header.Set("x-fapi-interaction-id", aUUID)
		if v.ip != "" {
			req.Header.Set("x-fapi-customer-ip-address", v.ip)
		}
		return req
	}
	a := v.r.do(build())
	official(v.r.t, openBankingUK, build(), a)
	if got := a.header.Get("x-fapi-interaction-id"); got != aUUID {
		v.r.t.Errorf("%s %s: x-fapi-interaction-id is %q", method, target, got)
	}
	return a
}

func (v briton) get(target string) answer {
	v.r.t.Helper()
	return v.send(http.MethodGet, target, "")
}

// clientSigned is a JWT as a client signs it; the bank looks at no client's signature.
func clientSigned(claims map[string]any) string {
	header, _ := json.Marshal(map[string]string{"alg": "PS256"})
	body, _ := json.Marshal(claims)
	return base64url.EncodeToString(header) + "." + base64url.EncodeToString(body) + "." + strings.Repeat("A", 86)
}

func (r *rig) assertion(audience string, until time.Time) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {"accounts"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {clientSigned(map[string]any{"iss": "oxlin", "sub": "oxlin", "aud": []string{audience}, "exp": until.Unix()})},
	}
}

// ownToken gets the client's own token.
func (r *rig) ownToken() briton {
	r.t.Helper()
	tok := r.token(r.assertion(r.srv.URL+"/token", noon.Add(time.Hour)))
	if tok.Access == "" || tok.Refresh != "" {
		r.t.Fatalf("own token: %+v", tok)
	}
	return briton{r: r, token: tok.Access}
}

const ukConsent = `{"Data":{"Permissions":["ReadAccountsDetail","ReadBalances","ReadTransactionsCredits","ReadTransactionsDebits","ReadTransactionsDetail"]},"Risk":{}}`

type gotUKConsent struct {
	Data struct{ ConsentId, Status, ExpirationDateTime string }
}

func (v briton) ask(body string) gotUKConsent {
	v.r.t.Helper()
	a := v.send(http.MethodPost, "/account-access-consents", body)
	if a.status == http.StatusCreated {
		a.status = http.StatusOK
	}
	return decode[gotUKConsent](v.r.t, a)
}

func (v briton) status(id string) string {
	v.r.t.Helper()
	return decode[gotUKConsent](v.r.t, v.get("/account-access-consents/"+id)).Data.Status
}

func (r *rig) requestQuery(consent string) url.Values {
	claims := map[string]any{
		"iss": "oxlin", "client_id": "oxlin", "aud": r.srv.URL, "exp": noon.Add(time.Hour).Unix(), "response_type": "code id_token",
		"redirect_uri": callback, "scope": "openid accounts", "state": "the-state", "nonce": "the-nonce", "code_challenge": challenge(),
		"claims": map[string]any{"id_token": map[string]any{"openbanking_intent_id": map[string]any{"value": consent}}},
	}
	return url.Values{"response_type": {"code id_token"}, "client_id": {"oxlin"}, "request": {clientSigned(claims)}}
}

// fragment logs in and returns the fragment with which the customer comes back.
func (r *rig) fragment(query url.Values, login string) url.Values {
	r.t.Helper()
	page := r.get("/authorize?" + query.Encode())
	back := r.post("/authorize", url.Values{"session": {page.session(r.t)}, "login": {login}, "password": {"dev"}})
	before, behind, _ := strings.Cut(back.header.Get("Location"), "#")
	values, err := url.ParseQuery(behind)
	if err != nil || before != callback {
		r.t.Fatalf("back at %q: %v", back.header.Get("Location"), err)
	}
	return values
}

// briton connects a login.
func (r *rig) briton(login, body string) (own, customers briton, consent string) {
	r.t.Helper()
	own = r.ownToken()
	consent = own.ask(body).Data.ConsentId
	back := r.fragment(r.requestQuery(consent), login)
	tok := r.token(codeForm(back.Get("code")))
	if tok.Access == "" || tok.Refresh == "" {
		r.t.Fatalf("no token: %+v", tok)
	}
	return own, briton{r, tok.Access, "203.0.113.7"}, consent
}

type gotUK struct {
	Data struct {
		Account     []ukAccount
		Balance     []ukBalance
		Transaction []ukTransaction
	}
	Links ukLinks
}

func (v briton) all(target string) (rows []ukTransaction) {
	v.r.t.Helper()
	for range 100 {
		got := decode[gotUK](v.r.t, v.get(target))
		rows = append(rows, got.Data.Transaction...)
		if got.Links.Next == "" {
			return rows
		}
		target = got.Links.Next
	}
	v.r.t.Fatal("the pages never end")
	return nil
}

func TestOpenBankingSeesWhatStetSees(t *testing.T) {
	r := start(t, Options{PageSize: 40})
	_, v, _ := r.briton("dev", ukConsent)
	stet := r.attended(v15, r.connect("dev"))
	list := decode[gotUK](t, v.get("/accounts")).Data.Account
	if len(list) != 3 || len(stet.accounts()) != 3 {
		t.Fatalf("%d accounts", len(list))
	}
	for _, a := range list {
		v.get("/accounts/" + a.ID)
		var ours, theirs []string
		for _, b := range decode[gotUK](t, v.get("/accounts/"+a.ID+"/balances")).Data.Balance {
			amount := b.Amount.Amount
			if b.Indicator == "Debit" {
				amount = "-" + amount
			}
			ours = append(ours, amount)
		}
		for _, b := range decode[struct{ Balances []balanceResource }](t, stet.get("/accounts/"+a.ID+"/balances")).Balances {
			theirs = append(theirs, string(b.Amount.Amount))
		}
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: balances %v, and %v in STET", a.Nickname, ours, theirs)
		}
		known := map[string]string{}
		rows := stet.all(a.ID, "?dateFrom=2026-01-01")
		for _, row := range rows {
			known[row.EntryReference] = string(row.Amount.Amount)
		}
		mine := v.all("/accounts/" + a.ID + "/transactions?fromBookingDateTime=2026-01-01T00:00:00Z")
		for _, row := range mine {
			if known[row.ID] != row.Amount.Amount && row.Status == "BOOK" {
				t.Errorf("row %+v has the amount %q in STET", row, known[row.ID])
			}
		}
		if len(mine) != len(rows) || len(mine) == 0 {
			t.Errorf("%s: %d rows, %d in STET", a.Nickname, len(mine), len(rows))
		}
	}
}

func TestAConsentOfOpenBankingLivesAndEnds(t *testing.T) {
	t.Run("it waits, is given, and is deleted", func(t *testing.T) {
		r := start(t, Options{})
		own := r.ownToken()
		id := own.ask(ukConsent).Data.ConsentId
		if status := own.status(id); status != "AWAU" {
			t.Errorf("it is %s", status)
		}
		back := r.fragment(r.requestQuery(id), "dev")
		if back.Get("state") != "the-state" || own.status(id) != "AUTH" {
			t.Errorf("back with %v, it is %s", back, own.status(id))
		}
		parts := strings.Split(back.Get("id_token"), ".")
		raw, err := base64url.DecodeString(parts[1])
		var claims map[string]any
		if err != nil || json.Unmarshal(raw, &claims) != nil || claims["nonce"] != "the-nonce" || claims["openbanking_intent_id"] != id ||
			claims["c_hash"] != halfHash(back.Get("code")) {
			t.Errorf("the ID token has %v, %v", claims, err)
		}
		tok := r.token(codeForm(back.Get("code")))
		v := briton{r, tok.Access, ""}
		if a := own.get("/accounts"); a.status != http.StatusUnauthorized {
			t.Errorf("the client's own token opens accounts: %d", a.status)
		}
		for range unattendedQuota {
			v.get("/accounts")
		}
		if a := v.get("/accounts"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("the fifth access: %d", a.status)
		}
		r.clock.add(400 * 24 * time.Hour) // it has no end
		if next := r.token(refreshForm(tok.Refresh)); next.Access == "" {
			t.Errorf("a year later: %+v", next)
		}
		own = briton{r: r, token: r.token(r.assertion(r.srv.URL+"/token", r.clock.now().Add(time.Hour))).Access}
		if a := own.send(http.MethodDelete, "/account-access-consents/"+id, ""); a.status != http.StatusNoContent {
			t.Errorf("deleting: %d %s", a.status, a.body)
		}
		if a := own.get("/account-access-consents/" + id); a.status != http.StatusBadRequest {
			t.Errorf("deleted, it is %d", a.status)
		}
	})
	t.Run("the customer refuses", func(t *testing.T) {
		r := start(t, Options{})
		own := r.ownToken()
		id := own.ask(ukConsent).Data.ConsentId
		if back := r.fragment(r.requestQuery(id), "dev+refuse"); back.Get("error") != "access_denied" || own.status(id) != "RJCT" {
			t.Errorf("back with %v, it is %s", back, own.status(id))
		}
	})
	t.Run("its day ends", func(t *testing.T) {
		r := start(t, Options{})
		_, v, id := r.briton("dev", strings.Replace(ukConsent, `"Data":{`, `"Data":{"ExpirationDateTime":"2026-11-22T00:00:00Z",`, 1))
		r.clock.add(13 * time.Hour)
		r.clock.add(23 * time.Hour)
		own := briton{r: r, token: r.token(r.assertion(r.srv.URL+"/token", r.clock.now().Add(time.Hour))).Access}
		if a := v.get("/accounts"); a.status != http.StatusForbidden || !strings.Contains(a.body, "U009") || own.status(id) != "EXPD" {
			t.Errorf("it is %s: %d %s", own.status(id), a.status, a.body)
		}
	})
	t.Run("a permission is lacking", func(t *testing.T) {
		r := start(t, Options{})
		_, v, _ := r.briton("dev", strings.NewReplacer(`"ReadBalances",`, "", `"ReadTransactionsDebits",`, "").Replace(ukConsent))
		id := decode[gotUK](t, v.get("/accounts")).Data.Account[0].ID
		if a := v.get("/accounts/" + id + "/balances"); a.status != http.StatusForbidden {
			t.Errorf("balances: %d", a.status)
		}
		for _, row := range v.all("/accounts/" + id + "/transactions") {
			if row.Indicator != "Credit" {
				t.Errorf("a debit is shown: %+v", row)
			}
		}
	})
}

func TestOpenBankingRefuses(t *testing.T) {
	r := start(t, Options{})
	own := r.ownToken()
	for what, form := range map[string]url.Values{
		"another audience": r.assertion("https://other.example/token", noon.Add(time.Hour)),
		"an old assertion": r.assertion(r.srv.URL+"/token", noon.Add(-time.Hour)),
		"no assertion":     {"grant_type": {"client_credentials"}, "client_id": {"oxlin"}},
	} {
		if tok := r.token(form); tok.status != http.StatusUnauthorized || tok.Error != "invalid_client" {
			t.Errorf("%s: %+v", what, tok)
		}
	}
	id := own.ask(ukConsent).Data.ConsentId
	other := r.requestQuery(id)
	other.Set("request", other.Get("request")[1:])
	if a := r.get("/authorize?" + other.Encode()); a.status != http.StatusBadRequest {
		t.Errorf("a request that is no JWT: %d", a.status)
	}
	if a := r.get("/authorize?" + r.requestQuery("none").Encode()); !strings.Contains(a.header.Get("Location"), "#error=invalid_request") {
		t.Errorf("a request about no consent: %d %s", a.status, a.header.Get("Location"))
	}
	for what, a := range map[string]answer{
		"half a consent":    own.send(http.MethodPost, "/account-access-consents", `{"Data":{}}`),
		"no permission":     own.send(http.MethodPost, "/account-access-consents", strings.Replace(ukConsent, "ReadBalances", "ReadMinds", 1)),
		"another's consent": own.get("/account-access-consents/none"),
	} {
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"ErrorCode"`) {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
}
