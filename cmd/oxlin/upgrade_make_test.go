//go:build fixtures

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank/robot"
)

var (
	makeWith = flag.String("binary", "", "the binary that makes the fixtures")
	makeFor  = flag.String("commit", "", "the commit it was built from: the name of the folder")
)

// TestMakeFixtures plays users of a binary that stop half way, and keeps what it stored.
// testdata/upgrade/README.md says how it is called.
func TestMakeFixtures(t *testing.T) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		t.Run(dialect, func(t *testing.T) {
			data := t.TempDir()
			address := "sqlite:" + filepath.Join(data, "oxlin.db")
			if dialect == "postgres" {
				address = storetest.Postgres(t)
			}
			m := &maker{t: t, data: data, database: address, out: filepath.Join(fixtureFolder, *makeFor, dialect)}
			m.make()
			m.keep(dialect)
		})
	}
}

type maker struct {
	t        *testing.T
	data     string
	database string
	out      string
	bank     *program
	*seat
	fixture
	mu sync.Mutex
}

// program is a run of the binary.
type program struct {
	*exec.Cmd
	listens string
}

func (m *maker) run(label string, args ...string) *program {
	m.t.Helper()
	p := &program{Cmd: exec.Command(*makeWith, args...)}
	p.Stderr = os.Stderr
	printed, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = p.Process.Kill() })
	lines := bufio.NewScanner(printed)
	for lines.Scan() {
		name, address, _ := strings.Cut(lines.Text(), "http")
		if strings.TrimSpace(name) == label {
			p.listens = "http" + address
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	return p
}

func (p *program) end(signal syscall.Signal) {
	_ = p.Process.Signal(signal)
	_ = p.Wait()
}

// serve runs the platform with roles and takes a seat before it.
func (m *maker) serve(roles ...string) *program {
	m.t.Helper()
	// The platform prints its public address, so the port is chosen here.
	free := httptest.NewUnstartedServer(nil)
	listens := free.Listener.Addr().String()
	free.Listener.Close()
	args := []string{
		"serve", "--sandbox", "--data", m.data, "--database", m.database, "--listen", listens, "--public-url", publicAddress,
		"--trust-proxy", "--testbank-url", m.Bank, "--providers", filepath.Join(fixtureFolder, *makeFor, "providers"),
		"--bank-settings", filepath.Join(fixtureFolder, *makeFor, "bank-settings.json"), "--log-level", "WARN",
	}
	for _, role := range roles {
		args = append(args, "--roles", role)
	}
	p := m.run("platform", args...)
	m.seat = newSeat(m.t, listens)
	m.waitFor("the platform", func() bool {
		response, err := http.Get("http://" + listens + "/readyz")
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
	return p
}

// deaf is the integrator's server, which takes no webhook.
func (m *maker) deaf(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	known := false
	for _, told := range m.Told {
		known = known || bytes.Equal(told, body)
	}
	if !known {
		m.Told = append(m.Told, body)
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

func (m *maker) user(name string) traveller {
	m.t.Helper()
	who := traveller{Email: name + "@example.test"}
	_, err := m.session(m.ClientToken).CreateUser(m.ctx, who.Email, travellersPassword)
	m.check(err)
	session, err := m.integrator().UserToken(m.ctx, who.Email, travellersPassword)
	m.check(err)
	who.Tokens = session.Tokens
	return who
}

// byRedirect gives a user a connection by the operator's own REDIRECT channel.
func (m *maker) byRedirect(who *traveller) {
	m.t.Helper()
	address, err := m.session(who.Tokens).AuthorizeURL(m.ctx, "900", "9001", returnAddress)
	m.check(err)
	callback, err := robot.LogIn(m.ctx, address, robot.Dev())
	m.check(err)
	who.Connection = m.arrive(callback)
}

// widget opens an entry of the widget for a new user.
func (m *maker) widget(name, provider string) *tab {
	m.t.Helper()
	who := m.user(name)
	var session struct {
		Links map[string]string `json:"_links"`
	}
	_, err := m.session(who.Tokens).Post(m.ctx, "/widget_session", map[string]string{
		"client_id": clientID, "client_secret": clientSecret, "access_token": who.Tokens.AccessToken, "redirect_url": returnAddress,
	}, &session)
	m.check(err)
	return m.tab().open(session.Links["add_connection"] + "&provider_id=" + provider)
}

func (m *maker) make() {
	m.Flows = map[string]string{}
	m.bank = m.run("test bank", "testbank", "--listen", "127.0.0.1:0", "--data", filepath.Join(m.data, "testbank"), "--control", "--log-level", "WARN")
	m.Bank = m.bank.listens
	integrator := httptest.NewServer(http.HandlerFunc(m.deaf))
	defer integrator.Close()
	m.Webhook = integrator.URL + "/webhook"
	platform := m.serve("api", "worker")

	// A client with a theme and a webhook.
	console := m.tab().open(publicAddress+"/console/login").press("button", "password", "sandbox")
	console.open(publicAddress+"/console/clients/"+clientID).press("form[method=post]:has(input[name=font]) button",
		"webhook_url", m.Webhook, "licensed", "yes", "font", "Georgia, serif", "font_color", "#123456", "elements_color", "#00aa55")
	own, err := m.integrator().ClientToken(m.ctx)
	m.check(err)
	m.ClientToken = own.Tokens

	// A user with a profile whose connection is read, and a queue with events to come.
	m.Reader = m.user("reader")
	reader := m.session(m.Reader.Tokens)
	m.patchProfile(reader)
	m.Queue, err = reader.Subscribe(m.ctx)
	m.check(err)
	m.byRedirect(&m.Reader)
	m.wantSuccess(m.Reader)
	events, err := reader.Poll(m.ctx, m.Queue)
	m.check(err)
	last := events[len(events)-1].ID
	_, err = reader.Post(m.ctx, "/connections/"+m.Reader.Connection+"/synchronize", map[string]string{}, nil)
	m.check(err)
	m.wantSuccess(m.Reader)
	transactions, err := reader.Transactions(m.ctx)
	m.check(err)
	m.Rows = len(transactions)

	// A connection that is deleted later.
	deleted := m.user("deleted")
	m.byRedirect(&deleted)
	m.wantSuccess(deleted)

	// An authorization code with PKCE.
	m.Verifier = oauth2.GenerateVerifier()
	signin := m.tab().open(publicAddress + signinQuery + "&redirect_uri=" + url.QueryEscape(returnAddress) + "&code_challenge=" + oauth2.S256ChallengeFromVerifier(m.Verifier))
	signin.press("button", "username", m.Reader.Email, "password", travellersPassword)
	m.Code = signin.away.Query().Get("code")

	// Users half way through the widget.
	m.Flows["login"] = m.widget("flow-login", "182").address
	question := m.widget("flow-question", "182").press(goOn, "10001", "demo").settled().press(goOn).settled()
	if question.page.Find("input[name='306']").Length() == 0 {
		m.t.Fatalf("the widget does not ask for the code: %s", question.text)
	}
	m.Flows["question"] = question.address
	leaving := m.widget("flow-away", "87").press("button[name=action][value=authorize]")
	m.Flows["away"] = leaving.leaves()

	// A user who has not visited the bank, and one whom it asks for a code.
	m.Gone = m.user("gone")
	m.Away, err = m.session(m.Gone.Tokens).AuthorizeURL(m.ctx, "900", "9001", returnAddress)
	m.check(err)
	m.Asked = m.user("asked")
	asked := m.session(m.Asked.Tokens)
	m.AskedQueue, err = asked.Subscribe(m.ctx)
	m.check(err)
	key, err := asked.CreateKey(m.ctx)
	m.check(err)
	password, err := scenario.Encrypt(key.PublicKey, "dev")
	m.check(err)
	address, err := asked.Post(m.ctx, "/connections", map[string]any{
		"provider_id": "900", "channel_definition_id": "9002", "key_id": key.ID,
		"credentials": []scenario.Credential{{ID: "1", Value: "dev"}, {ID: "2", Value: password}},
	}, nil)
	m.check(err)
	m.Asked.Connection = path.Base(address)
	db, err := store.Open(m.ctx, m.database, store.Options{})
	m.check(err)
	defer db.Close()
	m.waitCount(db, "SELECT count(*) FROM questions", 2)

	// A bank that answers slowly, until the process dies between two pages.
	m.control(http.MethodPost, `{"login":"dev","scenario":"slow","param":"700"}`)
	m.Staged = m.user("staged")
	m.byRedirect(&m.Staged)
	m.waitCount(db, "SELECT count(*) FROM staged_pages", 1)
	platform.end(syscall.SIGKILL)
	m.control(http.MethodDelete, "")

	// A process without a worker queues what nobody works.
	platform = m.serve("api")
	m.check(m.session(deleted.Tokens).Delete(m.ctx, "/connections/"+deleted.Connection))
	// Events of a deleted connection are not delivered.
	m.Told = slices.DeleteFunc(m.Told, func(told json.RawMessage) bool {
		var of struct {
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
		}
		return json.Unmarshal(told, &of) != nil || of.Resource.ID == deleted.Connection
	})
	if len(m.Told) == 0 {
		m.t.Fatal("no webhook was sent")
	}
	for _, resource := range []string{
		"/users/me", "/connections", "/accounts", "/transactions?limit=50", "/providers/900", "/queues/" + m.Queue + "?after=0",
	} {
		m.Answers = append(m.Answers, answer{resource, m.read(m.Reader.Tokens, resource)})
	}
	m.Unread = answer{"/queues/" + m.Queue, m.read(m.Reader.Tokens, "/queues/"+m.Queue+"?after="+last)}
	platform.end(syscall.SIGTERM)
	// The killed process's job would be free again after a minute, and a queued sweep
	// lasts a moment only.
	m.check(sql(m.t.Context(), db, "UPDATE river_job SET state = 'available' WHERE state = 'running'"))
	m.check(sql(m.t.Context(), db, "UPDATE river_job SET state = 'available', finalized_at = NULL, attempt = 0, attempted_at = NULL, attempted_by = NULL WHERE id = (SELECT max(id) FROM river_job WHERE kind = 'sweep')"))
	for _, kind := range []string{"run", "revoke", "webhook", "sweep"} {
		n, err := count(m.t.Context(), db, "SELECT count(*) FROM river_job WHERE finalized_at IS NULL AND kind = '"+kind+"'")
		m.check(err)
		if n == 0 {
			m.t.Fatalf("no job of kind %q waits", kind)
		}
	}
	m.At = time.Now().UTC()
	m.bank.end(syscall.SIGTERM)
}

func (m *maker) patchProfile(who scenario.Session) {
	m.t.Helper()
	body := strings.NewReader(`{"first_name":"Anne","last_name":"Martin","birthdate":343609200,"postcode":"44000"}`)
	request, err := http.NewRequestWithContext(m.ctx, http.MethodPatch, publicAddress+"/v2.1/users/me", body)
	m.check(err)
	request.Header.Set("Authorization", "Bearer "+who.Tokens.AccessToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := m.http.Do(request)
	m.check(err)
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(response.Body)
		m.t.Fatalf("the profile: %d %s", response.StatusCode, text)
	}
}

func (m *maker) waitCount(db *store.DB, query string, least int) {
	m.t.Helper()
	m.waitFor(query, func() bool {
		n, err := count(m.ctx, db, query)
		return err == nil && n >= least
	})
}

func (m *maker) control(method, body string) {
	m.t.Helper()
	request, err := http.NewRequestWithContext(m.t.Context(), method, m.Bank+"/control/scenario", strings.NewReader(body))
	m.check(err)
	response, err := http.DefaultClient.Do(request)
	m.check(err)
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		m.t.Fatalf("the bank's control answers %d", response.StatusCode)
	}
}

// keep writes the files of the fixture.
func (m *maker) keep(dialect string) {
	m.check(os.MkdirAll(m.out, 0o755))
	var dump []byte
	var err error
	if dialect == "sqlite" {
		small := filepath.Join(m.data, "small.db")
		db, err := store.Open(m.t.Context(), m.database, store.Options{})
		m.check(err)
		m.check(sql(m.t.Context(), db, "VACUUM INTO '"+small+"'"))
		m.check(db.Close())
		dump, err = os.ReadFile(small)
		m.check(err)
		m.write("oxlin.db.gz", packed(dump))
	} else {
		dump, err = exec.Command("pg_dump", "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", m.database).Output()
		m.check(err)
		m.write("oxlin.sql.gz", packed(dump))
	}
	for from, to := range map[string]string{"master.key": "master.key", "testbank/testbank.json": "testbank.json"} {
		text, err := os.ReadFile(filepath.Join(m.data, from))
		m.check(err)
		m.write(to, text)
	}
	notes, err := json.MarshalIndent(m.fixture, "", "  ")
	m.check(err)
	m.write("notes.json", append(notes, '\n'))
}

func (m *maker) write(name string, content []byte) {
	m.check(os.WriteFile(filepath.Join(m.out, name), content, 0o644))
}

func packed(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(content)
	_ = w.Close()
	return out.Bytes()
}

// leaves returns the address to which a page refreshes itself without scripts.
func (b *tab) leaves() string {
	_, target, _ := strings.Cut(b.page.Find("noscript meta[http-equiv=refresh]").AttrOr("content", ""), ";url=")
	return target
}
