package testbank

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/oxlin/oxlin/internal/omit"
)

// standard is an official file, and where the bank serves what it describes. The files stay
// outside the repository: OXLIN_SHARED names the folder that holds specs/, else it is looked
// for beside the repository.
type standard struct{ file, below string }

// The standards that the bank speaks.
var (
	stet14        = standard{"stet-1.4.openapi3.yaml", v14.prefix()}
	stet15        = standard{"stet-1.5.0-ais-pis.json", v15.prefix()}
	berlinGroup13 = standard{"berlin-group-psd2-api_v1.3.11.yaml", strings.TrimSuffix(berlinPrefix, "/v1")}
	openBankingUK = standard{"openbanking-uk-4.0.0-account-info.yaml", ukPrefix}
)

// standard is the official file of a version of STET.
func (v version) standard() standard { return map[version]standard{v14: stet14, v15: stet15}[v] }

var standards = []standard{stet14, stet15, berlinGroup13, openBankingUK}

var official0 struct {
	once    sync.Once
	routers map[standard]routers.Router
	err     error
	checked atomic.Int64
	missed  atomic.Int64
}

func sharedFolder() string {
	if s := os.Getenv("OXLIN_SHARED"); s != "" {
		return s
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

func loadOfficial() {
	openapi3filter.RegisterBodyDecoder("application/hal+json", openapi3filter.JSONBodyDecoder)
	official0.routers = map[standard]routers.Router{}
	for _, s := range standards {
		path := filepath.Join(sharedFolder(), "specs", s.file)
		if _, err := os.Stat(path); err != nil {
			continue // counted as missed
		}
		doc, err := openapi3.NewLoader().LoadFromFile(path)
		if err != nil {
			official0.err = err
			return
		}
		doc.Servers = openapi3.Servers{{URL: "http://bank.example" + s.below}}
		doc.Security = nil
		if step := doc.Components.Responses["OK_200_UpdatePsuData"]; step != nil {
			// The file wants exactly one of shapes of which one contains another.
			schema := step.Value.Content["application/json"].Schema.Value
			schema.AnyOf, schema.OneOf = schema.OneOf, nil
		}
		// The examples of the files are not all of their own shapes.
		router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation(), openapi3.DisableSchemaDefaultsValidation())
		if err != nil {
			official0.err = fmt.Errorf("%s: %w", s.file, err)
			return
		}
		official0.routers[s] = router
	}
}

// official validates an answer against the official file.
func official(t *testing.T, s standard, req *http.Request, a answer) {
	t.Helper()
	official0.once.Do(loadOfficial)
	if official0.err != nil {
		t.Fatal(official0.err)
	}
	if official0.routers[s] == nil {
		official0.missed.Add(1)
		return
	}
	if err := follows(s, req, a); err != nil {
		t.Errorf("%s %s: answer %d does not follow %s: %v\n%s", req.Method, req.URL, a.status, s.file, err, a.body)
	}
	official0.checked.Add(1)
}

// undocumented are answers that the files do not know, and the bank gives.
func undocumented(s standard, path string, status int) bool {
	switch {
	case s == stet14 && strings.HasSuffix(path, "/end-user-identity"):
		return true // came with 1.4.1; its shape is checked with 1.5
	case status == http.StatusBadRequest && (s == stet14 || s == stet15):
		// For a missing header, on endpoints without parameters.
		return strings.HasSuffix(path, "/accounts") || strings.HasSuffix(path, "-identity") || strings.HasSuffix(path, "-beneficiaries")
	}
	return false
}

func follows(s standard, req *http.Request, a answer) error {
	if undocumented(s, req.URL.Path, a.status) {
		return nil
	}
	u, err := url.Parse("http://bank.example" + req.URL.RequestURI())
	if err != nil {
		return err
	}
	req.URL, req.Host = u, u.Host
	route, params, err := official0.routers[s].FindRoute(req)
	if err != nil {
		if a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
			return nil
		}
		return err
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader([]byte(a.body))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

func TestMain(m *testing.M) {
	status := m.Run()
	if testing.Verbose() {
		fmt.Printf("testbank: %d answers checked against the official files\n", official0.checked.Load())
	}
	if n := official0.missed.Load(); n > 0 {
		err := omit.Record(int(n), "an answer is checked against the official files, which are missing (OXLIN_SHARED)")
		if err != nil {
			fmt.Println("testbank:", err)
			status = 1
		}
	}
	os.Exit(status)
}
