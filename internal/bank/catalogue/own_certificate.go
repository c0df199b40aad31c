package catalogue

import (
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// certificatesFile holds the pairs by which one bank knows us, each as the text of PEM files; those of the
// installation stand in for a pair that is absent. A certificate may be followed by its chain.
type certificatesFile struct {
	QWAC     string `json:"qwac"`
	QWACKey  string `json:"qwac_key"`
	QSEAL    string `json:"qseal"`
	QSEALKey string `json:"qseal_key"`
}

// with returns the pairs, those of the operator's settings in the place of the file's.
func (c certificatesFile) with(settings certificatesFile) certificatesFile {
	if settings.QWAC != "" || settings.QWACKey != "" {
		c.QWAC, c.QWACKey = settings.QWAC, settings.QWACKey
	}
	if settings.QSEAL != "" || settings.QSEALKey != "" {
		c.QSEAL, c.QSEALKey = settings.QSEAL, settings.QSEALKey
	}
	return c
}

// ownSetting matches the names of settings that hold a certificate or a key for one bank.
var ownSetting = regexp.MustCompile(`^([0-9]+)\.(.+)$`)

// ownCertificates returns the pairs in the operator's settings by provider: "2301.qwac" and the like.
func ownCertificates(settings map[string]string) (map[oxlin.ProviderID]certificatesFile, error) {
	all := map[oxlin.ProviderID]certificatesFile{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		parts := ownSetting.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		id := oxlin.ProviderID(parts[1])
		pair := all[id]
		into := map[string]*string{"qwac": &pair.QWAC, "qwac_key": &pair.QWACKey, "qseal": &pair.QSEAL, "qseal_key": &pair.QSEALKey}[parts[2]]
		if into == nil {
			return nil, fmt.Errorf("the setting %q: want %s.qwac, %s.qwac_key, %s.qseal or %s.qseal_key", name, id, id, id, id)
		}
		*into = settings[name]
		all[id] = pair
	}
	return all, nil
}

// isSetting matches a text that is the name of a setting alone.
var isSetting = regexp.MustCompile(`^\{\{\w+\}\}$`)

// errPair is why a pair cannot be used. The texts of crypto/tls name no part of a key, but speak of files.
var errPair = errors.New("the certificate and the key are no pair of PEM texts that belong together")

// pairOf reads one pair; nil without one.
func pairOf(certificate, key string) (*tls.Certificate, error) {
	switch {
	case certificate == "" && key == "":
		return nil, nil
	case key == "":
		return nil, errors.New("its key is missing")
	case certificate == "":
		return nil, errors.New("there is a key, and the certificate is missing")
	}
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return nil, errPair
	}
	return &pair, nil
}

// ownIdentity is how one bank knows us; a part that is absent is that of the installation.
type ownIdentity struct {
	client *tls.Certificate
	seal   psd2.Seal
}

// read reads the pairs of a bank, and reports what is wrong with them in sentences that name the bank. A
// certificate that has ended is a lack: the other banks are served.
func (c certificatesFile) read(bank string, at datafile.Node, now time.Time) (own ownIdentity) {
	usable := func(name, member, certificate, key string) *tls.Certificate {
		at := at.Member(member)
		pair, err := pairOf(certificate, key)
		switch {
		case err != nil:
			at.Add("the %s of %s cannot be used: %v", name, bank, err)
			return nil
		case pair != nil && now.After(pair.Leaf.NotAfter):
			at.Lack("the %s of %s ended on %s", name, bank, pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
		}
		return pair
	}
	own.client = usable("QWAC", "qwac", c.QWAC, c.QWACKey)
	sealed := usable("QSEAL", "qseal", c.QSEAL, c.QSEALKey)
	if sealed == nil {
		return own
	}
	key, ok := sealed.PrivateKey.(crypto.Signer)
	at.Member("qseal_key").Check(ok, "the key of the QSEAL of %s cannot sign", bank)
	own.seal = psd2.Seal{Key: key, Certificate: sealed.Leaf}
	return own
}

// ownOf reads the pairs of a provider before the rest of it, because {{organization}} is the identifier in
// its own certificate. The file and the branch may name them by settings.
func (r reader) ownOf(tree any, value func(string) (string, bool), at datafile.Node) ownIdentity {
	file, _ := tree.(map[string]any)
	written, _ := file["certificates"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(written)) {
		text, isText := written[name].(string)
		at.Member("certificates").Member(name).Check(!isText || isSetting.MatchString(text), "want the name of a setting, {{name}}, and not the text itself")
	}
	var scratch datafile.Report // the faults of filling are reported with the whole file
	named := map[string]any{"id": file["id"], "name": file["name"], "certificates": file["certificates"]}
	var head struct {
		ID           oxlin.ProviderID `json:"id"`
		Name         string           `json:"name"`
		Certificates certificatesFile `json:"certificates"`
	}
	datafile.Decode(datafile.Fill(named, scratch.Root(), value), &head, scratch.Root())
	if len(scratch.Faults()) > 0 {
		return ownIdentity{}
	}
	bank := strings.TrimSpace(fmt.Sprintf("provider %s %s", head.ID, head.Name))
	now := r.now
	if now == nil {
		now = time.Now
	}
	return head.Certificates.with(r.own[head.ID]).read(bank, at.Member("certificates"), now())
}

// way returns the transport to a bank: it presents the bank's own pair, or that of the installation.
func (o Options) way(id identity, own ownIdentity) http.RoundTripper {
	way := o.Transport
	if way == nil {
		if own.client != nil {
			id.client = own.client
		}
		way = id.transport(o.Now, o.Authorities)
	}
	if o.Observe != nil {
		way = o.Observe(way)
	}
	return way
}
