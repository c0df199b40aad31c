// Package banktest holds what the tests of connectors share: a player of
// recorded bank stubs, a check of every request against the official file of
// the standard, and Exercise, the suite that every connector passes.
//
// What goes in is a connector and the bank behind it; what comes out are test
// errors. It must never be imported by anything but tests, nor copy an official
// file or a stub: both are found through the environment variable OXLIN_SHARED,
// and where they are missing the test reports how much it did not run.
//
// Start reading at exercise.go.
package banktest
