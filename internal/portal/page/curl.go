package page

import (
	"regexp"
	"strings"
)

// placeholder matches a value's name in a request.
var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// harmless matches words that a shell needs no quotes for.
var harmless = regexp.MustCompile(`^[\w./:=@%+,-]+$`)

// quoted returns a text as a word of a shell, with placeholders as shell variables.
// quickstart.js does the same.
func quoted(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	if !placeholder.MatchString(text) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text)
	return `"` + placeholder.ReplaceAllString(escaped, "$$$1") + `"`
}

// curl returns the curl command for the request.
func (r Request) curl() string {
	flags := "-s"
	for _, keep := range r.Keeps {
		if keep.From == "location" {
			flags = "-si"
		}
	}
	parts := []string{"curl " + flags}
	if r.Method != "GET" && (r.Method != "POST" || len(r.Fields) == 0 && r.JSON == "") {
		parts[0] += " -X " + r.Method
	}
	parts[0] += " " + quoted(r.Address)
	for _, header := range r.Headers {
		login, basic := strings.CutPrefix(header, "authorization: Basic ")
		if basic {
			parts = append(parts, "-u "+quoted(login))
		} else {
			parts = append(parts, "-H "+quoted(header))
		}
	}
	for _, field := range r.Fields {
		if harmless.MatchString(field) && !strings.ContainsAny(field, "%+") {
			parts = append(parts, "-d "+field)
		} else {
			parts = append(parts, "--data-urlencode "+quoted(field))
		}
	}
	if r.JSON != "" {
		parts = append(parts, "-d "+quoted(r.JSON))
	}
	return strings.Join(parts, " \\\n  ")
}
