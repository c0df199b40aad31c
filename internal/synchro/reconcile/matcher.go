package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// matcher tries one hypothesis after another on the undecided rows.
type matcher struct {
	known, fetched []*row
	// every and all are the known and the fetched rows, decided or not.
	every, all []*row
	fetch      Fetched
	// idsHold reports that ids of this fetch are known ones, so that an unknown id
	// means another row.
	idsHold bool
	// lacking are booked rows that the answer lacks with nothing in their place; nil until they
	// are asked for.
	lacking []*row
	// worded are the undecided rows of the answer by words and day; nil until they are asked for.
	worded map[key][]*row
	// shown are the rows of the answer; nil until they are asked for.
	shown map[content]bool
	// named are the booked rows of both sides that have an id, by amount and words; nil until they
	// are asked for.
	named map[content][]*row
	// near are the undecided rows of each side by what a pass asks for; nil until it does.
	near map[bool]map[content][]*row
	// reissued reports that a known row has had two ids; nil until that is asked for.
	reissued *bool
	// turned reports that a row of the answer has the other sign.
	turned bool
	// rule is the hypothesis on trial.
	rule Rule
}

// link pairs two rows. In an incomplete answer, a pair that needs the absence of other
// rows as its explanation is only ruled out.
func (m *matcher) link(k, f *row, inferred bool) {
	k.decided, f.decided = true, true
	m.turned = m.turned || m.rule == RuleSign || m.rule == RuleIDSign
	if !m.fetch.Complete && (inferred || contradictIDs(k, f)) {
		return
	}
	k.partner, f.partner, f.rule = f, k, m.rule
	switch m.rule {
	case RuleSameBalance, RuleSameCounterparty, RuleSameDays, RuleSameDay:
		if k.aligned {
			f.rule = RuleAllMoved
		}
	}
}

// contradictIDs reports whether both rows have ids and none in common.
func contradictIDs(k, f *row) bool {
	return len(k.ids) > 0 && len(f.ids) > 0 && !slices.Contains(k.ids, f.ids[0])
}

// match runs the passes on the live rows, then the revivals on the expired rows.
func (m *matcher) match() {
	m.byID()
	known := m.known
	m.known = slices.DeleteFunc(slices.Clone(known), func(k *row) bool { return k.expired })
	m.run(passes)
	m.known = slices.DeleteFunc(slices.Clone(known), func(k *row) bool { return !k.expired })
	m.run(revivals)
}

// run runs passes in their order, each on the undecided rows.
func (m *matcher) run(passes []pass) {
	for _, pass := range passes {
		m.known = slices.DeleteFunc(slices.Clone(m.known), done)
		m.fetched = slices.DeleteFunc(slices.Clone(m.fetched), done)
		if len(m.known) == 0 || len(m.fetched) == 0 {
			return
		}
		m.rule, m.lacking, m.near, m.worded = pass.rule, nil, nil, nil
		pass.try(m)
	}
}

func done(r *row) bool { return r.decided }

// byID pairs by the bank's id.
func (m *matcher) byID() {
	owner := owners(m.known)
	m.operationsMove(owner)
	for _, f := range m.fetched {
		if len(f.ids) == 0 {
			continue
		}
		k := owner[f.ids[0]]
		if k == nil || k.decided || !m.sameByID(k, f) {
			continue
		}
		m.rule = ruleOfID(k, f)
		m.link(k, f, false)
		m.idsHold = m.idsHold || !k.open
	}
	if m.idsHold {
		m.byHoldingID(owner)
	}
	m.byText()
}

// byText pairs rows whose text in place of an id, amount and words are on one known and one
// fetched row: numbers that begin anew each day or in each account tell equal rows apart. It
// needs that such texts hold: that rows which nothing else resembles have kept theirs.
func (m *matcher) byText() {
	held, contradicted := m.textsHold()
	if contradicted {
		return
	}
	type wording struct {
		text string
		content
	}
	amountText := func(r *row, text string) wording {
		return wording{text, content{amount: r.amount, currency: r.currency}}
	}
	known, fetched, others := make(map[wording][]*row), make(map[wording][]*row), make(map[wording][]*row)
	unchanged := make(map[content]bool) // rows that another known row equals
	for _, k := range m.known {
		at, _ := withWords(k)
		unchanged[identityKey(k)] = true
		for _, id := range k.ids {
			others[amountText(k, id)] = append(others[amountText(k, id)], k)
			known[wording{id, at.content}] = append(known[wording{id, at.content}], k)
		}
	}
	for _, f := range m.fetched {
		at, _ := withWords(f)
		if f.text != "" {
			fetched[wording{f.text, at.content}] = append(fetched[wording{f.text, at.content}], f)
		}
	}
	for _, f := range m.fetched {
		at, _ := withWords(f)
		same := known[wording{f.text, at.content}]
		if f.decided || len(same) != 1 || len(fetched[wording{f.text, at.content}]) != 1 || same[0].decided || !m.sameByID(same[0], f) {
			continue
		}
		if identityKey(same[0]) != identityKey(f) && (!held || unchanged[identityKey(f)]) {
			continue
		}
		if !shareDay(same[0], f) && len(others[amountText(f, f.text)]) > 1 {
			continue // a recurring payment of which the label of another row has changed
		}
		m.rule = RuleID
		m.link(same[0], f, false)
	}
}

// textsHold reports whether the rows that are alone with their amount and words, on both
// sides, have kept their text, or whether one has not.
func (m *matcher) textsHold() (held, contradicted bool) {
	alone := func(rows []*row) map[content]*row {
		found := make(map[content]*row)
		for _, r := range rows {
			at, _ := withWords(r)
			_, several := found[at.content]
			found[at.content] = r
			if several {
				found[at.content] = nil
			}
		}
		return found
	}
	known := alone(m.known)
	for at, f := range alone(m.fetched) {
		k := known[at]
		if f == nil || k == nil || f.text == "" || len(k.ids) == 0 {
			continue
		}
		if !slices.Contains(k.ids, f.text) {
			return false, true
		}
		held = held || len(k.ids) == 1 // a row that had several texts may have one of them by chance
	}
	return held, false
}

// operationsMove ignores the days of operation of booked rows if they are something else:
// of the rows that were booked under their ids, more have another such day than the same.
func (m *matcher) operationsMove(owner map[string]*row) {
	same, other := 0, 0
	for _, f := range m.fetched {
		if len(f.ids) == 0 || f.open || !f.operated.told {
			continue
		}
		k := owner[f.ids[0]]
		switch {
		case k == nil || !k.open || !k.operated.told || k.amount != f.amount || k.words != f.words:
		case k.operated.within(f.operated, -1, 1):
			same++
		default:
			other++
		}
	}
	if other < 2 || other <= same {
		return
	}
	for _, f := range m.fetched {
		if !f.open {
			f.operated = day{}
		}
	}
}

// byHoldingID pairs booked rows with a common id, of which two values changed at once: the
// bank corrected them. The ids of other rows hold, and neither row is anywhere else.
func (m *matcher) byHoldingID(owner map[string]*row) {
	known, shown := make(map[content]bool), make(map[content]bool)
	for _, k := range m.known {
		known[identityKey(k)] = true
	}
	for _, f := range m.fetched {
		shown[identityKey(f)] = true
	}
	for _, f := range m.fetched {
		if len(f.ids) == 0 || f.decided || known[identityKey(f)] {
			continue
		}
		k := owner[f.ids[0]]
		if k == nil || k.decided || shown[identityKey(k)] {
			continue
		}
		switch {
		case m.movedFar(k, f):
			m.rule = RuleID
			if k.amount != f.amount {
				m.rule = RuleIDCorrected
			}
			m.link(k, f, true)
		case correctedTwice(k, f):
			m.rule = RuleIDCorrected
			m.link(k, f, true)
		}
	}
}

// movedFar reports whether a booked row with a common id has moved from a day that the answer
// does not cover, and is otherwise the same, or told with the other sign since. A reference of a recurring payment looks like an
// id too, but it comes on a new day, and at regular distances.
func (m *matcher) movedFar(k, f *row) bool {
	if k.open || f.open || k.covered || k.undated() || f.undated() || referencesConflict(k, f) ||
		k.amount.Abs() != f.amount.Abs() || k.currency != f.currency || k.words != f.words {
		return false
	}
	from, until := dayOf(m.fetch.ReadFrom), dayOf(m.fetch.ReadUntil)
	readBefore := from.told && until.told && between(f.day.number, from.number+edge, until.number-edge)
	return readBefore || !regular(k.day, f.day) || m.lasting(k)
}

// lasting reports whether the ids of a payment distinguish its recurrences: the bank's data
// promise it, or another row of the payment has another id and none has the same.
func (m *matcher) lasting(k *row) bool {
	if m.fetch.IDs == bank.IDLasting {
		return true
	}
	if m.named == nil {
		m.named = make(map[content][]*row)
		for _, r := range slices.Concat(m.every, m.all) {
			at, _ := withWords(r)
			if !r.open && len(r.ids) > 0 && len(m.named[at.content]) < mostTries {
				m.named[at.content] = append(m.named[at.content], r)
			}
		}
	}
	at, _ := withWords(k)
	return slices.ContainsFunc(m.named[at.content], func(r *row) bool { return r != k && !r.day.same(k.day) && contradictIDs(k, r) })
}

// regular reports whether two days may be those of a payment that recurs in weeks or months.
// Banks move such a day from a weekend or a holiday.
func regular(a, b day) bool {
	const week, longestMonth, holidays = 7, 31, 3
	apart := a.number - b.number
	if apart < 0 {
		apart = -apart
	}
	dayOfMonth := func(d day) int { return d.before(0).Midnight(time.UTC).Day() }
	months := (dayOfMonth(a) - dayOfMonth(b) + longestMonth) % longestMonth
	return apart%week == 0 || months <= holidays || months >= longestMonth-holidays
}

// correctedTwice reports whether two booked rows of one id may be one: the currency
// changed, or the amount or its sign, and beside it the day or the words around the names.
func correctedTwice(k, f *row) bool {
	const nearby = 3
	step, _ := k.likeness(f)
	switch {
	case k.open || f.open || !k.covered || k.undated() || f.undated() || referencesConflict(k, f):
		return false
	case k.currency != f.currency:
		return k.words == f.words && shareDay(k, f)
	case k.amount != -f.amount && ((k.amount < 0) != (f.amount < 0) || 2*(f.amount-k.amount).Abs() > k.amount.Abs()):
		return false
	}
	return k.words == f.words && f.day.within(k.day, -nearby, nearby) || step >= same && shareDay(k, f)
}

// sameByID reports whether two rows with a common id are plausibly the same.
func (m *matcher) sameByID(k, f *row) bool {
	switch {
	case !k.open && f.open:
		// The bank reused the id for another row, unless it still shows the announcement, of
		// which it never told a day.
		return f.undated() && k.amount == f.amount && k.currency == f.currency && k.words == f.words
	case k.open && otherOperation(k, f):
		return false // the bank reused the id for another row
	case k.currency != f.currency:
		return k.open && announcedAbroad(k, f)
	case k.amount == f.amount:
	case k.amount == -f.amount:
		step, _ := k.likeness(f)
		return k.open == f.open && k.words == f.words && shareDay(k, f) || // the bank corrected the sign
			step >= same && settling(k, f)
	case (k.amount < 0) != (f.amount < 0):
		return false
	case !k.open:
		// The bank corrected the amount.
		return k.words == f.words && (shareDay(k, f) || k.undated() || f.undated())
	case !m.settlesFor(k, f):
		return false // the bank reused the id for another authorisation
	}
	switch {
	case k.undated() || f.undated() || shareDay(k, f):
		return true
	case k.open && (settles(k, f) || deferred(k, f)):
		return true
	case !k.covered:
		// References that recur weekly or monthly look like ids.
		return f.day.within(k.day, -edge, edge)
	}
	// Far away it is a corrected day if nothing else has changed: the answer covers the old
	// one, and does not show it.
	return f.day.within(k.day, -10, 10) ||
		!k.open && k.amount == f.amount && k.words == f.words && (!regular(k.day, f.day) || m.lasting(k) || !m.isNew(f.day))
}

// isNew reports whether no reading has covered a day: a payment that recurs under one reference
// comes on such a day.
func (m *matcher) isNew(d day) bool {
	until := dayOf(m.fetch.ReadUntil)
	return until.told && d.number > until.number
}

// ruleOfID names the difference between two rows that a common id makes one.
func ruleOfID(k, f *row) Rule {
	switch {
	case k.currency != f.currency:
		return RuleIDCurrency
	case k.amount == f.amount:
		return RuleID
	case k.amount == -f.amount:
		return RuleIDSign
	case k.open:
		return RuleIDSettled
	}
	return RuleIDAmount
}

// settlesFor reports whether a pending row may go on with another amount under its id: on
// the same day of operation, or by an amount that a tip, a rate or a reservation explains.
func (m *matcher) settlesFor(k, f *row) bool {
	step, _ := k.likeness(f)
	if step == unlike || otherOperation(k, f) {
		return false
	}
	if k.operated.told && f.operated.told {
		return true
	}
	switch max(toleranceOf(m.fetch.Transactions[f.at], f.words), toleranceOf(m.fetch.Transactions[f.at], k.words)) {
	case anyAmount:
		return true
	case aTenth:
		return 10*(f.amount-k.amount).Abs() <= k.amount.Abs()
	}
	return explained(k, f)
}

// key holds the values that two rows must have in common to be compared at all. Parts
// that a pass ignores stay zero.
type key struct {
	kind keyKind
	content
	balance   oxlin.Amount
	reference string
	// undated rows form groups of their own: no day is near to none.
	undated bool
}

// keyKind distinguishes keys of one pass that hold different days of a row.
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

// inOrder pairs rows of one key, dated with dated ones, in the order of their days, each with the first that
// fits, until one side has no row left.
func (m *matcher) inOrder(inferred bool, keys func(*row) (key, bool), fits func(k, f *row) bool) {
	groups := make(map[key][]*row, len(m.fetched))
	for _, f := range m.fetched {
		at, ok := keys(f)
		if ok {
			at.undated = f.undated()
			groups[at] = append(groups[at], f)
		}
	}
	for _, k := range m.known {
		at, ok := keys(k)
		if !ok || k.decided {
			continue
		}
		at.undated = k.undated()
		rows := groups[at]
		// Drop rows that are decided, or too early for this and every later known row.
		for len(rows) > 0 && (rows[0].decided || rows[0].day.number < k.day.number-horizon) {
			rows = rows[1:]
		}
		groups[at] = rows
		for tried, f := range rows {
			if f.day.number > k.day.number+horizon || tried >= mostTries {
				break
			}
			if !f.decided && fits(k, f) {
				m.link(k, f, inferred)
				break
			}
		}
	}
}

// mostTries and mostPairs bound the work on accounts of which very many rows look alike: how many
// rows are compared with one row in a pass, and how many pairs share a key. What is beyond
// them is not recognised by the pass, and seen as surplus.
const (
	mostTries = 256
	mostPairs = 16_384
)

// horizon is the greatest distance in days of a pair: a deferred card's operation is
// booked within a month, and a slow one within two.
const horizon = 62

// candidate is a possible pair with its score.
type candidate struct {
	k, f  *group
	score int
}

// group is a set of interchangeable rows.
type group struct {
	rows []*row
	// best counts the rows of the other side with the same score.
	best int
	// seenBy is the group of the other side with which it was compared last.
	seenBy *group
	// dubious reports that a choice would be arbitrary.
	dubious bool
}

func (c *group) first() *row { return c.rows[0] }

// likeliest pairs by score, the best first, and only if the choice is not arbitrary: if
// several candidates are equally good, there must be enough rows for all of them. Rows
// with an arbitrary choice are ruled out for all later passes. A negative score means
// that a pair does not fit.
func (m *matcher) likeliest(keys func(*row) []key, score func(k, f *row) int) {
	fetchedByKey := make(map[key][]*group)
	for _, f := range interchangeable(m.fetched) {
		for _, at := range keys(f.first()) {
			fetchedByKey[at] = append(fetchedByKey[at], f)
		}
	}
	var candidates []candidate
	pairs := make(map[key]int)
	for _, k := range interchangeable(m.known) {
		tried := 0
		for _, at := range keys(k.first()) {
			for _, f := range fetchedByKey[at] {
				if f.seenBy == k {
					continue
				}
				if tried == mostTries || pairs[at] == mostPairs {
					break
				}
				tried++
				pairs[at]++
				f.seenBy = k
				s := score(k.first(), f.first())
				if s >= 0 {
					candidates = append(candidates, candidate{k, f, s})
				}
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	for len(candidates) > 0 {
		n := 1
		for n < len(candidates) && candidates[n].score == candidates[0].score {
			n++
		}
		m.decide(candidates[:n])
		candidates = candidates[n:]
	}
}

// decide pairs the candidates of one score.
func (m *matcher) decide(candidates []candidate) {
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(g candidate) bool {
		return len(g.k.rows) == 0 || len(g.f.rows) == 0 || g.k.dubious || g.f.dubious
	})
	candidates = shownOnceEach(candidates, partnersOf(candidates))
	partners := partnersOf(candidates)
	for _, g := range candidates {
		if partners[g.k] > 1 && g.k.best > len(g.k.rows) || partners[g.f] > 1 && g.f.best > len(g.f.rows) {
			g.k.dubious, g.f.dubious = true, true
		}
	}
	for _, g := range candidates {
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

// partnersOf counts the candidates of each group, and the rows of the other side.
func partnersOf(candidates []candidate) map[*group]int {
	partners := make(map[*group]int)
	for _, g := range candidates {
		g.k.best, g.f.best = 0, 0
	}
	for _, g := range candidates {
		g.k.best += len(g.f.rows)
		g.f.best += len(g.k.rows)
		partners[g.k]++
		partners[g.f]++
	}
	return partners
}

// shownOnceEach returns the candidates without those that only repeat another one of their
// known row a day apart: either may be its form, as of twins.
func shownOnceEach(candidates []candidate, partners map[*group]int) []candidate {
	first, differ := make(map[*group]*group), make(map[*group]bool)
	for _, g := range candidates {
		other := first[g.k]
		if other == nil {
			first[g.k] = g.f
			other = g.f
		}
		a, b := other.first(), g.f.first()
		differ[g.k] = differ[g.k] || partners[g.f] > 1 || len(g.k.rows) > 1 || a.amount != b.amount || a.currency != b.currency ||
			a.words != b.words || a.open != b.open || a != b && !a.day.within(b.day, -1, 1)
	}
	return slices.DeleteFunc(candidates, func(g candidate) bool { return !differ[g.k] && g.f != first[g.k] })
}

// interchangeable groups interchangeable rows, in their order.
func interchangeable(rows []*row) []*group {
	var all []*group
	found := make(map[key]*group, len(rows))
	for _, r := range rows {
		at, _ := withCounterparty(r)
		c := found[at]
		if c == nil {
			c = &group{}
			found[at] = c
			all = append(all, c)
		}
		c.rows = append(c.rows, r)
	}
	return all
}
