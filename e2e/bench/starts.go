package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// starts is how often a start is timed.
const starts = 7

// measureStart times the start on a known database, and looks at the memory of an idle platform.
// The platform is no sandbox: that one hashes the password of its operator at each start.
func measureStart(ctx context.Context, b *bench) ([]figure, error) {
	if b.create == nil {
		say("the start is measured on databases that the bench makes itself")
		return nil, nil
	}
	say("start-up")
	err := b.startCeiling(ctx)
	if err != nil {
		return nil, err
	}
	database, err := b.create("start")
	if err != nil {
		return nil, err
	}
	begin := func(roles string) (*process, error) {
		return start(ctx, filepath.Join(b.directory, "start.log"), "platform", b.settings.binary, "serve",
			"--data="+filepath.Join(b.directory, "start"), "--database="+database, "--listen=127.0.0.1:0", "--roles="+roles)
	}
	first, err := begin("api,worker") // migrates the database
	if err != nil {
		return nil, err
	}
	err = first.end()
	var figures []figure
	for _, roles := range []struct{ name, roles, target string }{
		{"start-up, all roles", "api,worker", "40 ms"},
		{"start-up, API alone", "api", "30 ms"},
	} {
		var ours, ceilings []time.Duration
		var used time.Duration
		for range starts {
			if err != nil {
				return nil, err
			}
			p, err := begin(roles.roles)
			if err != nil {
				return nil, err
			}
			cpu, err := p.cpu()
			if err = errors.Join(err, p.end(), b.ceiling.end()); err != nil {
				return nil, err
			}
			b.ceiling, err = b.startSelf(ctx, ceilingCommand, b.database)
			if err != nil {
				return nil, err
			}
			ours, ceilings, used = append(ours, p.ready), append(ceilings, b.ceiling.ready), used+cpu
		}
		slices.Sort(ours)
		slices.Sort(ceilings)
		figures = append(figures, figure{
			Name: roles.name, Unit: "ms", Value: milliseconds(ours[starts/2]), Ceiling: milliseconds(ceilings[starts/2]),
			CPU: float64(used.Microseconds()) / starts, Target: roles.target,
		})
	}
	p, err := begin("api,worker")
	if err != nil {
		return nil, err
	}
	time.Sleep(3 * time.Second)
	memory, err := p.memory()
	clean, cleanErr := p.number("smaps_rollup", "Private_Clean")
	ceiling, ceilingErr := b.ceiling.memory()
	return append(figures, figure{
		Name: "idle private memory", Unit: "MB", Value: memory, Ceiling: ceiling, Target: "15 MB",
		Note: fmt.Sprintf("without %.0f MB of the program's own file, which the kernel may drop at any time", clean/1024),
	}), errors.Join(err, cleanErr, ceilingErr, p.end())
}

// measureStorm looks at the memory after very many logins.
func measureStorm(ctx context.Context, b *bench) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	say("a storm of logins, and %v of calm", b.settings.calm)
	var storm outcome
	most, err := sampled(b.platform, func() (err error) {
		// One login of a user at a time: more would look like guesses of their password.
		storm, err = load{callers: min(64, len(b.users)), requests: b.passwordRequests()}.run(ctx, b.platform, 2*b.settings.lasting, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(b.settings.calm):
	}
	memory, err := b.platform.memory()
	return []figure{
		{Name: "private memory in a storm of logins", Unit: "MB", Value: most, CPU: storm.cpu, P50: milliseconds(storm.p50), P99: milliseconds(storm.p99)},
		{Name: "private memory after it", Unit: "MB", Value: memory, Target: "60 MB after 60 s"},
	}, err
}
