package page

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// hues is the number of colours for initials in the style sheet.
const hues = 8

// hue returns the class for the colour of a bank's initials, which depends on its id.
func (b Bank) hue() string {
	sum := fnv.New32a()
	sum.Write([]byte(b.ID)) // never fails
	return "h" + strconv.Itoa(int(sum.Sum32()%hues))
}

// small words have no initial.
var small = []string{"la", "le", "les", "de", "des", "du", "d", "l", "et", "of", "the", "and", "&"}

// initials replaces a missing logo: "CA" for Crédit Agricole, "LCL" for LCL, "BO" for
// Boursorama.
func initials(name string) string {
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
