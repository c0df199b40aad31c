package auth_test

import (
	"net/url"
	"strings"
	"testing"
)

// Whatever is sent to the token endpoint, the answer is tokens or an error of the
// caller's.
func FuzzToken(f *testing.F) {
	f.Add("application/json", "", `{"grant_type":"client_credentials","scope":1e999,"client_id":{"a":[]}}`)
	f.Add("multipart/form-data; boundary=x", "Basic Og==", "--x\r\n\r\n--x--")
	f.Add("multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=grant_type\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n--x--")
	f.Add("application/json", "", `{"scope":"a","scope":null,"scope":"b"}}`)
	f.Add("application/x-www-form-urlencoded", "Basic %00", form("grant_type", "refresh_token", "refresh_token", "\x00"))
	f.Add("text/plain", "Bearer x", form("grant_type", "authorization_code password", "code", "x", "code_verifier", "\xff"))
	w := newFileWorld(f)
	f.Fuzz(func(t *testing.T, contentType, authorization, body string) {
		if !validHeader(contentType) || !validHeader(authorization) {
			t.Skip("not a header")
		}
		a := w.post(t, "/token", body, "Content-Type", contentType, "Authorization", authorization)
		if a.StatusCode >= 500 || (a.StatusCode == 200) != (a.field("access_token") != "") || (a.StatusCode != 200) != (a.field("error") != "") {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	})
}

// Whatever a client asks the sign-in page for, users are sent nowhere but to a
// redirect URI that it asked for.
func FuzzSignin(f *testing.F) {
	f.Add(signinPath()[len("/signin?"):])
	f.Add("client_id=sandbox&redirect_uri=javascript:alert(1)&response_type=code+token&scope=%00&state=%0d%0aX:y")
	f.Add("client_id=sandbox&redirect_uri=https://a.test%0d%0a&response_type=&request_uri=http://x/&scope=openid")
	w := newFileWorld(f)
	f.Fuzz(func(t *testing.T, query string) {
		address := url.URL{Path: "/signin", RawQuery: query}
		if !validHeader(query) || strings.ContainsAny(query, " #") {
			t.Skip("not a URL")
		}
		a := w.get(t, address.String())
		if a.StatusCode >= 500 {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
		if a.Header.Get("Location") == "" {
			return
		}
		asked, err := url.Parse(address.Query().Get("redirect_uri"))
		if err != nil {
			t.Fatal(err)
		}
		sent, err := url.Parse(a.Header.Get("Location"))
		if err != nil || sent.Scheme != asked.Scheme || sent.Host != asked.Host || sent.Path != asked.Path || !sent.Query().Has("error") {
			t.Errorf("asked for %q, sent to %q", asked, sent)
		}
	})
}

// validHeader reports whether the test's client can send the text.
func validHeader(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
