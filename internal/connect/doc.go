// Package connect holds the use cases: whatever API, widget, console and commands
// do for a caller. A use case checks what the caller may do, changes rows and
// events in one transaction, and lets the engine (package synchro) start, end or
// resume synchronisations in that transaction.
//
// The use cases are grouped by what they are about, one file each: connections,
// accounts, transactions, consents, credentials, keys, authorizations (a user's
// way to the bank and back), queues and providers. Users and clients have a room of
// their own (package directory). access.go holds every rule
// about who may do what; channels.go the steps that several use cases share.
//
// The package must never speak HTTP, hold SQL or read accounts or transactions
// from a bank. Start reading at service.go.
package connect
