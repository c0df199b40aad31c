package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/internal/omit"
)

// migratedTemplate is the database from which new ones are copied.
const migratedTemplate = "oxlin_template"

// errNoPostgres is the reason of an omission.
var errNoPostgres = errors.New("PostgreSQL 15 or newer is not installed (.ci/postgresql)")

// watchdog starts a server, prints "ready" and waits for the end of its standard input,
// which closes when the test binary exits or is killed. Then it cleans up. Its arguments
// are the directory of the programs and the directory of the data.
const watchdog = `
"$1/initdb" -D "$2/data" -U oxlin --auth=trust --no-sync --encoding=UTF8 --locale=C >"$2/log" 2>&1 &&
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start -o "-k '$2' -c listen_addresses='' -c fsync=off \
  -c synchronous_commit=off -c full_page_writes=off -c max_connections=500" >>"$2/log" 2>&1 &&
echo ready || cat "$2/log"
exec 1>&-
read _
"$1/pg_ctl" -D "$2/data" -m immediate stop >>"$2/log" 2>&1
rm -rf "$2"
`

// postgres is a running server.
type postgres struct {
	// dir is the directory of its socket.
	dir string
	// lifeline is the other end of the watchdog's standard input. Only this process has
	// it open, until it ends. The reference keeps the garbage collector from closing it.
	lifeline io.Closer
}

// server starts PostgreSQL once.
var server = sync.OnceValues(func() (*postgres, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	// os.TempDir may be closed to other users and too long for a socket.
	dir, err := os.MkdirTemp("/tmp", "oxlin-postgres-")
	if err != nil {
		return nil, err
	}
	command := exec.Command("/bin/sh", "-c", watchdog, "watchdog", programs, dir)
	command.Dir = dir
	// An interrupt from the terminal must not end the watchdog before it cleans up.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		// PostgreSQL refuses to run as root.
		command.SysProcAttr.Credential, err = unprivileged(dir)
		if err != nil {
			return nil, err
		}
	}
	lifeline, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = command.Start()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	said, err := io.ReadAll(output)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if string(said) != "ready\n" {
		return nil, fmt.Errorf("start PostgreSQL: %s", said)
	}
	err = createFrom(dir, migratedTemplate, "template0")
	if err != nil {
		return nil, err
	}
	return &postgres{dir, lifeline}, migrate(address(dir, migratedTemplate))
})

// findPrograms returns the directory of the newest PostgreSQL of Debian, which is not
// on the PATH, or of the one on the PATH.
func findPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errNoPostgres
	}
	return filepath.Dir(path), nil
}

// unprivileged transfers the directory to a user other than root.
func unprivileged(dir string) (*syscall.Credential, error) {
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	err = os.Chown(dir, int(uid), int(gid))
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

var created atomic.Int64

// createDatabase copies a template and returns the address of the copy.
func createDatabase(t testing.TB, template string) string {
	t.Helper()
	running, err := server()
	if errors.Is(err, errNoPostgres) {
		omit.Skip(t, 1, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strconv.FormatInt(created.Add(1), 10)
	err = createFrom(running.dir, name, template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := execute(running.dir, "DROP DATABASE "+name+" WITH (FORCE)")
		if err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return address(running.dir, name)
}

// createFrom copies the files of the template, which is faster than PostgreSQL's
// default of writing them to its log.
func createFrom(dir, name, template string) error {
	return execute(dir, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY FILE_COPY")
}

func execute(dir, statement string, args ...any) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address(dir, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func address(dir, name string) string {
	return "postgres://oxlin@/" + name + "?host=" + dir
}
