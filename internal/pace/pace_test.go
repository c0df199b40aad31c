package pace_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin/internal/pace"
)

var now = time.Date(2026, 11, 3, 10, 11, 12, 0, time.UTC)

func TestLimit(t *testing.T) {
	const second, minute = time.Second, time.Minute
	for _, test := range []struct {
		name    string
		limit   pace.Limit
		arrival time.Time
		next    time.Time
		wait    time.Duration
	}{
		{"the first event", pace.Burst(10, minute), time.Time{}, now.Add(minute), 0},
		{"a row of long ago equals none", pace.Burst(10, minute), now.Add(-time.Hour), now.Add(minute), 0},
		{"the last place", pace.Burst(10, minute), now.Add(9 * minute), now.Add(10 * minute), 0},
		{"a moment too early", pace.Burst(10, minute), now.Add(9*minute + 1), now.Add(9*minute + 1), 1},
		{"no place left", pace.Burst(10, minute), now.Add(10 * minute), now.Add(10 * minute), minute},
		{"one place", pace.Burst(1, minute), now, now.Add(minute), 0},
		{"one place, taken", pace.Burst(1, minute), now.Add(minute), now.Add(minute), minute},
		{"room for bursts by time", pace.Limit{Interval: 4 * second, Ahead: 6 * second}, now.Add(6 * second), now.Add(10 * second), 0},
		{"no room for bursts by time", pace.Limit{Interval: 4 * second, Ahead: 6 * second}, now.Add(8 * second), now.Add(8 * second), 2 * second},
	} {
		next, wait := test.limit.Take(test.arrival, now)
		if !next.Equal(test.next) || wait != test.wait {
			t.Errorf("%s: next %v, wait %v; want %v, %v", test.name, next, wait, test.next, test.wait)
		}
	}
}

// A bucket that is counted place by place and refilled by a clock agrees with the
// single instant of GCRA.
func TestALimitIsABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 5).Draw(t, "places")
		interval := time.Duration(rapid.IntRange(1, 10).Draw(t, "interval")) * time.Second
		limit := pace.Burst(places, interval)
		var arrival time.Time
		at := now
		// returns holds when each place that was taken comes back. Places come back
		// one after the other.
		var returns []time.Time
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "pause")) * time.Second)
			for len(returns) > 0 && !returns[0].After(at) {
				returns = returns[1:]
			}
			forced := rapid.Bool().Draw(t, "forced")
			free := len(returns) < places
			if forced {
				arrival = limit.Force(arrival, at)
			} else {
				next, wait := limit.Take(arrival, at)
				if (wait == 0) != free {
					t.Fatalf("wait %v with %d of %d places taken", wait, len(returns), places)
				}
				if !free {
					if back := returns[len(returns)-places].Sub(at); wait != back {
						t.Fatalf("wait %v; a place is free after %v", wait, back)
					}
					continue
				}
				arrival = next
			}
			last := at
			if len(returns) > 0 {
				last = returns[len(returns)-1]
			}
			returns = append(returns, last.Add(interval))
		}
	})
}
