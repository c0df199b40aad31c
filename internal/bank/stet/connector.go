package stet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
}

// The capabilities of a connector for STET.
var (
	_ bank.Connector        = (*Connector)(nil)
	_ bank.Authorizer       = (*Connector)(nil)
	_ bank.Revoker          = (*Connector)(nil)
	_ bank.OwnerReader      = (*Connector)(nil)
	_ bank.ConsentForwarder = (*Connector)(nil)
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
		config.BalancePriority = []string{"XPCD", "ITAV", "CLBD", "VALU", "OTHR"}
	}
	return &Connector{psd2.NewAuthorizer(api), config, api}, nil
}

// Profile returns how the bank behaves.
func (c *Connector) Profile() bank.Profile {
	return bank.Profile{
		IDs:               c.config.IDs,
		UnattendedPerDay:  c.config.UnattendedPerDay,
		HistoryDays:       c.config.History.Days,
		RequestsPerMinute: c.config.RequestsPerMinute,
	}
}

// Accounts reads one page of GET /accounts (banks §1.1).
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	list, err := c.listAccounts(ctx, call, cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	page := bank.AccountsPage{OwnerLink: list.ownerLink(), Customer: string(list.connected), Next: list.next}
	for _, record := range list.records {
		account, ok := c.account(record)
		if !ok {
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: record.raw})
			continue
		}
		page.Accounts = append(page.Accounts, account)
	}
	psd2.LinkCards(page.Accounts)
	return page, nil
}

// Balances reads GET /accounts/{id}/balances, and chooses by the bank's priority. If the
// answer is empty, the balances may be in the list of accounts.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef) (bank.Balances, error) {
	var body struct {
		Balances []json.RawMessage `json:"balances"`
	}
	err := c.get(ctx, call, opBalances, accountResource(account.BankID, "balances"), "", &body)
	if err != nil {
		return bank.Balances{}, err
	}
	records := body.Balances
	if len(records) == 0 && account.Type != oxlin.AccountCreditCard {
		records, err = c.listedBalances(ctx, call, account)
	}
	return c.balances(account, records), err
}

// listedBalances returns the balances in the list of accounts.
func (c *Connector) listedBalances(ctx context.Context, call bank.Call, account bank.AccountRef) (balances []json.RawMessage, err error) {
	err = c.walkAccounts(ctx, call, func(record accountRecord) (done bool) {
		if record.id() == account.BankID {
			balances, done = record.Balances.Value, true
		}
		return done
	})
	return balances, err
}

// Transactions reads one page of GET /accounts/{id}/transactions, window by window from
// the newest to the oldest if the bank limits the period.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := psd2.ReadPosition(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if cursor == "" {
		at.Window = c.config.History.Newest(c.api.Now(), zone, call.Access.Refreshed, from)
	}
	query := at.Query
	if query == "" {
		query = c.windowQuery(at.Window)
	}
	var body struct {
		Transactions []json.RawMessage    `json:"transactions"`
		Links        psd2.Optional[links] `json:"_links"`
	}
	resource := accountResource(account.BankID, "transactions")
	err = c.get(ctx, call, opTransactions, resource, query, &body)
	if cursor == "" && !call.Access.Refreshed && errors.Is(err, psd2.ErrShortHistory) {
		// The login is too old for the long history. This is a request for a shorter
		// period, not a retry.
		at.Window = c.config.History.Newest(c.api.Now(), zone, true, from)
		query = c.windowQuery(at.Window)
		err = c.get(ctx, call, opTransactions, resource, query, &body)
	}
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	page := bank.TransactionsPage{CoveredFrom: at.Window.First}
	window := at.Window
	repeated, err := c.advance(&at, resource, query, body.Links.Value, body.Transactions)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if at.Query == "" {
		at = psd2.Position{Window: c.config.History.Older(window)}
	}
	page.Next = at.Cursor()
	if repeated {
		return page, nil
	}
	for _, raw := range body.Transactions {
		transaction, verdict, err := c.transaction(raw, account)
		if err != nil {
			return bank.TransactionsPage{}, err
		}
		switch {
		case verdict == rowUnreadable:
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadAmount, Raw: raw})
		case verdict == rowKept && window.Owns(transaction.Date()):
			page.Transactions = append(page.Transactions, transaction)
		}
	}
	return page, nil
}
