package synchro

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredPlaces compares the places of sealed values with the stored ones. A sealed value
// opens at its own place alone.
func TestStoredPlaces(t *testing.T) {
	for _, row := range []struct{ now, stored vault.Place }{
		{accessPlace(7), vault.Place{Table: "channels", Column: "access", Row: "7"}},
		{revocationPlace("87"), vault.Place{Table: "revocations", Column: "access", Row: "87"}},
		{KeyPlace(7), vault.Place{Table: "keys", Column: "private_key", Row: "7"}},
		{credentialPlace(7, "301"), vault.Place{Table: "credentials", Column: "value", Row: "7/301"}},
		{questionPlace(7, stateColumn), vault.Place{Table: "questions", Column: "state", Row: "7"}},
		{questionPlace(7, answersColumn), vault.Place{Table: "questions", Column: "answers", Row: "7"}},
		{stagePlace(7), vault.Place{Table: "staged_pages", Column: "body", Row: "7"}},
		{positionPlace(7), vault.Place{Table: "synchronisations", Column: "position", Row: "7"}},
		{toldPlace(7), vault.Place{Table: "synchronisations", Column: "told", Row: "7"}},
		{rawPlace(7), vault.Place{Table: "transactions", Column: "raw", Row: "7"}},
		{unreadablePlace(7), vault.Place{Table: "unreadable_records", Column: "raw", Row: "7"}},
	} {
		if row.now != row.stored {
			t.Errorf("values sealed for %+v are opened at %+v", row.stored, row.now)
		}
	}
}

// TestStoredJSON checks the stored format of staged_pages.body for balances.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[stagedBalances](t, `{
		"all": [{"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"}],
		"shown": {"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"},
		"unreadable": [{"reason": "amount", "day": "2026-11-25", "raw": {"balanceType": "ITAV"}}],
		"next_debit_date": "2026-12-31", "next_debit_amount": -120.5, "next": "page=2", "asked_at": "2026-11-28T09:00:00Z"}`)
}
