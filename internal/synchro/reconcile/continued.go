package reconcile

import (
	"fmt"
	"slices"

	"github.com/oxlin/oxlin"
)

// Former is a known account that a list shows no more, as a candidate for one that it shows for
// the first time under the same name, type and currency.
type Former struct {
	Rows []Known
	// From and Until are the first and the last day that all readings of it cover; zero if it
	// never had a row.
	From, Until oxlin.Date
	// Balance is the last one that the bank told; absent if it told none.
	Balance *oxlin.Amount
}

const (
	// fewestCommon is how many booked rows of the same day, amount and words show that two
	// accounts are one.
	fewestCommon = 3
	// mostStrange is the share of rows, one in so many, that only one of them may have, and that
	// another candidate may have in common with the shown account.
	mostStrange = 4
)

// Continued returns the index of the known account that a new one continues, or -1. Its rows
// decide, day, amount and words of the booked ones alone, on the days that both cover: at least
// three are the same, at most a quarter is not, and no other candidate has more than a quarter
// of them. Ids do not count, because such a bank invents them too. An account with fewer rows is
// the same if nothing distinguishes it: all rows and the balance are equal, or the answer has all
// of its rows, and others whose sum is the change of the balance. Of several such
// candidates, which nobody can tell apart, the first is taken. The answer must be whole.
func Continued(candidates []Former, fetched Fetched, balance *oxlin.Amount) int {
	best, equal := -1, false
	all := make([]comparison, len(candidates))
	for i, candidate := range candidates {
		c := compared(candidate, fetched, balance)
		all[i] = c
		isSame := c.common >= fewestCommon && mostStrange*(c.most()-c.common) <= c.most()
		switch {
		case c.equal && !equal, !equal && isSame && (best < 0 || c.common > all[best].common):
			best, equal = i, c.equal
		}
	}
	if best < 0 {
		return byBalance(all)
	}
	for i, c := range all {
		isTwin := equal && c.equal
		if i != best && !isTwin && mostStrange*c.common > all[best].common {
			return -1
		}
	}
	return best
}

// OnlyFormer returns the index of the one candidate that a new account may continue because its
// rows contradict all others, or -1: the answer lacks fewer than three known rows, and none if it
// shows others on their days. alone is set if no other account of the list may continue one of
// them; else a row in common is needed too. It holds at a bank whose ids of accounts change.
func OnlyFormer(candidates []Former, fetched Fetched, alone bool) int {
	only := -1
	for i, candidate := range candidates {
		c := compared(candidate, fetched, nil)
		missing, strange := len(c.known)-c.common, len(c.shown)-c.common
		switch {
		case missing >= fewestCommon || missing > 0 && strange > 0:
			continue
		case only >= 0 || !alone && (c.common == 0 || missing > 0):
			return -1
		}
		only = i
	}
	return only
}

// comparison holds the booked rows of a candidate and of an answer on their common days.
type comparison struct {
	known, shown []string
	common       int
	// equal is set if all rows and the balance are equal, and moved if the answer has all known
	// rows and more, whose sum is the change of the balance.
	equal, moved bool
}

func (c comparison) most() int { return max(len(c.known), len(c.shown)) }

// compared compares a candidate with an answer, on the days that both cover.
func compared(candidate Former, fetched Fetched, balance *oxlin.Amount) comparison {
	from, until := candidate.From, candidate.Until
	if from.Before(fetched.CoveredFrom) {
		from = fetched.CoveredFrom
	}
	if until.IsZero() {
		until = fetched.Today
	}
	rows := held(fetched)
	c := comparison{known: contents(candidate.Rows, from, until), shown: contents(rows, from, until)}
	c.common = inCommon(c.known, c.shown)
	if balance == nil || candidate.Balance == nil {
		return c
	}
	by := *balance - *candidate.Balance
	c.equal = c.common == c.most() && by == 0
	more := total(rows, from, fetched.Today) - total(candidate.Rows, from, until)
	c.moved = len(c.known) > 0 && c.common == len(c.known) && by == more
	return c
}

// total is the sum of the booked rows from a day to another.
func total(rows []Known, from, until oxlin.Date) (sum oxlin.Amount) {
	for _, row := range rows {
		if isBookedWithin(row, from, until) {
			sum += row.Amount
		}
	}
	return sum
}

// byBalance returns the index of the candidate whose rows and balance an answer continues, or -1: the
// one with most rows. Several with as many are taken for one if they have the same.
func byBalance(all []comparison) int {
	best := -1
	for i, c := range all {
		if c.moved && (best < 0 || c.common > all[best].common) {
			best = i
		}
	}
	for _, c := range all {
		if best >= 0 && c.moved && c.common == all[best].common && !slices.Equal(c.known, all[best].known) {
			return -1
		}
	}
	return best
}

// held returns the rows of an answer in their known form.
func held(fetched Fetched) []Known {
	rows := make([]Known, 0, len(fetched.Transactions))
	for _, t := range fetched.Transactions {
		rows = append(rows, Hold(t, "", fetched.Channel))
	}
	return rows
}

// contents returns day, amount and words of the booked rows from a day to another, sorted.
func contents(rows []Known, from, until oxlin.Date) []string {
	var all []string
	for _, row := range rows {
		if isBookedWithin(row, from, until) {
			all = append(all, fmt.Sprint(row.Date, " ", row.Amount, " ", row.Currency, " ", row.Words))
		}
	}
	slices.Sort(all)
	return all
}

func isBookedWithin(row Known, from, until oxlin.Date) bool {
	return row.Status == oxlin.StatusBooked && !row.Date.IsZero() && !row.Date.Before(from) && !until.Before(row.Date)
}

// inCommon counts the elements that two sorted lists have in common, each one once.
func inCommon(a, b []string) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			n++
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return n
}
