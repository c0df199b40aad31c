// Package keepertest runs a keeper for a test, behind a door that the test may close.
//
// It must never be imported outside of tests. Start reading at Start.
package keepertest

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/keeper"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/vault/wire"
)

// Keeper is a keeper behind a door.
type Keeper struct {
	// Socket is the path of the door.
	Socket string
	// Log has the lines of the keeper's log.
	Log *Log

	t       testing.TB
	options keeper.Options
	mutex   sync.Mutex
	asked   []byte // the kinds of requests
	away    func(n int) bool
	stop    func()
}

// Log is a log of several goroutines.
type Log struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(line)
}

func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// Start runs a keeper with a key until the test ends.
func Start(t testing.TB, key vault.Options, change func(*keeper.Options)) *Keeper {
	t.Helper()
	k := &Keeper{t: t, Log: &Log{}, away: func(int) bool { return false }}
	// A path of a socket is short, and those of tests may be long.
	folder, err := os.MkdirTemp("", "keeper")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	k.Socket = filepath.Join(folder, "door")
	k.options = keeper.Options{
		Users: []uint32{uint32(os.Geteuid())}, Now: time.Now, Log: slog.New(slog.NewTextHandler(k.Log, nil)),
	}
	if change != nil {
		change(&k.options)
	}
	k.Begin(key)
	t.Cleanup(k.End)
	return k
}

// Begin starts the keeper with a key, after End.
func (k *Keeper) Begin(key vault.Options) {
	k.t.Helper()
	options := k.options
	var err error
	options.Master, err = vault.OpenMaster(key)
	if err != nil {
		k.t.Fatal(err)
	}
	inner, err := keeper.Listen(k.Socket+".inner", 0o600, -1)
	if err != nil {
		k.t.Fatal(err)
	}
	door, err := keeper.Listen(k.Socket, 0o600, -1)
	if err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		err := keeper.New(options).Serve(ctx, inner)
		if err != nil {
			k.t.Error(err)
		}
	})
	running.Go(func() { k.serve(ctx, door, &running) })
	k.stop = sync.OnceFunc(func() {
		cancel()
		_ = door.Close()
		running.Wait()
	})
}

// End stops the keeper.
func (k *Keeper) End() { k.stop() }

// Asked returns the kinds of requests so far.
func (k *Keeper) Asked() []byte {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return bytes.Clone(k.asked)
}

// AwayIf breaks the connection of each request for whose number, from zero on, away is true.
func (k *Keeper) AwayIf(away func(n int) bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.asked, k.away = nil, away
}

func (k *Keeper) note(kind byte) (away bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.asked = append(k.asked, kind)
	return k.away(len(k.asked) - 1)
}

func (k *Keeper) serve(ctx context.Context, door *net.UnixListener, running *sync.WaitGroup) {
	for {
		conn, err := door.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			inner, err := net.Dial("unix", k.Socket+".inner")
			if err != nil {
				return
			}
			defer inner.Close()
			for pass(conn, inner, k.note) && pass(inner, conn, nil) {
			}
		})
	}
}

// pass reads a message and writes it to the other side, unless note takes it away.
func pass(from, to net.Conn, note func(kind byte) bool) bool {
	m, _, err := wire.Read(from, nil)
	if err != nil || note != nil && note(m.Kind) {
		return false
	}
	text, err := m.Append(nil)
	if err != nil {
		return false
	}
	_, err = to.Write(text)
	return err == nil
}
