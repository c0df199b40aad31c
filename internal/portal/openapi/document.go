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

// Tag is a group of operations.
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

// Parameter is a parameter of a request outside its body.
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

// Media describes a body in one media type.
type Media struct {
	Schema   *Schema
	Example  yaml.Node
	Examples Ordered[Example]
}

// Example is an example of a body.
type Example struct {
	Summary string
	Value   yaml.Node
}

// Response describes a response. Its name in the operation is the status, or "default".
type Response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     Ordered[Header]
	Content     Ordered[Media]
}

// Header describes a header of a response.
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

// methods are the members of a path that are operations. Other members are not.
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

// Ordered is a mapping that keeps the order of the document.
type Ordered[T any] []Member[T]

// Member is a name with its value.
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

// Get returns the value of a name, and reports whether there is one.
func (o Ordered[T]) Get(name string) (T, bool) {
	for _, member := range o {
		if member.Name == name {
			return member.Value, true
		}
	}
	var none T
	return none, false
}

// members calls visit for each member of a mapping, in the order of the document.
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

// Parse reads a document in YAML or JSON. A reference without a target is an error.
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

// resolve replaces the references of parameters, bodies and responses by their targets.
// References to schemas stay: a page shows each schema once and links to it.
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

// Operations returns all operations with a tag, in the document's order.
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

// Scopes returns the scopes of all flows, with their descriptions.
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

// Scopes returns the scopes of which a token needs one; without any, every token is
// accepted. It also reports whether the operation needs no token.
func (o *Operation) Scopes() (names []string, public bool) {
	for _, alternative := range o.Security {
		for _, scopes := range alternative {
			names = append(names, scopes...)
		}
	}
	return names, o.Security != nil && len(o.Security) == 0
}
