// Package platformtest gives tests a platform: a vault, a catalogue, the engine and the
// use cases on a database, with the test bank on the other side of HTTP.
//
// Time passes only if a test moves the clock, and jobs run only if a test runs them.
// Each room's tests embed a World and add what belongs to that room alone.
//
// It must serve tests only, and must never serve a test inside a package that it imports:
// such a test belongs to the external test package. Start reading at World.
package platformtest
