package torture

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Disturbance is one thing that banks do.
type Disturbance struct {
	// Name is its name in the score.
	Name    string
	disturb func(*generator)
}

// Disturbances lists everything that the corpus does to recognition: banks §7.2, and
// what was seen since.
var Disturbances = []Disturbance{
	{"nothing", func(*generator) {}},

	// Ids.
	{"ids are missing on a day", func(g *generator) { g.fault(silent, 0, 0) }},
	{"positional ids shift", func(g *generator) {
		g.h.Bank.Form = positional
		g.neighbours()
	}},
	{"ids count the rows of the answer, the oldest first", func(g *generator) {
		g.h.Bank.Form = sliding
		g.neighbours()
	}},
	{"ids count the rows of the answer, the newest first", func(g *generator) {
		g.h.Bank.Form = descending
		g.neighbours()
	}},
	{"ids are issued again at settlement", func(g *generator) {
		for range 2 {
			r := g.addAnnounced()
			r.Changes = append(r.Changes, Change{Day: r.Settled, What: reissue, N: 1})
		}
	}},
	{"a booked row gets another id", func(g *generator) {
		r := g.addBooked()
		r.Changes = append(r.Changes, Change{Day: g.on(), What: reissue, N: 1})
	}},
	{"one id for every row", func(g *generator) { g.h.Bank.Form = constant }},
	{"a placeholder for every id", func(g *generator) { g.h.Bank.Form = placeholder }},
	{"blank ids", func(g *generator) { g.h.Bank.Form = blank }},
	{"ids are new in each answer", func(g *generator) { g.believed(perAnswer) }},
	{"ids are unique only within an account", func(g *generator) { g.h.Bank.Neighbour = true }},
	{"ids are unique only within a day", func(g *generator) {
		g.believed(perDay)
		g.neighbours()
	}},
	{"ids are unique only within one of two accounts of a list", func(g *generator) {
		g.believed(perAccount)
		g.neighbours()
	}},
	{"ids of some rows come late", func(g *generator) {
		day := g.on()
		for i := range g.h.Rows {
			if g.IntN(3) == 0 {
				g.h.Rows[i].Changes = append(g.h.Rows[i].Changes, Change{Day: 0, Until: day, What: withoutID})
			}
		}
	}},
	{"a new consent renews all ids", func(g *generator) {
		if g.h.Bank.Form == serial {
			g.h.Bank.Form = perConsent
		}
		g.since(func(r *Reading) { r.Consent++ })
	}},
	{"a recurring payment has one id", func(g *generator) {
		r := g.booked(0)
		r.Booking -= 7
		r.Operation, r.Value, r.Seen, r.Settled = r.Operation-7, r.Value-7, r.Seen-7, r.Settled-7
		first := *g.add(r)
		step := []int{7, 14, 30}[g.IntN(3)]
		for at := step; first.Booking+at <= g.end(); at += step {
			again := first.shifted(at)
			again.Changes = []Change{{Day: again.Seen, What: takeID, N: first.Token}}
			g.add(again)
		}
	}},
	{"an id is given to another row", func(g *generator) {
		first := *g.add(g.booked(0))
		second := g.fresh()
		second.Operation = g.on()
		second = g.lives(second)
		second.Changes = []Change{{Day: second.Seen, What: takeID, N: first.Token}}
		g.add(second)
	}},
	{"a cancelled authorisation's id goes to the next one", func(g *generator) {
		r := g.announced()
		r.Settled, r.Booking = r.Seen+40, r.Seen+40
		r.Gone = r.Seen + 2 + g.IntN(4)
		first := *g.add(r)
		next := g.fresh()
		next.Operation = first.Gone
		if g.IntN(2) == 0 {
			next.Name, next.Style = first.Name, first.Style
			if g.IntN(3) == 0 {
				next.Amount = first.Amount
			}
		}
		next = g.lives(next)
		next.Seen = next.Operation
		next.Changes = []Change{{Day: next.Seen, What: takeID, N: first.Token}}
		g.add(next)
	}},

	// Labels.
	{"the label loses its date at settlement", func(g *generator) { g.relabelled(withHour, plainName) }},
	{"the label is cut inside a word at settlement", func(g *generator) { g.relabelled(plainName, cutName) }},
	{"the label gets details at settlement", func(g *generator) { g.relabelled(plainName, withDetails) }},
	{"the label is spelled otherwise at settlement", func(g *generator) { g.relabelled(withCardDate, respelled) }},
	{"the label is coded twice for some time", func(g *generator) {
		r := g.any()
		day := g.on()
		r.Changes = append(r.Changes, Change{Day: day, Until: day + 1 + g.IntN(5), What: relabel, N: int(doubleCoded)})
	}},
	{"a booked row's label is written otherwise", func(g *generator) {
		r := g.any()
		r.Changes = append(r.Changes, Change{Day: g.on(), What: relabel, N: g.IntN(int(lowered))})
	}},

	// Twins and recurrences.
	{"twins", func(g *generator) { g.twins(2 + g.IntN(2)) }},
	{"twins, and one is cancelled", func(g *generator) {
		r := g.announced()
		r.Gone = 0
		g.add(r)
		r.Gone = r.Seen + 1 + g.IntN(4)
		g.add(r)
	}},
	{"one twin comes late", func(g *generator) {
		r := g.booked(0)
		g.add(r)
		r.Seen = g.on()
		r.Settled = r.Seen
		g.add(r)
	}},
	{"a weekly payment of one amount", func(g *generator) { g.recurs(7) }},
	{"a monthly payment of one amount", func(g *generator) { g.recurs(30) }},
	{"a payment of one amount each day", func(g *generator) { g.recurs(1) }},

	{"twins are settled one after the other", func(g *generator) {
		r := g.announced()
		later := r
		later.Settled += 1 + g.IntN(5)
		if g.IntN(2) == 0 {
			later.Booking, later.Value = later.Settled, later.Settled
		}
		g.add(r)
		g.add(later)
	}},
	{"a refund of the same amount", func(g *generator) {
		r := g.announced()
		back := r.shifted(g.IntN(3))
		back.Amount = -back.Amount
		g.add(r)
		g.add(back)
	}},
	{"several shops take one amount on one day", func(g *generator) {
		r := g.announced()
		for range 2 + g.IntN(2) {
			r.Name, r.Style = shops[g.IntN(len(shops))], style(g.IntN(2))
			r.Settled = r.Seen + 1 + g.IntN(6)
			g.add(r)
		}
	}},

	// Pages and windows.
	{"a row stands on two pages", func(g *generator) { g.fault(twice, g.any().Token, 0) }},
	{"a row stands twice in an answer, booked a day apart", func(g *generator) {
		g.h.Bank.Values = true
		g.fault(twice, g.any().Token, 1)
	}},
	{"a row stands twice in an answer, valued a day apart", func(g *generator) {
		g.h.Bank.Values = true
		g.fault(revalued, g.any().Token, 1)
	}},
	{"twins at the border of two pages", func(g *generator) {
		token := g.twins(2)
		g.fault(twice, token, 0)
	}},
	{"pages in another order", func(g *generator) { g.fault(shuffled, g.IntN(1000), 0) }},
	{"rows before the window", func(g *generator) { g.fault(early, 1+g.IntN(20), 0) }},
	{"an incomplete answer", func(g *generator) { g.fault(cut, g.IntN(100), g.IntN(2)) }},
	{"a gap in an answer", func(g *generator) {
		from := g.IntN(60)
		g.fault(gap, from, min(from+30+g.IntN(40), 100))
	}},
	{"a gap that stays for days", func(g *generator) {
		from := g.IntN(60)
		f := Fault{gap, from, min(from+30+g.IntN(40), 100)}
		for at, n := g.later(), 2+g.IntN(4); at < len(g.h.Readings) && n > 0; at, n = at+1, n-1 {
			g.h.Readings[at].Faults = append(g.h.Readings[at].Faults, f)
		}
	}},
	{"a shorter history for some time", func(g *generator) {
		f := Fault{What: short, A: 5 + g.IntN(25)}
		for at, n := g.IntN(len(g.h.Readings)), 1+g.IntN(4); at < len(g.h.Readings) && n > 0; at, n = at+1, n-1 {
			g.h.Readings[at].Faults = append(g.h.Readings[at].Faults, f)
		}
	}},
	{"a row cannot be read for some time", func(g *generator) {
		r := g.any()
		day := g.on()
		r.Changes = append(r.Changes, Change{Day: day, Until: day + 1 + g.IntN(6), What: garbled})
	}},
	{"an empty answer", func(g *generator) { g.fault(gap, 0, 100) }},

	// Time.
	{"a row is inserted late", func(g *generator) {
		r := g.booked(0)
		r.Seen = g.on()
		r.Settled = r.Seen
		g.add(r)
	}},
	{"a row is booked into the past", func(g *generator) {
		r := g.fresh()
		r.Seen = g.on()
		r.Settled = r.Seen
		r.Operation = r.Seen - 5 - g.IntN(20)
		r.Booking = r.Operation
		r.Value = r.Booking
		g.add(r)
	}},
	{"days move by one", func(g *generator) {
		day, until := g.on(), 0
		if g.IntN(2) == 0 {
			until = day + 1 + g.IntN(4)
		}
		by := 1 - 2*g.IntN(2)
		all := g.IntN(2) == 0
		for i := range g.h.Rows {
			if all || g.IntN(3) == 0 {
				g.h.Rows[i].Changes = append(g.h.Rows[i].Changes, Change{Day: day, Until: until, What: moveDays, N: by})
			}
		}
	}},
	{"the booking day moves", func(g *generator) {
		r := g.addBooked()
		r.Changes = append(r.Changes, Change{Day: g.on(), What: moveBooking, N: 1 + g.IntN(4)})
	}},
	{"a booked row's day moves into the window, or out and back", func(g *generator) {
		g.h.Bank.Days = 90
		if g.h.Bank.Form != perConsent {
			g.believed(serial)
		}
		day := g.on()
		if g.IntN(2) == 0 {
			r := g.addBooked()
			r.Changes = append(r.Changes, Change{Day: day, Until: day + 1 + g.IntN(6), What: moveAway, N: -(35 + g.IntN(40))})
			return
		}
		// It moves to a day that was read before: on a new one it may be the next payment.
		const readBefore = 8
		r := g.booked(0)
		back := 30 + g.IntN(20)
		first := r.shifted(-back - readBefore)
		first.Changes = []Change{{Day: day, What: moveAway, N: back}}
		g.add(first)
	}},
	{"booking and value day change places", func(g *generator) {
		g.h.Bank.Values = true
		r := g.booked(0)
		r.Value = r.Booking + 1 + g.IntN(3)
		added := g.add(r)
		added.Changes = append(added.Changes, Change{Day: g.on(), What: swapDays})
	}},
	{"a booked row without a day gets one", func(g *generator) {
		r := g.addBooked()
		r.Changes = append(r.Changes, Change{Day: 0, Until: g.on(), What: undated})
	}},
	{"a pending row without a day gets one", func(g *generator) {
		for range 2 {
			r := g.addAnnounced()
			r.Changes = append(r.Changes, Change{Day: 0, Until: r.Seen + 1 + g.IntN(5), What: undated})
		}
	}},
	{"a row returns", func(g *generator) {
		r := g.addBooked()
		day := g.on()
		r.Changes = append(r.Changes, Change{Day: day, Until: day + 1 + g.IntN(8), What: hide})
	}},
	{"a booked row is dropped, and returns after days", func(g *generator) {
		r := g.addBooked()
		from := g.end() + 1
		g.daily(2 + g.IntN(4))
		r.Changes = append(r.Changes, Change{Day: from, Until: g.end() + 1, What: hide})
	}},
	{"a booked row is dropped for ever", func(g *generator) {
		g.addBooked().Gone = g.end() + 1
		g.daily(g.IntN(4))
	}},
	{"a pending row returns", func(g *generator) {
		r := g.announced()
		r.Settled, r.Booking, r.Value = r.Settled+3, r.Booking+3, r.Value+3
		day := r.Seen + 1 + g.IntN(4)
		r.Changes = []Change{{Day: day, Until: day + 1 + g.IntN(4), What: hide}}
		g.add(r)
	}},
	{"a deferred card's operation is booked a month later", func(g *generator) {
		g.h.Bank.Operations = true
		r := g.booked(0)
		r.Seen = r.Operation
		r.Settled = min(g.on(), r.Operation+mostDeferred)
		r.Booking, r.Value = r.Settled, r.Settled
		g.add(r)
	}},

	// States and amounts.
	{"pending is booked", func(g *generator) { g.add(g.announced()) }},
	{"pending stays beside its booked form", func(g *generator) {
		r := g.addAnnounced()
		r.Changes = append(r.Changes, Change{Day: r.Settled, Until: min(r.Settled+1+g.IntN(4), g.end()+1), What: alsoPending})
	}},
	{"pending stays beside its booked form until the bank no longer gives its day", func(g *generator) {
		g.h.Bank.Days = 30
		r := g.addAnnounced()
		r.Changes = append(r.Changes, Change{Day: r.Settled, What: alsoPending})
		g.pause(31 + g.IntN(10))
	}},
	{"pending disappears", func(g *generator) { g.vanishes() }},
	{"pending disappears, and a like row is booked", func(g *generator) {
		first := g.vanishes()
		r := g.fresh()
		r.Amount, r.Name, r.Style = first.Amount, first.Name, first.Style
		r.Operation = first.Gone + g.IntN(4)
		r = g.lives(r)
		g.add(r)
	}},
	{"a state that only the bank knows", func(g *generator) {
		r := g.addAnnounced()
		r.Changes = append(r.Changes, Change{Day: r.Settled, Until: r.Settled + g.IntN(5), What: asOther})
	}},
	{"a booked amount is corrected", func(g *generator) {
		r := g.addBooked()
		r.Changes = append(r.Changes, Change{Day: g.on(), What: addAmount, N: 1000 * (1 + g.IntN(max(1, min(500, int(r.Amount.Abs())/2000))))})
	}},
	{"a tip", func(g *generator) { g.settlesFor("5812", "RESTAURANT LA MARÉE", 100+g.IntN(20)) }},
	{"fuel", func(g *generator) { g.settlesFor("5542", "STATION SERVICE DU LAC", 20+g.IntN(80)) }},
	{"a payment in foreign money", func(g *generator) { g.settlesFor("", "AMAZON COM USD", 96+g.IntN(8)) }},
	{"a payment is announced in foreign money and booked in euro", func(g *generator) {
		r := g.addAnnounced()
		r.Changes = append(r.Changes, Change{Day: 0, Until: r.Settled, What: inDollars, N: 105 + g.IntN(10)})
	}},
	{"the sign is told the other way", func(g *generator) {
		g.since(func(r *Reading) { r.Faults = append(r.Faults, Fault{What: flipped}) })
	}},

	// Channels and versions.
	{"two channels in turn", func(g *generator) {
		for i := range g.h.Readings {
			g.h.Readings[i].Channel = g.IntN(2)
		}
	}},
	{"the parser is improved", func(g *generator) { g.since(func(r *Reading) { r.Parser = 1 }) }},
	{"the parser learns the sign", func(g *generator) {
		g.misreads(Change{What: misread})
	}},
	{"the parser learns the bank's days", func(g *generator) {
		g.misreads(Change{What: misdated, N: -1})
	}},
	{"the parser learns the cents", func(g *generator) {
		g.misreads(Change{What: rounded})
	}},
	{"the bank begins to name the other party", func(g *generator) {
		day := g.on()
		for i := range g.h.Rows {
			g.h.Rows[i].Changes = append(g.h.Rows[i].Changes, Change{Day: day, What: counterparty})
		}
	}},
}

// mostDeferred is how many days after the operation a deferred card's statement is booked at
// the latest: a month of operations, and another one until the debit.
const mostDeferred = 61

// believed gives the bank ids of a form that its data do not tell.
func (g *generator) believed(form Form) {
	g.h.Bank.Form = form
	if g.h.Bank.Class != bank.IDPerConsent {
		g.h.Bank.Class = bank.IDStable
	}
}

// misreads gives some rows a mistake of the parser, which the next version mends.
func (g *generator) misreads(c Change) {
	all := g.IntN(2) == 0
	for i := range g.h.Rows {
		if all || g.IntN(3) == 0 {
			g.h.Rows[i].Changes = append(g.h.Rows[i].Changes, c)
		}
	}
	g.since(func(r *Reading) { r.Parser = 1 })
}

// shifted is an equal movement some days later.
func (r Row) shifted(days int) Row {
	r.Operation += days
	r.Booking += days
	r.Value += days
	r.Seen += days
	r.Settled += days
	r.Rank = 0
	return r
}

// neighbours puts rows between those of days that were read before.
func (g *generator) neighbours() {
	for range 1 + g.IntN(2) {
		r := g.booked(0)
		// Before all others of its day, in an order that does not change with the tokens.
		r.Rank = 1
		for _, other := range g.h.Rows {
			if other.Rank < 10 {
				r.Rank = max(r.Rank, other.Rank+1)
			}
		}
		if g.IntN(2) == 0 {
			near := g.any()
			r.Operation, r.Booking, r.Value = near.Operation, near.Booking, near.Value
			if g.IntN(2) == 0 {
				r.Amount = near.Amount
			}
		}
		r.Seen = max(g.on(), r.Booking)
		r.Settled = r.Seen
		g.add(r)
	}
}

// relabelled adds rows whose label changes at settlement.
func (g *generator) relabelled(before, after style) {
	for range 2 {
		r := g.addAnnounced()
		r.Style = before
		r.Changes = append(r.Changes, Change{Day: r.Settled, What: relabel, N: int(after)})
		if g.IntN(3) == 0 {
			r.Changes = append(r.Changes, Change{Day: r.Settled, What: reissue, N: 1})
		}
	}
}

// twins adds equal rows and returns the token of one.
func (g *generator) twins(n int) int {
	r := g.fresh()
	for range n {
		g.add(r)
	}
	return g.last
}

// recurs adds rows of one amount and name.
func (g *generator) recurs(step int) {
	r := g.booked(0)
	r.Style = style(g.IntN(2))
	pending := g.IntN(2) == 0
	for at := 0; r.Booking+at <= g.end() && at < 10*step; at += step {
		again := r.shifted(at)
		if pending && at > 0 {
			again.Seen = again.Operation
		}
		g.add(again)
	}
}

// vanishes adds a pending row that disappears.
func (g *generator) vanishes() Row {
	r := g.announced()
	r.Settled, r.Booking = r.Seen+40, r.Seen+40
	r.Gone = r.Seen + 1 + g.IntN(6)
	return *g.add(r)
}

// settlesFor adds a card operation that is settled for another amount.
func (g *generator) settlesFor(category, name string, percent int) {
	r := g.announced()
	r.Category, r.Name, r.Style = category, name, plainName
	if r.Amount > 0 {
		r.Amount = -r.Amount
	}
	change := r.Amount*oxlin.Amount(percent)/100 - r.Amount
	change -= change % 1000
	r.Changes = []Change{{Day: r.Settled, What: addAmount, N: int(change)}}
	if g.IntN(2) == 0 {
		r.Changes = append(r.Changes, Change{Day: r.Settled, What: reissue, N: 1})
	}
	g.add(r)
}
