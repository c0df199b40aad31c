// Package language translates pages: it chooses the language of a user and returns the
// texts in it. A room that draws pages keeps its texts beside them, one JSON file per
// language, and loads them once.
//
// A file maps keys to texts with gaps, such as "Hello {{.Name}}". A text with several forms
// is an object: "one", "few" and their kin are the language's plural forms for the gap
// Count, a form such as "Day=1" is for that value of a gap and comes first, and "other" is
// for all else.
//
// It holds no text of its own, and must never fail in front of a user: an unknown
// language or key has a fallback. Start reading at Texts.
package language

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Default is the language of users whose wishes match no language (contract §6.3).
const Default = "fr"

// Texts holds the texts of one room in all of its languages.
type Texts struct {
	languages []string
	matcher   language.Matcher
	texts     map[string]map[string]text // by language and key
}

// text is a text of one language.
type text struct {
	tag   language.Tag
	forms map[string]string
}

// Load reads the files named <language>.json in a folder, such as "locales/fr.json". It
// panics if a file cannot be read or the one of Default is missing: the files are embedded,
// so only a broken build gets there.
func Load(files fs.FS, folder string) *Texts {
	t := &Texts{texts: map[string]map[string]text{}}
	names, err := fs.Glob(files, path.Join(folder, "*.json"))
	if err != nil {
		panic(err)
	}
	// A matcher falls back to its first language.
	first := path.Join(folder, Default+".json")
	names = slices.DeleteFunc(names, func(name string) bool { return name == first })
	names = slices.Insert(names, 0, first)
	var tags []language.Tag
	for _, name := range names {
		tag := language.MustParse(strings.TrimSuffix(path.Base(name), ".json"))
		read, err := readTexts(files, name, tag)
		if err != nil {
			panic(fmt.Errorf("the texts in %s: %w", name, err))
		}
		tags = append(tags, tag)
		t.languages = append(t.languages, tag.String())
		t.texts[tag.String()] = read
	}
	t.matcher = language.NewMatcher(tags)
	return t
}

// readTexts reads the file of a language.
func readTexts(files fs.FS, name string, tag language.Tag) (map[string]text, error) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	err = json.Unmarshal(content, &values)
	if err != nil {
		return nil, err
	}
	texts := map[string]text{}
	for key, value := range values {
		forms := map[string]any{other: value}
		object, several := value.(map[string]any)
		if several {
			forms = object
		}
		texts[key], err = newText(tag, forms)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return texts, nil
}

// newText returns a text. It refuses what Get does not understand.
func newText(tag language.Tag, forms map[string]any) (text, error) {
	t := text{tag, map[string]string{}}
	for name, form := range forms {
		words, isText := form.(string)
		switch {
		case !isText:
			return text{}, fmt.Errorf("%q is not a text", name)
		case strings.Contains(gap.ReplaceAllString(words, ""), "{{"):
			return text{}, fmt.Errorf("%q has a gap without a name", words)
		case !slices.Contains(slices.Collect(maps.Values(plurals)), name) && !strings.Contains(name, "="):
			return text{}, fmt.Errorf("%q is no form", name)
		}
		t.forms[name] = words
	}
	if _, complete := t.forms[other]; !complete {
		return text{}, errors.New(`there is no form "other"`)
	}
	return t, nil
}

// gap is a gap of a text.
var gap = regexp.MustCompile(`{{\.(\w+)}}`)

// other is the form that every text has.
const other = "other"

// plurals are the names of the plural forms, as CLDR has them.
var plurals = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: other,
}

// form returns the form for the data.
func (t text) form(data map[string]any) string {
	for name, form := range t.forms {
		of, value, isValue := strings.Cut(name, "=")
		got, given := data[of]
		if isValue && given && fmt.Sprint(got) == value {
			return form
		}
	}
	count, err := strconv.Atoi(fmt.Sprint(data["Count"]))
	if err == nil {
		form, found := t.forms[plurals[plural.Cardinal.MatchPlural(t.tag, count, 0, 0, 0, 0)]]
		if found {
			return form
		}
	}
	return t.forms[other]
}

// in fills the gaps with data. A gap without a value stays visible, so that a test finds it.
func (t text) in(data map[string]any) string {
	return gap.ReplaceAllStringFunc(t.form(data), func(hole string) string {
		value, given := data[gap.FindStringSubmatch(hole)[1]]
		if !given {
			return hole
		}
		return fmt.Sprint(value)
	})
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

// Get returns the text with a key, with data in its gaps. If data has a Count, a whole
// number or its digits, the plural form fits it. Get falls back to Default if the language is unknown or lacks the
// text, and to the key if there is no such text.
func (t *Texts) Get(language, key string, data map[string]any) string {
	for _, l := range []string{language, Default} {
		text, found := t.texts[l][key]
		if found {
			return text.in(data)
		}
	}
	return key
}

// Has reports whether there is a text with a key.
func (t *Texts) Has(key string) bool {
	_, found := t.texts[Default][key]
	return found
}
