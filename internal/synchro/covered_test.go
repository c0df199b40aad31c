package synchro_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

// newestDays are ways in which the newest page of an account may lack something.
var newestDays = map[oxlin.Gap]func(b *scripted, r asked) *http.Response{
	"": nil,
	oxlin.GapUnreadable: func(b *scripted, r asked) *http.Response {
		row := scriptedRow(b.day(0).String(), "UNREADABLE")
		delete(row, "creditDebitIndicator")
		return spoken(http.StatusOK, map[string]any{"transactions": []any{row}})
	},
	oxlin.GapBroken: func(b *scripted, r asked) *http.Response {
		row := scriptedRow(b.day(0).String(), "READABLE")
		return spoken(http.StatusOK, map[string]any{"transactions": []any{row}, "_links": map[string]any{"next": "/elsewhere"}})
	},
	oxlin.GapRefused: func(*scripted, asked) *http.Response {
		return spoken(http.StatusNotFound, map[string]any{})
	},
}

// A final refusal of the older days ends their gap alone: what the newest days lack stays.
func TestARefusalOfOlderDaysHidesNothing(t *testing.T) {
	for gap, newest := range newestDays {
		for name, answer := range failing {
			t.Run(string(gap)+", "+name, func(t *testing.T) {
				b := newScripted(t, "a")
				b.pageSize = 10
				b.history("a", 50)
				b.refuse = func(r asked) *http.Response {
					if r.what == "transactions" && r.page == 2 {
						return failing["too many"]()
					}
					return nil
				}
				id := b.begin()
				b.refuse = func(r asked) *http.Response {
					switch {
					case r.what != "transactions":
						return nil
					case r.from[:10] < b.day(-30).String():
						return answer()
					case newest != nil:
						return newest(b, r)
					}
					return nil
				}
				b.Clock.Advance(24 * time.Hour)
				b.synchronize(id)
				account := b.account("a")
				covered := account.Coverage
				want := gap
				if !covered.Wanted.IsZero() {
					want = want.Graver(oxlin.GapRefused)
				}
				if covered.Gap != want || covered.Newest != gap || covered.Complete != (want == "") {
					t.Errorf("%+v, want the gap %q", covered, want)
				}
				final := name != "too many" && name != "a fault"
				if gap == "" || gap == oxlin.GapUnreadable {
					if covered.Wanted.IsZero() != final {
						t.Errorf("older days are still wanted: %+v", covered)
					}
				}
				if (covered.UnreadableRows > 0) != (gap == oxlin.GapUnreadable) {
					t.Errorf("%d rows are unreadable", covered.UnreadableRows)
				}
				b.refuse = nil
				b.Clock.Advance(24 * time.Hour)
				b.synchronize(id)
				if covered := b.account("a").Coverage; !covered.Complete || covered.From.IsZero() {
					t.Errorf("the bank repents: %+v", covered)
				}
			})
		}
	}
}
