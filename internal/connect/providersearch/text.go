package providersearch

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

// longest is the length of the longest word in which a slip is forgiven.
const longest = 30

// slips is how many slips of the keyboard are forgiven in a word: in a short one
// each letter counts.
func (t term) slips() int {
	switch n := len(t.runes); {
	case n < 4 || n > longest:
		return 0
	case n < 8:
		return 1
	}
	return 2
}

// begins reports whether a text begins with the term, with a bounded number of slips.
func (t term) begins(text term) bool {
	slips := t.slips()
	// A slip changes one letter at most: what has more others is not looked at.
	if slips == 0 || bits.OnesCount64(t.letters&^text.letters) > slips || len(t.runes) > len(text.runes)+slips {
		return false
	}
	return near(t.runes, text.runes[:min(len(text.runes), len(t.runes)+slips)], slips)
}

// near reports whether the input matches the beginning of a text with at most this
// number of slips: a letter changed, added, left out, or swapped with its neighbour.
// This is the optimal string alignment distance to the nearest of the text's prefixes.
func near(typed, text []rune, slips int) bool {
	var rows [3][longest + 3]int
	row, above, before := rows[0][:len(text)+1], rows[1][:len(text)+1], rows[2][:len(text)+1]
	for j := range row {
		row[j] = j
	}
	fewest := 0
	for i, letter := range typed {
		row, above, before = before, row, above
		row[0] = i + 1
		fewestAbove := fewest
		fewest = row[0]
		for j, other := range text {
			changed := above[j]
			if letter != other {
				changed++
			}
			row[j+1] = min(changed, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && letter == text[j-1] && typed[i-1] == other {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			fewest = min(fewest, row[j+1])
		}
		if fewest > slips && fewestAbove >= slips {
			return false // it only becomes more
		}
	}
	return fewest <= slips
}
