package directory

import (
	"math/bits"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ligatures are letters that people type as two; NFKD leaves them whole.
var ligatures = strings.NewReplacer("œ", "oe", "æ", "ae")

// words are the words of a text, without case and accents.
func words(s string) []string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
	return strings.FieldsFunc(ligatures.Replace(bare), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) })
}

// Fold is a text as people look for it: case, accents, spaces and punctuation do
// not matter.
func Fold(s string) string { return strings.Join(words(s), "") }

// term is a text that can be compared fast.
type term struct {
	text  string
	runes []rune
	// letters has a bit for each letter that occurs; some share one.
	letters uint64
}

func newTerm(text string) term {
	t := term{text: text, runes: []rune(text)}
	for _, r := range t.runes {
		t.letters |= 1 << (r % 64)
	}
	return t
}

// slips is how many slips of the keyboard are forgiven in a word: in a short one
// each letter counts.
func (t term) slips() int {
	switch {
	case len(t.runes) >= 8:
		return 2
	case len(t.runes) >= 4:
		return 1
	}
	return 0
}

// begins says whether the term, with the slips forgiven, is how a text begins.
func (t term) begins(text term) bool {
	limit := t.slips()
	// A slip changes one letter at most: what has more others is not looked at.
	if limit == 0 || bits.OnesCount64(t.letters&^text.letters) > limit || len(t.runes) > len(text.runes)+limit {
		return false
	}
	return slipsBetween(t.runes, text.runes[:min(len(text.runes), len(t.runes)+limit)]) <= limit
}

// slipsBetween is how few letters have to be changed, added, left out or swapped
// with their neighbour to make the beginning of a text of what was typed: the
// optimal string alignment distance to the nearest of the text's prefixes.
func slipsBetween(typed, text []rune) int {
	before, above, row := make([]int, len(text)+1), make([]int, len(text)+1), make([]int, len(text)+1)
	for j := range row {
		row[j] = j
	}
	for i, letter := range typed {
		before, above, row = above, row, before
		row[0] = i + 1
		for j, other := range text {
			changed := above[j]
			if letter != other {
				changed++
			}
			row[j+1] = min(changed, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && letter == text[j-1] && typed[i-1] == other {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	fewest := row[0]
	for _, n := range row {
		fewest = min(fewest, n)
	}
	return fewest
}
