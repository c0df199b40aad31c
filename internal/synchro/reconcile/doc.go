// Package reconcile recognises known rows: it compares an account's stored rows with
// a complete fetch from the bank, and finds which rows are new, changed, expired or
// missing. It does the same for the accounts of a connection.
//
// The package is pure: it never reads a clock, a database or the network, it never
// changes its arguments, and the same rows in any order give the same result. It
// must never delete a row, and never move one of our ids from one movement of money
// to another.
//
// Start reading at Transactions in transactions.go; passes.go is the list of
// hypotheses in the order in which they are tried.
package reconcile
