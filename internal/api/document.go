package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// openapi describes the API. pages describes paths of the widget for readers; ogen must
// not see them, because the API does not serve them.
var (
	//go:embed openapi.yaml
	openapi string
	//go:embed pages.yaml
	pages string
	// thirdDocument describes version 3.
	//go:embed openapi-v3.yaml
	thirdDocument string
)

// document holds the served description in both forms. The second one is made when a client
// first asks for it.
type document struct {
	yaml []byte
	json func() ([]byte, error)
}

// newDocument joins the description and sets the server's address.
func newDocument(publicURL string) document {
	return served(strings.Replace(openapi, "\ncomponents:\n", "\n"+pages+"\ncomponents:\n", 1), prefix, publicURL)
}

// served sets the server's address in the description of a version.
func served(text, prefix, publicURL string) document {
	text = strings.Replace(text, "  - url: "+prefix+"\n", "  - url: "+strings.TrimSuffix(publicURL, "/")+prefix+"\n", 1)
	return document{yaml: []byte(text), json: sync.OnceValues(func() ([]byte, error) {
		var tree any
		err := yaml.Unmarshal([]byte(text), &tree)
		if err != nil {
			return nil, fmt.Errorf("the document: %w", err)
		}
		return json.Marshal(tree)
	})}
}

// Document returns the served description of the API, in YAML.
func (a *API) Document() []byte { return a.document.yaml }

// serveDocument needs no token, because it describes how to get one.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request, d document, path string) {
	if r.Method != http.MethodGet {
		a.methodNotAllowed(w, r, http.MethodGet)
		return
	}
	contentType, body := "application/yaml", d.yaml
	if path == "/openapi.json" {
		var err error
		contentType = "application/json"
		body, err = d.json()
		if err != nil {
			a.fail(w, r, err)
			return
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Del("Content-Disposition") // people read it in their browser
	_, err := w.Write(body)
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
	}
}
