package banktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Pier is a bank of a made-up standard whose way in is data: the parts of a way that real
// standards have, in any order. Its bank answers over HTTP, and its connector knows nothing of it
// but its address.
type Pier struct {
	// Parts are the parts of the way in.
	Parts []PierPart
	// Picture is shown while the user approves in the app; empty for none.
	Picture string
	t       testing.TB
	server  *httptest.Server

	mutex    sync.Mutex
	consents map[string]string // by id: received, valid, rejected or deleted
	codes    map[string]bool
	down     bool
	losing   bool
}

// PierPart is a part of a way in.
type PierPart string

// The parts of a way in.
const (
	// PierBranch asks the user for a branch.
	PierBranch PierPart = "branch"
	// PierCode is a login at the bank that returns with a code.
	PierCode PierPart = "code"
	// PierFragment is one whose code comes in the fragment.
	PierFragment PierPart = "fragment"
	// PierConsent makes a consent, which the user approves on the bank's page; the bank
	// returns nothing.
	PierConsent PierPart = "consent"
	// PierApp makes a consent, which the user approves in an app.
	PierApp PierPart = "app"
)

// NewPier starts the bank. It ends with the test.
func NewPier(t testing.TB, parts ...PierPart) *Pier {
	t.Helper()
	p := &Pier{Parts: parts, t: t, consents: map[string]string{}, codes: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /consents", p.postConsent)
	mux.HandleFunc("GET /consents/{id}", p.getConsent)
	mux.HandleFunc("DELETE /consents/{id}", p.deleteConsent)
	mux.HandleFunc("POST /token", p.postToken)
	mux.HandleFunc("GET /login", p.getLogin)
	mux.HandleFunc("GET /accounts", p.getAccounts)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

// Decide lets the customer approve, or refuse, every consent that waits.
func (p *Pier) Decide(status string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for id, now := range p.consents {
		if now == "received" {
			p.consents[id] = status
		}
	}
}

// Fail lets the bank answer 503 to everything, or no longer.
func (p *Pier) Fail(down bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.down = down
}

// Lose lets the bank make consents whose answer is lost, or no longer.
func (p *Pier) Lose(losing bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.losing = losing
}

// Statuses counts the consents by their status.
func (p *Pier) Statuses() map[string]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	counted := map[string]int{}
	for _, status := range p.consents {
		counted[status]++
	}
	return counted
}

func (p *Pier) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	err := json.NewEncoder(w).Encode(body)
	if err != nil {
		p.t.Errorf("answering: %v", err)
	}
}

func (p *Pier) postConsent(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	id := r.Header.Get("X-Request-ID")
	if p.down || id == "" {
		p.answer(w, http.StatusServiceUnavailable, nil)
		return
	}
	p.consents[id] = "received"
	if p.losing {
		p.answer(w, http.StatusServiceUnavailable, nil)
		return
	}
	p.answer(w, http.StatusCreated, map[string]string{"consent": id})
}

func (p *Pier) getConsent(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	status, known := p.consents[r.PathValue("id")]
	switch {
	case p.down:
		p.answer(w, http.StatusServiceUnavailable, nil)
	case !known:
		p.answer(w, http.StatusNotFound, nil)
	default:
		p.answer(w, http.StatusOK, map[string]string{"status": status})
	}
}

func (p *Pier) deleteConsent(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.consents[r.PathValue("id")] == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	p.consents[r.PathValue("id")] = "deleted"
	w.WriteHeader(http.StatusNoContent)
}

func (p *Pier) postToken(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	code := r.FormValue("code")
	if !p.codes[code] {
		p.answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	delete(p.codes, code)
	p.answer(w, http.StatusOK, map[string]string{"token": "token-of-" + code})
}

// getLogin is the bank's page: the customer approves at once.
func (p *Pier) getLogin(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	query := r.URL.Query()
	back, err := url.Parse(query.Get("return"))
	if err != nil {
		p.t.Errorf("%s: %v", r.URL, err)
		return
	}
	given := url.Values{"state": {query.Get("state")}}
	switch id := query.Get("consent"); {
	case p.consents[id] == "received":
		p.consents[id] = "valid"
	default:
		code := fmt.Sprintf("code-%d", len(p.codes)+1)
		p.codes[code] = true
		given.Set("code", code)
	}
	if query.Get("answer") == "fragment" {
		http.Redirect(w, r, back.String()+"#"+given.Encode(), http.StatusFound)
		return
	}
	back.RawQuery = given.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Pier) getAccounts(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-of-") && p.consents[r.Header.Get("Consent-ID")] != "valid" {
		p.answer(w, http.StatusUnauthorized, nil)
		return
	}
	p.answer(w, http.StatusOK, []map[string]string{{"id": "1", "iban": "FR7630006000011234567890189"}})
}

// Connector returns a new connector of the bank.
func (p *Pier) Connector() bank.Connector {
	return pierConnector{parts: p.Parts, picture: p.Picture, base: p.server.URL}
}

type pierConnector struct {
	parts         []PierPart
	picture, base string
}

var (
	_ bank.Continuer = pierConnector{}
	_ bank.Discarder = pierConnector{}
	_ bank.Revoker   = pierConnector{}
)

// pierState holds the data that the connector keeps between two steps.
type pierState struct {
	// Part is the number of the part that is done next.
	Part    int    `json:"part"`
	Branch  string `json:"branch,omitempty"`
	Consent string `json:"consent,omitempty"`
	Token   string `json:"token,omitempty"`
}

func (s pierState) secret() oxlin.Secret {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts and numbers marshal
	}
	return oxlin.NewSecret(string(text))
}

// Continue takes the next part of the way, or ends the present one.
func (c pierConnector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	var state pierState
	if input.Event != bank.Begun {
		err := json.Unmarshal([]byte(input.State.Reveal()), &state)
		if err != nil || state.Part >= len(c.parts) {
			return nil, &bank.Failure{Kind: bank.Nonsense}
		}
		done, err := c.end(ctx, &state, input)
		if err != nil {
			return nil, err
		}
		if !done {
			return c.wait(state), nil
		}
		state.Part++
	}
	if state.Part == len(c.parts) {
		return bank.Access{Token: oxlin.NewSecret(state.Token), State: oxlin.NewSecret(state.Consent), ConsentUntil: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)}, nil
	}
	return c.start(ctx, state, input)
}

// start begins a part.
func (c pierConnector) start(ctx context.Context, state pierState, input bank.Input) (bank.Step, error) {
	login := url.Values{"return": {input.Journey.RedirectURI}, "state": {input.Journey.RedirectState}}
	switch part := c.parts[state.Part]; part {
	case PierBranch:
		return bank.Question{State: state.secret(), Challenges: []oxlin.Challenge{
			{CredentialDefinition: oxlin.CredentialDefinition{ID: "branch", Label: "Branch", Type: oxlin.CredentialNumeric, Regexp: "[0-9]{3}"}},
		}}, nil
	case PierCode:
		return bank.Address{URL: c.base + "/login?" + login.Encode(), State: state.secret()}, nil
	case PierFragment:
		login.Set("answer", "fragment")
		return bank.Address{URL: c.base + "/login?" + login.Encode(), State: state.secret(), Fragment: true}, nil
	default:
		state.Consent = "consent-" + rand.Text() + state.Branch
		err := input.Keep(ctx, state.secret())
		if err != nil {
			return nil, err
		}
		err = c.send(ctx, http.MethodPost, "/consents", map[string]string{"X-Request-ID": state.Consent}, nil, nil)
		if err != nil {
			return nil, err
		}
		if part == PierApp {
			return c.wait(state), nil
		}
		login.Set("consent", state.Consent)
		return bank.Address{URL: c.base + "/login?" + login.Encode(), State: state.secret()}, nil
	}
}

func (c pierConnector) wait(state pierState) bank.Step {
	message := oxlin.Challenge{
		CredentialDefinition: oxlin.CredentialDefinition{ID: "app", Label: "Open the app and compare {code}.", Type: oxlin.CredentialInfo},
		Params:               map[string]string{"code": "42"},
	}
	if c.picture != "" {
		message.Params["image"] = c.picture
	}
	return bank.Wait{After: time.Second, State: state.secret(), Show: []oxlin.Challenge{message}}
}

// end reports whether the present part is done.
func (c pierConnector) end(ctx context.Context, state *pierState, input bank.Input) (bool, error) {
	part := c.parts[state.Part]
	if refusal := input.Return.Get("error"); refusal != "" {
		return false, &bank.Failure{Kind: bank.ChallengeCancelled, BankCode: refusal}
	}
	switch {
	case part == PierBranch && input.Event == bank.Answered:
		state.Branch = input.Answers["branch"].Reveal()
		return true, nil
	case (part == PierCode || part == PierFragment) && input.Event == bank.Returned:
		var told struct {
			Token string `json:"token"`
		}
		err := c.send(ctx, http.MethodPost, "/token", nil, url.Values{"code": {input.Return.Get("code")}}, &told)
		state.Token = told.Token
		return true, err
	case part == PierConsent && input.Event == bank.Returned, part == PierApp && input.Event == bank.Ticked:
		var told struct {
			Status string `json:"status"`
		}
		err := c.send(ctx, http.MethodGet, "/consents/"+state.Consent, nil, nil, &told)
		if err == nil && told.Status == "rejected" {
			err = &bank.Failure{Kind: bank.ChallengeCancelled}
		}
		if err == nil && part == PierConsent && told.Status != "valid" {
			err = &bank.Failure{Kind: bank.Refused}
		}
		return told.Status == "valid", err
	}
	return false, &bank.Failure{Kind: bank.Nonsense}
}

// Discard deletes the consent of a state.
func (c pierConnector) Discard(ctx context.Context, secret oxlin.Secret) error {
	var state pierState
	err := json.Unmarshal([]byte(secret.Reveal()), &state)
	if err != nil || state.Consent == "" {
		return nil
	}
	return c.Revoke(ctx, bank.Access{State: oxlin.NewSecret(state.Consent)})
}

// Revoke deletes the consent of an access.
func (c pierConnector) Revoke(ctx context.Context, access bank.Access) error {
	if access.State.IsZero() {
		return nil
	}
	err := c.send(ctx, http.MethodDelete, "/consents/"+access.State.Reveal(), nil, nil, nil)
	if bank.AsFailure(err).Status == http.StatusNotFound {
		return nil
	}
	return err
}

func (c pierConnector) send(ctx context.Context, method, path string, header map[string]string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return &bank.Failure{Kind: bank.Nonsense, Err: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return &bank.Failure{Kind: bank.Unavailable, Err: err}
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read
	kinds := map[int]bank.FailureKind{400: bank.Refused, 401: bank.AccessLost, 404: bank.Nonsense, 503: bank.Unavailable}
	kind, failed := kinds[response.StatusCode]
	switch {
	case err != nil:
		return &bank.Failure{Kind: bank.Unavailable, Err: err}
	case failed:
		return &bank.Failure{Kind: kind, Status: response.StatusCode}
	case into == nil:
		return nil
	}
	err = json.NewDecoder(bytes.NewReader(body)).Decode(into)
	if err != nil {
		return &bank.Failure{Kind: bank.Nonsense, Err: err}
	}
	return nil
}

// Profile implements bank.Connector.
func (c pierConnector) Profile() bank.Profile {
	return bank.Profile{IDs: bank.IDStable, UnattendedPerDay: 4, HistoryDays: 90}
}

// Accounts implements bank.Connector.
func (c pierConnector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	if cursor != "" {
		return bank.AccountsPage{}, &bank.Failure{Kind: bank.Nonsense}
	}
	header := map[string]string{"Consent-ID": call.Access.State.Reveal(), "Authorization": "Bearer " + call.Access.Token.Reveal()}
	var told []map[string]string
	err := c.send(ctx, http.MethodGet, "/accounts", header, nil, &told)
	page := bank.AccountsPage{}
	for _, account := range told {
		page.Accounts = append(page.Accounts, bank.Account{
			Address: account["id"], BankID: account["id"], IBAN: account["iban"], Currency: "EUR", Type: oxlin.AccountCheckings, Raw: json.RawMessage(`{}`),
		})
	}
	return page, err
}

// Balances implements bank.Connector. The bank tells no balance.
func (c pierConnector) Balances(context.Context, bank.Call, bank.AccountRef, string) (bank.Balances, error) {
	return bank.Balances{}, nil
}

// Transactions implements bank.Connector. The bank has no rows.
func (c pierConnector) Transactions(_ context.Context, _ bank.Call, _ bank.AccountRef, from oxlin.Date, _ string) (bank.TransactionsPage, error) {
	return bank.TransactionsPage{CoveredFrom: from}, nil
}
