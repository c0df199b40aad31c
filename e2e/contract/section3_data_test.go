package contract_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// amounts returns the amounts of a list, in JSON's form, sorted.
func amounts(list value) []string {
	list.Helper()
	var all []string
	for _, one := range list.each() {
		all = append(all, one.at("amount").String())
	}
	slices.Sort(all)
	return all
}

// finds fails unless a query of transactions gives these amounts.
func (p *person) finds(query string, want ...string) {
	p.Helper()
	slices.Sort(want)
	if got := amounts(p.get("/transactions?" + query).ok()); !slices.Equal(got, want) {
		p.Errorf("%s gives %v, want %v", query, got, want)
	}
}

// reader is a user with a connection by REDIRECT, and its three accounts by their names.
func (s *scene) reader() (p *person, accounts map[string]string) {
	s.Helper()
	p = s.user()
	p.connect(s.customer())
	accounts = map[string]string{}
	for _, account := range p.get("/accounts").ok().each() {
		accounts[account.at("name").text()] = account.at("id").text()
	}
	return p, accounts
}

var section3Data = []fact{
	{"3.8", "GET /accounts by connection_id, type, status, usage and q", func(s *scene) {
		p := s.user()
		id := p.embedded(s.customer())
		p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS", "usage": "PROFESSIONAL"}).created("/accounts/")
		p.get("/accounts?limit=100").ok().has("name", "COMPTE COURANT", "COMPTE JOINT", "CARTE DEBIT DIFFERE", "LIVRET A", "PRET VOITURE", "Tirelire")
		p.get("/accounts?connection_id="+id).ok().has("name", "COMPTE COURANT", "COMPTE JOINT", "CARTE DEBIT DIFFERE", "LIVRET A", "PRET VOITURE")
		p.get("/accounts?type=LOAN").ok().has("name", "PRET VOITURE")
		p.get("/accounts?type=LOAN,SAVINGS&status=ACTIVE").ok().has("name", "PRET VOITURE", "LIVRET A")
		p.get("/accounts?type=LOAN&type=SAVINGS&status=ACTIVE").ok().has("name", "PRET VOITURE", "LIVRET A")
		p.get("/accounts?status=MANUAL").ok().has("name", "Tirelire")
		p.get("/accounts?usage=PROFESSIONAL").ok().has("name", "Tirelire")
		p.get("/accounts?q=compte").ok().has("name", "COMPTE COURANT", "COMPTE JOINT")
		p.get("/accounts?q=00011122244").ok().has("name", "LIVRET A")
		p.get("/accounts?type=WALLET").refused(400, "invalid_request").shows(fields{"field": "type"})
	}, ""},
	{"3.8", "GET /accounts sorted by name and creation_date", func(s *scene) {
		p := s.user()
		for _, name := range []string{"B", "A", "C"} {
			p.post("/accounts", object{"name": name, "type": "SAVINGS"}).created("/accounts/")
		}
		for sort, want := range map[string]string{"name": "ABC", "-name": "CBA", "name,-creation_date": "ABC", "creation_date,id": "BAC"} {
			got := ""
			for _, name := range p.get("/accounts?sort=" + sort).ok().every("name") {
				got += name
			}
			if got != want {
				s.Errorf("sort=%s gives %s, want %s", sort, got, want)
			}
		}
		p.get("/accounts?sort=colour").refused(400, "invalid_request").shows(fields{"field": "sort"})
	}, ""},
	{"3.8", "GET /accounts/{id}; another's does not exist", func(s *scene) {
		p, other := s.user(), s.user()
		id := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.get("/accounts/" + id).ok().shows(fields{"id": id, "name": "Tirelire"})
		for _, method := range []string{"GET", "DELETE"} {
			other.send(method, "/accounts/"+id, nil).refused(404, "not_found")
		}
		other.patch("/accounts/"+id, object{"name": "Mine"}).refused(404, "not_found")
	}, ""},
	{"3.8", "POST /accounts makes a MANUAL account", func(s *scene) {
		p := s.user()
		id := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS", "currency": "EUR", "balance": 12.5}).created("/accounts/")
		p.get("/accounts/" + id).ok().shows(fields{"status": "MANUAL", "type": "SAVINGS", "balance": json.Number("12.5"), "currency": "EUR", "connection_id": absent})
		p.post("/accounts", object{"name": "Tirelire"}).refused(400, "invalid_request").shows(fields{"field": "type"})
	}, ""},
	{"3.8", "PATCH and PUT take name, usage and status; other statuses are not for clients", func(s *scene) {
		p := s.user()
		id := p.post("/accounts", object{"name": "Tirelire", "type": "SAVINGS"}).created("/accounts/")
		p.patch("/accounts/"+id, object{"name": "Cochon"}).done()
		p.put("/accounts/"+id, object{"usage": "PROFESSIONAL"}).done()
		p.get("/accounts/" + id).ok().shows(fields{"name": "Cochon", "usage": "PROFESSIONAL", "classification": "PROFESSIONAL"})
		p.patch("/accounts/"+id, object{"status": "SUSPENDED"}).refused(400, "invalid_request").shows(fields{"field": "status"})
	}, ""},
	{"3.8", "CLOSED archives: the account is not synchronised; ACTIVE schedules a synchronisation", func(s *scene) {
		p := s.user()
		id := p.connect(s.customer("every_sync"))
		account := p.account("COMPTE COURANT").at("id").text()
		count := func() int { return len(p.get("/transactions?limit=500&account_id=" + account).ok().each()) }
		before := count()
		p.patch("/accounts/"+account, object{"status": "CLOSED"}).done()
		p.synchronised(id, nil).shows(fields{"status": "SUCCESS"})
		p.get("/accounts/" + account).ok().shows(fields{"status": "CLOSED"})
		if got := count(); got != before {
			s.Errorf("the closed account has %d transactions, and had %d", got, before)
		}
		queue := p.queue()
		p.patch("/accounts/"+account, object{"status": "ACTIVE"}).done()
		p.told(queue, "SYNC_ALL_SUCCESS")
		if got := count(); got <= before {
			s.Errorf("the account that is active again has %d transactions, and had %d", got, before)
		}
	}, ""},
	{"3.8", "DELETE /accounts/{id} removes its data; later synchronisations leave it alone, LIST_ACCOUNTS takes it back", func(s *scene) {
		p, accounts := s.reader()
		id := p.get("/connections").ok().at("0.id").text()
		p.delete("/accounts/" + accounts["COMPTE JOINT"]).done()
		p.get("/accounts/"+accounts["COMPTE JOINT"]).refused(404, "not_found")
		p.get("/transactions?account_id=" + accounts["COMPTE JOINT"]).ok().is(noList)
		p.synchronised(id, nil)
		p.get("/accounts").ok().has("name", "COMPTE COURANT", "CARTE DEBIT DIFFERE")
		p.synchronised(id, object{"type": "LIST_ACCOUNTS"})
		p.get("/accounts").ok().has("name", "COMPTE COURANT", "CARTE DEBIT DIFFERE", "COMPTE JOINT")
	}, ""},
	{"3.8", "with its last account a channel becomes EMPTY, with its last channel the connection goes", func(s *scene) {
		p, who := s.user(), s.customer()
		id := p.connect(who)
		queue := p.queue()
		p.put("/connections/"+id+"/channels/8700", p.login(who)).done()
		p.converse(queue, id)
		for _, account := range p.get("/accounts?type=SAVINGS,LOAN").ok().every("id") {
			p.delete("/accounts/" + account).done()
		}
		for _, account := range p.get("/accounts").ok().every("id") {
			p.get("/connections/" + id).ok()
			p.delete("/accounts/" + account).done()
		}
		p.get("/connections/"+id).refused(404, "not_found")
	}, ""},

	{"3.9", "GET /transactions without account_id is all accounts, with it those that it names", func(s *scene) {
		p, accounts := s.reader()
		p.get("/transactions?account_id="+accounts["COMPTE JOINT"]).ok().has("account_id", accounts["COMPTE JOINT"])
		p.finds("account_id="+accounts["COMPTE JOINT"]+","+accounts["CARTE DEBIT DIFFERE"], "-60", "-25.5")
		p.finds("account_id="+accounts["COMPTE JOINT"]+"&account_id="+accounts["CARTE DEBIT DIFFERE"], "-60", "-25.5")
		if all := p.get("/transactions").ok().every("account_id"); !slices.Contains(all, accounts["COMPTE COURANT"]) || !slices.Contains(all, accounts["COMPTE JOINT"]) {
			s.Errorf("without account_id the accounts are %v", all)
		}
	}, ""},
	{"3.9", "by amount, min_amount and max_amount, signed and inclusive", func(s *scene) {
		p, _ := s.reader()
		p.finds("amount=-79.99", "-79.99")
		p.finds("amount=79.99")
		p.finds("min_amount=1000", "1500")
		p.finds("max_amount=-200", "-288")
		p.finds("min_amount=-79.99&max_amount=-60", "-60", "-79.99")
		p.get("/transactions?amount=many").refused(400, "invalid_request").shows(fields{"field": "amount"})
	}, ""},
	{"3.9", "by account_type and origin", func(s *scene) {
		p, _ := s.reader()
		p.finds("account_type=CREDIT_CARD", "-25.5")
		p.finds("account_type=LOAN,SAVINGS")
		p.finds("origin=RECURRING,UPCOMING")
		p.finds("origin=TRANSACTION&account_type=CREDIT_CARD", "-25.5")
	}, ""},
	{"3.9", "by included_statuses and excluded_statuses, comma lists", func(s *scene) {
		p, _ := s.reader()
		p.finds("included_statuses=PENDING,EXPIRED&account_type=CHECKINGS", "-35.2")
		p.get("/transactions?excluded_statuses=PENDING").ok().has("status", slices.Repeat([]string{"BOOKED"}, len(p.get("/transactions?included_statuses=BOOKED").ok().each()))...)
		p.finds("included_statuses=BOOKED,PENDING&excluded_statuses=BOOKED&account_type=CHECKINGS", "-35.2")
	}, ""},
	{"3.9", "by start_date and end_date, Paris midnights, inclusive at both ends", func(s *scene) {
		p, _ := s.reader()
		day := p.get("/transactions?amount=-12.3").ok().at("0.date").seconds()
		next := time.Unix(day, 0).In(paris).AddDate(0, 0, 1).Unix()
		p.finds(fmt.Sprintf("start_date=%d&end_date=%d", day, day), "-12.3")
		p.finds(fmt.Sprintf("amount=-12.3&start_date=%d", next))
		p.finds(fmt.Sprintf("amount=-12.3&end_date=%d", time.Unix(day, 0).In(paris).AddDate(0, 0, -1).Unix()))
	}, ""},
	{"3.9", "by start_import_date", func(s *scene) {
		p, _ := s.reader()
		imported := p.get("/transactions?amount=-12.3").ok().at("0.import_date").seconds()
		p.finds(fmt.Sprintf("amount=-12.3&start_import_date=%d", imported), "-12.3")
		p.finds(fmt.Sprintf("start_import_date=%d", time.Now().Add(time.Hour).Unix()))
	}, ""},
	{"3.9", "by category_id", func(s *scene) {
		p, _ := s.reader()
		category := p.get("/transactions?amount=-12.3").ok().at("0.category_id").text()
		for _, one := range p.get("/transactions?category_id=" + category).ok().every("category_id") {
			if one != category {
				s.Errorf("among %s there is %s", category, one)
			}
		}
		p.finds("category_id=NOTHING")
	}, ""},
	{"3.9", "the limit is 100 unless given, and 500 at most", func(s *scene) {
		p := s.user()
		p.connect(dev)
		for query, want := range map[string]int{"": 100, "?limit=150": 150, "?limit=3": 3} {
			if got := len(p.get("/transactions" + query).ok().each()); got != want {
				s.Errorf("%q gives %d transactions, want %d", query, got, want)
			}
		}
		p.get("/transactions?limit=500").ok()
		p.get("/transactions?limit=501").refused(400, "invalid_request").shows(fields{"field": "limit"})
	}, ""},
	{"3.9 9.16 12.1", "the newest import comes first, then the highest id, and pages hang together", func(s *scene) {
		p, _ := s.reader()
		newest := p.get("/transactions").ok().every("id")
		ordered := slices.SortedFunc(slices.Values(p.get("/transactions").ok().each()), func(a, b value) int {
			return cmp.Or(cmp.Compare(b.at("import_date").seconds(), a.at("import_date").seconds()), strings.Compare(b.at("id").text(), a.at("id").text()))
		})
		for i, one := range ordered {
			if one.at("id").text() != newest[i] {
				s.Errorf("row %d is %s, want %s", i, newest[i], one.at("id").text())
			}
		}
		p.get("/transactions?limit=2&page=2").ok().has("id", newest[2], newest[3])
		p.get("/transactions?limit=2&page=1000").ok().is(noList)
		oldest := slices.Clone(newest)
		slices.Reverse(oldest)
		for _, query := range []string{"?sort=import_date", "?start_import_date=0"} {
			if got := p.get("/transactions" + query).ok().every("id"); !slices.Equal(got, oldest) {
				s.Errorf("%s: %v, want %v", query, got, oldest)
			}
		}
	}, ""},
	{"3.9", "GET /transactions/{id}; another's does not exist", func(s *scene) {
		p, _ := s.reader()
		id := p.get("/transactions").ok().at("0.id").text()
		p.get("/transactions/" + id).ok().shows(fields{"id": id})
		s.user().get("/transactions/"+id).refused(404, "not_found")
		p.get("/transactions/nonsense").refused(404, "not_found")
	}, ""},
	{"3.9", "reading never calls the bank", func(s *scene) {
		p, who := s.user(), s.customer()
		p.connect(who)
		s.scenario(who, "down", "")
		p.get("/accounts").ok().at("0").is(present)
		p.get("/transactions").ok().at("0").is(present)
		p.get("/connections").ok().shows(fields{"0.status": "SUCCESS"})
	}, ""},

	{"3.10", "GET /categories: French labels, types and parents", func(s *scene) {
		categories := s.user().get("/categories").ok()
		categories.at("DAILY_LIFE").shows(fields{"label": "Dépenses vie courante", "type": "EXPENSE", "parent": absent})
		for id, label := range map[string]string{
			"SUPERMARKET": "Alimentation, supermarché", "CONSUMER_LOAN": "Remb. prêt conso", "DRESSING": "Habillement, accessoires", "PETS": "Animaux",
			"TELECOM": "Internet, TV, télécom", "SNAKS_ANDWORK_MEALS": "Snacks, repas au travail",
		} {
			categories.at(id).shows(fields{"label": label, "type": "EXPENSE", "parent.id": "DAILY_LIFE", "parent.label": "Dépenses vie courante"})
		}
		for _, id := range []string{"SERVICES", "UNCATEGORIZED"} {
			categories.at(id).shows(fields{"label": someText, "type": oneOf("EXPENSE", "INCOME")})
		}
	}, ""},
}
