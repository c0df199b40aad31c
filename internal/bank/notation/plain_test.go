package notation_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// The usual forms are read by a shorter way. A mark that means nothing leads to the long one,
// which reads the same.
func TestUsualFormsReadAsAllOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune(" abZ&;lt<br/>\\u00e9[]-#1")), 0, 12, -1).Draw(t, "text")
		if short, long := notation.Text(text), notation.Text(text+"\u200b"); short != long {
			t.Errorf("Text(%q) is %q; with a mark %q", text, short, long)
		}
		day := rapid.StringMatching(`(19|20|21|00|99)[0-9]{2}-[01][0-9]-[0-3][0-9]`).Draw(t, "day")
		for _, convention := range []notation.Convention{notation.French, notation.Interface(notation.UnknownOrder)} {
			if short, long := convention.Day(day), convention.Day(day+" "); short != long {
				t.Errorf("Day(%q) is %+v; with a space %+v", day, short, long)
			}
		}
	})
}
