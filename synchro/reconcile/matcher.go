package reconcile

import (
	"cmp"
	"slices"

	"github.com/oxlin/oxlin"
)

// matcher tries one hypothesis after the other on the rows that are left.
type matcher struct {
	known, fetched []*row
	fetch          Fetched
	// idsHold says that the bank's ids of this batch are those we know, so that
	// an unknown one speaks for another row.
	idsHold bool
}

// link pairs two rows. In an incomplete answer a pair that the absence of other
// rows has to explain is only set aside.
func (m *matcher) link(k, f *row, inferred bool) {
	k.decided, f.decided = true, true
	if !m.fetch.Complete && (inferred || contradictIDs(k, f)) {
		return
	}
	k.partner, f.partner = f, k
}

// contradictIDs says that both rows have ids, and none in common.
func contradictIDs(k, f *row) bool {
	return len(k.ids) > 0 && len(f.ids) > 0 && !slices.Contains(k.ids, f.ids[0])
}

// match runs the passes on what is alive, then the revivals on what had expired.
func (m *matcher) match() {
	m.byID()
	known := m.known
	m.known = slices.DeleteFunc(slices.Clone(known), func(k *row) bool { return k.expired })
	m.run(passes)
	m.known = slices.DeleteFunc(slices.Clone(known), func(k *row) bool { return !k.expired })
	m.run(revivals)
}

// run tries passes in their order, each on the rows that are left.
func (m *matcher) run(passes []func(*matcher)) {
	for _, pass := range passes {
		m.known = slices.DeleteFunc(slices.Clone(m.known), done)
		m.fetched = slices.DeleteFunc(slices.Clone(m.fetched), done)
		if len(m.known) == 0 || len(m.fetched) == 0 {
			return
		}
		pass(m)
	}
}

func done(r *row) bool { return r.decided }

// byID pairs by the bank's id.
func (m *matcher) byID() {
	owner := owners(m.known)
	for _, f := range m.fetched {
		if len(f.ids) == 0 {
			continue
		}
		k := owner[f.ids[0]]
		if k == nil || k.decided || !sameByID(k, f) {
			continue
		}
		m.link(k, f, false)
		m.idsHold = m.idsHold || !k.open
	}
}

// sameByID says whether an id in common may be believed.
func sameByID(k, f *row) bool {
	if k.currency != f.currency || (k.amount < 0) != (f.amount < 0) {
		return false
	}
	if !k.open && (k.amount != f.amount || f.open) {
		return false // the id was given to another row
	}
	apart := f.day - k.day
	switch {
	case shareDay(k, f):
		return true
	case k.open && settles(k, f):
		return true
	case !k.covered:
		// References that recur weekly or monthly look like ids.
		return between(apart, -edge, edge)
	}
	return between(apart, -10, 10)
}

// key is what rows must have in common to be compared at all; parts that a
// pass does not look at stay zero.
type key struct {
	kind keyKind
	content
	balance   oxlin.Amount
	reference string
}

// keyKind tells keys of one pass apart that hold different days of a row.
type keyKind uint8

const (
	byContent keyKind = iota
	byBooking
	byOperation
	byValue
	byShownDay
	byFortnight
)

// dayKinds are the kinds of the keys for a row's days, in the order of row.days.
var dayKinds = [3]keyKind{booking: byBooking, operation: byOperation, value: byValue}

// inOrder pairs rows of one key in the order of their days, each with the first
// that fits. Equal rows are paired until one side runs out.
func (m *matcher) inOrder(inferred bool, keys func(*row) (key, bool), fits func(k, f *row) bool) {
	groups := make(map[key][]*row, len(m.fetched))
	for _, f := range m.fetched {
		at, ok := keys(f)
		if ok {
			groups[at] = append(groups[at], f)
		}
	}
	for _, k := range m.known {
		at, ok := keys(k)
		if !ok {
			continue
		}
		group := groups[at]
		// What is paired, or lies far before this and so before every later known
		// row, is left behind.
		for len(group) > 0 && (group[0].decided || group[0].day < k.day-horizon) {
			group = group[1:]
		}
		groups[at] = group
		for _, f := range group {
			if f.day > k.day+horizon {
				break
			}
			if !f.decided && fits(k, f) {
				m.link(k, f, inferred)
				break
			}
		}
	}
}

// horizon is beyond what any pass pairs: a deferred card's operation is booked
// within a month, and a slow one within two.
const horizon = 62

// guess is a pair that a likelihood speaks for.
type guess struct {
	k, f  *crowd
	score int
}

// crowd are rows that are interchangeable.
type crowd struct {
	rows []*row
	// best counts the rows of the other side that fit equally well.
	best int
	// dubious says that a choice would be arbitrary.
	dubious bool
}

func (c *crowd) first() *row { return c.rows[0] }

// likeliest pairs by score, best first, and only where the choice is not
// arbitrary: where several are equally good, there must be enough rows for all
// of them. What is arbitrary is closed for every later pass as well.
// The score of a pair that does not fit is negative.
func (m *matcher) likeliest(keys func(*row) []key, score func(k, f *row) int) {
	candidates := make(map[key][]*crowd)
	for _, f := range crowds(m.fetched) {
		for _, at := range keys(f.first()) {
			candidates[at] = append(candidates[at], f)
		}
	}
	var guesses []guess
	for _, k := range crowds(m.known) {
		seen := make(map[*crowd]bool)
		for _, at := range keys(k.first()) {
			for _, f := range candidates[at] {
				if seen[f] {
					continue
				}
				seen[f] = true
				s := score(k.first(), f.first())
				if s >= 0 {
					guesses = append(guesses, guess{k, f, s})
				}
			}
		}
	}
	slices.SortStableFunc(guesses, func(a, b guess) int { return cmp.Compare(b.score, a.score) })
	for len(guesses) > 0 {
		n := 1
		for n < len(guesses) && guesses[n].score == guesses[0].score {
			n++
		}
		m.decide(guesses[:n])
		guesses = guesses[n:]
	}
}

// decide pairs guesses of one score.
func (m *matcher) decide(guesses []guess) {
	guesses = slices.DeleteFunc(slices.Clone(guesses), func(g guess) bool {
		return len(g.k.rows) == 0 || len(g.f.rows) == 0 || g.k.dubious || g.f.dubious
	})
	for _, g := range guesses {
		g.k.best, g.f.best = 0, 0
	}
	partners := make(map[*crowd]int)
	for _, g := range guesses {
		g.k.best += len(g.f.rows)
		g.f.best += len(g.k.rows)
		partners[g.k]++
		partners[g.f]++
	}
	for _, g := range guesses {
		if partners[g.k] > 1 && g.k.best > len(g.k.rows) || partners[g.f] > 1 && g.f.best > len(g.f.rows) {
			g.k.dubious, g.f.dubious = true, true
		}
	}
	for _, g := range guesses {
		if g.k.dubious || g.f.dubious {
			g.k.dubious, g.f.dubious = true, true
			for _, r := range slices.Concat(g.k.rows, g.f.rows) {
				r.decided = true
			}
			continue
		}
		for len(g.k.rows) > 0 && len(g.f.rows) > 0 {
			k := g.k.rows[0]
			at := max(0, slices.IndexFunc(g.f.rows, func(f *row) bool { return sameAmount(k.balance, f.balance) }))
			m.link(k, g.f.rows[at], true)
			g.k.rows, g.f.rows = g.k.rows[1:], slices.Delete(g.f.rows, at, at+1)
		}
	}
}

// crowds gathers interchangeable rows, in their order.
func crowds(rows []*row) []*crowd {
	var all []*crowd
	found := make(map[key]*crowd, len(rows))
	for _, r := range rows {
		at, _ := withCounterparty(r)
		c := found[at]
		if c == nil {
			c = &crowd{}
			found[at] = c
			all = append(all, c)
		}
		c.rows = append(c.rows, r)
	}
	return all
}
