package widget_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// byREDIRECT connects provider 87 through its own site.
func (p *person) byREDIRECT() {
	p.t.Helper()
	p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().act("consent").wait().wantEnd("success created")
}

// counts is the number of accounts by status.
type counts = map[oxlin.AccountStatus]int

func (p *person) wantAccounts(want counts) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.statuses()); diff != "" {
		p.t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestREDIRECT(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "redirect_url", "https://app.example.test/back?own=1")
		b.want("banks").choose("Linxo Test Bank").want("notice").act("authorize").atBank("dev").want("loading")
		b.wait().want("consent")
		for _, says := range []string{"COMPTE COURANT", "COMPTE JOINT", "CARTE DEBIT DIFFERE", "16 February 2027", "Budget Malin"} {
			if !strings.Contains(b.text(), says) {
				t.Errorf("the consent page does not say %q: %s", says, b.text())
			}
		}
		if strings.Contains(b.text(), "LIVRET") {
			t.Errorf("the consent page shows what REDIRECT does not read: %s", b.text())
		}
		p.wantAccounts(counts{oxlin.AccountPendingConsent: 3})
		if p.transactions() != 0 {
			t.Error("data were read before the consent")
		}
		shown := b.text()
		b.act("consent").want("loading")
		b.wait().want("done")
		values := b.wantEnd("success created")
		if values.Get("connection_id") != p.connection().ID.String() || values.Get("own") != "1" {
			t.Errorf("%v", values)
		}
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		if p.transactions() == 0 || p.channel("8701").Status != oxlin.ChannelSuccess {
			t.Errorf("%d transactions, %+v", p.transactions(), p.channel("8701"))
		}
		channel := p.channel("8701")
		evidence := []oxlin.Consent{{
			UserID: p.id, ConnectionID: p.connection().ID, ChannelID: channel.ID, AllAccounts: true, Text: p.wantText(shown),
			GivenAt: w.Clock.Now(), ValidUntil: channel.ConsentUntil,
		}}
		for _, says := range []string{"or with your bank", "Until 16 February 2027."} {
			if !strings.Contains(evidence[0].Text.Words, says) {
				t.Errorf("the record does not say %q: %s", says, evidence[0].Text.Words)
			}
		}
		for _, silent := range []string{"address", "birth", "telephone"} {
			if strings.Contains(evidence[0].Text.Words, silent) {
				t.Errorf("the record names %s, which REDIRECT does not read", silent)
			}
		}
		if diff := cmp.Diff(evidence, p.consents()); diff != "" || channel.ConsentUntil.IsZero() {
			t.Errorf("evidence (-want +got):\n%s", diff)
		}
		b.reload().wantEnd("success created")
	})
}

// wantText returns the text in the record of the last consent, every line of which the page has
// shown.
func (p *person) wantText(shown string) oxlin.ConsentText {
	p.t.Helper()
	list := p.consents()
	if len(list) == 0 {
		p.t.Fatal("there is no consent")
	}
	text := list[len(list)-1].Text
	if text.Version != oxlin.ConsentTextVersion || text.Language != "en" || text.Words == "" {
		p.t.Errorf("the record has the text %+v", text)
	}
	for _, line := range strings.Split(text.Words, "\n") {
		_, says, labelled := strings.Cut(line, ": ")
		if !labelled {
			says = line
		}
		if !strings.Contains(shown, says) {
			p.t.Errorf("the record says %q, and the page does not: %s", says, shown)
		}
	}
	return text
}

func TestEMBEDDED(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700")
		b.want("login").goOn("300", "dev", "301", "dev").want("loading")
		b.wait().want("challenge")
		if !strings.Contains(b.text(), "0606060606") {
			t.Errorf("the page does not say where the SMS goes: %s", b.text())
		}
		shown := b.sms("123456").want("consent").text()
		for _, says := range []string{"address", "date of birth", "place of birth", "telephone number", "Until you withdraw your agreement.", "Your bank cannot do it for you."} {
			if !strings.Contains(shown, says) {
				t.Errorf("the consent page does not say %q: %s", says, shown)
			}
		}
		if strings.Contains(shown, "or with your bank") {
			t.Errorf("the consent page promises what the bank cannot do: %s", shown)
		}
		b.act("consent").wait()
		b.wantEnd("success created")
		p.wantText(shown)
		p.wantAccounts(counts{oxlin.AccountActive: 5})
		if list := p.consents(); len(list) != 1 || !list[0].AllAccounts || !list[0].ValidUntil.IsZero() {
			t.Errorf("%+v", list)
		}
		if n := w.Calls.Count("POST /site/securite"); n != 1 {
			t.Errorf("the bank has sent %d SMS", n)
		}
	})
}

// The types of questions other than the SMS code, one with a secret answer.
func TestFourQuestions(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87", "expected_account_types", "OTHER").signIn("dev+questions", "dev").want("challenge")
	b.goOn("313", "soleil", "314", "sesame", "315", "letters", "316", "1988-02-29").wantStatus(http.StatusUnprocessableEntity).want("challenge")
	if b.page.Find("#\\33 15-problem").Length() != 1 || b.page.Find("[id$=-problem]").Length() != 1 {
		t.Errorf("the problem does not stand beside its field: %s", b.text())
	}
	for _, secret := range []string{"sesame", "letters"} {
		if strings.Contains(b.body, secret) {
			t.Errorf("the page gives back %s", secret)
		}
	}
	b.goOn("313", "soleil", "314", "sesame", "315", "1111", "316", "1988-02-29").wait().want("challenge")
	if !strings.Contains(b.alert(), "2") {
		t.Errorf("the page does not say how many attempts are left: %q", b.alert())
	}
	b.goOn("313", "soleil", "314", "sesame", "315", "2468", "316", "1988-02-29").wait().want("consent")
}

func TestTermsFirst(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.stranger(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").want("terms")
		b.goOn().wantStatus(http.StatusUnprocessableEntity).want("terms") // the box is not ticked
		if b.alert() == "" {
			t.Error("the page does not say what is missing")
		}
		b.goOn("terms", "accepted").want("notice")
		user, err := w.DB.Read().User(t.Context(), p.id)
		if err != nil || user.TermsVersion != oxlin.TermsVersion || !user.TermsAcceptedAt.Equal(w.Clock.Now()) {
			t.Errorf("%+v, %v", user, err)
		}
		p.visit("terms").wantEnd("success validated")

		p = w.stranger(t, sandbox)
		b = p.visit("terms", "redirect_url", "https://app.example.test/")
		b.want("terms").goOn("terms", "accepted").wantEnd("success validated")
		p = w.stranger(t, sandbox)
		p.visit("terms").act("cancel").wantEnd("cancelled cancelled")
		user, err = w.DB.Read().User(t.Context(), p.id)
		if err != nil || user.TermsVersion != "" {
			t.Errorf("%+v, %v", user, err)
		}
		w.stranger(t, licensed).visit("terms").wantEnd("success validated")
		w.stranger(t, licensed).visit("add_connection").want("banks")
	})
}

func TestTheTermsInFull(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.stranger(t, sandbox).visit("add_connection").want("terms")
	b.open(w.URL + b.page.Find("main a").AttrOr("href", ""))
	if b.status != http.StatusOK || !strings.Contains(b.text(), oxlin.TermsVersion) || b.page.Find("h2").Length() < 5 {
		t.Errorf("%d %s", b.status, b.text())
	}
}

// Access without consent is destroyed, here and at the bank.
func TestConsentRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().want("consent")
		values := b.act("cancel").wantEnd("cancelled cancelled")
		if values.Has("connection_id") {
			t.Errorf("a connection is named that there is not: %v", values)
		}
		if list := p.connections(); len(list) != 0 || len(p.accounts()) != 0 {
			t.Errorf("%+v", list)
		}
		if n := w.Revoke(); n != 1 || w.Calls.Count("POST /revoke") != 1 {
			t.Errorf("%d accesses are handed back, in %d calls", n, w.Calls.Count("POST /revoke"))
		}
		b.reload().wantEnd("cancelled cancelled")

		p = w.person(t, sandbox)
		b = p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").wait().sms("123456").want("consent")
		b.act("cancel").wantEnd("cancelled cancelled")
		if len(p.connections()) != 0 {
			t.Errorf("%+v", p.connections())
		}
	})
}

// lapse makes the bank end the consent of the user's REDIRECT channel.
func (p *person) lapse() {
	p.t.Helper()
	p.Scenario("dev", "consent_expired")
	err := p.Service.Connections.Synchronize(p.t.Context(), p.caller(), p.connection().ID, oxlin.SyncAll)
	if err != nil {
		p.t.Fatal(err)
	}
	p.work()
	p.EndScenario("login=dev")
	if status := p.channel("8701").Status; status != oxlin.ChannelTokenExpired {
		p.t.Fatalf("the channel is %s", status)
	}
}

func TestARenewal(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		p.byREDIRECT()
		p.lapse()
		before := p.accounts()
		b := p.visit("edit_credentials", "connection_id", p.connection().ID.String(), "redirect_url", "https://app.example.test/")
		b.want("notice").act("authorize").atBank("dev").wait().want("consent").act("consent").wait()
		values := b.wantEnd("success updated")
		if values.Get("connection_id") != p.connection().ID.String() {
			t.Errorf("%v", values)
		}
		for i, account := range p.accounts() {
			if account.ID != before[i].ID || account.Status != oxlin.AccountActive {
				t.Errorf("account %+v was %+v", account, before[i])
			}
		}
		if list := p.consents(); len(list) != 2 {
			t.Errorf("%d consents", len(list))
		}

		// After a refusal, the accounts stay and can be renewed later.
		p.lapse()
		w.Revoke()
		b = p.visit("edit_credentials", "connection_id", p.connection().ID.String())
		b.act("authorize").atBank("dev").wait().want("consent").act("cancel").wantEnd("cancelled cancelled")
		channel := p.channel("8701")
		if channel.Status != oxlin.ChannelTokenExpired || channel.AwaitsConsent || !channel.ConsentUntil.IsZero() {
			t.Errorf("%+v", channel)
		}
		if n := w.Revoke(); n != 1 {
			t.Errorf("%d accesses are handed back", n)
		}
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		b = p.visit("edit_credentials", "connection_id", p.connection().ID.String())
		b.want("notice").act("cancel").wantEnd("cancelled cancelled")
	})
}

// The only connection need not be named.
func TestEditCredentials(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").wait().sms("123456").act("consent").wait()
		b.wantEnd("success created")
		b = p.visit("edit_credentials").want("login")
		input := b.page.Find("#\\31 0001")
		if _, required := input.Attr("required"); required || input.AttrOr("value", "") != "" || !strings.Contains(b.text(), "**mo") {
			t.Errorf("the field does not say that it may stay empty: %s", b.body)
		}
		b.goOn().wait().want("consent").act("consent").wait().wantEnd("success updated")

		// The other channel is added the same way.
		p = w.person(t, sandbox)
		p.byREDIRECT()
		b = p.visit("edit_credentials", "expected_account_types", "OTHER").want("login")
		b.signIn("dev", "dev").sms("123456").act("consent").wait().wantEnd("success updated")
		p.wantAccounts(counts{oxlin.AccountActive: 5})
		// If no channel needs the user, the user chooses.
		b = p.visit("edit_credentials").want("channels")
		b.press("button[value='8700']").want("login").act("cancel").wantEnd("cancelled cancelled")
		if p.channel("8700").Status != oxlin.ChannelSuccess {
			t.Errorf("%+v", p.channel("8700"))
		}
	})
}

func TestBothChannels(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "multiple_channels", "true")
		b.act("authorize").atBank("dev").wait().act("consent").wait().want("offer")
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		b.act("add_channel").want("login").signIn("dev", "dev").sms("123456").want("consent")
		if strings.Contains(b.text(), "COMPTE COURANT") || !strings.Contains(b.text(), "LIVRET A") {
			t.Errorf("the second consent is not about what is new: %s", b.text())
		}
		b.act("consent").wait().wantEnd("success created")
		p.wantAccounts(counts{oxlin.AccountActive: 5})
		if list := p.consents(); len(list) != 2 || list[0].ChannelID == list[1].ChannelID {
			t.Errorf("%+v", list)
		}

		// The newer addresses offer it automatically, and the user may decline.
		p = w.person(t, sandbox)
		b = p.browser()
		b.open(p.begin("/v2.1/widget_session", nil).Links["add_connection"] + "&provider_id=87")
		b.act("authorize").atBank("dev").wait().act("consent").wait().want("offer")
		if lead := b.page.Find("p.lead").Text(); !strings.Contains(lead, "your savings and loans") {
			t.Errorf("what is offered is not what is new: %s", lead)
		}
		if seconds := b.page.Find("form[data-submit-after]").AttrOr("data-submit-after", ""); seconds == "" {
			t.Error("the proposal does not end by itself")
		}
		b.act("finish").wantEnd("success created")

		// Cancelling the second channel keeps the first.
		p = w.person(t, sandbox)
		b = p.visit("add_connection", "provider_id", "87", "expected_account_types", "ALL")
		b.act("authorize").atBank("dev").wait().act("consent").wait().act("add_channel").signIn("dev", "dev").want("challenge")
		b.press("button[value=false]").wantEnd("success created")
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		if p.channel("8700").Status != oxlin.ChannelEmpty || len(p.channel("8700").Credentials) != 0 {
			t.Errorf("%+v", p.channel("8700"))
		}
	})
}

func TestNoCurrentAccount(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection", "provider_id", "87").want("notice").act("no_current_account").want("login")
	b.signIn("dev", "dev").sms("123456").act("consent").wait().wantEnd("success created")
	if b.channel("8701").Status != oxlin.ChannelEmpty {
		t.Errorf("%+v", b.channel("8701"))
	}
	// Not if the client requires the channel.
	b = w.person(t, sandbox).visit("add_connection", "provider_id", "87", "channel_definition_id", "8701").want("notice")
	if b.page.Find("button[value=no_current_account]").Length() != 0 {
		t.Errorf("%s", b.text())
	}
	address, values := b.form("button[value=authorize]")
	values.Set("action", "no_current_account")
	b.send(http.MethodPost, address, values)
	b.want("notice")
}

func TestAnotherBank(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection").choose("Linxo Test Bank").want("notice")
	b.act("authorize")
	back := b.backFrom("dev") // in another tab, the user is still at the bank
	b.reload().act("other_bank").want("banks").choose("Demo Bank").want("login")
	b.open(back)
	b.wantStatus(http.StatusBadRequest).want("over")
	// Not if the client has chosen the bank.
	b = w.person(t, sandbox).visit("add_connection", "provider_id", "87").want("notice")
	if b.page.Find("button[value=other_bank]").Length() != 0 {
		t.Errorf("%s", b.text())
	}
	address, values := b.form("button[value=authorize]")
	values.Set("action", "other_bank")
	b.send(http.MethodPost, address, values)
	b.want("notice")
}

func TestNotCaptive(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "captive_mode", "false")
		b.act("authorize").atBank("dev").wait().want("consent").act("consent").wantEnd("success created")
		if p.connection().Status() != oxlin.ConnectionRunning {
			t.Errorf("%s", p.connection().Status())
		}
		p.work()
		p.wantAccounts(counts{oxlin.AccountActive: 3})
	})
}

// A licensed client may ask for the consent itself.
func TestTheConsentIsLeftToTheClient(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, captive := range []string{"true", "false"} {
			p := w.person(t, licensed)
			b := p.visit("add_connection", "provider_id", "87", "terms_body", "", "wait_sync_end", captive)
			b.act("authorize").atBank("dev").wait()
			if captive == "true" {
				b.want("loading").wait()
			}
			b.wantEnd("success created")
			p.work()
			p.wantAccounts(counts{oxlin.AccountActive: 3})
			if list := p.consents(); len(list) != 1 || list[0].Text.Version != "client" {
				t.Errorf("%+v", list)
			}
		}
		// With its own text, the evidence names that text.
		texts := map[string]bool{}
		for _, own := range [][]string{{"terms_body", "Oui."}, {"terms_body", "Non."}, {"terms_header", "Oui."}} {
			p := w.person(t, licensed)
			b := p.visit("add_connection", append(own, "provider_id", "87")...)
			b.act("authorize").atBank("dev").wait().act("consent")
			texts[p.consents()[0].Text.Version] = true
		}
		for text := range texts {
			if sum, found := strings.CutPrefix(text, "client:"); !found || len(sum) != 16 || len(texts) != 3 {
				t.Errorf("%v", texts)
			}
		}
	})
}

func TestSelectAccounts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, licensed)
		b := p.visit("add_connection", "provider_id", "87", "select_accounts", "true", "multiple_channels", "true")
		b.act("authorize").atBank("dev").wait().want("accounts")
		if n := b.page.Find("label[for=account-0], label[for=account-1], label[for=account-2]").Length(); n != 3 {
			t.Errorf("%d labels", n)
		}
		address, values := b.form("button[value=choose]")
		if len(values["account"]) != 3 {
			t.Errorf("at first all are chosen: %v", values)
		}
		values.Del("account")
		b.send(http.MethodPost, address, values)
		b.wantStatus(http.StatusUnprocessableEntity).want("accounts")
		if b.alert() == "" {
			t.Error("the page does not say that none is chosen")
		}
		if n := b.page.Find("input[name=account][checked]").Length(); n != 0 {
			t.Errorf("%d accounts are ticked that the user has not ticked", n)
		}
		b.act("choose").wantStatus(http.StatusUnprocessableEntity).want("accounts") // still none
		p.wantAccounts(counts{oxlin.AccountPendingConsent: 3})
		chosen := b.page.Find("input#account-0").AttrOr("value", "")
		b.act("choose", "account", chosen).wait().want("offer")
		p.wantAccounts(counts{oxlin.AccountActive: 1}) // the others are hidden
		list := p.consents()
		if len(list) != 1 || list[0].AllAccounts || len(list[0].Accounts) != 1 || list[0].Accounts[0].String() != chosen {
			t.Errorf("%+v", list)
		}
		b.act("add_channel").signIn("dev", "dev").sms("123456").want("accounts")
		if !strings.Contains(b.text(), "LIVRET A") || strings.Contains(b.text(), "COMPTE COURANT") {
			t.Errorf("the second choice is not about what is new: %s", b.text())
		}
		b.act("choose").wait().wantEnd("success created")
		p.wantAccounts(counts{oxlin.AccountActive: 3})

		// The selection is changed later: one account less, one more.
		b = p.visit("manage_accounts").want("accounts")
		known, err := w.DB.Read().AccountsOfConnection(t.Context(), p.connection().ID)
		if err != nil || len(known) != 5 {
			t.Errorf("%d accounts are known, %v", len(known), err)
		}
		var now []string
		for _, account := range known {
			checked := b.page.Find("input[value='"+account.ID.String()+"'][checked]").Length() == 1
			if checked != (account.Status == oxlin.AccountActive) {
				t.Errorf("account %s, %s: ticked is %t", account.ID, account.Status, checked)
			}
			if account.ID.String() != chosen && account.Status == oxlin.AccountActive || account.Name == "COMPTE JOINT" {
				now = append(now, "account", account.ID.String())
			}
		}
		b.act("choose", now...).wait().wantEnd("success updated")
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		if last := p.consents(); len(last[len(last)-1].Accounts) != 3 {
			t.Errorf("%+v", last)
		}

		// A renewal asks again, and the user can deselect an account.
		w.Clock.Advance(91 * 24 * time.Hour)
		b = w.fresh(p).visit("edit_credentials", "connection_id", p.connection().ID.String(), "channel_definition_id", "8701", "select_accounts", "true")
		b.act("authorize").atBank("dev").wait().want("accounts")
		if n := b.page.Find("input[name=account][checked]").Length(); n != 1 {
			t.Errorf("%d accounts are ticked, want the one that is shared", n)
		}
		var others []string
		b.page.Find("input[name=account]:not([checked])").Each(func(_ int, input *goquery.Selection) {
			others = append(others, "account", input.AttrOr("value", ""))
		})
		b.act("choose", others...).wait().wantEnd("success updated")
		for _, account := range p.accounts() {
			if account.Name == "COMPTE JOINT" || account.Status != oxlin.AccountActive {
				t.Errorf("%s is %s", account.Name, account.Status)
			}
		}
		w.Revoke() // the access before

		// Without any account, the shared data, the access and the connection are deleted.
		none := func(p *person) {
			t.Helper()
			b := p.visit("manage_accounts").want("accounts")
			address, values := b.form("button[value=choose]")
			values.Del("account")
			b.send(http.MethodPost, address, values)
			b.wantEnd("success updated")
			if len(p.connections()) != 0 || len(p.accounts()) != 0 {
				t.Errorf("%+v", p.connections())
			}
		}
		none(p)
		if n := w.Revoke(); n != 2 {
			t.Errorf("%d accesses are handed back", n)
		}
		p = w.person(t, licensed)
		p.byREDIRECT()
		none(p)
		if n := w.Revoke(); n != 1 {
			t.Errorf("%d accesses are handed back", n)
		}
	})
}

func TestUserInput(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, licensed)
		connectAs := func(login string) oxlin.ConnectionID {
			t.Helper()
			id, err := w.Service.Credentials.Connect(t.Context(), p.caller(), connect.NewConnection{
				ProviderID: "182", DefinitionID: "17650", AutoSync: true,
				Credentials: connect.CredentialValues{Values: map[oxlin.CredentialID]string{"10001": login}},
			})
			if err != nil {
				t.Fatal(err)
			}
			p.work()
			return id
		}
		id := connectAs("demo+sms-10")
		b := p.visit("user_input", "connection_id", id.String(), "redirect_url", "https://app.example.test/").want("challenge")
		b.sms("123456").wantEnd("success updated")
		if p.channel("17650").Status != oxlin.ChannelSuccess {
			t.Errorf("%+v", p.channel("17650"))
		}

		// A question from a synchronisation without the user is asked again.
		w.Clock.Advance(11 * time.Minute)
		away := p.caller()
		away.PSU = nil
		err := w.Service.Connections.Synchronize(t.Context(), away, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		p.work()
		if got := p.channel("17650").Status; got != oxlin.ChannelChallengeRequired {
			t.Fatalf("the channel is %s", got)
		}
		p.visit("user_input").want("loading").wait().sms("123456").wantEnd("success updated")

		// Cancelling answers the bank, and leaves the connection.
		w.Clock.Advance(11 * time.Minute)
		err = w.Service.Connections.Synchronize(t.Context(), p.caller(), id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		p.work()
		b = p.visit("user_input").want("challenge").press("button[value=false]")
		b.wantEnd("cancelled cancelled")
		p.work()
		if got := p.channel("17650").Status; got != oxlin.ChannelChallengeCancelled {
			t.Errorf("the channel is %s", got)
		}
	})
}

func TestProfessionalAccounts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		suspended := func() *person {
			p := w.person(t, sandbox)
			b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev+professional").wait()
			b.act("consent").wait().wantEnd("success created")
			p.wantAccounts(counts{oxlin.AccountActive: 3, oxlin.AccountSuspended: 1})
			return p
		}
		p := suspended()
		b := p.visit("professional_account", "redirect_url", "https://app.example.test/").want("professional")
		if !strings.Contains(b.text(), "BONBONS") || strings.Contains(b.text(), "COMPTE JOINT") {
			t.Errorf("%s", b.text())
		}
		values := b.act("validate").wantEnd("success validated")
		if values.Has("connection_id") {
			t.Errorf("nobody asked for one connection: %v", values)
		}
		p.work()
		p.wantAccounts(counts{oxlin.AccountActive: 4})

		p = suspended()
		id := p.connection().ID.String()
		values = p.visit("professional_account", "connection_id", id).act("refuse").wantEnd("success refused")
		if values.Get("connection_id") != id {
			t.Errorf("%v", values)
		}
		p.wantAccounts(counts{oxlin.AccountActive: 3})
	})
}

// With select_channel, the user can choose either channel.
func TestSelectChannel(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection", "provider_id", "87", "select_channel", "true").want("channels")
	b.press("button[value='8700']").want("login")
	b = w.person(t, sandbox).visit("add_connection", "provider_id", "87", "select_channel", "true")
	address, values := b.form("button[value='8700']")
	for _, wrong := range []string{"embedded1", "", "<b>"} {
		values.Set("channel_definition_id", wrong)
		b.send(http.MethodPost, address, values)
		b.want("channels")
	}
	b.press("button[value='8701']").want("notice")
}
