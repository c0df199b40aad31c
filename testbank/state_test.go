package testbank

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRestart: tokens, consents, the quota, the clock, scenarios and fetched
// files outlive the process.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	site := web(t)
	r := start(t, Options{DataDir: dir, AllowPrivateFileURLs: true})
	again := func() {
		t.Helper()
		if err := r.bank.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := New(Options{DataDir: dir, AllowPrivateFileURLs: true, Control: true, Now: r.clock.now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r.bank = b
		r.srv.Config.Handler = b.Handler()
	}
	tok := r.connect("dev")
	jo := r.token(codeForm(r.signIn(authorizeQuery("aisp"), "jo", "secret", site.URL+"/jo.txt").Get("code")))
	before := r.look(tok)
	for range 4 {
		r.alone(v15, tok).get("/accounts")
	}
	again()
	if a := r.alone(v15, tok).get("/accounts"); a.status != http.StatusTooManyRequests {
		t.Errorf("the quota is forgotten: %d", a.status)
	}
	if after := r.look(tok); !slices.Equal(before.ids("COMPTE COURANT"), after.ids("COMPTE COURANT")) {
		t.Error("references changed")
	}
	if n := len(r.look(jo).accounts); n != 1 {
		t.Errorf("the fetched file is forgotten: %d accounts", n)
	}
	r.control("POST", "/control/clock", `{"advance_days":3}`)
	r.control("POST", "/control/scenario", `{"login":"jo","scenario":"down"}`)
	again()
	if got := decode[clockAnswer](t, r.get("/control/clock")); got.Today != "2026-11-24" {
		t.Errorf("the clock is forgotten: %+v", got)
	}
	// The anchor is the first login's day, not the restart's.
	next := r.token(refreshForm(tok.Refresh))
	later := r.look(next)
	for _, id := range before.ids("COMPTE COURANT")[:20] {
		if !slices.Contains(later.ids("COMPTE COURANT"), id) {
			t.Errorf("%s is gone after the restart", id)
		}
	}
	if spent := r.token(refreshForm(tok.Refresh)); spent.Error != "invalid_grant" {
		t.Error("a spent refresh token is forgotten")
	}
	jo = r.token(refreshForm(jo.Refresh))
	if a := r.attended(v15, jo).get("/accounts"); a.status != 503 {
		t.Errorf("the scenario is forgotten: %d", a.status)
	}
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{tok.Access, tok.Refresh, next.Access, jo.Refresh} {
		if bytes.Contains(data, []byte(secret)) {
			t.Error("a token is readable in the state file")
		}
	}
	r.control("POST", "/control/reset", "")
	if a := r.attended(v15, next).get("/accounts"); a.status != 401 {
		t.Errorf("reset forgot nothing: %d", a.status)
	}
}

// TestSavedSoon: what is not worth an immediate write reaches the disk anyway.
func TestSavedSoon(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Options{DataDir: dir})
	tok := r.connect("dev")
	written := func() time.Time {
		info, err := os.Stat(filepath.Join(dir, stateFile))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	before := written()
	r.alone(v15, tok).get("/accounts")
	for deadline := time.Now().Add(5 * time.Second); written().Equal(before); {
		if time.Now().After(deadline) {
			t.Fatal("nothing was written")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestNothingIsWrittenAfterTheEnd: a bank that is closed while a delayed writing is
// due leaves its directory alone, which may be gone by then.
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	var log bytes.Buffer
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bank")
			b, err := New(Options{DataDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			b.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/site/connexion", nil))
			b.mu.Lock() // the writing comes due, and has to wait
			time.Sleep(saveDelay)
			b.mu.Unlock()
			if err := errors.Join(b.Close(), os.RemoveAll(dir)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		})
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log.String())
	}
}

func TestBrokenStateFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{DataDir: dir}); err == nil || !strings.Contains(err.Error(), stateFile) {
		t.Errorf("got %v", err)
	}
}

// TestLogKeepsSecrets: neither passwords nor tokens nor codes are written down.
func TestLogKeepsSecrets(t *testing.T) {
	var log bytes.Buffer
	r := start(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), FetchTimeout: 100 * time.Millisecond})
	back := r.signIn(authorizeQuery("aisp"), "dev", "dev", "")
	tok := r.token(codeForm(back.Get("code")))
	r.attended(v15, tok).get("/accounts")
	id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
	r.post("/authorize", map[string][]string{"session": {id}, "login": {"dev"}, "password": {"s3cret-pass"}, "file_url": {"http://127.0.0.1:1/x?key=s3cret-link"}})
	r.srv.Close()
	text := log.String()
	if !strings.Contains(text, "path=/stet/v1.5/accounts") || !strings.Contains(text, "request_id=req-42") {
		t.Errorf("the log says too little: %s", text)
	}
	for _, secret := range []string{tok.Access, tok.Refresh, back.Get("code"), verifier, "s3cret", id} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
