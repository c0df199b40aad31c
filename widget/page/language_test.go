package page_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/widget/page"
)

func TestTheLanguageIsTheFirstWishThatCanBeGranted(t *testing.T) {
	for _, c := range []struct {
		wanted []string
		want   string
	}{
		{nil, "fr"},
		{[]string{"en"}, "en"},
		{[]string{"fr"}, "fr"},
		{[]string{"en_EN"}, "en"},
		{[]string{"en-GB"}, "en"},
		{[]string{"EN"}, "en"},
		{[]string{"fr_CA"}, "fr"},
		{[]string{"en", "fr"}, "en"},
		{[]string{"", "en_US", "fr-FR,fr;q=0.9"}, "en"},
		{[]string{"", "", "en-US,en;q=0.9,fr;q=0.8"}, "en"},
		{[]string{"", "", "pl-PL,pl;q=0.9,en;q=0.8"}, "en"},
		{[]string{"", "", "pl-PL,fr;q=0.2,en;q=0.8"}, "en"},
		{[]string{"", "", "ja"}, "fr"},
		{[]string{"ja", "", "en"}, "en"},
		{[]string{"\x00;;q=", "not a language", "en"}, "en"},
		{[]string{"*"}, "fr"},
	} {
		if got := page.Match(c.wanted...); got != c.want {
			t.Errorf("%q gives %s, want %s", c.wanted, got, c.want)
		}
	}
}

func TestFrenchComesFirst(t *testing.T) {
	if len(page.Languages) < 2 || page.Languages[0] != "fr" || !slices.Contains(page.Languages, "en") {
		t.Errorf("languages: %v", page.Languages)
	}
}

// catalogue reads the texts of a language, by key; of plurals all forms.
func catalogue(t *testing.T, language string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("locales", language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	err = json.Unmarshal(content, &raw)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]string{}
	for key, value := range raw {
		switch v := value.(type) {
		case string:
			texts[key] = []string{v}
		case map[string]any:
			for _, form := range v {
				texts[key] = append(texts[key], form.(string))
			}
		}
	}
	return texts
}

func keys(texts map[string][]string) []string { return slices.Sorted(maps.Keys(texts)) }

var gaps = regexp.MustCompile(`\.([A-Z]\w*)`)

// gapsOf are the names of what is filled into a text.
func gapsOf(forms []string) []string {
	found := map[string]bool{}
	for _, form := range forms {
		for _, match := range gaps.FindAllStringSubmatch(form, -1) {
			found[match[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	french := catalogue(t, "fr")
	for _, language := range page.Languages {
		texts := catalogue(t, language)
		if diff := cmp.Diff(keys(french), keys(texts)); diff != "" {
			t.Errorf("%s has other keys than fr (-fr +%s):\n%s", language, language, diff)
		}
		for key, forms := range texts {
			for _, text := range forms {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s: %s is empty", language, key)
				}
			}
			if diff := cmp.Diff(gapsOf(french[key]), gapsOf(forms)); diff != "" {
				t.Errorf("%s: %s has other gaps than in fr:\n%s", language, key, diff)
			}
		}
	}
}

func TestFrenchSpacesDoNotBreak(t *testing.T) {
	broken := regexp.MustCompile(`\S [?!;:»]|« `)
	for key, forms := range catalogue(t, "fr") {
		for _, text := range forms {
			if broken.MatchString(text) {
				t.Errorf("%s: a line may end before the sign in %q", key, text)
			}
		}
	}
}

// Apostrophes, quotes and dots as they are printed.
func TestTextsAreTypeset(t *testing.T) {
	typewritten := regexp.MustCompile(`'|\.\.\.| - |  `)
	for _, language := range page.Languages {
		for key, forms := range catalogue(t, language) {
			for _, text := range forms {
				if found := typewritten.FindString(text); found != "" {
					t.Errorf("%s: %s has %q in %q", language, key, found, text)
				}
			}
		}
	}
}

// Families of keys whose last part is data.
var families = []string{"accounts.", "account.", "back.", "date.month.", "done.", "error.", "field.", "label.", "notice.", "progress.", "status.", "terms.text."}

func TestEveryTextIsUsedAndEveryTextUsedExists(t *testing.T) {
	texts := catalogue(t, "fr")
	used := map[string]bool{}
	asked := regexp.MustCompile(`(?:\.text\(|\.around\(|Text\(d\.Language, |known\("[^"]*", )"([^"]+)"[,)]`)
	literal := regexp.MustCompile(`"([a-z_]+(?:\.\w+)+|continue|cancel)"`)
	for _, pattern := range []string{"*.templ", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range asked.FindAllStringSubmatch(string(content), -1) {
				if texts[match[1]] == nil {
					t.Errorf("%s asks for %q, which is not there", file, match[1])
				}
			}
			for _, match := range literal.FindAllStringSubmatch(string(content), -1) {
				used[match[1]] = true
			}
		}
	}
	for key := range texts {
		family := slices.ContainsFunc(families, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		if !used[key] && !family {
			t.Errorf("nobody uses %q", key)
		}
	}
}

func TestEveryFailureHasItsSentence(t *testing.T) {
	for _, language := range page.Languages {
		var asked []string
		for code := range oxlin.Catalogue {
			asked = append(asked, "error."+string(code))
		}
		for _, status := range failures() {
			asked = append(asked, "status."+status+".title", "status."+status+".advice")
		}
		for _, key := range asked {
			if got := page.Text(language, key, nil); got == key || got == "" || strings.Contains(got, "<no value>") {
				t.Errorf("%s: %s gives %q", language, key, got)
			}
		}
	}
}

// A user who is told what happened must not be told that it is their fault.
func TestNobodyIsBlamed(t *testing.T) {
	blame := regexp.MustCompile(`(?i)\b(invalid|incorrect|wrong|illegal|erreur|faux|fausse|incorrecte?|invalides?|interdite?)\b`)
	for _, language := range page.Languages {
		for key, forms := range catalogue(t, language) {
			for _, text := range forms {
				if found := blame.FindString(text); found != "" {
					t.Errorf("%s: %s says %q", language, key, found)
				}
			}
		}
	}
}

func TestTextsWithNumbersAndWithoutKeys(t *testing.T) {
	for _, c := range []struct {
		language, key string
		data          map[string]any
		want          string
	}{
		{"fr", "banks.found", map[string]any{"Count": 1}, "1 banque trouvée"},
		{"fr", "banks.found", map[string]any{"Count": 0}, "0 banque trouvée"},
		{"fr", "banks.found", map[string]any{"Count": 2}, "2 banques trouvées"},
		{"en", "banks.found", map[string]any{"Count": 1}, "1 bank found"},
		{"en", "banks.found", map[string]any{"Count": 0}, "0 banks found"},
		{"fr", "progress.transactions", map[string]any{"Done": 2, "Total": 5, "Transactions": 318}, "Comptes\u00a0: 2 sur 5, opérations\u00a0: 318"},
		{"en", "progress.transactions", map[string]any{"Done": 0, "Total": 0, "Transactions": 0}, "We are reading the transactions of your accounts…"},
		{"tlh", "cancel", nil, "Annuler"},
		{"fr", "no.such.key", nil, "no.such.key"},
	} {
		if got := page.Text(c.language, c.key, c.data); got != c.want {
			t.Errorf("%s %s %v gives %q, want %q", c.language, c.key, c.data, got, c.want)
		}
	}
	if got := (page.Progress{Step: "transactions", Done: 1, Total: 3, Transactions: 40}).Text("en"); got != "Accounts: 1 of 3, transactions: 40" {
		t.Errorf("progress: %q", got)
	}
}

func TestKnownLabelsAreTranslated(t *testing.T) {
	for _, c := range []struct{ language, label, want string }{
		{"fr", "User ID", "Identifiant"},
		{"en", "User ID", "User ID"},
		{"en", "Identifiant", "User ID"},
		{"en", "Mot de passe (8 car. min.)", "Password (8 characters or more)"},
		{"en", "Réponse mémorable", "Memorable answer"},
		{"fr", "Accounts file location", "Adresse du fichier de comptes"},
		{"fr", "Envoyer le SMS", "Envoyer le SMS"},
		{"en", "Envoyer le SMS", "Send the text message"},
		{"en", "Valider", "Confirm"},
		{"en", "Un code a été envoyé par SMS sur votre téléphone au 06******12.", "A code was sent by text message to your phone at 06******12."},
		{"en", "Code invalide. Encore 1 tentatives", "That is not the code. 1 attempt left."},
		{"fr", "Code invalide. Encore 2 tentatives", "Ce code n’est pas le bon. Encore 2 tentatives."},
		{"en", "Code invalide. Encore quelques tentatives", "Code invalide. Encore quelques tentatives"},
		{"en", "Simulation: user ID demo, code 123456.", "Simulated bank – user ID: demo, code: 123456."},
		{"fr", "Simulation: user ID dev-0119, memorable answer dev, password dev-0119, code 123456.", "Banque simulée, identifiant\u00a0: dev-0119, réponse mémorable\u00a0: dev, mot de passe\u00a0: dev-0119, code\u00a0: 123456."},
		{"en", "Code invalide. Encore {remaining_attempts} tentatives", "Code invalide. Encore {remaining_attempts} tentatives"},
		{"en", "Un code a été envoyé par SMS sur votre téléphone au {phone}.", "A code was sent by text message to your phone at {phone}."},
		{"en", "Numéro d’abonné", "Numéro d’abonné"},
		{"fr", "", ""},
	} {
		if got := page.Label(c.language, c.label); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.language, c.label, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		label := "Bank " + rapid.String().Draw(t, "label")
		if got := page.Label("en", label); got != label {
			t.Errorf("the unknown label %q became %q", label, got)
		}
	})
}

func TestDaysAreThoseOfParisInTheWordsOfTheLanguage(t *testing.T) {
	for _, c := range []struct {
		at     time.Time
		fr, en string
	}{
		{time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC), "21 novembre 2026", "21 November 2026"},
		{time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), "1er janvier 2027", "1 January 2027"},
		{time.Date(2026, 7, 31, 21, 59, 0, 0, time.UTC), "31 juillet 2026", "31 July 2026"},
	} {
		for language, want := range map[string]string{"fr": c.fr, "en": c.en} {
			if got := draw(t, frame(language), page.Consent{Bank: bank, Until: c.at}); !strings.Contains(got, " "+want+".") {
				t.Errorf("%s in %s is not shown as %s", c.at, language, want)
			}
		}
	}
}
