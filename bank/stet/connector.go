package stet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// Connector speaks STET with one bank. It has no state between two calls.
type Connector struct {
	config   Config
	base     *url.URL
	client   *http.Client
	signer   Signer // nil where the bank wants no signatures
	dateZone *time.Location
	now      func() time.Time
	rand     io.Reader
	log      *slog.Logger
}

// The capabilities of a connector for STET.
var (
	_ bank.Connector        = (*Connector)(nil)
	_ bank.Authorizer       = (*Connector)(nil)
	_ bank.Revoker          = (*Connector)(nil)
	_ bank.OwnerReader      = (*Connector)(nil)
	_ bank.ConsentForwarder = (*Connector)(nil)
)

// Deps are what a connector needs besides its data.
type Deps struct {
	// Transport carries our client certificate (QWAC); nil for the default one.
	Transport http.RoundTripper
	// Seal signs messages; it is needed where the bank wants signatures.
	Seal Seal
	// Now is the clock, and Rand makes request ids; nil for the machine's.
	Now  func() time.Time
	Rand io.Reader
	// Log hears how many rows had to be left out, and never what was in them.
	Log *slog.Logger
}

// New makes the connector of one bank; it fails on data that Validate refuses,
// and on a signature without a key.
func New(config Config, deps Deps) (*Connector, error) {
	err := config.Validate()
	if err != nil {
		return nil, fmt.Errorf("stet: %w", err)
	}
	base, err := url.Parse(strings.TrimSuffix(config.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("stet: base_url: %w", err)
	}
	c := &Connector{config: config, base: base, now: deps.Now, rand: deps.Rand, log: deps.Log}
	if c.now == nil {
		c.now = time.Now
	}
	if c.rand == nil {
		c.rand = rand.Reader
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.config.Accept == "" {
		c.config.Accept = "application/hal+json; charset=utf-8"
	}
	if len(c.config.BalancePriority) == 0 {
		c.config.BalancePriority = []string{"XPCD", "ITAV", "CLBD", "VALU", "OTHR"}
	}
	if config.DateZone != "" {
		c.dateZone, err = time.LoadLocation(config.DateZone)
		if err != nil {
			return nil, fmt.Errorf("stet: date_zone: %w", err)
		}
	}
	if config.Signing != nil {
		c.signer, err = newCavage(*config.Signing, config.OAuth.ClientID, deps.Seal, c.rand)
		if err != nil {
			return nil, fmt.Errorf("stet: %w", err)
		}
	}
	timeout := 30 * time.Second
	if config.TimeoutSeconds > 0 {
		timeout = time.Duration(config.TimeoutSeconds) * time.Second
	}
	c.client = &http.Client{
		Transport: deps.Transport,
		Timeout:   timeout,
		// A bank's API has no reason to redirect; its maintenance page has.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Profile says how the bank behaves.
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
			c.log.WarnContext(ctx, "account without an id left out")
			continue
		}
		page.Accounts = append(page.Accounts, account)
	}
	linkCards(page.Accounts)
	return page, nil
}

// Balance reads GET /accounts/{id}/balances, and chooses by the bank's priority.
// A bank that answers with none may have put them into the list of accounts;
// for a card it means that nothing is owed.
func (c *Connector) Balance(ctx context.Context, call bank.Call, account bank.AccountRef) (bank.Balance, error) {
	var body struct {
		Balances []balanceRecord `json:"balances"`
	}
	err := c.get(ctx, call, opBalances, accountResource(account.BankID, "balances"), "", &body)
	if err != nil {
		return bank.Balance{}, err
	}
	balances := body.Balances
	if len(balances) == 0 && account.Type != oxlin.AccountCreditCard {
		balances, err = c.listedBalances(ctx, call, account)
		if err != nil {
			return bank.Balance{}, err
		}
	}
	balance, ok := c.chooseBalance(account, balances)
	if !ok {
		return bank.Balance{}, nonsense(errors.New("no balance that can be read"))
	}
	return balance, nil
}

// listedBalances are those that stand in the list of accounts.
func (c *Connector) listedBalances(ctx context.Context, call bank.Call, account bank.AccountRef) (balances []balanceRecord, err error) {
	err = c.walkAccounts(ctx, call, func(record accountRecord) (done bool) {
		if record.id() == account.BankID {
			balances, done = record.Balances.Value, true
		}
		return done
	})
	return balances, err
}

// Transactions reads one page of GET /accounts/{id}/transactions, window by
// window from the newest to the oldest where the bank wants windows.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := readPosition(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if cursor == "" {
		at.Window = c.newestWindow(call.Access.Refreshed, from)
	}
	query := at.Query
	if query == "" {
		query = c.windowQuery(at.Window)
	}
	var body struct {
		Transactions []json.RawMessage `json:"transactions"`
		Links        optional[links]   `json:"_links"`
	}
	resource := accountResource(account.BankID, "transactions")
	err = c.get(ctx, call, opTransactions, resource, query, &body)
	if cursor == "" && !call.Access.Refreshed && errors.Is(err, errShortHistory) {
		// The login was too long ago for the long history: this is another
		// question, not the same one again.
		at.Window = c.newestWindow(true, from)
		query = c.windowQuery(at.Window)
		err = c.get(ctx, call, opTransactions, resource, query, &body)
	}
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	page := bank.TransactionsPage{CoveredFrom: at.Window.First}
	window := at.Window
	repeated, err := at.turn(c.base.Host, resource, query, body.Links.Value, body.Transactions)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if at.Query == "" {
		at = position{Window: c.olderWindow(window)}
	}
	page.Next = at.cursor()
	if repeated {
		return page, nil
	}
	unreadable := 0
	for _, raw := range body.Transactions {
		transaction, verdict, err := c.transaction(raw, account)
		if err != nil {
			return bank.TransactionsPage{}, err
		}
		switch {
		case verdict == rowUnreadable:
			unreadable++
		case verdict == rowKept && window.owns(transaction.Date()):
			page.Transactions = append(page.Transactions, transaction)
		}
	}
	if unreadable > 0 {
		c.log.WarnContext(ctx, "transactions without an amount left out", "count", unreadable)
	}
	return page, nil
}

// accountsResource is where a bank keeps the accounts, below its base URL.
const accountsResource = "/accounts"

// accountResource is a resource of one account. We build it ourselves: hrefs in
// the list of accounts carry other hosts and prefixes at too many banks. It is
// escaped: ids may hold slashes.
func accountResource(id, name string) string {
	return accountsResource + "/" + url.PathEscape(id) + "/" + name
}
