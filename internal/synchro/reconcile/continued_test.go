package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// payment is a booked payment so many days before the last day, of one euro more each day.
func payment(name string, ago int) bank.Transaction {
	return bank.Transaction{
		BankID: fmt.Sprint(name, ago, "new"), Status: oxlin.StatusBooked, Amount: oxlin.Amount(-100_000 * (ago + 1)), Currency: "EUR",
		BookingDate: lastDay.AddDays(-ago), Remittance: []string{"CB " + name},
	}
}

func payments(name string, first, last int) (rows []bank.Transaction) {
	for ago := first; ago <= last; ago++ {
		rows = append(rows, payment(name, ago))
	}
	return rows
}

// lastDay is the day of the answers.
var lastDay = oxlin.NewDate(2026, 11, 28)

// formerOf is a known account with these rows, read yesterday.
func formerOf(balance string, rows ...bank.Transaction) reconcile.Former {
	former := reconcile.Former{From: lastDay.AddDays(-365), Until: lastDay.AddDays(-1), Balance: euros(balance)}
	for _, row := range rows {
		former.Rows = append(former.Rows, reconcile.Hold(row, "old", redirect))
	}
	if len(rows) == 0 {
		former.From, former.Until = oxlin.Date{}, oxlin.Date{}
	}
	return former
}

// euros is an amount; nil for an empty text.
func euros(text string) *oxlin.Amount {
	amount, err := oxlin.ParseAmount(text)
	if err != nil {
		return nil
	}
	return &amount
}

func answerOf(rows ...bank.Transaction) reconcile.Fetched {
	return reconcile.Fetched{Transactions: rows, Channel: redirect, Today: lastDay, CoveredFrom: lastDay.AddDays(-365), Complete: true}
}

func TestAnAccountContinuesTheOneWithItsRows(t *testing.T) {
	salary := payments("SALARY", 1, 1)
	for name, c := range map[string]struct {
		candidates []reconcile.Former
		rows       []bank.Transaction
		balance    string
		want       int
	}{
		"the rows of one":                           {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...), formerOf("2", payments("B", 1, 5)...)}, payments("B", 1, 5), "9", 1},
		"with new rows of today":                    {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...)}, payments("A", 0, 5), "9", 0},
		"with one of five more":                     {[]reconcile.Former{formerOf("1", payments("A", 1, 4)...)}, payments("A", 1, 5), "9", 0},
		"with two of six more":                      {[]reconcile.Former{formerOf("1", payments("A", 1, 4)...)}, payments("A", 1, 6), "9", -1},
		"two of three":                              {[]reconcile.Former{formerOf("1", payments("A", 1, 3)...)}, payments("A", 2, 3), "9", -1},
		"of which one is pending":                   {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...)}, append(payments("A", 1, 5), bank.Transaction{Status: oxlin.StatusPending, Amount: 1, BookingDate: lastDay}), "9", 0},
		"other words":                               {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...)}, payments("B", 1, 5), "1", -1},
		"two candidates have them":                  {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...), formerOf("2", payments("A", 1, 5)...)}, payments("A", 1, 5), "9", -1},
		"another has two of five":                   {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...), formerOf("2", payments("A", 1, 2)...)}, payments("A", 1, 5), "9", -1},
		"another has one of five":                   {[]reconcile.Former{formerOf("1", append(payments("A", 1, 5), salary...)...), formerOf("2", salary...)}, append(payments("A", 1, 5), salary...), "9", 0},
		"two rows, and the balance":                 {[]reconcile.Former{formerOf("1", payments("A", 1, 2)...), formerOf("2", payments("B", 1, 2)...)}, payments("B", 1, 2), "2", 1},
		"two rows, and another balance":             {[]reconcile.Former{formerOf("1", payments("A", 1, 2)...)}, payments("A", 1, 2), "2", -1},
		"two rows, and no balance":                  {[]reconcile.Former{formerOf("", payments("A", 1, 2)...)}, payments("A", 1, 2), "", -1},
		"two rows, and one that moves the balance":  {[]reconcile.Former{formerOf("10", payments("A", 1, 2)...)}, payments("A", 0, 2), "9", 0},
		"one of the day of the other row":           {[]reconcile.Former{formerOf("10", payments("A", 1, 1)...)}, append(payments("A", 1, 1), payments("B", 1, 1)...), "8", 0},
		"a row, and more than the balance moves by": {[]reconcile.Former{formerOf("10", payments("A", 1, 1)...)}, payments("A", 0, 1), "8", -1},
		"one of twins with a balance of their own":  {[]reconcile.Former{formerOf("10", payments("A", 1, 1)...), formerOf("20", payments("A", 1, 1)...)}, payments("A", 0, 1), "19", 1},
		"one of two twins":                          {[]reconcile.Former{formerOf("10", payments("A", 1, 1)...), formerOf("10", payments("A", 1, 1)...)}, payments("A", 0, 1), "9", 0},
		"two that may have become one":              {[]reconcile.Former{formerOf("10", payment("A", 1)), formerOf("10", payment("B", 1))}, []bank.Transaction{payment("A", 1), payment("B", 1)}, "8", -1},
		"one of two rows, and the balance":          {[]reconcile.Former{formerOf("1", payments("A", 1, 2)...)}, payments("A", 1, 1), "1", -1},
		"no rows, and the balance":                  {[]reconcile.Former{formerOf("5"), formerOf("0")}, nil, "0", 1},
		"no rows, and another balance":              {[]reconcile.Former{formerOf("5")}, nil, "0", -1},
		"no rows where there were some":             {[]reconcile.Former{formerOf("0", payments("A", 1, 1)...)}, nil, "0", -1},
		"a first row":                               {[]reconcile.Former{formerOf("0")}, payments("A", 0, 0), "0", -1},
		"one of two that nobody tells apart":        {[]reconcile.Former{formerOf("1", payments("A", 1, 5)...), formerOf("1", payments("A", 1, 5)...)}, payments("A", 1, 5), "1", 0},
		"one of two empty ones":                     {[]reconcile.Former{formerOf("0"), formerOf("0")}, nil, "0", 0},
		"nothing to continue":                       {nil, payments("A", 1, 5), "1", -1},
		"rows from before the answer are out":       {[]reconcile.Former{formerOf("1", append(payments("A", 1, 5), payments("A", 400, 420)...)...)}, payments("A", 1, 5), "9", 0},
	} {
		if got := reconcile.Continued(c.candidates, answerOf(c.rows...), euros(c.balance)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// Where the ids of accounts change, an account with few rows is the one that the list lacks if
// the rows contradict every other. Another new account that is not read yet asks for a row in
// common.
func TestTheOnlyAccountThatIsLeft(t *testing.T) {
	many := formerOf("1", payments("A", 1, 5)...)
	for name, c := range map[string]struct {
		candidates      []reconcile.Former
		rows            []bank.Transaction
		alone, notAlone int
	}{
		"its row":                   {[]reconcile.Former{formerOf("1", payment("B", 1))}, payments("B", 1, 1), 0, 0},
		"its row beside many":       {[]reconcile.Former{many, formerOf("1", payment("B", 1))}, payments("B", 1, 1), 1, 1},
		"its row, and others":       {[]reconcile.Former{formerOf("1", payment("B", 1))}, payments("B", 0, 6), 0, 0},
		"no row of two":             {[]reconcile.Former{many, formerOf("1", payments("B", 1, 2)...)}, nil, 1, -1},
		"no row of three":           {[]reconcile.Former{formerOf("1", payments("B", 1, 3)...)}, nil, -1, -1},
		"a row in place of another": {[]reconcile.Former{formerOf("1", payment("B", 1))}, payments("C", 1, 1), -1, -1},
		"a first row":               {[]reconcile.Former{formerOf("1")}, payments("C", 1, 1), 0, -1},
		"the same row at two":       {[]reconcile.Former{formerOf("1", payment("B", 1)), formerOf("2", payment("B", 1))}, payments("B", 1, 1), -1, -1},
		"its row, and one without":  {[]reconcile.Former{formerOf("1", payment("B", 1)), formerOf("2")}, payments("B", 1, 1), -1, -1},
		"none":                      {nil, payments("B", 1, 1), -1, -1},
	} {
		for alone, want := range map[bool]int{true: c.alone, false: c.notAlone} {
			if got := reconcile.OnlyFormer(c.candidates, answerOf(c.rows...), alone); got != want {
				t.Errorf("%s, alone is %t: %d, want %d", name, alone, got, want)
			}
		}
	}
}

// Accounts of different rows are never one, whatever few rows they share; an account with rows
// enough is found among any number of others, whatever their order.
func TestAContinuedAccountIsFoundAmongOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "candidates")
		var candidates []reconcile.Former
		for i := range n {
			candidates = append(candidates, formerOf(fmt.Sprint(i+1), payments(fmt.Sprint("SHOP", i), 1, rapid.IntRange(3, 12).Draw(t, "rows"))...))
		}
		which := rapid.IntRange(-1, n-1).Draw(t, "which")
		rows := payments("ANOTHER", 1, rapid.IntRange(0, 12).Draw(t, "other rows"))
		if which >= 0 {
			rows = payments(fmt.Sprint("SHOP", which), 0, len(candidates[which].Rows))
		}
		rows = rapid.Permutation(rows).Draw(t, "order")
		if got := reconcile.Continued(candidates, answerOf(rows...), euros("99")); got != which {
			t.Fatalf("%d, want %d", got, which)
		}
		slices.Reverse(candidates)
		if which >= 0 {
			which = n - 1 - which
		}
		if got := reconcile.Continued(candidates, answerOf(rows...), euros("99")); got != which {
			t.Fatalf("reversed: %d, want %d", got, which)
		}
	})
}
