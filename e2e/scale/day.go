package main

import "slices"

// waiting are synchronisations of one kind at one bank that are due, by the second since when.
type waiting struct {
	since []int
	count []float64
	all   float64
}

func (w *waiting) add(second int, n float64) {
	if n > 0 {
		w.since, w.count = append(w.since, second), append(w.count, n)
		w.all += n
	}
}

// late reports whether the oldest has been due for more than a minute.
func (w *waiting) late(second int) bool {
	return len(w.since) > 0 && second-w.since[0] > 60
}

// take removes n, the oldest first, and tells how long each has waited.
func (w *waiting) take(second int, n float64, waited func(seconds int, n float64)) {
	for n > 0 && len(w.since) > 0 {
		part := min(n, w.count[0])
		waited(second-w.since[0], part)
		n -= part
		w.count[0] -= part
		w.all -= part
		if w.count[0] <= 1e-9 {
			w.since, w.count = w.since[1:], w.count[1:]
		}
	}
}

// waits counts by seconds of waiting.
type waits map[int]float64

// at returns the seconds that a part of all has waited at most.
func (w waits) at(part float64) int {
	all, longest := 0.0, 0
	for seconds, n := range w {
		all += n
		longest = max(longest, seconds)
	}
	sum := 0.0
	for seconds := range longest + 1 {
		sum += w[seconds]
		if sum >= part*all {
			return seconds
		}
	}
	return longest
}

// fault lists what goes wrong on a day.
type fault struct {
	// downFrom and downUntil are the seconds in which the whole platform is away.
	downFrom, downUntil int
	// hangFrom and hangUntil are the seconds in which the largest bank does not answer.
	hangFrom, hangUntil int
}

// timeout is the seconds after which a call to a bank ends.
const timeout = 30

// outcome describes a day that was played.
type outcome struct {
	asked, done     float64 // synchronisations
	present, absent waits
	neighbours      waits // users of the other banks while the largest hangs
	// busiest is the most that a second has asked of each resource, and mean the day's mean,
	// had nothing been scarce.
	busiest, mean [resources]float64
	total         cost
	// drained is how many seconds after a downtime the last synchronisation that it made late has begun; -1 if not
	// on that day.
	drained int
}

// day plays a demand on a plant, second by second. Synchronisations are amounts and not things: at
// a million a day each second has a dozen.
func day(d demand, p plant, c costs, f fault) outcome {
	banks, due := d.bankList(), due()
	out := outcome{present: waits{}, absent: waits{}, neighbours: waits{}, drained: -1}
	if f.downUntil == 0 {
		out.drained = 0
	}
	present, absent := make([]waiting, len(banks)), make([]waiting, len(banks))
	// Places that are taken: those of a bank's synchronisations come back after its calls.
	ends := make([][]float64, len(banks))
	running, taken := make([]float64, len(banks)), 0.0
	for i, b := range banks {
		ends[i] = make([]float64, 1+int(d.calls*max(b.answer, 0.001))+timeout+1)
	}
	one := c.quiet.add(c.row.times(d.rows))
	for second := range secondsOfDay {
		visits := d.connections * awake(second)
		aside := c.list.times(visits * d.lists).add(c.token.times(visits * d.tokens)).add(c.login.times(visits * d.logins))
		out.total = out.total.add(aside)
		asked := d.connections*due[second] + visits*d.present
		out.asked += asked
		out.count(d, banks, asked, aside, one)
		for i, b := range banks {
			absent[i].add(second, d.connections*due[second]*b.share)
			present[i].add(second, visits*d.present*b.share)
		}
		for i := range banks { // what has ended gives its place back
			slot := &ends[i][second%len(ends[i])]
			running[i] -= *slot
			taken -= *slot
			*slot = 0
		}
		if second >= f.downFrom && second < f.downUntil {
			continue
		}
		most := p.bears(aside, one)
		for _, attended := range []bool{true, false} {
			kept := 0.0
			if !attended {
				kept = p.kept()
			}
			for k := range banks {
				i := (k + second) % len(banks) // nobody is always the first
				b := banks[i]
				hangs := i == 0 && second >= f.hangFrom && second < f.hangUntil
				ofBank, lasts, patience := (1-kept)*p.ofOneBank(), d.calls*b.answer, b.patience/d.calls
				if hangs {
					ofBank, lasts = float64(p.nodes), timeout // a silent bank has one worker of a node
				}
				queue, waited := &absent[i], out.absent
				if attended {
					queue, waited = &present[i], out.present
				}
				n := min(queue.all, most, ofBank-running[i], (1-kept)*p.places()-taken, patience)
				if n <= 0 {
					continue
				}
				queue.take(second, n, func(seconds int, n float64) {
					waited[seconds] += n
					if attended && i != 0 && second >= f.hangFrom && second < f.hangUntil {
						out.neighbours[seconds] += n
					}
				})
				most -= n
				running[i] += n
				taken += n
				ends[i][(second+max(1, int(lasts)))%len(ends[i])] += n
				if hangs {
					absent[i].add(second+timeout, n) // it is tried again
					continue
				}
				out.done += n
				out.total = out.total.add(one.times(n))
			}
		}
		if out.drained < 0 && second >= f.downUntil && !slices.ContainsFunc(absent, func(w waiting) bool { return w.late(second) }) {
			out.drained = second - f.downUntil
		}
	}
	return out
}

// count adds what a second asks of the plant.
func (o *outcome) count(d demand, banks []bank, asked float64, aside, one cost) {
	all := aside.add(one.times(asked))
	var now [resources]float64
	now[processors], now[databaseProcessors], now[commits], now[log] = all.node, all.database, all.commits, all.log
	for _, b := range banks {
		now[places] += asked * b.share * d.calls * b.answer
	}
	now[bankCalls] = asked * banks[0].share * d.calls
	now[disk] = d.connections * d.kept * bytesOfRow
	for r := range resources {
		o.busiest[r] = max(o.busiest[r], now[r])
		o.mean[r] += now[r] / secondsOfDay
	}
}
