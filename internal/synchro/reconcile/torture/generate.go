package torture

import (
	"math/rand/v2"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// classes are the classes of ids, with the form of each at an honest bank.
var classes = []struct {
	Class bank.IDClass
	form  Form
}{
	{bank.IDStable, serial},
	{bank.IDPerConsent, perConsent},
	{bank.IDPositional, positional},
	{bank.IDConstant, constant},
	{bank.IDNone, perAnswer},
}

// generator makes one history.
type generator struct {
	*rand.Rand
	h    *History
	last int // the last token
	// shares: disturbances of a mixture may hit one row.
	shares bool
}

// generate makes a history of a class of ids with the given disturbances.
func generate(seed uint64, class int, disturbances ...Disturbance) *History {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(class))), h: &History{}, shares: len(disturbances) > 1}
	g.h.Bank = Bank{
		Class: classes[class].Class, Form: classes[class].form, Days: []int{90, 30}[g.IntN(2)],
		Balances: g.IntN(3) == 0, Operations: g.IntN(2) == 0, Values: g.IntN(2) == 0,
	}
	today := 10
	for range 3 + g.IntN(4) {
		g.h.Readings = append(g.h.Readings, Reading{Day: today})
		today += 1 + g.IntN(4)
		if g.IntN(20) == 0 {
			today += 20
		}
	}
	for range 4 + g.IntN(9) {
		g.add(g.fresh())
	}
	for _, d := range disturbances {
		d.disturb(g)
	}
	for i := range g.h.Rows {
		if !g.lasts(&g.h.Rows[i]) {
			// Without an id that lasts, a row far away may as well be another one.
			g.h.Rows[i].Changes = slices.DeleteFunc(g.h.Rows[i].Changes, func(c Change) bool { return c.What == moveAway })
		}
	}
	// Quiet readings at the end show what has become of each row.
	end := g.h.Readings[len(g.h.Readings)-1]
	for range 3 {
		end.Day++
		end.Faults = nil
		g.h.Readings = append(g.h.Readings, end)
	}
	return g.h
}

// lasts reports whether all readings show a row under one id.
func (g *generator) lasts(r *Row) bool {
	if g.h.Bank.Form != serial && g.h.Bank.Form != perConsent {
		return false
	}
	if slices.ContainsFunc(r.Changes, func(c Change) bool { return c.What == withoutID || c.What == reissue }) {
		return false
	}
	first := g.h.Readings[0]
	return !slices.ContainsFunc(g.h.Readings, func(at Reading) bool {
		_, mute := at.has(silent)
		return mute || at.Channel != first.Channel || g.h.Bank.Form == perConsent && at.Consent != first.Consent
	})
}

func (g *generator) end() int { return g.h.Readings[len(g.h.Readings)-1].Day }

// daily adds undisturbed readings on the next days.
func (g *generator) daily(days int) {
	for range days {
		next := g.h.Readings[len(g.h.Readings)-1]
		next.Day++
		next.Faults = nil
		g.h.Readings = append(g.h.Readings, next)
	}
}

// pause adds undisturbed readings after a time without any.
func (g *generator) pause(days int) {
	next := g.h.Readings[len(g.h.Readings)-1]
	next.Day += days
	next.Faults = nil
	g.h.Readings = append(g.h.Readings, next)
}

// add adds a row with the next token, and returns it until the next is added.
func (g *generator) add(r Row) *Row {
	g.last++
	r.Token = g.last
	if r.Rank == 0 {
		r.Rank = 10 * g.last
	}
	r.Changes = slices.Clone(r.Changes)
	g.h.Rows = append(g.h.Rows, r)
	return &g.h.Rows[len(g.h.Rows)-1]
}

// fresh is an ordinary row: announced or not, booked some days later.
func (g *generator) fresh() Row {
	r := Row{
		Name: shops[g.IntN(len(shops))], Amount: -1000 * oxlin.Amount(100+g.IntN(20000)), Style: style(g.IntN(2)),
		Operation: 10 - 40 + g.IntN(g.end()-10+40),
	}
	if g.IntN(12) == 0 {
		r.Amount = -r.Amount
	}
	return g.lives(r)
}

// lives gives a row its life from its operation on.
func (g *generator) lives(r Row) Row {
	r.Booking = r.Operation + g.IntN(4)
	r.Value = r.Booking + g.IntN(2)
	r.Settled = r.Booking
	r.Seen = r.Booking
	if g.IntN(2) == 0 {
		r.Seen = r.Operation
	}
	return r
}

// announced is a row that a reading shows as pending, and a later one as booked.
func (g *generator) announced() Row {
	at := g.IntN(len(g.h.Readings) - 1)
	r := g.fresh()
	r.Operation = g.h.Readings[at].Day - g.IntN(2)
	r.Seen = r.Operation
	r.Booking = max(r.Operation, g.h.Readings[at].Day) + 1 + g.IntN(4)
	r.Settled, r.Value = r.Booking, r.Booking+g.IntN(2)
	return r
}

// booked is a row that the reading and those before it show as booked.
func (g *generator) booked(before int) Row {
	r := g.fresh()
	r.Booking = g.h.Readings[before].Day - 1 - g.IntN(20)
	r.Operation = r.Booking - g.IntN(4)
	r.Value, r.Settled, r.Seen = r.Booking, r.Booking, r.Booking
	return r
}

// addAnnounced adds an announced row, or in a mixture takes one that another disturbance
// has made.
func (g *generator) addAnnounced() *Row {
	return g.share(g.announced, func(r *Row) bool {
		return slices.ContainsFunc(g.h.Readings, func(at Reading) bool { return r.Seen <= at.Day && at.Day < r.Settled }) &&
			r.Settled <= g.end()
	})
}

// addBooked does the same for a row that the first reading shows as booked.
func (g *generator) addBooked() *Row {
	return g.share(func() Row { return g.booked(0) }, func(r *Row) bool {
		return r.Settled <= g.h.Readings[0].Day && r.Booking > g.h.Readings[0].Day-20
	})
}

func (g *generator) share(fresh func() Row, fits func(*Row) bool) *Row {
	if g.shares && g.IntN(3) == 0 {
		for i := len(g.h.Rows) - 1; i >= 0; i-- {
			if r := &g.h.Rows[i]; r.Gone == 0 && len(r.Changes) > 0 && fits(r) {
				return r
			}
		}
	}
	return g.add(fresh())
}

// any is a row of the history.
func (g *generator) any() *Row { return &g.h.Rows[g.IntN(len(g.h.Rows))] }

// later is a reading after the first.
func (g *generator) later() int { return 1 + g.IntN(len(g.h.Readings)-1) }

// on is the day of a later reading.
func (g *generator) on() int { return g.h.Readings[g.later()].Day }

// fault adds a fault to a later reading.
func (g *generator) fault(f fault, a, b int) {
	r := &g.h.Readings[g.later()]
	r.Faults = append(r.Faults, Fault{f, a, b})
}

// since changes a reading and all after it.
func (g *generator) since(change func(*Reading)) {
	for at := g.later(); at < len(g.h.Readings); at++ {
		change(&g.h.Readings[at])
	}
}
