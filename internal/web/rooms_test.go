package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/console"
	"github.com/oxlin/oxlin/internal/health"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/portal"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/https"
	"github.com/oxlin/oxlin/internal/widget"
)

// platform is all rooms on one handler, wired as the binary wires them.
type platform struct {
	*platformtest.World
	handler http.Handler
}

// fault is the value with which the rooms of a platform panic, wherever a test can make
// them.
const fault = "a fault of ours"

// faulty panics at whatever it is asked for.
type faulty struct{}

func (faulty) Read([]byte) (int, error)     { panic(fault) }
func (faulty) Open(string) (fs.File, error) { panic(fault) }

func (faulty) Begin(context.Context, oxlin.WidgetRequest) (oxlin.WidgetSession, error) { panic(fault) }

func newPlatform(t *testing.T, trustProxy, broken bool) *platform {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, _ := storetest.SQLite(t)
	p := &platform{World: platformtest.New(t, db, platformtest.Options{})}
	now, log := p.Clock.Now, p.Log.Logger()

	random := rand.Reader
	var logos fs.FS
	var sessions api.Widget
	consoleDB := db
	sentence := func(language, code string) string { return code }
	if broken {
		random, logos, sessions, consoleDB = faulty{}, faulty{}, faulty{}, nil
		sentence = func(string, string) string { panic(fault) }
	}
	authorization := p.NewAuth("http://platform.test", func(o *auth.Options) { o.TrustProxy, o.Rand, o.Log = trustProxy, random, log })
	must(p.Clients.EnsureSandbox(t.Context()))
	pages := widget.New(widget.Options{
		DB: db, Auth: authorization, Users: p.Users, Service: p.Service, Vault: p.Vault, PublicURL: "http://platform.test", Logos: logos,
		TrustProxy: trustProxy, Now: now, Rand: rand.Reader, Log: log,
	})
	if !broken {
		sessions = pages
	}
	rest, err := api.New(api.Options{
		Auth: authorization, Users: p.Users, Service: p.Service, Widget: sessions, TrustProxy: trustProxy, Now: now, Log: log,
	})
	must(err)
	teaching := portal.New(portal.Options{
		PublicURL: "http://platform.test", Document: rest.Document(), Sentence: sentence, TrustProxy: trustProxy, Now: now, Log: log,
	})
	mux := http.NewServeMux()
	metrics := health.NewMetrics()
	health.Register(mux, health.Options{DB: db, Metrics: metrics})
	authorization.Register(mux)
	pages.Register(mux)
	console.New(console.Options{
		DB: consoleDB, Clients: p.Clients, Service: p.Service, Vault: p.Vault, Platform: "Oxlin",
		Operators:  operator.New(operator.Options{DB: consoleDB, Vault: p.Vault, Now: now, Rand: random}),
		TrustProxy: trustProxy, Now: now, Rand: rand.Reader, Log: log,
	}).Register(mux)
	rest.Register(mux)
	teaching.Register(mux)
	mux.Handle("/", web.ByAccept(pages.Missing(), rest))
	frame := func(room string) web.Frame { return web.Frame{Room: room, Log: log, Now: now, TrustProxy: trustProxy} }
	p.handler = metrics.Requests(https.Guard{Frame: frame("https"), Open: health.Probes}.Require(frame("web").Mux(mux)))
	p.Log.Reset()
	return p
}

// ask sends a request from this machine, "POST /token grant_type=x", with headers in
// pairs, and returns the answer and what it left in the log.
func (p *platform) ask(t *testing.T, request string, headers ...string) (*http.Response, string, string) {
	t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.Log.Reset()
	p.handler.ServeHTTP(w, r)
	answer := w.Result()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text), p.Log.String()
}

// doors has a request for each handler that a room puts together in its own way.
var doors = []struct {
	room, request string
	status        int
}{
	{"api", "GET /v2.1/accounts", 401},
	{"api", "GET /v2.1/openapi.json", 200},
	{"api", "GET /v2/unheard_of", 404},
	{"api", "POST /widget_session {}", 400},
	{"auth", "POST /token grant_type=nothing", 400},
	{"auth", "GET /token", 405},
	{"auth", "POST /introspect token=x", 401},
	{"auth", "POST /revoke token=x", 401},
	{"auth", "GET /.well-known/openid-configuration", 200},
	{"auth", "GET /.well-known/oauth-authorization-server", 200},
	{"auth", "GET /jwks.json", 200},
	{"auth", "GET /userinfo", 401},
	{"auth", "GET /signin?client_id=nobody", 401},
	{"auth", "POST /signin username=a&password=b", 401},
	{"auth", "GET /signin/assets/none.js", 404},
	{"auth", "GET /signin/account", 200},
	{"auth", "POST /signin/account/end all=true", 303},
	{"console", "GET /console", 303},
	{"console", "GET /console/login", 200},
	{"console", "POST /console/login password=wrong", 422},
	{"console", "GET /console/assets/none.css", 404},
	{"logos", "GET /logos/87.svg", 200},
	{"logos", "GET /logos/87.png", 404},
	{"portal", "GET /", 200},
	{"portal", "GET /docs/errors", 200},
	{"portal", "GET /docs/none", 404},
	{"portal", "GET /docs/", 301},
	{"portal", "GET /portal/assets/none.css", 404},
	{"widget", "GET /widget/add_connection?session_id=secret-session", 401},
	{"widget", "GET /v2.1/widget/manage_accounts/events?session_id=secret-session", 401},
	{"widget", "GET /oauth2/aisp?state=secret-session", 400},
	{"widget", "GET /success?session_id=secret-session", 200},
	{"widget", "GET /terms.html", 200},
	{"widget", "GET /widget/theme.css", 200},
	{"widget", "GET /widget/logos/1.png", 404},
	{"widget", "GET /widget/assets/none.css", 404},
	{"web", "GET //v2.1/accounts", 307},
	{"web", "GET /docs//errors?session_id=secret-session", 307},
	{"web", "POST /v2.1/../token grant_type=nothing", 307},
}

func TestEveryDoorHasTheFrame(t *testing.T) {
	p := newPlatform(t, true, false)
	ids := regexp.MustCompile(`request=([A-Z2-7]{26}) `)
	for _, row := range doors {
		headers := []string{"X-Forwarded-For", "198.51.100.1, 203.0.113.9"}
		if strings.HasPrefix(row.request, "GET ") { // forms of other sites are refused
			headers = append(headers, "Origin", "https://evil.example")
		}
		answer, text, log := p.ask(t, row.request, headers...)
		if answer.StatusCode != row.status {
			t.Errorf("%s: %d", row.request, answer.StatusCode)
		}
		header := answer.Header
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Server") != "" || header.Get("X-Powered-By") != "" {
			t.Errorf("%s: %v", row.request, header)
		}
		kind := header.Get("Content-Type")
		if text != "" && kind == "" || strings.HasPrefix(kind, "text/") && !strings.Contains(strings.ToLower(kind), "charset=utf-8") {
			t.Errorf("%s: the type of the answer is %q", row.request, kind)
		}
		public := strings.Contains(row.request, "/.well-known/") || strings.Contains(row.request, "/jwks.json")
		if shared := header.Get("Access-Control-Allow-Origin") != ""; shared != public {
			t.Errorf("%s: scripts of other sites may read it: %t", row.request, shared)
		}
		id := answer.Header.Get(web.RequestIDHeader)
		if strings.Count(log, " msg="+row.room+" ") != 1 || strings.Count(log, " took=") != 1 {
			t.Errorf("%s: not one line of the room, but %s", row.request, log)
			continue
		}
		logged := ids.FindStringSubmatch(log)
		if logged == nil || logged[1] != id {
			t.Errorf("%s: the answer has the id %q, the log %s", row.request, id, log)
		}
		for _, word := range []string{" from=203.0.113.9 ", " status=" + answer.Status[:3] + " ", " method=" + row.request[:strings.Index(row.request, " ")] + " "} {
			if !strings.Contains(log, word) {
				t.Errorf("%s: the log lacks %q: %s", row.request, word, log)
			}
		}
		if strings.Contains(log, "secret-session") {
			t.Errorf("%s: the log holds a session: %s", row.request, log)
		}
	}
}

func TestRequestIDsAndClientAddresses(t *testing.T) {
	for _, row := range []struct {
		fact    string
		trust   bool
		headers []string
		want    string
	}{
		{"a harmless id is kept", false, []string{"X-Request-ID", "proxy-17"}, "request=proxy-17"},
		{"nobody's word is believed without a proxy", false, []string{"X-Forwarded-For", "203.0.113.9"}, "from=127.0.0.1 "},
		{"a proxy's word is believed", true, []string{"X-Forwarded-For", "203.0.113.9"}, "from=203.0.113.9 "},
		{"only the last hop counts", true, []string{"X-Forwarded-For", "198.51.100.1, 203.0.113.9"}, "from=203.0.113.9 "},
		{"also in two headers", true, []string{"X-Forwarded-For", "198.51.100.1", "X-Forwarded-For", "203.0.113.9"}, "from=203.0.113.9 "},
		{"with a port", true, []string{"X-Forwarded-For", "203.0.113.9:50000"}, "from=203.0.113.9 "},
		{"IPv6 with a zone", true, []string{"X-Forwarded-For", "[fe80::1%eth0]:50000"}, "from=fe80::1 "},
		{"a proxy that says nothing", true, nil, "from=127.0.0.1 "},
		{"what is no address is not logged", true, []string{"X-Forwarded-For", "secret words"}, `from="" `},
	} {
		t.Run(row.fact, func(t *testing.T) {
			_, _, log := newPlatform(t, row.trust, false).ask(t, "GET /terms.html", row.headers...)
			if !strings.Contains(log, row.want) {
				t.Errorf("no %q in %s", row.want, log)
			}
		})
	}
	answer, _, log := newPlatform(t, false, false).ask(t, "GET /terms.html", "X-Request-ID", `a" level=ERROR`)
	if strings.Contains(log, "ERROR") || strings.Contains(answer.Header.Get("X-Request-ID"), "ERROR") {
		t.Errorf("a harmful id is kept: %s", log)
	}
}

func TestProbesLeaveNoLineAndPlainHTTPDoes(t *testing.T) {
	p := newPlatform(t, true, false)
	for _, path := range append(health.Probes, "/metrics") {
		if answer, _, log := p.ask(t, "GET "+path); answer.StatusCode != 200 || log != "" {
			t.Errorf("%s: %d, %s", path, answer.StatusCode, log)
		}
	}
	answer, _, log := p.ask(t, "POST /token client_secret=x", "X-Forwarded-Proto", "http", "X-Forwarded-For", "203.0.113.9")
	if answer.StatusCode != 403 || answer.Header.Get("X-Request-ID") == "" || !strings.Contains(log, "msg=https ") ||
		!strings.Contains(log, "from=203.0.113.9 ") || !strings.Contains(log, "code=https_required") {
		t.Errorf("plain HTTP: %d, %s", answer.StatusCode, log)
	}
}

func TestEveryDoorAnswersItsPanicsInItsOwnForm(t *testing.T) {
	p := newPlatform(t, false, true)
	for _, row := range []struct{ room, request, contentType, body string }{
		{"api", `POST /widget_session {"client_id":"sandbox","client_secret":"sandbox-secret","access_token":"x"}`, "application/json", `"error":"internal"`},
		{"auth", "POST /token grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret", "application/json", `"error":"server_error"`},
		{"auth", "GET /signin?response_type=code&client_id=sandbox&redirect_uri=http%3A%2F%2Flocalhost%3A9000%2F&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "text/html", "server_error"},
		{"console", "POST /console/login password=x", "text/html", "<h1>That did not work</h1>"},
		{"portal", "GET /docs/errors", "text/html", "Something went wrong"},
		{"widget", "GET /widget/logos/1.png", "text/html", "Cette page ne peut pas s’ouvrir"},
	} {
		answer, body, log := p.ask(t, row.request)
		if answer.StatusCode != 500 || !strings.HasPrefix(answer.Header.Get("Content-Type"), row.contentType) || !strings.Contains(body, row.body) {
			t.Errorf("%s: %d %v %s", row.request, answer.StatusCode, answer.Header, body)
		}
		if strings.Contains(body, fault) || answer.Header.Get("X-Request-ID") == "" {
			t.Errorf("%s: %v %s", row.request, answer.Header, body)
		}
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=ERROR msg="+row.room+" ") || !strings.Contains(log, "panic: ") {
			t.Errorf("%s: not one line with the cause, but %s", row.request, log)
		}
	}
}

func TestUnknownAddressesAnswerByAccept(t *testing.T) {
	p := newPlatform(t, false, false)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	for _, row := range []struct {
		request, accept, language, want string
	}{
		{"GET /unheard_of", browser, "fr", "Cette page ne peut pas s’ouvrir"},
		{"GET /unheard_of", browser, "en", "This page cannot be opened"},
		{"POST /unheard/of", browser, "en", "This page cannot be opened"},
		{"GET /unheard_of", "", "", `"error":"not_found"`},
		{"GET /unheard_of", "*/*", "", `"error":"not_found"`},
		{"GET /unheard_of", "application/json", "", `"error":"not_found"`},
		{"GET /unheard_of", "application/json, text/html;q=0.9", "", `"error":"not_found"`},
		{"GET /unheard_of", "text/html;q=0, */*", "", `"error":"not_found"`},
		{"GET /unheard_of", "text/html;q=many", "", `"error":"not_found"`},
		{"GET /v2.1/unheard_of", browser, "en", `"error":"not_found"`},
		{"GET /v2/unheard_of", browser, "en", `"error":"not_found"`},
	} {
		headers := []string{"Accept-Language", row.language}
		if row.accept != "" {
			headers = append(headers, "Accept", row.accept)
		}
		answer, body, log := p.ask(t, row.request, headers...)
		if answer.StatusCode != 404 || !strings.Contains(body, row.want) || strings.Count(log, " status=404 ") != 1 {
			t.Errorf("%s, %s: %d %s\n%s", row.request, row.accept, answer.StatusCode, body, log)
		}
	}
}

// A stream reaches its reader event by event, through the frame, over HTTP/1.1 and HTTP/2.
func TestAStreamIsFlushedThroughTheFrame(t *testing.T) {
	for _, protocol := range []int{1, 2} {
		frame := web.Frame{Room: "stream", Log: slog.New(slog.DiscardHandler), Now: time.Now}
		server := httptest.NewUnstartedServer(frame.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			err := errors.Join(control.SetWriteDeadline(time.Time{}), func() error { _, err := io.WriteString(w, "first"); return err }(), control.Flush())
			if err != nil {
				t.Error(err)
			}
			<-r.Context().Done() // the rest never comes
		})))
		server.EnableHTTP2 = protocol == 2
		server.StartTLS()
		t.Cleanup(server.Close)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		first := make([]byte, len("first"))
		_, err = io.ReadFull(response.Body, first)
		if err != nil || string(first) != "first" || response.ProtoMajor != protocol {
			t.Errorf("%s: %q, %v", response.Proto, first, err)
		}
	}
}

// An answer that has begun is not followed by another, and a handler may give up the
// connection.
func TestPanicsAfterTheAnswerBegan(t *testing.T) {
	var log bytes.Buffer
	frame := web.Frame{Room: "half", Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now}
	w := httptest.NewRecorder()
	frame.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of it")
		panic(fault)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 200 || w.Body.String() != "half of it" || !strings.Contains(log.String(), "level=ERROR msg=half") {
		t.Errorf("%d %s, %s", w.Code, w.Body, &log)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the server does not hear that the connection is given up")
		}
	}()
	frame.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}
