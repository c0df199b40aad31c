package psd2_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Only the query of a link and its path below the resource count, however the bank writes
// the rest of it.
func TestHowBanksWriteALink(t *testing.T) {
	const second, none, broken = "?page=2", "", "broken"
	tests := map[string]string{
		// Hosts, ports and prefixes.
		`"https://elsewhere.example:8443/x/accounts/1/transactions?page=2"`: second,
		`{"href":"//elsewhere.example/accounts/1/transactions?page=2"}`:     second,
		`{"href":"elsewhere.example:8443/accounts/1/transactions?page=2"}`:  second,
		`{"href":"elsewhere.example/accounts/1/transactions?page=2"}`:       second,
		`{"href":"https:/accounts/1/transactions?page=2"}`:                  second,
		`{"href":"http://[::1/accounts/1/transactions?page=2"}`:             second,
		`{"href":"https://b.example:port/accounts/1/transactions?page=2"}`:  second,
		// Relative ones.
		`{"href":"/accounts/1/transactions?page=2"}`:   second,
		`{"href":"accounts/1/transactions?page=2"}`:    second,
		`{"href":"transactions?page=2"}`:               second,
		`{"href":"../1/transactions?page=2"}`:          second,
		`{"href":"?page=2"}`:                           second,
		`{"href":"page=2"}`:                            second,
		`{"href":"&page=2"}`:                           second,
		`{"href":"/accounts/1/transactions/?page=2"}`:  second,
		`{"href":"/accounts/1/transactions/2"}`:        "/2",
		`{"href":"/accounts/1/transactions/n?page=2"}`: "/n?page=2",
		// Escaping.
		`{"href":"/accounts/1/transactions?page=2&amp;amp;x=1"}`:                              "?page=2&x=1",
		`{"href":"/accounts/1/transactions%3Fpage%3D2"}`:                                      second,
		`{"href":"/accounts/1/transactions%3Fpage=2"}`:                                        second,
		`{"href":"%2Faccounts%2F1%2Ftransactions%3Fpage%3D2"}`:                                second,
		`{"href":"https%3A%2F%2Felsewhere.example%2Faccounts%2F1%2Ftransactions%3Fpage%3D2"}`: second,
		`{"href":"https%253A%252F%252Felsewhere.example%252Ftransactions%253Fpage%253D2"}`:    second,
		`{"href":"/accounts/1/transactions?cursor=a%252Fb"}`:                                  "?cursor=a%252Fb",
		`{"href":"/accounts/1/transactions?cursor=a/b+c=="}`:                                  "?cursor=a/b+c==",
		`{"href":"/accounts/1/transactions?q=100%&page=2"}`:                                   "?q=100%&page=2",
		`{"href":"/accounts/1/transactions?page=2#top"}`:                                      second,
		`{"href":" /accounts/1/transactions?page=2 "}`:                                        second,
		`{"href":"<https://b.example/accounts/1/transactions?page=2>; rel=\"next\""}`:         second,
		`{"href":"/accounts/1/transactions%3Fpage%3D2?key=x"}`:                                "?page=2&key=x",
		`{"href":"/v1%2Faccounts%2F1%2Ftransactions%3Fpage=2&size=9"}`:                        "?page=2&size=9",
		`{"href":"/accounts/1/transactions/n%3Fpage=2"}`:                                      "/n?page=2",
		`{"href":"%3Fpage%3D2"}`:                                                              second,
		`{"href":"page%3D2"}`:                                                                 second,
		`{"href":"/accounts/1/transactions?page%3D2%26size%3D9"}`:                             "?page=2&size=9",
		`{"href":"/accounts/1/transactions?page%253D2%2526size%253D9"}`:                       "?page=2&size=9",
		`{"href":"/accounts/1/transactions?page%3D2%26q%3Da%23b"}`:                            "?page=2&q=a%23b",
		`{"href":"/accounts/1/transactions?size=9%26page=2"}`:                                 "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9%26amp%3Bpage=2"}`:                           "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9%26page%3D2"}`:                               "?size=9%26page%3D2",
		`{"href":"/accounts/1/transactions?cGFnZTI%3D"}`:                                      "?cGFnZTI%3D",
		`{"href":"/accounts/1/transactions?cGFnZQ%3D%3D"}`:                                    "?cGFnZQ%3D%3D",
		`{"href":"&#x2F;accounts&#x2F;1&#x2F;transactions?page&#x3D;2"}`:                      second,
		`{"href":"/accounts/1/transactions&quest;page&amp;equals;2"}`:                         second,
		`{"href":"/accounts/1/transactions?page=2&copy=1&Amp;x"}`:                             "?page=2&copy=1&Amp;x",
		`{"href":"/accounts/1/transactions?size=9&#38page=2"}`:                                "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9&#x26page=2"}`:                               "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9&amp%3Bpage=2"}`:                             "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9u0026page=2"}`:                               "?size=9&page=2",
		`{"href":"&quot;/accounts/1/transactions?page=2&quot;"}`:                              second,
		`{"href":"&lt;/accounts/1/transactions?page=2&gt;; rel=next"}`:                        second,
		// Semicolons between parameters.
		`{"href":"/accounts/1/transactions?size=9;page=2"}`:                 "?size=9&page=2",
		`{"href":"/accounts/1/transactions?from=2026-01-01&size=9;page=2"}`: "?from=2026-01-01&size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9;&page=2"}`:                "?size=9&&page=2",
		`{"href":"/accounts/1/transactions?$top=9;$skip=100"}`:              "?$top=9&$skip=100",
		`{"href":"/accounts/1/transactions?size=9&semi;key=YQ=="}`:          "?size=9&key=YQ==",
		`{"href":"/accounts/1/transactions?size%3D9%3Bpage%3D2"}`:           "?size=9&page=2",
		`{"href":"/accounts/1/transactions;jsessionid=A1?size=9;page=2"}`:   "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9;cursor"}`:                 "?size=9;cursor",
		`{"href":"/accounts/1/transactions?cursor=a;b"}`:                    "?cursor=a;b",
		`{"href":"/accounts/1/transactions?cursor=YWJj;ZGVm=="}`:            "?cursor=YWJj;ZGVm==",
		`{"href":"/accounts/1/transactions?cursor=YWJj;ZGV="}`:              "?cursor=YWJj;ZGV=",
		`{"href":"/accounts/1/transactions?dateTo=;page=2"}`:                "?dateTo=&page=2",
		`{"href":"/accounts/1/transactions?cursor=page=2;size=9"}`:          "?cursor=page=2;size=9",
		`{"href":"/accounts/1/transactions?cursor=a%3Bpage%3D2"}`:           "?cursor=a%3Bpage%3D2",
		// Other forms.
		`[{"href":"/accounts/1/transactions?page=2"}]`:             second,
		`[{"templated":true},{"href":"?page=2"}]`:                  second,
		`["/accounts/1/transactions?page=2"]`:                      second,
		`{"url":"/accounts/1/transactions?page=2"}`:                second,
		`{"href":{"href":"/accounts/1/transactions?page=2"}}`:      second,
		`{"href":["/accounts/1/transactions?page=2"]}`:             second,
		`{"href":null,"url":"/accounts/1/transactions?page=2"}`:    second,
		`{"title":"next","HREF":"accounts/1/transactions?page=2"}`: second,
		`{"uri":"/accounts/1/transactions?page=2"}`:                second,
		`{"link":{"href":"/accounts/1/transactions?page=2"}}`:      second,
		`{"@href":"/accounts/1/transactions?page=2"}`:              second,
		// Marks of programs.
		`{"href":"/accounts/1/transactions?\npage\t=2"}`:                     second,
		`{"href":"/accounts/1/transactions? page=2& size=9"}`:                "?page=2&size=9",
		`{"href":"/accounts/1/transactions?page = 2 & size=9"}`:              "?page=2&size=9",
		`{"href":"\"/accounts/1/transactions?page=2\""}`:                     second,
		`{"href":"'/accounts/1/transactions?page=2'"}`:                       second,
		`{"href":"/accounts/1/transactions?size=9\\u0026page\\u003d2"}`:      "?size=9&page=2",
		`{"href":"/accounts/1/transactions?size=9?page=2"}`:                  "?size=9&page=2",
		`{"href":"/accounts/1/transactions&page=2"}`:                         second,
		`{"href":"/accounts/1/transactions{?size}&page=2"}`:                  second,
		`{"href":"#/accounts/1/transactions?page=2"}`:                        second,
		`{"href":"https://b.example/app/#!/accounts/1/transactions?page=2"}`: second,
		`{"href":"/accounts/1/transactions#?page=2"}`:                        second,
		`{"href":"/accounts/1/transactions?page=2#page=3"}`:                  second,
		`{"href":"/accounts/1/transactions#top"}`:                            none,
		// No link.
		`"false"`: none, `"N/A"`: none, `{"href":"-"}`: none, `{"href":"''"}`: none,
		`""`: none, `null`: none, `{}`: none, `[]`: none, `[null]`: none, `false`: none, `{"href":null}`: none, `{"href":""}`: none,
		`{"href":" "}`: none, `{"href":"#"}`: none, `{"href":"null"}`: none, `"undefined"`: none, `"string"`: none, `{"href":{}}`: none, `{"templated":true}`: none,
		`{"href":"/accounts/1/transactions"}`: none, `{"href":"/accounts/1/transactions/"}`: none, `[[[[{"href":"?page=2"}]]]]`: none,
		// A link that leads nowhere.
		`{"href":"/accounts/1/balances"}`: broken, `{"href":"https://elsewhere.example"}`: broken, `{"href":"javascript:void(0)"}`: broken,
		`{"href":"about:blank"}`: broken, `{"href":"/accounts/1/transactions;page=2"}`: broken, `2`: broken, `{"href":2}`: broken,
		`{"href":"/accounts/1/transactions/../../2/transactions"}`: broken,
	}
	for raw, want := range tests {
		var link psd2.Link
		err := json.Unmarshal([]byte(raw), &link)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		target, err := link.Target("/accounts/1/transactions")
		got := target.Path
		if target.Query != "" {
			got += "?" + target.Query
		}
		if err != nil {
			got = broken
		}
		if got != want {
			t.Errorf("%s leads to %q, want %q", raw, got, want)
		}
	}
}

// A question mark may also belong to the id of an account.
func TestALinkToAResourceWithAQuestionMark(t *testing.T) {
	for _, href := range []string{
		"/v1/accounts/a%3Fb/transactions?page=2", "/accounts/a%3Fb/transactions%3Fpage=2",
		"accounts%2Fa%253Fb%2Ftransactions%3Fpage%3D2", "?page=2",
	} {
		target, err := psd2.Link{Href: href}.Target("/accounts/a%3Fb/transactions")
		if err != nil || target != (psd2.Target{Query: "page=2"}) {
			t.Errorf("%s leads to %+v, %v", href, target, err)
		}
	}
}

func TestWhereBanksWriteTheirLinks(t *testing.T) {
	const rows = `"rows":[]`
	next := func(links string) string { return `{` + rows + `,` + links + `}` }
	for _, test := range []struct{ body, header string }{
		{next(`"_links":{"next":{"href":"?page=2"}}`), ""},
		{next(`"links":{"next":"?page=2"}`), ""},
		{next(`"_links":{"Next":"?page=2"}`), ""},
		{next(`"_links":[{"rel":"self","href":"?page=1"},{"rel":"next","href":"?page=2"}]`), ""},
		{next(`"links":[{"href":"?page=2","rel":"next"}]`), ""},
		{next(`"_links":[{"self":{"href":"?page=1"}},{"next":{"href":"?page=2"}}]`), ""},
		{next(`"_links":{"rel":"next","href":"?page=2"}`), ""},
		{next(`"next":"?page=2"`), ""},
		{next(`"_links":{"nextPage":{"href":"?page=2"}}`), ""},
		{next(`"_links":{"next-page":"?page=2","self":"?page=1"}`), ""},
		{next(`"links":{"suivant":{"href":"?page=2"}}`), ""},
		{next(`"@odata.nextLink":"?page=2"`), ""},
		{next(`"nextUrl":"?page=2"`), ""},
		{next(`"link":[{"@rel":"self","@href":"?page=1"},{"@rel":"next","@href":"?page=2"}]`), ""},
		{next(`"meta":{"page":{"next":"?page=2"},"total":9}`), ""},
		{next(`"pagination":{"_links":{"next":{"href":"?page=2"}}}`), ""},
		{`{"rows":{"items":[],"_links":{"next":{"href":"?page=2"}}}}`, ""},
		{next(`"_links":{"next":{"href":"?page=2"}},"_links":{"self":{"href":"?page=1"}}`), ""},
		{next(`"_links":{"next":{"href":"?page=2"},"next":null}`), ""},
		{next(`"_links":{}`), `<https://gw.internal:8443/accounts?page=1>; rel="prev", <https://gw.internal:8443/accounts?page=2>; title="a"; rel="next"`},
		{next(`"_links":[]`), `<?page=2>;rel=next`},
	} {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			header := http.Header{}
			if test.header != "" {
				header.Set("Link", test.header)
			}
			return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(test.body))}, nil
		}))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows")
		target, broken := list.Links.To("next").Target("/accounts")
		if err != nil || broken != nil || target != (psd2.Target{Query: "page=2"}) {
			t.Errorf("%s %s: the next page is %+v, %v, %v", test.body, test.header, target, broken, err)
		}
	}
	for _, none := range []string{`"_links":{}`, `"_links":"none"`, `"_links":[7,{"rel":"self","href":"?page=1"}]`, `"next":2`, `"next":false`, `"next":{"href":null}`, `"meta":{"next":"2026-12-01"}`, `"meta":{"a":{"b":{"c":{"next":"?page=2"}}}}`} {
		list, err := listed(t, "application/json", strings.NewReader(next(none)))
		if err != nil || list.Links.To("next").Href != "" {
			t.Errorf("%s: %v, %v", none, list.Links, err)
		}
	}
}

// A bank that announces more has not shown its last page, with a link or without.
func TestAnAnswerThatAnnouncesMore(t *testing.T) {
	for members, want := range map[string]bool{
		`"hasMore":true`: true, `"has_next":"true"`: true, `"pagination":{"hasNextPage":true}`: true, `"page":{"last":false}`: true, `"truncated":true`: true, `"isLast":"FALSE"`: true,
		`"hasMore":false`: false, `"last":true`: false, `"last":{"href":"?page=9"}`: false, `"more":"?page=2"`: false, `"hasMore":null`: false, `"active":true`: false, `"_links":{}`: false,
	} {
		list, err := listed(t, "application/json", strings.NewReader(`{"rows":[],`+members+`}`))
		if err != nil || list.More != want {
			t.Errorf("%s: more is %t, %v", members, list.More, err)
		}
	}
}
