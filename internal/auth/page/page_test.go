package page_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth/page"
)

func draw(t *testing.T, shown page.Signin, language string) *goquery.Document {
	t.Helper()
	var text strings.Builder
	err := shown.Render(t.Context(), &text, language)
	if err != nil {
		t.Fatal(err)
	}
	document, err := goquery.NewDocumentFromReader(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestEveryProblemAndScopeHasItsText(t *testing.T) {
	for _, language := range page.Texts.Languages() {
		for _, problem := range []page.Problem{page.WrongPassword, page.TooManyAttempts, page.FormExpired} {
			document := draw(t, page.Signin{Client: "Budget", Problem: problem}, language)
			said := document.Find("[role=alert]")
			if said.Length() != 1 || strings.Contains(said.Text(), "_") {
				t.Errorf("%s: %s is %q", language, problem, said.Text())
			}
			for _, field := range []string{"username", "password"} {
				if described := document.Find("#"+field).AttrOr("aria-describedby", ""); described != said.AttrOr("id", "none") {
					t.Errorf("%s: the field %s is described by %q", problem, field, described)
				}
			}
		}
		asked := slices.DeleteFunc(oxlin.UserScopes(), func(s oxlin.Scope) bool { return s == oxlin.ScopeOpenID })
		items := draw(t, page.Signin{Client: "Budget", Scopes: oxlin.UserScopes()}, language).Find("li")
		if items.Length() != len(asked) || strings.Contains(items.Text(), "_") {
			t.Errorf("%s: %d scopes are %q", language, len(asked), items.Text())
		}
	}
}

// What an application or a user writes stays text.
func TestNothingIsTakenForHTML(t *testing.T) {
	const nasty = `"'><script>alert(1)</script></title></style>&amp;`
	document := draw(t, page.Signin{Client: nasty, Email: nasty, Form: nasty}, "en")
	if document.Find("script:not([src])").Length() != 0 || document.Find("strong").Text() != nasty || document.Find("#username").AttrOr("value", "") != nasty ||
		document.Find("title").Text() != "Sign in – "+nasty {
		html, _ := document.Html()
		t.Error(html)
	}
}
