package openapi

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schema is the form of a value.
type Schema struct {
	// Name is that of a schema of its own.
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
	// Additional is the form of members that have no name of their own.
	Additional *Schema `yaml:"additionalProperties"`
	Example    yaml.Node
}

// Target is the name of the schema that this one refers to: directly, or to say one
// thing more about it.
func (s *Schema) Target() string {
	ref := s.Ref
	if ref == "" && len(s.AllOf) == 1 {
		ref = s.AllOf[0].Ref
	}
	return ref[strings.LastIndex(ref, "/")+1:]
}

// Schema finds a schema by its name.
func (d *Document) Schema(name string) (*Schema, bool) { return d.Components.Schemas.Get(name) }

// settled is the schema itself, where this one only refers to it.
func (d *Document) settled(s *Schema) *Schema {
	if target := s.Target(); target != "" {
		found, ok := d.Schema(target)
		if ok {
			return found
		}
	}
	return s
}

// Fields are the members of an object, also of one that is put together from others.
func (d *Document) Fields(s *Schema) []Field {
	s = d.settled(s)
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

// Describe is what is said about a value: beside the reference, or where it leads.
func (d *Document) Describe(s *Schema) string {
	if s.Description != "" {
		return s.Description
	}
	return d.settled(s).Description
}
