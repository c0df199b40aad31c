package language_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	signin "github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/web/language"
	widget "github.com/oxlin/oxlin/internal/widget/page"
)

// rooms are the packages with texts. Families are beginnings of keys whose last part is
// data.
var rooms = []struct {
	folder   string
	texts    *language.Texts
	families []string
}{
	{"../../auth/page", signin.Texts, []string{"device.", "done.", "problem.", "scope."}},
	{"../../widget/page", widget.Texts, []string{
		"accounts.", "account.", "back.", "elsewhere.", "answered.", "device.", "data.kind.", "date.month.", "done.", "error.", "field.",
		"file.account.", "file.asks.", "file.column.", "file.decimal.", "file.order.", "file.problem.", "file.question.", "file.sign.", "label.", "notice.", "progress.", "status.", "terms.text.",
	}},
}

// catalogue reads the texts of a language in a room, by key, with all forms of plurals.
func catalogue(t *testing.T, folder, language string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "locales", language+".json"))
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

// eachText visits the forms of every text of every room in the languages.
func eachText(t *testing.T, visit func(name, text string), languages ...string) {
	t.Helper()
	for _, room := range rooms {
		for _, language := range languages {
			for key, forms := range catalogue(t, room.folder, language) {
				for _, text := range forms {
					visit(room.folder+" "+language+" "+key, text)
				}
			}
		}
	}
}

func TestEveryRoomHasTheSameLanguages(t *testing.T) {
	for _, room := range rooms {
		if diff := cmp.Diff([]string{"fr", "en"}, room.texts.Languages()[:2]); diff != "" {
			t.Errorf("%s: French does not come first, with English:\n%s", room.folder, diff)
		}
		if diff := cmp.Diff(rooms[0].texts.Languages(), room.texts.Languages()); diff != "" {
			t.Errorf("%s has other languages than %s:\n%s", room.folder, rooms[0].folder, diff)
		}
	}
}

func keys(texts map[string][]string) []string { return slices.Sorted(maps.Keys(texts)) }

var gaps = regexp.MustCompile(`\.([A-Z]\w*)`)

// gapsOf returns the names of the data that a text takes.
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
	for _, room := range rooms {
		french := catalogue(t, room.folder, language.Default)
		for _, language := range room.texts.Languages() {
			texts := catalogue(t, room.folder, language)
			if diff := cmp.Diff(keys(french), keys(texts)); diff != "" {
				t.Errorf("%s: %s has other keys than fr (-fr +%s):\n%s", room.folder, language, language, diff)
			}
			for key, forms := range texts {
				if diff := cmp.Diff(gapsOf(french[key]), gapsOf(forms)); diff != "" {
					t.Errorf("%s: %s: %s has other gaps than in fr:\n%s", room.folder, language, key, diff)
				}
			}
		}
	}
}

func TestFrenchSpacesDoNotBreak(t *testing.T) {
	broken := regexp.MustCompile(`\S [?!;:»]|« `)
	eachText(t, func(name, text string) {
		if broken.MatchString(text) {
			t.Errorf("%s: a line may end before the sign in %q", name, text)
		}
	}, "fr")
}

// Apostrophes, quotes and dots are typographic. Words do not tell users that something
// is their fault.
func TestWordsAreChosenWithCare(t *testing.T) {
	typewritten := regexp.MustCompile(`'|\.\.\.| - |  `)
	blame := regexp.MustCompile(`(?i)\b(invalid|incorrect|wrong|illegal|erreur|faux|fausse|incorrecte?|invalides?|interdite?)\b`)
	eachText(t, func(name, text string) {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is empty", name)
		}
		for _, unwanted := range []*regexp.Regexp{typewritten, blame} {
			if found := unwanted.FindString(text); found != "" {
				t.Errorf("%s has %q in %q", name, found, text)
			}
		}
	}, rooms[0].texts.Languages()...)
}

func TestEveryTextIsUsedAndEveryTextUsedExists(t *testing.T) {
	asked := regexp.MustCompile(`(?:\.text\(|\.around\(|Texts\.Get\(d\.Language, |known\("[^"]*", )"([^"]+)"[,)]`)
	literal := regexp.MustCompile(`"([a-z_]+(?:\.\w+)+|continue|cancel)"`)
	for _, room := range rooms {
		texts := catalogue(t, room.folder, language.Default)
		used := map[string]bool{}
		for _, pattern := range []string{"*.templ", "*.go"} {
			files, err := filepath.Glob(filepath.Join(room.folder, pattern))
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
						t.Errorf("%s asks for %q, which does not exist", file, match[1])
					}
				}
				for _, match := range literal.FindAllStringSubmatch(string(content), -1) {
					used[match[1]] = true
				}
			}
		}
		for key := range texts {
			family := slices.ContainsFunc(room.families, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
			if !used[key] && !family {
				t.Errorf("%s: nobody uses %q", room.folder, key)
			}
		}
	}
}
