package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/testbank/robot"
)

// TestTheQuickstartsCallsWork runs the shell commands of docs/quickstart.md with
// another address only. Between them a guest does in the widget what the text
// describes.
func TestTheQuickstartsCallsWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	const stop = "\n## 5. Select a bank\n"
	before, after, found := strings.Cut(string(text), stop)
	if !found {
		t.Fatalf("the quickstart has no heading%s", stop)
	}
	script := strings.Replace(shellOf(before), "platform=http://127.0.0.1:8080\n", "platform="+sandbox(t)+"\n", 1)
	output := shell(t, script+"\nset | grep -E '^(platform|user_token|add_connection)='\n")
	var kept []string
	for _, name := range []string{"platform", "user_token", "add_connection"} {
		line := regexp.MustCompile(`(?m)^` + name + `=.+$`).FindString(output)
		if line == "" {
			t.Fatalf("the calls gave no %s:\n%s", name, output)
		}
		kept = append(kept, line)
	}
	wantAll(t, output, `"token_type":"Bearer"`, "201 Created", "Location: /users/1", `"refresh_token"`, `"id_token"`)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	link := regexp.MustCompile(`(?m)^http\S+/widget/add_connection\S+$`).FindString(output)
	end, err := (&guest{}).walk(ctx, link)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, end.RawQuery, "connection_id=1", "queue_id=", "result=created", "status=success")

	output = shell(t, strings.Join(kept, "\n")+"\n"+shellOf(after))
	wantAll(t, output, `"status":"SUCCESS"`, `"type":"CHECKINGS"`, `"remittance_information"`, "204 No Content")
}

// shell runs a script in bash, and stops at the first failure.
func shell(t *testing.T, script string) string {
	t.Helper()
	omit.Without(t, 1, "guides", "curl", "openssl")
	command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, complaint.String(), output)
	}
	return strings.ReplaceAll(string(output), "\r", "")
}

// sandbox runs a platform on free ports until the test ends, and returns its address.
func sandbox(t *testing.T) string {
	t.Helper()
	platform := run(t, "platform", "serve", "--sandbox", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0")
	return platform.where(t, "platform")
}

// shellOf returns the shell blocks of a text, joined.
func shellOf(text string) string {
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		script.WriteString(block[1])
	}
	return script.String()
}

func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s is missing in:\n%s", part, text)
		}
	}
}

// guest is the test bank's default customer in the widget, in a browser without
// scripts, who chooses the first option of every page.
type guest struct {
	browser http.Client
	page    *goquery.Document
	at      *url.URL
}

// answers lists the guest's actions: on each page, the first whose selector matches.
var answers = []struct {
	selector string
	fields   url.Values
}{
	{"#terms", url.Values{"terms": {"accepted"}, "action": {"accept_terms"}}},
	{"button[name=provider_id]", url.Values{"provider_id": {"87"}}},
	{"button[value=authorize]", url.Values{"action": {"authorize"}}},
	{"button[value=consent]", url.Values{"action": {"consent"}}},
}

// walk follows a link of the widget to the user's last page.
func (g *guest) walk(ctx context.Context, link string) (*url.URL, error) {
	const most = 30
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	g.browser.Jar = jar
	err = g.open(ctx, http.MethodGet, link, nil)
	for range most {
		switch {
		case err != nil:
			return nil, err
		case g.at.Path == "/success":
			return g.at, nil
		}
		err = g.goOn(ctx)
	}
	return nil, fmt.Errorf("no end after %d pages, at %s", most, g.at)
}

// goOn performs the action of the current page.
func (g *guest) goOn(ctx context.Context) error {
	for _, answer := range answers {
		found := g.page.Find(answer.selector)
		if found.Length() == 0 {
			continue
		}
		address, err := g.at.Parse(found.Closest("form").AttrOr("action", ""))
		if err != nil {
			return err
		}
		return g.open(ctx, http.MethodPost, address.String(), answer.fields)
	}
	if events, waits := g.page.Find("main[data-events]").Attr("data-events"); waits {
		return g.wait(ctx, events)
	}
	leave, err := g.at.Parse(g.page.Find("a[data-e2e=submit-button]").AttrOr("href", ""))
	switch {
	case err != nil:
		return err
	case *leave == *g.at:
		return fmt.Errorf("no way on from %q", strings.TrimSpace(g.page.Find("h1").Text()))
	case leave.Host != g.at.Host:
		leave, err = robot.LogIn(ctx, leave.String(), robot.Dev())
		if err != nil {
			return err
		}
	}
	return g.open(ctx, http.MethodGet, leave.String(), nil)
}

// wait reads the page's events until another page is due.
func (g *guest) wait(ctx context.Context, events string) error {
	address, err := g.at.Parse(events)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if lines.Text() == "event: go" {
			return g.open(ctx, http.MethodGet, g.at.String(), nil)
		}
	}
	return errors.New("the page that waits hears nothing any more")
}

func (g *guest) open(ctx context.Context, method, address string, fields url.Values) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := g.browser.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s\n%s", method, request.URL.Path, response.Status, body)
	}
	g.at = response.Request.URL
	g.page, err = goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	return err
}
