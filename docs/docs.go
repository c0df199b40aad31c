// Package docs holds the guides and references of this folder. The portal shows all of
// them. The decisions in the folder below are for readers of the code, and not shown.
//
// It must never hold anything but text. Start reading in architecture.md.
package docs

import "embed"

// Files are the guides and references, name.md each.
//
//go:embed *.md
var Files embed.FS
