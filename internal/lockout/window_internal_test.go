package lockout

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whenever attempts come, no span has more than the window allows, and a refused one finds a
// place after its wait and not a millisecond earlier.
func TestAWindowSlides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := window{rapid.IntRange(1, 5).Draw(t, "most"), time.Minute}
		now := time.UnixMilli(1_800_000_000_000)
		var times []int64
		var taken []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "pause")) * time.Millisecond)
			next, wait := w.take(times, now)
			if wait > 0 {
				if _, again := w.take(next, now.Add(wait-time.Millisecond)); again == 0 {
					t.Fatalf("there was a place before the wait of %v", wait)
				}
				now = now.Add(wait)
				next, wait = w.take(next, now)
			}
			if wait != 0 {
				t.Fatalf("no place after the wait: %v more", wait)
			}
			times = next
			if rapid.Bool().Draw(t, "right") {
				times = w.giveBack(times, now)
				continue
			}
			taken = append(taken, now)
			within := 0
			for _, at := range taken {
				if now.Sub(at) < w.span {
					within++
				}
			}
			if within > w.most {
				t.Fatalf("%d within the span; at most %d", within, w.most)
			}
		}
	})
}
