package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
)

func TestADeletedClientLeavesThePlatform(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		serve := with("serve --sandbox --listen 127.0.0.1:0 --testbank-listen "+freeAddress(t), flags)
		p := run(t, "sandbox", serve...)
		platform := p.where(t, "platform")
		staying := connected(t, platform, "staying@example.test")
		made := strings.Fields(mustOxlin(t, with("client create Shop --licensed --redirect-uri https://integrator.example/return?mine=1", flags)...))
		shop := scenario.Integrator{Platform: platform, ClientID: made[1], ClientSecret: made[3]}
		client, err := shop.ClientToken(t.Context())
		if err == nil {
			_, err = client.CreateUser(t.Context(), "leaving@example.test", password)
		}
		var leaving scenario.Session
		if err == nil {
			leaving, err = shop.UserToken(t.Context(), "leaving@example.test", password)
		}
		if err == nil {
			_, err = atTheBank(t.Context(), leaving, "dev")
		}
		if err != nil {
			t.Fatal(err)
		}

		wantRefusal(t, "The client has 1 users, whose connections end with it: .*--with-users", with("client delete "+made[1], flags)...)
		if err := leaving.Get(t.Context(), "/users/me", nil); err != nil {
			t.Errorf("a refused deletion has begun: %v", err)
		}
		wantRefusal(t, "no such client", with("client delete nobody", flags)...)
		mustOxlin(t, with("client delete --with-users "+made[1], flags)...)
		for what, session := range map[string]scenario.Session{"its own": client, "its user's": leaving} {
			ended := time.Now() // on PostgreSQL, a command's change holds within a second
			err := session.Get(t.Context(), "/users/me", nil)
			for !journey.Refused(err, 401) && strings.HasPrefix(address, "postgres") && time.Since(ended) < time.Second {
				err = session.Get(t.Context(), "/users/me", nil)
			}
			if !journey.Refused(err, 401) {
				t.Errorf("%s token is answered with %v", what, err)
			}
		}
		if _, err := shop.ClientToken(t.Context()); !journey.Refused(err, 401) || !strings.Contains(err.Error(), "invalid_client") {
			t.Errorf("its secret is answered with %v", err)
		}
		p.stop(t) // the next start sweeps at once
		p = run(t, "again", serve...)
		staying.Integrator.Platform = p.where(t, "platform")
		for end := time.Now().Add(time.Minute); strings.Contains(mustOxlin(t, with("client list", flags)...), made[1]); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the client is not removed")
			}
		}
		if err := staying.Get(t.Context(), "/users/me", nil); err != nil {
			t.Errorf("the neighbour: %v", err)
		}
		p.stop(t)
		log, err := os.ReadFile(p.Log)
		if err != nil || strings.Contains(string(log), "kind=sweep") { // a revocation may meet the end of the test bank
			t.Errorf("the log has an error: %v\n%s", err, log)
		}
		file, err := os.ReadFile(filepath.Join(flags[1], "oxlin.db"))
		if err == nil && strings.Contains(string(file), "leaving@example.test") {
			t.Error("the user's e-mail is in the file")
		}
	})
}

// While 64 callers read, an operator disables their client: no call that begins after the command
// has returned succeeds, on PostgreSQL after one more second. The neighbour's calls go on.
func TestADisabledClientIsRefusedWhileItsCallersRead(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		p := run(t, "server", with("serve --sandbox --listen 127.0.0.1:0 --user-limit 0 --client-limit 0 --testbank-listen "+freeAddress(t), flags)...)
		platform := p.where(t, "platform")
		connections := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
		reader := func(software scenario.Integrator, email string) scenario.Session {
			software.Platform, software.HTTP = platform, connections
			client, err := software.ClientToken(t.Context())
			if err == nil {
				_, err = client.CreateUser(t.Context(), email, password)
			}
			var user scenario.Session
			if err == nil {
				user, err = software.UserToken(t.Context(), email, password)
			}
			if err != nil {
				t.Fatal(err)
			}
			return user
		}
		made := strings.Fields(mustOxlin(t, with("client create Shop --licensed --redirect-uri https://integrator.example/return", flags)...))
		user := reader(scenario.Integrator{ClientID: made[1], ClientSecret: made[3]}, "reader@example.test")
		neighbour := reader(integrator(platform), "neighbour@example.test")

		// disabled is the moment since which every call has to fail, in nanoseconds.
		var disabled, refusals atomic.Int64
		stop := make(chan struct{})
		var group sync.WaitGroup
		for n := range 64 {
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					session := user
					if n == 0 {
						session = neighbour
					}
					began := time.Now().UnixNano()
					err := session.Get(t.Context(), "/users/me", nil)
					since := disabled.Load()
					switch {
					case n == 0 && err != nil:
						t.Errorf("the neighbour: %v", err)
						return
					case n > 0 && err == nil && since != 0 && began >= since:
						t.Errorf("a call succeeded that began %v after the end of the client", time.Duration(began-since))
						return
					case n > 0 && err != nil && !journey.Refused(err, 401):
						t.Error(err)
						return
					case n > 0 && err != nil:
						refusals.Add(1)
					}
				}
			})
		}
		time.Sleep(2 * time.Second)
		if n := refusals.Load(); n > 0 {
			t.Errorf("%d calls were refused before", n)
		}
		mustOxlin(t, with("client disable "+made[1], flags)...)
		if strings.HasPrefix(address, "postgres") {
			time.Sleep(time.Second)
		}
		disabled.Store(time.Now().UnixNano())
		time.Sleep(2 * time.Second)
		close(stop)
		group.Wait()
		if refusals.Load() == 0 {
			t.Error("no call was refused")
		}
		p.stop(t)
	})
}

// Commands, metrics and log warn of a secret that ends soon, and of no other one.
func TestSecretsThatEndAreTold(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, _ string, flags []string) {
		wantRefusal(t, "--client-secret-days: A secret ends after 1 to 3650 days", with("serve --client-secret-days 3651 --listen 127.0.0.1:0", flags)...)
		serve := with("serve --sandbox --listen 127.0.0.1:0 --testbank-listen "+freeAddress(t), flags)
		p := run(t, "first", serve...)
		p.where(t, "platform")
		made := strings.Fields(mustOxlin(t, with("client create Shop --client-secret-days 10", flags)...))
		other := strings.Fields(mustOxlin(t, with("client create Other", flags)...))
		wantRefusal(t, "A secret ends after 1 to 3650 days", with("client rotate-secret --client-secret-days -1 "+made[1], flags)...)
		end := time.Now().UTC().AddDate(0, 0, 10)
		if len(made) != 6 || !strings.HasPrefix(made[5], end.Format(time.DateOnly)) || len(other) != 4 {
			t.Fatalf("created %v and %v", made, other)
		}
		p.stop(t) // the next start sweeps at once
		p = run(t, "again", serve...)
		platform := p.where(t, "platform")
		shop := scenario.Integrator{Platform: platform, ClientID: made[1], ClientSecret: made[3]}
		if _, err := shop.ClientToken(t.Context()); err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256([]byte(made[3]))
		name := hex.EncodeToString(hash[:4])
		for command, want := range map[string]string{
			"client list":                "until " + end.Format(time.DateOnly),
			"client show " + made[1]:     name + ", made ",
			" client show  " + made[1]:   "last used " + time.Now().UTC().Format(time.DateOnly),
			"client  show   " + other[1]: "no end, last used unknown",
		} {
			printed, logged, err := oxlin(t, with(command, flags)...)
			if err != nil || !strings.Contains(printed, want) {
				t.Errorf("oxlin %s prints, without %q: %v\n%s%s", command, want, err, printed, logged)
			}
			warned := strings.Contains(logged, "the secret "+name+" of client "+made[1]+" ends at ")
			if warned == strings.Contains(command, other[1]) || strings.Count(logged, "ends at") > 1 {
				t.Errorf("oxlin %s warns: %s", command, logged)
			}
		}
		response, err := http.Get(platform + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		metrics, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(metrics), "\noxlin_client_secrets_ending_soon 1\n") || strings.Contains(string(metrics), name) {
			t.Errorf("metrics: %v\n%s", err, metrics)
		}
		var log []byte
		for end := time.Now().Add(time.Minute); !strings.Contains(string(log), "a client's secret ends soon"); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log does not warn:\n%s", log)
			}
			log, err = os.ReadFile(p.Log)
			if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(string(log), made[3]) {
			t.Error("the log has the secret")
		}
	})
}
