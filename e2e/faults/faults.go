package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// A fault strikes the platform, or its bank, while journeys are played.
type fault struct {
	name     string
	postgres bool
	// nodes are the processes on PostgreSQL.
	nodes int
	// hostile are the disturbances of the bank.
	hostile []disturbance
	// strike does harm once and mends it before it returns; pause bounds the time between.
	strike func(ctx context.Context, w *world, random *rand.Rand) error
	pause  time.Duration
}

func faults() []fault {
	return []fault{
		{name: "nodes", postgres: true, nodes: 3, strike: killNodes, pause: 6 * time.Second},
		{name: "postgresql", postgres: true, nodes: 2, strike: breakPostgres, pause: 6 * time.Second},
		{name: "sqlite", strike: killTheOnlyNode, pause: 4 * time.Second},
		{name: "disk", strike: fillDisk, pause: 5 * time.Second},
		{name: "lock", strike: lockDatabase, pause: 5 * time.Second},
		{name: "bank", hostile: disturbances()},
	}
}

func names() []string {
	var list []string
	for _, f := range faults() {
		list = append(list, f.name)
	}
	return list
}

// play plays journeys while the fault strikes, and judges them when it has ended.
func (f fault) play(ctx context.Context, s settings, folder string, journeys int) (*result, error) {
	if s.brief {
		f.hostile = slices.DeleteFunc(f.hostile, func(d disturbance) bool { return d.weight == rare })
		f.pause *= 2
	}
	w, err := begin(s, f, folder, journeys)
	defer w.close()
	if err != nil {
		return nil, err
	}
	travels, err := w.bear(ctx)
	if err != nil {
		return w.result, err
	}
	s.say("%s: the fault has ended; every user synchronises once more", f.name)
	return w.result, w.conclude(ctx, travels)
}

// bear plays the journeys while the fault strikes, and returns when it has ended.
func (w *world) bear(ctx context.Context) ([]*travel, error) {
	striking, calm := context.WithCancel(ctx)
	defer calm()
	struck := make(chan error, 1)
	go func() { struck <- w.strike(striking) }()
	travels := make([]*travel, w.result.journeys)
	w.each(func(i int) { travels[i] = w.travel(ctx, i) })
	calm()
	err := errors.Join(<-struck, ctx.Err())
	if err != nil {
		return nil, err
	}
	w.way.calm()
	return travels, w.ready(ctx)
}

// conclude judges the journeys, and what the platform has left.
func (w *world) conclude(ctx context.Context, travels []*travel) error {
	w.each(func(i int) { w.judge(ctx, travels[i]) })
	return errors.Join(w.inspect(ctx), ctx.Err())
}

// each does something for each journey, some at once.
func (w *world) each(do func(journey int)) {
	var group sync.WaitGroup
	turns := make(chan struct{}, w.settings.atOnce)
	for i := range w.result.journeys {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			do(i)
		})
	}
	group.Wait()
}

// strike strikes again and again, and at least once.
func (w *world) strike(ctx context.Context) error {
	if w.fault.strike == nil {
		return nil
	}
	for pause := w.fault.pause / 6; ; pause = w.fault.pause {
		sleep(ctx, w.random, pause)
		err := w.fault.strike(ctx, w, w.random)
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// sleep waits for a random time, and reports whether the context still lasts.
func sleep(ctx context.Context, random *rand.Rand, most time.Duration) bool {
	timer := time.NewTimer(time.Duration(random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// killNodes kills one of two nodes, or both, and starts them again.
func killNodes(ctx context.Context, w *world, random *rand.Rand) error {
	victims := w.nodes[1:]
	if n := random.IntN(3); n < 2 {
		victims = victims[n : n+1]
	}
	for _, n := range victims {
		err := w.kill(n)
		if err != nil {
			return err
		}
	}
	sleep(ctx, random, 3*time.Second)
	for _, n := range victims {
		err := n.start()
		if err != nil {
			return err
		}
	}
	return nil
}

// breakPostgres ends all sessions of PostgreSQL, or PostgreSQL.
func breakPostgres(ctx context.Context, w *world, random *rand.Rand) error {
	if random.IntN(2) == 0 {
		w.result.count("ends of all sessions")
		return w.server.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
	}
	w.result.count("crashes of PostgreSQL")
	err := w.server.Crash()
	if err != nil {
		return err
	}
	sleep(ctx, random, 3*time.Second)
	return w.server.Restart()
}

// kill kills a node in the middle of whatever it does.
func (w *world) kill(n *node) error {
	w.result.count("kills")
	w.way.noteKill()
	return n.end(syscall.SIGKILL)
}

// killTheOnlyNode kills the process and starts it again.
func killTheOnlyNode(_ context.Context, w *world, _ *rand.Rand) error {
	err := w.kill(w.nodes[0])
	if err != nil {
		return err
	}
	return w.nodes[0].start()
}

// fillDisk lets no file of the process grow for a moment.
func fillDisk(ctx context.Context, w *world, random *rand.Rand) error {
	w.result.count("full disks")
	n := w.nodes[0]
	n.mutex.Lock()
	pid := n.process.Command.Process.Pid
	n.mutex.Unlock()
	size := int64(0)
	files, err := filepath.Glob(filepath.Join(w.folder, "oxlin.db*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && strings.HasSuffix(file, "-wal") {
			size = info.Size()
		}
	}
	limit := func(bytes string) error {
		// The database's own file keeps its size: a checkpoint of it fails like a write.
		return exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--fsize="+bytes+":unlimited").Run()
	}
	err = limit(strconv.FormatInt(random.Int64N(size+1), 10))
	if err != nil {
		return err
	}
	sleep(ctx, random, 4*time.Second)
	return limit("unlimited")
}

// lockDatabase writes to the database from outside, without coming to an end for a while.
func lockDatabase(ctx context.Context, w *world, random *rand.Rand) error {
	w.result.count("locks")
	most := 3 * time.Second
	if random.IntN(4) == 0 {
		most = 15 * time.Second // longer than SQLite waits
	}
	lasting := context.WithoutCancel(ctx)
	db, err := store.Open(lasting, w.database, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.SQLite().Conn(lasting)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.ExecContext(lasting, "BEGIN IMMEDIATE")
	if err != nil {
		return nil // the platform was faster for ten seconds
	}
	sleep(ctx, random, most)
	_, err = conn.ExecContext(lasting, "ROLLBACK")
	return err
}
