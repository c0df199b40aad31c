package https

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// The headers in which a proxy passes a client's certificate and its chain on (RFC 9440 §2).
const (
	certificateHeader = "Client-Cert"
	chainHeader       = "Client-Cert-Chain"
)

const (
	// longestCertificate bounds a certificate in bytes.
	longestCertificate = 16 << 10
	// mostIntermediates bounds a chain.
	mostIntermediates = 8
)

// Certificates finds the certificate with which the client of a request opened its connection.
type Certificates struct {
	// Proxies are the peers whose Client-Cert is believed (RFC 9440). From all others the
	// header is removed: anybody can send it.
	Proxies []netip.Prefix
}

type certificateKey struct{}

// Handler lets the rooms behind it call ClientCertificate.
func (c Certificates) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chain := c.presented(r)
		r.Header.Del(certificateHeader)
		r.Header.Del(chainHeader)
		if len(chain) > 0 {
			r = r.WithContext(WithClientCertificate(r.Context(), chain))
		}
		next.ServeHTTP(w, r)
	})
}

// presented returns the client's certificate and its intermediates. A proxy's own
// certificate is not its client's.
func (c Certificates) presented(r *http.Request) []*x509.Certificate {
	if c.isProxy(r.RemoteAddr) {
		chain, err := forwardedCertificates(r.Header)
		if err != nil {
			return nil
		}
		return chain
	}
	if r.TLS == nil {
		return nil
	}
	return r.TLS.PeerCertificates
}

func (c Certificates) isProxy(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	address := peer.Addr().WithZone("").Unmap()
	for _, network := range c.Proxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// WithClientCertificate returns a context whose ClientCertificate is chain.
func WithClientCertificate(ctx context.Context, chain []*x509.Certificate) context.Context {
	return context.WithValue(ctx, certificateKey{}, chain)
}

// ClientCertificate returns the certificate that the client of a request holds the key of,
// and the intermediates that it sent. It is empty without one. Nobody has verified the chain.
func ClientCertificate(ctx context.Context) []*x509.Certificate {
	chain, _ := ctx.Value(certificateKey{}).([]*x509.Certificate)
	return chain
}

// Thumbprint returns the x5t#S256 of the client's certificate (RFC 8705 §3.1), or "" without one.
func Thumbprint(ctx context.Context) string {
	chain := ClientCertificate(ctx)
	if len(chain) == 0 {
		return ""
	}
	sum := sha256.Sum256(chain[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// forwardedCertificates reads the headers of a proxy. Without Client-Cert, it returns nothing.
func forwardedCertificates(header http.Header) ([]*x509.Certificate, error) {
	leaf := header.Values(certificateHeader)
	if len(leaf) == 0 {
		return nil, nil
	}
	if len(leaf) > 1 { // RFC 9440 §2.2: a single one
		return nil, errors.New("there are several " + certificateHeader)
	}
	texts := leaf
	if chain := strings.Join(header.Values(chainHeader), ","); chain != "" {
		texts = append(texts[:1:1], strings.Split(chain, ",")...)
	}
	if len(texts) > 1+mostIntermediates {
		return nil, errors.New("the chain is too long")
	}
	var chain []*x509.Certificate
	for _, text := range texts {
		certificate, err := byteSequence(text)
		if err != nil {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}

// byteSequence reads a certificate in a structured field (RFC 8941 §3.3.5): base64 between
// colons.
func byteSequence(text string) (*x509.Certificate, error) {
	text = strings.Trim(text, " \t")
	if len(text) < 2 || text[0] != ':' || text[len(text)-1] != ':' || len(text) > longestCertificate*4/3 || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("a certificate is not a byte sequence")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text[1 : len(text)-1])
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// ListenForClients adds TLS to a listener, and asks clients for their certificate. A missing
// one does not end the connection: the answer names the error.
func (c *Certificate) ListenForClients(listener net.Listener) net.Listener {
	config := c.ServerConfig()
	config.ClientAuth = tls.RequestClientCert
	return tls.NewListener(listener, config)
}
