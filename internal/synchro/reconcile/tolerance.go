package reconcile

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// tolerance is by how much the amount of a card operation may change when it is booked.
type tolerance int

const (
	exactly tolerance = iota
	// aTenth: the exchange rate is fixed at booking.
	aTenth
	// anyAmount: petrol pumps, hotels and car hirers reserve another amount.
	anyAmount
)

// reserving are the merchant categories (ISO 18245) that reserve before they
// know the amount; airlines, hirers and hotels of one brand are 3000 to 3999.
var reserving = []string{"5541", "5542", "5812", "7011", "7012", "7512", "7513", "7519", "7523"}

var reservingWords = []string{
	"HOTEL", "STATION SERVICE", "CARBURANT", "DAC ", "TOTALENERGIES", "TOTAL ACCESS", "ESSO", "SHELL", "AVIA ",
	"HERTZ", "EUROPCAR", "SIXT",
}

// foreign are the currencies that banks name beside the amount in euro.
var foreign = []string{"USD", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "MAD", "TND"}

// tipped reports whether an amount differs from an announced one by a quarter at most.
func tipped(announced, settled oxlin.Amount) bool {
	return 4*(settled-announced).Abs() <= announced.Abs()
}

// tip reports whether an amount is an announced one and a tip: a quarter of it at most.
func tip(announced, settled oxlin.Amount) bool {
	return tipped(announced, settled) && settled.Abs() >= announced.Abs()
}

// takesTips reports whether guests leave tips at a merchant, by its category (ISO 18245) or
// the words of the row.
func takesTips(t bank.Transaction, words string) bool {
	return t.MerchantCategory == "5812" ||
		slices.ContainsFunc(tippedWords, func(word string) bool { return strings.Contains(words, word) })
}

// tippedWords are in the labels of merchants that take tips.
var tippedWords = []string{"RESTAURANT", "BRASSERIE", "BISTROT", "TAXI", "UBER"}

// explained reports whether the words of a pending row explain the amount of its booked form.
func explained(pending, booked *row) bool {
	switch toleranceOf(bank.Transaction{}, pending.words) {
	case anyAmount:
		return true
	case aTenth:
		return 10*(booked.amount-pending.amount).Abs() <= pending.amount.Abs()
	}
	return tipped(pending.amount, booked.amount) && takesTips(bank.Transaction{}, pending.words)
}

// perEuro are rough rates, which only exclude amounts that no rate explains.
var perEuro = map[string]float64{
	"EUR": 1, "USD": 1.1, "GBP": 0.85, "CHF": 0.95, "JPY": 160, "CAD": 1.5, "AUD": 1.7, "SEK": 11, "NOK": 11.5,
	"DKK": 7.5, "PLN": 4.3, "CZK": 25, "HUF": 390, "RON": 5, "MAD": 10.8, "TND": 3.4,
}

// convertible reports whether a rate may explain two amounts of two currencies: within a
// factor of two of today's, or of 200 for currencies of which no rate is known.
func convertible(x oxlin.Amount, from string, y oxlin.Amount, to string) bool {
	const most, drift = 200, 2
	x, y = x.Abs(), y.Abs()
	if perEuro[from] == 0 || perEuro[to] == 0 {
		return x <= most*y && y <= most*x
	}
	return withinRate(x, from, y, to, drift)
}

// atRate reports whether a rate of these years explains two amounts of two currencies.
func atRate(x oxlin.Amount, from string, y oxlin.Amount, to string) bool {
	const drift = 1.15
	return perEuro[from] != 0 && perEuro[to] != 0 && withinRate(x.Abs(), from, y.Abs(), to, drift)
}

func withinRate(x oxlin.Amount, from string, y oxlin.Amount, to string, drift float64) bool {
	in, out := float64(x)/perEuro[from], float64(y)/perEuro[to]
	return in <= drift*out && out <= drift*in
}

// coversAbroad reports whether an amount that was reserved in one currency may be settled for
// another one in another currency: a rate makes it at most the reserved one.
func coversAbroad(reserved oxlin.Amount, from string, settled oxlin.Amount, to string) bool {
	a, b := perEuro[from], perEuro[to]
	return convertible(reserved, from, settled, to) || a != 0 && b != 0 && float64(settled.Abs())/b < float64(reserved.Abs())/a
}

func toleranceOf(t bank.Transaction, words string) tolerance {
	mcc := t.MerchantCategory
	if slices.Contains(reserving, mcc) || len(mcc) == 4 && mcc[0] == '3' {
		return anyAmount
	}
	for _, word := range reservingWords {
		if strings.Contains(words+" ", word) {
			return anyAmount
		}
	}
	for word := range strings.FieldsSeq(words) {
		if slices.Contains(foreign, word) {
			return aTenth
		}
	}
	return exactly
}
