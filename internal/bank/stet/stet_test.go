package stet_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// now is the time of every test: a Saturday, 11 o'clock in Paris.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

var sealKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// plain is a bank without special rules.
func plain() stet.Config {
	return stet.Config{
		Version: "1.5",
		Interface: psd2.Interface{
			BaseURL: "https://bank.example/psd2/v1",
			OAuth: psd2.OAuth{
				AuthorizeURL: "https://bank.example/authorize?lang=fr", TokenURL: "https://bank.example/token",
				RevokeURL: "https://bank.example/revoke", ClientID: "PSDFR-ACPR-12345", ClientAuthentication: "none",
				Scopes: "aisp extended_transaction_history", PKCE: true,
			},
			Signing: &psd2.Signing{
				Algorithm: "rsa-sha256", Headers: []string{"(request-target)", "date", "digest", "x-request-id", "psu-ip-address"},
				KeyID: "https://oxlin.test/{client_id}/{fingerprint}.pem", DigestOnGet: true,
			},
			ConsentDays: 180, UnattendedPerDay: 4, IDs: bank.IDStable,
		},
		ConsentModel: "full", IDField: "entryReference",
		History: stet.History{History: psd2.History{Days: 365}, DateFormat: "instant"},
	}
}

// connect returns a connector to a bank that behind answers for, over HTTP, and checks
// every request against the standard.
func connect(t testing.TB, config stet.Config, behind http.Handler) *stet.Connector {
	t.Helper()
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	standard := banktest.NewStandard(t, config.Version)
	connector, err := stet.New(config, psd2.Deps{
		Transport: banktest.Serve(t, standard.Check("/psd2/v1", behind)),
		Seal:      psd2.Seal{Key: key},
		Now:       func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

// answers returns a connector whose bank answers with the bodies, in order.
func answers(t testing.TB, config stet.Config, bodies ...string) *stet.Connector {
	t.Helper()
	var exchanges []banktest.Exchange
	for _, body := range bodies {
		exchanges = append(exchanges, banktest.Exchange{Body: body})
	}
	return connect(t, config, banktest.NewScript(t, exchanges...))
}

var (
	call    = bank.Call{Access: bank.Access{Token: oxlin.NewSecret("the-token"), RefreshToken: oxlin.NewSecret("the-refresh-token")}}
	account = bank.AccountRef{Address: "1", Type: oxlin.AccountCheckings, Currency: "EUR"}
	card    = bank.AccountRef{Address: "1", Type: oxlin.AccountCreditCard, Currency: "EUR"}
	spring  = oxlin.NewDate(2026, 3, 1)
)

// transactions reads all pages from spring on.
func transactions(t testing.TB, connector *stet.Connector, account bank.AccountRef) ([]bank.Transaction, error) {
	t.Helper()
	var all []bank.Transaction
	for cursor := ""; ; {
		page, err := connector.Transactions(t.Context(), call, account, spring, cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Transactions...)
		if page.Next == "" {
			return all, nil
		}
		cursor = page.Next
	}
}

// page writes an answer with rows and a link to the next page.
func page(next string, rows ...string) string {
	return `{"transactions":[` + strings.Join(rows, ",") + `],"_links":{"next":{"href":"` + next + `"}}}`
}

// booked writes a row of ten euros on a day.
func booked(day, reference string) string {
	return `{"entryReference":"` + reference + `","transactionAmount":{"amount":"10.00","currency":"EUR"},
		"creditDebitIndicator":"CRDT","status":"BOOK","bookingDate":"` + day + `"}`
}

func wantKind(t testing.TB, err error, kind bank.FailureKind) *bank.Failure {
	t.Helper()
	if err == nil {
		t.Fatalf("no failure, want %s", kind)
	}
	failure := bank.AsFailure(err)
	if failure.Kind != kind {
		t.Errorf("failure is %v, want %s", failure, kind)
	}
	return failure
}

// connectUnchecked is connect for requests that the standard does not allow.
func connectUnchecked(t testing.TB, config stet.Config, behind http.Handler) *stet.Connector {
	t.Helper()
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	connector, err := stet.New(config, psd2.Deps{
		Transport: banktest.Serve(t, behind), Seal: psd2.Seal{Key: key}, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}
