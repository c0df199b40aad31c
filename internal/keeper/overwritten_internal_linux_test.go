package keeper

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/vault/wire"
)

// peerOfTest sends requests, and keeps the memory in which the keeper reads them and answers.
type peerOfTest struct {
	net.Conn
	requests io.Reader
	memory   [][]byte
	answers  []byte
}

func (p *peerOfTest) Read(into []byte) (int, error) {
	n, err := p.requests.Read(into)
	p.memory = append(p.memory, into[:n])
	return n, err
}

func (p *peerOfTest) Write(from []byte) (int, error) {
	p.memory, p.answers = append(p.memory, from), append(p.answers, from...)
	return len(from), nil
}

func (*peerOfTest) SetDeadline(time.Time) error      { return nil }
func (*peerOfTest) SetWriteDeadline(time.Time) error { return nil }

// The keys that go through a keeper, and the passwords that it hashes, do not stay in the memory of
// its messages.
func TestMessagesAreOverwritten(t *testing.T) {
	master, err := vault.OpenMaster(vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")})
	if err != nil {
		t.Fatal(err)
	}
	secret := bytes.Repeat([]byte("swordfish"), 8)
	wrapped, err := master.Wrap([][]byte{secret})
	if err != nil {
		t.Fatal(err)
	}
	var requests []byte
	for _, m := range []wire.Message{
		{Kind: wire.Hash, Items: [][]byte{append([]byte("password\x00"), secret...)}},
		{Kind: wire.Wrap, Items: [][]byte{secret}},
		{Kind: wire.Unwrap, Items: wrapped},
		{Kind: wire.Hash, Items: [][]byte{bytes.Repeat(secret, 3*keptBuffer/len(secret))}},
	} {
		requests, err = m.Append(requests)
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &peerOfTest{requests: bytes.NewReader(requests)}
	New(Options{Master: master, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).talk(t.Context(), p)
	if !bytes.Contains(p.answers, secret) {
		t.Fatal("the keeper has not answered")
	}
	for _, part := range p.memory {
		if bytes.Contains(part, []byte("swordfish")) {
			t.Errorf("%d bytes stay, with %.60q", len(part), part)
		}
	}
}
