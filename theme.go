package oxlin

import "regexp"

// Theme is how a licensed client colours the widget (contract §6.3): a list of font
// names and two colours of CSS; what is empty stays as it is.
type Theme struct {
	Font          string `json:"font,omitempty"`
	FontColor     string `json:"font_color,omitempty"`
	ElementsColor string `json:"elements_color,omitempty"`
}

var (
	// A font is a list of names; a colour is a name of CSS, or hexadecimal.
	themeFont  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ,-]{0,99}$`)
	themeColor = regexp.MustCompile(`^([A-Za-z]{3,30}|#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8}))$`)
)

// Check refuses what would be more than a font or a colour in a style sheet, as
// CodeInvalidRequest with its Field.
func (t Theme) Check() error {
	if t.Font != "" && !themeFont.MatchString(t.Font) {
		return Invalid("font", "A font is a list of font names.")
	}
	for _, color := range []struct{ name, value string }{{"font_color", t.FontColor}, {"elements_color", t.ElementsColor}} {
		if color.value != "" && !themeColor.MatchString(color.value) {
			return Invalid(color.name, "A colour is a name of CSS, or #rrggbb.")
		}
	}
	return nil
}
