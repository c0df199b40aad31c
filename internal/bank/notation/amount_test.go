package notation_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

var api = notation.Interface(notation.DayFirst)

// money describes a reading: the amount and its currency, "absent" or "unreadable".
func money(reading notation.Reading[notation.Money]) string {
	told, ok := reading.Told()
	switch {
	case reading.IsAbsent():
		return "absent"
	case !ok:
		return "unreadable"
	}
	return strings.TrimSpace(told.Amount.String() + " " + told.Currency)
}

func TestAmountsOfInterfaces(t *testing.T) {
	for text, want := range map[string]string{
		// The form of the standard.
		"12.50": "12.5", "-79.99": "-79.99", "12.": "12", ".5": "0.5", "+3": "3", "1e2": "100", "1.5E3": "1500", "0": "0", "-0.00": "0",
		"1.234": "1.234", "0.12345": "0.12345", "9999999999999.99": "9999999999999.99",
		// Binary fractions.
		"3.3000000000000003": "3.3", "160.1999969482422": "160.2", "0.009999999776482582": "0.01", "-12345.669921875": "-12345.67",
		"0.1000000000000000055511151231257827021181583404541015625": "0.1", "1.2300000000000000000000000000000000000000000": "1.23",
		"99999.9921875": "99999.99", "1.2999999999999998E1": "13", "3,3000000000000003": "3.3",
		// As people write.
		"12,50": "12.5", "-12,50": "-12.5", "12,5": "12.5", "0,234": "0.234", ",50": "0.5", "1.234,56": "1234.56", "1 234,56": "1234.56",
		"1\u00a0234,56": "1234.56", "1\u202f234,56": "1234.56", "1'234.50": "1234.5", "1’234,50": "1234.5", "1,234.56": "1234.56", "1 234.56": "1234.56",
		"1,234,567": "1234567", "1.234.567": "1234567", "1.234.567,8": "1234567.8", "1 234": "1234", "1234,567": "1234.567", "1.234,567": "1234.567",
		"  12.50\u200b ": "12.5",
		// Signs.
		"12.50-": "-12.5", "12,50 -": "-12.5", "(12.50)": "-12.5", "−12.50": "-12.5", "–12,50": "-12.5", "12.50+": "12.5", "+ 12.50": "12.5",
		"12.50 DR": "-12.5", "12.50 CR": "12.5", "12,50D": "-12.5", "D 12,50": "-12.5", "12.50 Débit": "-12.5", "CRDT 12.50": "12.5",
		"[12.50]": "unreadable", "12,50 débité": "-12.5",
		// Without cents; with an apostrophe of another kind.
		"12,-": "12", "12,--": "12", "12.--": "12", "1 234,– €": "1234 EUR", "-12,-": "-12", "12.-": "unreadable",
		"1.000,-": "1000", "1.234.567,--": "1234567", "1,000.--": "1000", "1'000.–": "1000", "€ 1.000,-": "1000 EUR", "12.345,- €": "12345 EUR", "1,000,-": "unreadable",
		"12€50": "12.5 EUR", "12 € 50": "12.5 EUR", "-1 234€05": "-1234.05 EUR", "12EUR50": "12.5 EUR", "12€5": "unreadable", "12€500": "unreadable", "12,3€50": "unreadable",
		"1´234.50": "1234.5", "1`234.50": "1234.5", "1ʼ234.50": "1234.5", "1‘234,50": "1234.5",
		"C$12": "12 CAD", "CA$12.00": "12 CAD", "HK$ 12": "12 HKD", "R$ 12,50": "12.5 BRL", "D$12": "unreadable",
		// Currencies.
		"12,50 €": "12.5 EUR", "€12.50": "12.5 EUR", "-€12.50": "-12.5 EUR", "€ -12.50": "-12.5 EUR", "EUR 12.50": "12.5 EUR", "12.50eur": "12.5 EUR",
		"12,50 € -": "-12.5 EUR", "(£1,234.56)": "-1234.56 GBP", "US$ 12.00": "12 USD", "CHF 1'234.50": "1234.5 CHF", "12 euros": "12 EUR",
		"1234 JPY": "1234 JPY", "1.2340000000001 KWD": "1.234 KWD",
		// With marks of programs.
		"12.50&nbsp;€": "12.5 EUR", "&euro;12.50": "12.5 EUR", `"12.50"`: "12.5", "１２．５０": "12.5", "－１２，５０": "-12.5", `"`: "unreadable", `"12.50`: "unreadable",
		// Absent is not unreadable.
		"": "absent", "  ": "absent", "\u00a0\u200b": "absent",
		// Two readings.
		"1,234": "unreadable", "12,345": "unreadable", "-123,456 €": "unreadable", "1,234 KWD": "unreadable",
		// None.
		"-": "unreadable", "€": "unreadable", "--1": "unreadable", "-1-": "unreadable", "-(1)": "unreadable", "-12.00 DR": "unreadable",
		"12 CR DR": "unreadable", "1,2,3": "unreadable", "1 23,00": "unreadable", "1234 567,00": "unreadable", "0.000.000": "unreadable", "12,": "unreadable",
		"1 234.567,00": "unreadable", "1.234 567": "unreadable", "1,23,456.00": "unreadable", "0x10": "unreadable", "NaN": "unreadable", "Infinity": "unreadable",
		"null": "unreadable", "none": "unreadable", "12 €€": "unreadable", "12 € EUR": "unreadable", "12 DC": "unreadable", "12 XX": "unreadable",
		"١٢": "unreadable", "12\x00": "unreadable", "\xff12": "unreadable", "1e999": "unreadable", "1e-999": "unreadable", "99999999999999": "unreadable",
		"12.345678": "unreadable", "0.0000001": "unreadable", "5.551115123125783e-17": "unreadable", "1000000.125000001": "unreadable",
		"1.234567": "unreadable", strings.Repeat("1", 200): "unreadable", "1 2": "unreadable", "12. 50": "unreadable", "12, 50": "unreadable",
	} {
		if got := money(api.Money(text, "EUR")); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// A dot before three digits is the decimal separator of a plain number, whatever places the
// currency has. In a text for people it may separate thousands, unless the currency has three
// places.
func TestThreeDecimals(t *testing.T) {
	for _, test := range []struct{ currency, want, texts string }{
		{"EUR", "12.345", "12.345 +12.345 1.2345e1"},
		{"EUR", "-12.345", "-12.345"},
		{"JPY", "12.345", "12.345"},
		{"", "12.345", "12.345"},
		{"KWD", "12.345", "12.345 12.345KWD KWD12.345 12.345+"},
		{"TND", "-12.345", "-12.345 12.345- 12.345DR (12.345)"},
		{"BHD", "12.3456", "12.3456"},
		// Other numbers of digits have one reading.
		{"EUR", "1234.567", "1234.567 1234.567EUR"},
		{"EUR", "0.345", "0.345 0.345EUR .345€"},
		{"EUR", "12.34", "12.34 12.34€ 12.340"},
		{"EUR", "12.3456", "12.3456 12.3456€"},
		{"EUR", "1234567", "1.234.567 1.234.567€"},
		// These are 12345 for people.
		{"EUR", "unreadable", "12.345EUR 12.345€ €12.345 -12.345€ 12.345- 12.345+ (12.345) 12.345DR 12.345CR D12.345 12.000€ 1.234USD 12.345JPY"},
		{"", "unreadable", "12.345- 12.345€"},
	} {
		for text := range strings.FieldsSeq(test.texts) {
			told, ok := api.Money(text, test.currency).Told()
			got := "unreadable"
			if ok {
				got = told.Amount.String()
			}
			if got != test.want {
				t.Errorf("%q in %q is %s, want %s", text, test.currency, got, test.want)
			}
		}
	}
}

func TestTheCurrencyDecidesAboutNoise(t *testing.T) {
	for _, test := range []struct{ text, currency, want string }{
		{"1.2340000000000002", "KWD", "1.234"},
		{"1.2340000000000002", "EUR", "unreadable"},
		{"1234.0000000001", "JPY", "1234"},
		{"1234.5600000001", "JPY", "unreadable"},
		{"1234.5600000001", "", "1234.56"},
		{"$12.00", "CAD", "12 CAD"},
		{"$12.00", "EUR", "12 USD"},
		{"¥12", "CNY", "12 CNY"},
		{"¥12", "EUR", "unreadable"},
		{"12 kr", "SEK", "12 SEK"},
		{"12 kr", "", "unreadable"},
	} {
		if got := money(api.Money(test.text, test.currency)); got != test.want {
			t.Errorf("%q in %q is %s, want %s", test.text, test.currency, got, test.want)
		}
	}
}

func TestAnAmountKnowsWhetherItHasASign(t *testing.T) {
	for text, want := range map[string]bool{"12": false, "-12": true, "+12": true, "12 CR": true, "(12)": true, "12 €": false} {
		told, ok := api.Money(text, "").Told()
		if !ok || told.Signed != want {
			t.Errorf("%q: %+v, %v", text, told, ok)
		}
	}
}

func TestFrenchAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1 234,56 €": "1234.56 EUR", "1\u202f234,56\u00a0€": "1234.56 EUR", "1\u00a0234\u00a0567,8": "1234567.8", "1.234,56 EUR": "1234.56 EUR",
		"1'234,50 CHF": "1234.5 CHF", "−54,20 €": "-54.2 EUR", "- 54,20 €": "-54.2 EUR", "-\u00a054,20\u00a0€": "-54.2 EUR", "–54,20": "-54.2",
		"54,20-": "-54.2", "54,20 € -": "-54.2 EUR", "(54,20 €)": "-54.2 EUR", "€ -54,20": "-54.2 EUR", "54,20 D": "-54.2", "54,20 C": "54.2",
		"+2 487,63 €": "2487.63 EUR", "0,00 €": "0 EUR", "-0,00 €": "0 EUR", "12": "12", "1.234": "1234", "0,12345": "0.12345", "USD 12,00": "12 USD",
		"1234567,89 £": "1234567.89 GBP", " \n\t3 282,37 €\n ": "3282.37 EUR", "9 999 999 999 999,99 €": "9999999999999.99 EUR", "12 eur": "12 EUR",
		"1234,567": "1234.567", "1,234 KWD": "1.234 KWD", "0,234": "0.234",
		"": "absent", " ": "absent",
	} {
		if got := money(notation.French.Money(text, "")); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		"€", "-", "--1", "-1-", "-(1)", "- -54,20", "1,", ",5", "1,2,3", "12.50", "1 23,00", "1234 567,00", "1 234.567,00", "0x10", "1e3", "١٢", "12 €€",
		"12 € EUR", "12,123456", "99999999999999999,00", "1 234,5 6", "abc", "NaN", "Inf", strings.Repeat("1", 200), "12\x00", "\xff12", "()", "12 DC",
		"1,234", "-12,345 €", "+123,456 EUR", "1,234.56",
	} {
		if got := money(notation.French.Money(text, "")); got != "unreadable" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestEnglishAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1,234.56 CR": "1234.56", "1,234.56 DR": "-1234.56", "EUR 5,240.88 CR": "5240.88 EUR", "EUR 6,798.40 DR": "-6798.4 EUR",
		"£1,234,567.89": "1234567.89 GBP", "-£12.00": "-12 GBP", "£-12.00": "-12 GBP", "(12.00)": "-12", "12": "12", "$0.05": "0.05 USD", "1,234": "1234",
	} {
		if got := money(notation.English.Money(text, "")); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"1 234.56", "12,50", "-12.00 DR", "12.00 CR DR", "1,23.00", "DR", "12.", "1.234", "£12.345", "1.234,56"} {
		if got := money(notation.English.Money(text, "")); got != "unreadable" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1,375": "1.375", "0,5": "0.5", "3": "3", "-0,25": "-0.25", "1 234,5": "1234.5", "": "absent", "1.375": "1375", "1,375 €": "unreadable", "x": "unreadable", "\xff": "unreadable",
		"-": "unreadable", "--1": "unreadable", "0,1234567": "unreadable",
	} {
		if got := word(notation.French.Number(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// grouped writes an amount with separators.
func grouped(amount oxlin.Amount, separator, decimal, sign, currency string) string {
	whole, fraction, _ := strings.Cut(amount.Abs().String(), ".")
	groups := ""
	for len(whole) > 3 {
		groups = separator + whole[len(whole)-3:] + groups
		whole = whole[:len(whole)-3]
	}
	text := whole + groups
	if fraction != "" {
		text += decimal + fraction
	}
	if amount < 0 {
		text = sign + text
	}
	return text + currency
}

func TestEveryAmountIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := oxlin.Amount(rapid.Int64Range(-1e17, 1e17).Draw(t, "amount"))
		separator := rapid.SampledFrom([]string{"", " ", "\u00a0", "\u202f", "."}).Draw(t, "separator")
		sign := rapid.SampledFrom([]string{"-", "−", "– ", "-\u00a0"}).Draw(t, "sign")
		currency := rapid.SampledFrom([]string{"", " €", "\u00a0EUR"}).Draw(t, "currency")
		text := grouped(amount, separator, ",", sign, currency)
		told, ok := notation.French.Money(text, "").Told()
		_, fraction, _ := strings.Cut(amount.String(), ".")
		if ok && told.Amount != amount || !ok && len(fraction) != 3 {
			t.Fatalf("%q is read as %v (%v), want %v", text, told.Amount, ok, amount)
		}
		// An interface reads the same text, or calls it unreadable: never another value.
		reading := api.Money(text, "EUR")
		told, ok = reading.Told()
		if ok && told.Amount != amount && strings.Count(text, ".") != 1 {
			t.Fatalf("%q is read from an interface as %v, want %v", text, told.Amount, amount)
		}
		told, ok = api.Money(amount.String(), "EUR").Told()
		if !ok || told.Amount != amount {
			t.Fatalf("%s is read as %v, %v", amount, told.Amount, ok)
		}
	})
}

func TestAnAmountOfCentsSurvivesBinaryFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Int64Range(-9_999_999, 9_999_999).Draw(t, "cents")
		want := oxlin.Amount(cents * 1000)
		exact := float64(cents) / 100
		full := fmt.Sprintf("%.60f", exact)
		for name, text := range map[string]string{
			"a float":              strconv.FormatFloat(float64(float32(exact)), 'f', -1, 64),
			"a double and a third": strconv.FormatFloat(exact/3*3, 'g', -1, 64),
			"a double in full":     full,
		} {
			told, ok := api.Money(text, "EUR").Told()
			// A float that happens to have five decimals or less is its own value.
			five, err := oxlin.ParseAmount(text)
			if err == nil && five != want {
				continue
			}
			if !ok || told.Amount != want {
				t.Fatalf("%s of %d cents is %s, read as %v (%v)", name, cents, text, told.Amount, ok)
			}
		}
	})
}

func TestANumberThatIsNoNoiseIsUnreadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("%d.%02d%03d%d", rapid.IntRange(0, 999).Draw(t, "units"), rapid.IntRange(0, 99).Draw(t, "cents"),
			rapid.IntRange(200, 799).Draw(t, "rest"), rapid.IntRange(1, 9).Draw(t, "last"))
		if got := money(api.Money(text, "EUR")); got != "unreadable" {
			t.Fatalf("%s is %s", text, got)
		}
	})
}

func FuzzMoney(f *testing.F) {
	for _, seed := range []string{"1 234,56 €", "−54,20", "(1.234,5) EUR", "£-1,234.56 DR", "12 D", ")-(", "€", "1'234", "3.3000000000000003", "1e2", "1,234"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, convention := range []notation.Convention{notation.French, notation.English, api, notation.Interface(notation.UnknownOrder)} {
			reading := convention.Money(text, "EUR")
			told, ok := reading.Told()
			if !ok {
				if told != (notation.Money{}) {
					t.Errorf("%q is not told, and is %+v", text, told)
				}
				continue
			}
			if !strings.ContainsAny(text, "0123456789") || told.Currency != "" && len(told.Currency) != 3 {
				t.Errorf("%q is read as %+v", text, told)
			}
		}
		told, ok := api.Money(text, "EUR").Told()
		if ok {
			again, ok := api.Money(told.Amount.String(), "EUR").Told()
			if !ok || again.Amount != told.Amount {
				t.Errorf("%q is %v, which is read as %v (%v)", text, told.Amount, again.Amount, ok)
			}
		}
	})
}
