package banktest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/oxlin/oxlin/internal/omit"
)

// Standard checks requests against the official file of a version of a standard.
type Standard struct {
	t        testing.TB
	document *openapi3.T
	// PlainDates accepts days of a query without a time or a zone, as some banks demand
	// although the standard prescribes date-time.
	PlainDates bool
	// Answers checks the answers too, for a server of ours that plays a bank.
	Answers bool
}

// official is one of the official files. It is read once, because that is slow.
type official struct {
	name     string
	anyShape bool
	once     sync.Once
	document *openapi3.T
	err      error
}

var officials = map[string]*official{
	"1.4": {name: "stet-1.4.openapi3.yaml"},
	"1.5": {name: "stet-1.5.0-ais-pis.json"},
	// The requests of the older versions of Open Banking UK are the same.
	"4.0":           {name: "openbanking-uk-4.0.0-account-info.yaml"},
	"1.3":           {name: "berlin-group-psd2-api_v1.3.11.yaml", anyShape: true},
	"enablebanking": {name: "enable-banking-api.yaml"},
}

func (o *official) load(path string) (*openapi3.T, error) {
	o.once.Do(func() {
		openapi3filter.RegisterBodyDecoder("application/hal+json", openapi3filter.JSONBodyDecoder)
		o.document, o.err = openapi3.NewLoader().LoadFromFile(path)
		if o.err == nil && o.anyShape {
			acceptAnyShape(o.document)
		}
	})
	return o.document, o.err
}

// acceptAnyShape accepts bodies that have several of the shapes of which a file wants exactly
// one, where one of them contains another.
func acceptAnyShape(document *openapi3.T) {
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.RequestBody == nil {
				continue
			}
			for _, media := range operation.RequestBody.Value.Content {
				if schema := media.Schema.Value; schema != nil {
					schema.AnyOf, schema.OneOf = append(schema.AnyOf, schema.OneOf...), nil
				}
			}
		}
	}
}

// NewStandard loads the official file of a version: "1.4" or "1.5" of STET, "4.0" of Open
// Banking UK, "1.3" of the Berlin Group, or "enablebanking". If it is missing, the test still runs, and reports that no request is checked.
func NewStandard(t testing.TB, version string) *Standard {
	t.Helper()
	file := officials[version]
	path, ok := lookUp("specs", file.name)
	if !ok {
		omit.Note(t, 1, "requests are checked against specs/"+file.name+", which is missing (OXLIN_SHARED)")
		return &Standard{t: t, document: &openapi3.T{Paths: openapi3.NewPaths()}}
	}
	document, err := file.load(path)
	if err != nil {
		t.Fatal(err)
	}
	return &Standard{t: t, document: document}
}

// Check wraps a bank, and checks each request below its base path before the bank
// answers it. Requests outside the standard, such as those to the OAuth2 endpoints,
// pass.
func (s *Standard) Check(basePath string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resource, below := strings.CutPrefix(r.URL.EscapedPath(), basePath)
		if below && strings.HasPrefix(resource, "/") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
			checked := s.lenient(r)
			checked.Body = io.NopCloser(bytes.NewReader(body))
			asked := s.check(checked, resource)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if s.Answers && asked != nil {
				s.answer(w, r, next, asked)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

var pathParameter = regexp.MustCompile(`\\\{([\w-]+)\\\}`)

// answer lets the server answer, and checks what it says.
func (s *Standard) answer(w http.ResponseWriter, r *http.Request, next http.Handler, asked *openapi3filter.RequestValidationInput) {
	said := httptest.NewRecorder()
	next.ServeHTTP(said, r)
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: said.Code, Header: said.Header(), Body: io.NopCloser(bytes.NewReader(said.Body.Bytes())),
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	})
	if err != nil {
		s.t.Errorf("the answer to %s %s is not what %s says: %v", r.Method, r.URL, s.document.Info.Title, err)
	}
	maps.Copy(w.Header(), said.Header())
	w.WriteHeader(said.Code)
	_, err = w.Write(said.Body.Bytes())
	if err != nil {
		s.t.Error(err)
	}
}

// check returns the request as it was checked; nil for one that the standard does not have.
func (s *Standard) check(r *http.Request, resource string) *openapi3filter.RequestValidationInput {
	// Of two templates that fit, the one with fewer parameters is meant.
	paths := s.document.Paths.Map()
	templates := slices.SortedFunc(maps.Keys(paths), func(a, b string) int {
		return cmp.Compare(strings.Count(a, "{"), strings.Count(b, "{"))
	})
	for _, template := range templates {
		item := paths[template]
		names := pathParameter.FindAllStringSubmatch(regexp.QuoteMeta(template), -1)
		pattern := pathParameter.ReplaceAllString(regexp.QuoteMeta(template), `([^/]+)`)
		parts := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(resource)
		operation := item.GetOperation(r.Method)
		if parts == nil || operation == nil {
			continue
		}
		parameters := map[string]string{}
		for i, name := range names {
			value, err := url.PathUnescape(parts[i+1])
			if err != nil {
				s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
			parameters[name[1]] = value
		}
		asked := &openapi3filter.RequestValidationInput{
			Request:     r,
			PathParams:  parameters,
			QueryParams: r.URL.Query(),
			Route: &routers.Route{
				Spec: s.document, Path: template, PathItem: item, Method: r.Method, Operation: operation,
			},
			Options: &openapi3filter.Options{
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true,
			},
		}
		err := openapi3filter.ValidateRequest(context.Background(), asked)
		if err != nil {
			s.t.Errorf("%s %s is not what %s %s wants: %v", r.Method, r.URL, s.document.Info.Title, s.document.Info.Version, err)
		}
		return asked
	}
	return nil
}

// lenient returns a copy of the request, with dates written as instants if the bank
// demands another form.
func (s *Standard) lenient(r *http.Request) *http.Request {
	copied := *r
	address := *r.URL
	copied.URL = &address
	if !s.PlainDates {
		return &copied
	}
	query := address.Query()
	for _, name := range []string{"dateFrom", "dateTo", "fromBookingDateTime", "toBookingDateTime"} {
		switch value := query.Get(name); len(value) {
		case 0:
			query.Del(name) // a bank's own link has it without a value
		case len("2006-01-02"):
			query.Set(name, value+"T00:00:00Z")
		case len("2006-01-02T15:04:05"), len("2006-01-02T15:04:05.000"):
			query.Set(name, value+"Z")
		}
	}
	address.RawQuery = query.Encode()
	return &copied
}
