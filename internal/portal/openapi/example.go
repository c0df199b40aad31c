package openapi

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth limits the depth of a generated example, because some schemas contain
// themselves.
const maxDepth = 6

// Example returns an example of a schema as indented JSON: the document's own, or one
// composed from the examples of its parts. It returns an empty text if there is no
// example.
func (d *Document) Example(s *Schema) string {
	return JSON(d.example(s, maxDepth))
}

func (d *Document) example(s *Schema, depth int) *yaml.Node {
	if depth == 0 || s == nil {
		return nil
	}
	if !s.Example.IsZero() {
		return &s.Example
	}
	if target := d.resolved(s); target != s {
		return d.example(target, depth)
	}
	switch {
	case len(s.Enum) > 0:
		return text(s.Enum[0])
	case len(s.OneOf) > 0:
		return d.example(s.OneOf[0], depth-1)
	case s.Items != nil:
		item := d.example(s.Items, depth-1)
		if item == nil {
			return nil
		}
		return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{item}}
	}
	fields := d.Fields(s)
	if len(fields) > 0 {
		object := &yaml.Node{Kind: yaml.MappingNode}
		for _, field := range fields {
			value := d.example(field.Schema, depth-1)
			if value != nil {
				object.Content = append(object.Content, text(field.Name), value)
			}
		}
		return object
	}
	switch s.Type {
	case "string":
		return text("…")
	case "boolean":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}
	case "integer", "number":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "1"}
	}
	return nil
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// JSON formats a node as indented JSON, in the order of the document.
func JSON(node *yaml.Node) string {
	if node == nil || node.IsZero() {
		return ""
	}
	var out strings.Builder
	write(&out, node, "")
	return out.String()
}

func write(out *strings.Builder, node *yaml.Node, indent string) {
	open, end, step := "[", "]", 1
	switch node.Kind {
	case yaml.AliasNode:
		write(out, node.Alias, indent)
		return
	case yaml.ScalarNode:
		out.WriteString(scalar(node))
		return
	case yaml.MappingNode:
		open, end, step = "{", "}", 2
	}
	if len(node.Content) == 0 {
		out.WriteString(open + end)
		return
	}
	out.WriteString(open)
	for i := 0; i < len(node.Content); i += step {
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n" + indent + "  ")
		if step == 2 {
			out.WriteString(quoted(node.Content[i].Value) + ": ")
		}
		write(out, node.Content[i+step-1], indent+"  ")
	}
	out.WriteString("\n" + indent + end)
}

func scalar(node *yaml.Node) string {
	switch node.ShortTag() {
	case "!!bool", "!!int", "!!float", "!!null":
		return node.Value
	}
	return quoted(node.Value)
}

func quoted(value string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	if err != nil {
		panic(err) // every string can be encoded
	}
	return strings.TrimSuffix(out.String(), "\n")
}
