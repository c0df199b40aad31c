package psd2_test

import (
	"encoding/json"
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
		// Other forms.
		`[{"href":"/accounts/1/transactions?page=2"}]`:             second,
		`[{"templated":true},{"href":"?page=2"}]`:                  second,
		`["/accounts/1/transactions?page=2"]`:                      second,
		`{"url":"/accounts/1/transactions?page=2"}`:                second,
		`{"href":{"href":"/accounts/1/transactions?page=2"}}`:      second,
		`{"href":["/accounts/1/transactions?page=2"]}`:             second,
		`{"href":null,"url":"/accounts/1/transactions?page=2"}`:    second,
		`{"title":"next","HREF":"accounts/1/transactions?page=2"}`: second,
		// No link.
		`""`: none, `null`: none, `{}`: none, `[]`: none, `[null]`: none, `false`: none, `{"href":null}`: none, `{"href":""}`: none,
		`{"href":" "}`: none, `{"href":"#"}`: none, `{"href":"null"}`: none, `"undefined"`: none, `{"href":{}}`: none, `{"templated":true}`: none,
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
