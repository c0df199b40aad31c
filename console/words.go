package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// instant is a moment as the console writes it; empty for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

func count(n int) string { return strconv.Itoa(n) }

func percent(n int) string { return strconv.Itoa(n) + " %" }

func duration(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return d.Round(10 * time.Millisecond).String()
}

func agreement(c oxlin.Client) string {
	if c.Licensed {
		return "its own"
	}
	return "ours"
}

func acceptance(u oxlin.User) string {
	if u.TermsVersion == "" {
		return "not accepted"
	}
	return u.TermsVersion + ", " + instant(u.TermsAcceptedAt)
}

func consentScope(c oxlin.Consent) string {
	if c.AllAccounts {
		return "all, present and future"
	}
	ids := make([]string, len(c.Accounts))
	for i, id := range c.Accounts {
		ids[i] = id.String()
	}
	return strings.Join(ids, ", ")
}

func presence(s *oxlin.Synchronisation) string {
	if s.PSU != nil {
		return "the user was there"
	}
	return "by itself"
}

func outcome(s *oxlin.Synchronisation) string {
	switch {
	case s.Outcome != "":
		return string(s.Outcome)
	case s.EndedAt.IsZero():
		return string(s.State)
	}
	return "given up for another"
}

// taken is how long a synchronisation took, and what it brought.
func taken(s *oxlin.Synchronisation) string {
	if s.EndedAt.IsZero() {
		return ""
	}
	text := s.EndedAt.Sub(s.StartedAt).Round(10 * time.Millisecond).String()
	if s.Kind == oxlin.SyncAll {
		text += fmt.Sprintf(", %d new", s.NewTransactions)
	}
	return text
}

func anyUsed(list []health) bool { return slices.ContainsFunc(list, health.used) }

// The chart is 1000 wide and 200 high; the browser stretches it.
const (
	chartWidth  = 1000
	chartHeight = 200
	chartMargin = 10
)

// height is where a balance stands in the chart, from the top.
func (c chart) height(balance oxlin.Amount) int {
	least, greatest := c.bounds()
	if least == greatest {
		return chartHeight / 2
	}
	part := float64(greatest-balance) / float64(greatest-least)
	return chartMargin + int(part*(chartHeight-2*chartMargin))
}

// steps draws each balance as long as it stood.
func steps(c chart) string {
	first, last := c.Points[0].Date, c.Points[len(c.Points)-1].Date
	days := max(1, last.DaysSince(first))
	var line strings.Builder
	before := 0
	for i, p := range c.Points {
		x, y := chartWidth*p.Date.DaysSince(first)/days, c.height(p.Balance)
		if i > 0 {
			fmt.Fprintf(&line, "%d,%d ", x, before)
		}
		fmt.Fprintf(&line, "%d,%d ", x, y)
		before = y
	}
	return strings.TrimSpace(line.String())
}

// zeroLine is where nothing is left, if the chart shows it.
func zeroLine(c chart) (string, bool) {
	least, greatest := c.bounds()
	return strconv.Itoa(c.height(0)), least < 0 && greatest > 0
}

func last(c chart) string {
	if len(c.Points) == 0 {
		return "No balance has been read yet."
	}
	return money(c.Points[len(c.Points)-1].Balance, c.Account.Currency)
}

func money(a oxlin.Amount, currency string) string { return a.String() + " " + currency }

// summary says in words what the chart draws.
func summary(c chart) string {
	least, greatest := c.bounds()
	return fmt.Sprintf("From %s to %s: now %s, at least %s, at most %s.", c.Points[0].Date, c.Points[len(c.Points)-1].Date,
		last(c), money(least, c.Account.Currency), money(greatest, c.Account.Currency))
}
