package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/oxlin/oxlin/client"
	processes "github.com/oxlin/oxlin/e2e/process"
	"github.com/oxlin/oxlin/internal/scenario"
)

// bench is the measured platform with its neighbours, clients and users.
type bench struct {
	settings  settings
	directory string
	database  string
	// create creates another empty database of the same kind; nil if the address was given.
	create func(name string) (address string, err error)

	bank, platform, ceiling *process
	listen                  string
	read, write             *sql.DB

	clients []scenario.Integrator
	users   []user
	// heavy has two accounts with very many rows.
	heavy *user
	// small are connections without anything new, and at the first bank those of hanging.
	small, hanging []connection
	firsts         []figure
}

// user is a user of one of the clients.
type user struct {
	scenario.Session
	email string
}

func (u user) token() string { return u.Tokens.AccessToken }

// connection is a user's connection to one of the banks.
type connection struct {
	user user
	id   string
}

const (
	password = "bench-password-9"
	// returnTo is the page of the integrators to which users come back.
	returnTo = "https://integrator.example/return"
)

// clients is the number of integrators. A client may send 2,000 requests a second.
const clients = 8

// browser keeps its connections, as an integrator's software does.
var browser = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// self is this process.
func self() *process {
	found, _ := os.FindProcess(os.Getpid())
	return &process{command: &exec.Cmd{Process: found}}
}

// startSelf starts another command of this program.
func (b *bench) startSelf(ctx context.Context, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, filepath.Join(b.directory, args[0]+".log"), args[0], program, args...)
}

// close ends all processes.
func (b *bench) close() {
	for _, p := range []*process{b.platform, b.ceiling, b.bank} {
		if p != nil {
			_ = p.end()
		}
	}
	if b.read != nil {
		_ = b.read.Close()
		_ = b.write.Close()
	}
}

// launch starts a platform with its default limits.
func (b *bench) launch(ctx context.Context, flags ...string) (*process, error) {
	providers := filepath.Join(b.directory, "banks")
	if b.bank == nil {
		bank, err := b.startSelf(ctx, bankCommand)
		if err != nil {
			return nil, err
		}
		b.bank = bank
		err = writePaperBanks(providers, bank.address)
		if err != nil {
			return nil, err
		}
		b.listen, err = processes.FreeAddress()
		if err != nil {
			return nil, err
		}
	}
	profiles, err := processes.FreeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--sandbox", "--data=" + b.directory, "--database=" + b.database, "--listen=" + b.listen, "--testbank-url=" + b.bank.address}
	if b.settings.profile != "" {
		args = append(args, "--pprof="+profiles)
	}
	// The last of two equal flags counts.
	args = append(args, "--roles=api,worker", "--providers="+providers)
	args = append(append(args, strings.Fields(b.settings.flags)...), flags...)
	p, err := start(ctx, filepath.Join(b.directory, "platform.log"), "platform", b.settings.binary, args...)
	if p != nil {
		p.profiles = profiles
	}
	return p, err
}

// serve starts the platform unless it runs.
func (b *bench) serve(ctx context.Context) error {
	if b.platform != nil {
		return nil
	}
	var err error
	b.platform, err = b.launch(ctx)
	if err != nil {
		return err
	}
	if b.read == nil {
		b.read, b.write, err = openDatabase(b.database)
	}
	return err
}

// stop ends the platform.
func (b *bench) stop() error {
	if b.platform == nil {
		return nil
	}
	err := b.platform.end()
	b.platform = nil
	return err
}

// beside starts the ceiling unless it runs.
func (b *bench) startCeiling(ctx context.Context) error {
	err := b.serve(ctx)
	if err == nil && b.ceiling == nil {
		b.ceiling, err = b.startSelf(ctx, ceilingCommand, b.database)
	}
	return err
}

// populate makes the clients and the users.
func (b *bench) populate(ctx context.Context) error {
	err := b.serve(ctx)
	if err != nil || len(b.users) > 0 {
		return err
	}
	say("%d clients and %d users", clients, b.settings.users)
	for n := range clients {
		id, secret, err := b.createClient(ctx, fmt.Sprintf("Bench %d", n))
		if err != nil {
			return err
		}
		b.clients = append(b.clients, scenario.Integrator{Platform: b.platform.address, ClientID: id, ClientSecret: secret, HTTP: browser})
	}
	users := make([]user, b.settings.users+1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for n := range users {
		group.Go(func() (err error) {
			users[n], err = createUser(ctx, b.clients[n%clients], fmt.Sprintf("bench-%d@example.test", n))
			return err
		})
	}
	err = group.Wait()
	b.users, b.heavy = users[1:], &users[0]
	return err
}

// createClient makes a client with a PSD2 agreement of its own.
func (b *bench) createClient(ctx context.Context, name string) (id, secret string, err error) {
	printed, err := exec.CommandContext(ctx, b.settings.binary, "client", "create", name, "--licensed", "--redirect-uri="+returnTo, "--data="+b.directory, "--database="+b.database).Output()
	if err != nil {
		return "", "", fmt.Errorf("client create: %w", err)
	}
	_, err = fmt.Sscanf(string(printed), "client_id %s\nclient_secret %s", &id, &secret)
	return id, secret, err
}

func createUser(ctx context.Context, of scenario.Integrator, email string) (user, error) {
	applicant, err := of.ClientToken(ctx)
	if err != nil {
		return user{}, err
	}
	_, err = applicant.CreateUser(ctx, email, password)
	if err != nil {
		return user{}, err
	}
	session, err := of.UserToken(ctx, email, password)
	return user{session, email}, err
}

// visit lets a user give consent at a bank, where they have accounts of so many rows each. It returns
// the address of the platform that the bank redirects to.
func visit(ctx context.Context, u user, bank, accounts, rows int) (*url.URL, error) {
	provider := fmt.Sprint(providerOf(bank))
	address, err := u.AuthorizeURL(ctx, provider, provider+"01", returnTo)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+fmt.Sprintf("&holding=%dx%d", accounts, rows), nil)
	if err != nil {
		return nil, err
	}
	response, err := browser.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return response.Location()
}

// arrive follows the way back from the bank, which begins the first synchronisation.
func arrive(ctx context.Context, u user, callback *url.URL) (connection, error) {
	back, err := u.Integrator.FollowCallback(ctx, callback)
	if err != nil {
		return connection{}, err
	}
	id := back.Query().Get("connection_id")
	if id == "" {
		return connection{}, fmt.Errorf("the way back leads to %s", back)
	}
	return connection{u, id}, nil
}

// connect connects several users, and waits until all are synchronised.
func (b *bench) connect(ctx context.Context, n int, bankOf func(int) int, accounts, rows int) ([]connection, error) {
	connections := make([]connection, n)
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range n {
		group.Go(func() error {
			u := b.users[i%len(b.users)]
			callback, err := visit(within, u, bankOf(i), accounts, rows)
			if err != nil {
				return err
			}
			connections[i], err = arrive(within, u, callback)
			return err
		})
	}
	err := group.Wait()
	if err != nil {
		return nil, err
	}
	return connections, b.idle(ctx)
}

// count runs a query that counts. It asks the database, so that waiting costs the platform nothing.
func (b *bench) count(ctx context.Context, text string, args ...any) (n int64, err error) {
	err = b.read.QueryRowContext(ctx, numbered(b.database, text), args...).Scan(&n)
	return n, err
}

// until waits until a query counts to a number.
func (b *bench) until(ctx context.Context, want int64, text string, args ...any) error {
	for begun := time.Now(); ; {
		n, err := b.count(ctx, text, args...)
		if err != nil || n == want {
			return err
		}
		if time.Since(begun) > 30*time.Minute {
			return fmt.Errorf("still %d, not %d: %s", n, want, text)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// idle waits until no synchronisation runs. All channels must be well.
func (b *bench) idle(ctx context.Context) error {
	err := b.until(ctx, 0, "SELECT COUNT(*) FROM synchronisations WHERE ended_at = 0")
	if err != nil {
		return err
	}
	unwell, err := b.count(ctx, "SELECT COUNT(*) FROM channels WHERE status <> 'SUCCESS'")
	if err == nil && unwell > 0 {
		err = fmt.Errorf("%d connections are not synchronised; the platform's log is:\n%s", unwell, tail(b.platform.log))
	}
	return err
}

// synchronise asks for a synchronisation, with or without the user.
func (c connection) synchronise(ctx context.Context, present bool) error {
	api, err := c.user.API()
	if err != nil {
		return err
	}
	params := client.SynchronizeConnectionParams{ConnectionID: c.id}
	if present {
		params.PSUIPAddress = client.NewOptString("192.0.2.7")
	}
	return api.SynchronizeConnection(ctx, client.OptSyncRequest{}, params)
}

// sampled runs a function, and returns the most private memory in MB that a process had meanwhile.
func sampled(p *process, do func() error) (most float64, err error) {
	var ended atomic.Bool
	done := make(chan error, 1)
	go func() {
		defer close(done)
		for !ended.Load() {
			memory, err := p.memory()
			if err != nil {
				done <- err
				return
			}
			most = max(most, memory)
			time.Sleep(100 * time.Millisecond)
		}
	}()
	err = do()
	ended.Store(true)
	return most, errors.Join(err, <-done)
}
