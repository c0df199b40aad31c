package testbank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	maxRedirects = 5
	fetchTimeout = 10 * time.Second
)

// fetcher loads test-bank files from the web. Visitors choose the address, so it trusts
// no address: it checks the resolved address when it dials, so that neither a redirect
// nor a changing DNS answer can bypass the check.
type fetcher struct {
	client *http.Client
	// own is the bank's own file, which needs no connection; nil for others.
	own func(*url.URL) bool
}

// A fetchError explains a failed fetch to the person at the login page.
type fetchError struct {
	Message string
	Err     error
}

func (e *fetchError) Error() string { return e.Message }
func (e *fetchError) Unwrap() error { return e.Err }

// cause returns the text for the log. It omits the location, which may be a secret
// link.
func (e *fetchError) cause() string {
	var located *url.Error
	if errors.As(e.Err, &located) {
		return located.Err.Error()
	}
	return e.Err.Error()
}

var errPrivateAddress = errors.New("the address is not public")

func newFetcher(allowPrivate bool, timeout time.Duration, own func(*url.URL) bool) *fetcher {
	dialer := &net.Dialer{Timeout: timeout}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !isPublic(ap.Addr()) {
				return errPrivateAddress
			}
			return nil
		}
	}
	return &fetcher{own: own, client: &http.Client{
		Timeout: timeout,
		// No proxy: a proxy would resolve names, which Control could not check.
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, DisableKeepAlives: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return checkLocation(r.URL)
		},
	}}
}

func checkLocation(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("scheme %q is neither http nor https", u.Scheme)
	case u.Host == "" || u.User != nil:
		return errors.New("the location needs a host and no credentials")
	}
	return nil
}

// fetch loads and parses a file; it follows a few URL records.
func (f *fetcher) fetch(ctx context.Context, location string) (string, *File, error) {
	for range 3 {
		text, err := f.get(ctx, location)
		if err != nil {
			return "", nil, err
		}
		file, err := ParseFile(text)
		if err != nil {
			var line *LineError
			if errors.As(err, &line) {
				return "", nil, &fetchError{fmt.Sprintf("le fichier de comptes est illisible, ligne %d (%s) : %v", line.Line, line.Record, line.Err), err}
			}
			return "", nil, &fetchError{"le fichier de comptes est illisible : " + err.Error(), err}
		}
		if file.URL == "" || file.URL == location {
			return text, file, nil
		}
		location = file.URL
	}
	return "", nil, &fetchError{"le fichier de comptes renvoie trop souvent à un autre", nil}
}

func (f *fetcher) get(ctx context.Context, location string) (string, error) {
	u, err := url.Parse(location)
	if err == nil {
		err = checkLocation(u)
	}
	if err != nil || len(location) > 2000 {
		return "", &fetchError{"l'adresse du fichier de comptes n'est pas une adresse http ou https", err}
	}
	if f.own != nil && f.own(u) {
		return defaultFile, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", &fetchError{"l'adresse du fichier de comptes n'est pas une adresse http ou https", err}
	}
	req.Header.Set("Accept", "text/plain, */*;q=0.5")
	req.Header.Set("User-Agent", "Linxo-Test-Bank/1")
	resp, err := f.client.Do(req)
	if err != nil {
		var timeout net.Error
		switch {
		case errors.Is(err, errPrivateAddress):
			return "", &fetchError{"l'adresse du fichier de comptes n'est pas publique", err}
		case errors.As(err, &timeout) && timeout.Timeout():
			return "", &fetchError{"le fichier de comptes met trop de temps à venir", err}
		}
		return "", &fetchError{"le fichier de comptes n'a pas pu être lu à cette adresse", err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", &fetchError{fmt.Sprintf("le fichier de comptes n'a pas pu être lu : le site répond %d", resp.StatusCode), nil}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFileSize+1))
	if err != nil {
		return "", &fetchError{"le fichier de comptes n'a pas pu être lu en entier", err}
	}
	if len(body) > maxFileSize {
		return "", &fetchError{"le fichier de comptes dépasse 1 Mio", nil}
	}
	return string(body), nil
}

// notPublic lists the address ranges that the public web does not use.
var notPublic = func() []netip.Prefix {
	var list []netip.Prefix
	for s := range strings.FieldsSeq(`
		0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
		192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15
		198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
		::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16
		3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`) {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsValid()
}
