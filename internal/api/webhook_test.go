package api_test

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
)

func TestWebhookJSON(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, _ := w.user(t, licensed)
		c := w.connection(t, user)
		record := func(payload oxlin.EventPayload) (recorded oxlin.Event) {
			t.Helper()
			w.Write(func(tx *store.Tx) (err error) {
				recorded, err = event.Log{}.Record(t.Context(), tx, now, c.ID, oxlin.SyncAll.SuccessEvent(), "8701", payload)
				return err
			})
			return recorded
		}
		const connection = `{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"SUCCESS","creation_date":1639500100,"auto_sync":true,"logo_url":"https://static.example.test/87.png","channels":[{"channel_definition_id":"8701","mode":"REDIRECT","expires":1647276100,"status":"SUCCESS","last_success_date":1639500110,"last_end_date":1639500110,"credentials":[],"account_types":["CHECKINGS","CREDIT_CARD"],"channel_definition_unavailable":false},{"channel_definition_id":"8700","mode":"EMBEDDED","status":"EMPTY","account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"eligible_accounts":false,"channel_definition_unavailable":false}],"owner":{"name":"JO DOE"},"consent_per_account":false,"user_id":"1"}`
		lacking := oxlin.IncompleteAccount{ID: 7, Status: oxlin.AccountError, NoBalance: true, Coverage: oxlin.Coverage{
			UnreadableRows: 2, Newest: oxlin.GapUnreadable, Older: oxlin.GapRefused, Gap: oxlin.GapRefused,
		}}
		for _, row := range []struct {
			event oxlin.Event
			want  string
		}{
			{record(oxlin.EventPayload{NewTransactions: 3}), `{"id":"1","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":true,"cancelled_transactions":false,"restored_transactions":false}`},
			{record(oxlin.EventPayload{}), `{"id":"2","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":false,"cancelled_transactions":false,"restored_transactions":false}`},
			{record(oxlin.EventPayload{CancelledTransactions: 1}), `{"id":"3","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":false,"cancelled_transactions":true,"restored_transactions":false}`},
			{record(oxlin.EventPayload{RestoredTransactions: 2}), `{"id":"4","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":false,"cancelled_transactions":false,"restored_transactions":true}`},
			{record(oxlin.EventPayload{UnreadableAccounts: 1, Incomplete: []oxlin.IncompleteAccount{lacking, {ID: 8, Status: oxlin.AccountActive}}}), `{"id":"5","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":false,"cancelled_transactions":false,"restored_transactions":false,"incomplete_accounts":[{"id":"7","status":"ERROR","coverage":{"complete":false,"unreadable_rows":2},"lacks":["BALANCE","UNREADABLE_ROWS","REFUSED"]},{"id":"8","status":"ACTIVE","lacks":["REFUSED"]}],"unreadable_accounts":1}`},
		} {
			provider, _ := w.Service.Providers.Get(c.ProviderID)
			body, err := api.EventJSON("", row.event, provider)
			if err != nil || short(string(body)) != row.want {
				t.Errorf("%s, %v; want %s", body, err, row.want)
			}
			w.isDescribed(t, "Webhook", row.want)
		}
	})
}

// isDescribed fails unless the JSON matches a schema of the document.
func (w *world) isDescribed(t *testing.T, schema, text string) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(w.api.Document())
	if err != nil {
		t.Fatal(err)
	}
	var value any
	err = json.Unmarshal([]byte(text), &value)
	if err != nil {
		t.Fatal(err)
	}
	err = document.Components.Schemas[schema].Value.VisitJSON(value)
	if err != nil {
		t.Errorf("%s: %v", schema, err)
	}
	for name := range value.(map[string]any) {
		if document.Components.Schemas[schema].Value.Properties[name] == nil {
			t.Errorf("%s: %s is not described", schema, name)
		}
	}
}
