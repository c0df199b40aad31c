package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// Version 3 is read only and is another form of version 2.1: a request is translated, does
// what the same request of version 2.1 does, with its tokens, scopes and errors, and its
// answer is translated back (contract §12.14). openapi-v3.yaml describes it.

// third is the prefix of version 3.
const third = "/v3"

// serveThird answers a request of version 3; path has no prefix.
func (a *API) serveThird(w http.ResponseWriter, r *http.Request, path string) {
	list, single := thirdList(path)
	switch {
	case path == "/openapi.yaml" || path == "/openapi.json":
		a.serveDocument(w, r, a.third, path)
		return
	case list == "" && !single:
		a.notFound(w, r)
		return
	case r.Method != http.MethodGet:
		a.methodNotAllowed(w, r, http.MethodGet)
		return
	}
	x := exchangeOf(r.Context())
	user := r.URL.Query().Get("user_id")
	r = inSecondForm(r)
	x.request = r
	answer := &heldAnswer{header: w.Header(), status: http.StatusOK}
	a.serveOperation(answer, r, path)
	if answer.status != http.StatusOK {
		w.WriteHeader(answer.status)
		_, _ = answer.body.WriteTo(w) // fails only if the client has disconnected
		return
	}
	text, err := inThirdForm(answer.body.Bytes(), list, list != "" && user != "" && user != x.caller.UserID.String())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Del("Content-Length")
	_, err = w.Write(text)
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
	}
}

// thirdList returns the member that wraps a list, and whether the path is one resource.
func thirdList(path string) (list string, single bool) {
	switch path {
	case "/connections", "/accounts", "/transactions":
		return path[1:], false
	case "/users/me":
		return "", true
	}
	for _, folder := range []string{"/connections/", "/accounts/"} {
		id, ok := strings.CutPrefix(path, folder)
		if ok && id != "" && !strings.Contains(id, "/") {
			return "", true
		}
	}
	return "", false
}

// heldAnswer keeps an answer of version 2.1 until it is translated.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header         { return h.header }
func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(p []byte) (int, error) { return h.body.Write(p) }

// inSecondForm translates a request: the user in the query, the accounts by their other
// name, and days as seconds.
func inSecondForm(r *http.Request) *http.Request {
	query := url.Values{}
	for name, values := range joined(r.URL.Query()) {
		switch name {
		case "account_ids":
			query["account_id"] = values
		case "start_date", "end_date", "start_import_date":
			query.Set(name, seconds(values[0]))
		default:
			query[name] = values
		}
	}
	r = r.Clone(r.Context())
	if user := query.Get("user_id"); user != "" && r.Header.Get(headerUserID) == "" {
		r.Header.Set(headerUserID, user)
	}
	query.Del("user_id")
	r.URL.RawQuery = query.Encode()
	return r
}

// seconds returns an ISO 8601 date in the form of version 2.1. Anything else stays as it
// is, so that the error names it.
func seconds(text string) string {
	// A plus sign that was not encoded arrives as a space.
	text = strings.ReplaceAll(text, " ", "+")
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly} {
		at, err := time.ParseInLocation(layout, text, oxlin.Paris)
		if err == nil {
			return strconv.FormatInt(at.Unix(), 10)
		}
	}
	return text
}

// The members of version 2.1 that version 3 writes otherwise.
var (
	dated = map[string]bool{
		"creation_date": true, "balance_date": true, "import_date": true, "last_update_date": true, "expires": true,
		"last_success_date": true, "last_end_date": true, "last_complete_date": true, "date": true, "booking_date": true,
		"value_date": true, "transaction_date": true, "birthdate": true, "birth_date": true, "start_date": true, "end_date": true,
		"next_instalment_date": true, "due_date": true, "next_debit_date": true, "next_refresh_date": true, "missing_since": true, "from": true,
	}
	monetary = map[string]bool{
		"amount": true, "remaining_capital": true, "instalment_amount": true, "initial_balance": true, "next_debit_amount": true, "ceiling": true,
	}
)

// inThirdForm translates an answer. A list that is wrapped is empty if it is about another
// user than the token.
func inThirdForm(text []byte, wrapped string, empty bool) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // amounts keep their digits
	var answer any
	err := decoder.Decode(&answer)
	if err != nil {
		return nil, err
	}
	answer = translated(answer, "")
	if wrapped == "" {
		return json.Marshal(answer)
	}
	if empty {
		answer = []any{}
	}
	return json.Marshal(map[string]any{wrapped: answer})
}

// translated returns a value in the form of version 3. The currency is that of the
// resource around it.
func translated(value any, currency string) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = translated(value[i], currency)
		}
	case map[string]any:
		if own, ok := value["currency"].(string); ok {
			currency = own
		}
		for name, member := range value {
			number, isNumber := member.(json.Number)
			switch {
			case isNumber && dated[name]:
				value[name] = isoDate(number)
			case isNumber && monetary[name]:
				value[name] = money(number, currency)
			case isNumber && name == "balance":
				value[name] = map[string]any{"amount": money(number, currency)}
			default:
				value[name] = translated(member, currency)
			}
		}
		if logo, ok := value["logo_url"]; ok {
			value["provider_logo_url"] = logo
			delete(value, "logo_url")
		}
		if label, ok := value["label"].(string); ok && value["account_id"] != nil {
			value["enrichments"] = map[string]any{"display_label": label, "date": value["date"]}
		}
	}
	return value
}

func money(amount json.Number, currency string) map[string]any {
	return map[string]any{"amount": amount.String(), "currency": currency}
}

// isoDate writes seconds as ISO 8601 with the offset of Paris, where days begin at midnight.
func isoDate(number json.Number) any {
	at, err := number.Int64()
	if err != nil {
		return number
	}
	return time.Unix(at, 0).In(oxlin.Paris).Format(time.RFC3339)
}
