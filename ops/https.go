package ops

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
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
	mu                sync.Mutex
	loaded            *tls.Certificate
	stamp             stamp
}

// stamp tells one state of the files from another.
type stamp struct {
	cert, key         time.Time
	certSize, keySize int64
}

// LoadCertificate reads a certificate and its key, or says what is wrong with them.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	_, err := c.current()
	return c, err
}

// Config is for a server, or for a client that servers ask who it is, which shows the
// certificate as it is in the files when a connection begins. Files that cannot be read, because they are just being
// written, leave the one before in place.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.good() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.good() },
	}
}

// good is the certificate as it is, or was before the files were damaged.
func (c *Certificate) good() (*tls.Certificate, error) {
	certificate, err := c.current()
	if certificate == nil {
		return nil, err
	}
	return certificate, nil
}

// current reads the files again where they have changed. With an error it gives
// what was good before, if anything.
func (c *Certificate) current() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := stampOf(c.certFile, c.keyFile)
	if err != nil {
		return c.loaded, fmt.Errorf("certificate: %w", err)
	}
	if c.loaded != nil && now == c.stamp {
		return c.loaded, nil
	}
	fresh, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return c.loaded, fmt.Errorf("certificate: %w", err)
	}
	c.loaded, c.stamp = &fresh, now
	return c.loaded, nil
}

func stampOf(certFile, keyFile string) (stamp, error) {
	cert, err := os.Stat(certFile)
	if err != nil {
		return stamp{}, err
	}
	key, err := os.Stat(keyFile)
	if err != nil {
		return stamp{}, err
	}
	return stamp{cert.ModTime(), key.ModTime(), cert.Size(), key.Size()}, nil
}
