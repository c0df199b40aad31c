package pace_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/pace"
)

func TestMemory(t *testing.T) {
	var memory pace.Memory
	limit := pace.Burst(3, time.Second)
	for _, step := range []struct {
		subject string
		after   time.Duration
		state   pace.State
		ok      bool
	}{
		{"a", 0, pace.State{Places: 2, Full: time.Second}, true},
		{"a", 0, pace.State{Places: 1, Full: 2 * time.Second}, true},
		{"a", 0, pace.State{Places: 0, Full: 3 * time.Second}, true},
		{"a", 0, pace.State{Wait: time.Second, Full: 3 * time.Second}, false},
		{"b", 0, pace.State{Places: 2, Full: time.Second}, true},
		{"a", 1500 * time.Millisecond, pace.State{Places: 0, Full: 2500 * time.Millisecond}, true},
		{"a", time.Hour, pace.State{Places: 2, Full: time.Second}, true},
	} {
		state, ok := memory.Take(step.subject, limit, now.Add(step.after))
		if state != step.state || ok != step.ok {
			t.Errorf("%s after %s: %+v, %t; want %+v, %t", step.subject, step.after, state, ok, step.state, step.ok)
		}
	}
}

// An attacker with many addresses fills no memory.
func TestMemoryForgets(t *testing.T) {
	var memory pace.Memory
	limit := pace.Burst(2, time.Hour)
	for n := range 600_000 {
		memory.Take(strconv.Itoa(n), limit, now)
	}
	if n := memory.Len(); n > 300_000 {
		t.Errorf("%d subjects are kept", n)
	}
}

func BenchmarkMemory(b *testing.B) {
	var memory pace.Memory
	limit := pace.Burst(500, 20*time.Millisecond)
	subjects := make([]string, 1000)
	for i := range subjects {
		subjects[i] = "user " + strconv.Itoa(i)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		memory.Take(subjects[n%len(subjects)], limit, now.Add(time.Duration(n)*time.Microsecond))
	}
}
