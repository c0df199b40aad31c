package contract_test

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
)

// attended returns the caller for a user who is present, as the integrator reports.
func (p *person) attended() caller { return p.with("PSU-IP-Address", "192.0.2.7") }

// synchronised requests a synchronisation with the user present, and waits for its end.
func (p *person) synchronised(id string, body any) value {
	p.Helper()
	p.attended().post("/connections/"+id+"/synchronize", body).done()
	return p.settled(id)
}

// account is the user's account of that name.
func (p *person) account(name string) value {
	p.Helper()
	return p.get("/accounts").ok().find(fields{"name": name})
}

// wrongPassword begins an EMBEDDED connection that ends in AUTH_FAILED.
func (p *person) wrongPassword(who customer) string {
	p.Helper()
	who.password = "wrong"
	id := p.embed(who, nil)
	p.settled(id).shows(fields{"status": "FAILED", "channels.8700.status": "AUTH_FAILED"})
	return id
}

// perAccount connects a user whose consent is asked account by account.
func (p *person) perAccount(who customer) string {
	p.Helper()
	id := p.begin(who, object{"consent_per_account": true}).Get("connection_id")
	p.settled(id)
	return id
}

// askedFirst begins an EMBEDDED connection and waits for the bank's first question.
func (p *person) askedFirst(who customer) (queue, id string, question value) {
	p.Helper()
	queue = p.queue()
	id = p.embed(who, nil)
	return queue, id, p.asked(queue, 1)
}

var section3Connections = []fact{
	{"3.6", "GET /connections by provider_id and status, with pages", func(s *scene) {
		p := s.user()
		good, bad := p.connect(s.customer()), p.wrongPassword(s.customer())
		p.get("/connections").ok().has("id", good, bad)
		p.get("/connections?provider_id=87").ok().has("id", good, bad)
		p.get("/connections?provider_id=119,182").ok().is(noList)
		p.get("/connections?status=SUCCESS").ok().has("id", good)
		p.get("/connections?status=FAILED,PARTIAL_SUCCESS").ok().has("id", bad)
		p.get("/connections?limit=1&page=2").ok().has("id", bad)
	}, ""},
	{"3.6", "GET /connections/{id}; another's does not exist", func(s *scene) {
		p, other := s.user(), s.user()
		id := p.begin(s.customer(), nil).Get("connection_id")
		p.get("/connections/" + id).ok().shows(fields{"id": id})
		other.get("/connections/"+id).refused(404, "not_found")
		p.get("/connections/0").refused(404, "not_found")
		p.get("/connections/nonsense").refused(404, "not_found")
	}, ""},
	{"3.6", "POST /connections starts LIST_ACCOUNTS on the provider's EMBEDDED definition", func(s *scene) {
		p := s.user()
		queue := p.queue()
		id := p.embed(s.customer(), nil)
		p.get("/connections/" + id).ok().shows(fields{"status": "RUNNING", "channels.8700.status": "RUNNING", "channels.8701.status": "EMPTY", "auto_sync": true})
		p.told(queue, "LIST_ACCOUNTS_RUNNING").shows(fields{"channel_definition_id": "8700", "resource.id": id})
	}, ""},
	{"3.6", "the definition is found by its credentials, or named", func(s *scene) {
		p := s.user()
		id := p.post("/connections", object{"provider_id": "182", "credentials": []object{credential("10001", s.platform.unique("demo"))}}).created("/connections/")
		p.get("/connections/" + id).ok().shows(fields{"provider_id": "182", "channels.17650.mode": "EMBEDDED"})
		p.embed(s.customer(), object{"channel_definition_id": "8700"})
		wrong := p.login(s.customer())
		wrong["channel_definition_id"] = "4711"
		if got := p.post("/connections", wrong); got.status/100 != 4 {
			s.Errorf("an unknown definition is answered with HTTP %d", got.status)
		}
	}, ""},
	{"3.6", "auto_sync is true unless it is said to be false, as a boolean or a word", func(s *scene) {
		p := s.user()
		for said, want := range map[any]bool{true: true, "true": true, false: false, "false": false} {
			p.get("/connections/" + p.embed(s.customer(), object{"auto_sync": said})).ok().shows(fields{"auto_sync": want})
		}
	}, ""},
	{"3.6", "a credential that is missing, unknown or not as its regexp says is 400 and named", func(s *scene) {
		p := s.user()
		id, seal := p.key()
		hsbc := func(user string) object {
			return object{"provider_id": "119", "key_id": id, "credentials": []object{credential("3500", user), credential("3501", "dev"), credential("3502", seal("dev-0119"))}}
		}
		p.post("/connections", hsbc("short")).refused(400, "invalid_request").shows(fields{"field": "credentials.3500"})
		p.post("/connections", object{"provider_id": "87", "key_id": id, "credentials": []object{credential("300", "dev")}}).refused(400, "invalid_request").shows(fields{"field": "credentials.301"})
		p.post("/connections", object{"provider_id": "4711", "credentials": []object{}}).refused(400, "invalid_request").shows(fields{"field": "provider_id"})
		p.get("/connections").ok().is(noList)
	}, ""},
	{"3.6", "consent_per_account and select_accounts on POST /connections", func(s *scene) {
		p := s.user()
		for _, name := range []string{"consent_per_account", "select_accounts"} {
			p.get("/connections/" + p.embed(s.customer(), object{name: true})).ok().shows(fields{"consent_per_account": true})
		}
		p.get("/connections/" + p.embed(s.customer(), nil)).ok().shows(fields{"consent_per_account": false})
	}, ""},
	{"3.6", "a client without an agreement neither creates, changes credentials and consents, nor answers", func(s *scene) {
		p := s.withTerms()
		id := p.connect(s.customer())
		account := p.get("/accounts").ok().at("0.id").text()
		login := p.login(s.customer())
		for _, got := range []answer{
			p.post("/connections", login),
			p.put("/connections/"+id+"/channels/8700", login),
			p.put("/connections/"+id+"/credentials/300", object{"value": "dev"}),
			p.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": account, "consent": true}}}),
			p.answers(id, "8701", credential("304", "true")),
		} {
			got.refused(403, "psd2_agreement_required")
		}
		p.get("/transactions").ok().at("0").is(present)
		p.patch("/connections/"+id, object{"auto_sync": false}).done()
		p.attended().post("/connections/"+id+"/synchronize", nil).done()
		p.delete("/connections/" + id).done()
	}, ""},
	{"3.6", "DELETE /connections/{id} removes accounts and transactions", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		account := p.get("/accounts").ok().at("0.id").text()
		transaction := p.get("/transactions").ok().at("0.id").text()
		p.delete("/connections/" + id).done()
		for _, path := range []string{"/connections/" + id, "/accounts/" + account, "/transactions/" + transaction} {
			p.get(path).refused(404, "not_found")
		}
		p.get("/accounts").ok().is(noList)
		p.get("/transactions").ok().is(noList)
		p.delete("/connections/"+id).refused(404, "not_found")
	}, ""},
	{"3.6", "PUT of an EMPTY channel adds it to the connection", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		queue := p.queue()
		body := p.login(who)
		body["id"] = "8700"
		p.put("/connections/"+id+"/channels/8700", body).done()
		p.converse(queue, id).shows(fields{"status": "SUCCESS", "channels.8700.status": "SUCCESS", "channels.8701.status": "SUCCESS"})
		p.get("/accounts").ok().has("type", "CHECKINGS", "CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN")
	}, ""},
	{"3.6", "PUT of a channel that failed heals it; id repeats the path", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.wrongPassword(who)
		queue := p.queue()
		body := p.login(who)
		body["id"] = "8701"
		p.put("/connections/"+id+"/channels/8700", body).refused(400, "invalid_request").shows(fields{"field": "id"})
		body["id"] = "8700"
		p.put("/connections/"+id+"/channels/8700", body).done()
		p.converse(queue, id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.6", "PUT of one credential keeps the others, which are shown masked meanwhile", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.wrongPassword(who)
		p.get("/connections/" + id).ok().at("channels.8700.credentials").shows(fields{"300.masked_value": matching(`^\*+` + who.login[len(who.login)-2:] + `$`), "301.masked_value": matching(`^\*+$`)})
		queue := p.queue()
		key, seal := p.key()
		p.put("/connections/"+id+"/credentials/4711", object{"value": "x"}).refused(404, "not_found")
		p.put("/connections/"+id+"/credentials/301", object{"key_id": key, "value": seal(who.password)}).done()
		p.converse(queue, id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.6 9.18", "user_input takes two objects, one object with repeated keys, and a form", func(s *scene) {
		p := s.user()
		for _, body := range []raw{
			`{"credentials":[{"id":"306","value":"123456"},{"id":"307","value":"true"}]}`,
			`{"credentials":[{"id":"306","value":"123456","id":"307","value":"true"}]}`,
			`306=123456&307=true`,
		} {
			queue, id, _ := p.askedFirst(s.customer())
			p.answers(id, "8700", credential("304", "true")).done()
			p.asked(queue, 2)
			p.post("/connections/"+id+"/channels/8700/user_input", body).done()
			p.settled(id).shows(fields{"status": "SUCCESS"})
		}
	}, ""},
	{"3.6", "an answer that cannot be right is 400 and named; one that nobody asked for is 409", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		p.answers(id, "8700", credential("304", "true")).done()
		p.asked(queue, 2)
		p.answers(id, "8700", credential("306", "12345"), credential("307", "true")).refused(400, "invalid_request").shows(fields{"field": "credentials.306"})
		p.answers(id, "8700", credential("307", "maybe")).refused(400, "invalid_request")
		p.answers(id, "8700", credential("306", "123456"), credential("307", "true")).done()
		p.settled(id)
		p.answers(id, "8700", credential("307", "true")).refused(409, "conflict")
	}, ""},
	{"3.6 4.11", "PUT consents: true is synchronised, false deletes the account, the others keep their state", func(s *scene) {
		p := s.user()
		id := p.perAccount(s.customer())
		p.get("/accounts").ok().has("status", "PENDING_CONSENT", "PENDING_CONSENT", "PENDING_CONSENT")
		p.put("/connections/"+id+"/consents", object{"consents": []object{
			{"account_id": p.account("COMPTE COURANT").at("id").text(), "consent": true},
			{"account_id": p.account("COMPTE JOINT").at("id").text(), "consent": false},
		}}).done()
		p.settled(id).shows(fields{"status": "SUCCESS", "channels.8701.status": "SUCCESS"})
		accounts := p.get("/accounts").ok()
		accounts.has("name", "COMPTE COURANT", "CARTE DEBIT DIFFERE")
		accounts.find(fields{"name": "COMPTE COURANT"}).shows(fields{"status": "ACTIVE", "balance": someNumber})
		accounts.find(fields{"name": "CARTE DEBIT DIFFERE"}).shows(fields{"status": "PENDING_CONSENT"})
		p.get("/transactions").ok().at("0.account_id").is(accounts.find(fields{"name": "COMPTE COURANT"}).at("id").text())
	}, ""},
	{"3.6", "consents take ids as numbers and the words for booleans, and name what is not the connection's", func(s *scene) {
		p, other := s.user(), s.user()
		id := p.perAccount(s.customer())
		number, err := strconv.Atoi(p.account("COMPTE COURANT").at("id").text())
		if err != nil {
			s.Fatal(err)
		}
		other.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": number, "consent": true}}}).refused(404, "not_found")
		p.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": "1", "consent": "x"}}}).refused(400, "invalid_request")
		p.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": "999999999", "consent": true}}}).refused(400, "invalid_request").shows(fields{"field": "consents.account_id"})
		p.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": number, "consent": "true"}}}).done()
	}, ""},
	{"3.6 9.13", "POST synchronize: ALL without a type, SYNC_ALL and LIST_ACCOUNTS, from the query or JSON", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		for _, row := range []struct {
			query string
			body  any
			first string
		}{
			{"", nil, "SYNC_ALL_RUNNING"},
			{"", object{"type": "ALL"}, "SYNC_ALL_RUNNING"},
			{"?type=SYNC_ALL", nil, "SYNC_ALL_RUNNING"},
			{"?type=LIST_ACCOUNTS", nil, "LIST_ACCOUNTS_RUNNING"},
			{"", raw(`{"type":"LIST_ACCOUNTS"}`), "LIST_ACCOUNTS_RUNNING"},
		} {
			queue := p.queue()
			p.attended().post("/connections/"+id+"/synchronize"+row.query, row.body).done()
			p.told(queue, "SYNC_ALL_SUCCESS")
			if first := p.types(queue)[0]; first != row.first {
				s.Errorf("%s %v begins with %s, want %s", row.query, row.body, first, row.first)
			}
		}
		p.post("/connections/"+id+"/synchronize?type=EVERYTHING", nil).refused(400, "invalid_request").shows(fields{"field": "type"})
	}, ""},
	{"3.6", "POST /connections/synchronize gives links to what is synchronised", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		got := p.attended().post("/connections/synchronize", nil).ok()
		got.is([]string{"/connections/" + id})
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.6", "while one runs, a second synchronisation is 204 and does not start", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer("slow-400"))
		queue := p.queue()
		for range 3 {
			p.attended().post("/connections/"+id+"/synchronize", nil).done()
		}
		p.settled(id)
		running := slices.DeleteFunc(p.types(queue), func(one string) bool { return one != "SYNC_ALL_RUNNING" })
		if len(running) != 1 {
			s.Errorf("%d synchronisations ran", len(running))
		}
	}, ""},
	{"3.6", "without the user's address a synchronisation is unattended: after the bank's quota it is 429 with Retry-After", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		for range 4 {
			p.post("/connections/"+id+"/synchronize", nil).done()
			p.settled(id).shows(fields{"status": "SUCCESS"})
		}
		got := p.post("/connections/"+id+"/synchronize", nil)
		got.refused(429, "quota_exhausted")
		if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 {
			s.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
		p.get("/connections/" + id).ok().shows(fields{"status": "SUCCESS"})
		p.synchronised(id, nil).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"3.6", "PATCH and PUT change the name and auto_sync", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		p.patch("/connections/"+id, object{"name": "My bank"}).done()
		p.put("/connections/"+id, object{"auto_sync": "false"}).done()
		p.get("/connections/" + id).ok().shows(fields{"name": "My bank", "auto_sync": false})
	}, ""},
	{"3.6", "a change made while a synchronisation runs stays", func(s *scene) {
		p, who := s.user(), s.customer()
		s.control("POST", "", object{"login": who.login, "scenario": "slow", "param": "2500", "times": 2})
		id := p.begin(who, nil).Get("connection_id")
		name, tries := "", 0
		eventually(s, "the listing has begun, and has not ended", func() (bool, bool) {
			name = s.platform.unique("My bank ")
			p.patch("/connections/"+id, object{"name": name}).done()
			tries++
			return true, tries == 8
		})
		p.settled(id).shows(fields{"status": "SUCCESS", "name": name})
	}, ""},
	{"3", "software of version 2 finds the same under /v2", func(s *scene) {
		p := s.user()
		p.connect(s.customer())
		for _, path := range []string{"/users/me", "/connections", "/accounts", "/transactions", "/providers/87"} {
			now, before := p.send("GET", "/v2.1"+path, nil).ok(), p.send("GET", "/v2"+path, nil).ok()
			if !reflect.DeepEqual(now.any, before.any) {
				s.Errorf("%s is %v, and under /v2 %v", path, now.any, before.any)
			}
		}
		p.send("GET", "/v4/users/me", nil).refused(404, "not_found")
	}, ""},
	{"3.6", "a doubled /v2.1 is tolerated", func(s *scene) {
		p := s.user()
		id := p.begin(s.customer(), nil).Get("connection_id")
		p.send("GET", "/v2.1/v2.1/connections/"+id, nil).ok().shows(fields{"id": id})
	}, ""},

	{"3.7", "a queue gives what has come since the poll before, in order", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.get("/queues/" + queue).ok().is(noList)
		id := p.begin(s.customer(), nil).Get("connection_id")
		p.told(queue, "SYNC_ALL_SUCCESS") // which reads with after, and leaves the queue where it is
		events := p.get("/queues/" + queue).ok()
		last := int64(0)
		for _, event := range events.each() {
			number, err := strconv.ParseInt(event.at("id").text(), 10, 64)
			if err != nil || number <= last {
				s.Errorf("event %s comes after %d", event.at("id"), last)
			}
			last = number
			event.shows(fields{"resource.id": id})
		}
		p.get("/queues/" + queue).ok().is(noList)
	}, ""},
	{"3.7", "after reads again from any point", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.begin(s.customer(), nil)
		p.told(queue, "SYNC_ALL_SUCCESS")
		all := p.events(queue).every("id")
		p.get("/queues/"+queue+"?after="+all[1]).ok().has("id", all[2:]...)
		p.get("/queues/"+queue+"?after="+all[1]).ok().has("id", all[2:]...)
		p.get("/queues/"+queue+"?after=nonsense").refused(400, "invalid_request").shows(fields{"field": "after"})
	}, ""},
	{"3.7", "a queue begins with what happens after the subscription", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		queue := p.queue()
		p.events(queue).is(noList)
		p.patch("/connections/"+id, object{"name": "My bank"}).done()
		p.events(queue).at("1").is(absent)
	}, ""},
	{"3.7", "a queue belongs to the user; the only topic is connections", func(s *scene) {
		p, other := s.user(), s.user()
		queue := p.queue()
		other.get("/queues/"+queue).refused(404, "not_found")
		p.get("/queues/nonsense").refused(404, "not_found")
		p.post("/queues/subscribe", object{"topics": []string{"weather"}}).refused(400, "invalid_request")
		p.post("/queues/subscribe", nil).refused(400, "invalid_request").shows(fields{"field": "topics"})
		p.narrowed("transactions_read").get("/queues/" + queue).is(http.StatusForbidden)
	}, ""},

	{"3.11", "webhooks: the client's server is told each time that a connection was synchronised", func(s *scene) {
		told := s.webhooks()
		who := s.customer()
		p := s.userOf(s.registered("--redirect-uri", backAt, "--webhook-url", told.address), allScopes)
		id := p.connect(who)
		told.next().shows(fields{
			"event_type": "UPDATED", "resource_type": "CONNECTIONS", "creation_date": instant, "channel_definition_id": "8701",
			"resource.id": id, "resource.status": "SUCCESS", "resource.channels.8701.status": "SUCCESS", "new_transactions": true,
		})
		p.synchronised(id, nil)
		told.next().shows(fields{"resource.id": id, "new_transactions": false})
		s.scenario(who, "consent_expired", "")
		p.synchronised(id, nil)
		told.next().shows(fields{"resource.id": id, "resource.status": "FAILED", "resource.channels.8701.status": "TOKEN_EXPIRED", "new_transactions": false})
	}, ""},
	{"3.11", "webhooks: a server that fails is told again", func(s *scene) {
		told := s.webhooks(http.StatusServiceUnavailable, http.StatusFound)
		p := s.userOf(s.registered("--redirect-uri", backAt, "--webhook-url", told.address), allScopes)
		id := p.connect(s.customer())
		first := told.next().shows(fields{"resource.id": id}).at("id").text()
		told.next().shows(fields{"id": first})
		told.next().shows(fields{"id": first})
	}, ""},
}
