// Package torture measures how well reconcile recognises rows. It makes random histories
// of an account at a bank that disturbs its answers in the ways of banks §7, plays them
// through reconcile.Transactions against a store in memory that acts as synchro's, and
// counts the rows that were missed, doubled, merged, or given another id without need.
//
// Each row carries a token, the truth, which recognition cannot see: it stays outside the
// bank.Transaction. The judge excuses a wrong choice only if it was undecidable: if
// exchanging the two rows' tokens from that reading on leaves every answer as it is, byte
// by byte. The package must never excuse more than that.
//
// Histories are data, so that a failing one shrinks to a minimal input and prints as Go
// source for a table test of reconcile.
//
// Start reading at disturbances.go, the list of what banks do; judge.go holds the score.
package torture
