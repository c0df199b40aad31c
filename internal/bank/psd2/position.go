package psd2

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Position is the content of a cursor: where a walk over pages continues, and enough of
// its past to detect a loop.
type Position struct {
	Window Window `json:"window,omitzero"`
	// Target is the next page of the window; zero for the first page.
	Target
	Pages int `json:"pages,omitempty"`
	// Empty counts the pages in a row without progress.
	Empty int `json:"empty,omitempty"`
	// Days counts the pages of this window that hold a day; the zero Date stands for
	// records without a day.
	Days map[oxlin.Date]int `json:"days,omitempty"`
	// Again is set if the next page is asked for at the address of the resource itself.
	Again bool `json:"again,omitempty"`
	// Cookies are sent with the request for the next page, as name=value: some banks hold
	// the position in them.
	Cookies []string `json:"cookies,omitempty"`
	// Later is set if the address of the next page names one that is neither the first nor the
	// page that links to it.
	Later bool `json:"later,omitempty"`
	// Held is set if the next page has the address of the last one: the bank itself counts
	// the pages.
	Held bool `json:"held,omitempty"`
	// Keys holds hashes of the records' ids, of a list without days.
	Keys []string `json:"keys,omitempty"`
	// Seen holds hashes of the addresses and the contents of this window's pages.
	Seen []string `json:"seen,omitempty"`
	// Broken is why the walk is not complete, even if it goes on.
	Broken string `json:"broken,omitempty"`
	// WindowDays overrides History.WindowDays after an answer that was too large.
	WindowDays int `json:"window_days,omitempty"`
	// Undated holds hashes of the records without a day in newer windows, and Fresh of
	// those in this one.
	Undated []string `json:"undated,omitempty"`
	Fresh   []string `json:"fresh,omitempty"`
	// nameless is set by Advance alone, see Kept.
	nameless bool
}

const (
	// maxEmpty limits the pages in a row without progress that link to a next one.
	maxEmpty = 10
	// maxPagesOfDay is the number of pages after which a day brings no progress any more:
	// at a hundred rows a page, ten thousand rows. Records without a day have more
	// pages.
	maxPagesOfDay = 100
	// maxUndatedPages is the number of pages with records without a day after which these
	// bring no progress any more.
	maxUndatedPages = 1000
	// maxPages limits the pages of a list without days: nobody has accounts on so many.
	// Transactions have a limit that grows with the days that are asked for, see
	// Window.pages.
	maxPages = 200
	// maxCookies limits the bytes of the cookies that a position holds.
	maxCookies = 4096
)

// The reasons in Position.Broken.
const (
	brokenRepeat = "a page was repeated although its link went on"
	brokenLink   = "the link to the next page cannot be followed"
	brokenEnd    = "the pages do not end"
	brokenAnswer = "the bank answers a link with the page that has the link"
	brokenSize   = "an answer is too large or ends too early"

	// BrokenRest and BrokenPart are set by a connector.
	BrokenRest = "a second answer follows the first"
	BrokenPart = "an answer is a part of the list and links to no other"
)

// ReadPosition decodes a cursor; the empty cursor is the start.
func ReadPosition(cursor string) (Position, error) {
	var at Position
	if cursor == "" {
		return at, nil
	}
	err := json.Unmarshal([]byte(cursor), &at)
	if err != nil || at.isEnd() {
		return Position{}, ForeignCursor()
	}
	return at, nil
}

// ForeignCursor returns the failure for a cursor that the connector did not write.
func ForeignCursor() error { return Nonsense(errors.New("the cursor is not one of ours")) }

// Cursor encodes the position; it is empty after the last page.
func (p Position) Cursor() string {
	if p.isEnd() {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts, numbers and dates always marshal
	}
	return string(text)
}

func (p Position) isEnd() bool { return p.Target.IsZero() && !p.Again && p.Window == (Window{}) }

// Answered is a page as Position.Advance needs it.
type Answered struct {
	// Resource is the escaped path of the list, and Asked the page of it that was
	// requested.
	Resource string
	Asked    Target
	// Follow returns the page to which a link leads; nil for Link.Target of the resource.
	Follow  func(Link) (Target, error)
	Records []json.RawMessage
	// Next and Self are the page's links.
	Next, Self Link
	// RepeatEnds is set for a bank whose last page links to an earlier one.
	RepeatEnds bool
	// Cookies are those that the answer sets, as name=value.
	Cookies []string
	// Keys are the ids of the records of a list without days.
	Keys []string
	// Days are the days of the records, with the zero Date for those without a day; empty
	// for a list without days.
	Days []oxlin.Date
	// Today is the bank's day; needed for a list with days.
	Today oxlin.Date
	// EmptyPages is how many pages in a row may make no progress; 0 means maxEmpty.
	EmptyPages int
}

// Advance moves to the next page of the window, or leaves Target zero after the last.
// The last page of some banks is malformed: its next link is the page itself, is always
// page 0, or has no href (banks §1.7). repeated reports whether the page was already read,
// so that its records must not be counted again.
//
// Other banks keep the position themselves: each page links to one address, which gives
// another page each time. So a link to the page itself is followed, as long as it gives new
// records.
//
// If a repeated page links to one that was not read yet, the walk goes on, but is Broken:
// the bank left out the records that should have been there. It is Broken too if a link to a
// later page gives the page that has the link: the bank has not understood it. A link that cannot be
// followed, and pages that do not end, break the walk too; what was read is kept.
func (p *Position) Advance(page Answered) (repeated bool) {
	later := p.Later
	p.Target, p.Again, p.Held, p.Later = Target{}, false, false, false
	cookies := p.Cookies
	p.Cookies = nil
	content := markRecords(page.Records)
	repeated = len(page.Records) > 0 && slices.Contains(p.Seen, content)
	if repeated && page.RepeatEnds {
		return true
	}
	follow := page.Follow
	if follow == nil {
		follow = func(link Link) (Target, error) { return link.Target(page.Resource) }
	}
	next, err := follow(page.Next)
	if err != nil {
		p.Broken = brokenLink
		return repeated
	}
	// A self link that cannot be followed is ignored.
	self, _ := follow(page.Self)
	ignored := later && repeated && content == p.Seen[len(p.Seen)-1]
	asked := Mark(page.Asked.address())
	if !slices.Contains(p.Seen, asked) {
		p.Seen = append(p.Seen, asked)
	}
	itself := page.Next.Href != "" && (next == page.Asked || !next.IsZero() && next == self)
	if itself && ignored {
		p.Broken = brokenAnswer
	}
	if itself && (repeated || len(page.Records) == 0 || page.RepeatEnds) {
		return repeated
	}
	if !itself && (next.IsZero() || slices.Contains(p.Seen, Mark(next.address()))) {
		return repeated
	}
	progress := p.countDays(page) && p.countKeys(page)
	p.Empty++
	switch {
	case repeated:
		p.Broken = brokenRepeat
	case len(page.Records) > 0:
		p.Seen = append(p.Seen, content)
		if progress {
			p.Empty = 0
		}
	}
	p.Pages++
	limit := maxPages
	if p.Window != (Window{}) {
		limit = p.Window.pages(page.Today)
	}
	if p.Pages >= limit || p.Empty >= cmp.Or(page.EmptyPages, maxEmpty) {
		p.Broken = brokenEnd
		return repeated
	}
	p.Target, p.Again, p.Held, p.Cookies = next, next.IsZero(), itself, withCookies(cookies, page.Cookies)
	p.nameless = p.Pages == 1 && !next.names(page.Asked)
	p.Later = next != self && next.names(page.Asked) && !next.isFirst(page.Asked)
	return repeated
}

// isFirst reports whether an address names the first page: a parameter that it adds to the
// page before it is a zero.
func (t Target) isFirst(before Target) bool {
	had := strings.Split(before.Query, "&")
	return slices.ContainsFunc(strings.Split(t.Query, "&"), func(parameter string) bool {
		_, value, _ := strings.Cut(parameter, "=")
		return value != "" && strings.Trim(value, "0") == "" && !slices.Contains(had, parameter)
	})
}

// names reports whether an address may name a page: it has another parameter than the page
// before it, or a number in its path.
func (t Target) names(before Target) bool {
	had := strings.Split(before.Query, "&")
	return strings.ContainsAny(t.Path, "0123456789") || slices.ContainsFunc(strings.Split(t.Query, "&"), func(parameter string) bool {
		name, value, _ := strings.Cut(parameter, "=")
		return parameter != "" && !slices.Contains(had, parameter) && !slices.Contains(onwards, strings.ToLower(cmp.Or(value, name)))
	})
}

// onwards are values that lead on from each page alike.
var onwards = []string{"next", "suivant", "suivante", "more", "true"}

// Kept returns how the bank finds the next page, for bank.TransactionsPage.Kept. The second
// page of a bank may have the address of all later ones: if it sets cookies, or if nothing in
// the address names the page.
func (p Position) Kept() oxlin.PageKeeping {
	switch {
	case len(p.Cookies) > 0 && (p.Held || p.Pages == 1):
		return oxlin.PageInSession
	case p.Held, p.nameless:
		return oxlin.PageCounted
	}
	return oxlin.PageAddressed
}

// withCookies returns the cookies that a bank has set, of which later ones replace earlier
// ones of their name; none if they are too long to be a position.
func withCookies(held, set []string) []string {
	name := func(cookie string) string { before, _, _ := strings.Cut(cookie, "="); return before }
	all, size := []string{}, 0
	for _, cookie := range held {
		if !slices.ContainsFunc(set, func(other string) bool { return name(other) == name(cookie) }) {
			all = append(all, cookie)
		}
	}
	all = append(all, set...)
	for _, cookie := range all {
		size += len(cookie)
	}
	if size > maxCookies {
		return nil
	}
	return all
}

// countKeys remembers the ids of a page, and reports whether one of them is new. Without
// ids, each page makes progress.
func (p *Position) countKeys(page Answered) (progress bool) {
	for _, key := range page.Keys {
		mark := Mark(key)
		if !slices.Contains(p.Keys, mark) {
			p.Keys = append(p.Keys, mark)
			progress = true
		}
	}
	return progress || len(page.Keys) == 0
}

// countDays counts the days of a page. It reports whether one of them makes progress: it
// is not before the days that were asked for, and did not fill too many pages already.
// So a bank is not asked for ever that makes up rows, or ignores the days of a request.
func (p *Position) countDays(page Answered) (progress bool) {
	if p.Window == (Window{}) {
		return true
	}
	days := slices.Clone(page.Days)
	slices.SortFunc(days, oxlin.Date.Compare)
	from, _ := p.Window.Requested()
	for _, day := range slices.Compact(days) {
		if !day.IsZero() && day.Before(from.AddDays(-overlapBefore)) {
			continue
		}
		if p.Days == nil {
			p.Days = map[oxlin.Date]int{}
		}
		p.Days[day]++
		most := maxPagesOfDay
		if day.IsZero() {
			most = maxUndatedPages
		}
		progress = progress || p.Days[day] <= most
	}
	return progress
}

// Endless reports whether the walk was given up because the bank's pages do not end.
// Then no other window is read.
func (p Position) Endless() bool { return p.Broken == brokenEnd }

// Older moves to the window before the position's, after the last page of a window.
func (p *Position) Older(history History) {
	window := history.limited(p.WindowDays).Older(p.Window)
	*p = Position{
		Window: window, Broken: p.Broken, WindowDays: p.WindowDays, Undated: slices.Concat(p.Undated, p.Fresh),
	}
}

// Narrow moves to a shorter first page of the window, after an answer that was too
// large. ok is false if the window is as short as it can be, or if records of it were
// already counted: then the walk is Broken.
func (p *Position) Narrow(history History, today oxlin.Date) (ok bool) {
	days := p.Window.days(today)
	if p.Pages > 0 || days <= smallestWindow {
		p.Broken, p.Target = brokenSize, Target{}
		return false
	}
	days = max(days/2, smallestWindow)
	p.WindowDays = days
	p.Window = history.limited(days).again(p.Window, today)
	return true
}

// IsNewUndated reports whether a record without a day was not yet counted in a newer
// window, and remembers it. Records without a day belong to no window, and a bank may
// give them in each.
func (p *Position) IsNewUndated(record json.RawMessage) bool {
	mark := markRecords([]json.RawMessage{record})
	if slices.Contains(p.Undated, mark) {
		return false
	}
	if p.Window.From != p.Window.First {
		p.Fresh = append(p.Fresh, mark)
	}
	return true
}

// Failure returns the failure of a broken walk, for a list that must be complete.
func (p Position) Failure() error {
	if p.Broken == "" {
		return nil
	}
	return &bank.Failure{Kind: bank.Nonsense, Err: fmt.Errorf("after %d pages: %s", p.Pages, p.Broken)}
}

// Mark returns a short hash of an address, long enough to distinguish a thousand of
// them.
func Mark(address string) string {
	sum := sha256.Sum256([]byte(address))
	return encodeMark(sum[:])
}

func markRecords(records []json.RawMessage) string {
	hash := sha256.New()
	for _, record := range records {
		hash.Write(record)
		hash.Write([]byte{'\n'})
	}
	return encodeMark(hash.Sum(nil))
}

func encodeMark(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:9]) }
