package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/vault/wire"
)

// Options configure a Keeper.
type Options struct {
	Master *vault.Master
	// Users and Groups are the numbers of users and groups. A process of one of the users, or
	// whose first group is one of the groups, may ask.
	Users, Groups []uint32
	// Opens is how many values a second may be opened; 0 for no limit. Ten seconds' worth may be
	// opened at once. What is above waits for two seconds at most, and is refused then.
	Opens int
	// Count is how often the counts are logged; 0 is a minute.
	Count time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

const (
	// mostPeers bounds the connections.
	mostPeers = 256
	// patience bounds how long a request waits for the limit.
	patience = 2 * time.Second
	// messageTime bounds how long a message may take from its first byte to its last one.
	messageTime = 5 * time.Second
	// limitSeconds is how many seconds' worth of values may be opened at once.
	limitSeconds = 10
)

// Keeper answers requests with a master key.
type Keeper struct {
	options Options
	limit   pace.Limit
	mutex   sync.Mutex
	arrival time.Time
	peers   map[net.Conn]bool
	closed  bool
	running sync.WaitGroup
	counts  counts
}

// counts count the items of requests since the last line of the log.
type counts struct{ opened, lost, wrapped, hashed, refused, busy atomic.Int64 }

// New returns a keeper that does not listen yet.
func New(options Options) *Keeper {
	if options.Count == 0 {
		options.Count = time.Minute
	}
	k := &Keeper{options: options, peers: map[net.Conn]bool{}}
	if options.Opens > 0 {
		k.limit = pace.Burst(limitSeconds*options.Opens, time.Second/time.Duration(options.Opens))
	}
	return k
}

// Serve answers the peers of a listener until ctx ends, and closes the listener.
func (k *Keeper) Serve(ctx context.Context, listener *net.UnixListener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer k.close()
	k.running.Go(func() { k.count(ctx) })
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		conn, err := listener.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("keeper: %w", err)
		case err != nil: // too many open files, which end
			k.options.Log.WarnContext(ctx, "a peer could not be accepted", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		k.accept(ctx, conn)
	}
}

// accept answers a peer if it is allowed.
func (k *Keeper) accept(ctx context.Context, conn *net.UnixConn) {
	who, err := peerOf(conn)
	if err != nil || !slices.Contains(k.options.Users, who.user) && !slices.Contains(k.options.Groups, who.group) {
		k.counts.refused.Add(1)
		k.options.Log.WarnContext(ctx, "a process that is not allowed asked for the master key's work", "user", who.user, "group", who.group, "process", who.process, "error", err)
		_ = conn.Close()
		return
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.closed || len(k.peers) >= mostPeers {
		_ = conn.Close()
		return
	}
	k.peers[conn] = true
	k.running.Go(func() {
		k.talk(ctx, conn)
		_ = conn.Close()
		k.mutex.Lock()
		defer k.mutex.Unlock()
		delete(k.peers, conn)
	})
}

// close ends all connections and waits for them.
func (k *Keeper) close() {
	k.mutex.Lock()
	k.closed = true
	for conn := range k.peers {
		_ = conn.Close()
	}
	k.mutex.Unlock()
	k.running.Wait()
}

// talk answers the requests of one connection, one after the other.
func (k *Keeper) talk(ctx context.Context, conn net.Conn) {
	var body, out []byte
	defer func() { clear(body[:cap(body)]) }()
	for {
		err := conn.SetDeadline(time.Time{}) // a peer may be silent between two requests
		if err != nil {
			return
		}
		var request wire.Message
		request, body, err = wire.Read(&message{conn, false}, body)
		switch {
		case errors.Is(err, wire.ErrMessage):
			k.counts.refused.Add(1)
			k.send(conn, wire.Message{Kind: wire.Refused, Items: [][]byte{[]byte(err.Error())}}, nil)
			return
		case err != nil:
			return
		}
		answer := k.answer(ctx, request)
		out = k.send(conn, answer, out)
		for _, item := range answer.Items {
			clear(item)
		}
		clear(body)
		if out == nil || answer.Kind == wire.Refused {
			return
		}
		if cap(out) > keptBuffer || cap(body) > keptBuffer {
			body, out = nil, out[:0:0]
		}
	}
}

// keptBuffer bounds the memory that a connection keeps between two requests.
const keptBuffer = 64 << 10

// message gives a message, once it has begun, messageTime to arrive.
type message struct {
	net.Conn
	begun bool
}

func (m *message) Read(into []byte) (int, error) {
	n, err := m.Conn.Read(into)
	if n > 0 && !m.begun {
		m.begun = true
		err = errors.Join(err, m.SetDeadline(time.Now().Add(messageTime)))
	}
	return n, err
}

// send writes a message and overwrites its bytes. It returns nil if it could not.
func (k *Keeper) send(conn net.Conn, m wire.Message, buffer []byte) []byte {
	out, err := m.Append(buffer[:0])
	if err != nil {
		out, err = wire.Message{Kind: wire.Refused, Items: [][]byte{[]byte("the answer is too long")}}.Append(buffer[:0])
	}
	if err == nil {
		err = conn.SetWriteDeadline(time.Now().Add(messageTime))
	}
	if err == nil {
		_, err = conn.Write(out)
	}
	clear(out)
	if err != nil {
		return nil
	}
	return out[:0]
}

func refuse(why string) wire.Message {
	return wire.Message{Kind: wire.Refused, Items: [][]byte{[]byte(why)}}
}

// answer returns the answer to a request.
func (k *Keeper) answer(ctx context.Context, request wire.Message) wire.Message {
	answer, err := k.work(ctx, request)
	switch {
	case errors.Is(err, errBusy):
		k.counts.busy.Add(int64(len(request.Items)))
		return wire.Message{Kind: wire.Busy}
	case err != nil:
		k.counts.refused.Add(1)
		return refuse(err.Error())
	}
	return wire.Message{Kind: wire.OK, Items: answer}
}

// errBusy: the limit is reached.
var errBusy = errors.New("too many values at once")

func (k *Keeper) work(ctx context.Context, request wire.Message) (answer [][]byte, err error) {
	most := wire.MostWrapped
	switch request.Kind {
	case wire.Hash:
		most = wire.MostBytes
	case wire.Wrap:
		most = wire.MostKey
	}
	for _, item := range request.Items {
		if len(item) > most {
			return nil, errors.New("an item is too long")
		}
	}
	n := int64(len(request.Items))
	switch request.Kind {
	case wire.Names:
		if n > 0 {
			return nil, errors.New("names have no items")
		}
		names, err := k.options.Master.Names()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(names)
		return [][]byte{text}, err
	case wire.Wrap:
		k.counts.wrapped.Add(n)
		return k.options.Master.Wrap(request.Items)
	case wire.Unwrap:
		return k.unwrap(ctx, request.Items)
	case wire.Rewrap:
		return k.rewrap(request.Items)
	case wire.Hash:
		k.counts.hashed.Add(n)
		all, err := k.options.Master.Hashes(request.Items)
		return slices.Concat(all...), err
	}
	return nil, fmt.Errorf("%d is no kind of request", request.Kind)
}

func (k *Keeper) unwrap(ctx context.Context, wrapped [][]byte) (answer [][]byte, err error) {
	err = k.pace(ctx, len(wrapped))
	if err != nil {
		return nil, err
	}
	keys, err := k.options.Master.Unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key == nil {
			k.counts.lost.Add(1)
			answer = append(answer, []byte{wire.Lost})
			continue
		}
		k.counts.opened.Add(1)
		answer = append(answer, append([]byte{wire.Done}, key...))
		clear(key)
	}
	return answer, nil
}

// rewrap opens nothing for the peer, and is not limited.
func (k *Keeper) rewrap(wrapped [][]byte) (answer [][]byte, err error) {
	list, err := k.options.Master.Rewrap(wrapped)
	for _, one := range list {
		switch {
		case one.Lost:
			k.counts.lost.Add(1)
			answer = append(answer, []byte{wire.Lost})
		case one.Wrapped == nil:
			answer = append(answer, []byte{wire.Same})
		default:
			k.counts.wrapped.Add(1)
			answer = append(answer, append([]byte{wire.Done}, one.Wrapped...))
		}
	}
	return answer, err
}

// pace waits until some values may be opened, or refuses them.
func (k *Keeper) pace(ctx context.Context, n int) error {
	if k.limit.Interval == 0 {
		return nil
	}
	for {
		wait := k.place(n)
		if wait == 0 {
			return nil
		}
		if wait > patience {
			return errBusy
		}
		select {
		case <-ctx.Done():
			return errBusy
		case <-time.After(wait):
		}
	}
}

// place takes the places of n values, or returns how long to wait for the first one. The others do
// not wait: later requests do, until their places are back.
func (k *Keeper) place(n int) time.Duration {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	now := k.options.Now()
	next, wait := k.limit.Take(k.arrival, now)
	if wait > 0 {
		return wait
	}
	for range n - 1 {
		next = k.limit.Force(next, now)
	}
	k.arrival = next
	return 0
}

// count logs the counts that are not zero, from time to time.
func (k *Keeper) count(ctx context.Context) {
	ticker := time.NewTicker(k.options.Count)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			k.logCounts()
			return
		case <-ticker.C:
			k.logCounts()
		}
	}
}

func (k *Keeper) logCounts() {
	c := &k.counts
	opened, lost, wrapped, hashed := c.opened.Swap(0), c.lost.Swap(0), c.wrapped.Swap(0), c.hashed.Swap(0)
	refused, busy := c.refused.Swap(0), c.busy.Swap(0)
	if opened+lost+wrapped+hashed+refused+busy == 0 {
		return
	}
	k.options.Log.Info("the master key was used", "opened", opened, "not_opened", lost, "sealed", wrapped, "hashed", hashed,
		"refused", refused, "over_limit", busy)
}

// peer is the process at the other end of a connection.
type peer struct {
	user, group uint32
	process     int32
}

// Listen makes the socket of a keeper with a mode and, unless it is negative, a group. It takes the
// place of a socket at which nobody listens any more.
func Listen(path string, mode fs.FileMode, group int) (*net.UnixListener, error) {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return nil, errors.Join(fmt.Errorf("another keeper listens at %s", path), conn.Close())
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s is not a socket", path)
	default:
		err = os.Remove(path)
		if err != nil {
			return nil, err
		}
	}
	// The umask of the process takes the socket away from others until it has its mode.
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if group >= 0 {
		err = os.Chown(path, -1, group)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}
