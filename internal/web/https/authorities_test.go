package https_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/web/https"
)

// A certificate of a client is refused if its issuer has revoked it, or if no list of today tells.
// The files are read again when they change, and a file that cannot be used changes nothing.
func TestRevokedCertificatesOfClientsAreRefused(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	tomorrow, yesterday := now.AddDate(0, 0, 1), now.AddDate(0, 0, -1)
	root, stranger := platformtest.NewAuthority(t, now), platformtest.NewAuthority(t, now)
	below := root.Below()
	leaf, other, deep, foreign := root.Issue(nil), root.Issue(nil), below.Issue(nil), stranger.Issue(nil)
	caFile, crlFile := filepath.Join(t.TempDir(), "authorities.pem"), filepath.Join(t.TempDir(), "revoked.pem")
	write := func(file string, text ...[]byte) {
		t.Helper()
		err := os.WriteFile(file, bytes.Join(text, nil), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	chain := func(certificate tls.Certificate) (list []*x509.Certificate) {
		for _, der := range certificate.Certificate {
			parsed, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, parsed)
		}
		return list
	}
	var log strings.Builder
	write(caFile, root.PEM())
	_, err := https.LoadAuthorities(caFile, crlFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil {
		t.Error("a file that does not exist is read")
	}
	write(crlFile, root.Revoke(tomorrow))
	authorities, err := https.LoadAuthorities(caFile, crlFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]tls.Certificate{"leaf": leaf, "other": other, "deep": deep, "foreign": foreign}
	for _, row := range []struct {
		fact string
		ca   []byte
		crl  [][]byte
		want string // the certificates that are accepted
	}{
		{"a list of the root", root.PEM(), [][]byte{root.Revoke(tomorrow)}, "leaf other"},
		{"a list of each issuer", root.PEM(), [][]byte{root.Revoke(tomorrow), below.Revoke(tomorrow)}, "leaf other deep"},
		{"one is revoked", root.PEM(), [][]byte{root.Revoke(tomorrow, leaf.Leaf), below.Revoke(tomorrow)}, "other deep"},
		{"an issuer is revoked", root.PEM(), [][]byte{root.Revoke(tomorrow, chain(deep)[1]), below.Revoke(tomorrow)}, "leaf other"},
		{"an old list still revokes", root.PEM(), [][]byte{root.Revoke(yesterday, leaf.Leaf), root.Revoke(tomorrow)}, "other"},
		{"an old list alone", root.PEM(), [][]byte{root.Revoke(yesterday)}, ""},
		{"a list that another authority has signed", root.PEM(), [][]byte{stranger.Revoke(tomorrow, leaf.Leaf), root.Revoke(tomorrow)}, "leaf other"},
		{"another authority is added", append(root.PEM(), stranger.PEM()...), [][]byte{root.Revoke(tomorrow), stranger.Revoke(tomorrow)}, "leaf other foreign"},
		{"a file that is half written changes nothing", root.PEM(), [][]byte{[]byte("-----BEGIN X509 CRL-----\n")}, "leaf other foreign"},
	} {
		write(caFile, row.ca)
		write(crlFile, row.crl...)
		// Files that are written at the same moment have one time, and perhaps one size.
		now = now.Add(time.Second)
		for _, file := range []string{caFile, crlFile} {
			err := os.Chtimes(file, now, now)
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, certificate := range all {
			err := authorities.Verify(chain(certificate), now)
			if want := strings.Contains(row.want, name); (err == nil) != want {
				t.Errorf("%s: %s: %v", row.fact, name, err)
			}
		}
	}
	if n := strings.Count(log.String(), "stay as they were"); n != 1 {
		t.Errorf("%d warnings about the file that cannot be used:\n%s", n, &log)
	}
}
