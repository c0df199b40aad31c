package notation

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"

	"github.com/oxlin/oxlin"
)

// Money is an amount with everything that its text tells.
type Money struct {
	Amount oxlin.Amount
	// Currency is the code of the currency that the text names; empty without one.
	Currency string
	// Signed reports whether the text has a sign, even a plus.
	Signed bool
}

// Money reads an amount as programs and people write it: with its sign before or after
// it, in parentheses or as a word, with separators of thousands, and with a symbol or
// the code of its currency. currency is the currency that the record names elsewhere;
// its number of places decides which digits are the noise of a binary fraction.
//
// An amount with two readings, such as 1,234 from an interface, or with two signs is
// unreadable. A plain number of an interface has one reading: its dot is the decimal
// separator, and 12.345 EUR keeps its digits, of which there are up to five (banks §1.2).
// Text that is written for people, as every page has it and an interface by mistake, is
// unreadable where a separator before three digits could separate thousands, such as
// 12.345 EUR or 1,234 €, see mayBeGrouped. A currency with three places may have them.
func (c Convention) Money(text, currency string) Reading[Money] {
	rest, ok := line(text)
	if !ok {
		return Unreadable[Money]()
	}
	if rest == "" {
		return Absent[Money]()
	}
	rest = symbolAsPoint.ReplaceAllString(withoutCents.ReplaceAllString(rest, "$1$2${3}00$4"), "$1,$3 $2")
	plain := !c.strict() && plainNumber.MatchString(strings.TrimLeft(rest, "+-"))
	var money Money
	signs, negative := 0, false
	for {
		before := rest
		if sign, less, ok := cutSign(rest); ok {
			signs++
			negative, rest = negative || sign == Debit, less
		}
		if code, less, ok := cutCurrency(rest, currency); ok && money.Currency == "" {
			money.Currency, rest = code, less
		}
		if rest == before {
			break
		}
	}
	if money.Currency != "" {
		currency = money.Currency
	}
	digits, ok := c.decimalOf(apostrophes.Replace(rest))
	ok = ok && !(signs > 0 && strings.HasSuffix(rest, "."))
	if !ok || signs > 1 || !plain && Places(currency) < thousand && mayBeGrouped(digits) {
		return Unreadable[Money]()
	}
	money.Amount, ok = exact(digits, Places(currency))
	if !ok {
		return Unreadable[Money]()
	}
	money.Signed = signs > 0
	if negative {
		money.Amount = -money.Amount
	}
	return Told(money)
}

// withoutCents is how people write that there are no cents: 12,- or 12.--. The form 12.- may
// have a sign behind it, and is unreadable. The separator is that of the decimals, so that
// 1.000,- is a thousand.
var withoutCents = regexp.MustCompile(`([0-9])(?:(,)[-\x{2013}\x{2014}]{1,2}|(\.)(?:--|[\x{2013}\x{2014}]))([^0-9]*)$`)

// symbolAsPoint is how people write a price: 12€50.
var symbolAsPoint = regexp.MustCompile(`([0-9]) ?(€|[Ee][Uu][Rr]) ?([0-9]{2})$`)

// apostrophes are the characters that people type for one.
var apostrophes = strings.NewReplacer("\u00b4", "'", "`", "'", "\u02bc", "'", "\u2032", "'", "\u2018", "'")

// thousand is the number of digits in a group.
const thousand = 3

// mayBeGrouped reports whether a page in another language than ours would write the same
// number for one that is a thousand times as large: nobody writes tenths of a cent, but
// sites change their language with the customer's browser.
func mayBeGrouped(number string) bool {
	whole, fraction, _ := strings.Cut(number, ".")
	return len(fraction) == thousand && whole != "" && len(whole) <= thousand && whole[0] != '0'
}

// Number reads a number that is no amount of money, such as a rate.
func (c Convention) Number(text string) Reading[oxlin.Amount] {
	rest, ok := line(text)
	if ok && rest == "" {
		return Absent[oxlin.Amount]()
	}
	sign, rest, _ := cutSign(rest)
	digits, isNumber := c.decimalOf(rest)
	number, err := oxlin.ParseAmount(digits)
	switch {
	case !ok || !isNumber || err != nil:
		return Unreadable[oxlin.Amount]()
	case sign == Debit:
		return Told(-number)
	}
	return Told(number)
}

// minuses are the signs that banks write for a debit.
const minuses = "-\u2010\u2011\u2012\u2013\u2014\u2212\uFE63\uFF0D"

// cutSign removes one sign from either end of an amount.
func cutSign(text string) (sign Direction, rest string, ok bool) {
	first, size := utf8.DecodeRuneInString(text)
	last, lastSize := utf8.DecodeLastRuneInString(text)
	switch {
	case first == '(' && last == ')' && len(text) >= 2:
		return Debit, strings.TrimSpace(text[1 : len(text)-1]), true
	case first == '+':
		return Credit, strings.TrimSpace(text[size:]), true
	case last == '+':
		return Credit, strings.TrimSpace(text[:len(text)-lastSize]), true
	case size > 0 && strings.ContainsRune(minuses, first):
		return Debit, strings.TrimSpace(text[size:]), true
	case lastSize > 0 && strings.ContainsRune(minuses, last):
		return Debit, strings.TrimSpace(text[:len(text)-lastSize]), true
	}
	for _, end := range []func(string) (string, string){lastWord, firstWord} {
		word, less := end(text)
		sign, ok := ReadDirection(word).Told()
		if ok && word != "" && less != "" && !strings.ContainsFunc(word, isSymbol) {
			return sign, less, true
		}
	}
	return "", text, false
}

// cutCurrency removes the currency from either end of an amount.
func cutCurrency(text, expected string) (code, rest string, ok bool) {
	for _, end := range []func(string) (string, string){lastWord, firstWord} {
		word, less := end(text)
		code, ok := currencyOf(word, expected)
		if ok && less != "" {
			return code, less, true
		}
	}
	return "", text, false
}

// isWordRune reports whether a character belongs to a word or is a currency's symbol.
func isWordRune(r rune) bool { return unicode.IsLetter(r) || isSymbol(r) }

// isSymbol reports whether a character is a currency's symbol: C$ is no sign.
func isSymbol(r rune) bool { return unicode.Is(unicode.Sc, r) }

// firstWord splits off the letters and symbols at the beginning, lastWord those at the
// end.
func firstWord(text string) (word, rest string) {
	rest = strings.TrimLeftFunc(text, isWordRune)
	return text[:len(text)-len(rest)], strings.TrimSpace(rest)
}

func lastWord(text string) (word, rest string) {
	rest = strings.TrimRightFunc(text, isWordRune)
	return text[len(rest):], strings.TrimSpace(rest)
}

// plainNumber is a number as programs write it.
var plainNumber = regexp.MustCompile(`^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$`)

// decimalOf returns a number without a sign as programs write it.
func (c Convention) decimalOf(text string) (number string, ok bool) {
	if c.strict() {
		whole, fraction, cut := strings.Cut(text, string(c.decimal))
		whole, ok := ungrouped(whole, c.groups)
		if !ok || cut && !isDigits(fraction) {
			return "", false
		}
		return joined(whole, fraction), true
	}
	if plainNumber.MatchString(text) {
		return text, true
	}
	const separators = " .,'’"
	last := strings.LastIndexAny(text, separators)
	if last < 0 {
		return "", false
	}
	decimal, size := utf8.DecodeRuneInString(text[last:])
	before, after := text[:last], text[last+size:]
	// All separators are alike: they separate thousands, or the only one is the decimal
	// separator, or the text has two readings.
	whole, grouped := ungrouped(text, separators)
	isDecimal := (decimal == ',' || decimal == '.') && isDigits(after) && !strings.ContainsRune(before, decimal)
	if !isDecimal {
		return whole, grouped
	}
	units, ok := ungrouped(before, separators)
	if before == "" {
		units, ok = "0", true
	}
	if !ok || grouped {
		return "", false
	}
	return joined(units, after), true
}

func joined(whole, fraction string) string {
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// ungrouped returns digits without their separators of thousands. All groups except the
// first have three digits, the first does not begin with a zero if others follow, and
// all separators are the same.
func ungrouped(text, separators string) (digits string, ok bool) {
	var groups []string
	var separator rune
	start := 0
	for i, r := range text {
		if '0' <= r && r <= '9' {
			continue
		}
		if !strings.ContainsRune(separators, r) || separator != 0 && r != separator {
			return "", false
		}
		separator = r
		groups = append(groups, text[start:i])
		start = i + utf8.RuneLen(r)
	}
	groups = append(groups, text[start:])
	for i, group := range groups {
		switch {
		case group == "", i > 0 && len(group) != thousand, i == 0 && len(groups) > 1 && (len(group) > thousand || group[0] == '0'):
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// exact returns a number as an amount. A number with more than five decimals comes from
// a program that calculates with binary fractions: 3.3000000000000003 is 3.30. It is the
// nearest amount with the currency's places if the difference is at most a millionth of
// it, and clearly less than half of the last place.
func exact(number string, places int) (oxlin.Amount, bool) {
	amount, err := oxlin.ParseAmount(number)
	if err == nil {
		return amount, true
	}
	x, _, err := apd.NewFromString(number)
	if err != nil || x.Form != apd.Finite || x.Exponent < -400 || x.Exponent > 20 {
		return 0, false
	}
	arithmetic := apd.BaseContext.WithPrecision(500)
	nearest, difference, millionth := new(apd.Decimal), new(apd.Decimal), new(apd.Decimal)
	_, err = arithmetic.Quantize(nearest, x, int32(-places))
	if err != nil {
		return 0, false
	}
	_, err = arithmetic.Sub(difference, x, nearest)
	if err != nil {
		return 0, false
	}
	difference.Negative = false
	_, err = arithmetic.Mul(millionth, nearest, apd.New(1, -6))
	if err != nil {
		return 0, false
	}
	// Below this bound the nearest amount of a 32-bit fraction is always the right one.
	clear := apd.New(4, int32(-places-1))
	if difference.Cmp(millionth) > 0 || difference.Cmp(clear) > 0 {
		return 0, false
	}
	amount, err = oxlin.ParseAmount(nearest.Text('f'))
	return amount, err == nil
}
