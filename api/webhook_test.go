package api_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/api"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/store"
)

// listener is an integrator's server, which answers with these statuses and
// remembers what it was told.
type listener struct {
	*httptest.Server
	status int
	told   []string
}

func listen(t *testing.T, clientAuth tls.ClientAuthType) *listener {
	t.Helper()
	l := &listener{status: http.StatusNoContent}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s %v, %v", r.Method, r.Header, err)
		}
		l.told = append(l.told, string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(l.status)
	}))
	l.TLS = &tls.Config{ClientAuth: clientAuth}
	l.StartTLS()
	t.Cleanup(l.Close)
	return l
}

// trust is the configuration of one who knows the listener, and shows its own
// certificate.
func (l *listener) trust() *tls.Config {
	config := l.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.Certificates = l.TLS.Certificates
	return config
}

func TestWebhook(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := listen(t, tls.RequireAnyClientCert)
		integrator := licensed
		integrator.WebhookURL = l.URL + "/hook?key=canary"
		w.write(t, func(tx *store.Tx) error { return tx.SaveClient(t.Context(), integrator) })
		user, _ := w.user(t, licensed)
		c := w.connection(t, user)
		record := func(payload oxlin.EventPayload) (recorded oxlin.Event) {
			t.Helper()
			w.write(t, func(tx *store.Tx) (err error) {
				recorded, err = event.Record(t.Context(), tx, now, c.ID, oxlin.SyncAll.SuccessEvent(), "8701", payload)
				return err
			})
			return recorded
		}
		webhooks := api.NewWebhooks(w.db, w.api.Service, l.trust())
		first := record(oxlin.EventPayload{NewTransactions: 3})
		second := record(oxlin.EventPayload{})

		const connection = `{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"SUCCESS","creation_date":1639500100,"auto_sync":true,"logo_url":"https://static.example.test/87.png","channels":[{"channel_definition_id":"8701","mode":"REDIRECT","expires":1647276100,"status":"SUCCESS","last_success_date":1639500110,"last_end_date":1639500110,"credentials":[],"account_types":["CHECKINGS","CREDIT_CARD"],"channel_definition_unavailable":false},{"channel_definition_id":"8700","mode":"EMBEDDED","status":"EMPTY","account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"eligible_accounts":false,"channel_definition_unavailable":false}],"owner":{"name":"JO DOE"},"consent_per_account":false,"user_id":"1"}`
		for _, row := range []struct {
			event oxlin.Event
			want  string
		}{
			{first, `{"id":"1","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":true}`},
			{second, `{"id":"2","event_type":"UPDATED","resource_type":"CONNECTIONS","creation_date":1795255200,"channel_definition_id":"8701","resource":` + connection + `,"new_transactions":false}`},
		} {
			l.told = nil
			err := webhooks.Webhook(t.Context(), user, row.event.ID)
			if err != nil || len(l.told) != 1 || l.told[0] != row.want {
				t.Errorf("told %s, %v; want %s", l.told, err, row.want)
			}
			w.isDescribed(t, "Webhook", row.want)
		}

		for _, status := range []int{http.StatusFound, http.StatusBadRequest, http.StatusInternalServerError} {
			l.told, l.status = nil, status
			err := webhooks.Webhook(t.Context(), user, first.ID)
			if err == nil || len(l.told) != 1 || strings.Contains(err.Error(), "canary") {
				t.Errorf("answered %d: %v, told %d times", status, err, len(l.told))
			}
		}
		l.status = http.StatusOK
		err := api.NewWebhooks(w.db, w.api.Service, l.Client().Transport.(*http.Transport).TLSClientConfig).Webhook(t.Context(), user, first.ID)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("nothing was shown to a server that asks who calls: %v", err)
		}

		l.told = nil
		for fact, id := range map[string]oxlin.EventID{"an event that is not there": 3, "no event": 0} {
			err := webhooks.Webhook(t.Context(), user, id)
			if err != nil {
				t.Errorf("%s: %v", fact, err)
			}
		}
		err = webhooks.Webhook(t.Context(), user+100, first.ID)
		if err != nil {
			t.Errorf("a user who is not there: %v", err)
		}
		w.write(t, func(tx *store.Tx) error { return tx.SaveClient(t.Context(), licensed) })
		err = webhooks.Webhook(t.Context(), user, first.ID)
		if err != nil || l.told != nil {
			t.Errorf("a client that takes none any more: %v, told %s", err, l.told)
		}
	})
}

// isDescribed fails unless JSON is what a schema of the document says.
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
