package oxlin

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Banks put the names of the holders into the names of accounts: "COMPTE CHEQUE M DUPONT
// JEAN". What the user has not consented to does not show them.

// titles introduce a person in the name of an account; connectives join or introduce names.
var (
	titles = []string{
		"M", "MR", "MM", "MME", "MLLE", "MLE", "MONSIEUR", "MADAME", "MADEMOISELLE", "MESSIEURS", "MESDAMES", "MRS", "MS", "MISS", "MISTER",
		"TITULAIRE", "TIT",
	}
	connectives = []string{"OU", "ET", "AND", "OR", "DE", "DU", "D", "OF"}
)

// truncatedName is the shortest beginning of a holder's name that counts as the name: banks
// cut the names of accounts off.
const truncatedName = 4

// withoutHolders returns the name of an account without the names of its holders, in any
// case, with or without accents. Behind a title it also removes the name of a person whom
// the bank does not name as a holder.
func withoutHolders(name string, holders ...string) string {
	var known []string
	for _, holder := range holders {
		known = append(known, letters(holder)...)
	}
	known = slices.DeleteFunc(known, func(word string) bool { return slices.Contains(connectives, word) })
	fields := strings.Fields(name)
	kept := make([]string, 0, len(fields))
	for i := 0; i < len(fields); i++ {
		if isTitle(fields[i]) && i+1 < len(fields) {
			end, named := personAt(fields, i, known)
			if !named {
				end = len(fields) // a person of whom nothing else is known
			}
			i = end - 1
			continue
		}
		kept = append(kept, withoutNames(fields, i, known))
	}
	kept = slices.DeleteFunc(kept, func(field string) bool { return field == "" })
	if len(kept) == len(fields) && strings.Join(kept, " ") == strings.Join(fields, " ") {
		return name
	}
	isLoose := func(field string) bool {
		word := strings.Join(letters(field), "")
		return !strings.ContainsFunc(field, unicode.IsDigit) && (word == "" || slices.Contains(connectives, word))
	}
	for len(kept) > 0 && isLoose(kept[len(kept)-1]) {
		kept = kept[:len(kept)-1]
	}
	for len(kept) > 0 && isLoose(kept[0]) {
		kept = kept[1:]
	}
	return strings.Join(kept, " ")
}

// personAt returns the end of the person who begins with a title, and whether the person
// is a known holder.
func personAt(fields []string, at int, known []string) (end int, named bool) {
	for end = at; end < len(fields); end++ {
		words := letters(fields[end])
		isName := slices.ContainsFunc(words, func(word string) bool { return isNameOf(word, known) })
		named = named || isName
		joins := len(words) == 1 && (slices.Contains(connectives, words[0]) || len(words[0]) == 1)
		if !isName && !joins && !isTitle(fields[end]) {
			return end, named
		}
	}
	return end, named
}

// withoutNames returns a field of a name without the words that are names of holders, and
// without an initial beside one.
func withoutNames(fields []string, at int, known []string) string {
	words := letters(fields[at])
	beside := func(i int) bool {
		return i >= 0 && i < len(fields) && slices.ContainsFunc(letters(fields[i]), func(word string) bool { return isNameOf(word, known) })
	}
	isName := func(word string) bool {
		return isNameOf(word, known) || len(word) == 1 && startsName(word, known) && (beside(at-1) || beside(at+1))
	}
	switch {
	case !slices.ContainsFunc(words, isName):
		return fields[at]
	case !slices.ContainsFunc(words, func(word string) bool { return !isName(word) }):
		return ""
	}
	return strings.Join(slices.DeleteFunc(words, isName), " ")
}

// isNameOf reports whether a word is one of the names, or a long enough beginning of one.
func isNameOf(word string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return len(name) > 1 && word == name || len(word) >= truncatedName && strings.HasPrefix(name, word)
	})
}

func startsName(initial string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, initial) })
}

func isTitle(field string) bool {
	words := letters(field)
	return len(words) == 1 && slices.Contains(titles, words[0])
}

// letters returns the words of a text in capitals, without accents.
func letters(text string) []string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKD.String(text))
	return strings.FieldsFunc(bare, func(r rune) bool { return !unicode.IsLetter(r) })
}
