package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// beside makes a load at the platform and at the ceiling by turns, and takes the median round of
// each.
func (b *bench) beside(ctx context.Context, name, target string, l load) (figure, error) {
	say("%s", name)
	err := b.startCeiling(ctx)
	if err != nil {
		return figure{}, err
	}
	var ours, ceilings []outcome
	for range b.settings.rounds {
		begun := time.Now()
		one, err := l.run(ctx, b.platform, b.settings.lasting, 0)
		if err != nil {
			return figure{}, fmt.Errorf("%s: %w", name, err)
		}
		other, err := l.run(ctx, b.ceiling, b.settings.lasting, 0)
		if err != nil {
			return figure{}, fmt.Errorf("%s, the ceiling: %w", name, err)
		}
		err = l.rest(ctx, one, begun)
		if err != nil {
			return figure{}, err
		}
		ours, ceilings = append(ours, one), append(ceilings, other)
	}
	us, ceiling := middle(ours), middle(ceilings)
	f := figure{
		Name: name, Unit: "/s", Value: us.rate, Ceiling: ceiling.rate, CPU: us.cpu, CeilingCPU: ceiling.cpu, Own: us.own,
		P50: milliseconds(us.p50), P99: milliseconds(us.p99), CeilingP99: milliseconds(ceiling.p99), Target: target,
	}
	f.Note, err = b.profiled(ctx, name, func() error {
		_, err := l.run(ctx, b.platform, b.settings.lasting, 0)
		return err
	})
	return f, err
}

// middle takes the median of each part.
func middle(rounds []outcome) outcome {
	return outcome{
		rate: medianOf(rounds, func(o outcome) float64 { return o.rate }),
		cpu:  medianOf(rounds, func(o outcome) float64 { return o.cpu }),
		own:  medianOf(rounds, func(o outcome) float64 { return o.own }),
		p50:  time.Duration(medianOf(rounds, func(o outcome) float64 { return float64(o.p50) })),
		p99:  time.Duration(medianOf(rounds, func(o outcome) float64 { return float64(o.p99) })),
	}
}

func medianOf(rounds []outcome, part func(outcome) float64) float64 {
	var values []float64
	for _, o := range rounds {
		values = append(values, part(o))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

const form = "application/x-www-form-urlencoded"

// tokenRequests ask for a client's own token.
func (b *bench) tokenRequests() [][]byte {
	var requests [][]byte
	for _, c := range b.clients {
		requests = append(requests, post("/token", form, url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}}.Encode(), basic(c)))
	}
	return requests
}

// passwordRequests ask for users' tokens by their passwords.
func (b *bench) passwordRequests() [][]byte {
	var requests [][]byte
	for _, u := range b.users {
		requests = append(requests, post("/token", form, url.Values{
			"grant_type": {"password"}, "username": {u.email}, "password": {password}, "scope": {"transactions_read"},
		}.Encode(), basic(u.Integrator)))
	}
	return requests
}

func measureTokens(ctx context.Context, b *bench) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, l := range []struct {
		name, target string
		load
	}{
		{"tokens, 8 callers", "SQLite 1.5, p99 15 ms; PostgreSQL 0.9", load{callers: 8, requests: b.tokenRequests()}},
		{"tokens, 64 callers", "SQLite 2.5; PostgreSQL 0.9", load{callers: 64, requests: b.tokenRequests()}},
		{"password logins", "at its ceiling", load{callers: min(8, len(b.users)), requests: b.passwordRequests()}},
	} {
		f, err := b.beside(ctx, l.name, l.target, l.load)
		if err != nil {
			return figures, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// measureReads measures what integrators ask for most.
func measureReads(ctx context.Context, b *bench) ([]figure, error) {
	_, err := b.firstSynchronisations(ctx)
	if err != nil {
		return nil, err
	}
	var lists, ones, polls [][]byte
	for _, u := range b.users {
		lists = append(lists, get("/v2.1/transactions?limit=100", u.token()))
		var one []struct {
			ID string `json:"id"`
		}
		err := u.Get(ctx, "/transactions?limit=1", &one)
		if err != nil || len(one) != 1 {
			return nil, errors.Join(err, fmt.Errorf("%d transactions in a list of one", len(one)))
		}
		ones = append(ones, get("/v2.1/transactions/"+one[0].ID, u.token()))
		queue, err := u.Subscribe(ctx)
		if err != nil {
			return nil, err
		}
		polls = append(polls, get("/v2.1/queues/"+queue, u.token()))
	}
	var figures []figure
	for _, l := range []struct {
		name, target string
		requests     [][]byte
	}{
		{"lists of 100 transactions", "0.9", lists},
		{"single transactions", "0.8", ones},
		{"polls of a queue without events", "reads only", polls},
	} {
		f, err := b.beside(ctx, l.name, l.target, load{callers: 8, requests: l.requests, pace: 50})
		if err != nil {
			return figures, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// timed makes requests of one caller, one after the other, and returns a figure of their median.
func (b *bench) timed(ctx context.Context, name, target string, requests [][]byte) (figure, error) {
	o, err := load{callers: 1, requests: requests}.run(ctx, b.platform, 0, len(requests))
	if err != nil {
		return figure{}, fmt.Errorf("%s: %w", name, err)
	}
	return figure{Name: name, Unit: "ms", Value: milliseconds(o.p50), CPU: o.cpu, P50: milliseconds(o.p50), P99: milliseconds(o.p99), Target: target}, nil
}

// measurePages compares the thousandth page of the heavy user's list with the first one. The
// ceiling of a page is the first page, and one user may send 50 requests a second, 500 at once.
func measurePages(ctx context.Context, b *bench) ([]figure, error) {
	err := b.fillHeavy(ctx)
	if err != nil {
		return nil, err
	}
	say("page 1,000")
	last := min(1000, 2*b.settings.heavyRows/100)
	page := func(n int) []byte {
		return get(fmt.Sprintf("/v2.1/transactions?limit=100&page=%d", n), b.heavy.token())
	}
	first, err := b.timed(ctx, "page 1", "", slices.Repeat([][]byte{page(1)}, 50))
	if err != nil {
		return nil, err
	}
	cold, err := b.timed(ctx, fmt.Sprintf("page %d, cold", last), "1/5", slices.Repeat([][]byte{page(last)}, 30))
	if err != nil {
		return nil, err
	}
	var walk [][]byte
	for n := max(1, last-50); n <= last; n++ {
		walk = append(walk, page(n))
	}
	// The first page of the walk is found by its position, and the middle is reached when another
	// synchronisation of the user has ended.
	half := len(walk) / 2
	_, err = b.timed(ctx, "the first half", "", walk[:half])
	if err != nil {
		return nil, err
	}
	connections, err := b.heavyConnection(ctx)
	if err != nil {
		return nil, err
	}
	err = errors.Join(connections.synchronise(ctx, true), b.idle(ctx))
	if err != nil {
		return nil, err
	}
	walked, err := b.timed(ctx, fmt.Sprintf("pages to %d, walked", last), "1/1.2", walk[half:])
	cold.Ceiling, cold.CeilingCPU, walked.Ceiling, walked.CeilingCPU = first.Value, first.CPU, first.Value, first.CPU
	return []figure{first, cold, walked}, err
}

// measureFilters asks for few rows among the heavy user's.
func measureFilters(ctx context.Context, b *bench) ([]figure, error) {
	err := b.fillHeavy(ctx)
	if err != nil {
		return nil, err
	}
	say("filters")
	middle := time.Now().AddDate(0, 0, -history/2)
	var figures []figure
	for _, f := range []struct {
		name, target string
		query        url.Values
	}{
		{"filter: pending", "3 ms", url.Values{"included_statuses": {"PENDING"}}},
		{"filter: two days, half a year ago", "3 ms", url.Values{"start_date": {fmt.Sprint(middle.Unix())}, "end_date": {fmt.Sprint(middle.AddDate(0, 0, 1).Unix())}}},
		{"filter: an amount", "30 ms", url.Values{"amount": {"-1.01"}}},
	} {
		f.query.Set("limit", "100")
		path := "/transactions?" + f.query.Encode()
		var list []json.RawMessage
		err := b.heavy.Get(ctx, path, &list)
		if err != nil || len(list) == 0 {
			return figures, errors.Join(err, fmt.Errorf("%s finds %d rows", f.name, len(list)))
		}
		measured, err := b.timed(ctx, f.name, f.target, slices.Repeat([][]byte{get("/v2.1"+path, b.heavy.token())}, 40))
		if err != nil {
			return figures, err
		}
		measured.Note = fmt.Sprintf("%d rows on the first page", len(list))
		figures = append(figures, measured)
	}
	return figures, nil
}
