package widget_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
)

// outcome describes the page of a flow and the visible effects of a parameter.
type outcome func(b *browser) string

func page(b *browser) string { return b.at() }

func title(b *browser) string { return b.page.Find("h1").Text() }

// TestParameters checks each parameter of contract §6.3 in the address, in the session,
// and in the session with another value in the address, which overrides it.
func TestParameters(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	connect := func(b *browser) *browser {
		return b.choose("Linxo Test Bank").act("authorize").atBank("dev").wait().act("consent")
	}
	left := func(b *browser) string {
		address, _ := b.act("cancel").over()
		return address
	}
	seconds := func(b *browser) string {
		connect(b).wait().want("done")
		return b.page.Find("main").AttrOr("data-after", "")
	}
	wholeConnection := func(b *browser) string {
		connect(b)
		if b.connection().AutoSync {
			return "every day"
		}
		return "once"
	}
	afterConsent := func(b *browser) string { return connect(b).at() }
	afterAll := func(b *browser) string { connect(b).wait(); return b.at() }
	onceListed := func(b *browser) string {
		return b.choose("Linxo Test Bank").act("authorize").atBank("dev").wait().at()
	}
	afterBank := func(b *browser) string { return b.choose("Linxo Test Bank").at() }
	names := func(b *browser) string {
		var list []string
		for _, node := range b.page.Find(".bank__name").EachIter() {
			list = append(list, node.Text())
		}
		return strings.Join(list, ", ")
	}
	language := func(b *browser) string { return b.page.Find("html").AttrOr("lang", "") }
	theme := func(b *browser) string {
		var sheet string
		for _, link := range b.page.Find("link[rel=stylesheet]").EachIter() {
			sheet = link.AttrOr("href", "")
		}
		b.open(w.URL + sheet)
		return b.body
	}
	rootOf := func(property, value string) string { return ":root{" + property + ":" + value + ";}" }
	ours := func(b *browser) string { return strings.TrimSpace(b.page.Find("header .us").Text()) }
	consentPage := func(look outcome) outcome {
		return func(b *browser) string { onceListed(b); return look(b) }
	}
	body := func(b *browser) string { return b.page.Find("main h1 ~ p").First().Text() }
	const one, two = "https://one.example.test/?a=b", "https://two.example.test/"

	for _, row := range []struct {
		name string
		// canonical is the newer name, or the same name without one.
		canonical string
		client    oxlin.Client
		value     string
		want      string
		other     string // another value for the session, which the address overrides
		wantOther string
		look      outcome
	}{
		{"redirect_url", "redirect_url", sandbox, one, "https://one.example.test/", two, "https://two.example.test/", left},
		{"redirect_uri", "redirect_url", sandbox, one, "https://one.example.test/", two, "https://two.example.test/", left},
		{"cancel_url", "cancel_url", sandbox, one, "https://one.example.test/", two, "https://two.example.test/", left},
		{"provider_id", "provider_id", sandbox, "87", "notice", "182", "login", page},
		{"captive_mode", "wait_sync_end", sandbox, "false", "done", "true", "loading", afterConsent},
		{"wait_sync_end", "wait_sync_end", sandbox, "false", "done", "true", "loading", afterConsent},
		{"select_accounts", "select_accounts", licensed, "true", "accounts", "false", "consent", onceListed},
		{"consent_per_account", "select_accounts", licensed, "true", "accounts", "false", "consent", onceListed},
		{"multiple_channels", "multiple_channels", sandbox, "true", "offer", "false", "done", afterAll},
		{"select_channel", "select_channel", sandbox, "true", "channels", "false", "notice", afterBank},
		{"expected_account_types", "expected_account_types", sandbox, "OTHER", "login", "PAYMENT", "notice", afterBank},
		{"auto_sync", "auto_sync", sandbox, "false", "once", "true", "every day", wholeConnection},
		{"countries", "countries", sandbox, "BE", "", "FRA,BEL", "Linxo Test Bank, HSBC, Demo Bank, Linxo Test Bank (Berlin Group), Linxo Test Bank (Berlin Group, app or code)", names},
		{"congrats_bypass_delay", "congrats_bypass_delay", sandbox, "7", "7", "0", "0", seconds},
		{"terms_header", "terms_header", licensed, "Vos fleurs <b>", "Vos fleurs <b>", "Nos fleurs", "Nos fleurs", consentPage(title)},
		{"terms_body", "terms_body", licensed, "Un.\nDeux.", "Un.", "Trois.", "Trois.", consentPage(body)},
		{"lng", "locale", sandbox, "en", "en", "fr", "fr", language},
		{"locale", "locale", sandbox, "en_EN", "en", "fr-FR", "fr", language},
		{"font", "font", licensed, "Arial", rootOf("--font", "Arial"), "Georgia, serif", rootOf("--font", "Georgia, serif"), theme},
		{"font_color", "font_color", licensed, "Blue", rootOf("--font-color", "Blue"), "#012", rootOf("--font-color", "#012"), theme},
		{"elements_color", "elements_color", licensed, "Yellow", rootOf("--elements-color", "Yellow"), "#00aaff", rootOf("--elements-color", "#00aaff"), theme},
		{"hide_logo", "hide_logo", licensed, "true", "Banque des Fleurs", "false", "Oxlin", ours},
	} {
		for _, way := range []struct {
			name             string
			session, address url.Values
			want             string
		}{
			{"in the address", nil, form(row.name, row.value), row.want},
			{"in the session", form(row.name, row.value), nil, row.want},
			{"in the address over the session", form(row.name, row.value), form(row.canonical, row.other), row.wantOther},
			{"the older name in the address over the newer in the session", form(row.canonical, row.value), form(row.name, row.other), row.wantOther},
		} {
			if way.name[0] == 't' && row.name == row.canonical {
				continue
			}
			t.Run(row.name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				b := w.person(t, row.client).browser()
				b.header.Del("Accept-Language")
				b.open(b.session("add_connection", way.session) + "&" + way.address.Encode())
				if got := row.look(b); got != way.want {
					t.Errorf("%q, want %q", got, way.want)
				}
			})
		}
	}
}

// If both the older and the newer name are present, the newer applies (contract §9).
func TestTheNewerNameCounts(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection", "redirect_uri", "https://old.example.test/", "redirect_url", "https://new.example.test/", "lng", "fr", "locale", "en")
	if got := b.page.Find("html").AttrOr("lang", ""); got != "en" {
		t.Errorf("the language is %s", got)
	}
	if address, _ := b.act("cancel").over(); address != "https://new.example.test/" {
		t.Errorf("the user goes to %s", address)
	}
}

func TestWhatCannotBeShownGoesBackAtOnce(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	stranger := w.person(t, sandbox)
	stranger.visit("add_connection", "provider_id", "182").want("login").goOn("10001", "demo")
	foreign := stranger.connection().ID.String()
	for _, row := range []struct {
		fact, entry string
		client      oxlin.Client
		parameters  []string
		want        string
		says        string
	}{
		{"no such provider", "add_connection", sandbox, []string{"provider_id", "999"}, "error invalid_provider", "999"},
		{"a provider that is no id", "add_connection", sandbox, []string{"provider_id", "<script>"}, "error invalid_provider", ""},
		{"no such channel", "add_connection", sandbox, []string{"provider_id", "87", "channel_definition_id", "embedded1"}, "error invalid_channel_definition", "embedded1"},
		{"no connection", "edit_credentials", sandbox, nil, "error invalid_connection", "connection_id"},
		{"no such connection", "edit_credentials", sandbox, []string{"connection_id", "999999"}, "error invalid_connection", ""},
		{"another user's connection", "edit_credentials", sandbox, []string{"connection_id", foreign}, "error invalid_connection", ""},
		{"another user's connection, asked for a code", "user_input", sandbox, []string{"connection_id", foreign}, "error invalid_connection", ""},
		{"another user's accounts", "manage_accounts", licensed, []string{"connection_id", foreign}, "error invalid_connection", ""},
		{"another user's professional accounts", "professional_account", sandbox, []string{"connection_id", foreign}, "error invalid_connection", ""},
		{"professional accounts of no connection", "professional_account", sandbox, []string{"connection_id", "999999"}, "error invalid_connection", ""},
		{"a connection that is no number", "edit_credentials", sandbox, []string{"connection_id", "x"}, "error invalid_request", "connection_id"},
		{"a flag that is none", "add_connection", sandbox, []string{"multiple_channels", "maybe"}, "error invalid_request", "multiple_channels"},
		{"a flag by its older name", "add_connection", sandbox, []string{"captive_mode", "maybe"}, "error invalid_request", "captive_mode"},
		{"accounts that there are not", "add_connection", sandbox, []string{"expected_account_types", "SOME"}, "error invalid_request", "expected_account_types"},
		{"a channel without the accounts asked for", "add_connection", sandbox, []string{"provider_id", "87", "channel_definition_id", "8701", "expected_account_types", "OTHER"}, "error invalid_request", "expected_account_types"},
		{"a delay of more than an hour", "add_connection", sandbox, []string{"congrats_bypass_delay", "3601"}, "error invalid_request", "congrats_bypass_delay is a number of seconds from 0 to 3600."},
		{"no country", "add_connection", sandbox, []string{"countries", "Atlantis"}, "error invalid_request", "countries"},
		{"no colour", "add_connection", licensed, []string{"font_color", "red;"}, "error invalid_request", "font_color"},
		{"no colour that can be seen", "edit_credentials", licensed, []string{"elements_color", "transparent"}, "error invalid_request", "elements_color"},

		{"select_accounts without an agreement", "add_connection", sandbox, []string{"select_accounts", "true"}, "error agreement_required", "select_accounts"},
		{"consent_per_account", "add_connection", sandbox, []string{"consent_per_account", "true"}, "error agreement_required", "may use consent_per_account."},
		{"a text of its own", "add_connection", sandbox, []string{"terms_body", "Dites oui."}, "error agreement_required", "terms_body"},
		{"no text at all", "add_connection", sandbox, []string{"terms_body", ""}, "error agreement_required", "terms_body"},
		{"manage_accounts", "manage_accounts", sandbox, nil, "error agreement_required", "manage_accounts"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			p := w.person(t, row.client)
			b := p.visit(row.entry, append(row.parameters, "redirect_url", "https://app.example.test/?own=1")...)
			if b.page != nil || b.status != http.StatusSeeOther {
				t.Fatalf("no immediate redirect: %d %s", b.status, b.text())
			}
			values := b.wantEnd(row.want)
			if !strings.Contains(values.Get("error_description"), row.says) || values.Get("own") != "1" || values.Has("connection_id") {
				t.Errorf("%v", values)
			}
		})
	}
}

// TestCosmeticsOfOtherClientsAreIgnored: valid or not, in the session or in the address. The
// page is as without them, and the integrator is warned (contract §12.6).
func TestCosmeticsOfOtherClientsAreIgnored(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for _, row := range []struct {
		name, value string
		valid       bool
	}{
		{"font", "Arial", true}, {"font", "{}", false}, {"font", strings.Repeat("a", 101), false}, {"font", "3", false},
		{"font_color", "red", true}, {"font_color", "no colour", false}, {"elements_color", "transparent", false},
		{"hide_logo", "true", true}, {"hide_logo", "maybe", false}, {"terms_header", "Oui", true}, {"terms_header", strings.Repeat("a", 10001), false},
	} {
		for _, client := range []oxlin.Client{sandbox, licensed} {
			p := w.person(t, client)
			session := p.begin("/widget_session", form(row.name, row.value))
			if refused := session.status == http.StatusBadRequest && session.Field == row.name; refused != (client.Licensed && !row.valid) {
				t.Errorf("%s=%.20s in a session of %s: %+v", row.name, row.value, client.ID, session)
			}
			b := p.visit("add_connection", row.name, row.value)
			if client.Licensed && !row.valid {
				b.wantEnd("error invalid_request")
				continue
			}
			warned, _ := b.page.Find("body").Attr("data-warnings")
			if !client.Licensed && (b.page.Find("#bank-list").Length() != 1 || b.page.Find("link[rel=stylesheet]").Length() != 1 || !strings.Contains(warned, row.name+" is ignored")) {
				t.Errorf("%s=%.20s: warned of %q: %s", row.name, row.value, warned, b.text())
			}
			if client.Licensed && warned != "" {
				t.Errorf("%s=%.20s: a licensed client is warned of %q", row.name, row.value, warned)
			}
		}
	}
}

// A channel may be required without a bank; then it limits the usable banks.
func TestAForcedChannelThatTheChosenBankLacks(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection", "channel_definition_id", "17650")
	b.choose("Linxo Test Bank").wantEnd("error invalid_channel_definition")
	b = w.person(t, sandbox).visit("add_connection", "channel_definition_id", "17650")
	b.choose("Demo Bank").want("login")
}
