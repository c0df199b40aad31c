package datafile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Parse reads a document of one JSON value. Numbers keep their digits.
func Parse(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return nil, fmt.Errorf("line %d is not JSON: %w", line, err)
	case err != nil:
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	_, err = decoder.Token()
	if !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return tree, nil
}

// Decode decodes a tree into the value that into points to. It reports unknown members
// and values of a wrong type, and decodes the rest.
func Decode(tree, into any, at Node) {
	readable, ok := prune(tree, reflect.TypeOf(into).Elem(), at)
	if !ok {
		return
	}
	text, err := json.Marshal(readable)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		at.refuse("%v", err)
	}
}

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	anything    = reflect.TypeFor[any]()
)

// prune returns the part of a tree that a type can hold, and reports the rest. ok is
// false if nothing of the tree can be decoded.
func prune(tree any, t reflect.Type, at Node) (readable any, ok bool) {
	switch {
	case tree == nil, t == anything, reflect.PointerTo(t).Implements(unmarshaler):
		return tree, true
	case t.Kind() == reflect.Pointer:
		return prune(tree, t.Elem(), at)
	}
	switch t.Kind() {
	case reflect.Struct:
		object, is := tree.(map[string]any)
		if is {
			fields := map[string]reflect.Type{}
			collectFields(t, fields)
			return pruneMembers(object, at, func(name string) (reflect.Type, bool) { return fieldOf(fields, name) }), true
		}
	case reflect.Map:
		object, is := tree.(map[string]any)
		if is {
			return pruneMembers(object, at, func(string) (reflect.Type, bool) { return t.Elem(), true }), true
		}
	case reflect.Slice:
		list, is := tree.([]any)
		if is {
			kept := []any{}
			for i := range list {
				element, ok := prune(list[i], t.Elem(), at.Item(i))
				if !ok {
					element = nil // keep the indices of the other elements
				}
				kept = append(kept, element)
			}
			return kept, true
		}
	default:
		text, err := json.Marshal(tree)
		if err == nil {
			err = json.Unmarshal(text, reflect.New(t).Interface())
		}
		if err == nil {
			return tree, true
		}
	}
	at.refuse("want %s, not %s", kindOf(t), describe(tree))
	return nil, false
}

func pruneMembers(object map[string]any, at Node, typeOf func(name string) (reflect.Type, bool)) map[string]any {
	kept := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		t, known := typeOf(name)
		if !known {
			at.Member(name).refuse("unknown member")
			continue
		}
		member, ok := prune(object[name], t, at.Member(name))
		if ok {
			kept[name] = member
		}
	}
	return kept
}

// collectFields collects the fields of a struct, including those of embedded structs.
func collectFields(t reflect.Type, fields map[string]reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous && name == "":
			collectFields(field.Type, fields)
		case name != "":
			fields[name] = field.Type
		default:
			fields[field.Name] = field.Type
		}
	}
}

// fieldOf finds the field of a member as encoding/json does: without an exact match,
// case is ignored.
func fieldOf(fields map[string]reflect.Type, name string) (reflect.Type, bool) {
	t, known := fields[name]
	if known {
		return t, true
	}
	for field, t := range fields {
		if strings.EqualFold(field, name) {
			return t, true
		}
	}
	return nil, false
}

// kindOf returns the JSON name of a Go type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}

// describe returns the type of a value, never the value: it may be a secret.
func describe(tree any) string {
	switch v := tree.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "a number with a fraction"
		}
		return "a number"
	}
	return "something else"
}
