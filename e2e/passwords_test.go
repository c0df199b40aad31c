package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
)

func TestAPlatformRefusesPasswordsAndASandboxWarns(t *testing.T) {
	t.Parallel()
	flags := []string{"--data", t.TempDir()}
	mustOxlin(t, with("migrate", flags)...)
	shop := strings.Fields(mustOxlin(t, with("client create Shop", flags)...))
	wantRefusal(t, "--password-length: 65 must be from 1 to 64", with("serve --roles api --password-length 65", free, flags)...)
	for _, row := range []struct {
		length   string
		password string
		want     bool
	}{
		{"8", "kR7wq2Z", false}, {"8", "kR7wq2Zx", true}, {"10", "kR7wq2Zxa", false}, {"10", "kR7wq2Zxab", true}, {"4", "kR7w", true},
	} {
		p := run(t, "platform "+row.length, with("serve --roles api --password-length "+row.length, free, flags)...)
		own := scenario.Integrator{Platform: p.where(t, "platform"), ClientID: shop[1], ClientSecret: shop[3]}
		client, err := own.ClientToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CreateUser(t.Context(), "jo"+row.password+"@example.test", row.password)
		if (err == nil) != row.want || err != nil && (!journey.Refused(err, 400) || !strings.Contains(err.Error(), "at least "+row.length+" characters")) {
			t.Errorf("--password-length %s, %q: %v", row.length, row.password, err)
		}
		p.stop(t)
	}

	p := run(t, "sandbox", with("serve --sandbox --roles api", free, []string{"--data", t.TempDir()})...)
	client, err := integrator(p.where(t, "platform")).ClientToken(t.Context())
	if err == nil {
		_, err = client.CreateUser(t.Context(), "jo@example.test", "dev")
	}
	log, readErr := os.ReadFile(p.Log)
	if err != nil || readErr != nil || !strings.Contains(string(log), "outside a sandbox this password is refused") {
		t.Errorf("a sandbox, a short password: %v, %v\n%s", err, readErr, log)
	}
}
