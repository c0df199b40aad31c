package synchro_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// scripted is a bank whose accounts and rows the test writes. It answers in the test bank's
// place, which still logs its users in.
type scripted struct {
	*world
	t        *testing.T
	accounts []string
	rows     map[string][]map[string]any
	pageSize int
	// kind is the type of the accounts, CACC if it is empty.
	kind string
	// nameless accounts have one name and no number. balance is that of accounts with rows,
	// 10.00 if it is empty.
	nameless bool
	balance  string
	// end tells how the bank reads the end of a period: excluded if empty, "included" or
	// "ignored".
	end string
	// refuse answers a request instead of the bank; nil lets the bank answer.
	refuse func(r asked) *http.Response
	asked  []asked
}

// asked is a request about an account: what is "transactions" or "balances", or for the
// list "accounts".
type asked struct {
	account, what string
	page          int
	from, until   string
}

// newScripted starts a bank with accounts.
func newScripted(t *testing.T, accounts ...string) *scripted {
	t.Helper()
	db, _ := storetest.SQLite(t)
	b := &scripted{world: newWorld(t, db), t: t, accounts: accounts, rows: map[string][]map[string]any{}, pageSize: 100}
	b.Calls.Hook(b.answer)
	return b
}

// day is so many days from today, in the bank's calendar.
func (b *scripted) day(n int) oxlin.Date {
	return oxlin.DateIn(b.Clock.Now(), oxlin.Paris).AddDays(n)
}

// history gives an account one row a day, the newest first, up to today less skip.
func (b *scripted) history(account string, days int) {
	for n := range days {
		day := b.day(-n)
		b.rows[account] = append(b.rows[account], scriptedRow(day.String(), "SHOP "+day.String()))
	}
}

// scriptedRow is a row of one euro, whose label is its reference.
func scriptedRow(day, label string) map[string]any {
	return map[string]any{
		"entryReference": label, "status": "BOOK", "creditDebitIndicator": "DBIT", "bookingDate": day,
		"transactionAmount":     map[string]any{"currency": "EUR", "amount": "1.00"},
		"remittanceInformation": map[string]any{"unstructured": []string{label}},
	}
}

func (b *scripted) answer(r *http.Request) *http.Response {
	_, path, found := strings.Cut(r.URL.Path, "/stet/v1.5/")
	parts := strings.Split(path, "/")
	if !found || parts[0] != "accounts" {
		return nil
	}
	ask := asked{what: "accounts", from: r.URL.Query().Get("dateFrom"), until: r.URL.Query().Get("dateTo")}
	ask.page, _ = strconv.Atoi(r.URL.Query().Get("page"))
	if len(parts) == 3 {
		ask.account, ask.what = parts[1], parts[2]
	}
	b.asked = append(b.asked, ask)
	if b.refuse != nil {
		if response := b.refuse(ask); response != nil {
			return response
		}
	}
	switch ask.what {
	case "accounts":
		list := []any{}
		for _, id := range b.accounts {
			if b.nameless {
				list = append(list, map[string]any{"resourceId": id, "name": "LIVRET", "cashAccountType": "SVGS", "usage": "PRIV", "accountId": map[string]any{"currency": "EUR"}})
				continue
			}
			list = append(list, map[string]any{
				"resourceId": id, "name": "ACCOUNT " + id, "cashAccountType": cmp.Or(b.kind, "CACC"), "usage": "PRIV",
				"accountId": map[string]any{"currency": "EUR", "other": map[string]any{"identification": "0000" + id, "schemeName": "BBAN"}},
			})
		}
		return spoken(http.StatusOK, map[string]any{"accounts": list})
	case "balances":
		return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{
			"balanceType": "CLBD", "balanceAmount": map[string]any{"currency": "EUR", "amount": b.balanceOf(ask.account)}, "referenceDate": b.day(0).String(),
		}}})
	}
	rows := slices.DeleteFunc(slices.Clone(b.rows[ask.account]), func(row map[string]any) bool {
		day, ok := row["bookingDate"].(string)
		return ok && len(day) == 10 && (day < b.dayOf(ask.from) || b.endsBefore(ask.until, day))
	})
	links := map[string]any{}
	if end := (ask.page + 1) * b.pageSize; end < len(rows) {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(ask.page+1))
		links["next"] = map[string]any{"href": "accounts/" + ask.account + "/transactions?" + query.Encode()}
	}
	rows = rows[min(len(rows), ask.page*b.pageSize):min(len(rows), (ask.page+1)*b.pageSize)]
	return spoken(http.StatusOK, map[string]any{"transactions": rows, "_links": links})
}

// balanceOf is the balance of an account.
func (b *scripted) balanceOf(account string) string {
	if len(b.rows[account]) == 0 {
		return "10.00"
	}
	return cmp.Or(b.balance, "10.00")
}

// endsBefore reports whether a period with this end leaves out a day.
func (b *scripted) endsBefore(until, day string) bool {
	switch {
	case until == "" || b.end == "ignored":
		return false
	case b.end == "included":
		return b.dayOf(until) < day
	}
	return b.dayOf(until) <= day
}

// dayOf is the bank's day of an instant in a request; empty without one.
func (b *scripted) dayOf(instant string) string {
	if instant == "" {
		return ""
	}
	at, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		b.t.Errorf("the bank is asked for the instant %q", instant)
	}
	return oxlin.DateIn(at, oxlin.Paris).String()
}

// spoken is an answer in JSON.
func spoken(status int, body any) *http.Response {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps and texts marshal
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(text))),
	}
}

func (b *scripted) begin() oxlin.ConnectionID { return b.connect(connect.AuthorizeRequest{}, "dev") }

// account finds our account of a bank's.
func (b *scripted) account(bankID string) oxlin.Account {
	b.t.Helper()
	for _, account := range b.world.accounts() {
		if account.BankID == bankID {
			return account
		}
	}
	b.t.Fatalf("there is no account %s", bankID)
	return oxlin.Account{}
}

// labels are the rows' labels in the bank's spelling, sorted.
func (b *scripted) labels(bankID string) []string {
	b.t.Helper()
	account := b.account(bankID)
	labels := []string{}
	for _, x := range b.transactions() {
		if x.AccountID == account.ID {
			labels = append(labels, strings.Join(x.Remittance, " "))
		}
	}
	slices.Sort(labels)
	return labels
}

// written are the labels of the rows that an account has at the bank, sorted.
func (b *scripted) written(account string) []string {
	labels := []string{}
	for _, row := range b.rows[account] {
		labels = append(labels, row["entryReference"].(string))
	}
	slices.Sort(labels)
	return labels
}

// hashOf is the keyed hash of a record.
func hashOf(t *testing.T, v *vault.Vault, raw []byte) []byte {
	t.Helper()
	mac, err := v.MAC(raw)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}
