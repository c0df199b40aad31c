package catalogue_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

// berlinVariables are the settings of an operator with which the stubs of Berlin Group banks
// were recorded. The player answers for every host.
var berlinVariables = map[string]string{
	"argenta_api_key": "TEST_API_KEY", "argenta_client_id": "TEST_CLIENT_ID",
	"raiffeisen_at_client_id": "API-7d6f204b-3219-4b63-b66e-5f7a0be1d067", "organization": "PSDNL-ABC-12345",
	"qonto_client_id": "THE-CLIENT-ID", "qonto_client_secret": "THE-CLIENT-SECRET",
	"atruvia_address": "https://atruvia.example",
	"qseal_url":       "https://test.qseal.certificate.com/5f:18:d2:93:04:36:f7:d3:8b:91:11:d8:85:ac:62:0c:06:e9:54:02.pem",
}

// berlinBank is a Berlin Group bank, replaced by its stubs.
type berlinBank struct {
	bank.Connector
	player *banktest.Player
}

// replayBerlin returns the connector that the catalogue makes for a provider's file, with a
// player of recorded stubs behind it.
func replayBerlin(t *testing.T, file string, provider oxlin.ProviderID, now time.Time, folders []string, replacements ...string) berlinBank {
	t.Helper()
	var paths []string
	for _, folder := range folders {
		paths = append(paths, banktest.Shared(t, 1, "bank-stubs", "berlingroup", folder))
	}
	player := banktest.NewPlayer(t, paths...)
	text, err := os.ReadFile(filepath.Join("data", "production", file))
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer(replacements...).Replace(string(text)))
	banks, err := catalogue.Load(catalogue.Options{
		Extra:        fstest.MapFS{file: {Data: text}},
		Variables:    berlinVariables,
		Certificates: certificateOfTheStubs(t),
		Transport:    banktest.Serve(t, player),
		Now:          func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	connector, err := banks.Connector(provider, oxlin.ChannelDefinitionID(provider+"01"))
	if err != nil {
		t.Fatal(err)
	}
	return berlinBank{connector, player}
}

// certificateOfTheStubs has the serial number and the issuer that the recordings of Atruvia
// name in their signatures.
func certificateOfTheStubs(t *testing.T) catalogue.Certificates {
	t.Helper()
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	var name pkix.RDNSequence
	for _, part := range []struct {
		attribute int
		value     string
	}{{6, "US"}, {8, "foo"}, {7, "foo"}, {10, "foo"}, {11, "foo"}, {3, "foo"}} {
		name = append(name, pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 5, 4, part.attribute}, Value: part.value}})
	}
	subject, err := asn1.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := new(big.Int).SetString("13299021239615735660", 10)
	template := &x509.Certificate{
		SerialNumber: serial, RawSubject: subject,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	return catalogue.Certificates{QWACFile: certFile, QWACKeyFile: keyFile, QSEALFile: certFile, QSEALKeyFile: keyFile}
}

// berlinCall is a call with a consent, and a token unless it is empty, while the user is
// present at an address.
func berlinCall(token, consent, address string) bank.Call {
	c := bank.Call{Access: bank.Access{Token: oxlin.NewSecret(token)}}
	if consent != "" {
		c.Access.State = oxlin.NewSecret(`{"consent_id":"` + consent + `"}`)
	}
	if address != "" {
		c.PSU = &oxlin.PSU{IP: address, UserAgent: "Firefox"}
	}
	return c
}

// story tells everything that a bank gives, line by line: each account, its balances, the
// one that is shown, and its rows.
func (b berlinBank) story(t *testing.T, call bank.Call, from oxlin.Date) (all []string) {
	t.Helper()
	for cursor := ""; ; {
		page, err := b.Accounts(t.Context(), call, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Unreadable) > 0 || page.Endless {
			t.Errorf("accounts: %+v", page)
		}
		for _, account := range page.Accounts {
			all = append(all, strings.TrimSpace(fmt.Sprintf("account %s %s %s %s", account.IBAN+account.MaskedNumber, account.Type, account.Currency, account.Name)))
			told, err := banktest.Balances(t.Context(), b, call, account.Ref())
			if err != nil || len(told.Unreadable) > 0 || told.Shown == nil {
				t.Fatalf("balances %+v, %v", told, err)
			}
			for _, balance := range told.All {
				all = append(all, strings.TrimSpace(fmt.Sprintf("balance %s %s %s %s", balance.Type, balance.Amount, balance.Currency, balance.Date)))
			}
			all = append(all, fmt.Sprintf("shown %s", told.Shown.Amount))
			all = append(all, b.rows(t, call, account.Ref(), from)...)
		}
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
}

// rows tells the rows of an account: status, amount, booking day, value day, and the other
// party.
func (b berlinBank) rows(t *testing.T, call bank.Call, account bank.AccountRef, from oxlin.Date) (all []string) {
	t.Helper()
	for cursor := ""; ; {
		page, err := b.Transactions(t.Context(), call, account, from, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Unreadable) > 0 || page.Broken != "" {
			t.Errorf("rows: %+v", page)
		}
		for _, row := range page.Transactions {
			all = append(all, fmt.Sprintf("%s %s %s %s", strings.ToLower(string(row.Status)), row.Date(), row.Amount, row.Currency))
			again, ok := b.Connector.(bank.Decoder).Decode(row.Raw, account)
			if diff := cmp.Diff(row, again.Transaction, cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })); !ok || diff != "" {
				t.Errorf("the stored record is read otherwise:\n%s", diff)
			}
		}
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
}

// wantStory compares a story with the truth in testdata, which people have read off the
// recordings. A line that begins with # is a comment.
func wantStory(t *testing.T, file string, got []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "berlingroup", file))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, line := range strings.Split(string(text), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			want = append(want, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func (b berlinBank) wantAllPlayed(t *testing.T, but ...string) {
	t.Helper()
	if t.Failed() {
		return
	}
	left := slices.DeleteFunc(b.player.Unplayed(), func(file string) bool { return slices.Contains(but, file) })
	if len(left) > 0 {
		t.Errorf("recorded, but never asked for: %v", left)
	}
}

// berlinRecordings are the banks by their files, with what the recordings expect.
var berlinRecordings = []struct {
	file     string
	provider oxlin.ProviderID
	folder   string
	now      time.Time
	from     oxlin.Date
	call     bank.Call
	// replacements change addresses that differ from the recorded ones.
	replacements []string
	// but are files of the way in and out, or explained.
	but []string
}{
	{
		"consorsbank.json", "2101", "consorsbank/happy-flow", time.Date(2019, 3, 1, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2019, 1, 1),
		berlinCall("", "123", "TEST_PSU_IP_ADDRESS"), nil, []string{"initiate-consent.json", "delete-consent.json"},
	},
	{
		// The account's details were asked for with another consent, of the list alone.
		"1822direkt.json", "2102", "1822direkt/happy-flow", time.Date(2020, 7, 1, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2020, 5, 1),
		berlinCall("", "12345", "12.34.56.78"), nil,
		[]string{"account-1.json", "initiate-consent.json", "delete-consent.json", "get-consent.json", "get-consent-status.json"},
	},
	{
		"atruvia.json", "2103", "atruvia/happy-flow", time.Date(2017, 11, 1, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2017, 9, 1),
		berlinCall("", "1234-wertiq-983", "127.0.0.1"), nil, []string{
			"post-authorisation-for-consent-embedded-step-2.json", "post-consent-embedded-step-1.json",
			"put-challenge-data-authorisation-for-consent-step-4.json", "put-select-authorisation-for-consent-embedded-step-3a_sms.json",
			"put-select-authorisation-for-consent-embedded-step-3b_push.json",
			"put-select-authorisation-for-consent-embedded-step-3c_chip_nochallenge.json",
			"put-select-authorisation-for-consent-embedded-step-3d_chip_challenge.json",
			"put-select-authorisation-for-consent-embedded-step-3e_photo.json",
		},
	},
	{
		"sparkassen.json", "2110", "sparkassen/happy-flow", time.Date(2021, 1, 19, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2020, 10, 25),
		berlinCall("SOME_ACCESS_TOKEN", "SOME_CONSENT_ID", "127.0.0.1"), []string{"/fixs2aop-env/xs2a-api", ""},
		[]string{"access-token.json", "refresh-token.json", "get-sca-oauth-links.json", "initiate-consent.json"},
	},
	{
		"argenta.json", "2201", "argenta/happy-flow", time.Date(2021, 1, 19, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2020, 12, 31),
		berlinCall("TEST_ACCESS_TOKEN", "TEST_CONSENT_ID", "192.168.0.1"), nil,
		[]string{"access-token.json", "refresh-token.json", "initiate-consent.json", "delete-consent.json"},
	},
	{
		"kbc.json", "2202", "kbc/happy_flow", time.Date(2020, 3, 1, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2020, 1, 1),
		berlinCall("test-access-token", "test-consent-id", "123.45.67.89"), nil,
		[]string{"access-token.json", "refresh-token.json", "create-consent.json"},
	},
	{
		"raiffeisen-at.json", "2301", "raiffeisenat/happy-flow", time.Date(2022, 7, 6, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2022, 1, 1),
		berlinCall("THE-CLIENT-ACCESS-TOKEN", "8edfea3a-a660-11eb-bcbc-0242ac130002", "127.0.0.1"),
		[]string{"/api/psd2-xs2a/rest/v1", "/v1", `"days": 89`, `"days": 365`},
		[]string{"post-consent.json", "post-register.json", "post-token.json", "get-consent.json", "delete-consent.json"},
	},
	{
		"qonto.json", "2401", "qonto/happy-flow", time.Date(2022, 8, 1, 10, 0, 0, 0, time.UTC), oxlin.NewDate(2022, 1, 1),
		berlinCall("AWESOME-ACCESS-TOKEN", "", "127.0.0.1"), nil, []string{"post-access-token.json", "post-refresh-token.json"},
	},
}

func TestBerlinGroupBanksAreReadAsRecorded(t *testing.T) {
	for _, recording := range berlinRecordings {
		t.Run(recording.file, func(t *testing.T) {
			b := replayBerlin(t, recording.file, recording.provider, recording.now, []string{recording.folder}, recording.replacements...)
			story := b.story(t, recording.call, recording.from)
			wantStory(t, strings.TrimSuffix(recording.file, ".json")+".txt", story)
			b.wantAllPlayed(t, recording.but...)
		})
	}
}

func TestBerlinGroupBanksRefuseAsRecorded(t *testing.T) {
	now := time.Date(2021, 1, 19, 10, 0, 0, 0, time.UTC)
	argenta := berlinCall("TEST_ACCESS_TOKEN", "TEST_CONSENT_ID", "192.168.0.1")
	direkt := berlinCall("", "12345", "12.34.56.78")
	kbc := berlinCall("test-access-token", "test-consent-id", "123.45.67.89")
	for _, test := range []struct {
		file     string
		provider oxlin.ProviderID
		folder   string
		call     bank.Call
		want     bank.FailureKind
		status   int
		code     string
		but      []string
	}{
		{"consorsbank.json", "2101", "consorsbank/accounts-403", berlinCall("", "http403", "TEST_PSU_IP_ADDRESS"), bank.AccessLost, 403, "", nil},
		{"consorsbank.json", "2101", "consorsbank/accounts-500", berlinCall("", "http500", "TEST_PSU_IP_ADDRESS"), bank.Unavailable, 500, "", nil},
		{
			"consorsbank.json", "2101", "consorsbank/accounts-consent-expired", berlinCall("", "consentExpired", "TEST_PSU_IP_ADDRESS"),
			bank.AccessLost, 401, "CONSENT_EXPIRED", nil,
		},
		{
			"consorsbank.json", "2101", "consorsbank/accounts-consent-revoked", berlinCall("", "consentRevoked", "TEST_PSU_IP_ADDRESS"),
			bank.AccessLost, 401, "CONSENT_INVALID", nil,
		},
		{"1822direkt.json", "2102", "1822direkt/accounts-401", direkt, bank.Refused, 401, "CERTIFICATE_INVALID", nil},
		{"1822direkt.json", "2102", "1822direkt/accounts-403", direkt, bank.AccessLost, 403, "CONSENT_UNKNOWN", nil},
		{"1822direkt.json", "2102", "1822direkt/accounts-500", direkt, bank.Unavailable, 500, "INTERNAL_SERVER_ERROR", nil},
		{"1822direkt.json", "2102", "1822direkt/balances-429", direkt, bank.RateLimited, 429, "ACCESS_EXCEEDED", []string{"account-1.json"}},
		{
			"atruvia.json", "2103", "atruvia/error-flow-400-invalid-consent", berlinCall("", "1234-wertiq-983", "127.0.0.1"),
			bank.AccessLost, 400, "CONSENT_UNKNOWN", nil,
		},
		{"argenta.json", "2201", "argenta/fetch-data-accounts-http400", argenta, bank.Refused, 400, "", nil},
		{"argenta.json", "2201", "argenta/fetch-data-accounts-http401", argenta, bank.AccessLost, 401, "", nil},
		{"argenta.json", "2201", "argenta/fetch-data-accounts-http403", argenta, bank.AccessLost, 403, "", nil},
		{"argenta.json", "2201", "argenta/fetch-data-accounts-http429", argenta, bank.RateLimited, 429, "", nil},
		{"argenta.json", "2201", "argenta/fetch-data-accounts-http500", argenta, bank.Unavailable, 500, "", nil},
		{"kbc.json", "2202", "kbc/accounts_401", kbc, bank.AccessLost, 401, "invalid token", []string{"access-token.json", "create-consent.json"}},
		{"kbc.json", "2202", "kbc/accounts_403", kbc, bank.AccessLost, 403, "FORBIDDEN", []string{"access-token.json", "create-consent.json"}},
		{"kbc.json", "2202", "kbc/accounts_500", kbc, bank.Unavailable, 500, "Internal Server Error", []string{"access-token.json", "create-consent.json"}},
	} {
		t.Run(test.folder, func(t *testing.T) {
			b := replayBerlin(t, test.file, test.provider, now, []string{test.folder})
			page, err := b.Accounts(t.Context(), test.call, "")
			if err == nil {
				_, err = b.Balances(t.Context(), test.call, page.Accounts[0].Ref(), "")
			}
			failure := wantKind(t, err, test.want, test.status)
			if failure.BankCode != test.code {
				t.Errorf("the bank's code is %q, want %q", failure.BankCode, test.code)
			}
			b.wantAllPlayed(t, test.but...)
		})
	}
}

// berlinWay is one way into a bank as it was recorded.
type berlinWay struct {
	b       berlinBank
	journey bank.Journey
	psu     *oxlin.PSU
	last    bank.Step
	kept    []oxlin.Secret
}

func (w *berlinWay) next(t *testing.T, input bank.Input) bank.Step {
	t.Helper()
	input.Journey, input.PSU = w.journey, w.psu
	if input.State.IsZero() && w.last != nil {
		input.State = banktest.StateOf(w.last)
	}
	input.Store = func(_ context.Context, state oxlin.Secret) error {
		w.kept = append(w.kept, state)
		return nil
	}
	step, err := w.b.Connector.(bank.Continuer).Continue(t.Context(), input)
	if err != nil {
		t.Fatalf("%s: %v", input.Event, err)
	}
	w.last = step
	return step
}

func (w *berlinWay) begin(t *testing.T) bank.Step {
	t.Helper()
	return w.next(t, bank.Input{Event: bank.Begun})
}

func (w *berlinWay) answer(t *testing.T, answers map[oxlin.CredentialID]string) bank.Step {
	t.Helper()
	secrets := map[oxlin.CredentialID]oxlin.Secret{}
	for id, answer := range answers {
		secrets[id] = oxlin.NewSecret(answer)
	}
	return w.next(t, bank.Input{Event: bank.Answered, Answers: secrets})
}

func (w *berlinWay) comeBack(t *testing.T, code string) bank.Access {
	t.Helper()
	query := url.Values{"state": {w.journey.RedirectState}}
	if code != "" {
		query.Set("code", code)
	}
	step := w.next(t, bank.Input{Event: bank.Returned, Return: bank.Return{Query: query}})
	access, ok := step.(bank.Access)
	if !ok {
		t.Fatalf("the return leads to %+v", step)
	}
	return access
}

// addressOf returns the address of a step without its query, and the query.
func addressOf(t *testing.T, step bank.Step) (string, url.Values) {
	t.Helper()
	address, ok := step.(bank.Address)
	if !ok {
		t.Fatalf("the step is %+v", step)
	}
	u, err := url.Parse(address.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	u.RawQuery = ""
	return u.String(), query
}

// challengesOf returns the ids of a question's challenges.
func challengesOf(t *testing.T, step bank.Step) (ids []string) {
	t.Helper()
	question, ok := step.(bank.Question)
	if !ok {
		t.Fatalf("the step is %+v", step)
	}
	for _, challenge := range question.Challenges {
		ids = append(ids, string(challenge.ID))
	}
	return ids
}

func newBerlinWay(t *testing.T, b berlinBank, redirect, state, ip string) *berlinWay {
	return &berlinWay{b: b, psu: &oxlin.PSU{IP: ip}, journey: bank.Journey{
		RedirectURI: redirect, RedirectState: state, Verifier: oxlin.NewSecret("yilZ1INlFf5MqX9Q2OuvrgVI0qp6qzhDdFRqy5wnbPI="),
	}}
}

// ownAddress is data of an operator whose bank wants the address of the server where no user
// is present.
const ownAddress = `"consent_days": 90, "headers_on": {"consent delete": {"PSU-IP-Address": "{{own_address}}"}},`

func TestConsorsbankIsEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "consorsbank.json", "2101", time.Date(2019, 3, 1, 10, 0, 0, 0, time.UTC), []string{"consorsbank/happy-flow"},
		`"consent_days": 90,`, strings.Replace(ownAddress, "{{own_address}}", "TEST_PSU_IP_ADDRESS", 1))
	w := newBerlinWay(t, b, "https://www.yolt.com/callback", "randomState", "TEST_PSU_IP_ADDRESS")
	page, query := addressOf(t, w.begin(t))
	if page != "https://b2b.dabbank.de/Zahlungsverkehr/Freigabe_Kontozugriff/index.xhtml" || query.Get("consent_id") != "123" {
		t.Errorf("the login is at %s?%s", page, query.Encode())
	}
	access := w.comeBack(t, "")
	if !access.Token.IsZero() || access.State.Reveal() != `{"consent_id":"123"}` || access.ConsentUntil.Format(time.DateOnly) != "2019-05-30" {
		t.Errorf("access is %s until %v", access.State.Reveal(), access.ConsentUntil)
	}
	err := b.Connector.(bank.Revoker).Revoke(t.Context(), access)
	if err != nil {
		t.Error(err)
	}
	_, err = b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	wantKind(t, err, bank.AccessLost, 0)
}

func Test1822direktIsEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "1822direkt.json", "2102", time.Date(2021, 8, 1, 10, 0, 0, 0, time.UTC), []string{"1822direkt/happy-flow"},
		`"consent_days": 90,`, strings.Replace(ownAddress, "{{own_address}}", "12.34.56.78", 1))
	w := newBerlinWay(t, b, "https://www.yolt.com/callback-test", "64ed3844-8733-41fc-968e-8e3a5bd75b80", "12.34.56.78")
	if asked := challengesOf(t, w.begin(t)); !slices.Equal(asked, []string{"iban"}) {
		t.Errorf("the user is asked for %v", asked)
	}
	page, _ := addressOf(t, w.answer(t, map[oxlin.CredentialID]string{"iban": "DE91 1000 0000 0123 4567 89"}))
	if page != "https://login.direkt1822.de/authorize/1234" {
		t.Errorf("the login is at %s", page)
	}
	// The recording goes on with another consent than the one that it made.
	state := oxlin.NewSecret(strings.ReplaceAll(banktest.StateOf(w.last).Reveal(), "TEST_CONSENT_ID", "12345"))
	access, ok := w.next(t, bank.Input{Event: bank.Returned, State: state}).(bank.Access)
	if !ok || access.State.Reveal() != `{"consent_id":"12345"}` {
		t.Errorf("access is %+v", access)
	}
	err := b.Connector.(bank.Revoker).Revoke(t.Context(), access)
	if err != nil {
		t.Error(err)
	}
	err = b.Connector.(bank.Discarder).Discard(t.Context(), state)
	if err != nil {
		t.Error(err)
	}
	whole := replayBerlin(t, "1822direkt.json", "2102", time.Date(2021, 8, 1, 10, 0, 0, 0, time.UTC), []string{"1822direkt/happy-flow"},
		`"ask": [`, `"check": "consent", "ask": [`)
	w.b = whole
	if _, ok := w.next(t, bank.Input{Event: bank.Returned, State: state}).(bank.Access); !ok {
		t.Error("the whole consent gives no access")
	}
}

func TestArgentaIsEnteredAsRecorded(t *testing.T) {
	now := time.Date(2021, 1, 19, 10, 0, 0, 0, time.UTC)
	b := replayBerlin(t, "argenta.json", "2201", now, []string{"argenta/happy-flow"},
		`"consent_days": 90,`, strings.Replace(ownAddress, "{{own_address}}", "192.168.0.1", 1))
	w := newBerlinWay(t, b, "https://www.yolt.com/callback", "some-state", "192.168.0.1")
	page, query := addressOf(t, w.begin(t))
	if page != "https://login.payments.argenta.be/psd2/v1/berlingroup-auth/authorize" || query.Get("scope") != "AIS:TEST_CONSENT_ID" || query.Get("state") != "some-state" {
		t.Errorf("the login is at %s?%s", page, query.Encode())
	}
	access := w.comeBack(t, "TEST_AUTHORIZATION_CODE")
	if access.Token.Reveal() != "TEST_ACCESS_TOKEN" || access.TokenUntil != now.Add(599*time.Second) {
		t.Errorf("access is %+v", access)
	}
	renewed, err := b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	if err != nil || renewed.Token.Reveal() != "TEST_REFRESHED_ACCESS_TOKEN" || renewed.State != access.State || renewed.RefreshToken != access.RefreshToken {
		t.Errorf("renewed access is %+v, %v", renewed, err)
	}
	err = b.Connector.(bank.Revoker).Revoke(t.Context(), access)
	if err != nil {
		t.Error(err)
	}
	late := replayBerlin(t, "argenta.json", "2201", now, []string{"argenta/refresh-access-means-expired-refresh-token"})
	_, err = late.Connector.(bank.Refresher).Refresh(t.Context(), access)
	wantKind(t, err, bank.AccessLost, 400)
	wrong := replayBerlin(t, "argenta.json", "2201", now, []string{"argenta/create-access-means-invalid-authorization-code"})
	_, err = wrong.Connector.(bank.Continuer).Continue(t.Context(), bank.Input{
		Event: bank.Returned, Journey: w.journey, State: oxlin.NewSecret(`{"stage":"oauth","consent_id":"TEST_CONSENT_ID"}`),
		Return: bank.Return{Query: url.Values{"code": {"invalid_code"}}},
	})
	wantKind(t, err, bank.Refused, 400)
}

func TestKBCIsEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "kbc.json", "2202", time.Date(2020, 3, 1, 10, 0, 0, 0, time.UTC), []string{"kbc/happy_flow"})
	w := newBerlinWay(t, b, "https://yolt.com/callback-acc", "some-state", "123.45.67.89")
	w.journey.Verifier = oxlin.NewSecret("test-code-verifier")
	w.journey.Credentials = map[oxlin.CredentialID]oxlin.Secret{"iban": oxlin.NewSecret("BE16690375703426")}
	page, query := addressOf(t, w.begin(t))
	if page != "https://idp.kbc.com/ASK/oauth/authorize/1" || query.Get("scope") != "AIS:test-consent-id" {
		t.Errorf("the login is at %s?%s", page, query.Encode())
	}
	access := w.comeBack(t, "test-code")
	renewed, err := b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	if err != nil || renewed.Token.Reveal() != "test-access-token-refreshed" {
		t.Errorf("renewed access is %+v, %v", renewed, err)
	}
}

func TestRaiffeisenInAustriaIsEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "raiffeisen-at.json", "2301", time.Date(2022, 6, 26, 10, 0, 0, 0, time.UTC), []string{"raiffeisenat/happy-flow"},
		"/api/psd2-xs2a/rest/v1", "/v1", "/as/token.oauth2", "/token",
		`"consent_days": 90,`, strings.Replace(ownAddress, "{{own_address}}", "127.0.0.1", 1))
	w := newBerlinWay(t, b, "https://yolt.com/callback", "0fa8b824-fb95-11ec-b939-0242ac120002", "127.0.0.1")
	page, _ := addressOf(t, w.begin(t))
	if page != "https://sandbox.raiffeisen.at/psd2-sandbox-ui/sandbox-ui/" {
		t.Errorf("the login is at %s", page)
	}
	access := w.comeBack(t, "")
	// The bank has shortened the consent: it ends with the 27th of June.
	if access.Token.Reveal() != "THE-CLIENT-ACCESS-TOKEN" || !access.ConsentUntil.Equal(time.Date(2022, 6, 27, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("access is %+v until %v", access, access.ConsentUntil)
	}
	renewed, err := b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	if err != nil || renewed.Token.Reveal() != "THE-CLIENT-ACCESS-TOKEN" || !renewed.ConsentUntil.Equal(access.ConsentUntil) {
		t.Errorf("renewed access is %+v, %v", renewed, err)
	}
	err = b.Connector.(bank.Revoker).Revoke(t.Context(), access)
	if err != nil {
		t.Error(err)
	}
}

func TestSparkassenAreEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "sparkassen.json", "2110", time.Date(2021, 1, 19, 10, 0, 0, 0, time.UTC), []string{"sparkassen/happy-flow"},
		"{{organization}}", "PSDNL-ABC-12345", "/fixs2aop-env/xs2a-api", "")
	w := newBerlinWay(t, b, "https://www.yolt.com/callback", "some-state", "127.0.0.1")
	page, query := addressOf(t, w.begin(t))
	if page != "https://localhost:443/authorize" || query.Get("code_challenge_method") != "S256" || query.Get("scope") != "AIS:SOME_CONSENT_ID" {
		t.Errorf("the login is at %s?%s", page, query.Encode())
	}
	access := w.comeBack(t, "SOME_CODE")
	if access.TokenUntil.IsZero() {
		t.Errorf("access is %+v", access)
	}
	renewed, err := b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	if err != nil || renewed.RefreshToken != access.RefreshToken {
		t.Errorf("renewed access is %+v, %v", renewed, err)
	}
}

func TestQontoIsEnteredAsRecorded(t *testing.T) {
	b := replayBerlin(t, "qonto.json", "2401", time.Date(2022, 8, 1, 10, 0, 0, 0, time.UTC), []string{"qonto/happy-flow"})
	w := newBerlinWay(t, b, "https://yolt.com/callback", "some-state", "127.0.0.1")
	page, query := addressOf(t, w.begin(t))
	if page != "https://oauth.qonto.com/oauth2/auth" || query.Get("scope") != "organization.read offline_access" {
		t.Errorf("the login is at %s?%s", page, query.Encode())
	}
	access := w.comeBack(t, "AWASOME_CODE")
	renewed, err := b.Connector.(bank.Refresher).Refresh(t.Context(), access)
	if err != nil || renewed.RefreshToken.Reveal() != "SHINNY-NEW-REFRESH-TOKEN" {
		t.Errorf("renewed access is %+v, %v", renewed, err)
	}
}

func TestAtruviaIsEnteredAsRecorded(t *testing.T) {
	now := time.Date(2021, 12, 31, 10, 0, 0, 0, time.UTC)
	enter := func(t *testing.T, folder string) (*berlinWay, bank.Step) {
		w := newBerlinWay(t, replayBerlin(t, "atruvia.json", "2103", now, []string{folder}), "https://oxlin.test/back", "s", "127.0.0.1")
		if asked := challengesOf(t, w.begin(t)); !slices.Equal(asked, []string{"psu_id", "password"}) {
			t.Errorf("the user is asked for %v", asked)
		}
		step := w.answer(t, map[oxlin.CredentialID]string{"psu_id": "John", "password": "$secret"})
		for _, state := range append(w.kept, banktest.StateOf(step)) {
			if strings.Contains(state.Reveal(), "$secret") {
				t.Error("the state holds the password")
			}
		}
		return w, step
	}
	for number, shown := range map[string][]string{
		"1": {"message", "code"}, "2": {"message", "code"}, "4": {"message", "code"}, "5": {"message", "start_code", "code"},
		"6": {"message", "picture", "code"},
	} {
		t.Run("method "+number, func(t *testing.T) {
			w, step := enter(t, "atruvia/happy-flow")
			question := step.(bank.Question)
			if len(question.Challenges) != 1 || !strings.Contains(question.Challenges[0].Label, "2: SecureGo") || question.Challenges[0].Regexp != "1|2|3|4|5|6" {
				t.Errorf("the question is %+v", question.Challenges)
			}
			step = w.answer(t, map[oxlin.CredentialID]string{"method": number})
			if asked := challengesOf(t, step); !slices.Equal(asked, shown) {
				t.Errorf("the user sees %v, want %v", asked, shown)
			}
			if number == "6" && !strings.HasPrefix(step.(bank.Question).Challenges[1].Params["image"], "data:image/png;base64,iVBOR") {
				t.Error("the picture is no PNG")
			}
			access, ok := w.answer(t, map[oxlin.CredentialID]string{"code": "123456"}).(bank.Access)
			if !ok || access.State.Reveal() != `{"consent_id":"1234-wertiq-983"}` || access.ConsentUntil.Format(time.DateOnly) != "2022-03-31" {
				t.Errorf("access is %+v", w.last)
			}
		})
	}
	t.Run("without a choice", func(t *testing.T) {
		w, step := enter(t, "atruvia/happy-flow-no-sca-selection")
		if asked := challengesOf(t, step); !slices.Equal(asked, []string{"message", "code"}) {
			t.Errorf("the user sees %v", asked)
		}
		w.b.wantAllPlayed(t)
	})
}
