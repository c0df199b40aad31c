package psd2_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-fed/httpsig"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// TestASignatureIsVerifiedByAnother verifies with a library that we did not write.
func TestASignatureIsVerifiedByAnother(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string][]string{
		"the usual order":         {"(request-target)", "date", "digest", "call-id"},
		"another order":           {"call-id", "digest", "(request-target)", "host", "date"},
		"with the content type":   {"(request-target)", "accept", "authorization", "content-type", "call-id", "digest"},
		"the date alone":          {"date"},
		"with the user's address": {"(request-target)", "digest", "psu-ip-address"},
	}
	for name, headers := range orders {
		for _, spaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, spaced %v", name, spaced), func(t *testing.T) {
				config := signed()
				config.Signing.DigestOnGet, config.Signing.Spaced = true, spaced
				config.Signing.Headers, config.Signing.KeyID = headers, "{client_id}"
				verified := 0
				client := newClient(t, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					signature := r.Header.Get("Signature")
					if strings.Contains(signature, `", `) != spaced {
						t.Errorf("spaces after commas: %s", signature)
					}
					// The library looks for Host among the headers, and wants no spaces.
					r.Header.Set("Host", r.Host)
					r.Header.Set("Signature", strings.ReplaceAll(signature, `", `, `",`))
					verifier, err := httpsig.NewVerifier(r)
					if err != nil {
						t.Error(err)
						return
					}
					if verifier.KeyId() != "PSDFR-ACPR-12345" {
						t.Errorf("keyId is %q", verifier.KeyId())
					}
					err = verifier.Verify(key.Public(), httpsig.RSA_SHA256)
					if err != nil {
						t.Errorf("%s %s: %v\n%s", r.Method, r.URL, err, signature)
					}
					for _, part := range []string{`headers="` + strings.Join(headers, " ") + `"`, `algorithm="rsa-sha256"`} {
						if !strings.Contains(signature, part) {
							t.Errorf("%s lacks %s", signature, part)
						}
					}
					verified++
				}))
				attended := call
				attended.PSU = &oxlin.PSU{IP: "192.0.2.7"}
				for _, request := range []psd2.Request{
					{Resource: "/accounts/1/balances", Query: "x=1%3A2"},
					{Method: http.MethodPut, Resource: "/consent", Body: []int{1}},
				} {
					err := client.Send(t.Context(), attended, request, nil)
					if err != nil {
						t.Error(err)
					}
				}
				if verified != 2 {
					t.Errorf("%d requests are verified, want 2", verified)
				}
			})
		}
	}
}

// TestTheSignedText rebuilds the text that is signed: the target as the request line has
// it, and only the headers that the request has.
func TestTheSignedText(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	script := banktest.NewScript(t, banktest.Exchange{})
	request := psd2.Request{Resource: "/accounts/a%2F1/balances", Query: "x=1%3A2"}
	err = newClient(t, signed(), script).Send(t.Context(), call, request, nil)
	if err != nil {
		t.Fatal(err)
	}
	header := script.Requests[0].Header
	parts := regexp.MustCompile(`headers="(.*)",signature="(.*)"$`).FindStringSubmatch(header.Get("Signature"))
	if parts == nil || parts[1] != "(request-target) date call-id" {
		t.Fatalf("Signature is %s", header.Get("Signature"))
	}
	signature, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("(request-target): get /harbour/v1/accounts/a%2F1/balances?x=1%3A2\n" +
		"date: Sat, 21 Nov 2026 10:00:00 GMT\ncall-id: " + header.Get("Call-ID")))
	err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature)
	if err != nil {
		t.Error(err)
	}
}

func TestTheDigestOfABody(t *testing.T) {
	digest := func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	}
	tests := []struct {
		name  string
		onGet bool
		body  any
		want  string
	}{
		{"a body", false, []int{1}, digest("[1]")},
		{"a body, and the bank wants the empty digest", true, []int{1}, digest("[1]")},
		{"no body", false, nil, ""},
		{"no body, and the bank wants the empty digest", true, nil, digest("")},
	}
	for _, test := range tests {
		config := signed()
		config.Signing.DigestOnGet = test.onGet
		script := banktest.NewScript(t, banktest.Exchange{})
		err := newClient(t, config, script).Send(t.Context(), call, psd2.Request{Method: http.MethodPut, Body: test.body}, nil)
		if got := script.Requests[0].Header.Get("Digest"); err != nil || got != test.want {
			t.Errorf("%s: digest is %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestTheKeyIDNamesTheCertificate(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		seal psd2.Seal
		of   []byte
	}{
		{psd2.Seal{Key: key}, public},
		{psd2.Seal{Key: key, Certificate: &x509.Certificate{Raw: []byte("the certificate")}}, []byte("the certificate")},
	} {
		script := banktest.NewScript(t, banktest.Exchange{})
		client, err := psd2.NewClient(signed(), dialect, psd2.Deps{Transport: banktest.Serve(t, script), Seal: test.seal})
		if err != nil {
			t.Fatal(err)
		}
		_, err = get(t, client)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(test.of)
		want := `keyId="https://oxlin.test/PSDFR-ACPR-12345/` + hex.EncodeToString(sum[:]) + `.pem",`
		if got := script.Requests[0].Header.Get("Signature"); !strings.HasPrefix(got, want) {
			t.Errorf("Signature is %s, want %s", got, want)
		}
	}
}

func TestASignatureNeedsAnRSAKey(t *testing.T) {
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]crypto.Signer{"no key": nil, "RSA": other} {
		_, err := psd2.NewClient(signed(), dialect, psd2.Deps{Seal: psd2.Seal{Key: key}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one about %s", err, want)
		}
	}
}
