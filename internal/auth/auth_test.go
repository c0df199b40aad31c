package auth_test

import (
	"cmp"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	email    = "jo@example.test"
	password = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // as clients send it
)

// world is a server with the sandbox's clients and one user of each.
type world struct {
	*platformtest.World
	*auth.Server
	http *http.Client // follows no redirect
	user oxlin.UserID // of the client sandbox
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	return newWorldAs(t, db, "")
}

// newWorldAs is newWorld with a public URL; empty, it is the one at which the server listens.
func newWorldAs(t testing.TB, db *store.DB, issuer string) *world {
	t.Helper()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := &world{
		World: platformtest.New(t, db, platformtest.Options{Now: begin, Catalogue: platformtest.NoProviders{}}),
		http:  &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	w.Server = w.NewAuth(cmp.Or(issuer, w.URL), func(o *auth.Options) { o.Log = w.Log.Logger() })
	w.Register(w.Mux)
	err := w.Clients.EnsureSandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.user, err = w.Users.Create(t.Context(), oxlin.Client{ID: "sandbox"}, email, oxlin.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newFileWorld is a world on SQLite as it is deployed: every write reaches the disk.
func newFileWorld(t testing.TB) *world {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "oxlin.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, db)
}

// answer is a response that was read.
type answer struct {
	*http.Response
	text string
	// json is the body, where it is a JSON object.
	json map[string]any
}

func (a answer) field(name string) string {
	value, _ := a.json[name].(string)
	return value
}

// send sends a request and reads its answer.
func (w *world) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Response: response, text: string(text)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(text, &a.json)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if code := a.field("error"); code != "" {
		checkCatalogue(t, code, a.StatusCode)
	}
	return a
}

// checkCatalogue fails unless the catalogue has the error with this status. Too many
// passwords are the exception, because OAuth2 has no code for them.
func checkCatalogue(t testing.TB, code string, status int) {
	t.Helper()
	entry, known := oxlin.Catalogue[oxlin.Code(code)]
	if !known || status != entry.Status && status != http.StatusTooManyRequests {
		t.Errorf("the catalogue does not have %s with the status %d", code, status)
	}
}

// post sends a body as curl -d does: as a form, whatever it is.
func (w *world) post(t testing.TB, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.send(t, r)
}

// get reads a path.
func (w *world) get(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.send(t, r)
}

// form writes parameters; the client's credentials come along.
func form(pairs ...string) string {
	values := url.Values{"client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

// parts writes parameters as PHP and Postman do when they are given an array; the
// client's credentials come along.
func parts(pairs ...string) (contentType, body string) {
	var text strings.Builder
	writer := multipart.NewWriter(&text)
	pairs = append([]string{"client_id", "sandbox", "client_secret", "sandbox-secret"}, pairs...)
	for i := 0; i < len(pairs); i += 2 {
		_ = writer.WriteField(pairs[i], pairs[i+1]) // into memory
	}
	_ = writer.Close()
	return writer.FormDataContentType(), text.String()
}

// signIn gets a user's tokens with the password grant.
func (w *world) signIn(t testing.TB, scope string) answer {
	t.Helper()
	a := w.post(t, "/token", form("grant_type", "password", "username", email, "password", password, "scope", scope))
	if a.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %d %s", a.StatusCode, a.text)
	}
	return a
}

// refresh uses a refresh token.
func (w *world) refresh(t *testing.T, token string, pairs ...string) answer {
	t.Helper()
	return w.post(t, "/token", form(append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...))
}

// works reports whether an access token is accepted.
func (w *world) works(t *testing.T, token string) bool {
	t.Helper()
	_, err := w.Authenticate(t.Context(), oxlin.NewSecret(token))
	if err != nil && oxlin.AsError(err).Code != oxlin.CodeInvalidToken {
		t.Fatal(err)
	}
	return err == nil
}
