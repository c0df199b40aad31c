package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank/robot"
)

// TestABackupIsRestored follows the guide for operators: a backup is made while the platform
// serves, and another machine goes on with it and a copy of the master key.
func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		data, restored := flags[1], filepath.Join(t.TempDir(), "restored")
		err := os.Mkdir(restored, 0o700)
		if err != nil {
			t.Fatal(err)
		}
		bank, listen := testBank(t), freeAddress(t)
		serve := with("serve --sandbox --roles api,worker --listen "+listen+" --testbank-url "+bank, flags)
		p := run(t, "platform", serve...)
		user, err := journey.Travel(ctx, integrator(p.where(t, "platform")), "user@example.test", journey.Dev, false, func() {})
		if err != nil {
			t.Fatal(err)
		}
		want, err := user.Brought(ctx)
		if err != nil {
			t.Fatal(err)
		}

		target := "sqlite:" + filepath.Join(restored, "oxlin.db")
		if strings.HasPrefix(address, "sqlite:") {
			statement(t, address, "VACUUM INTO '"+filepath.Join(restored, "oxlin.db")+"'")
		} else {
			target = storetest.Postgres(t)
			dump := filepath.Join(t.TempDir(), "oxlin.dump")
			postgresql(t, "pg_dump", "--format=custom", "--file="+dump, address)
			postgresql(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+target, dump)
		}
		key, err := os.ReadFile(filepath.Join(data, "master.key"))
		if err == nil {
			err = os.WriteFile(filepath.Join(restored, "master.key"), key, 0o600)
		}
		// What comes after the backup is not in it.
		if err == nil {
			err = user.User.Delete(ctx, "/connections/"+user.Connection)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.stop(t)

		flags = []string{"--data", restored, "--database", target}
		again := run(t, "restored", with("serve --sandbox --roles api,worker --listen "+listen+" --testbank-url "+bank, flags)...)
		again.where(t, "platform")
		got, err := journey.Belongings(ctx, user.User)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows (-before +restored):\n%s", diff)
		}
		// The bank's access was revoked with the connection: the user renews it, and all goes on.
		address, err = user.User.RenewURL(ctx, "87", "8701", user.Connection, "https://integrator.example/return")
		if err != nil {
			t.Fatal(err)
		}
		callback, err := robot.LogIn(ctx, address, user.Answers())
		if err != nil {
			t.Fatal(err)
		}
		back, err := user.User.Integrator.FollowCallback(ctx, callback)
		if err != nil || back.Query().Get("status") != "success" {
			t.Errorf("the renewal ends with %v, %v", back, err)
		}
		connection, err := user.User.WaitForConnection(ctx, user.Connection)
		if err != nil || connection.Status != "SUCCESS" {
			t.Errorf("after the renewal: %+v, %v", connection, err)
		}
		got, err = journey.Belongings(ctx, user.User)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v, rows (-before +after the renewal):\n%s", err, diff)
		}
		again.stop(t)
		mustOxlin(t, with("audit verify", flags)...)
	})
}

// postgresql runs a program of PostgreSQL.
func postgresql(t *testing.T, name string, args ...string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		path, err := exec.LookPath(name)
		if err != nil {
			omit.Skip(t, 1, name+" is not installed")
		}
		found = []string{path}
	}
	output, err := exec.CommandContext(t.Context(), found[len(found)-1], args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
}
