package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// movement is one true movement of money, with the bank's current description of it.
type movement struct {
	name    string // two namesakes of one amount are a family
	amount  oxlin.Amount
	on      oxlin.Date // the operation
	booked  oxlin.Date // zero while pending
	serial  int        // a stable id, until the bank issues another
	style   int        // how the label is written
	telling bool       // the settled row keeps the day of the operation
	gone    bool       // pending, and dropped by the bank
	// given is the serial that each channel has last shown.
	given map[oxlin.ChannelDefinitionID]int
}

func (m *movement) day() oxlin.Date {
	if m.booked.IsZero() {
		return m.on
	}
	return m.booked
}

func (m *movement) label() string {
	return map[int]string{
		0: "CB " + m.name + " " + m.on.String()[8:10] + "/" + m.on.String()[5:7],
		1: m.name,
		2: "PAIEMENT CB " + m.on.String()[8:10] + m.on.String()[5:7] + " PARIS " + m.name + " CARTE 4974XXXXXXXX1234",
		3: m.name[:len(m.name)-2],
	}[m.style]
}

// habit describes the form of a bank's ids, and its connector's trust in them.
type habit struct {
	name     string
	declared bank.IDClass
	id       func(b *bankModel, m *movement, position int) string
	// stays is true if ids may be relied on while nothing renumbers them.
	stays bool
}

var habits = []habit{
	{"stable", bank.IDStable, func(_ *bankModel, m *movement, _ int) string { return fmt.Sprint("tx", m.serial) }, true},
	{"per consent", bank.IDPerConsent, func(b *bankModel, m *movement, _ int) string { return fmt.Sprintf("c%d-%d", b.consent, m.serial) }, true},
	{"positional", bank.IDPositional, func(_ *bankModel, m *movement, n int) string { return fmt.Sprintf("%s.%d", m.day(), n) }, false},
	{"positional, believed stable", bank.IDStable, func(_ *bankModel, m *movement, n int) string { return fmt.Sprintf("%s.%d", m.day(), n) }, false},
	{"constant", bank.IDConstant, func(*bankModel, *movement, int) string { return "FR76-ACCOUNT" }, false},
	{"constant, believed stable", bank.IDStable, func(b *bankModel, _ *movement, _ int) string {
		if b.uniform() {
			return "" // under one id, twins look like one row shown twice
		}
		return "FR76-ACCOUNT"
	}, false},
	{"none", bank.IDNone, func(b *bankModel, m *movement, _ int) string { return fmt.Sprintf("r%d-%d", b.fetches, m.serial) }, false},
	{"placeholder", bank.IDStable, func(*bankModel, *movement, int) string { return "Not Provided" }, false},
	{"blank", bank.IDStable, func(*bankModel, *movement, int) string { return " " }, false},
}

var shops = []string{
	"CARREFOUR MARKET", "BOULANGERIE DUPAIN", "ELECTRICITE GENERALE", "FERROVIAIRE INTERNET",
	"FONCIERE LOCATIVE", "PHARMACIE CENTRALE", "LIBRAIRIE CORNEE",
}

// bankModel is an account at a bank that does everything that banks are known to do.
type bankModel struct {
	*rapid.T
	habit     habit
	balances  bool
	movements []*movement
	today     oxlin.Date
	days      int // how far back an answer reaches
	consent   int
	serial    int
	fetches   int
	channel   oxlin.ChannelDefinitionID
	silent    bool // the bank gives no ids today
	// touched are the families that have changed since the last answer. Two changes of one
	// family would be ambiguous.
	touched map[string]bool
	// switched is true if the channel changed, crowded if a movement with namesakes
	// did.
	switched, crowded bool
}

func (b *bankModel) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(b.T, label) }

func (b *bankModel) next() int {
	b.serial++
	return b.serial
}

func family(m *movement) string { return fmt.Sprint(m.name, m.amount) }

// touch reports whether a family may change, and marks it.
func (b *bankModel) touch(m *movement) bool {
	if b.touched[family(m)] || b.touched[fmt.Sprint(m.amount)] || b.switched && !b.lonely(m) {
		return false
	}
	b.crowded = b.crowded || !b.lonely(m)
	b.touched[family(m)] = true
	return true
}

// touchAll does the same for all families of an amount.
func (b *bankModel) touchAll(amount oxlin.Amount) bool {
	for name := range b.touched {
		if strings.HasSuffix(name, fmt.Sprint(amount)) {
			return false
		}
	}
	b.touched[fmt.Sprint(amount)] = true
	return true
}

// lonely reports whether no namesake of the same amount is near in time.
func (b *bankModel) lonely(m *movement) bool {
	return !slices.ContainsFunc(b.movements, func(o *movement) bool {
		return o != m && family(o) == family(m) && near(o, m, 14)
	})
}

func near(a, b *movement, days int) bool {
	for _, x := range []oxlin.Date{a.on, a.day()} {
		for _, y := range []oxlin.Date{b.on, b.day()} {
			if n := x.DaysSince(y); -days <= n && n <= days {
				return true
			}
		}
	}
	return false
}

// add creates a movement, unless it could be mistaken for one that has vanished or has
// lost its days.
func (b *bankModel) add(m *movement) {
	if slices.ContainsFunc(b.movements, func(o *movement) bool {
		return (o.gone || !o.telling) && family(o) == family(m) && near(o, m, 16)
	}) || !b.touch(m) {
		return
	}
	b.movements = append(b.movements, m)
}

func (b *bankModel) fresh() *movement {
	return &movement{
		name: shops[b.pick("shop", len(shops))], amount: -1000 * oxlin.Amount(1+b.pick("amount", 3)),
		on: b.today.AddDays(-b.pick("ago", 3)), serial: b.next(), style: b.pick("style", 2), telling: true,
		given: make(map[oxlin.ChannelDefinitionID]int),
	}
}

// recent finds a movement that every window still shows.
func (b *bankModel) recent(wanted func(*movement) bool) *movement {
	var all []*movement
	for _, m := range b.movements {
		if !m.gone && b.today.DaysSince(m.day()) <= 20 && wanted(m) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[b.pick("which", len(all))]
}

func pending(m *movement) bool { return m.booked.IsZero() }
func settled(m *movement) bool { return !m.booked.IsZero() }

// mutations are the disturbances that make other aggregators fail.
var mutations = map[string]func(*bankModel){
	"announce": func(b *bankModel) { b.add(b.fresh()) },
	"book": func(b *bankModel) {
		m := b.fresh()
		m.booked = m.on.AddDays(b.pick("booked", 3))
		b.add(m)
	},
	"book into the past": func(b *bankModel) {
		m := b.fresh()
		m.on = m.on.AddDays(-15)
		m.booked = m.on
		b.add(m)
	},
	"repeat": func(b *bankModel) {
		m := b.recent(func(m *movement) bool { return true })
		if m != nil {
			twin := *m
			twin.serial, twin.given = b.next(), make(map[oxlin.ChannelDefinitionID]int)
			b.add(&twin)
		}
	},
	"recur": func(b *bankModel) {
		m := b.recent(settled)
		if m != nil {
			again := *m
			again.serial, again.given = b.next(), make(map[oxlin.ChannelDefinitionID]int)
			again.on, again.booked = m.on.AddDays(7), m.booked.AddDays(7)
			if !b.today.Before(again.booked) {
				b.add(&again)
			}
		}
	},
	"settle": func(b *bankModel) {
		m := b.recent(pending)
		if m == nil || !b.touch(m) {
			return
		}
		m.booked = m.on.AddDays(b.pick("slow", 6))
		m.style = b.pick("style", 4)
		m.telling = b.pick("telling", 2) == 0 || !b.lonely(m)
		// If twins were confused on a day without ids, a reissued id does not correct it.
		if b.lonely(m) && b.pick("reissue", 2) == 0 {
			m.serial = b.next()
		}
	},
	"vanish": func(b *bankModel) {
		m := b.recent(pending)
		if m != nil && b.touch(m) {
			m.gone = true
		}
	},
	"relabel": func(b *bankModel) {
		m := b.recent(settled)
		if m != nil && b.touch(m) {
			m.style = b.pick("style", 4)
		}
	},
	"rename beyond recognition": func(b *bankModel) {
		// Another row with this amount on that day would be ambiguous, and an unknown id
		// beside known ones is evidence for another row.
		m := b.recent(func(m *movement) bool {
			return settled(m) && m.given[b.channel] == m.serial && !slices.ContainsFunc(b.movements, func(o *movement) bool {
				return o != m && o.amount == m.amount && near(o, m, 20)
			})
		})
		if m != nil && b.touchAll(m.amount) {
			m.name = shops[b.pick("shop", len(shops))]
		}
	},
	"move": func(b *bankModel) {
		m := b.recent(settled)
		if m != nil && b.lonely(m) && b.touch(m) {
			m.booked = m.booked.AddDays((1 - 2*b.pick("back", 2)) * (1 + b.pick("by", 4)))
		}
	},
	"renumber": func(b *bankModel) {
		b.consent++
		for _, m := range b.movements {
			m.serial = b.next()
		}
	},
	"other channel": func(b *bankModel) {
		// If a namesake changes, only a value that the other channel does not have may
		// distinguish the two.
		if b.crowded {
			return
		}
		b.switched = true
		if b.channel == redirect {
			b.channel = embedded
			return
		}
		b.channel = redirect
	},
	"no ids today":   func(b *bankModel) { b.silent = true },
	"shorter window": func(b *bankModel) { b.days = 30 },
	"longer window":  func(b *bankModel) { b.days = 90 },
	"days pass":      func(b *bankModel) { b.today = b.today.AddDays(1 + b.pick("days", 5)) },
}

func (b *bankModel) shown() []*movement {
	var all []*movement
	for _, m := range b.movements {
		if !m.gone && !m.day().Before(b.from()) {
			all = append(all, m)
		}
	}
	return all
}

func (b *bankModel) from() oxlin.Date { return b.today.AddDays(-b.days) }

func (b *bankModel) uniform() bool {
	for _, m := range b.shown() {
		if m.amount != b.shown()[0].amount {
			return false
		}
	}
	return true
}

// answer is a complete fetch: its rows, and the movement behind each.
func (b *bankModel) answer() (reconcile.Fetched, []*movement) {
	b.fetches++
	f := reconcile.Fetched{
		CoveredFrom: b.from(), Complete: true, IDs: b.habit.declared, Channel: b.channel, Today: b.today,
	}
	truth := rapid.Permutation(b.shown()).Draw(b.T, "order")
	position := make(map[oxlin.Date]int)
	for _, m := range truth {
		position[m.day()]++
		f.Transactions = append(f.Transactions, b.tell(m, position[m.day()]))
	}
	if b.habit.stays && !b.silent && len(truth) > 0 && b.pick("page border", 3) == 0 {
		again := b.pick("twice", len(truth))
		f.Transactions = append(f.Transactions, f.Transactions[again])
		truth = append(truth, truth[again])
	}
	return f, truth
}

func (b *bankModel) tell(m *movement, position int) bank.Transaction {
	t := bank.Transaction{
		Status: oxlin.StatusPending, Amount: m.amount, Currency: "EUR",
		TransactionDate: m.on, Remittance: strings.SplitAfterN(m.label(), " ", 2),
	}
	if settled(m) {
		t.Status = oxlin.StatusBooked
		t.BookingDate, t.ValueDate = m.booked, m.booked
		if !m.telling {
			t.TransactionDate = oxlin.Date{}
		}
		if b.balances {
			balance := b.balance(m)
			t.BalanceAfter = &balance
		}
	}
	if !b.silent {
		t.BankID = b.habit.id(b, m, position)
		m.given[b.channel] = m.serial
	}
	if b.channel == embedded {
		// A web site: its own ids, fewer days, the label in another form.
		t.ValueDate, t.BalanceAfter = oxlin.Date{}, nil
		t.BankID = strings.Replace(t.BankID, "tx", "web", 1)
		t.Remittance = []string{strings.ToLower(strings.TrimPrefix(m.label(), "CB "))}
		if settled(m) {
			t.TransactionDate = oxlin.Date{}
		}
	}
	return t
}

func (b *bankModel) balance(m *movement) oxlin.Amount {
	balance := oxlin.Amount(1_000_000)
	for _, o := range b.movements {
		if settled(o) && (o.booked.Before(m.booked) || o.booked == m.booked && o.serial <= m.serial) {
			balance += o.amount
		}
	}
	return balance
}

// looks returns the values by which a reader can distinguish two rows, without ids and
// balances.
func looks(t bank.Transaction) string {
	return fmt.Sprint(t.Status, t.Amount, t.BookingDate, t.TransactionDate, reconcile.Words(t))
}

// TestIdentity plays histories of an account on a ledger. After every answer, each movement
// has the one row that it had before: no row is missed, doubled or merged. Rows that look
// alike may be exchanged.
func TestIdentity(t *testing.T) {
	for _, h := range habits {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				rapid.Check(t, func(t *rapid.T) { play(t, h) })
			}
		})
	}
}

func play(t *rapid.T, h habit) {
	b := &bankModel{
		T: t, habit: h, today: march(31), days: 60, channel: redirect, touched: make(map[string]bool),
		balances: rapid.Bool().Draw(t, "balances"),
	}
	var l ledger
	id := make(map[*movement]oxlin.TransactionID)
	looked := make(map[*movement]string)
	names := make([]string, 0, len(mutations))
	for name := range mutations {
		names = append(names, name)
	}
	slices.Sort(names)
	for range rapid.IntRange(2, 10).Draw(t, "answers") {
		clear(b.touched)
		b.silent, b.switched, b.crowded = false, false, false
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			mutations[rapid.SampledFrom(names).Draw(t, "change")](b)
		}
		f, truth := b.answer()
		before := slices.Clone(l.rows)
		result, ids := l.apply(f)
		if len(result.Missing) > 0 {
			t.Fatalf("reported missing: %v", result.Missing)
		}
		check(t, &l, f, truth, ids, id, looked)
		samePages(t, b, before, f, result)

		again, _ := b.answer()
		again.Transactions = f.Transactions // the same answer again
		second, _ := l.apply(again)
		if len(second.New)+len(updated(second))+len(second.Expired)+len(second.Missing) > 0 {
			t.Fatalf("the same answer again changes something: %+v", second)
		}
	}
}

// check compares our ids with the truth and remembers them.
func check(t *rapid.T, l *ledger, f reconcile.Fetched, truth []*movement, ids []oxlin.TransactionID, id map[*movement]oxlin.TransactionID, looked map[*movement]string) {
	now, look := make(map[*movement]oxlin.TransactionID), make(map[*movement]string)
	owner := make(map[oxlin.TransactionID]*movement)
	for i, m := range truth {
		look[m] = looks(f.Transactions[i])
		if ids[i] == 0 {
			continue // a row that is shown twice
		}
		if owner[ids[i]] != nil {
			t.Fatalf("%v and %v share row %v", look[owner[ids[i]]], look[m], ids[i])
		}
		now[m], owner[ids[i]] = ids[i], m
	}
	was := make(map[oxlin.TransactionID]*movement)
	for m, o := range id {
		was[o] = m
	}
	// Rows that look alike, before or now, may be exchanged. So the test counts from which
	// look to which look rows have changed.
	type passage struct{ from, to string }
	surplus := make(map[passage]int)
	for m := range look {
		if now[m] == 0 {
			t.Fatalf("no row for %v", look[m])
		}
		surplus[passage{looked[m], look[m]}]--
		surplus[passage{looked[was[now[m]]], look[m]}]++
	}
	for p, n := range surplus {
		if n != 0 {
			t.Fatalf("%d rows too many changed from %q to %q", n, p.from, p.to)
		}
	}
	free := make(map[string][]oxlin.TransactionID) // rows that lost their movement, by look
	for m := range look {
		if id[m] != 0 && owner[id[m]] == nil {
			free[looked[m]] = append(free[looked[m]], id[m])
		}
	}
	for m, o := range id {
		if m.gone && owner[o] != nil {
			// Its row was exchanged with that of a movement that looked alike.
			rows := free[looked[m]]
			id[m], free[looked[m]] = rows[0], rows[1:]
		}
	}
	for m := range look {
		id[m], looked[m] = now[m], look[m]
	}
	live := 0
	for m := range id {
		if !m.gone {
			live++
		}
	}
	rows := 0
	for _, k := range l.rows {
		if k.Status != oxlin.StatusExpired {
			rows++
		}
	}
	if rows != live {
		t.Fatalf("%d rows for %d movements", rows, live)
	}
}

// samePages reconciles the rows in another order and compares the results.
func samePages(t *rapid.T, b *bankModel, known []reconcile.Known, f reconcile.Fetched, want reconcile.Result) {
	shuffled := f
	shuffled.Transactions = rapid.Permutation(f.Transactions).Draw(t, "pages")
	got := reconcile.Transactions(rapid.Permutation(known).Draw(t, "known"), shuffled)
	if a, b := told(f, want), told(shuffled, got); a != b {
		t.Fatalf("another order of pages has another result:\n%s\n%s", a, b)
	}
}

// told renders a result without indexes.
func told(f reconcile.Fetched, r reconcile.Result) string {
	var lines []string
	for _, i := range r.New {
		lines = append(lines, "new "+looks(f.Transactions[i])+" "+r.BankIDs[i])
	}
	var matches []string
	for _, m := range r.Found {
		matches = append(matches, fmt.Sprint(m.ID, looks(f.Transactions[m.Row]), m.Change, m.Held.BankIDs))
	}
	slices.Sort(matches)
	return fmt.Sprint(strings.Join(append(lines, matches...), "\n"), r.Expired, r.Missing, r.Returned)
}
