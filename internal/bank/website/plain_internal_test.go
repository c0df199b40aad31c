package website

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// simple is a recipe of an American site with one account, which has no number, and whose
// statement begins with the oldest row.
var simple = plainSite{
	about:      bank.Profile{IDs: bank.IDNone, UnattendedPerDay: 4, HistoryDays: 365, Currency: "USD"},
	convention: notation.American,
	login:      plainLogin{page: "", form: "form#in", inputs: map[string]string{"user": "u", "password": "p"}, wrong: ".wrong"},
	inside:     "a.out",
	visits:     habits{devices: []string{"dev*"}, home: "money"},
	logout:     "out",
	customer:   "money", name: "h2",
	accounts: plainAccounts{page: "money", whole: "#money", balance: "strong", kind: oxlin.AccountCheckings, called: "Account"},
	rows: plainRows{
		whole: "#money", each: "#money tr", day: ".d", words: ".w", amount: ".a", silentCredit: true, pending: ".soon", next: "a.next", last: ".end",
		oldestFirst: true, since: "since", layout: "01/02/2006",
	},
}

func init() { recipes["simple"] = simple }

// simpleSite is that site: it has a row on each of some days, ten on a page.
type simpleSite struct {
	days             int
	logins, requests int
	mu               sync.Mutex
	sessions         map[string]bool
	// layout writes a day.
	layout string
}

var simpleDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (b *simpleSite) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}}, Request: r, ProtoMajor: 1, ProtoMinor: 1}
	cookie, err := r.Cookie("session")
	session := err == nil && b.sessions[cookie.Value]
	text := `<form id="in" method="post" action="/in"><input name="u"><input name="p"></form>`
	switch {
	case r.URL.Path == "/in" && r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		b.logins++
		if form.Get("u") != "zoe" || form.Get("p") != "s3same" {
			answer.StatusCode = http.StatusForbidden
			text += `<p class="wrong">No.</p>`
			break
		}
		id := strconv.Itoa(b.logins)
		b.sessions[id] = true
		answer.Header.Add("Set-Cookie", "session="+id+"; Path=/; Max-Age=600")
		answer.Header.Add("Set-Cookie", "device7=mine; Path=/")
		text = `<a class="out">out</a>`
	case r.URL.Path == "/out":
		delete(b.sessions, cookie.Value)
	case r.URL.Path == "/money" && session:
		text = b.money(r.URL.Query())
	}
	answer.Body = io.NopCloser(strings.NewReader(text))
	return answer, nil
}

func (b *simpleSite) money(query url.Values) string {
	first := 0
	if since, err := time.Parse("01/02/2006", query.Get("since")); err == nil {
		first = max(0, int(since.Sub(simpleDay).Hours()/24))
	}
	page, _ := strconv.Atoi(query.Get("page"))
	first += 10 * page
	text := `<a class="out">out</a><h2>Zoe</h2><table id="money"><caption><strong>$1,234.56</strong></caption>`
	for n := first; n < min(b.days, first+10); n++ {
		sign := []string{"-", ""}[n%2]
		text += fmt.Sprintf(`<tr><td class="d">%s</td><td class="w">ROW %d</td><td class="a">%s$%d.50</td></tr>`,
			simpleDay.AddDate(0, 0, n).Format(b.layout), n, sign, n+1)
	}
	if first+10 >= b.days {
		return text + `</table><p class="end"></p>`
	}
	query.Set("page", strconv.Itoa(page+1))
	return text + `</table><a class="next" href="/money?` + strings.ReplaceAll(query.Encode(), "&", "&amp;") + `">more</a>`
}

func (b *simpleSite) connector(t *testing.T) *Connector {
	t.Helper()
	fields := map[string]oxlin.CredentialID{"user": "1", "password": "2"}
	connector, err := New(Config{Recipe: "simple", BaseURL: "https://simple.example", Fields: fields}, Deps{
		Transport: b, Now: func() time.Time { return simpleDay.AddDate(0, 3, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

func typedBy(user, password string) map[oxlin.CredentialID]oxlin.Secret {
	return map[oxlin.CredentialID]oxlin.Secret{"1": oxlin.NewSecret(user), "2": oxlin.NewSecret(password)}
}

func TestAPlainSitePassesTheSuite(t *testing.T) {
	site := &simpleSite{days: 42, sessions: map[string]bool{}, layout: "01/02/2006"}
	result, err := banktest.LogIn(t.Context(), site.connector(t), banktest.Login{Credentials: typedBy("zoe", "s3same")})
	if err != nil {
		t.Fatal(err)
	}
	call := bank.Call{Access: result.Access}
	banktest.Exercise(t, banktest.Subject{
		New: func() bank.Connector { return site.connector(t) }, Call: call, From: oxlin.NewDate(2026, 3, 1), Logins: typedBy("zoe", "s3same"),
		Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret(`{"cookies":[{"name":"session","value":"0","path":"/"}]}`)}},
	})
	_, err = banktest.LogIn(t.Context(), site.connector(t), banktest.Login{Credentials: typedBy("zoe", "wrong"), Access: result.Access})
	if bank.AsFailure(err).Kind != bank.CredentialsRejected {
		t.Errorf("a wrong password: %v", err)
	}
	if site.sessions["1"] {
		t.Error("the session of the other password was not left")
	}
}

// TestOldestFirst reads a statement whose newest row is on the last page, from each day on.
func TestOldestFirst(t *testing.T) {
	for _, layout := range []string{"01/02/2006", "1/2/06", "Jan. 2, 2006", "Monday, January 2, 2006", "2006-01-02"} {
		site := &simpleSite{days: 42, sessions: map[string]bool{}, layout: layout}
		result, err := banktest.LogIn(t.Context(), site.connector(t), banktest.Login{Credentials: typedBy("zoe", "s3same")})
		if err != nil {
			t.Fatal(err)
		}
		call := bank.Call{Access: result.Access}
		accounts, err := site.connector(t).Accounts(t.Context(), call, "")
		if err != nil || len(accounts.Accounts) != 1 || accounts.Accounts[0].BankID != "" || accounts.Accounts[0].Name != "Account" {
			t.Fatalf("%+v, %v", accounts, err)
		}
		for from := range 42 {
			var days []string
			cursor, asked := "", site.requests
			for more := true; more; more = cursor != "" {
				page, err := site.connector(t).Transactions(t.Context(), call, accounts.Accounts[0].Ref(), oxlin.NewDate(2026, 3, 1).AddDays(from), cursor)
				if err != nil || page.Broken != "" || len(page.Unreadable) != 0 {
					t.Fatalf("%s: %+v, %v", layout, page, err)
				}
				for _, row := range page.Transactions {
					n := from + len(days)
					sign := oxlin.Amount(1)
					if n%2 == 0 {
						sign = -1
					}
					if want := sign * (oxlin.Amount(n+1)*100_000 + 50_000); row.Amount != want || row.Currency != "USD" {
						t.Errorf("%s: row %d is %s %s", layout, n, row.Amount, row.Currency)
					}
					days = append(days, row.BookingDate.String())
				}
				cursor = page.Next
			}
			if len(days) != 42-from || !slices.IsSorted(days) || days[len(days)-1] != "2026-04-11" {
				t.Errorf("%s, from day %d: %v", layout, from, days)
			}
			if most := 2 + (42-from)/10 + 1; site.requests-asked > most {
				t.Errorf("from day %d: %d requests, want at most %d", from, site.requests-asked, most)
			}
		}
	}
}

// TestRowsOfAPlainSite: columns, signs and days, of which nothing is guessed.
func TestRowsOfAPlainSite(t *testing.T) {
	columns := plainRows{each: "tr", day: ".d", words: ".w", received: ".in", paid: ".out"}
	signed := plainRows{each: "tr", day: ".d", words: ".w", amount: ".a"}
	silent := signed
	silent.silentCredit = true
	for _, tc := range []struct {
		rows       plainRows
		convention notation.Convention
		row, want  string
	}{
		{columns, notation.American, `<td class="d">3/4/2026<td class="in">$1,000.00<td class="out">`, "2026-03-04 1000 USD"},
		{columns, notation.American, `<td class="d">3/4/2026<td class="in">0.00<td class="out">12.5`, "2026-03-04 -12.5 USD"},
		{columns, notation.American, `<td class="d">3/4/2026<td class="in">1.00<td class="out">12.5`, "amount"},
		{columns, notation.American, `<td class="d">3/4/2026<td class="in">1.00<td class="out">?`, "amount"},
		{columns, notation.American, `<td class="d">3/4/2026<td class="in"><td class="out">`, "amount"},
		{columns, notation.American, `<td class="d">3/4/2026<td class="in">0.00<td class="out">0.00`, "amount"},
		{signed, notation.American, `<td class="d">13/4/2026<td class="a">-1.00`, "day"},
		{signed, notation.American, `<td class="d">4/13/26<td class="a">($1,234.56)`, "2026-04-13 -1234.56 USD"},
		{signed, notation.American, `<td class="d">4/13/26<td class="a">1.00`, "sign"},
		{silent, notation.American, `<td class="d">4/13/26<td class="a">1.00`, "2026-04-13 1 USD"},
		{silent, notation.American, `<td class="d">4/13/26<td class="a">1,00`, "amount"},
		{silent, notation.German, `<td class="d">3.4.2026<td class="a">1.234,56-`, "2026-04-03 -1234.56 USD"},
		{silent, notation.German, `<td class="d">3. April 2026<td class="a">1.234,56 €`, "2026-04-03 1234.56 EUR"},
		{silent, notation.German, `<td class="d">3.4.2026<td class="a">1,234.56`, "amount"},
		{silent, notation.Swiss, `<td class="d">03.04.26<td class="a">CHF -1'234.56`, "2026-04-03 -1234.56 CHF"},
		{silent, notation.Decided('.', notation.UnknownOrder), `<td class="d">03/04/2026<td class="a">1.00`, "day"},
		{silent, notation.Decided('.', notation.UnknownOrder), `<td class="d">2026-04-03<td class="a">1.00`, "2026-04-03 1 USD"},
		{silent, notation.Decided(',', notation.MonthFirst), `<td class="d">03/04/2026<td class="a">1,00`, "2026-03-04 1 USD"},
	} {
		row := parse("<table><tbody><tr>", tc.row, "</tr></tbody></table>").Find("tr")
		site := plainSite{convention: tc.convention, rows: tc.rows}
		t1, unread := site.transaction(row, bank.AccountRef{Currency: "USD"})
		got := t1.BookingDate.String() + " " + t1.Amount.String() + " " + t1.Currency
		if unread != "" {
			got = string(unread)
		}
		if got != tc.want {
			t.Errorf("%s is %s, want %s", tc.row, got, tc.want)
		}
	}
}

// TestSelectorsOfPlainSites: a selector with a fault would find nothing, silently.
func TestSelectorsOfPlainSites(t *testing.T) {
	for name, recipe := range recipes {
		site, ok := recipe.(plainSite)
		if !ok {
			continue
		}
		texts := []string{site.login.form, site.login.wrong, site.inside, site.name}
		for _, part := range []reflect.Value{reflect.ValueOf(site.accounts), reflect.ValueOf(site.rows)} {
			for i := range part.NumField() {
				member := part.Type().Field(i).Name
				if part.Field(i).Kind() == reflect.String && !slices.Contains([]string{"page", "kind", "called", "currency", "statement", "since", "layout"}, member) {
					texts = append(texts, part.Field(i).String())
				}
			}
		}
		for _, one := range site.failures {
			texts = append(texts, one.selector)
		}
		for _, text := range texts {
			_, err := cascadia.ParseGroup(text)
			if text != "" && err != nil {
				t.Errorf("%s: %q: %v", name, text, err)
			}
		}
	}
}

// FuzzPlainSites: no page makes a plain recipe panic, and no record of a row of a page is read
// otherwise than the row.
func FuzzPlainSites(f *testing.F) {
	site := &simpleSite{days: 3, layout: "01/02/2006"}
	f.Add(site.money(url.Values{}))
	f.Add(`<div id="changelist"><table id="result_list"><tbody><tr><td class="field-day">1/2/26<td class="field-account">1<td class="field-amount">-1.00`)
	f.Add(`<th class=listtop>Account 1060 - X<tr class=listrow1><td>03/04/2026<td><a>R<td>W<td><td><td>1.00<td><td>1.00<tr class=listtotal>`)
	f.Add(`<table><tr><td><tr><table><tr class="listrow0"><a></table>`)
	f.Fuzz(func(t *testing.T, text string) {
		address, _ := url.Parse("https://simple.example/money")
		p := &page{Selection: parse("", text, ""), address: address, status: 200}
		for name, recipe := range recipes {
			site, ok := recipe.(plainSite)
			if !ok {
				continue
			}
			_, _ = site.place(nil, p)
			for _, shown := range p.Find(site.accounts.each).EachIter() {
				site.entry(p, shown)
			}
			account := bank.AccountRef{Address: onlyAccount, Currency: "USD"}
			_, _ = site.statement(p, account)
			for _, row := range p.Find(site.rows.each).EachIter() {
				want, unread := site.transaction(row, account)
				var stored record
				err := json.Unmarshal(want.Raw, &stored)
				if err != nil {
					t.Fatal(err)
				}
				got, again, whole := site.record(stored.HTML, account)
				if whole && (again != unread || got.Amount != want.Amount || got.BookingDate != want.BookingDate) {
					t.Errorf("%s: %s is read as %+v (%q), and was as %+v (%q)", name, stored.HTML, got, again, want, unread)
				}
			}
		}
	})
}

// FuzzCookies: whatever a site sets, a header of ours stays one line.
func FuzzCookies(f *testing.F) {
	f.Add("SL-zoe@books=1; expires=Tue, 1-Dec-2026 22:54:58 GMT; path=/")
	f.Add("a=\"x, y\"; Max-Age=5;;; Path=")
	f.Add("=;=")
	f.Fuzz(func(t *testing.T, line string) {
		j := &jar{host: "simple.example", now: time.Now}
		address, _ := url.Parse("https://simple.example/money")
		j.SetCookies(address, cookiesOf(&http.Response{Header: http.Header{"Set-Cookie": {line}}}))
		request := &http.Request{URL: address, Header: http.Header{}}
		j.add(request)
		if strings.ContainsAny(request.Header.Get("Cookie"), "\r\n\x00") {
			t.Errorf("%q becomes %q", line, request.Header.Get("Cookie"))
		}
	})
}
