package connect

import (
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// point is a balance as a check sees it.
type point struct {
	// rows is the sum of all rows until the day of the balance, offset that sum less the
	// balance.
	rows, offset oxlin.Amount
	// belated are the amounts that rows and balance may have in different places: rows
	// that the balance may not include yet, or no longer; and, negative, those that only
	// the balance includes. The sum of some of them may explain a part of the offset.
	belated []oxlin.Amount
	sums    map[oxlin.Amount]bool
	// guessed are the belated rows of the first reading: nothing but their amounts shows if
	// the balance includes them.
	guessed []oxlin.Amount
	// level is the offset without the belated amounts: it changes only by a gap.
	level oxlin.Amount
	// reason is why the days before the balance cannot be checked; empty if they can.
	reason CheckReason
}

// settled reports whether the offset of a point is its level, or is explained by belated
// rows that a later balance of the same level includes.
func (p point) settled(onwards []point) bool {
	for _, later := range onwards {
		if later.level != p.level {
			return false
		}
		if later.offset == later.level {
			return true
		}
	}
	return false
}

// established reports whether enough balances of a point's level agree with it exactly, so
// that it is no coincidence of belated rows.
func (p point) established(onwards []point) bool {
	exact, explained := 0, 0
	for _, later := range onwards {
		switch {
		case later.level != p.level:
			return 2*exact >= explained
		case later.offset == later.level:
			exact++
		default:
			explained++
		}
	}
	return 2*exact >= explained
}

const (
	// lag is for how many days a balance of the present day may lack rows that the bank
	// lists already: over a weekend, balances rest.
	lag = 3
	// settlement is for how many days a row may be pending before it is booked.
	settlement = 10
	// mostSums limits the sums of a point's belated rows; beyond, they explain any offset.
	mostSums = 512
)

// points computes the offsets of the balances, and the reasons not to check.
func (c Checked) points() []point {
	points := make([]point, len(c.Balances))
	for _, row := range c.Rows {
		home := c.firstFrom(row.Day)
		if home == len(points) || c.constant(row) {
			continue
		}
		counts := row.Status != oxlin.StatusCancelled
		switch {
		case row.Undated:
			// Its day is that of its import, and the balance may include it since the day before.
			mark(points, UndatedRows, home, home+1)
			continue
		case row.Currency != c.Balances[home].Currency:
			mark(points, ForeignCurrency, home, max(home, c.firstReadAfter(row.ImportedAt)))
			continue
		}
		if next := c.firstReadAfter(row.UpdatedAt); counts && home+1 < next && row.ImportedAt.Before(row.UpdatedAt) {
			mark(points, ChangedRows, home, home)
			mark(points, ChangedRows, next-1, next)
		}
		for i := home; i < len(points); i++ {
			p := &points[i]
			if counts {
				p.rows += row.Amount
			}
			switch {
			case !counts && c.Balances[i].Day.Before(row.MissingSince):
				p.belated = append(p.belated, -row.Amount)
			case counts && c.belated(row, home, i):
				p.belated = append(p.belated, row.Amount)
				if i == 0 && row.ImportedAt.Before(c.Balances[1].ReadAt) {
					p.guessed = append(p.guessed, row.Amount)
				}
			}
		}
	}
	for i := range points {
		points[i].offset = points[i].rows - c.Balances[i].Amount
		points[i].sums = sums(points[i].belated)
	}
	c.markUncovered(points)
	return points
}

// constant reports whether every balance includes a row, as it is now.
func (c Checked) constant(row store.CheckedRow) bool {
	second := c.Balances[1].ReadAt
	return row.Day.Before(c.Balances[0].Day) && row.MissingSince.IsZero() && row.ImportedAt.Before(second) && row.UpdatedAt.Before(second)
}

// belated reports whether a balance may lack a row of its day or an earlier one.
func (c Checked) belated(row store.CheckedRow, home, at int) bool {
	b := c.Balances[at]
	late := row.ImportedAt.After(b.ReadAt)
	if at == 0 && row.Day.Before(b.Day) {
		// The first reading imports what its balance includes.
		late = row.ImportedAt.After(c.Balances[1].ReadAt)
	}
	age := b.Day.DaysSince(row.Day)
	switch {
	case !row.MissingSince.IsZero() && !b.Day.Before(row.MissingSince):
		return true // the bank has removed it
	case late:
		return true // booked after the balance was read, or into the past
	case age <= lag && !b.Day.Before(oxlin.DateIn(b.ReadAt, oxlin.Paris)):
		return at > 0 || age == 0
	}
	return at >= home && row.UpdatedAt.After(b.ReadAt) && age <= settlement // pending until then
}

// firstFrom is the first balance of a day or a later one.
func (c Checked) firstFrom(day oxlin.Date) int {
	at, _ := slices.BinarySearchFunc(c.Balances, day, func(b store.DayBalance, d oxlin.Date) int { return b.Day.Compare(d) })
	return at
}

// firstReadAfter is the first balance that was read after an instant.
func (c Checked) firstReadAfter(t time.Time) int {
	at := slices.IndexFunc(c.Balances, func(b store.DayBalance) bool { return b.ReadAt.After(t) })
	if at < 0 {
		return len(c.Balances)
	}
	return at
}

// mark notes why the days before some balances cannot be checked. A reason that leaves a
// result possible gives way to others.
func mark(points []point, reason CheckReason, first, last int) {
	for i := first; i <= last && i < len(points); i++ {
		if points[i].reason == "" || points[i].reason == ChangedRows {
			points[i].reason = reason
		}
	}
}

// markUncovered notes the days that no complete reading covers, those of unreadable rows,
// and those whose balances have different currencies.
func (c Checked) markUncovered(points []point) {
	coverage := c.Account.Coverage
	for i := range points[1:] {
		opening, closing := c.Balances[i], c.Balances[i+1]
		if coverage.LastCompleteAt.Before(closing.ReadAt) || opening.Day.AddDays(1).Before(coverage.Since) {
			mark(points, IncompleteCoverage, i+1, i+1)
		}
		if opening.Currency != closing.Currency {
			mark(points, ForeignCurrency, i+1, i+1)
		}
		for _, record := range c.Unreadable {
			if opening.Day.Before(oxlin.DateIn(record.SeenAt, oxlin.Paris)) && !closing.Day.Before(record.CoveredFrom) {
				mark(points, UnreadableRows, i+1, i+1)
			}
		}
	}
}

// sums returns all sums of some of the amounts, or nil if they are too many.
func sums(amounts []oxlin.Amount) map[oxlin.Amount]bool {
	all := map[oxlin.Amount]bool{0: true}
	for _, amount := range amounts {
		var more []oxlin.Amount
		for sum := range all {
			if !all[sum+amount] {
				more = append(more, sum+amount)
			}
		}
		for _, sum := range more {
			all[sum] = true
		}
		if len(all) > mostSums {
			return nil
		}
	}
	return all
}

// What an explanation costs: a gap more than belated rows for many days, and rows that
// explain everything, or are guessed, more than others.
const (
	costOfGap     = 20
	costOfUnknown = 1 // a change of level on days that cannot be checked
	costOfChanged = 10
	costOfBelated = 1
	costOfAnySum  = 5
	impossible    = 1 << 40
)

// explain is the cost of a level at a point.
func (p point) explain(level oxlin.Amount) int {
	switch {
	case p.offset == level:
		return 0
	case p.sums == nil, len(p.guessed) > 0 && p.sums[p.offset-level]:
		return costOfAnySum
	case p.sums[p.offset-level]:
		return costOfBelated
	}
	return impossible
}

// likeliest sets the levels of the points, so that they change as seldom as possible and
// then leave as little as possible to belated rows. Each level is the offset of some
// point, with or without all of its belated rows.
func likeliest(points []point) {
	var levels []oxlin.Amount
	for _, p := range points {
		all := p.offset
		for _, amount := range p.belated {
			all -= amount
		}
		levels = append(levels, p.offset, all)
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	costs := make([]int, len(levels))
	from := make([][]int, len(points))
	for i, p := range points {
		change := costOfGap
		switch p.reason {
		case "":
		case ChangedRows:
			change = costOfChanged
		default:
			change = costOfUnknown
		}
		from[i] = make([]int, len(levels))
		cheapest := 0
		for l := range levels {
			if costs[l] < costs[cheapest] {
				cheapest = l
			}
		}
		least := costs[cheapest]
		for l, level := range levels {
			from[i][l] = l
			if i > 0 && least+change < costs[l] {
				costs[l], from[i][l] = least+change, cheapest
			}
			costs[l] += p.explain(level)
		}
	}
	at := 0
	for l := range levels {
		if costs[l] < costs[at] {
			at = l
		}
	}
	for i := len(points) - 1; i >= 0; i-- {
		points[i].level = levels[at]
		at = from[i][at]
	}
}
