package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
)

func TestADeletedClientLeavesThePlatform(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, _ string, flags []string) {
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
			if err := session.Get(t.Context(), "/users/me", nil); !journey.Refused(err, 401) {
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
