package psd2_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// zipped compresses a text with gzip, zlib or flate.
func zipped(t testing.TB, how, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zlib":
		w = zlib.NewWriter(&out)
	case "flate":
		var err error
		w, err = flate.NewWriter(&out, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := io.WriteString(w, text)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// encoded is a bank whose every answer has this encoding and body.
func encoded(encoding, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		_, _ = io.WriteString(w, body) // a client that has read enough hangs up
	})
}

func TestAnAnswerIsDecompressedWhateverItDeclares(t *testing.T) {
	const text = `{"rows":[{"a":"CAFÉ"}],"_links":{}}`
	gz := zipped(t, "gzip", text)
	for _, test := range []struct{ name, encoding, body string }{
		{"declared", "gzip", gz},
		{"declared with its old name", "x-gzip", gz},
		{"declared in capitals", "GZIP", gz},
		{"undeclared", "", gz},
		{"declared, but not compressed", "gzip", text},
		{"declared as another one", "deflate", gz},
		{"compressed twice", "gzip", zipped(t, "gzip", gz)},
		{"in two parts", "gzip", zipped(t, "gzip", text[:9]) + zipped(t, "gzip", text[9:])},
		{"with a rest behind it", "gzip", gz + "\r\n<!-- gw3 -->"},
		{"deflate", "deflate", zipped(t, "zlib", text)},
		{"deflate without its frame", "deflate", zipped(t, "flate", text)},
		{"undeclared deflate", "", zipped(t, "zlib", text)},
		{"deflate, but not compressed", "deflate", "\xef\xbb\xbf\r\n" + text},
		{"declared as none", "identity", text},
	} {
		client := newClient(t, plain(), encoded(test.encoding, test.body))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows")
		if err != nil || list.Cut || fmt.Sprintf("%s", list.Records) != `[{"a":"CAFÉ"}]` {
			t.Errorf("%s: %s, cut %t, %v", test.name, list.Records, list.Cut, err)
		}
		body, err := get(t, client)
		if err != nil || len(body) != 2 {
			t.Errorf("%s: %v, %v", test.name, body, err)
		}
	}
}

func TestACompressedAnswerThatIsNotWhole(t *testing.T) {
	var rows strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&rows, `{"a":"%x"},`, i*i*i*7919)
	}
	gz := zipped(t, "gzip", `{"rows":[`+rows.String()+`{}]}`)
	read := func(body string) (psd2.List, error) {
		client := newClient(t, plain(), encoded("gzip", body))
		return client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows")
	}
	list, err := read(gz[:len(gz)*2/3])
	if err != nil || !list.Cut || len(list.Records) < 1000 || len(list.Records) > 2500 {
		t.Errorf("two thirds of an answer: %d records, cut %t, %v", len(list.Records), list.Cut, err)
	}
	_, err = read(gz[:len(gz)-6] + "\x00" + gz[len(gz)-5:])
	wantKind(t, err, bank.Unavailable) // the checksum is wrong
	for _, end := range []int{5, 11} {
		_, err = read(gz[:end])
		wantKind(t, err, bank.Unavailable)
	}
	list, err = read("")
	if err != nil || len(list.Records) != 0 {
		t.Errorf("no body: %v, %v", list, err)
	}
}

// TestACompressedAnswerHasALimit reads 256 MB that are less than one on the line.
func TestACompressedAnswerHasALimit(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err := io.WriteString(w, `{"rows":["`)
	for range 1 << 8 {
		if err == nil {
			_, err = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, plain(), encoded("", bomb.String()))
	list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows")
	if err != nil || !list.Cut || len(list.Records) != 0 {
		t.Errorf("%d records, cut %t, %v", len(list.Records), list.Cut, err)
	}
	_, err = get(t, client)
	wantKind(t, err, bank.Nonsense)
}
