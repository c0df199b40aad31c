package page

import (
	"html"
	"strings"
)

// breakable is a name as HTML that may go on in another line after each of its words.
func breakable(name string) string {
	return "<code>" + strings.ReplaceAll(html.EscapeString(name), "_", "_<wbr/>") + "</code>"
}
