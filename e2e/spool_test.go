package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
	"github.com/oxlin/oxlin/testbank/robot"
)

// interrupted is a platform of one process, whose database is stopped just after the bank has
// given an access, and which is killed then.
type interrupted struct {
	*cluster
	server *postgrestest.Server
	data   string
	// tokens and revoked count the calls to the bank that exchange a code or hand an access back.
	tokens, revoked atomic.Int32
}

func newInterrupted(t *testing.T) *interrupted {
	t.Helper()
	server, err := postgrestest.Start(true)
	if errors.Is(err, postgrestest.ErrMissing) {
		omit.Skip(t, 1, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	err = server.Create("oxlin", "template0")
	if err != nil {
		t.Fatal(err)
	}
	p := &interrupted{server: server, data: t.TempDir()}
	p.cluster = &cluster{t: t, database: server.Address("oxlin"), bank: testBank(t), refreshed: map[string]int{}}
	p.after = func(_ *member, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/revoke") {
			p.revoked.Add(1)
		}
		if strings.HasSuffix(r.URL.Path, "/token") && p.tokens.Add(1) == 1 {
			p.check(p.server.Crash())
		}
	}
	p.join(p.data)
	return p
}

func (p *interrupted) check(err error) {
	if err != nil {
		p.t.Error(err)
	}
}

// spooled are the files with accesses.
func (p *interrupted) spooled() []string {
	files, err := filepath.Glob(filepath.Join(p.data, "spool", "*.access"))
	p.check(err)
	return files
}

// until waits for a condition.
func (p *interrupted) until(what string, is func() bool) {
	p.t.Helper()
	for range 1200 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("%s: not within a minute", what)
}

// An access that the bank has given while the database went away survives a kill of its
// process. When both are back, the user's connection is made without the user; if it is too
// late for that, the access is handed back.
func TestAnAccessSurvivesAKillWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"in time": false, "too late": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			p := newInterrupted(t)
			first := p.nodes[0]
			user, err := journey.Arrive(ctx, integrator("http://"+first.address), "user@example.test", password, journey.Dev)
			if err != nil {
				t.Fatal(err)
			}
			address, err := user.User.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return")
			if err != nil {
				t.Fatal(err)
			}
			callback, err := robot.LogIn(ctx, address, user.Answers())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				response, err := http.Get(callback.String())
				if err == nil {
					response.Body.Close()
				}
			}()
			p.until("the access is written", func() bool { return len(p.spooled()) == 1 })
			p.check(first.End(syscall.SIGKILL))
			file := p.spooled()[0]
			about, err := os.Stat(file)
			if err != nil || about.Mode().Perm() != 0o600 {
				t.Errorf("the file is %s, %v, %v", file, about.Mode(), err)
			}
			p.check(p.server.Restart())
			if late {
				p.check(p.execute("DELETE FROM authorizations"))
			}
			second := p.join(p.data)
			p.until("the access is taken up", func() bool { return len(p.spooled()) == 0 })
			connections := query[int](p.cluster, "SELECT count(*)::int FROM connections")
			if want := map[bool]int{false: 1}[late]; connections != want {
				t.Errorf("%d connections, want %d", connections, want)
			}
			if got := p.tokens.Load(); got != 1 {
				t.Errorf("the bank was asked for an access %d times", got)
			}
			if late {
				p.until("the access is handed back", func() bool { return p.revoked.Load() == 1 })
				return
			}
			p.through(user, second)
			callback.Host = second.address
			back, err := user.User.Integrator.FollowCallback(ctx, callback)
			if err != nil || back.Query().Get("status") != "success" {
				t.Fatalf("the repeated callback leads to %v, %v", back, err)
			}
			user.Connection = back.Query().Get("connection_id")
			err = user.Converse(ctx)
			if err != nil {
				t.Error(err)
			}
			if got := p.revoked.Load(); got != 0 {
				t.Errorf("%d accesses were handed back", got)
			}
		})
	}
}

// execute runs a statement in the database.
func (p *interrupted) execute(statement string) error {
	conn, err := pgx.Connect(p.t.Context(), p.database)
	if err != nil {
		return err
	}
	defer conn.Close(p.t.Context())
	_, err = conn.Exec(p.t.Context(), statement)
	return err
}
