package widget

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin"
)

// themeOf reads the colours of a query (contract §6.3).
func themeOf(query url.Values) oxlin.Theme {
	return oxlin.Theme{Font: query.Get("font"), FontColor: query.Get("font_color"), ElementsColor: query.Get("elements_color")}
}

// serveTheme returns a client's theme as a style sheet, because the policy forbids styles
// inside the page.
func (w *Widget) serveTheme(x *exchange) error {
	t := themeOf(x.request.URL.Query())
	err := t.Check()
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
