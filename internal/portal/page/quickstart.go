package page

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

func number(i int) string { return strconv.Itoa(i + 1) }

func joined(lines []string) string { return strings.Join(lines, "\n") }

func lines(list []string) string { return strconv.Itoa(len(list)) }

// keeps encodes for quickstart.js which values to keep from a response:
// "name=body.access_token other=location".
func keeps(r Request) string {
	var all []string
	for _, keep := range r.Keeps {
		all = append(all, keep.Name+"="+keep.From)
	}
	return strings.Join(all, " ")
}

// source describes where in the response a value is.
func source(keep Keep) templ.Component {
	if keep.From == "location" {
		return templ.Raw("the last segment of the header <code>location</code>")
	}
	path := strings.TrimPrefix(keep.From, "body.")
	if first, rest, found := strings.Cut(path, "0."); found && first == "" {
		return templ.Raw("the first <code>" + templ.EscapeString(rest) + "</code>")
	}
	return templ.Raw("<code>" + templ.EscapeString(path) + "</code>")
}

// shellValues returns the assignments of the shell variables that the reader provides.
func shellValues(v Quickstart) string {
	known := map[string]string{"user_email": "jo@example.test", "user_password": "a-good-password"}
	if len(v.Clients) > 0 {
		known["client_id"], known["client_secret"] = v.Clients[0].ID, v.Clients[0].Secret
	}
	var all []string
	for _, value := range v.Values {
		if value.Given {
			all = append(all, value.Name+"="+quoted(known[value.Name]))
		}
	}
	return strings.Join(all, "\n")
}
