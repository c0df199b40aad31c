package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/revocation"
)

// stapleLook is how often a certificate is looked at that has changed, or whose word is due.
const stapleLook = time.Minute

// KeepStapled brings the word of the certificate's authority about its revocation with each
// handshake (RFC 6066 §8), and renews it until ctx is done. The certificate file has to contain
// that of the authority too.
func (c *Certificate) KeepStapled(ctx context.Context, authorities *revocation.Authorities, now func() time.Time) {
	for {
		c.Staple(ctx, authorities, now())
		timer := time.NewTimer(stapleLook)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Staple asks the authority for its word, if one is due. A word that is out of date is not brought
// any more, and neither is the one that the certificate was revoked: the log tells of it.
func (c *Certificate) Staple(ctx context.Context, authorities *revocation.Authorities, now time.Time) {
	current := c.current()
	c.mu.Lock()
	due := current != c.asked || !now.Before(c.ask)
	c.mu.Unlock()
	if !due {
		return
	}
	stapled := *current
	text, word, err := wordAbout(ctx, authorities, current)
	next := now.Add(5 * time.Minute)
	switch {
	case errors.Is(err, revocation.ErrNoResponder):
		stapled.OCSPStaple = nil // nobody is to be asked, and browsers know it
	case err != nil:
		if !stillGood(current, now) {
			stapled.OCSPStaple = nil
		}
	case word.Status == ocsp.Revoked:
		stapled.OCSPStaple = nil
		c.log.Error("our certificate was revoked: clients will refuse it", "file", c.certFile, "revoked", word.RevokedAt)
	default:
		stapled.OCSPStaple, next = text, revocation.Next(word, now)
		if half := word.ThisUpdate.Add(word.NextUpdate.Sub(word.ThisUpdate) / 2); half.After(now) && half.Before(next) {
			next = half // a word that is renewed early outlives an outage of the authority
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	silent := err != nil && !errors.Is(err, revocation.ErrNoResponder)
	if silent && !c.silent {
		c.log.Warn("the authority of our certificate does not say that it is good", "file", c.certFile, "error", err)
	}
	c.silent = silent
	if c.loaded == current { // else the files have changed meanwhile
		c.loaded, c.asked, c.ask = &stapled, &stapled, next
	}
}

// wordAbout returns the authority's word about a certificate.
func wordAbout(ctx context.Context, authorities *revocation.Authorities, of *tls.Certificate) ([]byte, *ocsp.Response, error) {
	authority, err := authorityOf(of)
	if err != nil {
		return nil, nil, err
	}
	return authorities.Word(ctx, of.Leaf, authority)
}

// stillGood reports whether the word that a certificate brings may be brought.
func stillGood(of *tls.Certificate, now time.Time) bool {
	authority, err := authorityOf(of)
	if err != nil {
		return false
	}
	word, err := revocation.Read(of.OCSPStaple, of.Leaf, authority, now)
	return err == nil && revocation.Good(word, now)
}

// authorityOf returns the certificate of the authority that follows in the file.
func authorityOf(of *tls.Certificate) (*x509.Certificate, error) {
	if len(of.Certificate) < 2 {
		return nil, revocation.ErrNoResponder
	}
	return x509.ParseCertificate(of.Certificate[1])
}
