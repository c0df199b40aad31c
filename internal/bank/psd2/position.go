package psd2

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Position is the content of a cursor: where a walk over pages continues, and enough of
// its past to detect a loop.
type Position struct {
	Window Window `json:"window,omitzero"`
	// Query requests the next page of the window; empty for the first page.
	Query string `json:"query,omitempty"`
	Pages int    `json:"pages,omitempty"`
	Empty int    `json:"empty,omitempty"`
	// Seen holds hashes of the queries and the pages of this window.
	Seen []string `json:"seen,omitempty"`
}

const (
	// maxPages limits the pages of one window; at a hundred rows a page, no customer
	// has more.
	maxPages = 1000
	// maxEmpty limits the consecutive empty pages that link to a next one.
	maxEmpty = 10
)

// ReadPosition decodes a cursor; the empty cursor is the start.
func ReadPosition(cursor string) (Position, error) {
	var at Position
	if cursor == "" {
		return at, nil
	}
	err := json.Unmarshal([]byte(cursor), &at)
	if err != nil || at.Query == "" && at.Window == (Window{}) {
		return Position{}, ForeignCursor()
	}
	return at, nil
}

// ForeignCursor returns the failure for a cursor that the connector did not write.
func ForeignCursor() error { return Nonsense(errors.New("the cursor is not one of ours")) }

// Cursor encodes the position; it is empty after the last page.
func (p Position) Cursor() string {
	if p.Query == "" && p.Window == (Window{}) {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts, numbers and dates always marshal
	}
	return string(text)
}

// Advance moves to the next page of the window, or leaves Query empty after the last.
// asked is the query of the page with these rows, and links returns the queries of its
// links. The last page of some banks is malformed: its next link is the page itself, is
// always page 0, or has no href (banks §1.7). repeated reports whether the page was
// already read under another address, so that its rows must not be counted again.
func (p *Position) Advance(asked string, rows []json.RawMessage, links func() (next, self string, err error)) (repeated bool, err error) {
	p.Query = ""
	page := markRows(rows)
	if len(rows) > 0 && slices.Contains(p.Seen, page) {
		return true, nil
	}
	next, self, err := links()
	if err != nil {
		return false, Nonsense(err)
	}
	p.Seen = append(p.Seen, Mark(asked))
	if next == "" || next == self || slices.Contains(p.Seen, Mark(next)) {
		return false, nil
	}
	p.Empty++
	if len(rows) > 0 {
		p.Empty = 0
		p.Seen = append(p.Seen, page)
	}
	p.Pages++
	if p.Pages >= maxPages || p.Empty >= maxEmpty {
		return false, Nonsense(fmt.Errorf("no end after %d pages, %d of them empty in a row", p.Pages, p.Empty))
	}
	p.Query = next
	return false, nil
}

// Mark returns a short hash of an address, long enough to distinguish a thousand of
// them.
func Mark(address string) string {
	sum := sha256.Sum256([]byte(address))
	return encodeMark(sum[:])
}

func markRows(rows []json.RawMessage) string {
	hash := sha256.New()
	for _, row := range rows {
		hash.Write(row)
		hash.Write([]byte{'\n'})
	}
	return encodeMark(hash.Sum(nil))
}

func encodeMark(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:9]) }
