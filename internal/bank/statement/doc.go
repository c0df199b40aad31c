// Package statement reads the files in which banks write account statements: camt.052,
// camt.053 and camt.054 (ISO 20022), MT940 and MT942 (SWIFT), alone or in a ZIP.
//
// The input is the bytes of a file; the output is a Statement for each account and
// period in it, with rows as bank.Decoded and balances. A row that cannot be read costs
// no other row. The raw record of a row is JSON that holds the text of its entry, and
// Decode reads it again.
//
// It must never resolve an entity, open another file, or hold more than Options allow:
// files come from strangers. It does not know banks, and does not decide whose statement
// it is.
//
// Start reading at statement.go; camt.go and mt940.go read the two families.
package statement
