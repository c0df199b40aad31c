// Package wording turns a bank's code and words for a row into what people read:
// the contract's type, label, notes, source label and category (contract §4.8).
//
// It is pure, and the only place where this happens. It must never lose words
// that it does not understand: the bank's lines stay beside what is made of
// them, and a label is never empty.
//
// Start reading at Read in read.go; codes.go, phrases.go and names.go hold the
// tables, and check.go reads the numbers of cheques.
package wording
