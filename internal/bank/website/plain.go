package website

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// plainSite is the recipe of a plain site, as data: one login form, one list of accounts, and
// statements of rows. Its members are addresses relative to the site's first page, where {user}
// stands for the remembered field of the login, and selectors. Everything about amounts and days is said, and nothing is guessed.
type plainSite struct {
	about bank.Profile
	// convention reads amounts and days; zone is that of instants, Paris if it is nil.
	convention notation.Convention
	zone       *time.Location
	login      plainLogin
	// inside is an element that each page for logged-in customers has.
	inside string
	// failures are elements of pages that announce one.
	failures []marker
	// visits are the site's devices and sessions; logout is the address that ends a session.
	visits habits
	logout string
	// customer is the page about the customer; empty without one. name is its element.
	customer, name string
	accounts       plainAccounts
	rows           plainRows
}

// plainLogin is the login form.
type plainLogin struct {
	page, form string
	// inputs are the names of the form's inputs, by those of the recipe's fields, all of which
	// are required.
	inputs map[string]string
	// wrong is an element of the form's page after wrong credentials.
	wrong string
	// remembered is the field that addresses need; empty for none.
	remembered string
}

// plainAccounts is the list of accounts.
type plainAccounts struct {
	page string
	// whole is an element that the list has, even without accounts.
	whole string
	// each selects the accounts. It is empty at a site with one account that has no number:
	// then the elements are those of the page.
	each string
	// name, number and balance are elements of an account; link is the one that leads to its
	// statement, which is the page itself if link is empty.
	name, number, balance, link string
	// overdrawn is an element with the balance of an account that is overdrawn, if that is
	// another one.
	overdrawn string
	// statement is the address of an account's statement, with {number}, at a site whose list
	// does not link to it.
	statement string
	kind      oxlin.AccountType
	// called is the name of an account that the site does not name, and currency the one of
	// all amounts at a site that writes no currency with them.
	called, currency string
}

// plainRows are the pages of a statement.
type plainRows struct {
	// whole is an element that each page of a statement has, even without rows.
	whole string
	each  string
	// number is an element with the account's number: one of the page, or one of each row. Only
	// a site with one account may lack it.
	number string
	// numberForm matches the text of that element, with the number as its first group; nil if the
	// text is the number.
	numberForm *regexp.Regexp
	// day, value and words are elements of a row.
	day, value, words string
	// amount is an element with a sign; with silentCredit, credits are without one. Or received
	// and paid are two columns, of which a row fills one.
	amount         string
	silentCredit   bool
	received, paid string
	// pending selects the rows that are not booked.
	pending string
	// next leads to the following page, and last is an element of the last one; empty if the
	// site has no such element.
	next, last  string
	oldestFirst bool
	// since is the parameter of the statement's address with the first day, in the layout of
	// package time; a site without it is read from its first row.
	since, layout string
}

// userNote is the name of the note with the remembered field.
const userNote = "user"

// filled returns an address with the remembered field in its place.
func (r plainSite) filled(s *session, address string) string {
	return strings.ReplaceAll(address, "{user}", url.QueryEscape(s.notes[userNote]))
}

// onlyAccount is the address of the only account of a site.
const onlyAccount = "only"

func (r plainSite) profile() bank.Profile { return r.about }

func (r plainSite) habits() habits { return r.visits }

func (r plainSite) fields() map[string]bool {
	all := map[string]bool{}
	for field := range r.login.inputs {
		all[field] = true
	}
	return all
}

func (r plainSite) enter(s *session, c credentials) (*page, error) {
	p, err := s.get(r.login.page)
	if err != nil {
		return nil, err
	}
	f, err := p.form(r.login.form, "")
	if err != nil {
		return nil, err
	}
	if r.login.remembered != "" {
		s.notes[userNote] = c.of(r.login.remembered)
	}
	for field, input := range r.login.inputs {
		f = f.with(input, c.of(field))
	}
	return s.send(f)
}

func (r plainSite) leave(s *session) error {
	if r.logout == "" {
		return nil
	}
	_, err := s.get(r.filled(s, r.logout))
	return err
}

func (r plainSite) place(_ *session, p *page) (place, error) {
	err := p.failed(r.failures)
	switch {
	case err != nil:
		return place{}, err
	case p.has(r.login.form) && p.has(r.login.wrong):
		return place{}, &bank.Failure{Kind: bank.CredentialsRejected, Status: p.status}
	case p.has(r.login.form):
		return place{}, sessionOver()
	case p.has(r.inside):
		return place{at: inside}, nil
	}
	return place{}, nonsense("an unknown page")
}

func (r plainSite) list(s *session) ([]entry, error) {
	p, err := s.read(r.filled(s, r.accounts.page))
	if err != nil {
		return nil, err
	}
	if !p.has(r.accounts.whole) {
		return nil, nonsense("no list of accounts")
	}
	if r.accounts.each == "" {
		e := r.entry(p, p.Find(r.accounts.whole).First())
		e.Address = onlyAccount
		return []entry{e}, nil
	}
	var entries []entry
	for _, shown := range p.Find(r.accounts.each).EachIter() {
		e := r.entry(p, shown)
		e.Number = textOf(shown.Find(r.accounts.number))
		e.BankID = e.Number
		if r.accounts.statement != "" && e.Number != "" {
			e.statement = within(s.base, strings.ReplaceAll(r.filled(s, r.accounts.statement), "{number}", url.QueryEscape(e.Number)))
			e.page = e.statement
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// within returns an address relative to the site's first page as one of its host.
func within(base *url.URL, address string) string {
	u, err := base.Parse(address)
	if err != nil {
		return ""
	}
	return u.RequestURI()
}

func (r plainSite) entry(p *page, shown *goquery.Selection) entry {
	e := entry{shown: shown, statement: p.address.RequestURI()}
	if r.accounts.balance != "" {
		e.balances = onlyBalance(r.accounts.kind, r.convention, shown.Find(r.accounts.balance).First())
		owed := onlyBalance(r.accounts.kind, r.convention, shown.Find(r.accounts.overdrawn).First())
		if owed.Shown != nil && e.balances.Shown == nil && len(e.balances.Unreadable) == 0 {
			owed.Shown.Amount = -owed.Shown.Amount
			e.balances = bank.Balances{All: []oxlin.Balance{*owed.Shown}, Shown: owed.Shown}
		}
		e.balances = inCurrency(e.balances, r.accounts.currency)
	}
	if r.accounts.link != "" {
		e.statement = p.link(shown.Find(r.accounts.link).First())
	}
	e.page = e.statement
	e.Account = bank.Account{
		Name: cmp.Or(textOf(shown.Find(r.accounts.name).First()), r.accounts.called), Type: r.accounts.kind,
		Usage: oxlin.UsagePersonal, Currency: cmp.Or(currencyOf(e.balances), r.accounts.currency), Raw: raw(shown),
	}
	return e
}

// inCurrency gives an only balance the currency of its site, if its text names none.
func inCurrency(balances bank.Balances, currency string) bank.Balances {
	if balances.Shown == nil || balances.Shown.Currency != "" {
		return balances
	}
	balance := *balances.Shown
	balance.Currency = currency
	return bank.Balances{All: []oxlin.Balance{balance}, Shown: &balance}
}

func (r plainSite) complete(*session, *entry) error { return nil }

// since adds the first day to the address of a statement.
func (r plainSite) since(address string, from oxlin.Date) string {
	u, err := url.Parse(address)
	if r.rows.since == "" || from.IsZero() || err != nil {
		return address
	}
	query := u.Query()
	query.Set(r.rows.since, from.Midnight(time.UTC).Format(r.rows.layout))
	u.RawQuery = query.Encode()
	return u.String()
}

func (r plainSite) statement(p *page, account bank.AccountRef) (statement, error) {
	rows := p.Find(r.rows.each)
	if !p.has(r.rows.whole) || !r.isOf(p, rows, account) {
		return statement{}, nonsense("not the statement of the account")
	}
	s := statement{next: p.link(p.Find(r.rows.next).First()), oldestFirst: r.rows.oldestFirst}
	if s.next == "" && r.rows.last != "" && !p.has(r.rows.last) {
		return statement{}, &bank.Failure{Kind: bank.Unavailable, BankCode: "page cut off"}
	}
	for _, row := range rows.EachIter() {
		s.add(r.transaction(row, account))
	}
	return s, nil
}

// isOf reports whether a page names the account, and no other one.
func (r plainSite) isOf(p *page, rows *goquery.Selection, account bank.AccountRef) bool {
	if account.Address == onlyAccount && r.accounts.each == "" {
		return true
	}
	named := texts(p.Find(r.rows.number))
	for i, text := range named {
		if r.rows.numberForm == nil {
			continue
		}
		found := r.rows.numberForm.FindStringSubmatch(text)
		if found == nil {
			return false
		}
		named[i] = found[1]
	}
	other := func(number string) bool { return !isShown(number, account) }
	return !slices.ContainsFunc(named, other) && (len(named) > 0 || rows.Length() == 0)
}

func (r plainSite) record(html string, account bank.AccountRef) (bank.Transaction, bank.Unread, bool) {
	before, after := "", ""
	if strings.HasPrefix(html, "<tr") {
		before, after = "<table><tbody>", "</tbody></table>"
	}
	row := parse(before, html, after).Find("body").Children()
	if before != "" {
		row = row.Find("tbody").Children()
	}
	if row.Length() != 1 {
		return bank.Transaction{}, "", false
	}
	t, unread := r.transaction(row, account)
	return t, unread, true
}

func (r plainSite) transaction(row *goquery.Selection, account bank.AccountRef) (bank.Transaction, bank.Unread) {
	at := cmp.Or(r.zone, zone)
	t := bank.Transaction{Status: oxlin.StatusBooked, Remittance: texts(row.Find(r.rows.words)), Raw: raw(row)}
	day := r.convention.Date(textOf(row.Find(r.rows.day).First()), at)
	t.BookingDate = day.Or(oxlin.Date{})
	t.ValueDate = r.convention.Date(textOf(row.Find(r.rows.value).First()), at).Or(oxlin.Date{})
	if r.rows.pending != "" && row.Is(r.rows.pending) {
		t.Status, t.TransactionDate, t.BookingDate = oxlin.StatusPending, t.BookingDate, oxlin.Date{}
	}
	unread := r.setAmount(&t, row, account)
	if unread == "" && t.Date().IsZero() && !day.IsAbsent() {
		unread = bank.UnreadDay
	}
	return t, unread
}

// setAmount reads the amount of a row, and returns the part that cannot be read.
func (r plainSite) setAmount(t *bank.Transaction, row *goquery.Selection, account bank.AccountRef) bank.Unread {
	if r.rows.amount != "" {
		unread := setAmount(t, r.convention, textOf(row.Find(r.rows.amount).First()), account)
		if unread == bank.UnreadSign && r.rows.silentCredit {
			return ""
		}
		return unread
	}
	in := r.convention.Money(textOf(row.Find(r.rows.received).First()), account.Currency)
	out := r.convention.Money(textOf(row.Find(r.rows.paid).First()), account.Currency)
	received, isIn := in.Told()
	paid, isOut := out.Told()
	isIn, isOut = isIn && received.Amount != 0, isOut && paid.Amount != 0
	money := received
	switch {
	case isIn && (out.IsAbsent() || paid.Amount == 0 && !out.IsUnreadable()):
	case isOut && (in.IsAbsent() || received.Amount == 0 && !in.IsUnreadable()):
		money = paid
		money.Amount = -money.Amount
	default:
		return bank.UnreadAmount
	}
	t.Amount, t.Currency = money.Amount, cmp.Or(money.Currency, account.Currency)
	return ""
}

func (r plainSite) owner(s *session) (oxlin.Owner, error) {
	if r.customer == "" {
		return oxlin.Owner{}, nil
	}
	p, err := s.read(r.filled(s, r.customer))
	if err != nil {
		return oxlin.Owner{}, err
	}
	return oxlin.Owner{Name: p.text(r.name)}, nil
}
