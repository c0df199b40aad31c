// Package statement reads the files in which banks write account statements: camt.052,
// camt.053 and camt.054 (ISO 20022), MT940 and MT942 (SWIFT), OFX and QFX in SGML and XML, QIF,
// and CSV, alone or in a ZIP.
//
// The input is the bytes of a file; the output is a Statement for each account and
// period in it, with rows as bank.Decoded and balances. A row that cannot be read costs
// no other row. The raw record of a row is JSON that holds the text of its entry, and
// Decode reads it again.
//
// QIF and CSV have no fixed notation: the order of day and month, the decimal separator, the
// columns. The whole file decides, and where it does not, the error is a Question: it carries
// what was found as a Mapping, and some rows. The caller shows them, and hands the completed Mapping
// back in Options; the Mapping of a Statement is the one to keep for the next file. Nothing is
// guessed that changes a day or an amount.
//
// The parsers are written here: those that exist for Go, the last of them from 2021, fail for the
// whole file at the first member that is missing or wrong, and banks leave out many.
//
// It must never resolve an entity, open another file, or hold more than Options allow:
// files come from strangers. It does not know banks, and does not decide whose statement
// it is.
//
// Start reading at statement.go; camt.go, mt940.go, ofx.go and qif.go read one family each.
// csv.go reads tables, which table.go cuts and heading.go names: csv_columns.go finds what each column
// means, and csv_rows.go reads the rows; mapping.go decides the notation.
package statement
