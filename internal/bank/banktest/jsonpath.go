package banktest

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
)

// jsonPath is a condition on a body of JSON, in the two forms that the stubs use: a filter
// on a member, such as $.access[?(@.allPsd2 == 'allAccounts')], or a path with a condition
// on the value that it leads to.
type jsonPath struct {
	Expression  string  `json:"expression"`
	EqualTo     *string `json:"equalTo"`
	Matches     *string `json:"matches"`
	EqualToJSON *string `json:"equalToJson"`
}

func (p *jsonPath) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &p.Expression) == nil {
		return nil
	}
	type plain jsonPath
	return json.Unmarshal(raw, (*plain)(p))
}

// filter is a path, a member, and what its value has to be.
var filter = regexp.MustCompile(`^\$?([\w.]*?)\.?\[\?\(@\.(\w+) (==|=~) (.+)\)\]$`)

// fits reports whether a body meets the condition.
func (p jsonPath) fits(body string) bool {
	var tree any
	err := json.Unmarshal([]byte(body), &tree)
	if err != nil {
		return false
	}
	parts := filter.FindStringSubmatch(p.Expression)
	if parts == nil {
		value, found := descend(tree, strings.TrimPrefix(p.Expression, "$"))
		return found && p.fitsValue(value)
	}
	value, found := descend(tree, parts[1]+"."+parts[2])
	if !found {
		return false
	}
	written := written(value)
	if parts[3] == "=~" {
		return wholly(strings.Trim(parts[4], "/"), written)
	}
	return written == strings.Trim(parts[4], "'")
}

func (p jsonPath) fitsValue(value any) bool {
	switch {
	case p.EqualTo != nil:
		return written(value) == *p.EqualTo
	case p.Matches != nil:
		return wholly(*p.Matches, written(value))
	case p.EqualToJSON != nil:
		var want any
		err := json.Unmarshal([]byte(*p.EqualToJSON), &want)
		return err == nil && reflect.DeepEqual(want, value)
	}
	return true
}

// descend returns the value at a path of members.
func descend(tree any, path string) (value any, found bool) {
	value = tree
	for _, step := range strings.Split(strings.Trim(path, "."), ".") {
		if step == "" {
			continue
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		value, found = object[step]
		if !found {
			return nil, false
		}
	}
	return value, true
}

// written returns a value as a condition spells it.
func written(value any) string {
	text, isText := value.(string)
	if isText {
		return text
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(raw)
}
