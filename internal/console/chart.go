package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

const (
	// chartDays is the number of days that a chart covers.
	chartDays = 365
	// The chart's units; the browser stretches them.
	chartWidth  = 1000
	chartHeight = 200
	chartMargin = 10
)

var chartView = fmt.Sprintf("0 0 %d %d", chartWidth, chartHeight)

// chart is the balance of an account at the end of each day.
type chart struct {
	Account oxlin.Account
	// Points are the days on which the balance changed, the oldest first, and the day
	// on which it was read. A card has only that day: it is settled on another account,
	// without a booking on its own.
	Points []point
	// Reasons counts the unreadable rows by the part that cannot be read.
	Reasons map[string]int
	// Check compares the bank's balances with the transactions.
	Check connect.BalanceCheck
}

type point struct {
	Date    oxlin.Date
	Balance oxlin.Amount
}

// chart computes an account's balance backwards, from the day on which it was read, out
// of the transactions booked until then. Pending transactions count only for that day,
// and only if the balance includes them.
func (c *Console) chart(r *http.Request, account oxlin.Account) (chart, error) {
	drawn := chart{Account: account}
	balance, ok := account.ShownBalance()
	if !ok {
		return drawn, nil
	}
	today := oxlin.DateIn(account.BalanceAt, oxlin.Paris)
	drawn.Points = []point{{today, balance}}
	if account.Type == oxlin.AccountCreditCard {
		return drawn, nil
	}
	bookings, err := c.options.DB.Read().Bookings(r.Context(), account.ID, today.AddDays(-chartDays))
	if err != nil {
		return drawn, err
	}
	day := today
	for _, booking := range bookings {
		if booking.Status == oxlin.StatusPending && account.BalanceExpected {
			balance -= booking.Amount
		}
	}
	for _, booking := range bookings {
		if booking.Status == oxlin.StatusPending || today.Before(booking.Date) {
			continue // no booked balance includes it yet
		}
		if booking.Date.Before(day) {
			day = booking.Date
			drawn.Points = append(drawn.Points, point{day, balance})
		}
		balance -= booking.Amount
	}
	slices.Reverse(drawn.Points)
	return drawn, nil
}

// bounds returns the least and the greatest balance.
func (c chart) bounds() (least, greatest oxlin.Amount) {
	by := func(a, b point) int { return cmp.Compare(a.Balance, b.Balance) }
	return slices.MinFunc(c.Points, by).Balance, slices.MaxFunc(c.Points, by).Balance
}

// height returns the distance of a balance from the top of the chart.
func (c chart) height(balance oxlin.Amount) int {
	least, greatest := c.bounds()
	if least == greatest {
		return chartHeight / 2
	}
	part := float64(greatest-balance) / float64(greatest-least)
	return chartMargin + int(part*(chartHeight-2*chartMargin))
}

// line returns the polyline of the chart. A balance is drawn level until it changes.
func (c chart) line() string {
	first := c.Points[0].Date
	days := c.Points[len(c.Points)-1].Date.DaysSince(first)
	var line strings.Builder
	for i, p := range c.Points {
		x, y := chartWidth*p.Date.DaysSince(first)/days, c.height(p.Balance)
		if i > 0 {
			fmt.Fprintf(&line, " %d,%d ", x, c.height(c.Points[i-1].Balance))
		}
		fmt.Fprintf(&line, "%d,%d", x, y)
	}
	return line.String()
}

// zero returns the height of a zero balance, and reports whether the chart includes it.
func (c chart) zero() (string, bool) {
	least, greatest := c.bounds()
	return strconv.Itoa(c.height(0)), least < 0 && greatest > 0
}

// now returns a sentence about the latest balance.
func (c chart) now() string {
	if len(c.Points) == 0 {
		return "No balance has been read yet."
	}
	last := c.Points[len(c.Points)-1]
	return money(last.Balance, c.Account.Currency) + " on " + last.Date.String() + "."
}

// summary returns the chart's content as a text, for readers who cannot see it.
func (c chart) summary() string {
	least, greatest := c.bounds()
	return fmt.Sprintf("%s Since %s: lowest %s, highest %s.", c.now(), c.Points[0].Date,
		money(least, c.Account.Currency), money(greatest, c.Account.Currency))
}

// money formats an amount with at least two decimals.
func money(a oxlin.Amount, currency string) string {
	whole, decimals, _ := strings.Cut(a.String(), ".")
	for len(decimals) < 2 {
		decimals += "0"
	}
	return whole + "." + decimals + " " + currency
}
