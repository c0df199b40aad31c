// Package notation reads the values of a bank's records: amounts, days, texts, words of
// enumerations, currencies and account numbers, in the forms in which banks write them.
//
// Its functions are pure. The input is a text as the bank wrote it; the output is a
// Reading: the value, or absent, or unreadable. They must never guess: a text with two
// readings is unreadable, and an unknown word is not a value. They must never know a
// bank or a standard; a Convention holds what a country or an interface prescribes.
//
// Start reading at reading.go, then at convention.go.
package notation
