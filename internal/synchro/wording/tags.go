package wording

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
)

// Many French banks write a transfer as members, each after its tag: "/DE CPAM /MOTIF
// SOINS" at BNP Paribas and Hello bank, "DE: CPAM MOTIF: SOINS" at Société Générale and
// BPCE, "ECH/120326 MDT/12" in direct debits. The tag names the sender, the receiver, or
// announces a text that is no name.
type role int

const (
	about role = iota
	sender
	receiver
)

// roles are the tags, in capitals without accents.
var roles = map[string]role{
	"DE": sender, "FRM": sender, "DO": sender, "ORD": sender, "DEB": sender, "DEBITEUR": sender, "EMETTEUR": sender,
	"DONNEUR D'ORDRE": sender, "DONNEUR ORDRE": sender, "DE LA PART DE": sender, "CREANCIER": sender,
	"BEN": receiver, "BENEF": receiver, "BENEFICIAIRE": receiver, "POUR": receiver, "VERS": receiver,
	"CRED": receiver, "CREDITEUR": receiver, "DESTINATAIRE": receiver,

	"MOTIF": about, "OBJET": about, "LIB": about, "LIBELLE": about, "COMM": about, "COMMUNICATION": about,
	"MESSAGE": about, "INFO": about, "REMI": about, "RMI": about, "COMPLEMENT": about,
	"REF": about, "REFERENCE": about, "REFDO": about, "REFBEN": about, "REF DO": about, "REF BEN": about, "REF CLIENT": about,
	"EREF": about, "EID": about, "E2E": about, "RNF": about, "NPY": about, "NPR": about, "VREF": about, "KREF": about,
	"ID": about, "IDENTIFIANT": about, "ID EMETTEUR": about, "ID CREANCIER": about, "ICS": about, "SCI NUM": about,
	"MDT": about, "MANDAT": about, "MREF": about, "RUM": about, "ECH": about, "ECHEANCE": about, "SEQ": about,
	"DATE": about, "CHEZ": about, "BQ": about, "BANQUE": about, "CPT": about, "COMPTE": about, "IBAN": about, "BIC": about,
	"FRAIS": about, "CLIENT": about, "CONTRAT": about, "FACTURE": about,
}

// tagWords are the tags with the longest first.
var tagWords = func() [][]rune {
	var words [][]rune
	for word := range roles {
		words = append(words, []rune(word))
	}
	slices.SortFunc(words, func(a, b []rune) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return slices.Compare(a, b)
	})
	return words
}()

// titles stand after a slash without being a tag: "M /MME DUPONT".
var titles = set(`M MR MME MLLE MELLE MONSIEUR MADAME OU ET`)

// tag is a tag found in a text: it begins at start, and its value at value.
type tag struct {
	role         role
	slash        bool
	start, value int
}

// tagsOf finds the tags of a text: "/TAG", "TAG:", and "TAG/" for what is no name.
func tagsOf(t text) []tag {
	var found []tag
	slashes := false
	for i := 0; i < len(t.plain); i++ {
		apart := i == 0 || t.plain[i-1] == ' '
		if t.plain[i] == '/' {
			start := i
			next := i + 1
			if apart && next < len(t.plain) && t.plain[next] == ' ' {
				next++
			}
			word := tagAt(t.plain[next:])
			end := next + len(word)
			switch {
			case word != "" && tagEnds(t.plain, end) && (apart || wordBefore(t.plain, i)):
				found = append(found, tag{roles[word], true, start, end})
				slashes = true
				i = end - 1
			case slashes && apart:
				// Another tag of a bank that writes its tags so.
				end = start + 1
				for end < len(t.plain) && unicode.IsUpper(t.plain[end]) {
					end++
				}
				word = string(t.plain[start+1 : end])
				if len(word) >= 2 && !titles[word] && tagEnds(t.plain, end) {
					found = append(found, tag{about, true, start, end})
					i = end - 1
				}
			}
			continue
		}
		if !apart {
			continue
		}
		word := tagAt(t.plain[i:])
		end := i + len(word)
		if word == "" || end == len(t.plain) {
			continue
		}
		if t.plain[end] == ' ' && end+1 < len(t.plain) && t.plain[end+1] == ':' {
			end++
		}
		if t.plain[end] == ':' || t.plain[end] == '/' && roles[word] == about {
			found = append(found, tag{roles[word], false, i, end + 1})
			i = end
		}
	}
	return found
}

// tagAt returns the tag that a text begins with; empty without one. Tags are ASCII.
func tagAt(plain []rune) string {
	for _, word := range tagWords {
		if len(plain) >= len(word) && slices.Equal(plain[:len(word)], word) &&
			(len(plain) == len(word) || !unicode.IsLetter(plain[len(word)]) && !unicode.IsDigit(plain[len(word)])) {
			return string(word)
		}
	}
	return ""
}

func tagEnds(plain []rune, end int) bool {
	return end >= len(plain) || strings.ContainsRune(" :/.", plain[end])
}

// wordBefore reports whether a word ends before i; the letter of N/REF is not a word.
func wordBefore(plain []rune, i int) bool {
	return i >= 2 && plain[i-2] != ' ' && plain[i-2] != '/' && plain[i-1] != '/'
}

// joined is a bank's lines as one text; breaks are where a further line begins.
type joined struct {
	text
	breaks []int
}

// join joins lines. A tag that the end of a line cuts is one word again.
func join(lines []string) joined {
	var j joined
	for i, line := range lines {
		next := newText(line)
		if i > 0 {
			if !cutsTag(j.plain, next.plain) {
				j.text = text{append(j.shown, ' '), append(j.plain, ' ')}
			}
			j.breaks = append(j.breaks, len(j.plain))
		}
		j.text = text{append(j.shown, next.shown...), append(j.plain, next.plain...)}
	}
	if allSmall(lines) {
		j.text = j.large()
	}
	return j
}

// cutsTag reports whether the last word of a line and the first of the next one are a tag
// with its slash.
func cutsTag(before, after []rune) bool {
	slash := len(before) - 1
	for slash >= 0 && before[slash] != '/' && before[slash] != ' ' {
		slash--
	}
	if slash < 0 || before[slash] != '/' || slash > 0 && before[slash-1] != ' ' {
		return false
	}
	end := slices.IndexFunc(after, func(r rune) bool { return strings.ContainsRune(" :/", r) })
	if end < 0 {
		end = len(after)
	}
	if end == 0 {
		return false
	}
	begun := string(before[slash+1:])
	_, complete := roles[begun]
	_, cut := roles[begun+string(after[:end])]
	return cut && !complete
}

// values returns the values of a role's tags. A value ends at the next tag; without one,
// at the end of its line, as the next line may be about anything.
func (j joined) values(tags []tag, wanted role) []text {
	var all []text
	for i, one := range tags {
		if one.role != wanted {
			continue
		}
		end := len(j.plain)
		if i+1 < len(tags) {
			end = tags[i+1].start
		} else {
			for _, at := range j.breaks {
				if at > one.value && named(j.shown[one.value:at]) {
					end = at
					break
				}
			}
		}
		all = append(all, text{j.shown[one.value:end], j.plain[one.value:end]})
	}
	return all
}

// afterName matches what banks write behind the name of a party: the bank and account of
// Société Générale, a reference, an IBAN, a long number.
var afterName = []*regexp.Regexp{
	regexp.MustCompile(` \d{2} \d{2} (?:SG|BQ) .*$`),
	noise[0],
	regexp.MustCompile(` (?:[A-Z]{2}\d{2}(?: ?[\dA-Z]{4}){3,}.*|\d{5,}[A-Z]?)$`),
}

// party returns the other party of a transfer or a direct debit if the bank gives it a tag;
// empty without one. The sender is the other party of a credit, the receiver that of a
// debit; a direct debit names its creditor as the sender. The account's own side is
// nobody's label.
func party(j joined, direct bool, amount oxlin.Amount) string {
	tags := tagsOf(j.text)
	sides := []role{receiver}
	switch {
	case direct:
		sides = []role{sender, receiver}
	case amount >= 0:
		sides = []role{sender}
	}
	for _, side := range sides {
		for _, value := range j.values(tags, side) {
			name := partyName(value)
			if name != "" {
				return name
			}
		}
	}
	return ""
}

func partyName(t text) string {
	edge := func(r rune) bool { return strings.ContainsRune(" /:.,;-", r) }
	for len(t.plain) > 0 && edge(t.plain[0]) {
		t = t.from(1)
	}
	t = t.trim()
	for _, pattern := range afterName {
		whole := string(t.plain)
		found := pattern.FindStringIndex(whole)
		if found == nil {
			continue
		}
		at := utf8.RuneCountInString(whole[:found[0]])
		if named(t.shown[:at]) {
			t = text{t.shown[:at], t.plain[:at]}
		}
	}
	name := strings.TrimRightFunc(string(t.shown), func(r rune) bool { return edge(r) && r != '.' })
	if !named([]rune(name)) {
		return ""
	}
	return titled(name)
}

// beforeTags returns a text up to its first tag.
func (t text) beforeTags() text {
	for _, one := range tagsOf(t) {
		return text{t.shown[:one.start], t.plain[:one.start]}.trim()
	}
	return t
}

// mandate matches the mandate of a direct debit behind the name of the creditor.
var mandate = regexp.MustCompile(` (?:ECH|ECHEANCE|MANDAT|MDT|RUM|ICS)\b.*$`)

func (t text) beforeMandate() text {
	whole := string(t.plain)
	found := mandate.FindStringIndex(whole)
	if found == nil {
		return t
	}
	at := utf8.RuneCountInString(whole[:found[0]])
	if !named(t.shown[:at]) {
		return t
	}
	return text{t.shown[:at], t.plain[:at]}
}

// tagged reports whether the words after a phrase may have tags: those of transfers and
// direct debits do, and a line without a known phrase if it gives a party its slash.
func tagged(opening *phrase, j joined) bool {
	if opening != nil {
		switch opening.kind.debit {
		case oxlin.TypeDirectDebit, oxlin.TypeElectronicPayment, oxlin.TypePotentialTransfer, oxlin.TypeInternalTransfer:
			return true
		case oxlin.TypeRepeatingPayment:
			return !opening.whole
		}
		return false
	}
	return slices.ContainsFunc(tagsOf(j.text), func(t tag) bool { return t.slash && t.role != about })
}
