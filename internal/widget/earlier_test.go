package widget_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// wantEarlier checks whether the page tells the user of connections that they already have,
// and returns how many it offers to renew.
func (b *browser) wantEarlier(n int) *browser {
	b.t.Helper()
	if got := b.page.Find("section[aria-labelledby=earlier] button[form=renewal]").Length(); got != n {
		b.t.Fatalf("the page offers to renew %d connections, want %d: %s", got, n, b.text())
	}
	return b
}

func (b *browser) wantText(says ...string) *browser {
	b.t.Helper()
	for _, text := range says {
		if !strings.Contains(b.text(), text) {
			b.t.Errorf("the page does not say %q: %s", text, b.text())
		}
	}
	return b
}

func (p *person) duplicates() map[oxlin.ConnectionID]oxlin.ConnectionID {
	all := map[oxlin.ConnectionID]oxlin.ConnectionID{}
	for _, connection := range p.connections() {
		all[connection.ID] = connection.DuplicateOf
	}
	return all
}

func TestABankAddedAgainIsToldBeforeTheLogin(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, licensed)
		p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(0)
		p.byREDIRECT()
		first := p.connection().ID

		// In both languages, with a bank from the list, too.
		p.visit("add_connection").want("banks").choose("Linxo Test Bank").want("notice").wantEarlier(1).
			wantText("You have already connected Linxo Test Bank", "Connected until 16 February 2027", "Renew this access", "add another login")
		p.visit("add_connection", "provider_id", "87", "lng", "fr").want("notice").wantEarlier(1).
			wantText("Vous avez déjà connecté Linxo Test Bank", "Connecté jusqu’au 16 février 2027", "Renouveler cet accès")
		p.visit("add_connection", "provider_id", "87", "select_channel", "true").want("channels").wantEarlier(1)
		p.visit("add_connection", "provider_id", "87").act("no_current_account").want("login").wantEarlier(1)

		// Another bank, another user and another way in are not concerned.
		p.visit("add_connection", "provider_id", "182").want("login").wantEarlier(0)
		w.person(t, licensed).visit("add_connection", "provider_id", "87").want("notice").wantEarlier(0)
		p.visit("edit_credentials", "channel_definition_id", "8701").want("notice").wantEarlier(0)

		// Nothing keeps the user from adding another login.
		b := p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(1)
		b.goOn().atBank("dev").wait().want("consent").act("consent").wait().wantEnd("success created")
		second := p.connections()[1].ID
		if got := p.duplicates(); len(got) != 2 || got[first] != 0 || got[second] != first {
			t.Errorf("the duplicates are %v", got)
		}
		p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(2)
	})
}

func TestAnEarlierConnectionIsRenewedInPlaceOfALogin(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		p.byREDIRECT()
		id, before := p.connection().ID, p.accounts()
		renew := "button[form=renewal]"

		// A channel that needs the user is renewed at once.
		p.lapse()
		b := p.visit("add_connection", "provider_id", "87", "redirect_url", "https://app.example.test/").want("notice").wantEarlier(1).
			wantText("The access to your bank needs to be confirmed")
		b.press(renew).want("notice").wantEarlier(0).wantText("Confirm your access")
		if b.page.Find("button[value=other_bank]").Length() != 0 {
			t.Error("a renewal offers another bank")
		}
		values := b.act("authorize").atBank("dev").wait().want("consent").act("consent").wait().wantEnd("success updated")
		if values.Get("connection_id") != id.String() || len(p.connections()) != 1 {
			t.Errorf("%v, and %d connections", values, len(p.connections()))
		}
		for i, account := range p.accounts() {
			if account.ID != before[i].ID || account.Status != oxlin.AccountActive {
				t.Errorf("account %+v was %+v", account, before[i])
			}
		}

		// Without such a channel the user chooses, as in edit_credentials.
		b = p.visit("add_connection", "provider_id", "87").press(renew).want("channels").wantEarlier(0)
		b.press("button[value='8701']").want("notice").act("cancel").wantEnd("cancelled cancelled")
		b = p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").want("login").press(renew).want("login")
		b.act("cancel").wantEnd("cancelled cancelled")
		if got := p.connection(); got.ID != id {
			t.Errorf("%+v", got)
		}
	})
}

// A client that takes the user back from the bank opens the widget as it did before.
func TestARenewalContinuesAfterTheClientsPage(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	p.byREDIRECT()
	p.lapse()
	link := p.session("add_connection", nil) + "&provider_id=87&aspsp_callback_uri=https%3A%2F%2Fapp.example.test%2Fbank"
	b := p.browser()
	b.open(link)
	b.press("button[form=renewal]").act("authorize").atBank("dev")
	if !strings.HasPrefix(b.away, "https://app.example.test/bank") {
		t.Fatalf("the user is %s", b.at())
	}
	b.open(link)
	b.wait().want("consent").act("consent").wait().wantEnd("success updated")
	if n := len(p.connections()); n != 1 {
		t.Errorf("there are %d connections", n)
	}
}

func TestOnlyAnEarlierConnectionOfTheBankIsRenewed(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p, other := w.person(t, sandbox), w.person(t, sandbox)
	other.byREDIRECT()
	p.byREDIRECT()
	here := p.connection().ID
	p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").wait().sms("123456").act("consent").wait().wantEnd("success created")
	elsewhere := p.connections()[1].ID
	p.visit("add_connection", "provider_id", "182").want("login").wantEarlier(1).wantText("Already connected")
	for fact, id := range map[string]string{
		"another bank's": elsewhere.String(), "another user's": other.connection().ID.String(), "none": "", "no id": "<b>",
	} {
		b := p.visit("add_connection", "provider_id", "87").want("notice")
		address, values := b.form("button[form=renewal]")
		values.Set("connection_id", id)
		b.send(http.MethodPost, address, values)
		if b.want("notice").wantEarlier(1); b.page.Find("button[value=other_bank], h1:contains(Confirm)").Length() != 0 {
			t.Errorf("%s connection is renewed", fact)
		}
	}

	// A form of the page before, and one of a page that has gone on, change nothing.
	b := p.visit("add_connection", "provider_id", "87").want("notice")
	address, values := b.form("button[form=renewal]")
	b.press("button[form=renewal]").want("channels")
	b.send(http.MethodPost, address, values)
	b.want("channels").wantEarlier(0)
	b = p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().want("consent")
	at, _ := url.Parse(b.address)
	b.send(http.MethodPost, at.String(), values)
	b.want("consent").act("cancel").wantEnd("cancelled cancelled")
	if list := p.connections(); len(list) != 2 || list[0].ID != here {
		t.Errorf("%+v", list)
	}
}

// brandOf is a catalogue in which a provider has the code of a bank.
type brandOf struct {
	connect.Catalogue
	provider oxlin.ProviderID
	code     string
}

func (b brandOf) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	provider, ok := b.Catalogue.Provider(id)
	if id == b.provider {
		provider.BankCodes = []string{b.code}
	}
	return provider, ok
}

// A bank that was connected under another brand is told too, and renewed at that brand.
func TestABankAddedAgainUnderAnotherBrandIsTold(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	p.byREDIRECT()
	iban := p.accounts()[0].IBAN
	sandboxed := w.Catalogue.Catalogue
	w.Catalogue.Catalogue = brandOf{sandboxed, "182", iban[4:9]}
	p.visit("add_connection", "provider_id", "182").want("login").wantEarlier(1).wantText("You have already connected", "Linxo Test Bank").
		press("button[form=renewal]").want("channels").wantEarlier(0)
	w.person(t, sandbox).visit("add_connection", "provider_id", "182").want("login").wantEarlier(0)

	w.Catalogue.Catalogue = brandOf{sandboxed, "182", "99999"}
	p.visit("add_connection", "provider_id", "182").want("login").wantEarlier(0)
}

// A user does not know of a connection that has never given data.
func TestAFirstLoginHalfWayIsNotOfferedForRenewal(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	half := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
	p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(1).wantText("Being read")
	half.wait().want("consent")
	p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(0)
	p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").signIn("dev", "wrong")
	p.visit("add_connection", "provider_id", "87").want("notice").wantEarlier(0)
}
