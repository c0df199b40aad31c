package web

import (
	"net"
	"net/netip"
	"sync"
)

// Bounded returns a listener with at most most open connections, and an eighth of them from
// one public address if shared is set: then no proxy stands in front whose address all
// clients have. A connection too many is closed at once, so that it does not wait unseen.
func Bounded(listener net.Listener, most int, shared bool) net.Listener {
	each := most
	if shared {
		each = max(most/8, 1)
	}
	return &bounded{Listener: listener, most: most, each: each, from: map[netip.Addr]int{}}
}

type bounded struct {
	net.Listener
	most, each int
	mutex      sync.Mutex
	open       int
	from       map[netip.Addr]int
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := publicAddress(conn)
		if b.enter(address) {
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { b.leave(address) })}, nil
		}
		_ = conn.Close()
	}
}

// publicAddress returns the address of the other side, or none for one that many may share.
func publicAddress(conn net.Conn) netip.Addr {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := tcp.AddrPort().Addr().Unmap()
	if address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() {
		return netip.Addr{}
	}
	return address
}

func (b *bounded) enter(address netip.Addr) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.open >= b.most || address.IsValid() && b.from[address] >= b.each {
		return false
	}
	b.open++
	b.from[address]++
	return true
}

func (b *bounded) leave(address netip.Addr) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.open--
	b.from[address]--
	if b.from[address] == 0 {
		delete(b.from, address)
	}
}

type boundedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
