package web_test

import (
	"testing"

	"github.com/oxlin/oxlin/internal/web"
)

func TestAncestors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fact    string
		origins []string
		want    string
	}{
		{"no origin", nil, "'none'"},
		{"each origin once", []string{"https://app.test", "https://app.test:8443", "https://app.test"}, "https://app.test https://app.test:8443"},
		{"a loopback address has any port", []string{"http://127.0.0.1:3000", "http://127.0.0.1:4000"}, "http://127.0.0.1:*"},
		{"localhost is a name", []string{"http://localhost:3000"}, "http://localhost:3000"},
		{"an IPv6 address has no source", []string{"http://[::1]:3000"}, "'none'"},
		{"what would end the list or the policy", []string{"https://a;script-src *", "https://a b", "https://a,b", "https://*", "https://'self'", "null"}, "'none'"},
		{"other schemes", []string{"com.example.app://", "data:", "https://ok.test"}, "https://ok.test"},
	} {
		if got := web.Ancestors(row.origins); got != row.want {
			t.Errorf("%s: %s, want %s", row.fact, got, row.want)
		}
	}
}
