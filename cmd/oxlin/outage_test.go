package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *lockedBuffer) Write(line []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(line)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// sandboxAt starts a sandbox on a database, without workers unless the roles name them.
func sandboxAt(t *testing.T, address string, log io.Writer, roles ...string) *server {
	t.Helper()
	if roles == nil {
		roles = []string{"api"}
	}
	flags := serverFlags{
		databaseFlags: databaseFlags{Data: filePath(t.TempDir()), Database: address}, Listen: "127.0.0.1:0", TestbankListen: "127.0.0.1:0",
		Roles: roles, bankFlags: bankFlags{Sandbox: true},
	}
	server, err := startServer(t.Context(), flags, time.Now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // its last writes may fail
	return server
}

// answerOf holds the answer of a door.
type answerOf struct {
	status int
	retry  string
	body   string
}

func ask(t *testing.T, r *http.Request) answerOf {
	t.Helper()
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf{response.StatusCode, response.Header.Get("Retry-After"), string(body)}
}

func post(t *testing.T, address, token string, form url.Values) answerOf {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return ask(t, r)
}

func get(t *testing.T, address string) answerOf {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ask(t, r)
}

// eventually repeats a look until it is true.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	for range 150 {
		if look() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("not within 15 seconds: %s", what)
}

// While the database is away every door answers 503 with Retry-After, and the log has one
// line of the beginning and one of the end (contract §12.12).
func TestEveryDoorTellsAnOutage(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			s := sandboxAt(t, address, &log)
			base := "http://" + s.web[0].Addr
			client := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}, "scope": {"users_create"},
			}
			var granted struct {
				Token string `json:"access_token"`
			}
			err := json.Unmarshal([]byte(post(t, base+"/token", "", client).body), &granted)
			if err != nil || granted.Token == "" {
				t.Fatal(err)
			}
			n := 0
			doors := map[string]func() answerOf{
				"the token endpoint": func() answerOf { return post(t, base+"/token", "", client) },
				"the API": func() answerOf {
					n++
					email := "jo" + strings.Repeat("o", n) + "@example.org"
					return post(t, base+"/v2.1/users", granted.Token, url.Values{"email": {email}, "password": {"a good password"}})
				},
				"the console": func() answerOf { return post(t, base+"/console/login", "", url.Values{"password": {"sandbox"}}) },
			}
			for door, ask := range doors {
				if a := ask(); a.status >= 400 {
					t.Fatalf("%s before: %+v", door, a)
				}
			}
			end := storetest.Outage(t, s.db)
			for door, ask := range doors {
				a := ask()
				if a.status != http.StatusServiceUnavailable || a.retry == "" {
					t.Errorf("%s: %+v", door, a)
				}
				if strings.HasPrefix(a.body, "{") && !strings.Contains(a.body, `"error":"unavailable"`) {
					t.Errorf("%s: %s", door, a.body)
				}
			}
			eventually(t, "not ready", func() bool { return get(t, base+"/readyz").status == http.StatusServiceUnavailable })
			const gone, back = "the database does not serve", "the database serves again"
			eventually(t, "a line of the beginning", func() bool { return strings.Contains(log.String(), gone) })
			end()
			eventually(t, "ready again", func() bool { return get(t, base+"/readyz").status == http.StatusOK })
			eventually(t, "a line of the end", func() bool { return strings.Contains(log.String(), back) })
			for door, ask := range doors {
				if a := ask(); a.status >= 400 {
					t.Errorf("%s afterwards: %+v", door, a)
				}
			}
			text := log.String()
			if strings.Count(text, gone) != 1 || strings.Count(text, back) != 1 || strings.Count(text, "level=ERROR") != 1 {
				t.Errorf("the log:\n%s", text)
			}
		})
	}
}

// What a process writes to a file without a name is lost with the process: it writes
// nothing until the file is back.
func TestAVanishedDataDirectoryStopsWrites(t *testing.T) {
	folder := t.TempDir() + "/data"
	err := os.Mkdir(folder, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	s := sandboxAt(t, "sqlite:"+folder+"/oxlin.db", &log, "api", "worker")
	base := "http://" + s.web[0].Addr
	client := url.Values{"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}}
	move := func(from, to string) {
		t.Helper()
		err := os.Rename(from, to)
		if err != nil {
			t.Fatal(err)
		}
	}
	move(folder, folder+"-elsewhere")
	if a := post(t, base+"/token", "", client); a.status != http.StatusServiceUnavailable || a.retry == "" {
		t.Errorf("a write: %+v", a)
	}
	if a := get(t, base+"/readyz"); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "moved or deleted") {
		t.Errorf("ready: %+v", a)
	}
	eventually(t, "a line of the beginning", func() bool { return strings.Contains(log.String(), "the database does not serve") })
	time.Sleep(3 * time.Second) // jobs and sweeps meet the outage too
	move(folder+"-elsewhere", folder)
	if a := post(t, base+"/token", "", client); a.status != http.StatusOK {
		t.Errorf("a write when the file is back: %+v", a)
	}
	if a := get(t, base+"/readyz"); a.status != http.StatusOK {
		t.Errorf("ready again: %+v", a)
	}
	eventually(t, "a line of the end", func() bool { return strings.Contains(log.String(), "the database serves again") })
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log:\n%s", n, &log.text)
	}
}

// While another process holds the lock of the file, writes wait some seconds and are then 503; reads
// go on. Nothing has to be restarted.
func TestALockedFileIsAnOutage(t *testing.T) {
	address := "sqlite:" + t.TempDir() + "/oxlin.db"
	var log lockedBuffer
	s := sandboxAt(t, address, &log)
	base := "http://" + s.web[0].Addr
	client := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}, "scope": {"users_create"},
	}
	other, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	locked, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- other.Write(context.Background(), func(*store.Tx) error {
			close(locked)
			<-release
			return nil
		})
	}()
	<-locked
	refused := make(chan answerOf)
	go func() {
		defer close(refused) // also if there is no answer, which ends this goroutine
		refused <- post(t, base+"/token", "", client)
	}()
	reads := 0
	for waiting := true; waiting; {
		select {
		case a := <-refused:
			waiting = false
			if a.status != http.StatusServiceUnavailable || a.retry == "" {
				t.Errorf("a write: %+v", a)
			}
		case <-time.After(100 * time.Millisecond):
			if a := get(t, base+"/v2.1/providers"); a.status != http.StatusUnauthorized { // a look for a token
				t.Fatalf("a read: %+v", a)
			}
			reads++
		}
	}
	if reads == 0 {
		t.Error("nothing was read")
	}
	eventually(t, "not ready", func() bool { return get(t, base+"/readyz").status == http.StatusServiceUnavailable })
	eventually(t, "a line of the beginning", func() bool { return strings.Contains(log.String(), "the database does not serve") })
	close(release)
	err = <-ended
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a line of the end", func() bool { return strings.Contains(log.String(), "the database serves again") })
	if a := post(t, base+"/token", "", client); a.status != http.StatusOK {
		t.Errorf("a write afterwards: %+v", a)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log:\n%s", n, &log.text)
	}
}
