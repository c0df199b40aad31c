package page_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// picture is a view in one of its states.
type picture struct {
	name string
	view page.View
}

const self = "/widget/add_connection?flow=7&session_id=S_x-1&lng=fr"

var (
	bank = page.Bank{ID: "87", Name: "Linxo Test Bank"}
	paid = time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC) // the 21st in Paris

	accounts = []page.AccountLine{
		{ID: 11, Name: "Compte chèques", Number: "•••• 4412", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Chosen: true},
		{ID: 12, Name: "Compte joint M. et Mme Martin", Number: "•••• 9021", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Chosen: true},
		{ID: 13, Name: "Livret A", Number: "•••• 7730", Type: oxlin.AccountSavings, Usage: oxlin.UsagePersonal},
		{ID: 14, Name: "Carte Premier", Number: "•••• 1187", Type: oxlin.AccountCreditCard, Usage: oxlin.UsageProfessional, Chosen: true},
	}

	earlier = []page.Earlier{
		{ID: 21, Name: "Linxo Test Bank", Accounts: []string{"•••• 4412", "•••• 9021"}, States: []page.ChannelChoice{{Used: true, Status: oxlin.ChannelSuccess, Until: paid}}},
		{ID: 22, Name: "Compte de Paul", Accounts: []string{"•••• 1", "•••• 2", "•••• 3", "•••• 4"}, States: []page.ChannelChoice{
			{Used: true, Status: oxlin.ChannelTokenExpired}, {Used: true, Status: oxlin.ChannelSuccess},
		}},
	}

	credentials = []page.Field{
		{ID: "300", Label: "User ID", Type: oxlin.CredentialText},
		{ID: "301", Label: "Password", Type: oxlin.CredentialPassword, Encrypt: true},
		{ID: "302", Label: "Accounts file location", Type: oxlin.CredentialText, Optional: true},
	}

	byRedirect = page.Agreement{Mode: oxlin.ModeRedirect, Data: oxlin.DataOfAccounts(), Until: paid}
	byLogin    = page.Agreement{Mode: oxlin.ModeEmbedded, Data: append(oxlin.DataOfAccounts(), oxlin.DataOfCustomers()...)}
	both       = []page.Agreement{byRedirect, byLogin}

	banks = []page.Bank{
		bank,
		{ID: "1", Name: "BNP Paribas"}, {ID: "2", Name: "Crédit Agricole", Branch: "Languedoc"},
		{ID: "3", Name: "Société Générale"}, {ID: "4", Name: "La Banque Postale"}, {ID: "5", Name: "Caisse d’Épargne", Branch: "Île-de-France"},
		{ID: "6", Name: "LCL"}, {ID: "9", Name: "Boursorama"}, {ID: "12", Name: "Crédit Mutuel de Bretagne"},
		{ID: "119", Name: "HSBC"}, {ID: "182", Name: "Demo Bank"}, {ID: "13", Name: "La Caisse régionale de crédit maritime mutuel", Branch: "Littoral du Sud-Ouest"},
	}
)

// changed returns a copy of fields with one change.
func changed(fields []page.Field, i int, change func(*page.Field)) []page.Field {
	all := append([]page.Field(nil), fields...)
	change(&all[i])
	return all
}

// gallery has every view in each of its visual states.
func gallery() []picture {
	hidden := map[string]string{"session_id": "S_x-1", "flow": "7", "lng": "fr"}
	sms := page.Challenge{
		Bank: bank, Question: "55", Hint: "Simulation: user ID dev, password dev, code 123456.", OK: "307", Label: "Valider", Seconds: 120, Key: "/widget/key?session_id=S",
		Notes:  []page.Note{{Text: "Un code a été envoyé par SMS sur votre téléphone au 06******12."}},
		Fields: []page.Field{{ID: "306", Label: "Code", Type: oxlin.CredentialNumeric}},
	}
	wrongSMS := sms
	wrongSMS.Notes = append([]page.Note{{Text: "Code invalide. Encore 2 tentatives", Error: true}}, sms.Notes...)
	emptySMS := sms
	emptySMS.Fields = changed(sms.Fields, 0, func(f *page.Field) { f.Problem = "missing" })
	wrongEmptySMS := wrongSMS
	wrongEmptySMS.Fields = emptySMS.Fields
	questions := page.Challenge{Bank: bank, Question: "56", OK: "312", Label: "Valider", Key: "/k", Notes: []page.Note{{Text: "La connexion à votre banque demande une réponse à chacune de ces questions."}}, Fields: []page.Field{
		{ID: "320", Label: "Mot mémorable", Type: oxlin.CredentialText}, {ID: "321", Label: "Second mot de passe", Type: oxlin.CredentialPassword, Encrypt: true},
		{ID: "322", Label: "Code PIN", Type: oxlin.CredentialNumericPassword, Encrypt: true}, {ID: "323", Label: "Date de naissance (AAAA-MM-JJ)", Type: oxlin.CredentialDate},
	}}
	wrongAnswers := questions
	wrongAnswers.Notes = append([]page.Note{{Text: "Une réponse au moins est fausse. Encore 2 tentatives", Error: true}}, questions.Notes...)
	wrongEmptyAnswers := wrongAnswers
	wrongEmptyAnswers.Fields = changed(questions.Fields, 1, func(f *page.Field) { f.Problem = "missing" })
	all := []picture{
		{"banks", page.Banks{Banks: banks, Hidden: hidden, Next: self + "&from=12"}},
		{"banks-searched", page.Banks{Query: "credi", Banks: banks[2:4], Hidden: hidden}},
		{"banks-none", page.Banks{Query: "Bnaque de Frrance", Hidden: hidden}},
		{"banks-empty", page.Banks{Hidden: hidden}},
		{"banks-unavailable", page.Banks{Banks: banks, Hidden: hidden, Unavailable: "Crédit Agricole"}},
		{"channels", page.Channels{Bank: bank, Choices: []page.ChannelChoice{
			{ID: "8701", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCreditCard}},
			{ID: "8700", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}},
		}}},
		{"channels-used", page.Channels{Bank: bank, Choices: []page.ChannelChoice{
			{ID: "8701", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCreditCard}, Used: true, Status: oxlin.ChannelSuccess, Until: paid},
			{ID: "8702", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings}, Used: true, Status: oxlin.ChannelTokenExpired, Until: paid},
			{ID: "8703", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings}, Used: true, Status: oxlin.ChannelRunning},
			{ID: "8700", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}, Used: true, Status: oxlin.ChannelSuccess},
		}}},
		{"channels-again", page.Channels{Bank: bank, Earlier: earlier[:1], Choices: []page.ChannelChoice{
			{ID: "8701", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings}},
			{ID: "8700", Mode: oxlin.ModeEmbedded, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings}},
		}}},
		{"notice", page.Notice{Bank: bank, NoCurrentAccount: true}},
		{"notice-again", page.Notice{Bank: bank, NoCurrentAccount: true, Earlier: earlier}},
		{"notice-tab", page.Notice{Bank: bank, NoCurrentAccount: true, NewTab: true, Progress: "/widget/events?flow=7"}},
		{"notice-renewal", page.Notice{Bank: bank, Renewal: true}},
		{"leaving", page.Leaving{Bank: bank, Target: "https://bank.example/authorize?state=a&b=c"}},
		{"login", page.Login{Bank: bank, Fields: credentials, Key: "/widget/key?session_id=S", Attempt: "a1", Hint: "Simulation: user ID dev, password dev, code 123456."}},
		{"login-again", page.Login{Bank: bank, Fields: credentials, Attempt: "a1", Earlier: earlier[:1]}},
		{"login-all-types", page.Login{Bank: bank, Attempt: "a1", Fields: []page.Field{
			{ID: "1", Label: "Numéro client", Type: oxlin.CredentialNumeric},
			{ID: "2", Label: "Code PIN", Type: oxlin.CredentialNumericPassword, Encrypt: true},
			{ID: "3", Label: "Date de naissance", Type: oxlin.CredentialDate},
			{ID: "4", Label: "Réponse mémorable", Type: oxlin.CredentialPassword},
			{ID: "5", Label: "Agence", Type: oxlin.CredentialText, Optional: true},
		}}},
		{"login-update", page.Login{Bank: bank, Update: true, Attempt: "a2", Fields: changed(changed(credentials,
			0, func(f *page.Field) { f.Masked = "**mo" }), 1, func(f *page.Field) { f.Masked = "********" })}},
		{"login-fields", page.Login{Bank: bank, Attempt: "a3", Fields: changed(changed(credentials,
			0, func(f *page.Field) { f.Problem, f.Value = "form", "de mo" }), 1, func(f *page.Field) { f.Problem, f.Value = "missing", "not to be seen" })}},
		{"file", page.File{Bank: bank, Data: oxlin.DataOfFiles(), Sending: "0", Connect: true}},
		{"file-large", page.File{Data: oxlin.DataOfFiles(), Sending: "0", Problem: "large"}},
		{"file-mapping", page.File{
			Bank: bank, Data: oxlin.DataOfFiles(), Sending: "1", Asks: "mapping", Mapping: `{"format":"CSV"}`, Sample: [][]string{{"03/04/2026", "BOULANGER", "-12,50"}},
			Questions: []page.FileQuestion{
				{Name: "order", Kind: "order", Options: []page.FileOption{{Value: "DMY"}, {Value: "MDY"}, {Value: "YMD"}}},
				{Name: "decimal", Kind: "decimal", Options: []page.FileOption{{Value: ",", Chosen: true}, {Value: "."}}},
				{Name: "column-0", Kind: "column", Column: 1, Title: "Date", Options: []page.FileOption{{Value: ""}, {Value: "day", Chosen: true}}},
			},
		}},
		{"file-account", page.File{Bank: bank, Data: oxlin.DataOfFiles(), Sending: "1", Asks: "account", Questions: []page.FileQuestion{
			{Name: "account", Kind: "account", Options: []page.FileOption{{Chosen: true}, {Value: "11", Text: "Compte chèques"}, {Value: "new"}}},
		}}},
		{"done-file", page.Done{Status: "success", Result: "created", File: true, Target: "https://client.example/back", Seconds: 3}},
		{"loading", page.Loading{Bank: bank, Progress: page.Progress{Step: "login"}, Events: "/widget/events?flow=7"}},
		{"loading-late", page.Loading{Bank: bank, Progress: page.Progress{Step: "login"}, Late: true}},
		{"loading-late-consented", page.Loading{Bank: bank, Progress: page.Progress{Step: "transactions", Done: 2, Total: 5}, Late: true, Consented: true}},
		{"loading-accounts", page.Loading{Bank: bank, Progress: page.Progress{Step: "accounts"}}},
		{"loading-transactions", page.Loading{Bank: bank, Progress: page.Progress{Step: "transactions", Done: 2, Total: 5, Transactions: 318}, Events: "/widget/events?flow=7"}},
		{"challenge", sms},
		{"challenge-offer", page.Challenge{Bank: bank, Question: "54", OK: "304", Label: "Envoyer le SMS", Notes: []page.Note{{Text: "La connexion à Banque demande la saisie d’un code envoyé par SMS sur votre téléphone au 06******12. Souhaitez vous recevoir ce code maintenant ?"}}}},
		{"challenge-wrong", wrongSMS},
		{"challenge-empty", emptySMS},
		{"challenge-wrong-empty", wrongEmptySMS},
		{"challenge-questions", questions},
		{"challenge-wrong-answer", wrongAnswers},
		{"challenge-wrong-answer-empty", wrongEmptyAnswers},
		{"challenge-unnamed", page.Challenge{Bank: bank, OK: "1", Question: "1"}},
		{"consent", page.Consent{Bank: bank, Accounts: accounts, Agreement: byRedirect}},
		{"consent-renewal", page.Consent{Bank: bank, Accounts: accounts[:1], Agreement: byLogin, Renewal: true}},
		{"consent-own", page.Consent{Bank: bank, Accounts: accounts[:2], Header: "Our own words", Body: "First line.\n\nSecond line.", Agreement: byRedirect}},
		{"accounts", page.Accounts{Bank: bank, Accounts: accounts, Agreements: both}},
		{"accounts-none", page.Accounts{Bank: bank, Accounts: accounts, Agreements: both[:1], Problem: "none"}},
		{"accounts-manage", page.Accounts{Bank: bank, Accounts: accounts, Manage: true, Shared: true, Agreements: both}},
		{"accounts-renewal", page.Accounts{Bank: bank, Accounts: accounts, Shared: true, Agreements: both[:1]}},
		{"accounts-own", page.Accounts{Bank: bank, Accounts: accounts, Header: "Our own words", Body: "First line.\nSecond line.", Agreements: both[1:]}},
		{"offer", page.Offer{Bank: bank, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}, Seconds: 12}},
		{"offer-patient", page.Offer{Bank: bank, AccountTypes: []oxlin.AccountType{oxlin.AccountSavings}}},
		{"terms", page.Terms{Version: "2026-12", Text: "/widget/terms-text"}},
		{"terms-missing", page.Terms{Version: "2026-12", Missing: true, Text: "/widget/terms-text"}},
		{"terms-text", page.TermsText{Version: "2026-12"}},
		{"professional", page.Professional{Accounts: accounts[3:]}},
		{"failed", page.Failed{Bank: bank, Reason: string(oxlin.ChannelFailed), Retry: true}},
		{"failed-for-good", page.Failed{Bank: bank, Reason: string(oxlin.CodeBankError)}},
		{"back", page.BackFromBank{Status: "success"}},
		{"back-cancelled", page.BackFromBank{Status: "cancelled"}},
		{"back-error", page.BackFromBank{Status: "error"}},
		{"elsewhere", page.BackFromBank{Status: "success", Elsewhere: true}},
		{"elsewhere-cancelled", page.BackFromBank{Status: "cancelled", Elsewhere: true}},
		{"elsewhere-error", page.BackFromBank{Status: "error", Elsewhere: true}},
		{"confirm", page.ConfirmReturn{Bank: bank, BegunAt: paid, Until: paid.Add(10 * time.Minute), Device: "computer: Firefox, Windows", Here: "phone: Safari, iOS"}},
		{"confirm-unknown", page.ConfirmReturn{Bank: bank, BegunAt: paid, Until: paid.Add(10 * time.Minute)}},
		{"answered", page.ReturnAnswered{Bank: bank, Status: "success"}},
		{"answered-on", page.ReturnAnswered{Bank: bank, Status: "success", Target: "https://client.example/bank?a=1"}},
		{"answered-no", page.ReturnAnswered{Bank: bank, Status: "cancelled", Unconfirmed: "not_confirmed"}},
		{"answered-late", page.ReturnAnswered{Bank: bank, Status: "error", Unconfirmed: "not_answered", Target: "https://client.example/back?status=error"}},
		{"ask-elsewhere", page.AskElsewhere{Target: "/oauth2/aisp?ask=S"}},
		{"interrupted", page.Interrupted{Seconds: 3}},
		{"unusable", page.Unusable{Reason: string(oxlin.CodeInvalidToken), RequestID: "01JD9Q", Detail: "The address in cancel_url is not registered for this client."}},
	}
	for _, problem := range []string{"refused", "bank_error", "provider_unavailable", "quota_exhausted", "not_confirmed", "not_answered", "unheard_of"} {
		all = append(all, picture{"notice-" + problem, page.Notice{Bank: bank, Problem: problem, NoCurrentAccount: true}})
	}
	for _, problem := range failures() {
		all = append(all, picture{"login-" + problem, page.Login{Bank: bank, Fields: credentials, Attempt: "a", Problem: problem}},
			picture{"failed-" + problem, page.Failed{Bank: bank, Reason: problem, Retry: true}})
	}
	for _, ending := range [][2]string{
		{"success", "created"}, {"success", "updated"}, {"success", "validated"}, {"success", "refused"}, {"cancelled", "cancelled"},
		{"error", "expired"}, {"error", "invalid_provider"}, {"error", "invalid_channel_definition"}, {"error", "insufficient_scope"},
		{"error", "agreement_required"}, {"error", "bank_error"}, {"error", "auth_failed"}, {"error", "connection_deleted"}, {"error", "unheard_of"},
	} {
		all = append(all, picture{"done-" + ending[1], page.Done{Status: ending[0], Result: ending[1], Target: "https://client.example/back?a=1&status=" + ending[0], Seconds: 3}})
	}
	return append(all, picture{"done-here", page.Done{Status: "success", Result: "created"}})
}

// failures are the failed channel statuses.
func failures() []string {
	var all []string
	for _, status := range []oxlin.ChannelStatus{
		oxlin.ChannelAuthFailed, oxlin.ChannelTooManyAttempts, oxlin.ChannelPasswordChangeRequired, oxlin.ChannelTokenExpired,
		oxlin.ChannelChallengeRequired, oxlin.ChannelChallengeTimedOut, oxlin.ChannelChallengeFailed, oxlin.ChannelChallengeCancelled,
		oxlin.ChannelUserActionRequired, oxlin.ChannelFailed,
	} {
		all = append(all, string(status))
	}
	return all
}

func frame(language string) page.Frame {
	return page.Frame{
		Language: language, Client: "Budget Malin", Self: self,
		Messages: []page.Message{{EventName: "WIDGET_LOGIN"}}, Origins: []string{"https://client.example"},
	}
}

// TestGallery writes every page into a directory for inspection.
func TestGallery(t *testing.T) {
	directory := os.Getenv("OXLIN_PAGES_DIR")
	if directory == "" {
		t.Skip("OXLIN_PAGES_DIR is not set")
	}
	for _, language := range page.Texts.Languages() {
		for _, one := range gallery() {
			content := draw(t, frame(language), one.view)
			err := os.WriteFile(filepath.Join(directory, fmt.Sprintf("%s.%s.html", one.name, language)), []byte(content), 0o644)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func draw(t *testing.T, frame page.Frame, view page.View) string {
	t.Helper()
	var content bytes.Buffer
	err := page.Render(t.Context(), &content, frame, view)
	if err != nil {
		t.Fatal(err)
	}
	return content.String()
}
