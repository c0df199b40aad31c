package stet

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// position is what a cursor holds: where a walk over pages goes on, and enough
// of where it was to notice that a bank leads us in a circle.
type position struct {
	Window window `json:"window,omitzero"`
	// Query asks for the next page of the window; empty for the first.
	Query string `json:"query,omitempty"`
	Pages int    `json:"pages,omitempty"`
	Empty int    `json:"empty,omitempty"`
	// Seen are marks of the queries and of the pages of this window.
	Seen []string `json:"seen,omitempty"`
}

const (
	// maxPages bounds one window; at a hundred rows a page that is more than any
	// customer has.
	maxPages = 1000
	// maxEmpty bounds the empty pages in a row that promise a next one.
	maxEmpty = 10
)

// readPosition reads a cursor; the empty one begins.
func readPosition(cursor string) (position, error) {
	var at position
	if cursor == "" {
		return at, nil
	}
	err := json.Unmarshal([]byte(cursor), &at)
	if err != nil || at.Query == "" && at.Window == (window{}) {
		return position{}, nonsense(errors.New("the cursor is not one of ours"))
	}
	return at, nil
}

// cursor writes the position; at the end it is empty.
func (p position) cursor() string {
	if p.Query == "" && p.Window == (window{}) {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts, numbers and dates always marshal
	}
	return string(text)
}

// turn moves to the next page, or leaves Query empty at the last. Banks end
// badly: next is the page itself, is always page 0, or has no href (banks §1.7).
// repeated says that the page was already read under another address, so that
// its rows must not count twice.
func (p *position) turn(host, resource, asked string, l links, rows []json.RawMessage) (repeated bool, err error) {
	p.Query = ""
	page := markRows(rows)
	if len(rows) > 0 && slices.Contains(p.Seen, page) {
		return true, nil
	}
	next, err := l.Next.query(host, resource)
	if err != nil {
		return false, nonsense(err)
	}
	// A self that cannot be read takes nothing away.
	self, err := l.Self.query(host, resource)
	if err != nil {
		self = ""
	}
	p.Seen = append(p.Seen, mark(asked))
	if next == "" || next == self || slices.Contains(p.Seen, mark(next)) {
		return false, nil
	}
	p.Empty++
	if len(rows) > 0 {
		p.Empty = 0
		p.Seen = append(p.Seen, page)
	}
	p.Pages++
	if p.Pages >= maxPages || p.Empty >= maxEmpty {
		return false, nonsense(fmt.Errorf("no end after %d pages, %d of them empty in a row", p.Pages, p.Empty))
	}
	p.Query = next
	return false, nil
}

// mark shortens a text to what is enough to tell it from a thousand others.
func mark(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func markRows(rows []json.RawMessage) string {
	hash := sha256.New()
	for _, row := range rows {
		hash.Write(row)
		hash.Write([]byte{'\n'})
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:9])
}
