package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales/*.json
var locales embed.FS

// defaultLanguage is spoken to whoever asks for none that we have (contract §6.3).
const defaultLanguage = "fr"

// Languages are those that have a file in locales, the default first.
var Languages = languages()

var (
	texts   = parse()
	matcher = language.NewMatcher(tags())
)

func languages() []string {
	files, err := locales.ReadDir("locales")
	if err != nil {
		panic(err) // the files are embedded: only a broken build gets here
	}
	names := []string{defaultLanguage}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		if name != defaultLanguage {
			names = append(names, name)
		}
	}
	return names
}

func tags() []language.Tag {
	var all []language.Tag
	for _, name := range Languages {
		all = append(all, language.MustParse(name))
	}
	return all
}

func parse() map[string]*i18n.Localizer {
	bundle := i18n.NewBundle(language.MustParse(defaultLanguage))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	all := map[string]*i18n.Localizer{}
	for _, name := range Languages {
		_, err := bundle.LoadMessageFileFS(locales, path.Join("locales", name+".json"))
		if err != nil {
			panic(fmt.Errorf("the texts in %s: %w", name, err)) // embedded, too
		}
		all[name] = i18n.NewLocalizer(bundle, name)
	}
	return all
}

// Match is the language to speak to a user: that of the first wish which we can
// grant, else French. A wish is a value of lng or locale ("en", "en-GB", "en_EN") or
// an Accept-Language header; the stronger come first, and empty ones do not count.
func Match(wanted ...string) string {
	for _, wish := range wanted {
		wish = strings.ReplaceAll(wish, "_", "-")
		asked, _, err := language.ParseAcceptLanguage(wish)
		if err != nil { // "en-EN" names no country, and yet a language
			wish, _, _ = strings.Cut(wish, "-")
			asked = []language.Tag{language.Make(wish)}
		}
		_, i, confidence := matcher.Match(asked...)
		if confidence > language.No {
			return Languages[i]
		}
	}
	return defaultLanguage
}

// Text is a sentence of the language's file, with the data in its gaps; where data
// has a Count, in the plural form that fits it. For a failure there are
// "error.<code>", for every code of oxlin.Catalogue, and "status.<STATUS>.title" and
// "status.<STATUS>.advice", for every channel status that is one. A key that does not
// exist gives itself.
func Text(language, key string, data map[string]any) string {
	localizer, known := texts[language]
	if !known {
		localizer = texts[defaultLanguage]
	}
	text, err := localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: data["Count"]})
	if err != nil && text == "" {
		return key
	}
	return text
}

// exists says whether there is a text with a key.
func exists(key string) bool { return Text(defaultLanguage, key, nil) != key }

// knownLabel is something that a bank asks or says, with the key of its translation.
type knownLabel struct {
	pattern *regexp.Regexp
	key     string
}

// labels are those of the banks that we know best. A {name} stands for what the bank
// fills in.
var labels = []knownLabel{
	known("User ID", "label.user_id"),
	known("Identifiant", "label.user_id"),
	known("Your identifier", "label.user_id"),
	known("Password", "label.password"),
	known("Mot de passe", "label.password"),
	known("Mot de passe (8 car. min.)", "label.password_of_8"),
	known("Accounts file location", "label.file"),
	known("Adresse du fichier de comptes", "label.file"),
	known("Adresse du fichier de comptes (facultatif)", "label.file"),
	known("Réponse mémorable", "label.memorable_answer"),
	known("Memorable answer", "label.memorable_answer"),
	known("Mot mémorable", "label.memorable_word"),
	known("Second mot de passe", "label.second_password"),
	known("Code PIN", "label.pin"),
	known("Date de naissance", "label.birth_date"),
	// A browser has its own way to write a day, and the hint would contradict it.
	known("Date de naissance (AAAA-MM-JJ)", "label.birth_date"),
	known("Code", "label.code"),
	known("Passcode", "label.code"),
	known("Code reçu par SMS", "label.code"),
	known("La connexion à Banque demande la saisie d’un code envoyé par SMS sur votre téléphone au {Phone}. Souhaitez vous recevoir ce code maintenant ?", "label.sms_offer"),
	known("Envoyer le SMS", "label.sms_send"),
	known("Un code a été envoyé par SMS sur votre téléphone au {Phone}.", "label.sms_sent"),
	known("Il vous reste {Time} pour valider votre code.", "label.sms_time"),
	known("Code invalide. Encore {Count} tentatives", "label.sms_wrong"),
	known("Valider", "label.confirm"),
	known("La connexion à votre banque demande une réponse à chacune de ces questions.", "label.questions"),
	known("Une réponse au moins est fausse. Encore {Count} tentatives", "label.questions_wrong"),
	known("Simulation: user ID {User}, memorable answer {Answer}, password {Password}, code {Code}.", "label.hint_answer"),
	known("Simulation: user ID {User}, password {Password}, code {Code}.", "label.hint_password"),
	known("Simulation: user ID {User}, code {Code}.", "label.hint_code"),
}

var gap = regexp.MustCompile(`\\\{(\w+)\\\}`)

func known(label, key string) knownLabel {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(label), `\{Count\}`, `(?P<Count>\d{1,3})`)
	return knownLabel{regexp.MustCompile("^" + gap.ReplaceAllString(pattern, "(?P<$1>.{0,40})") + "$"), key}
}

// Label translates what a bank calls a credential, a question or a button, and the
// sentences that come with them. What is not known stays as the bank says it.
func Label(language, label string) string {
	for _, one := range labels {
		found := one.pattern.FindStringSubmatch(label)
		if found == nil {
			continue
		}
		data := map[string]any{}
		for i, name := range one.pattern.SubexpNames()[1:] {
			data[name] = found[i+1]
		}
		return Text(language, one.key, data)
	}
	return label
}
