package website

import (
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// recipe is one bank's web site. It holds no state: what it must remember from
// one call to the next is in the session's notes.
type recipe interface {
	// profile returns how the site behaves.
	profile() bank.Profile
	// fields are the names of what the recipe types, and whether it must.
	fields() map[string]bool
	// enter types the credentials, and gives the page that comes after them.
	enter(s *session, credentials credentials) (*page, error)
	// place returns where in a login a page is. It is called for every page, so
	// that a session that ended, or a bank that is busy, is noticed everywhere.
	place(s *session, p *page) (place, error)
	// list reads the page with all accounts.
	list(s *session) ([]entry, error)
	// complete adds to an account what only its own page tells.
	complete(s *session, e *entry) error
	// statement reads one page of an account's transactions, newest first.
	statement(p *page, account bank.AccountRef) (statement, error)
	// owner reads the page about the customer.
	owner(s *session) (oxlin.Owner, error)
}

// The names of the recipes stand in operators' provider files: they never change.
const (
	testBankRecipe  = "testbank"
	memorableRecipe = "memorable"
)

// recipes are chosen by their name in the catalogue's data.
var recipes = map[string]recipe{
	testBankRecipe:  testBank{},
	memorableRecipe: memorableWord{},
}

// place is where in a login a page is.
type place struct {
	at placeKind
	// next leads on: it says yes to the SMS, or takes the code in field, or the
	// answers to inputs.
	next  form
	field string
	// phone is where the SMS goes.
	phone string
	// inputs are the inputs of the form of questions.
	inputs []input
	// attempts are left after a wrong code or answer; 0 where none was wrong.
	attempts int
	// timeout is how long the code lives.
	timeout time.Duration
}

// placeKind is a step of a login; atOffer and atCode are those of the reference
// conversation (contract §4.10).
type placeKind string

const (
	// inside shows the customer's data.
	inside placeKind = "inside"
	// interstitial is a page that only wants to be left by next: thanks, news.
	interstitial placeKind = "between"
	// atOffer asks whether an SMS may be sent.
	atOffer placeKind = "offer"
	// atCode wants the code of the SMS.
	atCode placeKind = "code"
	// atQuestions wants answers to the questions of a form.
	atQuestions placeKind = "questions"
)

// entry is an account as the site lists it. BankID must be what the site shows
// of it on the list and on its statement.
type entry struct {
	bank.Account
	// shown is the account's element in the list, to be kept as the bank wrote it.
	shown   *goquery.Selection
	balance bank.Balance
	// page and statement are addresses.
	page      string
	statement string
}

// statement is one page of transactions.
type statement struct {
	rows []bank.Transaction
	// next is the address of the following page; empty at the end.
	next string
}

// credentials are in clear, by the recipe's names for its fields.
type credentials map[string]oxlin.Secret

func (c credentials) of(field string) string { return c[field].Reveal() }
