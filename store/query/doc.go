// Package query is the store's SQL: the queries, written once in the .sql files,
// and the Go that sqlc makes of them, with the few types in which both databases
// store the same thing. It must never be imported by anything but the store.
package query
