package web_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/web"
)

// fromListener accepts connections from addresses that the test names.
type fromListener struct {
	net.Listener
	addresses chan string
}

func (l fromListener) Accept() (net.Conn, error) {
	address := <-l.addresses
	if address == "" {
		return nil, net.ErrClosed
	}
	ours, theirs := net.Pipe()
	go func() { // until it is closed
		_, _ = theirs.Read(make([]byte, 1))
		theirs.Close()
	}()
	return fromConn{ours, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}, nil
}

type fromConn struct {
	net.Conn
	remote net.Addr
}

func (c fromConn) RemoteAddr() net.Addr { return c.remote }

func TestBounded(t *testing.T) {
	source := fromListener{addresses: make(chan string, 100)}
	listener := web.Bounded(source, 16, true)
	accepted := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	came := func() (conns []net.Conn) {
		for {
			select {
			case conn := <-accepted:
				conns = append(conns, conn)
			case <-time.After(100 * time.Millisecond):
				return conns
			}
		}
	}
	send := func(n int, address string) {
		for range n {
			source.addresses <- address
		}
	}
	send(5, "203.0.113.1:1")
	first := came()
	if len(first) != 2 {
		t.Errorf("%d connections of one address; want an eighth of 16", len(first))
	}
	send(20, "10.0.0.1:1") // perhaps a proxy
	if n := len(came()); n != 14 {
		t.Errorf("%d connections of a private address; want the rest of 16", n)
	}
	send(1, "203.0.113.2:1")
	if n := len(came()); n != 0 {
		t.Errorf("%d connections beyond the bound", n)
	}
	first[0].Close()
	first[0].Close()
	send(2, "203.0.113.2:1")
	if n := len(came()); n != 1 {
		t.Errorf("%d connections after one was closed; want 1", n)
	}
	send(1, "")
}
