package psd2_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// storable fails the test for a text that a database or a header refuses.
func storable(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%q has control characters or is not UTF-8", text)
		}
	}
}

// FuzzRecord reads any bytes into a record with a member of every type.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"text":"a\u0000b","id":1,"amount":{"amount":"1.50","currency":"eur"},"day":"2026-07-04","link":{"href":"?page=2"},"lines":["A",1],"list":[1]}`))
	f.Add([]byte(`{"text":1e400,"id":null,"amount":{"amount":-1e2},"day":"2026-07-04T00:00:00+0200","link":"?page=2","lines":"A","list":{}}`))
	f.Add([]byte(`{"text":[],"id":"\ud800","amount":{"amount":".5"},"day":20260704,"link":null,"lines":null}`))
	f.Add([]byte(`{"id":{},"amount":{"amount":"1 234,56 €"},"day":"04/07/2026","link":{"href":"/rows?a=1&amp;b=2"}}`))
	f.Fuzz(func(t *testing.T, written []byte) {
		var record struct {
			Text   psd2.Text            `json:"text"`
			ID     psd2.ID              `json:"id"`
			Amount psd2.Amount          `json:"amount"`
			Day    psd2.Written         `json:"day"`
			Link   psd2.Link            `json:"link"`
			Lines  json.RawMessage      `json:"lines"`
			List   psd2.Optional[[]int] `json:"list"`
		}
		err := json.Unmarshal(written, &record)
		if err != nil {
			storable(t, psd2.DescribeJSON(err).Error())
			return
		}
		storable(t, append(psd2.ReadLines(record.Lines), string(record.Text), string(record.ID), record.Link.Href)...)
		convention := notation.Interface(notation.DayFirst)
		if money, ok := record.Amount.Read(convention, "EUR").Told(); ok && len(money.Currency) != 3 {
			t.Errorf("the amount is %+v", money)
		}
		if day, ok := psd2.Read(record.Day, convention.Day).Told(); ok && day.In(oxlin.Paris).IsZero() {
			t.Error("a day that was told is zero")
		}
	})
}

// FuzzLink sends the request that a link leads to: it reaches the bank's own host and
// the same resource, whatever the link.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		"?page=2", "/accounts/a%2F1/transactions?page=2", "//x/accounts/a%2F1/transactions", "https://bank.example@x/",
		"?a=b c\r\nHost: x", "?%zz", "https://[::1/", "#", "?a{b}", "/../accounts/a%2F1/transactions?é#x",
		"?page%3D2%26x%3D%23%0D%0A1", "%2Faccounts%2Fa%252F1%2Ftransactions%3Fa%3D%2523", "/accounts/a%2F1/transactions/n%3Fx=1?y=2", "&#x2F;?a&amp;equals;1", "?a=1%26amp%3Bb=2",
	} {
		f.Add(seed)
	}
	const resource = "/accounts/a%2F1/transactions"
	f.Fuzz(func(t *testing.T, href string) {
		target, err := psd2.Link{Href: href}.Target(resource)
		if err != nil {
			if !target.IsZero() {
				t.Errorf("%q is refused, and gives %+v", href, target)
			}
			return
		}
		query := target.Query
		sent := false
		client := newClientOver(t, plain(), transport(func(r *http.Request) (*http.Response, error) {
			sent = true
			parsed, err := url.ParseRequestURI(r.URL.RequestURI())
			if err != nil || r.URL.Host != "bank.example" || parsed.EscapedPath() != "/harbour/v1"+resource+target.Path || parsed.RawQuery != query {
				t.Errorf("%q leads to %s, %v", href, r.URL, err)
			}
			if strings.ContainsAny(query, " \r\n\t\x00") {
				t.Errorf("%q gives the query %q", href, query)
			}
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
		}))
		err = client.Send(t.Context(), call, psd2.Request{Resource: resource + target.Path, Query: query}, nil)
		if err != nil || !sent {
			t.Errorf("%q is not sent: %v", href, err)
		}
	})
}

// FuzzAnswer lets a bank answer with any status, header and body.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", []byte(`{"access_token":"A","refresh_token":"R","expires_in":"3600"}`))
	f.Add(400, "", []byte(`{"error":"invalid_grant","tppMessages":[{"code":"FR7610907000301234567890125"}]}`))
	f.Add(429, "120", []byte(`<html>`))
	f.Add(503, "Sat, 21 Nov 2026 10:30:00 GMT", []byte("\xff"))
	f.Add(200, "", []byte(`{"accounts":[{"a":"\xe9"},7,null],"x":1}`))
	f.Add(302, "-9999999999999999999", []byte(``))
	f.Add(200, "", []byte(zipped(f, "gzip", `{"accounts":{"1":{"a":1,50},"2":{}}}`)))
	f.Add(206, "", []byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Header: http.Header{"Retry-After": {retryAfter}}, Body: io.NopCloser(strings.NewReader(string(body))),
			}, nil
		}))
		var into map[string]psd2.Text
		check := func(err error) {
			if err == nil {
				return
			}
			failure, ok := err.(*bank.Failure)
			if !ok {
				t.Fatalf("%v is not a failure", err)
			}
			if failure.RetryAfter < 0 || failure.RetryAfter > 24*time.Hour {
				t.Errorf("Retry-After %q is %v", retryAfter, failure.RetryAfter)
			}
			storable(t, failure.BankCode)
			if len([]rune(failure.BankCode)) > 80 {
				t.Errorf("the code of the bank is %q", failure.BankCode)
			}
		}
		check(client.Send(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, &into))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "accounts")
		check(err)
		for _, record := range list.Records {
			if !json.Valid(record) || !utf8.Valid(record) {
				t.Errorf("the record %q is not JSON", record)
			}
		}
		access, err := psd2.NewAuthorizer(client).Refresh(t.Context(), call.Access)
		check(err)
		if err == nil && (access.Token.IsZero() || access.RefreshToken.IsZero()) {
			t.Errorf("the access has no token: %q", body)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(`{"query":"page=2"}`)
	f.Add(`{"window":{"first":"2026-01-01","from":"2026-06-01","to":"2026-09-01"},"seen":["AAAAAAAAAAAA"]}`)
	f.Add(`{"query":"page=2","pages":-9,"empty":99}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := psd2.ReadPosition(cursor)
		if err != nil {
			wantKind(t, err, bank.Nonsense)
			return
		}
		again, err := psd2.ReadPosition(at.Cursor())
		if err != nil || again.Target != at.Target || again.Window != at.Window {
			t.Errorf("%q is written as %q: %v", cursor, at.Cursor(), err)
		}
	})
}
