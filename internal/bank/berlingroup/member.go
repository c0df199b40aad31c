package berlingroup

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// valueAt returns the value at a path of members, of which several alternatives are separated
// by "|"; nil without one. null and a blank text are no value.
func valueAt(raw json.RawMessage, path string) json.RawMessage {
	for _, one := range strings.Split(path, "|") {
		literal, ok := strings.CutPrefix(one, "=")
		if ok {
			return text(literal)
		}
		found := descend(raw, strings.Split(one, "."))
		if !isBlank(found) {
			return found
		}
	}
	return nil
}

func descend(raw json.RawMessage, steps []string) json.RawMessage {
	for _, step := range steps {
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 {
			return nil
		}
		switch raw[0] {
		case '{':
			object, _ := psd2.ReadObject(raw)
			raw = memberOf(object, step)
		case '[':
			var list []json.RawMessage
			index, err := strconv.Atoi(step)
			_ = json.Unmarshal(raw, &list)
			if err != nil || index < 0 || index >= len(list) {
				return nil
			}
			raw = list[index]
		default:
			return nil
		}
	}
	return raw
}

// memberOf returns a member; case counts only where there is one of the same case.
func memberOf(object psd2.Object, name string) json.RawMessage {
	value, ok := object[name]
	if ok {
		return value
	}
	for other, value := range object {
		if strings.EqualFold(other, name) {
			return value
		}
	}
	return nil
}

// isBlank reports whether a value stands for none.
func isBlank(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	var s string
	return len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &s) == nil && strings.TrimSpace(s) == ""
}

func text(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return raw
}

// word returns a text or number at a path; empty without one.
func word(raw json.RawMessage, path string) string {
	var id psd2.ID
	_ = json.Unmarshal(valueAt(raw, path), &id) // never fails
	return string(id)
}

// isLeftOut reports whether a member of a record has one of the values for it.
func isLeftOut(raw json.RawMessage, where map[string][]string) bool {
	for path, values := range where {
		value := word(raw, path)
		if value == "" {
			value = string(valueAt(raw, path)) // true, false
		}
		for _, one := range values {
			if value != "" && strings.EqualFold(one, value) {
				return true
			}
		}
	}
	return false
}

// standard returns a record with the standard's members: those that the bank writes
// elsewhere are added, or replaced.
func (m Members) standard(raw json.RawMessage) json.RawMessage {
	if len(m) == 0 {
		return raw
	}
	values := map[string]json.RawMessage{}
	for name, path := range m {
		value := valueAt(raw, path)
		if value != nil {
			values[name] = value
		}
	}
	object, ok := psd2.ReadObject(raw)
	if !ok {
		return raw
	}
	for name, value := range values {
		put(object, strings.Split(name, "."), value)
	}
	return objectOf(object)
}

// put sets a member of an object, and makes the objects on the way to it.
func put(object psd2.Object, steps []string, value json.RawMessage) {
	if len(steps) == 1 {
		object[steps[0]] = value
		return
	}
	inner, ok := psd2.ReadObject(object[steps[0]])
	if !ok {
		inner = psd2.Object{}
	}
	put(inner, steps[1:], value)
	object[steps[0]] = objectOf(inner)
}

func objectOf(object psd2.Object) json.RawMessage {
	raw, err := json.Marshal(object)
	if err != nil {
		panic(err) // its members are JSON
	}
	return raw
}
