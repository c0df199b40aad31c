package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// way is the only way from the platform to the bank. It counts the refresh tokens, ends the
// life of some access tokens early, and where the bank is hostile it disturbs its answers.
// What a user's browser sends is left alone.
type way struct {
	server *httptest.Server
	bank   *httputil.ReverseProxy
	result *result
	words  *secrets
	// hostile are the disturbances; none leaves the bank as it is.
	hostile []disturbance
	hands   handshakes

	mutex     sync.Mutex
	random    *rand.Rand
	refreshed map[string]*refreshing
	used      map[string]bool
	ended     map[string]bool
	kills     []time.Time
	quiet     bool
}

// refreshing is the use of a refresh token.
type refreshing struct {
	// caller lasts as long as the caller's connection.
	caller context.Context
	began  time.Time
	// lost is set if the answer did not arrive as the bank gave it, and answered is when it did.
	lost     bool
	answered time.Time
	status   int
}

const (
	// endEarly and disturb are the parts of the calls that meet a token's early end, and a
	// disturbance.
	endEarly = 0.05
	disturb  = 0.05
	// latest is the longest time that an undisturbed call takes, so that what strikes the
	// platform finds it in the middle of something.
	latest = 250 * time.Millisecond
	// underWay is how long a call may take to reach the bank: its process may be killed meanwhile.
	underWay = time.Second
	// storing is how long a process may take to store an answer: one that is killed before
	// may have lost it.
	storing = 5 * time.Second
)

func newWay(seed uint64, result *result, words *secrets, hostile []disturbance) (*way, error) {
	w := &way{
		result: result, words: words, hostile: hostile, random: rand.New(rand.NewPCG(seed, 1<<40)),
		refreshed: map[string]*refreshing{}, used: map[string]bool{}, ended: map[string]bool{},
	}
	w.server = httptest.NewUnstartedServer(w)
	if len(hostile) == 0 {
		w.server.Start()
		return w, nil
	}
	// Each call has a connection of its own, so that each can fail in TLS.
	w.server.Config.SetKeepAlivesEnabled(false)
	w.server.Config.ErrorLog = silent
	return w, w.hands.start(w.server)
}

// to names the address of the bank.
func (w *way) to(address string) error {
	bank, err := url.Parse(address)
	if err != nil {
		return err
	}
	w.bank = httputil.NewSingleHostReverseProxy(bank)
	// What is on its way to a process that was killed, or from it, is lost. So is a call on a
	// connection that the bank closes at that moment, because nobody has used it for a while.
	w.bank.ErrorHandler = func(to http.ResponseWriter, _ *http.Request, _ error) { to.WriteHeader(http.StatusBadGateway) }
	w.bank.ErrorLog = silent
	return nil
}

// calm ends all disturbances.
func (w *way) calm() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.quiet = true
	w.hands.faults.Store(0)
}

func (w *way) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	data := strings.HasPrefix(r.URL.Path, "/stet/")
	if !data && r.URL.Path != "/token" && r.URL.Path != "/revoke" && !strings.HasPrefix(r.URL.Path, "/site") {
		w.bank.ServeHTTP(to, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	use := w.noteRefresh(r.Context(), body)
	if data && w.isEnded(r.Header.Get("Authorization")) {
		w.result.count("tokens ended early")
		refuse(to, http.StatusUnauthorized, "")
		return
	}
	how, late, wait := w.choose()
	w.result.count(how.name)
	waitFor(r, wait)
	status := 0
	defer func() { w.noteAnswer(use, how, status) }()
	if how.instead != nil && !late {
		how.instead(w, to, r)
		return
	}
	query := r.URL.Query()
	page := query.Get(endless)
	query.Del(endless)
	if page != "" {
		r.URL.RawQuery = query.Encode()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	// The bank has what was sent, whatever becomes of its sender.
	w.bank.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
	w.noteTokens(r, answer)
	status = answer.Code
	switch {
	case page != "":
		leadOn(to, r, answer, page+"1")
	case how.instead != nil:
		how.instead(w, to, r)
	case how.after != nil:
		how.after(w, to, r, answer)
	default:
		pass(to, answer)
	}
}

// pass writes an answer as it is.
func pass(to http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		to.Header()[name] = values
	}
	to.WriteHeader(answer.Code)
	_, _ = to.Write(answer.Body.Bytes())
}

// choose returns what becomes of a call, whether the bank gets it nevertheless, and how long
// it takes.
func (w *way) choose() (how disturbance, late bool, wait time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	wait = time.Duration(w.random.Int64N(int64(latest)))
	if w.quiet || len(w.hostile) == 0 || w.random.Float64() >= disturb {
		return disturbance{name: "calls undisturbed"}, false, wait
	}
	total := 0
	for _, one := range w.hostile {
		total += one.weight
	}
	n := w.random.IntN(total)
	for _, one := range w.hostile {
		n -= one.weight
		if n < 0 {
			how = one
			break
		}
	}
	return how, w.random.IntN(2) == 0, wait
}

// isEnded reports whether an access token has ended, and ends some that were used before.
func (w *way) isEnded(token string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.used[token] && !w.quiet && w.random.Float64() < endEarly {
		w.ended[token] = true
	}
	w.used[token] = true // the platform renews no access that has read nothing
	return w.ended[token]
}

// noteRefresh notes that a refresh token was sent. The bank takes each once, so the platform
// may send it again only if it cannot have the answer.
func (w *way) noteRefresh(caller context.Context, body []byte) *refreshing {
	form, _ := url.ParseQuery(string(body))
	token := form.Get("refresh_token")
	if token == "" {
		return nil
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if before := w.refreshed[token]; before != nil {
		w.result.count("refresh tokens sent again")
		killed := slices.ContainsFunc(w.kills, func(at time.Time) bool {
			return at.After(before.began.Add(-underWay)) && at.Before(before.answered.Add(storing))
		})
		switch {
		case before.lost:
		case before.answered.IsZero() && before.caller.Err() == nil:
			w.result.violate(everyJourney, "a refresh token was sent to the bank twice at once")
		case !before.answered.IsZero() && !killed:
			w.result.violate(everyJourney, "a refresh token was sent to the bank again, %s after its answer with the status %d",
				time.Since(before.answered), before.status)
		}
	}
	use := &refreshing{caller: caller, began: time.Now()}
	w.refreshed[token] = use
	return use
}

// noteAnswer notes whether the answer to a refresh token went back as the bank gave it.
func (w *way) noteAnswer(use *refreshing, how disturbance, status int) {
	if use == nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	use.lost = use.caller.Err() != nil || how.instead != nil || how.after != nil || status == http.StatusBadGateway
	use.answered, use.status = time.Now(), status
}

// noteKill notes that a process was killed.
func (w *way) noteKill() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.kills = append(w.kills, time.Now())
}

// noteTokens remembers the tokens that the bank gives, which no log may show.
func (w *way) noteTokens(r *http.Request, answer *httptest.ResponseRecorder) {
	if r.URL.Path != "/token" || answer.Code != http.StatusOK {
		return
	}
	var pair struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	err := json.Unmarshal(answer.Body.Bytes(), &pair)
	if err == nil {
		w.words.add(pair.Access, pair.Refresh)
	}
}

// sever ends the connection of a request without an answer.
func sever(to http.ResponseWriter) {
	hijacker, ok := to.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	below := conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		below = secure.NetConn()
	}
	if tcp, ok := below.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an end
	}
	_ = below.Close()
}
