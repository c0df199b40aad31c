package openbanking_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// village is a bank with one customer. It lists two accounts on two pages, and rows of a year.
type village struct {
	t    testing.TB
	mu   sync.Mutex
	seen []*http.Request
	// consents counts those that were made.
	consents int
}

const (
	villagePath  = "/open-banking/v4.0/aisp"
	villageToken = "a-token"
)

func (v *village) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.Host == "keys.example" {
		writeKeys(v.t, w)
		return
	}
	if r.URL.Path != "/token" {
		v.seen = append(v.seen, r)
	}
	status, body := v.answer(r)
	w.WriteHeader(status)
	_, err := w.Write([]byte(body))
	if err != nil {
		v.t.Error(err)
	}
}

func (v *village) answer(r *http.Request) (status int, body string) {
	path := strings.TrimPrefix(r.URL.Path, villagePath)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case path == "/token":
		return v.token(r)
	case strings.HasPrefix(path, "/account-access-consents"):
		if token != "own" {
			return http.StatusUnauthorized, `{"Errors":[{"ErrorCode":"UK.OBIE.Field.Invalid"}]}`
		}
		if r.Method == http.MethodDelete {
			return http.StatusNoContent, ""
		}
		v.consents++
		return http.StatusCreated, fmt.Sprintf(`{"Data":{"ConsentId":"c-%d","Status":"AWAU"}}`, v.consents)
	case token != villageToken:
		return http.StatusUnauthorized, `{"Errors":[{"ErrorCode":"UK.OBIE.Field.Invalid"}]}`
	case path == "/accounts" && r.URL.Query().Get("page") == "":
		return http.StatusOK, `{"Data":{"Account":[{"AccountId":"a1","Currency":"GBP","AccountCategory":"Personal","AccountTypeCode":"CACC","Nickname":"Current",
			"Account":[{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"20167330023156"}]}]},"Links":{"Next":"https://` + r.Host + r.URL.Path + `?page=2"}}`
	case path == "/accounts":
		return http.StatusOK, list("Account", `{"AccountId":"a2","Currency":"GBP","AccountTypeCode":"SVGS","Account":[{"SchemeName":"IBAN","Identification":"GB33DABA56037150203998"}]}`)
	case strings.HasSuffix(path, "/balances"):
		return http.StatusOK, list("Balance", `{"Type":"ITBD","CreditDebitIndicator":"Credit","DateTime":"2026-06-20T10:00:00Z","Amount":{"Amount":"10.00","Currency":"GBP"}}`)
	case strings.HasSuffix(path, "/transactions"):
		return http.StatusOK, rowsOf(path, r.URL.Query())
	case strings.HasSuffix(path, "/party"):
		return http.StatusOK, `{"Data":{"Party":{"Name":"Ann"}}}`
	}
	return http.StatusNotFound, `{"Errors":[{"ErrorCode":"U011"}]}`
}

// rowsOf returns a page of ten rows of an account; there are three.
func rowsOf(path string, query url.Values) string {
	const pages, perPage = 3, 10
	page, account := 1, strings.Split(path, "/")[2]
	_, _ = fmt.Sscan(query.Get("page"), &page)
	var rows []string
	for i := range perPage {
		n := (page-1)*perPage + i
		day := oxlin.NewDate(2026, 6, 20).AddDays(-n)
		rows = append(rows, fmt.Sprintf(`{"TransactionId":"%d","CreditDebitIndicator":"Debit","Status":"BOOK","BookingDateTime":"%sT12:00:00Z",
			"TransactionInformation":"TEA %d of %s","Amount":{"Amount":"%d.50","Currency":"GBP"}}`, n, day, n, account, n+1))
	}
	next := ""
	if page < pages {
		next = fmt.Sprintf(`"Next":"%s?page=%d"`, path, page+1)
	}
	return `{"Data":{"Transaction":[` + strings.Join(rows, ",") + `]},"Links":{` + next + `}}`
}

func (v *village) token(r *http.Request) (status int, body string) {
	err := r.ParseForm()
	if err != nil {
		v.t.Error(err)
	}
	switch {
	case r.Form.Get("client_id") != "a-client":
		return http.StatusUnauthorized, `{"error":"invalid_client"}`
	case r.Form.Get("grant_type") == "client_credentials":
		return http.StatusOK, `{"access_token":"own","expires_in":300}`
	case r.Form.Get("grant_type") == "authorization_code" && r.Form.Get("code") == "a-code":
		return http.StatusOK, `{"access_token":"` + villageToken + `","expires_in":300,"refresh_token":"a-refresh-token"}`
	}
	return http.StatusBadRequest, `{"error":"invalid_grant"}`
}

// requests returns the requests to the interface since the last call.
func (v *village) requests() []*http.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.seen
	v.seen = nil
	return seen
}

// user comes back from the bank with a code and the ID token that the address asked for.
func user(t *testing.T, step bank.Step) bank.Input {
	t.Helper()
	address, ok := step.(bank.Address)
	if !ok {
		t.Fatalf("the user gets a %T", step)
	}
	u, err := url.Parse(address.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	var state struct {
		State string `json:"state"`
	}
	err = json.Unmarshal([]byte(address.State.Reveal()), &state)
	if err != nil || state.State != query.Get("state") {
		t.Errorf("the state of the step holds %q, the address %q", state.State, query.Get("state"))
	}
	token := signToken(t, idToken("https://bank.example", "a-client", query.Get("nonce"), "a-code", query.Get("state"), summer))
	return bank.Input{Event: bank.Returned, Return: bank.Return{
		Fragment: url.Values{"code": {"a-code"}, "state": {query.Get("state")}, "id_token": {token}},
	}}
}

func TestTheConnectorKeepsThePromisesOfAll(t *testing.T) {
	v := &village{t: t}
	standard := banktest.NewStandard(t, "4.0")
	transport := banktest.Serve(t, standard.Check(villagePath, v))
	config := plain()
	config.Version, config.BaseURL, config.Owner = "4.0", "https://bank.example"+villagePath, "party"
	banktest.Exercise(t, banktest.Subject{
		New: func() bank.Connector {
			connector, err := openbanking.New(config, psd2.Deps{Transport: transport, Now: func() time.Time { return summer }, Seal: psd2.Seal{Key: newKey(t)}})
			if err != nil {
				t.Fatal(err)
			}
			return connector
		},
		Call:  bank.Call{Access: bank.Access{Token: oxlin.NewSecret(villageToken)}, PSU: &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}},
		Lost:  bank.Call{Access: bank.Access{Token: oxlin.NewSecret("no-such-token")}},
		From:  oxlin.NewDate(2026, 1, 1),
		Seen:  v.requests,
		Enter: user, PSUAddress: "x-fapi-customer-ip-address",
	})
}

func TestAccountsUnderOtherAddressesAreTheSame(t *testing.T) {
	config := plain()
	config.BaseURL, config.AccountIDs = "https://bank.example"+villagePath, bank.IDPerConsent
	behind := banktest.NewReaddressed(&village{t: t}, "AccountId")
	connector, err := openbanking.New(config, psd2.Deps{
		Transport: banktest.Serve(t, behind), Now: func() time.Time { return summer }, Seal: psd2.Seal{Key: newKey(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	banktest.ExerciseIdentities(t, banktest.Subject{
		New:  func() bank.Connector { return connector },
		Call: bank.Call{Access: bank.Access{Token: oxlin.NewSecret(villageToken)}},
		From: oxlin.NewDate(2026, 1, 1),
	}, behind.Renew)
}
