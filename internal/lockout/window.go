package lockout

import (
	"slices"
	"time"
)

// window bounds how many events may happen within any span of time. It keeps the time of each:
// a bucket that refills would let twice as many through within the first span.
type window struct {
	most int
	span time.Duration
}

// strangerWindow is for everybody together who tries the password of one account without
// having shown anything.
var strangerWindow = window{100, time.Hour}

// take adds an event at an instant to the times of those before, in milliseconds and in order. If
// there is no place it returns the time to wait, and the times that still count.
func (w window) take(times []int64, now time.Time) (next []int64, wait time.Duration) {
	next = slices.DeleteFunc(slices.Clone(times), func(at int64) bool { return !now.Before(w.end(at)) })
	if len(next) >= w.most {
		return next, w.end(next[len(next)-w.most]).Sub(now)
	}
	next = append(next, now.UnixMilli())
	slices.Sort(next) // the clock of another node may be ahead
	return next, 0
}

// giveBack removes one event at an instant.
func (w window) giveBack(times []int64, at time.Time) []int64 {
	i := slices.Index(times, at.UnixMilli())
	if i < 0 {
		return times
	}
	return slices.Delete(slices.Clone(times), i, i+1)
}

// end returns when an event counts no more.
func (w window) end(at int64) time.Time { return time.UnixMilli(at).Add(w.span) }
