package website

import (
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// memorableWord reads an English site that asks for an identifier on one page, and for
// a memorable answer and a password on the next. It recognises a device by a token in
// that form, which we store as a note.
type memorableWord struct{}

// deviceNote is the name of the note with the device's token.
const deviceNote = "trust"

func (memorableWord) profile() bank.Profile {
	return bank.Profile{
		IDs: bank.IDPositional, UnattendedPerDay: 4, HistoryDays: 365, Currency: "EUR",
		Customer: []oxlin.DataKind{oxlin.DataBirthDate, oxlin.DataPhone},
	}
}

func (memorableWord) habits() habits { return habits{home: "overview"} }

func (memorableWord) fields() map[string]bool {
	return map[string]bool{"userid": true, "answer": true, "secret": true}
}

func (memorableWord) enter(s *session, c credentials) (*page, error) {
	first, err := s.get("")
	if err != nil {
		return nil, err
	}
	f, err := first.form("form[name=logon]", "")
	if err != nil {
		return nil, err
	}
	second, err := s.send(f.with("userid", c.of("userid")))
	if err != nil {
		return nil, err
	}
	f, err = second.form("form[name=verify]", "")
	if err != nil {
		return nil, err
	}
	return s.send(f.with("answer", c.of("answer")).with("secret", c.of("secret")).with("trust", s.notes[deviceNote]))
}

func (memorableWord) place(s *session, p *page) (place, error) {
	err := p.failed([]marker{
		{".notice--signed-off", bank.AccessLost},
		{".notice--suspended", bank.Locked},
		{".notice--new-password", bank.PasswordExpired},
		{".notice--new-terms", bank.ActionAtBank},
		{".notice--not-verified", bank.ChallengeRejected},
		{".notice--busy", bank.Unavailable},
	})
	if err != nil {
		return place{}, err
	}
	switch {
	case p.has("form[name=logon]"):
		return place{}, &bank.Failure{Kind: bank.CredentialsRejected}
	case p.has("form[name=textme]"):
		next, err := p.form("form[name=textme]", "")
		return place{at: atOffer, next: next, phone: p.text("form output")}, err
	case p.has("form[name=passcode]"):
		next, err := p.form("form[name=passcode]", "")
		attempts, _ := strconv.Atoi(p.Find("[data-left]").AttrOr("data-left", ""))
		minutes, _ := strconv.Atoi(p.text("form b"))
		return place{
			at: atCode, next: next, field: "passcode", phone: p.text("form output"),
			attempts: attempts, timeout: time.Duration(minutes) * time.Minute,
		}, err
	case p.has("#trust"):
		s.notes[deviceNote] = p.Find("#trust").AttrOr("value", "")
		return place{at: interstitial, next: form{Address: p.link(p.Find(".onwards")), Get: true}}, nil
	case p.has(".products"), p.has(".activity"), p.has(".terms"):
		return place{at: inside}, nil
	}
	return place{}, nonsense("an unknown page")
}

// kinds are the site's words for account types.
var kinds = map[string]oxlin.AccountType{
	"current": oxlin.AccountCheckings, "card": oxlin.AccountCreditCard,
	"savings": oxlin.AccountSavings, "loan": oxlin.AccountLoan,
}

func (memorableWord) list(s *session) ([]entry, error) {
	p, err := s.read("overview")
	if err != nil {
		return nil, err
	}
	if !p.has(".products") {
		return nil, nonsense("no list of products")
	}
	var entries []entry
	for _, item := range p.Find(".product").EachIter() {
		kind, known := kinds[item.AttrOr("data-kind", "")]
		if !known && item.AttrOr("data-kind", "") != "" {
			continue // insurance and the like
		}
		if !known {
			entries = append(entries, entry{shown: item})
			continue
		}
		name, number, address := textOf(item.Find("a")), textOf(item.Find("i")), p.link(item.Find("a"))
		e := entry{shown: item, page: address, statement: address, balances: onlyBalance(kind, notation.English, item.Find("strong"))}
		e.Account = bank.Account{
			BankID: psd2.First(number, name), Name: name, Type: kind, Usage: oxlin.UsagePersonal, Currency: currencyOf(e.balances),
			Number: number,
		}
		if kind == oxlin.AccountCreditCard {
			e.Number, e.MaskedNumber = "", notation.CardNumber(strings.ReplaceAll(number, "*", "X"))
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// terms returns the names and values of a table.
func (memorableWord) terms(p *page) facts {
	terms := facts{}
	for _, row := range p.Find(".terms tr").EachIter() {
		terms[factName(textOf(row.Find("th")))] = strings.TrimSuffix(textOf(row.Find("td")), " a year")
	}
	return terms
}

func (r memorableWord) complete(s *session, e *entry) error {
	p, err := s.read(e.page)
	if err != nil {
		return err
	}
	terms := r.terms(p)
	if len(terms) == 0 {
		return nonsense("a product's page without terms")
	}
	read := reader{notation.English, terms}
	e.OwnerName, e.IBAN = terms.of("Held by"), read.iban("IBAN")
	switch e.Type {
	case oxlin.AccountSavings:
		e.Details.Savings = &oxlin.SavingsDetails{Rate: read.rate("Interest rate"), Ceiling: read.amount("Maximum balance"), Product: terms.of("Scheme")}
	case oxlin.AccountLoan:
		e.Details.Loan = &oxlin.LoanDetails{
			Amount: read.amount("Borrowed"), RemainingCapital: read.amount("Outstanding"), Rate: read.rate("Interest rate"),
			StartDate: read.date("First day"), EndDate: read.date("Last day"), InstalmentAmount: read.amount("Instalment"),
			NextInstalmentDate: read.date("Next instalment"), InstalmentsLeft: read.count("Instalments left"),
		}
	case oxlin.AccountCreditCard:
		e.Details.CreditCard = read.card("Settled", e.MaskedNumber)
		read.nextDebit(&e.balances, "Next settlement", "Settlement amount")
	}
	e.Raw = raw(e.shown, p.Find(".terms"))
	return nil
}

func (r memorableWord) statement(p *page, account bank.AccountRef) (statement, error) {
	activity := p.Find(".activity")
	if activity.Length() != 1 || !isShown(psd2.First(activity.AttrOr("data-of", ""), activity.AttrOr("data-called", "")), account) {
		return statement{}, nonsense("not the activity of the account")
	}
	s := statement{next: p.link(activity.Find(".more"))}
	if s.next == "" && activity.Find(".end").Length() == 0 {
		return statement{}, &bank.Failure{Kind: bank.Unavailable, BankCode: "page cut off"}
	}
	for _, day := range activity.Find("section").EachIter() {
		for _, move := range day.Find(".move").EachIter() {
			s.add(r.transaction(move, day.Find("h4"), account))
		}
	}
	return s, nil
}

// record reads a row with its heading, which records of earlier versions lack.
func (r memorableWord) record(html string, account bank.AccountRef) (bank.Transaction, bank.Unread, bool) {
	record := parse("", html, "")
	move, heading := record.Find(".move"), record.Find("h4")
	if move.Length() != 1 || heading.Length() != 1 {
		return bank.Transaction{}, "", false
	}
	t, unread := r.transaction(move, heading, account)
	return t, unread, true
}

// transaction reads a row under the heading of its day; the site has no value dates.
func (memorableWord) transaction(move, heading *goquery.Selection, account bank.AccountRef) (bank.Transaction, bank.Unread) {
	pending := heading.Find("em").Length() > 0
	title := heading.Clone()
	title.Find("em").Remove()
	day := notation.English.Date(textOf(title), zone)
	t := bank.Transaction{
		BankID: move.AttrOr("data-pos", ""), Status: oxlin.StatusBooked, BookingDate: day.Or(oxlin.Date{}),
		Remittance: texts(move.Find("p")), Raw: raw(heading, move),
	}
	if pending {
		t.Status, t.BookingDate, t.TransactionDate = oxlin.StatusPending, oxlin.Date{}, t.BookingDate
	}
	unread := setAmount(&t, notation.English, textOf(move.Find("b")), account)
	switch {
	case unread != "":
		return t, unread
	case day.IsUnreadable():
		return t, bank.UnreadDay
	}
	return t, ""
}

func (r memorableWord) owner(s *session) (oxlin.Owner, error) {
	p, err := s.read("profile")
	if err != nil {
		return oxlin.Owner{}, err
	}
	terms := r.terms(p)
	read := reader{notation.English, terms}
	return oxlin.Owner{Name: terms.of("Name"), BirthDate: read.date("Date of birth"), PhoneNumber: terms.of("Telephone")}, nil
}
