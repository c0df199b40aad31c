package reconcile

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// placeholders are texts that banks write if they have no id or reference.
var placeholders = map[string]bool{
	"": true, "NOTPROVIDED": true, "NOTAVAILABLE": true, "NOTAPPLICABLE": true,
	"NONREF": true, "NOREF": true, "NA": true, "NONE": true, "NULL": true, "NIL": true,
	"UNDEFINED": true, "UNKNOWN": true, "NONRENSEIGNE": true, "NONCOMMUNIQUE": true,
}

func placeholder(id string) bool {
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '1' && r <= '9', r > '~':
			return r
		}
		return -1 // spaces, punctuation, zeros
	}, strings.TrimSpace(fold(id)))
	return placeholders[letters]
}

// positional is a day and a counter within it: "2026-03-01.2", "20260301-0002".
var positional = regexp.MustCompile(`^(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})[-_./#: ]?\d{1,4}$`)

func countsWithin(id string, t bank.Transaction) bool {
	parts := positional.FindStringSubmatch(id)
	if parts == nil {
		return false
	}
	day := parts[1] + "-" + parts[2] + "-" + parts[3]
	for _, d := range []oxlin.Date{t.BookingDate, t.TransactionDate, t.ValueDate, t.ExpectedBookingDate} {
		if d.String() == day {
			return true
		}
	}
	return false
}

// samePosting reports whether two rows of one answer with one id are one posting, shown
// twice: on two pages, or with another hour of booking. If the bank gives them their day of
// booking alone, the other ids of the answer must be trusted.
func samePosting(a, b *row, trusted bool) bool {
	if a.amount != b.amount || a.currency != b.currency || a.words != b.words || a.counterparty != b.counterparty {
		return false
	}
	if otherOperation(a, b) {
		return false
	}
	if a.balance != nil && b.balance != nil && *a.balance != *b.balance {
		return false // twins under one id: each has moved the balance
	}
	if a.days == b.days && a.day == b.day {
		return true
	}
	return (shareDay(a, b) || trusted && a.bookedOnly() && b.bookedOnly()) && a.day.within(b.day, -1, 1)
}

// announced reports whether, of two rows of one answer with one id, the second is the
// booked form of the first: for the same amount, or for one that a reservation explains.
func announced(before, after *row, fetched Fetched) bool {
	step, _ := before.likeness(after)
	switch {
	case before.undated() && !after.undated():
		return before.amount == after.amount && before.currency == after.currency && step >= same
	case !settles(before, after) || step < alike:
		return false
	case before.currency != after.currency:
		return announcedAbroad(before, after)
	case before.amount == after.amount:
		return true
	}
	reserves := toleranceOf(fetched.Transactions[after.at], after.words) == anyAmount ||
		toleranceOf(fetched.Transactions[before.at], before.words) == anyAmount
	return reserves && step >= same && (before.amount < 0) == (after.amount < 0) && !otherOperation(before, after)
}

// onceByBalance returns the rows without those that repeat a row with the balance after it:
// of two equal postings, or two a day apart, each moves the balance. It needs a running balance: the
// row before has what this one started from, and no row of these days goes the other way.
func onceByBalance(rows []*row, fetched Fetched) []*row {
	type posting struct {
		amount  oxlin.Amount
		balance oxlin.Amount
		id      string
	}
	balances, seen := make(map[oxlin.Amount]bool), make(map[posting][]*row)
	for _, r := range rows {
		if !r.open && r.balance != nil {
			balances[*r.balance] = true
		}
	}
	type side struct {
		day   day
		debit bool
	}
	sides := make(map[side]bool)
	for _, r := range rows {
		if !r.open {
			sides[side{r.day, r.amount < 0}] = true
		}
	}
	back := func(r *row) bool { return sides[side{r.day, r.amount >= 0}] }
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool {
		if r.open || r.balance == nil || r.amount == 0 {
			return false
		}
		at := posting{r.amount, *r.balance, strings.TrimSpace(fetched.Transactions[r.at].BankID)}
		again := slices.ContainsFunc(seen[at], func(o *row) bool { return samePosting(o, r, true) && !back(o) })
		if len(seen[at]) < mostTries {
			seen[at] = append(seen[at], r)
		}
		return again && balances[*r.balance-r.amount] && !back(r)
	})
}

// acceptIDs decides which ids of a fetch are usable and sets them on the rows. It
// returns the rows without those that repeat another row.
func acceptIDs(known, rows []*row, fetched Fetched) []*row {
	if numbered(known, rows, fetched) {
		fetched.IDs = bank.IDPositional
	}
	if fetched.IDs == bank.IDConstant || fetched.IDs == bank.IDNone {
		return shownOnce(rows, fetched)
	}
	byID := holdersOf(rows, fetched)
	owner := owners(known)
	again := make(map[*row]bool)
	counts := countRows(known, rows, owner)
	trust := fetched.DistinctIDs || trusted(byID)
	believed := identify(byID, rows, fetched, trust)
	for id, holders := range byID {
		best, one := onePosting(holders, fetched, trust)
		if !one || !believed && len(holders) > 1 {
			// The same id on different rows is no id. Two of them may still be one posting, if the
			// ids of other rows show that the bank gives each its own.
			if believed {
				markRepeated(holders, again, trust)
			}
			keepText(id, holders, fetched, len(byID))
			continue
		}
		// No two places of an answer have one name, if places have names of their own.
		places := fetched.IDs == bank.IDPositional && believed && len(byID) > 1
		if !places && counts.knownApart(id, holders, best) {
			keepText(id, holders, fetched, len(byID))
			continue
		}
		for _, r := range holders {
			again[r] = r != best
		}
		k, held := owner[id]
		best.void = held && k == nil
		if best.void {
			keepText(id, holders, fetched, len(byID))
		} else if fetched.IDs != bank.IDPositional && !countsWithin(id, fetched.Transactions[best.at]) {
			best.bankID, best.ids = id, []string{id}
		}
	}
	left := rows[:0:0]
	for _, r := range rows {
		if !again[r] {
			left = append(left, r)
		}
	}
	rejectMovedIDs(known, left, owner)
	return left
}

// holdersOf groups the rows of an answer by their id, without placeholders.
func holdersOf(rows []*row, fetched Fetched) map[string][]*row {
	holders := make(map[string][]*row, len(rows))
	for _, r := range rows {
		id := strings.TrimSpace(fetched.Transactions[r.at].BankID)
		if !placeholder(id) {
			holders[id] = append(holders[id], r)
		}
	}
	return holders
}

// distinctIDs reports whether each id of an answer is on one row alone. An answer of few ids changes
// nothing, unless one of them is on different rows.
func distinctIDs(rows []*row, fetched Fetched) bool {
	const few = 3
	holders := holdersOf(rows, fetched)
	for _, same := range holders {
		_, one := onePosting(same, fetched, true)
		if !one && !recurring(same) {
			return false
		}
	}
	return fetched.DistinctIDs || len(holders) >= few && distinguish(holders, rows)
}

// numbered reports whether the ids of an answer number its rows from one, by day: the oldest
// or the newest first. They slide with each new row.
func numbered(known, rows []*row, fetched Fetched) bool {
	const few = 3
	numbers := make(map[int]*row, len(rows))
	ascends, descends, highest := true, true, 0
	var before, now span
	var today day
	for _, r := range rows { // by day
		n, err := strconv.Atoi(strings.TrimSpace(fetched.Transactions[r.at].BankID))
		if err != nil || n < 1 || n > len(rows) || numbers[n] != nil && identityKey(numbers[n]) != identityKey(r) {
			return false
		}
		numbers[n], highest = r, max(highest, n)
		if r.undated() {
			continue
		}
		if r.day != today {
			before, now, today = before.with(now), span{}, r.day
		}
		now = now.with(span{n, n})
		ascends = ascends && (before.low == 0 || before.high < n)
		descends = descends && (before.low == 0 || n < before.low)
	}
	return highest == len(numbers) && (ascends || descends) && (highest >= few || slid(known, numbers))
}

// slid reports whether a number is that of a known row which the answer shows, unchanged, under the
// next one alone.
func slid(known []*row, numbers map[int]*row) bool {
	owner := owners(known)
	return slices.ContainsFunc(slices.Collect(maps.Keys(numbers)), func(n int) bool {
		k, next := owner[strconv.Itoa(n)], numbers[n+1]
		return k != nil && next != nil && owner[strconv.Itoa(n+1)] == nil &&
			identityKey(k) == identityKey(next) && identityKey(k) != identityKey(numbers[n])
	})
}

// span is from the lowest to the highest of some numbers; zero for none.
type span struct{ low, high int }

func (s span) with(other span) span {
	switch {
	case s.low == 0:
		return other
	case other.low == 0:
		return s
	}
	return span{min(s.low, other.low), max(s.high, other.high)}
}

// distinguish reports whether most rows of an answer have an id of their own, or one of a
// recurring payment.
func distinguish(byID map[string][]*row, rows []*row) bool {
	own := 0
	for _, holders := range byID {
		own++
		if recurring(holders) {
			own += len(holders) - 1
		}
	}
	return len(byID) >= 2 && 3*own >= 2*len(rows)
}

// keepText keeps a text that is no id, because several rows have it, to be stored and compared
// together with the content. A text of all rows tells nothing, unless each has another day:
// they may be the first ones of their days.
func keepText(id string, holders []*row, fetched Fetched, texts int) {
	days := make(map[day]bool)
	for _, r := range holders {
		days[r.day] = true
	}
	for _, r := range holders {
		if (texts > 1 || len(days) == len(holders)) && fetched.IDs != bank.IDPositional && !countsWithin(id, fetched.Transactions[r.at]) {
			r.bankID, r.text = id, id
		}
	}
}

// trusted reports whether each id of an answer but one is on one row alone, or on the rows of
// one recurring payment.
func trusted(byID map[string][]*row) bool {
	shared := 0
	for _, holders := range byID {
		if len(holders) > 1 && !recurring(holders) {
			shared++
		}
	}
	return shared == 1 && len(byID) >= 3
}

// identify reports whether equal rows with one id are one row, shown twice: no id is on
// different rows but those of one recurring payment, or most rows have one of their own.
func identify(byID map[string][]*row, rows []*row, fetched Fetched, trust bool) bool {
	for _, holders := range byID {
		_, one := onePosting(holders, fetched, trust)
		if !one && (len(byID) < 2 || !recurring(holders)) {
			return distinguish(byID, rows)
		}
	}
	return true
}

// recurring reports whether rows of one id are those of one payment that recurs each week or
// more seldom: its reference is the id. One of them may be shown twice.
func recurring(rows []*row) bool {
	const weekend = 5 // days from one payment to the next, if a weekend or a holiday moves one
	several := false
	if len(rows) > mostTries {
		return false // five years of weeks
	}
	for i, a := range rows {
		for _, b := range rows[:i] {
			step, _ := a.likeness(b)
			switch {
			case a.amount != b.amount || a.currency != b.currency || step < same && a.words != b.words:
				return false
			case !a.day.within(b.day, -weekend+1, weekend-1):
				several = true
			case !samePosting(b, a, true):
				return false
			}
		}
	}
	return several
}

// knownApart reports whether rows of one id that may be one posting are known as several: as
// many rows of their amounts and words have had the id, or more rows that are equal to it are
// known than would be left, or all of them.
func (c census) knownApart(id string, holders []*row, best *row) bool {
	if len(holders) == 1 {
		return false
	}
	named := make(map[naming]int)
	for _, h := range holders {
		at, _ := withWords(h)
		named[naming{id, at.content}] = c.named[naming{id, at.content}]
	}
	rows := 0
	for _, n := range named {
		rows += n
	}
	if rows >= len(holders) {
		return true
	}
	repeats := -1
	for _, h := range holders {
		if identityKey(h) == identityKey(best) {
			repeats++
		}
	}
	return repeats > 0 && c.shown[identityKey(best)]-repeats < c.nameless[identityKey(best)] ||
		!slices.ContainsFunc(holders, func(h *row) bool { return c.shown[identityKey(h)] > c.nameless[identityKey(h)] })
}

// census counts rows that are equal.
type census struct {
	shown map[content]int
	// nameless are known rows that the last answer showed, and that have no id of their own;
	// named are those that have had an id, by id, amount and words.
	nameless map[content]int
	named    map[naming]int
}

type naming struct {
	id string
	content
}

func countRows(known, rows []*row, owner map[string]*row) census {
	c := census{make(map[content]int), make(map[content]int), make(map[naming]int)}
	for _, r := range rows {
		c.shown[identityKey(r)]++
	}
	for _, k := range known {
		if k.missing || k.expired {
			continue
		}
		if !slices.ContainsFunc(k.ids, func(id string) bool { return owner[id] != nil }) {
			c.nameless[identityKey(k)]++
		}
		at, _ := withWords(k)
		for _, id := range k.ids {
			c.named[naming{id, at.content}]++
		}
	}
	return c
}

// markRepeated marks rows of one id that show the posting of an earlier one of them.
func markRepeated(holders []*row, again map[*row]bool, trusted bool) {
	for i, r := range holders {
		again[r] = slices.ContainsFunc(holders[max(0, i-mostTries):i], func(o *row) bool { return o.open == r.open && samePosting(o, r, trusted) })
	}
}

// shownOnce returns the rows without those that repeat another row, for a bank whose ids
// are no ids of rows. Those that are new in each answer still distinguish the rows of one,
// if most rows have an id of their own.
func shownOnce(rows []*row, fetched Fetched) []*row {
	holders := holdersOf(rows, fetched)
	apart := fetched.DistinctIDs || distinguish(holders, rows)
	again, trust := make(map[*row]bool), fetched.DistinctIDs || trusted(holders)
	for id, same := range holders {
		if !apart && !countsWithin(id, fetched.Transactions[same[0].at]) {
			continue
		}
		best, one := onePosting(same, fetched, trust)
		if !one {
			markRepeated(same, again, trust)
			continue
		}
		for _, r := range same {
			again[r] = r != best
		}
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return again[r] })
}

// onePosting reports whether all rows are the same posting, and which of them to take:
// a booked one if there is one, else the first.
func onePosting(rows []*row, fetched Fetched, trusted bool) (best *row, one bool) {
	var before, after *row
	for _, r := range rows {
		first := &after
		if r.open {
			first = &before
		}
		if *first == nil {
			*first = r
		}
		if !samePosting(*first, r, trusted) {
			return nil, false
		}
	}
	switch {
	case after == nil:
		return before, true
	case before == nil:
		return after, true
	}
	return after, announced(before, after, fetched)
}

// owners maps each id to its known row; nil for an id of two rows, which is no id.
func owners(known []*row) map[string]*row {
	owner := make(map[string]*row, len(known))
	for _, k := range known {
		for _, id := range k.ids {
			other, taken := owner[id]
			if taken && other != k {
				owner[id] = nil
				continue
			}
			owner[id] = k
		}
	}
	return owner
}

// rejectMovedIDs ignores ids that have moved from row to row, although the bank's ids
// count as stable. They are stored nevertheless: an id that two rows have had is no id
// from then on.
//
// Ids have moved if a row of another name or amount has an id whose known row is in the
// fetch, unchanged, with another id: then all ids are ignored. If the names are similar,
// twins may have been swapped on a day without ids: each has the other's content, or the
// content of a row without an id. Then only their ids are ignored.
func rejectMovedIDs(known, rows []*row, owner map[string]*row) {
	type doubt struct{ k, f *row }
	var strong, weak []doubt
	elsewhere := make(map[content][]*row)
	shown := make(map[*row]bool)
	for _, f := range rows {
		if f.void {
			elsewhere[identityKey(f)] = append(elsewhere[identityKey(f)], f)
		}
		if len(f.ids) == 0 {
			continue
		}
		k := owner[f.ids[0]]
		shown[k] = true
		if k != nil && identityKey(k) == identityKey(f) {
			continue
		}
		elsewhere[identityKey(f)] = append(elsewhere[identityKey(f)], f)
		if k == nil {
			continue
		}
		step, _ := k.likeness(f)
		if k.amount == f.amount && k.currency == f.currency && step >= alike {
			weak = append(weak, doubt{k, f})
			continue
		}
		strong = append(strong, doubt{k, f})
	}
	var fits, announced map[content][]*row
	if len(strong) > 0 {
		fits = someBy(rows, func(r *row) content { return content{amount: r.amount, currency: r.currency} })
		announced = someBy(known, func(k *row) content { return content{amount: k.amount, currency: k.currency, words: k.words} })
	}
	for _, d := range strong {
		// A pending row's id has moved if another row fits it much better.
		if d.k.open && slices.ContainsFunc(fits[content{amount: d.k.amount, currency: d.k.currency}], func(r *row) bool {
			step, _ := d.k.likeness(r)
			return r != d.f && step >= alike && (r.open || settling(d.k, r))
		}) {
			d.f.ids = nil
		}
		// So has one that comes to the settled form of another pending row.
		if d.k.open && slices.ContainsFunc(announced[content{amount: d.f.amount, currency: d.f.currency, words: d.f.words}], func(k *row) bool {
			return k != d.k && !k.expired && settling(k, d.f)
		}) {
			d.f.ids = nil
		}
	}
	for _, d := range strong {
		if len(elsewhere[identityKey(d.k)]) > 0 {
			for _, r := range rows {
				r.ids = nil
			}
			return
		}
	}
	unshown, nameless := make(map[content]bool), make(map[content]bool)
	for _, k := range known {
		if !shown[k] {
			unshown[identityKey(k)] = true
			nameless[identityKey(k)] = nameless[identityKey(k)] || len(k.ids) == 0
		}
	}
	for _, d := range weak {
		// Of two booked rows with ids, the one that is not shown has gone.
		if nameless[identityKey(d.f)] || d.k.open && unshown[identityKey(d.f)] {
			d.f.ids = nil
		}
		for _, other := range elsewhere[identityKey(d.k)] {
			if other.void || len(other.ids) > 0 && owner[other.ids[0]] != nil && identityKey(owner[other.ids[0]]) == identityKey(d.f) {
				d.f.ids, other.ids = nil, nil
			}
		}
	}
	// So may a booked and a pending twin, of which the booked one has another label now.
	settled := make(map[content]*row)
	for _, d := range weak {
		if d.k.open && !d.f.open {
			settled[identityKey(d.k)] = d.f
		}
	}
	for _, d := range weak {
		if other := settled[identityKey(d.f)]; other != nil && !d.k.open && d.f.open {
			d.f.ids, other.ids = nil, nil
		}
	}
}

// someBy groups rows by a key, mostTries of each at most.
func someBy(rows []*row, of func(*row) content) map[content][]*row {
	groups := make(map[content][]*row)
	for _, r := range rows {
		if at := of(r); len(groups[at]) < mostTries {
			groups[at] = append(groups[at], r)
		}
	}
	return groups
}

func identityKey(r *row) content {
	return content{amount: r.amount, currency: r.currency, open: r.open, day: r.day, words: r.words}
}
