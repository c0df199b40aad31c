package page

import (
	"regexp"
	"strings"
)

// gap is where a value stands in a request.
var gap = regexp.MustCompile(`\{(\w+)\}`)

// harmless is what a shell takes as it is.
var harmless = regexp.MustCompile(`^[\w./:=@%+,-]+$`)

// quoted is a text as a shell reads it, the values as variables of the shell. The
// script of the quickstart does the same.
func quoted(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	if !gap.MatchString(text) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text)
	return `"` + gap.ReplaceAllString(escaped, "$$$1") + `"`
}

// curl is the command that makes the request.
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
