package bank

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON checks the stored format of channels.access and staged_pages.body.
func TestStoredJSON(t *testing.T) {
	const balances = `{
		"all": [{"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"}],
		"shown": {"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"},
		"unreadable": [{"reason": "amount", "day": "2026-11-25", "raw": {"balanceType": "ITAV"}}],
		"next_debit_date": "2026-12-31", "next_debit_amount": -120.5, "next": "page=2"}`
	storetest.Stored[accessRecord](t, `{
		"token": "t", "refresh_token": "r", "token_from": "2026-11-28T09:00:00Z", "token_until": "2026-11-28T10:00:00Z",
		"consent_until": "2027-02-26T09:00:00Z", "refreshed": true, "per_day": 2, "state": "s"}`)
	storetest.Stored[TransactionsPage](t, `{
		"Transactions": [{
			"BankID": "e-1", "Status": "BOOKED", "Amount": -12.3, "Currency": "EUR", "BookingDate": "2026-11-25",
			"ExpectedBookingDate": "2026-11-26", "ValueDate": "2026-11-24", "TransactionDate": "2026-11-23",
			"Remittance": ["CB CAFE"], "Counterparty": "CAFE",
			"Code": {"Domain": "PMNT", "Family": "CCRD", "SubFamily": "POSD", "Proprietary": "CB"},
			"MerchantCategory": "5812", "EndToEndID": "e2e", "MandateID": "m", "CheckNumber": "7654321", "BalanceAfter": 100.2,
			"SignDisagreed": true, "Unread": ["value_day"], "Raw": {"entryReference": "e-1"}}],
		"Next": "page=2", "CoveredFrom": "2025-11-28", "WholeFrom": "2026-08-28",
		"Unreadable": [{"reason": "amount", "day": "2026-11-25", "raw": {"entryReference": "e-2"}}], "Broken": "no end after 1000 pages", "Kept": "session", "Endless": true}`)
	storetest.Stored[AccountsPage](t, `{
		"accounts": [{
			"address": "accounts/r-1", "bank_id": "r-1", "identities": [{"kind": "hash", "value": "c2hh"}], "name": "COMPTE", "type": "CHECKINGS", "usage": "PERSONAL", "currency": "EUR", "iban": "FR7612345",
			"number": "12345", "masked_number": "4***1", "owner_name": "M DUPONT", "held_by_customer": true, "linked_bank_id": "r-2",
			"needs_consent": true, "balances": `+balances+`,
			"told_at": "2026-11-28T09:00:00Z", "raw": {"resourceId": "r-1"}, "details": {
				"loan": {"amount": 10.5, "remaining_capital": 5.5, "rate": 1.5, "start_date": "2026-01-01", "end_date": "2027-01-01",
					"instalment_amount": 1.5, "next_instalment_date": "2026-12-01", "instalments_left": 3},
				"savings": {"rate": 3, "ceiling": 22950, "product": "LIVRET"},
				"credit_card": {"debit_type": "DEFERRED", "next_debit_date": "2026-12-31", "next_debit_amount": -3, "linked_account_id": 7,
					"masked_number": "4***1"}}}],
		"owner_link": "/end-user-identity", "unreadable": [{"reason": "id", "day": "2026-11-25", "raw": {"name": "x"}}], "customer": "M DUPONT", "next": "page=2", "kept": "counted", "endless": true}`)
	storetest.Stored[Balances](t, balances)
}
