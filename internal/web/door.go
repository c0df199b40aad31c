package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/pace"
)

// Doors limit how many requests a client, a user, a session or a stranger may send to this
// process. The limits are kept in memory: each node has its own, and none costs a write.
// A limit with a zero Interval does not exist.
type Doors struct {
	// Client, User and Session are for those who have proved who they are.
	Client, User, Session pace.Limit
	// Address is for requests without a valid secret, token or session, by the address that
	// they come from.
	Address pace.Limit
	// TrustProxy believes X-Forwarded-For.
	TrustProxy bool
	Now        func() time.Time
	Log        *slog.Logger

	memory pace.Memory
	warned sync.Once
}

// NewDoors returns doors with the usual limits: generous enough that no software that works
// meets one.
func NewDoors(now func() time.Time, log *slog.Logger) *Doors {
	return &Doors{
		Client: PerSecond(2000), User: PerSecond(50), Session: PerSecond(50), Address: PerSecond(20),
		Now: now, Log: log,
	}
}

// PerSecond returns a limit with room for ten seconds' requests at once. Zero is no limit.
func PerSecond(rate int) pace.Limit {
	if rate <= 0 {
		return pace.Limit{}
	}
	return pace.Burst(10*rate, time.Second/time.Duration(rate))
}

// door holds the counts of one request.
type door struct {
	*Doors
	header  http.Header
	request *http.Request
	passed  [3]string // the subjects that the request was counted for
	count   int
	refused error
}

type doorKey struct{}

// Handler lets the rooms behind it call Admit and Stranger.
func (d *Doors) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := &door{Doors: d, header: w.Header(), request: r}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), doorKey{}, at)))
	})
}

// Admit counts a request for a client, a user and a session, each of them once, and sets the
// headers with the remaining places. An empty one does not count. The error is CodeTooManyRequests
// with RetryAfter. Without doors everybody is admitted.
func Admit(ctx context.Context, client oxlin.ClientID, user oxlin.UserID, session string) error {
	at, ok := ctx.Value(doorKey{}).(*door)
	if !ok {
		return nil
	}
	err := at.take("session", session, at.Session)
	if err == nil && user != 0 {
		err = at.take("user", user.String(), at.User)
	}
	if err == nil {
		err = at.take("client", string(client), at.Client)
	}
	return err
}

// take takes a place for a subject.
func (d *door) take(policy, subject string, limit pace.Limit) error {
	if subject == "" || limit.Interval == 0 {
		return nil
	}
	subject = policy + " " + subject
	for _, passed := range d.passed[:d.count] {
		if passed == subject {
			return d.refused
		}
	}
	if d.count < len(d.passed) {
		d.passed[d.count] = subject
		d.count++
	}
	state, ok := d.memory.Take(subject, limit, d.Now())
	d.tell(policy, limit, state)
	if ok {
		return nil
	}
	SetRetryAfter(d.header, state.Wait)
	d.refused = &oxlin.Error{
		Code: oxlin.CodeTooManyRequests, Message: "Too many requests of one " + policy + "; send them more slowly.", RetryAfter: state.Wait,
	}
	return d.refused
}

// SetRetryAfter sets the header Retry-After (RFC 9110 §10.2.3) to whole seconds, unless
// there is nothing to wait for.
func SetRetryAfter(header http.Header, wait time.Duration) {
	if wait > 0 {
		header.Set("Retry-After", strconv.FormatInt(seconds(wait), 10))
	}
}

// tell writes the headers of draft-ietf-httpapi-ratelimit-headers.
func (d *door) tell(policy string, limit pace.Limit, state pace.State) {
	quota := int64(limit.Ahead/limit.Interval) + 1
	text := make([]byte, 0, 48)
	text = append(append(append(text, '"'), policy...), `";q=`...)
	text = append(strconv.AppendInt(text, quota, 10), ";w="...)
	text = strconv.AppendInt(text, seconds(limit.Ahead+limit.Interval), 10)
	d.add(policyHeader, text)
	text = append(append(append(text[:0], '"'), policy...), `";r=`...)
	text = append(strconv.AppendInt(text, int64(state.Places), 10), ";t="...)
	text = strconv.AppendInt(text, seconds(max(state.Wait, limit.Interval)), 10)
	d.add(leftHeader, text)
}

// The canonical forms of RateLimit-Policy and RateLimit, which net/http would look for each
// time.
const policyHeader, leftHeader = "Ratelimit-Policy", "Ratelimit"

// add adds a member to a header's list.
func (d *door) add(name string, member []byte) {
	if before := d.header[name]; len(before) > 0 {
		before[0] += ", " + string(member)
		return
	}
	d.header[name] = []string{string(member)}
}

// seconds rounds up, so that who waits as long finds a place.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Stranger counts a request without a valid secret, token or session for the address that it
// comes from. It returns refused, or CodeTooManyRequests with RetryAfter if there were too
// many. Where all requests may come through a proxy that nobody has told us to trust, the
// address says nothing, and nothing is counted.
func Stranger(ctx context.Context, refused error) error {
	at, ok := ctx.Value(doorKey{}).(*door)
	if !ok {
		return refused
	}
	limited := at.take("address", at.address(), at.Address)
	if limited != nil {
		return limited
	}
	return refused
}

// Source returns the address that tells strangers apart, or "" without such an address.
func Source(ctx context.Context) string {
	at, ok := ctx.Value(doorKey{}).(*door)
	if !ok {
		return ""
	}
	return at.address()
}

func (d *door) address() string {
	ip, err := netip.ParseAddr(ClientAddress(d.request, d.TrustProxy))
	if err != nil {
		return ""
	}
	if !d.TrustProxy && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
		forwarded := d.request.Header.Get("X-Forwarded-For") != "" || d.request.Header.Get("Forwarded") != ""
		if forwarded || !ip.IsLoopback() {
			d.warned.Do(func() {
				d.Log.Warn("requests come from a private address, and no proxy is trusted: nothing is limited by address; give --trust-proxy behind a proxy of yours")
			})
		}
		return ""
	}
	return Network(ip)
}

// Network returns the text by which an address is counted. A host with one address of IPv6
// has the whole network of 64 bits.
func Network(ip netip.Addr) string {
	ip = ip.WithZone("").Unmap()
	if ip.Is6() {
		prefix, err := ip.Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
