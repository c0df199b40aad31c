package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/https"
)

// certificateFlags let clients authenticate by certificates (RFC 8705).
type certificateFlags struct {
	ClientCA        existingFile `arg:"--client-ca,env:OXLIN_CLIENT_CA" help:"PEM file of the authorities that issue the certificates of clients (tls_client_auth)." placeholder:"FILE"`
	ClientCRL       existingFile `arg:"--client-crl,env:OXLIN_CLIENT_CRL" help:"PEM file of the lists of certificates that these authorities have revoked. With it, a certificate whose issuer has no list of today is refused." placeholder:"FILE"`
	MTLSListen      string       `arg:"--mtls-listen,env:OXLIN_MTLS_LISTEN" help:"A further address of the platform, where HTTPS asks clients for their certificate." placeholder:"ADDRESS"`
	MTLSURL         string       `arg:"--mtls-url,env:OXLIN_MTLS_URL" help:"The address under which clients reach --mtls-listen, or the proxy that asks for certificates; without it the one it listens on." placeholder:"URL"`
	ClientCertProxy prefixList   `arg:"--client-cert-proxy,env:OXLIN_CLIENT_CERT_PROXY" help:"A proxy of ours, address or network, whose header Client-Cert names the client's certificate (RFC 9440); may be repeated. From all others the header is removed." placeholder:"NETWORK"`
}

// checkCertificates refuses flags that do not fit together.
func (s *server) checkCertificates() error {
	f := s.flags.certificateFlags
	if f.ClientCRL != "" && f.ClientCA == "" {
		return errors.New("--client-crl needs --client-ca: the lists are those of its authorities")
	}
	if f.MTLSListen != "" && (s.flags.TLSCert == "" || s.flags.TLSKey == "") {
		return errors.New("--mtls-listen needs --tls-cert and --tls-key: certificates of clients are part of HTTPS")
	}
	if f.MTLSURL == "" {
		return nil
	}
	parsed, err := url.Parse(f.MTLSURL)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || strings.TrimSuffix(f.MTLSURL, "/") != "https://"+parsed.Host {
		return fmt.Errorf("--mtls-url: %q must be https://HOST or https://HOST:PORT, without a path", f.MTLSURL)
	}
	if f.MTLSListen == "" && len(f.ClientCertProxy) == 0 {
		return errors.New("--mtls-url needs --mtls-listen, or --client-cert-proxy behind a proxy of yours")
	}
	return nil
}

// listenForCertificates opens the listener that asks for certificates, if there is one, and
// settles its address.
func (s *server) listenForCertificates() (net.Listener, error) {
	s.mtlsURL = strings.TrimSuffix(s.flags.MTLSURL, "/")
	if s.flags.MTLSListen == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", s.flags.MTLSListen)
	if err != nil {
		return nil, fmt.Errorf("--mtls-listen: %w", err)
	}
	s.mtlsURL = cmp.Or(s.mtlsURL, "https://"+listener.Addr().String())
	certificate, err := https.LoadCertificate(string(s.flags.TLSCert), string(s.flags.TLSKey), s.log)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.certificates = append(s.certificates, certificate)
	bounded := web.Bounded(listener, cmp.Or(s.flags.Connections, mostConnections), !s.flags.TrustProxy)
	return certificate.ListenForClients(bounded), nil
}

// clientCertificates returns what the authorization server accepts as certificates.
func (s *server) clientCertificates() (auth.ClientCertificates, error) {
	accepted := auth.ClientCertificates{URL: s.mtlsURL}
	if s.flags.ClientCA == "" {
		return accepted, nil
	}
	var err error
	accepted.Authorities, err = https.LoadAuthorities(string(s.flags.ClientCA), string(s.flags.ClientCRL), s.log)
	if err != nil {
		return accepted, fmt.Errorf("--client-ca, --client-crl: %w", err)
	}
	return accepted, nil
}

// withCertificates lets the rooms see the certificates of clients, and nobody else's claims
// about them.
func (s *server) withCertificates(next http.Handler) http.Handler {
	return https.Certificates{Proxies: s.flags.ClientCertProxy}.Handler(next)
}
