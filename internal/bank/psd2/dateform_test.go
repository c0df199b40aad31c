package psd2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// FuzzDateForm reads patterns. One that is accepted writes a text, and one with a whole date in the
// usual order writes the day that it got.
func FuzzDateForm(f *testing.F) {
	for _, pattern := range []string{
		"", "instant", "millis", "local", "local_millis", "offset", "offset_millis", "date", "none", "dd/MM/yyyy", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
		"yyyy-MM-dd'T'HH:mm:ssxx", "yyyy-MM-dd'T", "'", "EEE, dd MMM yyyy HH:mm:ss zzz", "yyyyMMdd", "YYYY", "yyyy-MM-dd'T'HH:mm:ss'Z'",
	} {
		f.Add(pattern, int64(1781998200))
	}
	f.Fuzz(func(t *testing.T, pattern string, seconds int64) {
		form, err := psd2.NewDateForm(pattern)
		if err != nil || form.IsNone() {
			return
		}
		const year2100 = 4102444800
		if seconds < 0 || seconds > year2100 {
			return
		}
		instant := time.Unix(seconds, 0)
		written := form.Write(instant, oxlin.Paris)
		if strings.TrimSpace(written) == "" {
			t.Fatalf("%q writes nothing", pattern)
		}
		switch pattern {
		case "", "instant", "millis", "offset", "offset_millis", "local", "local_millis", "date":
			read := notation.Interface(notation.DayFirst).Date(written, oxlin.Paris).Or(oxlin.Date{})
			// 1 January 1970 and such are days that programs make up.
			if day := oxlin.DateIn(instant, oxlin.Paris); read != day && !read.IsZero() {
				t.Errorf("%q writes %s as %q, which is %s", pattern, day, written, read)
			}
		}
	})
}
