package banktest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// witness records the errors of a test without failing the test that uses it.
type witness struct {
	testing.TB
	errors []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}
func (w *witness) Helper()          {}
func (w *witness) Cleanup(f func()) { w.TB.Cleanup(f) }

func (w *witness) wants(t *testing.T, word string) {
	t.Helper()
	if word == "" && len(w.errors) > 0 {
		t.Errorf("errors %q, want none", w.errors)
	}
	if word != "" && (len(w.errors) != 1 || !strings.Contains(w.errors[0], word)) {
		t.Errorf("errors %q, want one about %q", w.errors, word)
	}
}

const mapping = `{"request":{"method":"GET","urlPattern":"/v1/accounts\\?page=(\\d)","headers":{
	"Authorization":{"equalTo":"Bearer token"},"X-Request-ID":{"matches":"[0-9]{4}"},"Host":{"contains":"bank"}}},
	"response":{"status":203,"headers":{"X-Bank":"yes","Content-Length":"999"},"jsonBody":{"self":"{{request.requestLine.baseUrl}}/v1"}}}`

func TestThePlayerReadsTheFormsOfTheRecordings(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"first.json": `{"request":{"method":"GET","urlPath":"/rows","queryParameters":{"page":{"absent":true}}},"response":{"status":201}}`,
		"exact.json": `{"request":{"method":"GET","url":"/rows?page=2"},"response":{"status":202,"headers":{"X-Id":"{{request.headers.x-id}}"}}}`,
		"body.json":  `{"request":{"method":"POST","url":"/rows","bodyPatterns":[{"equalToJson":"{'Data':{'All':['a','b']}}"}]},"response":{"status":203}}`,
		"tree.json":  `{"request":{"method":"POST","url":"/tree","bodyPatterns":[{"equalToJson":{"a":[1]}}]},"response":{"status":206}}`,
	} {
		err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		method, target, body string
		status               int // 0: no answer
	}{
		{"GET", "/rows", "", 201},
		{"GET", "/rows?page=2", "", 202},
		{"GET", "/rows?page=3", "", 0},
		{"POST", "/rows", `{"Data": {"All": ["a", "b"]}}`, 203},
		{"POST", "/rows", `{"Data": {"All": ["b", "a"]}}`, 0},
		{"POST", "/tree", `{ "a": [1] }`, 206},
		{"POST", "/tree", `a`, 0},
	} {
		w := &witness{TB: t}
		request := httptest.NewRequest(test.method, "https://bank.example"+test.target, strings.NewReader(test.body))
		request.Header.Set("X-Id", "7")
		recorder := httptest.NewRecorder()
		banktest.NewPlayer(w, folder).ServeHTTP(recorder, request)
		if (len(w.errors) > 0) != (test.status == 0) || test.status != 0 && recorder.Code != test.status {
			t.Errorf("%s %s %s: %d, %v", test.method, test.target, test.body, recorder.Code, w.errors)
		}
		if test.status == 202 && recorder.Header().Get("X-Id") != "7" {
			t.Errorf("X-Id is %q", recorder.Header().Get("X-Id"))
		}
	}
}

func TestThePlayerIsStrict(t *testing.T) {
	folder := t.TempDir()
	err := os.WriteFile(filepath.Join(folder, "accounts.json"), []byte(mapping), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	fits := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "https://bank.example/v1/accounts?page=2", nil)
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("X-Request-ID", "1234")
		return r
	}
	tests := map[string]struct {
		spoil func(*http.Request)
		want  string
	}{
		"it fits":             {func(*http.Request) {}, ""},
		"another method":      {func(r *http.Request) { r.Method = http.MethodPut }, "no recorded answer"},
		"another page":        {func(r *http.Request) { r.URL.RawQuery = "page=22" }, "no recorded answer"},
		"another token":       {func(r *http.Request) { r.Header.Set("Authorization", "Bearer tokens") }, "header Authorization"},
		"more than a pattern": {func(r *http.Request) { r.Header.Set("X-Request-ID", "12345") }, "header X-Request-ID"},
		"another host":        {func(r *http.Request) { r.Host = "elsewhere.example" }, "header Host"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			player := banktest.NewPlayer(w, folder)
			request := fits()
			test.spoil(request)
			recorder := httptest.NewRecorder()
			player.ServeHTTP(recorder, request)
			w.wants(t, test.want)
			if left := len(player.Unplayed()); (left == 0) != (test.want == "") {
				t.Errorf("%d mappings are unplayed", left)
			}
			if test.want == "" && (recorder.Code != 203 || recorder.Header().Get("X-Bank") != "yes" || !strings.Contains(recorder.Body.String(), `"https://bank.example/v1"`)) {
				t.Errorf("answer is %d %s", recorder.Code, recorder.Body)
			}
		})
	}
}

func TestTheStandardIsChecked(t *testing.T) {
	fits := func(method, target, body string) *http.Request {
		r := httptest.NewRequest(method, "https://bank.example/psd2/v1"+target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Signature", "keyId=...")
		r.Header.Set("X-Request-ID", "1234")
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	banktest.Shared(t, 9, "specs")
	consent := `{"balances":[],"transactions":[],"owners":[],"trustedBeneficiaries":false,"psuIdentity":true}`
	tests := map[string]struct {
		request *http.Request
		without string // a header
		want    string
	}{
		"it fits":              {fits("GET", "/accounts", ""), "", ""},
		"no signature":         {fits("GET", "/accounts", ""), "Signature", "Signature"},
		"no request id":        {fits("GET", "/accounts", ""), "X-Request-ID", "X-Request-ID"},
		"a plain date":         {fits("GET", "/accounts/1/transactions?dateFrom=2026-07-01", ""), "", "dateFrom"},
		"an instant":           {fits("GET", "/accounts/1/transactions?dateFrom=2026-07-01T00:00:00Z", ""), "", ""},
		"an odd id":            {fits("GET", "/accounts/%C3%A9/transactions", ""), "", "accountResourceId"},
		"a consent":            {fits("PUT", "/consents", consent), "", ""},
		"half a consent":       {fits("PUT", "/consents", `{"balances":[]}`), "", "psuIdentity"},
		"beside the interface": {fits("POST", "/token", ""), "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			test.request.Header.Del(test.without)
			reached := false
			behind := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = true })
			banktest.NewStandard(w, "1.5").Check("/psd2/v1", behind).ServeHTTP(httptest.NewRecorder(), test.request)
			w.wants(t, test.want)
			if !reached {
				t.Error("the bank is not reached")
			}
		})
	}
}

func TestAScriptKnowsWhatIsToBeAsked(t *testing.T) {
	w := &witness{TB: t}
	t.Run("asked too much", func(t *testing.T) {
		w.TB = t
		script := banktest.NewScript(w, banktest.Exchange{Ask: "GET /one", Body: "1"})
		script.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/one", nil))
		w.wants(t, "")
		script.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/two", nil))
		w.wants(t, "once more")
	})
	w.errors = nil
	t.Run("asked something else", func(t *testing.T) {
		w.TB = t
		script := banktest.NewScript(w, banktest.Exchange{Ask: "GET /one"})
		script.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/two", nil))
		w.wants(t, "want")
	})
	w.errors = nil
	t.Run("asked too little", func(t *testing.T) {
		w.TB = t
		banktest.NewScript(w, banktest.Exchange{Ask: "GET /one"})
	})
	w.wants(t, "never asked")
}
