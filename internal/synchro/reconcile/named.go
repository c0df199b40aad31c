package reconcile

import (
	"strings"

	"github.com/oxlin/oxlin"
)

// fewestDigits is how much of a number must be equal where a file gives a part of it.
const fewestDigits = 8

// Named returns the indexes of the known accounts that a file names: those with its IBAN, else
// with its number, alone or within an IBAN, else those whose number contains it, as banks leave
// out their own code and the key. A card has the last digits of its number. A currency counts if the
// file tells one, and so does a card.
func Named(known []KnownAccount, iban, number, currency string, kind oxlin.AccountType) []int {
	isCard, last := kind == oxlin.AccountCreditCard, tail(compact(number))
	number = significant(strings.ReplaceAll(number, "/", ""))
	if compact(iban) == "" && number == "" {
		return nil
	}
	basic := basicNumber(iban, number)
	var best []int
	found := never
	for i, k := range known {
		id := k.identity()
		step := never
		switch {
		case currency != "" && id.currency != "" && id.currency != currency, differ(id.iban, compact(iban)):
		case kind != "" && isCard != (id.kind == oxlin.AccountCreditCard):
		case isCard && last != "" && last == tail(id.masked):
			step = 3
		case id.iban != "" && id.iban == compact(iban):
			step = 4
		case basic != "" && (basic == id.number || basic == id.basic), number != "" && (number == id.number || number == id.basic):
			step = 3
		case len(number) >= fewestDigits && (strings.Contains(id.basic, number) || strings.Contains(id.number, number)):
			step = 2
		}
		if step == never {
			continue
		}
		step *= 2
		if id.masked == "" {
			step++
		}
		if step > found {
			best, found = nil, step
		}
		if step == found {
			best = append(best, i)
		}
	}
	return best
}
