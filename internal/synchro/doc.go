// Package synchro is the engine: it reads accounts and transactions from banks. It
// decides when a channel is read, asks the bank page by page, reconciles the answers
// with the stored rows, and writes changes, statuses and events together.
//
// A synchronisation is rows, not a goroutine: a job takes it from the database,
// asks the bank for half a minute, stores its progress and enqueues the next job in
// the same transaction. A process may die anywhere; the next job continues. Nothing
// waits for a person.
//
// The package must never speak HTTP, know a bank by name, hold SQL or check what a
// caller may do: that is for the use cases (package connect), which let the engine
// start and end synchronisations in their transactions. Start reading at run.go.
package synchro
