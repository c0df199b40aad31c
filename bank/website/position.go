package website

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/bank/psd2"
)

// position is the content of a cursor: the next page of a statement, and marks of
// those before it, so that a site that leads us in a circle is noticed.
type position struct {
	Address string   `json:"address"`
	Seen    []string `json:"seen,omitempty"`
}

// maxStatement is more pages than any customer's statement has.
const maxStatement = 1000

// readPosition reads a cursor; the empty one begins.
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

// turn returns the cursor of the following page; empty at the end, or where
// it was read before.
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
