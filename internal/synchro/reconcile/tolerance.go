package reconcile

import (
	"slices"
	"strings"

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
