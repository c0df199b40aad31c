package widget_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Users are never redirected to an unregistered address.
func TestWhereAUserMayBeSent(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for _, row := range []struct {
		fact, address string
		client        oxlin.Client
		// back is the final redirect; empty if the page is refused.
		back string
	}{
		{"a registered address", "https://shop.example.test/back", shop, "https://shop.example.test/back"},
		{"with a query of its own", "https://shop.example.test/back?order=7&x=%20+", shop, "https://shop.example.test/back"},
		{"a registered query", "https://shop.example.test/with?own=1&x=a%20b", shop, "https://shop.example.test/with"},
		{"a registered query and more", "https://shop.example.test/with?own=1&x=a%20b&order=7", shop, "https://shop.example.test/with"},
		{"a registered query cut short", "https://shop.example.test/with?own=1", shop, ""},
		{"another path", "https://shop.example.test/back/door", shop, ""},
		{"another host", "https://shop.example.test.evil.example/back", shop, ""},
		{"the host as a name", "https://shop.example.test@evil.example/back", shop, ""},
		{"without TLS", "http://shop.example.test/back", shop, ""},
		{"with a fragment", "https://shop.example.test/back#here", shop, ""},
		{"with a query and a fragment", "https://shop.example.test/back?a#here", shop, ""},
		{"an application's own scheme", "shop.example:/back", shop, "shop.example:/back"},
		{"a program on the user's machine, at any port", "http://127.0.0.1:49152/back", shop, "http://127.0.0.1:49152/back"},
		{"a loopback address that is not registered", "http://127.0.0.1:49152/other", shop, ""},
		{"another site, without a scheme", "//evil.example/", shop, ""},
		{"a script", "javascript:alert(1)", shop, ""},
		{"anywhere, in the sandbox", "https://anywhere.example/", sandbox, "https://anywhere.example/"},
		{"an application, in the sandbox", "com.example.app://done", sandbox, "com.example.app://done"},
		{"with a fragment, in the sandbox", "https://anywhere.example/#/done", sandbox, "https://anywhere.example/#/done"},
		{"a script, in the sandbox", "javascript:alert(1)", sandbox, ""},
		{"a script in capitals", "JavaScript:alert(1)", sandbox, ""},
		{"a script after a blank", " javascript:alert(1)", sandbox, ""},
		{"a page in the address", "data:text/html,<script>alert(1)</script>", sandbox, ""},
		{"another site, without a scheme, in the sandbox", "//evil.example/", sandbox, ""},
		{"a path", "/success", sandbox, ""},
		{"what is no address", "https://[", sandbox, ""},
	} {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			p := w.person(t, row.client)
			for _, parameter := range []string{"redirect_url", "redirect_uri", "cancel_url", "aspsp_callback_uri"} {
				b := p.visit("add_connection", parameter, row.address, "provider_id", "999")
				if row.back == "" {
					// Whatever else is invalid, the page is the widget's and has no redirect.
					b.wantStatus(http.StatusBadRequest).want("over")
					if cause := "The address in " + parameter + " is not registered for this client."; !strings.Contains(b.text(), cause) {
						t.Errorf("the page does not tell developers the cause: %s", b.text())
					}
					if b.page.Find("a[href*='evil'], meta[http-equiv=refresh], [data-go]").Length() > 0 {
						t.Errorf("the page leads away: %s", b.body)
					}
					continue
				}
				if strings.HasPrefix(parameter, "redirect") {
					address, _ := b.over()
					if address != row.back {
						t.Errorf("%s: the user goes to %s, want %s", parameter, address, row.back)
					}
				}
				b.wantEnd("error invalid_provider")
			}
		})
	}
}

// The result is appended, and the client's address stays exactly as it was.
func TestTheResultIsAddedToTheAddress(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for address, want := range map[string]string{
		"https://a.example":                   "https://a.example?RESULT",
		"https://a.example/?":                 "https://a.example/?RESULT",
		"https://a.example/?a=b":              "https://a.example/?a=b&RESULT",
		"https://a.example/?a=b&":             "https://a.example/?a=b&RESULT",
		"https://a.example/?a=%20+c&é":        "https://a.example/?a=%20+c&é&RESULT",
		"https://a.example/?status=mine#/x?y": "https://a.example/?status=mine&RESULT#/x?y",
		"https://a.example/#top":              "https://a.example/?RESULT#top",
		"com.example.app:/done":               "com.example.app:/done?RESULT",
		"com.example.app://done?x":            "com.example.app://done?x&RESULT",
	} {
		b := w.person(t, sandbox).visit("add_connection", "redirect_url", address)
		queue := queueOf(b)
		want := strings.Replace(want, "RESULT", "queue_id="+queue+"&result=cancelled&status=cancelled", 1)
		if got := b.act("cancel").leaves(); got != want {
			t.Errorf("%s becomes\n%s, want\n%s", address, got, want)
		}
	}
}

// messages returns the messages of a page to the windows around it.
func (b *browser) messages() (list []map[string]string, origins []string) {
	b.t.Helper()
	body := b.page.Find("body")
	for _, part := range []struct {
		name string
		into any
	}{{"data-messages", &list}, {"data-origins", &origins}} {
		text, found := body.Attr(part.name)
		if !found {
			continue
		}
		err := json.Unmarshal([]byte(text), part.into)
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return list, origins
}

// queueOf returns the queue of the current flow.
func queueOf(b *browser) string {
	b.t.Helper()
	list, _ := b.messages()
	if len(list) != 1 || list[0]["queue_id"] == "" {
		b.t.Fatalf("the page tells no queue: %v", list)
	}
	return list[0]["queue_id"]
}

func TestTheWindowsAroundAreTold(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for _, row := range []struct {
		client  oxlin.Client
		target  string
		told    string
		origins []string
	}{
		{sandbox, "https://app.example.test/?a=b", "https://app.example.test/?a=b", []string{"*"}},
		{sandbox, "", "/success", []string{"*"}},
		{shop, "https://shop.example.test/back?x=1", "https://shop.example.test/back?x=1",
			[]string{"https://shop.example.test", "https://www.shop.example.test:8443", "http://127.0.0.1"}},
		{shop, "", "/success", []string{"https://shop.example.test", "https://www.shop.example.test:8443", "http://127.0.0.1"}},
		{bare, "bare.example:/back", "", nil}, // an application has no windows
	} {
		p := w.person(t, row.client)
		b := p.visit("add_connection", "redirect_url", row.target)
		queue := ""
		said := func(want ...map[string]string) {
			t.Helper()
			got, origins := b.messages()
			if row.origins == nil {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s at %s: messages (-want +got):\n%s", row.client.ID, b.at(), diff)
			}
			if diff := cmp.Diff(row.origins, origins); diff != "" {
				t.Errorf("%s: origins (-want +got):\n%s", row.client.ID, diff)
			}
		}
		if row.origins != nil {
			queue = queueOf(b)
		}
		said(map[string]string{"eventName": "WIDGET_CHOOSE_BANK", "queue_id": queue})
		b.choose("Linxo Test Bank").want("notice")
		said(map[string]string{"eventName": "WIDGET_LOGIN", "queue_id": queue})
		b.act("authorize").atBank("dev").want("loading")
		said(map[string]string{"eventName": "WIDGET_SYNCHRONIZATION", "queue_id": queue})
		b.wait().want("consent")
		said(map[string]string{"eventName": "WIDGET_CONSENT", "queue_id": queue})
		b.act("consent").wait().want("done")
		said(map[string]string{
			"eventName": "redirect_to", "redirect_url": row.told, "status": "success", "result": "created",
			"connection_id": p.connection().ID.String(), "queue_id": queue,
		})
	}
}

// The widget's own steps are in the queue, between those of the connection.
func TestTheQueueHasEveryStep(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection")
		queue := queueOf(b)
		b.choose("Linxo Test Bank").act("authorize").atBank("dev").reload().reload().wait().act("consent").wait()
		if got := b.wantEnd("success created").Get("queue_id"); got != queue {
			t.Errorf("the queue of the end is %s, not %s", got, queue)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/v2.1/queues/"+queue, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+p.access)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var events []struct {
			Type string `json:"event_type"`
		}
		err = json.NewDecoder(response.Body).Decode(&events)
		if err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, event := range events {
			types = append(types, event.Type)
		}
		want := []string{
			"WIDGET_GLOBAL", "WIDGET_CHOOSE_BANK", "WIDGET_LOGIN", "CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING", "WIDGET_SYNCHRONIZATION",
			"LIST_ACCOUNTS_SUCCESS", "WIDGET_CONSENT", "SYNC_ALL_RUNNING", "WIDGET_SYNCHRONIZATION", "SYNC_ALL_SUCCESS", "WIDGET_GLOBAL",
		}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		all := p.events()
		first, last := all[0], all[len(all)-1]
		if first.Payload.Widget == nil || first.Payload.Widget.Entry != "add_connection" || first.Connection.ID != 0 {
			t.Errorf("the first event is %+v", first)
		}
		step := oxlin.WidgetStep{Entry: "add_connection", ProviderID: "87", Status: "success", Result: "created"}
		if last.Payload.Widget == nil || *last.Payload.Widget != step || last.Connection.ID != p.connection().ID {
			t.Errorf("the last event is %+v", last)
		}
	})
}

func TestWhereTheUserCancels(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	const back, cancel = "https://app.example.test/back", "https://app.example.test/cancelled?a=b"
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "redirect_url", back, "cancel_url", cancel)
	b.act("cancel")
	if address, values := b.over(); address != "https://app.example.test/cancelled" || values.Get("a") != "b" {
		t.Errorf("%s %v", address, values)
	}
	b.wantEnd("cancelled cancelled")
	// Other endings use other addresses.
	b = p.visit("add_connection", "cancel_url", cancel, "provider_id", "999")
	if address, _ := b.over(); address != "/success" {
		t.Errorf("%s", address)
	}
}

// Without an address, the last page of the widget shows the result.
func TestTheSuccessPage(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection")
	b.act("cancel").want("done")
	target, err := url.Parse(b.leaves())
	if err != nil || target.Path != "/success" || target.Query().Get("lng") != "en" {
		t.Fatalf("%v, %v", target, err)
	}
	b.open(w.URL + b.leaves())
	if b.page.Find(".mark.plain").Length() != 1 {
		t.Errorf("%s", b.text())
	}
	for _, row := range []struct{ address, sign, language string }{
		{"/success", ".good", "en"},
		{"/v2.1/success?status=success&result=created", ".good", "en"},
		{"/success?status=cancelled&result=cancelled&lng=fr", ".plain", "fr"},
		{"/success?status=error&result=bank_error", ".bad", "en"},
		{"/success?status=<b>&result=<script>alert(1)</script>", ".good", "en"},
		{"/success?status=error&result=<script>alert(1)</script>", ".bad", "en"},
	} {
		b.open(w.URL + row.address)
		b.wantStatus(http.StatusOK)
		if b.page.Find(".mark"+row.sign).Length() != 1 || b.page.Find("html").AttrOr("lang", "") != row.language {
			t.Errorf("%s: %s", row.address, b.body)
		}
		if strings.Contains(b.body, "<script>alert") {
			t.Errorf("%s: the page holds what the address says", row.address)
		}
	}
}

// The last page stays for some seconds on the newer addresses; the older ones redirect
// immediately.
func TestHowLongTheLastPageStays(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	ended := func(path string, more url.Values) string {
		t.Helper()
		b := w.person(t, sandbox).browser()
		got := b.begin(path, nil)
		b.open(got.Links["terms"] + "&" + more.Encode())
		b.want("done")
		return b.page.Find("main").AttrOr("data-after", "")
	}
	for _, row := range []struct {
		path string
		more url.Values
		want string
	}{
		{"/widget_session", nil, "0"}, {"/v2.1/widget_session", nil, "3"},
		{"/v2.1/widget_session", form("congrats_bypass_delay", "0"), "0"}, {"/widget_session", form("congrats_bypass_delay", "10"), "10"},
	} {
		if got := ended(row.path, row.more); got != row.want {
			t.Errorf("%s %v: %s seconds, want %s", row.path, row.more, got, row.want)
		}
	}
}

// The pages of a client without a web address cannot be framed; those of a sandbox client
// can be framed by any site.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	hostile := client("hostile", "X", false, "https://ok.example.test/", "https://a.example;script-src *//", "https://b.example ,*/")
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), hostile) })
	for _, row := range []struct {
		client    oxlin.Client
		ancestors string
	}{
		{sandbox, "*"}, {shop, "https://shop.example.test https://www.shop.example.test:8443 http://127.0.0.1:*"},
		{bare, "'none'"}, {hostile, "https://ok.example.test"},
	} {
		want := map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
				"form-action 'self'; base-uri 'none'; frame-ancestors " + row.ancestors,
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Content-Type": "text/html; charset=utf-8", "Content-Language": "en",
		}
		b := w.person(t, row.client).visit("add_connection")
		check := func(page string) {
			t.Helper()
			b.want(page)
			for name, value := range want {
				if got := b.answer.Values(name); len(got) != 1 || got[0] != value {
					t.Errorf("%s, %s: %s is %q, want %q", row.client.ID, page, name, got, value)
				}
			}
		}
		check("banks")
		b.choose("Linxo Test Bank")
		check("notice")
		b.act("authorize")
		check("leaving")
		b.open(b.address)
		b.act("cancel")
		check("done")
	}
	// A page without a client has the same rules.
	b := w.person(t, sandbox).browser()
	for _, address := range []string{"/success", "/terms.html", "/widget/add_connection", "/oauth2/aisp", "/widget/nothing"} {
		b.open(w.URL + address)
		if got := b.answer.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; ") {
			t.Errorf("%s: %s", address, got)
		}
		if b.answer.Get("Referrer-Policy") != "no-referrer" || b.answer.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", address, b.answer)
		}
	}
}

// The size of a compressed page may betray the session in its addresses (BREACH). Only pages that
// no session opens are compressed.
func TestPagesWithASessionAreNotCompressed(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).visit("add_connection")
	b.choose("Linxo Test Bank")
	for _, row := range []struct{ address, want string }{
		{b.address, ""},
		{strings.Replace(b.address, "/widget/", "/v2.1/widget/", 1), ""},
		{w.URL + "/success?session_id=" + strings.Repeat("x", 2000), ""},
		{w.URL + "/terms.html", "gzip"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, row.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if got := answer.Header.Get("Content-Encoding"); err != nil || answer.StatusCode != http.StatusOK || got != row.want {
			t.Errorf("%s: %d with the encoding %q, want %q: %v", row.address, answer.StatusCode, got, row.want, err)
		}
		if row.want == "" && len(body) < 1500 {
			t.Errorf("%s: an answer of %d bytes is compressed by nobody", row.address, len(body))
		}
	}
}
