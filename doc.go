// Package oxlin is the vocabulary of the platform: the nouns of the domain, one
// file each, and the rules about them that need no input or output.
//
// It imports the standard library and a decimal library, never another package
// of this module, so that every room of the house can speak its words. It must
// never read a clock, a database or the network.
//
// Some nouns are stored as JSON. Their fields carry the stored names as tags, which never
// change: a field may get another name, its tag may not.
//
// Start reading at connection.go: a connection is what everything else hangs on.
package oxlin
