package website_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/website"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/testbank"
)

// noon is a Saturday in Paris.
var noon = time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)

// world is a running test bank, with a clock that it shares with the connectors. It is no
// platformtest.World: a connector knows no database and no engine, and its requests are
// answered in place of the bank here.
type world struct {
	*platformtest.Clock
	t      *testing.T
	server *httptest.Server
	mu     sync.Mutex
	seen   []string
	// instead replaces pages of the test bank, by their path.
	instead map[string]http.HandlerFunc
	// deps are the dependencies of the connectors, except the clock.
	deps website.Deps
}

// taken returns the requests to the bank since the last call.
func (w *world) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{Clock: platformtest.NewClock(noon), t: t}
	house, err := testbank.New(testbank.Options{
		Now: w.Now, Control: true, Log: slog.New(slog.DiscardHandler), PageSize: 40, AllowPrivateFileURLs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := house.Handler()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen = append(w.seen, r.Method+" "+r.URL.Path)
		answer, other := w.instead[r.URL.Path]
		w.mu.Unlock()
		if other {
			answer(rw, r)
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) control(method, path, body string) string {
	w.t.Helper()
	request, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, text, err)
	}
	return string(text)
}

// site is one of the test bank's web sites, and how to log in there.
type site struct {
	name        string
	config      website.Config
	credentials func(login string) map[oxlin.CredentialID]oxlin.Secret
}

func secrets(pairs ...string) map[oxlin.CredentialID]oxlin.Secret {
	all := map[oxlin.CredentialID]oxlin.Secret{}
	for i := 0; i < len(pairs); i += 2 {
		all[oxlin.CredentialID(pairs[i])] = oxlin.NewSecret(pairs[i+1])
	}
	return all
}

// sites are the three of them; login is that of the default file, with scenarios.
var sites = []site{
	{
		"the test bank",
		website.Config{Recipe: "testbank", BaseURL: "/site", Fields: map[string]oxlin.CredentialID{"identifiant": "300", "motdepasse": "301", "fichier": "302"}},
		func(login string) map[oxlin.CredentialID]oxlin.Secret {
			return secrets("300", login, "301", "dev", "302", "")
		},
	},
	{
		"the site with a memorable answer",
		website.Config{Recipe: "memorable", BaseURL: "/site119", Fields: map[string]oxlin.CredentialID{"userid": "3500", "answer": "3501", "secret": "3502"}},
		func(login string) map[oxlin.CredentialID]oxlin.Secret {
			return secrets("3500", login+"-0119", "3501", "dev", "3502", "dev-0119")
		},
	},
	{
		"the demo bank",
		website.Config{Recipe: "testbank", BaseURL: "/site182", Fields: map[string]oxlin.CredentialID{"identifiant": "10001"}},
		func(login string) map[oxlin.CredentialID]oxlin.Secret {
			return secrets("10001", strings.Replace(login, "dev", "demo", 1))
		},
	},
}

// connector returns a new connector of the site, as another process would have.
func (w *world) connector(s site) *website.Connector {
	w.t.Helper()
	config := s.config
	config.BaseURL = w.server.URL + config.BaseURL
	deps := w.deps
	deps.Now = w.Now
	connector, err := website.New(config, deps)
	if err != nil {
		w.t.Fatal(err)
	}
	return connector
}

// psu is a user who is present.
var psu = &oxlin.PSU{IP: "203.0.113.7"}

func (w *world) begin(s site, login string, access bank.Access, psu *oxlin.PSU) (banktest.LoginResult, error) {
	return banktest.LogIn(w.t.Context(), w.connector(s), banktest.Login{Credentials: s.credentials(login), Access: access, PSU: psu})
}

// answer continues after a question with a new connector; it passes the credentials
// again, as the platform does.
func (w *world) answer(s site, login string, asked *bank.Question, answers ...string) (banktest.LoginResult, error) {
	w.t.Helper()
	if asked == nil {
		w.t.Fatal("there is no question")
	}
	return banktest.LogIn(w.t.Context(), w.connector(s), banktest.Login{
		Credentials: s.credentials(login), State: asked.State, Answers: secrets(answers...),
	})
}

// inside logs in and answers every question of the bank.
func (w *world) inside(s site, login string) bank.Access {
	w.t.Helper()
	result, err := w.begin(s, login, bank.Access{}, psu)
	for _, answers := range [][]string{{"304", "true"}, {"306", "123456", "307", "true"}} {
		if err != nil {
			w.t.Fatal(err)
		}
		result, err = w.answer(s, login, result.Question, answers...)
	}
	if err != nil || result.Question != nil {
		w.t.Fatalf("not inside: %v, %+v", err, result.Question)
	}
	return result.Access
}

// kindOf returns the kind of a failure, or "" for no error; an error that is not a
// failure ends the test.
func kindOf(t *testing.T, err error) bank.FailureKind {
	t.Helper()
	if err == nil {
		return ""
	}
	var failure *bank.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("%v is no failure", err)
	}
	return failure.Kind
}

// bare leaves out the details of accounts, because the suite compares accounts and the
// details contain dates.
type bare struct{ *website.Connector }

func (b bare) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	page, err := b.Connector.Accounts(ctx, call, cursor)
	for i := range page.Accounts {
		page.Accounts[i].Details = oxlin.AccountDetails{}
	}
	return page, err
}

func TestEverySitePassesTheSuite(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			banktest.Exercise(t, banktest.Subject{
				New:    func() bank.Connector { return bare{w.connector(s)} },
				Call:   bank.Call{Access: w.inside(s, "dev"), PSU: psu},
				Lost:   bank.Call{Access: bank.Access{Token: oxlin.NewSecret(`{"cookies":[{"name":"session","value":"old","path":"/"}]}`)}},
				From:   oxlin.NewDate(2026, time.August, 1),
				Logins: s.credentials("dev"),
			})
		})
	}
}

// shown holds the texts of the challenges, as an event has them.
type shown struct {
	ID, Type, Label, Regexp string
	Params                  map[string]string
}

func conversation(q *bank.Question) []shown {
	if q == nil {
		return nil
	}
	var all []shown
	for _, c := range q.Challenges {
		all = append(all, shown{string(c.ID), string(c.Type), c.Label, c.Regexp, c.Params})
	}
	return all
}

func TestReferenceConversation(t *testing.T) {
	phone := map[string]string{"phone": "0606060606"}
	offer := []shown{
		{"303", "INFO_MSG", "La connexion à Banque demande la saisie d’un code envoyé par SMS sur votre téléphone au {phone}. Souhaitez vous recevoir ce code maintenant ?", ".*", phone},
		{"304", "OK_CANCEL", "Envoyer le SMS", ".*", nil},
	}
	code := func(attempts string) []shown {
		all := []shown{{"305", "INFO_MSG", "Un code a été envoyé par SMS sur votre téléphone au {phone}.", ".*", phone}}
		if attempts != "" {
			all = append(all, shown{"309", "ERROR_MSG", "Code invalide. Encore {remaining_attempts} tentatives", ".*", map[string]string{"remaining_attempts": attempts}})
		}
		return append(all,
			shown{"306", "NUMERIC", "Code", "^[0-9]{6}$", nil},
			shown{"308", "TIMEOUT_MSG", "Il vous reste {timeout} pour valider votre code.", ".*", map[string]string{"timeout": "120"}},
			shown{"307", "OK_CANCEL", "Valider", ".*", nil})
	}
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			check := func(result banktest.LoginResult, err error, want []shown, timeout time.Duration) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, conversation(result.Question)); diff != "" {
					t.Fatalf("the question is another one:\n%s", diff)
				}
				if result.Question.Timeout != timeout {
					t.Errorf("the user has %s, want %s", result.Question.Timeout, timeout)
				}
			}
			result, err := w.begin(s, "dev+sms", bank.Access{}, psu)
			check(result, err, offer, 0)
			result, err = w.answer(s, "dev+sms", result.Question, "304", "true")
			check(result, err, code(""), 2*time.Minute)
			result, err = w.answer(s, "dev+sms", result.Question, "306", "000000", "307", "true")
			check(result, err, code("2"), 2*time.Minute)
			result, err = w.answer(s, "dev+sms", result.Question, "306", "000001", "307", "true")
			check(result, err, code("1"), 2*time.Minute)
			last := result.Question
			result, err = w.answer(s, "dev+sms", last, "306", "123456", "307", "true")
			if err != nil || result.Question != nil || result.Access.Token.IsZero() {
				t.Errorf("the right code: %v, %+v", err, result)
			}

			result, err = w.begin(s, "dev+sms", bank.Access{}, psu)
			check(result, err, offer, 0)
			result, _ = w.answer(s, "dev+sms", result.Question, "304", "true")
			for _, attempts := range []string{"2", "1"} {
				result, err = w.answer(s, "dev+sms", result.Question, "306", "000000", "307", "true")
				check(result, err, code(attempts), 2*time.Minute)
			}
			_, err = w.answer(s, "dev+sms", result.Question, "306", "000000", "307", "true")
			if kind := kindOf(t, err); kind != bank.ChallengeRejected {
				t.Errorf("the last attempt: %q", kind)
			}
		})
	}
}

// TestConversationIsThatOfTheContract looks for each label in the contract's own text.
func TestConversationIsThatOfTheContract(t *testing.T) {
	seed, err := os.ReadFile(banktest.Shared(t, 7, "seeds", "000_ef9dc948f37c8602.txt"))
	if err != nil {
		t.Fatal(err)
	}
	w := start(t)
	first, err := w.begin(sites[0], "dev", bank.Access{}, psu)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.answer(sites[0], "dev", first.Question, "304", "true")
	if err != nil {
		t.Fatal(err)
	}
	third, err := w.answer(sites[0], "dev", second.Question, "306", "000000", "307", "true")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(conversation(first.Question), conversation(third.Question)...) {
		want := `"id":"` + c.ID + "\",\n\"label\":\"" + c.Label + "\",\n\"regexp\":\"" + c.Regexp + "\",\n\"type\":\"" + c.Type + `"`
		if !strings.Contains(string(seed), want) {
			t.Errorf("the contract has no challenge %+v", c)
		}
	}
}

func TestCancelling(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			first, err := w.begin(s, "dev", bank.Access{}, psu)
			if err != nil {
				t.Fatal(err)
			}
			for _, answers := range [][]string{{"304", "false"}, {}, {"307", "true"}} {
				_, err = w.answer(s, "dev", first.Question, answers...)
				if kind := kindOf(t, err); kind != bank.ChallengeCancelled {
					t.Errorf("the answers %v: %q", answers, kind)
				}
			}
			second, err := w.answer(s, "dev", first.Question, "304", "true")
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.answer(s, "dev", second.Question, "306", "123456", "307", "false")
			if kind := kindOf(t, err); kind != bank.ChallengeCancelled {
				t.Errorf("cancelled at the code: %q", kind)
			}
		})
	}
}

// TestAnsweringTwice repeats a job that crashed after the bank received the answer and
// before we received the bank's: it starts again from the same state.
func TestAnsweringTwice(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			first, err := w.begin(s, "dev", bank.Access{}, psu)
			if err != nil {
				t.Fatal(err)
			}
			var second banktest.LoginResult
			for range 2 {
				second, err = w.answer(s, "dev", first.Question, "304", "true")
				if err != nil || len(second.Question.Challenges) != 4 {
					t.Fatalf("the code is not asked for: %v", err)
				}
			}
			for range 2 {
				inside, err := w.answer(s, "dev", second.Question, "306", "123456", "307", "true")
				if err != nil || inside.Question != nil {
					t.Fatalf("not inside: %v", err)
				}
				w.accounts(s, bank.Call{Access: inside.Access})
			}
		})
	}
}

func TestDeviceIsRememberedForNinetyDays(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			access := w.inside(s, "dev")
			for _, days := range []int{1, 1, 28, 58, 1} {
				w.Advance(time.Duration(days) * 24 * time.Hour)
				result, err := w.begin(s, "dev", access, nil)
				if err != nil || result.Question != nil {
					t.Fatalf("a night without the user, on %s: %v", w.Now(), err)
				}
				access = result.Access
			}
			w.Advance(25 * time.Hour)
			w.taken()
			_, err := w.begin(s, "dev", access, nil)
			if kind := kindOf(t, err); kind != bank.ChallengeNeeded {
				t.Errorf("after ninety days: %q", kind)
			}
			for _, request := range w.taken() {
				if strings.Contains(request, "POST") && (strings.HasSuffix(request, "/securite") || strings.HasSuffix(request, "/text-me")) {
					t.Error("an SMS was sent to a user who is not there")
				}
			}
		})
	}
}

func TestLogins(t *testing.T) {
	for _, s := range sites {
		for login, want := range map[string]bank.FailureKind{
			"dev+locked": bank.Locked, "dev+password_change": bank.PasswordExpired, "somebody": bank.CredentialsRejected,
			"dev+flying": bank.CredentialsRejected,
		} {
			t.Run(s.name+"/"+login, func(t *testing.T) {
				_, err := start(t).begin(s, login, bank.Access{}, psu)
				if kind := kindOf(t, err); kind != want {
					t.Errorf("%q, want %q", kind, want)
				}
			})
		}
		t.Run(s.name+"/new terms", func(t *testing.T) {
			w := start(t)
			result, err := w.begin(s, "dev+action_required", bank.Access{}, psu)
			if err != nil {
				t.Fatal(err)
			}
			result, err = w.answer(s, "dev", result.Question, "304", "true")
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.answer(s, "dev", result.Question, "306", "123456", "307", "true")
			if kind := kindOf(t, err); kind != bank.ActionAtBank {
				t.Errorf("%q", kind)
			}
		})
	}
}

func TestWrongPasswordIsNoticedWhileASessionLives(t *testing.T) {
	w := start(t)
	access := w.inside(sites[0], "dev")
	_, err := banktest.LogIn(t.Context(), w.connector(sites[0]), banktest.Login{
		Credentials: secrets("300", "dev", "301", "a mistyped password"), Access: access, PSU: psu,
	})
	if kind := kindOf(t, err); kind != bank.CredentialsRejected {
		t.Errorf("%q", kind)
	}
	if err != nil && strings.Contains(err.Error(), "mistyped") {
		t.Error("the error tells the password")
	}
}

func TestCodeThatComesTooLateIsOfferedAgain(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			first, _ := w.begin(s, "dev", bank.Access{}, psu)
			second, err := w.answer(s, "dev", first.Question, "304", "true")
			if err != nil {
				t.Fatal(err)
			}
			for _, late := range []time.Duration{3 * time.Minute, time.Hour} {
				w.Advance(late)
				again, err := w.answer(s, "dev", second.Question, "306", "123456", "307", "true")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(conversation(first.Question), conversation(again.Question)); diff != "" {
					t.Errorf("%s later the first question is not put again:\n%s", late, diff)
				}
			}
		})
	}
}

func TestStateOfSomebodyElse(t *testing.T) {
	w := start(t)
	for _, state := range []string{"nonsense", "[]", "{}", `{"step":"code","next":{"address":"https://elsewhere.example/"}}`, `{"step":"offer","next":{"address":"//elsewhere.example/"}}`} {
		_, err := banktest.LogIn(t.Context(), w.connector(sites[0]), banktest.Login{
			State: oxlin.NewSecret(state), Answers: secrets("304", "true", "306", "123456", "307", "true"), PSU: psu,
		})
		if err == nil {
			t.Errorf("the state %s is accepted", state)
		}
		kindOf(t, err)
	}
}

func TestFileOfTheCustomersOwn(t *testing.T) {
	w := start(t)
	file := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		io.WriteString(rw, "CREDENTIALS|zoe|s3same\nCREDENTIALS_OWNER|ZOÉ D'ÉTÉ\nCHALLENGE|SMS|654321|0639980042\n"+
			"ACCOUNT|A|111|D|10.50|Checkings||||||||USD\nTRANSACTION|-1.23456|D-1|Café crème à l'ancienne, sans sucre, merci\n"+
			"ACCOUNT|B|111|D|20|Checkings||||NAMESAKE\nACCOUNT|C||D|-30|Loans||||SANS NUMERO\n")
	}))
	defer file.Close()
	credentials := secrets("300", "zoe", "301", "s3same", "302", file.URL)
	s := sites[0]
	s.credentials = func(string) map[oxlin.CredentialID]oxlin.Secret { return credentials }
	result, err := w.begin(s, "", bank.Access{}, psu)
	if err != nil {
		t.Fatal(err)
	}
	if phone := result.Question.Challenges[0].Params["phone"]; phone != "0639980042" {
		t.Errorf("the SMS goes to %q", phone)
	}
	result, _ = w.answer(s, "", result.Question, "304", "true")
	result, err = w.answer(s, "", result.Question, "306", "654321", "307", "true")
	if err != nil || result.Question != nil {
		t.Fatalf("%v %+v", err, result.Question)
	}
	call := bank.Call{Access: result.Access}
	connector := w.connector(s)
	page, err := connector.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, account := range page.Accounts {
		ids = append(ids, account.BankID)
	}
	if diff := cmp.Diff([]string{"111", "111#2", "SANS NUMERO"}, ids); diff != "" {
		t.Errorf("the accounts are others:\n%s", diff)
	}
	rows, err := connector.Transactions(t.Context(), call, page.Accounts[0].Ref(), oxlin.NewDate(2026, 1, 1), "")
	if err != nil || len(rows.Transactions) != 1 {
		t.Fatalf("%v %+v", err, rows)
	}
	want := bank.Transaction{
		Status: oxlin.StatusBooked, Amount: -123000, Currency: "USD", BookingDate: oxlin.NewDate(2026, 11, 20), ValueDate: oxlin.NewDate(2026, 11, 20),
		Remittance: []string{"CAFÉ CRÈME À L'ANCIENNE, SANS SUCRE, MERCI"},
	}
	sameDay := cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })
	if diff := cmp.Diff(want, rows.Transactions[0], sameDay, cmpopts.IgnoreFields(bank.Transaction{}, "Raw")); diff != "" {
		t.Errorf("the row is another one:\n%s", diff)
	}
	for i, want := range []oxlin.Amount{1050000, 2000000, -3000000} {
		balance, err := connector.Balances(t.Context(), call, page.Accounts[i].Ref(), "")
		if err != nil || banktest.Shown(balance).Amount != want {
			t.Errorf("account %d: %v %v, want %v", i, banktest.Shown(balance).Amount, err, want)
		}
	}
	owner, err := connector.Owner(t.Context(), call, page)
	if err != nil || owner.Name != "ZOÉ D'ÉTÉ" {
		t.Errorf("the owner is %+v, %v", owner, err)
	}

	credentials["302"] = oxlin.NewSecret("ftp://elsewhere.example/file")
	_, err = w.begin(s, "", bank.Access{}, psu)
	if kind := kindOf(t, err); kind != bank.CredentialsRejected {
		t.Errorf("a location that cannot be read: %q", kind)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := website.Config{Recipe: "testbank", BaseURL: "https://bank.example", Fields: map[string]oxlin.CredentialID{"identifiant": "1"}}
	for name, change := range map[string]func(*website.Config){
		"recipe":   func(c *website.Config) { c.Recipe = "another" },
		"address":  func(c *website.Config) { c.BaseURL = "bank.example" },
		"scheme":   func(c *website.Config) { c.BaseURL = "ftp://bank.example" },
		"no field": func(c *website.Config) { c.Fields = nil },
		"unknown": func(c *website.Config) {
			c.Fields = map[string]oxlin.CredentialID{"identifiant": "1", "colour": "2"}
		},
		"timeout": func(c *website.Config) { c.TimeoutSeconds = -1 },
	} {
		config := good
		change(&config)
		_, err := website.New(config, website.Deps{})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := website.New(good, website.Deps{})
	if err != nil {
		t.Error(err)
	}
}
