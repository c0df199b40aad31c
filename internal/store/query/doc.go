// Package query contains the store's SQL: the queries in the .sql files, the Go code
// that sqlc generates from them, and the types for values that both databases store in
// the same form. It must never be imported by anything but the store.
package query
