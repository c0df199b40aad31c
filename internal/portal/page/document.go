package page

import "strings"

// scripts returns the names of a page's scripts in addition to portal.js.
func scripts(view View) []string {
	switch view.(type) {
	case Quickstart:
		return []string{"quickstart.js"}
	case Reference:
		return []string{"reference.js"}
	}
	return nil
}

// isCurrent reports whether an entry of the navigation contains the page at a path. The
// table of errors has its own entry.
func isCurrent(here, entry string) bool {
	if entry == "/docs" {
		return here != "/docs/errors" && (here == entry || strings.HasPrefix(here, entry+"/"))
	}
	return here == entry
}
