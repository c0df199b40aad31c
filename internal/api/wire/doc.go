// Package wire reads the members of request bodies that clients write in more
// than one way (contract §3): ids as JSON strings or numbers, booleans and
// integers also as the strings that a form makes of them.
//
// It stands apart from package api only because the generated code imports it.
package wire
