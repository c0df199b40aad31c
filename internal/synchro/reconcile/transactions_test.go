package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

const (
	redirect oxlin.ChannelDefinitionID = "8701"
	embedded oxlin.ChannelDefinitionID = "8700"
)

// march is a day of March 2026; march(0) and below reach into February.
func march(day int) oxlin.Date { return oxlin.NewDate(2026, time.March, day) }

// row builds one row of a bank's answer: "id status amount label" and days.
type row struct {
	id, label   string
	pending     bool
	other       bool // a state that only the bank knows
	amount      oxlin.Amount
	booked, on  int // days of March: booking and operation; 0 for none
	value       int
	counterpart string
	balance     oxlin.Amount
	endToEnd    string
	check       string
	mcc         string
	currency    string // if it is not the euro
}

func (r row) transaction() bank.Transaction {
	day := func(n int) oxlin.Date {
		if n == 0 {
			return oxlin.Date{}
		}
		return march(n)
	}
	t := bank.Transaction{
		BankID: r.id, Status: oxlin.StatusBooked, Amount: r.amount * 1000, Currency: "EUR",
		BookingDate: day(r.booked), TransactionDate: day(r.on), ValueDate: day(r.value),
		Remittance: []string{r.label}, Counterparty: r.counterpart, EndToEndID: r.endToEnd,
		CheckNumber: r.check, MerchantCategory: r.mcc,
	}
	if r.pending {
		t.Status = oxlin.StatusPending
	}
	if r.other {
		t.Status = oxlin.StatusOther
	}
	if r.balance != 0 {
		t.BalanceAfter = &r.balance
	}
	if r.currency != "" {
		t.Currency = r.currency
	}
	return t
}

func fetch(ids bank.IDClass, rows ...row) reconcile.Fetched {
	f := reconcile.Fetched{
		CoveredFrom: march(-27), Complete: true, IDs: ids, Channel: redirect, Today: march(31),
	}
	for _, r := range rows {
		f.Transactions = append(f.Transactions, r.transaction())
	}
	return f
}

// ledger does what a store does with a result.
type ledger struct {
	rows []reconcile.Known
	last oxlin.TransactionID
}

// apply writes a result, and returns our id of each fetched row; 0 marks a row without
// one.
func (l *ledger) apply(f reconcile.Fetched) (reconcile.Result, []oxlin.TransactionID) {
	result := reconcile.Transactions(l.rows, f)
	ids := make([]oxlin.TransactionID, len(f.Transactions))
	at := func(id oxlin.TransactionID) *reconcile.Known {
		return &l.rows[slices.IndexFunc(l.rows, func(k reconcile.Known) bool { return k.ID == id })]
	}
	for _, match := range result.Found {
		if slices.Contains(ids, match.ID) {
			panic("two rows of an answer are one known row")
		}
		*at(match.ID) = match.Held
		ids[match.Row] = match.ID
	}
	for _, i := range result.New {
		l.last++
		held := reconcile.Hold(f.Transactions[i], result.BankIDs[i], f.Channel)
		held.ID = l.last
		l.rows = append(l.rows, held)
		ids[i] = held.ID
	}
	for _, id := range result.Expired {
		at(id).Status = oxlin.StatusExpired
	}
	for _, id := range result.Missing {
		at(id).MissingSince, at(id).AbsentOn = f.Today, []oxlin.Date{f.Today}
	}
	for _, id := range result.Absent {
		at(id).AbsentOn = append(at(id).AbsentOn, f.Today)
	}
	for _, id := range result.Cancelled {
		at(id).Status = oxlin.StatusCancelled
	}
	return result, ids
}

// updated returns the known rows that a result changes.
func updated(result reconcile.Result) []reconcile.Match {
	return slices.DeleteFunc(slices.Clone(result.Found), func(m reconcile.Match) bool { return m.Change == 0 })
}

// TestFailureModes has one case for each known failure of other aggregators. The first
// answer is stored, and the rows of the second must have the ids of the case.
func TestFailureModes(t *testing.T) {
	stable, perConsent, positional, none, constant := bank.IDStable, bank.IDPerConsent, bank.IDPositional, bank.IDNone, bank.IDConstant
	for name, c := range map[string]struct {
		ids           bank.IDClass
		first, second []row
		want          []oxlin.TransactionID // of the second answer's rows; above len(first): new
		expired       int
		missing       int
	}{
		"pending becomes booked under a new id": {
			ids:    stable,
			first:  []row{{id: "p1", pending: true, amount: -2990, on: 10, label: "CB CARREFOUR MARKET"}},
			second: []row{{id: "b7", amount: -2990, booked: 12, on: 10, label: "CB CARREFOUR MARKET"}},
			want:   []oxlin.TransactionID{1},
		},
		"pending becomes booked, and the day is only the booking's": {
			ids:    none,
			first:  []row{{pending: true, amount: -2990, on: 10, label: "CB CARREFOUR MARKET"}},
			second: []row{{amount: -2990, booked: 13, label: "CB CARREFOUR MARKET"}},
			want:   []oxlin.TransactionID{1},
		},
		"the label loses its date at settlement and the id is issued again": {
			ids:    stable,
			first:  []row{{id: "a", pending: true, amount: -2990, on: 10, label: "10/03 12:41 CARREFOUR MARKET PARIS"}},
			second: []row{{id: "b", amount: -2990, booked: 11, label: "CARREFOUR MARKET"}},
			want:   []oxlin.TransactionID{1},
		},
		"a deferred card's operation is booked a month later": {
			ids:    none,
			first:  []row{{pending: true, amount: -2990, on: 1, label: "FNAC"}},
			second: []row{{amount: -2990, booked: 31, on: 1, label: "FNAC"}},
			want:   []oxlin.TransactionID{1},
		},
		"a tip is added under the same id": {
			ids:    stable,
			first:  []row{{id: "a", pending: true, amount: -2000, on: 10, label: "BISTROT"}},
			second: []row{{id: "a", amount: -2300, booked: 11, on: 10, label: "BISTROT"}},
			want:   []oxlin.TransactionID{1},
		},
		"fuel is reserved and then settled for less": {
			ids:    none,
			first:  []row{{pending: true, amount: -15000, on: 10, label: "CB RELAIS DU LAC"}},
			second: []row{{amount: -6240, booked: 11, on: 10, label: "CB RELAIS DU LAC", mcc: "5542"}},
			want:   []oxlin.TransactionID{1},
		},
		"fuel is reserved, and two purchases there may be what it settled for": {
			ids:     none,
			first:   []row{{pending: true, amount: -15000, on: 10, label: "CB RELAIS DU LAC", mcc: "5542"}},
			second:  []row{{amount: -6240, booked: 11, label: "CB RELAIS DU LAC", mcc: "5542"}, {amount: -7110, booked: 13, label: "CB RELAIS DU LAC", mcc: "5542"}},
			want:    []oxlin.TransactionID{2, 3},
			expired: 1,
		},
		"fuel is reserved twice, and the days of operation tell which is which": {
			ids:    none,
			first:  []row{{pending: true, amount: -15000, on: 10, label: "CB RELAIS DU LAC", mcc: "5542"}},
			second: []row{{amount: -6240, booked: 11, on: 10, label: "CB RELAIS DU LAC", mcc: "5542"}, {amount: -7110, booked: 13, on: 12, label: "CB RELAIS DU LAC", mcc: "5542"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"another purchase at the same shop is not a settlement for more": {
			ids:     none,
			first:   []row{{pending: true, amount: -1500, on: 10, label: "CB CAFE DU LAC"}},
			second:  []row{{amount: -1620, booked: 11, on: 10, label: "CB CAFE DU LAC"}},
			want:    []oxlin.TransactionID{2},
			expired: 1,
		},
		"pending vanishes, and another shop's row of the amount is new": {
			ids:     none,
			first:   []row{{pending: true, amount: -2990, on: 10, label: "CB CARREFOUR"}},
			second:  []row{{amount: -2990, booked: 11, label: "CB MONOPRIX"}},
			want:    []oxlin.TransactionID{2},
			expired: 1,
		},
		"pending stays beside its twin": {
			ids:    none,
			first:  []row{{pending: true, amount: -240, on: 10, label: "CAFE"}, {pending: true, amount: -240, on: 10, label: "CAFE"}},
			second: []row{{pending: true, amount: -240, on: 10, label: "CAFE"}, {amount: -240, booked: 11, on: 10, label: "CAFE"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"two pending rows are booked in their order": {
			ids:    none,
			first:  []row{{pending: true, amount: -240, on: 10, label: "CAFE"}, {pending: true, amount: -240, on: 11, label: "CAFE"}},
			second: []row{{amount: -240, booked: 12, label: "CAFE"}, {amount: -240, booked: 11, label: "CAFE"}},
			want:   []oxlin.TransactionID{2, 1},
		},
		"the same posting twice in one answer, with another value day": {
			ids:    stable,
			second: []row{{id: "i", amount: 120, booked: 31, value: 31, label: "INTERETS"}, {id: "i", amount: 120, booked: 31, value: 32, label: "INTERETS"}},
			want:   []oxlin.TransactionID{1, 0},
		},
		"blank ids swallow nothing": {
			ids:    stable,
			second: []row{{id: " ", amount: -100, booked: 9, label: "A"}, {id: " ", amount: -200, booked: 9, label: "B"}, {id: " ", amount: -100, booked: 9, label: "A"}},
			want:   []oxlin.TransactionID{2, 1, 3}, // imported by day and amount
		},
		"placeholder ids swallow nothing": {
			ids:    stable,
			first:  []row{{id: "Not Provided", amount: -100, booked: 9, label: "A"}},
			second: []row{{id: "Not Provided", amount: -100, booked: 10, label: "A"}, {id: "Not Provided", amount: -100, booked: 9, label: "A"}},
			want:   []oxlin.TransactionID{2, 1},
		},
		"positional ids are null, then filled": {
			ids:    stable,
			first:  []row{{amount: -100, booked: 9, label: "A"}, {amount: -200, booked: 9, label: "B"}},
			second: []row{{id: "2026-03-09.1", amount: -100, booked: 9, label: "A"}, {id: "2026-03-09.2", amount: -200, booked: 9, label: "B"}},
			want:   []oxlin.TransactionID{2, 1},
		},
		"positional ids shift and overwrite no row": {
			ids:    positional,
			first:  []row{{id: "2026-03-09.1", amount: -100, booked: 9, label: "A"}, {id: "2026-03-09.2", amount: -100, booked: 9, label: "B"}},
			second: []row{{id: "2026-03-09.1", amount: -100, booked: 9, label: "C"}, {id: "2026-03-09.2", amount: -100, booked: 9, label: "A"}, {id: "2026-03-09.3", amount: -100, booked: 9, label: "B"}},
			want:   []oxlin.TransactionID{3, 1, 2},
		},
		"ids that shift are found out, whatever they look like": {
			ids:    stable,
			first:  []row{{id: "41", amount: -100, booked: 9, label: "A A"}, {id: "42", amount: -100, booked: 9, label: "B B"}},
			second: []row{{id: "41", amount: -100, booked: 9, label: "C C"}, {id: "42", amount: -100, booked: 9, label: "A A"}, {id: "43", amount: -100, booked: 9, label: "B B"}},
			want:   []oxlin.TransactionID{3, 1, 2},
		},
		"ids vary with every fetch": {
			ids:    none,
			first:  []row{{id: "x1", amount: -100, booked: 9, label: "A"}, {id: "x2", amount: -100, booked: 9, label: "A"}},
			second: []row{{id: "y1", amount: -100, booked: 9, label: "A"}, {id: "y2", amount: -100, booked: 9, label: "A"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a new twin is new": {
			ids:    none,
			first:  []row{{amount: -240, booked: 9, label: "CAFE"}, {amount: -240, booked: 9, label: "CAFE"}},
			second: []row{{amount: -240, booked: 9, label: "CAFE"}, {amount: -240, booked: 9, label: "CAFE"}, {amount: -240, booked: 9, label: "CAFE"}},
			want:   []oxlin.TransactionID{1, 2, 3},
		},
		"the balance after tells twins apart": {
			ids:    none,
			first:  []row{{amount: -240, booked: 9, label: "CAFE", balance: 500}, {amount: -240, booked: 9, label: "CAFE", balance: 260}},
			second: []row{{amount: -240, booked: 9, label: "CAFE", balance: 260}, {amount: -240, booked: 9, label: "CAFE", balance: 740}, {amount: -240, booked: 9, label: "CAFE", balance: 500}},
			want:   []oxlin.TransactionID{1, 3, 2}, // rows are taken by content: 260 came first
		},
		"one reference for every instalment": {
			ids:    stable,
			first:  []row{{id: "loan", amount: -9900, booked: 2, label: "ECHEANCE"}},
			second: []row{{id: "loan", amount: -9900, booked: 2, label: "ECHEANCE"}, {id: "loan", amount: -9900, booked: 9, label: "ECHEANCE"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"the bank shows one row on two pages": {
			ids:    stable,
			second: []row{{id: "a", amount: -100, booked: 9, label: "A"}, {id: "b", amount: -100, booked: 9, label: "A"}, {id: "a", amount: -100, booked: 9, label: "A"}},
			want:   []oxlin.TransactionID{1, 2, 0},
		},
		"one id for every row": {
			ids:    constant,
			first:  []row{{id: "acc", amount: -100, booked: 9, label: "A"}, {id: "acc", amount: -100, booked: 9, label: "A"}},
			second: []row{{id: "acc", amount: -100, booked: 9, label: "A"}, {id: "acc", amount: -100, booked: 9, label: "A"}, {id: "acc", amount: -300, booked: 9, label: "B"}},
			want:   []oxlin.TransactionID{1, 2, 3},
		},
		"a new consent brings new ids": {
			ids:    perConsent,
			first:  []row{{id: "c1-1", amount: -100, booked: 9, label: "A"}, {id: "c1-2", amount: -100, booked: 9, label: "A"}},
			second: []row{{id: "c2-8", amount: -100, booked: 9, label: "A"}, {id: "c2-9", amount: -100, booked: 9, label: "A"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a booked row's day shifts by one": {
			ids:    none,
			first:  []row{{amount: -100, booked: 9, value: 9, label: "A"}},
			second: []row{{amount: -100, booked: 10, value: 10, label: "A"}},
			want:   []oxlin.TransactionID{1},
		},
		"of two equal rows that follow one is the moved one": {
			ids:    none,
			first:  []row{{amount: -100, booked: 9, label: "A"}},
			second: []row{{amount: -100, booked: 10, label: "A"}, {amount: -100, booked: 11, label: "A"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"booking and value day change places": {
			ids:    none,
			first:  []row{{amount: -100, booked: 9, value: 12, label: "A"}},
			second: []row{{amount: -100, booked: 12, value: 9, label: "A"}},
			want:   []oxlin.TransactionID{1},
		},
		"a row of last week is not this week's": {
			ids:     none,
			first:   []row{{amount: -100, booked: 9, label: "A"}},
			second:  []row{{amount: -100, booked: 16, label: "A"}},
			want:    []oxlin.TransactionID{2},
			missing: 1,
		},
		"a row is booked late into the past": {
			ids:    none,
			first:  []row{{amount: -100, booked: 20, label: "A"}},
			second: []row{{amount: -100, booked: 20, label: "A"}, {amount: -100, booked: 8, label: "A"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a booked row gets another label": {
			ids:    none,
			first:  []row{{amount: -100, booked: 9, label: "PRLV SEPA EDF CLIENTS PARTICULIERS 123"}},
			second: []row{{amount: -100, booked: 9, label: "EDF"}},
			want:   []oxlin.TransactionID{1},
		},
		"a booked row gets a label with nothing in common": {
			ids:    none,
			first:  []row{{amount: -100, booked: 9, label: "XK PAYMENTS"}},
			second: []row{{amount: -100, booked: 9, label: "BOULANGERIE DU COIN"}},
			want:   []oxlin.TransactionID{1},
		},
		"where ids hold, an unknown one is another row": {
			ids:     stable,
			first:   []row{{id: "a", amount: -100, booked: 9, label: "XK PAYMENTS"}, {id: "b", amount: -300, booked: 9, label: "B"}},
			second:  []row{{id: "c", amount: -100, booked: 9, label: "BOULANGERIE"}, {id: "b", amount: -300, booked: 9, label: "B"}},
			want:    []oxlin.TransactionID{3, 1},
			missing: 1,
		},
		"an id given to another row of another amount": {
			ids:     stable,
			first:   []row{{id: "a", amount: -100, booked: 9, label: "A A"}},
			second:  []row{{id: "a", amount: -700, booked: 9, label: "B B"}},
			want:    []oxlin.TransactionID{2},
			missing: 1,
		},
		"a booked row's amount is corrected under its id": {
			ids:    stable,
			first:  []row{{id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{id: "a", amount: -1995, booked: 9, label: "SHOP"}},
			want:   []oxlin.TransactionID{1},
		},
		"a booked row's amount and day are corrected under its id": {
			ids:    stable,
			first:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1995, booked: 8, label: "SHOP"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a booked row's amount and label are corrected under its id": {
			ids:    stable,
			first:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1995, booked: 9, label: "SHOP PARIS 12"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a booked row's sign and day are corrected under its id": {
			ids:    stable,
			first:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: 1999, booked: 8, label: "SHOP"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"a booked row's sign and label are corrected under its id": {
			ids:    stable,
			first:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: 1999, booked: 9, label: "AVOIR SHOP"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"an id with another amount and label is another row": {
			ids:     stable,
			first:   []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1995, booked: 9, label: "GARAGE"}},
			want:    []oxlin.TransactionID{1, 3},
			missing: 1,
		},
		"an id with another amount a week later is another row": {
			ids:     stable,
			first:   []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "RENT"}},
			second:  []row{{id: "z", amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1995, booked: 16, label: "RENT"}},
			want:    []oxlin.TransactionID{1, 3},
			missing: 1,
		},
		"a correction of two values, where no other id holds": {
			ids:    stable,
			first:  []row{{amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1999, booked: 9, label: "SHOP"}},
			second: []row{{amount: -100, booked: 2, label: "BAKER"}, {id: "a", amount: -1995, booked: 8, label: "SHOP"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"fuel is booked beside its authorisation, under one id": {
			ids:    stable,
			first:  []row{{id: "a", pending: true, amount: -12000, on: 9, label: "TOTAL ACCESS LYON"}},
			second: []row{{id: "a", pending: true, amount: -12000, on: 9, label: "TOTAL ACCESS LYON"}, {id: "a", amount: -5430, booked: 10, on: 9, label: "TOTAL ACCESS LYON"}},
			want:   []oxlin.TransactionID{0, 1},
		},
		"a shop's authorisation and another booking under one id are two rows": {
			ids:    stable,
			first:  []row{{id: "a", pending: true, amount: -12000, on: 9, label: "FNAC LYON"}},
			second: []row{{id: "a", pending: true, amount: -12000, on: 9, label: "FNAC LYON"}, {id: "a", amount: -5430, booked: 10, on: 9, label: "FNAC LYON"}},
			want:   []oxlin.TransactionID{1, 2},
		},
		"no choice between two that fit equally": {
			ids:     none,
			first:   []row{{pending: true, amount: -240, on: 10, label: "CAFE"}},
			second:  []row{{amount: -240, booked: 10, label: "CAFE PARIS"}, {amount: -240, booked: 10, label: "CAFE NICE"}},
			want:    []oxlin.TransactionID{3, 2},
			expired: 1,
		},
		"the end-to-end id joins what no label does": {
			ids:    none,
			first:  []row{{pending: true, amount: -240, on: 10, label: "VIR", endToEnd: "E2E-77"}},
			second: []row{{amount: -240, booked: 10, label: "LOYER", endToEnd: "E2E-78"}, {amount: -240, booked: 12, label: "SYNDIC", endToEnd: "E2E-77"}},
			want:   []oxlin.TransactionID{2, 1},
		},
		"another cheque of the same amount": {
			ids:     none,
			first:   []row{{amount: -240, booked: 9, label: "CHEQUE", check: "0000122"}},
			second:  []row{{amount: -240, booked: 10, label: "CHEQUE", check: "0000123"}},
			want:    []oxlin.TransactionID{2},
			missing: 1,
		},
		"one cheque, whose number has more zeros now": {
			ids:    none,
			first:  []row{{amount: -240, booked: 9, label: "CHEQUE", check: "12345"}},
			second: []row{{amount: -240, booked: 10, label: "CHEQUE", check: "0012345"}},
			want:   []oxlin.TransactionID{1},
		},
		"pending and booked in one answer, with the bank's id for both": {
			ids:    stable,
			second: []row{{id: "a", pending: true, amount: -240, on: 10, label: "CAFE"}, {id: "a", amount: -240, booked: 11, on: 10, label: "CAFE"}},
			want:   []oxlin.TransactionID{0, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l ledger
			l.apply(fetch(c.ids, c.first...))
			second := fetch(c.ids, c.second...)
			result, got := l.apply(second)
			if !slices.Equal(got, c.want) {
				t.Errorf("ids %v, want %v", got, c.want)
			}
			if len(result.Expired) != c.expired || len(result.Missing) != c.missing {
				t.Errorf("expired %v, missing %v; want %d and %d", result.Expired, result.Missing, c.expired, c.missing)
			}
			again, _ := l.apply(second)
			if len(again.New)+len(updated(again))+len(again.Expired)+len(again.Missing) != 0 {
				t.Errorf("the same answer again changes something: %+v", again)
			}
		})
	}
}

// TestARowOfTwoChannelsKeepsTheIdsOfBoth reads a row through one channel, through another one,
// and through the first again, by which time it has moved too far for anything but an id.
func TestARowOfTwoChannelsKeepsTheIdsOfBoth(t *testing.T) {
	for name, c := range map[string]struct {
		between, last string // the other channel's id, and the first channel's one in the end
		older         bool   // the row was stored before channels were noted
		known         bool
	}{
		"another id":                      {"w1", "a1", false, true},
		"no id":                           {"", "a1", false, true},
		"the same id":                     {"a1", "a1", false, true},
		"another id, stored before":       {"w1", "a1", true, true},
		"no id, stored before":            {"", "a1", true, true},
		"the id of the other channel":     {"w1", "w1", false, false},
		"an id that no channel has given": {"w1", "a2", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(id string, day int) row { return row{id: id, amount: -400, booked: day, label: "GROCER"} }
			var l ledger
			l.apply(fetch(bank.IDStable, at("a1", 1)))
			if c.older {
				l.rows[0].ChannelsOfIDs = nil
			}
			other := fetch(bank.IDStable, at(c.between, 1))
			other.Channel = embedded
			l.apply(other)
			_, ids := l.apply(fetch(bank.IDStable, at(c.last, 21)))
			if (ids[0] == 1) != c.known {
				t.Errorf("the row has the id %v", ids[0])
			}
		})
	}
}

// TestABookedRowMovesFromADayThatTheAnswerLacks has a row of 5 February, which an answer
// from 10 March on shows on another day. Earlier answers covered the days up to 20 March.
func TestABookedRowMovesFromADayThatTheAnswerLacks(t *testing.T) {
	const old = -23
	tests := map[string]struct {
		ids        bank.IDClass
		now        row
		unread     bool // nothing was read before
		incomplete bool
		new, waits bool
		sibling    string // the id of another payment of the same words and amount
	}{
		"to a day that was read before":                                                  {now: row{booked: 14}},
		"to the day before the window":                                                   {now: row{booked: 9}},
		"to a day that was read before, five weeks later":                                {now: row{booked: old + 35}},
		"to an unread day, at no regular distance":                                       {now: row{booked: old + 38}, unread: true},
		"to an unread day, five weeks later":                                             {now: row{booked: old + 35}, unread: true, new: true},
		"to an unread day, a month and a weekend later":                                  {now: row{booked: old + 30}, unread: true, new: true},
		"to a new day, at no regular distance":                                           {now: row{booked: 25}},
		"to a new day, seven weeks later":                                                {now: row{booked: old + 49}, new: true},
		"to a new day, seven weeks later, with ids that last":                            {ids: bank.IDLasting, now: row{booked: old + 49}},
		"to an unread day, five weeks later, as one of several payments with an id each": {now: row{booked: old + 35}, unread: true, sibling: "other"},
		"to an unread day, five weeks later, as one of several payments with one id":     {now: row{booked: old + 35}, unread: true, sibling: "m", new: true},
		"to a day that was read before, with another amount":                             {now: row{booked: 14, amount: -450}, new: true},
		"to a day that was read before, with another label":                              {now: row{booked: 14, label: "GROCER PARIS"}, new: true},
		"to a day that was read before, pending":                                         {now: row{on: 14, pending: true}, new: true},
		"to a day that was read before, in part of an answer":                            {now: row{booked: 14}, incomplete: true, waits: true},
		"under another id":               {now: row{booked: 14, id: "z"}, new: true},
		"of a bank whose ids are places": {ids: bank.IDPositional, now: row{booked: 14}, new: true},
		"of a bank with one id":          {ids: bank.IDConstant, now: row{booked: 14}, new: true},
		"of a bank without ids":          {ids: bank.IDNone, now: row{booked: 14}, new: true},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			holds := row{id: "h", amount: -100, booked: 15, label: "HOLDS"}
			moved := row{id: "m", amount: -400, booked: old, label: "GROCER"}
			if c.ids == "" {
				c.ids = bank.IDStable
			}
			var l ledger
			first := []row{moved, holds}
			if c.sibling != "" {
				first = append(first, row{id: c.sibling, amount: -400, booked: old - 7, label: "GROCER"})
			}
			l.apply(fetch(c.ids, first...))
			now := c.now
			if now.id == "" {
				now.id = "m"
			}
			if now.amount == 0 {
				now.amount = -400
			}
			if now.label == "" {
				now.label = "GROCER"
			}
			f := fetch(c.ids, now, holds)
			f.CoveredFrom, f.Complete = march(10), !c.incomplete
			if !c.unread {
				f.ReadFrom, f.ReadUntil = march(-60), march(20)
			}
			result, ids := l.apply(f)
			if (int(ids[0]) > len(first)) != c.new || (len(result.Waiting) == 1) != c.waits {
				t.Errorf("it has the id %v, new are %v, %v wait", ids[0], result.New, result.Waiting)
			}
		})
	}
}
