package testbank

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// rightAnswers are those of the default file's owner.
func rightAnswers() map[string]string {
	return map[string]string{"mot": "soleil", "secret": "sesame", "pin": "2468", "naissance": "29/02/1988"}
}

func TestSiteAsksFourQuestions(t *testing.T) {
	for name, wrong := range map[string]string{
		"mot": "lune", "secret": "Sesame", "pin": "1357", "naissance": "1988-02-29",
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{}).browser()
			b.signInAtSite("dev+questions", "dev")
			b.sees("form#questions")
			if b.page.Find(".essais").Length() > 0 {
				t.Error("attempts are counted before the first one")
			}
			answers := rightAnswers()
			answers[name] = wrong
			for _, left := range []string{"2", "1"} {
				b.submit("#questions", "valider", answers)
				if got := b.text(".essais"); b.status != 422 || got != left {
					t.Fatalf("HTTP %d, %q attempts left, want %s", b.status, got, left)
				}
				if given, filled := b.page.Find("#secret").Attr("value"); filled {
					t.Errorf("the page tells the password %q", given)
				}
			}
			b.open("/site/comptes")
			b.sees("form#questions")
			b.submit("#questions", "valider", answers)
			b.sees("#echec-authentification")
			b.open("/site/comptes")
			b.sees("form#connexion")
		})
	}
}

func TestSiteKnowsTheDeviceAfterTheQuestions(t *testing.T) {
	r := start(t, Options{})
	b := r.browser()
	b.signInAtSite("dev+questions", "dev")
	b.submit("#questions", "valider", map[string]string{})
	b.submit("#questions", "valider", rightAnswers())
	b.sees("#mes-comptes")
	b.open("/site/deconnexion")
	b.signInAtSite("dev+questions", "dev")
	b.sees("#mes-comptes")

	b.open("/site/deconnexion")
	b.signInAtSite("dev+questions+sms", "dev")
	b.submit("#questions", "valider", rightAnswers())
	b.open("/site/deconnexion")
	b.signInAtSite("dev+questions+sms", "dev")
	b.submit("#questions", "annuler", rightAnswers())
	b.sees("form#connexion")
	b.open("/site/comptes")
	b.sees("form#connexion")

	b.signInAtSite("dev+questions+action_required", "dev")
	b.submit("#questions", "valider", rightAnswers())
	b.sees("form#conditions")
}

func TestQuestionsTakeTheBirthDateOfTheFile(t *testing.T) {
	for file, born := range map[string]string{
		"OWNER|MADM|ZOE|ETE|01/12/1971": "01/12/1971",
		"CREDENTIALS_OWNER|ZOE ETE":     "14/07/1989",
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "CREDENTIALS|zoe|x\nSCENARIO|questions\n"+file+"\n")
		}))
		defer web.Close()
		b := start(t, Options{AllowPrivateFileURLs: true}).browser()
		b.open("/site/connexion")
		b.submit("#connexion", "", map[string]string{
			"identifiant": "zoe", "motdepasse": "x", "fichier": web.URL,
		})
		b.sees("form#questions")
		answers := rightAnswers()
		answers["naissance"] = born
		b.submit("#questions", "valider", answers)
		b.sees("#mes-comptes")
	}
}
