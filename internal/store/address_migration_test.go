package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestTheMigrationOfAddresses covers the accounts of an older version, in which the bank's id was
// both address and identity: the channel that has read an account last asks under the id as before.
func TestTheMigrationOfAddresses(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			account := func(connection, definition, bankID string) string {
				return `INSERT INTO accounts (user_id, connection_id, name, type, status, usage, currency, balance, balance_at, iban, number, masked_number,
					owner_name, last_channel_definition_id, bank_id, covered_until, details, created_at)
					VALUES (1, ` + connection + `, 'COMPTE', 'CHECKINGS', 'ACTIVE', 'PERSONAL', 'EUR', 0, 0, '', '', '', '', '` + definition + `', '` + bankID + `', '', '{}', 1)`
			}
			channel := func(id, definition, mode string) string {
				return `INSERT INTO channels (id, connection_id, definition_id, mode, status, awaits_consent, consent_until, last_success_at, last_end_at, next_sync_at, failures)
					VALUES (` + id + `, 1, '` + definition + `', '` + mode + `', 'SUCCESS', FALSE, 0, 0, 0, 0, 0)`
			}
			for _, statement := range []string{
				`INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, created_at) VALUES ('c', 'C', '[]', '[]', FALSE, FALSE, 1)`,
				`INSERT INTO users (id, client_id, email, password_hash, profile, terms_accepted_at, created_at) VALUES (1, 'c', 'a@example.test', '', '{}', 0, 1)`,
				`INSERT INTO connections (id, user_id, provider_id, name, auto_sync, consent_per_account, owner, created_at)
					VALUES (1, 1, '87', 'B', TRUE, FALSE, '{}', 1)`,
				channel("5", "8700", "EMBEDDED"), channel("6", "8701", "REDIRECT"),
				account("1", "8701", "a''b"), account("1", "8700", "web"), account("1", "9999", "gone"), account("NULL", "", ""),
			} {
				execute(t, db, statement)
			}
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for channel, want := range map[oxlin.ChannelID]map[oxlin.AccountID]string{5: {2: "web"}, 6: {1: "a'b"}} {
				got := must[map[oxlin.AccountID]string](t)(store.AddressesOf(t.Context(), db.Read(), channel))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the addresses of channel %d (-want +got):\n%s", channel, diff)
				}
			}
			migrated := must[oxlin.Account](t)(db.Read().Account(t.Context(), 1))
			if migrated.BankID != "a'b" || len(migrated.Identities) != 0 {
				t.Errorf("the account has the id %q and the identities %v", migrated.BankID, migrated.Identities)
			}
		})
	}
}
