package website_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/website"
)

func TestFrenchAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1 234,56 €":             "1234.56 EUR",
		"1\u202f234,56\u00a0€":   "1234.56 EUR",
		"1\u00a0234\u00a0567,8":  "1234567.8",
		"1.234,56 EUR":           "1234.56 EUR",
		"1'234,50 CHF":           "1234.5 CHF",
		"−54,20 €":               "-54.2 EUR",
		"- 54,20 €":              "-54.2 EUR",
		"-\u00a054,20\u00a0€":    "-54.2 EUR",
		"–54,20":                 "-54.2",
		"54,20-":                 "-54.2",
		"54,20 € -":              "-54.2 EUR",
		"(54,20 €)":              "-54.2 EUR",
		"€ -54,20":               "-54.2 EUR",
		"54,20 D":                "-54.2",
		"54,20 C":                "54.2",
		"+2 487,63 €":            "2487.63 EUR",
		"0,00 €":                 "0 EUR",
		"-0,00 €":                "0 EUR",
		"12":                     "12",
		"1.234":                  "1234",
		"0,12345":                "0.12345",
		"USD 12,00":              "12 USD",
		"1234567,89 £":           "1234567.89 GBP",
		" \n\t3 282,37 €\n ":     "3282.37 EUR",
		"9 999 999 999 999,99 €": "9999999999999.99 EUR",
	} {
		check(t, website.French, text, want)
	}
	for _, text := range []string{
		"", " ", "€", "-", "--1", "-1-", "-(1)", "- -54,20", "1,", ",5", "1,2,3", "12.50", "1 23,00", "1234 567,00", "1 234.567,00", "0x10", "1e3", "١٢", "12 €€",
		"12 € EUR", "12,123456", "99999999999999999,00", "1 234,5 6", "abc", "12 eur", "NaN", "Inf", strings.Repeat("1", 100), "12\x00", "\xff12", "()", "12 DC",
	} {
		amount, currency, err := website.French.Amount(text)
		if err == nil {
			t.Errorf("%q is read as %v %s", text, amount, currency)
		}
	}
}

func TestEnglishAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1,234.56 CR": "1234.56", "1,234.56 DR": "-1234.56", "EUR 5,240.88 CR": "5240.88 EUR", "EUR 6,798.40 DR": "-6798.4 EUR",
		"£1,234,567.89": "1234567.89 GBP", "-£12.00": "-12 GBP", "£-12.00": "-12 GBP", "(12.00)": "-12", "12": "12", "$0.05": "0.05 USD",
	} {
		check(t, website.English, text, want)
	}
	for _, text := range []string{"1 234.56", "1.234,56", "12,50", "-12.00 DR", "12.00CR", "12.00 CR DR", "1,23.00", "DR", "12."} {
		amount, currency, err := website.English.Amount(text)
		if err == nil {
			t.Errorf("%q is read as %v %s", text, amount, currency)
		}
	}
}

func check(t *testing.T, notation website.Notation, text, want string) {
	t.Helper()
	amount, currency, err := notation.Amount(text)
	got := strings.TrimSpace(amount.String() + " " + currency)
	if err != nil || got != want {
		t.Errorf("%q is read as %q (%v), want %q", text, got, err, want)
	}
}

func TestDates(t *testing.T) {
	day := oxlin.NewDate(2026, time.November, 21)
	first := oxlin.NewDate(2026, time.December, 1)
	leap := oxlin.NewDate(1988, time.February, 29)
	for text, want := range map[string]oxlin.Date{
		"21 nov. 2026": day, "21/11/2026": day, "21.11.2026": day, "21-11-26": day, "2026-11-21": day, "21\u00a0novembre\u00a02026": day, "21 NOV 2026": day,
		"1er déc. 2026": first, "1er decembre 2026": first, "1 déc 2026": first, "01/12/26": first, "29 févr. 1988": leap, "29 fév 1988": leap,
		"5 août 2026": oxlin.NewDate(2026, time.August, 5), "5 juil. 2026": oxlin.NewDate(2026, time.July, 5), "5 juin 2026": oxlin.NewDate(2026, time.June, 5),
		"5 mars 2026": oxlin.NewDate(2026, time.March, 5), "5 mai 2026": oxlin.NewDate(2026, time.May, 5),
	} {
		got, err := website.French.Date(text)
		if err != nil || got != want {
			t.Errorf("%q is read as %q (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]oxlin.Date{
		"21 Nov 2026": day, "21 November 2026": day, "2026-11-21": day, "1 Dec 2026": first, "29 Feb 1988": leap, "5 May 2026": oxlin.NewDate(2026, time.May, 5),
		"5 Jun 2026": oxlin.NewDate(2026, time.June, 5), "21/11/2026": day,
	} {
		got, err := website.English.Date(text)
		if err != nil || got != want {
			t.Errorf("%q is read as %q (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "21", "21/11", "31/04/2026", "29 févr. 2026", "0/11/2026", "21/13/2026", "21/0/2026", "21/11/126", "21/11/0026", "21 jui 2026", "21 no 2026",
		"Nov 21 2026", "21 Nov 2026 x", "aujourd'hui", "21/11/2026/1", "-1/11/2026", "٢١/11/2026", "21/11/20261", strings.Repeat("1/", 60), "\xff/11/2026",
	} {
		got, err := website.French.Date(text)
		if err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// written formats an amount in one of the ways of French sites.
func written(amount oxlin.Amount, space, sign, currency string) string {
	whole, fraction, _ := strings.Cut(amount.Abs().String(), ".")
	grouped := ""
	for len(whole) > 3 {
		grouped = space + whole[len(whole)-3:] + grouped
		whole = whole[:len(whole)-3]
	}
	text := whole + grouped
	if fraction != "" {
		text += "," + fraction
	}
	if amount < 0 {
		text = sign + text
	}
	return text + currency
}

func TestEveryAmountIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := oxlin.Amount(rapid.Int64Range(-1e17, 1e17).Draw(t, "amount"))
		text := written(amount,
			rapid.SampledFrom([]string{"", " ", "\u00a0", "\u202f", "."}).Draw(t, "space"),
			rapid.SampledFrom([]string{"-", "−", "– ", "-\u00a0"}).Draw(t, "sign"),
			rapid.SampledFrom([]string{"", " €", "\u00a0EUR"}).Draw(t, "currency"))
		got, _, err := website.French.Amount(text)
		if err != nil || got != amount {
			t.Fatalf("%q is read as %v (%v), want %v", text, got, err, amount)
		}
	})
}

func TestEveryDayIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := oxlin.NewDate(1970, time.January, 1).AddDays(rapid.IntRange(0, 80_000).Draw(t, "days"))
		layout := rapid.SampledFrom([]string{"02/01/2006", "2/1/2006", "2006-01-02", "2 January 2006", "2 Jan 2006"}).Draw(t, "layout")
		text := day.Midnight(time.UTC).Format(layout)
		got, err := website.English.Date(text)
		if err != nil || got != day {
			t.Fatalf("%q is read as %s (%v)", text, got, err)
		}
	})
}

func FuzzAmount(f *testing.F) {
	for _, seed := range []string{"1 234,56 €", "−54,20", "(1.234,5) EUR", "£-1,234.56 DR", "12 D", ")-(", "€", "1'234"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, notation := range []website.Notation{website.French, website.English} {
			amount, currency, err := notation.Amount(text)
			if err != nil {
				if amount != 0 || currency != "" {
					t.Errorf("%q fails and is %v %s", text, amount, currency)
				}
				continue
			}
			if !utf8.ValidString(text) || !strings.ContainsAny(text, "0123456789") || currency != "" && len(currency) != 3 {
				t.Errorf("%q is read as %v %q", text, amount, currency)
			}
		}
		amount, _, err := website.French.Amount(text)
		if err == nil {
			again, _, err := website.French.Amount(written(amount, " ", "-", ""))
			if err != nil || again != amount {
				t.Errorf("%q is %v, which is written and read as %v (%v)", text, amount, again, err)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, seed := range []string{"21 nov. 2026", "1er déc. 2026", "21/11/26", "2026-11-21", "31 April 2026", "0/0/0000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, notation := range []website.Notation{website.French, website.English} {
			day, err := notation.Date(text)
			if err != nil {
				continue
			}
			again, err := notation.Date(day.String())
			if err != nil || again != day {
				t.Errorf("%q is %s, which is read as %s (%v)", text, day, again, err)
			}
		}
	})
}
