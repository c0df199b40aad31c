// Package storetest gives tests a real database: a function that takes a
// *store.DB runs once on SQLite and once on PostgreSQL, each time on tables of
// its own that nobody else writes to.
//
// PostgreSQL is started by the test binary itself, on first use, in a directory
// below /tmp and on a Unix socket there; it ends with the binary, however that
// ends. Where it is not installed, the test on it is omitted.
//
// It must never be imported by anything but tests. Start reading at Each.
package storetest
