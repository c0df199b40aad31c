package torture

import (
	"slices"

	"github.com/oxlin/oxlin"
)

// verdict is the outcome of an exchange of two tokens.
type verdict int

const (
	never    verdict = iota // an answer up to now differs
	untilNow                // only a later answer differs
	always                  // every answer is the same
)

// exchangeable reports whether the bank's answers decide which of two movements is which
// at a reading: it exchanges the tokens from a reading on, makes all answers anew, and
// compares them byte by byte. The exchange may begin at any reading since one of them was
// shown last.
func (j *judge) exchangeable(at, a, b int) verdict {
	best := never
	for from := at; from > 0; from-- {
		best = max(best, j.exchange(from, at, a, b))
		if best == always || !j.unsure[from-1] && slices.Contains(j.answers[from-1].tokens, a) && slices.Contains(j.answers[from-1].tokens, b) {
			break
		}
	}
	return best
}

// arbitrary reports whether a movement could have been another one that has gone or come
// at this reading, so that no choice is as good as any.
func (j *judge) arbitrary(at, token int) bool {
	for i := range j.h.Rows {
		other := j.h.Rows[i].Token
		if other == token {
			continue
		}
		was := slices.Contains(j.answers[at-1].tokens, other)
		is := slices.Contains(j.answers[at].tokens, other)
		if was != is && j.exchange(at, at, token, other) == always {
			return true
		}
	}
	return false
}

// exchange compares the answers with those of a world in which two movements exchanged
// what is still to happen to them.
func (j *judge) exchange(from, now, a, b int) verdict {
	other := exchanged(j.h, from, a, b)
	best := j.compare(other, from, now, a, b)
	if best == always || other == nil {
		return best
	}
	best = max(best, j.compare(lookingAlike(other, a, b), from, now, a, b))
	if best == always {
		return best
	}
	// Either of them may be the one that moved, to the days that are shown.
	n := j.h.row(a).Booking - j.h.row(b).Booking
	near := -moves <= n && n <= moves && (j.moved(from, a) || j.moved(from, b) || j.allMoved(from, n, a, b))
	if !near && !j.relieved(from, a, b) && !j.relieved(from, b, a) {
		return best
	}
	last := j.h.Readings[from-1].Day
	other.days = j.h
	other.row(a).Changes = append(other.row(a).Changes, Change{Day: last + 1, What: daysOf, N: b})
	other.row(b).Changes = append(other.row(b).Changes, Change{Day: last + 1, What: daysOf, N: a})
	return max(best, j.compare(other, from, now, a, b))
}

// lookingAlike returns a world in which two movements have exchanged their looks as well: each
// has looked until then as it goes on to look. Answers that did not show the difference are the
// same.
func lookingAlike(h *History, a, b int) *History {
	other := h.clone()
	x, y := other.row(a), other.row(b)
	x.Name, y.Name = y.Name, x.Name
	x.Amount, y.Amount = y.Amount, x.Amount
	x.Style, y.Style = y.Style, x.Style
	x.Operation, y.Operation = y.Operation, x.Operation
	x.Category, y.Category = y.Category, x.Category
	x.EndToEnd, y.EndToEnd = y.EndToEnd, x.EndToEnd
	x.Counterparty, y.Counterparty = y.Counterparty, x.Counterparty
	return other
}

// explicable reports whether the answers up to a reading are, byte by byte, also those
// of a history in which a pending row that disappeared was settled as the new row, with
// another label and another id. Other disturbances of the corpus do that, so that no rule
// is right in both.
func (j *judge) explicable(at, gone, come int) bool {
	for from := at; from > 0; from-- {
		last := j.h.Readings[from-1].Day
		a, b := j.h.row(gone), j.h.row(come)
		if a.Seen > last {
			return false
		}
		if b.Seen <= last || a.Settled <= last {
			continue
		}
		other := exchanged(j.h, from, gone, come)
		x, y := other.row(gone), other.row(come)
		x.Changes = append(x.Changes,
			Change{Day: last + 1, What: relabel, N: int(b.Style)}, Change{Day: last + 1, What: takeID, N: come})
		x.Changes = append(x.Changes, since(b.Changes, last)...)
		y.Changes = append(y.Changes, Change{Day: last + 1, What: takeID, N: gone})
		if j.relieved(from, gone, come) {
			other.days = j.h
			x.Changes = append(x.Changes, Change{Day: last + 1, What: daysOf, N: come})
		}
		if j.compare(other, from, at, gone, come) != never {
			return true
		}
	}
	return false
}

// compare makes the answers of another world, in which two tokens are exchanged.
func (j *judge) compare(other *History, from, now, a, b int) verdict {
	if other == nil {
		return never
	}
	result := always
	fresh := newBijection()
	for at := range j.h.Readings {
		asked := j.asked(at)
		here, there := j.h.answer(at, asked), other.answer(at, asked)
		if !alike(here, there, at >= from, a, b, fresh) {
			if at <= now {
				return never
			}
			result = untilNow
			break
		}
		if at < from {
			fresh.keep(here)
		}
	}
	return result
}

// asked is the first day that a reading asks for; for a later reading, that of the last.
func (j *judge) asked(at int) int {
	return j.answers[min(at, len(j.answers)-1)].from
}

// exchanged returns the world in which two movements exchange their tokens at a reading.
func exchanged(h *History, from, a, b int) *History {
	other := h.clone()
	x, y := other.row(a), other.row(b)
	last := h.Readings[from-1].Day
	if x.Seen > last && y.Seen > last {
		return nil
	}
	// What the bank does to both is no row's own.
	both := common(x.Changes, y.Changes)
	own := func(changes []Change) []Change {
		return slices.DeleteFunc(changes, func(c Change) bool { return slices.Contains(both, c) })
	}
	x.Changes, y.Changes = own(x.Changes), own(y.Changes)
	newX, newY := x.Seen > last, y.Seen > last
	// Each takes the other's place: a row that was known disappears until the new one
	// was shown, which stands in its place meanwhile.
	var hidden []Change
	if newX {
		x, y = y, x
		a, b = b, a
	}
	pastX, futureX := split(x.Changes, last)
	if newX || newY {
		// What a row brings when it is first shown is its own.
		last = max(last, y.Seen)
	}
	pastY, futureY := split(y.Changes, last)
	last = h.Readings[from-1].Day
	if newX || newY {
		if y.Seen > last+1 {
			hidden = []Change{{Day: last + 1, Until: y.Seen, What: hide}}
		}
		y.Seen = last + 1
	}
	settle := x.Settled > last && y.Settled > last
	if settle {
		x.Settled, y.Settled = y.Settled, x.Settled
		x.Booking, y.Booking = y.Booking, x.Booking
		x.Value, y.Value = y.Value, x.Value
	} else if newX || newY {
		y.Settled = last + 1
	}
	x.Gone, y.Gone = y.Gone, x.Gone
	placeX, placeY := Change{Day: last + 1, What: rerank, N: x.Rank}, Change{Day: last + 1, What: rerank, N: y.Rank}
	if y.Gone != 0 && y.Gone < y.Seen {
		y.Gone = y.Seen
	}
	if newX || newY || settle {
		// What their new forms lack, or what is misread in them, goes with the forms.
		var goesX, goesY []Change
		pastX, goesX = formal(pastX, last)
		pastY, goesY = formal(pastY, last)
		futureX, futureY = append(futureX, goesX...), append(futureY, goesY...)
	}
	x.Changes = slices.Concat(pastX, futureY, hidden, both, []Change{placeY})
	y.Changes = slices.Concat(pastY, futureX, both, []Change{placeX})
	for i := from; i < len(other.Readings); i++ {
		for k, f := range other.Readings[i].Faults {
			if f.What != twice && f.What != revalued {
				continue
			}
			switch f.A {
			case a:
				other.Readings[i].Faults[k].A = b
			case b:
				other.Readings[i].Faults[k].A = a
			}
		}
	}
	return other
}

// withTwins returns the history in which each row that an answer shows twice is a row and a twin of it,
// which only this answer shows; nil if no answer shows a row twice.
func (h *History) withTwins() *History {
	other := h.clone()
	last := 0
	for _, r := range h.Rows {
		last = max(last, r.Token)
	}
	for i := range other.Readings {
		at := &other.Readings[i]
		at.Faults = slices.DeleteFunc(at.Faults, func(f Fault) bool {
			r := h.row(f.A)
			if f.What != twice && f.What != revalued || r == nil || !r.shows(at.Day) {
				return false
			}
			last++
			twin := *r
			twin.Token, twin.Seen, twin.Gone = last, at.Day, at.Day+1
			twin.Changes = slices.Clone(r.Changes)
			if f.What == twice {
				twin.Booking += f.B
			} else {
				twin.Value += f.B
			}
			other.Rows = append(other.Rows, twin)
			return true
		})
	}
	if len(other.Rows) == len(h.Rows) {
		return nil
	}
	return other
}

// sameAnswers reports whether another history gives the same answers, byte by byte.
func (j *judge) sameAnswers(other *History) bool {
	for at, here := range j.answers {
		there := other.answer(at, here.asked)
		if here.complete != there.complete || len(here.rows) != len(there.rows) {
			return false
		}
		counts := make(map[looks]int)
		for i := range here.rows {
			counts[looksOf(here.rows[i])]++
			counts[looksOf(there.rows[i])]--
		}
		for _, n := range counts {
			if n != 0 {
				return false
			}
		}
	}
	return true
}

// formal takes the changes that belong to a row's form from its changes: those that last go on
// from the day after last.
func formal(changes []Change, last int) (kept, goes []Change) {
	for _, c := range changes {
		lasts := c.Until == 0 || c.Until > last+1
		switch c.What {
		case withoutID, misread, misdated, rounded:
			if lasts {
				next := c
				next.Day = last + 1
				goes = append(goes, next)
				c.Until = last + 1
			}
		}
		if c.Until == 0 || c.Day < c.Until {
			kept = append(kept, c)
		}
	}
	return kept, goes
}

// since returns the changes of a row that began until a day and last, from the next day on.
func since(changes []Change, last int) (list []Change) {
	past, _ := split(changes, last)
	for _, c := range past {
		if c.Until == 0 || c.Until > last+1 {
			c.Day = last + 1
			list = append(list, c)
		}
	}
	return list
}

// common returns the changes that two rows have in common.
func common(a, b []Change) (list []Change) {
	for _, c := range a {
		if slices.Contains(b, c) {
			list = append(list, c)
		}
	}
	return list
}

func split(changes []Change, last int) (past, future []Change) {
	for _, c := range changes {
		if c.Day > last {
			future = append(future, c)
			continue
		}
		past = append(past, c)
	}
	return past, future
}

// bijection pairs ids that first occur after an exchange: a bank's new id tells nothing.
type bijection struct {
	old     map[string]bool
	to, fro map[string]string
}

func newBijection() *bijection {
	return &bijection{old: make(map[string]bool), to: make(map[string]string), fro: make(map[string]string)}
}

func (m *bijection) keep(a answer) {
	for _, t := range a.rows {
		m.old[t.BankID] = true
	}
}

func (m *bijection) same(x, y string) bool {
	if m.old[x] || m.old[y] {
		return x == y
	}
	tx, okx := m.to[x]
	ty, oky := m.fro[y]
	if !okx && !oky {
		m.to[x], m.fro[y] = y, x
		return true
	}
	return okx && oky && tx == y && ty == x
}

// moved reports whether a row's days changed between two readings although its state did
// not. Of two rows that differ by their days alone, either may be the one that moved.
func (j *judge) moved(at, token int) bool {
	if at >= len(j.answers) {
		return false
	}
	before, now := slices.Index(j.answers[at-1].tokens, token), slices.Index(j.answers[at].tokens, token)
	if before < 0 || now < 0 {
		return false
	}
	t, u := j.answers[at-1].rows[before], j.answers[at].rows[now]
	return t.Status == u.Status && t.Date() != u.Date()
}

// allMoved reports whether booked rows other than two moved by as many days as these are apart:
// in the other world one of them moved with the others.
func (j *judge) allMoved(at, n, a, b int) bool {
	if at >= len(j.answers) || n == 0 {
		return false
	}
	before, now := j.answers[at-1], j.answers[at]
	moved := 0
	for i, token := range before.tokens {
		k := slices.Index(now.tokens, token)
		if k < 0 || token == a || token == b {
			continue
		}
		t, u := before.rows[i], now.rows[k]
		if t.Status != u.Status || t.Status != oxlin.StatusBooked || t.Date().IsZero() || u.Date().IsZero() {
			continue
		}
		if by := u.Date().DaysSince(t.Date()); by == n || by == -n {
			moved++
		}
	}
	return moved >= 2
}

// relieved reports whether a row disappears as another one of its state comes, on a day to which
// it may have moved: an announcement moves by one day at most.
func (j *judge) relieved(at, gone, come int) bool {
	if at >= len(j.answers) {
		return false
	}
	before, now := j.answers[at-1], j.answers[at]
	from, to := slices.Index(before.tokens, gone), slices.Index(now.tokens, come)
	if from < 0 || to < 0 || slices.Contains(now.tokens, gone) || slices.Contains(before.tokens, come) {
		return false
	}
	t, u := before.rows[from], now.rows[to]
	if t.Date().IsZero() || u.Date().IsZero() {
		return false
	}
	if t.Status == oxlin.StatusPending && u.Status == oxlin.StatusBooked && !u.TransactionDate.IsZero() {
		// It was booked as it moved: its day of operation tells.
		apart := u.TransactionDate.DaysSince(t.TransactionDate)
		return -1 <= apart && apart <= 1
	}
	if t.Status != u.Status {
		return false
	}
	most := moves
	if t.Status == oxlin.StatusPending {
		most = 1
	}
	apart := u.Date().DaysSince(t.Date())
	return -most <= apart && apart <= most
}

// moves is how many days a row is seen to move.
const moves = 6

// alike reports whether two worlds give the same answer, in which the two tokens have
// changed places.
func alike(here, there answer, changed bool, a, b int, fresh *bijection) bool {
	if len(here.rows) != len(there.rows) || here.complete != there.complete {
		return false
	}
	// The rows of each token, in a common order.
	collect := func(x answer, swapped bool) map[int][]int {
		rows := make(map[int][]int)
		for i, token := range x.tokens {
			if swapped && token == a {
				token = b
			} else if swapped && token == b {
				token = a
			}
			rows[token] = append(rows[token], i)
		}
		return rows
	}
	left, right := collect(here, false), collect(there, changed)
	if len(left) != len(right) {
		return false
	}
	for token, rows := range left {
		if len(rows) != len(right[token]) {
			return false
		}
		for n, i := range rows {
			t, u := here.rows[i], there.rows[right[token][n]]
			if !fresh.same(t.BankID, u.BankID) {
				return false
			}
			t.BankID, u.BankID = "", ""
			if looksOf(t) != looksOf(u) {
				return false
			}
		}
	}
	return true
}
