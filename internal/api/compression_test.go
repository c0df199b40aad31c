package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// wordy makes sessions whose answers are long enough to be compressed.
type wordy struct{ doorman }

func (w *wordy) Begin(ctx context.Context, request oxlin.WidgetRequest) (oxlin.WidgetSession, error) {
	session, err := w.doorman.Begin(ctx, request)
	for name, link := range session.Links {
		session.Links[name] = link + "&" + strings.Repeat("a", 1000)
	}
	return session, err
}

// A client that asks for compressed answers gets them, with the same content, unless the
// answer holds the secret of a session: its size could betray it.
func TestLongAnswersAreCompressedWhereAsked(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.Widget = &wordy{} })
	session := request{method: "POST", path: "/widget_session", body: sessionJSON + `}`, tolerated: true}
	document := request{method: "GET", path: "/v2.1/openapi.json", tolerated: true}
	short := request{method: "GET", path: "/v2.1/unknown", tolerated: true}
	for name, c := range map[string]struct {
		request request
		status  int
		asked   string
		want    string
	}{
		"a document":              {document, 200, "gzip", "gzip"},
		"a document, not asked":   {document, 200, "identity", ""},
		"a document, refused":     {document, 200, "gzip;q=0", ""},
		"a session":               {session, 201, "gzip", ""},
		"an answer that is short": {short, 404, "gzip", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := w.send(t, c.request).want(t, c.status)
			c.request.header = map[string][]string{"Accept-Encoding": {c.asked}}
			got := w.send(t, c.request).want(t, c.status)
			if encoding := got.Header.Get("Content-Encoding"); encoding != c.want {
				t.Fatalf("encoding %q; want %q", encoding, c.want)
			}
			if strings.Contains(string(plain.body), `"trace_id"`) || strings.Contains(string(plain.body), "request_id") {
				return // it names the request
			}
			body := got.body
			if c.want == "gzip" {
				unpacked, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				body, err = io.ReadAll(unpacked)
				if err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(body, plain.body) {
				t.Error("the content is another one")
			}
		})
	}
}
