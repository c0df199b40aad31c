package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

// caller calls the API: a user's software, a client, or an anonymous caller.
type caller struct {
	testing.TB
	platform *platform
	token    string
	header   http.Header
}

// with returns the caller with one more header.
func (c caller) with(name, value string) caller {
	header := http.Header{}
	maps.Copy(header, c.header)
	header.Set(name, value)
	c.header = header
	return c
}

// Forms of a body: an object is sent as JSON; form holds form fields; raw is sent as
// curl -d sends it, with the content type of a form.
type (
	form map[string]string
	raw  string
)

func (f form) encode() string {
	values := url.Values{}
	for name, value := range f {
		values.Set(name, value)
	}
	return values.Encode()
}

func (c caller) get(path string) answer            { c.Helper(); return c.send("GET", path, nil) }
func (c caller) post(path string, body any) answer { c.Helper(); return c.send("POST", path, body) }
func (c caller) put(path string, body any) answer  { c.Helper(); return c.send("PUT", path, body) }
func (c caller) patch(path string, body any) answer {
	c.Helper()
	return c.send("PATCH", path, body)
}
func (c caller) delete(path string) answer { c.Helper(); return c.send("DELETE", path, nil) }

// send makes a call. A path is below /v2.1 unless outsideAPI accepts it, as "/token".
func (c caller) send(method, path string, body any) answer {
	c.Helper()
	if !outsideAPI(path) {
		path = "/v2.1" + path
	}
	contentType := "application/x-www-form-urlencoded"
	var text string
	switch body := body.(type) {
	case nil:
		contentType = ""
	case form:
		text = body.encode()
	case raw:
		text = string(body)
	default:
		written, err := json.Marshal(body)
		if err != nil {
			c.Fatal(err)
		}
		contentType, text = "application/json", string(written)
	}
	request, err := http.NewRequestWithContext(c.Context(), method, c.platform.address+path, strings.NewReader(text))
	if err != nil {
		c.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	maps.Copy(request.Header, c.header)
	return answered(c.TB, c.platform, request)
}

// outsideAPI reports whether a path belongs to another part of the platform than the
// API.
func outsideAPI(path string) bool {
	for _, prefix := range []string{
		"/token", "/signin", "/revoke", "/jwks.json", "/userinfo", "/.well-known", "/widget", "/oauth2/aisp", "/success", "/terms.html", "/unknown", "/v2.1/", "/v3/", "/logos/",
	} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// answer is a response with its body.
type answer struct {
	testing.TB
	name   string
	status int
	header http.Header
	body   []byte
}

func answered(t testing.TB, p *platform, request *http.Request) answer {
	t.Helper()
	response, err := p.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	name := request.Method + " " + request.URL.Path
	return answer{t, name, response.StatusCode, response.Header, body}
}

// is fails unless the answer has the status.
func (a answer) is(status int) answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%s: HTTP %d, want %d: %.400s", a.name, a.status, status, a.body)
	}
	return a
}

// ok returns the JSON of a 200.
func (a answer) ok() value {
	a.Helper()
	return a.is(http.StatusOK).json()
}

// json returns the body, which must be JSON without null: unknown values are absent
// (contract §3).
func (a answer) json() value {
	a.Helper()
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(strings.ToLower(got), "application/json") {
		a.Errorf("%s: the content type is %q", a.name, got)
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	var whole any
	err := decoder.Decode(&whole)
	if err != nil {
		a.Fatalf("%s: %v: %.400s", a.name, err, a.body)
	}
	if hasNull(whole) {
		a.Errorf("%s: there is a null: %.400s", a.name, a.body)
	}
	return value{a.TB, a.name, whole, true}
}

func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, member := range v {
			if hasNull(member) {
				return true
			}
		}
	case []any:
		for _, one := range v {
			if hasNull(one) {
				return true
			}
		}
	}
	return false
}

// created returns the id of the resource that a 201 reports: the last segment of its
// location, which must be relative and have the prefix. The body must be {}, because
// some clients read every answer as JSON (contract §3).
func (a answer) created(prefix string) string {
	a.Helper()
	a.is(http.StatusCreated)
	location := a.header.Get("Location")
	id, ok := strings.CutPrefix(location, prefix)
	if !ok || id == "" || strings.Contains(id, "/") {
		a.Fatalf("%s: the location is %q, want %s{id}", a.name, location, prefix)
	}
	if body := strings.TrimSpace(string(a.body)); body != "{}" {
		a.Errorf("%s: the body is %q", a.name, body)
	}
	return path.Base(location)
}

// done fails unless the answer is a 204 without a body.
func (a answer) done() {
	a.Helper()
	a.is(http.StatusNoContent)
	if len(a.body) > 0 {
		a.Errorf("%s: 204 with a body: %s", a.name, a.body)
	}
}

// refused fails unless the answer is that error in the common form of errors (contract
// §11, "Errors").
func (a answer) refused(status int, code string) value {
	a.Helper()
	return a.is(status).json().shows(fields{
		"error": code, "error_description": code, "message": someText, "request_id": a.header.Get("X-Request-ID"),
	})
}

// redirect returns the target of a redirect.
func (a answer) redirect() *url.URL {
	a.Helper()
	if a.status/100 != 3 {
		a.Fatalf("%s: HTTP %d, want a redirect: %.400s", a.name, a.status, a.body)
	}
	return a.location()
}

// location is the absolute address in the header of that name.
func (a answer) location() *url.URL {
	a.Helper()
	address, err := url.Parse(a.header.Get("Location"))
	if err != nil || !address.IsAbs() {
		a.Fatalf("%s: the location %q is no absolute address: %v", a.name, a.header.Get("Location"), err)
	}
	return address
}

// carries fails unless an address begins so and its query has these parameters.
func carries(t testing.TB, address *url.URL, begin string, want fields) {
	t.Helper()
	if !strings.HasPrefix(address.String(), begin) {
		t.Errorf("the user is sent to %s, want %s…", address, begin)
	}
	query := map[string]any{}
	for name, values := range address.Query() {
		query[name] = strings.Join(values, ",")
	}
	value{t, fmt.Sprintf("the query of %s", address), query, true}.shows(want)
}
