package testbank

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// historyDays is the age in days of the rows that every client may read.
const historyDays = 90

type transaction struct {
	ResourceID      string    `json:"resourceId,omitempty"`
	EntryReference  string    `json:"entryReference,omitempty"`
	Amount          money     `json:"transactionAmount"`
	Indicator       string    `json:"creditDebitIndicator"`
	Status          string    `json:"status"`
	EndToEndID      string    `json:"endToEndId,omitempty"`
	ExpectedBooking string    `json:"expectedBookingDate,omitempty"`
	BookingDate     string    `json:"bookingDate,omitempty"`
	ValueDate       string    `json:"valueDate,omitempty"`
	TransactionDate string    `json:"transactionDate,omitempty"`
	Code            *bankCode `json:"bankTransactionCode,omitempty"`
	Parties         *parties  `json:"relatedParties,omitempty"`
	Remittance      any       `json:"remittanceInformation"`
	Merchant        string    `json:"merchantCategoryCode,omitempty"`
}

type bankCode struct {
	Domain    string `json:"domain"`
	Family    string `json:"family"`
	SubFamily string `json:"subFamily"`
}

type party struct {
	Name string `json:"name"`
}

type parties struct {
	Debtor   *party `json:"debtor,omitempty"`
	Creditor *party `json:"creditor,omitempty"`
}

type halTransactions struct {
	Transactions []transaction `json:"transactions"`
	Links        links         `json:"_links"`
}

// window selects the requested rows.
type window struct {
	from, to     Day // to is not in it
	hasFrom      bool
	hasTo        bool
	byMade       bool   // by transaction date instead of booking date
	after, until string // entry references; after is not in it, until is
}

func (w window) holds(r row) bool {
	day := r.booked
	if w.byMade || r.pending {
		day = r.made
	}
	switch {
	case w.hasFrom && day < w.from, w.hasTo && day >= w.to:
		return false
	case w.after != "" && (r.id == "" || r.id <= w.after), w.until != "" && (r.id == "" || r.id > w.until):
		return false
	}
	return true
}

// window reads the query, and returns its parameters for the links.
func (c *call) window() (window, url.Values, *failure) {
	var w window
	kept := url.Values{}
	read := func(name string) string {
		v := c.query.Get(name)
		if v != "" {
			kept.Set(name, v)
		}
		return v
	}
	for _, p := range []struct {
		name string
		day  *Day
		has  *bool
	}{{"dateFrom", &w.from, &w.hasFrom}, {"dateTo", &w.to, &w.hasTo}} {
		v := read(p.name)
		if v == "" {
			continue
		}
		day, err := parseInstant(v)
		if err != nil {
			return w, nil, refusal(http.StatusBadRequest, "%s n'est pas une date", p.name)
		}
		*p.day, *p.has = day, true
		kept.Set(p.name, day.String()) // short enough for the links of 1.4
	}
	if c.v == v14 {
		w.after = read("afterEntryReference")
	} else {
		switch read("dateType") {
		case "", "bookingDate":
		case "transactionDate":
			w.byMade = true
		default:
			return w, nil, refusal(http.StatusBadRequest, "dateType vaut bookingDate ou transactionDate")
		}
		w.after = read("entryReferenceFrom")
		// The standard's own file spells it both ways.
		w.until = read("entryReferenceTo") + read("entryReferenceto")
	}
	if len(w.after) > 40 || len(w.until) > 40 {
		return w, nil, refusal(http.StatusBadRequest, "La référence dépasse 40 caractères")
	}
	return w, kept, c.checkHistory(&w)
}

// transactions is GET /accounts/{id}/transactions, newest first.
func (c *call) transactions(a *Account) *failure {
	w, kept, err := c.window()
	if err != nil {
		return err
	}
	if err := c.count(a.UID, "transactions"); err != nil {
		return err
	}
	rows := c.rowsIn(a, w)
	if len(rows) == 0 {
		return c.noContent()
	}
	answer := halTransactions{Transactions: []transaction{}, Links: c.siblings(a, "transactions")}
	from, to := c.slice(len(rows))
	for _, r := range rows[from:to] {
		answer.Transactions = append(answer.Transactions, c.transaction(a, r))
	}
	c.pageLinks(answer.Links, "/accounts/"+c.book.resourceID(a)+"/transactions", kept, len(rows))
	return c.reply(answer)
}

var endToEndShape = regexp.MustCompile(`^[a-zA-Z0-9 /\-?:().,']{1,36}$`)

func (c *call) transaction(a *Account, r row) transaction {
	t := transaction{
		ResourceID: orDefault(r.id, r.pendID), EntryReference: r.id,
		Amount: c.money(r.amount.abs(), a.Currency), Indicator: "CRDT", Status: "BOOK",
		ValueDate: c.date(r.value), TransactionDate: c.date(r.made),
	}
	if r.amount < 0 {
		t.Indicator = "DBIT"
	}
	if _, on := c.book.scenarios.active("no_references", c.book.today); on {
		t.ResourceID, t.EntryReference = "", ""
	}
	if r.pending {
		t.Status, t.ValueDate = "PDNG", ""
	}
	lines := append([]string{r.label}, r.lines...)
	if c.v == v14 {
		// 1.4 requires a booking date in every row.
		t.BookingDate = c.date(r.booked)
		if r.ref != "" {
			lines = append(lines, "REF "+r.ref)
		}
		t.Remittance = remittance(lines)
		return t
	}

	switch {
	case !r.pending:
		t.BookingDate = c.date(r.booked)
	case !r.noExpect && !r.void:
		t.ExpectedBooking = c.date(r.booked)
	}
	if endToEndShape.MatchString(r.ref) {
		t.EndToEndID = r.ref
	} else if r.ref != "" {
		lines = append(lines, "REF "+r.ref)
	}
	t.Remittance = map[string][]string{"unstructured": remittance(lines)}
	t.Merchant = r.merchant
	if parts := strings.Split(r.code, "/"); len(parts) == 3 {
		t.Code = &bankCode{parts[0], parts[1], parts[2]}
	}
	if r.party != "" {
		other, self := &party{cut(r.party, 140)}, &party{cut(orDefault(a.Owner, c.client.ownerName()), 140)}
		t.Parties = &parties{Debtor: other, Creditor: self}
		if r.amount < 0 {
			t.Parties = &parties{Debtor: self, Creditor: other}
		}
	}
	return t
}

// remittance breaks texts into lines of 140 characters.
func remittance(texts []string) []string {
	lines := []string{}
	for _, s := range texts {
		for r := []rune(s); len(r) > 0; {
			n := min(len(r), 140)
			lines = append(lines, string(r[:n]))
			r = r[n:]
		}
	}
	return lines
}
