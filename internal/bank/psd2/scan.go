package psd2

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// scanner splits JSON into values and reads none of them: it counts brackets and knows
// where a text ends. So a fault inside a record costs that record alone.
type scanner struct{ in *bufio.Reader }

// The ends of a scan.
var (
	errCutShort = errors.New("the answer ends too early")
	errFaulty   = errors.New("the answer is not JSON")
)

// peek returns the next byte that is not blank, and leaves it to be read.
func (s scanner) peek() (byte, error) {
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return 0, errCutShort
		}
		if !isBlank(b) {
			return b, s.in.UnreadByte()
		}
	}
}

// cut reads the next byte that is not blank if it is the wanted one.
func (s scanner) cut(wanted byte) (found bool, err error) {
	b, err := s.peek()
	if err != nil || b != wanted {
		return false, err
	}
	_, err = s.in.ReadByte()
	return true, err
}

// atEnd reports whether nothing but blanks is left.
func (s scanner) atEnd() bool {
	_, err := s.peek()
	return err != nil
}

// elements reads the elements up to a closing bracket, with any number of commas between
// two of them.
func (s scanner) elements(closing byte, read func() error) error {
	for {
		closed, err := s.cut(closing)
		if closed || err != nil {
			return err
		}
		separated, err := s.cut(',')
		if err == nil && !separated {
			err = read()
		}
		if err != nil {
			return err
		}
	}
}

// value reads one value: a text, an object or a list with all that it holds, or the
// characters up to the next comma, bracket or blank.
func (s scanner) value() ([]byte, error) {
	first, err := s.peek()
	if err != nil {
		return nil, err
	}
	var value []byte
	part := partialValue{first: first}
	for {
		_, err := s.in.Peek(1)
		if err != nil {
			if part.depth == 0 && !part.inText {
				return value, nil // a word, which the end of the answer ends
			}
			return nil, errCutShort
		}
		// What lies in the buffer is taken at once, so that the value is as large as its text.
		read, err := s.in.Peek(s.in.Buffered())
		if err != nil {
			return nil, err
		}
		length, ended := part.scan(read)
		value = append(value, read[:length]...)
		_, err = s.in.Discard(length)
		if err == nil && len(value) == 0 {
			err = errFaulty
		}
		if err != nil || ended {
			return value, err
		}
	}
}

// partialValue is a value of which the beginning is read.
type partialValue struct {
	first           byte
	depth           int
	inText, escaped bool
}

// scan returns how many of the next bytes belong to the value, and whether it ends with them.
func (v *partialValue) scan(read []byte) (length int, ended bool) {
	for i, b := range read {
		switch {
		case v.escaped:
			v.escaped = false
		case v.inText:
			v.escaped, v.inText = b == '\\', b != '"'
		case b == '"':
			v.inText = true
		case b == '{' || b == '[':
			v.depth++
		case v.depth > 0 && (b == '}' || b == ']'):
			v.depth--
		case v.depth == 0 && (isBlank(b) || b == ',' || b == ':' || b == ']' || b == '}'):
			return i, true
		}
		if v.depth == 0 && !v.inText && (v.first == '"' || b == '}' || b == ']') {
			return i + 1, true
		}
	}
	return len(read), false
}

// isBlank reports whether a byte separates the parts of JSON. Programs also write zeros
// and other control characters there.
func isBlank(b byte) bool { return b <= ' ' }

// maxMended limits how deep a record is mended part by part.
const maxMended = 4

// mended returns a record as JSON. The smallest part that cannot be mended becomes a
// text, which no connector takes for an object: so a balance written 12,50 without quotes
// costs neither its account nor the balance beside it.
func mended(record []byte) json.RawMessage {
	if len(record) == 0 || record[0] != '{' {
		return mendedPart(record, 0)
	}
	return mendedPart(record, maxMended)
}

func mendedPart(part []byte, depth int) json.RawMessage {
	whole, ok := mend(part)
	if ok {
		return whole
	}
	if depth == 0 {
		return quoted(part)
	}
	var parts [][]byte
	if members, ok := membersOf(part); ok {
		for _, m := range members {
			parts = append(parts, slices.Concat(quoted([]byte(m.name)), []byte(":"), mendedPart(m.value, depth-1)))
		}
		return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}"))
	}
	if elements, ok := elementsOf(part); ok {
		for _, element := range elements {
			parts = append(parts, mendedPart(element, depth-1))
		}
		return slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
	}
	return quoted(part)
}

// mend mends what programs without a library get wrong in JSON: control characters and
// unknown escapes in a text, a comma before a bracket, a word without quotes such as NaN.
func mend(record []byte) (whole json.RawMessage, ok bool) {
	if json.Valid(record) {
		return record, true
	}
	var out []byte
	for i := 0; i < len(record); {
		switch b := record[i]; {
		case b == '"':
			text, size := mendedText(record[i:])
			out = append(out, text...)
			i += size
		case b == ',' && closes(record[i+1:]):
			i++
		case isBlank(b):
			out = append(out, ' ')
			i++
		case bytes.IndexByte([]byte("{}[],:"), b) >= 0:
			out = append(out, b)
			i++
		default:
			word := record[i:]
			end := slices.IndexFunc(word, func(b byte) bool {
				return isBlank(b) || bytes.IndexByte([]byte(`{}[],:"`), b) >= 0
			})
			if end >= 0 {
				word = word[:end]
			}
			out = append(out, mendedWord(word)...)
			i += len(word)
		}
	}
	return out, json.Valid(out)
}

// closes reports whether the next byte that is not blank closes an object or a list.
func closes(rest []byte) bool {
	rest = bytes.TrimLeftFunc(rest, func(r rune) bool { return r <= ' ' })
	return len(rest) > 0 && (rest[0] == '}' || rest[0] == ']')
}

// mendedText returns the text that JSON begins with, and how many bytes it had.
func mendedText(from []byte) (text []byte, size int) {
	text = append(text, '"')
	for i := 1; i < len(from); i++ {
		switch b := from[i]; {
		case b == '"':
			return append(text, b), i + 1
		case isBlank(b):
			text = append(text, ' ')
		case b != '\\':
			text = append(text, b)
		case i+1 < len(from) && bytes.IndexByte([]byte(`"\/bfnrt`), from[i+1]) >= 0:
			text = append(text, b, from[i+1])
			i++
		case i+5 < len(from) && json.Valid(slices.Concat([]byte(`"`), from[i:i+6], []byte(`"`))):
			text = append(text, from[i:i+6]...)
			i += 5
		}
	}
	return text, len(from)
}

// mendedWord returns a word without quotes as JSON.
func mendedWord(word []byte) []byte {
	if json.Valid(word) {
		return word
	}
	return quoted(word)
}

// quoted returns bytes as a text of JSON.
func quoted(raw []byte) json.RawMessage {
	text, err := json.Marshal(string(raw))
	if err != nil {
		panic(err) // a string always marshals
	}
	return text
}

// nameOf reads the name of a member; empty for a name that is no text.
func nameOf(value []byte) (name string) {
	_ = json.Unmarshal(mended(value), &name)
	return name
}
