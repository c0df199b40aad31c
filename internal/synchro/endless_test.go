package synchro_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
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
