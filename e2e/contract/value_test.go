package contract_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// object is a JSON object that a test writes.
type object = map[string]any

// value is a part of a JSON answer.
type value struct {
	testing.TB
	// name is the value's path, for messages.
	name  string
	any   any
	there bool
}

// at returns the value at a path: names of members, and of an array the element with
// that id, or at that index. "channels.8701.status".
func (v value) at(path string) value {
	for name := range strings.SplitSeq(path, ".") {
		v.name += "." + name
		switch whole := v.any.(type) {
		case map[string]any:
			v.any, v.there = whole[name]
		case []any:
			v.any, v.there = element(whole, name)
		default:
			v.any, v.there = nil, false
		}
	}
	return v
}

func element(list []any, name string) (any, bool) {
	for _, one := range list {
		members, _ := one.(map[string]any)
		for _, id := range []string{"id", "channel_definition_id", "account_id"} {
			if members[id] == name {
				return one, true
			}
		}
	}
	index, err := strconv.Atoi(name)
	if err == nil && index >= 0 && index < len(list) {
		return list[index], true
	}
	return nil, false
}

// fields maps paths to the expected values: a text, a number, a boolean, a list of
// texts, or a check.
type fields map[string]any

// shows fails unless the fields have the expected values. Other fields are ignored.
func (v value) shows(want fields) value {
	v.Helper()
	for path, one := range want {
		v.at(path).is(one)
	}
	return v
}

// is fails unless the value equals the expected one.
func (v value) is(want any) value {
	v.Helper()
	fault := v.fault(want)
	if fault != "" {
		v.Errorf("%s is %s, want %s", v.name, v, fault)
	}
	return v
}

// fault describes the expected value; it is empty if the value matches.
func (v value) fault(want any) string {
	switch want := want.(type) {
	case check:
		if want.holds(v) {
			return ""
		}
		return want.says
	case []string:
		if list, ok := v.any.([]any); ok && slices.Equal(texts(list), want) {
			return ""
		}
		return fmt.Sprintf("%q", want)
	case int:
		if number, ok := v.any.(json.Number); ok && number.String() == strconv.Itoa(want) {
			return ""
		}
		return fmt.Sprint(want)
	case json.Number:
		if number, ok := v.any.(json.Number); ok && number == want {
			return ""
		}
		return fmt.Sprint(want)
	}
	if v.there && v.any == want {
		return ""
	}
	return fmt.Sprintf("%#v", want)
}

func texts(list []any) []string {
	all := make([]string, len(list))
	for i, one := range list {
		all[i] = fmt.Sprint(one)
	}
	return all
}

func (v value) String() string {
	if !v.there {
		return "absent"
	}
	text, err := json.Marshal(v.any)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// text returns the value, which must be a text.
func (v value) text() string {
	v.Helper()
	text, ok := v.any.(string)
	if !ok {
		v.Fatalf("%s is %s, want a text", v.name, v)
	}
	return text
}

// seconds returns the value, which must be an integer.
func (v value) seconds() int64 {
	v.Helper()
	number, _ := v.any.(json.Number)
	n, err := number.Int64()
	if err != nil {
		v.Fatalf("%s is %s, want an integer", v.name, v)
	}
	return n
}

// each returns the elements of the value, which must be an array.
func (v value) each() []value {
	v.Helper()
	list, ok := v.any.([]any)
	if !ok {
		v.Fatalf("%s is %s, want an array", v.name, v)
	}
	all := make([]value, len(list))
	for i, one := range list {
		all[i] = value{v.TB, fmt.Sprintf("%s.%d", v.name, i), one, true}
	}
	return all
}

// every returns the texts at a path in each element.
func (v value) every(path string) []string {
	v.Helper()
	all := []string{}
	for _, one := range v.each() {
		all = append(all, one.at(path).text())
	}
	return all
}

// find returns the first element with the fields.
func (v value) find(want fields) value {
	v.Helper()
	for _, one := range v.each() {
		found := true
		for path, wanted := range want {
			found = found && one.at(path).fault(wanted) == ""
		}
		if found {
			return one
		}
	}
	v.Fatalf("no element of %s shows %v: %s", v.name, want, v)
	return value{}
}

// has fails unless the elements' texts at a path are these, in any order.
func (v value) has(path string, want ...string) {
	v.Helper()
	got := v.every(path)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		v.Errorf("the %s of %s are %q, want %q", path, v.name, got, want)
	}
}

// check tests a value that no literal describes.
type check struct {
	says  string
	holds func(value) bool
}

var (
	absent   = check{"nothing", func(v value) bool { return !v.there }}
	present  = check{"something", func(v value) bool { return v.there }}
	someText = check{"a text", func(v value) bool { text, ok := v.any.(string); return ok && text != "" }}
	someID   = matching(`^[1-9][0-9]*$`)
	someFlag = check{"a boolean", func(v value) bool { _, ok := v.any.(bool); return ok }}
	someList = check{"an array", func(v value) bool { _, ok := v.any.([]any); return ok }}
	noList   = check{"an empty array", func(v value) bool { list, ok := v.any.([]any); return ok && len(list) == 0 }}
	noObject = check{"an empty object", func(v value) bool { o, ok := v.any.(map[string]any); return ok && len(o) == 0 }}
	// someNumber is a JSON number, not digits in a text.
	someNumber = check{"a number", func(v value) bool { _, ok := v.any.(json.Number); return ok }}
	// instant is Unix seconds of our days, neither milliseconds nor a text.
	instant = check{"Unix seconds", func(v value) bool {
		number, _ := v.any.(json.Number)
		n, err := number.Int64()
		return err == nil && n > 1_000_000_000 && n < 10_000_000_000
	}}
	// parisDay is the second at which a day begins in Paris.
	parisDay = check{"midnight in Paris", func(v value) bool {
		number, _ := v.any.(json.Number)
		n, err := number.Int64()
		if err != nil {
			return false
		}
		at := time.Unix(n, 0).In(paris)
		return at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0
	}}
)

var paris = func() *time.Location {
	location, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return location
}()

func matching(pattern string) check {
	expression := regexp.MustCompile(pattern)
	return check{"a text like " + pattern, func(v value) bool {
		text, ok := v.any.(string)
		return ok && expression.MatchString(text)
	}}
}

func oneOf(words ...string) check {
	return check{"one of " + strings.Join(words, ", "), func(v value) bool {
		text, ok := v.any.(string)
		return ok && slices.Contains(words, text)
	}}
}
