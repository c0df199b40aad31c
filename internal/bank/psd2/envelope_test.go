package psd2_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// TestATokenRequestAsTheBankWantsIt signs a token request in JSON, with its times and a media type of
// its own.
func TestATokenRequestAsTheBankWantsIt(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	config := signed()
	config.Headers = map[string]string{"X-Client": "{client_id}", "X-Call": "{uuid}", "X-JSON": `{"id":"{client_id}","a":{"b":1}}`}
	config.OAuth.Headers = map[string]string{"X-Client": "", "X-Token": "yes"}
	config.OAuth.Accept, config.OAuth.Body, config.OAuth.PKCE = "application/hal+json", "json", false
	config.Signing.Tokens, config.Signing.Name, config.Signing.LifeSeconds = true, "hs2019", 60
	config.Signing.Headers = []string{"(request-target)", "(created)", "(expires)", "digest", "content-type", "accept", "x-token", "x-call"}
	config.Signing.KeyID = "{client_id}"
	script := banktest.NewScript(t, banktest.Exchange{Body: `{"access_token":"a","token_type":"Bearer"}`})
	_, err = authorizer(t, config, script).Exchange(t.Context(), "the-code", journey)
	if err != nil {
		t.Fatal(err)
	}
	request, body := script.Requests[0], script.Bodies[0]
	want := `{"grant_type":"authorization_code","code":"the-code","redirect_uri":"https://oxlin.test/oauth2/aisp","client_id":"PSDFR-ACPR-12345"}`
	if got := request.Header.Get("X-JSON"); got != `{"id":"PSDFR-ACPR-12345","a":{"b":1}}` {
		t.Errorf("a header in JSON is %s", got)
	}
	var faults datafile.Report
	config.Check(faults.Root(), "accounts", opAccounts)
	if faults.Err() != nil {
		t.Error(faults.Err())
	}
	if body != want || request.Header.Get("X-Client") != "" || !uuid4.MatchString(request.Header.Get("X-Call")) {
		t.Errorf("body %s, header %v", body, request.Header)
	}
	sum := sha256.Sum256([]byte(body))
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	parts := regexp.MustCompile(`^keyId="PSDFR-ACPR-12345",algorithm="hs2019",created=1795255200,expires=1795255260,headers="([^"]*)",signature="([^"]*)"$`).
		FindStringSubmatch(request.Header.Get("Signature"))
	if parts == nil || parts[1] != strings.Join(config.Signing.Headers, " ") {
		t.Fatalf("Signature is %s", request.Header.Get("Signature"))
	}
	text := "(request-target): post /token\n(created): 1795255200\n(expires): 1795255260\ndigest: " + digest +
		"\ncontent-type: application/json\naccept: application/hal+json\nx-token: yes\nx-call: " + request.Header.Get("X-Call")
	signature, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(text))
	err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, hash[:], signature)
	if err != nil {
		t.Errorf("the signature is of another text than\n%s", text)
	}
}

// TestSignedHeadersThatNoRequestHas are faults of the data, not dropped.
func TestSignedHeadersThatNoRequestHas(t *testing.T) {
	for name, sent := range map[string]bool{
		"(request-target)": true, "(created)": true, "host": true, "call-id": true, "psu-ip-address": true, "x-own": true, "x-on-token": true,
		"psu-ip-port": true, "tpp-signature-certificate": true, "x-some": true,
		"x-other": false, "x-request-id": false, "(request-id)": false, "Date": false, "psu-accept": false,
	} {
		config := signed()
		config.Headers, config.OAuth.Headers = map[string]string{"X-Own": "1"}, map[string]string{"X-On-Token": "1"}
		config.PSUHeaders = []string{"PSU-IP-Port"}
		config.Signing.Certificate = &psd2.CertificateHeader{Form: "der"}
		config.Signing.Headers = []string{"date", name}
		var faults datafile.Report
		config.CheckSigned(faults.Root(), dialect, "X-Some")
		if (faults.Err() == nil) != sent {
			t.Errorf("%s: %v", name, faults.Err())
		}
	}
}

// TestTheCertificateIsSignedToo sends it before the signature is made.
func TestTheCertificateIsSignedToo(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	config := signed()
	config.Signing.KeyID, config.Signing.Certificate = "k", &psd2.CertificateHeader{Form: "der"}
	config.Signing.Headers = []string{"date", "tpp-signature-certificate"}
	script := banktest.NewScript(t, banktest.Exchange{})
	client, err := psd2.NewClient(config, dialect, psd2.Deps{
		Transport: banktest.Serve(t, script), Seal: psd2.Seal{Key: key, Certificate: &x509.Certificate{Raw: []byte("it")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = get(t, client)
	if got := script.Requests[0].Header.Get("Signature"); err != nil || !strings.Contains(got, `headers="date tpp-signature-certificate"`) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestFurtherHeadersAboutTheUser are sent where the bank wants them, while the user is there.
func TestFurtherHeadersAboutTheUser(t *testing.T) {
	config := plain()
	config.PSUHeaders = []string{"psu-ip-port", "PSU-Accept"}
	script := banktest.NewScript(t, banktest.Exchange{}, banktest.Exchange{})
	client := newClient(t, config, script)
	attended := call
	attended.PSU = &oxlin.PSU{IP: "192.0.2.7", Port: "4711", AcceptLanguage: "fr"}
	for _, c := range []bank.Call{attended, call} {
		err := client.Send(t.Context(), c, psd2.Request{Resource: "/accounts"}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	there, gone := script.Requests[0].Header, script.Requests[1].Header
	if there.Get("PSU-IP-Port") != "4711" || there.Get("PSU-Accept-Language") != "" || there.Get("PSU-Accept") != "" || gone.Get("PSU-IP-Port") != "" {
		t.Errorf("%v, then %v", there, gone)
	}
}

// TestAnAnswerToldByItsHeaders classifies a refusal without a body.
func TestAnAnswerToldByItsHeaders(t *testing.T) {
	config := plain()
	config.Answers = []psd2.Answer{
		{Status: 403, Headers: map[string]string{"X-Quota-Left": "0", "x-reason": "quota"}, Means: string(bank.RateLimited)},
		{Status: 403, Headers: map[string]string{"X-Blocked": ""}, Means: string(bank.Locked)},
	}
	for name, test := range map[string]struct {
		header http.Header
		want   bank.FailureKind
	}{
		"both":          {http.Header{"X-Quota-Left": {"0"}, "X-Reason": {"Daily QUOTA"}, "Retry-After": {"60"}}, bank.RateLimited},
		"one of them":   {http.Header{"X-Quota-Left": {"0"}}, bank.AccessLost},
		"another value": {http.Header{"X-Quota-Left": {"3"}, "X-Reason": {"quota"}}, bank.AccessLost},
		"any value":     {http.Header{"X-Blocked": {"true"}}, bank.Locked},
		"none":          {nil, bank.AccessLost},
	} {
		_, err := get(t, newClient(t, config, banktest.NewScript(t, banktest.Exchange{Status: 403, Header: test.header})))
		failure := wantKind(t, err, test.want)
		if name == "both" && failure.RetryAfter.Seconds() != 60 {
			t.Errorf("retry after %s", failure.RetryAfter)
		}
	}
}

// TestAnswersOfABankThatSignsThem refuses those whose signature is wrong, or that lack one.
func TestAnswersOfABankThatSignsThem(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"accounts":[]}`
	sign := func(w http.ResponseWriter, r *http.Request, key *rsa.PrivateKey, body string) {
		sum := sha256.Sum256([]byte(body))
		digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
		w.Header().Set("Digest", digest)
		text := "(request-target): get " + r.URL.RequestURI() + "\n(created): 12\ndigest: " + digest
		hash := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Signature", fmt.Sprintf(`keyId="bank", algorithm="rsa-sha256", created=12, headers="(request-target) (created) digest", signature=%q`,
			base64.StdEncoding.EncodeToString(signature)))
	}
	for name, test := range map[string]struct {
		answer             func(http.ResponseWriter, *http.Request)
		optional, required bool
	}{
		"signed":                        {func(w http.ResponseWriter, r *http.Request) { sign(w, r, key, body) }, true, true},
		"without a signature":           {func(http.ResponseWriter, *http.Request) {}, true, false},
		"signed by another":             {func(w http.ResponseWriter, r *http.Request) { sign(w, r, other, body) }, false, false},
		"another body":                  {func(w http.ResponseWriter, r *http.Request) { sign(w, r, key, body+" ") }, false, false},
		"a signature that is no Base64": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Signature", `signature="?"`) }, false, false},
		"the body is not signed": {func(w http.ResponseWriter, r *http.Request) {
			sign(w, r, key, body)
			w.Header().Set("Signature", strings.Replace(w.Header().Get("Signature"), " digest", "", 1))
		}, false, false},
		"an error without a signature": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, true, true},
	} {
		for _, required := range []bool{false, true} {
			config := signed()
			config.Signing.Answers = &psd2.AnswerSigning{
				Keys: []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))}, Required: required,
			}
			client := newClient(t, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.answer(w, r)
				_, _ = io.WriteString(w, body)
			}))
			_, err := get(t, client)
			accepted := err == nil || bank.AsFailure(err).Kind == bank.RateLimited
			want := test.optional
			if required {
				want = test.required
			}
			if accepted != want {
				t.Errorf("%s, required %v: %v", name, required, err)
			}
			if !want {
				wantKind(t, err, bank.Nonsense)
			}
		}
	}
	for _, keys := range [][]string{nil, {"no key"}, {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}} {
		config := signed()
		config.Signing.Answers = &psd2.AnswerSigning{Keys: keys}
		var faults datafile.Report
		config.Check(faults.Root(), "accounts", opAccounts)
		if faults.Err() == nil || !strings.Contains(faults.Err().Error(), "signing.answers.keys") {
			t.Errorf("the keys %q have no fault: %v", keys, faults.Err())
		}
	}
}

// TestASignatureOfTheOtherKind is verified as RSASSA-PSS, under the name that the bank gives it.
func TestASignatureOfTheOtherKind(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, hash := range map[string]crypto.Hash{"rsa-pss-sha256": crypto.SHA256, "rsa-pss-sha512": crypto.SHA512} {
		config := signed()
		config.Signing.Algorithm, config.Signing.Name, config.Signing.Headers = algorithm, "hs2019", []string{"date"}
		script := banktest.NewScript(t, banktest.Exchange{})
		_, err = get(t, newClient(t, config, script))
		if err != nil {
			t.Fatal(err)
		}
		header := script.Requests[0].Header
		found := regexp.MustCompile(`algorithm="hs2019".*signature="(.*)"$`).FindStringSubmatch(header.Get("Signature"))
		if found == nil {
			t.Fatalf("Signature is %s", header.Get("Signature"))
		}
		signature, err := base64.StdEncoding.DecodeString(found[1])
		if err != nil {
			t.Fatal(err)
		}
		h := hash.New()
		h.Write([]byte("date: " + header.Get("Date")))
		err = rsa.VerifyPSS(&key.PublicKey, hash, h.Sum(nil), signature, nil)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
