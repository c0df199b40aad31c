// Package oxlin is the vocabulary of the platform: the nouns of the domain, one
// file each, and the rules about them that need no input or output.
//
// It imports the standard library and a decimal library, never another package
// of this module, so that every other package can use its types. It must never read a
// clock, a database or the network.
//
// Some nouns are stored as JSON. Their tags are the stored names. A field may be
// renamed; its tag must not change.
//
// Start reading at connection.go: most other types refer to a connection.
package oxlin
