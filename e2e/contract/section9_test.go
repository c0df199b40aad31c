package contract_test

import (
	"net/http"
	"time"
)

// section9 holds the readings that no fact of another section covers.
var section9 = []fact{
	{"9.4", "PENDING_CONSENT is what is shown, and filters take CONSENT_PENDING as well", func(s *scene) {
		p := s.user()
		p.perAccount(s.customer())
		for _, status := range []string{"PENDING_CONSENT", "CONSENT_PENDING"} {
			p.get("/accounts?status="+status).ok().has("status", "PENDING_CONSENT", "PENDING_CONSENT", "PENDING_CONSENT")
		}
	}, ""},
	{"9.12", "a consent lives for 90 days", func(s *scene) {
		p := s.user()
		connection := p.get("/connections/" + p.connect(s.customer())).ok()
		begun, end := connection.at("creation_date").seconds(), connection.at("channels.8701.expires").seconds()
		// The day of the end is the bank's, so a day more or less is possible.
		if days := time.Duration(end-begun) * time.Second / (24 * time.Hour); days < 89 || days > 91 {
			s.Errorf("the consent lives for %d days", days)
		}
	}, ""},
	{"9.23", "resources have plural paths; the singular of a page is no path", func(s *scene) {
		p := s.user()
		id := p.begin(s.customer(), nil).Get("connection_id")
		p.get("/connections/" + id).ok()
		p.get("/connection/"+id).refused(404, "not_found")
	}, ""},
	{"9.24", "creating is 201 and changing 204, whatever words stand beside", func(s *scene) {
		p := s.user()
		p.post("/keys", object{"type": "PGP"}).is(http.StatusCreated)
		p.patch("/users/me", object{"first_name": "Jo"}).is(http.StatusNoContent)
	}, ""},
}
