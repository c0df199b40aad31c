package torture

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// style is how the bank writes a row's label.
type style int

const (
	withCardDate style = iota // CB NAME 10/03
	plainName                 // NAME
	withDetails               // PAIEMENT CB 1003 PARIS NAME CARTE 4974XXXXXXXX1234
	cutName                   // cut inside the last word
	withHour                  // 10/03 12:41 NAME PARIS
	respelled                 // without accents, with other punctuation
	doubleCoded               // UTF-8 read as Latin-1
	lowered                   // as a web site writes
	styles
)

var shops = []string{
	"CARREFOUR MARKET", "BOULANGERIE LÉGER", "ELECTRICITE GENERALE", "FERROVIAIRE INTERNET", "FONCIÈRE LOCATIVE",
	"PHARMACIE CENTRALE", "LIBRAIRIE CORNÉE", "GARAGE DU MIDI", "CINEMA PALACE", "FLEURS D'OLIVIER", "ASSURANCE MUTUELLE",
	"TELECOM SERVICES", "RESTAURANT LA MARÉE", "PRESSING EXPRESS", "OPTIQUE LUMIÈRE", "JARDINERIE DES BORDS",
}

func label(s style, name string, operation int) string {
	text := date(operation).String()
	day, month := text[8:10], text[5:7]
	switch s {
	case withCardDate:
		return "CB " + name + " " + day + "/" + month
	case withDetails:
		return "PAIEMENT CB " + day + month + " PARIS " + name + " CARTE 4974XXXXXXXX1234"
	case cutName:
		runes := []rune(name)
		return string(runes[:len(runes)-2])
	case withHour:
		return day + "/" + month + " 12:41 " + name + " PARIS"
	case respelled:
		return strings.NewReplacer("É", "E", "È", "E", "'", " ").Replace(name) + "."
	case doubleCoded:
		return latin(name)
	case lowered:
		return strings.ToLower(name)
	}
	return name
}

// latin reads the bytes of a text as Latin-1.
func latin(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			out.WriteByte(s[i])
			continue
		}
		out.WriteRune(rune(s[i]))
	}
	return out.String()
}

// answer is the outcome of one reading, with the truth beside it.
type answer struct {
	at           int
	asked, from  int
	day, channel int
	parser       int
	complete     bool
	// due are the booked rows that an answer without a gap would show, lacking those of
	// them that a gap hides.
	due, lacking []int
	rows         []bank.Transaction
	tokens       []int
	// records are the rows as the newest parser reads them.
	records []bank.Transaction
}

// neighbour is the answer about another account: rows of other amounts with the same ids.
func (a answer) neighbour() answer {
	other := a
	other.rows, other.records = slices.Clone(a.rows), slices.Clone(a.records)
	for i := range other.rows {
		other.rows[i].Amount -= 700_000
		other.records[i].Amount -= 700_000
	}
	return other
}

// shown is a row in the making.
type shown struct {
	row *Row
	t   bank.Transaction
	// record is the row as the newest parser reads it.
	record bank.Transaction
	day    int
}

// answer renders one reading; from is the first day that the platform asks for.
func (h *History) answer(at, asked int) answer {
	reading := h.Readings[at]
	a := answer{
		at: at, asked: asked, from: max(asked, reading.Day-h.Bank.Days), day: reading.Day, channel: reading.Channel, parser: reading.Parser,
	}
	whole := h.statement(reading, a.from)
	h.number(whole, reading, at)
	if h.Bank.Balances && reading.Channel == 0 {
		h.balance(whole, reading.Day)
	}
	whole = reading.disorder(whole)
	var given []shown
	given, a.complete = reading.shorten(whole)
	a.complete = a.complete && !h.garbles(reading)
	a.due, a.lacking = booked(whole, given)
	for _, s := range given {
		s.record.BankID, s.record.BalanceAfter = s.t.BankID, s.t.BalanceAfter
		a.rows, a.records, a.tokens = append(a.rows, s.t), append(a.records, s.record), append(a.tokens, s.row.Token)
	}
	return a
}

// garbles reports whether a row of a reading cannot be read.
func (h *History) garbles(reading Reading) bool {
	return slices.ContainsFunc(h.Rows, func(r Row) bool {
		return r.shows(reading.Day) && slices.ContainsFunc(r.active(reading.Day), func(c Change) bool { return c.What == garbled })
	})
}

// statement renders the rows from a day on that the bank shows on the day of a reading, in
// the bank's order.
func (h *History) statement(reading Reading, from int) []shown {
	if f, ok := reading.has(early); ok {
		from -= f.A
	}
	_, flip := reading.has(flipped)
	var all []shown
	for i := range h.Rows {
		r := &h.Rows[i]
		if !r.shows(reading.Day) {
			continue
		}
		forms := []bool{r.Settled <= reading.Day}
		if forms[0] && slices.ContainsFunc(r.active(reading.Day), func(c Change) bool { return c.What == alsoPending }) {
			forms = append(forms, false)
		}
		for _, settled := range forms {
			s, ok := h.tell(r, reading, settled)
			if !ok || s.day != noDay && s.day < from {
				continue
			}
			if flip {
				s.t.Amount, s.record.Amount = -s.t.Amount, -s.record.Amount
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.row.rank(reading.Day), b.row.rank(reading.Day)), cmp.Compare(a.row.Token, b.row.Token))
	})
	return all
}

// disorder repeats and shuffles rows, if the reading has such faults.
func (r Reading) disorder(all []shown) []shown {
	for _, f := range r.Faults {
		switch f.What {
		case twice, revalued:
			i := slices.IndexFunc(all, func(s shown) bool { return s.row.Token == f.A })
			if i >= 0 {
				again := all[i]
				days := []*oxlin.Date{&again.t.BookingDate, &again.record.BookingDate}
				if f.What == revalued {
					days = []*oxlin.Date{&again.t.ValueDate, &again.record.ValueDate}
				}
				for _, d := range days {
					if !d.IsZero() {
						*d = d.AddDays(f.B)
					}
				}
				all = append(all, again)
			}
		case shuffled:
			// Ranked by the row's place, so that an exchange of two tokens keeps the order.
			rand.New(rand.NewPCG(uint64(f.A), 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
	}
	return all
}

// shorten returns the rows that reach the platform if the answer is cut or has a gap, and
// whether it came to its end. A gap is not noticed.
func (r Reading) shorten(whole []shown) (given []shown, complete bool) {
	given, complete = slices.Clone(whole), true
	for _, f := range r.Faults {
		switch f.What {
		case cut:
			if f.B != 0 {
				slices.Reverse(given)
			}
			given, complete = given[:len(given)*f.A/100], false
		case gap:
			given = slices.Concat(given[:len(given)*f.A/100], given[len(given)*f.B/100:])
		case short:
			given = slices.DeleteFunc(given, func(s shown) bool { return s.day != noDay && s.day < r.Day-f.A })
		}
	}
	return given, complete
}

// booked returns the tokens of the booked rows of a whole answer, and those that the given
// rows lack.
func booked(whole, given []shown) (due, lacking []int) {
	for _, s := range whole {
		if s.t.Status != oxlin.StatusBooked || slices.Contains(due, s.row.Token) {
			continue
		}
		due = append(due, s.row.Token)
		// A row that looks like it stands in its place.
		if !slices.ContainsFunc(given, func(o shown) bool { return o.row == s.row || s.alike(o) }) {
			lacking = append(lacking, s.row.Token)
		}
	}
	return due, lacking
}

// alike reports whether two rows differ by their ids alone.
func (s shown) alike(o shown) bool {
	x, y := looksOf(s.t), looksOf(o.t)
	x.id, y.id = "", ""
	return x == y
}

const noDay = -1 << 30

// manner is how the bank writes a row on a day, and what today's parser has wrong in it.
type manner struct {
	written             style
	name, who           string
	undated             bool
	wrongSign, centless bool
	wrongDays           int
}

// tell renders a row without its id, pending or settled; it reports whether the bank shows it.
func (h *History) tell(r *Row, reading Reading, settled bool) (shown, bool) {
	t := bank.Transaction{
		Status: oxlin.StatusPending, Amount: r.Amount, Currency: "EUR", MerchantCategory: r.Category, EndToEndID: r.EndToEnd,
	}
	asOf := reading.Day
	if settled {
		t.Status = oxlin.StatusBooked
	} else {
		asOf = min(asOf, r.Settled-1) // its booked form may stand beside it
	}
	m, given := r.change(&t, asOf)
	if !given {
		return shown{}, false
	}
	if reading.Channel == 1 {
		m.written = lowered
	}
	// Connectors decode what banks write.
	t.Remittance = []string{notation.Text(label(m.written, m.name, r.Operation))}
	t.Counterparty = m.who
	s := shown{row: r, day: noDay}
	if !m.undated {
		s.day = h.date(&t, r, reading, settled)
	}
	s.t, s.record = t, improved(t, m.name)
	m.misread(&s.t)
	if reading.Parser == 1 {
		s.t = s.record
	}
	return s, true
}

// change makes the changes of a row that hold on a day, and reports whether the bank shows it.
func (r *Row) change(t *bank.Transaction, day int) (m manner, given bool) {
	m = manner{written: r.Style, name: r.Name, who: r.Counterparty}
	for _, c := range r.active(day) {
		switch c.What {
		case hide, garbled:
			return m, false
		case relabel:
			m.written = style(c.N)
		case rename:
			m.name = shops[c.N%len(shops)]
		case addAmount:
			t.Amount += oxlin.Amount(c.N)
		case flipSign:
			t.Amount = -t.Amount
		case undated:
			m.undated = true
		case counterparty:
			m.who = m.name
		case asOther:
			t.Status = oxlin.StatusOther
		case inDollars:
			t.Currency = "USD"
			t.Amount = t.Amount * oxlin.Amount(c.N) / 100
			t.Amount -= t.Amount % 1000
		case misread:
			m.wrongSign = true
		case misdated:
			m.wrongDays = c.N
		case rounded:
			m.centless = true
		}
	}
	return m, true
}

// date writes the days that a channel gives, and returns the one by which the bank orders.
func (h *History) date(t *bank.Transaction, r *Row, reading Reading, settled bool) int {
	booking, operation, value := h.daysOf(r, reading.Day)
	if !settled {
		t.TransactionDate = date(operation)
		return operation
	}
	t.BookingDate = date(booking)
	if h.Bank.Operations && reading.Channel == 0 {
		t.TransactionDate = date(operation)
	}
	if h.Bank.Values && reading.Channel == 0 {
		t.ValueDate = date(value)
	}
	return booking
}

// misread makes the mistakes of today's parser.
func (m manner) misread(t *bank.Transaction) {
	if m.wrongSign {
		t.Amount = -t.Amount
	}
	if m.centless {
		t.Amount -= t.Amount % 100_000
	}
	for _, d := range []*oxlin.Date{&t.BookingDate, &t.TransactionDate, &t.ValueDate} {
		if !d.IsZero() {
			*d = d.AddDays(m.wrongDays)
		}
	}
}

// daysOf returns the days of a row, as the bank has them on a day.
func (h *History) daysOf(r *Row, day int) (booking, operation, value int) {
	booking, operation, value = r.Booking, r.Operation, r.Value
	for _, c := range r.active(day) {
		switch c.What {
		case moveDays:
			booking, operation, value = booking+c.N, operation+c.N, value+c.N
		case moveBooking:
			booking += c.N
		case moveAway:
			booking, value = booking+c.N, value+c.N
		case swapDays:
			booking, value = value, booking
		case daysOf:
			return h.days.daysOf(h.days.row(c.N), day)
		}
	}
	return booking, operation, value
}

// improved reads a row with the parser of the next version, which finds the other party
// and leaves out what stands before the name.
func improved(t bank.Transaction, name string) bank.Transaction {
	t.Counterparty = name
	text := t.Remittance[0]
	if at := strings.Index(text, name); at > 0 {
		text = text[at:]
	}
	t.Remittance = []string{text}
	return t
}

// number gives the rows of an answer their ids.
func (h *History) number(all []shown, reading Reading, at int) {
	_, mute := reading.has(silent)
	places := make(map[int]int)
	for i := range all {
		s := &all[i]
		token, issue, none := s.row.Token, 0, mute
		for _, c := range s.row.active(reading.Day) {
			switch c.What {
			case reissue:
				issue = c.N
			case takeID:
				token = c.N
			case withoutID:
				none = true
			}
		}
		places[s.day]++
		name := fmt.Sprintf("%d", 7000+token*10+issue)
		id := ""
		switch h.Bank.Form {
		case serial:
			id = "tx" + name
		case perConsent:
			id = fmt.Sprintf("c%d-%s", reading.Consent, name)
		case positional:
			day := s.day
			if day == noDay {
				day = reading.Day
			}
			id = fmt.Sprintf("%s.%d", date(day), places[s.day])
		case sliding:
			id = fmt.Sprintf("%d", i+1)
		case descending:
			id = fmt.Sprintf("%d", len(all)-i)
		case constant:
			id = "FR76-ACCOUNT"
		case placeholder:
			id = "Not Provided"
		case blank:
			id = " "
		case perAnswer:
			id = fmt.Sprintf("r%d-%s", at, name)
		case perDay:
			id = fmt.Sprintf("%d", h.count(s.row, func(r *Row) bool { return r.Operation == s.row.Operation }))
		case perAccount:
			id = fmt.Sprintf("%d", h.count(s.row, func(r *Row) bool { return r.Token%2 == s.row.Token%2 }))
		}
		if reading.Channel == 1 && id != "" {
			id = "w" + id
		}
		if none {
			id = ""
		}
		s.t.BankID = id
	}
}

// count is a row's number among those of its kind.
func (h *History) count(of *Row, alike func(*Row) bool) int {
	n := 0
	for i := range h.Rows {
		r := &h.Rows[i]
		if r.Token <= of.Token && alike(r) {
			n++
		}
	}
	return n
}

// balance writes the balance after each booked row.
func (h *History) balance(all []shown, day int) {
	balance := oxlin.Amount(100_000_000)
	// Rows before the window are in the balance as well.
	for i := range h.Rows {
		r := &h.Rows[i]
		gone := r.Gone != 0 && r.Gone <= day
		if r.Settled <= day && !gone && !slices.ContainsFunc(all, func(s shown) bool { return s.row == r }) {
			balance += r.Amount
		}
	}
	for i := range all {
		if all[i].t.Status != oxlin.StatusBooked {
			continue
		}
		balance += all[i].t.Amount
		after := balance
		all[i].t.BalanceAfter = &after
	}
}

// looks is everything that recognition sees of a row of this corpus, in a form that
// compares.
type looks struct {
	id, currency, words, party, category, endToEnd string
	status                                         oxlin.TransactionStatus
	amount, after                                  oxlin.Amount
	counted                                        bool
	booking, operation, value                      oxlin.Date
}

func looksOf(t bank.Transaction) looks {
	l := looks{
		id: t.BankID, currency: t.Currency, words: strings.Join(t.Remittance, "\n"), party: t.Counterparty,
		category: t.MerchantCategory, endToEnd: t.EndToEndID, status: t.Status, amount: t.Amount,
		booking: t.BookingDate, operation: t.TransactionDate, value: t.ValueDate,
	}
	if t.BalanceAfter != nil {
		l.after, l.counted = *t.BalanceAfter, true
	}
	return l
}
