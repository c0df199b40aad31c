// Package reconcile recognises what we already hold: it compares an account's
// rows as we know them with a complete fetch from the bank, and says what is new,
// what changed, what was announced and never came, and what is not shown any
// more. It does the same for the accounts of a connection.
//
// It is pure: it never reads a clock, a database or the network, it changes
// nothing that it is given, and the same rows in any order give the same result.
// It never deletes anything, and never lets one of our ids wander from one
// movement of money to another.
//
// Start reading at Transactions in transactions.go; passes.go is the list of
// hypotheses in the order in which they are tried.
package reconcile
