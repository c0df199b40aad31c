// Package store keeps everything that the platform knows, in SQLite or in
// PostgreSQL, and gives it back as the root package's nouns.
//
// Reads go through DB.Read; writes through DB.Write, which runs a function in one
// transaction: what a function does together is seen together or not at all.
// Queries are written once (query/*.sql, compiled by sqlc) and run on both
// databases; the differences are in dialect.go alone.
//
// It must never decide anything: no status is derived, no event is invented and
// no clock is read here. It never sees a secret in clear: what has to be sealed
// comes and goes as bytes.
//
// Start reading at store.go, then migrate/00001_platform.sql for what there is.
package store
