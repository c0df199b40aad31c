package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/oauth2"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/client"
)

// elsewhere lists the operations of the document whose methods have shorter names, or
// that another operation's method serves.
var elsewhere = map[string]string{
	"getConnectionsUsingGET": "GetConnections", "getConnectionByIdUsingGET": "GetConnection",
	"createAuthorizeUrl": "CreateAuthorizeURL", "createAuthorizeUrlByChannel": "CreateAuthorizeURL",
	"putUser": "ChangeUser", "putAccount": "ChangeAccount", "putConnection": "ChangeConnection",
}

func TestEveryOperationHasAMethod(t *testing.T) {
	text, err := os.ReadFile("../internal/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	methods := reflect.TypeFor[*client.Client]()
	for path, item := range document.Paths.Map() {
		for verb, operation := range item.Operations() {
			name, named := elsewhere[operation.OperationID]
			if !named {
				name = strings.ToUpper(operation.OperationID[:1]) + operation.OperationID[1:]
			}
			_, found := methods.MethodByName(name)
			if !found {
				t.Errorf("%s %s has no method %s: generate the client again", verb, path, name)
			}
		}
	}
}

// TestValuesOfTomorrow: a client reads enumeration values that it does not know yet.
func TestValuesOfTomorrow(t *testing.T) {
	body := map[string]string{
		"/v2.1/connections/1": `{"id":"1","provider_id":"87","name":"Bank","status":"HALTED","creation_date":1,"auto_sync":true,"consent_per_account":false,"user_id":"1","logo_url":"","owner":{"name":"JO DOE"},
			"channels":[{"channel_definition_id":"8701","mode":"CARRIER_PIGEON","status":"TIRED","account_types":["PURSE"],"channel_definition_unavailable":false}]}`,
		"/v2.1/accounts/1": `{"id":"1","name":"x","account_number":"1","creation_date":1,"currency":"EUR","status":"MOVED","type":"PURSE","usage":"SECRET","credit_card":{"debit_type":"NEVER"}}`,
		"/v2.1/transactions/1": `{"id":"1","currency":"EUR","origin":"DREAM","label":"x","account_id":"1","amount":-1,"type":"GIFT","category_id":"X","date":1,"import_date":1,
			"status":"LOST","remittance_information":[]}`,
		"/v2.1/queues/1": `[{"id":"1","event_type":"X","event_status":"X","resource_type":"ACCOUNT","creation_date":1}]`,
	}
	api := clientOf(t, func(request *http.Request) (int, http.Header, string) { return 200, nil, body[request.URL.Path] })
	connection, err := api.GetConnection(t.Context(), client.GetConnectionParams{ConnectionID: "1"})
	if err != nil || connection.Status != "HALTED" || connection.Channels[0].Mode != "CARRIER_PIGEON" || connection.Channels[0].Status != "TIRED" {
		t.Errorf("a connection: %+v, %v", connection, err)
	}
	account, err := api.GetAccount(t.Context(), client.GetAccountParams{AccountID: "1"})
	if err != nil || account.Status != "MOVED" || account.Type != "PURSE" || account.Usage.Value != "SECRET" {
		t.Errorf("an account: %+v, %v", account, err)
	}
	transaction, err := api.GetTransaction(t.Context(), client.GetTransactionParams{TransactionID: "1"})
	if err != nil || transaction.Type != "GIFT" || transaction.Status != "LOST" || transaction.Origin != "DREAM" {
		t.Errorf("a transaction: %+v, %v", transaction, err)
	}
	events, err := api.PollQueue(t.Context(), client.PollQueueParams{QueueID: "1"})
	if err != nil || len(events) != 1 || events[0].ResourceType != "ACCOUNT" {
		t.Errorf("events: %+v, %v", events, err)
	}
}

// answers is a platform in memory, whose time limits need not elapse.
type answers func(*http.Request) (status int, header http.Header, body string)

func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	status, header, body := a(request)
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: request}, nil
}

func clientOf(t *testing.T, platform answers) *client.Client {
	t.Helper()
	tokens := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	api, err := client.New("http://platform.test", tokens, client.WithHTTP(&http.Client{Transport: platform}))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestAnAddressOfNoPlatformIsRefused(t *testing.T) {
	for address, good := range map[string]bool{
		"https://platform.test": true, "https://platform.test/": true, "http://127.0.0.1:8080": true,
		"": false, "not a url": false, "platform.test": false, "platform.test:443": false, "/v2.1": false, "https://": false, "ftp://platform.test": false, "https://%": false,
	} {
		_, err := client.New(address, oauth2.StaticTokenSource(&oauth2.Token{}))
		if (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func connection(status string) string {
	return `{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"` + status +
		`","creation_date":1639500100,"auto_sync":true,"logo_url":"","channels":[],"owner":{},"consent_per_account":false,"user_id":"1"}`
}

func TestWaitingPausesLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var looks []time.Duration
		api := clientOf(t, func(*http.Request) (int, http.Header, string) {
			looks = append(looks, time.Since(begun))
			if len(looks) == 6 {
				return 200, nil, connection("PARTIAL_SUCCESS")
			}
			return 200, nil, connection("RUNNING")
		})
		found, err := api.WaitForConnection(t.Context(), "1", 2*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if found.Status != client.ConnectionStatusPARTIALSUCCESS {
			t.Errorf("the connection is %s", found.Status)
		}
		want := []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second, 22 * time.Second, 30 * time.Second}
		if !reflect.DeepEqual(looks, want) {
			t.Errorf("it looked after %v, want %v", looks, want)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		api := clientOf(t, func(*http.Request) (int, http.Header, string) { return 200, nil, connection("RUNNING") })
		_, err := api.WaitForConnection(ctx, "1", 2*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting ended with %v", err)
		}
	})
}

func TestErrorsSayWhatThereIsToSay(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   client.Error
		text   string
	}{
		{
			"of the platform", 400, nil, `{"error":"invalid_request","error_description":"invalid_request","message":"No.","field":"limit","request_id":"R1"}`,
			client.Error{Code: oxlin.CodeInvalidRequest, Field: "limit", Message: "No.", RequestID: "R1"},
			"GET /v2.1/connections/1: HTTP 400 invalid_request (limit): No. [request R1]",
		},
		{
			"with a time to wait", 429, http.Header{"Retry-After": {"60"}}, `{"error":"quota_exhausted","message":"Tomorrow."}`,
			client.Error{Code: oxlin.CodeQuotaExhausted, Message: "Tomorrow.", RetryAfter: time.Minute},
			"GET /v2.1/connections/1: HTTP 429 quota_exhausted: Tomorrow.",
		},
		{
			"of the terms", 401, nil, `{"error":"ACCEPT_TERMS_AND_CONDITIONS_REQUIRED","error_description":"ACCEPT_TERMS_AND_CONDITIONS_REQUIRED"}`,
			client.Error{Code: oxlin.CodeTermsRequired, Message: "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED"},
			"GET /v2.1/connections/1: HTTP 401 ACCEPT_TERMS_AND_CONDITIONS_REQUIRED: ACCEPT_TERMS_AND_CONDITIONS_REQUIRED",
		},
		{
			"of a proxy", 502, http.Header{"Content-Type": {"text/html"}}, "<h1>Bad gateway</h1>",
			client.Error{}, "GET /v2.1/connections/1: HTTP 502",
		},
		{
			"of a proxy that speaks JSON", 503, http.Header{"X-Request-Id": {"R2"}, "Retry-After": {"soon"}}, `[]`,
			client.Error{RequestID: "R2"}, "GET /v2.1/connections/1: HTTP 503",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			api := clientOf(t, func(*http.Request) (int, http.Header, string) { return row.status, row.header, row.body })
			_, err := api.GetConnection(t.Context(), client.GetConnectionParams{ConnectionID: "1"})
			refused := wantError(t, err, row.status, row.want.Code)
			row.want.Request, row.want.Status, row.want.Body = "GET /v2.1/connections/1", row.status, row.body
			if *refused != row.want {
				t.Errorf("the error is %#v, want %#v", *refused, row.want)
			}
			if refused.Error() != row.text {
				t.Errorf("the error says %q, want %q", refused, row.text)
			}
		})
	}
}

// TestForeignAnswersAreErrors sends arbitrary answers; the client returns errors and
// never panics.
func TestForeignAnswersAreErrors(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		status := rapid.IntRange(200, 599).Draw(r, "status")
		body := rapid.String().Draw(r, "body")
		api := clientOf(t, func(*http.Request) (int, http.Header, string) { return status, nil, body })
		_, err := api.GetConnection(context.Background(), client.GetConnectionParams{ConnectionID: "1"})
		if err == nil {
			r.Fatalf("HTTP %d with %q is taken for a connection", status, body)
		}
	})
}

func TestSecretsAreEncryptedForAKeyOnly(t *testing.T) {
	_, err := (&client.Key{PublicKey: "no key"}).Encrypt("secret")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("encryption without a key gives %v", err)
	}
}

// rewritten replaces a part of an answer.
func rewritten(response *http.Response, old, with string) (*http.Response, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(old), []byte(with))
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return response, nil
}
