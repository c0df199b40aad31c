package website

import (
	"cmp"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// recipe describes one bank's web site. It has no state: the session's notes keep its
// data between calls.
type recipe interface {
	// profile returns how the site behaves.
	profile() bank.Profile
	// habits returns how the site treats devices and sessions.
	habits() habits
	// fields returns the names of the credentials, and whether each is required.
	fields() map[string]bool
	// enter submits the credentials, and returns the page that follows.
	enter(s *session, credentials credentials) (*page, error)
	// place returns the step of a login to which a page belongs. It is called for every
	// page, so that the end of a session or an overloaded bank is noticed everywhere.
	place(s *session, p *page) (place, error)
	// list reads the page with all accounts. An entry without an id cannot be read.
	list(s *session) ([]entry, error)
	// complete adds the data of an account's own page.
	complete(s *session, e *entry) error
	// statement reads one page of an account's transactions.
	statement(p *page, account bank.AccountRef) (statement, error)
	// record reads the raw record of a row as statement reads the row; false if the
	// record alone does not hold the whole row.
	record(html string, account bank.AccountRef) (bank.Transaction, bank.Unread, bool)
	// owner reads the page about the customer.
	owner(s *session) (oxlin.Owner, error)
}

// habits are how a site treats devices and sessions.
type habits struct {
	// devices are the names of the cookies by which the site recognises a device, as
	// patterns of path.Match. Of a session's cookies only these are kept for the next login.
	devices []string
	// home is a page for logged-in customers ({user} as in a plainSite), where a session is tried before the password is
	// typed again; empty at a site whose sessions end with the synchronisation.
	home string
}

// leaver is a recipe of a site where a session is to be ended by the customer. Without it a
// session is never ended at the bank.
type leaver interface {
	leave(s *session) error
}

// The names of the recipes are in operators' provider files: they never change.
const (
	testBankRecipe  = "testbank"
	memorableRecipe = "memorable"
	djangoRecipe    = "django-admin"
	ledgerRecipe    = "sql-ledger"
)

// recipes are chosen by their name in the catalogue's data.
var recipes = map[string]recipe{
	testBankRecipe:  testBank{},
	memorableRecipe: memorableWord{},
	djangoRecipe:    djangoAdmin,
	ledgerRecipe:    sqlLedger,
}

// place is the step of a login to which a page belongs.
type place struct {
	at placeKind
	// next continues the login: it agrees to the SMS, or submits the code in field, or
	// the answers to inputs.
	next  form
	field string
	// phone is the number that receives the SMS.
	phone string
	// inputs are the inputs of the form of questions.
	inputs []input
	// attempts is the number of attempts left after a wrong code or answer; 0 if there
	// was no wrong one.
	attempts int
	// timeout is the lifetime of the code.
	timeout time.Duration
}

// placeKind is a step of a login; atOffer and atCode are those of the reference
// conversation (contract §4.10).
type placeKind string

const (
	// inside shows the customer's data.
	inside placeKind = "inside"
	// interstitial is a page without a question, such as news, that is left by next.
	interstitial placeKind = "between"
	// atOffer asks whether an SMS may be sent.
	atOffer placeKind = "offer"
	// atCode wants the code of the SMS.
	atCode placeKind = "code"
	// atQuestions wants answers to the questions of a form.
	atQuestions placeKind = "questions"
)

// sinceReader is a recipe of a site whose statements can begin with a day.
type sinceReader interface {
	// since returns the address of a statement from a day on.
	since(address string, from oxlin.Date) string
}

// entry is an account in the site's list. BankID must be the name that the site shows
// both in the list and on the statement. The only account of a site that shows no number has
// an Address instead: its name and that it is alone identify it.
type entry struct {
	bank.Account
	// shown is the account's element in the list, the source of the raw record.
	shown    *goquery.Selection
	balances bank.Balances
	// page and statement are addresses.
	page      string
	statement string
}

// onlyBalance reads the balance of a site that shows one: the booked one, or the coming
// debits of a card.
func onlyBalance(kind oxlin.AccountType, convention notation.Convention, shown *goquery.Selection) bank.Balances {
	reading := convention.Money(textOf(shown), "")
	money, ok := reading.Told()
	switch {
	case reading.IsAbsent():
		return bank.Balances{}
	case !ok:
		return bank.Balances{Unreadable: []bank.Unreadable{{Reason: bank.UnreadAmount, Raw: raw(shown)}}}
	}
	balance := oxlin.Balance{Type: oxlin.BalanceBooked, Amount: money.Amount, Currency: money.Currency}
	if kind == oxlin.AccountCreditCard {
		balance.Type = oxlin.BalanceOther
	}
	return bank.Balances{All: []oxlin.Balance{balance}, Shown: &balance}
}

// currencyOf returns the currency of an only balance; empty if it names none.
func currencyOf(balances bank.Balances) string {
	if balances.Shown == nil {
		return ""
	}
	return balances.Shown.Currency
}

// statement is one page of transactions.
type statement struct {
	rows []bank.Transaction
	// unreadable are the rows without a readable amount or day.
	unreadable []bank.Unreadable
	// next is the address of the following page; empty at the end.
	next string
	// oldestFirst is set if the newest rows are on the last page.
	oldestFirst bool
}

// add appends a row, or keeps it apart if a part of it cannot be read.
func (s *statement) add(row bank.Transaction, unread bank.Unread) {
	if unread != "" {
		s.unreadable = append(s.unreadable, bank.Unreadable{Reason: unread, Day: row.Date(), Raw: row.Raw})
		return
	}
	s.rows = append(s.rows, row)
}

// setAmount reads the amount of a row at a site that writes a sign with each of them. It
// returns the part that cannot be read: a credit is never the default.
func setAmount(row *bank.Transaction, convention notation.Convention, text string, account bank.AccountRef) bank.Unread {
	money, ok := convention.Money(text, account.Currency).Told()
	row.Amount, row.Currency = money.Amount, cmp.Or(money.Currency, account.Currency)
	switch {
	case !ok:
		return bank.UnreadAmount
	case !money.Signed && money.Amount != 0:
		return bank.UnreadSign
	}
	return ""
}

// credentials are unencrypted, by the recipe's names for its fields.
type credentials map[string]oxlin.Secret

func (c credentials) of(field string) string { return c[field].Reveal() }

// in reports whether a form holds one of the credentials.
func (c credentials) in(f form) bool {
	for _, values := range f.Fields {
		for _, value := range values {
			for _, secret := range c {
				if value != "" && value == secret.Reveal() {
					return true
				}
			}
		}
	}
	return false
}
