package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	processes "github.com/oxlin/oxlin/e2e/process"
)

// arrangement is a number of platforms that share one database.
type arrangement struct {
	nodes  int
	pooled bool
}

func (a arrangement) String() string {
	name := fmt.Sprintf("%d nodes", a.nodes)
	if a.nodes == 1 {
		name = "1 node"
	}
	if a.pooled {
		name += ", pooled"
	}
	return name
}

// measureNodes compares platforms that share a PostgreSQL, with and without PgBouncer between, with one
// alone, which stands in the column of the ceiling. All run on this machine: on few processors, more nodes
// cannot be faster, and the figures show the cost of sharing.
func measureNodes(ctx context.Context, b *bench) ([]figure, error) {
	if !strings.HasPrefix(b.database, "postgres:") {
		say("one node: SQLite belongs to one process")
		return nil, nil
	}
	_, err := b.firstSynchronisations(ctx)
	if err == nil {
		err = b.connectSmall(ctx)
	}
	if err != nil {
		return nil, err
	}
	var lists [][]byte
	for _, u := range b.users {
		lists = append(lists, get("/v2.1/transactions?limit=100", u.token()))
	}
	err = b.stop()
	if err != nil {
		return nil, err
	}
	pooler, pooled, err := b.startPooler()
	if err != nil {
		return nil, err
	}
	if pooler != nil {
		defer pooler.Abandon()
	} else {
		say("PgBouncer is not installed (Debian: pgbouncer): nodes without it alone")
	}
	works := []struct {
		name string
		load
	}{
		{"tokens, 64 callers", load{callers: 64, requests: b.tokenRequests()}},
		{"lists of 100, 8 callers", load{callers: 8, requests: lists, pace: 50}},
	}
	var figures []figure
	alone := make(map[string]figure)
	for _, a := range []arrangement{{1, false}, {2, false}, {4, false}, {1, true}, {2, true}, {4, true}} {
		if a.pooled && pooler == nil {
			continue
		}
		say("%v", a)
		nodes, f, err := b.dueAt(ctx, a, pooled)
		all := []figure{f}
		for _, work := range works {
			if err != nil {
				break
			}
			f, err = b.at(ctx, nodes, work.load)
			f.Name = work.name
			all = append(all, f)
		}
		for _, node := range nodes {
			err = errors.Join(err, node.end())
		}
		if err != nil {
			return figures, fmt.Errorf("%v: %w", a, err)
		}
		for _, f := range all {
			if _, known := alone[f.Name]; !known {
				alone[f.Name] = f
			}
			one := alone[f.Name]
			f.Name += ": " + a.String()
			f.Ceiling, f.CeilingCPU, f.CeilingP99 = one.Value, one.CPU, one.P99
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// startPooler starts PgBouncer in front of the database, with the settings that docs/scale.md names, and
// returns the address that leads through it. The process is nil if PgBouncer is not installed.
func (b *bench) startPooler() (pooler *processes.Process, address string, err error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		return nil, "", nil
	}
	database, err := url.Parse(b.database)
	if err != nil {
		return nil, "", err
	}
	listen, err := processes.FreeAddress()
	if err != nil {
		return nil, "", err
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, "", err
	}
	name, settings := strings.TrimPrefix(database.Path, "/"), database.Query()
	secret := ""
	if password, set := database.User.Password(); set {
		secret = " password='" + strings.ReplaceAll(password, "'", "''") + "'"
	}
	// PgBouncer refuses to run as root, and reads its settings as the other user.
	file, err := os.CreateTemp("", "oxlin-bench-pgbouncer-*.ini")
	if err != nil {
		return nil, "", err
	}
	defer os.Remove(file.Name())
	_, err = fmt.Fprintf(file, `[databases]
%[1]s = host=%[2]s port=%[3]s dbname=%[1]s user=%[4]s%[5]s
[pgbouncer]
listen_addr = %[6]s
listen_port = %[7]s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 16
max_client_conn = 500
`, name, cmp.Or(settings.Get("host"), database.Hostname()), cmp.Or(settings.Get("port"), database.Port(), "5432"), database.User.Username(), secret, host, port)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return nil, "", err
	}
	args := []string{file.Name()}
	if os.Geteuid() == 0 {
		args = []string{"-u", "postgres", file.Name()}
	}
	pooler, err = processes.Launch(filepath.Join(b.directory, "pgbouncer.log"), program, args...)
	if err != nil {
		return nil, "", err
	}
	for begun := time.Now(); ; {
		connection, err := net.Dial("tcp", listen)
		if err == nil {
			return pooler, (&url.URL{Scheme: "postgres", User: url.User(database.User.Username()), Host: listen, Path: name}).String(), connection.Close()
		}
		if time.Since(begun) > 10*time.Second {
			return nil, "", errors.Join(err, fmt.Errorf("PgBouncer does not answer: %s", tail(filepath.Join(b.directory, "pgbouncer.log"))), pooler.End(syscall.SIGKILL))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// start starts the platforms of an arrangement.
func (b *bench) start(ctx context.Context, a arrangement, pooled string) ([]*process, error) {
	var nodes []*process
	for range a.nodes {
		listen, err := processes.FreeAddress()
		if err != nil {
			return nodes, err
		}
		flags := []string{"--listen=" + listen}
		if a.pooled {
			flags = append(flags, "--database="+pooled, "--database-direct="+b.database)
		}
		node, err := b.launch(ctx, flags...)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// dueAt makes all connections without news due, and measures from the start of an arrangement's platforms until
// all are synchronised. It returns the platforms, which go on.
func (b *bench) dueAt(ctx context.Context, a arrangement, pooled string) ([]*process, figure, error) {
	due, err := b.makeDue(ctx)
	if err != nil {
		return nil, figure{}, err
	}
	last, err := b.count(ctx, "SELECT MAX(id) FROM synchronisations")
	if err != nil {
		return nil, figure{}, err
	}
	// The first platform begins while the others start, so their start is part of it.
	begun := time.Now()
	nodes, err := b.start(ctx, a, pooled)
	if err == nil {
		err = b.until(ctx, due, "SELECT COUNT(*) FROM synchronisations WHERE id > ? AND ended_at > 0", last)
	}
	if err != nil {
		return nodes, figure{}, err
	}
	elapsed := time.Since(begun)
	used, err := processorTime(nodes)
	return nodes, figure{
		Name: fmt.Sprintf("due at once, %d connections", due), Unit: "synchronisations/s",
		Value: float64(due) / elapsed.Seconds(), CPU: float64(used.Microseconds()) / float64(due),
	}, err
}

// at makes a load at platforms at once, its callers dealt out among them, and takes the median round.
func (b *bench) at(ctx context.Context, nodes []*process, l load) (figure, error) {
	var rounds []outcome
	for range b.settings.rounds {
		begun := time.Now()
		outcomes := make([]outcome, len(nodes))
		group, groupCtx := errgroup.WithContext(ctx)
		for n, node := range nodes {
			group.Go(func() (err error) {
				share := len(l.requests) / len(nodes)
				own := load{callers: max(1, l.callers/len(nodes)), requests: l.requests[n*share : (n+1)*share]}
				outcomes[n], err = own.run(groupCtx, node, b.settings.lasting, 0)
				return err
			})
		}
		err := group.Wait()
		if err != nil {
			return figure{}, err
		}
		round := together(outcomes)
		err = l.rest(ctx, round, begun)
		if err != nil {
			return figure{}, err
		}
		rounds = append(rounds, round)
	}
	o := middle(rounds)
	return figure{Unit: "/s", Value: o.rate, CPU: o.cpu, P50: milliseconds(o.p50), P99: milliseconds(o.p99)}, nil
}

// together adds the answers of several platforms in the same time. The times are those of the slowest.
func together(outcomes []outcome) outcome {
	var all outcome
	for _, o := range outcomes {
		all.rate += o.rate
		all.cpu += o.cpu * float64(o.answers)
		all.answers += o.answers
		all.p50, all.p99 = max(all.p50, o.p50), max(all.p99, o.p99)
	}
	all.cpu /= float64(all.answers)
	return all
}

// processorTime adds up the processor time of platforms since their start.
func processorTime(nodes []*process) (time.Duration, error) {
	var total time.Duration
	for _, node := range nodes {
		used, err := node.cpu()
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}
