package contract_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// sessionPaths lists the paths by which clients create sessions.
var sessionPaths = []string{"/widget_session", "/v2.1/widget_session", "/widget/widget_session", "/v2.1/widget/widget_session"}

// entryPoints maps names in _links to pages.
var entryPoints = map[string]string{
	"add_connection": "/widget/add_connection", "edit_credentials": "/widget/edit_credentials", "user_input": "/widget/user_input",
	"manage_accounts": "/widget/manage_accounts", "professional_account": "/widget/professional-account", "terms": "/widget/terms",
}

// comesBack fails unless the platform redirects the browser with these parameters.
func (b *browser) comesBack(want fields) *url.URL {
	b.Helper()
	back := b.leaves()
	carries(b.TB, back, "https://integrator.example/back?mine=1&", want)
	return back
}

// created holds the parameters of a successful add_connection.
var created = fields{"status": "success", "result": "created", "connection_id": someID, "queue_id": someID}

// speaks fails unless the page is in that language.
func (b *browser) speaks(language string) *browser {
	b.Helper()
	if got := b.page.Find("html").AttrOr("lang", ""); got != language {
		b.Errorf("the page %q is in %q, want %q", b.title(), got, language)
	}
	return b
}

// message is the message that the page posts to the windows around it.
func (b *browser) message() value {
	b.Helper()
	var told []any
	err := json.Unmarshal([]byte(b.page.Find("body").AttrOr("data-messages", "")), &told)
	if err != nil || len(told) == 0 {
		b.Fatalf("the page %q tells nothing: %v", b.title(), err)
	}
	return value{b.TB, "the message", told[len(told)-1], true}
}

var section6 = []fact{
	{"6.1 9.9", "POST /widget_session, on the four paths, gives an id and absolute links that go on with &", func(s *scene) {
		p := s.user()
		for _, path := range sessionPaths {
			got := s.nobody().post(path, form{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": p.token})
			session := got.json()
			if got.status/100 != 2 {
				s.Fatalf("%s: HTTP %d", path, got.status)
			}
			id := session.shows(fields{"session_id": matching(`^[A-Za-z0-9_-]{32}$`)}).at("session_id").text()
			base := s.platform.address
			if strings.HasPrefix(path, "/v2.1") {
				base += "/v2.1"
			}
			for name, page := range entryPoints {
				session.at("_links." + name).is(base + page + "?session_id=" + id)
			}
		}
	}, ""},
	{"6.1", "a session is asked for by form, by JSON, and with parameters in the query", func(s *scene) {
		p := s.user()
		credentials := form{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": p.token}
		s.nobody().post("/widget_session", object{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": p.token, "captive_mode": false}).json().at("session_id").is(someText)
		session := s.nobody().post("/widget_session?captive_mode=false&provider_id=4711&redirect_uri="+url.QueryEscape(backAt), credentials).json()
		s.browse(session.at("_links.add_connection").text()).comesBack(fields{"result": "invalid_provider"})
	}, ""},
	{"6.1", "what the session has is overridden by the page's own query", func(s *scene) {
		p := s.user()
		link := p.widget(form{"provider_id": "4711", "redirect_uri": "https://integrator.example/session"}).at("_links.add_connection").text()
		carries(s, s.browse(link).leaves(), "https://integrator.example/session?", fields{"result": "invalid_provider"})
		s.browse(link + "&provider_id=87").shows(noticePage)
		s.browse(link + "&redirect_uri=" + url.QueryEscape(backAt)).comesBack(fields{"result": "invalid_provider"})
	}, ""},
	{"6.1", "the client's secret and a token of its user are needed", func(s *scene) {
		p := s.user()
		s.nobody().post("/widget_session", form{"client_id": licensed.id, "client_secret": "wrong", "access_token": p.token}).refused(401, "invalid_client")
		s.nobody().post("/widget_session", form{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": "nonsense"}).refused(401, "invalid_token")
		s.nobody().post("/widget_session", form{"client_id": unlicensed.id, "client_secret": unlicensed.secret, "access_token": p.token}).refused(400, "invalid_request").shows(fields{"field": "access_token"})
		s.nobody().post("/widget_session", form{"client_id": licensed.id, "client_secret": licensed.secret, "access_token": s.app(licensed, "users_create").token}).refused(400, "invalid_request")
		s.nobody().post("/widget_session", nil).refused(400, "invalid_request")
	}, ""},

	{"6.1", "a session is bound to no cookie: another browser goes on with the same address", func(s *scene) {
		b := s.user().open("add_connection", form{"provider_id": "87"}).shows(noticePage)
		if cookies := b.answer.header.Values("Set-Cookie"); len(cookies) > 0 {
			s.Errorf("the widget sets %v", cookies)
		}
		s.browse(b.address.String()).act("no_current_account").shows(loginPage)
		b.open(b.address.String()).shows(loginPage)
	}, ""},
	{"6.2", "every entry point is there, with /v2.1 and without", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		for name, path := range entryPoints {
			for _, address := range []string{p.entry(name, form{"connection_id": id}), p.modernEntry(name, form{"connection_id": id})} {
				b := s.browse(address)
				if b.away == nil && b.answer.status != http.StatusOK {
					s.Errorf("%s is answered with HTTP %d", path, b.answer.status)
				}
			}
		}
		if b := s.browse("/widget/nothing?session_id=x"); b.answer.status != http.StatusNotFound {
			s.Errorf("a page that is not there is answered with HTTP %d", b.answer.status)
		}
	}, ""},
	{"6.2", "/success ends what has no redirect target", func(s *scene) {
		p := s.user()
		b := s.browse(p.widget(nil).at("_links.add_connection").text() + "&provider_id=4711")
		end := b.address // a page that has posted its message goes on to the end
		if b.away != nil {
			end = b.away
		}
		if end.Path != "/success" || end.Query().Get("result") != "invalid_provider" {
			s.Errorf("the user ends at %s", end)
		}
		if b.open(end.String()); b.answer.status != http.StatusOK {
			s.Errorf("the end is answered with HTTP %d", b.answer.status)
		}
	}, ""},
	{"6.2 9.10", "/widget/terms: accepted ends as success, cancelled as cancelled", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		p.open("terms", nil).act("cancel").comesBack(fields{"status": "cancelled", "result": "cancelled"})
		p.get("/users/me").refused(401, "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED")
		p.open("terms", nil).accept().comesBack(fields{"status": "success", "result": "validated"})
		p.get("/users/me").ok()
		p.open("terms", nil).comesBack(fields{"status": "success", "result": "validated"})
	}, ""},
	{"6.2", "the box of the terms has to be ticked", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		p.open("terms", nil).act("accept_terms").shows(termsPage + "[aria-invalid=true]")
		p.get("/users/me").refused(401, "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED")
	}, ""},
	{"6.2", "/widget/professional-account validates, or refuses and deletes", func(s *scene) {
		for action, want := range map[string]string{"validate": "validated", "refuse": "refused"} {
			p := s.user()
			p.connect(s.customer("professional"))
			account := p.get("/accounts?status=SUSPENDED").ok().at("0.id").text()
			p.open("professional_account", nil).act(action).comesBack(fields{"status": "success", "result": want})
			if want == "validated" {
				p.get("/accounts/" + account).ok().shows(fields{"status": "ACTIVE"})
			} else {
				p.get("/accounts/"+account).refused(404, "not_found")
			}
		}
	}, ""},
	{"6.2", "/widget/manage_accounts changes the accounts and synchronises; licensed clients only", func(s *scene) {
		p := s.user()
		id := p.perAccount(s.customer())
		b := p.open("manage_accounts", form{"connection_id": id}).shows(accountsPage)
		// The user takes the first of the waiting accounts.
		b.press(goingOnButton, form{"account": b.page.Find(accountsPage).AttrOr("value", "")})
		b.comesBack(fields{"status": "success", "result": "updated", "connection_id": id})
		p.settled(id)
		p.get("/accounts?status=ACTIVE").ok().at("0").is(present)
		other := s.withTerms()
		other.open("manage_accounts", form{"connection_id": other.connect(s.customer())}).comesBack(fields{"status": "error", "result": "agreement_required"})
	}, ""},
	{"6.2", "/widget/user_input answers what an API client's synchronisation asks", func(s *scene) {
		p := s.user()
		_, id, _ := p.askedFirst(s.customer())
		p.open("user_input", form{"connection_id": id}).shows(smsPage).sms("123456").comesBack(fields{"status": "success", "result": "updated", "connection_id": id})
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"6.2", "/widget/edit_credentials updates credentials", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.wrongPassword(who)
		p.open("edit_credentials", form{"connection_id": id}).shows(loginPage).credentials(who).sms("123456").act("consent").
			comesBack(fields{"status": "success", "result": "updated", "connection_id": id})
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"6.2", "/widget/edit_credentials renews a consent", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		p.open("edit_credentials", form{"connection_id": id, "expected_account_types": "PAYMENT"}).shows(noticePage).atTheBank(who).act("consent").
			comesBack(fields{"status": "success", "result": "updated", "connection_id": id})
		p.get("/connections").ok().has("id", id)
	}, ""},
	{"6.2", "/widget/edit_credentials adds a channel", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		p.open("edit_credentials", form{"connection_id": id, "expected_account_types": "OTHER"}).shows(loginPage).credentials(who).sms("123456").act("consent").
			comesBack(fields{"status": "success", "result": "updated", "connection_id": id})
		p.settled(id).shows(fields{"channels.8700.status": "SUCCESS", "channels.8701.status": "SUCCESS"})
	}, ""},

	{"6.3 9.7", "redirect_uri and redirect_url are the same, and redirect_url wins", func(s *scene) {
		p := s.user()
		link := p.widget(nil).at("_links.add_connection").text() + "&provider_id=4711"
		for more, want := range map[string]string{
			"&redirect_uri=https://integrator.example/uri":                                             "https://integrator.example/uri?",
			"&redirect_url=https://integrator.example/url":                                             "https://integrator.example/url?",
			"&redirect_url=https://integrator.example/url&redirect_uri=https://integrator.example/uri": "https://integrator.example/url?",
		} {
			carries(s, s.browse(link+more).leaves(), want, fields{"result": "invalid_provider"})
		}
	}, ""},
	{"6.3", "an address has to be one of the client's, whose query may be added to; to another nobody is sent", func(s *scene) {
		who := s.newClient("https://app.example.test/back", "app.example:/back", "http://127.0.0.1/back")
		p := s.userOf(who, allScopes)
		for _, name := range []string{"redirect_uri", "cancel_url", "aspsp_callback_uri"} {
			s.nobody().post("/widget_session", form{"client_id": who.id, "client_secret": who.secret, "access_token": p.token, name: backAt}).refused(400, "invalid_request")
			if b := s.browse(p.widget(nil).at("_links.add_connection").text() + "&" + form{name: backAt}.encode()); b.away != nil || b.answer.status != http.StatusBadRequest {
				s.Errorf("%s: HTTP %d, %v", name, b.answer.status, b.away)
			}
		}
		for _, target := range []string{"https://app.example.test/back", "https://app.example.test/back?own=1", "app.example:/back", "http://127.0.0.1:53117/back"} {
			carries(s, p.open("add_connection", form{"redirect_url": target, "provider_id": "4711"}).leaves(), target, fields{"result": "invalid_provider"})
		}
	}, ""},
	{"6.3", "a scheme of an application's own and a loopback address may be targets", func(s *scene) {
		p := s.user()
		link := p.widget(nil).at("_links.add_connection").text() + "&provider_id=4711&redirect_url="
		carries(s, s.browse(link+url.QueryEscape("app.example:/back")).leaves(), "app.example:/back?", fields{"result": "invalid_provider"})
		carries(s, s.browse(link+url.QueryEscape("http://127.0.0.1:53117/back")).leaves(), "http://127.0.0.1:53117/back?", fields{"result": "invalid_provider"})
		if b := s.browse(link + url.QueryEscape("javascript:alert(1)")); b.away != nil || b.answer.status != http.StatusBadRequest {
			s.Errorf("a script as a target is answered with HTTP %d, %v", b.answer.status, b.away)
		}
	}, ""},
	{"6.3", "cancel_url is where a cancel leads", func(s *scene) {
		p := s.user()
		carries(s, p.open("add_connection", form{"cancel_url": "https://integrator.example/cancelled"}).act("cancel").leaves(), "https://integrator.example/cancelled?", fields{"status": "cancelled", "result": "cancelled"})
		p.open("add_connection", nil).act("cancel").comesBack(fields{"status": "cancelled", "result": "cancelled"})
	}, ""},
	{"6.3", "aspsp_callback_uri is where the user comes right after the bank; the widget opened again with the same session goes on", func(s *scene) {
		p, who := s.user(), s.customer()
		address := p.entry("add_connection", form{"provider_id": "87", "aspsp_callback_uri": "https://integrator.example/bank?own=1"})
		b := s.browse(address).atTheBank(who)
		carries(s, b.leaves(), "https://integrator.example/bank?own=1", nil)
		s.browse(address).act("consent").comesBack(created)
	}, ""},
	{"6.3", "provider_id skips the list of banks; one that is not there leads back with an error", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87"}).shows(noticePage)
		p.open("add_connection", form{"provider_id": "4711"}).comesBack(fields{"status": "error", "result": "invalid_provider", "error_description": someText})
	}, ""},
	{"6.3", "channel_definition_id forces the channel; one that is not there leads back with an error", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).shows(loginPage)
		p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8701"}).shows(noticePage).lacks(button("no_current_account"))
		p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "4711"}).comesBack(fields{"status": "error", "result": "invalid_channel_definition", "error_description": someText})
	}, ""},
	{"6.3", "connection_id says which; another's does not exist", func(s *scene) {
		p, other := s.user(), s.user()
		id := other.begin(s.customer(), nil).Get("connection_id")
		for _, name := range []string{"edit_credentials", "user_input", "manage_accounts"} {
			p.open(name, form{"connection_id": id}).comesBack(fields{"status": "error", "error_description": someText})
		}
	}, ""},
	{"6.3 9.1", "captive_mode is true by default: the user stays until everything is read", func(s *scene) {
		p := s.user()
		back := p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer("slow-200")).act("consent").comesBack(created)
		p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"status": "SUCCESS"})
	}, ""},
	{"6.3 9.1", "captive_mode=false lets the user go when login and consent are done; wait_sync_end overrides it", func(s *scene) {
		p := s.user()
		for _, early := range []form{{"captive_mode": "false"}, {"wait_sync_end": "false"}, {"captive_mode": "true", "wait_sync_end": "false"}} {
			early["provider_id"] = "87"
			back := p.open("add_connection", early).atTheBank(s.customer("slow-700")).act("consent").comesBack(created)
			p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"status": "RUNNING"})
		}
		back := p.open("add_connection", form{"provider_id": "87", "captive_mode": "false", "wait_sync_end": "true"}).atTheBank(s.customer("slow-100")).act("consent").comesBack(created)
		p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"status": "SUCCESS"})
	}, ""},
	{"6.3 9.20 9.25", "select_accounts and consent_per_account let the user choose, and set consent_per_account on the connection", func(s *scene) {
		p := s.user()
		for _, name := range []string{"select_accounts", "consent_per_account"} {
			b := p.open("add_connection", form{"provider_id": "87", name: "true"}).atTheBank(s.customer()).shows(accountsPage)
			for _, id := range []string{"0", "1", "2"} {
				b.shows("input#account-" + id).shows("label[for=account-" + id + "]")
			}
			back := b.press(goingOnButton, nil).comesBack(created)
			p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"status": "SUCCESS", "consent_per_account": true})
		}
	}, ""},
	{"6.3 9.25", "without it the consent is for all accounts", func(s *scene) {
		p := s.user()
		back := p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer()).shows(consentPage).lacks(accountsPage).act("consent").comesBack(created)
		p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"consent_per_account": false})
		p.get("/accounts").ok().has("status", "ACTIVE", "ACTIVE", "ACTIVE")
	}, ""},
	{"6.3", "what needs an agreement ends so for a client without one", func(s *scene) {
		p := s.withTerms()
		for _, more := range []form{
			{"select_accounts": "true"}, {"consent_per_account": "true"}, {"terms_body": "Ours"}, {"terms_body": ""},
		} {
			p.open("add_connection", more).comesBack(fields{"status": "error", "result": "agreement_required", "error_description": someText})
		}
	}, ""},
	{"6.3", "multiple_channels goes through REDIRECT, then EMBEDDED", func(s *scene) {
		p, who := s.user(), s.customer()
		b := p.open("add_connection", form{"provider_id": "87", "multiple_channels": "true"}).shows(noticePage).atTheBank(who).act("consent")
		back := b.act("add_channel").credentials(who).sms("123456").act("consent").comesBack(created)
		p.settled(back.Query().Get("connection_id")).shows(fields{"channels.8700.status": "SUCCESS", "channels.8701.status": "SUCCESS"})
	}, ""},
	{"6.3", "select_channel asks which", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87", "select_channel": "true"}).press(channelsPage+"[value='8700']", nil).shows(loginPage)
		p.open("add_connection", form{"provider_id": "87", "select_channel": "true"}).press(channelsPage+"[value='8701']", nil).shows(noticePage)
	}, ""},
	{"6.3", "expected_account_types: PAYMENT is REDIRECT or else EMBEDDED, OTHER is EMBEDDED, ALL is both", func(s *scene) {
		p, who := s.user(), s.customer()
		p.open("add_connection", form{"provider_id": "87", "expected_account_types": "PAYMENT"}).shows(noticePage)
		p.open("add_connection", form{"provider_id": "182", "expected_account_types": "PAYMENT"}).shows("input[name='10001']")
		p.open("add_connection", form{"provider_id": "87", "expected_account_types": "OTHER"}).shows(loginPage)
		p.open("add_connection", form{"provider_id": "87", "expected_account_types": "ALL"}).shows(noticePage).atTheBank(who).act("consent").shows(offerPage)
	}, ""},
	{"6.3", "auto_sync=false makes a connection that is not synchronised daily", func(s *scene) {
		p := s.user()
		for said, want := range map[string]bool{"false": false, "true": true} {
			back := p.open("add_connection", form{"provider_id": "87", "auto_sync": said}).atTheBank(s.customer()).act("consent").comesBack(created)
			p.get("/connections/" + back.Query().Get("connection_id")).ok().shows(fields{"auto_sync": want})
		}
	}, ""},
	{"6.3", "countries filters the banks", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"countries": "FRA,BEL"}).shows("button[name=provider_id][value='87']")
		p.open("add_connection", form{"countries": "DEU"}).lacks("button[name=provider_id]")
	}, ""},
	{"6.3", "congrats_bypass_delay is how long the last page stays, and 0 skips it", func(s *scene) {
		p := s.user()
		for _, delay := range []string{"7", "0"} {
			b := p.open("add_connection", form{"provider_id": "87", "congrats_bypass_delay": delay}).atTheBank(s.customer()).act("consent")
			b.leaves()
			if b.answer.status/100 != 3 {
				if got := b.page.Find(endPage).AttrOr("data-after", ""); got != delay {
					s.Errorf("the last page stays for %q seconds, want %s", got, delay)
				}
			} else if delay != "0" {
				s.Errorf("there is no last page")
			}
		}
	}, ""},
	{"6.3", "terms_header and terms_body are the licensed client's own consent", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", form{"provider_id": "87", "terms_header": "Our own header", "terms_body": "Our own body."}).atTheBank(s.customer()).shows(consentPage)
		if text := b.page.Find("main").Text(); !strings.Contains(text, "Our own header") || !strings.Contains(text, "Our own body.") {
			s.Errorf("the page of the consent says %q", text)
		}
	}, ""},
	{"6.3", "an empty terms_body skips the consent of a licensed client", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87", "terms_body": ""}).atTheBank(s.customer()).comesBack(created)
	}, ""},
	{"6.3 9.8", "lng and locale say the language, en_EN and en-GB are English; then the browser, then French", func(s *scene) {
		p := s.user()
		for more, want := range map[string]string{"lng=en": "en", "locale=en_EN": "en", "locale=en-GB": "en", "locale=fr_FR": "fr", "lng=fr": "fr", "lng=xx": "fr"} {
			s.browse(p.entry("add_connection", nil) + "&" + more).speaks(want)
		}
		s.browseIn("en-US,en;q=0.8", p.entry("add_connection", nil)).speaks("en")
		s.browseIn("de-DE", p.entry("add_connection", nil)).speaks("fr")
		s.browse(p.entry("add_connection", nil)).speaks("fr")
		s.browseIn("en", p.entry("add_connection", form{"lng": "fr"})).speaks("fr")
	}, ""},
	{"6.3", "font, font_color and elements_color are the licensed client's", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"font": "Arial", "font_color": "Blue", "elements_color": "Yellow"}).shows("link[rel=stylesheet][href*=Arial]")
	}, ""},
	{"6.3", "booleans come as true and false; what is neither leads back with an error", func(s *scene) {
		s.user().open("add_connection", form{"captive_mode": "maybe"}).comesBack(fields{"status": "error", "error_description": matching("wait_sync_end|captive_mode")})
	}, ""},

	{"6.4", "success leads back with status, result, connection_id and queue_id, the queue from before the first event", func(s *scene) {
		p := s.user()
		back := p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer()).act("consent").comesBack(created).Query()
		p.tells(back.Get("queue_id"), "WIDGET_GLOBAL", "WIDGET_LOGIN", "CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "WIDGET_CONSENT", "SYNC_ALL_SUCCESS")
		p.events(back.Get("queue_id")).at("0").shows(fields{"event_type": "WIDGET_GLOBAL"})
	}, ""},
	{"6.4", "an expired session leads back at once, from every entry point", func(s *scene) {
		p := s.user()
		session := p.widget(form{"redirect_uri": backAt})
		p.revoke()
		for name := range entryPoints {
			s.browse(session.at("_links." + name).text()).comesBack(fields{"status": "error", "result": "expired"})
		}
	}, ""},
	{"6.4", "a session that nobody knows has no way back", func(s *scene) {
		b := s.browse("/widget/add_connection?session_id=unknown&redirect_url=" + url.QueryEscape(backAt))
		if b.away != nil || b.answer.status/100 != 4 {
			s.Errorf("an unknown session is answered with HTTP %d, %v", b.answer.status, b.away)
		}
	}, ""},
	{"6.4", "the integrator's own query stays as it is", func(s *scene) {
		p := s.user()
		back := p.open("add_connection", form{"provider_id": "4711", "redirect_url": "https://integrator.example/back?b=2&a=%20x#part"}).leaves()
		if !strings.HasPrefix(back.String(), "https://integrator.example/back?b=2&a=%20x&") || back.Fragment != "part" {
			s.Errorf("the user is sent to %s", back)
		}
	}, ""},
	{"6.4", "a channel that fails leads back with its status in lower case", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).credentials(s.customer("locked"))
		b.act("leave").comesBack(fields{"status": "error", "result": "too_many_attempts", "connection_id": someID, "error_description": someText})
	}, ""},
	{"6.4", "a consent that is refused ends as a cancel, and nothing is left", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer()).shows(consentPage).act("cancel").comesBack(fields{"status": "cancelled", "result": "cancelled", "connection_id": absent})
		p.get("/connections").ok().is(noList)
	}, ""},

	{"6.5", "the last page tells the windows around: redirect_to, the address, status, result and connection_id", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", form{"provider_id": "87", "congrats_bypass_delay": "9"}).atTheBank(s.customer()).act("consent")
		b.leaves()
		b.message().shows(fields{"eventName": "redirect_to", "redirect_url": backAt, "status": "success", "result": "created", "connection_id": someID})
	}, ""},
	{"6.5", "the messages are for the client's origins; the sandbox's own clients allow any", func(s *scene) {
		if got := s.user().open("add_connection", nil).page.Find("body").AttrOr("data-origins", ""); got != `["*"]` {
			s.Errorf("the sandbox's origins are %s", got)
		}
		p := s.userOf(s.newClient("https://app.example.test/back", "https://app.example.test/other", "app.example:/back"), allScopes)
		if got := p.open("add_connection", form{"redirect_url": "https://app.example.test/back"}).page.Find("body").AttrOr("data-origins", ""); got != `["https://app.example.test"]` {
			s.Errorf("the client's origins are %s", got)
		}
	}, ""},
	{"6.5", "without a target redirect_url is /success", func(s *scene) {
		p := s.user()
		b := s.browse(p.widget(nil).at("_links.add_connection").text()).act("cancel")
		b.message().shows(fields{"eventName": "redirect_to", "redirect_url": "/success", "status": "cancelled", "result": "cancelled"})
	}, ""},
	{"6.5", "the steps are messages, too", func(s *scene) {
		p := s.user()
		p.open("add_connection", nil).message().shows(fields{"eventName": "WIDGET_CHOOSE_BANK"})
		p.open("add_connection", form{"provider_id": "87"}).message().shows(fields{"eventName": "WIDGET_LOGIN"})
	}, ""},

	{"6.6", "REDIRECT: bank list, notice, bank, consent, end", func(s *scene) {
		p := s.user()
		p.open("add_connection", nil).shows(banksPage).choose("87").shows(noticePage).atTheBank(s.customer()).shows(consentPage).act("consent").comesBack(created)
	}, ""},
	{"6.6", "EMBEDDED: bank list, credentials, challenges, consent, end", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", nil).choose("87").act("no_current_account").shows(loginPage).credentials(s.customer()).sms("123456").shows(consentPage).act("consent")
		b.comesBack(created)
		p.get("/accounts").ok().has("type", "CHECKINGS", "CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN")
	}, ""},
	{"6.6", "the terms come first where they are missing, and the flow goes on", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		p.open("add_connection", form{"provider_id": "87"}).shows(termsPage).accept().shows(noticePage).atTheBank(s.customer()).act("consent").comesBack(created)
		p.get("/transactions").ok().at("0").is(present)
	}, ""},
	{"6.6", "a client without an agreement is served by the widget on both channels", func(s *scene) {
		p := s.withTerms()
		b := p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).credentials(s.customer()).sms("123456").act("consent")
		b.comesBack(created)
	}, ""},
	{"6.6", "a wrong password is asked for again, a wrong code as well", func(s *scene) {
		p, who := s.user(), s.customer()
		wrong := who
		wrong.password = "wrong"
		b := p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).credentials(wrong)
		b.shows("[role=alert]").shows(loginPage).credentials(who).sms("654321").shows("[role=alert]")
		b.press("button[name='307'][value=true]", form{"306": "123456"}).act("consent").comesBack(created)
		p.get("/connections").ok().at("1").is(absent)
	}, ""},
	{"6.6", "a form's secrets are not in the page that comes after", func(s *scene) {
		p, who := s.user(), s.customer()
		who.password = "wrong-and-secret"
		b := p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).credentials(who).shows("[role=alert]").shows(loginPage)
		if strings.Contains(string(b.answer.body), who.password) {
			s.Error("the password is in the page")
		}
	}, ""},
	{"6.6 9.14", "the old addresses take the first channel only, the new ones offer the second", func(s *scene) {
		p, who := s.user(), s.customer()
		p.open("add_connection", form{"provider_id": "87"}).atTheBank(who).act("consent").comesBack(created)
		b := s.browse(p.modernEntry("add_connection", form{"provider_id": "87"})).atTheBank(who).act("consent").shows(offerPage)
		if seconds := b.page.Find("form[data-submit-after]").AttrOr("data-submit-after", ""); seconds == "" {
			s.Error("the offer does not go on by itself")
		}
		b.act("finish").comesBack(created)
	}, ""},
	{"6.6", "a refusal at the bank leads back to the notice, which says so", func(s *scene) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer("refuse")).shows(noticePage).shows("[role=alert]").act("cancel").
			comesBack(fields{"status": "cancelled", "result": "cancelled", "connection_id": absent})
	}, ""},
	{"6.6 12.6", "colours and the removal of our logo need the client's own agreement, else they are ignored with a warning", func(s *scene) {
		s.user().open("add_connection", form{"hide_logo": "true"}).shows(banksPage)
		s.withTerms().open("add_connection", form{"hide_logo": "true", "font": "Arial", "font_color": "Blue", "elements_color": "Yellow", "terms_header": "Ours"}).shows("body[data-warnings*=hide_logo]")
	}, ""},

	{"6.7", "the list of banks: search field, names, going-on button", func(s *scene) {
		b := s.user().open("add_connection", nil).shows(banksPage)
		name := b.page.Find("span.bank__name").FilterFunction(func(_ int, one *goquery.Selection) bool { return one.Text() == "Linxo Test Bank" })
		if name.Length() != 1 || name.Closest("button[type=submit]").Length() != 1 {
			s.Errorf("%d banks are called Linxo Test Bank", name.Length())
		}
	}, ""},
	{"6.7", "searching finds the test bank", func(s *scene) {
		b := s.user().open("add_connection", nil)
		b.press("div.search-input button[type=submit]", form{"q": "linxo"}).shows("button[name=provider_id][value='87']").lacks("button[name=provider_id][value='119']")
	}, ""},
	{"6.7", "every page's going-on button says so, in French Continuer", func(s *scene) {
		b := s.user().open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"}).shows(goingOnButton)
		if text := strings.TrimSpace(b.page.Find(goingOnButton).Text()); text != "Continuer" {
			s.Errorf("the button says %q", text)
		}
	}, ""},
	{"6.7", "the notice has the pair of buttons of the documents", func(s *scene) {
		b := s.user().open("add_connection", form{"provider_id": "87", "lng": "en"})
		for action, want := range map[string]string{"authorize": "Connect my current accounts", "no_current_account": "I do not have a current account"} {
			if text := strings.TrimSpace(b.page.Find(button(action)).Text()); text != want {
				s.Errorf("the button says %q, want %q", text, want)
			}
		}
	}, ""},
	{"6.7", "the fields of credentials and challenges are named by their ids", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", form{"provider_id": "87", "channel_definition_id": "8700"})
		for _, id := range []string{"300", "301", "302"} {
			b.shows("input[name='" + id + "'][id='" + id + "']")
		}
		b.credentials(s.customer()).press(smsPage, nil).shows("input[name='306'][id='306']").shows("button[name='307'][value=true]").shows("button[name='307'][value=false]")
	}, ""},
	{"6.7", "the session in the address is sent on to nobody", func(s *scene) {
		b := s.user().open("add_connection", nil)
		if got := b.answer.header.Get("Referrer-Policy"); got != "no-referrer" {
			s.Errorf("Referrer-Policy is %q", got)
		}
	}, ""},
}
