package testbank

import (
	"net/http"
	"net/url"
	"strings"
)

// berlinAccount is an account of either list: a card has a masked number in the place of an
// IBAN.
type berlinAccount struct {
	ResourceID string `json:"resourceId"`
	IBAN       string `json:"iban,omitempty"`
	BBAN       string `json:"bban,omitempty"`
	MaskedPAN  string `json:"maskedPan,omitempty"`
	Currency   string `json:"currency"`
	OwnerName  string `json:"ownerName,omitempty"`
	Name       string `json:"name"`
	Product    string `json:"product,omitempty"`
	Type       string `json:"cashAccountType,omitempty"`
	Status     string `json:"status"`
	BIC        string `json:"bic,omitempty"`
	Usage      string `json:"usage"`
	Details    string `json:"details,omitempty"`
	Links      links  `json:"_links"`
}

// berlinReference names an account beside its data.
type berlinReference struct {
	IBAN      string `json:"iban,omitempty"`
	BBAN      string `json:"bban,omitempty"`
	MaskedPAN string `json:"maskedPan,omitempty"`
	Currency  string `json:"currency"`
}

// listOf is the path of the list that has an account.
func listOf(kind Kind) string {
	if kind == CreditCard {
		return "/card-accounts"
	}
	return "/accounts"
}

func (c *berlin) reference(a *Account) berlinReference {
	switch {
	case a.Kind == CreditCard:
		return berlinReference{MaskedPAN: cut(a.masked(), 35), Currency: a.Currency}
	case a.IBAN != "":
		return berlinReference{IBAN: a.IBAN, Currency: a.Currency}
	}
	return berlinReference{BBAN: cut(strings.ReplaceAll(orDefault(a.Number, a.UID), " ", ""), 30), Currency: a.Currency}
}

func (c *berlin) resource(a *Account) berlinAccount {
	id, named := c.book.resourceID(a), c.reference(a)
	r := berlinAccount{
		ResourceID: id, IBAN: named.IBAN, BBAN: named.BBAN, MaskedPAN: named.MaskedPAN, Currency: a.Currency,
		OwnerName: cut(orDefault(a.Owner, c.client.ownerName()), 140), Name: cut(a.displayName(), 70), Product: cut(a.Product, 35),
		Status: "enabled", Usage: orDefault(a.Usage, "PRIV"), Details: cut(a.Details, 500), Links: links{},
	}
	if a.Kind != CreditCard {
		r.Type, r.BIC = "CACC", orDefault(a.BIC, bic)
	}
	for _, part := range []string{"balances", "transactions"} {
		r.Links[part] = c.href(listOf(a.Kind)+"/"+id+"/"+part, nil)
	}
	return r
}

// listing is GET /accounts or GET /card-accounts.
func (c *berlin) listing(name string, kind Kind) func() *failure {
	return func() *failure {
		if err := c.checkConsent(kind == Checkings); err != nil {
			return err
		}
		if err := c.count("", name); err != nil {
			return err
		}
		list := []berlinAccount{}
		for _, a := range c.book.paymentAccounts() {
			if a.Kind == kind {
				list = append(list, c.resource(a))
			}
		}
		return c.reply(map[string]any{name: list})
	}
}

// onAccount finds the account of the path in its list, then answers for it.
func (c *berlin) onAccount(kind Kind, answer func(*Account) *failure) func() *failure {
	return func() *failure {
		if err := c.checkConsent(false); err != nil {
			return err
		}
		a, err := c.account(c.path[1])
		switch {
		case err != nil:
			return err
		case a.Kind != kind:
			return refusal(http.StatusNotFound, "Compte inconnu")
		}
		return answer(a)
	}
}

// details is GET /accounts/{id}.
func (c *berlin) details(a *Account) *failure {
	if err := c.count(a.UID, "details"); err != nil {
		return err
	}
	name := "account"
	if a.Kind == CreditCard {
		name = "cardAccount"
	}
	return c.reply(map[string]any{name: c.resource(a)})
}

type berlinAmount struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type berlinBalance struct {
	Amount                   berlinAmount `json:"balanceAmount"`
	Type                     string       `json:"balanceType"`
	ReferenceDate            string       `json:"referenceDate"`
	LastCommittedTransaction string       `json:"lastCommittedTransaction,omitempty"`
}

// balances is GET /accounts/{id}/balances. A card with deferred debit has a balance for each
// coming debit.
func (c *berlin) balances(a *Account) *failure {
	if err := c.count(a.UID, "balances"); err != nil {
		return err
	}
	rows := c.book.rows(a)
	list := []berlinBalance{}
	add := func(kind string, amount Amount, day Day) {
		list = append(list, berlinBalance{Amount: berlinAmount{amount.String(), a.Currency}, Type: kind, ReferenceDate: day.String()})
	}
	booked, expected := c.book.balance(a, rows)
	switch {
	case a.Card != nil && a.Card.Deferred:
		for _, due := range c.book.outstanding(a, rows) {
			add("nonInvoiced", due.amount, due.on)
		}
	case a.Kind == CreditCard:
		add("nonInvoiced", booked, c.book.today)
	default:
		add("closingBooked", booked, c.book.today)
		for _, r := range rows {
			if !r.pending {
				list[0].LastCommittedTransaction = r.id
				break
			}
		}
		add("expected", expected, c.book.today)
	}
	name := "account"
	if a.Kind == CreditCard {
		name = "cardAccount"
	}
	return c.reply(map[string]any{name: c.reference(a), "balances": list})
}

// berlinTransaction is a row of an account or of a card, which have some members of their own.
type berlinTransaction struct {
	TransactionID  string       `json:"transactionId,omitempty"`
	EntryReference string       `json:"entryReference,omitempty"`
	EndToEndID     string       `json:"endToEndId,omitempty"`
	BookingDate    string       `json:"bookingDate,omitempty"`
	ValueDate      string       `json:"valueDate,omitempty"`
	Amount         berlinAmount `json:"transactionAmount"`
	CreditorName   string       `json:"creditorName,omitempty"`
	DebtorName     string       `json:"debtorName,omitempty"`
	Text           string       `json:"remittanceInformationUnstructured,omitempty"`
	Texts          []string     `json:"remittanceInformationUnstructuredArray,omitempty"`
	Code           string       `json:"bankTransactionCode,omitempty"`

	CardTransactionID string `json:"cardTransactionId,omitempty"`
	TransactionDate   string `json:"transactionDate,omitempty"`
	Merchant          string `json:"merchantCategoryCode,omitempty"`
	Details           string `json:"transactionDetails,omitempty"`
	Invoiced          *bool  `json:"invoiced,omitempty"`
}

func (c *berlin) transaction(a *Account, r row) berlinTransaction {
	t := berlinTransaction{Amount: berlinAmount{r.amount.String(), a.Currency}}
	id := r.id
	if _, on := c.book.scenarios.active("no_references", c.book.today); on {
		id = ""
	}
	if !r.pending {
		t.BookingDate = r.booked.String()
	}
	lines := append([]string{r.label}, r.lines...)
	if a.Kind == CreditCard {
		invoiced := !r.pending && r.value <= c.book.today
		t.CardTransactionID, t.TransactionDate, t.Merchant, t.Invoiced = id, r.made.String(), r.merchant, &invoiced
		t.Details = cut(strings.Join(lines, " "), 1000)
		if !r.pending {
			t.ValueDate = r.value.String()
		}
		return t
	}
	t.TransactionID, t.EntryReference, t.ValueDate = id, id, r.value.String()
	if r.pending {
		t.ValueDate = r.made.String() // the standard has no day of the operation
	}
	if endToEndShape.MatchString(r.ref) && len(r.ref) <= 35 {
		t.EndToEndID = r.ref
	} else if r.ref != "" {
		lines = append(lines, "REF "+r.ref)
	}
	if lines = remittance(lines); len(lines) == 1 {
		t.Text = lines[0]
	} else {
		t.Texts = lines
	}
	t.Code = strings.ReplaceAll(r.code, "/", "-")
	if r.party != "" {
		other, self := cut(r.party, 70), cut(orDefault(a.Owner, c.client.ownerName()), 70)
		t.DebtorName, t.CreditorName = other, self
		if r.amount < 0 {
			t.DebtorName, t.CreditorName = self, other
		}
	}
	return t
}

// window reads the query, and returns its parameters for the links.
func (c *berlin) window() (w window, kept url.Values, booked, pending bool, err *failure) {
	status := c.query.Get("bookingStatus")
	kept = url.Values{"bookingStatus": {status}}
	booked, pending = status == "booked" || status == "both", status == "pending" || status == "both"
	switch {
	case !booked && !pending:
		return w, nil, false, false, refusal(http.StatusBadRequest, "bookingStatus vaut booked, pending ou both")
	case booked && c.query.Get("dateFrom") == "":
		return w, nil, false, false, refusal(http.StatusBadRequest, "dateFrom est obligatoire")
	}
	for _, p := range []struct {
		name string
		day  *Day
		has  *bool
	}{{"dateFrom", &w.from, &w.hasFrom}, {"dateTo", &w.to, &w.hasTo}} {
		written := c.query.Get(p.name)
		if written == "" {
			continue
		}
		day, unread := parseInstant(written)
		if unread != nil || len(written) != len("2006-01-02") {
			return w, nil, false, false, refusal(http.StatusBadRequest, "%s n'est pas une date", p.name)
		}
		*p.day, *p.has = day, true
		kept.Set(p.name, written)
	}
	w.to++ // the last day is in it
	return w, kept, booked, pending, c.checkHistory(&w)
}

// transactions is GET /accounts/{id}/transactions, newest first.
func (c *berlin) transactions(a *Account) *failure {
	w, kept, booked, pending, err := c.window()
	if err != nil {
		return err
	}
	if err := c.count(a.UID, "transactions"); err != nil {
		return err
	}
	var rows []row
	for _, r := range c.rowsIn(a, w) {
		if r.pending && pending || !r.pending && booked {
			rows = append(rows, r)
		}
	}
	lists := map[string]any{}
	split := map[bool][]berlinTransaction{true: {}, false: {}}
	from, to := c.slice(len(rows))
	for _, r := range rows[from:to] {
		split[r.pending] = append(split[r.pending], c.transaction(a, r))
	}
	if booked {
		lists["booked"] = split[false]
	}
	if pending {
		lists["pending"] = split[true]
	}
	path := listOf(a.Kind) + "/" + c.book.resourceID(a)
	account, name := "account", "transactions"
	if a.Kind == CreditCard {
		account, name = "cardAccount", "cardTransactions"
	}
	l := links{account: c.href(path, nil)}
	if page, last, next := c.pages(len(rows)); last > 1 || next > 0 {
		at := func(n int) link { return c.href(path+"/transactions", pageQuery(kept, n)) }
		l["first"], l["last"] = at(1), at(last)
		if page > 1 {
			l["previous"] = at(min(page-1, last))
		}
		if next > 0 {
			l["next"] = at(next)
		}
	}
	lists["_links"] = l
	return c.reply(map[string]any{account: c.reference(a), name: lists})
}
