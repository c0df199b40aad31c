package oxlin_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

// What the newest days lack and what the older ones lack are two facts; the graver one is
// shown, and a reading is complete without both.
func TestTheGraverGapIsShown(t *testing.T) {
	gaps := []oxlin.Gap{"", oxlin.GapUnreadable, oxlin.GapRefused, oxlin.GapBroken, oxlin.GapSuspect} // by gravity
	now, before := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for newest, ofNewest := range gaps {
		for older, ofOlder := range gaps {
			got := oxlin.Coverage{Newest: ofNewest, Older: ofOlder, LastCompleteAt: before}.Judged(now)
			want := oxlin.Coverage{Newest: ofNewest, Older: ofOlder, Gap: gaps[max(newest, older)], LastCompleteAt: before}
			if newest+older == 0 {
				want.Complete, want.LastCompleteAt = true, now
			}
			if got != want {
				t.Errorf("newest %q, older %q: %+v, want %+v", ofNewest, ofOlder, got, want)
			}
		}
	}
}
