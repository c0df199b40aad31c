package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

// stallsCommand measures how long writes wait while one user is much heavier than the others.
const stallsCommand = "stalls"

// A probe asks for a token, which the platform stores durably before it answers.
const (
	probes   = 5000
	interval = 2 * time.Millisecond
)

// measureStalls prints how long probes take while nothing else happens, while accounts with
// many rows are read for the first time, and while their user is deleted. Each probe is due
// at its own instant, and its time counts from then, however late it was sent.
func measureStalls(ctx context.Context, arguments []string) error {
	var s settings
	flags := flag.NewFlagSet(stallsCommand, flag.ContinueOnError)
	flags.StringVar(&s.binary, "binary", "bin/oxlin", "the binary to measure")
	flags.StringVar(&s.database, "database", "", "an empty database, postgres://...; without it SQLite in a temporary directory")
	flags.IntVar(&s.rows, "rows", 100_000, "transactions of each of the user's two accounts")
	err := flags.Parse(arguments)
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "oxlin-stalls-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	database := s.database
	if database == "" {
		database = "sqlite:" + directory + "/oxlin.db"
	}
	platform, err := startPlatform(ctx, s, directory, database)
	if err != nil {
		return err
	}
	defer platform.end()
	b := &bench{
		integrator: scenario.Integrator{
			Platform: platform.address, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret", HTTP: client,
		},
		settings: s,
	}
	heavy, callback, err := b.heavyUser(ctx)
	if err != nil {
		return err
	}

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "WRITES WHILE\tIT TOOK\tPROBES\tMEDIAN\tP99\tLONGEST\tMEMORY AFTER\t\n")
	for _, phase := range []struct {
		name string
		work func() error
	}{
		{"nothing else happens", func() error { time.Sleep(5 * time.Second); return nil }},
		{fmt.Sprintf("two accounts of %d rows are read", s.rows), func() error { return b.arrive(ctx, heavy, callback) }},
		{"nothing else happens, once more", func() error { time.Sleep(5 * time.Second); return nil }},
		{fmt.Sprintf("a user with %d rows is deleted", 2*s.rows), func() error { return b.deleteUser(ctx, heavy) }},
	} {
		say("%s", phase.name)
		took, times, err := b.probeWhile(ctx, phase.work)
		if err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		memory, err := platform.memory()
		if err != nil {
			return err
		}
		slices.Sort(times)
		fmt.Fprintf(table, "%s\t%.1f s\t%d\t%.1f ms\t%.1f ms\t%.0f ms\t%.0f MB\t\n", phase.name, took.Seconds(), len(times),
			milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99)), milliseconds(times[len(times)-1]), memory)
	}
	return table.Flush()
}

func quantile(sorted []time.Duration, part float64) time.Duration {
	return sorted[int(math.Ceil(part*float64(len(sorted))))-1]
}

// heavyUser returns a user that is back from the bank, with two accounts of many rows.
func (b *bench) heavyUser(ctx context.Context) (scenario.Session, *url.URL, error) {
	var text strings.Builder
	text.WriteString("CREDENTIALS|bench|bench\nCREDENTIALS_OWNER|MARIE BENCH\n")
	for account := range 2 {
		fmt.Fprintf(&text, "ACCOUNT|HEAVY%d|000%d|D|1000.00|Checkings|||MARIE BENCH|COMPTE %d|true|true||EUR\n", account, account, account)
		for row := range b.settings.rows {
			fmt.Fprintf(&text, "TRANSACTION|-%d.%02d|D-%d|CB MAGASIN %d\n", 1+row%97, row%100, 1+row*80/b.settings.rows, row)
		}
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text.String()) }))
	context.AfterFunc(ctx, web.Close)
	applicant, err := b.integrator.ClientToken(ctx)
	if err != nil {
		return scenario.Session{}, nil, err
	}
	email := fmt.Sprintf("heavy-%d@example.test", time.Now().UnixNano())
	_, err = applicant.CreateUser(ctx, email, password)
	if err != nil {
		return scenario.Session{}, nil, err
	}
	session, err := b.integrator.UserToken(ctx, email, password)
	if err != nil {
		return session, nil, err
	}
	address, err := session.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return")
	if err != nil {
		return session, nil, err
	}
	callback, err := robot.LogIn(ctx, address, map[string]string{
		"login": "bench", "password": "bench", "code": "123456", "file_url": web.URL + "/heavy.txt",
	})
	return session, callback, err
}

func (b *bench) deleteUser(ctx context.Context, session scenario.Session) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, b.integrator.Platform+"/v2.1/users/me", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+session.Tokens.AccessToken)
	patient := &http.Client{Timeout: 5 * time.Minute}
	response, err := patient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		body, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}

// probeWhile sends probes at their instants until work has ended and all of them were sent.
func (b *bench) probeWhile(ctx context.Context, work func() error) (took time.Duration, times []time.Duration, err error) {
	ask := b.loads()[0]
	for range callers {
		_, err := ask.once(ctx, ask.address)
		if err != nil {
			return 0, nil, err
		}
	}
	done := make(chan error, 1)
	begun := time.Now()
	go func() {
		err := work()
		took = time.Since(begun)
		done <- err
	}()
	var mutex sync.Mutex
	var group sync.WaitGroup
	var failed error
	ended := false
	for n := 0; n < probes || !ended; n++ {
		due := begun.Add(time.Duration(n) * interval)
		time.Sleep(time.Until(due))
		group.Go(func() {
			_, err := ask.once(ctx, ask.address)
			elapsed := time.Since(due)
			mutex.Lock()
			defer mutex.Unlock()
			failed = errors.Join(failed, err)
			times = append(times, elapsed)
		})
		select {
		case err = <-done:
			ended = true
		case <-ctx.Done():
			return took, times, ctx.Err()
		default:
		}
		if err != nil {
			return took, times, err
		}
	}
	group.Wait()
	return took, times, failed
}
