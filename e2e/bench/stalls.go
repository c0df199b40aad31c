package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A probe asks for a token, which the platform stores durably before it answers. Each is due at
// its own instant.
const interval = 2 * time.Millisecond

// mostUnderWay bounds the probes without an answer. A machine that cannot answer them as fast as
// they are due would never end otherwise; the others stay away, and are counted.
const mostUnderWay = 256

// measureStalls measures how long probes take while nothing else happens, while accounts with
// many rows are read for the first time, and while their user is deleted. The time of a probe
// counts from the instant at which it was due, however late it was sent.
func measureStalls(ctx context.Context, b *bench) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	heavy, err := createUser(ctx, b.clients[0], fmt.Sprintf("stalls-%d@example.test", time.Now().UnixNano()))
	if err != nil {
		return nil, err
	}
	rows := b.settings.heavyRows
	callback, err := visit(ctx, heavy, 1, 2, rows)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, phase := range []struct {
		name string
		work func() error
	}{
		{"nothing else happens", func() error { return nil }},
		{fmt.Sprintf("two accounts of %d rows are read", rows), func() error {
			_, err := arrive(ctx, heavy, callback)
			return errors.Join(err, b.idle(ctx))
		}},
		{fmt.Sprintf("a user with %d rows is deleted", 2*rows), func() error { return b.deleteUser(ctx, heavy) }},
	} {
		say("writes while %s", phase.name)
		took, times, away, err := b.probeWhile(ctx, phase.work)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", phase.name, err)
		}
		slices.Sort(times)
		f := figure{Name: "writes while " + phase.name, Unit: "ms", Value: milliseconds(percentile(times, 99)),
			P50: milliseconds(percentile(times, 50)), P99: milliseconds(percentile(times, 99)), Target: "p99 30 ms, longest 150 ms",
			Note: fmt.Sprintf("%d probes, %d more stayed away; it took %.1f s; the longest probe took %.0f ms", len(times), away, took.Seconds(), milliseconds(times[len(times)-1]))}
		if len(figures) > 0 {
			f.Ceiling = figures[0].Value
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// deleteUser deletes a user, and waits until nothing of theirs is left.
func (b *bench) deleteUser(ctx context.Context, u user) error {
	id, err := b.count(ctx, "SELECT id FROM users WHERE email = ?", u.email)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, b.platform.address+"/v2.1/users/me", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+u.token())
	patient := &http.Client{Timeout: 10 * time.Minute}
	response, err := patient.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		err = errors.New(response.Status)
	}
	return errors.Join(err, response.Body.Close(), b.until(ctx, 0, "SELECT COUNT(*) FROM users WHERE id = ?", id))
}

// probeWhile sends probes until work has ended and enough of them were sent. It returns how long
// the work took, the times of the probes, and how many stayed away.
func (b *bench) probeWhile(ctx context.Context, work func() error) (took time.Duration, times []time.Duration, away int, err error) {
	requests := b.tokenRequests()
	var idle pool
	defer idle.close()
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
	underWay := make(chan bool, mostUnderWay)
	for n, ended := 0, false; n < b.settings.probes || !ended; n++ {
		due := begun.Add(time.Duration(n) * interval)
		time.Sleep(time.Until(due))
		select {
		case underWay <- true:
			group.Go(func() {
				err := idle.ask(ctx, b.platform.host(), requests[n%len(requests)])
				elapsed := time.Since(due)
				<-underWay
				mutex.Lock()
				defer mutex.Unlock()
				if failed == nil {
					failed = err
				}
				times = append(times, elapsed)
			})
		default:
			away++
		}
		select {
		case err = <-done:
			ended = true
		case <-ctx.Done():
			err = ctx.Err()
		default:
		}
		if err != nil {
			break
		}
	}
	group.Wait()
	return took, times, away, errors.Join(err, failed)
}

// pool keeps connections that wait for a request.
type pool struct {
	mutex sync.Mutex
	idle  []*caller
}

// ask sends a request over a connection that waits, or over a new one.
func (p *pool) ask(ctx context.Context, host string, request []byte) (err error) {
	p.mutex.Lock()
	var c *caller
	if last := len(p.idle) - 1; last >= 0 {
		c, p.idle = p.idle[last], p.idle[:last]
	}
	p.mutex.Unlock()
	if c == nil {
		c, err = dial(ctx, host)
		if err != nil {
			return err
		}
		c.want = http.StatusOK
	}
	err = c.ask(request)
	if err != nil {
		c.close()
		return err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.idle = append(p.idle, c)
	return nil
}

func (p *pool) close() {
	for _, c := range p.idle {
		c.close()
	}
}
