package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// banks is how many banks the bench has. They differ in their address only. The first one can
// be made to hang.
const banks = 20

// bankCommand makes this program the banks.
const bankCommand = "banks"

// paperBank answers for all banks, with as little work as possible. What a customer has is
// written in the code and the tokens: "2x1000" has two accounts of a thousand rows. It speaks
// STET 1.5 and has no news, ever. The Linxo Test Bank would cost more than the platform that reads it,
// and has at most 20,000 rows an account.
type paperBank struct {
	address string
	today   time.Time
	hanging atomic.Bool
}

// history is the number of days over which the rows of an account are spread.
const history = 340

// pending is the number of the newest rows of each account that are never booked.
const pending = 2

func serveBanks() {
	b := &paperBank{today: time.Now().UTC().Truncate(24 * time.Hour)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /hang", func(_ http.ResponseWriter, r *http.Request) { b.hanging.Store(r.FormValue("on") == "true") })
	mux.HandleFunc("GET /{bank}/authorize", b.authorize)
	mux.HandleFunc("POST /{bank}/token", b.token)
	mux.HandleFunc("GET /{bank}/accounts", b.accounts)
	mux.HandleFunc("GET /{bank}/accounts/{account}/balances", b.balances)
	mux.HandleFunc("GET /{bank}/accounts/{account}/transactions", b.transactions)
	mux.HandleFunc("GET /{bank}/end-user-identity", b.identity)
	mux.HandleFunc("PUT /{bank}/consents", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	serveAs("banks", func(address string) http.Handler {
		b.address = address
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for b.hanging.Load() && strings.HasPrefix(r.URL.Path, "/bank0/") {
				select {
				case <-r.Context().Done():
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
			mux.ServeHTTP(w, r)
		})
	})
}

// authorize lets everybody in at once.
func (b *paperBank) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back := url.Values{"code": {query.Get("holding")}, "state": {query.Get("state")}}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (b *paperBank) token(w http.ResponseWriter, r *http.Request) {
	holding := r.FormValue("code") + r.FormValue("refresh_token")
	reply(w, map[string]any{"access_token": holding, "refresh_token": holding, "token_type": "Bearer", "expires_in": 3600, "scope": "aisp"})
}

// holding reads what the customer of a request has.
func holding(r *http.Request) (accounts, rows int) {
	_, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer %dx%d", &accounts, &rows)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return accounts, rows
}

type link struct {
	Href string `json:"href"`
}

func (b *paperBank) accounts(w http.ResponseWriter, r *http.Request) {
	type account map[string]any
	list, base := []account{}, b.address+"/"+r.PathValue("bank")+"/accounts"
	accounts, _ := holding(r)
	for n := range accounts {
		id := strconv.Itoa(n)
		list = append(list, account{
			"resourceId": id, "accountId": map[string]any{"other": map[string]string{"identification": "BENCH" + id, "schemeName": "BANK"}, "currency": "EUR"},
			"name": "COMPTE " + id, "cashAccountType": "CACC", "usage": "PRIV", "psuStatus": "Account Holder",
			"_links": map[string]link{"balances": {base + "/" + id + "/balances"}, "transactions": {base + "/" + id + "/transactions"}},
		})
	}
	reply(w, map[string]any{"accounts": list, "_links": map[string]link{
		"self": {base}, "endUserIdentity": {b.address + "/" + r.PathValue("bank") + "/end-user-identity"},
	}})
}

func (b *paperBank) identity(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{"identity": map[string]string{"fullName": "MARIE BENCH"}, "_links": map[string]link{}})
}

func (b *paperBank) balances(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{"balances": []any{map[string]any{
		"name": "Solde", "balanceAmount": map[string]any{"amount": json.Number("1234.56"), "currency": "EUR"}, "balanceType": "CLBD",
		"referenceDate": b.today.Format(time.RFC3339),
	}}, "_links": map[string]link{}})
}

// transactions gives a page, newest first. The text of a row is written by hand, because
// encoding/json would take as much time as the platform.
func (b *paperBank) transactions(w http.ResponseWriter, r *http.Request) {
	_, rows := holding(r)
	size := 100
	if rows > 10_000 {
		size = 1000
	}
	query := r.URL.Query()
	// The rows before the first day that is asked for are the last ones.
	if from, err := time.Parse(time.RFC3339, query.Get("dateFrom")); err == nil {
		days := int(b.today.Sub(from)/(24*time.Hour)) + 1
		rows = min(rows, max(0, days)*rows/history)
	}
	page, _ := strconv.Atoi(query.Get("page"))
	first := page * size
	w.Header().Set("Content-Type", "application/hal+json")
	_, all := holding(r)
	text := []byte(`{"transactions":[`)
	for n := first; n < min(first+size, rows); n++ {
		if n > first {
			text = append(text, ',')
		}
		day, status := b.today.AddDate(0, 0, -n*history/all).Format(time.RFC3339), "BOOK"
		if n < pending {
			status = "PDNG"
		}
		text = fmt.Appendf(text, `{"resourceId":"r%d","entryReference":"r%d","transactionAmount":{"amount":%d.%d%d,"currency":"EUR"},"creditDebitIndicator":"DBIT",`+
			`"status":%q,"bookingDate":%q,"valueDate":%q,"transactionDate":%q,"bankTransactionCode":{"domain":"PMNT","family":"CCRD","subFamily":"POSD"},`+
			`"remittanceInformation":{"unstructured":["CB MAGASIN %d PARIS 15"]}}`, n, n, 1+n%97, n%10, 1+n%9, status, day, day, day, n)
	}
	text = append(text, `],"_links":{`...)
	if first+size < rows {
		query.Set("page", strconv.Itoa(page+1))
		text = fmt.Appendf(text, `"next":{"href":%q}`, b.address+r.URL.Path+"?"+query.Encode())
	}
	_, _ = w.Write(append(text, `}}`...))
}

func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/hal+json")
	_ = json.NewEncoder(w).Encode(answer)
}

// paperFile is the provider file of one of the banks. Its quota is large enough for every experiment that
// reads the same accounts without their user.
const paperFile = `{
  "id": "%[1]d", "name": "Bench bank %[1]d", "country_code": "FRA",
  "channel_definitions": [{
    "id": "%[1]d01", "mode": "REDIRECT", "account_types": ["CHECKINGS", "CREDIT_CARD"], "connector": "stet",
    "config": {
      "version": "1.5", "base_url": "%[2]s",
      "oauth": {"authorize_url": "%[2]s/authorize", "token_url": "%[2]s/token", "client_id": "bench", "client_authentication": "none", "scopes": "aisp"},
      "consent_model": "full", "consent_days": 90, "unattended_per_day": 24,
      "history": {"days": 365, "refreshed_days": 89, "date_format": "instant"},
      "id_field": "entryReference", "ids": "STABLE", "balance_priority": ["CLBD"]
    }
  }]
}`

// providerOf is the id of the provider of a bank.
func providerOf(bank int) int { return 9000 + bank }

// writePaperBanks writes the provider files of the banks at an address.
func writePaperBanks(directory, address string) error {
	err := os.Mkdir(directory, 0o700)
	if err != nil {
		return err
	}
	for bank := range banks {
		text := fmt.Sprintf(paperFile, providerOf(bank), fmt.Sprintf("%s/bank%d", address, bank))
		err := os.WriteFile(filepath.Join(directory, fmt.Sprintf("bank%d.json", bank)), []byte(text), 0o600)
		if err != nil {
			return err
		}
	}
	return nil
}
