package stet_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// usual are the data of a bank that does as the standard says, without signatures.
const usual = `{
	"version": "1.5", "base_url": "https://bank.example/psd2/v1",
	"oauth": {
		"authorize_url": "https://bank.example/authorize", "token_url": "https://bank.example/token",
		"client_id": "PSDFR-ACPR-1", "client_authentication": "none", "scopes": "aisp"
	},
	"consent_model": "full", "consent_days": 90, "unattended_per_day": 4, "history": {"days": 30, "date_format": "date"},
	"id_field": "entryReference", "ids": "STABLE"
}`

// sameID makes every request id one.
type sameID struct{}

func (sameID) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xab
	}
	return len(p), nil
}

const requestID = "abababab-abab-4bab-abab-abababababab"

// scripted returns the connector of a bank whose data are the usual ones with a change, as a
// provider file has them.
func scripted(t *testing.T, change string, behind http.Handler) *stet.Connector {
	t.Helper()
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	var data, changed map[string]any
	for text, into := range map[string]*map[string]any{usual: &data, "{" + change + "}": &changed} {
		err := json.Unmarshal([]byte(text), into)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	var report datafile.Report
	settings := stet.Driver().Read(merged(data, changed), oxlin.ChannelDefinition{}, report.Root())
	err = report.Err()
	if err != nil {
		t.Fatal(err)
	}
	connector, err := settings.Connect(psd2.Deps{
		Transport: banktest.Serve(t, behind), Seal: psd2.Seal{Key: key}, Now: func() time.Time { return now }, Rand: sameID{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector.(*stet.Connector)
}

// merged returns an object with the members of another one, object by object.
func merged(object, change map[string]any) map[string]any {
	all := maps.Clone(object)
	for name, value := range change {
		inner, ok := value.(map[string]any)
		before, had := all[name].(map[string]any)
		if ok && had {
			value = merged(before, inner)
		}
		all[name] = value
	}
	return all
}

// counter is a bank that writes down what it is asked, and grants everything.
type counter struct {
	t     *testing.T
	asked strings.Builder
	// signature is the last one.
	signature string
}

// signatures are the values of signatures in clear; they are written as SIGNATURE.
var signatures = regexp.MustCompile(`[A-Za-z0-9+/]{300,}={0,2}`)

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	fmt.Fprintf(&c.asked, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "User-Agent", "Accept-Encoding", "Content-Length":
		case "Signature":
			c.signature = signatures.FindString(r.Header.Get(name))
			fmt.Fprintf(&c.asked, "signature: %s\n", signatures.ReplaceAllString(r.Header.Get(name), "SIGNATURE"))
		default:
			fmt.Fprintf(&c.asked, "%s: %s\n", strings.ToLower(name), r.Header.Get(name))
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&c.asked, "%s\n", body)
	}
	answer := `{"accounts":[],"transactions":[],"balances":[]}`
	if strings.Contains(r.URL.Path, "token") {
		answer = `{"access_token":"at","refresh_token":"rt","expires_in":300}`
	}
	_, err = io.WriteString(w, answer)
	if err != nil {
		c.t.Error(err)
	}
}

func TestQuirksOfRequests(t *testing.T) {
	const (
		id       = "x-request-id: " + requestID + "\n"
		day      = "date: Sat, 21 Nov 2026 10:00:00 GMT\n"
		accept   = "accept: application/hal+json; charset=utf-8\n"
		bearer   = "authorization: Bearer at\n"
		read     = "GET /psd2/v1/accounts\n" + accept + bearer + day
		form     = "accept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + day + id
		rows     = "GET /psd2/v1/accounts/1/transactions"
		of       = "\n" + accept + bearer + day + id
		digest   = "digest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
		key      = `"algorithm":"rsa-sha256","key_id":"https://oxlin.test/{client_id}.pem"`
		named    = `keyId="https://oxlin.test/PSDFR-ACPR-1.pem",`
		listed   = `{"balances":[{"iban":"FR7612345678901234567890123"}],"psuIdentity":true,"transactions":[{"iban":"FR7612345678901234567890123"}],"trustedBeneficiaries":false`
		put      = "PUT /psd2/v1/consents\n" + accept + bearer + "content-type: application/json\n" + day + id
		exchange = "grant_type=authorization_code&code=a-code&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&client_id=PSDFR-ACPR-1\n"
		renewal  = "grant_type=refresh_token&refresh_token=rt&client_id=PSDFR-ACPR-1\n"
	)
	for _, test := range []struct {
		name, data, do, want string
		// signed are the lines that the signature covers; empty without one.
		signed string
	}{
		{"as the standard says", ``, "accounts", read + id, ""},
		{"exchange", ``, "exchange", "POST /token\n" + form + exchange, ""},
		{"renewal", ``, "refresh", "POST /token\n" + form + renewal, ""},
		{"consent", `"consent_model":"mixed"`, "consent", put + listed[:len(`{"balances":[{"iban":"FR7612345678901234567890123"}],`)] +
			`"owners":[{"iban":"FR7612345678901234567890123"}],` + listed[len(`{"balances":[{"iban":"FR7612345678901234567890123"}],`):] + "}\n", ""},
		{"consent of 1.4", `"version":"1.4","consent_model":"mixed"`, "consent", put + listed + "}\n", ""},
		{"consent with other members", `"version":"1.4","consent_model":"mixed","consent_body":{"trustedBeneficiaries":null,"overdrafts":[]}`, "consent",
			put + `{"balances":[{"iban":"FR7612345678901234567890123"}],"overdrafts":[],"psuIdentity":true,"transactions":[{"iban":"FR7612345678901234567890123"}]}` + "\n", ""},

		// Dates.
		{"a day", ``, "rows", rows + "?dateFrom=2026-10-22" + of, ""},
		{"an instant", `"history":{"date_format":"instant"}`, "rows", rows + "?dateFrom=2026-10-21T22%3A00%3A00Z" + of, ""},
		{"an instant as it is", `"history":{"date_format":"millis","unescaped":true}`, "rows", rows + "?dateFrom=2026-10-21T22:00:00.000Z" + of, ""},
		{"an instant of UTC's days", `"history":{"date_format":"millis","date_zone":"UTC"}`, "rows", rows + "?dateFrom=2026-10-22T00%3A00%3A00.000Z" + of, ""},
		{"an offset without a colon, as it is", `"history":{"date_format":"yyyy-MM-dd'T'HH:mm:ss.SSSxx","unescaped":true}`, "rows", rows + "?dateFrom=2026-10-22T00:00:00.000+0200" + of, ""},
		{"an offset", `"history":{"date_format":"offset_millis"}`, "rows", rows + "?dateFrom=2026-10-22T00%3A00%3A00.000%2B02%3A00" + of, ""},
		{"no zone", `"history":{"date_format":"local_millis"}`, "rows", rows + "?dateFrom=2026-10-22T00%3A00%3A00.000" + of, ""},
		{"no dates", `"history":{"date_format":"none"}`, "rows", rows + of, ""},
		{"both ends", `"history":{"date_to":true}`, "rows", rows + "?dateFrom=2026-10-22&dateTo=2026-11-22" + of, ""},
		{"other names and parameters", `"history":{"from":"entryFrom","to":"entryTo","date_to":true,"parameters":{"dateType":"BOOKING"}}`, "rows",
			rows + "?dateType=BOOKING&entryFrom=2026-10-22&entryTo=2026-11-22" + of, ""},

		// Headers.
		{"an own media type, on one operation", `"accept":"application/json","headers_on":{"transactions":{"Accept":"*/*","X-Channel":"web"}}`, "rows",
			rows + "?dateFrom=2026-10-22\naccept: */*\n" + bearer + day + "x-channel: web\n" + id, ""},
		{"own headers", `"headers":{"Client-Id":"{client_id}","X-Correlation-ID":"{uuid}","Date":""}`, "accounts",
			"GET /psd2/v1/accounts\n" + accept + bearer + "client-id: PSDFR-ACPR-1\nx-correlation-id: " + requestID + "\n" + id, ""},
		{"a date of Paris", `"date_zone":"Europe/Paris"`, "accounts", strings.Replace(read+id, "10:00:00 GMT", "11:00:00 CET", 1), ""},

		// Signatures.
		{"a signature", `"signing":{` + key + `,"headers":["(request-target)","date","digest","x-request-id","psu-ip-address"],"digest_on_get":true}`, "accounts",
			read + digest + "signature: " + named + `algorithm="rsa-sha256",headers="(request-target) date digest x-request-id",signature="SIGNATURE"` + "\n" + id,
			"(request-target): get /psd2/v1/accounts\ndate: Sat, 21 Nov 2026 10:00:00 GMT\ndigest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx-request-id: " + requestID},
		{"another order, spaced, below a gateway", `"signing":{` + key + `,"headers":["x-request-id","(request-target)"],"spaced":true,"target":"base","name":"RSA-SHA256"}`, "accounts",
			read + "signature: " + strings.Replace(named, ",", ", ", 1) + `algorithm="RSA-SHA256", headers="x-request-id (request-target)", signature="SIGNATURE"` + "\n" + id,
			"x-request-id: " + requestID + "\n(request-target): get /accounts"},
		{"a form of the bank's own", `"signing":{` + key + `,"headers":["digest"],"digest_on_get":true,"form":"Signature keyId={key_id}, headers=\"{headers}\", algorithm={algorithm}, signature=\"{signature}\""}`, "accounts",
			read + digest + `signature: Signature keyId=https://oxlin.test/PSDFR-ACPR-1.pem, headers="digest", algorithm=rsa-sha256, signature="SIGNATURE"` + "\n" + id,
			"digest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		{"a signature with its times", `"signing":{` + key + `,"headers":["(created)","(expires)"],"form":"created={created};expires={expires};{signature}"}`, "accounts",
			read + "signature: created=1795255200;expires=1795255500;SIGNATURE\n" + id, "(created): 1795255200\n(expires): 1795255500"},
		{"a token request that is signed", `"signing":{` + key + `,"headers":["host","digest"],"tokens":true}`, "refresh",
			"POST /token\naccept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + day + "digest: SHA-256=" + sumOf(strings.TrimSpace(renewal)) +
				"\nsignature: " + named + `algorithm="rsa-sha256",headers="host digest",signature="SIGNATURE"` + "\n" + id + renewal,
			"host: bank.example\ndigest: SHA-256=" + sumOf(strings.TrimSpace(renewal))},

		{"other headers on one operation", `"signing":{` + key + `,"headers":["x-request-id"],"headers_on":{"refresh":["host"],"accounts":["date"]}}`, "accounts",
			read + "signature: " + named + `algorithm="rsa-sha256",headers="date",signature="SIGNATURE"` + "\n" + id, "date: Sat, 21 Nov 2026 10:00:00 GMT"},
		{"other headers on a renewal alone", `"signing":{` + key + `,"headers":["x-request-id"],"headers_on":{"refresh":["host"]}}`, "refresh",
			"POST /token\naccept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + day + "digest: SHA-256=" + sumOf(strings.TrimSpace(renewal)) +
				"\nsignature: " + named + `algorithm="rsa-sha256",headers="host",signature="SIGNATURE"` + "\n" + id + renewal, "host: bank.example"},
		{"an exchange beside it", `"signing":{` + key + `,"headers":["x-request-id"],"headers_on":{"refresh":["host"]}}`, "exchange", "POST /token\n" + form + exchange, ""},
		{"an operation without a signature", `"signing":{` + key + `,"headers":["x-request-id"],"headers_on":{"accounts":[]}}`, "accounts", read + id, ""},

		// Tokens.
		{"JSON", `"oauth":{"body":"json","accept":"application/hal+json"}`, "refresh",
			"POST /token\naccept: application/hal+json\ncontent-type: application/json\n" + day + id + `{"grant_type":"refresh_token","refresh_token":"rt","client_id":"PSDFR-ACPR-1"}` + "\n", ""},
		{"Basic and nothing in the form", `"oauth":{"client_authentication":"basic","client_secret":"secret"}`, "refresh",
			"POST /token\naccept: application/json\nauthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("PSDFR-ACPR-1:secret")) +
				"\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + day + id + "grant_type=refresh_token&refresh_token=rt\n", ""},
		{"a scope with the exchange alone", `"oauth":{"on":{"exchange":{"fields":{"scope":"aisp"}}}}`, "exchange", "POST /token\n" + form + strings.TrimSpace(exchange) + "&scope=aisp\n", ""},
		{"a scope with both", `"oauth":{"scope_on_token":true}`, "refresh", "POST /token\n" + form + "grant_type=refresh_token&scope=aisp&refresh_token=rt&client_id=PSDFR-ACPR-1\n", ""},
		{"a renewal at another address, with a header", `"oauth":{"on":{"refresh":{"url":"https://bank.example/token/renew","headers":{"X-Version":"2"}}}}`, "refresh",
			"POST /token/renew\naccept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + day + id + "x-version: 2\n" + renewal, ""},
		{"PKCE", `"oauth":{"pkce":true}`, "exchange", "POST /token\n" + form +
			"grant_type=authorization_code&code=a-code&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&code_verifier=a-verifier&client_id=PSDFR-ACPR-1\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := &counter{t: t}
			visit(t, scripted(t, test.data, asked), test.do)
			got := strings.Split(asked.asked.String(), "\n")
			if found := diff.Diff(strings.Split(test.want, "\n"), got); found != "" {
				t.Errorf("(-want +got):\n%s", found)
			}
			wantSignature(t, asked.signature, test.signed)
		})
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// wantSignature verifies a signature of some lines; without lines there must be none.
func wantSignature(t *testing.T, signature, lines string) {
	t.Helper()
	if lines == "" {
		if signature != "" {
			t.Error("the request is signed")
		}
		return
	}
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(lines))
	err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], raw)
	if err != nil {
		t.Errorf("the signature is not that of\n%s", lines)
	}
}

// visit sends one request.
func visit(t *testing.T, connector *stet.Connector, what string) {
	t.Helper()
	access := bank.Access{Token: oxlin.NewSecret("at"), RefreshToken: oxlin.NewSecret("rt")}
	journey := bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier")}
	var err error
	switch what {
	case "exchange":
		_, err = banktest.Redeem(t.Context(), connector, "a-code", journey)
	case "refresh":
		_, err = connector.Refresh(t.Context(), access)
	case "accounts":
		_, err = connector.Accounts(t.Context(), bank.Call{Access: access}, "")
	case "rows":
		_, err = connector.Transactions(t.Context(), bank.Call{Access: access}, account, oxlin.Date{}, "")
	case "consent":
		err = connector.ForwardConsent(t.Context(), bank.Call{Access: access}, []bank.Account{{Address: "1", IBAN: "FR7612345678901234567890123"}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAddressOfALoginHasParametersOfTheBank(t *testing.T) {
	connector := scripted(t, `"oauth":{"parameters":{"scope":"","nonce":"{uuid}","prompt":"login"}}`, http.NotFoundHandler())
	address, err := banktest.Leave(t.Context(), connector, bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := "client_id=PSDFR-ACPR-1&nonce=" + requestID + "&prompt=login&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&response_type=code&state=a-state"
	if u.RawQuery != want {
		t.Errorf("the query is\n%s, want\n%s", u.RawQuery, want)
	}
}

func TestQuirksOfAnswers(t *testing.T) {
	const (
		list, rows, balances = "accounts", "rows", "balances"
		one                  = "10 EUR 2026-11-20 BOOKED a\n"
		both                 = one + "10 EUR 2026-11-19 BOOKED b\n"
	)
	first := "GET /psd2/v1/accounts/1/transactions?dateFrom=2026-10-22"
	a, b := booked("2026-11-20", "a"), booked("2026-11-19", "b")
	ask := func(target, body string) banktest.Exchange {
		return banktest.Exchange{Ask: "GET /psd2/v1" + target, Body: body}
	}
	linked := func(link, second string) []banktest.Exchange {
		return []banktest.Exchange{
			{Ask: first, Body: `{"transactions":[` + a + `],"_links":` + link + `}`},
			ask("/accounts/1/transactions"+second, `{"transactions":[`+b+`],"_links":{"self":{"href":""}}}`),
		}
	}
	alone := func(members string) []banktest.Exchange {
		return []banktest.Exchange{{Ask: first, Body: `{"transactions":[{` + members + `}]}`}}
	}
	const ten = `"transactionAmount":{"amount":"10.00","currency":"EUR"}`
	for _, test := range []struct {
		name, data, read string
		script           []banktest.Exchange
		want             string
	}{
		{"a next page", ``, rows, linked(`{"next":{"href":"/psd2/v1/accounts/1/transactions?page=2"}}`, "?page=2"), both},
		{"without a slash", ``, rows, linked(`{"next":{"href":"v1/accounts/1/transactions?page=2"}}`, "?page=2"), both},
		{"behind another host as a part of the path", ``, rows, linked(`{"next":{"href":"/psd2-api.bank.fr/dsp2/v1/accounts/1/transactions?page=2"}}`, "?page=2"), both},
		{"a text", ``, rows, linked(`{"next":"?page=2"}`, "?page=2"), both},
		{"a list of links", ``, rows, linked(`[{"rel":"self","href":"?page=1"},{"rel":"next","href":"?page=2"}]`, "?page=2"), both},
		{"a path below", ``, rows, linked(`{"next":{"href":"/psd2/v1/accounts/1/transactions/next/2"}}`, "/next/2"), both},
		{"templated without an address", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"transactions":[` + a + `],"_links":{"next":{"templated":true},"parentlist":{"href":"x"}}}`}}, one},
		{"no links", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"transactions":[` + a + `]}`}}, one},
		{"null for links", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"transactions":[` + a + `],"_links":null}`}}, one},
		{"the last page leads to itself", ``, rows, []banktest.Exchange{
			{Ask: first, Body: `{"transactions":[` + a + `],"_links":{"next":{"href":"?page=0"}}}`},
			ask("/accounts/1/transactions?page=0", `{"transactions":[`+a+`],"_links":{"next":{"href":"?page=0"}}}`),
		}, one},
		{"204", ``, rows, []banktest.Exchange{{Ask: first, Status: 204}}, ""},
		{"204 for the accounts", ``, list, []banktest.Exchange{{Ask: "GET /psd2/v1/accounts", Status: 204}}, ""},
		{"404 without accounts, by data", `"answers":[{"on":"accounts","status":404,"means":"empty"}]`, list,
			[]banktest.Exchange{{Ask: "GET /psd2/v1/accounts", Status: 404, Body: `{"message":"NAAC"}`}}, ""},
		{"403 for a long history, by data", `"history":{"days":30,"refreshed_days":9},"answers":[{"on":"transactions","status":403,"means":"short history"}]`, rows, []banktest.Exchange{
			{Ask: first, Status: 403}, ask("/accounts/1/transactions?dateFrom=2026-11-12", `{"transactions":[`+a+`]}`),
		}, one},

		{"a number as the amount", ``, rows, alone(`"transactionAmount":{"amount":-10.5,"currency":"EUR"},"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"2026-11-20T00:00:00.000+0100"`), "-10.5 EUR 2026-11-20 BOOKED \n"},
		{"an amount with a comma", ``, rows, alone(`"transactionAmount":{"amount":"10,50","currency":"EUR"},"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"2026-11-20"`), "-10.5 EUR 2026-11-20 BOOKED \n"},
		{"an amount without its currency", ``, rows, alone(`"transactionAmount":{"amount":"10"},"creditDebitIndicator":"CRDT","status":"BOOK","bookingDate":"2026-11-20"`), "10 EUR 2026-11-20 BOOKED \n"},
		{"a signed amount without an indicator", ``, rows, alone(`"transactionAmount":{"amount":"-10","currency":"EUR"},"status":"BOOK","bookingDate":"2026-11-20"`), "-10 EUR 2026-11-20 BOOKED \n"},
		{"no amount", ``, rows, alone(`"creditDebitIndicator":"CRDT","status":"BOOK","bookingDate":"2026-11-20"`), "unreadable row of 2026-11-20: amount\n"},
		{"no state", ``, rows, alone(ten + `,"creditDebitIndicator":"DBIT","bookingDate":"2026-11-20"`), "-10 EUR 2026-11-20 BOOKED \n"},
		{"no state, and expected", ``, rows, alone(ten + `,"creditDebitIndicator":"DBIT","bookingDate":null,"expectedBookingDate":"2026-11-24"`), "-10 EUR 2026-11-24 PENDING \n"},
		{"pending without a day", ``, rows, alone(ten + `,"creditDebitIndicator":"DBIT","status":"PDNG"`), "-10 EUR  PENDING \n"},
		{"OTHR for booked rows, by data", `"other_status":"BOOKED"`, rows, alone(ten + `,"creditDebitIndicator":"DBIT","status":"OTHR","bookingDate":"2026-11-20"`), "-10 EUR 2026-11-20 BOOKED \n"},
		{"nulls", ``, rows, alone(ten + `,"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"2026-11-20","valueDate":null,"remittanceInformation":null,"relatedParties":null,"bankTransactionCode":null,"entryReference":null`),
			"-10 EUR 2026-11-20 BOOKED \n"},
		{"rejected and informative rows", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"transactions":[` + strings.Replace(a, "BOOK", "RJCT", 1) + `,` + strings.Replace(a, "BOOK", "INFO", 1) + `,` + a + `]}`}}, one},

		{"several balances", ``, balances, []banktest.Exchange{ask("/accounts/1/balances", `{"balances":[
			{"balanceType":"XPCD","balanceAmount":{"amount":"3","currency":"EUR"}},{"balanceType":"CLBD","balanceAmount":{"amount":"-1.5","currency":"EUR"},"referenceDate":"2026-11-20"}]}`)},
			"3 EUR  EXPECTED\nshown -1.5 EUR 2026-11-20 BOOKED\n"},
		{"several balances, by data", `"balance_priority":["VALU","XPCD"]`, balances, []banktest.Exchange{ask("/accounts/1/balances", `{"balances":[
			{"balanceType":"CLBD","balanceAmount":{"amount":"1","currency":"EUR"}},{"balanceType":"VALU","balanceAmount":{"amount":2,"currency":"EUR"},"lastChangeDateTime":"2026-11-20T23:30:00Z"}]}`)},
			"1 EUR  BOOKED\nshown 2 EUR 2026-11-21 OTHER\n"},

		{"a card that names its account", ``, list, []banktest.Exchange{ask("/accounts", `{"accounts":[
			{"resourceId":"1","cashAccountType":"CACC","name":"A","accountId":{"iban":"FR7612345678901234567890123"}},
			{"resourceId":"2","cashAccountType":"CARD","name":"B","linkedAccount":"1","accountId":{"other":{"schemeName":"CPAN","identification":"4111111111111111"}}}]}`)},
			"1 CHECKINGS iban FR7612345678901234567890123\n2 CREDIT_CARD card ************1111 of 1\n"},
		{"an account that is no card, in other words", ``, list, []banktest.Exchange{ask("/accounts", `{"accounts":{"resourceId":7,"name":"A","accountId":null,"_links":null}}`)}, "7 CHECKINGS\n"},
		{"no list of accounts", ``, list, []banktest.Exchange{ask("/accounts", `{"status":500,"message":"oops"}`)}, "nonsense (HTTP 200)\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			connector := scripted(t, test.data, banktest.NewScript(t, test.script...))
			var got string
			switch test.read {
			case list:
				got = toldAccounts(t, connector)
			case rows:
				got = toldRows(t, connector)
			case balances:
				told, err := connector.Balances(t.Context(), call, account, "")
				got = toldBalances(told, err)
			}
			if found := diff.Diff(test.want, got); found != "" {
				t.Errorf("(-want +got):\n%s", found)
			}
		})
	}
}

// toldAccounts writes what a bank lists.
func toldAccounts(t *testing.T, connector *stet.Connector) string {
	t.Helper()
	var text bytes.Buffer
	for cursor := ""; ; {
		page, err := connector.Accounts(t.Context(), call, cursor)
		if err != nil {
			return text.String() + bank.AsFailure(err).Summary() + "\n"
		}
		for _, one := range page.Accounts {
			text.WriteString(one.Address + " " + string(one.Type))
			for _, word := range [][2]string{{"iban", one.IBAN}, {"card", one.MaskedNumber}, {"of", one.LinkedAddress}} {
				if word[1] != "" {
					text.WriteString(" " + word[0] + " " + word[1])
				}
			}
			text.WriteString("\n")
		}
		if cursor = page.Next; cursor == "" {
			return text.String()
		}
	}
}

// toldRows writes the rows of the account 1.
func toldRows(t *testing.T, connector *stet.Connector) string {
	t.Helper()
	var text bytes.Buffer
	for cursor := ""; ; {
		page, err := connector.Transactions(t.Context(), call, account, oxlin.Date{}, cursor)
		if err != nil {
			return text.String() + bank.AsFailure(err).Summary() + "\n"
		}
		for _, row := range page.Transactions {
			text.WriteString(strings.Join([]string{row.Amount.String(), row.Currency, row.Date().String(), string(row.Status), row.BankID}, " ") + "\n")
		}
		for _, unread := range page.Unreadable {
			text.WriteString("unreadable row of " + unread.Day.String() + ": " + string(unread.Reason) + "\n")
		}
		if page.Broken != "" {
			text.WriteString("broken: " + page.Broken + "\n")
		}
		if cursor = page.Next; cursor == "" {
			return text.String()
		}
	}
}

// toldBalances writes the balances of an account.
func toldBalances(told bank.Balances, err error) string {
	if err != nil {
		return bank.AsFailure(err).Summary() + "\n"
	}
	var text bytes.Buffer
	for _, balance := range told.All {
		if told.Shown != nil && *told.Shown == balance {
			text.WriteString("shown ")
		}
		text.WriteString(strings.Join([]string{balance.Amount.String(), balance.Currency, balance.Date.String(), string(balance.Type)}, " ") + "\n")
	}
	return text.String()
}
