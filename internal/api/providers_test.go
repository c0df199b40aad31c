package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

func TestProvidersAreFoundAndOrdered(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	token := w.tokens.give(licensed, 0)
	for _, row := range []struct {
		query     string
		want      []string
		field     string
		tolerated bool
	}{
		{query: "", want: []string{"87", "119", "182"}},
		{query: "?sort=name", want: []string{"182", "87", "119"}},
		{query: "?sort=-id", want: []string{"182", "119", "87"}},
		{query: "?q=societe%20d%27epargne", want: []string{"119"}},
		{query: "?q=BANK", want: []string{"87", "182"}},
		{query: "?q=epragne", want: []string{"119"}},
		{query: "?q=ltb", want: []string{"87"}},
		{query: "?q=nowhere", want: []string{}},
		{query: "?q=bank&sort=-id&limit=1&page=2", want: []string{"87"}},
		{query: "?q=&country=", want: []string{"87", "119", "182"}, tolerated: true},
		{query: "?country=bel,CHE", want: []string{"182"}},
		{query: "?mode=REDIRECT", want: []string{"87", "119"}},
		{query: "?mode=DEDICATED_INTERFACE", want: []string{"87", "119"}},
		{query: "?limit=2&page=2", want: []string{"182"}},
		{query: "?limit=2&page=3", want: []string{}},
		{query: "?page=9223372036854775807", want: []string{}},
		{query: "?page=0", field: "page"},
		{query: "?page=first", field: "page"},
		{query: "?limit=0", field: "limit"},
		{query: "?limit=501", field: "limit"},
		{query: "?sort=balance", field: "sort"},
		{query: "?mode=PHONE", field: "mode"},
		{query: "?country=FR", field: "country"},
	} {
		t.Run(row.query, func(t *testing.T) {
			got := w.send(t, request{method: "GET", path: "/v2.1/providers" + row.query, token: token, tolerated: row.tolerated})
			if row.field != "" {
				got.wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
				return
			}
			if ids := got.want(t, 200).ids(t); !slices.Equal(ids, row.want) {
				t.Errorf("got %v, want %v", ids, row.want)
			}
		})
	}
	w.send(t, request{method: "GET", path: "/v2.1/providers/87", token: token}).want(t, 200)
	w.send(t, request{method: "GET", path: "/v2.1/v2.1/providers/87", token: token, tolerated: true}).want(t, 200)
	w.send(t, request{method: "GET", path: "/v2.1/providers/88", token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
}

// TestEveryBankHasALogo: also one that has left the catalogue (contract §12.2).
func TestEveryBankHasALogo(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.PublicURL = publicURL })
	user, token := w.user(t, licensed)
	gone := w.connection(t, user, func(c *oxlin.Connection) { c.ProviderID = "4711" })
	for path, want := range map[string]string{
		"/providers/87": "https://static.example.test/87.png", "/providers/119": publicURL + "/logos/119.svg", "/connections/" + gone.ID.String(): publicURL + "/logos/4711.svg",
	} {
		if got := w.send(t, request{method: "GET", path: "/v2.1" + path, token: token}).want(t, 200).object(t)["logo_url"]; got != want {
			t.Errorf("%s: logo_url %v, want %s", path, got, want)
		}
	}
	for path, want := range map[string]string{"/logos/119.svg": ">SÉ<", "/logos/4711.svg": "<title>Bank<"} {
		if got := w.send(t, request{method: "GET", path: path, tolerated: true}).want(t, 200); !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}
