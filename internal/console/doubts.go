package console

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
)

// doubtsShown limits the accounts on the page of suspect answers.
const doubtsShown = 500

// doubtfulList is a bank's list of accounts that lacks too many of them.
type doubtfulList struct {
	Connection oxlin.ConnectionID
	Channel    oxlin.ChannelDefinitionID
	Accounts   []oxlin.Account
	// Mark identifies the state for which the form was rendered; see mark.
	Mark string
}

// doubtfulReading is an account's reading that lacks too many rows.
type doubtfulReading struct {
	Account oxlin.Account
	Mark    string
}

// doubtPage shows the answers of banks that lack too much to be believed.
type doubtPage struct {
	Readings []doubtfulReading
	Lists    []doubtfulList
	// Full is set if there may be more of them.
	Full bool
	// Accepted confirms that an absence has just been accepted.
	Accepted bool
	// Late explains why a form of an earlier state was refused.
	Late string
}

func (c *Console) doubts(w http.ResponseWriter, r *http.Request) error {
	return c.showDoubts(w, r, http.StatusOK, doubtPage{Accepted: r.Form.Has("accepted")})
}

// showDoubts completes the page of suspect answers and writes it.
func (c *Console) showDoubts(w http.ResponseWriter, r *http.Request, status int, page doubtPage) error {
	accounts, err := c.options.Service.Absences.List(r.Context(), doubtsShown)
	if err != nil {
		return err
	}
	page.Full = len(accounts) == doubtsShown
	for _, account := range accounts {
		if !account.Coverage.Doubt.Unlisted {
			page.Readings = append(page.Readings, doubtfulReading{account, c.doubtMark(account)})
		}
	}
	page.Lists = c.doubtfulLists(accounts)
	c.saw(r, "doubts", audit.Entry{})
	c.render(w, r, status, "Suspect answers", doubtDetails(page))
	return nil
}

// doubtfulLists groups the accounts that lists of their banks lack.
func (c *Console) doubtfulLists(accounts []oxlin.Account) []doubtfulList {
	var lists []doubtfulList
	for _, account := range accounts {
		if !account.Coverage.Doubt.Unlisted {
			continue
		}
		at := slices.IndexFunc(lists, func(l doubtfulList) bool {
			return l.Connection == account.ConnectionID && l.Channel == account.LastChannelDefinition
		})
		if at < 0 {
			at = len(lists)
			lists = append(lists, doubtfulList{Connection: account.ConnectionID, Channel: account.LastChannelDefinition})
		}
		lists[at].Accounts = append(lists[at].Accounts, account)
	}
	for i := range lists {
		lists[i].Mark = c.doubtMark(lists[i].Accounts...)
	}
	return lists
}

// doubtMark identifies the doubt about accounts, accepted or not: a form that arrives twice
// was accepted the first time.
func (c *Console) doubtMark(accounts ...oxlin.Account) string {
	text := ""
	for _, account := range accounts {
		doubt := account.Coverage.Doubt
		text += fmt.Sprintf("doubt %s %d %d %d %t %t\x00", account.ID, doubt.Since.UnixMicro(), doubt.Lacks, doubt.Of, doubt.Older, doubt.Unlisted)
	}
	return c.mark("", text)
}

// acceptReading accepts what the suspect reading of an account lacks.
func (c *Console) acceptReading(w http.ResponseWriter, r *http.Request) error {
	id, _ := oxlin.ParseID[oxlin.AccountID](r.PathValue("id"))
	account, err := c.options.DB.Read().Account(r.Context(), id)
	if err != nil {
		return err
	}
	if account.Coverage.Doubt.Unlisted {
		return c.tooLate(w, r)
	}
	return c.accept(w, r, account)
}

// acceptList accepts that a connection's list of accounts lacks some of them.
func (c *Console) acceptList(w http.ResponseWriter, r *http.Request) error {
	id, _ := oxlin.ParseID[oxlin.ConnectionID](r.PathValue("id"))
	accounts, err := c.options.DB.Read().AccountsOfConnection(r.Context(), id)
	if err != nil {
		return err
	}
	for _, list := range c.doubtfulLists(accounts) {
		if list.Channel == oxlin.ChannelDefinitionID(r.PostFormValue("channel")) {
			return c.accept(w, r, list.Accounts...)
		}
	}
	return c.tooLate(w, r)
}

// accept accepts the absence for which the form was rendered, and nothing else.
func (c *Console) accept(w http.ResponseWriter, r *http.Request, accounts ...oxlin.Account) error {
	if r.PostFormValue("mark") != c.doubtMark(accounts...) {
		return c.tooLate(w, r)
	}
	err := c.options.Service.Absences.Accept(r.Context(), accounts...)
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		return c.tooLate(w, r)
	}
	if err != nil {
		return err
	}
	for _, account := range accounts {
		doubt := account.Coverage.Doubt
		if doubt.Accepted {
			continue // by the same form before
		}
		c.log(r).Info("absence accepted in the console", "connection", account.ConnectionID, "account", account.ID,
			"unlisted", doubt.Unlisted, "lacks", doubt.Lacks, "of", doubt.Of, "since", doubt.Since)
	}
	return redirect(w, "/console/doubts?accepted")
}

func (c *Console) tooLate(w http.ResponseWriter, r *http.Request) error {
	return c.showDoubts(w, r, http.StatusConflict, doubtPage{
		Late: "Nothing was accepted: the bank has answered again since the page was loaded. The page shows the current state.",
	})
}

// since is the first of the list's answers in doubt.
func (l doubtfulList) since() time.Time {
	first := l.Accounts[0].Coverage.Doubt.Since
	for _, account := range l.Accounts {
		if account.Coverage.Doubt.Since.Before(first) {
			first = account.Coverage.Doubt.Since
		}
	}
	return first
}

// replaced reports whether a list shows an account that may be one of those that it lacks.
func (p doubtPage) replaced() bool {
	return slices.ContainsFunc(p.Lists, func(l doubtfulList) bool {
		return slices.ContainsFunc(l.Accounts, func(a oxlin.Account) bool { return a.Coverage.Doubt.Replaced })
	})
}

// accepted reports whether the absence of all the accounts is accepted.
func (l doubtfulList) accepted() bool {
	return !slices.ContainsFunc(l.Accounts, func(a oxlin.Account) bool { return !a.Coverage.Doubt.Accepted })
}
