package e2e_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// pooled leads connections to PostgreSQL, and reads what a pooler of connections in the mode of
// transactions would not bear: PgBouncer gives a session to another caller after each transaction,
// and refuses settings at the start that it does not keep.
type pooled struct {
	mutex       sync.Mutex
	connections int
	faults      []string
}

// keptSettings are those that PgBouncer keeps for each caller.
var keptSettings = map[string]bool{
	"user": true, "database": true, "client_encoding": true, "datestyle": true, "timezone": true,
	"standard_conforming_strings": true, "application_name": true,
}

// ofSessions matches statements whose effect outlives their transaction.
var ofSessions = regexp.MustCompile(`(?i)\b(?:LISTEN|UNLISTEN|PREPARE|DEALLOCATE|DISCARD|DECLARE\s.*\sWITH HOLD|CREATE TEMP|pg_(?:try_)?advisory_lock)\b|(?:^|;)\s*SET\s+(?:SESSION\s+)?[a-z_]+\s*(?:=|TO)`)

func (p *pooled) fault(what string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.faults) < 10 {
		p.faults = append(p.faults, what)
	}
}

// serve leads one connection to the server at a socket.
func (p *pooled) serve(conn net.Conn, socket string) {
	defer conn.Close()
	server, err := net.Dial("unix", socket)
	if err != nil {
		p.fault(err.Error())
		return
	}
	defer server.Close()
	read, write := io.Pipe()
	go func() {
		defer server.Close()
		_, err := io.Copy(io.MultiWriter(server, write), conn)
		write.CloseWithError(err)
	}()
	go p.watch(read)
	_, _ = io.Copy(conn, server) // either side ends it
}

// watch reads the messages of a caller.
func (p *pooled) watch(messages io.Reader) {
	defer func() { _, _ = io.Copy(io.Discard, messages) }()
	caller := pgproto3.NewBackend(messages, io.Discard)
	begin, err := caller.ReceiveStartupMessage()
	start, ok := begin.(*pgproto3.StartupMessage)
	if err != nil || !ok {
		return // a request to cancel
	}
	p.mutex.Lock()
	p.connections++
	p.mutex.Unlock()
	for name := range start.Parameters {
		if !keptSettings[name] {
			p.fault("a connection begins with the setting " + name)
		}
	}
	for {
		message, err := caller.Receive()
		if err != nil {
			return
		}
		text := ""
		switch message := message.(type) {
		case *pgproto3.Parse:
			text = message.Query
			if message.Name != "" {
				p.fault("a prepared statement: " + text)
			}
		case *pgproto3.Query:
			text = message.String
		}
		if ofSessions.MatchString(text) {
			p.fault("a statement for the session: " + text)
		}
	}
}

// TestAPoolerOfConnectionsBearsThePlatform takes users through a platform behind a pooler: what
// needs a session of its own goes past it.
func TestAPoolerOfConnectionsBearsThePlatform(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	direct := storetest.Postgres(t)
	address, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	pooler := &pooled{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go pooler.serve(conn, filepath.Join(address.Query().Get("host"), ".s.PGSQL.5432"))
		}
	}()
	through := "postgres://oxlin@" + listener.Addr().String() + address.Path + "?sslmode=disable"

	_, bank := tapped(t)
	listen := freeAddress(t)
	platform := run(t, "platform", "serve", "--sandbox", "--roles", "api", "--roles", "worker", "--data", t.TempDir(),
		"--listen", listen, "--testbank-url", bank, "--database", through, "--database-direct", direct)
	platform.where(t, "platform")
	user, err := journey.Travel(ctx, integrator("http://"+listen), "pooled@example.test", journey.Dev, false, func() {})
	if err != nil {
		t.Fatal(err)
	}
	brought, err := user.Brought(ctx)
	if err != nil || len(brought) == 0 {
		t.Errorf("the user has %d things: %v", len(brought), err)
	}
	err = user.User.Delete(ctx, "/users/me")
	if err != nil {
		t.Error(err)
	}
	pooler.mutex.Lock()
	defer pooler.mutex.Unlock()
	if pooler.connections == 0 {
		t.Error("nothing went through the pooler")
	}
	if len(pooler.faults) > 0 {
		t.Errorf("a pooler does not bear:\n%s", strings.Join(pooler.faults, "\n"))
	}
}

// Two addresses of two databases, or a second one beside SQLite, are refused before anything is written.
func TestBothAddressesLeadToOneDatabase(t *testing.T) {
	t.Parallel()
	one, other := storetest.Postgres(t), storetest.Postgres(t)
	schema := func(address string) string { return address + "&search_path=public" }
	for _, command := range []string{"serve --sandbox --listen 127.0.0.1:0", "migrate", "client list"} {
		flags := []string{"--data", filepath.Join(t.TempDir(), "data")}
		for direct, address := range map[string]string{one: other, schema(one): other, one + "&search_path=pg_catalog": one} {
			wantRefusal(t, "the direct one lead to two databases: give --database-direct the server",
				with(command, flags, []string{"--database", address, "--database-direct", direct})...)
		}
		wantRefusal(t, "the database is SQLite, which has no pooler .*: leave --database-direct out", with(command, flags, []string{"--database-direct", one})...)
		wantRefusal(t, "want postgres://HOST/NAME for both addresses", with(command, flags, []string{"--database", one, "--database-direct", "sqlite:x"})...)
	}
	mustOxlin(t, "migrate", "--data", t.TempDir(), "--database", one, "--database-direct", schema(one))
}
