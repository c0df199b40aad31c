package oxlin_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
)

// about returns a certificate about a subject, as far as its names are concerned.
func about(t testing.TB, names pkix.RDNSequence) *x509.Certificate {
	t.Helper()
	der, err := asn1.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{RawSubject: der}
}

func rdn(pairs ...any) pkix.RelativeDistinguishedNameSET {
	var set pkix.RelativeDistinguishedNameSET
	for i := 0; i < len(pairs); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: pairs[i].(asn1.ObjectIdentifier), Value: pairs[i+1]})
	}
	return set
}

var (
	country      = asn1.ObjectIdentifier{2, 5, 4, 6}
	organization = asn1.ObjectIdentifier{2, 5, 4, 10}
	unit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	commonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	identifier   = asn1.ObjectIdentifier{2, 5, 4, 97}
	mail         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

func TestWhomACertificateNames(t *testing.T) {
	t.Parallel()
	names := about(t, pkix.RDNSequence{rdn(country, "FR"), rdn(organization, "Exemple, S.A.", unit, "#Paiements"), rdn(identifier, "PSDFR-ACPR-12345"), rdn(commonName, "app é")})
	names.DNSNames, names.EmailAddresses, names.IPAddresses = []string{"App.example", "*.wild.example"}, []string{"ops@App.example"}, []net.IP{net.IPv4(192, 0, 2, 7)}
	names.URIs = []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/app"}}
	for _, row := range []struct {
		subject oxlin.CertificateSubject
		want    bool
	}{
		{oxlin.CertificateSubject{DN: `CN=app é,organizationIdentifier=PSDFR-ACPR-12345,O=Exemple\, S.A.+OU=\#Paiements,C=FR`}, true},
		{oxlin.CertificateSubject{DN: `cn = app \C3\A9 , 2.5.4.97=PSDFR-ACPR-12345 , OU=\#Paiements + O=Exemple\2C S.A., c=FR`}, true},
		{oxlin.CertificateSubject{DN: `CN=#0C0661707020C3A9,2.5.4.97=PSDFR-ACPR-12345,O=Exemple\, S.A.+OU=\#Paiements,C=FR`}, true},
		{oxlin.CertificateSubject{DN: `CN=APP É,organizationIdentifier=PSDFR-ACPR-12345,O=Exemple\, S.A.+OU=\#Paiements,C=FR`}, false},
		{oxlin.CertificateSubject{DN: `C=FR,O=Exemple\, S.A.+OU=\#Paiements,organizationIdentifier=PSDFR-ACPR-12345,CN=app é`}, false},
		{oxlin.CertificateSubject{DN: `organizationIdentifier=PSDFR-ACPR-12345,O=Exemple\, S.A.+OU=\#Paiements,C=FR`}, false},
		{oxlin.CertificateSubject{DN: `CN=app é,organizationIdentifier=PSDFR-ACPR-12345,O=Exemple\, S.A.,OU=\#Paiements,C=FR`}, false},
		{oxlin.CertificateSubject{DN: `CN=app é`}, false},
		{oxlin.CertificateSubject{DNS: "app.example"}, true},
		{oxlin.CertificateSubject{DNS: "x.app.example"}, false},
		{oxlin.CertificateSubject{DNS: "x.wild.example"}, false},
		{oxlin.CertificateSubject{URI: "spiffe://example/app"}, true},
		{oxlin.CertificateSubject{URI: "spiffe://example/app/x"}, false},
		{oxlin.CertificateSubject{IP: "192.0.2.7"}, true},
		{oxlin.CertificateSubject{IP: "::ffff:192.0.2.7"}, true},
		{oxlin.CertificateSubject{IP: "192.0.2.8"}, false},
		{oxlin.CertificateSubject{Email: "ops@app.EXAMPLE"}, true},
		{oxlin.CertificateSubject{Email: "OPS@app.example"}, false},
		{oxlin.CertificateSubject{}, false},
		{oxlin.CertificateSubject{DNS: "app.example", Email: "ops@app.example"}, false},
	} {
		if got := row.subject.Names(names); got != row.want {
			t.Errorf("%+v: %t", row.subject, got)
		}
	}
	twice := about(t, pkix.RDNSequence{rdn(commonName, "app"), rdn(mail, "ops@app.example")})
	if !(oxlin.CertificateSubject{DN: "emailAddress=ops@app.example,CN=app"}).Names(twice) {
		t.Error("the form of OpenSSL is another subject")
	}
}

func TestASubjectIsCheckedWhenItIsRegistered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		subject oxlin.CertificateSubject
		field   string
	}{
		{oxlin.CertificateSubject{DN: "CN=app"}, ""},
		{oxlin.CertificateSubject{DN: "1.2.3=app"}, ""},
		{oxlin.CertificateSubject{DNS: "app.example"}, ""},
		{oxlin.CertificateSubject{}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: "CN=app", DNS: "app.example"}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: "app"}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: "CN="}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: "CN=app,"}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `CN=app\`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `CN=a\pp`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `CN="app"`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `CN=\FF`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `CN=#zz`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: `NICKNAME=app`}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: " CN=app"}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DN: "CN=" + strings.Repeat("x", 1000)}, "tls_client_auth_subject_dn"},
		{oxlin.CertificateSubject{DNS: "*.example"}, "tls_client_auth_san_dns"},
		{oxlin.CertificateSubject{DNS: "https://app.example"}, "tls_client_auth_san_dns"},
		{oxlin.CertificateSubject{URI: "app"}, "tls_client_auth_san_uri"},
		{oxlin.CertificateSubject{IP: "10.0.0.0/8"}, "tls_client_auth_san_ip"},
		{oxlin.CertificateSubject{Email: "ops"}, "tls_client_auth_san_email"},
	} {
		err := row.subject.Check()
		if (err == nil) != (row.field == "") || err != nil && (oxlin.AsError(err).Field != row.field || oxlin.AsError(err).Code != oxlin.CodeInvalidRequest) {
			t.Errorf("%+v: %v", row.subject, err)
		}
	}
}

// Whatever a subject holds, the form in which Go writes it names it, and it alone.
func FuzzDistinguishedName(f *testing.F) {
	for _, seed := range []string{"app", " a,b+c=\"d\\e;<f># ", "#x", "é", "", "\x00", `\2C`, "CN=app,O=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = oxlin.CertificateSubject{DN: text}.Check() // it does not panic
		if text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > 300 {
			return
		}
		sequence := pkix.RDNSequence{rdn(country, "FR"), rdn(commonName, text)}
		subject := oxlin.CertificateSubject{DN: sequence.String()}
		if !subject.Names(about(t, sequence)) {
			t.Errorf("%q does not name its own subject: %v", subject.DN, subject.Check())
		}
		if subject.Names(about(t, pkix.RDNSequence{rdn(country, "FR"), rdn(commonName, text+"x")})) {
			t.Errorf("%q names another", subject.DN)
		}
	})
}
