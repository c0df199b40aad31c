package main

import (
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// This machine has the profiles, and nobody else: no other machine, no page of another site
// that a browser here shows, and not what the command line may contain.
func TestOnlyThisMachineHasTheProfiles(t *testing.T) {
	flags := serverFlags{
		databaseFlags: databaseFlags{Data: filePath(t.TempDir())}, Listen: "127.0.0.1:0", TestbankListen: "127.0.0.1:0",
		Roles: []string{"api"}, bankFlags: bankFlags{Sandbox: true}, profileFlags: profileFlags{Pprof: "0.0.0.0:0"},
	}
	_, err := startServer(t.Context(), flags, time.Now, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:6060") {
		t.Fatalf("open to all machines: %v", err)
	}
	flags.Pprof = "127.0.0.1:0"
	var log lockedBuffer
	s, err := startServer(t.Context(), flags, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/debug/pprof/`).FindString(log.String())
	for name, c := range map[string]struct {
		path, host string
		status     int
	}{
		"a profile":           {"heap", "", http.StatusOK},
		"the list of them":    {"", "", http.StatusOK},
		"the command line":    {"cmdline", "", http.StatusNotFound},
		"a name of elsewhere": {"heap", "elsewhere.example", http.StatusMisdirectedRequest},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != c.status || len(body) == 0 {
				t.Errorf("%s, %d bytes, %v; want %d", response.Status, len(body), err, c.status)
			}
		})
	}
}
