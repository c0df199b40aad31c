package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
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

	"github.com/oxlin/oxlin/journey"
	"github.com/oxlin/oxlin/store/storetest"
)

// crashing says how much a platform has to bear.
type crashing struct {
	journeys, atOnce int
	bank             customer
	// The process lives for between shortest and longest; it is killed at most
	// deaths times, 0 being without end.
	shortest, longest time.Duration
	deaths            int
	flags             []string
}

// TestJourneysSurviveCrashes kills the platform at random moments of a hundred
// journeys through both channels and starts it again. Every journey comes to its
// end, with what an undisturbed user has: nothing is missing, doubled or stuck.
func TestJourneysSurviveCrashes(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		crashing{journeys: 100, atOnce: 10, bank: dev, shortest: 100 * time.Millisecond, longest: 4 * time.Second}.test(t)
	})
	// On PostgreSQL a job that died is taken up again after a minute, so that one
	// death is what a test has the time for.
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		crashing{
			journeys: 10, atOnce: 10, bank: customer{login: "dev+slow-200", password: "dev", code: "123456"}, shortest: 3 * time.Second, longest: 8 * time.Second, deaths: 1,
			flags: []string{"--database", storetest.Postgres(t)},
		}.test(t)
	})
}

// seedOf is OXLIN_SEED, to see a failure again, or a new one.
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
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	p := &mortal{log: filepath.Join(t.TempDir(), "platform.log"), address: freeAddress(t)}
	p.args = append([]string{
		"serve", "--sandbox", "--roles", "api", "--roles", "worker", "--data", t.TempDir(),
		"--listen", p.address, "--testbank-url", testBank(t),
	}, c.flags...)
	err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.process.abandon() })

	var lost atomic.Int64
	software := integrator("http://" + p.address)
	software.HTTP = &http.Client{Transport: patient{again: func() { lost.Add(1) }}}
	reference, err := journeyTo(ctx, software, "reference@example.test", c.bank, false)
	if err != nil {
		t.Fatal(err)
	}

	failed := make([]error, c.journeys)
	var travelling sync.WaitGroup
	turns := make(chan struct{}, c.atOnce)
	together := rand.New(rand.NewPCG(seed, 1))
	finished := make(chan struct{})
	for i := range c.journeys {
		both := together.IntN(2) == 0
		travelling.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			owned, err := journeyTo(ctx, software, fmt.Sprintf("user-%d@example.test", i), c.bank, both)
			if err == nil && !slices.Equal(owned, reference) {
				err = fmt.Errorf("the user has other data than the undisturbed one:\n%s", cmp.Diff(reference, owned))
			}
			failed[i] = err
		})
	}
	go func() { travelling.Wait(); close(finished) }()
	began := time.Now()
	deaths, err := p.dieAndRise(rand.New(rand.NewPCG(seed, 2)), c, finished)
	<-finished
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d journeys with %d lines each in %s, %d deaths, %d calls without an answer",
		c.journeys, len(reference), time.Since(began).Round(time.Second), deaths, lost.Load())
	for i, err := range failed {
		if err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
	if deaths == 0 || len(reference) < 200 {
		t.Errorf("%d deaths, %d lines of data: nothing was tested", deaths, len(reference))
	}
	err = p.process.end(syscall.SIGTERM)
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

// journeyTo is a whole journey; it gives what the user then has.
func journeyTo(ctx context.Context, software journey.Integrator, email string, c customer, together bool) ([]string, error) {
	traveller, err := travel(ctx, software, email, c, together)
	if err == nil {
		err = traveller.arrived(ctx)
	}
	if err != nil {
		return nil, err
	}
	return belongings(ctx, traveller.user)
}

// mortal is a platform that dies and is started again on the same data.
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
		_, err = m.process.address("platform")
	}
	return err
}

// dieAndRise kills the platform after random times until all have arrived.
func (m *mortal) dieAndRise(random *rand.Rand, c crashing, arrived <-chan struct{}) (deaths int, err error) {
	for c.deaths == 0 || deaths < c.deaths {
		life := c.shortest + time.Duration(random.Int64N(int64(c.longest-c.shortest)))
		select {
		case <-arrived:
			return deaths, nil
		case <-time.After(life):
		}
		err = m.process.end(syscall.SIGKILL)
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
