package console

import (
	"net/http"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// actor names an operator in the audit log.
func actor(who store.Operator) audit.Actor { return audit.Operator(who.ID) }

// note adds an entry about the operator of a request to the audit log.
func (c *Console) note(r *http.Request, entry audit.Entry) {
	at, ok := r.Context().Value(visitKey{}).(*visit)
	entry.Actor = audit.Stranger
	if ok && at.session != nil {
		entry.Actor = actor(at.session.Operator)
	}
	c.options.Audit.Note(r.Context(), entry)
}

// noteRefusal adds a refused login to the audit log.
func (c *Console) noteRefusal(r *http.Request, code string) {
	c.note(r, audit.Entry{Action: audit.OperatorSignedIn, Outcome: audit.Refused, Details: audit.Details{audit.Code: code}})
}

// saw notes which page an operator opens, and about whom.
func (c *Console) saw(r *http.Request, page string, about audit.Entry) {
	about.Action, about.Details = audit.OperatorSaw, audit.Details{audit.Page: page}
	c.note(r, about)
}
