package synchro_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
)

// A bank that writes its rows in an unknown form for a week, and then repents, leaves
// exactly its rows and a week of honest coverage.
func TestABankThatRepents(t *testing.T) {
	spoiled := map[string]func(row map[string]any){
		"days": func(row map[string]any) { row["bookingDate"] = "the day of " + row["bookingDate"].(string) },
		"amounts": func(row map[string]any) {
			row["transactionAmount"] = map[string]any{"currency": "EUR", "amount": "1,234"}
		},
		"signs":          func(row map[string]any) { row["creditDebitIndicator"] = "SIDEWAYS" },
		"whole rows":     func(row map[string]any) { clear(row); row["x"] = "y" },
		"absent amounts": func(row map[string]any) { delete(row, "transactionAmount") },
	}
	for name, spoil := range spoiled {
		for _, before := range []int{0, 7} { // good days before the bad ones
			t.Run(name+map[int]string{0: ", from the first day", 7: ", later"}[before], func(t *testing.T) {
				b := newScripted(t, "a")
				b.history("a", 40)
				good, bad := b.rows["a"], 7
				sent := func(spoils bool) {
					rows := make([]map[string]any, len(good))
					for i, row := range good {
						rows[i] = maps.Clone(row)
						if spoils {
							spoil(rows[i])
							rows[i]["z"] = i // no two rows are the same
						}
					}
					b.rows["a"] = rows
				}
				var id oxlin.ConnectionID
				for n := range before + bad + 2 {
					spoils := n >= before && n < before+bad
					sent(spoils)
					if n == 0 {
						id = b.begin()
					} else {
						b.synchronize(id)
					}
					if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
						t.Fatalf("on day %d the channel is %s", n, got)
					}
					account := b.account("a")
					covered := account.Coverage
					if account.Status != oxlin.AccountActive || covered.Complete == spoils || (covered.UnreadableRows > 0) != spoils ||
						(covered.Gap == oxlin.GapUnreadable) != spoils {
						t.Errorf("on day %d the account is %s with %+v", n, account.Status, covered)
					}
					b.Clock.Advance(24 * time.Hour)
					day := b.day(0).String()
					good = append([]map[string]any{scriptedRow(day, "SHOP "+day)}, good...)
				}
				sent(false)
				b.synchronize(id)
				if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				left, err := b.DB.Read().UnreadableRecords(t.Context(), b.account("a").ID)
				if err != nil || len(left) > 0 {
					t.Errorf("%d records are still called unreadable: %v", len(left), err)
				}
				for _, x := range b.transactions() {
					if !x.MissingSince.IsZero() {
						t.Errorf("%v is called missing", x.Remittance)
					}
				}
			})
		}
	}
}

// Once a week, and when the user has renewed the consent, the reading goes as far back as
// the bank allows. A bank that refuses this loses nothing by it.
func TestASecondLookFindsLateRows(t *testing.T) {
	answers := map[string]func() *http.Response{
		"allowed":      nil,
		"unauthorized": func() *http.Response { return spoken(http.StatusUnauthorized, map[string]any{}) },
	}
	maps.Copy(answers, failing)
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a", "b")
			b.history("a", 5)
			b.history("b", 5)
			id := b.begin()
			complete := b.account("a").Coverage
			late := b.day(-70).String()
			b.rows["a"] = append(b.rows["a"], scriptedRow(late, "SHOP "+late))
			looks := 0
			b.refuse = func(r asked) *http.Response {
				if r.what != "transactions" || r.from[:10] > b.day(-60).String() {
					return nil
				}
				looks++
				if answer != nil {
					return answer()
				}
				return nil
			}
			for range 8 {
				b.Clock.Advance(24 * time.Hour)
				b.synchronize(id)
				if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Fatalf("the channel is %s", got)
				}
				for _, account := range b.world.accounts() {
					if account.Status != oxlin.AccountActive || !account.Coverage.Complete {
						t.Errorf("account %s is %s with %+v, before %+v", account.BankID, account.Status, account.Coverage, complete)
					}
				}
			}
			if got := slices.Contains(b.labels("a"), "SHOP "+late); got != (answer == nil) {
				t.Errorf("the late row is there: %t", got)
			}
			if most := 12; looks == 0 || looks > most {
				t.Errorf("the bank was asked for old days %d times in eight days", looks)
			}
		})
	}
}
