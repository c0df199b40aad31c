// Package script holds the scripts that pages of several rooms run. Each room serves them in
// its own folder, by package static.
//
// A script must never say a word to the user: its texts are in the page, in the page's language.
// What a page needs works without them.
package script

import "embed"

// Files are the scripts by their names.
//
//go:embed *.js
var Files embed.FS
