package page

import "strings"

// scripts are the names of what a view's page runs beside the common script.
func scripts(view View) []string {
	switch view.(type) {
	case Quickstart:
		return []string{"quickstart.js"}
	case Reference:
		return []string{"reference.js"}
	}
	return nil
}

// at says whether an entry of the navigation is where one is. The table of errors has
// an entry of its own.
func at(here, entry string) bool {
	if entry == "/docs" {
		return here != "/docs/errors" && (here == entry || strings.HasPrefix(here, entry+"/"))
	}
	return here == entry
}
