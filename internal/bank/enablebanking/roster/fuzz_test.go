package roster_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/roster"
)

// answers gives one body to each request.
type answers []byte

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a))}, nil
}

// FuzzList imports a list of foreign bytes, whose pictures are foreign bytes too. Whatever is
// written is a catalogue and pictures, and a second import of the same list changes nothing.
func FuzzList(f *testing.F) {
	f.Add([]byte(`{"aspsps":[{"name":"One","country":"FR","bic":"ONEBFRPP","logo":"https://x.example/1","maximum_consent_validity":7776000,"required_psu_headers":["Psu-Ip-Address"]}]}`), []byte("GIF89a"))
	f.Add([]byte(`{"aspsps":[{"name":"{{x}}","country":"FR","maximum_consent_validity":1},{"name":"One","country":"FR","maximum_consent_validity":1e3}]}`), []byte{})
	f.Add([]byte(`{"aspsps":[{"name":"A","country":"FR","bic":"B","maximum_consent_validity":1},{"name":"A","country":"FR","bic":"B","maximum_consent_validity":2}]}`), []byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte(`{"aspsps":{"1":{"name":["a"],"country":"FR","maximum_consent_validity":-1}}}`), []byte("\xff\xd8\xff"))
	small, err := rsa.GenerateKey(rand.Reader, 1024) // signing would take most of the time
	if err != nil {
		f.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(small)}))
	f.Fuzz(func(t *testing.T, list, picture []byte) {
		options := roster.Options{
			Application: enablebanking.Application{ID: "an-id", Key: key}, Country: "FR", Providers: t.TempDir(), Logos: t.TempDir(),
			Transport: answers(list), Pictures: &http.Client{Transport: answers(picture)},
		}
		report, err := roster.Import(t.Context(), options)
		if err != nil {
			return
		}
		_, err = catalogue.Load(catalogue.Options{
			Sandbox: true, TestBankURL: "http://127.0.0.1", // it has fewer banks
			Extra: os.DirFS(options.Providers), Variables: map[string]string{"enablebanking_application": "an-id", "enablebanking_key": key},
		})
		if err != nil {
			t.Errorf("what was written is no catalogue: %v", err)
		}
		drawn, err := filepath.Glob(filepath.Join(options.Logos, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range drawn {
			content, err := os.ReadFile(path)
			if err == nil {
				_, err = png.Decode(bytes.NewReader(content))
			}
			if err != nil {
				t.Errorf("%s is no picture: %v", path, err)
			}
		}
		again, err := roster.Import(t.Context(), options)
		if err != nil || len(again.Banks) != len(report.Banks) {
			t.Fatalf("a second import says %+v, %v", again, err)
		}
		for _, bank := range again.Banks {
			if bank.Fate != roster.Same {
				t.Errorf("a second import says %+v", bank)
			}
		}
	})
}
