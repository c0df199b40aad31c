package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// cluster is a platform of several processes on one PostgreSQL database. Each reaches the test
// bank by a way of its own, so that the test sees who calls.
type cluster struct {
	t        *testing.T
	database string
	bank     string
	nodes    []*member

	mutex sync.Mutex
	// refreshed counts how often each refresh token came to the bank, and refused those that
	// the bank did not take.
	refreshed map[string]int
	refused   int
	// before and after are called around a call, before and after the bank has it.
	before, after func(m *member, r *http.Request)
	// calls are those that the bank answers at this moment, and most their highest number.
	calls, most atomic.Int32
}

// member is a process of the cluster.
type member struct {
	*process
	address string
	calls   atomic.Int32
}

// freeze stops every thread of the process before it returns. The signal alone is not enough:
// until the thread that got it is scheduled, the others go on, on a busy machine for long
// enough to call the bank again.
func (m *member) freeze() error {
	err := m.Command.Process.Signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	for err == nil && !status.Stopped() {
		_, err = syscall.Wait4(m.Command.Process.Pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			err = nil
		}
	}
	return err
}

func newCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{t: t, database: storetest.Postgres(t), bank: testBank(t), refreshed: map[string]int{}}
	data := t.TempDir()
	for range nodes {
		c.join(data)
	}
	return c
}

// join starts another process, with a data directory.
func (c *cluster) join(data string) *member {
	c.t.Helper()
	m := &member{address: freeAddress(c.t)}
	way := httptest.NewServer(c.way(m))
	c.t.Cleanup(way.Close)
	m.process = run(c.t, "node", "serve", "--sandbox", "--roles", "api,worker", "--data", data,
		"--database", c.database, "--listen", m.address, "--testbank-url", way.URL)
	c.t.Cleanup(func() { _ = m.Command.Process.Signal(syscall.SIGCONT) })
	m.where(c.t, "platform")
	c.nodes = append(c.nodes, m)
	return m
}

// way is the way of a process to the bank.
func (c *cluster) way(m *member) http.Handler {
	address, err := url.Parse(c.bank)
	if err != nil {
		c.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(address)
	// What is on its way to a process that was killed, or from it, is lost.
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		token := form.Get("refresh_token")
		data := strings.HasPrefix(r.URL.Path, "/stet/")
		c.hook(&c.before, m, r)
		if data || token != "" {
			m.calls.Add(1)
			for n := c.calls.Add(1); n > c.most.Load(); {
				c.most.Store(n)
			}
		}
		answer := httptest.NewRecorder()
		// The bank has what was sent, whatever becomes of its sender.
		proxy.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
		if token != "" {
			c.mutex.Lock()
			c.refreshed[token]++
			if answer.Code != http.StatusOK {
				c.refused++
			}
			c.mutex.Unlock()
		}
		c.hook(&c.after, m, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		if data || token != "" {
			c.calls.Add(-1)
		}
	})
}

func (c *cluster) hook(which *func(*member, *http.Request), m *member, r *http.Request) {
	c.mutex.Lock()
	do := *which
	c.mutex.Unlock()
	if do != nil {
		do(m, r)
	}
}

// once lets a function be called for the first call to the bank whose path ends so.
func (c *cluster) once(which *func(*member, *http.Request), path string, do func(m *member)) {
	var done atomic.Bool
	c.mutex.Lock()
	defer c.mutex.Unlock()
	*which = func(m *member, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, path) && done.CompareAndSwap(false, true) {
			do(m)
		}
	}
}

// other returns a process other than one.
func (c *cluster) other(m *member) *member {
	if c.nodes[0] == m {
		return c.nodes[1]
	}
	return c.nodes[0]
}

// connected returns a user whose accounts are known and whose token has ended at the bank.
func (c *cluster) connected(login string) *journey.EndUser {
	c.t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		c.t.Fatal(err)
	}
	if time.Now().In(paris).Hour() >= 21 {
		c.advance(4) // the bank's day must not change within the test: it brings new rows
	}
	software := integrator("http://" + c.nodes[0].address)
	user, err := journey.Arrive(c.t.Context(), software, "user@example.test", password, journey.Customer{Login: login, Password: "dev", Code: "123456"})
	if err == nil {
		err = user.ConnectByRedirect(c.t.Context())
	}
	if err == nil {
		err = user.Converse(c.t.Context())
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.advance(2)
	c.most.Store(0)
	return user
}

// advance moves the bank's clock.
func (c *cluster) advance(hours int) {
	c.t.Helper()
	response, err := http.Post(c.bank+"/control/clock", "application/json", strings.NewReader(fmt.Sprintf(`{"advance_hours": %d}`, hours)))
	if err != nil {
		c.t.Fatal(err)
	}
	response.Body.Close()
}

// through lets a user's software use another process.
func (c *cluster) through(u *journey.EndUser, m *member) {
	u.User.Integrator.Platform = "http://" + m.address
}

// query reads one value from the database.
func query[T any](c *cluster, statement string, args ...any) (value T) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.database)
	if err == nil {
		defer conn.Close(c.t.Context())
		err = conn.QueryRow(c.t.Context(), statement, args...).Scan(&value)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return value
}

// synchronize starts a synchronisation, waits until it has ended, and checks that it told of
// itself once.
func (c *cluster) synchronize(ctx context.Context, user *journey.EndUser) {
	c.t.Helper()
	before := len(user.Said("8701"))
	_, err := user.User.Post(ctx, "/connections/"+user.Connection+"/synchronize", map[string]string{"type": "ALL"}, nil)
	if err == nil {
		err = user.Converse(ctx)
	}
	var cut *url.Error
	for errors.As(err, &cut) && ctx.Err() == nil {
		err = user.Converse(ctx) // the process that answered was killed: ask another one
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS"}, user.Said("8701")[before:]); diff != "" {
		c.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A process freezes for 15 seconds in the middle of its work, and comes back. The bank takes
// each refresh token once. The consent is kept, no token is sent twice, and what the process
// had begun does not disturb its successor.
func TestAProcessThatFreezesLosesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes int
		path  string
		after bool // the bank has answered
	}{
		"before the bank has its refresh token": {2, "/token", false},
		"after the bank has answered a renewal": {3, "/token", true},
		"before the bank has its question":      {2, "/transactions", false},
		"after the bank has shown its accounts": {2, "/accounts", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			all := newCluster(t, c.nodes)
			user := all.connected("dev")
			want, err := journey.Belongings(ctx, user.User)
			if err != nil {
				t.Fatal(err)
			}
			hook := &all.before
			if c.after {
				hook = &all.after
			}
			frozen := make(chan *member, 1)
			var calls int32
			all.once(hook, c.path, func(m *member) {
				err := m.freeze()
				if err != nil {
					t.Error(err)
				}
				calls = m.calls.Load()
				all.through(user, all.other(m))
				frozen <- m
			})
			woken := make(chan bool)
			go func() {
				defer close(woken)
				select {
				case m := <-frozen:
					time.Sleep(15 * time.Second)
					if n := m.calls.Load() - calls; n > 1 {
						t.Errorf("a frozen process called the bank %d times", n)
					}
					_ = m.Command.Process.Signal(syscall.SIGCONT)
				case <-ctx.Done():
				}
			}()
			all.synchronize(ctx, user)
			<-woken
			all.mutex.Lock()
			defer all.mutex.Unlock()
			for _, n := range all.refreshed {
				if n != 1 {
					t.Errorf("the bank got a refresh token %d times", n)
				}
			}
			if len(all.refreshed) == 0 || all.refused > 0 {
				t.Errorf("%d renewals, %d of them refused", len(all.refreshed), all.refused)
			}
			if n := all.most.Load(); c.path == "/token" && n != 1 {
				t.Errorf("%d calls at once for one synchronisation", n)
			}
			got, err := journey.Belongings(ctx, user.User)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// A process is killed in the middle of a call. Another one continues within ten seconds of
// its last sign of life, also when the killed one led the others.
func TestTheWorkOfAKilledProcessContinuesWithinTenSeconds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	all := newCluster(t, 3)
	user := all.connected("dev")
	all.once(&all.before, "/transactions", func(m *member) {
		all.through(user, all.other(m))
		_ = m.Command.Process.Kill()
	})
	all.synchronize(ctx, user)
	late := query[float64](all, `SELECT max(extract(epoch FROM attempted_at) - beat_at / 1000000.0)::float8 FROM river_job
		JOIN nodes ON nodes.id = attempted_by[cardinality(attempted_by) - 1] WHERE kind = 'run' AND attempt > 1`)
	if late <= 0 || late > 10 {
		t.Errorf("the synchronisation continued %.1f seconds after the last sign of life", late)
	}
	if all.refused > 0 {
		t.Errorf("%d renewals were refused", all.refused)
	}
}
