package bank

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON checks the stored format of channels.access and staged_pages.body.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[accessRecord](t, `{
		"token": "t", "refresh_token": "r", "token_from": "2026-11-28T09:00:00Z", "token_until": "2026-11-28T10:00:00Z",
		"consent_until": "2027-02-26T09:00:00Z", "refreshed": true}`)
	storetest.Stored[TransactionsPage](t, `{
		"Transactions": [{
			"BankID": "e-1", "Status": "BOOKED", "Amount": -12.3, "Currency": "EUR", "BookingDate": "2026-11-25",
			"ExpectedBookingDate": "2026-11-26", "ValueDate": "2026-11-24", "TransactionDate": "2026-11-23",
			"Remittance": ["CB CAFE"], "Counterparty": "CAFE",
			"Code": {"Domain": "PMNT", "Family": "CCRD", "SubFamily": "POSD", "Proprietary": "CB"},
			"MerchantCategory": "5812", "EndToEndID": "e2e", "MandateID": "m", "CheckNumber": "7654321", "BalanceAfter": 100.2,
			"SignDisagreed": true, "Raw": {"entryReference": "e-1"}}],
		"Next": "page=2", "CoveredFrom": "2025-11-28",
		"Unreadable": [{"reason": "amount", "day": "2026-11-25", "raw": {"entryReference": "e-2"}}], "Broken": "no end after 1000 pages"}`)
	storetest.Stored[Balances](t, `{
		"all": [{"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"}],
		"shown": {"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"},
		"unreadable": [{"reason": "amount", "day": "2026-11-25", "raw": {"balanceType": "ITAV"}}],
		"next_debit_date": "2026-12-31", "next_debit_amount": -120.5}`)
}
