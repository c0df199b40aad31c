package main

import (
	"math"
	"testing"
)

// country is the usual demand of so many connections at thirty banks.
func country(connections float64) demand {
	d := usual
	d.connections, d.banks = connections, 30
	return d
}

// small is a day with one bank that answers at once, so that its waiting can be counted by hand.
func small(connections float64) (demand, plant) {
	d := usual
	d.connections, d.banks, d.present, d.lists, d.tokens, d.logins = connections, 1, 0, 0, 0, 0
	return d, plant{nodes: 1, cores: 100, workers: 1000, database: 100, commits: 1e6, log: 1e12, disk: 1e15}
}

// Nothing gets lost: each synchronisation has begun, or waits at midnight.
func TestEverySynchronisationIsAskedOnce(t *testing.T) {
	for _, connections := range []float64{1e5, 1e6, 3e7} {
		d := country(connections)
		o := day(d, plant{nodes: 3, cores: 4, workers: 24, database: 32, commits: 20_000, log: 400e6}, measured, fault{})
		if want := connections * (1 + d.present); math.Abs(o.asked/want-1) > 1e-6 {
			t.Errorf("%g connections ask for %g synchronisations, want %g", connections, o.asked, want)
		}
		var begun float64
		for _, w := range []waits{o.present, o.absent} {
			for _, n := range w {
				begun += n
			}
		}
		if math.Abs(begun/o.done-1) > 1e-6 || o.done > o.asked*(1+1e-6) {
			t.Errorf("%g connections: %g begin, %g are done, %g were asked for", connections, begun, o.done, o.asked)
		}
	}
}

// A bank that bears half of what a day asks leaves half of it, and the last one of the day waits for
// half of the day.
func TestABankThatBearsHalf(t *testing.T) {
	d, p := small(2 * secondsOfDay)
	d.calls, d.patience = 1, 1
	o := day(d, p, measured, fault{})
	if math.Abs(o.done-secondsOfDay) > 60 {
		t.Errorf("%g are done, want one a second", o.done)
	}
	if last := o.absent.at(1); math.Abs(float64(last)-secondsOfDay/2) > 120 {
		t.Errorf("the last one waits for %d s", last)
	}
}

// After a downtime of an hour, a bank that bears twice the usual calls needs another hour.
func TestADowntimeDrains(t *testing.T) {
	d, p := small(secondsOfDay)
	d.calls, d.patience = 1, 2
	o := day(d, p, measured, fault{downFrom: 40_000, downUntil: 43_600})
	if math.Abs(float64(o.drained)-3600) > 120 {
		t.Errorf("drained after %d s", o.drained)
	}
	if math.Abs(o.done/o.asked-1) > 1e-3 {
		t.Errorf("%g of %g are done", o.done, o.asked)
	}
}

// A bank that hangs does not make the users of others wait.
func TestNeighboursOfABankThatHangs(t *testing.T) {
	d := country(1e6)
	p := plant{nodes: 3, cores: 4, workers: 24, database: 32, commits: 20_000, log: 400e6}
	o := day(d, p, measured, fault{hangFrom: 40_000, hangUntil: 43_600})
	if len(o.neighbours) == 0 || o.neighbours.at(0.99) > 1 {
		t.Errorf("users of other banks wait %d s", o.neighbours.at(0.99))
	}
	if o.present.at(0.999) < 60 {
		t.Error("not even the users of the bank wait")
	}
}

// The resource that is made scarce is the one that is named first.
func TestTheScarcestBreaksFirst(t *testing.T) {
	for r, scarce := range map[resource]func(*demand, *plant){
		bankCalls:          func(d *demand, _ *plant) { d.patience = 1 },
		commits:            func(_ *demand, p *plant) { p.commits = 10 },
		log:                func(_ *demand, p *plant) { p.log = 1e4 },
		databaseProcessors: func(_ *demand, p *plant) { p.database = 0.01 },
		disk:               func(_ *demand, p *plant) { p.disk = 1e9 },
	} {
		d, p := country(1e6), plant{nodes: 3, cores: 4, workers: 24, database: 32, commits: 20_000, log: 400e6, disk: 30e12}
		scarce(&d, &p)
		if first := byBreaking(day(d, p, measured, fault{}), p, d)[0]; first != r {
			t.Errorf("%s breaks first, want %s", names[first], names[r])
		}
	}
}

// More of everything makes nobody wait longer.
func TestMoreIsNotSlower(t *testing.T) {
	d := country(1e7)
	less := day(d, plant{nodes: 4, cores: 4, workers: 24, database: 4, commits: 1000, log: 10e6}, measured, fault{})
	more := day(d, plant{nodes: 8, cores: 4, workers: 24, database: 8, commits: 2000, log: 20e6}, measured, fault{})
	for _, part := range []float64{0.5, 0.9, 0.99} {
		if more.absent.at(part) > less.absent.at(part) || more.present.at(part) > less.present.at(part) {
			t.Errorf("with twice as much, %g wait longer", part)
		}
	}
	if more.done < less.done {
		t.Errorf("with twice as much, %g are done instead of %g", more.done, less.done)
	}
}
