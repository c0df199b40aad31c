// Package providersearch finds providers by a user's query. It forgives case, accents,
// the order of words, abbreviations and typing errors.
//
// Providers come in as the catalogue has them, with a query; the matching providers come
// out, best first. The package is pure: it must never read a catalogue or a database, or
// know a bank by name. Start reading at search.go; text.go compares texts.
package providersearch
