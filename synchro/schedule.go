package synchro

import (
	"time"

	"github.com/oxlin/oxlin"
)

// secondsPerDay in a day of the spreading; summer time does not matter to it.
const secondsPerDay = 24 * 60 * 60

// nextSlot is when a channel is synchronised next by itself: once a day, at a time
// of the day that depends on the channel alone, so that the channels spread over
// the day, and not sooner than half a day from now.
func nextSlot(id oxlin.ChannelID, now time.Time) time.Time {
	// Fibonacci hashing spreads neighbouring ids evenly.
	second := int64(uint64(id) * 11400714819323198485 >> 32 % secondsPerDay)
	slot := now.UTC().Truncate(24 * time.Hour).Add(time.Duration(second) * time.Second)
	for slot.Before(now.Add(12 * time.Hour)) {
		slot = slot.Add(24 * time.Hour)
	}
	return slot
}

// NextAppointment is when a channel has to be looked at again: at its slot, or when the
// bank's consent ends, so that the end is told when it comes.
func NextAppointment(connection oxlin.Connection, channel oxlin.Channel, now time.Time) time.Time {
	var at time.Time
	if connection.AutoSync {
		at = nextSlot(channel.ID, now)
	}
	if until := channel.ConsentUntil; until.After(now) && (at.IsZero() || until.Before(at)) {
		at = until
	}
	return at
}

// attempts is how often a synchronisation asks a bank that is down, before it
// gives up until the next one. A user who looks on is told after ten seconds, or at
// once if the bank asks for a longer pause than that.
func attempts(psu *oxlin.PSU) int {
	if psu != nil {
		return 3
	}
	return 4
}

// pause comes before the next attempt within one synchronisation: 2, 8 and 32
// seconds.
func pause(attempt int) time.Duration {
	return time.Second << (2*attempt - 1)
}

// respite comes after a synchronisation that failed for technical reasons: 15
// minutes, then four times as long each time, a day at most.
func respite(failures int) time.Duration {
	return min(15*time.Minute<<(2*min(failures-1, 5)), 24*time.Hour)
}

// nextMidnight is when a bank's daily count begins anew.
func nextMidnight(now time.Time) time.Time {
	return oxlin.DateIn(now, oxlin.Paris).AddDays(1).Midnight(oxlin.Paris)
}
