package e2e_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// TestTheCallsOfTheTokensGuideWork runs the shell commands of docs/tokens.md with
// another address only. Between them a user signs in on the page, as the text
// describes.
func TestTheCallsOfTheTokensGuideWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), "\n    code=…\n")
	if !found {
		t.Fatal("the guide does not say where the code is to be put")
	}
	script := strings.Replace(shellOf(before), "platform=http://127.0.0.1:8080\n", "platform="+sandbox(t)+"\n", 1)
	output := shell(t, script+"\nset\n")
	wantAll(t, output,
		`"scope":"users_create"}`, "\n{}", `"scope":"openid profile accounts_read"}`, `"id_token"`, `"scope":"accounts_read"}`)

	var kept strings.Builder
	for _, name := range []string{"platform", "client_id", "client_secret", "access_token", "refresh_token", "verifier", "redirect_uri"} {
		line := regexp.MustCompile(`(?m)^` + name + `=.+$`).FindString(output)
		if line == "" {
			t.Fatalf("the calls gave no %s:\n%s", name, output)
		}
		kept.WriteString(line + "\n")
	}
	back := signIn(t, regexp.MustCompile(`(?m)^http\S+/signin\?\S+$`).FindString(output))
	if back.Host != "127.0.0.1:9999" || back.Path != "/back" || back.Query().Get("state") != "from-my-session" {
		t.Fatalf("the user was sent back to %s", back)
	}
	output = shell(t, kept.String()+"code="+back.Query().Get("code")+"\n"+shellOf(after))
	wantAll(t, output,
		`"scope":"openid profile accounts_read"}`, `"authorization_endpoint"`, `"kid"`, `"email":"lou@example.test"`, `"active":true`, "200 OK")
	if strings.Contains(output, `"error"`) {
		t.Errorf("a call was refused:\n%s", output)
	}
}

// signIn signs the guide's user in on the page of a link, and returns the redirect
// target.
func signIn(t *testing.T, link string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.PostForm(link, url.Values{
		"form": {page.Find("input[name=form]").AttrOr("value", "")}, "username": {"lou@example.test"}, "password": {"a-good-password"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		t.Fatalf("nobody was sent back: %s", answer.Status)
	}
	return back
}
