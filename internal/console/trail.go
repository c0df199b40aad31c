package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
)

// entriesShown is the number of entries on one page of the audit log.
const entriesShown = 100

// trailFields are the fields of the filter, in the order of the form.
var trailFields = []struct{ Name, Label string }{
	{"user", "User"}, {"client", "Client"}, {"connection", "Connection"}, {"consent", "Consent"}, {"account", "Account"},
	{"request", "Request"}, {"action", "Action"}, {"since", "Since (2026-11-29 or 2026-11-29T16:00:00Z)"}, {"until", "Until"}, {"reason", "Why you look (recorded)"},
}

// trailPage is a list page of the audit log, the newest entries first.
type trailPage struct {
	Form    url.Values
	Problem string
	Lines   []audit.Line
	// Older is the address of the next page; empty on the last one.
	Older string
}

// trail shows the audit log. That the operator looks is recorded too.
func (c *Console) trail(w http.ResponseWriter, r *http.Request) error {
	page := trailPage{Form: url.Values{}}
	for _, field := range trailFields {
		value := strings.TrimSpace(r.FormValue(field.Name))
		if value != "" {
			page.Form.Set(field.Name, value)
		}
	}
	filter, wrong := trailFilter(page.Form, r.FormValue("before"))
	if wrong != "" {
		page.Problem = "This field cannot be read: " + wrong + "."
		c.render(w, r, http.StatusUnprocessableEntity, "Audit log", trailDetails(page))
		return nil
	}
	about := audit.Entry{User: filter.User, Connection: filter.Connection, Consent: filter.Consent}
	client, err := c.options.Clients.Get(r.Context(), filter.Client)
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	about.Client = client.ID // and nothing that somebody typed
	c.saw(r, "audit", about)
	err = c.options.Audit.Flush(r.Context())
	if err != nil {
		return err
	}
	page.Lines, err = c.options.Audit.Find(r.Context(), filter, entriesShown)
	if err != nil {
		return err
	}
	if len(page.Lines) == entriesShown {
		older := maps.Clone(page.Form)
		older.Set("before", strconv.FormatInt(page.Lines[entriesShown-1].ID, 10))
		page.Older = "/console/audit?" + older.Encode()
	}
	c.render(w, r, http.StatusOK, "Audit log", trailDetails(page))
	return nil
}

// trailFilter reads the form of the filter. It returns the name of a field that it cannot
// read.
func trailFilter(form url.Values, before string) (f audit.Filter, wrong string) {
	number := func(name, text string) int64 {
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			wrong = name
		}
		return n
	}
	instant := func(name string) time.Time {
		text := form.Get(name)
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			at, err := time.Parse(layout, text)
			if err == nil {
				return at
			}
		}
		if text != "" {
			wrong = name
		}
		return time.Time{}
	}
	f = audit.Filter{
		User: oxlin.UserID(number("user", form.Get("user"))), Client: oxlin.ClientID(form.Get("client")),
		Connection: oxlin.ConnectionID(number("connection", form.Get("connection"))), Consent: number("consent", form.Get("consent")),
		Account: oxlin.AccountID(number("account", form.Get("account"))), RequestID: form.Get("request"),
		Action: audit.Action(form.Get("action")), Since: instant("since"), Until: instant("until"),
		Before: number("before", before), NewestFirst: true,
	}
	if f.Action != "" && !slices.Contains(audit.Actions, f.Action) {
		wrong = "action"
	}
	return f, wrong
}

// trailLink returns the address of the log of one subject.
func trailLink(name, value string) string {
	return "/console/audit?" + url.Values{name: {value}}.Encode()
}

// trailFacts lists the details of an entry.
func trailFacts(l audit.Line) string {
	var facts []string
	for _, name := range slices.Sorted(maps.Keys(l.Details)) {
		facts = append(facts, name+" "+l.Details[name])
	}
	if l.Source != "" {
		facts = append(facts, "from "+l.Source)
	}
	if l.Reason != "" {
		facts = append(facts, "because: "+l.Reason)
	}
	return strings.Join(facts, ", ")
}
