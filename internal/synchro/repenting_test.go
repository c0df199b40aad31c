package synchro_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// If a bank writes its rows in an unknown form for a week and then corrects them, its rows
// are stored exactly, and coverage was right on each day of the week.
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
					t.Errorf("%d records are still unreadable: %v", len(left), err)
				}
				for _, x := range b.transactions() {
					if !x.MissingSince.IsZero() {
						t.Errorf("%v is missing", x.Remittance)
					}
				}
			})
		}
	}
}

// A row whose day can be read is forgotten by the next reading of that day. Until then it is
// one row, on whichever page and with whatever blanks the bank writes it.
func TestARowThatTheBankCorrectsIsForgottenAtOnce(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 40)
	good := slices.Clone(b.rows["a"])
	bad := maps.Clone(good[1])
	bad["transactionAmount"] = map[string]any{"currency": "EUR", "amount": "1,234 <&>"}
	b.rows["a"][1] = bad
	b.refuse = func(r asked) *http.Response {
		if r.what != "transactions" {
			return nil
		}
		written, links := b.rows["a"], map[string]any{}
		if r.page == 0 && b.pageSize < len(written) {
			written, links = written[:b.pageSize], map[string]any{"next": map[string]any{"href": "?page=1"}}
		} else if r.page == 1 {
			written = written[b.pageSize:]
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err := encoder.Encode(map[string]any{"transactions": written, "_links": links})
		if err != nil {
			panic(err) // maps and texts marshal
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(&text)}
	}
	b.pageSize = 10
	id := b.begin()
	for _, size := range []int{100, 2, 1} {
		b.pageSize = size
		b.synchronize(id)
		if covered := b.account("a").Coverage; covered.UnreadableRows != 1 || covered.Complete {
			t.Errorf("with pages of %d rows: %+v", size, covered)
		}
	}
	b.rows["a"][1] = good[1]
	b.synchronize(id)
	if covered := b.account("a").Coverage; covered.UnreadableRows != 0 || !covered.Complete {
		t.Errorf("after the correction: %+v", covered)
	}
	if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A row of which no day can be read is forgotten when the bank shows its id in a row that can
// be read, without waiting for a reading of all days.
func TestAnUnreadableRowIsForgottenByItsID(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 5)
	good := slices.Clone(b.rows["a"])
	for _, i := range []int{1, 2} {
		b.rows["a"][i] = maps.Clone(good[i])
		b.rows["a"][i]["bookingDate"] = "2026-13-45"
	}
	id := b.begin()
	for _, want := range []int{2, 1, 0} {
		b.synchronize(id)
		if covered := b.account("a").Coverage; covered.UnreadableRows != want || covered.Complete != (want == 0) {
			t.Errorf("want %d unreadable rows: %+v", want, covered)
		}
		b.rows["a"][max(want, 1)] = good[max(want, 1)]
	}
	if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Once a week, and when the user has renewed the consent, the reading goes as far back as
// the bank allows. A bank that refuses this loses nothing by it, and what is new at any
// account is there on its day.
func TestASecondLookFindsLateRows(t *testing.T) {
	answers := map[string]func() *http.Response{
		"allowed":      nil,
		"unauthorized": func() *http.Response { return spoken(http.StatusUnauthorized, map[string]any{}) },
		"no answer": func() *http.Response {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(brokenReader{})}
		},
	}
	maps.Copy(answers, failing)
	occasions := map[string]func(b *scripted, id oxlin.ConnectionID){
		"once a week": func(b *scripted, id oxlin.ConnectionID) { b.synchronize(id) },
		"at a renewal": func(b *scripted, id oxlin.ConnectionID) {
			b.arrive(b.authorize(connect.AuthorizeRequest{ConnectionID: id, ReturnURI: "https://integrator.example/"}, "dev"))
			b.work()
		},
	}
	for occasion, read := range occasions {
		for name, answer := range answers {
			t.Run(occasion+", "+name, func(t *testing.T) {
				b := newScripted(t, "a", "b", "c")
				b.history("a", 5)
				b.history("b", 5)
				b.history("c", 5)
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
				days := 8
				if occasion != "once a week" {
					days = 1
				}
				for n := range days {
					b.Clock.Advance(24 * time.Hour)
					fresh := b.day(0).String()
					b.rows["c"] = append([]map[string]any{scriptedRow(fresh, "SHOP "+fresh)}, b.rows["c"]...)
					if n == days-1 {
						read(b, id)
					} else {
						b.synchronize(id)
					}
					if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
						t.Fatalf("the channel is %s", got)
					}
					for _, account := range b.world.accounts() {
						if account.Status != oxlin.AccountActive || !account.Coverage.Complete {
							t.Errorf("account %s is %s with %+v, before %+v", account.BankID, account.Status, account.Coverage, complete)
						}
					}
					if !slices.Contains(b.labels("c"), "SHOP "+fresh) {
						t.Errorf("the row of %s is missing", fresh)
					}
				}
				if got := slices.Contains(b.labels("a"), "SHOP "+late); got != (answer == nil) {
					t.Errorf("the late row is there: %t", got)
				}
				if most := 16; looks == 0 || looks > most {
					t.Errorf("the bank was asked for old days %d times in %d days", looks, days)
				}
				// The access is as good as before.
				b.refuse = nil
				b.synchronize(id)
				if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("in the end the channel is %s", got)
				}
			})
		}
	}
}
