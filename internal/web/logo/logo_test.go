package logo_test

import (
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/logo"
)

func TestAddress(t *testing.T) {
	for _, row := range []struct{ public, id, own, want string }{
		{"https://oxlin.test", "87", "", "https://oxlin.test/logos/87.svg"},
		{"https://oxlin.test/", "a/b", "", "https://oxlin.test/logos/a%2Fb.svg"},
		{"https://oxlin.test", "87", "https://bank.test/87.png", "https://bank.test/87.png"},
	} {
		if got := logo.Address(row.public, oxlin.ProviderID(row.id), row.own); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

// TestEveryBankHasAPicture reads pictures over HTTP. Each is well-formed XML that runs and
// loads nothing, whatever a bank is called.
func TestEveryBankHasAPicture(t *testing.T) {
	names := map[oxlin.ProviderID]string{
		"87": "Linxo Test Bank", "1": "Crédit Agricole", "2": `<script>alert("1")</script> & Co`, "3": "\x00\x01", "4": "", "5": "Pixel", "6": "Own",
	}
	mux := http.NewServeMux()
	logo.Pictures{
		Files: fstest.MapFS{"5.png": {Data: []byte("\x89PNG")}, "6.svg": {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}, "secret.txt": {Data: []byte("secret")}},
		Name:  func(id oxlin.ProviderID) (string, bool) { name, known := names[id]; return name, known },
	}.Register(mux, web.Frame{Room: "logos", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	get := func(path, tag string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", tag)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, r)
		return answer.Result()
	}
	for path, want := range map[string]string{
		"/logos/87.svg": ">LT<", "/logos/1.svg": ">CA<", "/logos/2.svg": ">SA<", "/logos/3.svg": ">?<", "/logos/4.svg": ">?<",
		"/logos/5.svg": "data:image/png;base64,iVBO", "/logos/6.svg": "<svg", "/logos/left-the-catalogue.svg": "<title>Bank<",
	} {
		answer := get(path, "")
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: status %d, %s, want %q", path, answer.StatusCode, body, want)
		}
		decoder := xml.NewDecoder(strings.NewReader(string(body)))
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", path, err, body)
			}
			if element, ok := token.(xml.StartElement); ok && (element.Name.Local == "script" || element.Name.Local == "foreignObject") {
				t.Errorf("%s has the element %s", path, element.Name.Local)
			}
		}
		for name, want := range map[string]string{
			"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if again := get(path, answer.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s with its ETag: status %d", path, again.StatusCode)
		}
	}
	for _, path := range []string{"/logos/87.png", "/logos/87", "/logos/secret.txt", "/logos/..%2Fsecret.svg", "/logos/" + strings.Repeat("a", 65) + ".svg", "/logos/.svg"} {
		if answer := get(path, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, answer.StatusCode)
		}
	}
}
