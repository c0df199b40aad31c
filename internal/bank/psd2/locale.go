package psd2

import (
	"fmt"
	"time"

	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Locale is where a bank is: the zone of its days, and the currency of accounts of which it
// names none, neither with the account nor with its balances or rows. It is data of the
// catalogue, embedded in the data of a standard, which has a default for each.
type Locale struct {
	Zone     string `json:"zone,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// Check reports every fault of the data.
func (l Locale) Check(at datafile.Node) {
	_, err := time.LoadLocation(l.Zone)
	at.Member("zone").Check(err == nil && l.Zone != "Local", "%q is not a time zone", l.Zone)
	read, ok := notation.Currency(l.Currency).Told()
	at.Member("currency").Check(l.Currency == "" || ok && read == l.Currency, "%q is not a currency", l.Currency)
}

// Location returns the zone of the bank's days; fallback if the data name none.
func (l Locale) Location(fallback *time.Location) (*time.Location, error) {
	if l.Zone == "" {
		return fallback, nil
	}
	zone, err := time.LoadLocation(l.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone: %w", err)
	}
	return zone, nil
}
