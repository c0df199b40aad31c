// Package directory finds providers as people look for them: forgiving of case,
// accents, the order of words, abbreviations and slips of the keyboard.
//
// Providers come in as the catalogue has them; what was typed goes in and the
// providers that may be meant come out, the best first. The package is pure: it
// must never read a catalogue or a database, or know a bank by name. Start reading
// at providersearch.go; text.go says what two texts have in common.
package providersearch
