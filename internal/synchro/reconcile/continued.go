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
// the same if nothing distinguishes it: all rows and the balance are equal. Of several such
// candidates, which nobody can tell apart, the first is taken. The answer must be whole.
func Continued(candidates []Former, fetched Fetched, balance *oxlin.Amount) int {
	best, equal := -1, false
	common, equals := make([]int, len(candidates)), make([]bool, len(candidates))
	for i, candidate := range candidates {
		from, until := candidate.From, candidate.Until
		if from.Before(fetched.CoveredFrom) {
			from = fetched.CoveredFrom
		}
		if until.IsZero() {
			until = fetched.Today
		}
		known, shown := contents(candidate.Rows, from, until), contents(held(fetched), from, until)
		common[i] = inCommon(known, shown)
		most := max(len(known), len(shown))
		equals[i] = common[i] == most && balance != nil && candidate.Balance != nil && *balance == *candidate.Balance
		isSame := common[i] >= fewestCommon && mostStrange*(most-common[i]) <= most
		switch {
		case equals[i] && !equal, !equal && isSame && (best < 0 || common[i] > common[best]):
			best, equal = i, equals[i]
		}
	}
	for i := range candidates {
		isTwin := equal && equals[i]
		if best >= 0 && i != best && !isTwin && mostStrange*common[i] > common[best] {
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
		if row.Status == oxlin.StatusBooked && !row.Date.IsZero() && !row.Date.Before(from) && !until.Before(row.Date) {
			all = append(all, fmt.Sprint(row.Date, " ", row.Amount, " ", row.Currency, " ", row.Words))
		}
	}
	slices.Sort(all)
	return all
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
