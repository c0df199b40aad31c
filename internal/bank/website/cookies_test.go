package website_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/website"
)

// at returns a connector for a site without a server, and records the cookies of its
// requests.
func at(t *testing.T, base string, set ...string) (connector *website.Connector, brought *[]string) {
	t.Helper()
	brought = new([]string)
	config := sites[0].config
	config.BaseURL = base
	connector, err := website.New(config, website.Deps{
		Now: func() time.Time { return noon },
		Transport: answers(func(r *http.Request) *http.Response {
			*brought = append(*brought, r.Header.Get("Cookie"))
			answer := page(`<form id="connexion" action="/site/connexion" method="post"></form>`)
			for _, cookie := range set {
				answer.Header.Add("Set-Cookie", cookie)
			}
			return answer
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector, brought
}

func TestCookiesGoWhereTheyBelong(t *testing.T) {
	for name, tc := range map[string]struct{ base, cookie, want string }{
		"the site's own":  {"https://bank.example/site", `"path":"/site"`, "c=v"},
		"of everything":   {"https://bank.example/site", `"path":"/"`, "c=v"},
		"of a subfolder":  {"https://bank.example/site", `"path":"/site/comptes/1"`, ""},
		"of a neighbour":  {"https://bank.example/site182", `"path":"/site"`, ""},
		"over TLS":        {"https://bank.example/site", `"path":"/","secure":true`, "c=v"},
		"not without TLS": {"http://bank.example/site", `"path":"/","secure":true`, ""},
		"living":          {"https://bank.example/site", `"path":"/","until":"2026-11-21T11:00:01Z"`, "c=v"},
		"over":            {"https://bank.example/site", `"path":"/","until":"2026-11-21T11:00:00Z"`, ""},
	} {
		connector, brought := at(t, tc.base)
		token := oxlin.NewSecret(`{"cookies":[{"name":"c","value":"v",` + tc.cookie + `}]}`)
		_, err := connector.Accounts(t.Context(), bank.Call{Access: bank.Access{Token: token}}, "")
		if kind := kindOf(t, err); kind != bank.AccessLost {
			t.Errorf("%s: %q", name, kind)
		}
		if got := strings.Join(*brought, "; "); got != tc.want {
			t.Errorf("%s: brought %q, want %q", name, got, tc.want)
		}
	}
}

func TestCookiesThatASiteSets(t *testing.T) {
	for cookie, want := range map[string]string{
		"a=1":                  "a=1",
		"a=1; Path=/":          "a=1",
		"a=1; Path=/elsewhere": "",
		"a=1; Max-Age=60":      "a=1",
		"a=1; Max-Age=0":       "",
		"a=; Max-Age=-1":       "",
		"a=1; Expires=Sat, 21 Nov 2026 10:59:59 GMT": "",
		"a=1; Expires=Sat, 21 Nov 2026 11:00:01 GMT": "a=1",
		"a=1; Expires=Sat, 7-Nov-2026 10:59:59 GMT":  "",
		"a=1; Expires=Mon, 7-Dec-2026 11:00:01 GMT":  "a=1",
		"a=1; Expires=soon":                          "a=1",
		"SL-zoe@books=m17@o; path=/":                 "SL-zoe@books=m17@o", // as browsers keep it
		`a="x, y\z"; Path=/`:                         `a="x, y\z"`,
		"a = é ; Path=/":                             "a=é",
		"a=":                                         "a=",
		"=1":                                         "",
		"a":                                          "",
		"a=1\x01":                                    "",
		"a=1; Domain=elsewhere.example":              "a=1", // it is the bank's all the same, and goes to no one else
	} {
		connector, brought := at(t, "https://bank.example/site", cookie)
		_, err := banktest.LogIn(t.Context(), connector, banktest.Login{PSU: psu})
		if kind := kindOf(t, err); kind != bank.Unavailable {
			t.Errorf("a site that forgets us at once: %q", kind)
		}
		if len(*brought) != 2 || (*brought)[1] != want {
			t.Errorf("%q: brought %q, want %q", cookie, *brought, want)
		}
	}
}

// TestALoginBringsTheDeviceOnly: an old session would hide a password that is no longer
// valid, whether or not its cookie has an end.
func TestALoginBringsTheDeviceOnly(t *testing.T) {
	connector, brought := at(t, "https://bank.example/site")
	token := oxlin.NewSecret(`{"cookies":[{"name":"session","value":"old","path":"/"},{"name":"other","value":"old","path":"/","until":"2027-01-01T00:00:00Z"},{"name":"appareil","value":"mine","path":"/","until":"2027-01-01T00:00:00Z"}]}`)
	_, err := banktest.LogIn(t.Context(), connector, banktest.Login{PSU: psu, Access: bank.Access{Token: token}})
	kindOf(t, err)
	for _, cookies := range *brought {
		if cookies != "appareil=mine" {
			t.Errorf("the login brings %q", cookies)
		}
	}
}
