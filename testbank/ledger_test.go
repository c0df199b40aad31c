package testbank

import (
	"slices"
	"strings"
	"testing"
)

func bookOf(t *testing.T, text string, anchor, today Day) *book {
	t.Helper()
	f, err := ParseFile("CREDENTIALS|a|b\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	return newBook(customer{Login: "a", Anchor: anchor, file: f}, scenarios{}, today)
}

var sat = NewDay(2026, 11, 21)

func TestRecurrence(t *testing.T) {
	for _, tc := range []struct {
		name, record string
		want         string
	}{
		{"days", "RECURRING|-1|D-30|L|every 15 days", "2026-10-22 2026-11-06 2026-11-21"},
		{"until", "RECURRING|-1|D-30|L|every 15 days|||||||||D-1", "2026-10-22 2026-11-06"},
		{"times", "RECURRING|-1|D-30|L|every 10 days|||||||||2 times", "2026-10-22 2026-11-01"},
		{"month ends", "RECURRING|-1|31/08/26|L|every month", "2026-08-31 2026-09-30 2026-10-31"},
		{"month ends, symbolic", "RECURRING|-1|M-2/31|L|every month", "2026-09-30 2026-10-31"},
		{"years", "RECURRING|-1|29/02/24|L|every year", "2024-02-29 2025-02-28 2026-02-28"},
		{"not yet", "RECURRING|-1|D+1|L|every day", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := bookOf(t, "ACCOUNT|u|1|D|0|Checkings\n"+tc.record+"\n", sat, sat)
			var got []string
			for _, r := range b.rows(b.accounts[0]) {
				got = append(got, r.booked.String())
			}
			slices.Reverse(got)
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}

// TestBalanceFollowsRows: the file fixes the balance of one day; every other
// day's is that plus or minus what was booked between.
func TestBalanceFollowsRows(t *testing.T) {
	const text = "ACCOUNT|u|1|D|100|Checkings\nTRANSACTION|-10|D-5|OLD\nTRANSACTION|-1.50|D+2|SOON\nTRANSACTION|-4|D|HELD|||PMNT/CCRD/POSD|PDNG|+3\nTRANSACTION|-50|D|NEVER||||VOID|+2\n"
	for _, tc := range []struct {
		day              Day
		booked, expected string
		rows             int
	}{
		{sat - 6, "110.00", "110.00", 0},
		{sat - 5, "100.00", "100.00", 1},
		{sat, "100.00", "46.00", 3},
		{sat + 2, "98.50", "94.50", 3},
		{sat + 3, "94.50", "94.50", 3},
	} {
		b := bookOf(t, text, sat, tc.day)
		rows := b.rows(b.accounts[0])
		booked, expected := b.balance(b.accounts[0], rows)
		if booked.String() != tc.booked || expected.String() != tc.expected || len(rows) != tc.rows {
			t.Errorf("%v: booked %v, expected %v, %d rows; want %s, %s, %d", tc.day, booked, expected, len(rows), tc.booked, tc.expected, tc.rows)
		}
	}
}

// TestBalanceDate: the day that the file speaks of may be long ago or to come.
func TestBalanceDate(t *testing.T) {
	for date, want := range map[string]string{"D": "100.00", "": "100.00", "D-3": "98.00", "D-30": "88.00", "D+5": "107.00", "21/11/26": "100.00"} {
		b := bookOf(t, "ACCOUNT|u|1|"+date+"|100|Checkings\nTRANSACTION|-10|D-10|A\nTRANSACTION|-2|D-1|B\nTRANSACTION|-7|D+4|C\nTRANSACTION|-1|D+6|E\n", sat, sat)
		if got, _ := b.balance(b.accounts[0], b.rows(b.accounts[0])); got.String() != want {
			t.Errorf("balance of %q: %v, want %s", date, got, want)
		}
	}
}

// TestDeferredCard: what the card gathers in a month is taken from the current
// account on the debit day, to the cent.
func TestDeferredCard(t *testing.T) {
	const text = "ACCOUNT|card|4970123456781234|D|0|CreditCard\nCARD|4970 XXXX XXXX 1234|u|DEFERRED|end\n" +
		"TRANSACTION|-10.10|03/11/26|A\nTRANSACTION|-20.20|20/11/26|B\nTRANSACTION|-5|02/12/26|C\n" +
		"ACCOUNT|u|1|21/11/26|1000|Checkings\n"
	for _, tc := range []struct {
		day     Day
		due     string // of the card
		account string
		taken   string
	}{
		{sat, "2026-11-30 -30.30", "1000.00", ""},
		{NewDay(2026, 11, 30), "2026-12-31 0.00", "969.70", "-30.30"},
		{NewDay(2026, 12, 5), "2026-12-31 -5.00", "969.70", "-30.30"},
		{NewDay(2026, 12, 31), "2027-01-31 0.00", "964.70", "-5.00"},
	} {
		b := bookOf(t, text, sat, tc.day)
		card, current := b.byUID("card"), b.byUID("u")
		dues := b.outstanding(card, b.rows(card))
		if got := dues[0].on.String() + " " + dues[0].amount.String(); got != tc.due || len(dues) != 1 {
			t.Errorf("%v: due %s, want %s", tc.day, got, tc.due)
		}
		rows := b.rows(current)
		if got, _ := b.balance(current, rows); got.String() != tc.account {
			t.Errorf("%v: account %v, want %s", tc.day, got, tc.account)
		}
		if taken := ""; len(rows) > 0 {
			if taken = rows[0].amount.String(); taken != tc.taken {
				t.Errorf("%v: taken %s, want %s", tc.day, taken, tc.taken)
			}
		}
	}
}

// TestIdentifiersStay: a row keeps its reference while the days pass and while
// the file grows around it, and twins are two.
func TestIdentifiersStay(t *testing.T) {
	const text = "ACCOUNT|u|1|D|0|Checkings\nTRANSACTION|-2.40|D-1|COFFEE\nTRANSACTION|-2.40|D-1|COFFEE\nRECURRING|-1|D-9|X|every 3 days\n"
	ids := func(b *book) []string {
		var list []string
		for _, r := range b.rows(b.accounts[0]) {
			list = append(list, r.id)
		}
		return list
	}
	first := ids(bookOf(t, text, sat, sat))
	slices.Sort(first)
	if n := len(slices.Compact(slices.Clone(first))); n != len(first) {
		t.Errorf("%d references for %d rows", n, len(first))
	}
	longer := strings.Replace(text, "Checkings\n", "Checkings\nTRANSACTION|-7|D-2|NEW AT THE TOP\n", 1)
	later := ids(bookOf(t, longer, sat, sat+30))
	for _, id := range first {
		if !slices.Contains(later, id) {
			t.Errorf("reference %s is lost", id)
		}
	}
}

// TestDefaultFile holds the default file to its promises, on quiet and on
// awkward days.
func TestDefaultFile(t *testing.T) {
	f, err := ParseFile(defaultFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, today := range []Day{sat, NewDay(2026, 3, 1), NewDay(2026, 12, 31), NewDay(2028, 2, 29)} {
		b := newBook(customer{Login: "dev", Anchor: today, file: f}, scenarios{}, today)
		codes, pending := map[string]bool{}, 0
		for _, a := range b.accounts {
			rows := b.rows(a)
			year := 0
			for _, r := range rows {
				codes[r.code] = true
				if r.pending {
					pending++
				} else if r.booked > today-365 {
					year++
				}
				if r.booked > today && !r.pending {
					t.Errorf("%v: %s is of the future", today, r.label)
				}
			}
			if a.Kind == Checkings && year < 100 {
				t.Errorf("%v: %s has %d rows in the last year", today, a.Name, year)
			}
			if a.IBAN != "" && !validIBAN(a.IBAN) {
				t.Errorf("%s: IBAN %s does not add up", a.Name, a.IBAN)
			}
		}
		if pending == 0 {
			t.Errorf("%v: nothing is pending", today)
		}
		for _, code := range []string{
			"PMNT/RCDT/SALA", "PMNT/RDDT/ESDD", "PMNT/CCRD/POSD", "PMNT/CCRD/POSC", "PMNT/CCRD/CWDL", "ACMT/MDOP/CHRG", "ACMT/MCOP/INTR",
			"SECU/CORP/DVCA", "PMNT/ICHQ/CCHQ", "PMNT/RCHQ/CCHQ", "PMNT/CNTR/CDPT", "PMNT/CNTR/CWDL", "PMNT/ICDT/BOOK", "PMNT/ICDT/STDO", "PMNT/ICDT/ESCT", "PMNT/RCDT/ESCT", "LDAS/CSLN/PPAY",
		} {
			if !codes[code] {
				t.Errorf("%v: no row with %s", today, code)
			}
		}
	}
}

func validIBAN(s string) bool {
	n := 0
	for _, c := range s[4:] + s[:4] {
		switch {
		case c >= '0' && c <= '9':
			n = (n*10 + int(c-'0')) % 97
		default:
			n = (n*100 + int(c-'A') + 10) % 97
		}
	}
	return n == 1
}

func TestFrenchIBAN(t *testing.T) {
	if got := frenchIBAN("99987", "00001", "00099000011"); !validIBAN(got) || len(got) != 27 {
		t.Errorf("%s is no IBAN", got)
	}
}
