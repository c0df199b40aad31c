package website

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/datafile"
	"github.com/oxlin/oxlin/bank/psd2"
)

// Config says which site is read and how. It is data of the catalogue.
type Config struct {
	// Recipe is the name of the recipe.
	Recipe string `json:"recipe"`
	// BaseURL is where the site begins; links never lead to another host.
	BaseURL string `json:"base_url"`
	// Fields are the credentials that the recipe types, by its names for them.
	Fields map[string]oxlin.CredentialID `json:"fields"`
	// AccountTypes are those that the channel offers, as its definition says; empty
	// for all that the site shows.
	AccountTypes []oxlin.AccountType `json:"-"`
	// TimeoutSeconds bounds one page; 30 by default. A page that is drawn has 20 at
	// most.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
}

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	at.Member("base_url").CheckAddress(c.BaseURL)
	at.Member("timeout_seconds").Check(c.TimeoutSeconds >= 0, "%d is negative", c.TimeoutSeconds)
	recipe := recipes[c.Recipe]
	at.Member("recipe").Check(recipe != nil, "%q is no such recipe", c.Recipe)
	if recipe == nil {
		return
	}
	fields := recipe.fields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at.Member("fields").Member(name).Check(!fields[name] || c.Fields[name] != "", "the recipe needs this field")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		_, known := fields[name]
		at.Member("fields").Member(name).Check(known, "the recipe has no such field")
	}
}

// Deps are what a connector needs besides its data.
type Deps struct {
	// Transport carries the calls; nil for the default one.
	Transport http.RoundTripper
	// Browser is the program that draws the pages which need scripts, a Chromium;
	// empty for the one on the PATH. Without one such pages are bank.Unavailable.
	Browser string
	// Now is the clock by which cookies end; nil for the machine's.
	Now func() time.Time
}

// Connector reads one bank's web site. It has no state between two calls. A site
// ends a session when it likes: a reading call then fails with bank.AccessLost, and
// Login with the last Access begins another, without the user as long as the bank
// knows the device.
type Connector struct {
	config Config
	recipe recipe
	base   *url.URL
	client *http.Client
	now    func() time.Time
	// browser is Deps.Browser.
	browser string
}

// The capabilities of a connector for a web site.
var (
	_ bank.LoginConnector = (*Connector)(nil)
	_ bank.OwnerReader    = (*Connector)(nil)
)

// New makes the connector of one site. It fails on data with faults.
func New(config Config, deps Deps) (bank.LoginConnector, error) {
	var faults datafile.Report
	config.check(faults.Root())
	err := faults.Err()
	if err != nil {
		return nil, fmt.Errorf("website: %w", err)
	}
	base, err := url.Parse(strings.TrimSuffix(config.BaseURL, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("website: base_url: %w", err)
	}
	c := &Connector{config: config, recipe: recipes[config.Recipe], base: base, now: deps.Now, browser: deps.Browser}
	if c.now == nil {
		c.now = time.Now
	}
	c.client = psd2.HTTPClient(deps.Transport, config.TimeoutSeconds)
	c.client.CheckRedirect = stay
	return c, nil
}

// Profile returns how the site behaves.
func (c *Connector) Profile() bank.Profile { return c.recipe.profile() }

// Login types the credentials on the bank's first page, or the answer to its
// question on the page where it stopped. It always types them anew, so that
// wrong ones are noticed while an old session lives; only what the bank knows the
// device by is brought along.
func (c *Connector) Login(ctx context.Context, login bank.Login) (bank.LoginResult, error) {
	if login.State.IsZero() {
		return c.begin(ctx, login)
	}
	asked, ok := open[question](login.State)
	if !ok {
		return bank.LoginResult{}, nonsense("the state of the question is not one of ours")
	}
	if !asked.agreed(login.Answers) {
		return bank.LoginResult{}, &bank.Failure{Kind: bank.ChallengeCancelled}
	}
	s := c.session(ctx, asked.Session)
	p, err := s.send(asked.answered(login.Answers))
	if err != nil {
		return bank.LoginResult{}, err
	}
	where, err := s.skipInterstitials(p)
	if err != nil && bank.AsFailure(err).Kind == bank.AccessLost {
		// The site forgot us while the customer was looking for their telephone.
		login.Access.Token = seal(asked.Session)
		return c.begin(ctx, login)
	}
	if where.phone == "" {
		where.phone = asked.Phone
	}
	return arrived(s, true, where, err)
}

func (c *Connector) begin(ctx context.Context, login bank.Login) (bank.LoginResult, error) {
	// Without a readable session the customer proves the device again.
	last, _ := open[savedSession](login.Access.Token)
	last.Cookies = lasting(last.Cookies)
	s := c.session(ctx, last)
	typed := credentials{}
	for field, id := range c.config.Fields {
		typed[field] = login.Credentials[id]
	}
	p, err := c.recipe.enter(s, typed)
	if err != nil {
		return bank.LoginResult{}, err
	}
	where, err := s.skipInterstitials(p)
	if err != nil && bank.AsFailure(err).Kind == bank.AccessLost {
		// There was no access to lose: the site forgot us between two pages.
		err = &bank.Failure{Kind: bank.Unavailable, BankCode: "login forgotten"}
	}
	// Who answers a question is there, whatever the request said.
	return arrived(s, login.PSU != nil || !login.State.IsZero(), where, err)
}

// arrived turns where a login has come to into its result. Nothing is asked of a
// user who is not present.
func arrived(s *session, present bool, where place, err error) (bank.LoginResult, error) {
	switch {
	case err != nil:
		return bank.LoginResult{}, err
	case where.at == inside:
		return bank.LoginResult{Access: bank.Access{Token: seal(s.save())}}, nil
	case !present:
		return bank.LoginResult{}, &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	return bank.LoginResult{Question: ask(s, where)}, nil
}

// resume continues the session of a login.
func (c *Connector) resume(ctx context.Context, call bank.Call) (*session, error) {
	saved, ok := open[savedSession](call.Access.Token)
	if !ok {
		return nil, sessionOver()
	}
	return c.session(ctx, saved), nil
}

// list reads the accounts that the channel offers, each with a BankID of its own:
// of two that the site shows alike, the second one gets a number.
func (c *Connector) list(s *session) ([]entry, error) {
	entries, err := c.recipe.list(s)
	if err != nil {
		return nil, err
	}
	shown := map[string]int{}
	var offered []entry
	for _, e := range entries {
		if e.BankID == "" {
			return nil, nonsense("an account without number and name")
		}
		shown[e.BankID]++
		if shown[e.BankID] > 1 {
			e.BankID = fmt.Sprintf("%s#%d", e.BankID, shown[e.BankID])
		}
		if len(c.config.AccountTypes) == 0 || slices.Contains(c.config.AccountTypes, e.Type) {
			offered = append(offered, e)
		}
	}
	return offered, nil
}

// isShown reports whether the site's name for an account is that of its BankID.
func isShown(shown string, account bank.AccountRef) bool {
	return account.BankID == shown || strings.HasPrefix(account.BankID, shown+"#")
}

// find is one account of the list.
func (c *Connector) find(s *session, account bank.AccountRef) (entry, error) {
	entries, err := c.list(s)
	if err != nil {
		return entry{}, err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.BankID == account.BankID })
	if i < 0 {
		return entry{}, &bank.Failure{Kind: bank.Refused, BankCode: "account not on the list"}
	}
	return entries[i], nil
}

// Accounts reads the list of accounts and each account's own page; it is one page.
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	if cursor != "" {
		return bank.AccountsPage{}, psd2.ForeignCursor()
	}
	s, err := c.resume(ctx, call)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	entries, err := c.list(s)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	var page bank.AccountsPage
	for i := range entries {
		err := c.recipe.complete(s, &entries[i])
		if err != nil {
			return bank.AccountsPage{}, err
		}
		page.Accounts = append(page.Accounts, entries[i].Account)
	}
	return page, nil
}

// Balance reads the account's balance, and for a card when it is settled next.
func (c *Connector) Balance(ctx context.Context, call bank.Call, account bank.AccountRef) (bank.Balance, error) {
	s, err := c.resume(ctx, call)
	if err != nil {
		return bank.Balance{}, err
	}
	e, err := c.find(s, account)
	if err != nil {
		return bank.Balance{}, err
	}
	if e.Type == oxlin.AccountCreditCard {
		err = c.recipe.complete(s, &e)
	}
	return e.balance, err
}

// Transactions reads one page of an account's statement, newest first, until it
// is older than asked for.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := readPosition(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	s, err := c.resume(ctx, call)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if cursor == "" {
		e, err := c.find(s, account)
		if err != nil {
			return bank.TransactionsPage{}, err
		}
		at.Address = e.statement
	}
	p, err := s.read(at.Address)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	read, err := c.recipe.statement(p, account)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	result := bank.TransactionsPage{CoveredFrom: from}
	older := false
	for _, row := range read.rows {
		booked := row.Status == oxlin.StatusBooked
		if booked && row.Date().Before(from) {
			older = true
			continue
		}
		result.Transactions = append(result.Transactions, row)
	}
	if !older {
		result.Next, err = at.turn(read.next)
	}
	return result, err
}

// Owner reads the page about the customer.
func (c *Connector) Owner(ctx context.Context, call bank.Call, _ bank.AccountsPage) (oxlin.Owner, error) {
	s, err := c.resume(ctx, call)
	if err != nil {
		return oxlin.Owner{}, err
	}
	return c.recipe.owner(s)
}
