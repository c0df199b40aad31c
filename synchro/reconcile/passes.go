package reconcile

import (
	"slices"
)

// passes are the hypotheses after the bank's ids, surest first. All but the
// first group explain why a known row is not in the answer as it was.
var passes = []func(*matcher){
	// The same content, down to what fewer and fewer banks give.
	func(m *matcher) { m.inOrder(false, withBalance, always) },
	func(m *matcher) { m.inOrder(false, withCounterparty, always) },
	func(m *matcher) { m.inOrder(false, withDays, always) },
	func(m *matcher) { m.inOrder(false, withDay, always) },
	// Another day, but one of the row's days is still the same.
	func(m *matcher) { m.inOrder(true, keepingDay(operation), sameState) },
	func(m *matcher) { m.inOrder(true, keepingDay(booking), sameState) },
	func(m *matcher) { m.inOrder(true, keepingDay(value), sameState) },
	// Pending becomes booked, under the parties' own reference or the same words.
	func(m *matcher) { m.inOrder(true, withReference, settling) },
	func(m *matcher) { m.inOrder(true, keepingDay(operation), settling) },
	func(m *matcher) { m.inOrder(true, withWords, settlingOnwards) },
	func(m *matcher) { m.inOrder(true, withWords, settling) },
	// Another label on the same day; pending becomes booked with another label.
	func(m *matcher) { m.likeliest(everyDay, relabelled) },
	func(m *matcher) { m.likeliest(payDays, settledOtherwise) },
	// Another day altogether.
	func(m *matcher) { m.inOrder(true, withWords, moved) },
	func(m *matcher) { m.likeliest(payDays, movedOtherwise) },
	// Nothing but amount and day is left of it.
	func(m *matcher) { m.likeliest(theDay, m.rewritten) },
	// Pending becomes booked with another amount: fuel, hotels, foreign money.
	func(m *matcher) { m.likeliest(names, m.settledForMore) },
}

// revivals are tried on what had expired, with what is left after the passes.
var revivals = []func(*matcher){
	func(m *matcher) { m.inOrder(false, withDay, always) },
	func(m *matcher) { m.inOrder(true, keepingDay(operation), settling) },
	func(m *matcher) { m.inOrder(true, withWords, settling) },
	func(m *matcher) { m.likeliest(payDays, revived) },
}

func withBalance(r *row) (key, bool) {
	if r.balance == nil {
		return key{}, false
	}
	return key{content: r.content(), balance: *r.balance}, true
}

func withCounterparty(r *row) (key, bool) {
	return key{content: r.content()}, true
}

func withDays(r *row) (key, bool) {
	at, _ := withCounterparty(r)
	at.counterparty = ""
	return at, true
}

func withDay(r *row) (key, bool) {
	return key{content: essence(r)}, true
}

func withWords(r *row) (key, bool) {
	return key{content: content{amount: r.amount, currency: r.currency, words: r.words}}, true
}

func keepingDay(kind int) func(*row) (key, bool) {
	return func(r *row) (key, bool) {
		at, _ := withWords(r)
		at.day = r.days[kind]
		return at, r.days[kind] != noDay
	}
}

func withReference(r *row) (key, bool) {
	return key{
		content:   content{amount: r.amount, currency: r.currency},
		reference: r.endToEnd,
	}, r.endToEnd != ""
}

// everyDay gives rows that share a day of one kind a key in common.
func everyDay(r *row) []key {
	var keys []key
	for kind, day := range r.days {
		if day == noDay {
			continue
		}
		keys = append(keys, dayKey(r, dayKinds[kind], day))
	}
	return append(keys, dayKey(r, byShownDay, r.day))
}

// payDays gives rows within two weeks of one another, or with the same day of
// operation, a key in common.
func payDays(r *row) []key {
	const fortnight = 14
	var keys []key
	for _, part := range []int{0, 1} {
		keys = append(keys, dayKey(r, byFortnight, 2*floor(r.day+part*fortnight, 2*fortnight)+part))
	}
	if r.days[operation] != noDay {
		keys = append(keys, dayKey(r, byOperation, r.days[operation]))
	}
	return keys
}

// dayKey is the key of rows with one amount and one day of a kind.
func dayKey(r *row, kind keyKind, day int) key {
	return key{kind: kind, content: content{amount: r.amount, currency: r.currency, day: day}}
}

func floor(n, step int) int {
	if n < 0 {
		n -= step - 1
	}
	return n / step
}

func theDay(r *row) []key {
	return []key{{content: content{amount: r.amount, currency: r.currency, day: r.day, open: r.open}}}
}

func names(r *row) []key {
	var all string
	for _, name := range r.meaning().names {
		all += name + " "
	}
	if all == "" {
		return nil
	}
	return []key{{content: content{currency: r.currency, words: all}}}
}

func always(_, _ *row) bool { return true }

func between(n, low, high int) bool { return low <= n && n <= high }

// shareDay says that two rows have a day of one kind in common.
func shareDay(a, b *row) bool {
	for kind, day := range a.days {
		if day != noDay && day == b.days[kind] {
			return true
		}
	}
	return a.day == b.day
}

// estranged says that the parties' own references speak against one row.
func estranged(a, b *row) bool {
	differ := func(x, y string) bool { return x != "" && y != "" && x != y }
	return differ(a.endToEnd, b.endToEnd) || differ(a.mandate, b.mandate) || differ(a.check, b.check)
}

// sameState asks that the row could have been in the answer as it was, or nearly.
func sameState(k, f *row) bool {
	return k.open == f.open && !estranged(k, f)
}

// delay is how many days after its announcement a row was booked: by the day of
// the operation if both tell it.
func delay(k, f *row) int {
	if k.days[operation] != noDay && f.days[operation] != noDay {
		return f.days[operation] - k.days[operation]
	}
	return f.day - k.day
}

// settles says that the days allow an announced row to have become a settled one.
func settles(k, f *row) bool { return between(delay(k, f), -2, 10) }

func settling(k, f *row) bool {
	return k.open && !f.open && settles(k, f) && !estranged(k, f)
}

func settlingOnwards(k, f *row) bool {
	return settling(k, f) && delay(k, f) >= 0
}

// moves is how far a settled row may move: less than the week after which the
// same may be paid again.
const moves = 6

func moved(k, f *row) bool {
	return k.open == f.open && k.covered && between(f.day-k.day, -moves, moves) && !estranged(k, f)
}

// The weights of a score: labels first, then days.
func score(k, f *row, closeness int) int {
	s := 1000 + 10*closeness
	for kind, weight := range [3]int{booking: 60, operation: 90, value: 30} {
		if k.days[kind] != noDay && k.days[kind] == f.days[kind] {
			s += weight
		}
	}
	if k.counterparty != "" && k.counterparty == f.counterparty {
		s += 100
	}
	if k.balance != nil && f.balance != nil && *k.balance == *f.balance {
		s += 20 // less than any day: a row booked before it changes it
	}
	apart := f.day - k.day
	if apart < 0 {
		return s + 5*apart - 3
	}
	return s - 5*min(apart, horizon)
}

const never = -1

func relabelled(k, f *row) int {
	if !sameState(k, f) || !shareDay(k, f) {
		return never
	}
	step, closeness := k.likeness(f)
	if step < alike {
		return never
	}
	return score(k, f, closeness)
}

func settledOtherwise(k, f *row) int {
	if !settling(k, f) {
		return never
	}
	step, closeness := k.likeness(f)
	if step == unlike {
		return never
	}
	return score(k, f, closeness)
}

// revived is stricter than settledOtherwise: an expired row may have been nothing.
func revived(k, f *row) int {
	step, closeness := k.likeness(f)
	if step < same || !settling(k, f) {
		return never
	}
	return score(k, f, closeness)
}

// movedOtherwise is a row with another day and other words around the same
// names, and a settled row that another channel shows as announced.
func movedOtherwise(k, f *row) int {
	step, closeness := k.likeness(f)
	if step < same || estranged(k, f) {
		return never
	}
	back := !k.open && f.open && (shareDay(k, f) || settles(f, k))
	if !back && !moved(k, f) {
		return never
	}
	return score(k, f, closeness)
}

// rewritten is a settled row with a label that has nothing in common with the
// one before. A pending row does vanish, so of it this is not said; nor where the
// bank's ids hold and the row has one that is unknown.
func (m *matcher) rewritten(k, f *row) int {
	if k.open || !sameState(k, f) || m.idsHold && contradictIDs(k, f) {
		return never
	}
	return score(k, f, 0)
}

func (m *matcher) settledForMore(k, f *row) int {
	if !settling(k, f) || (k.amount < 0) != (f.amount < 0) || !slices.Equal(k.meaning().names, f.meaning().names) {
		return never
	}
	apart := (f.amount - k.amount).Abs()
	switch elasticity(m.fetch.Transactions[f.at], f.words) {
	case anyAmount:
	case aTenth:
		if apart > k.amount.Abs()/10 {
			return never
		}
	default:
		return never
	}
	return score(k, f, 100)
}

// sameReference leaves out a pending row whose settled form is in the same
// answer under the parties' own reference.
func sameReference(rows []*row) []*row {
	settled := make(map[key][]*row)
	for _, r := range rows {
		at, ok := withReference(r)
		if ok && !r.open {
			settled[at] = append(settled[at], r)
		}
	}
	return slices.DeleteFunc(rows, func(r *row) bool {
		at, ok := withReference(r)
		return ok && r.open && slices.ContainsFunc(settled[at], func(f *row) bool { return settling(r, f) })
	})
}
