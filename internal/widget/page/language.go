package page

import (
	"embed"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin/internal/web/language"
)

//go:embed locales
var locales embed.FS

// Texts holds the widget's texts. About a failure it has "error.<code>" for every code
// of oxlin.Catalogue, and "status.<STATUS>.title" and "status.<STATUS>.advice" for every
// channel status that is a failure.
var Texts = language.Load(locales, "locales")

// knownLabel maps a bank's text to the key of its translation.
type knownLabel struct {
	pattern *regexp.Regexp
	key     string
}

// labels are the known texts of banks. A {name} is a gap for a value of the bank.
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
	// The hint about the format would contradict the browser's date input.
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
	known("Votre mot de passe a été envoyé à votre banque, mais la connexion a été interrompue. Faut-il l’envoyer encore une fois ?", "label.login_sent"),
	known("Envoyer encore une fois", "label.login_again"),
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

// Label translates a bank's text for a credential, a question, a button or a note. An
// unknown text is returned unchanged.
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
		return Texts.Get(language, one.key, data)
	}
	return label
}
