package oxlin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
)

func TestTheNextAccountStartsAtItsFirstPage(t *testing.T) {
	got := oxlin.SyncProgress{
		Entered: true, Listed: true, Pending: []oxlin.AccountID{1, 2, 3}, Position: []byte("y"), Cursor: "x", Page: 4,
		Kept: oxlin.PageInSession, Asked: true, Restarts: 2,
		Failed: []oxlin.AccountID{5}, Lost: true, Renewed: true,
	}.Next()
	want := oxlin.SyncProgress{
		Entered: true, Listed: true, Pending: []oxlin.AccountID{2, 3}, Failed: []oxlin.AccountID{5}, Lost: true, Renewed: true,
	}
	sameDate := cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })
	if diff := cmp.Diff(want, got, sameDate); diff != "" {
		t.Error(diff)
	}
}
