package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/health"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/https"
)

// listen opens the platform's listener, with TLS if there is a certificate, and settles
// the public address.
func (s *server) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.flags.Listen)
	if err != nil {
		return nil, err
	}
	listener = web.Bounded(listener, cmp.Or(s.flags.Connections, mostConnections), !s.flags.TrustProxy)
	address := listener.Addr()
	secured, scheme, err := s.secured(listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.publicURL = strings.TrimSuffix(s.flags.PublicURL, "/")
	if s.publicURL == "" {
		s.publicURL = scheme + "://" + address.String()
		if unspecified(address) {
			s.log.Warn("browsers cannot reach " + s.publicURL + ", the address to which banks redirect users: give --public-url")
		}
	}
	return secured, nil
}

// checkListen refuses an address on which this process cannot listen, before it opens a database,
// which may take long and change what is stored.
func (s *server) checkListen() (err error) {
	addresses := []struct{ flag, address string }{
		{"--listen", s.flags.Listen}, {"--mtls-listen", s.flags.MTLSListen}, {"--console-listen", s.flags.ConsoleListen},
	}
	if s.flags.Sandbox && s.has("testbank") {
		addresses = append(addresses, struct{ flag, address string }{"--testbank-listen", s.flags.TestbankListen})
	}
	for _, a := range addresses {
		if a.address == "" {
			continue
		}
		listener, listenErr := net.Listen("tcp", a.address)
		if listenErr != nil {
			return fmt.Errorf("%s: %w", a.flag, listenErr)
		}
		defer func() { err = errors.Join(err, listener.Close()) }() // at the end: two flags may name one address
	}
	return nil
}

// checkPublicURL refuses an address with a path, because the pages link to each other
// from the root.
func (s *server) checkPublicURL() error {
	if s.flags.PublicURL == "" {
		return nil
	}
	parsed, err := url.Parse(s.flags.PublicURL)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" ||
		strings.TrimSuffix(s.flags.PublicURL, "/") != parsed.Scheme+"://"+parsed.Host {
		return fmt.Errorf("--public-url: %q must be https://HOST or https://HOST:PORT, without a path", s.flags.PublicURL)
	}
	host, err := netip.ParseAddr(parsed.Hostname())
	if parsed.Scheme == "http" && parsed.Hostname() != "localhost" && (err != nil || !host.IsLoopback()) {
		s.log.Warn("requests from other machines will be refused at " + s.flags.PublicURL + ": they have to come by HTTPS")
	}
	return nil
}

// unspecified reports whether an address stands for all networks; such an address
// cannot be called.
func unspecified(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsUnspecified()
}

// secured adds TLS to a listener if there is a certificate. Without one, other machines
// are refused.
func (s *server) secured(listener net.Listener) (net.Listener, string, error) {
	if s.flags.TLSCert == "" && s.flags.TLSKey == "" {
		if !https.Loopback(listener.Addr()) && !s.flags.TrustProxy {
			s.log.Warn("requests from other machines will be refused: give --tls-cert and --tls-key, or --trust-proxy behind a proxy that does HTTPS")
		}
		return listener, "http", nil
	}
	if s.flags.TLSCert == "" || s.flags.TLSKey == "" {
		return listener, "", errors.New("HTTPS needs both --tls-cert and --tls-key")
	}
	certificate, err := https.LoadCertificate(string(s.flags.TLSCert), string(s.flags.TLSKey), s.log)
	if err != nil {
		return listener, "", err
	}
	s.certificates = append(s.certificates, certificate)
	return tls.NewListener(listener, certificate.ServerConfig()), "https", nil
}

// guard keeps plain HTTP out.
func (s *server) guard() https.Guard {
	frame := web.Frame{Room: "https", Log: s.log.With("part", "https"), Now: s.now, TrustProxy: s.flags.TrustProxy}
	return https.Guard{Frame: frame, Open: health.Probes}
}

// mostConnections is the default of --connections.
const mostConnections = 8192

// maxHeader bounds the header of a request in bytes.
const maxHeader = 64 << 10

// serve answers on a listener until Close.
func (s *server) serve(listener net.Listener, handler http.Handler) {
	web := &http.Server{
		Addr: listener.Addr().String(), Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.web = append(s.web, web)
	go func() {
		err := web.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			s.failures <- err
		}
	}()
}
