// Package guessable recognises passwords that an attacker tries first.
//
// The lists of common passwords, words and names come from zxcvbn-go; this package decides
// how much a password may consist of them. It must never log or keep a password. Start
// reading at Password.
package guessable

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/ccojocar/zxcvbn-go/data"
	"golang.org/x/text/unicode/norm"
)

// most is the number of common parts at which a password is refused: a common password with
// a number and a symbol has three. An attacker tries some thousand words in each place.
const most = 3

// The costs of a part. A dictionary has more words than people have favourite passwords, so
// two dictionary words are not refused.
const (
	costCommon = 1
	costWord   = 2
)

// rows are the rows of keyboards, and the alphabet, in which people walk.
var rows = []string{
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "qwertzuiop", "yxcvbnm",
	"01234567890", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()",
}

// disguises are letters and the characters that people write for them.
var disguises = []*strings.Replacer{
	strings.NewReplacer(),
	strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t"),
	strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "1", "l", "!", "l", "0", "o", "$", "s", "5", "s", "7", "t"),
}

// local are words that the library's English lists lack.
var local = []string{"motdepasse", "mot de passe", "bienvenue", "bonjour", "chouchou", "jetaime", "marseille", "oxlin", "linxo"}

// lists returns what each known word costs.
var lists = sync.OnceValue(func() map[string]int {
	costs := map[string]int{}
	for _, list := range []struct {
		name     string
		shortest int
		cost     int
	}{{"English", 5, costWord}, {"FemaleNames", 4, costCommon}, {"MaleNames", 4, costCommon}, {"Passwords", 3, costCommon}} {
		var words struct{ List []string }
		err := json.Unmarshal(data.MustAsset("data/"+list.name+".json"), &words)
		if err != nil {
			panic(fmt.Sprintf("the list %s of zxcvbn-go: %v", list.name, err)) // it is linked into the binary
		}
		for _, word := range words.List {
			if len(word) >= list.shortest {
				costs[strings.ToLower(word)] = list.cost
			}
		}
	}
	for _, word := range local {
		costs[word] = costCommon
	}
	return costs
})

// Password reports whether a password consists of few common parts: common passwords, names,
// words, rows of keys, repetitions, short numbers, and what an attacker knows about the user,
// such as their e-mail. Upper case and disguises such as p@ssw0rd do not help.
func Password(password string, known ...string) bool {
	text := strings.ToLower(norm.NFKC.String(password))
	own := map[string]bool{}
	for _, k := range known {
		for _, word := range wordsOf(strings.ToLower(norm.NFKC.String(k))) {
			own[word] = len(word) >= 2
		}
	}
	runes := once([]rune(text))
	if own[strings.Join(strings.FieldsFunc(text, isSign), "")] || parts(runes, own) <= most {
		return true
	}
	// Two walks with alternating hands: 1q2w3e4r5t6y.
	var left, right []rune
	for i, r := range runes {
		if i%2 == 0 {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	return parts(left, own) == 1 && parts(right, own) == 1
}

func isSign(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// wordsOf returns a name or an e-mail in the ways in which people repeat it: whole, its
// beginning up to the @, both without signs, and each word.
func wordsOf(known string) []string {
	local, _, _ := strings.Cut(known, "@")
	words := []string{known, local}
	for _, whole := range []string{known, local} {
		words = append(words, strings.Join(strings.FieldsFunc(whole, isSign), ""))
	}
	return append(words, strings.FieldsFunc(known, isSign)...)
}

// once returns the shortest beginning whose repetition makes the text.
func once(text []rune) []rune {
	for length := 1; length <= len(text)/2; length++ {
		if slices.Equal(text[length:], text[:len(text)-length]) {
			return text[:length]
		}
	}
	return text
}

// longest is the length of the longest word that is looked up.
const longest = 32

// parts returns the least cost of parts that make up a text. A character that belongs to
// no common part is a part.
func parts(text []rune, own map[string]bool) int {
	least := make([]int, len(text)+1)
	for end := 1; end <= len(text); end++ {
		least[end] = least[end-1] + costCommon
		for begin := end - 2; begin >= 0; begin-- {
			if cost := costOf(text[begin:end], own); cost > 0 {
				least[end] = min(least[end], least[begin]+cost)
			}
		}
	}
	return least[len(text)]
}

// costOf returns the cost of a part of at least two characters, or 0 if it is not a common one.
func costOf(part []rune, own map[string]bool) int {
	if isRun(part) || len(part) <= 4 && !slices.ContainsFunc(part, func(r rune) bool { return !unicode.IsDigit(r) }) {
		return costCommon
	}
	text := string(part)
	if own[text] {
		return costCommon
	}
	if len(part) > longest || len(part) < 3 {
		return 0
	}
	cost := 0
	for _, disguise := range disguises {
		found := lists()[disguise.Replace(text)]
		if own[disguise.Replace(text)] {
			found = costCommon
		}
		if found > 0 && (cost == 0 || found < cost) {
			cost = found
		}
	}
	return cost
}

// isRun reports whether a part repeats one character, or walks along a row of keys.
func isRun(part []rune) bool {
	if len(slices.Compact(slices.Clone(part))) == 1 {
		return true
	}
	if len(part) < 3 {
		return false
	}
	forward := string(part)
	backward := slices.Clone(part)
	slices.Reverse(backward)
	return slices.ContainsFunc(rows, func(row string) bool {
		return strings.Contains(row, forward) || strings.Contains(row, string(backward))
	})
}
