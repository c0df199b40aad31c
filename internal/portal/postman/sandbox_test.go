package postman_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/scenario/sandboxtest"
	"github.com/oxlin/oxlin/testbank/robot"
)

// TestNewmanRunsTheQuickstart runs the first folder with Postman's own runner, twice, for
// each client of the sandbox: each run makes a user, walks through the widget and the
// bank's login, and ends with real ids.
func TestNewmanRunsTheQuickstart(t *testing.T) {
	const programs = "testdata/newman"
	newman := filepath.Join(programs, "node_modules", "newman", "bin", "newman.js")
	_, err := os.Stat(newman)
	if err == nil {
		_, err = exec.LookPath("node")
	}
	if err != nil {
		omit.Skip(t, 1, "node or newman is missing (.ci/postman)")
	}
	platform := sandboxtest.Start(t)
	downloads := t.TempDir()
	for _, name := range []string{"collection", "environment"} {
		file := filepath.Join(downloads, name+".json")
		err := os.WriteFile(file, fetch(t, platform+"/downloads/oxlin.postman_"+name+".json"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	for client, environment := range map[string][]string{
		"sandbox":          nil, // it has to accept the terms
		"sandbox-licensed": {"--environment", filepath.Join(downloads, "environment.json")},
	} {
		report := filepath.Join(downloads, client+".json")
		arguments := append([]string{
			newman, "run", filepath.Join(downloads, "collection.json"), "--folder", "quickstart", "--iteration-count", "2", "--reporters", "cli,json",
			"--reporter-json-export", report, "--env-var", "client_id=" + client, "--env-var", "client_secret=" + client + "-secret", "--color", "off",
		}, environment...)
		run := exec.CommandContext(t.Context(), "node", arguments...)
		output, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", client, err, output)
		}
		text, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		for _, wanted := range []string{"the user has connected the test bank", "connection_id is an id", "account_id is an id", "transaction_id is an id", "user_id is an id"} {
			if !bytes.Contains(text, []byte(wanted)) {
				t.Errorf("%s: nothing was asserted of %q", client, wanted)
			}
		}
	}
}

// TestTheCollectionRuns runs the collection in a sandbox without Postman: the quickstart
// in order, with the login at the bank in place of the widget, and then every operation
// that reads.
func TestTheCollectionRuns(t *testing.T) {
	platform := sandboxtest.Start(t)
	c := read(t, fetch(t, platform+"/v2.1/openapi.yaml"))
	p := player{collection: c, variables: map[string]string{}}
	for _, variable := range c.Variable {
		p.variables[*variable.Key] = *variable.Value
	}
	for name, value := range map[string]string{
		"client_id": "sandbox-licensed", "client_secret": "sandbox-licensed-secret",
		"user_email": "reader@example.test", "user_password": "readers-password",
	} {
		p.variables[name] = value
	}
	steps := p.folder(t, "quickstart").Item
	for _, step := range steps[:4] {
		p.run(t, step)
	}
	p.want(t, "client_access_token", "access_token", "refresh_token", "session_id", "widget_url")
	if id, err := strconv.Atoi(p.variables["user_id"]); err != nil || id <= 0 {
		t.Errorf("user_id is %q", p.variables["user_id"])
	}

	// There is no connection yet, so the lists are empty and no id is stored.
	p.variables["account_id"] = "41"
	for _, list := range []item{p.request(t, "connections", "GET", "/connections"), p.request(t, "accounts", "GET", "/accounts"), p.request(t, "transactions", "GET", "/transactions")} {
		if body := p.run(t, list); body != "[]" {
			t.Errorf("%s: %s, want an empty list", list.Name, body)
		}
	}
	for name, want := range map[string]string{"connection_id": "", "account_id": "41", "transaction_id": ""} {
		if got := p.variables[name]; got != want {
			t.Errorf("an empty list makes %s %q, want %q", name, got, want)
		}
	}

	// Here the user logs in on the bank's own pages instead of the widget.
	p.run(t, p.request(t, "providers", "POST", "/channel_definitions/:channel_definition_id/authorize_url"))
	callback, err := robot.LogIn(t.Context(), p.variables["bank_url"], robot.Dev())
	if err != nil {
		t.Fatal(err)
	}
	_, err = scenario.Integrator{}.FollowCallback(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	p.run(t, steps[5])
	p.want(t, "connection_id")
	for strings.Contains(p.run(t, steps[6]), `"status":"RUNNING"`) {
		time.Sleep(100 * time.Millisecond) // Postman waits half a second
	}
	for _, step := range steps[7:] {
		p.run(t, step)
	}
	p.want(t, "account_id", "transaction_id")

	for _, made := range []item{p.request(t, "keys", "POST", "/keys"), p.request(t, "queues", "POST", "/queues/subscribe")} {
		p.run(t, made)
	}
	p.want(t, "key_id", "queue_id")
	for _, tag := range []string{"users", "providers", "keys", "connections", "queues", "accounts", "transactions"} {
		for _, one := range p.folder(t, tag).Item {
			if one.Request.Method == http.MethodGet {
				p.run(t, one)
			}
		}
	}
	for _, grant := range p.folder(t, "tokens").Item {
		p.run(t, grant)
	}
	for _, one := range []item{
		p.request(t, "manage-widget", "GET", "/widget/add_connection"), p.request(t, "users", "DELETE", "/users/:user_id"),
	} {
		p.run(t, one)
	}
}

// player runs a collection as Postman does.
type player struct {
	collection
	variables map[string]string
}

func (p player) want(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if p.variables[name] == "" {
			t.Errorf("nothing has filled %s", name)
		}
	}
}

// request returns the first request of a folder with a method and the end of a path.
func (p player) request(t *testing.T, folder, method, end string) item {
	t.Helper()
	for _, one := range p.folder(t, folder).Item {
		if one.Request.Method == method && strings.HasSuffix("/"+strings.Join(one.Request.URL.Path, "/"), end) {
			return one
		}
	}
	t.Fatalf("there is no %s %s in the folder %s", method, end, folder)
	return item{}
}

// run sends a request, runs its script, and returns the body of the response.
func (p player) run(t *testing.T, one item) string {
	t.Helper()
	for _, before := range one.Event[1:] {
		p.prepare(t, one, before)
	}
	r := one.Request
	var content string
	header := http.Header{}
	if r.Body != nil {
		switch r.Body.Mode {
		case "raw":
			content = p.filled(r.Body.Raw)
			header.Set("Content-Type", "application/json")
		case "urlencoded":
			form := url.Values{}
			for _, f := range r.Body.URLEncoded {
				form.Set(*f.Key, p.filled(*f.Value))
			}
			content = form.Encode()
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), r.Method, p.address(r.URL), strings.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", one.Name, err)
	}
	request.Header = header
	who := r.Auth
	if who == nil {
		who = p.Auth
	}
	switch who.Type {
	case "basic":
		request.SetBasicAuth(p.filled(*who.Basic[0].Value), p.filled(*who.Basic[1].Value))
	case "bearer":
		request.Header.Set("Authorization", "Bearer "+p.filled(*who.Bearer[0].Value))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", one.Name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", one.Name, err)
	}
	p.follow(t, one, response, body)
	return string(body)
}

func (p player) address(a address) string {
	segments := append([]string{p.filled(a.Host[0])}, a.Path...)
	for i, segment := range segments {
		for _, variable := range a.Variable {
			if segment == ":"+*variable.Key {
				segments[i] = url.PathEscape(p.filled(*variable.Value))
			}
		}
	}
	query := url.Values{}
	for _, f := range a.Query {
		if !f.Disabled {
			query.Add(*f.Key, p.filled(*f.Value))
		}
	}
	return strings.Join(segments, "/") + "?" + query.Encode()
}

// filled replaces the variables in a text by their values.
func (p player) filled(text string) string {
	return used.ReplaceAllStringFunc(text, func(name string) string { return p.variables[strings.Trim(name, "{}")] })
}

var (
	tested  = regexp.MustCompile(`^pm\.test\("HTTP (\d+)", \(\) => pm\.response\.to\.have\.status\((\d+)\)\);$`)
	named   = regexp.MustCompile(`^  const (\w+) = pm\.response\.(.*);$`)
	stored  = regexp.MustCompile(`^  (?:if \((\w+)\) )?pm\.collectionVariables\.set\("(\w+)", (\w+)\);$`)
	shown   = regexp.MustCompile(`^  pm\.visualizer\.set\("[^"]*", \{ url: pm\.collectionVariables\.get\("\w+"\) \}\);$`)
	guarded = regexp.MustCompile(`^pm\.test\("(\w+) has a value", \(\) => pm\.expect\(pm\.variables\.get\("(\w+)"\)\)\.to\.be\.a\("string"\)\.that\.is\.not\.empty\);$`)
	isID    = regexp.MustCompile(`^pm\.test\("(\w+) is an id", \(\) => pm\.expect\(pm\.variables\.get\("(\w+)"\)\)\.to\.match\(/\^\[1-9\]\[0-9\]\*\$/\)\);$`)
	again   = regexp.MustCompile(`^if \(pm\.response\.code === 200 && pm\.response\.json\(\)\.status === "RUNNING"\) \{$|^  postman\.setNextRequest\(pm\.info\.requestName\);$|^  setTimeout\(\(\) => \{\}, 500\);$`)
	given   = regexp.MustCompile(`^if \(pm\.response\.code === \d+\) \{$|^\}$`)
)

// prepare runs the tests before a request.
func (p player) prepare(t *testing.T, one item, before event) {
	t.Helper()
	for _, line := range before.Script.Exec {
		name := guarded.FindStringSubmatch(line)
		if name != nil && (name[1] != name[2] || p.variables[name[1]] == "") {
			t.Errorf("%s: %s has no value", one.Name, name[1])
		}
	}
}

// follow runs the script of a request. It understands only the lines that the
// collection's scripts consist of.
func (p player) follow(t *testing.T, one item, response *http.Response, body []byte) {
	t.Helper()
	values := map[string]string{} // the values of the script's constants; empty for undefined
	for _, line := range one.Event[0].Script.Exec {
		status := tested.FindStringSubmatch(line)
		name := named.FindStringSubmatch(line)
		store := stored.FindStringSubmatch(line)
		id := isID.FindStringSubmatch(line)
		switch {
		case id != nil:
			number, err := strconv.Atoi(p.variables[id[1]])
			if err != nil || number <= 0 || id[1] != id[2] {
				t.Errorf("%s: %s is %q", one.Name, id[1], p.variables[id[1]])
			}
		case again.MatchString(line):
		case status != nil:
			if strconv.Itoa(response.StatusCode) != status[1] || status[1] != status[2] {
				t.Fatalf("%s: HTTP %d, want %s: %s", one.Name, response.StatusCode, status[1], body)
			}
		case name != nil:
			values[name[1]] = valueOf(t, name[2], response, body)
		case store != nil && values[store[3]] != "":
			p.variables[store[2]] = values[store[3]]
		case store != nil && store[1] != store[3]:
			p.variables[store[2]] = "null" // Postman stores undefined as "null"
		case store != nil:
		case !shown.MatchString(line) && !given.MatchString(line):
			t.Errorf("%s: the script has a line of which nobody knows what it does: %s", one.Name, line)
		}
	}
}

func valueOf(t *testing.T, expression string, response *http.Response, body []byte) string {
	t.Helper()
	location := response.Header.Get("Location")
	switch expression {
	case `headers.get("Location")`:
		return location
	case `headers.get("Location").split("/").pop()`:
		return location[strings.LastIndex(location, "/")+1:]
	}
	path, found := strings.CutPrefix(expression, "json()")
	if !found {
		t.Fatalf("nobody knows what %s is", expression)
	}
	var value any
	err := json.Unmarshal(body, &value)
	if err != nil {
		t.Fatal(err)
	}
	path, first := strings.CutPrefix(path, "[0]?")
	if first {
		list, _ := value.([]any)
		if len(list) == 0 {
			return ""
		}
		value = list[0]
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, _ := value.(string)
	return text
}

func fetch(t *testing.T, address string) []byte {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: HTTP %d, %v", address, response.StatusCode, err)
	}
	return text
}
