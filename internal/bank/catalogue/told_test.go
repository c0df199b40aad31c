package catalogue_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// teller is a bank that answers each path with one body, 204 without one, and notes what it is asked for.
type teller struct {
	mu      sync.Mutex
	answers map[string]string
	asked   []string
}

func (b *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	w.Header().Set("Content-Type", "application/json")
	body := b.answers[path]
	switch {
	case path == "/token":
		body = `{"access_token":"T","refresh_token":"R"}`
	case body == "" && strings.HasSuffix(path, "/transactions"):
		body = `{"transactions":[]}`
	}
	if r.Method == http.MethodGet {
		b.asked = append(b.asked, path)
	}
	if body == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = io.WriteString(w, body)
}

// take returns the paths that were asked for since the last time, sorted.
func (b *teller) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, " ")
}

// Balances that the list of accounts has told are not asked for again, if the bank's data name the list or the
// resource for them is empty. Balances that the bank does not tell are absent.
func TestBalancesOfTheListAreNotAskedForAgain(t *testing.T) {
	const head = `{"id":"7","name":"Seven","base_url":"https://seven.example","country_code":"FRA","channel_definitions":[{"id":"701","mode":"REDIRECT","account_types":["CHECKINGS"],`
	const oauth = `"oauth":{"authorize_url":"https://seven.example/a","token_url":"https://seven.example/v1/token","client_id":"us","client_authentication":"none","scopes":"aisp"},
		"consent_days":180,"unattended_per_day":4,"history":{"days":90HISTORY},"ids":"NONE"`
	stet := head + `"connector":"stet","config":{"version":"1.5","base_url":"https://seven.example/v1","consent_model":"full","id_field":"none",` + strings.Replace(oauth, "HISTORY", `,"date_format":"date"`, 1) + `MORE}}]}`
	berlin := head + `"connector":"berlingroup","config":{"base_url":"https://seven.example/v1","consent":{"none":true},"consent_header":"none",` + strings.Replace(oauth, "HISTORY", "", 1) + `MORE}}]}`
	account := func(balances string) string {
		return `{"resourceId":"1","iban":"FR7610907000301234567890125","accountId":{"iban":"FR7610907000301234567890125"},"name":"One","cashAccountType":"CACC","currency":"EUR"` + balances + `}`
	}
	const booked = `{"balanceType":"closingBooked","balanceAmount":{"amount":"12.50","currency":"EUR"}}`
	const closing = `{"balanceType":"CLBD","balanceAmount":{"amount":"12.50","currency":"EUR"}}`
	const rows = "/accounts/1/transactions"
	for _, test := range []struct {
		name, file, more string
		answers          map[string]string
		want             string // the requests of a synchronisation
		balance          string
	}{
		{"Berlin Group, in the list alone", berlin, `,"balances":{"from":"list"}`, map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":[`+booked+`]`) + `]}`}, "/accounts " + rows, "12.5"},
		{"Berlin Group, and the list has none", berlin, `,"balances":{"from":"list"}`, map[string]string{"/accounts": `{"accounts":[` + account("") + `]}`}, "/accounts " + rows, ""},
		{"Berlin Group, and the list has none that can be read", berlin, `,"balances":{"from":"list"}`, map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":"many"`) + `]}`}, "/accounts " + rows, ""},
		{
			"Berlin Group, with the details", berlin, `,"accounts":{"details":true},"balances":{"from":"details"}`,
			map[string]string{"/accounts": `{"accounts":[` + account("") + `]}`, "/accounts/1": `{"account":` + account(`,"balances":[`+booked+`]`) + `}`}, "/accounts /accounts/1 " + rows, "12.5",
		},
		{
			"Berlin Group, where the resource has none", berlin, "", map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":[`+booked+`]`) + `]}`, "/accounts/1/balances": `{"balances":[]}`},
			"/accounts /accounts/1/balances " + rows, "12.5",
		},
		{
			"Berlin Group, where the resource has others", berlin, "", map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":[`+booked+`]`) + `]}`, "/accounts/1/balances": `{"balances":[` + strings.Replace(booked, "12.50", "7", 1) + `]}`},
			"/accounts /accounts/1/balances " + rows, "7",
		},
		{"STET, in the list alone", stet, `,"balances":"list"`, map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":[`+closing+`]`) + `]}`}, "/accounts " + rows, "12.5"},
		{"STET, and the list has none", stet, `,"balances":"list"`, map[string]string{"/accounts": `{"accounts":[` + account("") + `]}`}, "/accounts " + rows, ""},
		{"STET, where the resource has none", stet, "", map[string]string{"/accounts": `{"accounts":[` + account(`,"balances":[`+closing+`]`) + `]}`}, "/accounts /accounts/1/balances " + rows, "12.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				behind := &teller{answers: test.answers}
				start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
				w := platformtest.New(t, db, platformtest.Options{Now: start, PublicURL: "https://oxlin.example", Catalogue: load(t, catalogue.Options{
					Extra: fstest.MapFS{"seven.json": {Data: []byte(strings.Replace(test.file, "MORE", test.more, 1))}}, Transport: banktest.Serve(t, behind), Now: func() time.Time { return start },
				})})
				caller := w.LicensedCaller()
				address, err := w.Service.Authorizations.Begin(t.Context(), caller, usecases.AuthorizeRequest{ProviderID: "7", DefinitionID: "701", ReturnURI: "https://client.example/return"})
				if err != nil {
					t.Fatal(err)
				}
				u, _ := url.Parse(address)
				result, err := w.Service.Authorizations.Finish(t.Context(), usecases.Callback{
					State: u.Query().Get("state"), PSU: caller.PSU, Query: url.Values{"code": {"c"}, "state": {u.Query().Get("state")}},
				})
				if err != nil || result.ConnectionID == 0 {
					t.Fatalf("%+v, %v", result, err)
				}
				w.Settle()
				identified := "/end-user-identity "
				first := strings.Replace(behind.take(), identified, "", 1)
				if diff := cmp.Diff(test.want, first); diff != "" {
					t.Errorf("the first time the bank is asked for (-want +got):\n%s", diff)
				}
				w.Clock.Advance(time.Hour)
				w.Synchronize(caller, result.ConnectionID)
				if diff := cmp.Diff(test.want, strings.Replace(behind.take(), identified, "", 1)); diff != "" {
					t.Errorf("the second time the bank is asked for (-want +got):\n%s", diff)
				}
				for _, account := range w.Accounts(caller.UserID) {
					balance := ""
					if account.Balance != nil {
						balance = account.Balance.String()
					}
					if balance != test.balance || account.Status != oxlin.AccountActive {
						t.Errorf("the account is %s with %q, want %q", account.Status, balance, test.balance)
					}
				}
			})
		})
	}
}
