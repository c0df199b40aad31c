package berlingroup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Connector speaks with one bank's interface. It has no state between two calls.
type Connector struct {
	config Config
	api    *psd2.Client
	tokens psd2.Authorizer
	zone   *time.Location
	// basePath is the unescaped path of the base URL, without a slash at its end.
	basePath string
}

// The capabilities of a connector for the Berlin Group.
var (
	_ bank.Connector    = (*Connector)(nil)
	_ bank.PeriodReader = (*Connector)(nil)
	_ bank.Decoder      = (*Connector)(nil)
	_ bank.Continuer    = (*Connector)(nil)
	_ bank.Discarder    = (*Connector)(nil)
	_ bank.Refresher    = (*Connector)(nil)
	_ bank.Revoker      = (*Connector)(nil)
	_ bank.Replacer     = (*Connector)(nil)
	_ bank.Sharer       = (*Connector)(nil)
)

// New returns the connector of one bank. It fails if the data have faults or a signing key
// is missing.
func New(config Config, deps psd2.Deps) (*Connector, error) {
	var faults datafile.Report
	config.check(faults.Root())
	err := faults.Err()
	if err != nil {
		return nil, fmt.Errorf("berlingroup: %w", err)
	}
	config = config.withDefaults()
	api, err := psd2.NewClient(config.Interface, dialect, deps)
	if err != nil {
		return nil, fmt.Errorf("berlingroup: %w", err)
	}
	zone, err := config.Location(oxlin.Paris)
	if err != nil {
		return nil, fmt.Errorf("berlingroup: %w", err)
	}
	base, err := url.Parse(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("berlingroup: base_url: %w", err)
	}
	return &Connector{config: config, api: api, tokens: psd2.NewAuthorizer(api), zone: zone, basePath: strings.TrimSuffix(base.Path, "/")}, nil
}

// requestsOfCall is how many requests a call makes at most: see psd2.ErrShortHistory.
const requestsOfCall = 2

// Profile returns how the bank behaves.
func (c *Connector) Profile() bank.Profile {
	return bank.Profile{
		IDs:               c.config.IDs,
		UnattendedPerDay:  c.config.UnattendedPerDay,
		HistoryDays:       c.config.History.Days,
		RequestsPerMinute: c.config.RequestsPerMinute,
		Currency:          c.config.Currency,
		CallTime:          requestsOfCall * c.config.Timeout(),
		BalancesInList:    c.config.listsBalances(),
		Interactive:       c.config.isInteractive(),
	}
}

// today is the bank's day.
func (c *Connector) today() oxlin.Date { return oxlin.DateIn(c.api.Now(), c.zone) }

// cardPrefix marks the addresses of accounts that are in the list of card accounts.
const cardPrefix = "card-accounts/"

// currencyPrefix marks the addresses of accounts in one of the currencies that an account of the bank
// has; the currency and a slash follow.
const currencyPrefix = "currency/"

// onlyCurrency returns the currency of which alone the rows and balances belong to an account, and the
// address without it; empty where all do.
func onlyCurrency(account bank.AccountRef) (currency, address string) {
	rest, split := strings.CutPrefix(account.Address, currencyPrefix)
	if !split {
		return "", account.Address
	}
	currency, address, _ = strings.Cut(rest, "/")
	return currency, address
}

// isCard reports whether an account is in the list of card accounts.
func isCard(account bank.AccountRef) bool {
	_, address := onlyCurrency(account)
	return strings.HasPrefix(address, cardPrefix)
}

// resourceID returns the bank's id of an account.
func resourceID(account bank.AccountRef) string {
	_, address := onlyCurrency(account)
	return strings.TrimPrefix(address, cardPrefix)
}

// valuesOf are the placeholders of an account.
func valuesOf(call bank.Call, account bank.AccountRef) map[string]string {
	held := consentOf(call.Access)
	values := maps.Clone(held.Answers)
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, map[string]string{
		"id": resourceID(account), "iban": account.IBAN, "currency": account.Currency,
		"consent_id": held.ID,
	})
	return values
}

// fetch requests a resource of the API with the headers that the operation needs.
func (c *Connector) fetch(ctx context.Context, call bank.Call, r psd2.Request) (psd2.Fetched, error) {
	r.Header = c.headers(r.Op, call.Access)
	fetched, err := c.api.SendAny(ctx, call, r)
	if err != nil {
		return fetched, err
	}
	if fetched.Status == http.StatusAccepted {
		// The list is not ready; an empty one would be an inference.
		return fetched, c.notReady(fetched)
	}
	return fetched, nil
}

// notReady is the failure of an answer that will be there later.
func (c *Connector) notReady(fetched psd2.Fetched) error {
	return &bank.Failure{
		Kind: bank.Unavailable, Status: fetched.Status, RetryAfter: psd2.RetryAfter(fetched.Header, c.api.Now()),
	}
}

// headers returns the headers of an operation: the consent, and the bank's own.
func (c *Connector) headers(op string, access bank.Access) map[string]string {
	headers := map[string]string{}
	held := consentOf(access)
	switch op {
	case opAccounts, opDetails, opBalances, opTransactions, opDownload:
		if c.config.ConsentHeader != "none" {
			headers[c.config.ConsentHeader] = held.ID
		}
	}
	maps.Copy(headers, c.config.HeadersOn[op])
	for name, value := range headers {
		value = strings.ReplaceAll(value, "{consent_id}", held.ID)
		for id, answer := range held.Answers {
			value = strings.ReplaceAll(value, "{"+id+"}", answer)
		}
		headers[name] = value
	}
	return headers
}

// object reads an answer that has to be an object. An answer that is a success by its
// status, and holds an error of the standard, fails as the error.
func (c *Connector) object(fetched psd2.Fetched) (psd2.Object, error) {
	object, ok := fetched.Object()
	if !ok {
		failure := psd2.Nonsense(errors.New("the answer is not an object of JSON"))
		failure.Status = fetched.Status
		return nil, failure
	}
	found, _ := errorsIn(fetched.Body)
	means := c.meaning(found)
	if means != "" && means != "empty" {
		failure := &bank.Failure{Kind: bank.FailureKind(means), Status: fetched.Status, BankCode: psd2.SafeText(found[0])}
		if means == shortHistory {
			failure.Kind, failure.Err = bank.Refused, psd2.ErrShortHistory
		}
		return nil, failure
	}
	return object, nil
}

// listObject is object for an answer that may be the list itself, without an object around it: then
// it is the member of the first name.
func (c *Connector) listObject(fetched psd2.Fetched, member string) (psd2.Object, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(fetched.Body), []byte("[")) {
		return c.object(fetched)
	}
	bare, ok := fetched.Elements()
	if ok {
		name, _, _ := strings.Cut(member, "|")
		object := psd2.Object{}
		put(object, strings.Split(name, "."), marshal(bare))
		return object, nil
	}
	return c.object(fetched)
}

// linksOf collects the links of an answer, wherever they are: beside the list, within it,
// within its account, or in the header.
func linksOf(fetched psd2.Fetched, objects ...psd2.Object) psd2.Links {
	var links psd2.Links
	for _, object := range objects {
		for name, value := range object {
			if strings.EqualFold(strings.TrimPrefix(name, "_"), "links") {
				links.Add(value)
			}
		}
	}
	links.AddHeader(fetched.Header)
	return links
}

// consent is the State of an access.
type consent struct {
	// ID is the bank's id of the consent; empty at banks whose token names it.
	ID string `json:"consent_id,omitempty"`
	// TokenURL is the discovered address of the token endpoint.
	TokenURL string `json:"token_url,omitempty"`
	// Answers are those of the user that paths and headers hold.
	Answers map[string]string `json:"answers,omitempty"`
	// Replaced is set in what another consent has replaced: tokens stay when it is deleted.
	Replaced bool `json:"replaced,omitempty"`
}

// consentOf reads the state of an access.
func consentOf(access bank.Access) (held consent) {
	_ = json.Unmarshal([]byte(access.State.Reveal()), &held) // no state is no consent
	return held
}

// isInteractive reports whether the way in may need a page of the platform: for a question,
// an approval in an app, or a look at the consent.
func (c Config) isInteractive() bool {
	config := c.Consent
	return !config.None && (len(config.Ask) > 0 || config.Check != "none" || config.Prefer[0] == "embedded" || config.Prefer[0] == "decoupled")
}

// Continue takes one step of the way in. The user may be asked first (a customer number, an
// IBAN). A login may come before the consent. Then the consent is made, and approved as the
// links of its answer say: on the bank's pages with or without OAuth2, in an app, or with a
// password, a method and a code.
func (c *Connector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	return consents{c}.step(ctx, input)
}

// Discard deletes a consent that was made and not approved.
func (c *Connector) Discard(ctx context.Context, state oxlin.Secret) error {
	return consents{c}.discard(ctx, state)
}

// Refresh renews the token: by the refresh token, or by our own credentials at a bank whose
// data are read with a token of ours.
func (c *Connector) Refresh(ctx context.Context, access bank.Access) (bank.Access, error) {
	return consents{c}.refresh(ctx, access)
}

// Revoke deletes the consent at the bank, and revokes the tokens. A consent that the bank
// does not know any more is deleted.
func (c *Connector) Revoke(ctx context.Context, access bank.Access) error {
	return consents{c}.revoke(ctx, access)
}

// Replaced returns the consent of an access if a renewal has made another one.
func (c *Connector) Replaced(old, renewed bank.Access) (left bank.Access, ok bool) {
	return consents{c}.replaced(old, renewed)
}

// SharesConsent reports whether two accesses are of one consent, which some banks extend instead of making another.
func (c *Connector) SharesConsent(a, b bank.Access) bool {
	id := consentOf(a).ID
	return id != "" && id == consentOf(b).ID
}
