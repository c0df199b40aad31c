package page_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

func TestEveryFailureHasItsSentence(t *testing.T) {
	for _, language := range page.Texts.Languages() {
		var asked []string
		for code := range oxlin.Catalogue {
			asked = append(asked, "error."+string(code))
		}
		for _, status := range failures() {
			asked = append(asked, "status."+status+".title", "status."+status+".advice")
		}
		for _, key := range asked {
			if got := page.Texts.Get(language, key, nil); got == key || got == "" || strings.Contains(got, "<no value>") {
				t.Errorf("%s: %s gives %q", language, key, got)
			}
		}
	}
}

func TestTextsWithNumbers(t *testing.T) {
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
	} {
		if got := page.Texts.Get(c.language, c.key, c.data); got != c.want {
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
			if got := draw(t, frame(language), page.Consent{Bank: bank, Agreement: page.Agreement{Mode: oxlin.ModeRedirect, Until: c.at}}); !strings.Contains(got, " "+want+".") {
				t.Errorf("%s in %s is not shown as %s", c.at, language, want)
			}
		}
	}
}
