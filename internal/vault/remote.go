package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault/wire"
)

const (
	// dialTime and answerTime bound how long an operation waits for the keeper. Some are in the
	// middle of a transaction.
	dialTime, answerTime = time.Second, 5 * time.Second
	// hungTime is how long operations fail at once after one that was not answered.
	hungTime = time.Second
	// retryAway is the time after which callers try again while the keeper is away.
	retryAway = 5 * time.Second
	// mostLinks bounds the connections of a process to its keeper.
	mostLinks = 16
	// fewKeys and manyKeys bound the data keys that are wrapped at once, ahead of their use, and
	// stockTime is how long they may be used: a master key is dropped minutes after its last use.
	fewKeys, manyKeys, stockTime = 4, 64, 30 * time.Second
)

// remote is a keeper at the other end of a socket. It connects when it has something to ask, so
// that a keeper that has started anew is found again.
type remote struct {
	path string
	// slots has a place for each connection that is in use.
	slots chan struct{}
	mutex sync.Mutex
	idle  []*link
	// hung is the time of the last operation that was not answered.
	hung time.Time
	// failing is set while the last operation found the keeper away.
	failing atomic.Bool

	stock stock
}

// link is a connection, for one operation at a time.
type link struct {
	conn   net.Conn
	buffer []byte
}

func newRemote(path string) *remote {
	return &remote{path: path, slots: make(chan struct{}, mostLinks)}
}

// away is the error of a keeper that does not answer.
func away(cause error) error {
	shown := oxlin.DefaultError(oxlin.CodeUnavailable)
	// The cause is not wrapped: an error of a connection would be taken for one to the database.
	shown.RetryAfter, shown.Err = retryAway, fmt.Errorf("%w: %v", ErrAway, cause)
	return shown
}

// errKeeper is the cause of an answer that a keeper does not give.
var errKeeper = errors.New("the keeper's answer does not fit the request")

// ask sends a request and hands the answer to take, whose memory is overwritten afterwards. A
// request is repeated if a connection from before has ended: all operations may be.
func (r *remote) ask(kind byte, items [][]byte, take func(items [][]byte) error) error {
	err := r.try(kind, items, take)
	if err == nil || errors.Is(err, ErrAway) {
		r.failing.Store(err != nil)
	}
	return err
}

func (r *remote) try(kind byte, items [][]byte, take func(items [][]byte) error) error {
	request, err := wire.Message{Kind: kind, Items: items}.Append(nil)
	defer clear(request)
	if err != nil {
		return err // too large: no later try succeeds
	}
	select {
	case r.slots <- struct{}{}:
	case <-time.After(answerTime):
		return away(errors.New("all connections are busy"))
	}
	defer func() { <-r.slots }()
	for {
		l, used, err := r.take()
		if err != nil {
			return away(err)
		}
		err = l.exchange(request, take)
		if err == nil {
			r.put(l)
			return nil
		}
		_ = l.conn.Close()
		r.drop(err)
		if !used || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errBusy) {
			return away(err)
		}
	}
}

// errBusy: the keeper limits how often it is asked.
var errBusy = errors.New("the keeper's limit is reached")

func (l *link) exchange(request []byte, take func(items [][]byte) error) error {
	err := l.conn.SetDeadline(time.Now().Add(answerTime))
	if err != nil {
		return err
	}
	_, err = l.conn.Write(request)
	if err != nil {
		return err
	}
	answer, body, err := wire.Read(l.conn, l.buffer)
	defer clear(body)
	l.buffer = body[:0]
	if cap(body) > keptBuffer {
		l.buffer = nil
	}
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case answer.Kind == wire.Busy:
		return errBusy
	case answer.Kind == wire.Refused && len(answer.Items) == 1:
		return fmt.Errorf("%w: %.200q", errKeeper, answer.Items[0])
	case answer.Kind != wire.OK:
		return errKeeper
	}
	return take(answer.Items)
}

// keptBuffer bounds the memory that a connection keeps between two operations.
const keptBuffer = 64 << 10

// take returns a connection, and reports whether it was used before.
func (r *remote) take() (l *link, used bool, err error) {
	r.mutex.Lock()
	if time.Since(r.hung) < hungTime {
		r.mutex.Unlock()
		return nil, false, errors.New("it did not answer a moment ago")
	}
	if n := len(r.idle); n > 0 {
		l, r.idle = r.idle[n-1], r.idle[:n-1]
		r.mutex.Unlock()
		return l, true, nil
	}
	r.mutex.Unlock()
	conn, err := net.DialTimeout("unix", r.path, dialTime)
	if err != nil {
		return nil, false, err
	}
	return &link{conn: conn}, false, nil
}

func (r *remote) put(l *link) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.idle = append(r.idle, l)
}

// drop closes the connections to a keeper that has gone, and forgets the keys that it has wrapped:
// the next one may have another master key.
func (r *remote) drop(cause error) {
	if errors.Is(cause, errBusy) {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, l := range r.idle {
		_ = l.conn.Close()
	}
	r.idle = nil
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		r.hung = time.Now()
	}
	r.stock.drop()
}

// each sends items in as many requests as they need; take gets the answer to those from a place on.
func (r *remote) each(kind byte, items [][]byte, take func(from, n int, answer [][]byte) error) error {
	for from := 0; from < len(items); {
		n, size := 0, 0
		for n < wire.MostItems && from+n < len(items) && (n == 0 || size+len(items[from+n]) < requestSize) {
			size += len(items[from+n])
			n++
		}
		err := r.ask(kind, items[from:from+n], func(answer [][]byte) error { return take(from, n, answer) })
		if err != nil {
			return err
		}
		from += n
	}
	return nil
}

// requestSize is the size at which a request of several items ends.
const requestSize = 1 << 20

// Names implements master.
func (r *remote) Names() (names IDs, err error) {
	err = r.ask(wire.Names, nil, func(items [][]byte) error {
		if len(items) != 1 || json.Unmarshal(items[0], &names) != nil || names.Sealing == 0 || names.Hashing == 0 {
			return errKeeper
		}
		return nil
	})
	return names, err
}

// Unwrap implements master.
func (r *remote) Unwrap(wrapped [][]byte) ([][]byte, error) {
	plain := make([][]byte, len(wrapped))
	err := r.each(wire.Unwrap, wrapped, func(from, n int, answer [][]byte) error {
		if len(answer) != n {
			return errKeeper
		}
		for i, item := range answer {
			switch {
			case len(item) == 1 && item[0] == wire.Lost:
				plain[from+i] = nil
			case len(item) > 1 && item[0] == wire.Done:
				plain[from+i] = append([]byte(nil), item[1:]...)
			default:
				return errKeeper
			}
		}
		return nil
	})
	return plain, err
}

// Rewrap implements master.
func (r *remote) Rewrap(wrapped [][]byte) ([]Rewrapped, error) {
	list := make([]Rewrapped, len(wrapped))
	err := r.each(wire.Rewrap, wrapped, func(from, n int, answer [][]byte) error {
		if len(answer) != n {
			return errKeeper
		}
		for i, item := range answer {
			switch {
			case len(item) == 1 && item[0] == wire.Lost:
				list[from+i] = Rewrapped{Lost: true}
			case len(item) == 1 && item[0] == wire.Same:
				list[from+i] = Rewrapped{}
			case len(item) > wrappedHead && item[0] == wire.Done:
				list[from+i] = Rewrapped{Wrapped: append([]byte(nil), item[1:]...)}
			default:
				return errKeeper
			}
		}
		return nil
	})
	return list, err
}

// Hashes implements master.
func (r *remote) Hashes(data [][]byte) ([][][]byte, error) {
	all := make([][][]byte, len(data))
	err := r.each(wire.Hash, data, func(from, n int, answer [][]byte) error {
		if len(answer) == 0 || len(answer)%n != 0 {
			return errKeeper
		}
		keys := len(answer) / n
		for i := range n {
			all[from+i] = nil
			for _, item := range answer[i*keys : (i+1)*keys] {
				if len(item) != hashSize && len(item) != hashSize+markSize {
					return errKeeper
				}
				all[from+i] = append(all[from+i], append([]byte(nil), item...))
			}
		}
		return nil
	})
	return all, err
}

// stock are data keys that are wrapped and wait for a value.
type stock struct {
	mutex  sync.Mutex
	keys   []dataKey
	size   int
	madeAt time.Time
	// drops counts the calls of drop: keys that were asked for before one are not taken.
	drops int
}

func (s *stock) drop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.empty()
	s.drops++
}

func (s *stock) empty() {
	for _, key := range s.keys {
		clear(key.plain)
	}
	s.keys = nil
}

// pop returns a key, or how many are to be wrapped: more while they are used up in time. drops is
// for put.
func (s *stock) pop() (key dataKey, want, drops int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if time.Since(s.madeAt) >= stockTime {
		s.empty()
		s.size = fewKeys
		return dataKey{}, s.size, s.drops
	}
	if len(s.keys) == 0 {
		s.size = min(2*s.size, manyKeys)
		return dataKey{}, s.size, s.drops
	}
	key = s.keys[len(s.keys)-1]
	s.keys = s.keys[:len(s.keys)-1]
	return key, 0, s.drops
}

func (s *stock) put(keys []dataKey, askedAt time.Time, drops int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.drops != drops {
		return
	}
	s.empty() // another caller may have asked too
	s.keys, s.madeAt = keys, askedAt
}

func (r *remote) fresh() (dataKey, error) {
	key, want, drops := r.stock.pop()
	if want == 0 {
		return key, nil
	}
	askedAt := time.Now()
	keys := make([]dataKey, want)
	items := make([][]byte, want)
	for i := range keys {
		plain, err := newDataKey()
		if err != nil {
			return dataKey{}, err
		}
		keys[i].plain, items[i] = plain, plain
	}
	err := r.ask(wire.Wrap, items, func(answer [][]byte) error {
		if len(answer) != want {
			return errKeeper
		}
		for i, item := range answer {
			if len(item) < wrappedHead || len(item) > wire.MostWrapped {
				return errKeeper
			}
			keys[i].wrapped = append([]byte(nil), item...)
		}
		return nil
	})
	if err != nil {
		for _, item := range items {
			clear(item)
		}
		return dataKey{}, err
	}
	r.stock.put(keys[1:], askedAt, drops)
	return keys[0], nil
}
