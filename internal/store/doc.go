// Package store persists the types of the root package in SQLite or PostgreSQL.
//
// Reads go through DB.Read; writes go through DB.Write, which runs a function in
// one transaction; common.go lets SQLite's callers share its commit. Queries are written once
// (query/*.sql, compiled by sqlc) and run on both databases; dialect.go has all differences.
// A limit is written LIMIT CAST(? AS BIGINT): SQLite parses a statement anew whenever a bare
// parameter there changes. The columns of transactions, which are inserted in bulk, are one
// table in transaction_columns.go.
//
// It must never make a decision: it derives no status, creates no event and reads no
// clock. It never sees a secret in clear: the caller seals it.
//
// Start reading at store.go, then migrate/00001_platform.sql for the tables.
package store
