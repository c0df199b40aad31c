package website

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// position is the content of a cursor: the next page of a statement, and hashes of the
// pages before it, to detect a loop.
type position struct {
	Address string   `json:"address"`
	Seen    []string `json:"seen,omitempty"`
}

// maxStatement limits the pages of a statement; no customer has more.
const maxStatement = 1000

// readPosition decodes a cursor; the empty cursor is the start.
func readPosition(cursor string) (position, error) {
	var at position
	if cursor == "" {
		return at, nil
	}
	err := json.Unmarshal([]byte(cursor), &at)
	if err != nil || !strings.HasPrefix(at.Address, "/") {
		return position{}, psd2.ForeignCursor()
	}
	return at, nil
}

// turn returns the cursor of the following page; empty at the end, or if that page was
// already read.
func (p position) turn(next string) (string, error) {
	if next == "" {
		return "", nil
	}
	seen := append(slices.Clone(p.Seen), psd2.Mark(p.Address))
	if slices.Contains(seen, psd2.Mark(next)) {
		return "", nil
	}
	if len(seen) >= maxStatement {
		return "", nonsense("the statement does not end")
	}
	text, err := json.Marshal(position{Address: next, Seen: seen})
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(text), nil
}
