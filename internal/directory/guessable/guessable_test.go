package guessable_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin/internal/directory/guessable"
)

func TestWhatAttackersTryFirstIsGuessable(t *testing.T) {
	t.Parallel()
	known := []string{"jo.martin@example.test", "Corner Shop"}
	for password, want := range map[string]bool{
		"password1234": true, "passwordpassword": true, "123456789012": true, "1234567890123": true, "qwertyuiop12": true, "azertyuiop123": true,
		"aaaaaaaaaaaa": true, "Password123!": true, "P@ssw0rd1234": true, "iloveyou1234": true, "motdepasse123": true, "MotDePasse2024": true,
		"trustno1trustno1": true, "abcdefghijkl": true, "zyxwvutsrqpo": true, "administrator": true, "princess1234": true, "welcome12345": true,
		"football2023": true, "Summer2024!!": true, "0123456789ab": true, "qwertyqwerty": true, "unbelievable": true, "1q2w3e4r5t6y": true,
		"q1w2e3r4t5y6": true, "abc123abc123": true, "letmein-letmein": true, "Ｐａｓｓｗｏｒｄ1234": true, "            ": true,
		"jo.martin@example.test": true, "jo.martin1234": true, "jo-martin-example-test": true, "JoMartin2026!": true, "martin-martin1": true, "oxlinoxlin12": true, "oxlin-2026-oxlin": false,
		"cornershop2026": true, "corner shop 1": true,
		"a-good-password": false, "a new password": false, "correct horse battery": false, "correcthorsebattery": false, "un mot de passe à moi": false,
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": false, "another-good-password": false, "kR7wq2Zx9mTb": false,
		"été comme hiver": false, "店で買い物をするときの合言葉": false,
	} {
		if got := guessable.Password(password, known...); got != want {
			t.Errorf("%q: %t", password, got)
		}
	}
}

func TestDecorationDoesNotHelpACommonPassword(t *testing.T) {
	t.Parallel()
	common := []string{"password", "dragon", "baseball", "letmein", "superman", "sunshine", "jennifer", "corvette"}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(common).Draw(t, "word")
		if rapid.Bool().Draw(t, "disguised") {
			word = strings.NewReplacer("a", "@", "e", "3", "o", "0", "s", "$").Replace(word)
		}
		if rapid.Bool().Draw(t, "upper case") {
			word = strings.ToUpper(word)
		}
		number := rapid.StringMatching(`[0-9]{1,4}`).Draw(t, "number")
		mark := rapid.SampledFrom([]string{"", "!", "!!", "?", "-", "."}).Draw(t, "mark")
		if password := word + number + mark; !guessable.Password(password) {
			t.Fatalf("%q is not guessable", password)
		}
	})
}

func TestRandomCharactersAreNotGuessable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Every letter stands apart from its neighbours, so that nothing is spelt by chance.
		letters := rapid.SliceOfNDistinct(rapid.SampledFrom(strings.Split("bcdfghjkmnpqrtvwxz", "")), 12, 16, rapid.ID[string]).Draw(t, "letters")
		for i, letter := range letters {
			if i%3 == 2 {
				letters[i] = letter + "~"
			}
		}
		if password := strings.Join(letters, ""); guessable.Password(password) {
			t.Fatalf("%q is guessable", password)
		}
	})
}
