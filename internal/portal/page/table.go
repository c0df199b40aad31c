package page

import (
	"html"
	"strings"
)

// breakable returns a name as HTML that may wrap after each underscore.
func breakable(name string) string {
	return "<code>" + strings.ReplaceAll(html.EscapeString(name), "_", "_<wbr/>") + "</code>"
}
