package synchro_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
)

// Whatever one account lacks, the channel succeeds, the other account is whole, and the
// event names the account and what it lacks.
func TestAnIncompleteAccountIsNamedInTheEvent(t *testing.T) {
	type lack struct {
		status    oxlin.AccountStatus
		gaps      []oxlin.Gap
		noBalance bool
		about     string
		answer    func(b *scripted) *http.Response
		page      int
	}
	active, failed := oxlin.AccountActive, oxlin.AccountError
	row := func(b *scripted, change func(map[string]any)) *http.Response {
		row := scriptedRow(b.day(0).String(), "ROW")
		change(row)
		return spoken(http.StatusOK, map[string]any{"transactions": []any{row}})
	}
	lacks := map[string]lack{
		"no sign": {active, []oxlin.Gap{oxlin.GapUnreadable}, false, "transactions", func(b *scripted) *http.Response {
			return row(b, func(r map[string]any) { delete(r, "creditDebitIndicator") })
		}, 0},
		"an unknown day": {active, []oxlin.Gap{oxlin.GapUnreadable}, false, "transactions", func(b *scripted) *http.Response {
			return row(b, func(r map[string]any) { r["bookingDate"] = "some day" })
		}, 0},
		"an unreadable amount": {active, []oxlin.Gap{oxlin.GapUnreadable}, false, "transactions", func(b *scripted) *http.Response {
			return row(b, func(r map[string]any) { r["transactionAmount"] = "much" })
		}, 0},
		"a row that is none": {active, []oxlin.Gap{oxlin.GapUnreadable}, false, "transactions", func(b *scripted) *http.Response {
			return spoken(http.StatusOK, map[string]any{"transactions": []any{"row"}})
		}, 0},
		"a link that leads nowhere": {active, []oxlin.Gap{oxlin.GapBroken}, false, "transactions", func(b *scripted) *http.Response {
			return spoken(http.StatusOK, map[string]any{"transactions": b.rows["a"], "_links": map[string]any{"next": "/elsewhere"}})
		}, 0},
		"no balance": {active, nil, true, "balances", func(*scripted) *http.Response {
			return spoken(http.StatusOK, map[string]any{"balances": []any{}})
		}, 0},
		"an unreadable balance": {active, nil, true, "balances", func(*scripted) *http.Response {
			return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{"balanceType": "CLBD", "balanceAmount": "much"}}})
		}, 0},
	}
	for name, answer := range failing {
		again := func(*scripted) *http.Response { return answer() }
		lacks["balances: "+name] = lack{active, nil, true, "balances", again, 0}
		lacks["the account: "+name] = lack{failed, []oxlin.Gap{oxlin.GapRefused}, true, "transactions", again, 0}
		lacks["a later page: "+name] = lack{active, []oxlin.Gap{oxlin.GapRefused}, false, "transactions", again, 1}
	}
	for name, lack := range lacks {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a", "b")
			b.pageSize = 5
			b.history("a", 20)
			b.history("b", 2)
			b.refuse = func(r asked) *http.Response {
				if r.account == "a" && r.what == lack.about && r.page == lack.page {
					return lack.answer(b)
				}
				return nil
			}
			id := b.begin()
			if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
				t.Errorf("the channel is %s", got)
			}
			named := b.succeeded().Incomplete
			if len(named) != 1 || named[0].ID != b.account("a").ID {
				t.Fatalf("the event names %+v", named)
			}
			if named[0].Status != lack.status || named[0].NoBalance != lack.noBalance || named[0].Coverage != b.account("a").Coverage {
				t.Errorf("the event names %+v", named[0])
			}
			if diff := cmp.Diff(lack.gaps, named[0].Gaps()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			b.refuse = nil
			b.synchronize(id)
			b.synchronize(id)
			if named := b.succeeded().Incomplete; len(named) > 0 {
				t.Errorf("the bank gives everything, and the event names %+v", named)
			}
		})
	}
}

// An account that a list names without an id or number is told, and costs no other one.
func TestAnAccountWithoutAnIDIsTold(t *testing.T) {
	for name, nameless := range map[string]any{
		"the rest of a list that breaks": nil,
		"neither id nor number":          map[string]any{"name": "NAMELESS", "cashAccountType": "CACC"},
		"an id that is none":             map[string]any{"resourceId": map[string]any{}, "cashAccountType": "CACC"},
		"another form":                   "an account",
		"nothing":                        map[string]any{},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", 2)
			b.refuse = func(r asked) *http.Response {
				if r.what != "accounts" {
					return nil
				}
				named := map[string]any{
					"resourceId": "a", "name": "ACCOUNT a", "cashAccountType": "CACC",
					"accountId": map[string]any{"currency": "EUR", "other": map[string]any{"identification": "0000a", "schemeName": "BBAN"}},
				}
				if nameless == nil {
					return spoken(http.StatusOK, map[string]any{"accounts": []any{named}, "_links": map[string]any{"next": "/elsewhere"}})
				}
				return spoken(http.StatusOK, map[string]any{"accounts": []any{nameless, named}})
			}
			id := b.begin()
			b.synchronize(id)
			told := 0
			for _, event := range b.EventLog(b.caller.UserID) {
				if event.Type == oxlin.SyncAll.SuccessEvent() || event.Type == oxlin.SyncListAccounts.SuccessEvent() {
					told++
					if event.Payload.UnreadableAccounts != 1 {
						t.Errorf("%s tells %d accounts", event.Type, event.Payload.UnreadableAccounts)
					}
				}
			}
			if told != 3 || b.account("a").Status != oxlin.AccountActive || b.channel(id).Status != oxlin.ChannelSuccess {
				t.Errorf("%d events; the account is %s, the channel %s", told, b.account("a").Status, b.channel(id).Status)
			}
		})
	}
}

// succeeded is the payload of the last successful synchronisation.
func (b *scripted) succeeded() oxlin.EventPayload {
	b.t.Helper()
	events := b.EventLog(b.caller.UserID)
	for _, event := range slices.Backward(events) {
		if event.Type == oxlin.SyncAll.SuccessEvent() {
			return event.Payload
		}
	}
	b.t.Fatal("no synchronisation succeeded")
	return oxlin.EventPayload{}
}

// A list of accounts that the bank refuses to continue keeps the accounts before: they are
// read, the event counts what is missing, and no known account is NOT_FOUND.
func TestAListThatTheBankRefusesToContinue(t *testing.T) {
	for name, answer := range failing {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a", "b")
			b.history("a", 3)
			b.history("b", 3)
			account := func(id string) map[string]any {
				return map[string]any{"resourceId": id, "name": "ACCOUNT " + id, "cashAccountType": "CACC", "currency": "EUR"}
			}
			refuses := true
			b.refuse = func(r asked) *http.Response {
				switch {
				case r.what != "accounts":
					return nil
				case r.page == 0:
					return spoken(http.StatusOK, map[string]any{
						"accounts": []any{account("a")}, "_links": map[string]any{"next": "accounts?page=1"},
					})
				case refuses:
					return answer()
				}
				return spoken(http.StatusOK, map[string]any{"accounts": []any{account("b")}})
			}
			id := b.begin()
			missing := func(want int) {
				t.Helper()
				if got := b.succeeded().UnreadableAccounts; got != want {
					t.Errorf("%d unreadable accounts, want %d", got, want)
				}
			}
			missing(1)
			if got := len(b.world.accounts()); got != 1 || len(b.labels("a")) != 3 {
				t.Errorf("%d accounts, %d rows", got, len(b.labels("a")))
			}
			refuses = false
			b.synchronize(id)
			missing(0)
			refuses = true
			b.synchronize(id)
			missing(1)
			if len(b.labels("b")) != 3 || b.account("b").Status != oxlin.AccountActive || b.channel(id).Status != oxlin.ChannelSuccess {
				t.Errorf("%d rows; the account is %s, the channel %s", len(b.labels("b")), b.account("b").Status, b.channel(id).Status)
			}
		})
	}
}
