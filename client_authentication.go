package oxlin

import (
	"crypto/x509"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// AuthMethod is a way in which a client proves who it is.
type AuthMethod string

// The ways. The empty one is by secret, or by nothing for a public client.
const (
	AuthBySecret AuthMethod = ""
	// AuthByPrivateKey is by a signed assertion (RFC 7523, OpenID Connect Core §9).
	AuthByPrivateKey AuthMethod = "private_key_jwt"
	// AuthByTLS is by a certificate that an authority issued for a subject (RFC 8705 §2.1).
	AuthByTLS AuthMethod = "tls_client_auth"
	// AuthBySelfSignedTLS is by a registered certificate (RFC 8705 §2.2).
	AuthBySelfSignedTLS AuthMethod = "self_signed_tls_client_auth"
)

// IsTLS reports whether the connection, and not the request, proves who the client is.
func (m AuthMethod) IsTLS() bool { return m == AuthByTLS || m == AuthBySelfSignedTLS }

// ClientAuthentication is how a client authenticates. The names are those of RFC 7591 §2 and
// RFC 8705 §2.1.2 and §3.4.
type ClientAuthentication struct {
	Method AuthMethod `json:"token_endpoint_auth_method,omitempty"`
	// Keys is a JSON Web Key Set of public keys, and KeysURI the address of one. A client
	// with AuthByPrivateKey or AuthBySelfSignedTLS has one of them; those of the latter have
	// certificates.
	Keys    json.RawMessage `json:"jwks,omitempty"`
	KeysURI string          `json:"jwks_uri,omitempty"`
	// Subject is the subject of the certificates of a client with AuthByTLS.
	Subject CertificateSubject `json:"tls_subject,omitzero"`
	// BoundTokens binds the tokens of a client without certificates to the certificate of the
	// connection that asks for them. Those of a client with certificates are always bound.
	BoundTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
}

// BindsTokens reports whether the client's tokens are bound to a certificate.
func (a ClientAuthentication) BindsTokens() bool { return a.BoundTokens || a.Method.IsTLS() }

// CertificateSubject names whom a certificate is about, in exactly one way.
type CertificateSubject struct {
	// DN is a distinguished name in the form of RFC 4514.
	DN    string `json:"tls_client_auth_subject_dn,omitempty"`
	DNS   string `json:"tls_client_auth_san_dns,omitempty"`
	URI   string `json:"tls_client_auth_san_uri,omitempty"`
	IP    string `json:"tls_client_auth_san_ip,omitempty"`
	Email string `json:"tls_client_auth_san_email,omitempty"`
}

// Check returns an error of CodeInvalidRequest unless exactly one name is given, and valid.
func (s CertificateSubject) Check() error {
	given := 0
	for _, value := range []string{s.DN, s.DNS, s.URI, s.IP, s.Email} {
		if value != "" {
			given++
		}
		if !IsText(value) || len(value) > 1000 || strings.TrimSpace(value) != value {
			return Invalid("tls_client_auth_subject_dn", "A subject is at most 1000 bytes of text, without spaces around it.")
		}
	}
	_, dnErr := parseDN(s.DN)
	_, ipErr := netip.ParseAddr(s.IP)
	uri, uriErr := url.Parse(s.URI)
	local, domain, _ := strings.Cut(s.Email, "@")
	switch {
	case given != 1: // RFC 8705 §2.1.2
		return Invalid("tls_client_auth_subject_dn", "A client has exactly one subject: a distinguished name, or a DNS name, URI, IP address or e-mail address.")
	case s.DN != "" && dnErr != nil:
		return Invalid("tls_client_auth_subject_dn", "%q is no distinguished name, such as CN=app,O=Example,C=FR: %v.", s.DN, dnErr)
	case strings.ContainsAny(s.DNS, "*/:@ "):
		return Invalid("tls_client_auth_san_dns", "%q is no DNS name. One with an asterisk is for many hosts, and for no client.", s.DNS)
	case s.URI != "" && (uriErr != nil || !uri.IsAbs()):
		return Invalid("tls_client_auth_san_uri", "%q is no absolute URI.", s.URI)
	case s.IP != "" && ipErr != nil:
		return Invalid("tls_client_auth_san_ip", "%q is no IP address.", s.IP)
	case s.Email != "" && (local == "" || domain == ""):
		return Invalid("tls_client_auth_san_email", "%q is no e-mail address.", s.Email)
	}
	return nil
}

// Names reports whether a certificate is about this subject. It does not verify the
// certificate. Names are compared whole: an asterisk in a certificate stands for nothing else.
func (s CertificateSubject) Names(certificate *x509.Certificate) bool {
	switch {
	case s.Check() != nil:
		return false
	case s.DN != "":
		return sameDN(s.DN, certificate.RawSubject)
	case s.DNS != "":
		return slices.ContainsFunc(certificate.DNSNames, func(name string) bool { return strings.EqualFold(name, s.DNS) })
	case s.URI != "":
		return slices.ContainsFunc(certificate.URIs, func(uri *url.URL) bool { return uri.String() == s.URI })
	case s.Email != "":
		return slices.ContainsFunc(certificate.EmailAddresses, func(address string) bool { return sameMailbox(address, s.Email) })
	}
	want, _ := netip.ParseAddr(s.IP)
	for _, ip := range certificate.IPAddresses {
		got, ok := netip.AddrFromSlice(ip)
		if ok && got.Unmap() == want.Unmap() {
			return true
		}
	}
	return false
}

// sameMailbox compares two e-mail addresses, of which only the domain has no case (RFC 5280
// §7.5).
func sameMailbox(a, b string) bool {
	localA, domainA, _ := strings.Cut(a, "@")
	localB, domainB, _ := strings.Cut(b, "@")
	return localA == localB && strings.EqualFold(domainA, domainB)
}
