package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// sandboxWithClock starts a sandbox whose clock is shifted by hand. It works on a database that
// other sandboxes of the test may have used before.
func sandboxWithClock(t *testing.T, address string, data filePath, shift *atomic.Int64, log *lockedBuffer) *server {
	t.Helper()
	flags := serverFlags{
		databaseFlags: databaseFlags{Data: data, Database: address}, Listen: "127.0.0.1:0", TestbankListen: "127.0.0.1:0",
		Roles: []string{"api", "worker"}, bankFlags: bankFlags{Sandbox: true},
	}
	now := func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
	s, err := startServer(t.Context(), flags, now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A jump is one line of the log, and readiness, metrics and console show the doubt until the clock
// is back.
func TestAClockThatJumpsIsShown(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			var shift atomic.Int64
			s := sandboxWithClock(t, address, filePath(t.TempDir()+"/data"), &shift, &log)
			t.Cleanup(func() { _ = s.Close() })
			base := "http://" + s.web[0].Addr
			if a := get(t, base+"/readyz"); a.status != http.StatusOK || a.body != "ready\n" {
				t.Fatalf("before: %+v", a)
			}
			shift.Store(int64(time.Hour))
			const doubt, gauge = "the clock is in doubt", "oxlin_clock_in_doubt 1"
			eventually(t, "a line of the jump", func() bool { return strings.Contains(log.String(), "the clock jumped") })
			if a := get(t, base+"/readyz"); a.status != http.StatusOK || !strings.Contains(a.body, doubt) {
				t.Errorf("in doubt: %+v", a)
			}
			if a := get(t, base+"/metrics"); !strings.Contains(a.body, gauge+"\n") || !strings.Contains(a.body, "oxlin_clock_jumps_total 1\n") {
				t.Errorf("the metrics do not show the doubt: %s", a.body)
			}
			shift.Store(0)
			eventually(t, "a line of the end", func() bool { return strings.Contains(log.String(), "the clock is believed again") })
			if a := get(t, base+"/readyz"); a.body != "ready\n" {
				t.Errorf("afterwards: %+v", a)
			}
			if text := log.String(); strings.Count(text, "the clock jumped") != 2 || strings.Count(text, "the clock is believed again") != 1 {
				t.Errorf("the log:\n%s", text)
			}
		})
	}
}

// A process that starts a year ahead deletes nothing that is old by its clock: the next one, whose
// clock is right, finds all tokens.
func TestAStartWithAWrongClockDeletesNothing(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			var shift atomic.Int64
			data := filePath(t.TempDir() + "/data")
			s := sandboxWithClock(t, address, data, &shift, &log)
			client := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}, "scope": {"users_create"},
			}
			var granted struct {
				Token string `json:"access_token"`
			}
			err := json.Unmarshal([]byte(post(t, "http://"+s.web[0].Addr+"/token", "", client).body), &granted)
			if err != nil || granted.Token == "" {
				t.Fatal(err)
			}
			eventually(t, "the clock was stored", func() bool {
				at, err := s.db.BelievedAt(t.Context())
				return err == nil && !at.IsZero()
			})
			again := func(by time.Duration) {
				t.Helper()
				err := s.Close()
				if err != nil {
					t.Fatal(err)
				}
				shift.Store(int64(by))
				s = sandboxWithClock(t, address, data, &shift, &log)
			}
			again(365 * 24 * time.Hour)
			err = s.worker.Sweep(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if believed := s.clock.Believed(); believed {
				t.Error("a clock a year ahead is believed")
			}
			again(0)
			t.Cleanup(func() { _ = s.Close() })
			users := post(t, "http://"+s.web[0].Addr+"/v2.1/users", granted.Token, url.Values{"email": {"jo@example.org"}, "password": {"a good password"}})
			if users.status != http.StatusOK && users.status != http.StatusCreated {
				t.Errorf("the token is gone: %+v", users)
			}
		})
	}
}
