package pace

import (
	"hash/maphash"
	"sync"
	"time"
)

// Memory keeps the arrival times of subjects in the memory of one process: a limit holds on
// each node alone, and costs no write. The zero value is empty and ready; several
// goroutines may use it.
type Memory struct {
	shards [shards]shard
	seed   maphash.Seed
	once   sync.Once
}

const (
	shards = 64
	// mostSubjects bounds the memory of a shard. Where more subjects come than that, some
	// are forgotten: their buckets are full again.
	mostSubjects = 4096
)

type shard struct {
	mutex    sync.Mutex
	arrivals map[string]time.Time
}

// State describes a bucket after an event.
type State struct {
	// Places are the events that find a place now. If there are zero, Wait is the time until
	// the next place comes back.
	Places int
	Wait   time.Duration
	// Full is the time until all places are back.
	Full time.Duration
}

// Take takes a place for a subject. It reports whether there was one.
func (m *Memory) Take(subject string, limit Limit, now time.Time) (State, bool) {
	s := m.shard(subject)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	next, wait := limit.Take(s.arrivals[subject], now)
	if wait > 0 {
		return State{Wait: wait, Full: next.Sub(now)}, false
	}
	s.put(subject, next, now)
	return State{Places: limit.left(next, now), Full: next.Sub(now)}, true
}

// GiveBack returns a place that was taken for an event that does not count after all.
func (m *Memory) GiveBack(subject string, limit Limit, now time.Time) {
	s := m.shard(subject)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if arrival, known := s.arrivals[subject]; known && arrival.After(now) {
		s.arrivals[subject] = arrival.Add(-limit.Interval)
	}
}

// left returns how many events still find a place.
func (l Limit) left(arrival, now time.Time) int {
	if room := l.Ahead - arrival.Sub(now); room >= 0 {
		return int(room/l.Interval) + 1
	}
	return 0
}

// put stores an arrival time, and makes room for it.
func (s *shard) put(subject string, arrival, now time.Time) {
	if s.arrivals == nil {
		s.arrivals = map[string]time.Time{}
	}
	_, known := s.arrivals[subject]
	if !known && len(s.arrivals) >= mostSubjects {
		for other, at := range s.arrivals {
			if !at.After(now) {
				delete(s.arrivals, other)
			}
		}
		for other := range s.arrivals {
			if len(s.arrivals) < mostSubjects*3/4 {
				break
			}
			delete(s.arrivals, other)
		}
	}
	s.arrivals[subject] = arrival
}

// Len returns the number of subjects that are kept.
func (m *Memory) Len() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mutex.Lock()
		n += len(s.arrivals)
		s.mutex.Unlock()
	}
	return n
}

func (m *Memory) shard(subject string) *shard {
	m.once.Do(func() { m.seed = maphash.MakeSeed() })
	return &m.shards[maphash.String(m.seed, subject)%shards]
}
