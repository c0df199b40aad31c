package page_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// TestAConsentSaysTheSameEverywhere compares the page, the record and the terms, in every
// language and for every channel.
func TestAConsentSaysTheSameEverywhere(t *testing.T) {
	for _, language := range page.Texts.Languages() {
		in := frame(language)
		terms := shown(t, in, page.TermsText{Version: oxlin.TermsVersion})
		get := func(key string) string { return page.Texts.Get(language, key, map[string]any{"Client": in.Client}) }
		for _, kind := range append(oxlin.DataOfAccounts(), oxlin.DataOfCustomers()...) {
			if !strings.Contains(terms, spaced(get("data.kind."+string(kind)))) {
				t.Errorf("%s: the terms do not name %s", language, kind)
			}
		}
		for _, agreement := range both {
			for _, view := range []page.View{
				page.Consent{Bank: bank, Accounts: accounts, Agreement: agreement},
				page.Accounts{Bank: bank, Accounts: accounts, Agreements: []page.Agreement{agreement}},
			} {
				text, words := shown(t, in, view), page.Words(in, view)
				for _, line := range strings.Split(words, "\n") {
					_, says, labelled := strings.Cut(line, ": ")
					if !labelled {
						says = line
					}
					if !strings.Contains(text, spaced(says)) {
						t.Errorf("%s: the record says %q, and the page does not", language, says)
					}
				}
				for _, kind := range append(oxlin.DataOfAccounts(), oxlin.DataOfCustomers()...) {
					word := get("data.kind." + string(kind))
					if named := strings.Contains(strings.ToLower(words), word); named != slices.Contains(agreement.Data, kind) {
						t.Errorf("%s, %s: that the record names %q is %t", language, agreement.Mode, word, named)
					}
				}
				for _, mode := range []oxlin.Mode{oxlin.ModeRedirect, oxlin.ModeEmbedded} {
					how := get("consent.withdraw." + string(mode))
					if !strings.Contains(terms, spaced(how)) {
						t.Errorf("%s: the terms do not say %q", language, how)
					}
					if said := strings.Contains(words, how); said != (mode == agreement.Mode) {
						t.Errorf("%s, %s: that the record says %q is %t", language, agreement.Mode, how, said)
					}
				}
			}
		}
	}
}

// TestTheTextsOfAVersionNeverChange holds the versions to their words: whoever changes the
// words changes the version, and users accept the terms again.
func TestTheTextsOfAVersionNeverChange(t *testing.T) {
	sum := func(views ...page.View) string {
		all := sha256.New()
		for _, language := range page.Texts.Languages() {
			for _, view := range views {
				all.Write([]byte(shown(t, frame(language), view)))
				all.Write([]byte(page.Words(frame(language), view)))
			}
		}
		return hex.EncodeToString(all.Sum(nil)[:8])
	}
	for version, row := range map[string]struct{ got, want string }{
		"ConsentTextVersion " + oxlin.ConsentTextVersion: {sum(
			page.Consent{Bank: bank, Agreement: byRedirect}, page.Consent{Bank: bank, Agreement: byLogin, Renewal: true},
			page.Accounts{Bank: bank, Agreements: both},
		), "098edf3ff1c5ee3c"},
		"TermsVersion " + oxlin.TermsVersion: {sum(page.TermsText{Version: oxlin.TermsVersion}), "e33a4ef219f0b865"},
	} {
		if row.got != row.want {
			t.Errorf("%s has other words, %s instead of %s: they need another version", version, row.got, row.want)
		}
	}
}

// shown returns the text of a page's main part.
func shown(t *testing.T, frame page.Frame, view page.View) string {
	t.Helper()
	document, err := goquery.NewDocumentFromReader(strings.NewReader(draw(t, frame, view)))
	if err != nil {
		t.Fatal(err)
	}
	return spaced(document.Find("main").Text())
}

// spaced returns a text with plain spaces.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }
