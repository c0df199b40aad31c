package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// FuzzBody sends arbitrary bodies of requests that no database sees. Every answer is a
// client error in the common form, or a creation.
func FuzzBody(f *testing.F) {
	for _, seed := range []struct{ contentType, query, body string }{
		{"", "", ""},
		{"application/json", "", `{"redirect_uri":"https://app.example.test/back","connection_id":1}`},
		{"application/x-www-form-urlencoded", "", `{"widget_params":{"captive_mode":"false"},"redirect_state":null}`},
		{"application/x-www-form-urlencoded", "auto_sync=true", `redirect_uri=https%3A%2F%2Fapp.example.test%2Fback&widget_params={"client_id":"licensed"}`},
		{"multipart/form-data; boundary=b", "", "--b\r\nContent-Disposition: form-data; name=\"auto_sync\"\r\n\r\ntrue\r\n--b--\r\n"},
		{"application/json", "connection_id=1&connection_id=2", `{"channel_definition_id":8701,"channel_definition_id":"8701"}`},
		{"application/json", "", `{"credentials":[{"id":"306","value":"123456","id":"307","value":"true"},null,[{"credentials":[{}]}]]}`},
		{"application/x-www-form-urlencoded", "", `306=123456&306=%ff&0=&credentials=[{"credentials":[{"id":1,"id":[]}]}]`},
		{"text/plain", "%", `{"a":[{},[],1e999,"\ud800"]}`},
	} {
		f.Add(seed.contentType, seed.query, seed.body)
	}
	w := oneWorld(f, func(*api.Options) {})
	token := w.tokens.give(licensed, 0, oxlin.ScopeUsersCreate)
	f.Fuzz(func(t *testing.T, contentType, query, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v2.1/users", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", contentType)
		answer := httptest.NewRecorder()
		w.api.ServeHTTP(answer, r)
		if !json.Valid(answer.Body.Bytes()) || answer.Code != http.StatusCreated && answer.Code != http.StatusBadRequest && answer.Code != http.StatusConflict && answer.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}
