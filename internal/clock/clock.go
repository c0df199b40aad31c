package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// jump is the least difference that is a jump. Corrections by NTP are smaller.
	jump = 30 * time.Second
	// agreement is how much the clocks of banks may differ from ours.
	agreement = 5 * time.Minute
	// settled is the time after which a clock is believed that has not jumped again, if no other
	// clock contradicts it.
	settled = 6 * time.Hour
	// absence is how long no process may have served a database whose clock is believed at the
	// start.
	absence = 24 * time.Hour
	// storeEvery is how often the database learns that the clock is believed.
	storeEvery = time.Minute
	// probeEvery and wrongProbeEvery are the pauses between probes. The latter counts after a bank
	// has contradicted the clock.
	probeEvery      = 50 * time.Second // a sweep comes each minute
	wrongProbeEvery = 15 * time.Minute
	// patience is how long a look waits for the database.
	patience = 2 * time.Second
)

// Rows keep when the clock was believed last, and have the database's own clock.
type Rows interface {
	// BelievedAt returns the last time that SetBelievedAt stored, or zero.
	BelievedAt(ctx context.Context) (time.Time, error)
	SetBelievedAt(ctx context.Context, at time.Time) error
	// DatabaseTime returns the time of the database's machine. It is zero for a database that is a
	// file.
	DatabaseTime(ctx context.Context) (time.Time, error)
}

// Options configure a Clock.
type Options struct {
	Rows Rows
	// Now is the clock that may jump.
	Now func() time.Time
	// Elapsed is the time since some moment of this process, by a clock that nobody sets. It may
	// stand still while the machine is suspended. Nil means that of the system.
	Elapsed func() time.Duration
	// Apart: Now is not the time of this world, so that the database's clock tells nothing.
	Apart bool
	Log   *slog.Logger
}

// Clock compares the machine's clock with others. Several goroutines may use it. A nil Clock is
// always believed.
type Clock struct {
	options Options

	mutex sync.Mutex
	// wall and run are both clocks at the last look; the first look sets them.
	wall time.Time
	run  time.Duration
	// shift sums the jumps since the clock was believed, and ahead is the largest one forward.
	shift, ahead time.Duration
	doubt        *Doubt
	// since is when the doubt began or the last contradiction came, by Elapsed.
	since time.Duration
	// probed is when the last probe began, by Elapsed; negative before the first one.
	probed time.Duration
	// unmended: appointments have to be put right.
	unmended bool
	jumps    int
	stored   time.Duration
	base     base
}

// base is the database's clock at the last look, and the sum of its own jumps.
type base struct {
	known bool
	wall  time.Time
	run   time.Duration
	shift time.Duration
}

// Doubt tells why the clock is not believed.
type Doubt struct {
	// From is the time that would have been right without the jump, and To what the clock showed
	// instead.
	From, To time.Time
	// Wrong: another clock contradicts.
	Wrong bool
}

// By is how far the clock was moved.
func (d Doubt) By() time.Duration { return d.To.Sub(d.From) }

// String describes the doubt for an operator.
func (d Doubt) String() string {
	text := fmt.Sprintf("the clock is in doubt: it showed %s in place of %s", d.To.UTC().Format(time.RFC3339), d.From.UTC().Format(time.RFC3339))
	if d.Wrong {
		text += ", and another clock contradicts it"
	}
	return text
}

// New returns a Clock. It believes the clock until Start or a jump.
func New(options Options) *Clock {
	if options.Elapsed == nil {
		begun := time.Now()
		options.Elapsed = func() time.Duration { return time.Since(begun) }
	}
	c := &Clock{options: options, probed: -1, stored: -storeEvery}
	c.wall, c.run = c.read()
	return c
}

// read returns both clocks. A time of Go carries the other clock, by which it would be compared.
func (c *Clock) read() (time.Time, time.Duration) {
	return c.options.Now().Round(0), c.options.Elapsed()
}

// Start compares the clock with the time at which it was believed last. An earlier time, or one
// more than a day later, is in doubt.
func (c *Clock) Start(ctx context.Context) error {
	last, err := c.options.Rows.BelievedAt(ctx)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	c.unmended = true // an earlier process may have ended before it did so
	if last.IsZero() || c.wall.After(last.Add(-jump)) && c.wall.Before(last.Add(absence)) {
		return nil
	}
	c.begin(last, c.wall, "the clock is far from the time at which it was believed last: nothing ends because of the time until another clock agrees")
	return nil
}

// Believed reports whether the clock can be believed.
func (c *Clock) Believed() bool {
	if c == nil {
		return true
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	return c.doubt == nil
}

// Wrong reports whether another clock contradicts this one.
func (c *Clock) Wrong() bool {
	if c == nil {
		return false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	return c.doubt != nil && c.doubt.Wrong
}

// Probe reports whether it is time to ask a bank, whose answer tells the time.
func (c *Clock) Probe() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	pause := probeEvery
	if c.doubt != nil && c.doubt.Wrong {
		pause = wrongProbeEvery
	}
	if c.probed >= 0 && c.run-c.probed < pause {
		return false
	}
	c.probed = c.run
	return true
}

// State returns the doubt, nil without one, and the number of jumps since the process began.
func (c *Clock) State() (*Doubt, int) {
	if c == nil {
		return nil, 0
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	if c.doubt == nil {
		return nil, c.jumps
	}
	doubt := *c.doubt
	return &doubt, c.jumps
}

// look notices a jump. The caller holds the mutex.
func (c *Clock) look() {
	wall, run := c.read()
	right := c.wall.Add(run - c.run)
	by := wall.Sub(right)
	c.wall, c.run = wall, run
	switch {
	case by.Abs() >= jump:
		c.jumps++
		c.shift += by
		c.ahead = max(c.ahead, by)
		c.begin(right, wall, "the clock jumped: nothing ends because of the time until another clock agrees")
		if c.shift.Abs() < jump {
			c.believe("it is where it was before it jumped")
		}
	case c.doubt != nil && run-c.since >= settled:
		c.believe("it has not jumped for hours, and no other clock contradicts")
	}
}

// begin doubts the clock. The caller holds the mutex.
func (c *Clock) begin(from, to time.Time, message string) {
	c.doubt, c.since, c.probed = &Doubt{From: from, To: to}, c.run, -1
	c.options.Log.Error(message, "from", from.UTC(), "to", to.UTC(), "by", to.Sub(from).Round(time.Second))
}

// believe ends a doubt. The caller holds the mutex.
func (c *Clock) believe(why string) {
	c.doubt, c.shift, c.base.shift, c.unmended = nil, 0, 0, true
	c.stored = c.run - storeEvery
	c.options.Log.Info("the clock is believed again", "because", why, "now", c.wall.UTC())
}

// contradict notes that another clock differs. The caller holds the mutex and has found a doubt.
func (c *Clock) contradict(whose string, by time.Duration) {
	c.since = c.run
	if !c.doubt.Wrong {
		c.doubt.Wrong = true
		c.options.Log.Error("another clock contradicts this machine's clock: set it right", "whose", whose, "by", by.Round(time.Second))
	}
}

// Heard takes the time that a bank's answer has, which matters during a doubt.
func (c *Clock) Heard(date time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.look()
	if c.doubt == nil {
		return
	}
	by := c.wall.Sub(date)
	if by.Abs() <= agreement {
		c.believe("the clock of a bank agrees")
		return
	}
	c.contradict("a bank", by)
}

// Look compares the clock with the database's, and stores now and then that it is believed.
func (c *Clock) Look(ctx context.Context) error {
	theirs, err := c.options.Rows.DatabaseTime(ctx)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	c.look()
	if !theirs.IsZero() && !c.options.Apart {
		c.compare(theirs.Round(0))
	}
	now := c.wall
	due := c.doubt == nil && c.run-c.stored >= storeEvery
	c.mutex.Unlock()
	if !due {
		return nil
	}
	err = c.options.Rows.SetBelievedAt(ctx, now)
	if err == nil {
		c.mutex.Lock()
		c.stored = c.run
		c.mutex.Unlock()
	}
	return err
}

// compare takes the time of the database. If its clock has jumped as well, it may be the same
// clock, and tells nothing. The caller holds the mutex.
func (c *Clock) compare(theirs time.Time) {
	if c.base.known {
		by := theirs.Sub(c.base.wall.Add(c.run - c.base.run))
		if by.Abs() >= jump {
			c.base.shift += by
		}
	}
	steady := c.base.known && c.base.shift.Abs() < jump
	c.base.known, c.base.wall, c.base.run = true, theirs, c.run
	by := c.wall.Sub(theirs)
	switch {
	case c.doubt == nil && by.Abs() >= jump && c.base.shift.Abs() < jump:
		c.begin(theirs, c.wall, "this machine's clock differs from the database's: nothing ends because of the time until they agree")
		c.contradict("the database", by)
	case c.doubt == nil || !steady:
	case by.Abs() >= jump:
		c.contradict("the database", by)
	default:
		c.believe("the clock of the database agrees")
	}
}

// Run looks until ctx ends. After each doubt, and at the beginning, it calls mend, which puts
// appointments right that were made by a wrong clock; ahead is how far the clock jumped forward.
func (c *Clock) Run(ctx context.Context, every time.Duration, mend func(ctx context.Context, ahead time.Duration) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		err := errors.Join(c.lookSoon(ctx), c.Mend(ctx, mend))
		if err != nil && ctx.Err() == nil {
			c.options.Log.DebugContext(ctx, "the clock was not looked at", "error", err) // the next look tries again
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// lookSoon is Look with a bound: the database may be away.
func (c *Clock) lookSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.Look(ctx)
}

// Mend calls mend if appointments have to be put right and the clock is believed.
func (c *Clock) Mend(ctx context.Context, mend func(ctx context.Context, ahead time.Duration) error) error {
	c.mutex.Lock()
	c.look()
	due, ahead, jumps := c.unmended && c.doubt == nil, c.ahead, c.jumps
	c.mutex.Unlock()
	if !due {
		return nil
	}
	err := mend(ctx, ahead)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.jumps == jumps {
		c.unmended, c.ahead = false, 0
	}
	return nil
}
