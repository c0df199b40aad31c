// Package language translates pages: it chooses the language of a user and returns the
// texts in it. A room that draws pages keeps its texts beside them, one JSON file per
// language, and loads them once.
//
// It holds no text of its own, and must never fail in front of a user: an unknown
// language or key has a fallback. Start reading at Texts.
package language

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Default is the language of users whose wishes match no language (contract §6.3).
const Default = "fr"

// Texts holds the texts of one room in all of its languages.
type Texts struct {
	languages  []string
	matcher    language.Matcher
	localizers map[string]*i18n.Localizer
}

// Load reads the files named <language>.json in a folder, such as "locales/fr.json". It
// panics if a file cannot be read or the one of Default is missing: the files are embedded,
// so only a broken build gets there.
func Load(files fs.FS, folder string) *Texts {
	t := &Texts{localizers: map[string]*i18n.Localizer{}}
	names, err := fs.Glob(files, path.Join(folder, "*.json"))
	if err != nil {
		panic(err)
	}
	// A matcher falls back to its first language.
	first := path.Join(folder, Default+".json")
	names = slices.DeleteFunc(names, func(name string) bool { return name == first })
	names = slices.Insert(names, 0, first)
	bundle := i18n.NewBundle(language.MustParse(Default))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	var tags []language.Tag
	for _, name := range names {
		file, err := bundle.LoadMessageFileFS(files, name)
		if err != nil {
			panic(fmt.Errorf("the texts in %s: %w", name, err))
		}
		code := file.Tag.String()
		tags = append(tags, file.Tag)
		t.languages = append(t.languages, code)
		t.localizers[code] = i18n.NewLocalizer(bundle, code)
	}
	t.matcher = language.NewMatcher(tags)
	return t
}

// Languages returns the languages that have a file, Default first.
func (t *Texts) Languages() []string { return slices.Clone(t.languages) }

// Match returns the language of the first wish that can be granted, else Default. A
// wish is a language ("en", "en-GB", "en_EN") or an Accept-Language header; earlier
// wishes win, and empty ones do not count.
func (t *Texts) Match(wishes ...string) string {
	for _, wish := range wishes {
		wish = strings.ReplaceAll(wish, "_", "-")
		asked, _, err := language.ParseAcceptLanguage(wish)
		if err != nil { // EN is not a country, but "en-EN" still names a language
			wish, _, _ = strings.Cut(wish, "-")
			asked = []language.Tag{language.Make(wish)}
		}
		_, i, confidence := t.matcher.Match(asked...)
		if confidence > language.No {
			return t.languages[i]
		}
	}
	return Default
}

// Get returns the text with a key, with data in its gaps. If data has a Count, the
// plural form fits it. Get falls back to Default if the language is unknown, and to
// the key if there is no such text.
func (t *Texts) Get(language, key string, data map[string]any) string {
	localizer, known := t.localizers[language]
	if !known {
		localizer = t.localizers[Default]
	}
	text, err := localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: data["Count"]})
	if err != nil && text == "" {
		return key
	}
	return text
}

// Has reports whether there is a text with a key.
func (t *Texts) Has(key string) bool { return t.Get(Default, key, nil) != key }
