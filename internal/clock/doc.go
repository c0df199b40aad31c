// Package clock reports whether the machine's clock can be believed.
//
// A clock that is set while the platform runs differs from the time that the process has run.
// After such a jump the clock is in doubt, until another clock agrees with it: that of a bank,
// in the Date of its answers, that of the database, or the clock itself as it was before the
// jump. Without any of them, hours without another jump are enough. A process that starts finds
// in the database when the clock was believed last.
//
// While the clock is in doubt, nothing ends for ever because of the time: callers ask Believed
// before they end a consent or delete what is old. Afterwards appointments are put right.
//
// The package must never set a clock, and no room may take its time from here: all of them keep
// the clock that they were given. Start reading at Clock.
package clock
