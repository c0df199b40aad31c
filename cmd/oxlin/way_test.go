package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/alexflint/go-arg"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// pager is a way to tell clients that only this test knows. It calls a gateway, which is a
// setting of the process, with the number and the PIN of a client.
var pager = notify.Way{
	Name: "pager",
	Settings: []oxlin.Setting{
		{Name: "number", Required: true, Label: "Pager number", Example: "+33", Help: "Its pager.", Placeholder: "NUMBER", Check: func(value string) error {
			if !strings.HasPrefix(value, "+") {
				return oxlin.Invalid("number", "A pager's number begins with +.")
			}
			return nil
		}},
		{Name: "pin", Kind: oxlin.SettingSecret, Label: "Pager PIN", Help: "The PIN of its pager."},
		{Name: "night", Kind: oxlin.SettingSwitch, Label: "Call the pager at night", Help: "Call its pager at night."},
	},
	Flags: []oxlin.Setting{
		{Name: "gateway", Help: "The gateway to pagers.", Placeholder: "URL"},
		{Name: "token", Kind: oxlin.SettingSecret, Help: "Its token."},
	},
	Open: func(process notify.Process) (notify.Reader, error) {
		if process.Flags["gateway"].IsZero() {
			return nil, errors.New("pagers need --pager-gateway")
		}
		return pagerReader{process}, nil
	},
}

type pagerReader struct{ notify.Process }

// Follows implements notify.Reader: a pager is called for more events than a webhook.
func (pagerReader) Follows(e oxlin.Event) bool { return e.Connection.ID != 0 }

func (p pagerReader) Tell(ctx context.Context, to notify.Recipient, e oxlin.Event) error {
	body, err := p.Render(e)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Flags["gateway"].Reveal(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range to.Settings {
		r.Header.Set("X-"+name, value.Reveal())
	}
	r.Header.Set("Authorization", p.Flags["token"].Reveal())
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// gateway takes calls of pagers, after it has refused the first.
type gateway struct {
	mutex sync.Mutex
	calls []call
	seen  int
}

type call struct{ id, number, pin, night, token string }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct {
		ID string `json:"id"`
	}
	err := json.NewDecoder(r.Body).Decode(&event)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.seen++
	if err != nil || g.seen == 1 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	h := r.Header
	g.calls = append(g.calls, call{event.ID, h.Get("X-Number"), h.Get("X-Pin"), h.Get("X-Night"), h.Get("Authorization")})
}

func (g *gateway) took() []call {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return slices.Clone(g.calls)
}

// TestASecondWayTouchesOnlyItsDeclaration runs the platform with a way to tell clients that
// this file declares: its flags, its fields in the console, its rows and its deliveries
// follow the declaration.
func TestASecondWayTouchesOnlyItsDeclaration(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) { secondWay(t, address) })
	}
}

func secondWay(t *testing.T, address string) {
	const pin = "canary-4711"
	calls := &gateway{}
	gatewayAt := httptest.NewServer(calls)
	t.Cleanup(gatewayAt.Close)
	// The server for webhooks fails: that delays no pager.
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(failing.Close)
	data := t.TempDir()
	ways := append(notify.Ways(), pager)
	at := []string{"--data", data, "--database", address}
	commandOf := func(args ...string) (runner, error) {
		_, named, _, err := parse(arg.Config{Program: "oxlin"}, ways, append(args, at...))
		command, _ := named.(runner)
		return command, err
	}
	var log lockedBuffer
	begin := func() *server {
		command, err := commandOf("serve", "--sandbox", "--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0", "--testbank-control", "--pager-gateway", gatewayAt.URL)
		if err != nil {
			t.Fatal(err)
		}
		s, err := startServer(t.Context(), command.(*serveCommand).serverFlags, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Setenv("OXLIN_PAGER_TOKEN", "token")
	t.Setenv("OXLIN_PAGER_PIN", pin)
	server := begin()
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = server.Close()
		}
	})

	// The command line.
	create := func(args ...string) error {
		command, err := commandOf(append([]string{"client", "create"}, args...)...)
		if err != nil {
			return err
		}
		out := os.Stdout
		os.Stdout, _ = os.Open(os.DevNull)
		defer func() { os.Stdout = out }()
		return command.Run(t.Context())
	}
	err := create("Wrong", "--pager-number", "33")
	if err == nil || oxlin.AsError(err).Field != "pager_number" {
		t.Errorf("a number that the way refuses: %v", err)
	}
	err = create("Shop", "--pager-number", "+331", "--pager-night")
	if err != nil {
		t.Fatal(err)
	}
	shop := clientNamed(t, server.db, "Shop")
	if s := shop.Settings; len(s) != 3 || s["pager_number"].Value != "+331" || s["pager_night"].Value != "yes" || len(s["pager_pin"].Sealed) == 0 || s["pager_pin"].Value != "" {
		t.Errorf("the command stored %+v", s)
	}

	// The console.
	operator := newOperator(t, server.publicURL)
	page := operator.page("/console/clients/" + string(shop.ID))
	for _, want := range []string{"Pager number", "Pager PIN", "Call the pager at night", "Webhook URL, called after each synchronisation"} {
		if !strings.Contains(page.Text(), want) {
			t.Errorf("the form has no %q", want)
		}
	}
	form := valuesOf(page)
	if form.Get("pager_number") != "+331" || form.Get("pager_night") != "yes" || form.Get("pager_pin") != "" || page.Find("#pager_pin[type=password]").Length() != 1 {
		t.Errorf("the form shows %v", form)
	}
	form.Set("pager_number", "33")
	status, refused := operator.save("/console/clients/"+string(shop.ID), form)
	if alert := refused.Find("[role=alert]"); status != http.StatusUnprocessableEntity || alert.Text() != "A pager's number begins with +." || alert.Next().AttrOr("id", "") != "pager_number" {
		t.Errorf("a number that the way refuses: %d %s", status, refused.Text())
	}
	form.Set("pager_number", "+332")
	form.Del("pager_night")
	status, _ = operator.save("/console/clients/"+string(shop.ID), form)
	changed := clientNamed(t, server.db, "Shop").Settings
	if status != http.StatusSeeOther || changed["pager_number"].Value != "+332" || changed.Has("pager_night") || !bytes.Equal(changed["pager_pin"].Sealed, shop.Settings["pager_pin"].Sealed) {
		t.Errorf("%d: the console stored %+v", status, changed)
	}
	form = valuesOf(operator.page("/console/clients/" + string(shop.ID)))
	form.Set("pager_pin_remove", "yes")
	status, _ = operator.save("/console/clients/"+string(shop.ID), form)
	if status != http.StatusSeeOther || clientNamed(t, server.db, "Shop").Settings.Has("pager_pin") {
		t.Errorf("%d: the secret stays", status)
	}
	form = valuesOf(operator.page("/console/clients/sandbox-licensed"))
	form.Set("pager_number", "+339")
	form.Set("pager_pin", pin)
	form.Set("webhook_url", failing.URL)
	status, saved := operator.save("/console/clients/sandbox-licensed", form)
	if status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, saved.Text())
	}

	// The settings survive a restart, and the pager gets the events.
	stopped = true
	err = server.Close()
	if err != nil {
		t.Fatal(err)
	}
	server, stopped = begin(), false
	err = newTour(io.Discard, server.publicURL).play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	users, err := server.db.Read().UsersOfClient(t.Context(), "sandbox-licensed", 2)
	if err != nil || len(users) != 1 {
		t.Fatalf("users %v, %v", users, err)
	}
	var want []call
	events, err := server.db.Read().Events(t.Context(), users[0].ID, 0, 100)
	for _, e := range events {
		if e.Connection.ID != 0 {
			want = append(want, call{e.ID.String(), "+339", pin, "", "token"})
		}
	}
	if err != nil || len(want) < 4 {
		t.Fatalf("%d events, %v", len(want), err)
	}
	eventually(t, "each event is told, the first again", func() bool { return len(calls.took()) >= len(want) })
	got := calls.took()
	// The refused call comes again after the others that were due meanwhile.
	first := slices.Index(got, want[0])
	if first < 0 || !slices.Equal(slices.Delete(slices.Clone(got), first, first+1), want[1:]) {
		t.Errorf("the pager was called for %v, want %v", got, want)
	}
	if text := log.String(); !strings.Contains(text, "pager of client sandbox-licensed: 502") || !strings.Contains(text, "webhook of client sandbox-licensed") || strings.Contains(text, pin) {
		t.Errorf("the log is %s", text)
	}
	if path, found := strings.CutPrefix(address, "sqlite:"); found {
		nothingStored(t, filepath.Dir(path), pin)
	}
}

// nothingStored fails if a file of a folder with a database shows a text.
func nothingStored(t *testing.T, folder, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && bytes.Contains(content, []byte(text)) {
			t.Errorf("%s shows %s", file, text)
		}
	}
}

func clientNamed(t *testing.T, db *store.DB, name string) oxlin.Client {
	t.Helper()
	clients, err := db.Read().Clients(t.Context())
	i := slices.IndexFunc(clients, func(c oxlin.Client) bool { return c.Name == name })
	if err != nil || i < 0 {
		t.Fatalf("no client is named %s: %v", name, err)
	}
	return clients[i]
}

// consoleUser is a browser that has logged in at the console.
type consoleUser struct {
	t       *testing.T
	browser *http.Client
	url     string
}

func newOperator(t *testing.T, platform string) *consoleUser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &consoleUser{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, platform}
	status, _ := o.save("/console/login", url.Values{"password": {"sandbox"}})
	if status != http.StatusSeeOther {
		t.Fatalf("login: %d", status)
	}
	return o
}

func (o *consoleUser) page(path string) *goquery.Document {
	o.t.Helper()
	response, err := o.browser.Get(o.url + path)
	_, page := o.read(response, err)
	return page
}

func (o *consoleUser) save(path string, form url.Values) (int, *goquery.Document) {
	o.t.Helper()
	return o.read(o.browser.PostForm(o.url+path, form))
}

func (o *consoleUser) read(response *http.Response, err error) (int, *goquery.Document) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, page
}

// valuesOf returns the values of a client's form.
func valuesOf(page *goquery.Document) url.Values {
	values := url.Values{}
	for _, field := range page.Find("form:has(#name)").Find("input, textarea").EachIter() {
		_, checked := field.Attr("checked")
		if field.AttrOr("type", "") == "checkbox" && !checked {
			continue
		}
		value := field.AttrOr("value", "")
		if field.Is("textarea") {
			value = field.Text()
		}
		values.Add(field.AttrOr("name", ""), value)
	}
	return values
}

// TestTheCommandsHaveTheFlagsOfTheirWays compares the flags with those of earlier releases.
func TestTheCommandsHaveTheFlagsOfTheirWays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.pem")
	err := os.WriteFile(file, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	all, err := flagsOf("client", "create", "Shop", "--webhook-url", "https://shop.test/hook")
	if got := fmt.Sprint(reveal(all.Client.Create.settingFlags)); err != nil || got != "map[webhook_url:https://shop.test/hook]" {
		t.Errorf("client create: %s, %v", got, err)
	}
	t.Setenv("OXLIN_WEBHOOK_KEY", file)
	all, err = flagsOf("serve", "--webhook-cert", file)
	if got := fmt.Sprint(reveal(all.Serve.settingFlags)); err != nil || got != fmt.Sprintf("map[webhook_cert:%s webhook_key:%s]", file, file) {
		t.Errorf("serve: %s, %v", got, err)
	}
	_, err = flagsOf("serve", "--webhook-cert", file+".gone")
	if err == nil {
		t.Error("a file that does not exist is accepted")
	}
}

func flagsOf(args ...string) (*commands, error) {
	all, _, _, err := parse(arg.Config{Program: "oxlin"}, notify.Ways(), args)
	return all, err
}

func reveal(flags settingFlags) map[string]string {
	all := map[string]string{}
	for name, value := range flags.values {
		all[name] = value.Reveal()
	}
	return all
}
