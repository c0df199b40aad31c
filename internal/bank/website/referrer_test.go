package website_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// headersOf are the headers of a request that tell where it comes from.
func headersOf(r *http.Request) string {
	return strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Referer") + " " + r.Header.Get("Origin"))
}

// TestWhereRequestsComeFrom logs in, and reads two pages of a statement, under each policy of a
// page. Nothing leads to the first page, so that it has no Referer, redirected or not.
func TestWhereRequestsComeFrom(t *testing.T) {
	const site = "https://bank.example"
	long := "/site/connexion?" + strings.Repeat("x", 4096)
	for name, tc := range map[string]struct {
		policy, meta, rel, form string
		redirect                int
		want                    []string
	}{
		"by default":           {want: []string{"POST /site/entree " + site + "/site/connexion " + site}},
		"the whole":            {policy: "unsafe-url", want: []string{"POST /site/entree " + site + "/site/connexion " + site}},
		"the same origin":      {policy: "same-origin", want: []string{"POST /site/entree " + site + "/site/connexion " + site}},
		"the origin":           {policy: "strict-origin", want: []string{"POST /site/entree " + site + "/ " + site}},
		"nothing":              {policy: "no-referrer", want: []string{"POST /site/entree  null"}},
		"the last known word":  {policy: "no-referrer, strict-origin, made-up", want: []string{"POST /site/entree " + site + "/ " + site}},
		"an unknown word":      {policy: "made-up", want: []string{"POST /site/entree " + site + "/site/connexion " + site}},
		"by the page":          {policy: "no-referrer", meta: "Origin", want: []string{"POST /site/entree " + site + "/ " + site}},
		"an old word":          {meta: "never", want: []string{"POST /site/entree  null"}},
		"by the form":          {rel: "noopener noreferrer", want: []string{"POST /site/entree  null"}},
		"a long address":       {form: long, want: []string{"POST /site/entree " + site + "/ " + site}},
		"moved to another":     {redirect: 303, want: []string{"POST /site/entree " + site + "/site/connexion " + site, "GET /site/moved " + site + "/site/connexion"}},
		"moved with its body":  {redirect: 307, want: []string{"POST /site/entree " + site + "/site/connexion " + site, "POST /site/moved " + site + "/site/connexion " + site}},
		"moved and said less":  {policy: "origin", redirect: 308, want: []string{"POST /site/entree " + site + "/ " + site, "POST /site/moved " + site + "/ " + site}},
		"moved and said never": {policy: "no-referrer", redirect: 307, want: []string{"POST /site/entree  null", "POST /site/moved  null"}},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			connector := hostile(t, "testbank", func(r *http.Request) *http.Response {
				seen = append(seen, headersOf(r))
				policy := map[string]string{"Referrer-Policy": tc.policy}
				switch {
				case r.URL.Path == "/site/connexion" && tc.form != "" && r.URL.RawQuery == "":
					return response(302, map[string]string{"Location": tc.form}, strings.NewReader(""))
				case r.URL.Path == "/site/connexion":
					return response(200, policy, strings.NewReader(`<head><meta name="referrer" content="`+tc.meta+`"></head>`+
						`<form id="connexion" action="entree" method="post" rel="`+tc.rel+`"></form>`))
				case r.URL.Path == "/site/entree" && tc.redirect != 0:
					return response(tc.redirect, map[string]string{"Location": "/site/moved"}, strings.NewReader(""))
				}
				if r.Header.Get("Content-Type") != "" && r.Method == http.MethodGet {
					t.Error("a page is asked for with the type of a form")
				}
				return page(`<a id="quitter"></a>`)
			})
			_, err := banktest.LogIn(t.Context(), connector, banktest.Login{PSU: psu})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(seen, func(s string) bool { return strings.HasPrefix(s, "POST") })
			for _, first := range seen[:i] {
				if strings.Count(first, " ") != 1 {
					t.Errorf("the first page comes from somewhere: %s", first)
				}
			}
			if !slices.Equal(seen[i:], tc.want) {
				t.Errorf("sent %q, want %q", seen[i:], tc.want)
			}
		})
	}
}

// TestPagesOfAStatementComeFromEachOther: each page is asked for by another process.
func TestPagesOfAStatementComeFromEachOther(t *testing.T) {
	var seen []string
	connector := hostile(t, "testbank", func(r *http.Request) *http.Response {
		seen = append(seen, headersOf(r))
		switch {
		case r.URL.Path == "/site/comptes":
			return page(`<div id="mes-comptes"><section id="comptes-courants"><article class="compte"><h3><a href="/site/comptes/1">X</a></h3>` +
				`<p class="numero">N° 1</p></article></section></div><a id="quitter"></a>`)
		case r.URL.RawQuery == "":
			return page(`<p class="numero">N° 1</p><table id="operations"></table><a rel="next" href="?page=2#top">…</a><a id="quitter"></a>`)
		}
		return page(`<p class="numero">N° 1</p><table id="operations"></table><a id="quitter"></a>`)
	})
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret(`{"from":{"address":"https://bank.example/site/accueil"}}`)}}
	cursor := ""
	for range 2 {
		read, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1", Currency: "EUR"}, oxlin.NewDate(2026, 11, 1), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursor = read.Next
	}
	const site = "https://bank.example"
	want := []string{
		"GET /site/comptes " + site + "/site/accueil",
		"GET /site/comptes/1/operations " + site + "/site/comptes",
		"GET /site/comptes/1/operations?page=2 " + site + "/site/comptes/1/operations",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("sent %q, want %q", seen, want)
	}
}
