package stet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Connector speaks STET with one bank. It has no state between two calls.
type Connector struct {
	psd2.Authorizer
	config Config
	api    *psd2.Client
	// dates and dateZone are the form and the zone of the dates in requests.
	dates    psd2.DateForm
	dateZone *time.Location
}

// The capabilities of a connector for STET.
var (
	_ bank.Connector        = (*Connector)(nil)
	_ bank.Continuer        = (*Connector)(nil)
	_ bank.Refresher        = (*Connector)(nil)
	_ bank.Revoker          = (*Connector)(nil)
	_ bank.OwnerReader      = (*Connector)(nil)
	_ bank.PeriodReader     = (*Connector)(nil)
	_ bank.ConsentForwarder = (*Connector)(nil)
	_ bank.Decoder          = (*Connector)(nil)
)

// New returns the connector of one bank. It fails if the data have faults or a signing
// key is missing.
func New(config Config, deps psd2.Deps) (*Connector, error) {
	var faults datafile.Report
	config.check(faults.Root())
	err := faults.Err()
	if err != nil {
		return nil, fmt.Errorf("stet: %w", err)
	}
	api, err := psd2.NewClient(config.Interface, dialect, deps)
	if err != nil {
		return nil, fmt.Errorf("stet: %w", err)
	}
	if len(config.BalancePriority) == 0 {
		config.BalancePriority = []string{"CLBD", "ITBD", "XPCD", "ITAV", "CLAV", "VALU", "OTHR"}
	}
	if len(config.ComingTypes) == 0 {
		config.ComingTypes = []string{"OTHR"}
	}
	dates, err := psd2.NewDateForm(config.History.DateFormat)
	if err != nil {
		return nil, fmt.Errorf("stet: %w", err)
	}
	dateZone, err := psd2.Locale{Zone: config.History.DateZone}.Location(zone)
	if err != nil {
		return nil, fmt.Errorf("stet: %w", err)
	}
	return &Connector{psd2.NewAuthorizer(api), config, api, dates, dateZone}, nil
}

// requestsOfCall is how many requests a call makes at most: see ErrShortHistory.
const requestsOfCall = 2

// Profile returns how the bank behaves.
func (c *Connector) Profile() bank.Profile {
	return bank.Profile{
		IDs:               c.config.IDs,
		UnattendedPerDay:  c.config.UnattendedPerDay,
		HistoryDays:       c.config.History.Days,
		RequestsPerMinute: c.config.RequestsPerMinute,
		Currency:          cmp.Or(c.config.Currency, euro),
		CallTime:          requestsOfCall * c.config.Timeout(),
		BalancesInList:    c.config.Balances == "list",
	}
}

// Accounts reads one page of GET /accounts (banks §1.1).
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	list, err := c.listAccounts(ctx, call, cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	page := bank.AccountsPage{
		OwnerLink: c.ownerLink(list), Customer: string(list.connected), Unreadable: list.unreadable, Next: list.next, Kept: list.kept,
		Endless: list.endless,
	}
	for _, record := range list.records {
		account, ok := c.account(record)
		if !ok {
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: record.raw})
			continue
		}
		page.Accounts = append(page.Accounts, account)
	}
	if len(page.Accounts) == 0 && len(page.Unreadable) > 0 {
		// An empty list would mean that all accounts are closed.
		return bank.AccountsPage{}, psd2.Nonsense(errors.New("no account can be read"))
	}
	// A card names its account by the id, or by the IBAN.
	addresses := map[string]string{}
	for _, record := range list.records {
		addresses[record.id()] = c.addressOf(record).String()
	}
	for i, account := range page.Accounts {
		page.Accounts[i].LinkedAddress = cmp.Or(addresses[account.LinkedAddress], account.LinkedAddress)
	}
	withoutForeignIBANs(page.Accounts)
	psd2.LinkCards(page.Accounts)
	return page, nil
}

// Balances reads GET /accounts/{id}/balances, and chooses by the bank's priority. If the
// answer is empty, the balances may be in the list of accounts: then it reads that, page
// by page, until it finds the account.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor != "" {
		return c.listedBalances(ctx, call, account, cursor)
	}
	if c.config.Balances == "list" {
		return c.listedBalances(ctx, call, account, firstPage)
	}
	path, query := c.ofAccount(opBalances, readAddress(account.Address))
	request := psd2.Request{Op: opBalances, Resource: path, Query: query}
	list, err := c.api.SendList(ctx, call, request, "balances", recordMembers["balances"]...)
	if err != nil {
		return bank.Balances{}, err
	}
	told := c.balances(account, list.Records)
	if len(list.Records) == 0 && account.Type != oxlin.AccountCreditCard {
		told.Next, told.InList = firstPage, true
	}
	return told, nil
}

// firstPage is the cursor for balances in the first page of the list of accounts. The
// cursors of the other pages are those of the list.
const firstPage = "accounts"

// listedBalances returns the balances in a page of the list of accounts.
func (c *Connector) listedBalances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor == firstPage {
		cursor = ""
	}
	list, err := c.listAccounts(ctx, call, cursor)
	if err != nil {
		return bank.Balances{}, err
	}
	for _, record := range list.records {
		if record.id() == readAddress(account.Address).ID {
			return c.balances(account, record.balances()), nil
		}
	}
	return bank.Balances{Next: list.next}, nil
}

// Transactions reads one page of GET /accounts/{id}/transactions, window by window from
// the newest to the oldest if the bank limits the period.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	return c.TransactionsUntil(ctx, call, account, from, oxlin.Date{}, cursor)
}

// TransactionsUntil is Transactions for the days before until. A bank that ignores the end
// of a request gives more rows, which are left out.
func (c *Connector) TransactionsUntil(
	ctx context.Context, call bank.Call, account bank.AccountRef, from, until oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	path, query := c.ofAccount(opTransactions, readAddress(account.Address))
	rows := psd2.Rows{
		Resource: c.resource(opTransactions, path, "transactions"),
		History:  c.config.History.History, Late: call.Access.Refreshed, Zone: zone,
		Query: func(w psd2.Window) string { return joined(query, c.windowQuery(w)) },
		Read:  func(raw json.RawMessage) bank.Decoded { return c.transaction(raw, account) },
	}
	return c.api.ReadRows(ctx, call, rows, from, until, cursor)
}
