package testbank

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxRows bounds the rows of one account, and maxSteps the occurrences examined for one
// request, so that a hostile file costs little.
const (
	maxRows  = 20_000
	maxSteps = 300_000
)

// row is one line of an account on one day of the bank.
type row struct {
	id        string // entryReference; empty while pending
	pendID    string // resourceId of a pending row
	amount    Amount
	made      Day // when the customer did it
	booked    Day // when it was, or is expected to be, booked
	value     Day
	entered   Day // when the bank recorded it: this moves the balance
	pending   bool
	announced bool // it was or is pending
	void      bool // it will never be booked
	added     bool // by a scenario: not part of the balance in the file
	noExpect  bool // a pending row that is not expected to be booked
	label     string
	lines     []string // more lines of remittance information
	ref       string
	code      string
	merchant  string
	party     string
}

// book holds one customer's accounts as the bank shows them on one day. It is computed
// from the file, the anchor and the scenarios alone, so that equal requests get equal
// answers.
type book struct {
	file      *File
	accounts  []*Account // accounts that are visible on this day
	anchor    Day
	today     Day
	scenarios scenarios
	syncs     []Day
	key       string // login and file location, the seed of identifiers
	steps     int
	cache     *rowCache // nil computes every time
}

func newBook(c customer, set scenarios, today Day) *book {
	b := &book{file: c.file, anchor: c.Anchor, today: today, scenarios: set, syncs: c.Syncs, key: c.key()}
	b.accounts = set.accounts(c.file.Accounts, today)
	return b
}

// byUID returns an account of the file, nil if there is no such account.
func (b *book) byUID(uid string) *Account {
	for _, a := range b.accounts {
		if a.UID == uid {
			return a
		}
	}
	return nil
}

// paymentAccounts returns the accounts that PSD2 covers: current accounts and cards.
func (b *book) paymentAccounts() []*Account {
	var list []*Account
	for _, a := range b.accounts {
		if a.Kind == Checkings || a.Kind == CreditCard {
			list = append(list, a)
		}
	}
	return list
}

// resourceID returns an account's id in STET: short, opaque, and stable for a customer
// until a scenario renumbers.
func (b *book) resourceID(a *Account) string {
	return digest(20, b.key, a.UID, b.scenarios.generation(b.today))
}

// digest returns the beginning of a hash in capitals, in the alphabet that STET allows.
func digest(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToUpper(hex.EncodeToString(sum[:]))[:n]
}

// rows returns an account's rows up to today, newest first, pending rows on top.
func (b *book) rows(a *Account) []row { return b.cache.rows(b, a) }

func (b *book) compute(a *Account) []row {
	rows := b.entered(a)
	for _, card := range b.accounts {
		if card.Card != nil && card.Card.Deferred && card.Card.Linked == a.UID && card != a {
			rows = append(rows, b.settlements(card)...)
		}
	}
	rows = b.scenarios.rows(b, a, rows)
	slices.SortStableFunc(rows, func(x, y row) int {
		if x.pending != y.pending {
			if x.pending {
				return -1
			}
			return 1
		}
		if x.pending {
			return cmp.Or(cmp.Compare(y.made, x.made), cmp.Compare(y.pendID, x.pendID))
		}
		return cmp.Or(cmp.Compare(y.booked, x.booked), cmp.Compare(y.id, x.id))
	})
	return rows
}

// entered returns the rows that the file gives an account up to today.
func (b *book) entered(a *Account) []row {
	var rows []row
	twins := map[string]int{}
	for i := range a.Entries {
		e := &a.Entries[i]
		n := 0
		for day := range e.days(b.anchor, b.today) {
			if b.steps++; len(rows) == maxRows || b.steps > maxSteps {
				return rows
			}
			r := b.row(a, e, day, n, twins)
			n++
			if r.pending || (r.booked <= b.today && !e.Void) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// days returns the dates of an entry up to and including a day.
func (e *Entry) days(anchor, last Day) func(yield func(Day) bool) {
	return func(yield func(Day) bool) {
		first := e.Date.On(anchor)
		if e.Every == nil {
			if first <= last {
				yield(first)
			}
			return
		}
		dom := first.dayOfMonth()
		if e.Date.kind == anchorMon {
			dom = e.Date.day // the 31st stays the 31st after a short month
		}
		for n := 0; e.Every.Times == 0 || n < e.Every.Times; n++ {
			day := first + Day(n*e.Every.Days)
			if e.Every.Months > 0 {
				day = first.addMonths(n*e.Every.Months, dom)
			}
			if day > last || (!e.Every.Until.IsZero() && day > e.Every.Until.On(anchor)) || !yield(day) {
				return
			}
		}
	}
}

func (b *book) row(a *Account, e *Entry, day Day, n int, twins map[string]int) row {
	r := row{
		amount: e.Amounts[n%len(e.Amounts)], made: day, booked: day, entered: day,
		label: fill(e.Label, day, n), ref: fill(e.Reference, day, n),
		code: e.Code, merchant: e.Merchant, party: e.Counterparty,
	}
	for _, line := range strings.Split(fill(e.Memo, day, n), `\n`) {
		if line = strings.TrimSpace(line); line != "" {
			r.lines = append(r.lines, line)
		}
	}
	if r.announced = e.Pending; e.Pending {
		r.void = e.Void
		if r.noExpect = e.BookedOn.IsZero(); r.noExpect {
			r.booked = day
			r.pending = true
		} else {
			r.booked = max(day, e.BookedOn.after(b.anchor, day))
			r.pending = r.booked > b.today
		}
		r.entered = r.booked
	} else if !e.BookedOn.IsZero() {
		// Made before it is booked, and not shown until then.
		r.booked = max(day, e.BookedOn.after(b.anchor, day))
		r.entered = r.booked
	}
	r.value = r.booked
	if !e.ValueDate.IsZero() {
		r.value = e.ValueDate.after(b.anchor, r.booked)
	}
	if a.Card != nil && a.Card.Deferred {
		r.value = a.Card.debitDay(r.booked)
	}

	// The order distinguishes two equal rows.
	content := strings.Join([]string{a.UID, day.String(), r.amount.String(), r.label, strings.Join(r.lines, "\n"), r.ref, r.code}, "\x00")
	twins[content]++
	b.number(&r, content, twins[content])
	return r
}

// number sets a row's identifiers. The reference begins with the day on which the bank
// recorded the row, so that references grow with time.
func (b *book) number(r *row, content string, twin int) {
	seed := digest(10, content, b.key, strconv.Itoa(twin), b.scenarios.generation(b.today))
	if r.pending {
		r.pendID = "P" + seed
		return
	}
	if strings.HasPrefix(content, scenarioMark) {
		seed = "Z" + seed[1:] // recorded during the day, after the existing rows
	}
	r.id = strings.ReplaceAll(r.entered.String(), "-", "") + seed
}

// scenarioMark begins the content of rows that scenarios add.
const scenarioMark = "scenario\x00"

// debitDay returns the day on which a deferred card's operation is debited.
func (c *Card) debitDay(booked Day) Day {
	if c.DebitDay == 0 {
		return booked.endOfMonth()
	}
	day := booked.addMonths(0, c.DebitDay)
	if day < booked {
		day = booked.addMonths(1, c.DebitDay)
	}
	return day
}

// settlements returns the rows by which a deferred card debits its current account: one
// row for each past debit day, the exact sum of the operations.
func (b *book) settlements(card *Account) []row {
	sums := map[Day]Amount{}
	for _, r := range b.scenarios.rows(b, card, b.entered(card)) {
		if !r.pending && r.value <= b.today {
			sums[r.value] += r.amount
		}
	}
	var rows []row
	for day, sum := range sums {
		if sum == 0 {
			continue
		}
		r := row{
			amount: sum, made: day, booked: day, value: day, entered: day,
			label: "DEBIT DIFFERE CARTE " + card.Card.Masked,
			lines: []string{"ACHATS DU MOIS ARRETES AU " + day.French()},
			code:  "PMNT/CCRD/POSC", party: "CARTE A DEBIT DIFFERE",
		}
		b.number(&r, strings.Join([]string{"settlement", card.UID, day.String()}, "\x00"), 1)
		rows = append(rows, r)
	}
	return rows
}

// balance returns an account's balance at the end of today. pending includes rows that
// are announced and not yet booked.
func (b *book) balance(a *Account, rows []row) (booked, expected Amount) {
	if a.Card != nil && a.Card.Deferred {
		for _, o := range b.outstanding(a, rows) {
			booked += o.amount
		}
		expected = booked
	} else {
		since := a.BalanceDate.On(b.anchor)
		if a.BalanceDate.IsZero() {
			since = b.anchor
		}
		booked = a.Balance
		for _, r := range rows {
			switch {
			case r.pending:
			case r.added, r.entered > since: // since ≤ today is not required
				booked += r.amount
			}
		}
		if since > b.today {
			// The file's balance date is in the future: rows between today and then are
			// not booked yet.
			booked -= b.between(a, b.today, since)
		}
		expected = booked
	}
	for _, r := range rows {
		if r.pending {
			expected += r.amount
		}
	}
	return booked, expected
}

// between sums the rows booked after one day, up to and including another.
func (b *book) between(a *Account, after, until Day) Amount {
	later := *b
	later.today, later.cache = until, nil
	var sum Amount
	for _, r := range later.rows(a) {
		if !r.pending && r.entered > after {
			sum += r.amount
		}
	}
	return sum
}

// due returns the sum that a deferred card debits on a day.
type due struct {
	on     Day
	amount Amount
}

// outstanding returns the coming debits of a deferred card, nearest first. The current
// month is always included, also with a sum of zero.
func (b *book) outstanding(a *Account, rows []row) []due {
	next := a.Card.debitDay(b.today + 1)
	sums := map[Day]Amount{next: 0}
	for _, r := range rows {
		if !r.pending && r.value > b.today {
			sums[r.value] += r.amount
		}
	}
	var list []due
	for day, sum := range sums {
		list = append(list, due{day, sum})
	}
	slices.SortFunc(list, func(x, y due) int { return cmp.Compare(x.on, y.on) })
	return list
}

var frenchMonths = [...]string{"JANVIER", "FEVRIER", "MARS", "AVRIL", "MAI", "JUIN", "JUILLET", "AOUT", "SEPTEMBRE", "OCTOBRE", "NOVEMBRE", "DECEMBRE"}

// fill puts a row's date and number into the placeholders of a text.
func fill(s string, day Day, n int) string {
	if !strings.Contains(s, "{") {
		return s
	}
	y, m, d := day.date()
	return strings.NewReplacer(
		"{date}", fmt.Sprintf("%02d/%02d/%02d", d, int(m), y%100),
		"{ddmm}", fmt.Sprintf("%02d%02d", d, int(m)),
		"{month}", fmt.Sprintf("%s %d", frenchMonths[m-1], y),
		"{year}", strconv.Itoa(y),
		"{n}", strconv.Itoa(n+1),
	).Replace(s)
}
