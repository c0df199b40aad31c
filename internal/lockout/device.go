package lockout

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	// deviceLife counts from the last right password.
	deviceLife = 180 * 24 * time.Hour
	// mostAccounts bounds a cookie: so many people of one browser are known.
	mostAccounts = 8
)

// deviceLimit bounds how many devices of one account become known: each has attempts of its
// own, also after the password has changed.
var deviceLimit = pace.Burst(20, time.Hour)

// Devices are the browsers from which the right password came. One signed cookie holds an
// entry for each account of the browser. It opens nothing: it only chooses what an attempt
// counts for.
type Devices struct {
	*Guard
	// Cookie is the cookie's name, without the prefix that it has over HTTPS.
	Cookie string
}

// device is one entry of the cookie.
type device struct{ account, nonce, until string }

// signed returns the text that the signature of an entry covers.
func (d Devices) signed(entry device) []byte {
	return fmt.Appendf(nil, "known device\x00%s\x00%s\x00%s\x00%s", d.Cookie, entry.account, entry.nonce, entry.until)
}

// genuine reports whether text is the signature of an entry. An older key of keyed hashes may
// have made it, because cookies live for months.
func (d Devices) genuine(text string, entry device) bool {
	mac, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	genuine, err := d.vault.Proves(mac, d.signed(entry))
	return err == nil && genuine
}

// read returns the valid entries of a request's cookie.
func (d Devices) read(r *http.Request) []device {
	// Over HTTPS the name has a prefix; browsers that were known before keep the bare one.
	value := cmp.Or(web.Cookie(r, d.Cookie, true), web.Cookie(r, d.Cookie, false))
	var entries []device
	for _, text := range strings.SplitN(value, "~", mostAccounts+1) {
		parts := strings.Split(text, ".")
		if len(parts) != 4 {
			continue
		}
		entry := device{parts[0], parts[1], parts[2]}
		until, err := strconv.ParseInt(entry.until, 10, 64)
		if err == nil && d.now().Unix() < until && d.genuine(parts[3], entry) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// find returns the entry of an account, unless the account is empty.
func find(entries []device, account string) (device, bool) {
	i := slices.IndexFunc(entries, func(entry device) bool { return entry.account == account })
	if i < 0 || account == "" {
		return device{}, false
	}
	return entries[i], true
}

// Any returns a name of the browser if it is known for any account, else "".
func (d Devices) Any(r *http.Request) string {
	for _, entry := range d.read(r) {
		return entry.nonce
	}
	return ""
}

// Accounts returns the accounts for which the browser is known.
func (d Devices) Accounts(r *http.Request) []string {
	var all []string
	for _, entry := range d.read(r) {
		all = append(all, entry.account)
	}
	return all
}

// Try returns the attempt of the browser if it is known for an account. account consists of
// digits and letters.
func (d Devices) Try(r *http.Request, account string) (Try, bool) {
	entry, known := find(d.read(r), account)
	if !known {
		return Try{}, false
	}
	return Try{
		subject: "device\x00" + d.Cookie + "\x00" + account + "\x00" + entry.nonce, limit: ownLimit,
		asker: vault.Asker{Known: true, Source: "device " + entry.nonce},
	}, true
}

// Remember returns the cookie by which the browser of a request becomes known for an
// account, after the right password. It is to be sent by web.SetCookie, and its other attributes are the caller's. It
// returns nil if too many devices of the account have become known lately.
func (d Devices) Remember(ctx context.Context, r *http.Request, account string) (*http.Cookie, error) {
	entries := d.read(r)
	entry, known := find(entries, account)
	if !known {
		nonce, err := vault.NewSessionID(d.random)
		if err != nil {
			return nil, err
		}
		entry = device{account: account, nonce: nonce.Reveal()}
		var wait time.Duration
		subject, err := d.vault.MAC([]byte("known devices\x00" + d.Cookie + "\x00" + account))
		if err != nil {
			return nil, err
		}
		err = d.db.Write(ctx, func(tx *store.Tx) error {
			var err error
			wait, err = pace.Take(ctx, tx.Pace(), subject, deviceLimit, d.now())
			return err
		})
		if err != nil || wait > 0 {
			return nil, err
		}
	}
	entry.until = strconv.FormatInt(d.now().Add(deviceLife).Unix(), 10)
	entries = slices.DeleteFunc(entries, func(other device) bool { return other.account == account })
	entries = append([]device{entry}, entries...)
	entries = entries[:min(len(entries), mostAccounts)]
	var texts []string
	for _, entry := range entries {
		mac, err := d.vault.MAC(d.signed(entry))
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.Join([]string{entry.account, entry.nonce, entry.until, base64.RawURLEncoding.EncodeToString(mac)}, "."))
	}
	return &http.Cookie{Name: d.Cookie, Value: strings.Join(texts, "~"), MaxAge: int(deviceLife.Seconds())}, nil
}
