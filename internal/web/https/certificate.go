package https

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Loopback reports whether a listener's address is reachable from its own machine only.
func Loopback(address net.Addr) bool {
	parsed, err := netip.ParseAddrPort(address.String())
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}

// Certificate is a certificate in two PEM files that may be renewed at any time.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	mu                sync.Mutex
	loaded            *tls.Certificate
	stamp             stamp
	// reported is the last state of the files that was loaded or warned about.
	reported stamp
	// asked is the certificate about which the authority was asked last, and ask when it is asked again.
	asked *tls.Certificate
	ask   time.Time
	// silent is set once the log has told that the authority does not answer.
	silent bool
}

// stamp identifies a state of the files; a missing file is zero.
type stamp struct {
	cert, key         time.Time
	certSize, keySize int64
}

// LoadCertificate reads a certificate and its key. It fails if they cannot be used; if
// they become unusable later, the log has a warning.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	err := c.read(stampOf(certFile, keyFile))
	return c, err
}

// Config returns the TLS configuration of a server, or of a client that authenticates by
// certificate. Each new connection uses the certificate in the files. If they cannot be
// read, perhaps because they are being written, the previous one stays in use.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// ServerConfig is Config for a server that offers HTTP/2, and of TLS 1.2 only the ciphers
// that authenticate what they encrypt: those with CBC have leaked texts again and again.
func (c *Certificate) ServerConfig() *tls.Config {
	config := c.Config()
	config.NextProtos = []string{"h2", "http/1.1"}
	config.CipherSuites = []uint16{ // TLS 1.3 has no others
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return config
}

// current returns the certificate in the files, or the last usable one. It warns once
// for each unusable state of the files, because nothing fails until the old one expires.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := stampOf(c.certFile, c.keyFile)
	if now == c.stamp {
		return c.loaded
	}
	err := c.read(now)
	if err != nil && now != c.reported {
		c.reported = now
		c.log.Warn("a certificate stays as it was: its files cannot be used", "file", c.certFile, "expires", c.loaded.Leaf.NotAfter, "error", err)
	}
	return c.loaded
}

// read loads the files, whose state is now.
func (c *Certificate) read(now stamp) error {
	fresh, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.loaded, c.stamp, c.reported = &fresh, now, now
	return nil
}

func stampOf(certFile, keyFile string) stamp {
	var s stamp
	cert, err := os.Stat(certFile)
	if err == nil {
		s.cert, s.certSize = cert.ModTime(), cert.Size()
	}
	key, err := os.Stat(keyFile)
	if err == nil {
		s.key, s.keySize = key.ModTime(), key.Size()
	}
	return s
}
