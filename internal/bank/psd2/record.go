package psd2

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// ReadRecords reads a member that should hold a list of records. Programs without a
// library for JSON also write the only record without its list, or an object that holds
// each record under its id or number, or the list under its own name once more. members
// are members that only a record has. ok is false for a value that holds no records; an
// absent member and null are an empty list.
func ReadRecords(raw json.RawMessage, members ...string) (records []json.RawMessage, ok bool) {
	raw = bytes.TrimSpace(raw)
	err := json.Unmarshal(raw, &records)
	if len(raw) == 0 || err == nil {
		return records, true
	}
	held, ok := membersOf(raw)
	switch {
	case !ok:
		return nil, false
	case len(held) == 0:
		return nil, true
	case isRecord(held, members):
		return []json.RawMessage{raw}, true
	}
	inner, ok := listWithin(held)
	if ok {
		return ReadRecords(inner, members...)
	}
	recognised := false
	for _, m := range held {
		inner, ok := membersOf(m.value)
		recognised = recognised || isRecord(inner, members)
		if ok || bytes.HasPrefix(m.value, []byte(`"{`)) { // the text is a record that could not be mended
			records = append(records, m.value)
		}
	}
	if !recognised {
		return nil, false
	}
	return records, true
}

// listWithin returns the list that an object holds alone, or with links beside it.
func listWithin(held []member) (list json.RawMessage, ok bool) {
	for _, m := range held {
		switch {
		case isLinks(m.name):
		case list == nil && listNames[strings.ToLower(m.name)]:
			list = m.value
		default:
			return nil, false
		}
	}
	return list, list != nil
}

// listNames are the names under which converters from XML hold a list within a list.
var listNames = map[string]bool{
	"account": true, "accounts": true, "balance": true, "balances": true, "transaction": true, "transactions": true,
	"item": true, "items": true, "element": true, "elements": true, "list": true,
}

// member is a member of an object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf returns the members of an object in the bank's order; ok is false for another
// value.
func membersOf(raw []byte) (members []member, ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	ok = eachElement(raw[1:], '}', func(s scanner) bool {
		name, err := s.value()
		if err != nil {
			return false
		}
		var m member
		err = json.Unmarshal(mended(name), &m.name)
		separated, missing := s.cut(':')
		if err != nil || missing != nil || !separated {
			return false
		}
		m.value, err = s.value()
		members = append(members, m)
		return err == nil
	})
	return members, ok
}

// elementsOf returns the elements of a list; ok is false for another value.
func elementsOf(raw []byte) (elements []json.RawMessage, ok bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	ok = eachElement(raw[1:], ']', func(s scanner) bool {
		element, err := s.value()
		elements = append(elements, element)
		return err == nil
	})
	return elements, ok
}

// eachElement reads the elements of an object or a list up to its end. It reports false
// if they are not separated by commas, if one of them cannot be read, or if more follows.
func eachElement(rest []byte, closing byte, read func(scanner) bool) bool {
	s := scanner{bufio.NewReader(bytes.NewReader(rest))}
	for separated := true; ; {
		closed, err := s.cut(closing)
		if closed || err != nil {
			return err == nil && s.atEnd()
		}
		if !separated || !read(s) {
			return false
		}
		separated, err = s.cut(',')
		if err != nil {
			return false
		}
	}
}

// isRecord reports whether an object has a member that only a record has.
func isRecord(held []member, members []string) bool {
	return slices.ContainsFunc(held, func(m member) bool {
		return slices.ContainsFunc(members, func(name string) bool { return strings.EqualFold(name, m.name) })
	})
}
