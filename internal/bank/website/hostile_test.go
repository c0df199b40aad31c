package website_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/website"
)

// answers is a bank with fixed answers, without a network.
type answers func(r *http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	response := a(r)
	response.Request = r
	return response, nil
}

func response(status int, header map[string]string, body io.Reader) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), ProtoMajor: 1, ProtoMinor: 1}
	r.Header.Set("Content-Type", "text/html; charset=utf-8")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func page(body string) *http.Response { return response(200, nil, strings.NewReader(body)) }

// endless returns the same byte for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func hostile(t testing.TB, recipe string, bank answers) *website.Connector {
	t.Helper()
	for _, s := range sites {
		if s.config.Recipe != recipe {
			continue
		}
		config := s.config
		config.BaseURL = "https://bank.example" + config.BaseURL
		connector, err := website.New(config, website.Deps{Transport: bank})
		if err != nil {
			t.Fatal(err)
		}
		return connector
	}
	t.Fatalf("no site has the recipe %s", recipe)
	return nil
}

// everything calls every method of a connector, and returns the errors.
func everything(ctx context.Context, connector *website.Connector) []error {
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	account := bank.AccountRef{Address: "1", Type: oxlin.AccountCreditCard, Currency: "EUR"}
	state := oxlin.NewSecret(`{"step":"code","field":"code","next":{"address":"/site/securite/code"}}`)
	var all []error
	note := func(err error) { all = append(all, err) }
	_, err := banktest.LogIn(ctx, connector, banktest.Login{PSU: psu, Credentials: secrets("300", "dev", "301", "a-secret-word", "3502", "a-secret-word")})
	note(err)
	_, err = banktest.LogIn(ctx, connector, banktest.Login{PSU: psu, State: state, Answers: secrets("306", "123456", "307", "true")})
	note(err)
	_, err = connector.Accounts(ctx, call, "")
	note(err)
	_, err = connector.Balances(ctx, call, account, "")
	note(err)
	_, err = connector.Transactions(ctx, call, account, oxlin.Date{}, "")
	note(err)
	_, err = connector.Transactions(ctx, call, account, oxlin.Date{}, `{"address":"/site/comptes/1/operations?page=2"}`)
	note(err)
	_, err = connector.Owner(ctx, call, bank.AccountsPage{})
	note(err)
	return all
}

func TestHostileSites(t *testing.T) {
	circle := 0
	for name, tc := range map[string]struct {
		bank answers
		kind bank.FailureKind
	}{
		"a page without end": {func(*http.Request) *http.Response { return response(200, nil, endless{}) }, bank.Nonsense},
		"another host": {func(*http.Request) *http.Response {
			return response(302, map[string]string{"Location": "https://elsewhere.example/"}, strings.NewReader(""))
		}, bank.Unavailable},
		"no encryption any more": {func(*http.Request) *http.Response {
			return response(302, map[string]string{"Location": "http://bank.example/site/comptes"}, strings.NewReader(""))
		}, bank.Unavailable},
		"redirects in a circle": {func(*http.Request) *http.Response {
			circle++
			return response(302, map[string]string{"Location": "/again"}, strings.NewReader(""))
		}, bank.Nonsense},
		"a redirect to nowhere": {func(*http.Request) *http.Response { return response(304, nil, strings.NewReader("")) }, bank.Unavailable},
		"maintenance":           {func(*http.Request) *http.Response { return response(503, nil, strings.NewReader("back soon")) }, bank.Unavailable},
		"too often": {func(*http.Request) *http.Response {
			return response(429, map[string]string{"Retry-After": "99999999999"}, strings.NewReader(""))
		}, bank.RateLimited},
		"gone":    {func(*http.Request) *http.Response { return response(404, nil, strings.NewReader("")) }, bank.Nonsense},
		"nothing": {func(*http.Request) *http.Response { return page("") }, bank.Nonsense},
		"cut off": {func(*http.Request) *http.Response { return page("<html><body><p>Bon") }, bank.Unavailable},
		"a form that leads away": {func(*http.Request) *http.Response {
			return page(`<form id="connexion" name="logon" method="post" action="https://elsewhere.example/"></form><p class="erreur">Connexion impossible</p>`)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, recipe := range []string{"testbank", "memorable"} {
				var visited []string
				connector := hostile(t, recipe, func(r *http.Request) *http.Response {
					visited = append(visited, r.URL.Scheme+"://"+r.URL.Host)
					return tc.bank(r)
				})
				for i, err := range everything(t.Context(), connector) {
					var failure *bank.Failure
					if !errors.As(err, &failure) || tc.kind != "" && failure.Kind != tc.kind {
						t.Errorf("%s, question %d: %v, want %s", recipe, i, err, tc.kind)
						continue
					}
					if strings.Contains(err.Error(), "a-secret-word") || failure.RetryAfter.Hours() > 24 {
						t.Errorf("%s, question %d: %v", recipe, i, err)
					}
				}
				for _, host := range visited {
					if host != "https://bank.example" {
						t.Errorf("%s went to %s", recipe, host)
					}
				}
			}
		})
	}
	if circle > 400 {
		t.Errorf("%d redirects were followed", circle)
	}
}

func TestAStatementThatNeverEndsIsBroken(t *testing.T) {
	yesterday := oxlin.DateIn(time.Now(), oxlin.Paris).AddDays(-1)
	for name, row := range map[string]string{
		"no rows, for ever":                  "",
		"rows for ever":                      `<tr><td class="date">` + yesterday.String() + `</td><td class="libelle">X</td><td class="montant">-1,00 €</td></tr>`,
		"rows that cannot be read, for ever": `<tr><td class="date">soon</td><td class="montant">-1,00 €</td></tr>`,
	} {
		n := 0
		connector := hostile(t, "testbank", func(r *http.Request) *http.Response {
			n++
			return page(`<p class="numero">N° 1</p><table id="operations"><tbody>` + row + `</tbody></table><a id="quitter"></a>` +
				`<a rel="next" href="/site/comptes/1/operations?page=` + strings.Repeat("1", n) + `">`)
		})
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
		cursor, broken, rows := `{"address":"/site/comptes/1/operations"}`, "", 0
		for cursor != "" {
			result, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1"}, yesterday, cursor)
			if err != nil {
				t.Fatal(err)
			}
			cursor, broken = result.Next, result.Broken
			rows += len(result.Transactions) + len(result.Unreadable)
		}
		if broken == "" || n > 200 || (rows == 0) != (row == "") {
			t.Errorf("%s: %d pages, %d rows, broken %q", name, n, rows, broken)
		}
	}
}

func TestARowThatCannotBeReadCostsNoOther(t *testing.T) {
	good := `<tr><td class="date">21/11/2026</td><td class="libelle">CAFÃ©` + "\u200b" + ` H&amp;M</td><td class="montant">-12,50 €</td></tr>`
	for row, want := range map[string]bank.Unread{
		`<td class="date">21/11/2026</td><td class="montant">12.50</td>`:                                    bank.UnreadAmount,
		`<td class="date">21/11/2026</td><td class="montant">12,50</td>`:                                    bank.UnreadSign,
		`<td class="date">21/11/2026</td><td class="montant"></td>`:                                         bank.UnreadAmount,
		`<td class="date">31/02/2026</td><td class="montant">+12,50</td>`:                                   bank.UnreadDay,
		`<td class="date">31/02/2026</td><td class="valeur">21/11/2026</td><td class="montant">+12,50</td>`: "",
		`<td class="montant">+12,50</td>`:                                                                   "",
	} {
		connector := hostile(t, "testbank", func(*http.Request) *http.Response {
			return page(`<p class="numero">N° 1</p><table id="operations"><tbody><tr>` + row + `</tr>` + good + `</tbody></table><a id="quitter"></a>`)
		})
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
		read, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1", Currency: "EUR"}, oxlin.NewDate(2026, 11, 1), `{"address":"/site/x"}`)
		if err != nil {
			t.Fatal(err)
		}
		var got bank.Unread
		if len(read.Unreadable) > 0 {
			got = read.Unreadable[0].Reason
		}
		if got != want || len(read.Transactions)+len(read.Unreadable) != 2 {
			t.Errorf("%s: %q, want %q: %+v", row, got, want, read)
		}
		last := read.Transactions[len(read.Transactions)-1]
		if last.Remittance[0] != "CAFé H&M" || last.Amount.String() != "-12.5" {
			t.Errorf("the other row is %+v", last)
		}
	}
}

// FuzzPages serves one text for every page of a site: every call returns an answer or a
// failure, and a page without a form is never a question.
func FuzzPages(f *testing.F) {
	seeds, err := filepath.Glob("testdata/pages/*.html")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no pages to begin with: %v", err)
	}
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, recipe := range []string{"testbank", "memorable"} {
			connector := hostile(t, recipe, func(*http.Request) *http.Response { return page(text) })
			for i, err := range everything(t.Context(), connector) {
				var failure *bank.Failure
				if err != nil && !errors.As(err, &failure) {
					t.Errorf("%s, question %d: %v is no failure", recipe, i, err)
				}
			}
		}
	})
}
