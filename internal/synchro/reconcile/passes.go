package reconcile

import (
	"slices"

	"github.com/oxlin/oxlin/internal/bank"
)

// pass is a hypothesis.
type pass struct {
	rule Rule
	try  func(*matcher)
}

// passes are the hypotheses after the bank's ids, the safest first. All but the first
// group explain why the answer lacks a known row in its old form.
var passes = []pass{
	// The same content, with fewer and fewer values.
	{RuleSameBalance, func(m *matcher) { m.inOrder(false, withBalance, always) }},
	{RuleSameCounterparty, func(m *matcher) { m.inOrder(false, withCounterparty, always) }},
	{RuleSameDays, func(m *matcher) { m.inOrder(false, withDays, always) }},
	{RuleSameDay, func(m *matcher) { m.inOrder(false, withDay, always) }},
	// Another day, but one of the row's days is the same.
	{RuleOperationDay, func(m *matcher) { m.inOrder(true, keepingDay(operation), m.changesDay) }},
	{RuleBookingDay, func(m *matcher) { m.inOrder(true, keepingDay(booking), m.changesDay) }},
	{RuleValueDay, func(m *matcher) { m.inOrder(true, keepingDay(value), m.changesDay) }},
	// Pending becomes booked, with the parties' own reference or the same words.
	{RuleSettledReference, func(m *matcher) { m.inOrder(true, withReference, settling) }},
	{RuleSettledOperationDay, func(m *matcher) { m.inOrder(true, keepingDay(operation), settling) }},
	// A booked row has moved: it never disappears, as a pending one may.
	{RuleBookedMoved, func(m *matcher) { m.nearestFirst(m.bookedMoved) }},
	{RuleSettledLater, func(m *matcher) {
		m.inOrder(true, withWords, settlingSoon)
		m.inOrder(true, withWords, m.settlingOnwards)
	}},
	{RuleSettled, func(m *matcher) { m.inOrder(true, withWords, m.settlingAnyhow) }},
	// Another label on the same day; pending becomes booked with another label.
	{RuleRelabelled, func(m *matcher) { m.likeliest(everyDay, relabelled) }},
	{RuleSettledRelabelled, func(m *matcher) { m.likeliest(payDays, m.settledOtherwise) }},
	// Another day altogether.
	{RuleMoved, func(m *matcher) { m.nearestFirst(m.moved) }},
	{RuleMovedInto, func(m *matcher) { m.nearestFirst(m.movedInto) }},
	{RuleMovedRelabelled, func(m *matcher) { m.likeliest(payDays, m.movedOtherwise) }},
	// A row without any day gets one, or loses it.
	{RuleDated, func(m *matcher) { m.firstDated(); m.likeliest(theAmount, dated) }},
	{RuleUndated, func(m *matcher) { m.likeliest(theAmount, dayless) }},
	// Only amount and day are the same.
	{RuleRewritten, func(m *matcher) { m.likeliest(theDay, m.rewritten) }},
	// The sign or the amount of a booked row was corrected.
	{RuleSign, func(m *matcher) { m.inOrder(true, withoutSign, mirrored) }},
	{RuleSettledSign, func(m *matcher) { m.inOrder(true, wordsWithoutSign, m.settlesMirrored) }},
	{RuleAmount, func(m *matcher) { m.likeliest(theWords, m.corrected) }},
	// Pending becomes booked with another amount: fuel, hotels, foreign money.
	{RuleSettledAmount, func(m *matcher) { m.likeliest(names, m.settledForMore) }},
	{RuleSettledCurrency, func(m *matcher) { m.likeliest(names, settledAbroad) }},
	// Pending becomes booked after weeks: a deferred card.
	{RuleSettledDeferred, func(m *matcher) { m.likeliest(theAmount, m.settledLate) }},
	// Two values of a booked row were corrected at once.
	{RuleCorrected, func(m *matcher) { m.likeliest(names, m.correctedOtherwise) }},
}

// revivals are the hypotheses for expired rows, tried after the passes.
var revivals = []pass{
	{RuleRevived, func(m *matcher) { m.inOrder(false, withDay, always) }},
	{RuleRevivedOperationDay, func(m *matcher) { m.inOrder(true, keepingDay(operation), settling) }},
	{RuleRevivedSettled, func(m *matcher) {
		m.inOrder(true, withWords, func(k, f *row) bool { return revives(k, f) && !m.otherByID(k, f) })
	}},
	{RuleRevivedRelabelled, func(m *matcher) { m.likeliest(payDays, m.revived) }},
	// The bank gave the pending row no day.
	{RuleRevivedDated, func(m *matcher) { m.likeliest(theAmount, dated) }},
	// The bank left the pending row out for a while before it booked it for another amount.
	{RuleRevivedAmount, func(m *matcher) { m.likeliest(names, m.settledForMore) }},
	{RuleRevivedCurrency, func(m *matcher) { m.likeliest(names, settledAbroad) }},
	// The bank turned all signs while it left the pending row out.
	{RuleRevivedSign, func(m *matcher) { m.inOrder(true, wordsWithoutSign, revivesMirrored) }},
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
		return at, r.days[kind].told
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
		if day.told {
			keys = append(keys, dayKey(r, dayKinds[kind], day))
		}
	}
	if r.undated() {
		return nil
	}
	return append(keys, dayKey(r, byShownDay, r.day))
}

// payDays gives rows within two weeks of one another, or with the same day of operation,
// a common key.
func payDays(r *row) []key {
	const fortnight = 14
	if r.undated() {
		return nil
	}
	var keys []key
	for _, part := range []int{0, 1} {
		keys = append(keys, dayKey(r, byFortnight, day{2*floor(r.day.number+part*fortnight, 2*fortnight) + part, true}))
	}
	if r.days[operation].told {
		keys = append(keys, dayKey(r, byOperation, r.days[operation]))
	}
	return keys
}

// dayKey is the key of rows with one amount and one day of a kind.
func dayKey(r *row, kind keyKind, day day) key {
	return key{kind: kind, content: content{amount: r.amount, currency: r.currency, day: day}}
}

func floor(n, step int) int {
	if n < 0 {
		n -= step - 1
	}
	return n / step
}

func theDay(r *row) []key {
	if r.undated() {
		return nil
	}
	return []key{{content: content{amount: r.amount, currency: r.currency, day: r.day, open: r.open}}}
}

// names gives rows with a name in common a common key.
func names(r *row) []key {
	var keys []key
	for _, name := range r.tokens().names {
		keys = append(keys, key{content: content{words: name}})
	}
	return keys
}

func theAmount(r *row) []key {
	return []key{{content: content{amount: r.amount, currency: r.currency}}}
}

// theWords is the key of booked rows of the same words and day.
func theWords(r *row) []key {
	return []key{{content: content{currency: r.currency, open: r.open, day: r.day, words: r.words}}}
}

// withoutSign is the key of rows that may differ by their sign alone.
func withoutSign(r *row) (key, bool) {
	at, _ := withDay(r)
	at.amount = at.amount.Abs()
	return at, true
}

func wordsWithoutSign(r *row) (key, bool) {
	at, _ := withWords(r)
	at.amount = at.amount.Abs()
	return at, true
}

func always(_, _ *row) bool { return true }

func between(n, low, high int) bool { return low <= n && n <= high }

// shareDay reports whether two rows have a day of one kind in common.
func shareDay(a, b *row) bool {
	for kind, day := range a.days {
		if day.same(b.days[kind]) {
			return true
		}
	}
	return a.day.same(b.day)
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

// changesDay reports whether a row may have changed a day. One from before the window is not
// absent, so that a pending row of the same operation settles first.
func (m *matcher) changesDay(k, f *row) bool {
	settles := func(p *row) bool {
		return p.open && !p.decided && settling(p, f)
	}
	ofItsWords := content{amount: f.amount, currency: f.currency, words: f.words}
	return sameState(k, f) && (k.open || k.covered || !slices.ContainsFunc(m.nearby(m.known, ofItsWords, false), settles))
}

// delay is the number of days from the pending to the booked row: between their days of
// operation if both have one. Rows of which one has no day have no delay; two without days
// are told together.
func delay(k, f *row) (days int, known bool) {
	from, to := k.days[operation], f.days[operation]
	if !from.told || !to.told {
		from, to = k.day, f.day
	}
	return to.number - from.number, from.told == to.told
}

// settles reports whether a pending row may have become a booked one, by their days.
func settles(k, f *row) bool {
	days, known := delay(k, f)
	return known && between(days, -2, 10)
}

func settling(k, f *row) bool {
	return k.open && !f.open && settles(k, f) && !referencesConflict(k, f) && !otherOperation(k, f)
}

// deferred reports whether a booked row may be that of a deferred card's operation, which is
// booked within two months for the same amount.
func deferred(k, f *row) bool {
	days, known := delay(k, f)
	step, _ := k.likeness(f)
	return k.open && !f.open && known && between(days, 0, horizon) && k.amount == f.amount && k.currency == f.currency &&
		(k.words == f.words || step >= same) && !referencesConflict(k, f) && !otherOperation(k, f)
}

// settledLate scores a booked row that a deferred card's operation has become: the pending
// row was there until now, since the answer covers its day, and the booked one stands on a day that was not read before.
func (m *matcher) settledLate(k, f *row) int {
	until := dayOf(m.fetch.ReadUntil)
	if !k.covered || !deferred(k, f) || !until.told || f.day.number < until.number-edge || m.idsHold && contradictIDs(k, f) {
		return never
	}
	_, closeness := k.likeness(f)
	return score(k, f, closeness)
}

// booksDated reports whether a pending and a booked row, of which one has no day, may be one.
func booksDated(k, f *row) bool {
	return k.open && !f.open && k.undated() != f.undated() && !referencesConflict(k, f) && !otherOperation(k, f)
}

func (m *matcher) settlingOnwards(k, f *row) bool {
	days, _ := delay(k, f)
	return m.settlingAnyhow(k, f) && days >= 0
}

func (m *matcher) settlingAnyhow(k, f *row) bool { return settling(k, f) && !m.otherByID(k, f) }

// soon is the number of days in which most pending rows are booked.
const soon = 5

// settlingSoon reports whether a pending row has become a booked one as quickly as most do.
func settlingSoon(k, f *row) bool {
	days, _ := delay(k, f)
	return settling(k, f) && between(days, 0, soon)
}

// otherByID reports whether a booked row with another id is not the form of a pending row, at a bank that
// keeps its ids: it comes late, or whole answers have lacked the pending row before its day.
func (m *matcher) otherByID(k, f *row) bool {
	if k.cardDay().same(f.cardDay()) {
		return false // both labels have the day of the operation
	}
	days, _ := delay(k, f)
	return (days > soon || k.expired && m.isNew(f.day)) && contradictIDs(k, f) && m.keepsIDs()
}

// keepsIDs reports whether ids of other booked rows hold, and no known row has ever had two.
func (m *matcher) keepsIDs() bool {
	if m.reissued == nil {
		reissued := slices.ContainsFunc(m.every, func(k *row) bool { return len(k.ids) > 1 })
		m.reissued = &reissued
	}
	return m.idsHold && !*m.reissued
}

// moves is how many days a booked row may move: less than a week, after which the same
// payment may recur.
const moves = 6

func moved(k, f *row) bool {
	most := moves
	if k.open {
		most = 1 // the day of an authorisation does not change; the next one has another
	}
	return k.open == f.open && k.covered && f.day.within(k.day, -most, most) && !referencesConflict(k, f)
}

// moved reports whether a row has moved. If ids hold, one with another id on a day that no
// reading covered is the next payment.
func (m *matcher) moved(k, f *row) bool {
	until := dayOf(m.fetch.ReadUntil)
	return moved(k, f) && !(m.idsHold && contradictIDs(k, f) && until.told && f.day.number > until.number)
}

// bookedMoved reports whether a booked row has moved: not if the answer has a row with another
// label on its day.
func (m *matcher) bookedMoved(k, f *row) bool {
	onItsDay := content{amount: k.amount, currency: k.currency, day: k.day}
	return !k.open && m.moved(k, f) && !slices.ContainsFunc(m.nearby(m.fetched, onItsDay, true), func(o *row) bool {
		return !o.decided && o.day.same(k.day) && relabelled(k, o) != never
	})
}

// nearby returns some of the rows with the same amount and currency as a key, and the same day
// or else the same words.
func (m *matcher) nearby(rows []*row, at content, byDay bool) []*row {
	if m.near == nil {
		m.near = make(map[bool]map[content][]*row)
	}
	if m.near[byDay] == nil {
		m.near[byDay] = make(map[content][]*row)
		for _, r := range rows {
			key := content{amount: r.amount, currency: r.currency}
			if byDay {
				key.day = r.day
			} else {
				key.words = r.words
			}
			if len(m.near[byDay][key]) < mostTries {
				m.near[byDay][key] = append(m.near[byDay][key], r)
			}
		}
	}
	return m.near[byDay][at]
}

// movedInto reports whether a booked row from before the window has moved: it may be
// inside now, or shown although it is not.
func (m *matcher) movedInto(k, f *row) bool {
	from := dayOf(m.fetch.CoveredFrom)
	return !k.open && !f.open && !k.covered && from.told && f.day.number < from.number+moves && f.day.within(k.day, -moves, moves) && !referencesConflict(k, f)
}

// nearestFirst pairs rows of the same words whose days differ, the nearest days first.
func (m *matcher) nearestFirst(fits func(k, f *row) bool) {
	for by := range moves + 1 {
		m.inOrder(true, withWords, func(k, f *row) bool {
			return f.day.within(k.day, -by, by) && fits(k, f)
		})
	}
}

// score weighs a pair: labels first, then days.
func score(k, f *row, closeness int) int {
	s := 1000 + 10*closeness
	for kind, weight := range [3]int{booking: 60, operation: 90, value: 30} {
		if k.days[kind].same(f.days[kind]) {
			s += weight
		}
	}
	if k.counterparty != "" && k.counterparty == f.counterparty {
		s += 100
	}
	if k.balance != nil && f.balance != nil && *k.balance == *f.balance {
		s += 20 // less than any day: a row that is booked before changes the balance
	}
	if k.undated() || f.undated() {
		return s
	}
	apart := f.day.number - k.day.number
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

func (m *matcher) settledOtherwise(k, f *row) int {
	if !m.settlingAnyhow(k, f) {
		return never
	}
	step, closeness := k.likeness(f)
	if step == unlike {
		return never
	}
	return score(k, f, closeness)
}

// revives reports whether an expired row was booked after all: on the same day of operation, if
// the bank tells it.
func revives(k, f *row) bool {
	return settling(k, f) && (!k.operated.told || !f.operated.told || k.operated == f.operated)
}

// revived is stricter than settledOtherwise, because an expired row may never have been
// booked; or it is pending again.
func (m *matcher) revived(k, f *row) int {
	if m.otherByID(k, f) {
		return never
	}
	step, closeness := k.likeness(f)
	again := f.open && f.day.within(k.day, -1, 1) && !referencesConflict(k, f)
	if step < same || !revives(k, f) && !again {
		return never
	}
	return score(k, f, closeness)
}

// movedOtherwise scores a row with another day and other words around the same names,
// and a booked row that another channel shows as pending.
func (m *matcher) movedOtherwise(k, f *row) int {
	step, closeness := k.likeness(f)
	if step < same || referencesConflict(k, f) || bookedBefore(k, f) {
		return never
	}
	back := !k.open && f.open && (shareDay(k, f) || settles(f, k))
	if k.open && f.open && k.words != f.words && !shareDay(k, f) {
		return never // the next authorisation, which tells another day in another label
	}
	if !back && (!moved(k, f) || k.words == f.words && !m.moved(k, f)) {
		return never
	}
	return score(k, f, closeness)
}

// rewritten scores a booked row with an entirely different label. It excludes pending
// rows, which may disappear, and rows with an unknown id if the bank's ids hold.
func (m *matcher) rewritten(k, f *row) int {
	if k.open || !sameState(k, f) || m.idsHold && contradictIDs(k, f) || m.remains(k) {
		return never
	}
	if step, _ := k.likeness(f); step == unlike && (k.missing || m.lacks(k) || m.goesOn(k)) {
		return never
	}
	return score(k, f, 0)
}

// goesOn reports whether the answer shows a known row with an amount that is corrected by a quarter
// at most.
func (m *matcher) goesOn(k *row) bool {
	if m.worded == nil {
		m.worded = make(map[key][]*row)
		for _, f := range m.fetched {
			at := theWords(f)[0]
			if len(m.worded[at]) < mostTries {
				m.worded[at] = append(m.worded[at], f)
			}
		}
	}
	return slices.ContainsFunc(m.worded[theWords(k)[0]], func(f *row) bool {
		return !f.decided && tipped(k.amount, f.amount) && m.corrected(k, f) != never
	})
}

// lacks reports whether the answer lacks another booked row that it should show, and shows none
// in its place: what it lacks has gone, and was not rewritten.
func (m *matcher) lacks(but *row) bool {
	if m.lacking == nil {
		shown := make(map[key]bool)
		for _, f := range m.fetched {
			for _, at := range theDay(f) {
				shown[at] = true
			}
		}
		m.lacking = []*row{}
		for _, k := range m.known {
			replaced := slices.ContainsFunc(theDay(k), func(at key) bool { return shown[at] })
			if !k.open && !k.missing && !k.undated() && k.covered && !replaced {
				m.lacking = append(m.lacking, k)
			}
		}
	}
	return slices.ContainsFunc(m.lacking, func(k *row) bool { return k != but })
}

// remains reports whether the answer still shows a row that is equal to a known one: of two
// equal rows one has gone, and none has changed.
func (m *matcher) remains(k *row) bool {
	if m.shown == nil {
		m.shown = make(map[content]bool, len(m.all))
		for _, f := range m.all {
			m.shown[identityKey(f)] = true
		}
	}
	return m.shown[identityKey(k)]
}

// firstDated pairs a known row without a day and the first row of the same words with one:
// nothing tells which of several such rows got its day, and each choice is as good as any.
func (m *matcher) firstDated() {
	later := make(map[key][]*row)
	for _, f := range m.fetched {
		at, _ := withWords(f)
		if !f.undated() {
			later[at] = append(later[at], f)
		}
	}
	// A booked row has its day by now; a pending one may still wait for it.
	undated := slices.DeleteFunc(slices.Clone(m.known), func(k *row) bool { return !k.undated() })
	slices.SortStableFunc(undated, func(a, b *row) int { return lastIf(a.open, b.open) })
	for _, k := range undated {
		at, _ := withWords(k)
		for len(later[at]) > 0 && later[at][0].decided {
			later[at] = later[at][1:]
		}
		for tried, f := range later[at] {
			if tried == mostTries {
				break
			}
			if !f.decided && dated(k, f) != never {
				m.link(k, f, true)
				break
			}
		}
	}
}

// dated scores a row without a day and one with a day.
func dated(k, f *row) int {
	if k.undated() == f.undated() {
		return never
	}
	return dayless(k, f)
}

// dayless scores two rows of which one or neither has a day.
func dayless(k, f *row) int {
	step, closeness := k.likeness(f)
	if !k.undated() && !f.undated() || step < same && k.words != f.words || !k.open && f.open || !k.undated() && !k.covered || referencesConflict(k, f) ||
		otherOperation(k, f) {
		return never
	}
	return 1000 + 10*closeness
}

// mirrored reports whether a row's sign is the other now, and nothing else: the answer shows
// the row's day, whether its window has that day or not.
func mirrored(k, f *row) bool { return k.amount == -f.amount && sameState(k, f) }

// settlesMirrored reports whether a pending row was booked with the other sign, which other
// rows of the answer show as well.
func (m *matcher) settlesMirrored(k, f *row) bool {
	return m.turned && k.amount == -f.amount && settling(k, f)
}

// revivesMirrored reports whether an expired row is shown again, or booked, with the other sign.
func revivesMirrored(k, f *row) bool {
	again := f.open && f.day.same(k.day) && !referencesConflict(k, f)
	return k.amount == -f.amount && (again || revives(k, f))
}

// corrected scores a booked row of which only the amount changed, by half of it at most: a
// booked row never disappears. The answer shows the row's day, in its window or before.
func (m *matcher) corrected(k, f *row) int {
	if 2*(f.amount-k.amount).Abs() > k.amount.Abs() {
		return never
	}
	if k.open || f.open || (k.amount < 0) != (f.amount < 0) || !sameState(k, f) {
		return never
	}
	if m.idsHold && contradictIDs(k, f) && (10*(f.amount-k.amount).Abs() > k.amount.Abs() || m.lacks(k)) {
		return never
	}
	return 1000 - int(999*(f.amount-k.amount).Abs()/max(k.amount.Abs(), f.amount.Abs()))
}

// correctedOtherwise scores a booked row of which two values changed at once. Without an id
// that holds, an amount has changed by a tenth and a day by one at most, or the row got its
// first day.
func (m *matcher) correctedOtherwise(k, f *row) int {
	apart := min((f.amount - k.amount).Abs(), (f.amount + k.amount).Abs())
	if m.idsHold && contradictIDs(k, f) || 4*apart > k.amount.Abs() {
		return never
	}
	dated := k.undated() != f.undated() && !k.open && !f.open && k.currency == f.currency && k.words == f.words &&
		(k.amount < 0) == (f.amount < 0) && !referencesConflict(k, f)
	if !dated && !correctedTwice(k, f) {
		return never
	}
	_, closeness := k.likeness(f)
	return score(k, f, closeness)
}

// announcedAbroad reports whether a pending row in one currency is the booked row in
// another one.
func announcedAbroad(k, f *row) bool {
	step, _ := k.likeness(f)
	return (settling(k, f) || booksDated(k, f)) && step >= same && (k.amount < 0) == (f.amount < 0) &&
		(convertible(k.amount, k.currency, f.amount, f.currency) ||
			toleranceOf(bank.Transaction{}, k.words) == anyAmount && coversAbroad(k.amount, k.currency, f.amount, f.currency))
}

func settledAbroad(k, f *row) int {
	if k.currency == f.currency || !announcedAbroad(k, f) {
		return never
	}
	_, closeness := k.likeness(f)
	if atRate(k.amount, k.currency, f.amount, f.currency) {
		closeness += 100 // likelier than any label
	}
	return score(k, f, closeness)
}

func (m *matcher) settledForMore(k, f *row) int {
	step, closeness := k.likeness(f)
	if k.currency != f.currency || !settling(k, f) && !booksDated(k, f) || (k.amount < 0) != (f.amount < 0) || step < same {
		return never
	}
	apart := (f.amount - k.amount).Abs()
	// A label that was cut may have lost the currency.
	switch max(toleranceOf(m.fetch.Transactions[f.at], f.words), toleranceOf(m.fetch.Transactions[f.at], k.words)) {
	case anyAmount:
		// No amount is likelier than another but one with a tip, and no day but that of the
		// operation: if several rows fit, none is taken.
		s := 1000
		if k.days[operation].same(f.operated) {
			s += 1000
		}
		if tip(k.amount, f.amount) && takesTips(m.fetch.Transactions[f.at], k.words) {
			s += 500
		}
		return s
	case aTenth:
		if apart > k.amount.Abs()/10 {
			return never
		}
	default:
		return never
	}
	return score(k, f, closeness)
}

// sameReference removes pending rows whose booked form is in the same answer with the
// parties' own reference.
func sameReference(rows []*row) []*row {
	settled := make(map[key][]*row)
	for _, r := range rows {
		at, ok := withReference(r)
		if ok && !r.open && len(settled[at]) < mostTries {
			settled[at] = append(settled[at], r)
		}
	}
	return slices.DeleteFunc(rows, func(r *row) bool {
		at, ok := withReference(r)
		return ok && r.open && slices.ContainsFunc(settled[at], func(f *row) bool { return settling(r, f) })
	})
}
