package website

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// position is the content of a cursor: the next page of a statement, and hashes of the
// pages before it, to detect a loop.
type position struct {
	Address string   `json:"address"`
	Seen    []string `json:"seen,omitempty"`
	// Empty counts the pages in a row without a row.
	Empty int `json:"empty,omitempty"`
	// From is the page that leads to Address.
	From referrer `json:"from,omitzero"`
}

// maxStatement limits the pages of a statement; no customer has more.
const maxStatement = 1000

// maxEmpty limits the pages in a row without a row that lead to a next one.
const maxEmpty = 10

// brokenEnd is the reason of a walk that was given up.
const brokenEnd = "the statement does not end"

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
// already read. broken is why a statement is given up whose pages, read from a day to
// today, do not end.
func (p position) turn(next string, empty bool, from, today oxlin.Date) (cursor, broken string) {
	if next == "" {
		return "", ""
	}
	seen := append(slices.Clone(p.Seen), psd2.Mark(p.Address))
	if slices.Contains(seen, psd2.Mark(next)) {
		return "", ""
	}
	following := position{Address: next, Seen: seen, From: p.From}
	if empty {
		following.Empty = p.Empty + 1
	}
	const least, perDay = 40, 10
	most := min(maxStatement, least+perDay*max(0, today.DaysSince(from)))
	if len(seen) >= most || following.Empty >= maxEmpty {
		return "", brokenEnd
	}
	text, err := json.Marshal(following)
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(text), ""
}
