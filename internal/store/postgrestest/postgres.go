// Package postgrestest starts a PostgreSQL in a directory below /tmp with a Unix socket. It
// ends with the process that has started it, even if that is killed, and it can be killed
// and started again.
//
// It serves tests and programs that test. Start reading at Start.
package postgrestest

import (
	"bufio"
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
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// ErrMissing is returned where PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL 15 or newer is not installed (.ci/postgresql)")

// watchdog starts a server and follows the orders of its standard input: crash and start.
// It prints "ready" after each, or the log and "failed". The input closes when the process
// that has started the server exits or is killed: then the watchdog cleans up. Its arguments
// are the directory of the programs, the directory of the data, and settings.
const watchdog = `
start() { "$1/pg_ctl" -D "$2/data" -l "$2/log" -w start -o "-k '$2' -c listen_addresses='' -c fsync=off -c max_connections=500 $3" >>"$2/log" 2>&1; }
crash() { "$1/pg_ctl" -D "$2/data" -w -m immediate stop >>"$2/log" 2>&1; }
tell() { if [ "$1" = 0 ]; then echo ready; else cat "$2/log"; echo failed; fi; }
"$1/initdb" -D "$2/data" -U oxlin --auth=trust --no-sync --encoding=UTF8 --locale=C >"$2/log" 2>&1 && start "$@"
tell $? "$2"
while read order; do
  "$order" "$@"
  tell $? "$2"
done
exec 1>&-
crash "$@"
rm -rf "$2"
`

// relaxed are the settings of a server that never crashes.
const relaxed = "-c synchronous_commit=off -c full_page_writes=off"

// Server is a running PostgreSQL.
type Server struct {
	// dir is the directory of its socket.
	dir string
	// orders is the other end of the watchdog's standard input. Only this process has
	// it open, until it ends. The reference keeps the garbage collector from closing it.
	orders io.WriteCloser
	said   *bufio.Reader
	dog    *exec.Cmd
}

// Start starts a server. What a durable one has committed survives a crash of it; the other
// kind is faster. Further settings, such as "-c fsync=on", follow those of the kind.
func Start(durable bool, settings ...string) (*Server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	// os.TempDir may be closed to other users and too long for a socket.
	dir, err := os.MkdirTemp("/tmp", "oxlin-postgres-")
	if err != nil {
		return nil, err
	}
	if !durable {
		settings = append([]string{relaxed}, settings...)
	}
	command := exec.Command("/bin/sh", "-c", watchdog, "watchdog", programs, dir, strings.Join(settings, " "))
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
	orders, err := command.StdinPipe()
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
	s := &Server{dir, orders, bufio.NewReader(output), command}
	return s, s.ready("start")
}

// ready waits until the watchdog has done what it was asked for.
func (s *Server) ready(order string) error {
	var log strings.Builder
	for {
		line, err := s.said.ReadString('\n')
		switch {
		case line == "ready\n":
			return nil
		case line == "failed\n":
			return fmt.Errorf("PostgreSQL, %s: %s", order, log.String())
		case err != nil:
			return fmt.Errorf("PostgreSQL, %s: %w: %s", order, err, log.String())
		}
		log.WriteString(line)
	}
}

func (s *Server) order(order string) error {
	_, err := io.WriteString(s.orders, order+"\n")
	if err != nil {
		return err
	}
	return s.ready(order)
}

// Crash ends the server without a checkpoint, as if all its processes were killed.
func (s *Server) Crash() error { return s.order("crash") }

// Restart starts the server again after a crash.
func (s *Server) Restart() error { return s.order("start") }

// Close ends the server and removes its data.
func (s *Server) Close() error {
	err := s.orders.Close()
	if err != nil {
		return err
	}
	return s.dog.Wait()
}

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
		return "", ErrMissing
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

// Create copies the files of a template to a new database, which is faster than PostgreSQL's
// default of writing them to its log.
func (s *Server) Create(name, template string) error {
	return s.Execute("CREATE DATABASE " + name + " TEMPLATE " + template + " STRATEGY FILE_COPY")
}

// Execute runs a statement in the database "postgres".
func (s *Server) Execute(statement string, args ...any) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.Address("postgres"))
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

// Address returns the address of a database.
func (s *Server) Address(name string) string {
	return "postgres://oxlin@/" + name + "?host=" + s.dir
}
