package connect

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

const (
	// flightTime bounds the work on one answer of a bank, outages of the database included.
	flightTime = 10 * time.Minute
	// tryTime bounds one attempt to write: the database may hang rather than refuse.
	tryTime = 12 * time.Second
	// waitTime is how long a request waits for its flight.
	waitTime = 40 * time.Second
	// awayTime is how long it still waits once the database is away.
	awayTime = 3 * time.Second
	// keepTime is how long the end of a flight is kept for a request that comes back.
	keepTime = 10 * time.Minute
	// maxFlights bounds the flights of a process.
	maxFlights = 1000
)

// flights finish the answers of banks, whose codes can be exchanged only once: a flight
// goes on although its request has ended, and waits while the database is away. Requests
// that repeat the same answer share one flight.
type flights struct {
	now     func() time.Time
	mutex   sync.Mutex
	open    map[string]*flight
	running sync.WaitGroup
	// closing is closed when the process stops.
	closing chan struct{}
	closed  bool
}

// flight is the work on one answer of a bank.
type flight struct {
	// takesOver is set if the claim was a crashed node's: the code may be spent.
	takesOver bool
	// trail are the requests to the bank that are not recorded yet.
	trail []audit.Entry
	// away is closed when the database is away for the first time, with the error in cause.
	away  chan struct{}
	once  sync.Once
	cause error
	// done is closed at the end; result and err are set before.
	done   chan struct{}
	result CallbackResult
	err    error
	// repeated receives the requests that join, so that they do not wait for a pause.
	repeated chan struct{}
	closing  <-chan struct{}
	// waiting counts the requests that wait for the end, and endedAt is the time of the end;
	// both belong to flights.mutex.
	waiting int
	endedAt time.Time
}

func newFlights(now func() time.Time) *flights {
	return &flights{now: now, open: map[string]*flight{}, closing: make(chan struct{})}
}

// unavailable is the answer to a request whose flight has not ended: the request that is
// repeated finds the flight, or its result.
func unavailable(cause error) error {
	err := oxlin.DefaultError(oxlin.CodeUnavailable)
	err.RetryAfter, err.Err = 3*time.Second, cause
	return err
}

// join waits for the flight of a key and starts it with run if no other request has. It returns
// CodeUnavailable if the flight takes longer than waitTime, or awayTime without a database.
func (s *flights) join(ctx context.Context, key string, run func(context.Context, *flight) (CallbackResult, error)) (CallbackResult, error) {
	f := s.enter(ctx, key, run)
	if f == nil {
		return CallbackResult{}, unavailable(errors.New("the process finishes too many answers of banks, or stops"))
	}
	timeout := time.NewTimer(waitTime)
	defer timeout.Stop()
	select {
	case <-f.done:
	case <-f.away:
		timeout.Reset(awayTime)
		select {
		case <-f.done:
		case <-timeout.C:
		case <-ctx.Done():
		}
	case <-timeout.C:
	case <-ctx.Done():
	}
	select {
	case <-f.done:
		return s.leave(key, f)
	default:
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	f.waiting--
	if ctx.Err() != nil {
		return CallbackResult{}, ctx.Err()
	}
	select {
	case <-f.away:
		return CallbackResult{}, unavailable(f.cause)
	default:
		return CallbackResult{}, unavailable(errors.New("the bank's answer is still being worked on"))
	}
}

// enter finds or starts a flight, and counts the caller as waiting. It returns nil if the
// process has maxFlights already, or stops.
func (s *flights) enter(ctx context.Context, key string, run func(context.Context, *flight) (CallbackResult, error)) *flight {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for other, f := range s.open {
		if !f.endedAt.IsZero() && f.waiting == 0 && s.now().Sub(f.endedAt) >= keepTime {
			delete(s.open, other)
		}
	}
	f, found := s.open[key]
	if found {
		f.waiting++
		select {
		case f.repeated <- struct{}{}:
		default:
		}
		return f
	}
	if s.closed || len(s.open) >= maxFlights {
		return nil
	}
	f = &flight{away: make(chan struct{}), done: make(chan struct{}), repeated: make(chan struct{}, 1), closing: s.closing, waiting: 1}
	s.open[key] = f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
	s.running.Go(func() {
		defer cancel()
		f.result, f.err = recovered(func() (CallbackResult, error) { return run(ctx, f) })
		s.mutex.Lock()
		defer s.mutex.Unlock()
		f.endedAt = s.now()
		close(f.done)
	})
	return f
}

// leave returns the result of a flight that has ended, and forgets the flight: the next
// request finds the authorization as the flight left it.
func (s *flights) leave(key string, f *flight) (CallbackResult, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	f.waiting--
	if s.open[key] == f {
		delete(s.open, key)
	}
	return f.result, f.err
}

// close ends the flights that wait for the database, each with a last attempt behind it,
// and waits for the others until ctx ends.
func (s *flights) close(ctx context.Context) error {
	s.mutex.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mutex.Unlock()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("answers of banks were not finished: %w", ctx.Err())
	}
}

// recovered turns a panic into an error: a flight has a goroutine of its own.
func recovered(run func() (CallbackResult, error)) (result CallbackResult, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	return run()
}

// persist calls write until the database and the keeper of the master key are there. It returns CodeUnavailable if the
// flight's time ends first, or the process stops.
func (f *flight) persist(ctx context.Context, write func(context.Context) error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		hung, err := try(ctx, write)
		if err == nil || !hung && !store.Unreachable(err) && !errors.Is(err, vault.ErrAway) {
			return err
		}
		f.once.Do(func() {
			f.cause = err
			close(f.away)
		})
		lost := unavailable(err)
		select {
		case <-ctx.Done():
			return lost
		case <-f.closing:
			return lost
		case <-f.repeated:
		case <-time.After(pause):
		}
	}
}

// try calls write once, and reports whether it took too long.
func try(ctx context.Context, write func(context.Context) error) (hung bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	err = write(ctx)
	return err != nil && ctx.Err() != nil, err
}
