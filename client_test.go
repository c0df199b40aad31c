package oxlin_test

import (
	"slices"
	"testing"

	"github.com/oxlin/oxlin"
)

func TestWhereAClientMaySendItsUsers(t *testing.T) {
	registered := oxlin.Client{RedirectURIs: []string{
		"https://app.example/back", "https://app.example/with?a=1", "app.example:/back", "http://127.0.0.1/back", "http://[::1]:80/back",
		"https://bare.example", "https://rooted.example/",
	}}
	anywhere := oxlin.Client{AnyRedirectURI: true}
	for _, row := range []struct {
		uri string
		// redirect is by a journey of the client's own, return by the widget, which adds
		// no secret; any is in the sandbox.
		redirect, back, any bool
	}{
		{"https://app.example/back", true, true, true},
		{"https://app.example/back?", false, true, true},
		{"https://app.example/back?order=7&x", false, true, true},
		{"https://app.example/with?a=1", true, true, true},
		{"https://app.example/with?a=1&b=2", false, true, true},
		{"https://app.example/with?a=12", false, false, true},
		{"https://app.example/with", false, false, true},
		{"https://app.example/with?b=2&a=1", false, false, true},
		{"https://app.example/back/", false, false, true},
		{"https://bare.example", true, true, true},
		{"https://bare.example/", false, true, true},
		{"https://bare.example?order=7", false, true, true},
		{"https://bare.example/?order=7", false, true, true},
		{"https://rooted.example", false, true, true},
		{"https://rooted.example/", true, true, true},
		{"https://bare.example/back", false, false, true},
		{"https://bare.example@evil.example", false, false, true},
		{"https://bare.example.evil.example", false, false, true},
		{"https://bare.example:8443", false, false, true},
		{"https://app.example/backyard", false, false, true},
		{"https://app.example/back#part", false, false, true},
		{"https://app.example/back?a#part", false, false, true},
		{"https://APP.example/back", false, false, true},
		{"http://app.example/back", false, false, true},
		{"https://app.example.evil.example/back", false, false, true},
		{"https://app.example@evil.example/back", false, false, true},
		{"app.example:/back", true, true, true},
		{"app.example:/back?order=7", false, true, true},
		{"http://127.0.0.1:49152/back", true, true, true},
		{"http://127.0.0.1:49152/back?a", false, true, true},
		{"http://127.0.0.1:49152/other", false, false, true},
		{"http://[::1]:49152/back", true, true, true},
		{"http://127.0.0.2:49152/back", false, false, true},
		{"http://localhost:49152/back", false, false, true},
		{"https://127.0.0.1/back", false, false, true},
		{"//evil.example/", false, false, false},
		{"/back", false, false, false},
		{"", false, false, false},
		{"javascript:alert(1)", false, false, false},
		{"JAVASCRIPT:alert(1)", false, false, false},
		{" javascript:alert(1)", false, false, false},
		{"java\nscript:alert(1)", false, false, false},
		{"data:text/html,x", false, false, false},
		{"https://[", false, false, false},
	} {
		if got := registered.MayRedirectTo(row.uri); got != row.redirect {
			t.Errorf("MayRedirectTo(%q) is %t", row.uri, got)
		}
		if got := registered.MayReturnTo(row.uri); got != row.back {
			t.Errorf("MayReturnTo(%q) is %t", row.uri, got)
		}
		if redirect, back := anywhere.MayRedirectTo(row.uri), anywhere.MayReturnTo(row.uri); redirect != row.any || back != row.any {
			t.Errorf("in the sandbox %q is %t and %t", row.uri, redirect, back)
		}
		if none := (oxlin.Client{}); none.MayRedirectTo(row.uri) || none.MayReturnTo(row.uri) {
			t.Errorf("a client without addresses may send its users to %q", row.uri)
		}
	}
}

func TestAClientsOrigins(t *testing.T) {
	client := oxlin.Client{RedirectURIs: []string{
		"https://app.example/back", "https://app.example/other?a", "https://app.example:8443/", "http://127.0.0.1:3000/back",
		"https://user@www.example/", "app.example:/back", "mailto:jo@app.example", "https:///nowhere", "https://[",
	}}
	want := []string{"https://app.example", "https://app.example:8443", "http://127.0.0.1:3000", "https://www.example"}
	if got := client.Origins(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := (oxlin.Client{AnyRedirectURI: true}).Origins(); got != nil {
		t.Errorf("%v", got)
	}
}
