package api

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/synchro"
)

// Where browsers arrive; both lie beside the version (contract §1, §6.2).
const (
	callbackPath = "/oauth2/aisp"
	successPath  = "/success"
)

// callback takes a user back from the bank and sends them on at once, with what
// came of it (contract §11, "Mode A").
func (a *API) callback(w http.ResponseWriter, r *http.Request) {
	exchangeOf(r.Context()).operation = "callback"
	// The address holds a code: nobody else gets to see it.
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet {
		a.methodNotAllowed(w, r, http.MethodGet)
		return
	}
	query := r.URL.Query()
	back, err := a.Service.FinishCallback(r.Context(), synchro.Callback{
		State: query.Get("state"), Code: query.Get("code"), Error: query.Get("error"),
		ErrorDescription: query.Get("error_description"), PSU: a.browser(r),
	})
	if err != nil {
		answer := a.NewError(r.Context(), err)
		a.page(w, r, answer.StatusCode, page{Status: "error", RequestID: answer.Response.RequestID})
		return
	}
	target := back.URI
	if target == "" {
		target = successPath
	}
	w.Header().Set("Location", withResult(target, back))
	w.WriteHeader(http.StatusSeeOther)
}

// withResult adds what came of a journey to an address, and leaves the rest of
// the address as the client wrote it.
func withResult(address string, back synchro.Return) string {
	result := url.Values{}
	add := func(name, value string) {
		if value != "" {
			result.Set(name, value)
		}
	}
	if back.ConnectionID != 0 {
		add("connection_id", back.ConnectionID.String())
	}
	if back.QueueID != 0 {
		add("queue_id", back.QueueID.String())
	}
	add("status", back.Status)
	add("result", back.Result)
	add("error_description", back.ErrorDescription)
	address, fragment, hasFragment := strings.Cut(address, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	address += result.Encode()
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

//go:embed page.html
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page.html"))

// page is what our own page says, for users whose client has none.
type page struct {
	Language  string
	Status    string
	RequestID string
}

// successPage is where users end whose client has given no address (contract §6.2).
func (a *API) successPage(w http.ResponseWriter, r *http.Request) {
	exchangeOf(r.Context()).operation = "success"
	if r.Method != http.MethodGet {
		a.methodNotAllowed(w, r, http.MethodGet)
		return
	}
	status := r.URL.Query().Get("status")
	if status != "error" && status != "cancelled" {
		status = "success"
	}
	a.page(w, r, http.StatusOK, page{Status: status})
}

// pageLanguages are those of the pages; French is what nobody has to ask for.
var pageLanguages = language.NewMatcher([]language.Tag{language.French, language.English})

func (a *API) page(w http.ResponseWriter, r *http.Request, status int, p page) {
	_, index := language.MatchStrings(pageLanguages, r.Header.Get("Accept-Language"))
	p.Language = []string{"fr", "en"}[index]
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
	w.WriteHeader(status)
	err := pageTemplate.Execute(w, p)
	if err != nil {
		exchangeOf(r.Context()).err, exchangeOf(r.Context()).code = err, oxlin.CodeInternal
	}
}
