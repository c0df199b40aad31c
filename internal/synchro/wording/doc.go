// Package wording turns a bank's code and words for a row into what people read:
// the contract's type, label, notes, source label and category (contract §4.8).
//
// The package is pure, and the only one that does so. It must never lose words that
// it does not understand: the reading keeps the bank's own lines, and a label is never
// empty.
//
// Start reading at Read in read.go; codes.go, phrases.go and names.go hold the
// tables, tags.go the members "/DE … /MOTIF …" of French transfers, and check.go reads
// the numbers of cheques.
package wording
