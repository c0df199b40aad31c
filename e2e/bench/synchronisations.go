package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// anyBank deals connections out to all banks but the first, which hangs at times.
func anyBank(n int) int { return 1 + n%(banks-1) }

// firstSynchronisations connects every user once, and measures it the first time.
func (b *bench) firstSynchronisations(ctx context.Context) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil || b.firsts != nil {
		return b.firsts, err
	}
	s := b.settings
	say("first synchronisations of %d users, 2 accounts of %d rows each", s.users, s.rows)
	callbacks := make([]*url.URL, len(b.users))
	for n, u := range b.users {
		callbacks[n], err = visit(ctx, u, anyBank(n), 2, s.rows)
		if err != nil {
			return nil, err
		}
	}
	many, err := b.first(ctx, fmt.Sprintf("first synchronisations, accounts of %d rows", s.rows), s.users*2*s.rows, func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(8)
		for n, u := range b.users {
			group.Go(func() error {
				_, err := arrive(ctx, u, callbacks[n])
				return err
			})
		}
		return group.Wait()
	})
	b.firsts = []figure{many}
	return b.firsts, err
}

// first measures first synchronisations with so many rows in all.
func (b *bench) first(ctx context.Context, name string, rows int, begin func(context.Context) error) (figure, error) {
	const all = "SELECT COUNT(*) FROM transactions"
	before, err := b.count(ctx, all)
	if err != nil {
		return figure{}, err
	}
	idle, err := b.platform.memory()
	if err != nil {
		return figure{}, err
	}
	used, err := b.platform.cpu()
	if err != nil {
		return figure{}, err
	}
	f := figure{Name: name, Unit: "rows/s", Target: "75 µs a row"}
	most, err := sampled(b.platform, func() (err error) {
		begun := time.Now()
		f.Note, err = b.profiled(ctx, name, func() error { return errors.Join(begin(ctx), b.idle(ctx)) })
		f.Value = float64(rows) / time.Since(begun).Seconds()
		return err
	})
	if err != nil {
		return f, err
	}
	now, err := b.platform.cpu()
	if err != nil {
		return f, err
	}
	after, err := b.count(ctx, all)
	if err == nil && after-before != int64(rows) {
		err = fmt.Errorf("%d rows came, not %d", after-before, rows)
	}
	f.CPU = float64((now - used).Microseconds()) / float64(rows)
	f.Note = strings.TrimSpace(fmt.Sprintf("%.0f MB of private memory more than before at most. %s", most-idle, f.Note))
	return f, err
}

// fillHeavy connects the heavy user.
func (b *bench) fillHeavy(ctx context.Context) error {
	_, err := b.firstHeavy(ctx)
	return err
}

// firstHeavy measures the first synchronisations of the heavy user, the first time.
func (b *bench) firstHeavy(ctx context.Context) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	known, err := b.count(ctx, "SELECT COUNT(*) FROM connections JOIN users ON users.id = connections.user_id WHERE email = ?", b.heavy.email)
	if err != nil || known > 0 {
		return nil, err
	}
	var figures []figure
	for _, of := range []struct{ accounts, rows int }{{2, b.settings.heavyRows}, {1, 1_000_000}} {
		if of.accounts == 1 && !b.settings.million {
			continue
		}
		say("first synchronisation of an account of %d rows", of.rows)
		callback, err := visit(ctx, *b.heavy, 1, of.accounts, of.rows)
		if err != nil {
			return figures, err
		}
		f, err := b.first(ctx, fmt.Sprintf("first synchronisation, accounts of %d rows", of.rows), of.accounts*of.rows, func(ctx context.Context) error {
			_, err := arrive(ctx, *b.heavy, callback)
			return err
		})
		if err != nil {
			return figures, err
		}
		f.Target = "75 µs a row, 64 MB"
		figures = append(figures, f)
	}
	return figures, nil
}

func (b *bench) heavyConnection(ctx context.Context) (connection, error) {
	var list []struct {
		ID string `json:"id"`
	}
	err := b.heavy.Get(ctx, "/connections", &list)
	if err == nil && len(list) == 0 {
		err = errors.New("the heavy user has no connection")
	}
	if err != nil {
		return connection{}, err
	}
	return connection{*b.heavy, list[0].ID}, nil
}

func measureFirstSynchronisations(ctx context.Context, b *bench) ([]figure, error) {
	figures, err := b.firstSynchronisations(ctx)
	if err != nil {
		return figures, err
	}
	heavy, err := b.firstHeavy(ctx)
	return append(slices.Clone(figures), heavy...), err
}

// smallRows are the rows of each account of the connections that are due.
const smallRows = 100

// connectSmall makes the connections of the next experiments.
func (b *bench) connectSmall(ctx context.Context) error {
	err := b.populate(ctx)
	if err != nil || b.small != nil {
		return err
	}
	say("connecting %d users to banks without news", b.settings.connections)
	b.small, err = b.connect(ctx, b.settings.connections, anyBank, 2, smallRows)
	return err
}

// measureDue makes many connections due at the same time, and measures until all are synchronised.
// Their banks have nothing new.
func measureDue(ctx context.Context, b *bench) ([]figure, error) {
	err := b.connectSmall(ctx)
	if err != nil {
		return nil, err
	}
	alone, err := b.withoutNews(ctx)
	if err != nil {
		return nil, err
	}
	err = b.stop()
	if err != nil {
		return nil, err
	}
	say("%d connections are due at once", len(b.small))
	due, err := b.makeDue(ctx)
	if err != nil {
		return nil, err
	}
	last, err := b.count(ctx, "SELECT MAX(id) FROM synchronisations")
	if err != nil {
		return nil, err
	}
	err = b.serve(ctx)
	if err != nil {
		return nil, err
	}
	used, err := b.platform.cpu()
	if err != nil {
		return nil, err
	}
	written, err := b.platform.written()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	f := figure{Name: fmt.Sprintf("due at once, %d connections", due), Unit: "synchronisations/s", Target: "as fast as workers are free"}
	f.Note, err = b.profiled(ctx, "due", func() error {
		return b.until(ctx, due, "SELECT COUNT(*) FROM synchronisations WHERE id > ? AND ended_at > 0", last)
	})
	if err != nil {
		return nil, err
	}
	elapsed := time.Since(begun)
	now, err := b.platform.cpu()
	if err != nil {
		return nil, err
	}
	more, err := b.platform.written()
	if err != nil {
		return nil, err
	}
	f.Value, f.CPU = float64(due)/elapsed.Seconds(), float64((now-used).Microseconds())/float64(due)
	f.Note = strings.TrimSpace(fmt.Sprintf("%.0f a minute; all ended %.1f s after the start; the process wrote %.0f kB for each. %s",
		60*f.Value, elapsed.Seconds(), (more-written)/float64(due), f.Note))
	return append(alone, f), b.idle(ctx)
}

// makeDue makes the connections without news due. No platform runs meanwhile.
func (b *bench) makeDue(ctx context.Context) (due int64, err error) {
	for _, c := range b.small {
		_, err := b.write.ExecContext(ctx, numbered(b.database, "UPDATE channels SET next_sync_at = ? WHERE connection_id = CAST(? AS BIGINT)"),
			time.Now().Add(-time.Hour).UnixMicro(), c.id)
		if err != nil {
			return 0, err
		}
		due++
	}
	return due, nil
}

// withoutNews measures synchronisations one after the other, without the user: their processor
// time, the commits and the bytes of the database's log.
func (b *bench) withoutNews(ctx context.Context) ([]figure, error) {
	const times = 8
	say("synchronisations without news")
	if strings.HasPrefix(b.database, "sqlite:") {
		// The log begins anew when it is long; a short one hardly does so meanwhile.
		_, err := b.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		if err != nil {
			return nil, err
		}
	}
	// The first one gives the log its name, by which a new beginning is noticed.
	err := errors.Join(b.small[0].synchronise(ctx, false), b.idle(ctx))
	if err != nil {
		return nil, err
	}
	used, err := b.platform.cpu()
	if err != nil {
		return nil, err
	}
	var total committed
	counted, connections := 0.0, b.small[:min(times, len(b.small))]
	for _, c := range connections {
		before, err := b.committed(ctx)
		if err != nil {
			return nil, err
		}
		err = errors.Join(c.synchronise(ctx, false), b.idle(ctx))
		if err != nil {
			return nil, err
		}
		after, err := b.committed(ctx)
		if err != nil {
			return nil, err
		}
		// A log that began anew in between does not tell how much it held before.
		if after.log == before.log {
			total.commits += after.commits - before.commits
			total.bytes += after.bytes - before.bytes
			counted++
		}
	}
	now, err := b.platform.cpu()
	if err != nil {
		return nil, err
	}
	figures := []figure{{Name: "synchronisation without news, CPU", Unit: "ms", Value: float64((now - used).Microseconds()) / 1000 / float64(len(connections)), Target: "6 ms",
		Note: "2 accounts, without signatures, with the request that asks for it"}}
	if counted == 0 {
		return figures, errors.New("the log of the database began anew during each synchronisation without news")
	}
	return append(figures,
		figure{Name: "synchronisation without news, commits", Unit: "commits", Value: float64(total.commits) / counted, Target: "4 of ours",
			Note: "all transactions that write, those of the job engine and of the heartbeat too"},
		figure{Name: "synchronisation without news, written", Unit: "kB", Value: float64(total.bytes) / 1000 / counted, Target: "90 kB"}), nil
}

// committed counts the commits of a database so far, from its log.
type committed struct {
	log     string // what the log is called, to see that it began anew
	commits int64
	bytes   int64
}

func (b *bench) committed(ctx context.Context) (c committed, err error) {
	path, ok := strings.CutPrefix(b.database, "sqlite:")
	if !ok {
		// Only transactions that write have a number.
		c.commits, err = b.count(ctx, "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT)")
		if err == nil {
			c.bytes, err = b.count(ctx, "SELECT CAST(pg_current_wal_lsn() - '0/0' AS BIGINT)")
		}
		return c, err
	}
	return readWAL(path + "-wal")
}

// readWAL counts the commits in SQLite's log. A frame has a header of 24 bytes: the number of the
// page, the size of the database if the frame ends a transaction, and the salts of the log, which
// change when it begins anew (https://sqlite.org/fileformat2.html#walformat).
func readWAL(path string) (c committed, err error) {
	log, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if len(log) < 32 {
		return c, nil
	}
	salt := string(log[16:24])
	frame := 24 + int(binary.BigEndian.Uint32(log[8:12]))
	c.log = fmt.Sprintf("%x", salt)
	for at := 32; at+frame <= len(log) && string(log[at+8:at+16]) == salt; at += frame {
		c.bytes += int64(frame)
		if binary.BigEndian.Uint32(log[at+4:at+8]) > 0 {
			c.commits++
		}
	}
	return c, nil
}
