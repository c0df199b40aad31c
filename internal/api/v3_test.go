package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// TestVersionThree reads the data of version 2.1 in the form of version 3 (contract §12.14).
func TestVersionThree(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		stranger, _ := w.user(t, licensed)
		own := w.tokens.give(licensed, 0, everything...)
		narrow := w.tokens.give(licensed, user, oxlin.ScopeProfile)
		c := w.connection(t, user)
		first, second := w.account(t, c), w.account(t, c)
		row := func(account oxlin.AccountID, sum string, day oxlin.Date) oxlin.Transaction {
			return oxlin.Transaction{
				AccountID: account, Amount: amount(t, sum), Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked,
				Origin: oxlin.OriginTransaction, Category: "SERVICES", Date: day, Label: "Telecom Co",
			}
		}
		w.transactions(t, user, time.Unix(1639998109, 0), row(first, "-79.99", oxlin.NewDate(2021, 12, 19)), row(second, "-80", oxlin.NewDate(2021, 7, 20)))
		cancelled := row(first, "-5", oxlin.NewDate(2021, 12, 19))
		cancelled.Status = oxlin.StatusCancelled // no list shows it
		w.transactions(t, user, time.Unix(1639998110, 0), cancelled)
		get := func(path, token string, header http.Header) answer {
			t.Helper()
			return w.send(t, request{method: "GET", path: "/v3" + path, token: token, header: header, tolerated: true})
		}
		const transaction = `{"account_id":"1","amount":{"amount":"-79.99","currency":"EUR"},"category_id":"SERVICES","currency":"EUR","date":"2021-12-19T00:00:00+01:00","enrichments":{"date":"2021-12-19T00:00:00+01:00","display_label":"Telecom Co"},"id":"1","import_date":"2021-12-20T12:01:49+01:00","label":"Telecom Co","origin":"TRANSACTION","remittance_information":[],"status":"BOOKED","type":"DEBIT"}`
		for path, want := range map[string]string{
			"/transactions?account_ids=" + first.String():                                               `{"transactions":[` + transaction + `]}`,
			"/transactions?start_date=2021-12-19T00:00:00%2B01:00&end_date=2021-12-19T23:00:00%2B01:00": `{"transactions":[` + transaction + `]}`,
			"/transactions?start_date=2021-12-18T23:00:00Z&user_id=" + user.String():                    `{"transactions":[` + transaction + `]}`,
			"/transactions?start_date=2021-12-19T00:00:00+01:00":                                        `{"transactions":[` + transaction + `]}`,
			"/transactions?start_date=2021-12-19":                                                       `{"transactions":[` + transaction + `]}`,
			"/transactions?start_date=2022-01-01":                                                       `{"transactions":[]}`,
			"/transactions?limit=1&page=3":                                                              `{"transactions":[]}`,
			"/transactions?user_id=" + stranger.String():                                                `{"transactions":[]}`,
			"/accounts?user_id=" + stranger.String():                                                    `{"accounts":[]}`,
			"/connections?status=FAILED":                                                                `{"connections":[]}`,
		} {
			if got := short(string(get(path, token, nil).want(t, 200).body)); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", path, got, want)
			}
		}
		for path, parts := range map[string][]string{
			"/users/me":                     {`"creation_date":"20`},
			"/connections/" + c.ID.String(): {`"provider_logo_url":"https://static.example.test/87.png"`, `"creation_date":"2021-12-14T17:41:40+01:00"`, `"expires":"2022-03-14T17:41:40+01:00"`},
			"/accounts/" + first.String():   {`"balance":{"amount":{"amount":"1234.5","currency":"EUR"}}`, `"balance_date":"2021-12-14T17:41:50+01:00"`},
			"/connections":                  {`{"connections":[{`},
			"/accounts":                     {`{"accounts":[{`},
		} {
			body := string(get(path, token, nil).want(t, 200).body)
			for _, part := range parts {
				if !strings.Contains(body, part) || strings.Contains(body, `"logo_url"`) {
					t.Errorf("%s has no %s: %s", path, part, body)
				}
			}
		}
		// The client's own token names the user in the query or in the header.
		get("/accounts?user_id="+user.String(), own, nil).want(t, 200)
		get("/transactions", own, http.Header{"X-Linxo-User-Id": {user.String()}}).want(t, 200)
		get("/accounts", own, nil).wantError(t, 400, oxlin.CodeInvalidRequest, "x-linxo-user-id")
		get("/accounts", narrow, nil).wantError(t, 403, oxlin.CodeInsufficientScope, "scope")
		get("/accounts", "", nil).wantError(t, 401, oxlin.CodeInvalidToken, "")
		get("/transactions?start_date=soon", token, nil).wantError(t, 400, oxlin.CodeInvalidRequest, "start_date")
		get("/accounts/77", token, nil).wantError(t, 404, oxlin.CodeNotFound, "")
		for _, path := range []string{"/providers", "/users/1", "/accounts/1/2", "/", "/queues/1"} {
			get(path, token, nil).wantError(t, 404, oxlin.CodeNotFound, "")
		}
		for _, method := range []string{"POST", "DELETE", "PATCH"} {
			w.send(t, request{method: method, path: "/v3/accounts", token: token, tolerated: true}).wantError(t, 405, oxlin.CodeMethodNotAllowed, "")
		}
	})
}

// TestTheDocumentOfVersionThreeHolds checks real answers against it.
func TestTheDocumentOfVersionThreeHolds(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	c := w.connection(t, user)
	account := w.account(t, c)
	w.transactions(t, user, now, oxlin.Transaction{AccountID: account, Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction, Category: "SERVICES", Date: oxlin.NewDate(2026, 1, 1), Label: "x"})
	text := w.send(t, request{method: "GET", path: "/v3/openapi.json", tolerated: true}).want(t, 200).body
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if document.Paths.Len() != 6 {
		t.Errorf("%d paths", document.Paths.Len())
	}
	for path, item := range document.Paths.Map() {
		address := strings.NewReplacer("{connection_id}", c.ID.String(), "{account_id}", account.String()).Replace(path)
		body := w.send(t, request{method: "GET", path: "/v3" + address, token: token, tolerated: true}).want(t, 200).body
		var value any
		err := json.Unmarshal(body, &value)
		if err != nil {
			t.Fatal(err)
		}
		err = item.Get.Responses.Status(200).Value.Content["application/json"].Schema.Value.VisitJSON(value)
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
}
