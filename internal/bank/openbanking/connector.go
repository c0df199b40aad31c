package openbanking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Connector speaks with one bank. It has no state between two calls.
type Connector struct {
	psd2.Authorizer
	config Config
	api    *psd2.Client
	// consents is api, or the client of another address for the consents.
	consents *psd2.Client
	// zone is that of the bank's days, and dateZone that of the dates in requests.
	zone, dateZone *time.Location
	dates, ends    psd2.DateForm
}

// The capabilities of a connector.
var (
	_ bank.Connector    = (*Connector)(nil)
	_ bank.Continuer    = (*Connector)(nil)
	_ bank.Discarder    = (*Connector)(nil)
	_ bank.Refresher    = (*Connector)(nil)
	_ bank.Revoker      = (*Connector)(nil)
	_ bank.Replacer     = (*Connector)(nil)
	_ bank.Sharer       = (*Connector)(nil)
	_ bank.OwnerReader  = (*Connector)(nil)
	_ bank.PeriodReader = (*Connector)(nil)
	_ bank.Decoder      = (*Connector)(nil)
)

// New returns the connector of one bank. It fails if the data have faults or a signing
// key is missing.
func New(config Config, deps psd2.Deps) (*Connector, error) {
	var faults datafile.Report
	config.check(faults.Root())
	err := faults.Err()
	if err != nil {
		return nil, fmt.Errorf("openbanking: %w", err)
	}
	c := &Connector{config: config}
	for _, prepare := range []func() error{
		func() (err error) { c.api, err = c.client(config.BaseURL, deps); return err },
		func() (err error) {
			c.consents, err = c.client(strings.TrimSuffix(cmp.Or(config.Consent.URL, config.BaseURL), "/account-access-consents"), deps)
			return err
		},
		func() (err error) { c.zone, err = time.LoadLocation(cmp.Or(config.Zone, london)); return err },
		func() (err error) {
			c.dateZone, err = psd2.Locale{Zone: config.History.DateZone}.Location(c.zone)
			return err
		},
		func() (err error) { c.dates, err = psd2.NewDateForm(config.History.DateFormat); return err },
		func() (err error) {
			c.ends, err = psd2.NewDateForm(cmp.Or(config.History.ToFormat, config.History.DateFormat))
			return err
		},
	} {
		err := prepare()
		if err != nil {
			return nil, fmt.Errorf("openbanking: %w", err)
		}
	}
	c.Authorizer = psd2.NewAuthorizer(c.api)
	return c, nil
}

// client returns a client of the bank for one base address.
func (c *Connector) client(baseURL string, deps psd2.Deps) (*psd2.Client, error) {
	if deps.Seal.Key == nil {
		return nil, errors.New("the bank wants a signed request of the login, and there is no key to sign with")
	}
	own, at := dialect, c.config.Interface
	own.CallHeaders, at.BaseURL = c.callHeaders, baseURL
	own.PSUAddress = cmp.Or(c.config.PSUAddressHeader, own.PSUAddress)
	own.PSUAgent = cmp.Or(c.config.PSUAgentHeader, own.PSUAgent)
	return psd2.NewClient(at, own, deps)
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
		Currency:          cmp.Or(c.config.Currency, pound),
		CallTime:          requestsOfCall * c.config.Timeout(),
	}
}

// Balances reads GET /accounts/{AccountId}/balances, and chooses by the bank's priority.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor != "" {
		return bank.Balances{}, psd2.ForeignCursor()
	}
	request := psd2.Request{Op: opBalances, Resource: c.path("balances", account.Address)}
	list, err := c.api.SendList(ctx, call, request, "Data.Balance", recordMembers["Data.Balance"]...)
	if err != nil {
		return bank.Balances{}, err
	}
	return c.balances(account, list.Records), nil
}

// Transactions reads one page of GET /accounts/{AccountId}/transactions, window by window
// from the newest to the oldest if the bank limits the period.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	return c.TransactionsUntil(ctx, call, account, from, oxlin.Date{}, cursor)
}

// TransactionsUntil is Transactions for the days before until.
func (c *Connector) TransactionsUntil(
	ctx context.Context, call bank.Call, account bank.AccountRef, from, until oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	history := c.config.History.History
	if account.Type == oxlin.AccountCreditCard && c.config.History.CardDays > 0 {
		history.Days = c.config.History.CardDays
	}
	rows := psd2.Rows{
		Resource: c.resource(opTransactions, c.path("transactions", account.Address), "Data.Transaction"),
		History:  history, Late: c.isLate(call.Access), Zone: c.zone, Query: c.windowQuery,
		Read: func(raw json.RawMessage) bank.Decoded { return c.transaction(raw, account) }, Begins: c.begins,
	}
	return c.api.ReadRows(ctx, call, rows, from, until, cursor)
}

// begins returns the day on which the bank's history begins, as the Meta of an answer tells.
func (c *Connector) begins(list psd2.List) oxlin.Date {
	var meta psd2.Optional[struct {
		First psd2.Written `json:"FirstAvailableDateTime"`
	}]
	list.Member("Meta", &meta)
	return c.day(meta.Value.First).Or(oxlin.Date{})
}

// isLate reports whether an access no longer gives the bank's whole history.
func (c *Connector) isLate(access bank.Access) bool {
	fresh := time.Duration(c.config.History.FreshMinutes) * time.Minute
	began := access.TokenFrom
	var state accessState
	if !access.State.IsZero() && decodeState(access.State, &state) == nil && !state.Login.IsZero() {
		began = state.Login
	}
	tooOld := fresh > 0 && !began.IsZero() && c.api.Now().Sub(began) > fresh
	return access.Refreshed || tooOld
}

// Decode reads one record of the bank's list.
func (c *Connector) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	return c.transaction(raw, account), true
}

// isRefusal reports whether the bank refuses a resource alone: it does not have it, or not for us.
func isRefusal(err error) bool {
	var failure *bank.Failure
	return errors.As(err, &failure) && failure.Status >= 400 && failure.Status < 500 &&
		failure.Status != 401 && failure.Kind != bank.RateLimited && failure.Kind != bank.Unavailable
}
