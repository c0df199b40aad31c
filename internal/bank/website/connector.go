package website

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Config selects the site and its recipe. It is data of the catalogue.
type Config struct {
	// Recipe is the name of the recipe.
	Recipe string `json:"recipe"`
	// BaseURL is the address of the site's first page; links to another host are
	// refused.
	BaseURL string `json:"base_url"`
	// Fields are the credentials that the recipe submits, by its names for them.
	Fields map[string]oxlin.CredentialID `json:"fields"`
	// AccountTypes are the types of the channel's definition; empty for all accounts of
	// the site.
	AccountTypes []oxlin.AccountType `json:"-"`
	// TimeoutSeconds limits one page; 30 by default, 120 at most. A rendered page has at
	// most 20.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
}

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	at.Member("base_url").CheckAddress(c.BaseURL)
	psd2.CheckTimeout(at.Member("timeout_seconds"), c.TimeoutSeconds)
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

// Deps are a connector's dependencies.
type Deps struct {
	// Transport sends the requests; nil for the default one.
	Transport http.RoundTripper
	// Browser is the Chromium program that renders pages with scripts; empty for the
	// one on the PATH. Without Chromium such pages are bank.Unavailable.
	Browser string
	// Now is the clock that expires cookies; nil for the machine's.
	Now func() time.Time
}

// Connector reads one bank's web site. It has no state between two calls. A site may
// end a session at any time: then a read fails with bank.AccessLost, and Login with the
// last Access opens another session. The user is not needed as long as the bank
// recognises the device.
type Connector struct {
	config Config
	recipe recipe
	base   *url.URL
	client *http.Client
	now    func() time.Time
	// browser is the program of Deps.Browser.
	browser string
}

// The capabilities of a connector for a web site.
var (
	_ bank.Continuer   = (*Connector)(nil)
	_ bank.OwnerReader = (*Connector)(nil)
	_ bank.Decoder     = (*Connector)(nil)
	_ bank.Revoker     = (*Connector)(nil)
)

// New returns the connector of one site. It fails if the data have faults.
func New(config Config, deps Deps) (*Connector, error) {
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
func (c *Connector) Profile() bank.Profile {
	profile := c.recipe.profile()
	// A call visits several pages, and the list of accounts one more for each account.
	profile.CallTime = 5 * time.Minute
	return profile
}

// Continue submits the credentials on the bank's first page, or the answer to its question
// on the page of that question. Where the site's sessions outlive a synchronisation, the
// last one is tried before: as long as it lives, no password is typed. It counts for the
// credentials by which it was opened alone, so that wrong new ones are noticed. Of an old
// session a login keeps only the cookies and notes that identify the device. The session is
// in Access.Token.
func (c *Connector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	switch input.Event {
	case bank.Begun:
		return c.begin(ctx, input, input.PSU != nil)
	case bank.Answered:
	default:
		return nil, nonsense("a web site asks questions, and nothing else comes back")
	}
	asked, ok := open[question](input.State)
	if !ok {
		return nil, nonsense("the state of the question is not one of ours")
	}
	if !asked.agreed(input.Answers) {
		return nil, &bank.Failure{Kind: bank.ChallengeCancelled}
	}
	s := c.session(ctx, asked.Session)
	if asked.Step == atQuestions {
		// Banks count wrong answers as they count wrong passwords.
		s.submit = func(ctx context.Context) error { return input.Submit(ctx, bank.GivenSecrets) }
	}
	p, err := s.send(asked.answered(input.Answers))
	if err != nil {
		return nil, err
	}
	where, err := s.skipInterstitials(p)
	if err != nil && bank.AsFailure(err).Kind == bank.AccessLost {
		// The site's session expired while the customer was looking for their phone.
		input.Journey.Access.Token = seal(asked.Session)
		// A user who answers a question is present, even if the request does not declare it.
		return c.begin(ctx, input, true)
	}
	if where.phone == "" {
		where.phone = asked.Phone
	}
	return stepFrom(s, true, where, err)
}

func (c *Connector) begin(ctx context.Context, input bank.Input, present bool) (bank.Step, error) {
	typed := credentials{}
	for field, id := range c.config.Fields {
		typed[field] = input.Journey.Credentials[id]
	}
	// Without a readable session the bank asks the customer to confirm the device
	// again.
	last, _ := open[savedSession](input.Journey.Access.Token)
	access, err := c.reuse(ctx, last, typed)
	if err != nil || !access.IsZero() {
		return access, err
	}
	s := c.session(ctx, savedSession{Cookies: devices(last.Cookies, c.recipe.habits().devices), Notes: last.Notes})
	s.typed, s.proof = typed, typed.proof(rand.Text())
	s.submit = func(ctx context.Context) error { return input.Submit(ctx, bank.StoredSecrets) }
	p, err := c.recipe.enter(s, typed)
	if err != nil {
		return nil, err
	}
	where, err := s.skipInterstitials(p)
	if err != nil && bank.AsFailure(err).Kind == bank.AccessLost {
		// There was no access to lose: the site ended the session between two pages.
		err = &bank.Failure{Kind: bank.Unavailable, BankCode: "login forgotten"}
	}
	return stepFrom(s, present, where, err)
}

// reuse returns the access of the last session if it still lives and was opened by the same
// credentials; else a zero one. A session that other credentials have opened is left first,
// where the recipe can leave it: some sites refuse a second one beside it.
func (c *Connector) reuse(ctx context.Context, last savedSession, typed credentials) (bank.Access, error) {
	home := strings.ReplaceAll(c.recipe.habits().home, "{user}", url.QueryEscape(last.Notes[userNote]))
	if !typed.proved(last.Proof) {
		return bank.Access{}, c.leave(ctx, last)
	}
	if home == "" {
		return bank.Access{}, nil
	}
	s := c.session(ctx, last)
	p, err := s.get(home)
	if err != nil {
		return bank.Access{}, err
	}
	where, err := s.skipInterstitials(p)
	switch {
	case err != nil && bank.AsFailure(err).Transient():
		return bank.Access{}, err
	case err != nil, where.at != inside:
		return bank.Access{}, nil
	}
	return bank.Access{Token: seal(s.save())}, nil
}

// leave ends a session at the bank, if the recipe can. That the bank does not know it any
// more is no failure.
func (c *Connector) leave(ctx context.Context, last savedSession) error {
	recipe, ok := c.recipe.(leaver)
	if !ok || len(last.Cookies) == 0 {
		return nil
	}
	err := recipe.leave(c.session(ctx, last))
	if err != nil && bank.AsFailure(err).Transient() {
		return err
	}
	return nil
}

// Revoke leaves the session at the bank, where the recipe says how; elsewhere it ends by
// itself.
func (c *Connector) Revoke(ctx context.Context, access bank.Access) error {
	last, ok := open[savedSession](access.Token)
	if !ok {
		return nil
	}
	return c.leave(ctx, last)
}

// proof returns a text by which proved recognises the credentials.
func (c credentials) proof(salt string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q", salt)
	for _, field := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(sum, "%q%q", field, c.of(field))
	}
	return salt + "." + hex.EncodeToString(sum.Sum(nil))
}

// proved reports whether a proof is that of the credentials.
func (c credentials) proved(proof string) bool {
	salt, _, ok := strings.Cut(proof, ".")
	return ok && subtle.ConstantTimeCompare([]byte(c.proof(salt)), []byte(proof)) == 1
}

// stepFrom converts the place that a login has reached into its step. It returns no
// question while the user is absent.
func stepFrom(s *session, present bool, where place, err error) (bank.Step, error) {
	switch {
	case err != nil:
		return nil, err
	case where.at == inside:
		return bank.Access{Token: seal(s.save())}, nil
	case !present:
		return nil, &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	return *ask(s, where), nil
}

// resume continues the session of an earlier login.
func (c *Connector) resume(ctx context.Context, call bank.Call) (*session, error) {
	saved, ok := open[savedSession](call.Access.Token)
	if !ok {
		return nil, sessionOver()
	}
	return c.session(ctx, saved), nil
}

// list reads the accounts that the channel offers, each with a unique BankID, which is its address
// too: if the site shows two alike, the second one gets a number. Accounts without a name or a page
// are kept apart.
func (c *Connector) list(s *session) (offered []entry, unreadable []bank.Unreadable, err error) {
	entries, err := c.recipe.list(s)
	if err != nil {
		return nil, nil, err
	}
	shown := map[string]int{}
	for _, e := range entries {
		if e.BankID == "" && e.Address == "" || e.page == "" {
			unreadable = append(unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: raw(e.shown)})
			continue
		}
		if e.Address == "" {
			shown[e.BankID]++
			if shown[e.BankID] > 1 {
				e.BankID = fmt.Sprintf("%s#%d", e.BankID, shown[e.BankID])
			}
			e.Address = e.BankID
		}
		if len(c.config.AccountTypes) == 0 || slices.Contains(c.config.AccountTypes, e.Type) {
			offered = append(offered, e)
		}
	}
	if len(unreadable) == len(entries) && len(entries) > 0 {
		// An empty list would mean that all accounts are closed.
		return nil, nil, nonsense("no account can be read")
	}
	return offered, unreadable, nil
}

// isShown reports whether the site's name for an account matches its address, in any layout.
func isShown(shown string, account bank.AccountRef) bool {
	id, shown := notation.Compact(account.Address), notation.Compact(shown)
	return id == shown || strings.HasPrefix(id, shown+"#")
}

// find returns one account of the list.
func (c *Connector) find(s *session, account bank.AccountRef) (entry, error) {
	entries, _, err := c.list(s)
	if err != nil {
		return entry{}, err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.Address == account.Address })
	if i < 0 {
		return entry{}, &bank.Failure{Kind: bank.Refused, BankCode: "account not on the list"}
	}
	return entries[i], nil
}

// Accounts reads the list of accounts and each account's own page. It returns all
// accounts in one page.
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	if cursor != "" {
		return bank.AccountsPage{}, psd2.ForeignCursor()
	}
	s, err := c.resume(ctx, call)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	entries, unreadable, err := c.list(s)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	page := bank.AccountsPage{Unreadable: unreadable}
	described, last := 0, error(nil)
	for _, e := range entries {
		err := c.complete(s, &e)
		switch {
		case err == nil:
			described++
		case !ofOnePage(err):
			return bank.AccountsPage{}, err
		}
		last = err
		page.Accounts = append(page.Accounts, e.Account)
	}
	if described == 0 && len(entries) > 0 {
		return bank.AccountsPage{}, last // the site has changed
	}
	return page, nil
}

// complete adds the data of an account's own page. Without a readable page, the entry stays
// as the list shows it.
func (c *Connector) complete(s *session, e *entry) error {
	complete := *e
	err := c.recipe.complete(s, &complete)
	if err != nil {
		e.Raw = raw(e.shown)
		return err
	}
	*e = complete
	return nil
}

// Balances reads the account's balance, and the next debit of a card.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor != "" {
		return bank.Balances{}, psd2.ForeignCursor()
	}
	s, err := c.resume(ctx, call)
	if err != nil {
		return bank.Balances{}, err
	}
	e, err := c.find(s, account)
	if err != nil {
		return bank.Balances{}, err
	}
	if e.Type == oxlin.AccountCreditCard {
		err = c.complete(s, &e)
	}
	if err != nil && !ofOnePage(err) {
		return bank.Balances{}, err
	}
	return e.balances, nil
}

// Transactions reads one page of an account's statement: until its rows are older than from,
// or to the end if they begin with the oldest.
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
		recipe, ok := c.recipe.(sinceReader)
		if ok {
			at.Address = recipe.since(at.Address, from)
		}
	} else {
		s.from = at.From
	}
	p, err := s.read(at.Address)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	read, err := c.recipe.statement(p, account)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	result := bank.TransactionsPage{CoveredFrom: from, Unreadable: read.unreadable}
	older := false // the last booked row decides: a late one may stand among newer ones
	for _, row := range read.rows {
		before := !row.Date().IsZero() && row.Date().Before(from)
		if row.Status == oxlin.StatusBooked && !row.Date().IsZero() {
			older = before
		}
		if row.Status != oxlin.StatusBooked || !before {
			result.Transactions = append(result.Transactions, row)
		}
	}
	if !older || read.oldestFirst {
		empty := len(read.rows)+len(read.unreadable) == 0
		at.From = p.referrer()
		if read.oldestFirst {
			from = oxlin.Date{} // the pages before it are read too
		}
		result.Next, result.Broken = at.turn(read.next, empty, from, oxlin.DateIn(c.now(), oxlin.Paris))
		result.Endless = result.Broken != ""
	}
	return result, nil
}

// Decode reads the HTML of one row.
func (c *Connector) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	var stored record
	err := json.Unmarshal(raw, &stored)
	if err != nil {
		return bank.Decoded{}, false
	}
	t, unread, ok := c.recipe.record(stored.HTML, account)
	t.Raw = raw
	return bank.Decoded{Transaction: t, Unread: unread}, ok
}

// Owner reads the page about the customer.
func (c *Connector) Owner(ctx context.Context, call bank.Call, _ bank.AccountsPage) (oxlin.Owner, error) {
	s, err := c.resume(ctx, call)
	if err != nil {
		return oxlin.Owner{}, err
	}
	return c.recipe.owner(s)
}
