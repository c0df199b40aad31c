package synchro_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// endless lets the bank invent an account for each page of its list, which has an end only if
// ends is set. It returns how many pages of the list the bank was asked for since the last
// call.
func (b *scripted) endless(ends *bool) (pages func() int) {
	asked := 0
	b.Calls.Hook(func(r *http.Request) *http.Response {
		if !strings.HasSuffix(r.URL.Path, "/accounts") {
			return b.answer(r)
		}
		asked++
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		id, links := fmt.Sprint("invented", page), map[string]any{}
		if !*ends || page < 11 {
			links["next"] = map[string]any{"href": "accounts?page=" + strconv.Itoa(page+1)}
		}
		return spoken(http.StatusOK, map[string]any{"_links": links, "accounts": []any{map[string]any{
			"resourceId": id, "name": id, "cashAccountType": "CACC", "usage": "PRIV",
			"accountId": map[string]any{"currency": "EUR", "other": map[string]any{"identification": "0000" + id, "schemeName": "BBAN"}},
		}}})
	})
	return func() int {
		n := asked
		asked = 0
		return n
	}
}

// A list of accounts without an end is followed far once a week. In between a few of its pages
// are read, and every account that is known. When the list has an end again, it is read to it.
func TestAListWithoutAnEndIsNotFollowedAgainTheNextDay(t *testing.T) {
	b := newScripted(t)
	ends := false
	pages := b.endless(&ends)
	id := b.begin()
	far := pages()
	if far < 100 {
		t.Fatalf("%d pages at the login", far)
	}
	for day, want := range []int{10, 10, 10, 10, 10, 10, far, 10} {
		b.Clock.Advance(24 * time.Hour)
		b.synchronize(id)
		if got := pages(); got != want {
			t.Errorf("%d days after the login: %d pages of the list, want %d", day+1, got, want)
		}
		if day > 0 {
			continue
		}
		last := b.account(fmt.Sprint("invented", far-1))
		if !last.Coverage.LastCompleteAt.Equal(b.Clock.Now()) {
			t.Errorf("the last account was read at %v", last.Coverage.LastCompleteAt)
		}
	}
	ends = true
	b.Clock.Advance(8 * 24 * time.Hour)
	for _, want := range []int{12, 12} {
		b.synchronize(id)
		if got := pages(); got != want {
			t.Errorf("%d pages of a list with 12, want %d", got, want)
		}
		b.Clock.Advance(24 * time.Hour)
	}
}

// endlessRows lets the bank invent a row for each page of an account, which has an end only if
// ends is set. It returns how many pages the bank was asked for since the last call.
func (b *scripted) endlessRows(ends *bool, pages int) (count func() int) {
	calls, invented := 0, 0
	b.refuse = func(ask asked) *http.Response {
		if ask.what != "transactions" {
			return nil
		}
		calls++
		invented++
		links := map[string]any{}
		if !*ends || ask.page+1 < pages {
			links["next"] = map[string]any{"href": "accounts/a/transactions?page=" + strconv.Itoa(ask.page+1)}
		}
		return spoken(http.StatusOK, map[string]any{"_links": links, "transactions": []any{
			scriptedRow(b.day(0).String(), fmt.Sprint("INVENTED ", invented)),
		}})
	}
	return func() int {
		n := calls
		calls = 0
		return n
	}
}

// Pages of rows without an end are followed far once a week and after a login. In between a
// few of them are read, and the coverage is not complete. When they have an end
// again, they are read to it.
func TestRowsWithoutAnEndAreNotFollowedAgainTheNextDay(t *testing.T) {
	b := newScripted(t, "a")
	ends := false
	count := b.endlessRows(&ends, 40)
	id := b.begin()
	far := count()
	if far < 100 {
		t.Fatalf("%d pages at the login", far)
	}
	const few = 30
	for n, want := range []int{few, few, few, few, few, few, few, few, far, few} {
		b.Clock.Advance(20 * time.Hour)
		b.synchronize(id)
		if got := count(); got != want {
			t.Errorf("reading %d after the login: %d pages, want %d", n+1, got, want)
		}
		if covered := b.account("a").Coverage; covered.Complete || covered.Gap != oxlin.GapBroken || !covered.LastCompleteAt.IsZero() {
			t.Errorf("reading %d after the login: %+v", n+1, covered)
		}
	}
	b.connect(connect.AuthorizeRequest{ConnectionID: id}, "dev")
	if got := count(); got != far {
		t.Errorf("%d pages after a login, want %d", got, far)
	}
	ends = true
	b.Clock.Advance(8 * 24 * time.Hour)
	for range 2 {
		b.synchronize(id)
		// The bank shows none of the rows that it has invented before.
		if covered := b.account("a").Coverage; count() < 40 || covered.Newest != oxlin.GapSuspect {
			t.Errorf("not all of 40 pages, or %+v", covered)
		}
		b.Clock.Advance(24 * time.Hour)
	}
}

// A bank that has mended its links within the week is read whole at once, unless a walk has
// more pages than most.
func TestRowsThatHaveAnEndAgain(t *testing.T) {
	b := newScripted(t, "a")
	ends := false
	count := b.endlessRows(&ends, 29)
	id := b.begin()
	ends = true
	b.Clock.Advance(24 * time.Hour)
	b.synchronize(id)
	if covered := b.account("a").Coverage; covered.Newest != oxlin.GapSuspect || !covered.EndlessAt.IsZero() {
		t.Errorf("%d pages, and %+v", count(), covered)
	}
}
