package psd2

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Resource is a list of a bank's interface that is read page by page.
type Resource struct {
	// Op is the operation, as Answer.On names it.
	Op string
	// Path is the escaped path below the base URL.
	Path string
	// Member holds the list, see Client.SendList, and RecordMembers are members that only a
	// record has.
	Member        string
	RecordMembers []string
	// RepeatEnds is set for a bank whose last page links to an earlier one.
	RepeatEnds bool
	// PlainColons leaves colons in queries as the bank writes them, see escapeQuery.
	PlainColons bool
	// Header adds headers to each request.
	Header map[string]string
	// Key is set for a standard without links: it is the member of an answer that holds the
	// key of the next page, and the parameter that sends it. Only ReadRows follows it.
	Key string
	// EmptyPages is how many pages in a row may make no progress; 0 means the default.
	EmptyPages int
	// Counter is the parameter with a page's number, for a bank that tells the number of pages
	// and links to none. FirstPage is the number of the first one, and Total returns how many there
	// are, as an answer tells; 0 if it does not.
	Counter   string
	FirstPage int
	Total     func(List) int
}

// count leads on to the next page of a bank that numbers its pages; query is that of the first
// one.
func (r Resource) count(page *Answered, list List, at Position, query string) {
	read := at.Pages + 1
	if r.Counter == "" || page.Next.Href != "" || r.Total(list) <= read {
		return
	}
	number := strconv.Itoa(r.FirstPage + read)
	page.Next, page.Self = Link{number}, Link{}
	page.Follow = func(link Link) (Target, error) {
		if link.Href == "" {
			return Target{}, nil
		}
		return Target{Query: strings.TrimPrefix(query+"&"+url.QueryEscape(r.Counter)+"="+number, "&")}, nil
	}
}

// The links of a page, by which the standards lead on.
const (
	linkNext = "next"
	linkSelf = "self"
)

// ListPage is one page of a list without days.
type ListPage struct {
	List
	// Repeated is set if the page was read before: its records do not count again.
	Repeated bool
	// Next is the cursor of the following page.
	Next string
	Kept oxlin.PageKeeping
	// Endless is set if the pages have no end.
	Endless bool
	// Torn is set if records are missing that the list should have.
	Torn bool
}

// ReadList reads one page of a list without days. key returns the id of a record, or
// nothing; pages without a new id end the walk at some point.
func (c *Client) ReadList(
	ctx context.Context, call bank.Call, r Resource, key func(json.RawMessage) string, cursor string,
) (ListPage, error) {
	at, err := ReadPosition(cursor)
	if err != nil {
		return ListPage{}, err
	}
	asked := at.Target
	list, err := c.sendPage(ctx, call, r, asked, at.Cookies)
	if err != nil {
		return ListPage{}, err
	}
	page := ListPage{List: list}
	keys := make([]string, 0, len(list.Records))
	for _, raw := range list.Records {
		keys = append(keys, key(raw))
	}
	answered := Answered{
		Resource: r.Path, Asked: asked, Records: list.Records, Next: list.Links.To(linkNext), Self: list.Links.To(linkSelf),
		RepeatEnds: r.RepeatEnds, Cookies: list.Cookies, Keys: keys,
	}
	r.count(&answered, list, at, "")
	page.Repeated = at.Advance(answered)
	page.Next, page.Kept, page.Endless = at.Cursor(), at.Kept(), at.Endless()
	page.Torn = list.Cut || list.Followed || isTorn(list, asked) || page.Next == "" && at.Failure() != nil
	return page, nil
}

// sendPage requests a page of a list.
func (c *Client) sendPage(ctx context.Context, call bank.Call, r Resource, page Target, cookies []string) (List, error) {
	request := Request{Op: r.Op, Resource: r.Path + page.Path, Query: page.Query, Cookies: cookies, Header: r.Header}
	if r.PlainColons {
		request.Query = strings.ReplaceAll(request.Query, "%3A", ":")
	}
	return c.SendList(ctx, call, request, r.Member, r.RecordMembers...)
}

// Rows are the transactions of an account as a standard gives them.
type Rows struct {
	Resource
	History History
	// Late is set for an access that gives only History.RefreshedDays.
	Late bool
	// Zone is the zone of the bank's days.
	Zone *time.Location
	// Query returns the escaped query that asks for the first page of a window.
	Query func(Window) string
	// Clean takes away from a record what differs from answer to answer, before anything
	// compares or keeps it. Nil for a standard without such.
	Clean func(json.RawMessage) json.RawMessage
	// Read reads one record.
	Read func(json.RawMessage) bank.Decoded
	// Begins returns the day on which the bank's history begins, as an answer tells; the zero
	// Date if it does not. Nil for a standard whose answers never do.
	Begins func(List) oxlin.Date
}

// ReadRows reads one page of an account's transactions from a day on, to now or before
// another day, window by window from the newest to the oldest if the bank limits the
// period. A bank that ignores the end of a request gives more rows, which are left out.
func (c *Client) ReadRows(
	ctx context.Context, call bank.Call, r Rows, from, until oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := ReadPosition(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	now := c.now()
	if cursor == "" {
		at.Window = r.History.NewestBefore(until, now, r.Zone, r.Late, from)
		if at.Window == (Window{}) {
			return bank.TransactionsPage{CoveredFrom: until}, nil
		}
	}
	read := func() (List, error) { return c.sendPage(ctx, call, r.Resource, r.asked(at), at.Cookies) }
	list, err := read()
	if cursor == "" && !r.Late && errors.Is(err, ErrShortHistory) {
		// The login is too old for the long history. This is a request for a shorter
		// period, not a retry.
		at.Window = r.History.NewestBefore(until, now, r.Zone, true, from)
		if at.Window == (Window{}) {
			return bank.TransactionsPage{CoveredFrom: until}, nil
		}
		list, err = read()
	}
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if r.Clean != nil {
		for i, raw := range list.Records {
			list.Records[i] = r.Clean(raw)
		}
	}
	today := oxlin.DateIn(now, r.Zone)
	rows, days := r.rows(list.Records)
	page := bank.TransactionsPage{CoveredFrom: r.beginning(list, at.Window.First, days, today)}
	switch {
	case list.Followed:
		at.Broken = BrokenRest
	case isTorn(list, at.Target):
		at.Broken = BrokenPart
	}
	repeated := false
	switch {
	case !list.Cut:
		answered := Answered{
			Resource: r.Path, Asked: r.asked(at), Records: list.Records, Next: list.Links.To(linkNext),
			Self: list.Links.To(linkSelf), RepeatEnds: r.RepeatEnds, Days: days, Today: today, Cookies: list.Cookies, EmptyPages: r.EmptyPages,
		}
		r.count(&answered, list, at, r.Query(at.Window))
		if r.Key != "" {
			r.followKey(&answered, list, at.Window)
		}
		repeated = at.Advance(answered)
	case at.Narrow(r.History, today):
		// The same days are read again, in shorter windows.
		page.Next = at.Cursor()
		return page, nil
	}
	if !repeated {
		addRows(&page, &at, rows)
	}
	switch {
	case at.Endless():
		at = Position{Broken: at.Broken}
	case at.Target.IsZero():
		if at.Broken == "" {
			page.WholeFrom = at.Window.From
			if page.WholeFrom.Before(page.CoveredFrom) {
				page.WholeFrom = page.CoveredFrom
			}
		}
		at.Older(r.History)
	}
	page.Next, page.Kept = at.Cursor(), at.Kept()
	if page.Next == "" {
		page.Broken, page.Endless = at.Broken, at.Endless()
	}
	return page, nil
}

// followKey makes an answer lead on by its key, with the query of its window. A key is
// opaque: nothing of it is undone, as in an address.
func (r Rows) followKey(page *Answered, list List, window Window) {
	key, _ := scalar(list.members[r.Key])
	page.Next, page.Self = Link{key}, Link{}
	page.Follow = func(link Link) (Target, error) {
		if link.Href == "" {
			return Target{}, nil
		}
		return Target{Query: strings.TrimPrefix(r.Query(window)+"&"+url.QueryEscape(r.Key)+"="+url.QueryEscape(link.Href), "&")}, nil
	}
}

// beginning returns the first day that an answer covers: the first one of the walk, or the
// later one on which the bank has its history begin. A day after the rows, or in the
// future, is a filler.
func (r Rows) beginning(list List, first oxlin.Date, days []oxlin.Date, today oxlin.Date) oxlin.Date {
	if r.Begins == nil {
		return first
	}
	told := r.Begins(list)
	filler := slices.ContainsFunc(days, func(day oxlin.Date) bool { return !day.IsZero() && day.Before(told) })
	if !first.Before(told) || today.Before(told) || filler {
		return first
	}
	return told
}

// isTorn reports whether a page links to no other although it is not the last one: it
// announces more, or it is the only page and has the status of a part. The last one of
// several is a part too, and the list is whole.
func isTorn(list List, asked Target) bool {
	return (list.More || list.Partial && asked.IsZero()) && list.Links.To(linkNext).Href == ""
}

// asked returns the page at a position: the first page of its window, or a later one.
func (r Rows) asked(at Position) Target {
	if at.Target.IsZero() {
		return Target{Query: r.Query(at.Window)}
	}
	return at.Target
}

// rows reads the records of a page, and returns their days too. It leaves out those that
// do not change the account.
func (r Rows) rows(records []json.RawMessage) (rows []bank.Decoded, days []oxlin.Date) {
	for _, raw := range records {
		read := r.Read(raw)
		days = append(days, read.Date())
		if !read.Ignored {
			rows = append(rows, read)
		}
	}
	return rows, days
}

// addRows adds the rows that belong to the window of a position. A row without a
// readable day belongs to the first window that has it.
func addRows(page *bank.TransactionsPage, at *Position, rows []bank.Decoded) {
	for _, row := range rows {
		day := row.Date()
		switch {
		case !day.IsZero() && !at.Window.Owns(day), day.IsZero() && !at.IsNewUndated(row.Raw):
		case row.Unread != "":
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: row.Unread, Day: day, Raw: row.Raw})
		default:
			page.Transactions = append(page.Transactions, row.Transaction)
		}
	}
}

// Signed returns an amount with its sign. The indicator wins over the amount's own sign:
// banks write debits with and without a minus. Without an indicator, the amount must
// have a sign of its own: a credit is never the default.
func Signed(money notation.Money, indicator notation.Reading[notation.Direction]) (amount oxlin.Amount, disagreed, ok bool) {
	direction, told := indicator.Told()
	switch {
	case indicator.IsUnreadable(), !told && !money.Signed && money.Amount != 0:
		return 0, false, false
	case direction == notation.Credit:
		return money.Amount.Abs(), money.Amount < 0, true
	case direction == notation.Debit:
		return -money.Amount.Abs(), false, true
	}
	return money.Amount, false, true
}
