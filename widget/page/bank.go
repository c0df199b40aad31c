package page

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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

// initials are what stands for a logo: "CA" for Crédit Agricole, "LCL" for LCL.
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
	short := firstRune(first)
	if len(words) > 1 {
		short += firstRune(words[1])
	}
	return strings.ToUpper(short)
}

func firstRune(word string) string {
	_, size := utf8.DecodeRuneInString(word)
	return word[:size]
}
