package platformtest

import (
	"sync"
	"time"
)

// Start is when a World begins, unless a test chooses another instant.
var Start = time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)

// Clock is moved by hand. Several goroutines may use it.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// NewClock returns a clock that shows an instant.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the instant that the clock shows.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(d)
}

// Set moves the clock to an instant.
func (c *Clock) Set(now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = now
}
