package jobs

import (
	"sync"
	"time"
)

// share decides which of the waiting jobs get a worker, so that no bank, client or
// receiver starves the others. It is the memory of one process: each node shares its own
// workers, and nothing is written for a job that waits.
//
// One bank gets up to most workers. There are twice as many places, so that a bank that
// hangs with all of its workers leaves places to the others, and each bank leaves as many
// places free as it takes: however many banks hang at once, there is a place for the next.
// A bank whose calls time out gets one worker until it answers.
type share struct {
	mutex sync.Mutex
	now   func() time.Time
	// places are all jobs that run at once, and most those of one bank.
	places, most int
	// kept is how many of a bank's workers only users who are present may have; the same
	// part of the places is kept for them.
	kept int

	running map[int64]runningJobOf
	total   int
	absent  int // jobs of absent users
	banks   map[string]*bankShare
	clients map[string]int
	turn    int
}

// runningJobOf is a job that runs, and how often its bank had been held when it began.
type runningJobOf struct {
	group group
	holds int
}

// bankShare holds the observations of a process about one bank, or one receiver of notifications.
type bankShare struct {
	running, absent int
	// silent is set from a call that timed out to the next answer.
	silent bool
	// failures counts the failures since the last success, of receivers alone.
	failures int
	// until is the moment before which no job begins.
	until time.Time
	// limit bounds the workers of a bank that is called as often as it allows: more of
	// them would only find that they have to wait. Zero is no bound.
	limit int
	holds int
	// turn is when the bank last got a worker.
	turn int
}

func newShare(now func() time.Time, most, kept, places int) *share {
	return &share{
		now: now, most: most, kept: kept, places: places,
		running: map[int64]runningJobOf{}, banks: map[string]*bankShare{}, clients: map[string]int{},
	}
}

// queued are the jobs of a group that are due.
type queued struct {
	group group
	due   int
}

// plan chooses at most room jobs among those that are due, and reserves their places. The
// caller settles each group that plan returns.
func (s *share) plan(waiting []queued, room int) []queued {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.now()
	chosen := make([]int, len(waiting))
	for ; room > 0; room-- {
		best := -1
		for i, w := range waiting {
			if chosen[i] < w.due && s.allows(w.group, now) && (best < 0 || s.before(w.group, waiting[best].group)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		chosen[best]++
		s.add(waiting[best].group, 1)
		s.turn++
		s.bank(waiting[best].group).turn = s.turn
	}
	var plan []queued
	for i, n := range chosen {
		if n > 0 {
			plan = append(plan, queued{waiting[i].group, n})
		}
	}
	return plan
}

// allows reports whether one more job of a group may begin.
func (s *share) allows(g group, now time.Time) bool {
	b := s.bank(g)
	free := s.places - s.total
	if !g.present {
		kept := min(s.places*s.kept/s.most, s.places-1)
		free = min(free, s.places-kept-s.absent)
		if b.absent >= max(s.most-s.kept, 1) {
			return false
		}
	}
	switch {
	case b.running >= s.most, b.running >= free, now.Before(b.until):
		return false
	case s.clients[g.client] >= 3*free: // a client has many banks, and leaves a quarter of the places free
		return false
	case b.limit > 0 && b.running >= b.limit:
		return false
	}
	return !b.silent || b.running == 0 && s.silentRunning() < max(s.places/4, 1)
}

// silentRunning counts the banks that are silent and have their one worker.
func (s *share) silentRunning() (n int) {
	for _, b := range s.banks {
		if b.silent && b.running > 0 {
			n++
		}
	}
	return n
}

// before reports whether the first group goes before the second: users who are present,
// then the client and the bank with the fewest jobs, then the bank that has waited longest.
func (s *share) before(a, b group) bool {
	if a.present != b.present {
		return a.present
	}
	if s.clients[a.client] != s.clients[b.client] {
		return s.clients[a.client] < s.clients[b.client]
	}
	first, second := s.bank(a), s.bank(b)
	if first.running != second.running {
		return first.running < second.running
	}
	return first.turn < second.turn
}

// bank returns the observations about a group's bank.
func (s *share) bank(g group) *bankShare {
	b := s.banks[g.bank]
	if b == nil {
		b = &bankShare{}
		s.banks[g.bank] = b
	}
	return b
}

func (s *share) add(g group, n int) {
	b := s.bank(g)
	b.running += n
	s.total += n
	s.clients[g.client] += n
	if !g.present {
		b.absent += n
		s.absent += n
	}
	if s.clients[g.client] == 0 {
		delete(s.clients, g.client)
	}
	if b.running == 0 && !b.silent && b.limit == 0 && !s.now().Before(b.until) {
		delete(s.banks, g.bank)
	}
}

// settle notes which jobs of a planned group have begun, and frees the places of the
// others: another node may have been faster.
func (s *share) settle(planned queued, began []int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, id := range began {
		s.running[id] = runningJobOf{planned.group, s.bank(planned.group).holds}
	}
	s.add(planned.group, len(began)-planned.due)
}

// end frees the place of a job.
func (s *share) end(id int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	job, known := s.running[id]
	if !known {
		return
	}
	delete(s.running, id)
	b := s.bank(job.group)
	if b.limit > 0 && b.holds == job.holds {
		// The whole job found room within the bank's pace.
		b.limit *= 2
		if b.limit >= s.most {
			b.limit = 0
		}
	}
	s.add(job.group, -1)
}

// timedOut notes that a bank did not answer in time.
func (s *share) timedOut(bank string) { s.update(bank, func(b *bankShare) { b.silent = true }) }

// answered notes that a bank has answered, well or not.
func (s *share) answered(bank string) { s.update(bank, func(b *bankShare) { b.silent = false }) }

// hold lets no job of a bank begin before a moment, and one at a time from then on, until
// a job goes through without being held.
func (s *share) hold(bank string, until time.Time) {
	s.update(bank, func(b *bankShare) {
		b.limit = 1
		b.holds++
		if until.After(b.until) {
			b.until = until
		}
	})
}

// failed notes that a receiver did not take what it was sent: it is left alone for a pause
// that grows with each failure.
func (s *share) failed(receiver string) {
	s.update(receiver, func(b *bankShare) {
		b.failures++
		b.silent = true
		b.until = s.now().Add(min(time.Second<<(2*min(b.failures-1, 5)), longestPause))
	})
}

// longestPause is how long a receiver that fails is left alone at most.
const longestPause = 5 * time.Minute

// took notes that a receiver has taken what it was sent.
func (s *share) took(receiver string) {
	s.update(receiver, func(b *bankShare) { b.silent, b.failures, b.until = false, 0, time.Time{} })
}

func (s *share) update(bank string, change func(*bankShare)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change(s.bank(group{bank: bank}))
}
