package website_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// asking are the sites that ask questions instead of an SMS code.
func asking() []site { return []site{sites[0], sites[2]} }

// fourQuestions are the challenges of the test bank; attempts is empty before the first
// answer.
func fourQuestions(attempts string) []oxlin.Challenge {
	ask := func(id oxlin.CredentialID, kind oxlin.CredentialType, form, label string) oxlin.Challenge {
		return oxlin.Challenge{CredentialDefinition: oxlin.CredentialDefinition{ID: id, Type: kind, Regexp: form, Label: label}}
	}
	all := []oxlin.Challenge{ask("310", "INFO_MSG", ".*", "La connexion à votre banque demande une réponse à chacune de ces questions.")}
	if attempts != "" {
		wrong := ask("311", "ERROR_MSG", ".*", "Une réponse au moins est fausse. Encore {remaining_attempts} tentatives")
		wrong.Params = map[string]string{"remaining_attempts": attempts}
		all = append(all, wrong)
	}
	secret := ask("314", "PWD", ".+", "Second mot de passe")
	secret.Encrypt = true
	return append(all,
		ask("313", "TEXT", ".+", "Mot mémorable"),
		secret,
		ask("315", "NUMERIC_PWD", "^(?:[0-9]{4})$", "Code PIN"),
		ask("316", "DATE", "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "Date de naissance (AAAA-MM-JJ)"),
		ask("312", "OK_CANCEL", ".*", "Valider"))
}

// right returns the answers to the four questions, with some of them changed.
func right(changed ...string) []string {
	answers := []string{"313", "soleil", "314", "sesame", "315", "2468", "316", "1988-02-29", "312", "true"}
	return append(answers, changed...)
}

func sameQuestion(t *testing.T, result banktest.LoginResult, err error, want []oxlin.Challenge) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if result.Question == nil {
		t.Fatal("nothing is asked")
	}
	if diff := cmp.Diff(want, result.Question.Challenges); diff != "" {
		t.Fatalf("the question is another one:\n%s", diff)
	}
}

func TestQuestionsOfEveryType(t *testing.T) {
	for _, s := range asking() {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			result, err := w.begin(s, "dev+questions", bank.Access{}, psu)
			sameQuestion(t, result, err, fourQuestions(""))
			result, err = w.answer(s, "dev+questions", result.Question, right("314", "simsim")...)
			sameQuestion(t, result, err, fourQuestions("2"))
			result, err = w.answer(s, "dev+questions", result.Question, right()...)
			if err != nil || result.Question != nil {
				t.Fatalf("not inside: %v, %+v", err, result.Question)
			}
			if accounts := w.accounts(s, bank.Call{Access: result.Access}); len(accounts) != 5 {
				t.Errorf("there are %d accounts", len(accounts))
			}

			// The bank now recognises the device: a night without the user.
			w.Advance(24 * time.Hour)
			result, err = w.begin(s, "dev+questions", result.Access, nil)
			if err != nil || result.Question != nil {
				t.Errorf("the next night: %v, %+v", err, result.Question)
			}
		})
	}
}

func TestEveryAnswerCounts(t *testing.T) {
	for _, wrong := range [][]string{
		{"313", "lune"}, {"314", ""}, {"315", "0000"}, {"316", "1988-03-01"}, {"316", "1988-02-30"}, {"316", ""},
	} {
		t.Run(strings.Join(wrong, " "), func(t *testing.T) {
			w := start(t)
			s := sites[0]
			result, err := w.begin(s, "dev+questions", bank.Access{}, psu)
			sameQuestion(t, result, err, fourQuestions(""))
			for _, left := range []string{"2", "1"} {
				result, err = w.answer(s, "dev+questions", result.Question, right(wrong...)...)
				sameQuestion(t, result, err, fourQuestions(left))
			}
			last := result.Question
			_, err = w.answer(s, "dev+questions", last, right(wrong...)...)
			if kind := kindOf(t, err); kind != bank.ChallengeRejected {
				t.Errorf("the last attempt: %q", kind)
			}
			result, err = w.answer(s, "dev+questions", last, right()...)
			sameQuestion(t, result, err, fourQuestions("")) // a session of its own
		})
	}
}

func TestQuestionsThatAreNotAnswered(t *testing.T) {
	for _, s := range asking() {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			_, err := w.begin(s, "dev+questions", bank.Access{}, nil)
			if kind := kindOf(t, err); kind != bank.ChallengeNeeded {
				t.Errorf("without the user: %q", kind)
			}
			asked, err := w.begin(s, "dev+questions", bank.Access{}, psu)
			sameQuestion(t, asked, err, fourQuestions(""))
			for _, answers := range [][]string{{"312", "false"}, {}, right("312", "false"), {"304", "true"}} {
				_, err = w.answer(s, "dev+questions", asked.Question, answers...)
				if kind := kindOf(t, err); kind != bank.ChallengeCancelled {
					t.Errorf("the answers %v: %q", answers, kind)
				}
			}
			for _, request := range w.taken() {
				if strings.HasPrefix(request, "POST") && strings.HasSuffix(request, "/questions") {
					t.Error("answers were sent that nobody gave")
				}
			}

			// Answered twice, as after a crash, and after the site has ended the
			// session.
			for range 2 {
				result, err := w.answer(s, "dev+questions", asked.Question, right()...)
				if err != nil || result.Question != nil {
					t.Fatalf("not inside: %v", err)
				}
			}
			w.Advance(time.Hour)
			result, err := w.answer(s, "dev+questions", asked.Question, right()...)
			sameQuestion(t, result, err, fourQuestions(""))
			result, err = w.answer(s, "dev+questions", result.Question, right()...)
			if err != nil || result.Question != nil {
				t.Errorf("asked again: %v, %+v", err, result.Question)
			}
		})
	}
}

// TestQuestionsAsTheFormTellsThem reads forms that the test bank does not have: the
// attributes of an input become its challenge.
func TestQuestionsAsTheFormTellsThem(t *testing.T) {
	for form, want := range map[string][]oxlin.CredentialDefinition{
		`<label for="a">Un "mot"</label><input id="a" name="a"><input type="submit" name="ok">`: {
			{Label: `Un "mot"`, Type: "TEXT", Regexp: ".+"},
		},
		`<label for="x'">Jour</label><input id="x'" name="j" data-date="jj/mm/aaaa"><input name="n" inputmode="numeric"><input name="m" pattern="oui|non">`: {
			{Label: "Jour (AAAA-MM-JJ)", Type: "DATE", Regexp: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"},
			{Type: "NUMERIC", Regexp: "^[0-9]+$"},
			{Type: "TEXT", Regexp: "^(?:oui|non)$"},
		},
		`<input name="p" type="PASSWORD" inputmode="numeric">`: {{Type: "NUMERIC_PWD", Regexp: "^[0-9]+$"}},
		`<input name="d" data-date="aaaa">`:                    nil,
		`<input name="c" type="checkbox">`:                     nil,
		`<select name="s"><option>1</option></select>`:         nil,
		`<textarea name="t"></textarea>`:                       nil,
		`<input type="hidden" name="jeton" value="1">`:         nil,
	} {
		w := start(t)
		w.instead = map[string]http.HandlerFunc{"/site/questions": func(rw http.ResponseWriter, _ *http.Request) {
			io.WriteString(rw, `<form id="questions" method="post" action="/site/questions">`+form+`<button name="choix" value="valider">OK</button></form>`)
		}}
		result, err := w.begin(sites[0], "dev+questions", bank.Access{}, psu)
		if want == nil {
			if kind := kindOf(t, err); kind != bank.Nonsense {
				t.Errorf("%s: %q", form, kind)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		var got []oxlin.CredentialDefinition
		for _, c := range result.Question.Challenges {
			if !c.Type.IsMessage() && c.Type != oxlin.CredentialOKCancel {
				c.ID = ""
				got = append(got, c.CredentialDefinition)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
}
