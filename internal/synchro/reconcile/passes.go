package reconcile

import (
	"slices"
)

// passes are the hypotheses after the bank's ids, the safest first. All but the first
// group explain why the answer lacks a known row in its old form.
var passes = []func(*matcher){
	// The same content, with fewer and fewer values.
	func(m *matcher) { m.inOrder(false, withBalance, always) },
	func(m *matcher) { m.inOrder(false, withCounterparty, always) },
	func(m *matcher) { m.inOrder(false, withDays, always) },
	func(m *matcher) { m.inOrder(false, withDay, always) },
	// Another day, but one of the row's days is the same.
	func(m *matcher) { m.inOrder(true, keepingDay(operation), sameState) },
	func(m *matcher) { m.inOrder(true, keepingDay(booking), sameState) },
	func(m *matcher) { m.inOrder(true, keepingDay(value), sameState) },
	// Pending becomes booked, with the parties' own reference or the same words.
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
	// Only amount and day are the same.
	func(m *matcher) { m.likeliest(theDay, m.rewritten) },
	// Pending becomes booked with another amount: fuel, hotels, foreign money.
	func(m *matcher) { m.likeliest(names, m.settledForMore) },
}

// revivals are the hypotheses for expired rows, tried after the passes.
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
	return key{content: identityKey(r)}, true
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

// everyDay gives rows that share a day of one kind a common key.
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

// payDays gives rows within two weeks of one another, or with the same day of operation,
// a common key.
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
	for _, name := range r.tokens().names {
		all += name + " "
	}
	if all == "" {
		return nil
	}
	return []key{{content: content{currency: r.currency, words: all}}}
}

func always(_, _ *row) bool { return true }

func between(n, low, high int) bool { return low <= n && n <= high }

// shareDay reports whether two rows have a day of one kind in common.
func shareDay(a, b *row) bool {
	for kind, day := range a.days {
		if day != noDay && day == b.days[kind] {
			return true
		}
	}
	return a.day == b.day
}

// referencesConflict reports whether the parties' own references exclude one row.
func referencesConflict(a, b *row) bool {
	differ := func(x, y string) bool { return x != "" && y != "" && x != y }
	return differ(a.endToEnd, b.endToEnd) || differ(a.mandate, b.mandate) || differ(a.check, b.check)
}

// sameState reports whether two rows have one state and no conflicting references.
func sameState(k, f *row) bool {
	return k.open == f.open && !referencesConflict(k, f)
}

// delay is the number of days from the pending to the booked row: between their days of
// operation if both have one.
func delay(k, f *row) int {
	if k.days[operation] != noDay && f.days[operation] != noDay {
		return f.days[operation] - k.days[operation]
	}
	return f.day - k.day
}

// settles reports whether a pending row may have become a booked one, by their days.
func settles(k, f *row) bool { return between(delay(k, f), -2, 10) }

func settling(k, f *row) bool {
	return k.open && !f.open && settles(k, f) && !referencesConflict(k, f)
}

func settlingOnwards(k, f *row) bool {
	return settling(k, f) && delay(k, f) >= 0
}

// moves is how many days a booked row may move: less than a week, after which the same
// payment may recur.
const moves = 6

func moved(k, f *row) bool {
	return k.open == f.open && k.covered && between(f.day-k.day, -moves, moves) && !referencesConflict(k, f)
}

// score weighs a pair: labels first, then days.
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
		s += 20 // less than any day: a row that is booked before changes the balance
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

// revived is stricter than settledOtherwise: an expired row may never have been booked.
func revived(k, f *row) int {
	step, closeness := k.likeness(f)
	if step < same || !settling(k, f) {
		return never
	}
	return score(k, f, closeness)
}

// movedOtherwise scores a row with another day and other words around the same names,
// and a booked row that another channel shows as pending.
func movedOtherwise(k, f *row) int {
	step, closeness := k.likeness(f)
	if step < same || referencesConflict(k, f) {
		return never
	}
	back := !k.open && f.open && (shareDay(k, f) || settles(f, k))
	if !back && !moved(k, f) {
		return never
	}
	return score(k, f, closeness)
}

// rewritten scores a booked row with an entirely different label. It excludes pending
// rows, which may disappear, and rows with an unknown id if the bank's ids hold.
func (m *matcher) rewritten(k, f *row) int {
	if k.open || !sameState(k, f) || m.idsHold && contradictIDs(k, f) {
		return never
	}
	return score(k, f, 0)
}

func (m *matcher) settledForMore(k, f *row) int {
	if !settling(k, f) || (k.amount < 0) != (f.amount < 0) || !slices.Equal(k.tokens().names, f.tokens().names) {
		return never
	}
	apart := (f.amount - k.amount).Abs()
	switch toleranceOf(m.fetch.Transactions[f.at], f.words) {
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

// sameReference removes pending rows whose booked form is in the same answer with the
// parties' own reference.
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
