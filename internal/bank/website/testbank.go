package website

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// testBank reads the first web site of the test bank, in both designs: the Linxo Test
// Bank's (provider 87), and the Demo Bank's (182), which asks for an identifier only.
type testBank struct{}

func (testBank) profile() bank.Profile {
	return bank.Profile{IDs: bank.IDNone, UnattendedPerDay: 4, HistoryDays: 365, Currency: "EUR", Customer: oxlin.DataOfCustomers()}
}

// habits: integrators test what each login of the test bank asks, so no session is used again.
func (testBank) habits() habits { return habits{devices: []string{"appareil"}} }

func (testBank) fields() map[string]bool {
	return map[string]bool{"identifiant": true, "motdepasse": false, "fichier": false}
}

func (testBank) enter(s *session, c credentials) (*page, error) {
	p, err := s.get("connexion")
	if err != nil {
		return nil, err
	}
	f, err := p.form("#connexion", "")
	if err != nil {
		return nil, err
	}
	for field := range c {
		f = f.with(field, c.of(field))
	}
	return s.send(f)
}

func (testBank) place(_ *session, p *page) (place, error) {
	err := p.failed([]marker{
		{"#acces-bloque", bank.Locked},
		{"#mot-de-passe-expire", bank.PasswordExpired},
		{"form#conditions", bank.ActionAtBank},
		{"#echec-authentification", bank.ChallengeRejected},
		{"#indisponible", bank.Unavailable},
	})
	if err != nil {
		return place{}, err
	}
	switch {
	case p.has("form#connexion") && strings.Contains(p.text(".erreur"), "Connexion impossible"):
		return place{}, &bank.Failure{Kind: bank.CredentialsRejected}
	case p.has("form#connexion"), p.has("#formulaire-perime"):
		return place{}, sessionOver()
	case p.has("form#envoi-sms"):
		next, err := p.form("#envoi-sms", "envoyer")
		return place{at: atOffer, next: next, phone: p.text(".telephone")}, err
	case p.has("form#saisie-code"):
		next, err := p.form("#saisie-code", "valider")
		attempts, _ := strconv.Atoi(p.text(".essais"))
		seconds, _ := strconv.Atoi(p.text(".delai"))
		return place{
			at: atCode, next: next, field: "code", phone: p.text(".telephone"),
			attempts: attempts, timeout: time.Duration(seconds) * time.Second,
		}, err
	case p.has("form#questions"):
		next, err := p.form("#questions", "valider")
		if err != nil {
			return place{}, err
		}
		inputs, err := p.inputs("#questions")
		attempts, _ := strconv.Atoi(p.text(".essais"))
		return place{at: atQuestions, next: next, inputs: inputs, attempts: attempts}, err
	case p.has("#quitter"):
		return place{at: inside}, nil
	}
	return place{}, nonsense("an unknown page")
}

// sections are the headings of the list of accounts.
var sections = []struct {
	id   string
	kind oxlin.AccountType
}{
	{"#comptes-courants", oxlin.AccountCheckings},
	{"#cartes", oxlin.AccountCreditCard},
	{"#epargne", oxlin.AccountSavings},
	{"#credits", oxlin.AccountLoan},
}

func (r testBank) list(s *session) ([]entry, error) {
	p, err := s.read("comptes")
	if err != nil {
		return nil, err
	}
	if !p.has("#mes-comptes") {
		return nil, nonsense("no list of accounts")
	}
	var entries []entry
	known := ""
	for _, section := range sections {
		known = strings.TrimPrefix(known+", "+section.id, ", ")
		for _, article := range p.Find(section.id + " .compte").EachIter() {
			entries = append(entries, r.entry(p, article, section.kind))
		}
	}
	for _, article := range p.Find("#mes-comptes .compte").EachIter() {
		if !article.Parents().Is(known) {
			entries = append(entries, entry{shown: article}) // of an unknown kind
		}
	}
	return entries, nil
}

func (r testBank) entry(p *page, article *goquery.Selection, kind oxlin.AccountType) entry {
	link := article.Find("h3 a")
	e := entry{shown: article, page: p.link(link), balances: onlyBalance(kind, notation.French, article.Find(".solde"))}
	e.statement = e.page + "/operations"
	if kind == oxlin.AccountLoan && e.balances.Shown != nil {
		due := *e.balances.Shown // the site shows the amount due
		due.Amount = -due.Amount
		e.balances = bank.Balances{All: []oxlin.Balance{due}, Shown: &due}
	}
	e.Account = bank.Account{
		BankID: r.shown(article), Name: textOf(link), Type: kind, Usage: oxlin.UsagePersonal, Currency: currencyOf(e.balances),
		Number:       numberOf(article),
		MaskedNumber: maskedNumber(textOf(article.Find(".carte"))),
	}
	return e
}

// shown returns the site's name of an account: its number, else its name.
func (testBank) shown(s *goquery.Selection) string {
	return psd2.First(numberOf(s), textOf(s.Find(".carte")), textOf(s.Find(".intitule")))
}

// maskedNumber returns a card number; the site masks it with bullets.
func maskedNumber(shown string) string {
	return notation.CardNumber(strings.ReplaceAll(shown, "•", "X"))
}

// numberSign matches the sign that the site writes before a number.
var numberSign = regexp.MustCompile(`^(?i:n[°º]|no\.?|num[ée]ro)[ :]*`)

func numberOf(s *goquery.Selection) string {
	return numberSign.ReplaceAllString(textOf(s.Find(".numero")), "")
}

func (testBank) complete(v *session, e *entry) error {
	p, err := v.read(e.page)
	if err == nil && p.has(`#fiche[aria-busy="true"]`) {
		// The page is empty until its script has filled it.
		p, err = v.rendered(e.page, `#fiche[aria-busy="false"], #indisponible, form#connexion`)
	}
	if err != nil {
		return err
	}
	facts := p.facts("#fiche")
	if len(facts) == 0 {
		return nonsense("an account's page without facts")
	}
	read := reader{notation.French, facts}
	e.OwnerName = facts.of("Titulaire")
	e.IBAN = read.iban("IBAN")
	e.Usage = notation.ReadUsage(facts.of("Usage")).Or(e.Usage)
	switch e.Type {
	case oxlin.AccountCreditCard:
		e.Details.CreditCard = read.card("Type de débit", e.MaskedNumber)
		read.nextDebit(&e.balances, "Prochain prélèvement", "Montant du prochain prélèvement")
		e.LinkedAddress = facts.of("Compte de prélèvement")
	case oxlin.AccountLoan:
		e.Details.Loan = &oxlin.LoanDetails{
			Amount: read.amount("Montant emprunté"), RemainingCapital: read.amount("Capital restant dû"), Rate: read.rate("Taux"),
			StartDate: read.date("Date de début"), EndDate: read.date("Date de fin"), InstalmentAmount: read.amount("Mensualité"),
			NextInstalmentDate: read.date("Prochaine échéance"), InstalmentsLeft: read.count("Échéances restantes"),
		}
	case oxlin.AccountSavings:
		e.Details.Savings = &oxlin.SavingsDetails{Rate: read.rate("Taux"), Ceiling: read.amount("Plafond"), Product: facts.of("Livret")}
	}
	e.Raw = raw(e.shown, p.Find("#fiche"))
	return nil
}

func (r testBank) statement(p *page, account bank.AccountRef) (statement, error) {
	if !p.has("#operations") || !isShown(r.shown(p.Selection), account) {
		return statement{}, nonsense("not the statement of the account")
	}
	var s statement
	for _, row := range p.Find("#operations tbody tr").EachIter() {
		s.add(r.transaction(row, account))
	}
	s.next = p.link(p.Find(`a[rel="next"]`))
	return s, nil
}

func (r testBank) record(html string, account bank.AccountRef) (bank.Transaction, bank.Unread, bool) {
	row := parse("<table><tbody>", html, "</tbody></table>").Find("tbody tr")
	if row.Length() != 1 {
		return bank.Transaction{}, "", false
	}
	t, unread := r.transaction(row, account)
	return t, unread, true
}

func (testBank) transaction(row *goquery.Selection, account bank.AccountRef) (bank.Transaction, bank.Unread) {
	t := bank.Transaction{
		Status: oxlin.StatusBooked,
		// The full label, because the short one is truncated.
		Remittance: texts(row.Find(".complet li")), Raw: raw(row),
	}
	if len(t.Remittance) == 0 {
		t.Remittance = texts(row.Find(".libelle"))
	}
	day, value := notation.French.Date(textOf(row.Find(".date")), zone), notation.French.Date(textOf(row.Find(".valeur")), zone)
	t.BookingDate = day.Or(oxlin.Date{})
	if row.HasClass("a-venir") {
		t.Status, t.BookingDate, t.TransactionDate = oxlin.StatusPending, oxlin.Date{}, t.BookingDate
	}
	t.ValueDate = value.Or(oxlin.Date{})
	if value.IsAbsent() {
		t.ValueDate = t.BookingDate
	}
	unread := setAmount(&t, notation.French, textOf(row.Find(".montant")), account)
	switch {
	case unread != "":
		return t, unread
	case t.Date().IsZero() && !(day.IsAbsent() && value.IsAbsent()):
		return t, bank.UnreadDay
	}
	return t, ""
}

func (testBank) owner(s *session) (oxlin.Owner, error) {
	p, err := s.read("profil")
	if err != nil {
		return oxlin.Owner{}, err
	}
	facts := p.facts("#profil")
	read := reader{notation.French, facts}
	return oxlin.Owner{
		Name: facts.of("Nom"), Address: facts.of("Adresse"), BirthDate: read.date("Date de naissance"),
		BirthPlace: facts.of("Lieu de naissance"), PhoneNumber: facts.of("Téléphone"),
	}, nil
}
