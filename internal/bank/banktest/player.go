package banktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Player is a bank with recorded answers: the WireMock mappings of a folder. A request
// that matches none of them is a test error.
type Player struct {
	t        testing.TB
	mappings []*mapping
	mu       sync.Mutex
	played   map[string]bool
}

// mapping is one recorded request and answer, with the part of WireMock's format that
// the stubs use.
type mapping struct {
	file    string
	Request struct {
		Method         string             `json:"method"`
		URL            string             `json:"url"`
		URLPath        string             `json:"urlPath"`
		URLPattern     string             `json:"urlPattern"`
		URLPathPattern string             `json:"urlPathPattern"`
		Query          map[string]matcher `json:"queryParameters"`
		Headers        map[string]matcher `json:"headers"`
		Body           []matcher          `json:"bodyPatterns"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		JSON    json.RawMessage   `json:"jsonBody"`
	} `json:"response"`
}

// matcher is one condition on a text.
type matcher struct {
	EqualTo  *string   `json:"equalTo"`
	Matches  *string   `json:"matches"`
	Contains *string   `json:"contains"`
	JSONPath *jsonPath `json:"matchesJsonPath"`
	// JSON is a document, or a text that holds one.
	JSON   json.RawMessage `json:"equalToJson"`
	Absent absence         `json:"absent"`
}

// absence is a condition by being there: recordings give it any value.
type absence bool

func (a *absence) UnmarshalJSON([]byte) error {
	*a = true
	return nil
}

// NewPlayer reads the mappings in folders, without their subfolders.
func NewPlayer(t testing.TB, folders ...string) *Player {
	t.Helper()
	p := &Player{t: t, played: map[string]bool{}}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no mappings in %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := &mapping{file: filepath.Base(file)}
			err = json.Unmarshal(text, m)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			p.mappings = append(p.mappings, m)
		}
	}
	return p
}

// Unplayed returns the sorted names of the files that matched no request.
func (p *Player) Unplayed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var files []string
	for _, m := range p.mappings {
		if !p.played[m.file] {
			files = append(files, m.file)
		}
	}
	slices.Sort(files)
	return files
}

// ServeHTTP answers with the matching mapping that has the most conditions.
func (p *Player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("reading the body of %s %s: %v", r.Method, r.URL, err)
	}
	var best *mapping
	var misses []string
	for _, m := range p.mappings {
		miss := m.miss(r, string(body))
		switch {
		case miss == "":
			if best == nil || slices.Compare(m.demands(), best.demands()) > 0 {
				best = m
			}
		case miss != missAddress:
			misses = append(misses, m.file+": "+miss)
		}
	}
	if best == nil {
		p.t.Errorf("no recorded answer to %s %s\n%s", r.Method, r.URL, strings.Join(misses, "\n"))
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	p.mu.Lock()
	p.played[best.file] = true
	p.mu.Unlock()
	for name, value := range best.Response.Headers {
		value = echoed.ReplaceAllStringFunc(value, func(template string) string {
			return r.Header.Get(echoed.FindStringSubmatch(template)[1])
		})
		// The server sets the framing headers itself.
		switch strings.ToLower(name) {
		case "content-length", "transfer-encoding", "connection", "keep-alive":
		default:
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(best.Response.Status)
	answer := best.Response.Body
	if best.Response.JSON != nil && string(best.Response.JSON) != "null" {
		answer = string(best.Response.JSON)
	}
	answer = strings.ReplaceAll(answer, "{{request.requestLine.baseUrl}}", "https://"+r.Host)
	answer = strings.ReplaceAll(answer, "{{request.requestLine.port}}", "443")
	if best.Response.Status == http.StatusNoContent {
		return
	}
	_, err = io.WriteString(w, answer)
	if err != nil {
		p.t.Errorf("answering %s %s: %v", r.Method, r.URL, err)
	}
}

// echoed is the template of a header that the answer repeats.
var echoed = regexp.MustCompile(`\{\{request\.headers\.([A-Za-z-]+)\}\}`)

const missAddress = "another address"

// miss returns why a request does not match; empty if it does.
func (m *mapping) miss(r *http.Request, body string) string {
	want := m.Request
	address := want.URLPath == r.URL.Path || want.URL == r.URL.RequestURI() ||
		want.URLPattern != "" && wholly(want.URLPattern, r.URL.RequestURI()) ||
		want.URLPathPattern != "" && wholly(want.URLPathPattern, r.URL.Path)
	if want.Method != r.Method || !address {
		return missAddress
	}
	for name, condition := range want.Query {
		if bool(condition.Absent) && r.URL.Query().Has(name) || !condition.fits(r.URL.Query().Get(name)) {
			return "parameter " + name
		}
	}
	for name, condition := range want.Headers {
		value := r.Header.Get(name)
		if strings.EqualFold(name, "Host") {
			value = r.Host
		}
		if !condition.fits(value) {
			return fmt.Sprintf("header %s is %q", name, value)
		}
	}
	for _, condition := range want.Body {
		if !condition.fits(body) {
			return "body " + body
		}
	}
	return ""
}

// demands orders mappings that match the same request: first by the length of the body
// that they require, then by the number of conditions.
func (m *mapping) demands() []int {
	spelled := 0
	for _, condition := range m.Request.Body {
		if condition.Contains != nil {
			spelled += len(*condition.Contains)
		}
	}
	return []int{spelled, len(m.Request.Query) + len(m.Request.Headers) + len(m.Request.Body)}
}

func (c matcher) fits(value string) bool {
	switch {
	case bool(c.Absent):
		return value == ""
	case c.JSON != nil:
		want, ok := document(c.JSON)
		got, isJSON := document([]byte(value))
		return ok && isJSON && reflect.DeepEqual(want, got)
	case c.EqualTo != nil:
		return value == *c.EqualTo
	case c.Matches != nil:
		return wholly(*c.Matches, value)
	case c.Contains != nil:
		// One recording uses "contains" with a pattern.
		return strings.Contains(value, *c.Contains) ||
			strings.Contains(*c.Contains, "(.*)") && wholly(*c.Contains, value)
	case c.JSONPath != nil:
		return c.JSONPath.fits(value)
	}
	return false
}

// document reads JSON, or the JSON in a text, whose members some recordings quote with
// apostrophes.
func document(raw []byte) (tree any, ok bool) {
	err := json.Unmarshal(raw, &tree)
	text, isText := tree.(string)
	if err == nil && isText {
		tree = nil
		if json.Unmarshal([]byte(text), &tree) == nil {
			return tree, true
		}
		err = json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &tree)
	}
	return tree, err == nil
}

// wholly matches as WireMock does: the pattern covers the whole text.
func wholly(pattern, text string) bool {
	matched, err := regexp.MatchString("^(?:"+pattern+")$", text)
	return err == nil && matched
}

// Serve starts a server for a bank, and returns a transport that sends every request to
// it, whatever its host: so the bank keeps its real address.
func Serve(t testing.TB, bank http.Handler) http.RoundTripper {
	t.Helper()
	server := httptest.NewServer(bank)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return detour{address, server.Client().Transport}
}

type detour struct {
	to   *url.URL
	next http.RoundTripper
}

func (d detour) RoundTrip(request *http.Request) (*http.Response, error) {
	led := request.Clone(request.Context())
	led.Host = request.URL.Host
	led.URL.Scheme, led.URL.Host = d.to.Scheme, d.to.Host
	return d.next.RoundTrip(led)
}
