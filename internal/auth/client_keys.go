package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/reach"
)

const (
	// keysLife is how long keys of a jwks_uri are used without reading them again.
	keysLife = 5 * time.Minute
	// keysRest is the least time between two readings of one address: whoever names the
	// client can ask for one, by a kid that is not known.
	keysRest = 30 * time.Second
	// keysTimeout bounds one reading, and keysBytes and mostKeys its answer.
	keysTimeout = 5 * time.Second
	keysBytes   = 64 << 10
	mostKeys    = 20
)

// clientKeys are the keys of clients, as registered or as read at their addresses.
type clientKeys struct {
	client *http.Client
	dialer *net.Dialer
	now    func() time.Time
	mutex  sync.Mutex
	read   map[string]*readKeys
}

// readKeys are the keys at one address.
type readKeys struct {
	mutex sync.Mutex
	// reading is closed when the request that reads them has an answer; nil while none does.
	reading chan struct{}
	// tried is when they were last asked for, and read when an answer had them.
	tried, read time.Time
	keys        []jose.JSONWebKey
	err         error
}

// newClientKeys returns keys whose addresses lead to public servers, or with local to
// servers of private networks and this machine too.
func newClientKeys(now func() time.Time, local bool) *clientKeys {
	dialer := &net.Dialer{Timeout: keysTimeout}
	if !local {
		dialer.Control = reach.Public
	}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: keysTimeout, MaxResponseHeaderBytes: keysBytes, DisableKeepAlives: true,
	} // no proxy of the environment: it would reach what the dialer refuses
	return &clientKeys{now: now, dialer: dialer, read: map[string]*readKeys{}, client: &http.Client{
		Transport: transport, Timeout: keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// of returns a client's keys. With fresh, keys at an address are read again unless that has
// just happened.
func (k *clientKeys) of(ctx context.Context, client oxlin.Client, fresh bool) ([]jose.JSONWebKey, error) {
	if client.Authentication.KeysURI == "" {
		return parseKeys(client.Authentication.Keys)
	}
	address := client.Authentication.KeysURI
	k.mutex.Lock()
	known := k.read[address]
	if known == nil {
		known = &readKeys{}
		k.read[address] = known // operators register addresses: there are few
	}
	k.mutex.Unlock()
	known.mutex.Lock()
	defer known.mutex.Unlock()
	for {
		now := k.now()
		old := known.read.IsZero() || now.Sub(known.read) >= keysLife
		switch rests := !known.tried.IsZero() && now.Sub(known.tried) < keysRest; {
		case old && rests: // a key that the client has withdrawn must not live on
			return nil, known.err
		case !old && (!fresh || rests):
			return known.keys, nil
		case known.reading != nil:
			err := known.wait(ctx)
			if err != nil {
				return nil, err
			}
		default:
			k.readAnew(ctx, known, address)
		}
	}
}

// wait waits until another request has read the keys. Its caller holds the mutex, which is free meanwhile.
func (r *readKeys) wait(ctx context.Context) error {
	reading := r.reading
	r.mutex.Unlock()
	defer r.mutex.Lock()
	select {
	case <-reading:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readAnew reads the keys at an address. Its caller holds the mutex, which is free meanwhile: keys that
// are still valid serve requests while the address does not answer.
func (k *clientKeys) readAnew(ctx context.Context, known *readKeys, address string) {
	known.reading = make(chan struct{})
	known.mutex.Unlock()
	keys, err := k.fetch(ctx, address)
	known.mutex.Lock()
	close(known.reading)
	known.reading, known.tried, known.err = nil, k.now(), err
	if err == nil {
		known.keys, known.read = keys, known.tried
	}
}

// fetch reads the keys at an address. An error does not contain the answer.
func (k *clientKeys) fetch(ctx context.Context, address string) ([]jose.JSONWebKey, error) {
	// The reading serves the requests that wait for it too, if this one's client goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the jwks_uri is no address")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return nil, errors.New("the server of the jwks_uri does not answer, or its address is not a public one")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the jwks_uri is answered with the status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, keysBytes+1))
	if err != nil || len(text) > keysBytes {
		return nil, errors.New("the answer of the jwks_uri is incomplete or too large")
	}
	return parseKeys(text)
}

// parseKeys reads a set of public keys (RFC 7517 §5). Keys of an unknown kind are ignored.
func parseKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct{ Keys []json.RawMessage }
	err := json.Unmarshal(text, &set)
	if err != nil || set.Keys == nil {
		return nil, errors.New("they are no JSON Web Key Set")
	}
	if len(set.Keys) > mostKeys {
		return nil, fmt.Errorf("there are more than %d", mostKeys)
	}
	var keys []jose.JSONWebKey
	for _, member := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(member) == nil && key.Valid() && key.IsPublic() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
