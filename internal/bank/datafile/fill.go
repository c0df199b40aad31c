package datafile

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var variable = regexp.MustCompile(`\{\{(\w+)\}\}`)

// Fill returns a copy of a tree in which every {{name}} in a string is replaced by its
// value. A name without a value is left as it is and reported as missing.
func Fill(tree any, at Node, value func(name string) (string, bool)) any {
	switch v := tree.(type) {
	case string:
		return variable.ReplaceAllStringFunc(v, func(placeholder string) string {
			name := strings.Trim(placeholder, "{}")
			text, known := value(name)
			if !known {
				at.Lack("the setting %q is missing", name)
				return placeholder
			}
			return text
		})
	case []any:
		filled := make([]any, len(v))
		for i := range v {
			filled[i] = Fill(v[i], at.Item(i), value)
		}
		return filled
	case map[string]any:
		filled := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			filled[name] = Fill(v[name], at.Member(name), value)
		}
		return filled
	}
	return tree
}
