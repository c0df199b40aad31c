package statement

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// textOf returns a file in UTF-8, and the name of its character set. Text that is no UTF-8 is in
// the given eight-bit set, or in that of Windows.
func textOf(content []byte, charset string) (text, name string) {
	endian, name := unicode.LittleEndian, ""
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")):
		name = "UTF-16LE"
	case bytes.HasPrefix(content, []byte("\xfe\xff")):
		name, endian = "UTF-16BE", unicode.BigEndian
	case len(content) > 3 && content[0] != 0 && content[1] == 0 && content[3] == 0:
		name = "UTF-16LE"
	case len(content) > 3 && content[0] == 0 && content[1] != 0 && content[2] == 0:
		name, endian = "UTF-16BE", unicode.BigEndian
	}
	if name != "" {
		decoded, err := unicode.UTF16(endian, unicode.UseBOM).NewDecoder().Bytes(content)
		if err == nil {
			return string(decoded), name
		}
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if utf8.Valid(content) {
		return string(content), "UTF-8"
	}
	if charset == "" || strings.HasPrefix(charset, "UTF-") {
		charset = "windows-1252"
	}
	return string(notation.UTF8(content, notation.Charset(charset))), charset
}

// The limits of a table. No bank writes longer labels or more columns.
const (
	longestField = 4 << 10
	mostColumns  = 200
)

// clip returns the beginning of a text that is longer than any label.
func clip(text string) string {
	if len(text) <= longestField {
		return text
	}
	return strings.ToValidUTF8(text[:longestField], "")
}

// cutter cuts a text into rows and columns, in one pass.
type cutter struct {
	text      string
	separator byte
	at        int
	wasted    int
}

// row returns the next row; ok is false at the end. A quote that does not end its column, or ends it
// only after thousands of characters, is a character like others: it costs no other row.
func (c *cutter) row() (columns []string, ok bool) {
	if c.at >= len(c.text) {
		return nil, false
	}
	for {
		field, end := c.field()
		if len(columns) < mostColumns {
			columns = append(columns, field)
		}
		c.at = end
		switch {
		case c.at >= len(c.text):
			return columns, true
		case c.text[c.at] == c.separator:
			c.at++
		default: // the end of the line
			if strings.HasPrefix(c.text[c.at:], "\r\n") {
				c.at++
			}
			c.at++
			return columns, true
		}
	}
}

// field returns the column that begins here, and where it ends.
func (c *cutter) field() (field string, end int) {
	start := c.at
	for start < len(c.text) && c.text[start] == ' ' && c.separator != ' ' {
		start++
	}
	if start < len(c.text) && c.text[start] == '"' && c.wasted <= len(c.text) {
		field, end, ok := c.quoted(start + 1)
		if ok {
			return field, end
		}
	}
	for end = c.at; end < len(c.text) && c.text[end] != c.separator && c.text[end] != '\n' && c.text[end] != '\r'; end++ {
	}
	return strings.TrimSpace(c.text[c.at:end]), end
}

// quoted returns a column in quotes, without them.
func (c *cutter) quoted(start int) (field string, end int, ok bool) {
	limit := min(len(c.text), start+longestField)
	for at := start; at < limit; at++ {
		if c.text[at] != '"' {
			continue
		}
		if at+1 < len(c.text) && c.text[at+1] == '"' {
			at++
			continue
		}
		next := at + 1
		for next < len(c.text) && c.text[next] == ' ' {
			next++
		}
		if next == len(c.text) || c.text[next] == c.separator || c.text[next] == '\n' || c.text[next] == '\r' {
			return strings.TrimSpace(strings.ReplaceAll(c.text[start:at], `""`, `"`)), next, true
		}
	}
	c.wasted += limit - start
	return "", 0, false
}

// tableOf cuts a text into the rows of a table; most limits them, 0 for all.
func tableOf(text string, separator byte, most int) (rows [][]string, err error) {
	c := cutter{text: text, separator: separator}
	for most == 0 || len(rows) < most {
		row, ok := c.row()
		if !ok {
			break
		}
		rows = append(rows, row)
		if len(rows) > maxRows+200 { // those of a preamble and of the end
			return nil, fmt.Errorf("%w: it holds more than %d rows", ErrLimit, maxRows)
		}
	}
	return rows, nil
}

// isBlank reports whether a row has no text.
func isBlank(row []string) bool {
	for _, field := range row {
		if field != "" {
			return false
		}
	}
	return true
}

// column returns a column of a row, which may be short.
func column(row []string, i int) string {
	if i < 0 || i >= len(row) {
		return ""
	}
	return row[i]
}
