package postman

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/oxlin/oxlin/internal/portal/openapi"
)

// embedded is the test bank's web site, its only channel that asks the user for
// credentials.
const embedded = "8700"

// requests returns the requests for an operation, one for each example of its body.
func (w writer) requests(operation *openapi.Operation) []item {
	examples := w.examples(operation)
	if len(examples) == 0 {
		return []item{w.request(operation, operation.Summary, nil)}
	}
	var all []item
	for _, example := range examples {
		name := operation.Summary
		if example.Summary != "" {
			name += ": " + example.Summary
		}
		all = append(all, w.request(operation, name, &example.Value))
	}
	return all
}

func (w writer) request(operation *openapi.Operation, name string, example *yaml.Node) item {
	r := &request{Method: operation.Method, Description: operation.Description, Header: []field{}}
	scopes, public := operation.Scopes()
	switch {
	case public:
		r.Auth = &auth{Type: "noauth"}
	case slices.Contains(scopes, "users_create"):
		r.Auth = bearer("client_access_token")
	}
	if len(scopes) > 0 {
		r.Description = strings.TrimSpace(r.Description + "\n\nScope: `" + strings.Join(scopes, "` or `") + "`.")
	}
	host := use("api_url")
	if slices.Contains(operation.Tags, "manage-widget") {
		host = use("embed_url")
	}
	path := strings.NewReplacer("{", ":", "}", "").Replace(operation.Path)
	r.URL = address{Raw: host + path, Host: []string{host}, Path: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	for _, parameter := range operation.Parameters {
		w.add(r, parameter)
	}
	for i, query := range r.URL.Query {
		if !query.Disabled {
			r.URL.Raw += map[bool]string{true: "?", false: "&"}[i == 0] + query.Key + "=" + query.Value
		}
	}
	if example != nil {
		example = fill(example, reserved[operation.ID], map[string]bool{})
		r.Body = &body{Mode: "raw", Raw: openapi.JSON(example), Options: map[string]any{"raw": map[string]string{"language": "json"}}}
		toChannel(r, operation, example)
	}
	events := slices.Concat(after(success(operation), stores[operation.ID]), before(r))
	if operation.ID == "createUser" {
		events = append(events, onRequest(newUser))
	}
	return item{Name: name, Request: r, Events: events}
}

// add adds a parameter. Optional parameters are disabled.
func (w writer) add(r *request, parameter openapi.Parameter) {
	one := field{Key: parameter.Name, Description: w.describe(parameter), Disabled: !parameter.Required}
	switch {
	case parameter.In == "path":
		one.Value = w.value(parameter.Name, &parameter.Example)
		r.URL.Variable = append(r.URL.Variable, one)
	case parameter.In == "header":
		one.Value = plain(&parameter.Example)
		r.Header = append(r.Header, one)
	case parameter.Schema != nil && len(w.document.Fields(parameter.Schema)) > 0:
		// Each member of an object is a parameter of its own.
		for _, member := range w.document.Fields(parameter.Schema) {
			r.URL.Query = append(r.URL.Query, field{
				Key: member.Name, Value: w.value(member.Name, nil), Description: w.document.Describe(member.Schema), Disabled: true,
			})
		}
	default:
		one.Value = w.value(parameter.Name, &parameter.Example)
		r.URL.Query = append(r.URL.Query, one)
	}
}

func (w writer) describe(parameter openapi.Parameter) string {
	if parameter.Description != "" || parameter.Schema == nil {
		return parameter.Description
	}
	return w.document.Describe(parameter.Schema)
}

// value returns the variable of that name, or else the example.
func (w writer) value(name string, example *yaml.Node) string {
	if isKept(name) {
		return use(name)
	}
	return plain(example)
}

// plain returns an example as it appears in an address. The values of a list are
// separated by commas.
func plain(example *yaml.Node) string {
	if example == nil {
		return ""
	}
	if example.Kind != yaml.SequenceNode {
		return example.Value
	}
	var values []string
	for _, element := range example.Content {
		values = append(values, element.Value)
	}
	return strings.Join(values, ",")
}

// examples returns the document's examples of an operation's body.
func (w writer) examples(operation *openapi.Operation) []openapi.Example {
	if operation.RequestBody == nil {
		return nil
	}
	var all []openapi.Example
	for _, media := range operation.RequestBody.Content {
		if !media.Value.Example.IsZero() {
			all = append(all, openapi.Example{Value: media.Value.Example})
		}
		for _, example := range media.Value.Examples {
			all = append(all, example.Value)
		}
	}
	return all
}

// reserved are members of examples that work only after a preparation: a redirect
// address has to be registered. Without a redirect address, the widget ends on a page
// of its own.
var reserved = map[string]string{"createWidgetSession": "redirect_url"}

// fill copies an example without one member, and replaces values by variables. It uses
// each variable once, because the second account of a list is a different account.
func fill(example *yaml.Node, without string, done map[string]bool) *yaml.Node {
	filled := *example
	filled.Content = nil
	if example.Kind != yaml.MappingNode {
		for _, child := range example.Content {
			filled.Content = append(filled.Content, fill(child, without, done))
		}
		return &filled
	}
	for i := 0; i+1 < len(example.Content); i += 2 {
		name, value := example.Content[i], example.Content[i+1]
		variable := variableOf(name.Value)
		switch {
		case name.Value == without:
			continue
		case variable != "" && value.Kind == yaml.ScalarNode && !done[variable]:
			done[variable] = true
			value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: use(variable)}
		default:
			value = fill(value, without, done)
		}
		filled.Content = append(filled.Content, name, value)
	}
	return &filled
}

// variableOf returns the variable for a member of a body, or an empty text.
func variableOf(name string) string {
	switch {
	case name == "email" || name == "password":
		return "user_" + name
	case isKept(name) || isAsked(name):
		return name
	}
	return ""
}

// toChannel sets the channel of an address to the one that the body is for.
func toChannel(r *request, operation *openapi.Operation, example *yaml.Node) {
	forms := operation.ID == "answerChallenges" || operation.ID == "updateChannel" && strings.Contains(openapi.JSON(example), `"key_id"`)
	for i := range r.URL.Variable {
		if forms && r.URL.Variable[i].Key == "channel_definition_id" {
			r.URL.Variable[i].Value = embedded
		}
	}
}

func isKept(name string) bool {
	return slices.ContainsFunc(kept, func(f field) bool { return f.Key == name })
}

func isAsked(name string) bool {
	return slices.ContainsFunc(asked, func(f field) bool { return f.Key == name })
}

// success returns the status of the successful response.
func success(operation *openapi.Operation) string {
	for _, response := range operation.Responses {
		if strings.HasPrefix(response.Name, "2") {
			return response.Name
		}
	}
	return "200"
}
