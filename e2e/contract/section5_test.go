package contract_test

import (
	"slices"
	"strings"
	"time"
)

// ends fails unless an EMBEDDED connection of that customer ends in a channel status,
// which is also an event of its own before the failure of the job.
func (p *person) ends(who customer, status string) (queue, id string) {
	p.Helper()
	queue = p.queue()
	id = p.embed(who, nil)
	p.settled(id).shows(fields{"status": "FAILED", "channels.8700.status": status})
	p.tells(queue, status, "LIST_ACCOUNTS_FAILED")
	return queue, id
}

// tells fails unless a queue has these types in this order; others may be between.
func (p *person) tells(queue string, want ...string) {
	p.Helper()
	left := want
	got := p.types(queue)
	for _, one := range got {
		if len(left) > 0 && one == left[0] {
			left = left[1:]
		}
	}
	if len(left) > 0 {
		p.Errorf("the events are %v, want %v in them", got, want)
	}
}

// code brings an EMBEDDED connection to the question for the code.
func (p *person) codeAsked(who customer) (queue, id string) {
	p.Helper()
	queue, id, _ = p.askedFirst(who)
	p.answers(id, "8700", credential("304", "true")).done()
	p.asked(queue, 2)
	return queue, id
}

var section5 = []fact{
	{"5.1", "RUNNING without a gap from the creation to the end of the first SYNC_ALL, then SUCCESS beside an EMPTY channel", func(s *scene) {
		p := s.user()
		back := p.begin(s.customer("slow-150"), nil)
		id, queue := back.Get("connection_id"), back.Get("queue_id")
		seen := eventually(s, "the connection has settled", func() (value, bool) {
			connection := p.get("/connections/" + id).ok()
			return connection, connection.at("status").any != "RUNNING"
		})
		// With a gap, a status other than RUNNING would come before the end.
		seen.shows(fields{"status": "SUCCESS", "channels.8701.status": "SUCCESS", "channels.8700.status": "EMPTY"})
		p.tells(queue, "SYNC_ALL_SUCCESS")
	}, ""},
	{"5.1", "one channel in order and one not is PARTIAL_SUCCESS", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		who.password = "wrong"
		p.put("/connections/"+id+"/channels/8700", p.login(who)).done()
		p.settled(id).shows(fields{"status": "PARTIAL_SUCCESS", "channels.8701.status": "SUCCESS", "channels.8700.status": "AUTH_FAILED"})
	}, ""},
	{"5.1", "no channel in order is FAILED", func(s *scene) {
		p := s.user()
		p.wrongPassword(s.customer())
	}, ""},
	{"5.1", "while a consent is awaited the channel is NEVER and the connection SUCCESS", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.perAccount(s.customer())).ok().shows(fields{"status": "SUCCESS", "channels.8701.status": "NEVER", "channels.8700.status": "EMPTY"})
	}, ""},
	{"5.1", "a later synchronisation is RUNNING again, and reports itself", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "slow", "300")
		p.attended().post("/connections/"+id+"/synchronize", nil).done()
		p.get("/connections/" + id).ok().shows(fields{"status": "RUNNING", "channels.8701.status": "RUNNING"})
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},

	{"5.2", "EMPTY: nothing stored", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.embed(s.customer(), nil)).ok().shows(fields{"channels.8701.status": "EMPTY"})
	}, ""},
	{"5.2", "NEVER: access, and not read yet", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.perAccount(s.customer())).ok().at("channels.8701").shows(fields{"status": "NEVER", "last_success_date": absent})
	}, ""},
	{"5.2", "RUNNING: also while a challenge waits", func(s *scene) {
		p := s.user()
		_, id, _ := p.askedFirst(s.customer())
		p.get("/connections/" + id).ok().shows(fields{"status": "RUNNING", "channels.8700.status": "RUNNING"})
	}, ""},
	{"5.2", "SUCCESS: the last job went well", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.connect(s.customer())).ok().at("channels.8701").shows(fields{"status": "SUCCESS", "last_success_date": instant, "last_end_date": instant})
	}, ""},
	{"5.2", "AUTH_FAILED: bad credentials; new ones heal it", func(s *scene) {
		p, who := s.user(), s.customer()
		wrong := who
		wrong.password = "wrong"
		queue, id := p.ends(wrong, "AUTH_FAILED")
		p.put("/connections/"+id+"/channels/8700", p.login(who)).done()
		p.converse(queue, id).shows(fields{"channels.8700.status": "SUCCESS"})
	}, ""},
	{"5.2", "TOO_MANY_ATTEMPTS: locked by the bank", func(s *scene) { s.user().ends(s.customer("locked"), "TOO_MANY_ATTEMPTS") }, ""},
	{"5.2", "PASSWORD_CHANGE_REQUIRED: the bank wants a new password", func(s *scene) { s.user().ends(s.customer("password_change"), "PASSWORD_CHANGE_REQUIRED") }, ""},
	{"5.2", "USER_ACTION_REQUIRED: the bank wants something on its own site", func(s *scene) {
		p, who := s.user(), s.customer("action_required")
		queue := p.queue()
		id := p.embed(who, nil)
		p.converse(queue, id).shows(fields{"status": "FAILED", "channels.8700.status": "USER_ACTION_REQUIRED"})
		p.tells(queue, "USER_ACTION_REQUIRED", "LIST_ACCOUNTS_FAILED")
	}, ""},
	{"5.2", "TOKEN_EXPIRED: the bank's consent is gone; a renewal heals it", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "consent_expired", "")
		queue := p.queue()
		p.synchronised(id, nil).shows(fields{"status": "FAILED", "channels.8701.status": "TOKEN_EXPIRED"})
		p.tells(queue, "TOKEN_EXPIRED", "SYNC_ALL_FAILED")
		s.heal(who)
		p.begin(who, object{"connection_id": id})
		p.settled(id).shows(fields{"channels.8701.status": "SUCCESS"})
	}, ""},
	{"5.2", "CHALLENGE_REQUIRED: asked while the user was away; with the user present it goes on", func(s *scene) {
		p := s.user()
		id := p.embedded(s.customer("sms"))
		p.post("/connections/"+id+"/synchronize", nil).done()
		p.settled(id).shows(fields{"status": "FAILED", "channels.8700.status": "CHALLENGE_REQUIRED"})
		queue := p.queue()
		p.attended().post("/connections/"+id+"/synchronize", nil).done()
		p.converse(queue, id).shows(fields{"channels.8700.status": "SUCCESS"})
		p.tells(queue, "SYNC_ALL_RUNNING", "SYNC_ALL_USER_INPUT_REQUESTED", "SYNC_ALL_SUCCESS")
	}, ""},
	{"5.2", "CHALLENGE_FAILED: wrong answers until the bank has enough", func(s *scene) {
		p := s.user()
		queue, id := p.codeAsked(s.customer("sms_wrong"))
		for n := range 3 {
			p.answers(id, "8700", credential("306", "654321"), credential("307", "true")).done()
			if n < 2 {
				p.asked(queue, 3+n)
			}
		}
		p.settled(id).shows(fields{"status": "FAILED", "channels.8700.status": "CHALLENGE_FAILED"})
		p.tells(queue, "CHALLENGE_FAILED", "LIST_ACCOUNTS_FAILED")
	}, ""},
	{"5.2", "CHALLENGE_CANCELLED: the user answered cancel, to the offer of an SMS", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		p.answers(id, "8700", credential("304", "false")).done()
		p.settled(id).shows(fields{"status": "FAILED", "channels.8700.status": "CHALLENGE_CANCELLED"})
		p.tells(queue, "CHALLENGE_CANCELLED", "LIST_ACCOUNTS_FAILED")
	}, ""},
	{"5.2", "CHALLENGE_CANCELLED: or to the code, without which a cancel is sent", func(s *scene) {
		p := s.user()
		_, id := p.codeAsked(s.customer())
		p.answers(id, "8700", credential("307", "false")).done()
		p.settled(id).shows(fields{"channels.8700.status": "CHALLENGE_CANCELLED"})
	}, ""},
	{"5.2", "CHALLENGE_TIMED_OUT: nobody answered for two minutes", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		within(s.TB, 5*time.Minute, "the time is over", func() (value, bool) {
			connection := p.get("/connections/" + id).ok()
			return connection, connection.at("status").any != "RUNNING"
		}).shows(fields{"status": "FAILED", "channels.8700.status": "CHALLENGE_TIMED_OUT"})
		p.tells(queue, "LIST_ACCOUNTS_USER_INPUT_REQUESTED", "CHALLENGE_TIMED_OUT", "LIST_ACCOUNTS_FAILED")
		p.answers(id, "8700", credential("304", "true")).refused(409, "conflict")
	}, ""},
	{"5.2", "FAILED: a technical failure", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "garbage", "")
		p.synchronised(id, nil).shows(fields{"status": "FAILED", "channels.8701.status": "FAILED"})
		s.heal(who)
		p.synchronised(id, nil).shows(fields{"status": "SUCCESS"})
	}, ""},

	{"5.3", "ACTIVE, MANUAL and CLOSED", func(s *scene) {
		p := s.user()
		p.connect(s.customer())
		p.account("COMPTE COURANT").shows(fields{"status": "ACTIVE"})
		p.patch("/accounts/"+p.account("COMPTE JOINT").at("id").text(), object{"status": "CLOSED"}).done()
		p.account("COMPTE JOINT").shows(fields{"status": "CLOSED"})
		p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.account("Tirelire").shows(fields{"status": "MANUAL"})
	}, ""},
	{"5.3", "ERROR: the last import of this account failed", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "partial", "joint")
		p.synchronised(id, nil)
		p.account("COMPTE JOINT").shows(fields{"status": "ERROR"})
		p.account("COMPTE COURANT").shows(fields{"status": "ACTIVE"})
	}, ""},
	{"5.3", "NOT_FOUND: the bank does not show it any more", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "vanished_account", "joint")
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		p.account("COMPTE JOINT").shows(fields{"status": "ACTIVE"}) // one list may be an accident
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		p.account("COMPTE JOINT").shows(fields{"status": "NOT_FOUND"})
	}, ""},
	{"5.3", "SUSPENDED: a professional account that was not validated", func(s *scene) {
		p := s.user()
		p.connect(s.customer("professional"))
		p.get("/accounts?status=SUSPENDED").ok().at("0").shows(fields{"usage": "PROFESSIONAL", "status": "SUSPENDED"})
	}, ""},
	{"5.3", "PENDING_CONSENT: also a new account of a connection with consent per account", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.perAccount(who)
		p.put("/connections/"+id+"/consents", object{"consents": []object{{"account_id": p.account("COMPTE COURANT").at("id").text(), "consent": true}}}).done()
		p.settled(id)
		s.scenario(who, "new_account", "")
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		p.get("/accounts?status=ACTIVE").ok().has("name", "COMPTE COURANT")
		if pending := p.get("/accounts?status=PENDING_CONSENT").ok().each(); len(pending) != 3 {
			s.Errorf("%d accounts wait for a consent, want the two of before and the new one", len(pending))
		}
	}, ""},
	{"5.3", "with our own consent a new account is added by itself", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		s.scenario(who, "new_account", "")
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		if active := p.get("/accounts?status=ACTIVE").ok().each(); len(active) != 4 {
			s.Errorf("%d accounts are ACTIVE, want 4", len(active))
		}
	}, ""},

	{"5.4", "creating tells CONNECTION_CREATED, then the four steps in their order, for the channel", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.connect(s.customer())
		got := strings.Join(p.types(queue), " ")
		if want := "CONNECTION_CREATED LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_SUCCESS SYNC_ALL_RUNNING SYNC_ALL_SUCCESS"; got != want {
			s.Errorf("the events are %s", got)
		}
		events := p.events(queue).each()
		for _, event := range events[1:] {
			event.shows(fields{"channel_definition_id": "8701"})
		}
		for _, event := range events[:4] { // RUNNING without a gap
			event.shows(fields{"resource.status": "RUNNING", "resource.channels.8701.status": "RUNNING"})
		}
		events[4].shows(fields{"resource.status": "SUCCESS"})
	}, ""},
	{"5.4", "questions come between RUNNING and SUCCESS", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.converse(queue, p.embed(s.customer(), nil))
		p.tells(queue, "CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_USER_INPUT_REQUESTED", "LIST_ACCOUNTS_USER_INPUT_REQUESTED",
			"LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS")
	}, ""},
	{"5.4", "LIST_ACCOUNTS stores no data: before the consent there are no transactions", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.perAccount(s.customer())
		p.tells(queue, "LIST_ACCOUNTS_SUCCESS")
		if types := p.types(queue); slices.Contains(types, "SYNC_ALL_RUNNING") {
			s.Errorf("the events are %v", types)
		}
		p.get("/transactions").ok().is(noList)
	}, ""},
	{"5.4", "on demand LIST_ACCOUNTS takes deleted accounts back, tells its own end, and ALL follows", func(s *scene) {
		p, accounts := s.reader()
		id := p.get("/connections").ok().at("0.id").text()
		p.delete("/accounts/" + accounts["COMPTE JOINT"]).done()
		queue := p.queue()
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		p.tells(queue, "LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS")
		p.account("COMPTE JOINT").shows(fields{"status": "ACTIVE"})
	}, ""},
	{"5.4", "jobs and events are per channel", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		queue := p.queue()
		p.put("/connections/"+id+"/channels/8700", p.login(who)).done()
		p.converse(queue, id)
		queue = p.queue()
		p.attended().post("/connections/"+id+"/synchronize", object{"type": "LIST_ACCOUNTS"}).done()
		p.settled(id)
		for _, channel := range []string{"8700", "8701"} {
			for _, eventType := range []string{"LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_SUCCESS"} {
				p.events(queue).find(fields{"channel_definition_id": channel, "event_type": eventType})
			}
		}
	}, ""},
	{"5.4", "a deletion is an event", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		queue := p.queue()
		p.delete("/connections/" + id).done()
		p.events(queue).find(fields{
			"event_type": "CONNECTION_DELETED", "resource.id": id, "resource.status": "SUCCESS", "resource.auto_sync": true,
			"resource.channels.8701.status": "SUCCESS", "resource.owner.name": absent,
		})
	}, ""},
	{"5.4", "an account that both channels see is one account, and the change of channel doubles no transaction", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		account := p.account("COMPTE COURANT").at("id").text()
		before := p.get("/transactions?limit=500&account_id=" + account).ok().every("id")
		queue := p.queue()
		p.put("/connections/"+id+"/channels/8700", p.login(who)).done()
		p.converse(queue, id)
		p.account("COMPTE COURANT").shows(fields{"id": account, "last_channel_definition_id": "8701"})
		p.account("LIVRET A").shows(fields{"last_channel_definition_id": "8700"})
		p.get("/transactions?limit=500&account_id="+account).ok().has("id", before...)
	}, ""},
}
