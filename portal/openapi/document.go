package openapi

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document describes an API.
type Document struct {
	Info struct {
		Title       string
		Version     string
		Description string
	}
	Servers []struct {
		URL string `yaml:"url"`
	}
	Tags       []Tag
	Paths      Ordered[item]
	Components struct {
		Schemas         Ordered[*Schema]
		Parameters      Ordered[Parameter]
		RequestBodies   Ordered[Body] `yaml:"requestBodies"`
		Responses       Ordered[Response]
		SecuritySchemes Ordered[securityScheme] `yaml:"securitySchemes"`
	}
}

// Tag gathers operations.
type Tag struct{ Name, Description string }

// Operation is a method of a path.
type Operation struct {
	ID          string `yaml:"operationId"`
	Method      string `yaml:"-"`
	Path        string `yaml:"-"`
	Tags        []string
	Summary     string
	Description string
	Security    []map[string][]string
	Parameters  []Parameter
	RequestBody *Body `yaml:"requestBody"`
	Responses   Ordered[Response]
}

// Parameter goes with a request, outside of its body.
type Parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Required    bool
	Description string
	Schema      *Schema
	Example     yaml.Node
}

// Body is the body of a request.
type Body struct {
	Ref      string `yaml:"$ref"`
	Required bool
	Content  Ordered[Media]
}

// Media is a body in one form.
type Media struct {
	Schema   *Schema
	Example  yaml.Node
	Examples Ordered[Example]
}

// Example shows what a body may be.
type Example struct {
	Summary string
	Value   yaml.Node
}

// Response is an answer; its name in the operation is the status, or "default".
type Response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     Ordered[Header]
	Content     Ordered[Media]
}

// Header goes with an answer.
type Header struct {
	Required    bool
	Description string
	Schema      *Schema
}

type securityScheme struct {
	Flows Ordered[struct{ Scopes Ordered[string] }]
}

// item is a path with its methods.
type item struct {
	parameters []Parameter
	operations []*Operation
}

// methods are the members of a path that are operations.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// UnmarshalYAML reads the methods in the order of the document.
func (i *item) UnmarshalYAML(node *yaml.Node) error {
	return members(node, func(name string, value *yaml.Node) error {
		switch {
		case name == "parameters":
			return value.Decode(&i.parameters)
		case slices.Contains(methods, name):
			operation := &Operation{Method: strings.ToUpper(name)}
			i.operations = append(i.operations, operation)
			return value.Decode(operation)
		}
		return nil
	})
}

// Ordered is a mapping whose order counts.
type Ordered[T any] []Member[T]

// Member is a name and what stands under it.
type Member[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML keeps the order of the document.
func (o *Ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	return members(node, func(name string, value *yaml.Node) error {
		member := Member[T]{Name: name}
		err := value.Decode(&member.Value)
		*o = append(*o, member)
		return err
	})
}

// Get is what stands under a name.
func (o Ordered[T]) Get(name string) (T, bool) {
	for _, member := range o {
		if member.Name == name {
			return member.Value, true
		}
	}
	var none T
	return none, false
}

// members visits those of a mapping.
func members(node *yaml.Node, visit func(name string, value *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: there must be a mapping", node.Line)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		err := visit(node.Content[i].Value, node.Content[i+1])
		if err != nil {
			return err
		}
	}
	return nil
}

// Parse reads a document, in YAML or JSON. A reference that leads nowhere is an error.
func Parse(text []byte) (*Document, error) {
	document := &Document{}
	err := yaml.Unmarshal(text, document)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	for _, member := range document.Components.Schemas {
		member.Value.Name = member.Name
	}
	return document, document.resolve()
}

// resolve puts what parameters, bodies and answers refer to in the place of the
// reference. Schemas keep theirs: they are shown once, and linked.
func (d *Document) resolve() error {
	var lost error
	for i := range d.Paths {
		path := &d.Paths[i]
		for _, operation := range path.Value.operations {
			operation.Path = path.Name
			operation.Parameters = slices.Concat(path.Value.parameters, operation.Parameters)
			for i := range operation.Parameters {
				follow(&lost, operation.Parameters[i].Ref, d.Components.Parameters, &operation.Parameters[i])
			}
			if operation.RequestBody != nil {
				follow(&lost, operation.RequestBody.Ref, d.Components.RequestBodies, operation.RequestBody)
			}
			for i := range operation.Responses {
				follow(&lost, operation.Responses[i].Value.Ref, d.Components.Responses, &operation.Responses[i].Value)
			}
		}
	}
	return lost
}

func follow[T any](lost *error, ref string, among Ordered[T], into *T) {
	if ref == "" {
		return
	}
	found, ok := among.Get(ref[strings.LastIndex(ref, "/")+1:])
	if !ok {
		*lost = fmt.Errorf("openapi: %s leads nowhere", ref)
		return
	}
	*into = found
}

// Operations are all of a tag, in the document's order.
func (d *Document) Operations(tag string) []*Operation {
	var all []*Operation
	for _, path := range d.Paths {
		for _, operation := range path.Value.operations {
			if slices.Contains(operation.Tags, tag) {
				all = append(all, operation)
			}
		}
	}
	return all
}

// Scopes are the permissions that tokens of any flow carry, with what each grants.
func (d *Document) Scopes() Ordered[string] {
	var all Ordered[string]
	for _, scheme := range d.Components.SecuritySchemes {
		for _, flow := range scheme.Value.Flows {
			for _, scope := range flow.Value.Scopes {
				if !slices.Contains(all, scope) {
					all = append(all, scope)
				}
			}
		}
	}
	return all
}

// Scopes are those of which one is enough. Public says that no token is needed at all;
// where neither is so, any token will do.
func (o *Operation) Scopes() (names []string, public bool) {
	for _, alternative := range o.Security {
		for _, scopes := range alternative {
			names = append(names, scopes...)
		}
	}
	return names, o.Security != nil && len(o.Security) == 0
}
