package store_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

const (
	storedOwner = `{
		"name": "MME ANNE MARTIN", "address": "1 rue du Port, Nantes", "birth_date": "1980-11-21",
		"birth_place": "Nantes", "phone_number": "06XXXXXX78"}`
	storedDetails = `{
		"loan": {
			"amount": 200000, "remaining_capital": 150000.5, "rate": 1.25, "start_date": "2020-01-05", "end_date": "2040-01-05",
			"instalment_amount": 950.12, "next_instalment_date": "2026-12-05", "instalments_left": 158},
		"savings": {"rate": 2.4, "ceiling": 22950, "product": "LIVRET_A"},
		"credit_card": {
			"debit_type": "DEFERRED", "next_debit_date": "2026-12-31", "next_debit_amount": -120.5,
			"linked_account_id": 12, "masked_number": "XXXX1234"}}`
	storedChannel = `{
		"ID": 3, "ConnectionID": 2, "DefinitionID": "8701", "Mode": "REDIRECT", "Status": "SUCCESS",
		"Credentials": [{"ID": "300", "Masked": "**mo"}], "AwaitsConsent": true, "ConsentUntil": "2027-02-26T09:00:00Z",
		"LastSuccessAt": "2026-11-28T09:00:00Z", "LastEndAt": "2026-11-28T09:00:01Z", "NextSyncAt": "2026-11-29T04:12:00Z",
		"Failures": 1}`
	storedConnection = `{
		"ID": 2, "UserID": 1, "ProviderID": "87", "Name": "Linxo Test Bank", "AutoSync": true, "ConsentPerAccount": true,
		"Owner": ` + storedOwner + `, "Channels": [` + storedChannel + `], "CreatedAt": "2026-11-28T08:59:00Z"}`
	storedCoverage = `{
			"from": "2026-10-01", "complete": true, "gap": "unreadable rows", "newest": "unreadable rows", "older": "refused", "unreadable_rows": 3,
			"doubt": {"since": "2026-11-26T09:00:00Z", "lacks": 7, "of": 20, "older": true, "unlisted": true, "replaced": true, "accepted": true},
			"last_complete_at": "2026-11-27T09:00:00Z", "since": "2026-09-01", "wanted": "2025-11-28", "refusals": 2, "looked_back_at": "2026-11-22T09:00:00Z",
			"endless_at": "2026-11-22T09:00:00Z", "older_endless_at": "2026-11-23T09:00:00Z", "distinct_ids": "8701"}`
	storedAccount = `{
		"ID": 11, "UserID": 1, "ConnectionID": 2, "Name": "Compte courant", "Type": "CHECKINGS", "Status": "ACTIVE",
		"Declined": true, "Usage": "PERSONAL", "Currency": "EUR", "Balance": 1200.5, "BalanceAt": "2026-11-28T09:00:00Z",
		"BalanceExpected": true,
		"Balances": [{"type": "BOOKED", "amount": 1200.5, "currency": "EUR", "date": "2026-11-27"}],
		"Coverage": ` + storedCoverage + `,
		"IBAN": "FR7630001007941234567890185", "Number": "00011122233", "MaskedNumber": "XXXX2233",
		"OwnerName": "MME ANNE MARTIN", "LastChannelDefinition": "8701", "BankID": "a-1", "CoveredUntil": "2026-11-27",
		"Details": ` + storedDetails + `, "CreatedAt": "2026-11-28T08:59:01Z"}`
	storedChallenges = `[{
		"ID": "305", "Label": "Code for {phone_number}", "Regexp": "^[0-9]{6}$", "Type": "NUMERIC", "Encrypt": true,
		"Params": {"phone_number": "06XXXXXX78"}}]`
	storedPayload = `{
		"Accounts": [` + storedAccount + `], "NewTransactions": 42, "CancelledTransactions": 3, "RestoredTransactions": 2, "UnreadableAccounts": 2,
		"Incomplete": [{"id": 11, "status": "ERROR", "coverage": ` + storedCoverage + `, "no_balance": true}],
		"Derived": ` + storedDerived + `, "Challenge": ` + storedChallenges + `,
		"Widget": {"Entry": "add_connection", "ProviderID": "87", "Status": "success", "Result": "created"}}`
	storedDerived  = `{"Changed": 17, "New": 2}`
	storedDeriving = `{"account": 11, "after": "2026-11-28T09:00:00.000001Z", "rows": ` + storedDerived + `}`
	storedProgress = `{
		"entered": true, "list_ended": true, "owner_asked": true, "forwarded": true, "listed": true, "unreadable": 1, "pending": [11, 12], "unnamed": [12], "list_failed": true, "unlisted": [12], "balanced": true, "deep": true, "older": true, "no_older": true, "unbounded": true, "position": "c2VhbGVk", "told": "dG9sZA==", "cursor": "page=2", "kept": "session", "asked": true, "restarts": 1, "page": 1,
		"failed": [13], "limited": true, "lost": true, "cancelled": 5, "restored": 4, "answered": 3, "renewed": true, "read": true, "reserved": {"day": "2026-11-30", "names": ["balance 11"]}}`
)

// TestStoredJSON checks the JSON of the columns against the form of existing rows.
func TestStoredJSON(t *testing.T) {
	for column, holds := range map[string]func(*testing.T){
		"accounts.details": func(t *testing.T) { storetest.Stored[oxlin.AccountDetails](t, storedDetails) },
		"accounts.identities": func(t *testing.T) {
			storetest.Stored[[]oxlin.AccountIdentity](t, `[{"kind": "hash", "value": "c2hh"}]`)
		},
		"transactions.channels_of_ids": func(t *testing.T) { storetest.Stored[[][]oxlin.ChannelDefinitionID](t, `[["8700"], ["8700", "8701"]]`) },
		"transactions.absent_on":       func(t *testing.T) { storetest.Stored[[]oxlin.Date](t, `["2026-11-27", "2026-11-28"]`) },
		"transactions.import_source": func(t *testing.T) {
			storetest.Stored[oxlin.ImportSource](t, `{"sync": 12, "channel": "8701", "category_rule": "brand"}`)
		},
		"transactions.derivation": func(t *testing.T) {
			storetest.Stored[oxlin.Derivation](t, `{"label_rule": "line", "type_rule": "code", "unread": ["value_day"]}`)
		},
		"attempts.times": func(t *testing.T) { storetest.Stored[[]int64](t, `[1800000000000]`) },
		"clients.settings": func(t *testing.T) {
			storetest.Stored[oxlin.Settings](t, `{"webhook_url": {"value": "https://client.test/hook", "sealed": "c2VhbGVk"}}`)
		},
		"clients.secrets": func(t *testing.T) {
			storetest.Stored[[]oxlin.ClientSecret](t, `[{"hash": "c2VhbGVk", "made_at": "2026-11-30T09:00:00Z", "ends_at": "2027-11-30T09:00:00Z"}]`)
		},
		"clients.authentication": func(t *testing.T) {
			storetest.Stored[oxlin.ClientAuthentication](t, `{
				"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}, "jwks_uri": "https://client.test/jwks",
				"tls_subject": {
					"tls_client_auth_subject_dn": "CN=app", "tls_client_auth_san_dns": "app.example", "tls_client_auth_san_uri": "urn:app",
					"tls_client_auth_san_ip": "192.0.2.7", "tls_client_auth_san_email": "ops@app.example"
				}, "tls_client_certificate_bound_access_tokens": true
			}`)
		},
		"clients.theme":              func(t *testing.T) { storetest.Stored[oxlin.Theme](t, storedTheme) },
		"connections.deriving":       func(t *testing.T) { storetest.Stored[oxlin.DerivationPlace](t, storedDeriving) },
		"connections.owner":          func(t *testing.T) { storetest.Stored[oxlin.Owner](t, storedOwner) },
		"connections.unshared_owner": func(t *testing.T) { storetest.Stored[oxlin.Owner](t, storedOwner) },
		"events.payload":             func(t *testing.T) { storetest.Stored[oxlin.EventPayload](t, storedPayload) },
		"events.resource":            func(t *testing.T) { storetest.Stored[oxlin.Connection](t, storedConnection) },
		"oauth_tokens.scopes":        func(t *testing.T) { storetest.Stored[oxlin.Scopes](t, `["openid", "profile"]`) },
		"questions.challenges":       func(t *testing.T) { storetest.Stored[[]oxlin.Challenge](t, storedChallenges) },
		"synchronisations.progress":  func(t *testing.T) { storetest.Stored[oxlin.SyncProgress](t, storedProgress) },
		"synchronisations.psu":       func(t *testing.T) { storetest.Stored[*oxlin.PSU](t, storedPSU) },
		"users.profile":              func(t *testing.T) { storetest.Stored[oxlin.Profile](t, storedProfile) },
	} {
		t.Run(column, holds)
	}
}

const (
	storedTheme = `{"font": "Georgia, serif", "font_color": "navy", "elements_color": "#00aa88"}`
	storedPSU   = `{"ip": "192.0.2.7", "user_agent": "Mozilla/5.0", "port": "50001", "accept": "text/html", "accept_charset": "utf-8",
		"accept_encoding": "gzip", "accept_language": "fr", "method": "GET", "device_id": "d-1", "location": "geo:48.8,2.3", "referer": "https://app.example/"}`
	storedProfile = `{"first_name": "Anne", "last_name": "Martin", "gender": "MADM", "birthdate": "1980-11-21", "postcode": "44000"}`
)
