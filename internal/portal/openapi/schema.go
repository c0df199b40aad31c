package openapi

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schema describes a value.
type Schema struct {
	// Name is set for a schema among the document's components.
	Name        string `yaml:"-"`
	Ref         string `yaml:"$ref"`
	Type        string
	Format      string
	Description string
	Required    []string
	Enum        []string
	Pattern     string
	Minimum     *string
	Maximum     *string
	MinLength   *int `yaml:"minLength"`
	MaxLength   *int `yaml:"maxLength"`
	MinItems    *int `yaml:"minItems"`
	MaxItems    *int `yaml:"maxItems"`
	Default     *string
	Properties  Ordered[*Schema]
	Items       *Schema
	AllOf       []*Schema `yaml:"allOf"`
	OneOf       []*Schema `yaml:"oneOf"`
	// Additional describes the members that Properties does not name.
	Additional *Schema `yaml:"additionalProperties"`
	Example    yaml.Node
}

// Target returns the name of the schema that this one refers to, directly or by an
// allOf with a single part.
func (s *Schema) Target() string {
	ref := s.Ref
	if ref == "" && len(s.AllOf) == 1 {
		ref = s.AllOf[0].Ref
	}
	return ref[strings.LastIndex(ref, "/")+1:]
}

// Schema returns a schema by its name.
func (d *Document) Schema(name string) (*Schema, bool) { return d.Components.Schemas.Get(name) }

// resolved returns the schema that this one refers to, or the schema itself.
func (d *Document) resolved(s *Schema) *Schema {
	if target := s.Target(); target != "" {
		found, ok := d.Schema(target)
		if ok {
			return found
		}
	}
	return s
}

// Fields returns the members of an object, including those of the parts of an allOf.
func (d *Document) Fields(s *Schema) []Field {
	s = d.resolved(s)
	var all []Field
	for _, part := range s.AllOf {
		all = append(all, d.Fields(part)...)
	}
	for _, property := range s.Properties {
		all = append(all, Field{Name: property.Name, Schema: property.Value, Required: slices.Contains(s.Required, property.Name)})
	}
	return all
}

// Field is a member of an object.
type Field struct {
	Name     string
	Schema   *Schema
	Required bool
}

// Describe returns the description of a schema, or of the schema that it refers to.
func (d *Document) Describe(s *Schema) string {
	if s.Description != "" {
		return s.Description
	}
	return d.resolved(s).Description
}
