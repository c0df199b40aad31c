package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// crashing configures how often a platform is killed.
type crashing struct {
	journeys, atOnce int
	bank             journey.Customer
	// The platform is killed after that many events of its users, at least one, and a
	// random moment more, so that the test depends on no machine's speed and every run
	// of the process makes progress.
	events int
	// deaths bounds the number of kills; 0 kills never.
	deaths int
	flags  []string
}

// TestJourneysSurviveCrashes kills the platform at random moments of a hundred journeys
// through both channels and starts it again. Every journey ends with the data of an
// undisturbed user: nothing is missing, doubled or stuck.
func TestJourneysSurviveCrashes(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		crashing{journeys: 100, atOnce: 10, bank: journey.Dev, events: 80}.test(t)
	})
	// On PostgreSQL other nodes take up a dead process's job after eight seconds, so the
	// test has time for few kills. The slow bank makes sure that they interrupt a job.
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		slow := journey.Customer{Login: "dev+slow-200", Password: "dev", Code: "123456"}
		crashing{
			journeys: 10, atOnce: 10, bank: slow, events: 60, deaths: 2,
			flags: []string{"--database", storetest.Postgres(t)},
		}.test(t)
	})
}

// seedOf returns OXLIN_SEED, to repeat a failure, or a new seed.
func seedOf(t *testing.T) uint64 {
	seed := rand.Uint64()
	if given := os.Getenv("OXLIN_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("OXLIN_SEED=%d", seed)
	return seed
}

func (c crashing) test(t *testing.T) {
	seed := seedOf(t)
	// Long enough for a busy machine: only a journey that is stuck takes so long.
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	p := &mortal{log: filepath.Join(t.TempDir(), "platform.log"), address: freeAddress(t)}
	p.args = append([]string{
		"serve", "--sandbox", "--roles", "api,worker", "--data", t.TempDir(),
		"--listen", p.address, "--testbank-url", testBank(t),
	}, c.flags...)
	err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.process.Abandon() })

	var lost atomic.Int64
	software := integrator("http://" + p.address)
	software.HTTP = &http.Client{Transport: journey.Patient{Again: func() { lost.Add(1) }}}
	reference, err := journey.Travel(ctx, software, "reference@example.test", c.bank, false, func() {})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 100*c.journeys)
	users := make([]*journey.EndUser, c.journeys)
	failed := make([]error, c.journeys)
	var travelling sync.WaitGroup
	turns := make(chan struct{}, c.atOnce)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range c.journeys {
		together := random.IntN(2) == 0
		travelling.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			email := fmt.Sprintf("user-%d@example.test", i)
			users[i], failed[i] = journey.Travel(ctx, software, email, c.bank, together, func() { told <- struct{}{} })
		})
	}
	ended := make(chan struct{})
	go func() { travelling.Wait(); close(ended) }()
	began := time.Now()
	deaths, err := p.dieAndRise(random, c, told, ended)
	if err != nil {
		cancel()
	}
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d journeys in %s, %d deaths, %d calls without an answer",
		c.journeys, time.Since(began).Round(time.Second), deaths, lost.Load())
	want, err := reference.Brought(ctx)
	if err != nil {
		t.Fatalf("the undisturbed user: %v", err)
	}
	for i, err := range failed {
		var got []string
		if err == nil {
			got, err = users[i].Brought(ctx)
		}
		if err != nil {
			t.Errorf("user %d: %v", i, err)
		} else if difference := cmp.Diff(want, got); difference != "" {
			t.Errorf("user %d has other data than the undisturbed one:\n%s", i, difference)
		}
	}
	if deaths == 0 || len(want) < 200 {
		t.Errorf("%d deaths, %d lines of data: nothing was tested", deaths, len(want))
	}
	err = p.process.End(syscall.SIGTERM)
	if err != nil {
		t.Error(err)
	}
	if t.Failed() {
		log, _ := os.ReadFile(p.log)
		lines := strings.Split(string(log), "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return !strings.Contains(line, "level=WARN") && !strings.Contains(line, "level=ERROR")
		})
		t.Logf("the platform warned:\n%s", strings.Join(lines, "\n"))
	}
}

// mortal is a platform that is killed and started again on the same data.
type mortal struct {
	log     string
	address string
	args    []string
	process *process
}

func (m *mortal) start() error {
	var err error
	m.process, err = launch(m.log, m.args...)
	if err == nil {
		_, err = m.process.Address("platform")
	}
	return err
}

// longest bounds the time between the last event of a run and the kill.
const longest = 300 * time.Millisecond

// dieAndRise kills and restarts the platform until all journeys have ended.
func (m *mortal) dieAndRise(random *rand.Rand, c crashing, told, ended <-chan struct{}) (deaths int, err error) {
	for c.deaths == 0 || deaths < c.deaths {
		for range 1 + random.IntN(c.events) {
			select {
			case <-told:
			case <-ended:
				return deaths, nil
			}
		}
		select {
		case <-time.After(time.Duration(random.Int64N(int64(longest)))):
		case <-ended:
			return deaths, nil
		}
		err = m.process.End(syscall.SIGKILL)
		if err != nil {
			return deaths, err
		}
		deaths++
		err = m.start()
		if err != nil {
			return deaths, err
		}
	}
	return deaths, nil
}

// 64 callers get tokens at once, so that SQLite commits for many of them together, and the
// platform is killed while it answers. Every token that was answered is valid afterwards.
func TestWhatWasAnsweredSurvivesAKill(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(seedOf(t), 0))
	p := &mortal{log: filepath.Join(t.TempDir(), "platform.log"), address: freeAddress(t)}
	p.args = []string{"serve", "--sandbox", "--data", t.TempDir(), "--listen", p.address, "--testbank-listen", "127.0.0.1:0", "--client-limit", "100000"}
	err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.process.Abandon() })
	connections := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for range 3 {
		var callers sync.WaitGroup
		var answered sync.Map
		var count atomic.Int64
		enough := 200 + random.Int64N(800)
		killed := make(chan struct{})
		for range 64 {
			callers.Go(func() {
				for {
					var token struct {
						Value string `json:"access_token"`
					}
					err := askAsClient(connections, "http://"+p.address+"/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}}, &token)
					if err != nil {
						<-killed // the others ask until then
						return
					}
					answered.Store(token.Value, true)
					if count.Add(1) == enough {
						err = p.process.End(syscall.SIGKILL)
						if err != nil {
							t.Error(err)
						}
						close(killed)
					}
				}
			})
		}
		callers.Wait()
		err = p.start()
		if err != nil {
			t.Fatal(err)
		}
		for token := range answered.Range {
			var state struct {
				Active bool `json:"active"`
			}
			err := askAsClient(connections, "http://"+p.address+"/introspect", url.Values{"token": {token.(string)}}, &state)
			if err != nil {
				t.Fatal(err)
			}
			if !state.Active {
				t.Fatalf("a token was answered and is lost, after %d", count.Load())
			}
		}
	}
}

// askAsClient posts a form with the secret of a client of the sandbox, and decodes the answer.
func askAsClient(through *http.Client, address string, form url.Values, into any) error {
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.SetBasicAuth("sandbox-licensed", "sandbox-licensed-secret")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := through.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// TestAJobThatIsKilledAgainAndAgainGoesOn kills the platform at every second call to the bank:
// each attempt of a job stores one answer, and dies. There are more deaths than attempts
// that a job has without getting further.
func TestAJobThatIsKilledAgainAndAgainGoesOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	bank, err := url.Parse(testBank(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(bank)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	var p *mortal
	var mutex sync.Mutex
	calls, deaths := 0, 0
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/stet/") && strings.HasSuffix(r.URL.Path, "s") && strings.Count(r.URL.Path, "/") > 3 {
			mutex.Lock()
			defer mutex.Unlock()
			calls++
			if calls%2 == 0 {
				deaths++
				err := p.process.Command.Process.Kill()
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer way.Close()
	p = &mortal{log: filepath.Join(t.TempDir(), "platform.log"), address: freeAddress(t)}
	p.args = []string{"serve", "--sandbox", "--roles", "api,worker", "--data", t.TempDir(), "--listen", p.address, "--testbank-url", way.URL}
	err = p.start()
	if err != nil {
		t.Fatal(err)
	}
	risen := make(chan bool)
	go func() {
		defer close(risen)
		for ctx.Err() == nil {
			_ = p.process.Command.Wait()
			if ctx.Err() != nil {
				return
			}
			mutex.Lock()
			err := p.start()
			mutex.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = p.process.Command.Process.Kill()
		<-risen
	})
	software := integrator("http://" + p.address)
	software.HTTP = &http.Client{Transport: journey.Patient{Again: func() {}}}
	user, err := journey.Arrive(ctx, software, "user@example.test", password, journey.Dev)
	if err == nil {
		err = user.ConnectByRedirect(ctx)
	}
	if err == nil {
		err = user.Converse(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	mutex.Lock()
	defer mutex.Unlock()
	if said := user.Said("8701"); !slices.Equal(said, []string{"LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS"}) || deaths < 6 {
		t.Errorf("after %d deaths: %v", deaths, said)
	}
}
