package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/omit"
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
		statement(t, address, "INSERT INTO river_migration (line, version) VALUES ('main', 999)")
		for _, command := range []string{"serve --sandbox " + strings.Join(free, " "), "migrate"} {
			wantRefusal(t, "tables of a newer version: run that version, or restore the backup", with(command, flags)...)
		}
		statement(t, address, "DELETE FROM river_migration WHERE version = 999")
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
	err = first.End(syscall.SIGKILL)
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

// TestMemoryIsDumpedNowhere starts the binary where a crash would write its memory to a file.
func TestMemoryIsDumpedNowhere(t *testing.T) {
	t.Parallel()
	serve := with("serve --sandbox", free, []string{"--data", t.TempDir()})
	command := exec.Command("sh", append([]string{"-c", `ulimit -c unlimited; exec "$@"`, "sh", binary}, serve...)...)
	p, err := begin(filepath.Join(t.TempDir(), "platform.log"), command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Abandon)
	p.where(t, "platform")
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Command.Process.Pid), "limits"))
	if errors.Is(err, fs.ErrNotExist) {
		omit.Skip(t, 1, "the system has no /proc")
	}
	if err != nil || !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("%v\n%s", err, limits)
	}
	p.stop(t)
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
		t.Cleanup(p.Abandon)
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
	log, err := os.ReadFile(p.Log)
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

// sandboxOn runs a sandbox until a user has connected a bank, and returns a token of the user.
func sandboxOn(t *testing.T, flags []string) (token string) {
	t.Helper()
	p := run(t, "sandbox", with("serve --sandbox", free, flags)...)
	user := connected(t, p.where(t, "platform"), "jo@example.test")
	p.stop(t)
	return user.Tokens.AccessToken
}

func TestTheMasterKeyIsTheDatabases(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		data := flags[1]
		sandboxOn(t, flags)
		key, other := filepath.Join(data, "master.key"), filepath.Join(t.TempDir(), "other.key")
		text, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		// The key of another installation.
		sandboxOn(t, []string{"--data", t.TempDir(), "--master-key-file", other})
		move := func(from, to string) {
			t.Helper()
			err := os.Rename(from, to)
			if err != nil {
				t.Fatal(err)
			}
		}
		serve := with("serve --sandbox", free, flags)
		commands := [][]string{serve, with("client create Shop", flags), with("client rotate-secret sandbox", flags), with("rederive --sandbox", flags)}
		move(key, key+".away")
		for _, args := range commands {
			wantRefusal(t, "master key of this database is missing: .*master.key does not exist: restore it from its backup, or name it by", args...)
			wantRefusal(t, "master key does not open what is sealed in this database: give the key of this database", append(args, "--master-key-file", other)...)
		}
		_, err = os.Stat(key)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a refused start made a key: %v", err)
		}
		// A half of the right key is no key of this database.
		foreign, err := os.ReadFile(other)
		if err != nil {
			t.Fatal(err)
		}
		var own, strange map[string]json.RawMessage
		err = errors.Join(json.Unmarshal(text, &own), json.Unmarshal(foreign, &strange))
		if err != nil {
			t.Fatal(err)
		}
		own["recognition"] = strange["recognition"]
		mixed, _ := json.Marshal(own)
		wantRefusal(t, "master key does not open", append(serve, "--master-key", string(mixed))...)
		// The right key, elsewhere.
		elsewhere := filepath.Join(t.TempDir(), "kept.key")
		move(key+".away", elsewhere)
		p := run(t, "platform", append(serve, "--master-key-file", elsewhere)...)
		p.where(t, "platform")
		p.stop(t)
		mustOxlin(t, append(with("rotate-key --data", flags[1:2]), "--master-key-file", elsewhere)...)
		p = run(t, "platform", append(serve, "--master-key-file", elsewhere)...)
		p.where(t, "platform")
		p.stop(t)
	})
}

func TestAKeyInsideTheDataDirectoryIsTold(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	serve := with("serve --roles api", free, []string{"--data", data})
	for _, row := range []struct {
		flags []string
		told  bool
	}{{nil, true}, {[]string{"--master-key-command", "cat " + filepath.Join(data, "master.key")}, false}} {
		p := run(t, "platform", append(serve, row.flags...)...)
		p.where(t, "platform")
		p.stop(t)
		log, err := os.ReadFile(p.Log)
		if err != nil || strings.Contains(string(log), "move the key elsewhere and name it by --master-key-file") != row.told {
			t.Errorf("%v: %v\n%s", row.flags, err, log)
		}
	}
}

// TestRootIsTold expects a warning if the tests run as root, as they do in containers.
func TestRootIsTold(t *testing.T) {
	t.Parallel()
	for flags, real := range map[string]bool{"serve --roles api": true, "serve --sandbox": false} {
		p := run(t, "platform", with(flags, free, []string{"--data", t.TempDir()})...)
		p.where(t, "platform")
		p.stop(t)
		log, err := os.ReadFile(p.Log)
		if told := strings.Contains(string(log), "runs as root"); err != nil || told != (real && os.Geteuid() == 0) {
			t.Errorf("%s: %v\n%s", flags, err, log)
		}
	}
}

func TestAConnectionToPostgreSQLThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	const told, refused = "others may read what goes to PostgreSQL", "or allow it by --database-in-clear"
	for _, c := range []struct {
		mode, flag    string
		told, refused bool
	}{
		{"", "", true, true},
		{"&sslmode=require", "", true, true},
		{"&sslmode=verify-full", "", false, false},
		{"&sslmode=disable", "--database-in-clear", true, false},
		{"", "--sandbox", true, false},
	} {
		database := "postgres://oxlin:hidden@192.0.2.1/oxlin?connect_timeout=1" + c.mode
		flags := append([]string{"--data", t.TempDir(), "--database", database}, strings.Fields(c.flag)...)
		_, logged, err := oxlin(t, with("serve --roles api", free, flags)...)
		if err == nil || strings.Contains(logged, told) != c.told || strings.Contains(logged, refused) != c.refused || strings.Contains(logged, "hidden") {
			t.Errorf("%s %s: %v\n%s", c.mode, c.flag, err, logged)
		}
	}
}

func TestASandboxAndARealPlatformAreApart(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		token := sandboxOn(t, flags)
		real, sandbox := with("serve --roles api", free, flags), with("serve --sandbox", free, flags)
		wantRefusal(t, "the database of a sandbox, .*: start with --sandbox, or remove them with `oxlin migrate --drop-sandbox`", real...)
		wantRefusal(t, "the database of a sandbox, .*: start with --sandbox", with("rederive", flags)...)
		shop := strings.Fields(mustOxlin(t, with("client create Shop", flags)...))

		// Even in a database that took itself for a real one, the sandbox's clients do not work.
		statement(t, address, "UPDATE installation SET kind = 'real'")
		p := run(t, "platform", real...)
		platform := p.where(t, "platform")
		software := integrator(platform)
		if _, err := software.ClientToken(t.Context()); !journey.Refused(err, 401) {
			t.Errorf("a client of the sandbox gets a token: %v", err)
		}
		user := scenario.Session{Integrator: software, Tokens: scenario.Tokens{AccessToken: token}}
		if err := user.Get(t.Context(), "/users/me", nil); !journey.Refused(err, 401) {
			t.Errorf("a token of the sandbox is taken: %v", err)
		}
		response, err := http.Get(platform + "/signin?response_type=code&client_id=sandbox&redirect_uri=https://integrator.example/")
		if err != nil || response.StatusCode != 401 {
			t.Errorf("the sandbox's users may sign in: %v, %v", response, err)
		}
		p.stop(t)
		statement(t, address, "UPDATE installation SET kind = 'sandbox'")

		if said := mustOxlin(t, with("migrate --drop-sandbox", flags)...); !strings.Contains(said, "the database is a real one now") {
			t.Errorf("it printed %s", said)
		}
		if list := mustOxlin(t, with("client list", flags)...); strings.Contains(list, "sandbox") || !strings.Contains(list, `"Shop"`) {
			t.Errorf("after the sandbox was dropped, the clients are\n%s", list)
		}
		if said := mustOxlin(t, with("audit export", flags)...); strings.Count(said, `"client.deleted"`) != 2 {
			t.Errorf("the audit log tells of other deletions than those of two clients:\n%s", said)
		}
		wantRefusal(t, "not the database of a sandbox: nothing was deleted", with("migrate --drop-sandbox", flags)...)
		wantRefusal(t, "the database of a real platform, .*: start without --sandbox, or give the sandbox its own --data", sandbox...)
		wantRefusal(t, "the database of a real platform", with("quickstart --exit", free, flags)...)
		wantRefusal(t, "the database of a real platform", with("rederive --sandbox", flags)...)
		p = run(t, "platform", real...)
		own := scenario.Integrator{Platform: p.where(t, "platform"), ClientID: shop[1], ClientSecret: shop[3]}
		if _, err := own.ClientToken(t.Context()); err != nil {
			t.Errorf("the operator's own client: %v", err)
		}
		p.stop(t)
		for _, table := range []string{"users", "connections", "transactions", "oauth_tokens WHERE user_id IS NOT NULL"} {
			if n := rows(t, address, table); n != 0 {
				t.Errorf("%d %s of the sandbox are left", n, table)
			}
		}
	})
}

// A database that a real platform has served once, without any user, is a real one.
func TestARealDatabaseWithoutUsersIsNoSandbox(t *testing.T) {
	t.Parallel()
	flags := []string{"--data", filepath.Join(t.TempDir(), "data")}
	p := run(t, "platform", with("serve --roles api", free, flags)...)
	p.where(t, "platform")
	p.stop(t)
	wantRefusal(t, "the database of a real platform", with("serve --sandbox", free, flags)...)
}

// rows counts the rows of a table.
func rows(t *testing.T, address, table string) (n int) {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	query := "SELECT count(*) FROM " + table
	if db.Dialect() == store.SQLite {
		err = db.SQLite().QueryRowContext(t.Context(), query).Scan(&n)
	} else {
		err = db.Postgres().QueryRow(t.Context(), query).Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Files that cannot be opened or written are told with the way out; a directory in their place serves for
// a user without rights, whom a test that runs as root cannot be.
func TestFilesThatCannotBeUsedAreTold(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	err := os.MkdirAll(filepath.Join(data, "oxlin.db"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"serve --listen 127.0.0.1:0", "migrate", "client list"} {
		wantRefusal(t, "unable to open database file .*: the files of the database have to belong to the user", with(command, []string{"--data", data})...)
	}
}
