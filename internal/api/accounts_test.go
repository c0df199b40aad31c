package api_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
)

func TestAccountsAreListedAndFiltered(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c, other := w.connection(t, user), w.connection(t, user)
		w.account(t, c, func(a *oxlin.Account) { a.Name = "Épargne" })
		w.account(t, c, func(a *oxlin.Account) {
			a.Name, a.Type, a.Usage, a.CreatedAt = "courant", oxlin.AccountSavings, oxlin.UsageProfessional, now
		})
		w.account(t, other, func(a *oxlin.Account) { a.Name, a.Status, a.IBAN = "Zoo", oxlin.AccountPendingConsent, "FR00SECRET" })
		w.account(t, other, func(a *oxlin.Account) { a.Name, a.Status, a.Number = "Alt", oxlin.AccountClosed, "99 887" })
		for _, row := range []struct {
			query string
			want  []string
			field string
		}{
			{query: "", want: []string{"1", "2", "3", "4"}},
			{query: "?limit=100", want: []string{"1", "2", "3", "4"}},
			{query: "?connection_id=" + other.ID.String(), want: []string{"3", "4"}},
			{query: "?connection_id=" + long("1") + "," + long("2"), want: []string{"1", "2", "3", "4"}},
			{query: "?connection_id=77", want: []string{}},
			{query: "?type=SAVINGS,LOAN", want: []string{"2"}},
			{query: "?type=SAVINGS&type=LOAN", want: []string{"2"}},
			{query: "?status=ACTIVE", want: []string{"1", "2"}},
			{query: "?status=PENDING_CONSENT", want: []string{"3"}},
			{query: "?status=CONSENT_PENDING,CLOSED", want: []string{"3", "4"}},
			{query: "?usage=PROFESSIONAL", want: []string{"2"}},
			{query: "?q=EPARGNE", want: []string{"1"}},
			{query: "?q=998+87", want: []string{"4"}},
			{query: "?q=fr76+3000", want: []string{"1", "2", "4"}},
			{query: "?q=secret", want: []string{}},
			{query: "?sort=name", want: []string{"4", "2", "1", "3"}},
			{query: "?sort=-creation_date,-name", want: []string{"2", "3", "1", "4"}},
			{query: "?sort=name&limit=2&page=2", want: []string{"1", "3"}},
			{query: "?limit=2&page=3", want: []string{}},
			{query: "?limit=501", field: "limit"},
			{query: "?limit=0", field: "limit"},
			{query: "?page=0", field: "page"},
			{query: "?type=STOCKS", field: "type"},
			{query: "?status=OPEN", field: "status"},
			{query: "?usage=BOTH", field: "usage"},
			{query: "?sort=balance", field: "sort"},
		} {
			t.Run(row.query, func(t *testing.T) {
				got := w.send(t, request{method: "GET", path: "/v2.1/accounts" + row.query, token: token})
				if row.field != "" {
					got.wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
					return
				}
				if ids := got.want(t, 200).ids(t); !slices.Equal(ids, row.want) {
					t.Errorf("got %v, want %v", ids, row.want)
				}
			})
		}
	})
}

func TestAccountsAreKeptByHand(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	for _, row := range []struct{ body, field string }{
		{`{"type":"SAVINGS"}`, "name"},
		{`{"name":"","type":"SAVINGS"}`, "name"},
		{`{"name":"   ","type":"SAVINGS"}`, "name"},
		{`{"name":"a"}`, "type"},
		{`{"name":"a","type":"STOCKS"}`, "type"},
		{`{"name":"a","type":"LOAN","currency":"euro"}`, "currency"},
		{`{"name":"a","type":"LOAN","currency":"ZZZ"}`, "currency"},
		{`{"name":"a","type":"LOAN","balance":"lots"}`, "balance"},
		{`{"name":"a","type":"LOAN","balance":0.000001}`, "balance"},
		{`{"name":"a","type":"LOAN","iban":"FR7630004000031234567890142"}`, "iban"},
	} {
		w.send(t, request{method: "POST", path: "/v2.1/accounts", token: token, body: row.body}).wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
	}
	got := w.send(t, request{method: "POST", path: "/v2.1/accounts", token: token, body: `{"name":"Tirelire","type":"SAVINGS","balance":1234567890123.45678,"iban":"fr76 3000 4000 0312 3456 7890 143"}`}).want(t, 201)
	path := "/v2.1" + got.Header.Get("Location")
	want := `{"id":"1","name":"Tirelire","currency":"EUR","balance":1234567890123.45678,"balance_date":1795255200,"iban":"FR7630004000031234567890143","status":"MANUAL","type":"SAVINGS","creation_date":1795255200,"account_number":"12345678901","usage":"PERSONAL","classification":"PERSONAL"}`
	if got := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200); short(string(got.body)) != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
	w.send(t, request{method: "POST", path: "/v2.1/accounts", token: token, body: "name=a&type=LOAN&balance=-3.10", contentType: "application/x-www-form-urlencoded", tolerated: true}).want(t, 201)
}

// TestEveryAccountHasANameAndANumber: typed clients fail without them (contract §12.2).
func TestEveryAccountHasANameAndANumber(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	c := w.connection(t, user)
	const pending = oxlin.AccountPendingConsent
	for _, row := range []struct {
		fact         string
		account      oxlin.Account
		name, number string
	}{
		{"an IBAN of France", oxlin.Account{Name: "A", IBAN: "FR7630004000031234567890143", Number: "00012345678"}, "A", "12345678901"},
		{"an IBAN of France whose key is wrong", oxlin.Account{Name: "A", IBAN: "FR0030004000031234567890199"}, "A", "12345678901"},
		{"an IBAN with letters in the number", oxlin.Account{Name: "A", IBAN: "FR1420041010050500013M02606"}, "A", "0500013M026"},
		{"an IBAN of Germany", oxlin.Account{Name: "A", IBAN: "DE89370400440532013000"}, "A", "0532013000"},
		{"an IBAN of Great Britain", oxlin.Account{Name: "A", IBAN: "GB29NWBK60161331926819"}, "A", "31926819"},
		{"an IBAN of Italy", oxlin.Account{Name: "A", IBAN: "IT60X0542811101000000123456"}, "A", "000000123456"},
		{"an IBAN of Spain", oxlin.Account{Name: "A", IBAN: "ES9121000418450200051332"}, "A", "0200051332"},
		{"an IBAN of the Netherlands", oxlin.Account{Name: "A", IBAN: "NL91ABNA0417164300"}, "A", "0417164300"},
		{"an IBAN that cannot be read", oxlin.Account{Name: "A", IBAN: "XX00NOTHING", Number: "77"}, "A", "77"},
		{"a card of an account", oxlin.Account{Name: "VISA", Type: oxlin.AccountCreditCard, MaskedNumber: "XXXX1234", Number: "77"}, "VISA", "XXXX1234"},
		{"the bank's number", oxlin.Account{Name: " ", Type: oxlin.AccountLoan, Number: "99 887766"}, "Prêt 7766", "99 887766"},
		{"the bank's id", oxlin.Account{Type: oxlin.AccountCheckings, BankID: "a-1"}, "Compte courant a-1", "a-1"},
		{"a product", oxlin.Account{Type: oxlin.AccountSavings, Number: "77", Details: oxlin.AccountDetails{Savings: &oxlin.SavingsDetails{Product: "LIVRET A"}}}, "LIVRET A", "77"},
		{"before the consent", oxlin.Account{Status: pending, Type: oxlin.AccountCheckings, IBAN: "DE89370400440532013000"}, "Compte courant 3000", "******3000"},
		{"a card before the consent", oxlin.Account{Status: pending, Type: oxlin.AccountCreditCard, MaskedNumber: "XXXX1234"}, "Carte 1234", "XXXX1234"},
	} {
		id := w.account(t, c, func(a *oxlin.Account) {
			a.Name, a.IBAN, a.Number, a.MaskedNumber, a.BankID, a.Details = row.account.Name, row.account.IBAN, row.account.Number, row.account.MaskedNumber, row.account.BankID, row.account.Details
			a.Type, a.Status = cmp.Or(row.account.Type, a.Type), cmp.Or(row.account.Status, a.Status)
		})
		shown := w.send(t, request{method: "GET", path: "/v2.1/accounts/" + id.String(), token: token}).want(t, 200).object(t)
		if shown["name"] != row.name || shown["account_number"] != row.number || shown["creation_date"] == nil || shown["status"] == nil {
			t.Errorf("%s: %v", row.fact, shown)
		}
	}
}

func TestAccountsAreArchivedAndTakenBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user)
		id := w.account(t, c)
		w.account(t, c)
		path := "/v2.1/accounts/" + id.String()
		show := func() map[string]any {
			t.Helper()
			return w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)
		}
		w.send(t, request{method: "PATCH", path: path, token: token, body: `{"status":"CLOSED","name":"Old","usage":"PROFESSIONAL"}`}).want(t, 204)
		if got := show(); got["status"] != "CLOSED" || got["name"] != "Old" || got["classification"] != "PROFESSIONAL" {
			t.Errorf("%v", got)
		}
		w.send(t, request{method: "PUT", path: path, token: token, body: `{"status":"ACTIVE"}`}).want(t, 204)
		if got := show(); got["status"] != "ACTIVE" || got["name"] != "Old" {
			t.Errorf("%v", got)
		}
		// Taking it back makes the connection due.
		channel, err := w.DB.Read().Channel(t.Context(), c.Channels[0].ID)
		if err != nil || channel.NextSyncAt.After(now) || channel.NextSyncAt.Equal(time.Time{}) {
			t.Errorf("%v: due at %v", err, channel.NextSyncAt)
		}
		w.send(t, request{method: "PATCH", path: path, token: token, body: `{"status":"ERROR"}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "status")
		w.send(t, request{method: "DELETE", path: path, token: token}).want(t, 204)
		w.send(t, request{method: "GET", path: path, token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
	})
}

func TestWhatTheUserDeclinedIsNotShown(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user)
		shared, declined := w.account(t, c), w.account(t, c)
		queue := w.send(t, request{method: "POST", path: "/v2.1/queues/subscribe", token: token, body: `{"topics":["connections"]}`}).want(t, 201).Header.Get("Location")
		w.Write(func(tx *store.Tx) error {
			account, err := tx.Read().Account(t.Context(), declined)
			if err != nil {
				return err
			}
			account.Status, account.Declined = oxlin.AccountPendingConsent, true
			err = tx.UpdateAccount(t.Context(), account)
			if err != nil {
				return err
			}
			listed, err := tx.Read().AccountsOfConnection(t.Context(), c.ID)
			if err != nil {
				return err
			}
			_, err = event.Log{}.Record(t.Context(), tx, now, c.ID, oxlin.SyncListAccounts.SuccessEvent(), "8701", oxlin.EventPayload{Accounts: listed})
			return err
		})
		if ids := w.send(t, request{method: "GET", path: "/v2.1/accounts", token: token}).want(t, 200).ids(t); !slices.Equal(ids, []string{short(shared.String())}) {
			t.Errorf("the accounts are %v", ids)
		}
		for _, r := range []request{{method: "GET"}, {method: "PATCH", body: `{"name":"x"}`}, {method: "DELETE"}} {
			r.path, r.token = "/v2.1/accounts/"+declined.String(), token
			w.send(t, r).wantError(t, 404, oxlin.CodeNotFound, "")
		}
		told := w.send(t, request{method: "GET", path: "/v2.1" + queue, token: token}).want(t, 200).list(t)
		listed := told[0]["list_accounts_success"].(map[string]any)["accounts"].([]any)
		if len(listed) != 1 || listed[0].(map[string]any)["id"] != shared.String() {
			t.Errorf("the event tells of %v", listed)
		}
	})
}

func TestBalancesAreCheckedAgainstTransactions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		_, stranger := w.user(t, licensed)
		c := w.connection(t, user)
		day := func(n int) oxlin.Date { return oxlin.NewDate(2021, 12, 10).AddDays(n) }
		at := func(n int) time.Time { return day(n).Midnight(oxlin.Paris).Add(12 * time.Hour) }
		id := w.account(t, c, func(a *oxlin.Account) { a.Coverage = oxlin.Coverage{Complete: true, LastCompleteAt: at(4)} })
		pending := w.account(t, c, func(a *oxlin.Account) { a.Status = oxlin.AccountPendingConsent })
		path := "/v2.1/accounts/" + id.String() + "/balance_check"
		check := func() string {
			return string(w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).body)
		}

		if got, want := check(), `{"status":"unknown","reason":"no_balance","days":[]}`; got != want {
			t.Errorf("without balances %s, want %s", got, want)
		}
		for n, balance := range []string{"100", "80", "67.5", "60"} {
			w.Write(func(tx *store.Tx) error {
				b := store.DayBalance{Day: day(n), Amount: amount(t, balance), Currency: "EUR", ReadAt: at(n)}
				return tx.SaveDayBalance(t.Context(), id, b, day(0))
			})
		}
		row := func(n int, value string, status oxlin.TransactionStatus) oxlin.Transaction {
			return oxlin.Transaction{
				AccountID: id, Amount: amount(t, value), Currency: "EUR", Status: status, Type: oxlin.TypeDebit, Category: oxlin.Uncategorized,
				Date: day(n), BookingDate: day(n),
			}
		}
		w.transactions(t, user, at(0), row(1, "-20", oxlin.StatusBooked), row(2, "-5", oxlin.StatusPending), row(2, "-5", oxlin.StatusExpired),
			row(2, "-5", oxlin.StatusCancelled), row(2, "-5", oxlin.StatusRejected), row(3, "-7.5", oxlin.StatusOther))
		want := `{"status":"gap","gap":-12.5,"days":[` +
			`{"from":1639090800,"to":1639177200,"opening_balance":100,"transactions":-20,"closing_balance":80,"status":"ok"},` +
			`{"from":1639177200,"to":1639263600,"opening_balance":80,"transactions":0,"closing_balance":67.5,"status":"gap","gap":-12.5},` +
			`{"from":1639263600,"to":1639350000,"opening_balance":67.5,"transactions":-7.5,"closing_balance":60,"status":"ok"}]}`
		if got := check(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.transactions(t, user, at(4), row(2, "-12.5", oxlin.StatusBooked))
		if got := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t); got["status"] != "ok" || got["gap"] != nil {
			t.Errorf("with the missing row %v", got)
		}

		hidden := "/v2.1/accounts/" + pending.String() + "/balance_check"
		if got := w.send(t, request{method: "GET", path: hidden, token: token}).want(t, 200).object(t); got["reason"] != "no_balance" {
			t.Errorf("before the consent %v", got)
		}
		w.send(t, request{method: "GET", path: path, token: stranger}).wantError(t, 404, oxlin.CodeNotFound, "")
		w.send(t, request{method: "GET", path: "/v2.1/accounts/x/balance_check", token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
	})
}
