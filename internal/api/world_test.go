package api_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/widget"
)

// now is the moment at which every test happens.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// The clients of every test.
var (
	licensed   = oxlin.Client{ID: "licensed", Name: "Licensed", Licensed: true, RedirectURIs: []string{"https://app.example.test/back", "https://app.example.test/back?own=1&x=a%20b", "app.example:/back"}}
	unlicensed = oxlin.Client{ID: "unlicensed", Name: "Unlicensed", RedirectURIs: licensed.RedirectURIs}
)

// world is an API on a real database beside the widget, with a bank that says yes.
type world struct {
	*platformtest.World
	tokens *tokens
	bank   *yesBank // unless another catalogue is used
	api    *api.API
}

// eachWorld runs a test on both databases.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		test(t, newWorld(t, db, func(*api.Options) {}))
	})
}

// oneWorld runs a test that does not depend on the database.
func oneWorld(t testing.TB, adjust func(*api.Options)) *world {
	t.Helper()
	db, _ := storetest.SQLite(t)
	return newWorld(t, db, adjust)
}

func newWorld(t testing.TB, db *store.DB, adjust func(*api.Options)) *world {
	t.Helper()
	bank := &yesBank{}
	w := openDoors(t, platformtest.New(t, db, platformtest.Options{Now: now, Catalogue: catalogue{bank}, PublicURL: publicURL}), adjust)
	w.bank = bank
	return w
}

const publicURL = "https://oxlin.example.test"

// openDoors puts an API and the widget before a platform: banks send users back to the
// widget, wherever they were sent to the bank from.
func openDoors(t testing.TB, platform *platformtest.World, adjust func(*api.Options)) *world {
	t.Helper()
	w := &world{World: platform, tokens: &tokens{db: platform.DB, grants: map[string]auth.Grant{}}}
	options := api.Options{Auth: w.tokens, Users: w.Users, Service: w.Service, Now: w.Clock.Now, Log: w.Log.Logger()}
	adjust(&options)
	var err error
	w.api, err = api.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w.api.Register(w.Mux)
	widget.New(widget.Options{
		DB: w.DB, Auth: w.tokens, Users: w.Users, Service: w.Service, Vault: w.Vault, PublicURL: publicURL, Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	}).Register(w.Mux)
	w.SaveClients(licensed, unlicensed)
	return w
}

// tokens stands for the authorization server: a test defines the grant of each token.
type tokens struct {
	db     *store.DB
	mutex  sync.Mutex
	grants map[string]auth.Grant
}

func (s *tokens) Authenticate(ctx context.Context, bearer oxlin.Secret) (auth.Grant, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	grant, ok := s.grants[bearer.Reveal()]
	if !ok {
		return auth.Grant{}, oxlin.Errorf(oxlin.CodeInvalidToken, "The access token is unknown or expired.")
	}
	if grant.UserID == 0 {
		return grant, nil
	}
	var err error
	grant.User, err = s.db.Read().User(ctx, grant.UserID)
	if oxlin.IsNotFound(err) {
		err = nil
	}
	return grant, err
}

func (s *tokens) VerifyRefresh(ctx context.Context, _ oxlin.ClientID, refresh oxlin.Secret) (auth.Grant, error) {
	return s.Authenticate(ctx, refresh)
}

func (s *tokens) SetPassword(context.Context, oxlin.Caller, oxlin.Secret, oxlin.Secret) error {
	return nil
}

func (s *tokens) EndSignIns(context.Context, oxlin.Caller) error { return nil }

func (s *tokens) AuthenticateClient(ctx context.Context, id oxlin.ClientID, _ oxlin.Secret) (oxlin.Client, error) {
	return s.db.Read().Client(ctx, id)
}

func (s *tokens) FamilyAlive(context.Context, string) (until time.Time, alive bool, err error) {
	return now.AddDate(0, 0, 90), true, nil
}

// give makes a token.
func (s *tokens) give(client oxlin.Client, user oxlin.UserID, scopes ...oxlin.Scope) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	token := rand.Text()
	s.grants[token] = auth.Grant{Client: client, UserID: user, Scopes: scopes}
	return token
}

// everything lists the scopes that a user's token may have.
var everything = oxlin.UserScopes()

// user makes a user who has accepted the terms, and a token that may do everything.
func (w *world) user(t *testing.T, client oxlin.Client) (oxlin.UserID, string) {
	t.Helper()
	id := w.NewUser(client, platformtest.AcceptTerms)
	return id, w.tokens.give(client, id, everything...)
}

// The catalogue of every test: the test bank (contract §4.4), one that asks
// for nothing, and one abroad that is EMBEDDED only, in two ways.
type catalogue struct{ bank *yesBank }

var providers = []oxlin.Provider{
	{
		ID: "119", Name: "Société d'Épargne", BaseURL: "https://www.epargne.example", CountryCode: "FRA",
		ChannelDefinitions: []oxlin.ChannelDefinition{
			{ID: "redirect1", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCreditCard}},
			{ID: "embedded1", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}},
		},
	},
	{
		ID: "87", Name: "Linxo Test Bank", BaseURL: "https://wwws.linxo.com", LogoURL: "https://static.example.test/87.png", CountryCode: "FRA",
		ChannelDefinitions: []oxlin.ChannelDefinition{
			{ID: "8701", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCreditCard}},
			{
				ID: "8700", Mode: oxlin.ModeEmbedded, Interactive: true,
				AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCreditCard, oxlin.AccountSavings, oxlin.AccountLoan},
				Credentials: []oxlin.CredentialDefinition{
					{ID: "300", Label: "User ID", Regexp: ".+", Type: oxlin.CredentialText},
					{ID: "301", Label: "Password", Regexp: ".+", Type: oxlin.CredentialPassword, Encrypt: true},
					{ID: "302", Label: "Accounts file location", Regexp: ".*", Type: oxlin.CredentialText},
				},
			},
		},
	},
	{
		ID: "182", Name: "Demo Bank", CountryCode: "BEL",
		ChannelDefinitions: []oxlin.ChannelDefinition{
			{
				ID: "17650", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings},
				Credentials: []oxlin.CredentialDefinition{{ID: "10001", Label: "Identifiant", Regexp: ".+", Type: oxlin.CredentialText}},
			},
			{
				ID: "17651", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings},
				Credentials: []oxlin.CredentialDefinition{{ID: "10002", Label: "Code", Regexp: "[0-9]{6}", Type: oxlin.CredentialNumericPassword}},
			},
		},
	},
}

func (catalogue) Providers() []oxlin.Provider { return providers }

func (catalogue) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	i := slices.IndexFunc(providers, func(p oxlin.Provider) bool { return p.ID == id })
	if i < 0 {
		return oxlin.Provider{}, false
	}
	return providers[i], true
}

func (c catalogue) Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return c.bank, nil
}

// yesBank accepts every user who returns with the code "yes". It has no data: other
// tests cover synchronisation.
type yesBank struct {
	bank.Connector
	// psu is the user of the last exchange's synchronisation.
	journey bank.Journey
}

func (b *yesBank) Profile() bank.Profile { return bank.Profile{UnattendedPerDay: 4} }

func (b *yesBank) Continue(_ context.Context, input bank.Input) (bank.Step, error) {
	if input.Event == bank.Begun {
		b.journey = input.Journey
		query := url.Values{"redirect_uri": {input.Journey.RedirectURI}, "state": {input.Journey.RedirectState}}
		return bank.Address{URL: "https://bank.example.test/authorize?" + query.Encode()}, nil
	}
	code, err := psd2.Code(input.Return)
	if err != nil {
		return nil, err
	}
	if code != "yes" {
		return nil, &bank.Failure{Kind: bank.Nonsense}
	}
	return bank.Access{Token: oxlin.NewSecret("t"), ConsentUntil: now.AddDate(0, 0, 90)}, nil
}

func (b *yesBank) Refresh(context.Context, bank.Access) (bank.Access, error) {
	return bank.Access{}, &bank.Failure{Kind: bank.Nonsense}
}

// request is one request of a test.
type request struct {
	method, path string
	token        string
	header       http.Header
	body         string
	// contentType is application/json where there is a body, unless a test says otherwise.
	contentType string
	// tolerated is true if the document describes the request only in prose (contract
	// §3), so that its schema would refuse it.
	tolerated bool
}

// answer is a response, checked against the document.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) json(t *testing.T) any {
	t.Helper()
	var v any
	err := json.Unmarshal(a.body, &v)
	if err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	object, ok := a.json(t).(map[string]any)
	if !ok {
		t.Fatalf("no object: %s", a.body)
	}
	return object
}

func (a answer) list(t *testing.T) []map[string]any {
	t.Helper()
	list := []map[string]any{}
	err := json.Unmarshal(a.body, &list)
	if err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return list
}

// ids returns the ids of a list, in order.
func (a answer) ids(t *testing.T) []string {
	t.Helper()
	ids := []string{}
	for _, entry := range a.list(t) {
		ids = append(ids, short(entry["id"].(string)))
	}
	return ids
}

// short removes what the ids of the database have in common, so that tables show "1" for
// the first account, connection or transaction.
func short(text string) string { return strings.ReplaceAll(text, "100000000", "") }

// long makes an id of what a table shows.
func long(id string) string { return "100000000" + id }

// want fails unless the answer has a status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	return a
}

// wantError fails unless the answer is an error with a code, about a field.
func (a answer) wantError(t *testing.T, status int, code oxlin.Code, field string) answer {
	t.Helper()
	a.want(t, status)
	object := a.object(t)
	if object["error"] != string(code) || object["error_description"] != string(code) {
		t.Errorf("error %v, description %v, want %s: %s", object["error"], object["error_description"], code, a.body)
	}
	if got, _ := object["field"].(string); got != field {
		t.Errorf("field %q, want %q: %s", got, field, a.body)
	}
	if object["request_id"] != a.Header.Get("X-Request-ID") || object["message"] == "" {
		t.Errorf("no request id or no message: %s", a.body)
	}
	return a
}

// send sends a request and checks it and its answer against openapi.yaml. It is
// the only way of tests to the API, so that none can forget it.
func (w *world) send(t *testing.T, q request) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, w.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range q.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.body != "" && q.contentType == "" {
		q.contentType = "application/json"
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{response, body}
	checkAgainstDocument(t, q, got)
	h := response.Header
	isFile := h.Get("Content-Disposition") == `attachment; filename="api.json"` && h.Get("Cache-Control") == "no-store" && h.Get("X-Content-Type-Options") == "nosniff"
	if h.Get("Content-Type") == "application/json" && !strings.Contains(q.path, "/openapi") && !isFile {
		t.Errorf("%s %s: a browser may keep or show the answer: %v", q.method, q.path, h)
	}
	return got
}

var described = sync.OnceValues(func() (routers.Router, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(text)
	if err != nil {
		return nil, err
	}
	err = document.Validate(loader.Context)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(document)
})

func checkAgainstDocument(t *testing.T, q request, got answer) {
	t.Helper()
	router, err := described()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	r := got.Request.Clone(context.Background())
	r.Body = io.NopCloser(strings.NewReader(q.body))
	r.URL.Host, r.URL.Scheme, r.Host = "", "", ""
	route, parameters, err := router.FindRoute(r)
	if err != nil {
		if !q.tolerated {
			t.Errorf("%s %s is not in the document: %v", q.method, q.path, err)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	}
	err = openapi3filter.ValidateRequest(context.Background(), input)
	switch {
	case err != nil && !q.tolerated && got.StatusCode < http.StatusBadRequest:
		t.Errorf("the document refuses the request %s %s, and the API does not: %v", q.method, q.path, err)
	case err == nil && q.tolerated:
		t.Errorf("%s %s is described by the document: it is no tolerance", q.method, q.path)
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: got.StatusCode, Header: got.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	output.SetBodyBytes(got.body)
	err = openapi3filter.ValidateResponse(context.Background(), output)
	if err != nil {
		t.Errorf("the document does not describe the answer to %s %s: %v\n%s", q.method, q.path, err, got.body)
	}
}
