package enablebanking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// session is the state of an access.
type session struct {
	ID string `json:"session"`
	// Authorized is when the user logged in at the bank.
	Authorized time.Time `json:"authorized"`
	// Accounts are the records that came with the session. Nothing gives them a second time
	// without asking the bank.
	Accounts []json.RawMessage `json:"accounts,omitempty"`
}

// way is the state of a way in.
type way struct {
	// Until is the end of the session that was asked for.
	Until time.Time `json:"until"`
}

func encodeState(state any) oxlin.Secret {
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // texts, times and records that were JSON marshal
	}
	return oxlin.NewSecret(string(text))
}

// decodeState reads a state that encodeState wrote. The error quotes nothing of it.
func decodeState(state oxlin.Secret, into any) error {
	err := json.Unmarshal([]byte(state.Reveal()), into)
	if err != nil {
		return psd2.Nonsense(errors.New("the state is not one of ours"))
	}
	return nil
}

// sessionOf returns the session of an access.
func sessionOf(access bank.Access) (session, error) {
	if access.State.IsZero() {
		return session{}, &bank.Failure{Kind: bank.AccessLost}
	}
	var s session
	err := decodeState(access.State, &s)
	return s, err
}

// authorization is StartAuthorizationRequest.
type authorization struct {
	Access     asked  `json:"access"`
	Bank       Bank   `json:"aspsp"`
	State      string `json:"state"`
	RedirectTo string `json:"redirect_url"`
	PSUType    string `json:"psu_type"`
	AuthMethod string `json:"auth_method,omitempty"`
	Language   string `json:"language,omitempty"`
}

// asked is the access that a user is to give.
type asked struct {
	ValidUntil   time.Time `json:"valid_until"`
	Balances     bool      `json:"balances"`
	Transactions bool      `json:"transactions"`
	Accounts     []ibanID  `json:"accounts,omitempty"`
}

type ibanID struct {
	IBAN string `json:"iban"`
}

// Continue sends the user to the aggregator, which sends them to their bank, and exchanges
// the code with which they return for a session. Nothing is made before the user is back.
func (c *Connector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	switch input.Event {
	case bank.Begun:
		return c.begin(ctx, input.Journey)
	case bank.Returned:
		return c.returned(ctx, input)
	}
	return nil, psd2.Unexpected(input.Event)
}

// twoLetters matches a language as the interface takes it.
var twoLetters = regexp.MustCompile(`^[a-z]{2}$`)

func (c *Connector) begin(ctx context.Context, journey bank.Journey) (bank.Step, error) {
	until := c.api.Now().UTC().Truncate(time.Second).Add(c.config.validity(journey.Once))
	request := authorization{
		Access: asked{ValidUntil: until, Balances: true, Transactions: true},
		Bank:   c.config.Bank, State: journey.RedirectState, RedirectTo: journey.RedirectURI,
		PSUType: cmp.Or(c.config.PSUType, Personal), AuthMethod: c.config.AuthMethod,
	}
	if c.config.NamesAccounts {
		request.Access.Accounts = ibansOf(journey.Accounts)
	}
	language, _, _ := strings.Cut(strings.ToLower(journey.Language), "-")
	if twoLetters.MatchString(language) {
		request.Language = language
	}
	var answer struct {
		URL psd2.Text `json:"url"`
	}
	err := c.api.send(ctx, psd2.Request{Op: opAuthorize, Method: http.MethodPost, Resource: "/auth", Body: request}, &answer)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(string(answer.URL))
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != c.scheme {
		return nil, psd2.Nonsense(errors.New("the answer has no address of a login page"))
	}
	return bank.Address{URL: address.String(), State: encodeState(way{until})}, nil
}

// ibansOf returns the accounts that are asked for; none if one of them has no IBAN, because
// the others alone would be too few.
func ibansOf(accounts []bank.Identity) (ibans []ibanID) {
	for _, account := range accounts {
		if account.IBAN == "" {
			return nil
		}
		if id := (ibanID{account.IBAN}); !slices.Contains(ibans, id) { // one IBAN may have several currencies
			ibans = append(ibans, id)
		}
	}
	return ibans
}

// authorized is AuthorizeSessionResponse.
type authorized struct {
	ID       psd2.ID         `json:"session_id"`
	Accounts json.RawMessage `json:"accounts"`
	Access   psd2.Optional[struct {
		ValidUntil psd2.Written `json:"valid_until"`
	}] `json:"access"`
}

func (c *Connector) returned(ctx context.Context, input bank.Input) (bank.Step, error) {
	var w way
	err := decodeState(input.State, &w)
	if err != nil {
		return nil, err
	}
	code, err := psd2.Code(input.Return)
	if err != nil {
		return nil, err
	}
	var answer authorized
	request := psd2.Request{Op: opSessions, Method: http.MethodPost, Resource: "/sessions", Body: map[string]string{"code": code}}
	err = c.api.send(ctx, request, &answer)
	if err != nil {
		return nil, err
	}
	accounts, ok := psd2.ReadRecords(answer.Accounts, accountMembers...)
	if answer.ID == "" || !ok {
		return nil, psd2.Nonsense(errors.New("the answer holds no session"))
	}
	now := c.api.Now().UTC()
	access := bank.Access{
		ConsentUntil: w.Until, State: encodeState(session{ID: string(answer.ID), Authorized: now, Accounts: accounts}),
	}
	told, ok := psd2.Read(answer.Access.Value.ValidUntil, convention.Day).Told()
	if until := told.Instant(time.UTC); ok && until.After(now) && until.Before(w.Until) {
		access.ConsentUntil = until // the bank shortened it
	}
	return access, nil
}

// Revoke deletes the session, by which the aggregator ends the consent at the bank. One that
// is over is deleted already.
func (c *Connector) Revoke(ctx context.Context, access bank.Access) error {
	s, err := sessionOf(access)
	if err != nil {
		return err
	}
	err = c.api.send(ctx, psd2.Request{Op: opSessions, Method: http.MethodDelete, Resource: s.path()}, nil)
	var failure *bank.Failure
	if errors.As(err, &failure) && failure.Kind == bank.AccessLost {
		return nil
	}
	return err
}

// Replaced returns the session of an access if a renewal has made another one.
func (c *Connector) Replaced(old, renewed bank.Access) (left bank.Access, ok bool) {
	before, err := sessionOf(old)
	if err != nil {
		return left, false
	}
	now, err := sessionOf(renewed)
	return bank.Access{State: old.State}, err == nil && before.ID != "" && before.ID != now.ID
}

// path returns the escaped path of the session.
func (s session) path() string { return "/sessions/" + url.PathEscape(s.ID) }

// current is GetSessionResponse: a session later on.
type current struct {
	Status psd2.Text       `json:"status"`
	IDs    json.RawMessage `json:"accounts"`
	Data   json.RawMessage `json:"accounts_data"`
}

// sessionAccount is an account of a session later on.
type sessionAccount struct {
	UID  psd2.ID `json:"uid"`
	Hash psd2.ID `json:"identification_hash"`
}

// over are the states of a session that gives no access, or none any more.
var over = []string{"CANCELLED", "CLOSED", "EXPIRED", "INVALID", "PENDING_AUTHORIZATION", "RETURNED_FROM_BANK", "REVOKED"}

// listed reads the accounts that a session has now.
func (c *Connector) listed(ctx context.Context, psu *oxlin.PSU, s session) ([]sessionAccount, error) {
	var now current
	request := psd2.Request{Op: opSessions, Resource: s.path(), Header: headersOf(psu, c.config.RequiredPSUHeaders)}
	err := c.api.send(ctx, request, &now)
	if err != nil {
		return nil, err
	}
	if slices.Contains(over, string(now.Status)) {
		return nil, &bank.Failure{Kind: bank.AccessLost, BankCode: string(now.Status)}
	}
	var accounts []sessionAccount
	records, ok := psd2.ReadRecords(now.Data, "uid", "identification_hash")
	for _, raw := range records {
		var account psd2.Optional[sessionAccount]
		_ = json.Unmarshal(raw, &account) // never fails
		accounts = append(accounts, account.Value)
	}
	for _, uid := range psd2.ReadLines(now.IDs) {
		known := func(account sessionAccount) bool { return string(account.UID) == uid }
		if uid = notation.Identifier(uid); !slices.ContainsFunc(accounts, known) {
			accounts = append(accounts, sessionAccount{UID: psd2.ID(uid)})
		}
	}
	if !ok || len(accounts) == 0 && now.Status == "" {
		// An empty list would mean that all accounts are closed.
		return nil, psd2.Nonsense(errors.New("the answer is no session"))
	}
	return accounts, nil
}
