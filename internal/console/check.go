package console

import (
	"fmt"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// checkHeight is the height of the strip below a chart.
const checkHeight = 12

var checkView = fmt.Sprintf("0 0 %d %d", chartWidth, checkHeight)

// checkReasons are the operator's words for the reasons of an unknown result.
var checkReasons = map[connect.CheckReason]string{
	connect.NoBalance:          "fewer than two days have a booked balance",
	connect.PendingIncluded:    "the bank's balance includes pending transactions",
	connect.IsCard:             "a card is settled on another account",
	connect.IncompleteCoverage: "no complete reading covers the days",
	connect.UnreadableRows:     "transactions cannot be read",
	connect.ForeignCurrency:    "another currency",
	connect.UndatedRows:        "transactions have no day",
	connect.ChangedRows:        "transactions changed after a balance",
	connect.Unsettled:          "the next readings may explain a difference",
}

// checkedRun is a run of neighbouring days with one result.
type checkedRun struct {
	From, To oxlin.Date
	Status   connect.CheckStatus
	// Words are the result as a text.
	Words string
}

// runs joins the days of a chart's check that have the same result, the newest first.
// Gaps are not joined: each has its amount.
func (c chart) runs() []checkedRun {
	var runs []checkedRun
	for _, d := range c.Check.Days {
		words := "balances and transactions agree"
		switch d.Status {
		case connect.CheckGap:
			words = "the transactions lack " + money(*d.Gap, c.Account.Currency)
		case connect.CheckUnknown:
			words = checkReasons[d.Reason]
		}
		if last := len(runs) - 1; last >= 0 && d.Status != connect.CheckGap && runs[last].Words == words {
			runs[last].To = d.To
			continue
		}
		runs = append(runs, checkedRun{d.From, d.To, d.Status, words})
	}
	slices.Reverse(runs)
	return runs
}

// result returns a sentence about the check.
func (c chart) result() string {
	switch {
	case c.Check.Status == connect.CheckGap:
		return "Check of balances: gap, the transactions lack " + money(*c.Check.Gap, c.Account.Currency) + "."
	case c.Check.Status == connect.CheckUnknown:
		return "Check of balances: unknown, " + checkReasons[c.Check.Reason] + "."
	}
	return "Check of balances: ok."
}

// bar is a run on the strip. Its height shows the result without colour.
type bar struct{ X, Y, Width, Height int }

// bar places a run below the days of the chart, or on the checked days if the chart has
// no line.
func (c chart) bar(run checkedRun) bar {
	days := c.Check.Days
	first, last := days[0].From, days[len(days)-1].To
	if len(c.Points) > 1 {
		first, last = c.Points[0].Date, c.Points[len(c.Points)-1].Date
	}
	place := func(day oxlin.Date) int {
		return min(max(0, chartWidth*day.DaysSince(first)/max(1, last.DaysSince(first))), chartWidth)
	}
	height := map[connect.CheckStatus]int{connect.CheckOK: checkHeight / 4, connect.CheckUnknown: checkHeight / 2, connect.CheckGap: checkHeight}[run.Status]
	from := place(run.From)
	return bar{from, checkHeight - height, place(run.To) - from, height}
}
