package asset_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/asset"
)

// smallScript bounds the script in bytes, so that the first page stays light.
const smallScript = 13 << 10

func get(t *testing.T, path, encoding string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	asset.Register(mux, web.Frame{Room: "widget", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header.Set("Accept-Encoding", encoding)
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestAFileIsKeptForEverAtTheAddressOfItsContent(t *testing.T) {
	for name, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8",
		"widget.js": "text/javascript; charset=utf-8",
	} {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := asset.Path(name)
		if !regexp.MustCompile(`^/widget/assets/(style|widget)-[0-9a-f]{16}\.(css|js)$`).MatchString(path) {
			t.Errorf("%s is at %s", name, path)
		}
		for _, encoding := range []string{"", "gzip"} {
			answer := get(t, path, encoding)
			for header, value := range map[string]string{
				"Content-Type":           contentType,
				"Cache-Control":          "public, max-age=31536000, immutable",
				"X-Content-Type-Options": "nosniff",
				"Vary":                   "Accept-Encoding",
			} {
				if answer.Header.Get(header) != value {
					t.Errorf("%s: %s is %q, want %q", name, header, answer.Header.Get(header), value)
				}
			}
			body := io.Reader(answer.Body)
			if answer.Header.Get("Content-Encoding") == "gzip" {
				body, err = gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
			} else if encoding == "gzip" && len(want) > 2000 {
				t.Errorf("%s is not compressed", name)
			}
			got, err := io.ReadAll(body)
			if err != nil || answer.StatusCode != http.StatusOK || string(got) != string(want) {
				t.Errorf("%s, %q: status %d, %d bytes of %d, %v", name, encoding, answer.StatusCode, len(got), len(want), err)
			}
		}
	}
}

func TestOtherAddressesAreNotFoundAndNotKept(t *testing.T) {
	for _, path := range []string{
		"/widget/assets/", "/widget/assets/widget.js", "/widget/assets/widget-0000000000000000.js",
		"/widget/assets/asset.go", "/widget/assets/%2e%2e/asset.go",
	} {
		answer := get(t, path, "gzip")
		if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: status %d, Cache-Control %q", path, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
	}
}

func TestAnUnknownNameIsAMistakeOfOurs(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("there is an address for it")
		}
	}()
	asset.Path("widget.ts")
}

func TestTheScriptIsSmall(t *testing.T) {
	info, err := os.Stat("widget.js")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > smallScript {
		t.Errorf("%d bytes of at most %d", info.Size(), smallScript)
	}
	compressed, err := io.ReadAll(get(t, asset.Path("widget.js"), "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d on the way", info.Size(), len(compressed))
}
