package page

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// hues is how many colours the style sheet has for initials.
const hues = 8

// hue is the class that colours the initials of a bank: always the same for a bank.
func (b Bank) hue() string {
	sum := fnv.New32a()
	sum.Write([]byte(b.ID)) // a hash takes everything
	return "h" + strconv.Itoa(int(sum.Sum32()%hues))
}

// small words do not count among a name's initials.
var small = []string{"la", "le", "les", "de", "des", "du", "d", "l", "et", "of", "the", "and", "&"}

// initials are what stands for a logo: "CA" for Crédit Agricole, "LCL" for LCL, "BO" for
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

// begin is the first letters of a word.
func begin(word string, letters int) string {
	runes := []rune(word)
	return string(runes[:min(letters, len(runes))])
}
