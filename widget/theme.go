package widget

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
)

var (
	// themeFont is a list of font names; themeColor a name of CSS, or hexadecimal.
	themeFont  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ,-]{0,99}$`)
	themeColor = regexp.MustCompile(`^([A-Za-z]{3,30}|#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8}))$`)
)

// check refuses what would be more than a font or a colour in a style sheet.
func (t theme) check() error {
	if t.Font != "" && !themeFont.MatchString(t.Font) {
		return oxlin.Invalid("font", "The parameter font is a list of font names.")
	}
	for name, color := range map[string]string{"font_color": t.FontColor, "elements_color": t.ElementsColor} {
		if color != "" && !themeColor.MatchString(color) {
			return oxlin.Invalid(name, "The parameter %s is a colour: a name of CSS, or #rrggbb.", name)
		}
	}
	return nil
}

// serveTheme gives a client's colours as a style sheet, which the policy of the
// pages allows where a style in the page is forbidden.
func (w *Widget) serveTheme(x *exchange) error {
	query := x.request.URL.Query()
	t := theme{query.Get("font"), query.Get("font_color"), query.Get("elements_color")}
	err := t.check()
	if err != nil {
		return err
	}
	var rules strings.Builder
	for _, rule := range []struct{ property, value string }{
		{"--font", t.Font}, {"--font-color", t.FontColor}, {"--elements-color", t.ElementsColor},
	} {
		if rule.value != "" {
			fmt.Fprintf(&rules, "%s:%s;", rule.property, rule.value)
		}
	}
	x.Header().Set("Content-Type", "text/css; charset=utf-8")
	x.Header().Set("Cache-Control", "public, max-age=86400")
	_, err = fmt.Fprintf(x, ":root{%s}", rules.String())
	return err
}
