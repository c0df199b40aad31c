package openbanking

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// at returns what a record has under a path: several values within a list.
func at(raw json.RawMessage, path string) (found []json.RawMessage) {
	if path == none {
		return nil
	}
	found = []json.RawMessage{raw}
	for _, name := range strings.Split(path, ".") {
		var inner []json.RawMessage
		for _, value := range found {
			inner = append(inner, members(value, name)...)
		}
		found = inner
	}
	return found
}

// members returns the members of a name in an object, or in each object of a list.
func members(raw json.RawMessage, name string) (found []json.RawMessage) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &object) == nil:
		value, ok := object[name]
		if ok {
			found = append(found, value)
		}
	case json.Unmarshal(raw, &list) == nil:
		for _, element := range list {
			found = append(found, members(element, name)...)
		}
	}
	return found
}

// textsAt returns the texts under a path. A list of texts is several.
func textsAt(raw json.RawMessage, path string) (texts []string) {
	for _, value := range at(raw, path) {
		for _, line := range psd2.ReadLines(value) {
			if !isPlaceholder(line) {
				texts = append(texts, line)
			}
		}
	}
	return texts
}

// firstText returns the first text under the first path that has one.
func firstText(raw json.RawMessage, paths []string) string {
	for _, path := range paths {
		texts := textsAt(raw, path)
		if len(texts) > 0 {
			return texts[0]
		}
	}
	return ""
}

// firstName returns the first name under one of the paths; empty without one.
func firstName(raw json.RawMessage, paths []string) string {
	for _, path := range paths {
		for _, name := range textsAt(raw, path) {
			if !notation.IsFiller(name) {
				return name
			}
		}
	}
	return ""
}

// writtenAt returns the value under a path, or an absent one.
func writtenAt(raw json.RawMessage, path string) (written psd2.Written) {
	for _, value := range at(raw, path) {
		_ = json.Unmarshal(value, &written) // never fails
	}
	return written
}

// anyMatches reports whether one of several matches a record.
func anyMatches(all []Match, raw json.RawMessage) bool {
	return slices.ContainsFunc(all, func(m Match) bool { return m.matches(raw) })
}

// matches reports whether a record has the value.
func (m Match) matches(raw json.RawMessage) bool {
	for _, value := range at(raw, m.Path) {
		text := string(value) // true and false
		var written psd2.Text
		_ = json.Unmarshal(value, &written) // never fails
		if written != "" {
			text = string(written)
		}
		if m.Equals != "" && strings.EqualFold(text, m.Equals) ||
			m.Contains != "" && strings.Contains(strings.ToLower(text), strings.ToLower(m.Contains)) {
			return true
		}
	}
	return false
}

// isPlaceholder reports whether a text stands in the place of a value: generated servers
// write the name of its type.
func isPlaceholder(text string) bool { return strings.EqualFold(text, "string") }
