package main

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/synchro"
)

const secondsOfDay = 24 * 60 * 60

// demand holds the work that a day brings to a platform.
type demand struct {
	connections float64 // each is synchronised once without its user
	banks       int
	// calls are those of one synchronisation, and answer the median seconds of a bank's answer.
	calls, answer float64
	// patience is how many calls a second the largest bank bears; others bear it by their size,
	// but not less than a call a second.
	patience float64
	rows     float64 // new ones of a connection a day
	kept     float64 // rows of a connection that are stored
	// present is the part of the connections whose users open the application, which then
	// synchronises once more; lists are read of each connection, and tokens drawn.
	present, lists, tokens, logins float64
	seed                           uint64
}

// usual is a budgeting application in a country whose largest bank has a sixth of the accounts.
var usual = demand{
	banks: 300, calls: 5, answer: 0.4, patience: 200, rows: 3, kept: 2_000, present: 0.1, lists: 2, tokens: 0.5, logins: 0.02, seed: 1,
}

// bank is one bank's part of the demand.
type bank struct {
	share    float64 // of the connections
	answer   float64 // seconds of one call
	patience float64 // calls a second
}

// bankList divides the connections by Zipf's law, and gives each bank a speed of its own.
func (d demand) bankList() []bank {
	random := rand.New(rand.NewPCG(d.seed, 1))
	list, sum := make([]bank, d.banks), 0.0
	for i := range list {
		list[i].share = 1 / float64(i+1)
		sum += list[i].share
		list[i].answer = d.answer * math.Exp(0.5*random.NormFloat64())
	}
	for i := range list {
		list[i].patience = max(d.patience*list[i].share/list[0].share, 1)
		list[i].share /= sum
	}
	return list
}

// sample is how many connections stand for all.
const sample = 500_000

// due has for each second of the day the part of the connections whose appointment it is.
var due = sync.OnceValue(func() []float64 {
	seconds := make([]float64, secondsOfDay)
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range sample {
		channel := oxlin.Channel{ID: oxlin.ChannelID(1_000_000_000 + i)}
		at := synchro.NextAppointment(oxlin.Connection{AutoSync: true}, channel, midnight.Add(-12*time.Hour))
		seconds[int(at.Sub(midnight)/time.Second+secondsOfDay)%secondsOfDay] += 1.0 / sample
	}
	return seconds
})

// awake is the part of a day's visits that falls on a second: hardly any at four in the morning,
// and twice the mean at noon and in the evening.
func awake(second int) float64 {
	hour := float64(second) / 3600
	weight := 0.05 + math.Exp(-square((hour-12.5)/2.5)) + 1.2*math.Exp(-square((hour-19.5)/2.5))
	return weight / awakeSum
}

var awakeSum = func() (sum float64) {
	for second := range secondsOfDay {
		hour := float64(second) / 3600
		sum += 0.05 + math.Exp(-square((hour-12.5)/2.5)) + 1.2*math.Exp(-square((hour-19.5)/2.5))
	}
	return sum
}()

func square(x float64) float64 { return x * x }
