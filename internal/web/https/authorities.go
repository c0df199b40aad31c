package https

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Authorities are those that issue certificates of clients, with the certificates that they have
// revoked. Their files are read again when they change.
type Authorities struct {
	caFile, crlFile string
	log             *slog.Logger

	mu    sync.Mutex
	pool  *x509.CertPool
	lists []*x509.RevocationList
	// stamp is the state of the files that were read last, reported the last one that was unusable.
	stamp, reported stamp
}

// LoadAuthorities reads the certificates of authorities, and their lists of revoked certificates
// if crlFile is not empty. It fails if they cannot be used; if they become unusable later, the log
// has a warning.
func LoadAuthorities(caFile, crlFile string, log *slog.Logger) (*Authorities, error) {
	a := &Authorities{caFile: caFile, crlFile: crlFile, log: log}
	return a, a.read(stampOf(caFile, crlFile))
}

// Verify refuses a certificate that none of the authorities has issued for clients, that is not
// valid at a moment, or that its issuer has revoked. The chain begins with the certificate.
func (a *Authorities) Verify(chain []*x509.Certificate, now time.Time) error {
	pool, lists := a.current()
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	proven, err := chain[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil || a.crlFile == "" {
		return err
	}
	// One chain that no list breaks is enough.
	for _, one := range proven {
		err = unrevoked(one, lists, now)
		if err == nil {
			return nil
		}
	}
	return err
}

// unrevoked refuses a chain of which an issuer has revoked a certificate. The issuer of the first
// certificate needs a list; those above it may do without.
func unrevoked(chain []*x509.Certificate, lists []*x509.RevocationList, now time.Time) error {
	if len(chain) < 2 {
		return nil // an authority that shows itself
	}
	for i, certificate := range chain[:len(chain)-1] {
		listed := false
		for _, list := range lists {
			if !bytes.Equal(list.RawIssuer, chain[i+1].RawSubject) || list.CheckSignatureFrom(chain[i+1]) != nil {
				continue
			}
			for _, entry := range list.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
					return errors.New("its issuer has revoked it")
				}
			}
			listed = listed || list.NextUpdate.IsZero() || now.Before(list.NextUpdate)
		}
		if i == 0 && !listed {
			return errors.New("there is no list of its issuer, of today, that tells whether it was revoked")
		}
	}
	return nil
}

// current returns what is in the files, or what was usable last. It warns once for each unusable
// state of the files.
func (a *Authorities) current() (*x509.CertPool, []*x509.RevocationList) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := stampOf(a.caFile, a.crlFile)
	if now != a.stamp {
		err := a.read(now)
		if err != nil && now != a.reported {
			a.reported = now
			a.log.Warn("the authorities of clients' certificates stay as they were: their files cannot be used", "file", a.caFile, "revoked", a.crlFile, "error", err)
		}
	}
	return a.pool, a.lists
}

// read loads the files, whose state is now.
func (a *Authorities) read(now stamp) error {
	text, err := os.ReadFile(a.caFile)
	if err != nil {
		return fmt.Errorf("authorities of clients: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("authorities of clients: %s has no certificate in PEM", a.caFile)
	}
	var lists []*x509.RevocationList
	if a.crlFile != "" {
		lists, err = readLists(a.crlFile)
		if err != nil {
			return err
		}
	}
	a.pool, a.lists, a.stamp, a.reported = pool, lists, now, now
	return nil
}

// readLists reads lists of revoked certificates, in PEM.
func readLists(file string) ([]*x509.RevocationList, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("revoked certificates: %w", err)
	}
	var lists []*x509.RevocationList
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("revoked certificates: %s: %w", file, err)
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("revoked certificates: %s has no list in PEM", file)
	}
	return lists, nil
}
