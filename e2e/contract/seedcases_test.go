package contract_test

import (
	"encoding/json"
	"strings"
)

// pgpMessage stands for the message that the documents show as an encrypted credential.
const pgpMessage = "-----BEGIN PGP MESSAGE-----"

// backslash is a line that continues without a backslash at its end.
func backslash(line string) repair {
	return repair{line + "\n-", line + " \\\n-", "a backslash is missing"}
}

var (
	bearerGoesOn = backslash("-H 'authorization: Bearer {access_token}'")
	braceTooMany = repair{"/v2.1}/", "/v2.1/", "a brace too many, which curl refuses"}
	wrongQuote   = repair{`"client_secret' :`, `"client_secret" :`, "a quote of the wrong kind"}
	typedTwice   = repair{"connectionconnections", "connections", "the resource is written twice"}
)

// bearer prepares a command that uses a token.
func (p *person) bearer(more map[string]string) (*person, map[string]string) {
	all := map[string]string{"{access_token}": p.token}
	for name, value := range more {
		all[name] = value
	}
	return p, all
}

// quoted is a text inside a JSON string.
func quoted(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return strings.Trim(string(written), `"`)
}

// refreshVariables returns the shell variables of the command that refreshes a token.
func refreshVariables(s *scene) (*person, map[string]string) {
	p := s.userOf(licensed, "openid profile accounts_read")
	return p, map[string]string{"$refresh_token_value": p.refreshToken, "$redirect_uri": "https://integrator.example/back", "$client_id": licensed.id, "$client_secret": licensed.secret}
}

// refreshed checks the answer that the documents show after a refresh.
func refreshed(s *scene, p *person, got answer) {
	p.token = got.ok().shows(userTokens).shows(fields{"id_token": rs256}).at("access_token").text()
	p.get("/accounts").ok()
}

// ropcVariables returns the shell variables of the commands with a password grant.
func ropcVariables(s *scene) (*person, map[string]string) {
	p := s.user()
	return p, map[string]string{"$username": p.email, "$password": p.password, "$client_id": licensed.id, "$client_secret": licensed.secret}
}

// question prepares the first question of the test bank, or the one for the code.
func question(code bool) func(s *scene) (*person, map[string]string) {
	return func(s *scene) (*person, map[string]string) {
		p := s.user()
		var id string
		if code {
			_, id = p.codeAsked(s.customer())
		} else {
			_, id, _ = p.askedFirst(s.customer())
		}
		return p.bearer(map[string]string{"{connection_id}": id, "{channel_definition_id}": "8700"})
	}
}

// cancelled checks the effect of a cancel.
func cancelled(_ *scene, p *person, got answer) {
	got.done()
	p.settled(p.get("/connections").ok().at("0.id").text()).shows(fields{"channels.8700.status": "CHALLENGE_CANCELLED"})
}

// hsbc prepares the documents' login at provider 119, for a new or a given connection.
func (p *person) hsbc(connection string) (*person, map[string]string) {
	more := map[string]string{
		"channel_definitions/100": "channel_definitions/redirect1", "<api-client-url>": "integrator.example/back?mine=1",
		"<access_token>": p.token, "<refresh_token>": p.refreshToken, "<client_id>": licensed.id, "<client_secret>": licensed.secret,
	}
	if connection != "" {
		more[`"123"`] = `"` + connection + `"`
	}
	return p.bearer(more)
}

// reached returns the last address to which a bank's address leads.
func reached(s *scene, got answer, result string) string {
	got.is(201)
	back := s.arrive(s.visit(got.location().String(), s.customer())).redirect()
	carries(s, back, "https://integrator.example/back?mine=1&", fields{"status": "success", "result": result, "connection_id": someID, "queue_id": someID})
	return back.Query().Get("connection_id")
}

// quickstart prepares the commands that read data after the widget.
func quickstart(placeholder, list string) func(s *scene) (*person, map[string]string) {
	return func(s *scene) (*person, map[string]string) {
		p := s.user()
		p.open("add_connection", form{"provider_id": "87"}).atTheBank(s.customer()).act("consent").comesBack(created)
		return p.bearer(map[string]string{placeholder: p.get(list).ok().at("0.id").text()})
	}
}

// seedCases lists the commands of the three documents, in their order.
var seedCases = []seedCase{
	{
		key: "000 19a7d71d", says: "client credentials",
		repairs: []repair{
			{`}"-X`, `}" -X`, "a space is missing"},
			{"scope=users_create", "scope=users_create)", "the bracket is not closed"},
		},
		prepare: func(s *scene) (*person, map[string]string) {
			return nil, map[string]string{"$client_id": licensed.id, "$client_secret": licensed.secret}
		},
		shows: func(_ *scene, _ *person, got answer) { got.ok().shows(clientTokens) },
	},
	{
		key: "000 8b549ee5", says: "resource owner password credentials", prepare: ropcVariables,
		shows: func(_ *scene, _ *person, got answer) { got.ok().shows(userTokens).shows(fields{"id_token": rs256}) },
	},
	{
		key: "000 5a87bb71", says: "the token, taken from the answer as printed, reads accounts", after: true, prepare: ropcVariables,
		shows: func(_ *scene, _ *person, got answer) {
			got.is(200)
			printed := strings.TrimSpace(string(got.body))
			if !strings.HasPrefix(printed, "access_token: ") || !strings.Contains(printed, "token_type: Bearer") || !strings.HasSuffix(printed, "[]") {
				got.Errorf("the commands print %s", printed)
			}
		},
	},
	{key: "000 3ca58b87", says: "a refresh", prepare: refreshVariables, shows: refreshed},
	{
		key: "000 d290e88c", says: "authorize_url of the test bank, by the path of channels, Oxlin taking the callback",
		repairs: []repair{backslash("-H 'Content-Type: Application/json'")},
		prepare: func(s *scene) (*person, map[string]string) {
			return s.user().bearer(map[string]string{"{client_id}": licensed.id, "{client_secret}": licensed.secret})
		},
		shows: func(s *scene, p *person, got answer) {
			got.is(201)
			carries(s, got.location(), s.platform.bank+"/authorize?", fields{"redirect_uri": s.platform.address + "/oauth2/aisp", "state": matching(`^[A-Za-z0-9_-]{32}$`)})
			back := s.arrive(s.visit(got.location().String(), s.customer())).redirect()
			carries(s, back, "https://your.callback.uri?", fields{"connection_id": someID, "status": "success", "queue_id": someID})
			p.told(back.Query().Get("queue_id"), "SYNC_ALL_SUCCESS")
		},
	},
	{
		key: "000 b9bca0af", says: "the channel definitions of HSBC",
		prepare: func(s *scene) (*person, map[string]string) { return s.user().bearer(nil) },
		shows: func(_ *scene, _ *person, got answer) {
			provider := got.ok().shows(fields{
				"id": "119", "name": "HSBC", "branch_name": "", "base_url": "https://www.hsbc.fr/1/2/hsbc-france/particuliers/connexion",
				"logo_url": matching(`/logos/119\.svg$`), "country_code": "FRA", "unavailable": false,
				"channel_definitions.redirect1.mode": "REDIRECT", "channel_definitions.redirect1.account_types": []string{"CHECKINGS", "CREDIT_CARD"},
				"channel_definitions.redirect1.interactive": false,
				"channel_definitions.embedded1.mode":        "EMBEDDED", "channel_definitions.embedded1.account_types": []string{"SAVINGS", "LOAN"},
			})
			provider.at("channel_definitions.embedded1.credentials").shows(hsbcCredentials)
		},
	},
	{
		key: "000 731d7d0f", says: "authorize_url of HSBC, by the path of channel definitions",
		repairs: []repair{bearerGoesOn, backslash("-H 'Content-Type: application/json'"), wrongQuote},
		prepare: func(s *scene) (*person, map[string]string) { return s.user().hsbc("") },
		shows: func(s *scene, p *person, got answer) {
			p.settled(reached(s, got, "created")).shows(fields{"provider_id": "119", "status": "SUCCESS"})
		},
	},
	{
		key: "000 298960a0", says: "consents, one yes and one no", repairs: []repair{bearerGoesOn},
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			id := p.perAccount(s.customer())
			return p.bearer(map[string]string{"{id}": id, "{account_id1}": p.account("COMPTE COURANT").at("id").text(), "{account_id2}": p.account("COMPTE JOINT").at("id").text()})
		},
		shows: func(_ *scene, p *person, got answer) {
			got.done()
			p.settled(p.get("/connections").ok().at("0.id").text()).shows(fields{"status": "SUCCESS"})
			p.get("/accounts?status=ACTIVE").ok().has("name", "COMPTE COURANT")
			p.get("/accounts?status=PENDING_CONSENT").ok().has("name", "CARTE DEBIT DIFFERE")
		},
	},
	{
		key: "000 6603a778", says: "the credentials of HSBC",
		prepare: func(s *scene) (*person, map[string]string) { return s.user().bearer(nil) },
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{"id": "119", "channel_definitions.redirect1.credentials": noList}).at("channel_definitions.embedded1.credentials").shows(hsbcCredentials)
		},
	},
	{
		key: "000 7c4ef8ee", says: "a key",
		prepare: func(s *scene) (*person, map[string]string) { return s.user().bearer(nil) },
		shows:   func(_ *scene, p *person, got answer) { p.get("/keys/" + got.created("/keys/")).ok() },
	},
	{
		key: "000 07d50e05", says: "its public half",
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			id, _ := p.key()
			return p.bearer(map[string]string{"{key_id}": id})
		},
		shows: func(_ *scene, _ *person, got answer) {
			key := got.ok().shows(fields{"id": someID, "type": "PGP", "expiration_date": instant}).at("public_key").text()
			if _, err := encrypt(key, "dev"); err != nil {
				got.Error(err)
			}
		},
	},
	{
		key: "000 b8d1a8ea", says: "a queue",
		prepare: func(s *scene) (*person, map[string]string) { return s.user().bearer(nil) },
		shows:   func(_ *scene, p *person, got answer) { p.get("/queues/" + got.created("/queues/")).ok().is(noList) },
	},
	{
		key: "000 88f24e26", says: "what happened",
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			queue := p.queue()
			p.askedFirst(s.customer())
			return p.bearer(map[string]string{"{queue_id}": queue})
		},
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().find(fields{"event_type": "LIST_ACCOUNTS_USER_INPUT_REQUESTED"}).shows(fields{
				"resource_type": "CONNECTION", "channel_definition_id": "8700", "resource.provider_id": "87", "creation_date": instant,
				"list_accounts_user_input_requested.challenge.303.params.phone": someText,
			})
		},
	},
	{
		key: "000 82d18124", says: "a connection with credentials", repairs: []repair{bearerGoesOn},
		prepare: func(s *scene) (*person, map[string]string) {
			p, who := s.user(), s.customer()
			key, seal := p.key()
			return p.bearer(map[string]string{
				"{key_id}": key, `"value": "dev"`: `"value": "` + who.login + `"`, pgpMessage: quoted(seal(who.password)),
				"https://www.dropbox.com/s/2j3d4gcrd031fkc/sanity.txt?dl=1": who.file + "?dl=1",
			})
		},
		shows: func(_ *scene, p *person, got answer) {
			p.converse(p.queueFromTheStart(), got.created("/connections/")).shows(fields{"status": "SUCCESS", "provider_id": "87"})
			p.get("/accounts").ok().has("type", "CHECKINGS", "CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN")
		},
	},
	{
		key: "000 7b10a59a", says: "OK to the offer of an SMS", prepare: question(false),
		shows: func(_ *scene, p *person, got answer) {
			got.done()
			challenges(p.asked(p.queueFromTheStart(), 2)).has("id", "305", "306", "308", "307")
		},
	},
	{key: "000 d050cac2", says: "cancel to the offer of an SMS", prepare: question(false), shows: cancelled},
	{
		key: "000 56c5576d", says: "the code and OK, with repeated keys", repairs: []repair{braceTooMany}, prepare: question(true),
		shows: func(_ *scene, p *person, got answer) {
			got.done()
			p.settled(p.get("/connections").ok().at("0.id").text()).shows(fields{"channels.8700.status": "SUCCESS"})
		},
	},
	{key: "000 1042b3ff", says: "cancel to the code", repairs: []repair{braceTooMany}, prepare: question(true), shows: cancelled},
	{
		key: "000 9085c7fa", says: "a connection that waits for a consent", repairs: []repair{typedTwice},
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			return p.bearer(map[string]string{"18902": p.perAccount(s.customer())})
		},
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{
				"id": someID, "provider_id": "87", "name": "Linxo Test Bank", "status": "SUCCESS", "creation_date": instant, "auto_sync": true,
				"logo_url": matching(`/logos/87\.svg$`), "owner": present,
				"channels.8701.mode": "REDIRECT", "channels.8701.expires": instant, "channels.8701.status": "NEVER", "channels.8701.credentials": noList,
				"channels.8701.account_types": []string{"CHECKINGS", "CREDIT_CARD"}, "channels.8700.mode": "EMBEDDED", "channels.8700.status": "EMPTY",
			})
		},
	},
	{
		key: "000 7baec0cc", says: "a connection whose only channel has a wrong password",
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			queue := p.queue()
			id := p.post("/connections", object{"provider_id": "182", "credentials": []object{credential("10001", "demo")}}).created("/connections/")
			p.converse(queue, id).shows(fields{"status": "SUCCESS"})
			p.put("/connections/"+id+"/channels/17650", object{"credentials": []object{credential("10001", "nemo")}}).done()
			p.settled(id)
			return p.bearer(map[string]string{"18903": id})
		},
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{
				"provider_id": "182", "name": "Demo Bank", "status": "FAILED", "auto_sync": true, "logo_url": matching(`/logos/182\.svg$`),
				"channels.17650.mode": "EMBEDDED", "channels.17650.status": "AUTH_FAILED", "channels.17650.last_success_date": instant, "channels.17650.last_end_date": instant,
				"channels.17650.credentials.10001.masked_value": "**mo", "channels.17650.account_types": []string{"CHECKINGS", "SAVINGS", "LOAN", "CREDIT_CARD"}, "channels.1": absent,
				"owner.name": someText, "owner.phone_number": matching(`^\d{2}\*{6}\d$`),
			})
		},
	},
	{
		key: "000 cd9a10f5", says: "authorize_url for a connection that exists",
		repairs: []repair{bearerGoesOn, backslash("-H 'Content-Type: application/json'"), wrongQuote},
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			first := p.post("/providers/119/channels/redirect1/authorize_url", object{"redirect_uri": backAt})
			return p.hsbc(reached(s, first, "created"))
		},
		shows: func(s *scene, p *person, got answer) {
			id := reached(s, got, "updated")
			p.settled(id)
			p.get("/connections").ok().has("id", id)
		},
	},
	{
		key: "000 ea67e88b", says: "all credentials of a channel", repairs: []repair{bearerGoesOn},
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			first := p.post("/providers/119/channels/redirect1/authorize_url", object{"redirect_uri": backAt})
			id := reached(s, first, "created")
			p.settled(id)
			key, seal := p.key()
			return p.bearer(map[string]string{
				"{id}": id, "{channel_id}": "embedded1", "{channel_definition_id}": "embedded1", "{key_id}": key,
				`"0123456"`: `"dev-0119"`, `"value": "test"`: `"value": "dev"`, pgpMessage: quoted(seal("dev-0119")),
			})
		},
		shows: func(_ *scene, p *person, got answer) {
			got.done()
			id := p.get("/connections").ok().at("0.id").text()
			p.converse(p.queueFromTheStart(), id).shows(fields{"channels.embedded1.status": "SUCCESS", "channels.redirect1.status": "SUCCESS"})
		},
	},

	{
		key: "001 8a90bfce", says: "a new user",
		repairs: []repair{backslash("/v2.1/users"), bearerGoesOn, backslash("-d email={email}")},
		prepare: func(s *scene) (*person, map[string]string) {
			return nil, map[string]string{"{access_token}": s.app(licensed, "users_create").token, "{email}": s.platform.unique("jo") + "@example.test", "{password}": "secret"}
		},
		shows: func(_ *scene, _ *person, got answer) { got.created("/users/") },
	},
	{
		key: "001 2d0509cc", says: "the user's token",
		repairs: []repair{
			backslash("/token"), backslash("-d grant_type=password"), backslash("-d username={username}"), backslash("-d password={password}"),
		},
		prepare: func(s *scene) (*person, map[string]string) {
			p := s.user()
			return p, map[string]string{"{username}": p.email, "{password}": p.password, "{client_id}": licensed.id, "{client_secret}": licensed.secret}
		},
		shows: func(_ *scene, _ *person, got answer) { got.ok().shows(userTokens).shows(fields{"id_token": rs256}) },
	},
	{
		key: "001 94ecdcab", says: "a session of the widget",
		repairs: []repair{backslash("/widget_session"), backslash("-d client_id={client_id}"), backslash("-d client_secret={client_secret}")},
		prepare: func(s *scene) (*person, map[string]string) {
			return s.user().bearer(map[string]string{"{client_id}": licensed.id, "{client_secret}": licensed.secret})
		},
		shows: func(s *scene, _ *person, got answer) {
			session := got.json().shows(fields{"session_id": matching(`^[A-Za-z0-9_-]{32}$`)})
			session.at("_links.add_connection").is(s.platform.address + "/widget/add_connection?session_id=" + session.at("session_id").text())
			s.browse(session.at("_links.add_connection").text()).shows(banksPage)
		},
	},
	{
		key: "001 b5b9cd44", says: "the connection", repairs: []repair{backslash("/v2.1/connections/{connection_id}")}, prepare: quickstart("{connection_id}", "/connections"),
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{"provider_id": "87", "status": "SUCCESS"})
		},
	},
	{
		key: "001 6494fd77", says: "an account", repairs: []repair{backslash("/v2.1/accounts/{account_id}")}, prepare: quickstart("{account_id}", "/accounts"),
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{"balance": someNumber, "type": "CHECKINGS"})
		},
	},
	{
		key: "001 dc631e93", says: "a transaction", repairs: []repair{backslash("/v2.1/transactions/{transaction_id}")}, prepare: quickstart("{transaction_id}", "/transactions"),
		shows: func(_ *scene, _ *person, got answer) {
			got.ok().shows(fields{"amount": someNumber, "date": parisDay, "label": someText})
		},
	},

	{key: "002 3ca58b87", says: "a refresh", prepare: refreshVariables, shows: refreshed},
}
