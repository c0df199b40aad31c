// Package docs holds the guides of this folder, for whoever shows them.
//
// It must never hold anything but text. Start reading in architecture.md.
package docs

import "embed"

// Files are the guides, name.md each.
//
//go:embed *.md
var Files embed.FS
