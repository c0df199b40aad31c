package testbank

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// sample is a file as the public generator writes it: nothing of ours in it.
const sample = `CREDENTIALS|jo|secret
CREDENTIALS_OWNER|JO DOE

ACCOUNT|AbC123xYz789|00012345678|15/11/26|1250.5|Checkings||true|JO DOE|MAIN|||FR7630006000011234567890189|EUR
TRANSACTION|-12.34|14/11/26|SHOP
TRANSACTION|100|15/11/26|GIFT|for you|REF-1

ACCOUNT|Sav000000001|2|15/11/26|10|Savings|.*|false||POT||||EUR
ACCOUNT|Unk000000001|3|15/11/26|0|unknown||||THING
`

func TestParseFile(t *testing.T) {
	f, err := ParseFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	if f.Login != "jo" || f.Password != "secret" || f.OwnerName != "JO DOE" || len(f.Accounts) != 3 {
		t.Fatalf("got %+v", f)
	}
	a := f.Accounts[0]
	if a.UID != "AbC123xYz789" || a.Balance.String() != "1250.50" || a.Kind != Checkings || !a.MatchExisting || a.Currency != "EUR" || len(a.Entries) != 2 {
		t.Errorf("account: %+v", a)
	}
	e := a.Entries[1]
	if e.Memo != "for you" || e.Reference != "REF-1" || e.Amounts[0] != 100*unit || e.Date.On(0) != NewDay(2026, 11, 15) {
		t.Errorf("entry: %+v", e)
	}
	if f.Accounts[2].Kind != "unknown" {
		t.Errorf("kind %q is not kept", f.Accounts[2].Kind)
	}
}

func TestParseFileTolerates(t *testing.T) {
	const head = "CREDENTIALS|a|b\n"
	for name, text := range map[string]string{
		"unknown records":    head + "# a remark\nWHATEVER|1|2\n",
		"longer lines":       "CREDENTIALS|a|b|c|d\nACCOUNT|u|1|01/01/26|0|Checkings|||||||| |x|y|z\nTRANSACTION|1|01/01/26|L|m|r||||||||more\n",
		"blank lines":        "\n\n" + head + "\n\r\n",
		"Windows ends":       "CREDENTIALS|a|b\r\nACCOUNT|u|1|01/01/26|0|Checkings\r\n",
		"a mark at the top":  "\ufeff" + head,
		"old encodings":      head + "ACCOUNT|u|1|01/01/26|0|Checkings||||CAF\xc9\n",
		"an empty balance":   head + "ACCOUNT|u|1|||Checkings\n",
		"four-digit years":   head + "ACCOUNT|u|1|01/01/2026|0|Checkings\n",
		"an IBAN with gaps":  head + "ACCOUNT|u|1|||Checkings|||||||FR76 3000 6000 0112 3456 7890 189|EUR\n",
		"symbolic dates":     head + "ACCOUNT|u|1|D|0|Checkings\nTRANSACTION|1|D-3|L\nTRANSACTION|1|D+3|L\nTRANSACTION|1|M-12/31|L\nTRANSACTION|1|M/1|L\n",
		"recurrences":        head + "ACCOUNT|u|1|D|0|Checkings\nRECURRING|1|D|L|every 15 days\nRECURRING|1/2|D|L|every month|||||||||12 times\nRECURRING|1|D|L|Every 2 Weeks\n",
		"a pipe in password": "CREDENTIALS|a|\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseFile(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseFileNamesTheLine(t *testing.T) {
	const head = "CREDENTIALS|a|b\nACCOUNT|u|1|01/01/26|0|Checkings\n"
	for _, tc := range []struct {
		name, text, want string
	}{
		{"amount", head + "TRANSACTION|12,50|01/01/26|L", "line 3: TRANSACTION: amount"},
		{"no amount", head + "TRANSACTION||01/01/26|L", "line 3: TRANSACTION: amount"},
		{"date", head + "\nTRANSACTION|1|31/02/26|L", "line 4: TRANSACTION: date"},
		{"no date", head + "TRANSACTION|1||L", "line 3: TRANSACTION: date is missing"},
		{"later than nothing", head + "TRANSACTION|1|+2|L", "line 3: TRANSACTION: date"},
		{"row without account", "CREDENTIALS|a|b\nTRANSACTION|1|01/01/26|L", "line 2: TRANSACTION: no ACCOUNT"},
		{"same uid twice", head + "ACCOUNT|u|2|||Checkings", "line 3: ACCOUNT: account_uid"},
		{"no uid", "CREDENTIALS|a|b\nACCOUNT||2|||Checkings", "line 2: ACCOUNT: account_uid is missing"},
		{"balance", "CREDENTIALS|a|b\nACCOUNT|u|2||x|Checkings", "line 2: ACCOUNT: amount"},
		{"frequency", head + "RECURRING|1|D|L|sometimes", "line 3: RECURRING: \"sometimes\""},
		{"never", head + "RECURRING|1|D|L|every 0 days", "line 3: RECURRING"},
		{"no credentials", "ACCOUNT|u|2|||Checkings", "no CREDENTIALS"},
		{"empty", "", "no CREDENTIALS"},
		{"too large", strings.Repeat("x", maxFileSize+1), "larger than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseFile(tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			var line *LineError
			if strings.HasPrefix(tc.want, "line") && !errors.As(err, &line) {
				t.Errorf("%T is no *LineError", err)
			}
		})
	}
}

// TestAWrongOptionalColumnIsIgnored: it counts as empty, and its line stays.
func TestAWrongOptionalColumnIsIgnored(t *testing.T) {
	const head = "CREDENTIALS|a|b\n"
	const account = head + "ACCOUNT|u|1|D|5|"
	for name, pair := range map[string][2]string{ // a wrong column, and the same without it
		"currency":            {account + "Checkings||||||||euro", account + "Checkings"},
		"iban":                {account + "Checkings|||||||none at all", account + "Checkings"},
		"balance date":        {head + "ACCOUNT|u|1|yesterday|5|Checkings", head + "ACCOUNT|u|1||5|Checkings"},
		"usage":               {account + "Checkings\nDETAILS|BUSINESS|p", account + "Checkings\nDETAILS||p"},
		"bic and overdraft":   {account + "Checkings\nDETAILS|PRIV|||||nobic|much", account + "Checkings\nDETAILS|PRIV"},
		"debit":               {account + "CreditCard\nCARD|4970|x|SOMETIMES|5", account + "CreditCard\nCARD|4970|x||5"},
		"day of the debit":    {account + "CreditCard\nCARD|4970|x|DEFERRED|32", account + "CreditCard\nCARD|4970|x|DEFERRED|end"},
		"no day of the debit": {account + "CreditCard\nCARD|4970|x|DEFERRED|soon", account + "CreditCard\nCARD|4970|x|DEFERRED"},
		"a loan's numbers":    {account + "Loans\nLOAN|lots|2,5|31/02/26|never|some|x|many", account + "Loans\nLOAN||2,5"},
		"ceiling":             {account + "Savings\nSAVINGS|p|r|high", account + "Savings\nSAVINGS|p|r"},
		"code":                {account + "Checkings\nTRANSACTION|1|D|L|||card", account + "Checkings\nTRANSACTION|1|D|L"},
		"status":              {account + "Checkings\nTRANSACTION|1|D|L||||MAYBE", account + "Checkings\nTRANSACTION|1|D|L"},
		"the days of a row":   {account + "Checkings\nTRANSACTION|1|D|L|||||32/01/26|x", account + "Checkings\nTRANSACTION|1|D|L"},
		"merchant":            {account + "Checkings\nTRANSACTION|1|D|L|||||||12", account + "Checkings\nTRANSACTION|1|D|L"},
		"the end":             {account + "Checkings\nRECURRING|1|D|L|every month|||||||||few times", account + "Checkings\nRECURRING|1|D|L|every month"},
		"title":               {head + "OWNER|DR|A|B", head + "OWNER||A|B"},
		"birth":               {head + "OWNER|MADM|A|B|in spring", head + "OWNER|MADM|A|B"},
	} {
		wrong, err := ParseFile(pair[0])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		without, err := ParseFile(pair[1])
		if err != nil || !reflect.DeepEqual(wrong, without) {
			t.Errorf("%s: %+v, want %+v, %v", name, wrong, without, err)
		}
	}
}

func TestNumbersAreRounded(t *testing.T) {
	for _, row := range []struct{ currency, in, want string }{
		{"", "1.123456", "1.12"}, {"EUR", "1.125", "1.13"}, {"EUR", "-1.125", "-1.13"}, {"EUR", "1.1249999999", "1.12"}, {"EUR", "0.004", "0.00"},
		{"EUR", "-0.005", "-0.01"}, {"EUR", "9.999", "10.00"}, {"JPY", "1250.5", "1251.00"}, {"JPY", "1250", "1250.00"}, {"KWD", "1.2345", "1.235"},
		{"EUR", "999999999.999", "1000000000.00"}, {"XXX", "1.005", "1.01"}, {"EUR", "1.1000000000000000055511151231257827", "1.10"},
	} {
		f, err := ParseFile("CREDENTIALS|a|b\nACCOUNT|u|1|D|" + row.in + "|Checkings||||||||" + row.currency + "\nTRANSACTION|" + row.in + "|D|L\n")
		if err != nil {
			t.Errorf("%s %s: %v", row.in, row.currency, err)
			continue
		}
		if a := f.Accounts[0]; a.Balance.String() != row.want || a.Entries[0].Amounts[0].String() != row.want {
			t.Errorf("%s %s: %s and %s, want %s", row.in, row.currency, a.Balance, a.Entries[0].Amounts[0], row.want)
		}
	}
}

func TestAnOwnerIsBornInAnyYear(t *testing.T) {
	for in, want := range map[string]string{
		"21/11/1880": "21/11/1880", "01/01/0999": "01/01/0999", "29/02/2024": "29/02/2024", "31/12/1969": "31/12/1969", "05/06/2350": "05/06/2350",
		"21/11/80": "21/11/1980", "21/11/45": "21/11/1945", "21/11/05": "21/11/2005", "01/01/30": "01/01/1930", "": "", "D-3": "",
	} {
		f, err := ParseFile("CREDENTIALS|a|b\nOWNER|MADM|A|B|" + in + "\n")
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := ""
		if born := f.Owner.BirthDate; !born.IsZero() {
			got = born.On(0).French()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzParseFile: whatever a customer brings, the bank neither panics nor
// invents money: balance and rows agree on any two days.
func FuzzParseFile(f *testing.F) {
	f.Add(sample)
	f.Add("CREDENTIALS|a|b\nACCOUNT|u|1|D|5|Checkings\nRECURRING|1/2/-3|M-3/31|{n} {month}|every month|||PMNT/CCRD/POSD|PDNG|+2\n")
	f.Add("CREDENTIALS|a|b\nACCOUNT|c|1|D|5|CreditCard\nCARD|4970|u|DEFERRED|15\nTRANSACTION|-1|D-1|X\nACCOUNT|u|1|D|5|Checkings\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := ParseFile(text)
		if err != nil {
			return
		}
		today := NewDay(2026, 11, 21)
		c := customer{Login: "x", Anchor: today, file: file}
		for _, a := range file.Accounts {
			if len(a.Entries) > 20 {
				return
			}
			b := newBook(c, scenarios{}, today)
			rows := b.rows(a)
			booked, _ := b.balance(a, rows)
			if a.Card != nil || b.steps > maxSteps/2 {
				continue
			}
			later := newBook(c, scenarios{}, today+10)
			after := later.rows(a)
			want := booked
			for _, r := range after {
				if !r.pending && r.entered > today {
					want += r.amount
				}
			}
			if got, _ := later.balance(a, after); got != want && len(after) < maxRows {
				t.Errorf("balance %v, want %v", got, want)
			}
		}
	})
}

func TestParseAmount(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0.00", "-0.5": "-0.50", "12": "12.00", "+3.1": "3.10", "1234.56789": "1234.56789", "-7.": "-7.00", " 4.20 ": "4.20", "999999999.99": "999999999.99",
	} {
		if a, err := ParseAmount(in); err != nil || a.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, a, err, want)
		}
	}
	for _, in := range []string{"", "-", ".5", "1,5", "1.2.3", "abc", "--1", "1e3", "1234567890", "0x1"} {
		if a, err := ParseAmount(in); err == nil {
			t.Errorf("%q became %v", in, a)
		}
	}
}

func TestParseInstant(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-21":                "2026-11-21",
		"2026-11-20T23:00:00Z":      "2026-11-21", // midnight in Paris
		"2026-11-20T22:59:59Z":      "2026-11-20",
		"2026-06-30T22:00:00.000Z":  "2026-07-01", // summer time
		"2026-11-21T00:00:00+0100":  "2026-11-21",
		"2026-11-21T00:00:00+01:00": "2026-11-21",
		"2026-11-21T00:00:00":       "2026-11-21",
	} {
		if d, err := parseInstant(in); err != nil || d.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, d, err, want)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-13-01", "21/11/26"} {
		if d, err := parseInstant(in); err == nil {
			t.Errorf("%q became %v", in, d)
		}
	}
}
