package widget_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/widget"
)

func TestLanguages(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for _, row := range []struct{ lng, locale, accepts, want string }{
		{"", "", "", "fr"}, {"en", "", "", "en"}, {"fr", "", "en", "fr"}, {"", "en_EN", "", "en"}, {"", "en-GB", "fr", "en"}, {"", "fr_FR", "en", "fr"},
		{"", "", "en-US,en;q=0.9", "en"}, {"", "", "de,en;q=0.5", "en"}, {"", "", "de", "fr"}, {"de", "", "en", "en"}, {"", "", "nonsense;;;", "fr"},
		{"fr", "en", "", "en"}, {"<b>", "", "", "fr"},
	} {
		b := w.person(t, sandbox).browser()
		b.header = http.Header{}
		if row.accepts != "" {
			b.header.Set("Accept-Language", row.accepts)
		}
		values := url.Values{}
		for name, value := range map[string]string{"lng": row.lng, "locale": row.locale} {
			if value != "" {
				values.Set(name, value)
			}
		}
		b.open(b.session("add_connection", nil) + "&" + values.Encode())
		for _, page := range []string{"banks", "notice"} {
			b.want(page)
			if got := b.page.Find("html").AttrOr("lang", ""); got != row.want || b.answer.Get("Content-Language") != row.want {
				t.Errorf("%+v: %s speaks %s", row, page, got)
			}
			if page == "banks" {
				b.choose("Linxo Test Bank")
			}
		}
	}
}

// The user may change the language on any page, and the flow keeps it.
func TestTheLanguageIsChanged(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection", "provider_id", "87").want("notice")
	language := func() string { return b.page.Find("html").AttrOr("lang", "") }
	french := b.page.Find("nav a[hreflang=fr]").AttrOr("href", "")
	plain := b.address
	b.open(w.URL + french)
	if language() != "fr" {
		t.Errorf("%s", language())
	}
	b.open(plain)
	if b.act("authorize").atBank("dev").want("loading"); language() != "fr" {
		t.Errorf("after the bank the page speaks %s", language())
	}
	for _, address := range []string{"/terms.html", "/success?status=cancelled"} {
		b.open(w.URL + address)
		b.open(w.URL + b.page.Find("nav a[hreflang=fr]").AttrOr("href", ""))
		if language() != "fr" || strings.Contains(address, "cancelled") && b.page.Find(".mark.plain").Length() != 1 {
			t.Errorf("%s: %s", address, b.body)
		}
	}
}

// A style sheet contains only fonts and colours.
func TestTheStyleSheetOfATheme(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).browser()
	for query, want := range map[string]string{
		"":                                     ":root{}",
		"font=Arial":                           ":root{--font:Arial;}",
		"font_color=%23ABC&elements_color=red": ":root{--font-color:#ABC;--elements-color:red;}",
		"font=Open+Sans,+sans-serif":           ":root{--font:Open Sans, sans-serif;}",
		"font=Arial%3B}*{display:none":         "",
		"font=Arial/*":                         "",
		"font=url(x)":                          "",
		"font_color=red%3Bbackground:url(//e.vil)": "",
		"font_color=expression(1)":                 "",
		"elements_color=%23abcde":                  "",
		"elements_color=red%0A":                    "",
		"font=%3C/style%3E":                        "",
		"font=" + strings.Repeat("a", 200):         "",
	} {
		b.open(w.URL + "/widget/theme.css?" + query)
		if want == "" {
			if b.status != http.StatusBadRequest {
				t.Errorf("%s: %d %q", query, b.status, b.body)
			}
			continue
		}
		if b.body != want || b.answer.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("%s: %d %q", query, b.status, b.body)
		}
	}
}

// A licensed client's own colours apply unless the flow has others.
func TestTheColoursOfAClient(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	coloured := client("coloured", "Couleurs", true)
	coloured.Theme = oxlin.Theme{Font: "Georgia", FontColor: "#111111"}
	lapsed := client("lapsed", "Couleurs", false)
	lapsed.Theme = coloured.Theme
	w.Write(func(tx *store.Tx) error {
		err := tx.SaveClient(t.Context(), coloured)
		if err != nil {
			return err
		}
		return tx.SaveClient(t.Context(), lapsed)
	})
	for _, row := range []struct {
		client     oxlin.Client
		parameters []string
		want       string
	}{
		{coloured, nil, ":root{--font:Georgia;--font-color:#111111;}"},
		{coloured, []string{"font_color", "red", "elements_color", "blue"}, ":root{--font:Georgia;--font-color:red;--elements-color:blue;}"},
		{licensed, nil, ""}, {lapsed, nil, ""},
	} {
		b := w.person(t, row.client).visit("add_connection", row.parameters...)
		sheet := b.page.Find("link[href*='theme.css']")
		if sheet.Length() == 0 {
			if row.want != "" {
				t.Errorf("%s: no colours", row.client.ID)
			}
			continue
		}
		b.open(w.URL + sheet.AttrOr("href", ""))
		if b.body != row.want {
			t.Errorf("%s %v: %q, want %q", row.client.ID, row.parameters, b.body, row.want)
		}
	}
}

// Users can search and page through the banks without a script.
func TestTheListOfBanks(t *testing.T) {
	t.Parallel()
	w := adjustedWorld(t, func(o *widget.Options) {
		o.Logos = fstest.MapFS{"87.png": {Data: []byte("\x89PNG")}, "secret.txt": {Data: []byte("secret")}}
	})
	b := w.person(t, sandbox).visit("add_connection").want("banks")
	if b.page.Find("div.search-input > input#bank-search-input").Length() != 1 {
		t.Error("the element ids of contract §6.7 are missing")
	}
	names := func() string {
		var list []string
		for _, node := range b.page.Find(".bank__name").EachIter() {
			list = append(list, node.Text())
		}
		return strings.Join(list, ", ")
	}
	const others = "Linxo Test Bank (Berlin Group), Linxo Test Bank (Berlin Group, app or code), Linxo Test Bank (Open Banking UK)"
	if got := names(); got != "Linxo Test Bank, HSBC, Demo Bank, "+others {
		t.Errorf("the common banks do not come first: %s", got)
	}
	search := b.page.Find("form[role=search]")
	flow := b.address
	for q, want := range map[string]string{"linxo": "Linxo Test Bank, " + others, "hbsc": "HSBC", "zzz": "", "demo": "Demo Bank", "": "Linxo Test Bank, HSBC, Demo Bank, " + others} {
		values := url.Values{"q": {q}}
		for _, hidden := range search.Find("input[type=hidden]").EachIter() {
			values.Set(hidden.AttrOr("name", ""), hidden.AttrOr("value", ""))
		}
		for _, fragment := range []string{"", "banks"} {
			b.header.Del("X-Fragment")
			if fragment != "" {
				b.header.Set("X-Fragment", fragment)
			}
			b.open(w.URL + search.AttrOr("action", "") + "?" + values.Encode())
			if got := names(); got != want {
				t.Errorf("%q finds %s, want %s", q, got, want)
			}
			if whole := b.page.Find("h1").Length() == 1; whole != (fragment == "") {
				t.Errorf("with X-Fragment %q the answer is a whole page: %t", fragment, whole)
			}
		}
	}
	b = b.person.visit("add_connection", "countries", "AQ").want("banks")
	if got := b.page.Find("#bank-list p").Length(); names() != "" || got != 2 { // one is for screen readers
		t.Errorf("where there is no bank, the page advises how to search: %s", b.text())
	}
	for _, from := range []string{"0", "2", "99999999999999999999", "-5", "x"} {
		b.open(flow + "&from=" + from)
		b.wantStatus(http.StatusOK)
	}
	if picture := b.page.Find("button[value='87'] img").AttrOr("src", ""); picture != "" {
		b.open(w.URL + picture)
		if b.status != http.StatusOK || b.answer.Get("Content-Type") != "image/png" {
			t.Errorf("%d %v", b.status, b.answer)
		}
	} else {
		t.Error("the bank has no picture")
	}
	for _, file := range []string{"182.png", "secret.txt", "..%2fsecret.txt", "..png", ".png", "x"} {
		b.open(w.URL + "/widget/logos/" + file)
		b.wantStatus(http.StatusNotFound)
	}
}
