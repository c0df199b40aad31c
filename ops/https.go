package ops

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
)

// HTTPS says how requests reach the platform.
type HTTPS struct {
	// TrustProxy believes X-Forwarded-Proto. Only right behind a proxy that sets it.
	TrustProxy bool
}

// strict keeps browsers on HTTPS for a year (RFC 6797).
const strict = "max-age=31536000"

// Require refuses plain HTTP from other machines, before anybody looks at what it
// carries: who sent credentials in clear has to notice. A probe for health carries
// none, and passes.
func (h HTTPS) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case h.secure(r):
			w.Header().Set("Strict-Transport-Security", strict)
		case h.local(r) || r.URL.Path == healthPath || r.URL.Path == readyPath:
		default:
			refusePlain(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure says whether a request came over HTTPS, to us or to the proxy before us.
func (h HTTPS) secure(r *http.Request) bool {
	return r.TLS != nil || h.TrustProxy && forwardedProto(r) == "https"
}

// local says whether a request never left the machine. What a proxy forwards did.
func (h HTTPS) local(r *http.Request) bool {
	if h.TrustProxy && forwardedProto(r) != "" {
		return false
	}
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// forwardedProto is what our own proxy, the last one, says of its client.
func forwardedProto(r *http.Request) string {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return strings.ToLower(strings.TrimSpace(hops[len(hops)-1]))
}

func refusePlain(w http.ResponseWriter) {
	entry := oxlin.Catalogue[oxlin.CodeHTTPSRequired]
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Connection", "close")
	w.WriteHeader(entry.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{ // a client that has gone is told nothing
		"error": string(oxlin.CodeHTTPSRequired), "error_description": string(oxlin.CodeHTTPSRequired), "message": entry.Message,
	})
}

// Loopback says whether a listener's address is reached from its own machine alone.
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
	// told is the last state of the files that is loaded or was told to be damaged.
	told stamp
}

// stamp tells one state of the files from another; a file that is not there is zero.
type stamp struct {
	cert, key         time.Time
	certSize, keySize int64
}

// LoadCertificate reads a certificate and its key, or says what is wrong with them. What
// becomes wrong with them later is a warning in the log.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	err := c.read(stampOf(certFile, keyFile))
	return c, err
}

// Config is for a server, or for a client that servers ask who it is, which shows the
// certificate as it is in the files when a connection begins. Files that cannot be read,
// because they are just being written, leave the one before in place.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// current is the certificate as it is, or was before the files were damaged. That is
// told once for each state of the files, for nothing fails until the old one expires.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := stampOf(c.certFile, c.keyFile)
	if now == c.stamp {
		return c.loaded
	}
	err := c.read(now)
	if err != nil && now != c.told {
		c.told = now
		c.log.Warn("a certificate stays as it was: its files cannot be used", "file", c.certFile, "expires", c.loaded.Leaf.NotAfter, "error", err)
	}
	return c.loaded
}

// read loads the files, which are in the state of the stamp.
func (c *Certificate) read(now stamp) error {
	fresh, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.loaded, c.stamp, c.told = &fresh, now, now
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
