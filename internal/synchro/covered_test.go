package synchro_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
)

// honest fails if an account has rows twice or rows that the bank does not have, if its
// coverage promises days of which rows are missing, or if it lacks today's row.
func (b *scripted) honest(account string) {
	b.t.Helper()
	have := b.labels(account)
	covered := b.account(account).Coverage
	if unique := slices.Compact(slices.Clone(have)); len(unique) < len(have) {
		b.t.Fatalf("on %s, %d rows are there twice", b.day(0), len(have)-len(unique))
	}
	lacking := 0
	for _, row := range b.rows[account] {
		label, day := row["entryReference"].(string), row["bookingDate"].(string)
		if slices.Contains(have, label) || strings.HasPrefix(label, "LATE") {
			continue // nobody knows of a row that the bank books late, until its day is read again
		}
		lacking++
		if day == b.day(0).String() {
			b.t.Errorf("today's row is missing: %+v", covered)
		}
		if !covered.From.IsZero() && day >= covered.From.String() {
			b.t.Errorf("on %s, the row of %s is missing although the coverage is %+v", b.day(0), day, covered)
		}
	}
	if covered.Complete && covered.From.IsZero() || covered.Complete != (covered.Gap == "") {
		b.t.Errorf("on %s, %d rows are missing with %+v", b.day(0), lacking, covered)
	}
}

// A bank that refuses to go on after some pages a day gives its whole history in the course
// of days, each row once, the newest first, and every day the coverage is honest.
func TestABankThatRefusesAfterPages(t *testing.T) {
	ways := []struct{ end, order string }{{"", ""}, {"included", ""}, {"ignored", ""}, {"refused", ""}, {"", "many a day"}, {"", "late bookings"}}
	for _, way := range ways {
		for refusal, answer := range failing {
			amounts := []int{3} // of pages
			switch {
			case refusal == "too many" && way == ways[0]:
				amounts = []int{2, 3, 7}
			case way != ways[0] && refusal != "too many" && refusal != "forbidden":
				continue
			case way.order == "many a day":
				amounts = []int{4}
			}
			for _, most := range amounts {
				t.Run(strings.Join([]string{way.end, way.order, refusal, fmt.Sprint(most)}, ","), func(t *testing.T) {
					b := newScripted(t, "a")
					b.pageSize, b.end = 8, way.end
					add := func(n int) {
						day := b.day(-n).String()
						rows := []map[string]any{scriptedRow(day, "SHOP "+day)}
						switch {
						case way.order == "many a day":
							for i := range 5 {
								sum := sha256.Sum256(fmt.Append(nil, day, i))
								rows = append(rows, scriptedRow(day, hex.EncodeToString(sum[:])))
							}
						case way.order == "late bookings" && n%5 == 0:
							day = b.day(-n - 4).String()
							rows = append(rows, scriptedRow(day, "LATE "+day))
						}
						b.rows["a"] = append(rows, b.rows["a"]...)
						slices.SortStableFunc(b.rows["a"], func(a, b map[string]any) int {
							return strings.Compare(b["bookingDate"].(string), a["bookingDate"].(string))
						})
					}
					history := 59
					if way.order == "many a day" {
						history = 15
					}
					for n := history; n >= 0; n-- {
						add(n)
					}
					left := 0
					b.refuse = func(r asked) *http.Response {
						switch {
						case r.what != "transactions":
							return nil
						case way.end == "refused" && r.until != "":
							return failing["a bad request"]()
						}
						left--
						if left < 0 {
							return answer()
						}
						return nil
					}
					left = most
					id := b.begin()
					b.honest("a")
					days := 1
					limit := 25
					if way.end == "ignored" || way.end == "refused" {
						limit = 20
					}
					for ; days < limit && !b.account("a").Coverage.Complete; days++ {
						b.Clock.Advance(24 * time.Hour)
						add(0)
						left = most
						b.synchronize(id)
						if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
							t.Fatalf("the channel is %s", got)
						}
						b.honest("a")
					}
					if way.end == "ignored" || way.end == "refused" {
						// Such a bank never reaches older days; it may bear more calls one day.
						if b.account("a").Coverage.Complete {
							t.Errorf("complete after %d days with %d of %d rows", days, len(b.labels("a")), len(b.rows["a"]))
						}
						left = 100
						b.Clock.Advance(24 * time.Hour)
						b.synchronize(id)
						b.honest("a")
					}
					left = 100
					b.Clock.Advance(24 * time.Hour)
					b.synchronize(id)
					if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
						t.Errorf("after %d days (-want +got):\n%s", days, diff)
					}
				})
			}
		}
	}
}

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
					case r.from[:10] < b.day(-40).String():
						return answer()
					case newest != nil:
						return newest(b, r)
					}
					return nil
				}
				final := name != "too many" && name != "a fault" && (gap == "" || gap == oxlin.GapUnreadable)
				for day := range 4 {
					b.Clock.Advance(24 * time.Hour)
					b.synchronize(id)
					b.synchronize(id)
					covered := b.account("a").Coverage
					wanted, want := !final || day < 2, gap
					if wanted {
						want = want.Graver(oxlin.GapRefused)
					}
					if covered.Gap != want || covered.Newest != gap || covered.Complete != (want == "") || covered.Wanted.IsZero() == wanted {
						t.Errorf("on day %d: %+v, want the gap %q", day, covered, want)
					}
					if (covered.UnreadableRows > 0) != (gap == oxlin.GapUnreadable) {
						t.Errorf("%d rows are unreadable", covered.UnreadableRows)
					}
				}
				b.refuse = nil
				b.Clock.Advance(24 * time.Hour)
				b.synchronize(id)
				if covered := b.account("a").Coverage; !covered.Complete || covered.From.IsZero() {
					t.Errorf("after the bank has corrected its answers: %+v", covered)
				}
			})
		}
	}
}
