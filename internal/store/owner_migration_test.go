package store_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestTheMigrationOfOwners covers the connections of an older version: one that the user has
// consented to keeps showing its owner, and one whose accounts wait for the page of a flow hides
// it, in its events too.
func TestTheMigrationOfOwners(t *testing.T) {
	bytes := map[string]string{"SQLite": "BLOB", "PostgreSQL": "BYTEA"}
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 23)
			if err != nil {
				t.Fatal(err)
			}
			a := "CAST('a' AS " + bytes[name] + ")"
			for _, statement := range []string{
				`INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, created_at) VALUES ('c', 'C', '[]', '[]', FALSE, FALSE, 1)`,
				`INSERT INTO users (id, client_id, email, password_hash, profile, terms_accepted_at, created_at) VALUES (1, 'c', 'a@example.test', '', '{}', 0, 1)`,
				`INSERT INTO widget_sessions (id_hash, client_id, user_id, scopes, token_hash, family, parameters, created_at, expires_at)
					SELECT ` + a + `, 'c', 1, '[]', ` + a + `, '', '', 1, 1`,
			} {
				execute(t, db, statement)
			}
			// What a connection has: whether a consent, whether a flow, whether an account that is read.
			add := func(id string, perAccount, awaits bool, progress, status, accountStatus string, flow, consent bool) {
				t.Helper()
				truth := map[bool]string{true: "TRUE", false: "FALSE"}
				statements := []string{
					`INSERT INTO connections (id, user_id, provider_id, name, auto_sync, consent_per_account, owner, created_at)
						VALUES (` + id + `, 1, '87', 'B', TRUE, ` + truth[perAccount] + `, '{"name":"JO DOE"}', 1)`,
					`INSERT INTO channels (id, connection_id, definition_id, mode, status, awaits_consent, consent_until, last_success_at, last_end_at, next_sync_at, failures)
						VALUES (` + id + `, ` + id + `, '8701', 'REDIRECT', '` + status + `', ` + truth[awaits] + `, 0, 0, 0, 0, 0)`,
					`INSERT INTO events (user_id, id, connection_id, type, definition_id, at, resource, payload)
						VALUES (1, ` + id + `, ` + id + `, 'LIST_ACCOUNTS_SUCCESS', '8701', 1, '{"ID":` + id + `,"Owner":{"name":"JO DOE"},"Name":"B"}', '{"Accounts":[{"ID":5,"Name":"COMPTE"}]}')`,
				}
				if progress != "" {
					statements = append(statements, `INSERT INTO synchronisations (channel_id, kind, state, psu, progress, attempts, new_transactions, started_at, ended_at)
						VALUES (`+id+`, 'LIST_ACCOUNTS', 'RUNNING', 'null', '`+progress+`', 0, 0, 1, 0)`)
				}
				if accountStatus != "" {
					statements = append(statements, `INSERT INTO accounts (user_id, connection_id, name, type, status, usage, currency, balance_at, iban, number, masked_number,
						owner_name, last_channel_definition_id, bank_id, covered_until, details, created_at)
						VALUES (1, `+id+`, 'COMPTE', 'CHECKINGS', '`+accountStatus+`', 'PERSONAL', 'EUR', 0, '', '', '', '', '8701', 'x', '', '{}', 1)`)
				}
				if flow {
					statements = append(statements, `INSERT INTO widget_flows (id, session_hash, session, connection_id, entered, attempt, state, version, created_at)
						SELECT 70 + `+id+`, `+a+`, `+a+`, `+id+`, '8701', 1, '{}', 1, 1`)
				}
				if consent {
					statements = append(statements, `INSERT INTO consents (user_id, connection_id, channel_id, all_accounts, accounts, text_version, given_at, valid_until)
						VALUES (1, `+id+`, `+id+`, TRUE, '[]', '2026-11', 1, 0)`)
				}
				for _, statement := range statements {
					execute(t, db, statement)
				}
			}
			const pending, active = "PENDING_CONSENT", "ACTIVE"
			rows := []struct {
				fact     string
				add      func(id string)
				shared   bool
				asked    oxlin.FlowID
				accounts int
			}{
				{"the user has consented", func(id string) { add(id, false, false, "", "SUCCESS", active, true, true) }, true, 0, 1},
				{"an account is read, without a record", func(id string) { add(id, false, false, "", "SUCCESS", active, false, false) }, true, 0, 1},
				{"a page asks", func(id string) { add(id, false, true, "", "NEVER", pending, true, false) }, false, 73, 0},
				{"the flow is gone", func(id string) { add(id, false, true, "", "NEVER", pending, false, false) }, false, -1, 0},
				{"the client asks", func(id string) { add(id, true, true, "", "NEVER", pending, false, false) }, false, 0, 1},
				{"a page will ask", func(id string) { add(id, false, false, `{"ask_consent":true}`, "RUNNING", "", true, false) }, false, 76, 0},
				{"the client's user is at work", func(id string) { add(id, false, false, `{}`, "RUNNING", "", false, false) }, false, 0, 1},
				{"the first list failed in a flow", func(id string) { add(id, false, false, "", "FAILED", "", true, false) }, false, 78, 0},
				{"a renewal asks", func(id string) { add(id, false, true, "", "SUCCESS", active, true, true) }, true, 79, 1},
			}
			for i, row := range rows {
				row.add(string(rune('1' + i)))
			}
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			connections := must[[]oxlin.Connection](t)(db.Read().Connections(t.Context(), 1))
			events := must[[]oxlin.Event](t)(db.Read().Events(t.Context(), 1, 0, 100))
			owner := oxlin.Owner{Name: "JO DOE"}
			for i, row := range rows {
				c, e := connections[i], events[i]
				shared, unshared := oxlin.Owner{}, owner
				if row.shared {
					shared, unshared = owner, oxlin.Owner{}
				}
				if c.Owner != shared || c.UnsharedOwner != unshared || c.Channels[0].AskedIn != row.asked {
					t.Errorf("%s: owner %+v, unshared %+v, asked in %d; want %d", row.fact, c.Owner, c.UnsharedOwner, c.Channels[0].AskedIn, row.asked)
				}
				if e.Connection.Owner != shared || e.Connection.Name != "B" || len(e.Payload.Accounts) != row.accounts {
					t.Errorf("%s: the event has the owner %+v and %d accounts", row.fact, e.Connection.Owner, len(e.Payload.Accounts))
				}
			}
		})
	}
}
