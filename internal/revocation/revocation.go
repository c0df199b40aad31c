// Package revocation learns from authorities whether a certificate was revoked (OCSP, RFC 6960).
//
// A certificate goes in, with that of its authority, and the authority's word comes out: Read reads
// one that somebody else has brought, and Authorities asks for it at the address in the
// certificate. An authority that does not answer closes no way: only the word "revoked" does.
//
// The package must never connect to a private address, and never keep a handshake waiting for longer
// than a moment. Start reading at Authorities.Revoked.
package revocation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/reach"
)

const (
	// patience is how long a handshake waits for the first word about a certificate.
	patience = 2 * time.Second
	// timeout bounds a question, and mostBytes its answer.
	timeout   = 10 * time.Second
	mostBytes = 64 << 10
	// rest is the least time between two questions about a certificate, and longest the longest: a
	// word may be valid for a week, and the certificate be revoked meanwhile.
	rest    = 5 * time.Minute
	longest = 12 * time.Hour
	// mostKept bounds the certificates that are known.
	mostKept = 4096
)

// Read reads an authority's word about a certificate. It returns an error for a word that is not
// signed by the authority, or by somebody whom it has put in charge (RFC 6960 §4.2.2.2).
func Read(word []byte, certificate, authority *x509.Certificate, now time.Time) (*ocsp.Response, error) {
	read, err := ocsp.ParseResponseForCert(word, certificate, authority)
	if err != nil {
		return nil, err
	}
	by := read.Certificate
	if by != nil && !by.Equal(authority) {
		if !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(by.NotBefore) || now.After(by.NotAfter) {
			return nil, errors.New("the word is signed by somebody who is not in charge")
		}
	}
	return read, nil
}

// Good reports whether a word, "good" or another, is "good" and not out of date.
func Good(word *ocsp.Response, now time.Time) bool {
	return word.Status == ocsp.Good && (word.NextUpdate.IsZero() || now.Before(word.NextUpdate))
}

// Options configure Authorities.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Local allows authorities on private networks and this machine.
	Local bool
	// Count counts the answers: good, revoked, unknown and none; nil counts nothing.
	Count func(answer string)
}

// Authorities asks the authorities of certificates, and keeps their words. A nil one asks nobody.
// It is safe for concurrent use.
type Authorities struct {
	options Options
	client  *http.Client
	mutex   sync.Mutex
	known   map[[sha256.Size]byte]*state
}

// state holds the last word about one certificate, and when its authority is asked again.
type state struct {
	// word is the last one; nil before.
	word *ocsp.Response
	// next is when the authority is asked again, and asked is closed when it has been; nil while
	// nobody asks.
	next  time.Time
	asked chan struct{}
	// silent is set once the log has told that the authority does not answer.
	silent bool
}

// New returns authorities that have not been asked yet.
func New(options Options) *Authorities {
	dialer := &net.Dialer{Timeout: timeout}
	if !options.Local {
		dialer.Control = reach.Public
	}
	return &Authorities{options: options, known: map[[sha256.Size]byte]*state{}, client: &http.Client{
		Transport: &http.Transport{ // no proxy of the environment: it would reach what the dialer refuses
			DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: mostBytes, DisableKeepAlives: true,
		},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Revoked reports whether, and when, an authority has revoked a certificate, as far as it says so. The
// first question about a certificate waits for the answer for a moment; later ones are asked in the
// background.
func (a *Authorities) Revoked(certificate, authority *x509.Certificate) (at time.Time, revoked bool) {
	if a == nil || len(responders(certificate)) == 0 {
		return time.Time{}, false
	}
	now := a.options.Now()
	a.mutex.Lock()
	s := a.state(certificate)
	if s.asked == nil && !now.Before(s.next) {
		s.asked = make(chan struct{})
		go a.ask(s, certificate, authority)
	}
	word, asked := s.word, s.asked
	a.mutex.Unlock()
	if word == nil && asked != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-asked:
		case <-timer.C:
		}
		a.mutex.Lock()
		word = s.word
		a.mutex.Unlock()
	}
	if word == nil || word.Status != ocsp.Revoked {
		return time.Time{}, false
	}
	return word.RevokedAt, true
}

// state returns the state of a certificate.
func (a *Authorities) state(certificate *x509.Certificate) *state {
	name := sha256.Sum256(certificate.Raw)
	s := a.known[name]
	if s == nil {
		for other := range a.known {
			if len(a.known) < mostKept {
				break
			}
			delete(a.known, other)
		}
		s = &state{}
		a.known[name] = s
	}
	return s
}

// ask asks the authority about a certificate, and keeps its word.
func (a *Authorities) ask(s *state, certificate, authority *x509.Certificate) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, word, err := a.Word(ctx, certificate, authority)
	now := a.options.Now()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	close(s.asked)
	s.asked = nil
	log := a.options.Log.With("certificate", certificate.Subject.CommonName, "authority", authority.Subject.CommonName)
	if err != nil {
		s.next = now.Add(rest)
		if !s.silent {
			log.Warn("an authority does not say whether a certificate was revoked; nothing is refused for that", "error", err)
		}
		s.silent = true
		return
	}
	if s.silent {
		log.Info("the authority says again whether the certificate was revoked")
	}
	s.silent, s.word, s.next = false, word, Next(word, now)
}

// Next returns when an authority is asked again about a certificate after its word.
func Next(word *ocsp.Response, now time.Time) time.Time {
	next := now.Add(time.Hour)
	if !word.NextUpdate.IsZero() {
		next = word.NextUpdate
	}
	switch least, most := now.Add(rest), now.Add(longest); {
	case next.Before(least):
		return least
	case next.After(most):
		return most
	}
	return next
}

// responders returns the addresses at which an authority is asked about a certificate.
func responders(certificate *x509.Certificate) []string {
	var addresses []string
	for _, address := range certificate.OCSPServer {
		parsed, err := url.Parse(address)
		if err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != "" && len(addresses) < 2 {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// ErrNoResponder is returned for a certificate that names no place to ask.
var ErrNoResponder = errors.New("the certificate names no OCSP responder")

// Word asks an authority about a certificate, and returns its word, as it is sent and as it is
// read: good and of today, or revoked.
func (a *Authorities) Word(ctx context.Context, certificate, authority *x509.Certificate) ([]byte, *ocsp.Response, error) {
	question, err := ocsp.CreateRequest(certificate, authority, nil)
	if err != nil {
		return nil, nil, err
	}
	err = ErrNoResponder
	for _, address := range responders(certificate) {
		var text []byte
		text, err = a.post(ctx, address, question)
		if err != nil {
			a.count("none")
			continue
		}
		var word *ocsp.Response
		word, err = Read(text, certificate, authority, a.options.Now())
		switch {
		case err != nil:
			a.count("none")
		case word.Status == ocsp.Revoked:
			a.count("revoked")
			return text, word, nil
		case Good(word, a.options.Now()):
			a.count("good")
			return text, word, nil
		default:
			a.count("unknown")
			err = errors.New("the word is out of date, or the authority does not know the certificate")
		}
	}
	return nil, nil, err
}

func (a *Authorities) count(answer string) {
	if a.options.Count != nil {
		a.options.Count(answer)
	}
}

// post sends a question (RFC 6960, appendix A.1).
func (a *Authorities) post(ctx context.Context, address string, question []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	request.Header.Set("Accept", "application/ocsp-response")
	response, err := a.client.Do(request)
	if err != nil {
		return nil, errors.New("the OCSP responder does not answer, or its address is not a public one")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the OCSP responder answers with the status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	if err != nil || len(text) > mostBytes {
		return nil, errors.New("the answer of the OCSP responder is incomplete or too large")
	}
	return text, nil
}
