package page

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/portal/markdown"
	"github.com/oxlin/oxlin/internal/portal/openapi"
)

// reference holds the data for the API reference.
type reference struct {
	*openapi.Document
	frame Frame
	about markdown.Text
}

func newReference(frame Frame, document *openapi.Document) *reference {
	return &reference{document, frame, mustRender(document.Info.Description, markdown.Options{Prefix: "about-"})}
}

// mustRender renders markdown of the document. Rendering fails only if the writer
// fails, and a buffer in memory does not.
func mustRender(source string, options markdown.Options) markdown.Text {
	text, err := markdown.Render([]byte(source), options)
	if err != nil {
		panic(err)
	}
	return text
}

// unwrapped removes the paragraph around a single line.
func unwrapped(html string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(html), "<p>"), "</p>")
}

// server returns the address before the document's paths.
func (r *reference) server() string {
	if len(r.Servers) == 0 {
		return r.frame.Platform
	}
	address := r.Servers[0].URL
	if strings.HasPrefix(address, "/") {
		return r.frame.Platform + address
	}
	return address
}

// searchText returns the words by which the search finds an operation.
func (r *reference) searchText(o *openapi.Operation) string {
	words := []string{o.ID, o.Method, o.Path, o.Summary}
	scopes, _ := o.Scopes()
	words = append(words, scopes...)
	for _, parameter := range o.Parameters {
		words = append(words, parameter.Name)
	}
	if o.RequestBody != nil {
		for _, media := range o.RequestBody.Content {
			for _, field := range r.Fields(media.Value.Schema) {
				words = append(words, field.Name)
			}
		}
	}
	return strings.Join(words, " ")
}

// requests returns example calls of an operation, one for each example of its body.
func (r *reference) requests(o *openapi.Operation) []Request {
	call := Request{Title: "Request", Method: o.Method, Address: r.server() + o.Path}
	var query []string
	for _, parameter := range o.Parameters {
		example := strings.Trim(openapi.JSON(&parameter.Example), `"`)
		switch {
		case parameter.In == "path" && example != "":
			call.Address = strings.ReplaceAll(call.Address, "{"+parameter.Name+"}", example)
		case parameter.In == "query" && parameter.Required:
			query = append(query, parameter.Name+"={"+parameter.Name+"}")
		}
	}
	if len(query) > 0 {
		call.Address += "?" + strings.Join(query, "&")
	}
	if _, public := o.Scopes(); !public {
		call.Headers = []string{"authorization: Bearer {access_token}"}
	}
	if o.RequestBody == nil {
		return []Request{call}
	}
	var all []Request
	for _, media := range o.RequestBody.Content {
		for _, example := range media.Value.Examples {
			one := call
			one.Title, one.JSON = example.Value.Summary, openapi.JSON(&example.Value.Value)
			all = append(all, one)
		}
		if len(media.Value.Examples) == 0 {
			call.JSON = openapi.JSON(&media.Value.Example)
			if call.JSON == "" {
				call.JSON = r.Example(media.Value.Schema)
			}
			all = append(all, call)
		}
	}
	return all
}

// response returns an example of a successful response with a JSON body, or an empty
// text.
func (r *reference) response(o *openapi.Operation) string {
	for _, response := range o.Responses {
		if !strings.HasPrefix(response.Name, "2") {
			continue
		}
		media, ok := response.Value.Content.Get("application/json")
		if !ok {
			continue
		}
		if example := openapi.JSON(&media.Example); example != "" {
			return example
		}
		return r.Example(media.Schema)
	}
	return ""
}

// statusName returns a status with its standard text.
func statusName(status string) string {
	code, err := strconv.Atoi(status)
	if err != nil {
		return "errors"
	}
	return status + " " + http.StatusText(code)
}

// ownHeaders returns the headers that are specific to an operation. Error responses
// share theirs.
func ownHeaders(response openapi.Member[openapi.Response]) openapi.Ordered[openapi.Header] {
	if response.Name == "default" {
		return nil
	}
	return response.Value.Headers
}

// statusClass returns the CSS class that colours a status.
func statusClass(status string) string {
	if strings.HasPrefix(status, "2") || strings.HasPrefix(status, "3") {
		return "good"
	}
	return "bad"
}

// typeName returns the type of a value without parts.
func typeName(s *openapi.Schema) string {
	if s.Type == "" {
		return "object"
	}
	return s.Type
}

// choices returns the allowed values, if they are listed.
func choices(s *openapi.Schema) []string {
	if s.Items != nil {
		return s.Items.Enum
	}
	return s.Enum
}

// bounds describes the limits and the default of a value.
func bounds(s *openapi.Schema) string {
	var texts []string
	say := func(format string, arguments ...any) { texts = append(texts, fmt.Sprintf(format, arguments...)) }
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		say("from %s to %s", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		say("%s or more", *s.Minimum)
	case s.Maximum != nil:
		say("%s or less", *s.Maximum)
	}
	texts = slices.Concat(texts, lengths(s.MinLength, s.MaxLength, "character"), lengths(s.MinItems, s.MaxItems, "element"))
	if s.Pattern != "" {
		say("matches %s", s.Pattern)
	}
	if s.Default != nil {
		say("%s by default", *s.Default)
	}
	return strings.Join(texts, "; ")
}

// lengths describes how many characters or elements a value may have.
func lengths(least, most *int, noun string) []string {
	switch {
	case least != nil && most != nil:
		return []string{fmt.Sprintf("%d to %d %ss", *least, *most, noun)}
	case most != nil:
		return []string{fmt.Sprintf("at most %d %ss", *most, noun)}
	case least != nil && *least == 1:
		return []string{"not empty"}
	case least != nil:
		return []string{fmt.Sprintf("at least %d %ss", *least, noun)}
	}
	return nil
}
