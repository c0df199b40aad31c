package widget

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// pagesOfSteps has a page of every step, with all the buttons that it can have.
var pagesOfSteps = map[step]page.View{
	stepTerms:        page.Terms{},
	stepBanks:        page.Banks{Banks: []page.Bank{{ID: "1", Name: "Bank"}}},
	stepChannels:     page.Channels{Choices: []page.ChannelChoice{{ID: "E", Mode: oxlin.ModeEmbedded}}, Earlier: earlierOfSteps},
	stepNotice:       page.Notice{NoCurrentAccount: true, Earlier: earlierOfSteps},
	stepLogin:        page.Login{Fields: []page.Field{{ID: "300", Type: oxlin.CredentialText}}, Earlier: earlierOfSteps},
	stepFile:         page.File{Connect: true},
	stepLoading:      page.Loading{},
	stepChallenge:    page.Challenge{OK: "307"},
	stepConsent:      page.Consent{},
	stepAccounts:     page.Accounts{Accounts: []page.AccountLine{{ID: 1}}},
	stepOffer:        page.Offer{},
	stepProfessional: page.Professional{Accounts: []page.AccountLine{{ID: 1}}},
	stepFailed:       page.Failed{Retry: true},
	stepDone:         page.Done{Status: "success"},
}

var earlierOfSteps = []page.Earlier{{ID: 7}}

// postedActions returns the actions of the forms that a page posts; "" is that of a
// form without a button for an action.
func postedActions(t *testing.T, view page.View) []string {
	t.Helper()
	var html bytes.Buffer
	err := page.Render(t.Context(), &html, page.Frame{Language: "en", OtherBank: true, HaveFile: true}, view)
	if err != nil {
		t.Fatal(err)
	}
	document, err := goquery.NewDocumentFromReader(&html)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]bool{}
	document.Find(`form[method="post"]`).Each(func(_ int, form *goquery.Selection) {
		id, _ := form.Attr("id")
		buttons := form.Find(`[name="action"]`)
		if id != "" {
			buttons = buttons.AddSelection(document.Find(`[name="action"][form="` + id + `"]`))
		}
		if buttons.Length() == 0 {
			actions[""] = true
		}
		buttons.Each(func(_ int, button *goquery.Selection) {
			action, _ := button.Attr("value")
			actions[action] = true
		})
	})
	return slices.Sorted(maps.Keys(actions))
}

func TestEveryFormHasItsHandlerAndEveryHandlerItsForm(t *testing.T) {
	inFrame := map[string]bool{}
	for at, view := range pagesOfSteps {
		t.Run(string(at), func(t *testing.T) {
			var own []string
			for _, action := range postedActions(t, view) {
				if frameForms[action] != nil {
					inFrame[action] = true
				} else {
					own = append(own, action)
				}
				if formOf(at, action) == nil && at != stepDone {
					t.Errorf("the page posts %q, which nothing handles", action)
				}
			}
			if handled := slices.Sorted(maps.Keys(forms[at])); !slices.Equal(own, handled) {
				t.Errorf("the page posts %q; handled are %q", own, handled)
			}
		})
	}
	for at := range forms {
		if pagesOfSteps[at] == nil {
			t.Errorf("forms of %s, which has no page", at)
		}
	}
	for action := range frameForms {
		if !inFrame[action] {
			t.Errorf("no page posts %q", action)
		}
	}
	if formOf(stepDone, "cancel") != nil {
		t.Error("the last page takes a form")
	}
}
