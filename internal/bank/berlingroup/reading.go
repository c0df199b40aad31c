package berlingroup

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/statement"
)

// walk is the content of a cursor of transactions.
type walk struct {
	psd2.Position
	// Asked is the index of the status that is asked for.
	Asked int `json:"asked,omitempty"`
	// Download is the link to an answer that the bank prepares.
	Download string `json:"download,omitempty"`
}

// cursor encodes the place; it is empty after the last page.
func (w walk) cursor() string {
	if w.Position.Cursor() == "" {
		return ""
	}
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // texts, numbers and dates always marshal
	}
	return string(text)
}

func (c *Connector) readWalk(cursor string) (at walk, err error) {
	if cursor == "" {
		return at, nil
	}
	err = json.Unmarshal([]byte(cursor), &at)
	if err != nil || at.cursor() == "" || at.Asked < 0 || at.Asked >= len(c.config.Transactions.Statuses) {
		return at, psd2.ForeignCursor()
	}
	return at, nil
}

// Transactions reads one page of an account's transactions, window by window from the
// newest to the oldest if the bank limits the period, and in each window status by status
// if the bank gives them apart.
func (c *Connector) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	return c.TransactionsUntil(ctx, call, account, from, oxlin.Date{}, cursor)
}

// TransactionsUntil is Transactions for the days before until. A bank that ignores the end
// of a request gives more rows, which are left out.
func (c *Connector) TransactionsUntil(
	ctx context.Context, call bank.Call, account bank.AccountRef, from, until oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := c.readWalk(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if cursor == "" {
		at.Window = c.config.History.NewestBefore(until, c.api.Now(), c.zone, call.Access.Refreshed, from)
		if at.Window == (psd2.Window{}) {
			return bank.TransactionsPage{CoveredFrom: until}, nil
		}
		at.Asked, _ = c.config.Transactions.statusAfter(-1, at.Window)
	}
	list, err := c.listTransactions(ctx, call, account, at)
	if cursor == "" && !call.Access.Refreshed && errors.Is(err, psd2.ErrShortHistory) {
		// The login is too old for the long history. This is a request for a shorter
		// period, not a retry.
		at.Window = c.config.History.NewestBefore(until, c.api.Now(), c.zone, true, from)
		if at.Window == (psd2.Window{}) {
			return bank.TransactionsPage{CoveredFrom: until}, nil
		}
		list, err = c.listTransactions(ctx, call, account, at)
	}
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	page := bank.TransactionsPage{CoveredFrom: at.Window.First}
	if list.download != "" && at.Download == "" {
		at.Download = list.download
		page.Next, page.Kept = at.cursor(), oxlin.PageAddressed
		return page, nil
	}
	at.Download = ""
	if list.cut && at.Narrow(c.config.History, c.today()) {
		// The same days are read again, in shorter windows.
		page.Next = at.cursor()
		return page, nil
	}
	repeated := false
	if !list.cut {
		repeated = at.Advance(list.answered(c, at))
	}
	if !repeated {
		addRows(&page, &at.Position, inCurrency(list.rows, account), c.config.Transactions.isUndated(at.Asked))
	}
	c.advance(&at, &page)
	return page, nil
}

// inCurrency leaves out the rows of the other currencies of an account that has several. A row that
// cannot be read may be of any.
func inCurrency(rows []bank.Decoded, account bank.AccountRef) []bank.Decoded {
	only, _ := onlyCurrency(account)
	if only == "" {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row bank.Decoded) bool { return row.Unread == "" && row.Currency != only })
}

// advance moves to the next page, status or window, and writes the cursor.
func (c *Connector) advance(at *walk, page *bank.TransactionsPage) {
	page.Kept = at.Kept()
	config := c.config.Transactions
	another, more := config.statusAfter(at.Asked, at.Window)
	switch {
	case at.Endless():
		*at = walk{Position: psd2.Position{Broken: at.Broken}}
	case !at.Target.IsZero() || at.Again:
	case more:
		at.Asked = another
		at.Position = psd2.Position{
			Window: at.Window, Broken: at.Broken, WindowDays: at.WindowDays, Undated: at.Undated, Fresh: at.Fresh,
		}
	default:
		if at.Broken == "" {
			page.WholeFrom = at.Window.From
		}
		at.Older(c.config.History)
		at.Asked, _ = config.statusAfter(-1, at.Window)
	}
	page.Next = at.cursor()
	if page.Next == "" {
		page.Broken, page.Endless = at.Broken, at.Endless()
	}
}

// queryOf returns the query for a status.
func (t Transactions) queryOf(asked int) string {
	own, given := t.Queries[t.Statuses[asked]]
	if given {
		return own
	}
	return t.Query
}

// isUndated reports whether the query for a status names no days although that for another one does: its
// rows belong to the newest window, whatever their days.
func (t Transactions) isUndated(asked int) bool {
	names := func(query string) bool { return strings.Contains(query, "{from}") || strings.Contains(query, "{to}") }
	if names(t.queryOf(asked)) {
		return false
	}
	for other := range t.Statuses {
		if names(t.queryOf(other)) {
			return true
		}
	}
	return false
}

// statusAfter returns the next status that is asked for in a window; more is false if there is no other.
func (t Transactions) statusAfter(asked int, window psd2.Window) (next int, more bool) {
	for next = asked + 1; next < len(t.Statuses); next++ {
		if window.To.IsZero() || !t.isUndated(next) {
			return next, true
		}
	}
	return 0, false
}

// transactionList is a page of transactions as the bank answers.
type transactionList struct {
	resource string
	asked    psd2.Target
	records  []json.RawMessage
	rows     []bank.Decoded
	days     []oxlin.Date
	links    psd2.Links
	next     psd2.Link
	// download is the link to an answer that the bank prepares.
	download string
	// cut is set if the answer is larger than the limit.
	cut bool
}

func (l transactionList) answered(c *Connector, at walk) psd2.Answered {
	pages := c.config.Transactions.Pages
	return psd2.Answered{
		Resource: l.resource, Asked: l.asked, Follow: c.follow(pages, l.resource), Records: l.records, Next: l.next, Self: l.links.To("self"),
		RepeatEnds: pages.RepeatEnds, Days: l.days, Today: c.today(),
	}
}

// listTransactions requests the page at a place, and reads it.
func (c *Connector) listTransactions(ctx context.Context, call bank.Call, account bank.AccountRef, at walk) (list transactionList, err error) {
	config := c.config.Transactions
	path := config.Path
	if isCard(account) {
		path = config.CardPath
	}
	values := valuesOf(call, account)
	list.resource = expandPath(path, values)
	list.asked = at.Target
	if list.asked.IsZero() {
		list.asked.Query = c.windowQuery(at, values)
	}
	request := psd2.Request{
		Op: opTransactions, Resource: resourceOf(list.resource, list.asked), Query: list.asked.Query, Accept: config.Accept, Cookies: at.Cookies,
	}
	if at.Download != "" {
		target, err := c.ownPath(psd2.Link{Href: at.Download})
		if err != nil {
			return list, psd2.Nonsense(err)
		}
		request.Op, request.Resource, request.Query, request.Accept = opDownload, target.Path, target.Query, "*/*"
	}
	fetched, err := c.fetch(ctx, call, request)
	switch {
	case err != nil:
		return list, err
	case fetched.IsEmpty() && at.Download != "":
		return list, c.notReady(fetched)
	case fetched.IsEmpty():
		return list, nil
	case fetched.Cut:
		list.cut = true
		return list, nil
	case isStatement(fetched.Body):
		return list, c.readStatement(&list, fetched, account)
	}
	return list, c.readLists(&list, fetched, account, at)
}

// isStatement reports whether an answer is in one of the standards, or a ZIP.
func isStatement(body []byte) bool {
	return slices.Contains([]string{"camt", "MT940", "ZIP"}, statement.Kind(body))
}

// readStatement reads an answer in camt or MT940.
func (c *Connector) readStatement(list *transactionList, fetched psd2.Fetched, account bank.AccountRef) error {
	statements, err := statement.Read(fetched.Body, c.statementOptions(account))
	if err != nil {
		failure := psd2.Nonsense(err)
		failure.Status = fetched.Status
		return failure
	}
	list.links = linksOf(fetched)
	list.next = c.config.Transactions.Pages.next(list.links, nil)
	ofAccount := func(s statement.Statement) bool { return s.IBAN != "" && s.IBAN == account.IBAN }
	// A file of several accounts has the one that was asked for; a file of one may write its
	// number in another way.
	several := slices.ContainsFunc(statements, ofAccount)
	for _, s := range statements {
		if several && !ofAccount(s) {
			continue
		}
		if !several && c.config.Transactions.NamesAccount && s.IBAN != "" && account.IBAN != "" {
			return psd2.Nonsense(errOtherAccount)
		}
		for _, row := range s.Rows {
			list.records = append(list.records, row.Raw)
			list.days = append(list.days, row.Date())
			list.rows = append(list.rows, row)
		}
	}
	return nil
}

var errOtherAccount = errors.New("the answer names another account")

// largestStatement is more than a bank's largest answer, unpacked.
const largestStatement = 64 << 20

func (c *Connector) statementOptions(account bank.AccountRef) statement.Options {
	return statement.Options{
		Zone: c.zone, IDs: c.config.Transactions.Statement, Currency: account.Currency, MaxBytes: largestStatement, Standards: true,
	}
}

// readLists reads an answer in JSON: an object with a list for each status, or one list.
func (c *Connector) readLists(list *transactionList, fetched psd2.Fetched, account bank.AccountRef, at walk) error {
	config := c.config.Transactions
	object, err := c.listObject(fetched, config.listOf(account))
	if err != nil {
		return err
	}
	whole := objectOf(object)
	held, found := heldAt(whole, config.listOf(account))
	within, nested := psd2.ReadObject(held)
	ofAccount, _ := psd2.ReadObject(memberOf(object, "account"))
	list.links = linksOf(fetched, within, object, ofAccount)
	list.next = config.Pages.next(list.links, whole)
	list.download = list.links.To("download").Href
	if config.NamesAccount && c.isOther(objectOf(ofAccount), account) {
		return psd2.Nonsense(errOtherAccount)
	}
	if !nested && c.holdsLists(object) {
		within, nested = object, true // without the member around them
	}
	switch {
	case nested:
		err = c.addLists(list, within, account, at)
	case found:
		records, ok := psd2.ReadRecords(held, transactionMembers...)
		if !ok {
			return psd2.Nonsense(errNoList)
		}
		c.addRecords(list, "", records, account)
	case list.download == "":
		err = psd2.Nonsense(errNoList)
	}
	if len(list.rows) > 0 || len(list.records) > 0 {
		list.download = "" // the rows are here already
	}
	if config.Pages.Parameter != "" && list.next.Href == "" {
		list.next = config.Pages.counted(list.asked.Query, object, at.Pages, len(list.records))
	}
	return err
}

var errNoList = errors.New("the answer has no list of transactions")

// listOf returns the member that holds the lists of an account. That of a card account has its
// own name in the standard.
func (t Transactions) listOf(account bank.AccountRef) string {
	if isCard(account) && t.List == usualList {
		return "cardTransactions|" + usualList
	}
	return t.List
}

// transactionMembers are members that only a transaction has.
var transactionMembers = []string{"transactionAmount", "transactionId", "entryReference", "bookingDate"}

// holdsLists reports whether an object has one of the lists.
func (c *Connector) holdsLists(object psd2.Object) bool {
	for name := range c.config.Transactions.Lists {
		if memberOf(object, name) != nil {
			return true
		}
	}
	return false
}

// addLists adds the rows of the lists in an object. If each status is asked for by itself,
// a list of another one that the bank gives all the same is left out, because its own
// request brings it again.
func (c *Connector) addLists(list *transactionList, lists psd2.Object, account bank.AccountRef, at walk) error {
	config := c.config.Transactions
	asked := config.Statuses[at.Asked]
	_, isList := config.Lists[asked]
	for _, name := range slices.Sorted(maps.Keys(config.Lists)) {
		if isList && len(config.Statuses) > 1 && name != asked && slices.Contains(config.Statuses, name) {
			continue
		}
		records, ok := psd2.ReadRecords(memberOf(lists, name), transactionMembers...)
		if !ok {
			return psd2.Nonsense(errNoList)
		}
		c.addRecords(list, name, records, account)
	}
	return nil
}

// addRecords adds the rows of one list.
func (c *Connector) addRecords(list *transactionList, name string, records []json.RawMessage, account bank.AccountRef) {
	only, _ := onlyCurrency(account)
	card := isCard(account) || account.Type == oxlin.AccountCreditCard && c.config.Transactions.CardSign != c.config.Transactions.Sign
	for _, raw := range records {
		row := c.transaction(listed{name, card, only != "", raw}, account)
		list.records = append(list.records, row.Raw)
		list.days = append(list.days, row.Date())
		if !row.Ignored {
			list.rows = append(list.rows, row)
		}
	}
}

// isOther reports whether an answer names another account by its IBAN.
func (c *Connector) isOther(named json.RawMessage, account bank.AccountRef) bool {
	iban := notation.IBAN(word(named, "iban")).Or("")
	return iban != "" && account.IBAN != "" && iban != account.IBAN
}

// windowQuery requests the first page of a window.
func (c *Connector) windowQuery(at walk, values map[string]string) string {
	config := c.config.Transactions
	from, end := at.Window.Requested()
	if end.IsZero() && config.ToToday {
		end = c.today().AddDays(1)
	}
	values = maps.Clone(values)
	values["status"], values["from"], values["to"] = config.Statuses[at.Asked], c.formatDate(from), ""
	values["page"] = strconv.Itoa(config.Pages.First)
	query := config.queryOf(at.Asked)
	if !end.IsZero() {
		if !config.ToExclusive {
			end = end.AddDays(-1)
		}
		values["to"] = c.formatDate(end)
	}
	return expandQuery(query, values)
}

// formatDate formats a day for the bank; an instant is the midnight at which the bank's
// day begins.
func (c *Connector) formatDate(day oxlin.Date) string {
	format := c.config.Transactions.DateFormat
	midnight := day.Midnight(c.zone)
	switch format {
	case "instant", "millis":
		midnight = midnight.UTC()
	case "utc", "utc_millis":
		midnight = day.Midnight(time.UTC)
	}
	layout, named := dateLayouts[format]
	if !named {
		layout = format
	}
	return midnight.Format(layout)
}

// addRows adds the rows that belong to the window of a position. A row without a readable
// day belongs to the first window that has it. If the request named no days, all belong to it.
func addRows(page *bank.TransactionsPage, at *psd2.Position, rows []bank.Decoded, undated bool) {
	for _, row := range rows {
		day := row.Date()
		switch {
		case !undated && !day.IsZero() && !at.Window.Owns(day), day.IsZero() && !at.IsNewUndated(row.Raw):
		case row.Unread != "":
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: row.Unread, Day: day, Raw: row.Raw})
		default:
			page.Transactions = append(page.Transactions, row.Transaction)
		}
	}
}
