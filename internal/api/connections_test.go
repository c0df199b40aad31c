package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
)

func TestConnectionsAreListedAndFiltered(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		w.connection(t, user, func(c *oxlin.Connection) { c.Name, c.CreatedAt = "Été", now })
		w.connection(t, user, func(c *oxlin.Connection) {
			c.Name, c.ProviderID = "eau", "119"
			c.Channels = []oxlin.Channel{{DefinitionID: "redirect1", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelTokenExpired}}
		})
		w.connection(t, user, func(c *oxlin.Connection) { c.Name, c.Channels = "Zoo", nil })
		other, _ := w.user(t, licensed)
		w.connection(t, other)
		for _, row := range []struct {
			query string
			want  []string
			field string
		}{
			{query: "", want: []string{"1", "2", "3"}},
			{query: "?provider_id=87", want: []string{"1", "3"}},
			{query: "?provider_id=87,119", want: []string{"1", "2", "3"}},
			{query: "?status=FAILED,NONE", want: []string{"2", "3"}},
			{query: "?user_id=" + user.String(), want: []string{"1", "2", "3"}},
			{query: "?user_id=" + other.String(), want: []string{}},
			{query: "?sort=name", want: []string{"2", "1", "3"}},
			{query: "?sort=creation_date,-name", want: []string{"3", "2", "1"}},
			{query: "?sort=-id&limit=1&page=2", want: []string{"2"}},
			{query: "?page=4&limit=1", want: []string{}},
			{query: "?limit=0", field: "limit"},
			{query: "?page=0", field: "page"},
			{query: "?status=GONE", field: "status"},
			{query: "?sort=owner", field: "sort"},
		} {
			t.Run(row.query, func(t *testing.T) {
				got := w.send(t, request{method: "GET", path: "/v2.1/connections" + row.query, token: token})
				if row.field != "" {
					got.wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
					return
				}
				if ids := got.want(t, 200).ids(t); !slices.Equal(ids, row.want) {
					t.Errorf("got %v, want %v", ids, row.want)
				}
			})
		}
	})
}

func TestConnectionsChangeAndGo(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		path := "/v2.1/connections/" + w.connection(t, user).ID.String()
		form := "application/x-www-form-urlencoded"

		w.send(t, request{method: "PATCH", path: path, token: token, body: `{"name":"Mine","auto_sync":false}`}).want(t, 204)
		got := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)
		if got["name"] != "Mine" || got["auto_sync"] != false {
			t.Errorf("%v", got)
		}
		w.send(t, request{method: "PUT", path: path, token: token, body: "auto_sync=true", contentType: form, tolerated: true}).want(t, 204)
		got = w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)
		if got["name"] != "Mine" || got["auto_sync"] != true {
			t.Errorf("%v", got)
		}
		w.send(t, request{method: "PATCH", path: path, token: token, body: `{"auto_sync":"perhaps"}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "auto_sync")
		w.send(t, request{method: "PATCH", path: path, token: token, body: `{"name":""}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "name")

		w.send(t, request{method: "DELETE", path: path, token: token}).want(t, 204)
		w.send(t, request{method: "GET", path: path, token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
		w.send(t, request{method: "DELETE", path: path, token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
	})
}

func TestWhatIsAnothersDoesNotExist(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		owner, _ := w.user(t, licensed)
		c := w.connection(t, owner)
		a := w.account(t, c)
		w.transactions(t, owner, now, oxlin.Transaction{AccountID: a, Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction, Category: "SERVICES", Date: oxlin.NewDate(2026, 1, 1)})
		var queue oxlin.QueueID
		w.Write(func(tx *store.Tx) error {
			var err error
			queue, err = tx.InsertQueue(t.Context(), oxlin.Queue{UserID: owner}, now)
			return err
		})
		_, token := w.user(t, licensed)
		for _, row := range []request{
			{method: "GET", path: "/connections/" + c.ID.String()},
			{method: "PATCH", path: "/connections/" + c.ID.String(), body: `{"name":"mine"}`},
			{method: "DELETE", path: "/connections/" + c.ID.String()},
			{method: "POST", path: "/connections/" + c.ID.String() + "/synchronize"},
			{method: "PUT", path: "/connections/" + c.ID.String() + "/consents", body: `{"consents":[{"account_id":"1","consent":false}]}`},
			{method: "PUT", path: "/connections/" + c.ID.String() + "/channels/8701", body: `{"credentials":[{"id":"AUTHORIZATION_CODE","value":"yes"}]}`},
			{method: "PUT", path: "/connections/" + c.ID.String() + "/channels/8700", body: `{"credentials":[]}`},
			{method: "PUT", path: "/connections/" + c.ID.String() + "/credentials/300", body: `{"value":"dev"}`},
			{method: "POST", path: "/connections/" + c.ID.String() + "/channels/8701/user_input", body: `{"credentials":[{"id":"307","value":"false"}]}`},
			{method: "POST", path: "/providers/87/channels/8701/authorize_url", body: `{"connection_id":"` + c.ID.String() + `"}`},
			{method: "GET", path: "/accounts/" + a.String()},
			{method: "PATCH", path: "/accounts/" + a.String(), body: `{"name":"mine"}`},
			{method: "DELETE", path: "/accounts/" + a.String()},
			{method: "GET", path: "/transactions/1"},
			{method: "GET", path: "/queues/" + queue.String()},
			{method: "GET", path: "/queues/" + queue.String() + "?after=0"},
			{method: "GET", path: "/connections/01"},
			{method: "GET", path: "/accounts/x"},
			{method: "GET", path: "/transactions/99999999999999999999"},
			{method: "GET", path: "/queues/-1"},
		} {
			row.path, row.token = "/v2.1"+row.path, token
			w.send(t, row).wantError(t, 404, oxlin.CodeNotFound, "")
		}
		for _, path := range []string{"/connections", "/accounts", "/transactions", "/transactions?account_id=" + a.String()} {
			if ids := w.send(t, request{method: "GET", path: "/v2.1" + path, token: token}).want(t, 200).ids(t); len(ids) != 0 {
				t.Errorf("%s: %v", path, ids)
			}
		}
	})
}

func TestSynchronising(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		first, second := w.connection(t, user), w.connection(t, user)
		w.account(t, second)
		expired := w.connection(t, user, func(c *oxlin.Connection) { c.Channels[0].Status = oxlin.ChannelTokenExpired })
		path := "/v2.1/connections/" + first.ID.String() + "/synchronize"
		live := func(c oxlin.Connection) oxlin.Synchronisation {
			t.Helper()
			run, err := w.DB.Read().LiveSynchronisation(t.Context(), c.Channels[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return run
		}

		w.send(t, request{method: "POST", path: path, token: token, body: `{"type":"NOW"}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "type")
		w.send(t, request{method: "POST", path: path, token: token, header: http.Header{"Psu-Ip-Address": {"localhost"}}}).wantError(t, 400, oxlin.CodeInvalidRequest, "PSU-IP-Address")

		// The user is present, as the client states.
		w.send(t, request{method: "POST", path: path + "?type=LIST_ACCOUNTS", token: token, header: http.Header{"Psu-Ip-Address": {"192.0.2.7"}, "Psu-User-Agent": {"Browser/1"}}}).want(t, 204)
		run := live(first)
		if run.Kind != oxlin.SyncListAccounts || run.PSU == nil || *run.PSU != (oxlin.PSU{IP: "192.0.2.7", UserAgent: "Browser/1"}) {
			t.Errorf("%+v", run)
		}
		if got := w.send(t, request{method: "GET", path: "/v2.1/connections/" + first.ID.String(), token: token}).object(t); got["status"] != "RUNNING" {
			t.Errorf("status %v", got["status"])
		}
		// One is running already: the same answer, without a second synchronisation.
		w.send(t, request{method: "POST", path: path, token: token, body: `{"type":"SYNC_ALL"}`}).want(t, 204)
		if live(first).ID != run.ID {
			t.Error("a second synchronisation began")
		}
		// All: the answer names those that start, without the one that its user has to
		// renew.
		got := w.send(t, request{method: "POST", path: "/v2.1/connections/synchronize", token: token, body: `{}`}).want(t, 200)
		if want := `["/connections/` + first.ID.String() + `","/connections/` + second.ID.String() + `"]`; string(got.body) != want {
			t.Errorf("%s, want %s", got.body, want)
		}
		if run := live(second); run.Kind != oxlin.SyncAll || run.PSU != nil {
			t.Errorf("%+v", run)
		}
		w.send(t, request{method: "POST", path: "/v2.1/connections/" + expired.ID.String() + "/synchronize", token: token}).wantError(t, 409, oxlin.CodeUserActionRequired, "")
	})
}

func TestConsents(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user, func(c *oxlin.Connection) {
			c.ConsentPerAccount = true
			c.Channels[0].Status, c.Channels[0].AwaitsConsent = oxlin.ChannelNever, true
		})
		pending := func(a *oxlin.Account) { a.Status = oxlin.AccountPendingConsent }
		yes, no, open := w.account(t, c, pending), w.account(t, c, pending), w.account(t, c, pending)
		elsewhere := w.account(t, w.connection(t, user))
		path := "/v2.1/connections/" + c.ID.String() + "/consents"

		for _, row := range []struct{ body, field string }{
			{`{}`, "consents"},
			{`{"consents":[]}`, "consents"},
			{`{"consents":[{"consent":true}]}`, "consents.account_id"},
			{`{"consents":[{"account_id":"1"}]}`, "consents.consent"},
			{`{"consents":[{"account_id":"x","consent":true}]}`, "consents.account_id"},
			{`{"consents":[{"account_id":"` + elsewhere.String() + `","consent":true}]}`, "consents.account_id"},
			{`{"consents":[{"account_id":"1","consent":1}]}`, "consents.consent"},
		} {
			w.send(t, request{method: "PUT", path: path, token: token, body: row.body}).wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
		}
		// Ids may be numbers, and a form's truth is a word.
		w.send(t, request{method: "PUT", path: path, token: token, body: `{"consents":[{"account_id":` + yes.String() + `,"consent":"true"},{"account_id":"` + no.String() + `","consent":false}]}`}).want(t, 204)
		for id, want := range map[oxlin.AccountID]string{yes: "ACTIVE", open: "PENDING_CONSENT"} {
			if got := w.send(t, request{method: "GET", path: "/v2.1/accounts/" + id.String(), token: token}).object(t); got["status"] != want {
				t.Errorf("account %s: %v, want %s", id, got["status"], want)
			}
		}
		w.send(t, request{method: "GET", path: "/v2.1/accounts/" + no.String(), token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
		if got := w.send(t, request{method: "GET", path: "/v2.1/connections/" + c.ID.String(), token: token}).object(t); got["status"] != "RUNNING" {
			t.Errorf("status %v: a synchronisation should follow", got["status"])
		}
	})
}

func TestQueuesGiveOutEventsOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user)
		for _, row := range []struct {
			request
			status int
			field  string
		}{
			{request{body: `{"topics":["weather"]}`}, 400, "topics[0]"},
			{request{body: `{}`}, 400, "topics"},
			{request{body: "topics=connections", contentType: "application/x-www-form-urlencoded", tolerated: true}, 201, ""},
			{request{body: "topics=connections%2C+connections%2C", contentType: "application/x-www-form-urlencoded", tolerated: true}, 201, ""},
			{request{body: `{"topics":["connections"]}`, contentType: "application/x-www-form-urlencoded", tolerated: true}, 201, ""},
		} {
			row.method, row.path, row.token = "POST", "/v2.1/queues/subscribe", token
			got := w.send(t, row.request)
			if row.field != "" {
				got.wantError(t, row.status, oxlin.CodeInvalidRequest, row.field)
			} else {
				got.want(t, row.status)
			}
		}
		queue := "/v2.1" + w.send(t, request{method: "POST", path: "/v2.1/queues/subscribe", token: token, body: `{"topics":["connections"]}`}).want(t, 201).Header.Get("Location")
		poll := func(query string) answer {
			t.Helper()
			return w.send(t, request{method: "GET", path: queue + query, token: token}).want(t, 200)
		}
		if got := poll("").ids(t); len(got) != 0 {
			t.Errorf("events before anything happened: %v", got)
		}
		record := func(eventType oxlin.EventType, payload oxlin.EventPayload) {
			w.Write(func(tx *store.Tx) error {
				_, err := tx.AppendEvent(t.Context(), oxlin.Event{UserID: user, Type: eventType, ChannelDefinition: "8701", At: time.Unix(1528199358, 0), Connection: c, Payload: payload})
				return err
			})
		}
		record(oxlin.SyncListAccounts.UserInputEvent(), oxlin.EventPayload{Challenge: []oxlin.Challenge{{
			CredentialDefinition: oxlin.CredentialDefinition{ID: "303", Label: "Code au {phone}", Regexp: ".*", Type: oxlin.CredentialInfo},
			Params:               map[string]string{"phone": "0606060606"},
		}}})
		record(oxlin.SyncListAccounts.SuccessEvent(), oxlin.EventPayload{Accounts: []oxlin.Account{{ID: 7, ConnectionID: c.ID, Name: "LIVRET", Type: oxlin.AccountSavings, Status: oxlin.AccountPendingConsent, Currency: "EUR", IBAN: "FR7630004000031234567890143", CreatedAt: time.Unix(1528199350, 0)}}})
		record(oxlin.SyncAll.SuccessEvent(), oxlin.EventPayload{})

		got := poll("")
		resource := `"resource_type":"CONNECTION","channel_definition_id":"8701","creation_date":1528199358,"resource":{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"SUCCESS","creation_date":1639500100,"auto_sync":true,"logo_url":"https://static.example.test/87.png","channels":[{"id":"8701","channel_definition_id":"8701","mode":"REDIRECT","expires":1647276100,"status":"SUCCESS","last_success_date":1639500110,"last_end_date":1639500110,"credentials":[],"account_types":["CHECKINGS","CREDIT_CARD"],"channel_definition_unavailable":false},{"id":"8700","channel_definition_id":"8700","mode":"EMBEDDED","status":"EMPTY","account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"eligible_accounts":false,"channel_definition_unavailable":false}],"owner":{"name":"JO DOE"},"consent_per_account":false,"user_id":"1","last_success_date":1639500110,"last_end_date":1639500110}`
		want := `[{"id":"1","event_type":"LIST_ACCOUNTS_USER_INPUT_REQUESTED","event_status":"LIST_ACCOUNTS_USER_INPUT_REQUESTED",` + resource + `,"list_accounts_user_input_requested":{"challenge":[{"id":"303","label":"Code au {phone}","regexp":".*","type":"INFO_MSG","encrypt":false,"params":{"phone":"0606060606"}}]}},` +
			`{"id":"2","event_type":"LIST_ACCOUNTS_SUCCESS","event_status":"LIST_ACCOUNTS_SUCCESS",` + resource + `,"list_accounts_success":{"accounts":[{"id":"7","connection_id":"1","name":"LIVRET","currency":"EUR","status":"PENDING_CONSENT","type":"SAVINGS","creation_date":1528199350,"account_number":"*******8901"}]}},` +
			`{"id":"3","event_type":"SYNC_ALL_SUCCESS","event_status":"SYNC_ALL_SUCCESS",` + resource + `,"sync_all_success":{"new_transactions":0,"cancelled_transactions":0,"restored_transactions":0}}]`
		if short(string(got.body)) != want {
			t.Errorf("got  %s\nwant %s", got.body, want)
		}
		if again := poll("").ids(t); len(again) != 0 {
			t.Errorf("given out twice: %v", again)
		}
		// An answer was lost: it is read again, and the queue stays where it is.
		if again := poll("?after=1").ids(t); !slices.Equal(again, []string{"2", "3"}) {
			t.Errorf("after 1: %v", again)
		}
		record(oxlin.SyncAll.FailedEvent(), oxlin.EventPayload{})
		if next := poll("").ids(t); !slices.Equal(next, []string{"4"}) {
			t.Errorf("next: %v", next)
		}
		record(oxlin.EventConnectionUpdated, oxlin.EventPayload{})
		record(oxlin.EventConnectionUpdated, oxlin.EventPayload{Derived: &oxlin.DerivedRows{Changed: 3, New: 1}})
		updated := short(string(poll("").body))
		if !strings.HasSuffix(updated, `,"connection_updated":{"changed_transactions":3,"new_transactions":1}}]`) || strings.Count(updated, "connection_updated") != 1 {
			t.Errorf("rows that were read anew: %s", updated)
		}
		w.send(t, request{method: "GET", path: queue + "?after=-1", token: token}).wantError(t, 400, oxlin.CodeInvalidRequest, "after")

		// Events whose retention is over cannot be read again: their position is refused.
		_, err := event.Forget(t.Context(), w.DB, time.Unix(1528199359, 0))
		if err != nil {
			t.Fatal(err)
		}
		w.send(t, request{method: "GET", path: queue + "?after=0", token: token}).wantError(t, 410, oxlin.CodePositionExpired, "")
		if next := poll("").ids(t); len(next) != 0 {
			t.Errorf("a queue that has read everything: %v", next)
		}
	})
}
