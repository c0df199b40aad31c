package logo

import (
	"slices"
	"strings"
	"unicode"
)

// small words have no initial.
var small = []string{"la", "le", "les", "de", "des", "du", "d", "l", "et", "of", "the", "and", "&"}

// Initials replaces a missing logo: "CA" for Crédit Agricole, "LCL" for LCL, "BO" for
// Boursorama.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	long := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return slices.Contains(small, strings.ToLower(word)) })
	if len(long) > 0 {
		words = long
	}
	if len(words) == 0 {
		return "?"
	}
	first := words[0]
	if len(first) <= 3 && first == strings.ToUpper(first) {
		return first
	}
	if len(words) == 1 {
		return strings.ToUpper(begin(first, 2))
	}
	return strings.ToUpper(begin(first, 1) + begin(words[1], 1))
}

// begin returns the first letters of a word.
func begin(word string, letters int) string {
	runes := []rune(word)
	return string(runes[:min(letters, len(runes))])
}
