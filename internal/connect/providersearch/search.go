package providersearch

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
)

// Index is a list of providers, made ready to be searched. It never changes.
type Index struct{ entries []entry }

// New makes providers ready. Their order is the one among equally good answers.
func New(providers []oxlin.Provider) *Index {
	d := &Index{entries: make([]entry, len(providers))}
	for i, provider := range providers {
		d.entries[i] = newEntry(provider)
		for _, alias := range provider.Aliases {
			called := provider
			called.Name, called.BranchName = alias, ""
			d.entries[i].aliases = append(d.entries[i].aliases, newEntry(called))
		}
	}
	return d
}

// Search lists the providers that somebody may mean who typed q, the best first.
// Each word of q has to stand for a word of a provider's name or branch name, in
// any order: it is the word or the beginning of it, in a longer word with a slip
// of the keyboard, or it abbreviates the name, as "ca" and "socgen" do. Nothing
// typed finds everything.
func (d *Index) Search(q string) []oxlin.Provider {
	asked := newQuery(q)
	type answer struct {
		provider oxlin.Provider
		found    match
	}
	var answers []answer
	for _, e := range d.entries {
		found := e.match(asked)
		if found != nothing {
			answers = append(answers, answer{e.provider, found})
		}
	}
	slices.SortStableFunc(answers, func(a, b answer) int { return int(a.found - b.found) })
	list := make([]oxlin.Provider, len(answers))
	for i, a := range answers {
		list[i] = a.provider
	}
	return list
}

// match is how well a provider answers, the best first.
type match int

const (
	// named: it is the whole name that was typed.
	named match = iota
	// exact: whole words of it, or all its initials.
	exact
	// begun: the beginning of words.
	begun
	// abbreviated: the beginnings of several words, run together.
	abbreviated
	// mistyped: there are slips of the keyboard.
	mistyped
	nothing
)

// manyWords is more than any name has, so that a book is not searched for.
const manyWords = 20

// query is the text that the user typed.
type query struct {
	words []term
	// joined is all of it in one word: "hello bank" for Hellobank.
	joined string
	// little is true if the query has short words only.
	little bool
}

func newQuery(q string) query {
	typed := words(q)
	asked := query{joined: strings.Join(typed, "")}
	for _, word := range typed[:min(len(typed), manyWords)] {
		asked.words = append(asked.words, newTerm(word))
	}
	asked.little = !slices.ContainsFunc(typed, func(word string) bool { return !dispensable(word) })
	return asked
}

// particles are words that count neither in a name nor in its initials.
var particles = []string{"d", "de", "des", "du", "l", "la", "le", "les", "et"}

// dispensable reports whether a query may contain a word that the name lacks: "la
// banque LCL" finds LCL.
func dispensable(word string) bool {
	return slices.Contains(particles, word) || word == "banque" || word == "bank"
}

// entry is one provider, made ready.
type entry struct {
	provider oxlin.Provider
	// names are the name alone, and with the branch's.
	names []string
	// words are those of both names, and the initials of each.
	words []string
	// tails holds both names from each word to the end: a query may begin with any of
	// them.
	tails []term
	// abbreviable are the words of both names in their order.
	abbreviable []abbreviable
	// letters has a bit for each letter that occurs, as in term.
	letters uint64
	// aliases are the provider under each of its other names.
	aliases []entry
}

type abbreviable struct {
	word string
	// particle words may be left out.
	particle bool
}

func newEntry(provider oxlin.Provider) entry {
	name, branch := words(provider.Name), words(provider.BranchName)
	both := slices.Concat(name, branch)
	e := entry{provider: provider, names: []string{strings.Join(name, ""), strings.Join(both, "")}}
	e.words = slices.Concat(both, initials(name), initials(branch))
	e.letters = newTerm(e.names[1]).letters
	for i, word := range both {
		e.tails = append(e.tails, newTerm(strings.Join(both[i:], "")))
		e.abbreviable = append(e.abbreviable, abbreviable{word, slices.Contains(particles, word)})
	}
	return e
}

// initials are those of a name of several words, with its particles and without.
func initials(name []string) []string {
	var all, without []rune
	for _, word := range name {
		first := []rune(word)[0]
		all = append(all, first)
		if !slices.Contains(particles, word) {
			without = append(without, first)
		}
	}
	var list []string
	for _, letters := range [][]rune{all, without} {
		if len(letters) > 1 {
			list = append(list, string(letters))
		}
	}
	return list
}

// match says how well the provider answers, under the best of its names: as well as the worst of
// the words.
func (e entry) match(asked query) match {
	best := e.matchName(asked)
	for _, alias := range e.aliases {
		best = min(best, alias.matchName(asked))
	}
	return best
}

func (e entry) matchName(asked query) match {
	if asked.joined == "" || slices.Contains(e.names, asked.joined) || slices.Contains(e.provider.BankCodes, asked.joined) {
		return named
	}
	worst := exact
	for _, word := range asked.words {
		found := e.matchWord(word)
		if found == nothing && dispensable(word.text) && !asked.little {
			found = begun
		}
		worst = max(worst, found)
	}
	if worst == nothing && e.begins(asked.joined) {
		return begun
	}
	return worst
}

// begins reports whether a text begins at a word of one of the names and continues it.
func (e entry) begins(text string) bool {
	return slices.ContainsFunc(e.tails, func(tail term) bool { return strings.HasPrefix(tail.text, text) })
}

func (e entry) matchWord(word term) match {
	// Nearly every provider lacks some of the letters, and is done with here.
	lacking := bits.OnesCount64(word.letters &^ e.letters)
	switch {
	case lacking > word.slips():
		return nothing
	case lacking > 0:
	case slices.Contains(e.words, word.text):
		return exact
	case e.begins(word.text):
		return begun
	case abbreviates(word.text, e.abbreviable):
		return abbreviated
	}
	if slices.ContainsFunc(e.tails, word.begins) {
		return mistyped
	}
	return nothing
}

// abbreviates reports whether a text consists of the beginnings of words, in order and
// from the first word on.
func abbreviates(text string, words []abbreviable) bool {
	if len(text) > 63 {
		return false
	}
	// Bit n of reached is set if the words so far can produce the first n bytes.
	reached := uint64(1)
	for _, next := range words {
		before := reached
		if !next.particle {
			reached = 0
		}
		for n := range text {
			if before&(1<<n) == 0 {
				continue
			}
			for length := 1; length <= len(next.word) && strings.HasPrefix(text[n:], next.word[:length]); length++ {
				reached |= 1 << (n + length)
			}
		}
		if reached == 0 {
			return false
		}
		if reached&(1<<len(text)) != 0 {
			return true
		}
	}
	return false
}
