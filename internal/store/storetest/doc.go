// Package storetest runs tests on real databases: a test function runs once on SQLite
// and once on PostgreSQL, each time on a database of its own.
//
// The test binary starts PostgreSQL on first use (package postgrestest). If it is not
// installed, its tests are omitted.
//
// Only tests may import it. Start reading at Each.
package storetest
