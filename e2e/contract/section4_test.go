package contract_test

import (
	"encoding/json"
	"regexp"
	"strings"
)

// Fields that a resource has in every answer.
var (
	transactionTypes = oneOf(
		"CREDIT", "DEBIT", "INTEREST", "DIVIDEND", "BANK_FEE", "DEPOSIT", "ATM", "POINT_OF_SALE", "CREDIT_CARD_PAYMENT", "INTERNAL_TRANSFER",
		"POTENTIAL_TRANSFER", "CHECK", "ELECTRONIC_PAYMENT", "CASH", "DIRECT_DEPOSIT", "DIRECT_DEBIT", "REPEATING_PAYMENT", "OTHER",
	)
	hsbcCredentials = fields{
		"3500.label": "Identifiant", "3500.regexp": `^[\a-zA-Z0-9@._-]{7,}$`, "3500.type": "TEXT", "3500.encrypt": false,
		"3501.label": "Réponse mémorable", "3501.regexp": ".+", "3501.type": "PWD", "3501.encrypt": false,
		"3502.label": "Mot de passe (8 car. min.)", "3502.regexp": "^.{8,}$", "3502.type": "PWD", "3502.encrypt": true,
	}
)

var section4 = []fact{
	{"4.1", "a user: id, email and creation_date; the rest where it is known", func(s *scene) {
		p := s.user()
		p.get("/users/me").ok().shows(fields{
			"id": p.id, "email": p.email, "creation_date": instant, "email_verified": someFlag,
			"first_name": absent, "last_name": absent, "gender": absent, "birthdate": absent, "address": absent,
		})
		p.patch("/users/me", object{"first_name": "Jo", "last_name": "DOE", "gender": "MALE", "birthdate": 599616000, "address": object{"postcode": "75001"}}).done()
		p.get("/users/me").ok().shows(fields{"first_name": "Jo", "last_name": "DOE", "gender": "MALE", "birthdate": parisDay, "address.postcode": "75001"})
	}, ""},

	{"4.2 9.15", "a provider: names, addresses, country, definitions, and interactive as the OR of them", func(s *scene) {
		p := s.user()
		p.get("/providers/87").ok().shows(fields{
			"id": "87", "name": "Linxo Test Bank", "branch_name": "", "base_url": "https://wwws.linxo.com", "country_code": "FRA",
			"logo_url": matching(`^http.*/logos/87\.svg$`), "unavailable": false, "interactive": true, "channel_definitions": someList,
		})
		p.get("/providers/119").ok().shows(fields{
			"name": "HSBC", "branch_name": "", "base_url": "https://www.hsbc.fr/1/2/hsbc-france/particuliers/connexion", "country_code": "FRA",
			"logo_url": matching(`^http.*/logos/119\.svg$`), "unavailable": false,
			"channel_definitions.redirect1.interactive": false, "channel_definitions.embedded1.interactive": true, "interactive": true,
		})
		p.get("/providers/182").ok().shows(fields{"name": "Demo Bank"})
	}, ""},
	{"4.2", "capabilities has PFM_ACCOUNT", func(s *scene) {
		s.user().get("/providers/87").ok().shows(fields{"capabilities": []string{"PFM_ACCOUNT"}})
	}, ""},
	{"4.3", "a REDIRECT definition covers current accounts and cards, and asks for no credentials", func(s *scene) {
		p := s.user()
		for provider, id := range map[string]string{"87": "8701", "119": "redirect1"} {
			p.get("/providers/" + provider).ok().at("channel_definitions." + id).shows(fields{
				"id": id, "mode": "REDIRECT", "account_types": []string{"CHECKINGS", "CREDIT_CARD"}, "interactive": false, "credentials": noList,
			})
		}
	}, ""},
	{"4.3", "an EMBEDDED definition says which types it covers, whether it may ask, and what for", func(s *scene) {
		p := s.user()
		p.get("/providers/87").ok().at("channel_definitions.8700").shows(fields{
			"mode": "EMBEDDED", "account_types": []string{"CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN"}, "interactive": true,
		})
		p.get("/providers/119").ok().at("channel_definitions.embedded1").shows(fields{"mode": "EMBEDDED", "account_types": []string{"SAVINGS", "LOAN"}, "interactive": true})
		p.get("/providers/182").ok().at("channel_definitions").shows(fields{
			"17650.mode": "EMBEDDED", "17650.account_types": []string{"CHECKINGS", "SAVINGS", "LOAN", "CREDIT_CARD"}, "17650.credentials.10001.type": "TEXT", "1": absent,
		})
	}, ""},
	{"4.4 9.6", "a credential definition: id, label, regexp, type and encrypt", func(s *scene) {
		p := s.user()
		p.get("/providers/87").ok().at("channel_definitions.8700.credentials").shows(fields{
			"300.label": "User ID", "300.type": "TEXT", "300.encrypt": false, "300.regexp": oneOf(".", ".+"), "300.encrypted": absent,
			"301.label": "Password", "301.type": "PWD", "301.encrypt": true,
			"302.label": "Accounts file location", "302.type": "TEXT", "302.encrypt": false, "302.regexp": ".*", "3": absent,
		})
		p.get("/providers/119").ok().at("channel_definitions.embedded1.credentials").shows(hsbcCredentials).shows(fields{"3": absent})
	}, ""},

	{"4.5", "a connection: what it has whatever its state", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		want := fields{
			"id": id, "provider_id": "87", "name": "Linxo Test Bank", "status": "SUCCESS", "creation_date": instant, "auto_sync": true,
			"logo_url": matching(`^http.*/logos/87\.svg$`), "channels": someList, "consent_per_account": false, "user_id": p.id, "owner": present,
		}
		p.get("/connections/" + id).ok().shows(want)
		p.get("/connections").ok().at("0").shows(want)
	}, ""},
	{"4.5", "the owner, as far as the bank names them, with a masked telephone", func(s *scene) {
		p := s.user()
		id := p.embedded(s.customer())
		p.get("/connections/" + id).ok().at("owner").shows(fields{
			"name": matching("(?i)jo doe"), "address": someText, "birth_date": parisDay, "birth_place": someText, "phone_number": "06******8",
		})
	}, ""},
	{"4.5", "before the bank has named them the owner is {}", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.embed(s.customer(), nil)).ok().shows(fields{"owner": noObject})
	}, ""},
	{"4.6", "a connection lists all channels of its provider; a REDIRECT one has expires and no credentials", func(s *scene) {
		p := s.user()
		channels := p.get("/connections/" + p.connect(s.customer())).ok().at("channels")
		channels.has("channel_definition_id", "8700", "8701")
		channels.at("8701").shows(fields{
			"mode": "REDIRECT", "status": "SUCCESS", "expires": instant, "last_success_date": instant, "last_end_date": instant, "credentials": noList,
			"account_types": []string{"CHECKINGS", "CREDIT_CARD"}, "channel_definition_unavailable": false, "id": absent, "eligible_accounts": absent,
		})
	}, ""},
	{"4.6", "a channel that was never used is EMPTY, without dates and credentials", func(s *scene) {
		p := s.user()
		p.get("/connections/" + p.connect(s.customer())).ok().at("channels.8700").shows(fields{
			"mode": "EMBEDDED", "status": "EMPTY", "expires": absent, "last_success_date": absent, "last_end_date": absent, "credentials": absent,
			"account_types": []string{"CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN"}, "eligible_accounts": false, "channel_definition_unavailable": false,
		})
	}, ""},
	{"4.6", "an EMBEDDED channel shows its credentials masked", func(s *scene) {
		p, who := s.user(), s.customer()
		channel := p.get("/connections/" + p.embed(who, nil)).ok().at("channels.8700")
		channel.shows(fields{"expires": absent, "credentials.300.masked_value": matching(`^\*+` + who.login[len(who.login)-2:] + "$"), "credentials.301.masked_value": matching(`^\*+$`)})
		if strings.Contains(channel.String(), who.login) || strings.Contains(channel.String(), who.password+`"`) {
			s.Errorf("a credential is in %s", channel)
		}
	}, ""},

	{"4.7 9.21", "an account: what it has whatever its type", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer())
		p.account("COMPTE COURANT").shows(fields{
			"id": someID, "connection_id": id, "name": "COMPTE COURANT", "account_number": "12345678901", "iban": "FR7630001007941234567890185", "balance": someNumber,
			"currency": "EUR", "balance_date": instant, "status": "ACTIVE", "type": "CHECKINGS", "creation_date": instant,
			"usage": "PERSONAL", "classification": "PERSONAL", "last_channel_definition_id": "8701", "loan": absent, "savings": absent, "credit_card": absent,
		})
	}, ""},
	{"4.7", "the balance is dated by the synchronisation's end", func(s *scene) {
		p := s.user()
		connection := p.get("/connections/" + p.connect(s.customer())).ok()
		end := connection.at("channels.8701.last_end_date").seconds()
		if at := p.account("COMPTE COURANT").at("balance_date").seconds(); at > end || at < end-30 {
			s.Errorf("the balance is dated %d, the end of the synchronisation %d", at, end)
		}
	}, ""},
	{"4.7", "savings, loans and cards have an object of their type", func(s *scene) {
		p := s.user()
		p.embedded(s.customer())
		p.account("LIVRET A").shows(fields{"type": "SAVINGS", "owner.name": matching("(?i)jo doe"), "savings.rate": json.Number("1.7"), "savings.ceiling": 22950, "savings.product": someText, "savings.yield_rate": json.Number("1.7"), "loan": absent, "credit_card": absent})
		p.account("PRET VOITURE").shows(fields{
			"type": "LOAN", "loan.amount": 12000, "loan.remaining_capital": someNumber, "loan.rate": json.Number("2.9"), "loan.start_date": parisDay, "loan.end_date": parisDay,
			"loan.instalment_amount": json.Number("250.1"), "loan.next_instalment_date": parisDay, "loan.instalments_left": 24, "savings": absent,
			"loan.initial_balance": 12000, "loan.interest": json.Number("2.9"), "loan.next_payment.amount": json.Number("250.1"), "loan.next_payment.due_date": parisDay,
		})
		current := p.account("COMPTE COURANT").at("id").text()
		p.account("CARTE DEBIT DIFFERE").shows(fields{
			"type": "CREDIT_CARD", "credit_card.debit_type": "DEFERRED", "credit_card.masked_number": someText, "credit_card.next_debit_date": parisDay,
			"credit_card.linked_account_id": current, "credit_card.payable_account_id": current, "credit_card.next_payment.due_date": parisDay, "loan": absent,
		})
	}, ""},
	{"4.7", "an account that waits for a consent shows what deciding needs, and no more", func(s *scene) {
		p := s.user()
		id := p.perAccount(s.customer())
		p.account("COMPTE COURANT").shows(fields{
			"id": someID, "connection_id": id, "name": "COMPTE COURANT", "type": "CHECKINGS", "currency": "EUR", "status": "PENDING_CONSENT", "account_number": matching(`\*|X|•`),
			"balance": absent, "balance_date": absent, "iban": absent, "owner": absent,
		})
		p.get("/transactions").ok().is(noList)
	}, ""},

	{"4.8", "a transaction: what it has whatever it is", func(s *scene) {
		p, accounts := s.reader()
		p.get("/transactions?amount=-79.99").ok().at("0").shows(fields{
			"id": someID, "account_id": accounts["COMPTE COURANT"], "amount": json.Number("-79.99"), "currency": "EUR", "type": "DIRECT_DEBIT", "origin": "TRANSACTION",
			"category_id": someText, "date": parisDay, "booking_date": parisDay, "value_date": parisDay, "import_date": instant, "label": someText,
			"remittance_information": someList, "status": "BOOKED",
		})
	}, ""},
	{"4.8", "types, origins and statuses are those of the reference", func(s *scene) {
		p := s.user()
		p.connect(dev)
		for _, one := range p.get("/transactions?limit=500").ok().each() {
			one.shows(fields{
				"type": transactionTypes, "origin": "TRANSACTION", "date": parisDay, "amount": someNumber, "label": someText, "category_id": someText,
				"status": oneOf("BOOKED", "PENDING", "OTHER", "EXPIRED", "REJECTED", "CANCELLED", "REFUNDED"),
			})
		}
	}, ""},
	{"4.8", "where the label was rewritten, notes are the bank's lines and source is the merchant; else both are absent", func(s *scene) {
		p, _ := s.reader()
		rewritten := 0
		for _, one := range p.get("/transactions").ok().each() {
			lines := strings.Join(texts(one.at("remittance_information").any.([]any)), "\n")
			if !one.at("notes").there {
				one.shows(fields{"source": absent})
				continue
			}
			rewritten++
			one.shows(fields{"notes": lines, "source.label": someText})
		}
		if rewritten == 0 {
			s.Error("no label was rewritten")
		}
	}, ""},
	{"4.8", "the bank's codes become types", func(s *scene) {
		p, _ := s.reader()
		for amount, want := range map[string]string{"-12.3": "POINT_OF_SALE", "-4": "BANK_FEE", "-60": "ATM", "-288": "CHECK"} {
			p.get("/transactions?amount=" + amount).ok().at("0").shows(fields{"type": want})
		}
	}, ""},

	{"4.9 9.3 9.5 9.22", "an event: its number, its type under both names, the channel, and the connection as it was", func(s *scene) {
		p := s.user()
		queue := p.queue()
		id := p.connect(s.customer())
		event := p.told(queue, "SYNC_ALL_SUCCESS")
		event.shows(fields{
			"id": matching("^[0-9]+$"), "event_type": "SYNC_ALL_SUCCESS", "event_status": "SYNC_ALL_SUCCESS", "resource_type": "CONNECTION",
			"channel_definition_id": "8701", "creation_date": instant, "resource.id": id, "resource.provider_id": "87", "resource.name": "Linxo Test Bank",
			"resource.channels.8701.id": "8701", "resource.channels.8701.channel_definition_id": "8701", "resource.channels.8701.last_success_date": instant,
			"resource.last_success_date": instant, "resource.last_end_date": instant, "sync_all_success.new_transactions": someNumber,
		})
		p.get("/connections/" + id).ok().shows(fields{"last_success_date": absent, "channels.8701.id": absent, "channels.8701.last_success_date": instant})
	}, ""},
	{"4.9", "after LIST_ACCOUNTS an event carries the accounts", func(s *scene) {
		p := s.user()
		queue := p.queue()
		p.perAccount(s.customer())
		p.told(queue, "LIST_ACCOUNTS_SUCCESS").at("list_accounts_success.accounts").has("name", "COMPTE COURANT", "COMPTE JOINT", "CARTE DEBIT DIFFERE")
	}, ""},
	{"4.9", "what a question carries stands under its type in lower case", func(s *scene) {
		p := s.user()
		_, id, event := p.askedFirst(s.customer())
		event.shows(fields{
			"event_type": "LIST_ACCOUNTS_USER_INPUT_REQUESTED", "event_status": "LIST_ACCOUNTS_USER_INPUT_REQUESTED", "resource.id": id, "channel_definition_id": "8700",
			"list_accounts_user_input_requested.challenge": someList, "sync_all_user_input_requested": absent,
		})
	}, ""},
	{"4.10", "the first step of the SMS: a message with its telephone, and a button", func(s *scene) {
		p := s.user()
		_, _, event := p.askedFirst(s.customer())
		question := challenges(event)
		question.has("id", "303", "304")
		question.shows(fields{
			"303.type": "INFO_MSG", "303.label": matching(`\{phone\}`), "303.params.phone": someText, "303.regexp": someText, "303.encrypt": false,
			"304.type": "OK_CANCEL", "304.label": "Envoyer le SMS", "304.regexp": someText, "304.encrypt": false, "304.params": absent,
		})
	}, ""},
	{"4.10", "the second step: a message, the code, the time that is left, and a button", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		p.answers(id, "8700", credential("304", "true")).done()
		question := challenges(p.asked(queue, 2))
		question.has("id", "305", "306", "308", "307")
		question.shows(fields{
			"305.type": "INFO_MSG", "305.params.phone": someText, "306.type": "NUMERIC", "306.label": "Code", "306.regexp": "^[0-9]{6}$", "306.encrypt": false,
			"308.type": "TIMEOUT_MSG", "308.label": matching(`\{timeout\}`), "308.params.timeout": matching("^1(20|1[0-9])$"), "307.type": "OK_CANCEL", "307.label": "Valider",
		})
	}, ""},
	{"4.10", "after a wrong code the same step comes again, with an error and the attempts that remain", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		p.answers(id, "8700", credential("304", "true")).done()
		p.asked(queue, 2)
		p.answers(id, "8700", credential("306", "654321"), credential("307", "true")).done()
		question := challenges(p.asked(queue, 3))
		question.has("id", "305", "309", "306", "308", "307")
		question.shows(fields{"309.type": "ERROR_MSG", "309.label": matching(`\{remaining_attempts\}`), "309.params.remaining_attempts": matching("^[0-9]+$")})
		p.answers(id, "8700", credential("306", "123456"), credential("307", "true")).done()
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
	{"4.10", "every placeholder of a label has its parameter", func(s *scene) {
		p := s.user()
		queue, id, _ := p.askedFirst(s.customer())
		p.answers(id, "8700", credential("304", "true")).done()
		for _, one := range challenges(p.asked(queue, 2)).each() {
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(one.at("label").text(), -1) {
				one.shows(fields{"params." + name[1]: someText})
			}
		}
	}, ""},
	{"4.10", "other forms of the bank are challenges, too; one that says encrypt is answered with a message", func(s *scene) {
		p := s.user()
		queue := p.queue()
		id := p.embed(s.customer("questions"), nil)
		question := challenges(p.asked(queue, 1))
		question.shows(fields{
			"313.type": "TEXT", "314.type": "PWD", "314.encrypt": true, "315.type": "NUMERIC_PWD", "316.type": "DATE", "312.type": "OK_CANCEL",
		})
		key, seal := p.key()
		p.post("/connections/"+id+"/channels/8700/user_input", object{"key_id": key, "credentials": []object{
			credential("313", "soleil"), credential("314", seal("sesame")), credential("315", "2468"), credential("316", "1980-11-21"), credential("312", "true"),
		}}).done()
		p.settled(id).shows(fields{"status": "SUCCESS"})
	}, ""},
}
