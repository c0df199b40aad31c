package website

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
)

// ErrAmount reports a text that is not an amount in its notation.
var ErrAmount = errors.New("not an amount")

// longest limits the length of an amount or a date on a page.
const longest = 64

// minuses are the signs that sites write for a debit.
const minuses = "-\u2010\u2011\u2012\u2013\u2014\u2212"

// Amount parses an amount as people write it, exactly: with or without spaces, with its
// sign before or after it, in parentheses or in words, and with an optional currency
// symbol or ISO 4217 code. An ambiguous amount or one with two signs is ErrAmount.
func (n Notation) Amount(text string) (amount oxlin.Amount, currency string, err error) {
	if len(text) > longest || !utf8.ValidString(text) {
		return 0, "", ErrAmount
	}
	rest := strings.Trim(text, spaces)
	signs, negative := 0, false
	for {
		before := rest
		if sign, less, ok := n.sign(rest); ok {
			signs++
			negative, rest = negative || sign, less
		}
		if code, less, ok := currencyOf(rest); ok && currency == "" {
			currency, rest = code, less
		}
		if rest == before {
			break
		}
	}
	if signs > 1 {
		return 0, "", ErrAmount
	}
	plain, ok := n.plain(rest)
	if !ok {
		return 0, "", ErrAmount
	}
	amount, err = oxlin.ParseAmount(plain)
	if err != nil {
		return 0, "", ErrAmount
	}
	if negative {
		amount = -amount
	}
	return amount, currency, nil
}

// sign removes one sign from either end of an amount.
func (n Notation) sign(text string) (negative bool, rest string, ok bool) {
	first, size := utf8.DecodeRuneInString(text)
	last, lastSize := utf8.DecodeLastRuneInString(text)
	switch {
	case first == '(' && last == ')' && len(text) >= 2:
		return true, strings.Trim(text[1:len(text)-1], spaces), true
	case size > 0 && first == '+':
		return false, strings.TrimLeft(text[size:], spaces), true
	case size > 0 && strings.ContainsRune(minuses, first):
		return true, strings.TrimLeft(text[size:], spaces), true
	case lastSize > 0 && strings.ContainsRune(minuses, last):
		return true, strings.TrimRight(text[:len(text)-lastSize], spaces), true
	}
	for _, word := range []string{n.debit, n.credit} {
		// A word is separate from the digits: " DR".
		less, found := strings.CutSuffix(text, word)
		if found && strings.TrimRight(less, spaces) != less {
			return word == n.debit, strings.TrimRight(less, spaces), true
		}
	}
	return false, text, false
}

// symbols maps the symbols of currencies to their codes.
var symbols = map[string]string{"€": "EUR", "£": "GBP", "$": "USD"}

// currencyOf removes the currency from either end of an amount.
func currencyOf(text string) (code, rest string, ok bool) {
	for symbol, code := range symbols {
		if rest, found := strings.CutPrefix(text, symbol); found {
			return code, strings.TrimLeft(rest, spaces), true
		}
		if rest, found := strings.CutSuffix(text, symbol); found {
			return code, strings.TrimRight(rest, spaces), true
		}
	}
	if len(text) <= 3 {
		return "", text, false
	}
	if isCode(text[:3]) && !isLetter(text[3]) {
		return text[:3], strings.TrimLeft(text[3:], spaces), true
	}
	end := len(text) - 3
	if isCode(text[end:]) && !isLetter(text[end-1]) {
		return text[end:], strings.TrimRight(text[:end], spaces), true
	}
	return "", text, false
}

func isCode(s string) bool { return isLetter(s[0]) && isLetter(s[1]) && isLetter(s[2]) }

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// plain converts digits with separators into a decimal with a dot. All groups except
// the first have three digits, and all separators are the same.
func (n Notation) plain(text string) (string, bool) {
	whole, fraction, cut := strings.Cut(text, string(n.decimal))
	if cut && !allDigits(fraction) {
		return "", false
	}
	var groups []string
	var separator rune
	group := ""
	for _, r := range whole {
		if '0' <= r && r <= '9' {
			group += string(r)
			continue
		}
		if !strings.ContainsRune(n.groups, r) || separator != 0 && r != separator {
			return "", false
		}
		separator = r
		groups = append(groups, group)
		group = ""
	}
	groups = append(groups, group)
	for i, g := range groups {
		wrong := g == "" || i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && len(g) > 3
		if wrong {
			return "", false
		}
	}
	plain := strings.Join(groups, "")
	if cut {
		plain += "." + fraction
	}
	return plain, true
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
