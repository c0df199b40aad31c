package portal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/portal"
	"github.com/oxlin/oxlin/internal/portal/openapi"
)

const platform = "http://127.0.0.1:8080"

var sandbox = []portal.Client{
	{ID: "sandbox-licensed", Secret: "sandbox-licensed-secret", Description: "with an agreement"},
	{ID: "sandbox", Secret: "sandbox-secret", Description: "without one"},
}

// described is the OpenAPI document as the API serves it.
func described(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := os.ReadFile("../api/pages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Replace(string(text), "\ncomponents:\n", "\n"+string(pages)+"\ncomponents:\n", 1))
}

// open returns a portal and a handler that answers all other addresses.
func open(t *testing.T, clients []portal.Client) http.Handler {
	t.Helper()
	p := portal.New(portal.Options{
		PublicURL: platform, Document: described(t), Clients: clients, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Sentence: func(language, code string) string { return fmt.Sprintf("<%s> for the user in %s", code, language) },
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	p.Register(mux)
	return mux
}

func get(t *testing.T, handler http.Handler, address string, headers ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func read(t *testing.T, handler http.Handler, address string) *goquery.Document {
	t.Helper()
	response := get(t, handler, address)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d", address, response.StatusCode)
	}
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// others are linked addresses that other packages serve.
var others = []string{"/v2.1/openapi.yaml", "/v2.1/openapi.json"}

// crawl reads every page that can be reached from the home page and returns them by
// address.
func crawl(t *testing.T, handler http.Handler) map[string]*goquery.Document {
	t.Helper()
	pages := map[string]*goquery.Document{}
	fragments := map[string][]string{}
	for waiting := []string{"/"}; len(waiting) > 0; waiting = waiting[1:] {
		here := waiting[0]
		if pages[here] != nil {
			continue
		}
		page := read(t, handler, here)
		pages[here] = page
		page.Find("a[href]").Each(func(_ int, link *goquery.Selection) {
			address, err := url.Parse(link.AttrOr("href", ""))
			if err != nil {
				t.Errorf("%s: %v", here, err)
				return
			}
			if address.Host != "" {
				return
			}
			path := address.Path
			if path == "" {
				path = here
			}
			if address.Fragment != "" {
				fragments[path+"#"+address.Fragment] = append(fragments[path+"#"+address.Fragment], here)
			}
			switch {
			case slices.Contains(others, path):
			case strings.HasPrefix(path, "/downloads/"):
				response := get(t, handler, path)
				if response.StatusCode != http.StatusOK {
					t.Errorf("%s links to %s: %d", here, path, response.StatusCode)
				}
			default:
				waiting = append(waiting, path)
			}
		})
	}
	for target, from := range fragments {
		path, fragment, _ := strings.Cut(target, "#")
		if pages[path] != nil && pages[path].Find(`[id="`+fragment+`"]`).Length() == 0 {
			t.Errorf("%v link to %s, and there is no such place", slices.Compact(from), target)
		}
	}
	return pages
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	pages := crawl(t, open(t, sandbox))
	for _, path := range []string{"/quickstart", "/reference", "/docs", "/docs/tokens", "/docs/test-bank", "/docs/operations", "/docs/architecture", "/docs/events", "/docs/statuses", "/docs/errors"} {
		if pages[path] == nil {
			t.Errorf("nothing leads to %s", path)
		}
	}
}

// The portal shows every text of docs, in the order of guides.go, and none of
// docs/decisions.
func TestTheGuidesShownAreTheTextsOfDocs(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, file := range files {
		want = append(want, "/docs/"+strings.TrimSuffix(filepath.Base(file), ".md"))
	}
	pages := crawl(t, open(t, sandbox))
	var shown []string
	pages["/docs"].Find("main a[href^='/docs/']").Each(func(_ int, link *goquery.Selection) {
		shown = append(shown, link.AttrOr("href", ""))
	})
	for _, path := range want {
		if !slices.Contains(shown, path) || pages[path] == nil {
			t.Errorf("the portal does not show %s", path)
		}
	}
	for path, page := range pages {
		if strings.HasPrefix(path, "/docs/decisions") && page != nil {
			t.Errorf("the portal shows %s", path)
		}
	}
	// A guide that guides.go does not list has an empty description.
	pages["/docs"].Find(".cards > li").Each(func(_ int, card *goquery.Selection) {
		if strings.TrimSpace(card.Find("small").Text()) == "" {
			t.Errorf("the card %q has no description", card.Find("a").Text())
		}
	})
}

func TestEveryPageIsSound(t *testing.T) {
	handler := open(t, sandbox)
	for path, page := range crawl(t, handler) {
		t.Run(path, func(t *testing.T) {
			if n := page.Find("h1").Length(); n != 1 {
				t.Errorf("it has %d headings of the first level", n)
			}
			title := page.Find("title").Text()
			if !strings.HasSuffix(title, " – Oxlin") || len(title) < 12 {
				t.Errorf("its title is %q", title)
			}
			ids := map[string]int{}
			page.Find("[id]").Each(func(_ int, element *goquery.Selection) { ids[element.AttrOr("id", "")]++ })
			for id, n := range ids {
				if n > 1 || strings.ContainsAny(id, " {") || id == "" {
					t.Errorf("the id %q is there %d times", id, n)
				}
			}
			page.Find("[aria-labelledby]").Each(func(_ int, element *goquery.Selection) {
				label := element.AttrOr("aria-labelledby", "")
				if ids[label] == 0 {
					t.Errorf("%s labels something and is not there", label)
				}
			})
			if n := page.Find("style, [style], script:not([src]), [onclick], base, meta[http-equiv]").Length(); n > 0 {
				t.Errorf("%d elements would need a weaker policy", n)
			}
			page.Find("[src], link[href]").Each(func(_ int, element *goquery.Selection) {
				address := element.AttrOr("src", element.AttrOr("href", ""))
				response := get(t, handler, address)
				if response.StatusCode != http.StatusOK || !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
					t.Errorf("%s: %d, kept as %q", address, response.StatusCode, response.Header.Get("Cache-Control"))
				}
			})
			if strings.Contains(page.Text(), "{!") || strings.Contains(page.Text(), "%!") {
				t.Error("a text was not put together")
			}
		})
	}
}

func TestThePolicy(t *testing.T) {
	for _, path := range []string{"/", "/quickstart", "/docs/no-such-page"} {
		header := get(t, open(t, sandbox), path).Header
		policy := header.Get("Content-Security-Policy")
		for _, wanted := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self';", "frame-src 'self' " + platform + ";", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, wanted) {
				t.Errorf("%s: %q is not in the policy %q", path, wanted, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestWhatIsNotOursStaysFree(t *testing.T) {
	handler := open(t, sandbox)
	for _, path := range []string{"/v2.1/accounts", "/nothing", "/token"} {
		if response := get(t, handler, path); response.StatusCode != http.StatusTeapot {
			t.Errorf("GET %s: %d", path, response.StatusCode)
		}
	}
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusTeapot {
		t.Errorf("POST /: %d", recorder.Code)
	}
	missing := get(t, handler, "/docs/none")
	if missing.StatusCode != http.StatusNotFound || missing.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("GET /docs/none: %d %s", missing.StatusCode, missing.Header.Get("Content-Type"))
	}
}

func TestAPageThatIsKnownIsNotSentAgain(t *testing.T) {
	handler := open(t, sandbox)
	tag := get(t, handler, "/reference").Header.Get("ETag")
	if tag == "" {
		t.Fatal("it has no tag")
	}
	if response := get(t, handler, "/reference", "If-None-Match", tag); response.StatusCode != http.StatusNotModified {
		t.Errorf("it is sent again: %d", response.StatusCode)
	}
}

func TestTheReferenceHasEverything(t *testing.T) {
	document, err := openapi.Parse(described(t))
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, open(t, sandbox), "/reference")
	operations := 0
	for _, tag := range document.Tags {
		for _, operation := range document.Operations(tag.Name) {
			operations++
			article := page.Find(`article[id="` + operation.ID + `"]`)
			if article.Length() != 1 {
				t.Errorf("%s is there %d times", operation.ID, article.Length())
				continue
			}
			text := article.Text()
			if !strings.Contains(text, operation.Path) || !strings.Contains(text, operation.Summary) {
				t.Errorf("%s says neither where nor what it is", operation.ID)
			}
			scopes, _ := operation.Scopes()
			for _, scope := range scopes {
				if !strings.Contains(article.Find(".needs").Text(), scope) {
					t.Errorf("%s does not say that %s lets one in", operation.ID, scope)
				}
			}
			for _, parameter := range operation.Parameters {
				if !strings.Contains(text, parameter.Name) {
					t.Errorf("%s does not show the parameter %s", operation.ID, parameter.Name)
				}
			}
			if article.Find(".members .status").Length() != len(operation.Responses) {
				t.Errorf("%s does not show all answers", operation.ID)
			}
			if !strings.Contains(article.Find(".examples").Text(), "curl -s") {
				t.Errorf("%s has no example", operation.ID)
			}
		}
	}
	if operations < 30 {
		t.Errorf("there are only %d operations", operations)
	}
	for _, schema := range document.Components.Schemas {
		if page.Find(`article[id="schema-`+schema.Name+`"]`).Length() != 1 {
			t.Errorf("the schema %s is not there", schema.Name)
		}
	}
	for _, id := range []string{"addConnection", "editCredentials", "userInput", "manageAccounts", "professionalAccount", "terms", "createWidgetSession"} {
		if page.Find(`#tag-manage-widget article[id="`+id+`"]`).Length() != 1 {
			t.Errorf("%s is not among the widget's", id)
		}
	}
}

func TestEveryCodeOfTheCatalogueHasARow(t *testing.T) {
	page := read(t, open(t, sandbox), "/docs/errors")
	for code, entry := range oxlin.Catalogue {
		row := page.Find(`tr[id="` + string(code) + `"]`)
		if row.Length() != 1 {
			t.Errorf("%s is not there", code)
			continue
		}
		if !strings.Contains(row.Find("th").Text(), strconv.Itoa(entry.Status)) || !strings.Contains(row.Text(), entry.Message) {
			t.Errorf("%s has another status or sentence: %s", code, row.Text())
		}
		for _, language := range []string{"en", "fr"} {
			if said := row.Find("[lang=" + language + "]").Text(); said != fmt.Sprintf("<%s> for the user in %s", code, language) {
				t.Errorf("%s says %q in %s", code, said, language)
			}
		}
		if len(strings.TrimSpace(row.Find("td").Last().Text())) < 20 {
			t.Errorf("%s does not say what to do", code)
		}
	}
	if page.Find("#catalogue tbody tr").Length() != len(oxlin.Catalogue) {
		t.Error("there are rows for codes that do not exist")
	}
}

// The codes of RFC 6749 §5.2, and one for failures of the platform.
func TestTheTokenEndpointsCodesAreThoseOfTheCatalogue(t *testing.T) {
	page := read(t, open(t, sandbox), "/docs/errors")
	codes := []oxlin.Code{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "server_error",
	}
	for _, code := range codes {
		said := page.Find(`#catalogue tr[id="` + string(code) + `"]`).Text()
		again := page.Find(`#token-endpoint tr[id="token-` + string(code) + `"]`).Text()
		if said == "" || again != said {
			t.Errorf("%s is %q, and %q for the token endpoint", code, said, again)
		}
	}
	if page.Find("#token-endpoint tbody tr").Length() != len(codes) {
		t.Error("the token endpoint has other codes")
	}
	guessed := page.Find(`tr[id="token-invalid_grant"]`).Text()
	if !strings.Contains(guessed, "429") || !strings.Contains(guessed, "Retry-After") {
		t.Errorf("it does not say what happens after too many passwords: %s", guessed)
	}
}

// constants returns the values of the root package's constants of a type.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("../../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the vocabulary is not there: %v", err)
	}
	var values []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			name, ok := spec.Type.(*ast.Ident)
			if !ok || name.Name != typeName {
				return true
			}
			for _, value := range spec.Values {
				literal, ok := value.(*ast.BasicLit)
				if ok {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	if len(values) == 0 {
		t.Fatalf("there are no constants of type %s", typeName)
	}
	return values
}

func TestTheTablesHaveAllConstants(t *testing.T) {
	handler := open(t, sandbox)
	var steps []string
	for _, kind := range constants(t, "SyncKind") {
		kind := oxlin.SyncKind(kind)
		for _, event := range []oxlin.EventType{kind.RunningEvent(), kind.UserInputEvent(), kind.SuccessEvent(), kind.FailedEvent()} {
			steps = append(steps, string(event))
		}
	}
	var failures []string
	for _, status := range constants(t, "ChannelStatus") {
		if oxlin.ChannelStatus(status).NeedsUser() || status == string(oxlin.ChannelFailed) {
			failures = append(failures, status)
		}
	}
	for _, c := range []struct {
		path, rows string
		names      []string
	}{
		{"/docs/statuses", "#connection tbody tr", constants(t, "ConnectionStatus")},
		{"/docs/statuses", "#channel tbody tr", constants(t, "ChannelStatus")},
		{"/docs/statuses", "#account tbody tr", constants(t, "AccountStatus")},
		{"/docs/statuses", "#transaction tbody tr", constants(t, "TransactionStatus")},
		{"/docs/events", "#connection tbody tr, #widget tbody tr", constants(t, "EventType")},
		{"/docs/events", "#synchronisation tbody tr", steps},
		{"/docs/events", "#failures tbody tr", failures},
	} {
		var shown []string
		read(t, handler, c.path).Find(c.rows).Each(func(_ int, row *goquery.Selection) {
			shown = append(shown, strings.TrimSpace(row.Find("th code").First().Text()))
			row.Find("td").Each(func(i int, cell *goquery.Selection) {
				if strings.TrimSpace(cell.Text()) == "" {
					t.Errorf("%s: %s says nothing in column %d", c.path, shown[len(shown)-1], i+1)
				}
			})
		})
		slices.Sort(shown)
		slices.Sort(c.names)
		if !slices.Equal(shown, c.names) {
			t.Errorf("%s %s shows\n%v\nand there are\n%v", c.path, c.rows, shown, c.names)
		}
	}
}

func TestTheQuickstart(t *testing.T) {
	page := read(t, open(t, sandbox), "/quickstart")
	var titles []string
	page.Find(".path a").Each(func(_ int, link *goquery.Selection) {
		titles = append(titles, link.Text())
		if page.Find(link.AttrOr("href", "none")).Length() != 1 {
			t.Errorf("%s leads nowhere", link.Text())
		}
	})
	want := []string{
		"1Client authentication", "2Create your user", "3User authentication", "4Initiate the widget", "5Select a bank",
		"6Retrieve the connection", "7Get accounts and transactions", "8How to continue",
	}
	if !slices.Equal(titles, want) {
		t.Errorf("the steps are %v", titles)
	}
	commands := map[string]string{
		"get-client-token": "curl -s " + platform + "/token \\\n  -u \"$client_id:$client_secret\" \\\n  -d grant_type=client_credentials \\\n  -d scope=users_create",
		"create-the-user": "curl -si " + platform + "/v2.1/users \\\n  -H \"authorization: Bearer $client_token\" \\\n" +
			"  --data-urlencode \"email=$user_email\" \\\n  --data-urlencode \"password=$user_password\"",
		"list-transactions": "curl -s \"" + platform + "/v2.1/transactions?account_id=$account_id&limit=10\" \\\n  -H \"authorization: Bearer $user_token\"",
		"delete-user":       "curl -s -X DELETE " + platform + "/v2.1/users/me \\\n  -H \"authorization: Bearer $user_token\"",
	}
	for id, command := range commands {
		if got := page.Find("#" + id + " > .code code").Text(); got != command {
			t.Errorf("%s is\n%s\nwant\n%s", id, got, command)
		}
	}
	for _, scope := range constants(t, "Scope") {
		if page.Find("#scopes th code").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == scope }).Length() != 1 {
			t.Errorf("the scope %s is not in the list", scope)
		}
	}
	if page.Find("input[name=client]").Length() != len(sandbox) {
		t.Error("the sandbox's clients cannot be chosen")
	}
}

func TestOutsideTheSandboxThereIsNoSecret(t *testing.T) {
	handler := open(t, nil)
	page := read(t, handler, "/quickstart")
	if page.Find("input[name=client]").Length() > 0 || !strings.Contains(page.Find("#you").Text(), "not a sandbox") {
		t.Error("it does not ask for the client")
	}
	html, err := page.Html()
	if err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{"sandbox-secret", "sandbox-licensed-secret", "Linxo Test Bank"} {
		if strings.Contains(html, told) {
			t.Errorf("%s is on the page", told)
		}
	}
	if read(t, handler, "/").Find(".top .badge").Length() > 0 {
		t.Error("it says that it is a sandbox")
	}
}

func TestADocumentThatCannotBeRead(t *testing.T) {
	mux := http.NewServeMux()
	portal.New(portal.Options{Document: []byte("paths: ["), Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Register(mux)
	for range 2 {
		if answer := get(t, mux, "/"); answer.StatusCode != http.StatusInternalServerError {
			t.Errorf("the page is answered with %d; want 500", answer.StatusCode)
		}
	}
}
