// Package banktest holds the parts that the tests of connectors share: a player of
// recorded bank stubs, a check of every request against the official file of the
// standard, and Exercise, the suite that every connector passes.
//
// The input is a connector and the bank behind it; the output is test errors. Only
// tests may import it, and it must never copy an official file or a stub: both are
// found through the environment variable OXLIN_SHARED. If they are missing, the test
// reports the number of cases that it omitted.
//
// Start reading at exercise.go.
package banktest
