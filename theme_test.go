package oxlin_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
)

// A page in a client's theme is readable: browsers accept each value as a font or an
// opaque colour, and it contains nothing else.
func TestTheme(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		theme oxlin.Theme
		field string // that is refused; empty for none
	}{
		{oxlin.Theme{}, ""},
		{oxlin.Theme{Font: "Arial", FontColor: "Blue", ElementsColor: "Yellow"}, ""},
		{oxlin.Theme{Font: "Open Sans, -apple-system,sans-serif", FontColor: "#0aF", ElementsColor: "#00aaff"}, ""},
		{oxlin.Theme{Font: "Source Sans 3"}, "font"}, // a name with such a word has to be quoted
		{oxlin.Theme{Font: "Arial,"}, "font"},
		{oxlin.Theme{Font: "Arial,, serif"}, "font"},
		{oxlin.Theme{Font: ","}, "font"},
		{oxlin.Theme{Font: "Arial, 12px"}, "font"},
		{oxlin.Theme{Font: "inherit"}, "font"},
		{oxlin.Theme{Font: "Arial, Revert-Layer"}, "font"},
		{oxlin.Theme{Font: "Arial;}"}, "font"},
		{oxlin.Theme{Font: "url(x)"}, "font"},
		{oxlin.Theme{Font: strings.Repeat("a", 101)}, "font"},
		{oxlin.Theme{FontColor: "transparent"}, "font_color"},
		{oxlin.Theme{FontColor: "currentColor"}, "font_color"},
		{oxlin.Theme{FontColor: "inherit"}, "font_color"},
		{oxlin.Theme{FontColor: "bleu"}, "font_color"},
		{oxlin.Theme{FontColor: "#0000"}, "font_color"},
		{oxlin.Theme{FontColor: "#fff8"}, "font_color"},
		{oxlin.Theme{FontColor: "red\n"}, "font_color"},
		{oxlin.Theme{ElementsColor: "ffffff"}, "elements_color"},
		{oxlin.Theme{ElementsColor: "#12345"}, "elements_color"},
		{oxlin.Theme{ElementsColor: "#12345678"}, "elements_color"},
		{oxlin.Theme{ElementsColor: "rgb(0 0 0)"}, "elements_color"},
	} {
		err := row.theme.Check()
		if row.field == "" {
			if err != nil {
				t.Errorf("%+v: %v", row.theme, err)
			}
			continue
		}
		if err == nil || oxlin.AsError(err).Field != row.field || oxlin.AsError(err).Code != oxlin.CodeInvalidRequest {
			t.Errorf("%+v: %v", row.theme, err)
		}
	}
}
