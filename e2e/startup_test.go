package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// free are the flags of a platform on free ports.
var free = []string{"--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0"}

// oxlin runs a command of the binary that ends by itself, and returns what it printed and
// logged.
func oxlin(t *testing.T, args ...string) (printed, logged string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, binary, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	if ctx.Err() != nil {
		t.Fatalf("oxlin %s did not end:\n%s%s", strings.Join(args, " "), &stdout, &stderr)
	}
	return stdout.String(), stderr.String(), err
}

func mustOxlin(t *testing.T, args ...string) string {
	t.Helper()
	printed, logged, err := oxlin(t, args...)
	if err != nil {
		t.Fatalf("oxlin %s: %v\n%s", strings.Join(args, " "), err, logged)
	}
	return printed
}

// wantRefusal wants a command that ends with an error in one line, which names the fault
// and what the operator does about it.
func wantRefusal(t *testing.T, want string, args ...string) {
	t.Helper()
	printed, logged, err := oxlin(t, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Errorf("oxlin %s: it is not refused: %v\n%s%s", strings.Join(args, " "), err, printed, logged)
		return
	}
	refusal := regexp.MustCompile(`(?m)^oxlin: error: .*(?:\n.*)*`).FindString(logged)
	if !regexp.MustCompile(want).MatchString(refusal) || strings.Count(strings.TrimSpace(refusal), "\n") != 0 {
		t.Errorf("oxlin %s: want one line with %q:\n%s", strings.Join(args, " "), want, logged)
	}
}

// eachDatabase runs a test on a new database of each kind. The flags name it.
func eachDatabase(t *testing.T, test func(t *testing.T, address string, flags []string)) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			test(t, address, []string{"--data", filepath.Join(t.TempDir(), "data"), "--database", address})
		})
	}
}

// statement runs a statement on a database that nobody serves.
func statement(t *testing.T, address, text string) {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err == nil && db.Dialect() == store.SQLite {
		_, err = db.SQLite().ExecContext(t.Context(), text)
	} else if err == nil {
		_, err = db.Postgres().Exec(t.Context(), text)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func with(command string, flags ...[]string) []string {
	args := strings.Fields(command)
	for _, list := range flags {
		args = append(args, list...)
	}
	return args
}

// besides are the commands that work on the database of a platform.
var besides = []string{"client list", "client create Shop", "client rotate-secret nobody", "rederive --sandbox"}

func TestCommandsCreateNoDatabase(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		for _, command := range besides {
			wantRefusal(t, "there is no database at .*: give the --data|no tables yet: give the --data", with(command, flags)...)
		}
		if path, lite := strings.CutPrefix(address, "sqlite:"); lite {
			left, err := filepath.Glob(path + "*")
			if err != nil || len(left) > 0 {
				t.Errorf("the commands made %v, %v", left, err)
			}
		}
		_, err := os.Stat(flags[1])
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the commands made the data directory: %v", err)
		}
		mustOxlin(t, with("migrate", flags)...)
		if list := mustOxlin(t, with("client list", flags)...); strings.Count(list, "\n") != 1 {
			t.Errorf("the refused commands left clients:\n%s", list)
		}
	})
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		mustOxlin(t, with("migrate", flags)...)
		statement(t, address, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
		for _, command := range append(besides, "serve --sandbox", "migrate", "quickstart --exit") {
			if strings.HasPrefix(command, "serve") || strings.HasPrefix(command, "quickstart") {
				command += " " + strings.Join(free, " ")
			}
			wantRefusal(t, "tables of a newer version: run that version, or restore the backup", with(command, flags)...)
		}
	})
}

func TestCommandsDoNotMigrate(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		mustOxlin(t, with("migrate", flags)...)
		statement(t, address, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		for _, command := range besides {
			wantRefusal(t, "tables of an older version: run `oxlin migrate` first", with(command, flags)...)
		}
	})
}

func TestOneProcessServesAnSQLiteDatabase(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	serve := with("serve --sandbox", free, []string{"--data", data})
	first := run(t, "first", serve...)
	first.where(t, "platform")
	linked := filepath.Join(t.TempDir(), "linked")
	err := os.Symlink(data, linked)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		serve, with("serve --sandbox", free, []string{"--data", linked}), with("quickstart --exit", free, []string{"--data", data}),
		with("serve --sandbox", free, []string{"--data", t.TempDir(), "--database", "sqlite:" + filepath.Join(linked, "oxlin.db")}),
	} {
		wantRefusal(t, "another process serves this database: .*: stop the other `oxlin serve` first, or give this one its own --data", args...)
	}
	mustOxlin(t, "client", "create", "Beside", "--data", data)
	mustOxlin(t, "migrate", "--data", data)
	if list := mustOxlin(t, "client", "list", "--data", data); !strings.Contains(list, `"Beside"`) {
		t.Errorf("the clients are\n%s", list)
	}
	// A process that was killed holds no lock.
	err = first.end(syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	second := run(t, "second", serve...)
	second.where(t, "platform")
	second.stop(t)
}

func TestAPostgreSQLDatabaseIsInUTF8(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "CREATE DATABASE in_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 STRATEGY FILE_COPY")
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/in_ascii"
	flags := []string{"--data", t.TempDir(), "--database", address.String()}
	for _, command := range append(besides, "serve --sandbox", "migrate") {
		wantRefusal(t, "encoding SQL_ASCII.*create it with CREATE DATABASE ... ENCODING 'UTF8'", with(command, flags)...)
	}
}

// TestFilesAreForTheirOwnerOnly runs the binary with a umask that hides nothing.
func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	serve := with("serve --sandbox --testbank-control", free, []string{"--data", data})
	sandbox := func(email string) *process {
		t.Helper()
		open := exec.Command("sh", append([]string{"-c", `umask 0; exec "$@"`, "sh", binary}, serve...)...)
		p, err := begin(filepath.Join(t.TempDir(), "platform.log"), open)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.abandon)
		connected(t, p.where(t, "platform"), email)
		return p
	}
	p := sandbox("first@example.test")
	open := func() (list []string) {
		t.Helper()
		seen := 0
		err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				list = append(list, path+" "+info.Mode().String())
			}
			seen++
			return err
		})
		if err != nil || seen < 5 {
			t.Fatalf("%d files were looked at: %v", seen, err)
		}
		return list
	}
	if list := open(); len(list) > 0 {
		t.Errorf("while it runs, others may open %v", list)
	}
	p.stop(t)
	if list := open(); len(list) > 0 {
		t.Errorf("after its end, others may open %v", list)
	}
	// An older version has left files that others may read, in an open directory.
	for file, mode := range map[string]fs.FileMode{"oxlin.db": 0o644, "master.key": 0o640, ".": 0o755} {
		err := os.Chmod(filepath.Join(data, file), mode)
		if err != nil {
			t.Fatal(err)
		}
	}
	p = sandbox("second@example.test")
	p.stop(t)
	if list := open(); len(list) != 1 || !strings.HasPrefix(list[0], data+" ") {
		t.Errorf("after the next start, others may open %v", list)
	}
	log, err := os.ReadFile(p.log)
	if err != nil || !strings.Contains(string(log), "others may open the data directory: give it the mode 0700") || !strings.Contains(string(log), data) {
		t.Errorf("the wider directory is not told: %v\n%s", err, log)
	}
}

// connected creates a user of a sandbox and connects them to the test bank.
func connected(t *testing.T, platform, email string) scenario.Session {
	t.Helper()
	software := integrator(platform)
	client, err := software.ClientToken(t.Context())
	if err == nil {
		_, err = client.CreateUser(t.Context(), email, password)
	}
	var user scenario.Session
	if err == nil {
		user, err = software.UserToken(t.Context(), email, password)
	}
	if err == nil {
		_, err = atTheBank(t.Context(), user, "dev")
	}
	if err != nil {
		t.Fatal(err)
	}
	return user
}
