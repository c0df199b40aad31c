// Package synchro synchronises: it decides when a channel is read, asks the bank
// page by page, reconciles what came with what is known, and writes changes,
// statuses and events together. It also holds the use cases that API and widget
// share: begin a connection, send a user to the bank, finish the callback,
// consent, delete.
//
// A synchronisation is rows, not a goroutine: a job takes it from the database,
// works for half a minute at most, writes how far it came and enqueues the next
// job in the same transaction. A process may die anywhere; the next job goes on.
// Nothing waits for a person.
//
// It must never speak HTTP, know a bank by name or hold SQL. Start reading at
// service.go for the use cases and at run.go for the way of a synchronisation.
package synchro
