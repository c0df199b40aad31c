package psd2_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// now is the time of every test: a Saturday, 11 o'clock in Paris.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

var sealKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// call is a call without the user.
var call = bank.Call{Access: bank.Access{Token: oxlin.NewSecret("the-token"), RefreshToken: oxlin.NewSecret("the-refresh-token")}}

// plain is the interface of a bank without signatures or other special rules.
func plain() psd2.Interface {
	return psd2.Interface{
		BaseURL: "https://bank.example/harbour/v1",
		OAuth: psd2.OAuth{
			AuthorizeURL: "https://bank.example/authorize?lang=fr", TokenURL: "https://bank.example/token",
			RevokeURL: "https://bank.example/revoke", ClientID: "PSDFR-ACPR-12345", ClientAuthentication: "none",
			Scopes: "accounts history", PKCE: true,
		},
		ConsentDays: 180, UnattendedPerDay: 4, IDs: bank.IDStable,
	}
}

// signed is plain, of a bank that wants signatures.
func signed() psd2.Interface {
	config := plain()
	config.Signing = &psd2.Signing{
		Algorithm: "rsa-sha256", Headers: []string{"(request-target)", "date", "digest", "call-id", "psu-ip-address"},
		KeyID: "https://oxlin.test/{client_id}/{fingerprint}.pem",
	}
	return config
}

// newClient makes the client of a bank that behind answers for, over HTTP.
func newClient(t testing.TB, config psd2.Interface, behind http.Handler) *psd2.Client {
	t.Helper()
	return newClientOver(t, config, banktest.Serve(t, behind))
}

// newClientOver makes a client that sends its requests through a transport.
func newClientOver(t testing.TB, config psd2.Interface, transport http.RoundTripper) *psd2.Client {
	t.Helper()
	deps := psd2.Deps{Transport: transport, Now: func() time.Time { return now }}
	if config.Signing != nil {
		key, err := sealKey()
		if err != nil {
			t.Fatal(err)
		}
		deps.Seal.Key = key
	}
	client, err := psd2.NewClient(config, dialect, deps)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// get requests the accounts, and reads the answer into a map.
func get(t testing.TB, client *psd2.Client) (map[string]any, error) {
	t.Helper()
	var body map[string]any
	err := client.Send(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, &body)
	return body, err
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wantKind fails the test unless err is a failure of this kind.
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
