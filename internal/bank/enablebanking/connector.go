package enablebanking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Connector speaks with one bank behind the aggregator. It has no state between two calls.
type Connector struct {
	config Config
	api    client
	zone   *time.Location // of the bank's days
	scheme string         // of the interface's address
}

// The capabilities of a connector. It renews nothing: a session lasts or is over.
var (
	_ bank.Connector    = (*Connector)(nil)
	_ bank.Continuer    = (*Connector)(nil)
	_ bank.Revoker      = (*Connector)(nil)
	_ bank.Replacer     = (*Connector)(nil)
	_ bank.PeriodReader = (*Connector)(nil)
	_ bank.Decoder      = (*Connector)(nil)
)

// New returns the connector of one bank. It fails if the data have faults.
func New(config Config, deps psd2.Deps) (*Connector, error) {
	var faults datafile.Report
	config.check(faults.Root())
	err := faults.Err()
	if err != nil {
		return nil, fmt.Errorf("enablebanking: %w", err)
	}
	c := &Connector{config: config}
	c.api, err = newClient(config.Application, config.api(), deps)
	if err != nil {
		return nil, fmt.Errorf("enablebanking: %w", err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, fmt.Errorf("enablebanking: %w", err)
	}
	c.zone, err = config.Location(paris)
	if err != nil {
		return nil, fmt.Errorf("enablebanking: %w", err)
	}
	address, err := url.Parse(config.baseURL())
	if err != nil {
		return nil, fmt.Errorf("enablebanking: %w", err)
	}
	c.scheme = address.Scheme
	return c, nil
}

// requestsOfCall is how many requests a call makes at most: see psd2.ErrShortHistory.
const requestsOfCall = 2

// Profile returns how the bank behaves.
func (c *Connector) Profile() bank.Profile {
	api := c.config.api()
	return bank.Profile{
		IDs: api.IDs, UnattendedPerDay: api.UnattendedPerDay, HistoryDays: c.config.history().Days,
		RequestsPerMinute: c.config.RequestsPerMinute, Currency: c.config.Currency, CallTime: requestsOfCall * api.Timeout(),
	}
}

// about returns a request about an account. One without an address is refused without a call.
func (c *Connector) about(call bank.Call, op string, account bank.AccountRef) (psd2.Request, error) {
	_, err := sessionOf(call.Access)
	if err != nil {
		return psd2.Request{}, err
	}
	if account.Address == "" {
		return psd2.Request{}, &bank.Failure{Kind: bank.Refused, Err: errors.New("the session has no id of the account")}
	}
	return psd2.Request{
		Op: op, Resource: "/accounts/" + url.PathEscape(account.Address) + "/" + op, Header: headersOf(call.PSU, c.config.RequiredPSUHeaders),
	}, nil
}

// Transactions reads one page of GET /accounts/{uid}/transactions.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	return c.TransactionsUntil(ctx, call, account, from, oxlin.Date{}, cursor)
}

// continuationKey is the member with the key of the next page, and the parameter that
// sends it. A key is valid within its session alone.
const continuationKey = "continuation_key"

// emptyPages is how many pages in a row may be empty: the aggregator gives a key with each
// period that it has asked of the bank.
const emptyPages = 120

// TransactionsUntil is Transactions for the days before until.
func (c *Connector) TransactionsUntil(
	ctx context.Context, call bank.Call, account bank.AccountRef, from, until oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	request, err := c.about(call, opTransactions, account)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	late, err := c.isLate(call.Access)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	own, err := c.api.own()
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	return c.api.ReadRows(ctx, own, psd2.Rows{
		Resource: psd2.Resource{
			Op: request.Op, Path: request.Resource, Header: request.Header, Member: "transactions",
			RecordMembers: []string{"transaction_amount", "credit_debit_indicator", "entry_reference"},
			Key:           continuationKey, EmptyPages: emptyPages,
		},
		History: c.config.history().History, Late: late, Zone: c.zone, Query: c.query, Clean: withoutHandle,
		Read: func(raw json.RawMessage) bank.Decoded { return c.transaction(raw, account) },
	}, from, until, cursor)
}

// query returns the query for the rows of a period, whose last day is included. The
// interface counts days in UTC, and refuses a first one in the future.
func (c *Connector) query(window psd2.Window) string {
	from, end := window.Requested()
	if today := oxlin.DateIn(c.api.Now(), time.UTC); today.Before(from) {
		from = today
	}
	query := url.Values{"date_from": {from.String()}}
	if !end.IsZero() {
		last := end.AddDays(-1)
		if last.Before(from) {
			last = from
		}
		query.Set("date_to", last.String())
	}
	return query.Encode()
}

// isLate reports whether the login is so long ago that the bank gives a shorter history.
func (c *Connector) isLate(access bank.Access) (bool, error) {
	s, err := sessionOf(access)
	if err != nil {
		return false, err
	}
	fresh := time.Duration(c.config.history().FreshMinutes) * time.Minute
	return c.api.Now().Sub(s.Authorized) > fresh, nil
}

// Decode reads one record of the list.
func (c *Connector) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	return c.transaction(raw, account), true
}
