package language_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/internal/web/language"
)

func TestTheLanguageIsTheFirstWishThatCanBeGranted(t *testing.T) {
	texts := load(map[string]string{"en": "{}", "fr": "{}"})
	for _, c := range []struct {
		wishes []string
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
		if got := texts.Match(c.wishes...); got != c.want {
			t.Errorf("%q gives %s, want %s", c.wishes, got, c.want)
		}
	}
}

func FuzzWishes(f *testing.F) {
	for _, seed := range []string{"fr-FR,fr;q=0.9,en;q=0.8", "en_EN", "*", ";;q=", "x-klingon", "EN-gb-oed", "fr;q=nan"} {
		f.Add(seed)
	}
	texts := load(map[string]string{"en": "{}", "fr": "{}"})
	f.Fuzz(func(t *testing.T, wish string) {
		language := texts.Match(wish)
		if language != "en" && language != "fr" {
			t.Errorf("%q gives %q", wish, language)
		}
	})
}

func TestTexts(t *testing.T) {
	texts := load(map[string]string{
		"de": `{"leave": "Abbrechen"}`,
		"en": `{"leave": "Leave", "found": {"one": "{{.Count}} bank", "other": "{{.Count}} banks"}}`,
		"pl": `{"found": {"one": "{{.Count}} bank", "few": "{{.Count}} banki", "many": "{{.Count}} banków", "other": "{{.Count}} banku"}}`,
		"fr": `{"leave": "Partir", "hello": {"Name=": "Bonjour", "other": "Bonjour {{.Name}}"}, "found": {"one": "{{.Count}} banque", "other": "{{.Count}} banques"}}`,
	})
	if diff := cmp.Diff([]string{"fr", "de", "en", "pl"}, texts.Languages()); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		fact, language, key string
		data                map[string]any
		want                string
	}{
		{"a text", "en", "leave", nil, "Leave"},
		{"data", "fr", "hello", map[string]any{"Name": "<Zoé>"}, "Bonjour <Zoé>"},
		{"a form for a value", "fr", "hello", map[string]any{"Name": ""}, "Bonjour"},
		{"a gap without data", "fr", "hello", nil, "Bonjour {{.Name}}"},
		{"few", "pl", "found", map[string]any{"Count": 22}, "22 banki"},
		{"more than few", "pl", "found", map[string]any{"Count": 25}, "25 banków"},
		{"one", "en", "found", map[string]any{"Count": 1}, "1 bank"},
		{"many", "en", "found", map[string]any{"Count": 2}, "2 banks"},
		{"zero is plural in English", "en", "found", map[string]any{"Count": 0}, "0 banks"},
		{"and singular in French", "fr", "found", map[string]any{"Count": 0}, "0 banque"},
		{"an unknown language", "tlh", "leave", nil, "Partir"},
		{"a text that one language lacks", "de", "hello", map[string]any{"Name": "Zoé"}, "Bonjour Zoé"},
		{"an unknown key", "fr", "no.such.key", nil, "no.such.key"},
	} {
		if got := texts.Get(c.language, c.key, c.data); got != c.want {
			t.Errorf("%s: %q, want %q", c.fact, got, c.want)
		}
	}
	if !texts.Has("leave") || texts.Has("no.such.key") {
		t.Error("Has does not know the keys")
	}
}

func TestABrokenBuildDoesNotStart(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no file":           nil,
		"no French":         {"en": "{}"},
		"a file of no JSON": {"en": "{", "fr": "{}"},
		"a number":          {"fr": `{"a": 1}`},
		"an unknown form":   {"fr": `{"a": {"some": "a", "other": "b"}}`},
		"no other form":     {"fr": `{"a": {"one": "a"}}`},
		"logic in a text":   {"fr": `{"a": "{{if .B}}c{{end}}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is loaded")
				}
			}()
			load(files)
		})
	}
}

// load loads texts by language.
func load(texts map[string]string) *language.Texts {
	files := fstest.MapFS{}
	for name, text := range texts {
		files["locales/"+name+".json"] = &fstest.MapFile{Data: []byte(text)}
	}
	return language.Load(files, "locales")
}
