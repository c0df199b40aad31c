package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/vault/wire"
)

// FuzzAnswer lets something else than a keeper answer: an operation has a result of the form that
// its caller relies on, or ErrAway.
func FuzzAnswer(f *testing.F) {
	names, err := json.Marshal(IDs{Sealing: 1, Hashing: 2, Unmarked: 2})
	if err != nil {
		f.Fatal(err)
	}
	for _, items := range [][][]byte{nil, {names}, {{wire.Done, 1}}, {{wire.Lost}}, {make([]byte, hashSize)}, {make([]byte, hashSize+markSize)}} {
		text, err := wire.Message{Kind: wire.OK, Items: items}.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte{0, 0, 0, 4, wire.Version, wire.Busy, 0, 0})
	folder, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	answers := make(chan []byte)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _, err = wire.Read(conn, nil)
			if err == nil {
				_, _ = conn.Write(<-answers)
			}
			_ = conn.Close()
		}
	}()
	f.Fuzz(func(t *testing.T, foreign []byte) {
		ask := func(what string, call func(r *remote) bool, err func() error) {
			t.Helper()
			go func() { answers <- foreign }()
			whole := call(newRemote(path))
			if failed := err(); failed == nil && !whole || failed != nil && !errors.Is(failed, ErrAway) {
				t.Errorf("%s of %x: %v", what, foreign, failed)
			}
		}
		var failed error
		last := func() error { return failed }
		ask("names", func(r *remote) bool { n, err := r.Names(); failed = err; return n.Sealing != 0 && n.Hashing != 0 }, last)
		ask("a key", func(r *remote) bool {
			keys, err := r.Unwrap([][]byte{[]byte("wrapped")})
			failed = err
			return len(keys) == 1 && (keys[0] == nil || len(keys[0]) > 0)
		}, last)
		ask("a new form", func(r *remote) bool {
			list, err := r.Rewrap([][]byte{[]byte("wrapped")})
			failed = err
			return len(list) == 1 && (list[0].Wrapped == nil || len(list[0].Wrapped) >= wrappedHead)
		}, last)
		ask("hashes", func(r *remote) bool {
			all, err := r.Hashes([][]byte{[]byte("data")})
			failed = err
			return len(all) == 1 && len(all[0]) > 0 && len(all[0][0]) >= hashSize
		}, last)
		ask("a fresh key", func(r *remote) bool {
			key, err := r.fresh()
			failed = err
			return len(key.plain) > 0 && len(key.wrapped) >= wrappedHead
		}, last)
	})
}

// What a keeper has wrapped ahead does not outlive the connection to it.
func TestTheStockOfKeysEnds(t *testing.T) {
	var s stock
	_, want, drops := s.pop()
	if want != fewKeys {
		t.Fatalf("%d keys are wanted", want)
	}
	key := func(n byte) dataKey { return dataKey{bytes.Repeat([]byte{n}, 8), []byte{n}} }
	kept := key(1)
	s.put([]dataKey{kept, key(2)}, s.madeAt, drops)
	s.drop()
	if len(s.keys) > 0 || !bytes.Equal(kept.plain, make([]byte, 8)) {
		t.Error("keys stay, or their bytes")
	}
	s.put([]dataKey{key(3)}, s.madeAt, drops)
	if len(s.keys) > 0 {
		t.Error("keys of the connection before are taken")
	}
}

// keeperOfTest answers a request, and keeps the memory in which it is sent and the answer is read.
type keeperOfTest struct {
	net.Conn
	answer io.Reader
	memory [][]byte
}

func (k *keeperOfTest) Write(from []byte) (int, error) {
	k.memory = append(k.memory, from)
	return len(from), nil
}

func (k *keeperOfTest) Read(into []byte) (int, error) {
	n, err := k.answer.Read(into)
	k.memory = append(k.memory, into[:n])
	return n, err
}

func (*keeperOfTest) SetDeadline(time.Time) error { return nil }

// The keys that a keeper returns, and the passwords that it is asked to hash, do not stay in the memory
// of the messages.
func TestMessagesToAKeeperAreOverwritten(t *testing.T) {
	secret := bytes.Repeat([]byte("swordfish"), 8)
	answer, err := wire.Message{Kind: wire.OK, Items: [][]byte{append([]byte{wire.Done}, secret...)}}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeperOfTest{answer: bytes.NewReader(answer)}
	r := newRemote("")
	r.put(&link{conn: k})
	keys, err := r.Unwrap([][]byte{secret})
	if err != nil || !bytes.Equal(keys[0], secret) {
		t.Fatalf("%x (%v)", keys, err)
	}
	sent := 0
	for _, part := range k.memory {
		sent += len(part)
		if bytes.Contains(part, []byte("swordfish")) {
			t.Errorf("%d bytes stay, with %.60q", len(part), part)
		}
	}
	if sent < 2*len(secret) {
		t.Errorf("%d bytes were sent and read", sent)
	}
}
