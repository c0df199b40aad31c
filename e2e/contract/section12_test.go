package contract_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin/testbank/robot"
)

// numbers returns the account numbers of a user by the names of their accounts.
func (p *person) numbers() map[string]string {
	p.Helper()
	all := map[string]string{}
	for _, account := range p.get("/accounts").ok().each() {
		all[account.at("name").text()] = account.at("account_number").text()
	}
	return all
}

// offsetDate is a date of version 3 with the offset of Paris.
var offsetDate = check{"ISO 8601 with an offset", func(v value) bool {
	text, _ := v.any.(string)
	at, err := time.Parse(time.RFC3339, text)
	_, offset := at.Zone()
	_, want := at.In(paris).Zone()
	return err == nil && offset == want
}}

// exact is an amount of version 3.
func exact(amount json.Number) fields {
	return fields{"amount": amount.String(), "currency": "EUR"}
}

var section12 = []fact{
	{"12.1", "a walk goes on where the page before it ended, and a page past the end is empty", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer("every_sync"))
		first := p.get("/transactions?limit=2").ok().every("id")
		p.synchronised(id, nil).shows(fields{"status": "SUCCESS"}) // brings one more row
		newest := p.get("/transactions?limit=500").ok().every("id")
		if slices.Contains(first, newest[0]) {
			s.Fatalf("nothing was imported: %v", newest)
		}
		walked := first
		for page := 2; ; page++ {
			rows := p.get("/transactions?limit=2&page=" + strconv.Itoa(page)).ok().every("id")
			if len(rows) == 0 {
				break
			}
			walked = append(walked, rows...)
		}
		for _, row := range newest {
			n := 0
			for _, one := range walked {
				if one == row {
					n++
				}
			}
			if old := slices.Contains(first, row) || row < first[0]; old && n != 1 {
				s.Errorf("the walk gives row %s %d times: %v of %v", row, n, walked, newest)
			}
		}
	}, ""},
	{"12.2", "providers and connections have a picture of the platform, which anybody may load", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		for _, one := range []value{p.get("/providers/87").ok(), p.get("/providers?q=linxo").ok().at("87"), p.get("/connections/" + id).ok()} {
			one.shows(fields{"logo_url": s.platform.address + "/logos/87.svg"})
		}
		picture := s.nobody().get("/logos/87.svg").is(http.StatusOK)
		if got := picture.header.Get("Content-Type"); got != "image/svg+xml" || !strings.Contains(string(picture.body), "<svg") {
			s.Errorf("the picture is %q: %.80s", got, picture.body)
		}
	}, ""},
	{"12.2", "name, account_number, creation_date and status of accounts are never absent", func(s *scene) {
		p := s.user()
		p.embedded(s.customer())
		manual := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		for _, account := range p.get("/accounts").ok().each() {
			account.shows(fields{"name": someText, "account_number": someText, "creation_date": instant, "status": someText})
		}
		p.get("/accounts/" + manual).ok().shows(fields{"account_number": manual, "connection_id": absent, "balance": absent, "balance_date": absent})
	}, ""},
	{"12.2", "account_number is one and the same through both channels", func(s *scene) {
		who := s.customer()
		byRedirect, byEmbedded := s.user(), s.user()
		byRedirect.connect(who)
		byEmbedded.embedded(who)
		numbers := byEmbedded.numbers()
		if len(byRedirect.numbers()) < 3 {
			s.Errorf("by REDIRECT there are %v", byRedirect.numbers())
		}
		for name, number := range byRedirect.numbers() {
			if numbers[name] != number {
				s.Errorf("%s is %q by REDIRECT and %q by EMBEDDED", name, number, numbers[name])
			}
		}
	}, ""},
	{"12.3", "an account has no balance before the user has consented to it", func(s *scene) {
		p := s.user()
		p.perAccount(s.customer())
		for _, account := range p.get("/accounts").ok().each() {
			account.shows(fields{"status": "PENDING_CONSENT", "balance": absent, "balance_date": absent, "balances": absent})
		}
	}, ""},
	{"12.4", "accounts carry balances and coverage, channels what is left of the quota", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		account := p.account("COMPTE COURANT").shows(fields{
			"coverage.complete": true, "coverage.unreadable_rows": 0, "coverage.from": parisDay, "coverage.last_complete_date": instant,
		})
		account.at("balances").find(fields{"type": "BOOKED"}).shows(fields{"amount": account.at("balance").any, "currency": "EUR", "date": parisDay})
		channel := p.get("/connections/" + id).ok().at("channels.8701").shows(fields{"next_refresh_date": instant, "remaining_refreshes": 4})
		if next := channel.at("next_refresh_date").seconds(); next < time.Now().Unix() || next > time.Now().Add(36*time.Hour).Unix() {
			s.Errorf("the next refresh is at %d", next)
		}
	}, ""},
	{"12.5", "the owner is {} until the user has consented to an account, and shown from then on", func(s *scene) {
		p := s.user()
		id := p.perAccount(s.customer())
		p.get("/connections/" + id).ok().shows(fields{"owner": noObject})
		p.put("/connections/"+id+"/consents", object{"consents": []object{
			{"account_id": p.account("COMPTE COURANT").at("id").text(), "consent": true},
		}}).done()
		p.get("/connections/" + id).ok().shows(fields{"owner.name": matching("(?i)jo doe")})
	}, ""},
	{"12.5", "while a page asks for the consent, the API shows neither the owner nor the accounts", func(s *scene) {
		p := s.user()
		b := p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer()).shows(consentPage)
		p.get("/connections").ok().at("0").shows(fields{"owner": noObject, "status": "SUCCESS", "channels.8701.status": "NEVER"})
		p.get("/accounts").ok().is(noList)
		b.act("consent").comesBack(created)
		p.get("/connections").ok().at("0").shows(fields{"owner.name": matching("(?i)jo doe")})
		p.get("/accounts").ok().at("0").shows(fields{"status": "ACTIVE"})
	}, ""},
	{"12.4", "a connection to an account that an older one shows names that one", func(s *scene) {
		p, who := s.user(), s.customer()
		first := p.connect(who)
		second := p.connect(who)
		list := p.get("/connections").ok()
		list.at(first).shows(fields{"duplicate_of": absent})
		list.at(second).shows(fields{"duplicate_of": first})
	}, ""},
	{"12.6", "cosmetic parameters of a client without an agreement are ignored, valid or not, with a warning", func(s *scene) {
		p := s.userOf(unlicensed, allScopes)
		session := p.widget(form{"font": "Georgia", "elements_color": "no colour", "hide_logo": "perhaps", "terms_header": "Hello"})
		warnings := strings.Join(texts(session.at("warnings").any.([]any)), " ")
		for _, name := range []string{"font", "elements_color", "hide_logo", "terms_header"} {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(warnings) {
				s.Errorf("no warning names %s: %s", name, warnings)
			}
		}
		s.browse(session.at("_links.add_connection").text()).shows("button[value=accept_terms]")
		s.browse(p.entry("add_connection", form{"provider_id": "87", "terms_body": "Mine"})).comesBack(fields{"status": "error", "result": "agreement_required"})
	}, ""},
	{"12.7", "either of consent_per_account and select_accounts asks for the choice of accounts", func(s *scene) {
		for _, parameters := range []form{{"consent_per_account": "true"}, {"select_accounts": "true"}, {"consent_per_account": "true", "select_accounts": "true"}} {
			p := s.user()
			parameters["provider_id"] = "87"
			s.browse(p.entry("add_connection", parameters)).atTheBank(s.customer()).shows("button[value=choose]")
		}
	}, ""},
	{"12.8", "a revocation is {}, of an unknown token too", func(s *scene) {
		p := s.user()
		for _, token := range []string{p.token, p.token, "unknown"} {
			s.nobody().post("/revoke", form{"token": token, "client_id": licensed.id, "client_secret": licensed.secret}).ok().is(noObject)
		}
	}, ""},
	{"12.9", "the sign-in page may be framed by the origins of the client's targets alone", func(s *scene) {
		who := s.newClient("https://app.example.test/back", "https://www.example.test:8443/in")
		page := s.nobody().get("/signin?response_type=code&client_id=" + who.id + "&scope=openid&redirect_uri=https%3A%2F%2Fapp.example.test%2Fback").is(http.StatusOK)
		policy := page.header.Get("Content-Security-Policy")
		ancestors := regexp.MustCompile(`frame-ancestors ([^;]*)`).FindStringSubmatch(policy)
		if len(ancestors) < 2 {
			s.Fatalf("the policy is %q", policy)
		}
		origins := strings.Fields(ancestors[1])
		slices.Sort(origins)
		if !slices.Equal(origins, []string{"https://app.example.test", "https://www.example.test:8443"}) || page.header.Get("X-Frame-Options") != "" {
			s.Errorf("who may frame the page: %q, X-Frame-Options %q", origins, page.header.Get("X-Frame-Options"))
		}
	}, ""},
	{"12.10", "a repeated callback of mode A answers the same redirect; another answer of the bank does not", func(s *scene) {
		p := s.user()
		callback := s.visit(p.authorizeURL(nil), s.customer())
		first := s.arrive(callback).redirect().String()
		for range 2 {
			if again := s.arrive(callback).redirect().String(); again != first {
				s.Errorf("the callback leads to %s, and first to %s", again, first)
			}
		}
		query := callback.Query()
		query.Set("code", "another")
		callback.RawQuery = query.Encode()
		if got := s.arrive(callback); got.status != http.StatusBadRequest {
			s.Errorf("another code: HTTP %d to %s", got.status, got.header.Get("Location"))
		}
		if n := len(p.get("/connections").ok().each()); n != 1 {
			s.Errorf("there are %d connections", n)
		}
	}, ""},
	{"12.10", "a return in another browser is asked about, and nothing is there before a yes; the redirect of a flow goes to the browser that left", func(s *scene) {
		for answer, shows := range map[string]string{"confirm_return": consentPage, "refuse_return": noticePage} {
			p := s.user()
			left := p.open("add_connection", form{"provider_id": "87"}).act("authorize")
			flow := left.address.String()
			callback := s.visit(left.leaves().String(), s.customer()).String()
			other := s.browse(callback).shows(button(answer))
			if n := len(p.get("/connections").ok().each()); n != 0 {
				s.Errorf("before an answer there are %d connections", n)
			}
			other.act(answer)
			for range 2 { // the answer, and the callback again
				if strings.Contains(other.address.String()+string(other.answer.body), "session_id") {
					s.Errorf("another browser gets the session: %s", other.address)
				}
				other.open(callback)
			}
			left.open(flow).shows(shows)
		}
	}, ""},
	{"12.11", "login and password end a login by REDIRECT; only the scenario sms asks for a code", func(s *scene) {
		for scenario, asks := range map[string]bool{"": false, "sms": true} {
			who := s.customer()
			if scenario != "" {
				who = s.customer(scenario)
			}
			answers := who.answers()
			delete(answers, "code")
			_, err := robot.LogIn(s.Context(), s.user().authorizeURL(nil), answers)
			if (err != nil) != asks {
				s.Errorf("without a code, scenario %q: %v", scenario, err)
			}
		}
	}, ""},
	{"12.13", "a user changes the password with the current one, which ends the other sign-ins", func(s *scene) {
		p := s.user()
		other := p.narrowed(allScopes)
		address := "/users/me/password"
		p.put(address, object{"password": "another-good-password"}).refused(http.StatusBadRequest, "invalid_request").shows(fields{"field": "current_password"})
		p.put(address, object{"password": "another-good-password", "current_password": "wrong"}).refused(http.StatusBadRequest, "invalid_request").shows(fields{"field": "current_password"})
		p.put(address, object{"current_password": p.password}).refused(http.StatusBadRequest, "invalid_request").shows(fields{"field": "password"})
		p.put("/users/"+p.id+"/password", form{"password": "another-good-password", "current_password": p.password}).done()
		p.get("/users/me").ok()
		other.get("/users/me").refused(http.StatusUnauthorized, "invalid_token")
		p.password = "another-good-password"
		p.narrowed(allScopes).get("/users/me").ok()
	}, ""},
	{"12.13", "a client sets the password of its user and ends all sign-ins", func(s *scene) {
		p := s.user()
		app := s.app(licensed, "profile_edit")
		app.put("/users/"+p.id+"/password", object{"password": "set-by-the-client"}).done()
		p.get("/users/me").refused(http.StatusUnauthorized, "invalid_token")
		p.password = "set-by-the-client"
		first, second := p.narrowed(allScopes), p.narrowed(allScopes)
		app.delete("/users/" + p.id + "/sessions").done()
		for _, signedIn := range []*person{first, second} {
			signedIn.get("/users/me").refused(http.StatusUnauthorized, "invalid_token")
		}
		app.with("x-linxo-user-id", p.id).put("/users/me/password", object{"password": p.password}).done()
		third := p.narrowed(allScopes)
		third.delete("/users/me/sessions").done()
		third.get("/users/me").refused(http.StatusUnauthorized, "invalid_token")
		app.put("/users/me/password", object{"password": p.password}).refused(http.StatusBadRequest, "invalid_request")
		app.put("/users/999999999/password", object{"password": p.password}).refused(http.StatusNotFound, "not_found")
	}, ""},
	{"12.13", "a user's e-mail is the same in any case", func(s *scene) {
		p := s.user()
		written := p.email
		p.email = strings.ToUpper(written)
		p.narrowed("profile").get("/users/me").ok().shows(fields{"email": written})
		s.app(licensed, "users_create").post("/users", object{"email": p.email, "password": "secret"}).refused(http.StatusConflict, "email_taken")
	}, ""},
	{"12.14", "version 3 wraps its lists and writes amounts and dates out", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		account := p.account("COMPTE COURANT")
		p.get("/v3/users/me").ok().shows(fields{"id": p.id, "email": p.email, "creation_date": offsetDate})
		connections := p.get("/v3/connections").ok().at("connections")
		connections.has("id", id)
		for _, connection := range []value{connections.at("0"), p.get("/v3/connections/" + id).ok()} {
			connection.shows(fields{
				"provider_logo_url": s.platform.address + "/logos/87.svg", "logo_url": absent, "status": "SUCCESS", "creation_date": offsetDate,
				"channels.8701.expires": offsetDate, "channels.8701.last_success_date": offsetDate,
			})
		}
		list := p.get("/v3/accounts").ok().at("accounts")
		list.has("name", "COMPTE COURANT", "COMPTE JOINT", "CARTE DEBIT DIFFERE")
		for _, one := range []value{list.at(account.at("id").text()), p.get("/v3/accounts/" + account.at("id").text()).ok()} {
			one.shows(fields{"name": "COMPTE COURANT", "balance_date": offsetDate})
			one.at("balance.amount").shows(exact(account.at("balance").any.(json.Number)))
		}
		for _, row := range p.get("/v3/transactions?limit=500").ok().at("transactions").each() {
			same := p.get("/transactions/" + row.at("id").text()).ok()
			row.shows(fields{"date": offsetDate, "enrichments.date": offsetDate, "enrichments.display_label": same.at("label").text()})
			row.at("amount").shows(exact(same.at("amount").any.(json.Number)))
		}
	}, ""},
	{"12.14", "version 3 takes user_id, account_ids as one value, and ISO 8601 dates", func(s *scene) {
		p, accounts := s.reader()
		other := s.user()
		joint := accounts["COMPTE JOINT"]
		p.get("/v3/transactions?account_ids="+joint+"&user_id="+p.id).ok().at("transactions").has("account_id", joint)
		both := joint + "," + accounts["CARTE DEBIT DIFFERE"]
		if got := amounts(p.get("/transactions?account_id=" + both).ok()); len(got) != len(p.get("/v3/transactions?account_ids="+both).ok().at("transactions").each()) {
			s.Errorf("account_ids=%s is not %v", both, got)
		}
		day := time.Unix(p.get("/transactions?amount=-12.3").ok().at("0.date").seconds(), 0).In(paris)
		at := func(t time.Time) string { return strings.Replace(t.Format(time.RFC3339), "+", "%2B", 1) }
		for query, want := range map[string]int{
			"start_date=" + at(day) + "&end_date=" + at(day.Add(23*time.Hour)): 1, "start_date=" + at(day.AddDate(0, 0, 1)): 0, "end_date=" + at(day.AddDate(0, 0, -1)): 0,
			"start_date=" + day.UTC().Format(time.RFC3339) + "&end_date=" + day.UTC().Format(time.RFC3339): 1,
		} {
			if got := len(p.get("/v3/transactions?amount=-12.3&" + query).ok().at("transactions").each()); got != want {
				s.Errorf("%s gives %d rows, want %d", query, got, want)
			}
		}
		p.get("/v3/transactions?start_date=soon").refused(400, "invalid_request").shows(fields{"field": "start_date"})
		// Another user's lists are empty; the client's own token names the user.
		for _, list := range []string{"connections", "accounts", "transactions"} {
			other.get("/v3/" + list + "?user_id=" + p.id).ok().at(list).is(noList)
		}
		app := s.app(licensed, "transactions_read")
		if n := len(app.get("/v3/transactions?user_id=" + p.id).ok().at("transactions").each()); n == 0 {
			s.Error("the client reads nothing of its user")
		}
		app.get("/v3/transactions").refused(400, "invalid_request").shows(fields{"field": "x-linxo-user-id"})
		s.nobody().get("/v3/accounts").refused(401, "invalid_token")
		p.post("/v3/accounts", object{}).refused(405, "method_not_allowed")
	}, ""},
	{"12.15", "ids have ten digits, so that their order as text and as number agree", func(s *scene) {
		p := s.user()
		connection := p.connect(s.customer())
		key := p.post("/keys", object{"type": "PGP"}).created("/keys/")
		ids := []string{p.id, connection, key, p.queue()}
		ids = append(ids, p.get("/accounts").ok().every("id")...)
		ids = append(ids, p.get("/transactions").ok().every("id")...)
		for _, id := range ids {
			if !regexp.MustCompile(`^[1-9]\d{9}$`).MatchString(id) {
				s.Errorf("the id %s has no ten digits", id)
			}
		}
		rows := p.get("/transactions?sort=import_date").ok().every("id")
		if !slices.IsSortedFunc(rows, func(a, b string) int { return cmp.Compare(a, b) }) {
			s.Errorf("%v", rows)
		}
	}, ""},
	{"12.16", "the documents have no anchors and aliases, declare forms, and answer 4XX", func(s *scene) {
		for _, address := range []string{"/openapi.yaml", "/v3/openapi.yaml"} {
			text := string(s.nobody().get(address).is(http.StatusOK).body)
			if found := regexp.MustCompile(`(?m)^[^"\n]*(?:: |- )[&*][A-Za-z]\w*`).FindString(text); found != "" {
				s.Errorf("%s has %q", address, found)
			}
			if !strings.Contains(text, "4XX") {
				s.Errorf("%s does not answer 4XX", address)
			}
		}
		document := s.nobody().get("/openapi.json").ok()
		for _, path := range []string{"/users", "/widget_session"} {
			operation := document.at("paths").any.(map[string]any)[path]
			post := value{s.TB, path, operation, operation != nil}.at("post")
			post.shows(fields{"requestBody": present, "responses.4XX": present})
			if content, _ := post.at("requestBody.content").any.(map[string]any); content["application/x-www-form-urlencoded"] == nil {
				s.Errorf("POST %s declares no form", path)
			}
		}
	}, ""},
	{"12.18", "a file brings each transaction once, and asks for the account that it does not name", func(s *scene) {
		p := s.user()
		rows := ":28C:1/1\n:61:2601050105D12,50NMSCNONREF\n:86:CAFE\n:61:2601060106D9,00NMSCNONREF\n:86:MARCHE\n-\n"
		file, nameless := raw(":20:S\n:25:FR7630006000011234567890189\n"+rows), raw(":20:S\n"+rows)
		told := p.post("/providers/87/import", file).is(202).json()
		told.at("accounts.0").shows(fields{"new_transactions": 2, "known_transactions": 0, "created": true})
		into := "/connections/" + told.at("connection_id").text() + "/import"
		p.post(into, file).is(202).json().at("accounts.0").shows(fields{"new_transactions": 0, "known_transactions": 2, "created": false})
		p.post(into, nameless).refused(409, "user_action_required").shows(fields{"field": "account_id", "question.type": "ACCOUNT"})
		p.post(into+"?account_id=new", nameless).is(202)
		p.post(into, raw("no statement")).refused(400, "invalid_request").shows(fields{"field": "file"})
		s.nobody().post(into, file).refused(401, "invalid_token")
		s.user().post(into, file).refused(404, "not_found")
	}, ""},
	{"12.19", "the balances of an account are compared with its transactions, for callers that may read it", func(s *scene) {
		p := s.user()
		p.connect(s.customer())
		path := "/accounts/" + p.account("COMPTE COURANT").at("id").text() + "/balance_check"
		p.get(path).ok().shows(fields{"status": oneOf("ok", "gap", "unknown")})
		s.user().get(path).refused(404, "not_found")
		s.nobody().get(path).refused(401, "invalid_token")
	}, ""},
	{"12.20", "a client may prove itself by one way at a time", func(s *scene) {
		grant := form{"grant_type": "client_credentials", "scope": "users_create", "client_id": licensed.id}
		two := form{"client_secret": licensed.secret, "client_assertion": "e30.e30.e30", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
		for name, text := range grant {
			two[name] = text
		}
		s.nobody().post("/token", two).is(400).json().shows(oauthError("invalid_request"))
		s.nobody().post("/token", grant).is(401).json().shows(oauthError("invalid_client"))
		s.nobody().with("Authorization", basic(licensed)).post("/token", grant).ok().shows(clientTokens)
		s.nobody().get("/.well-known/openid-configuration").ok().shows(fields{"token_endpoint_auth_methods_supported": someList})
	}, ""},
	{"12.21", "a queue that has lost nothing is read from any point", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.connect(s.customer())
		if first, again := p.get("/queues/"+queue).ok().every("id"), p.get("/queues/"+queue+"?after=0").ok().every("id"); len(first) == 0 || !slices.Equal(first, again) {
			s.Errorf("%v, and again %v", first, again)
		}
	}, ""},
}
