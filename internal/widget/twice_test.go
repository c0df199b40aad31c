package widget_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// twice posts one form three times, two of them concurrently, as double clicks, retries
// and other tabs do, and returns the page after that.
func (b *browser) twice(selector string, typed ...string) *browser {
	b.t.Helper()
	return b.atOnce(2, selector, typed...)
}

// atOnce posts one form so many times concurrently, then once more, and returns the page
// after that.
func (b *browser) atOnce(times int, selector string, typed ...string) *browser {
	b.t.Helper()
	address, values := b.form(selector, typed...)
	// The pages that the forms lead to are not opened: they count in the limit of the session's requests.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var all sync.WaitGroup
	failures := make(chan string, times)
	for range times {
		all.Go(func() {
			response, err := client.PostForm(address, values)
			if err != nil {
				failures <- err.Error()
				return
			}
			response.Body.Close()
			if response.StatusCode >= 400 {
				failures <- response.Status
			}
		})
	}
	all.Wait()
	close(failures)
	for failure := range failures {
		b.t.Errorf("one of %d %s: %s", times, selector, failure)
	}
	b.send(http.MethodPost, address, values)
	return b.reload()
}

// A repeated form has no second effect.
func TestEveryFormTwice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const going = "[data-e2e=submit-button]"
		p := w.stranger(t, sandbox)
		b := p.visit("add_connection", "select_channel", "true", "multiple_channels", "true").want("terms")
		b.twice(going, "terms", "accepted").want("banks")
		b.twice("button[value='87']").want("channels")
		b.twice("button[value='8700']").want("login")
		b.twice(going, "300", "dev", "301", "dev").want("loading")
		if n := len(p.connections()); n != 1 {
			t.Fatalf("one form has made %d connections", n)
		}
		b.wait().want("challenge").twice(going).want("loading").wait().want("challenge")
		b.twice(going, "306", "123456").want("loading").wait().want("consent")
		if n := w.Calls.Count("POST /site/securite"); n != 1 {
			t.Errorf("the bank has sent %d SMS", n)
		}
		if n := w.Calls.Count("POST /site/securite/code"); n != 1 {
			t.Errorf("the code was typed %d times", n)
		}
		b.twice("button[value=consent]").want("loading").wait().want("offer")
		if n := len(p.consents()); n != 1 {
			t.Errorf("%d consents are on record", n)
		}
		b.twice("button[value=add_channel]").want("notice")
		b.act("authorize")
		one := b.backFrom("dev")
		b.reload().want("notice").act("authorize")
		two := b.backFrom("dev")
		b.open(one)
		b.want("loading")
		b.open(two)
		b.want("loading").wait().want("consent")
		if n := len(p.connections()); n != 1 {
			t.Errorf("two visits to the bank have made %d connections", n)
		}
		b.twice("button[value=consent]").want("loading").wait().wantEnd("success created")
		if n := len(p.consents()); n != 2 {
			t.Errorf("%d consents are on record", n)
		}
		runs := map[oxlin.EventType]int{}
		for _, event := range p.events() {
			runs[event.Type]++
		}
		// The second authorization lists the accounts again: it replaced the first.
		if runs["SYNC_ALL_SUCCESS"] != 2 || runs["LIST_ACCOUNTS_SUCCESS"] != 2 || runs["CONNECTION_CREATED"] != 1 {
			t.Errorf("%v", runs)
		}
	})
}

// A form that is sent fifty times at once has one effect: one connection, one message, one code
// at the bank, one consent.
func TestFormsFiftyTimesAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const going, fifty = "[data-e2e=submit-button]", 50
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700")
		b.atOnce(fifty, going, "300", "dev", "301", "dev").want("loading").wait().want("challenge")
		b.atOnce(fifty, going).want("loading").wait().want("challenge")
		b.atOnce(fifty, going, "306", "654321").want("loading").wait().want("challenge")
		b.atOnce(fifty, going, "306", "123456").want("loading").wait().want("consent")
		b.atOnce(fifty, "button[value=consent]").want("loading").wait().wantEnd("success created")
		if connections, consents := len(p.connections()), len(p.consents()); connections != 1 || consents != 1 {
			t.Errorf("%d connections, %d consents", connections, consents)
		}
		if messages, codes := w.Calls.Count("POST /site/securite"), w.Calls.Count("POST /site/securite/code"); messages != 1 || codes != 2 {
			t.Errorf("%d messages and %d codes at the bank", messages, codes)
		}
	})
}

func TestTheFormsOfOtherEntriesTwice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, licensed)
		b := p.visit("add_connection", "provider_id", "87", "select_accounts", "true").act("authorize").atBank("dev+professional").wait()
		b.twice("button[value=choose]").wait().wantEnd("success created")
		if n := len(p.consents()); n != 1 {
			t.Errorf("%d consents are on record", n)
		}
		p.visit("professional_account").twice("button[value=refuse]").wantEnd("success refused")
		p.wantAccounts(counts{oxlin.AccountActive: 3})
		b = p.visit("manage_accounts")
		first := b.page.Find("#account-0").AttrOr("value", "")
		b.twice("button[value=choose]", "account", first).wait().wantEnd("success updated")
		p.wantAccounts(counts{oxlin.AccountActive: 1})
		b = p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait()
		b.twice("button[value=cancel]").wantEnd("cancelled cancelled")
		if n := len(p.connections()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// A form from a stale page is ignored; the response is the current page.
func TestStaleForms(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		type sent struct {
			address string
			values  url.Values
		}
		var forms []sent
		keep := func(b *browser, selector string, typed ...string) *browser {
			address, values := b.form(selector, typed...)
			forms = append(forms, sent{address, values})
			return b
		}
		b := p.visit("add_connection", "multiple_channels", "true")
		keep(b, "button[value='182']").choose("Linxo Test Bank")
		keep(keep(b, "button[value=authorize]"), "button[value=no_current_account]").act("authorize").atBank("dev").wait().want("consent")
		again := func(page string) {
			t.Helper()
			for _, form := range forms {
				b.send(http.MethodPost, form.address, form.values)
				b.wantStatus(http.StatusOK).want(page)
			}
		}
		again("consent")
		keep(b, "button[value=consent]").act("consent").want("loading")
		again("loading")
		b.wait().want("offer")
		again("offer")
		keep(b, "button[value=add_channel]").act("add_channel").want("login")
		again("login")
		keep(b, "[data-e2e=submit-button]", "300", "dev", "301", "dev").signIn("dev", "dev").want("challenge")
		again("challenge")
		keep(b, "[data-e2e=submit-button]").goOn()
		w.Clock.Advance(time.Second) // a question is identified by its expiry
		b.wait().want("challenge")
		again("challenge") // the answer to another question
		b.goOn("306", "123456").wait().want("consent")
		again("consent") // a consent of the other channel
		if n := len(p.consents()); n != 1 {
			t.Errorf("%d consents are on record", n)
		}
		b.act("consent").wait().want("done")
		again("done")
		if n := len(p.connections()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// Unknown actions cause no internal error.
func TestActionsThatAStepDoesNotHave(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection").want("banks")
	for _, values := range []url.Values{
		nil, form("action", "authorize"), form("action", "consent"), form("action", "retry"), form("action", "leave"), form("action", "validate"),
		form("provider_id", ""), form("channel_definition_id", "8700"), form("attempt", "0", "300", "dev"), form("question", "1"), form("action", "<b>"),
	} {
		b.send(http.MethodPost, b.address, values)
		b.wantStatus(http.StatusOK).want("banks")
	}
	b.send(http.MethodPost, b.address, form("provider_id", "999"))
	b.wantStatus(http.StatusUnprocessableEntity).want("banks")
	b.send(http.MethodPost, b.address, form("provider_id", strings.Repeat("x", 300<<10)))
	b.wantStatus(http.StatusRequestEntityTooLarge)
	b.send(http.MethodPut, b.address, nil)
	b.wantStatus(http.StatusMethodNotAllowed)
}

// Two flows of one session are independent.
func TestTwoFlows(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	session := p.session("add_connection", form("provider_id", "182"))
	one, two := p.browser(), p.browser()
	one.open(session)
	two.open(session)
	one.goOn("10001", "demo").wait().want("challenge")
	two.want("login").goOn("10001", "demo").wait().want("challenge")
	one.sms("123456").want("consent").act("consent").wait()
	first := one.wantEnd("success created").Get("connection_id")
	two.reload().want("challenge").press("button[value=false]").wantEnd("cancelled cancelled")
	if p.connection().ID.String() != first {
		t.Errorf("%+v", p.connections())
	}
}

// In two tabs of one flow, the second shows the changes of the first.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	one := p.visit("add_connection", "provider_id", "87").want("notice")
	two := p.browser()
	two.open(one.address)
	two.want("notice")
	one.act("authorize").atBank("dev").wait().act("consent")
	address, values := two.form("button[value=cancel]")
	two.act("authorize").want("loading") // already authorized
	one.wait().wantEnd("success created")
	two.send(http.MethodPost, address, values)
	two.wantEnd("success created")
}

// If a node fails between recording a cancellation and carrying it out, the next request
// carries it out.
func TestACancelThatWasInterrupted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().want("consent")
		address, err := url.Parse(b.address)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := oxlin.ParseID[oxlin.FlowID](address.Query().Get("flow"))
		flow, err := w.DB.Read().WidgetFlow(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		flow.State = strings.Replace(flow.State, "{", `{"Undoing":{"Status":"cancelled","Result":"cancelled"},`, 1)
		w.Write(func(tx *store.Tx) error {
			_, err := tx.Widget().SaveFlow(t.Context(), flow)
			return err
		})
		b.act("consent").wantEnd("cancelled cancelled")
		if len(p.connections()) != 0 {
			t.Errorf("%+v", p.connections())
		}
		if n := w.Revoke(); n != 1 {
			t.Errorf("%d accesses are handed back", n)
		}
	})
}
