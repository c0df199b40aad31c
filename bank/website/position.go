package website

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// position is what a cursor holds: the next page of a statement, and marks of
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
		return position{}, nonsense("the cursor is not one of ours")
	}
	return at, nil
}

// turn is the cursor of the following page; empty where there is none, or where
// it was read before.
func (p position) turn(next string) (string, error) {
	if next == "" {
		return "", nil
	}
	seen := append(slices.Clone(p.Seen), mark(p.Address))
	if slices.Contains(seen, mark(next)) {
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

// mark is enough of an address to know it again.
func mark(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:6])
}
