package page

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web/language"
)

// drawing has the frame and the language of a page being rendered.
type drawing struct{ Frame }

func newDrawing(frame Frame) drawing {
	if !slices.Contains(Texts.Languages(), frame.Language) {
		frame.Language = language.Default
	}
	return drawing{frame}
}

// text returns a sentence in the page's language. The gaps are pairs of a name and a
// value. The names of the client and, if visible, of the platform are always set.
func (d drawing) text(key string, pairs ...any) string {
	client := d.Client
	if client == "" {
		client = Texts.Get(d.Language, "page.client", nil)
	}
	data := map[string]any{"Client": client, "Us": "Oxlin"}
	if d.HideLogo {
		data["Us"] = ""
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	text := Texts.Get(d.Language, key, data)
	if d.Client == "" && key != "page.client" && strings.HasPrefix(text, client) {
		return capital(text) // a name would begin with a capital
	}
	return text
}

// around returns the text before and after a gap of a sentence, for an element in the
// gap.
func (d drawing) around(key, name string) (before, after string) {
	const hole = "\x00"
	before, after, _ = strings.Cut(d.text(key, name, hole), hole)
	return before, after
}

func (d drawing) label(label string) string { return Label(d.Language, label) }

// day formats the day of an instant in Paris.
func (d drawing) day(t time.Time) string {
	year, month, day := t.In(oxlin.Paris).Date()
	return d.text("date.day", "Day", day, "Month", d.text("date.month."+strconv.Itoa(int(month))), "Year", year)
}

// until returns the text for the end of the consent.
func (d drawing) until(t time.Time) string {
	if t.IsZero() {
		return d.text("consent.until.withdrawn")
	}
	return d.text("consent.until.day", "Day", d.day(t))
}

// list joins words to an enumeration: "a, b and c".
func (d drawing) list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + d.text("list.and") + words[last]
}

// kinds lists account types: "current accounts and cards".
func (d drawing) kinds(types []oxlin.AccountType) string {
	var words []string
	for _, one := range types {
		words = append(words, d.text("accounts."+string(one)))
	}
	return d.list(words)
}

// capital capitalises the first letter of a text.
func capital(text string) string {
	for i := range text {
		if i > 0 {
			return strings.ToUpper(text[:i]) + text[i:]
		}
	}
	return strings.ToUpper(text)
}

// trouble returns the title and the advice for a failure. Its reason is a channel status,
// in any case, or a code of the catalogue.
func (d drawing) trouble(reason string) (title, advice string) {
	status := "status." + strings.ToUpper(reason)
	if Texts.Has(status + ".title") {
		return d.text(status + ".title"), d.text(status + ".advice")
	}
	if !Texts.Has("error." + reason) {
		reason = string(oxlin.CodeInternal)
	}
	return d.text("failed.title"), d.text("error." + reason)
}

// path returns the address of the page without its parameters.
func (d drawing) path() string {
	path, _, _ := strings.Cut(d.Self, "?")
	return path
}

// in returns the address of the page in another language.
func (d drawing) in(language string) templ.SafeURL {
	address, err := url.Parse(d.Self)
	if err != nil {
		return templ.URL(d.Self)
	}
	query := address.Query()
	query.Del("locale") // it would override lng
	query.Set("lng", language)
	address.RawQuery = query.Encode()
	return templ.URL(address.String())
}

// otherLanguages returns the languages that the page offers.
func (d drawing) otherLanguages() []string {
	return slices.DeleteFunc(Texts.Languages(), func(one string) bool { return one == d.Language })
}

// fullTitle returns the title of the browser's tab.
func (d drawing) fullTitle(view content) string {
	switch {
	case d.Client != "":
		return view.title(d) + " – " + d.Client
	case d.HideLogo:
		return view.title(d)
	}
	return view.title(d) + " – Oxlin"
}

// told returns the attributes for the messages to the windows around the page.
func (d drawing) told() templ.Attributes {
	told := templ.Attributes{}
	if len(d.Messages) > 0 && len(d.Origins) > 0 {
		told["data-messages"], told["data-origins"] = asJSON(d.Messages), asJSON(d.Origins)
	}
	if len(d.Warnings) > 0 {
		told["data-warnings"] = asJSON(d.Warnings)
	}
	return told
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // impossible for structs and slices of strings
	}
	return string(text)
}

// moves returns the attributes by which the script leaves the page.
func (d drawing) moves(view content) templ.Attributes {
	switch v := view.(type) {
	case Loading:
		if v.Events != "" {
			return templ.Attributes{"data-events": v.Events}
		}
	case Notice:
		if v.NewTab && v.Progress != "" {
			return templ.Attributes{"data-events": v.Progress}
		}
	case Approval:
		return templ.Attributes{"data-asks": strconv.Itoa(v.Seconds)}
	case Leaving:
		return goes(v.Target, 0)
	case Done:
		return goes(v.Target, v.Seconds)
	case ReturnAnswered:
		if v.confirmed() {
			return goes(v.Target, 0)
		}
	}
	if d.Watch != "" {
		return templ.Attributes{"data-watch": d.Watch}
	}
	return nil
}

func goes(to string, seconds int) templ.Attributes {
	address, ok := target(to)
	if !ok {
		return nil
	}
	return templ.Attributes{"data-go": string(address), "data-after": strconv.Itoa(seconds)}
}

// refresh returns the content of the meta element that leaves the page without a script,
// or "".
func refresh(view content) string {
	switch v := view.(type) {
	case Loading:
		return "2"
	case Interrupted:
		return strconv.Itoa(v.Seconds)
	case Approval:
		return strconv.Itoa(v.Seconds)
	case Leaving:
		return refreshTo(v.Target, 0)
	case Done:
		return refreshTo(v.Target, v.Seconds)
	case ReturnAnswered:
		if v.confirmed() {
			return refreshTo(v.Target, 0)
		}
	}
	return ""
}

func refreshTo(to string, seconds int) string {
	address, ok := target(to)
	if !ok {
		return ""
	}
	return strconv.Itoa(seconds) + ";url=" + string(address)
}

// scriptless reports whether the script does not leave the page.
func scriptless(view content) bool {
	switch v := view.(type) {
	case Loading:
		return v.Events == ""
	case Interrupted:
		return true
	}
	return false
}

// target returns an address that a user may be redirected to. It allows the schemes of
// applications and rejects schemes that run a script or open local content.
func target(address string) (templ.SafeURL, bool) {
	parsed, err := url.Parse(address)
	if err != nil || address == "" {
		return "", false
	}
	switch parsed.Scheme {
	case "javascript", "vbscript", "data", "blob", "file", "about", "filesystem", "view-source":
		return "", false
	}
	return templ.SafeURL(address), true
}

// hidden is a hidden input.
type hidden struct{ name, value string }

// repeated returns parameters in a fixed order.
func repeated(parameters map[string]string) []hidden {
	var all []hidden
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		all = append(all, hidden{name, parameters[name]})
	}
	return all
}

// paragraphs returns the non-empty lines of a text.
func paragraphs(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" {
			all = append(all, line)
		}
	}
	return all
}
