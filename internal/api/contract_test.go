package api_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// The rows are the skeletons of the contract's Appendix A, member by member and
// in its order, and the cases that it describes in words (contract §4, §11).
func TestShapes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user)
		current := w.account(t, c)
		pending := w.account(t, c, func(a *oxlin.Account) { a.Status, a.Name = oxlin.AccountPendingConsent, "LIVRET A" })
		manual := w.account(t, c, func(a *oxlin.Account) {
			*a = oxlin.Account{UserID: user, Name: "Tirelire", Type: oxlin.AccountSavings, Status: oxlin.AccountManual, Usage: oxlin.UsagePersonal, Currency: "EUR", Balance: amountPointer(t, "0.00001"), BalanceAt: now, CreatedAt: now}
		})
		left := 12
		loan := w.account(t, c, func(a *oxlin.Account) {
			*a = oxlin.Account{
				UserID: user, ConnectionID: c.ID, Type: oxlin.AccountLoan, Status: oxlin.AccountActive, Currency: "EUR", Balance: amountPointer(t, "-1000"), BalanceAt: now, CreatedAt: now,
				Details: oxlin.AccountDetails{Loan: &oxlin.LoanDetails{
					Amount: amountPointer(t, "5000"), RemainingCapital: amountPointer(t, "1000.1"), Rate: amountPointer(t, "1.75"), StartDate: oxlin.NewDate(2021, 12, 20),
					EndDate: oxlin.NewDate(2027, 7, 1), InstalmentAmount: amountPointer(t, "99.99"), NextInstalmentDate: oxlin.NewDate(2026, 12, 1), InstalmentsLeft: &left,
				}},
			}
		})
		card := w.account(t, c, func(a *oxlin.Account) {
			*a = oxlin.Account{
				UserID: user, ConnectionID: c.ID, Name: "VISA", Type: oxlin.AccountCreditCard, Status: oxlin.AccountActive, Usage: oxlin.UsageProfessional, Currency: "EUR",
				Balance: amountPointer(t, "0"), BalanceAt: now, CreatedAt: now, MaskedNumber: "XXXX1234",
				Details: oxlin.AccountDetails{CreditCard: &oxlin.CardDetails{DebitType: "DEFERRED", NextDebitDate: oxlin.NewDate(2026, 12, 1), NextDebitAmount: amountPointer(t, "-288"), LinkedAccountID: current, MaskedNumber: "XXXX1234"}},
			}
		})
		unread := w.account(t, c, func(a *oxlin.Account) { a.Status, a.Balance, a.BalanceAt = oxlin.AccountError, nil, time.Time{} })
		told := w.account(t, c, func(a *oxlin.Account) {
			a.Balances = []oxlin.Balance{
				{Type: oxlin.BalanceBooked, Amount: amount(t, "1234.5"), Currency: "EUR", Date: oxlin.NewDate(2021, 12, 14)},
				{Type: oxlin.BalanceCreditLimit, Amount: amount(t, "500"), Currency: "EUR"},
			}
			a.Coverage = oxlin.Coverage{
				From: oxlin.NewDate(2021, 12, 1), Gap: oxlin.GapUnreadable, UnreadableRows: 2, LastCompleteAt: time.Unix(1639400000, 0),
			}
		})
		imported := time.Unix(1639824605, 0)
		w.transactions(t, user, imported, oxlin.Transaction{
			AccountID: current, Amount: amount(t, "-4"), Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction,
			Category: oxlin.Uncategorized, Date: oxlin.NewDate(2021, 12, 17), BookingDate: oxlin.NewDate(2021, 12, 17), ValueDate: oxlin.NewDate(2021, 12, 17),
			Label: "BANK FEE", Remittance: []string{"BANK FEE"},
		}, oxlin.Transaction{
			AccountID: current, Amount: amount(t, "-79.99"), Currency: "EUR", Type: oxlin.TypeDirectDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction,
			Category: "SERVICES", Date: oxlin.NewDate(2021, 12, 20), BookingDate: oxlin.NewDate(2021, 12, 20), ValueDate: oxlin.NewDate(2021, 12, 20),
			Label: "Telecom Co", Notes: "LINE 1\nLINE 2", SourceLabel: "Telecom Co", Remittance: []string{"LINE 1", "LINE 2"},
		}, oxlin.Transaction{
			AccountID: current, Amount: amount(t, "-20"), Currency: "USD", Type: oxlin.TypeCheck, Status: oxlin.StatusPending, Origin: oxlin.OriginUpcoming,
			Category: "TELECOM", Date: oxlin.NewDate(2021, 12, 20), BookingDate: oxlin.NewDate(2021, 12, 21), ValueDate: oxlin.NewDate(2021, 12, 22),
			TransactionDate: oxlin.NewDate(2021, 12, 23), Label: "label", Notes: "notes", SourceLabel: "source", Remittance: []string{"line"}, CheckNumber: "0000123",
			Counterparty: "not shown", MissingSince: oxlin.NewDate(2021, 12, 24),
		})

		for _, row := range []struct{ fact, path, want string }{
			{"a connection shows all channels of its provider; EMPTY ones without dates and credentials", "/connections/" + c.ID.String(),
				`{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"SUCCESS","creation_date":1639500100,"auto_sync":true,"logo_url":"https://static.example.test/87.png","channels":[{"channel_definition_id":"8701","mode":"REDIRECT","expires":1647276100,"status":"SUCCESS","last_success_date":1639500110,"last_end_date":1639500110,"credentials":[],"account_types":["CHECKINGS","CREDIT_CARD"],"channel_definition_unavailable":false,"remaining_refreshes":4},{"channel_definition_id":"8700","mode":"EMBEDDED","status":"EMPTY","account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"eligible_accounts":false,"channel_definition_unavailable":false}],"owner":{"name":"JO DOE"},"consent_per_account":false,"user_id":"1"}`},
			{"an account, with both usage and classification", "/accounts/" + current.String(),
				`{"id":"1","connection_id":"1","name":"COMPTE COURANT","currency":"EUR","balance":1234.5,"balance_date":1639500110,"iban":"FR7630004000031234567890143","status":"ACTIVE","type":"CHECKINGS","creation_date":1639500105,"account_number":"12345678901","owner":{"name":"JO DOE"},"usage":"PERSONAL","classification":"PERSONAL","last_channel_definition_id":"8701"}`},
			{"an account that waits for a consent shows what deciding needs", "/accounts/" + pending.String(),
				`{"id":"2","connection_id":"1","name":"LIVRET A","currency":"EUR","status":"PENDING_CONSENT","type":"CHECKINGS","creation_date":1639500105,"account_number":"*******8901"}`},
			{"an account kept by hand, and the smallest amount", "/accounts/" + manual.String(),
				`{"id":"3","name":"Tirelire","currency":"EUR","balance":0.00001,"balance_date":1795255200,"status":"MANUAL","type":"SAVINGS","creation_date":1795255200,"account_number":"3","usage":"PERSONAL","classification":"PERSONAL"}`},
			{"a loan without a name", "/accounts/" + loan.String(),
				`{"id":"4","connection_id":"1","name":"Prêt 0004","currency":"EUR","balance":-1000,"balance_date":1795255200,"status":"ACTIVE","type":"LOAN","creation_date":1795255200,"account_number":"4","loan":{"amount":5000,"remaining_capital":1000.1,"rate":1.75,"start_date":1639954800,"end_date":1814392800,"instalment_amount":99.99,"next_instalment_date":1796079600,"instalments_left":12,"initial_balance":5000,"interest":1.75,"next_payment":{"amount":99.99,"due_date":1796079600}}}`},
			{"a card, which has a masked number only", "/accounts/" + card.String(),
				`{"id":"5","connection_id":"1","name":"VISA","currency":"EUR","balance":0,"balance_date":1795255200,"status":"ACTIVE","type":"CREDIT_CARD","creation_date":1795255200,"account_number":"XXXX1234","usage":"PROFESSIONAL","classification":"PROFESSIONAL","credit_card":{"debit_type":"DEFERRED","next_debit_date":1796079600,"next_debit_amount":-288,"linked_account_id":"1","masked_number":"XXXX1234","payable_account_id":"1","next_payment":{"amount":-288,"due_date":1796079600}}}`},
			{"an account whose balance no bank has given", "/accounts/" + unread.String(),
				`{"id":"6","connection_id":"1","name":"COMPTE COURANT","currency":"EUR","iban":"FR7630004000031234567890143","status":"ERROR","type":"CHECKINGS","creation_date":1639500105,"account_number":"12345678901","owner":{"name":"JO DOE"},"usage":"PERSONAL","classification":"PERSONAL","last_channel_definition_id":"8701"}`},
			{"an account with several balances whose last reading is not complete", "/accounts/" + told.String(),
				`{"id":"7","connection_id":"1","name":"COMPTE COURANT","currency":"EUR","balance":1234.5,"balance_date":1639500110,"balances":[{"type":"BOOKED","amount":1234.5,"currency":"EUR","date":1639436400},{"type":"CREDIT_LIMIT","amount":500,"currency":"EUR"}],"coverage":{"from":1638313200,"complete":false,"unreadable_rows":2,"last_complete_date":1639400000},"iban":"FR7630004000031234567890143","status":"ACTIVE","type":"CHECKINGS","creation_date":1639500105,"account_number":"12345678901","owner":{"name":"JO DOE"},"usage":"PERSONAL","classification":"PERSONAL","last_channel_definition_id":"8701"}`},
			{"a transaction that cleaning left as it was", "/transactions/" + long("1"),
				`{"id":"1","currency":"EUR","origin":"TRANSACTION","label":"BANK FEE","account_id":"1","amount":-4,"type":"DEBIT","category_id":"UNCATEGORIZED","date":1639695600,"import_date":1639824605,"value_date":1639695600,"status":"BOOKED","booking_date":1639695600,"remittance_information":["BANK FEE"]}`},
			{"a transaction that was cleaned", "/transactions/" + long("2"),
				`{"id":"2","currency":"EUR","origin":"TRANSACTION","label":"Telecom Co","notes":"LINE 1\nLINE 2","account_id":"1","amount":-79.99,"type":"DIRECT_DEBIT","category_id":"SERVICES","date":1639954800,"import_date":1639824605,"value_date":1639954800,"status":"BOOKED","booking_date":1639954800,"remittance_information":["LINE 1","LINE 2"],"source":{"label":"Telecom Co"}}`},
			{"a transaction whose fields all differ", "/transactions/" + long("3"),
				`{"id":"3","currency":"USD","origin":"UPCOMING","label":"label","notes":"notes","account_id":"1","amount":-20,"type":"CHECK","category_id":"TELECOM","date":1639954800,"import_date":1639824605,"value_date":1640127600,"status":"PENDING","booking_date":1640041200,"transaction_date":1640214000,"remittance_information":["line"],"source":{"label":"source"},"check_number":"0000123","missing_since":1640300400}`},
			{"a provider is interactive if one of its channels is", "/providers/87",
				`{"id":"87","name":"Linxo Test Bank","branch_name":"","base_url":"https://wwws.linxo.com","logo_url":"https://static.example.test/87.png","country_code":"FRA","channel_definitions":[{"id":"8701","mode":"REDIRECT","account_types":["CHECKINGS","CREDIT_CARD"],"interactive":false,"credentials":[]},{"id":"8700","mode":"EMBEDDED","account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"interactive":true,"credentials":[{"id":"300","label":"User ID","regexp":".+","type":"TEXT","encrypt":false},{"id":"301","label":"Password","regexp":".+","type":"PWD","encrypt":true},{"id":"302","label":"Accounts file location","regexp":".*","type":"TEXT","encrypt":false}]}],"unavailable":false,"capabilities":["PFM_ACCOUNT"],"interactive":true}`},
		} {
			t.Run(row.fact, func(t *testing.T) {
				got := w.send(t, request{method: "GET", path: "/v2.1" + row.path, token: token}).want(t, 200)
				if short(string(got.body)) != row.want {
					t.Errorf("got  %s\nwant %s", got.body, row.want)
				}
			})
		}
	})
}

func TestCategoriesNameTheirParents(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	byID := map[string]map[string]any{}
	for _, category := range w.send(t, request{method: "GET", path: "/v2.1/categories", token: w.tokens.give(licensed, 0)}).want(t, 200).list(t) {
		byID[category["id"].(string)] = category
	}
	parent, _ := byID["SUPERMARKET"]["parent"].(map[string]any)
	if parent["id"] != "DAILY_LIFE" || parent["label"] != "Dépenses vie courante" {
		t.Errorf("%v", byID["SUPERMARKET"])
	}
	if _, has := byID["DAILY_LIFE"]["parent"]; has || byID[oxlin.Uncategorized] == nil {
		t.Errorf("%v", byID)
	}
}
