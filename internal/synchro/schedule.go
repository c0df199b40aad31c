package synchro

import (
	"time"

	"github.com/oxlin/oxlin"
)

// secondsPerDay ignores summer time, which does not matter for spreading.
const secondsPerDay = 24 * 60 * 60

// nextSlot is when a channel is synchronised next without the user: once a day, at
// least half a day from now. The time of day depends on the channel alone, which
// spreads the channels over the day.
func nextSlot(id oxlin.ChannelID, now time.Time) time.Time {
	// Fibonacci hashing spreads neighbouring ids evenly.
	second := int64(uint64(id) * 11400714819323198485 >> 32 % secondsPerDay)
	slot := now.UTC().Truncate(24 * time.Hour).Add(time.Duration(second) * time.Second)
	for slot.Before(now.Add(12 * time.Hour)) {
		slot = slot.Add(24 * time.Hour)
	}
	return slot
}

// NextAppointment is when the engine acts on a channel again: at its daily slot, or
// when the bank's consent ends, so that clients learn the end in time. It is zero if
// there is no appointment.
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

// attempts is how often a synchronisation calls an unavailable bank before it fails. A
// user who is present learns of the failure after ten seconds, or at once if the bank
// asks for a longer pause.
func attempts(psu *oxlin.PSU) int {
	if psu != nil {
		return 3
	}
	return 4
}

// pause is the time before the next attempt within one synchronisation: 2, 8 and 32
// seconds.
func pause(attempt int) time.Duration {
	return time.Second << (2*attempt - 1)
}

// backoff is the time until the next synchronisation after a technical failure: 15
// minutes, then four times as long each time, at most a day.
func backoff(failures int) time.Duration {
	return min(15*time.Minute<<(2*min(failures-1, 5)), 24*time.Hour)
}

// nextMidnight is when a bank's daily count starts again.
func nextMidnight(now time.Time) time.Time {
	return oxlin.DateIn(now, oxlin.Paris).AddDays(1).Midnight(oxlin.Paris)
}
