package synchro_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// listing lets the bank list some of its accounts, named by a letter each; ? is an account
// without an id.
func (b *scripted) listing(accounts string) {
	b.accounts = nil
	for _, id := range accounts {
		b.accounts = append(b.accounts, strings.TrimLeft(string(id), "?"))
	}
}

// acceptList accepts that the last list lacks accounts.
func (b *scripted) acceptList() {
	b.t.Helper()
	unlisted := slices.DeleteFunc(b.world.accounts(), func(a oxlin.Account) bool { return !a.Coverage.Doubt.Unlisted })
	if len(unlisted) == 0 {
		b.t.Fatal("there is nothing to accept")
	}
	err := b.Service.Absences.Accept(b.t.Context(), unlisted...)
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestAListThatLacksTooManyAccounts plays a day for each list; the first is day zero.
func TestAListThatLacksTooManyAccounts(t *testing.T) {
	for name, c := range map[string]struct {
		lists    []string // an operator accepts what the list before one with a ! lacks
		gone     string   // NOT_FOUND at the end
		unlisted string   // in doubt at the end
	}{
		"one of four":                     {lists: []string{"abcd", "abd"}, unlisted: "c"},
		"one of four, twice":              {lists: []string{"abcd", "abd", "abd"}, gone: "c"},
		"one of four, and back":           {lists: []string{"abcd", "abd", "abcd", "abd"}, unlisted: "c"},
		"one of four, accepted":           {lists: []string{"abcd", "abd", "!abd"}, gone: "c"},
		"one, then another":               {lists: []string{"abcd", "abd", "abc", "abc"}, gone: "d"},
		"one of three, twice":             {lists: []string{"abc", "bc", "bc"}, gone: "a"},
		"half of two":                     {lists: []string{"ab", "a"}, unlisted: "b"},
		"half of four":                    {lists: []string{"abcd", "ad"}, unlisted: "bc"},
		"two of five, twice":              {lists: []string{"abcde", "abc", "abc"}, gone: "de"},
		"three of five":                   {lists: []string{"abcde", "ab"}, unlisted: "cde"},
		"all":                             {lists: []string{"abc", ""}, unlisted: "abc"},
		"all, and then none lacks":        {lists: []string{"abc", "", "abc"}},
		"the only one":                    {lists: []string{"a", ""}, unlisted: "a"},
		"half, for a week":                {lists: []string{"abcd", "ad", "ad", "ad", "ad", "ad", "ad", "ad"}, unlisted: "bc"},
		"all, for a week":                 {lists: []string{"ab", "", "", "", "", "", "", ""}, unlisted: "ab"},
		"half, and then all again":        {lists: []string{"abcd", "ad", "abcd"}},
		"all, and then all but one":       {lists: []string{"abcd", "", "abd"}, gone: "c"},
		"half, and then one of them back": {lists: []string{"abcd", "ab", "abd"}, gone: "c"},
		"one by one":                      {lists: []string{"abcd", "abc", "abc", "ab", "ab", "a"}, gone: "cd", unlisted: "b"},
		"all, and others instead":         {lists: []string{"ab", "xy"}, unlisted: "ab"},
		"half, accepted":                  {lists: []string{"abcd", "ad", "!ad"}, gone: "bc"},
		"all, accepted":                   {lists: []string{"abc", "", "!"}, gone: "abc"},
		"half, accepted, and back":        {lists: []string{"abcd", "ad", "!abcd", "ad"}, unlisted: "bc"},
		"half, accepted, and all":         {lists: []string{"abcd", "ad", "!"}, gone: "bc", unlisted: "ad"},
		"half, accepted, one more":        {lists: []string{"abcdefgh", "abcd", "!abc", "abc"}, gone: "defgh"},
		"half, accepted, unreadable":      {lists: []string{"abcd", "ad", "!ad?", "ad"}, gone: "bc"},
		"one that is unreadable":          {lists: []string{"abcd", "abc?"}},
		"one, and another is unreadable":  {lists: []string{"abcd", "abc?", "ab?", "abcd"}},
		"one is unreadable, then gone":    {lists: []string{"abcd", "abc?", "abc", "abc"}, gone: "d"},
		"one, unreadable in between":      {lists: []string{"abcd", "abc", "abc?", "abc"}, gone: "d"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t)
			b.listing(c.lists[0])
			for _, account := range "abcdefghxy" {
				b.history(string(account), 2)
			}
			id := b.begin()
			for _, list := range c.lists[1:] {
				b.Clock.Advance(24 * time.Hour)
				list, accept := strings.CutPrefix(list, "!")
				if accept {
					b.acceptList()
				}
				b.listing(list)
				b.synchronize(id)
				if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Fatalf("with %q the channel is %s", list, got)
				}
			}
			var gone, unlisted []string
			for _, account := range b.world.accounts() {
				covered := account.Coverage
				if account.Status == oxlin.AccountNotFound {
					gone = append(gone, account.BankID)
				}
				if covered.Doubt.Unlisted {
					unlisted = append(unlisted, account.BankID)
				}
				if (covered.Gap == oxlin.GapSuspect) != covered.Doubt.Unlisted || covered.Complete && covered.Doubt.Unlisted {
					t.Errorf("account %s is %s with %+v", account.BankID, account.Status, covered)
				}
				if got := len(b.labels(account.BankID)); got != 2 {
					t.Errorf("account %s has %d rows", account.BankID, got)
				}
			}
			slices.Sort(gone)
			slices.Sort(unlisted)
			if got := strings.Join(gone, ""); got != c.gone {
				t.Errorf("%q are gone, want %q", got, c.gone)
			}
			if got := strings.Join(unlisted, ""); got != c.unlisted {
				t.Errorf("%q are in doubt, want %q", got, c.unlisted)
			}
		})
	}
}

// TestARowThatTheBankDrops plays days on which the bank drops its newest rows, or shows
// them. A row of ours keeps its id whatever happens.
func TestARowThatTheBankDrops(t *testing.T) {
	type reading struct {
		drops  int
		accept bool // an operator accepts what the reading before lacks
		broken bool // the bank refuses the second page
		hours  int  // until the next reading; a day if 0
	}
	drops := func(rows int) reading { return reading{drops: rows} }
	for name, c := range map[string]struct {
		rows     int
		readings []reading
		missing  int
		status   oxlin.TransactionStatus
		doubt    int // rows that the last suspect reading lacks
	}{
		"for a day":                     {12, []reading{drops(1)}, 1, oxlin.StatusBooked, 0},
		"for two days":                  {12, []reading{drops(1), drops(1)}, 1, oxlin.StatusBooked, 0},
		"for three days":                {12, []reading{drops(1), drops(1), drops(1)}, 1, oxlin.StatusCancelled, 0},
		"for two days of three":         {12, []reading{drops(1), drops(1), drops(0)}, 0, oxlin.StatusBooked, 0},
		"for three days of four":        {12, []reading{drops(1), drops(1), drops(1), drops(0)}, 0, oxlin.StatusBooked, 0},
		"three times in an hour":        {12, []reading{{drops: 1, hours: 1}, {drops: 1, hours: 1}, {drops: 1, hours: 1}}, 1, oxlin.StatusBooked, 0},
		"refused in the middle":         {12, []reading{{drops: 1, broken: true}, {drops: 1, broken: true}, {drops: 1, broken: true}}, 0, oxlin.StatusBooked, 0},
		"refused in between":            {12, []reading{drops(1), {drops: 1, broken: true}, drops(1)}, 1, oxlin.StatusBooked, 0},
		"a quarter":                     {12, []reading{drops(3), drops(3), drops(3)}, 3, oxlin.StatusCancelled, 0},
		"more than a quarter":           {12, []reading{drops(4), drops(4), drops(4), drops(4), drops(4)}, 0, oxlin.StatusBooked, 4},
		"all, for a week":               {12, []reading{drops(12), drops(12), drops(12), drops(12), drops(12), drops(12), drops(12)}, 0, oxlin.StatusBooked, 12},
		"all, for a week, then none":    {12, []reading{drops(12), drops(12), drops(12), drops(12), drops(12), drops(12), drops(12), drops(0)}, 0, oxlin.StatusBooked, 0},
		"both of two":                   {2, []reading{drops(2), drops(2), drops(2)}, 2, oxlin.StatusCancelled, 0},
		"more than a quarter, accepted": {12, []reading{drops(4), {drops: 4, accept: true}, drops(4), drops(4)}, 4, oxlin.StatusCancelled, 0},
		"accepted, and a row more":      {12, []reading{drops(4), {drops: 5, accept: true}, drops(5), drops(5)}, 5, oxlin.StatusCancelled, 0},
		"accepted, and many more":       {12, []reading{drops(4), {drops: 8, accept: true}, drops(8), drops(8)}, 0, oxlin.StatusBooked, 8},
		"accepted twice":                {12, []reading{drops(4), {drops: 8, accept: true}, {drops: 8, accept: true}}, 8, oxlin.StatusBooked, 0},
		"accepted, and shown again":     {12, []reading{drops(4), {drops: 0, accept: true}, drops(4)}, 0, oxlin.StatusBooked, 4},
		"accepted, and refused":         {12, []reading{drops(4), {drops: 4, accept: true, broken: true}, drops(0), drops(0), drops(4)}, 0, oxlin.StatusBooked, 4},
		"accepted, refused, believed":   {12, []reading{drops(4), {drops: 4, accept: true, broken: true}, drops(4), drops(4)}, 4, oxlin.StatusBooked, 0},
		"all three":                     {3, []reading{drops(3), drops(3), drops(3), drops(3)}, 0, oxlin.StatusBooked, 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", c.rows)
			all := b.rows["a"]
			id := b.begin()
			before := b.transactions()
			for _, r := range c.readings {
				b.rows["a"], b.pageSize, b.refuse = all[r.drops:], 100, nil
				if r.broken {
					b.pageSize = 5
					b.refuse = func(a asked) *http.Response {
						if a.page == 1 {
							return spoken(http.StatusForbidden, map[string]any{})
						}
						return nil
					}
				}
				if doubt := b.account("a").Coverage.Doubt; r.accept {
					if doubt.Since.IsZero() {
						t.Fatal("there is nothing to accept")
					}
					err := b.Service.Absences.Accept(t.Context(), b.account("a"))
					if err != nil {
						t.Fatal(err)
					}
				}
				b.Clock.Advance(time.Duration(max(r.hours, 24*(1-min(r.hours, 1)))) * time.Hour)
				b.synchronize(id)
			}
			if covered := b.account("a").Coverage; (covered.Gap == oxlin.GapSuspect) != (c.doubt > 0) || covered.Doubt.Lacks != c.doubt {
				t.Errorf("coverage %+v", covered)
			}
			shown, missing := 0, 0
			for _, was := range before {
				x, err := b.DB.Read().Transaction(t.Context(), b.caller.UserID, was.ID)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case !x.MissingSince.IsZero():
					missing++
					if x.Status != c.status {
						t.Errorf("%s is %s, missing since %s", x.Label, x.Status, x.MissingSince)
					}
				case x.Status != oxlin.StatusBooked:
					t.Errorf("%s is %s and not missing", x.Label, x.Status)
				}
				if x.Status == oxlin.StatusBooked {
					shown++
				}
			}
			if missing != c.missing {
				t.Errorf("%d rows are missing, want %d", missing, c.missing)
			}
			if got := len(b.transactions()); got != shown {
				t.Errorf("a list without a status has %d rows, %d are booked", got, shown)
			}
		})
	}
}

// A row that is cancelled and shown again has its former id, whatever class of ids the bank
// has, and each event counts what has changed.
func TestACancelledRowIsShownAgain(t *testing.T) {
	for name, again := range map[string]func(row map[string]any){
		"as it was":        func(map[string]any) {},
		"under another id": func(row map[string]any) { row["entryReference"] = "another" },
		"with another label": func(row map[string]any) {
			row["remittanceInformation"] = map[string]any{"unstructured": []string{"SHOP"}}
		},
		"with a code OTHR": func(row map[string]any) { row["status"] = "OTHR" },
		"as a pending row": func(row map[string]any) { row["status"] = "PDNG" },
		"with a day more":  func(row map[string]any) { row["transactionDate"] = row["bookingDate"] },
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a", "b")
			b.history("a", 12)
			b.history("b", 3)
			all := b.rows["a"]
			id := b.begin()
			was := b.transactions()
			type counts struct{ new, cancelled, restored, shown int }
			var got []counts
			for day := range 5 {
				b.Clock.Advance(24 * time.Hour)
				b.rows["a"] = slices.Clone(all)
				if day < 3 {
					b.rows["a"] = b.rows["a"][1:]
				} else {
					b.rows["a"][0] = maps.Clone(all[0])
					again(b.rows["a"][0])
				}
				b.synchronize(id)
				events := b.EventLog(b.caller.UserID)
				told := events[len(events)-1].Payload
				got = append(got, counts{told.NewTransactions, told.CancelledTransactions, told.RestoredTransactions, len(b.transactions())})
			}
			want := []counts{{0, 0, 0, 15}, {0, 0, 0, 15}, {0, 1, 0, 14}, {0, 0, 1, 15}, {0, 0, 0, 15}}
			if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
				t.Errorf("new, cancelled, restored and listed rows (-want +got):\n%s", diff)
			}
			for i, x := range b.transactions() {
				if x.ID != was[i].ID || !x.MissingSince.IsZero() || x.Status != oxlin.StatusBooked && name != "with a code OTHR" {
					t.Errorf("%s is %s, missing since %s, with the id %s instead of %s", x.Label, x.Status, x.MissingSince, x.ID, was[i].ID)
				}
			}
		})
	}
}

// shortHistory is a bank that gives no rows before a day, whatever it is asked for.
type shortHistory struct {
	*stet.Connector
	first func() oxlin.Date
}

func (s shortHistory) Transactions(ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string) (bank.TransactionsPage, error) {
	if first := s.first(); from.Before(first) {
		from = first
	}
	return s.Connector.Transactions(ctx, call, account, from, cursor)
}

// TestAPendingRowThatOutlivesTheBanksHistory has a pending row, which the bank shows beside
// its booked form or alone until it gives neither day any more.
func TestAPendingRowThatOutlivesTheBanksHistory(t *testing.T) {
	for name, kind := range map[string]string{"an account": "CACC", "a card": "CARD"} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a")
			b.kind = kind
			b.bankIs(func(c *stet.Connector) bank.Connector {
				return shortHistory{c, func() oxlin.Date { return b.day(-30) }}
			})
			pending := func(reference string) map[string]any {
				row := scriptedRow(b.day(-1).String(), "SHOP")
				row["status"], row["entryReference"] = "PDNG", reference
				row["transactionDate"] = row["bookingDate"]
				delete(row, "bookingDate")
				return row
			}
			alone := pending("p2")
			alone["remittanceInformation"] = map[string]any{"unstructured": []string{"HOTEL"}}
			b.rows["a"] = []map[string]any{pending("p1"), alone}
			id := b.begin()
			b.Clock.Advance(24 * time.Hour)
			b.rows["a"] = append(b.rows["a"], scriptedRow(b.day(0).String(), "SHOP"))
			b.synchronize(id)
			b.Clock.Advance(70 * 24 * time.Hour)
			b.rows["a"] = nil
			b.history("a", 20)
			for range 2 {
				b.synchronize(id)
				b.Clock.Advance(24 * time.Hour)
			}
			counts := map[oxlin.TransactionStatus]int{}
			for _, row := range b.transactions() {
				counts[row.Status]++
			}
			if want := map[oxlin.TransactionStatus]int{oxlin.StatusBooked: 21, oxlin.StatusExpired: 2}; !maps.Equal(counts, want) {
				t.Errorf("the rows are %v, want %v", counts, want)
			}
			last := b.asked[len(b.asked)-1]
			if first := b.day(-40).String(); b.dayOf(last.from) < first {
				t.Errorf("the bank is still asked from %s on, want %s or later", last.from, first)
			}
		})
	}
}

// TestWhatIsWrongWithAListCostsNoAccountAReading gives accounts a to d a new row on a day on
// which the list of accounts is broken.
func TestWhatIsWrongWithAListCostsNoAccountAReading(t *testing.T) {
	listed := func(ids string) func(b *scripted) func(asked) *http.Response {
		return func(b *scripted) func(asked) *http.Response {
			b.listing(ids)
			return nil
		}
	}
	refused := func(status int) func(b *scripted) func(asked) *http.Response {
		return func(*scripted) func(asked) *http.Response {
			return func(r asked) *http.Response {
				if r.what == "accounts" {
					return spoken(status, map[string]any{"message": "x"})
				}
				return nil
			}
		}
	}
	withGone := func(status int, list func(b *scripted) func(asked) *http.Response) func(b *scripted) func(asked) *http.Response {
		return func(b *scripted) func(asked) *http.Response {
			inner := list(b)
			return func(r asked) *http.Response {
				if strings.Contains("cd", r.account) && r.account != "" {
					return spoken(status, map[string]any{"message": "x"})
				}
				if inner != nil {
					return inner(r)
				}
				return nil
			}
		}
	}
	for name, c := range map[string]struct {
		bank     func(b *scripted) func(asked) *http.Response
		unread   string // accounts without the new row
		failed   string // accounts in ERROR
		complete string // accounts whose reading is complete
		channel  oxlin.ChannelStatus
	}{
		"half is listed":                             {bank: listed("ab"), complete: "ab"},
		"nothing is listed":                          {bank: listed(""), complete: ""},
		"one cannot be read":                         {bank: listed("abc?"), complete: "abcd"},
		"one is gone":                                {bank: listed("abc"), complete: "abc"}, // one list may be an accident
		"a list that is an error":                    {bank: refused(500), complete: "abcd"},
		"a list that is not found":                   {bank: refused(404), complete: "abcd"},
		"a list that is too much":                    {bank: refused(429), unread: "abcd", channel: oxlin.ChannelSuccess},
		"a list without access":                      {bank: refused(401), unread: "abcd", channel: oxlin.ChannelTokenExpired},
		"half is listed, and the others are unknown": {bank: withGone(404, listed("ab")), unread: "cd", complete: "ab"},
		"half is listed, and the others are refused": {bank: withGone(403, listed("ab")), unread: "cd", complete: "ab"},
		"half is listed, without access to others":   {bank: withGone(401, listed("ab")), unread: "cd", complete: "ab"},
		"an error, and some are unknown":             {bank: withGone(404, refused(500)), unread: "cd", failed: "cd", complete: "ab"},
		"errors everywhere": {unread: "abcd", channel: oxlin.ChannelFailed, bank: func(*scripted) func(asked) *http.Response {
			return func(asked) *http.Response { return spoken(500, map[string]any{"message": "x"}) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t)
			b.listing("abcd")
			for _, account := range "abcd" {
				b.history(string(account), 2)
			}
			id := b.begin()
			b.Clock.Advance(24 * time.Hour)
			for _, account := range "abcd" {
				b.rows[string(account)] = append(b.rows[string(account)], scriptedRow(b.day(0).String(), "NEW"))
			}
			b.refuse = c.bank(b)
			b.synchronize(id)
			for range 20 { // the attempts at a bank that fails
				b.Clock.Advance(time.Minute)
				b.work()
			}
			want := c.channel
			if want == "" {
				want = oxlin.ChannelSuccess
			}
			if got := b.channel(id).Status; got != want {
				t.Errorf("the channel is %s, want %s", got, want)
			}
			var unread, failed, complete string
			for _, account := range b.world.accounts() {
				if len(b.labels(account.BankID)) != 3 {
					unread += account.BankID
				}
				if account.Status == oxlin.AccountError {
					failed += account.BankID
				}
				if account.Coverage.Complete && account.Coverage.LastCompleteAt.After(b.Clock.Now().Add(-12*time.Hour)) {
					complete += account.BankID
				}
			}
			if unread != c.unread || failed != c.failed || complete != c.complete {
				t.Errorf("%q have no new row, %q failed, %q are complete; want %q, %q, %q", unread, failed, complete, c.unread, c.failed, c.complete)
			}
		})
	}
}

// TestDistinctIDsAreRemembered has a bank whose ids distinguish rows until one of them is on two; an
// answer that is not whole proves neither.
func TestDistinctIDsAreRemembered(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 6)
	all := b.rows["a"]
	id := b.begin()
	channel := b.account("a").Coverage.DistinctIDs
	if channel == "" {
		t.Fatal("six rows of six ids proved nothing")
	}
	again := maps.Clone(all[0])
	again["transactionAmount"] = map[string]any{"currency": "EUR", "amount": "7.00"}
	for _, step := range []struct {
		name   string
		rows   []map[string]any
		broken bool
		want   oxlin.ChannelDefinitionID
	}{
		{"two rows with one id", append(slices.Clone(all), again), false, ""},
		{"each id on one row, in an answer that is not whole", all, true, ""},
		{"the days since the refusal alone", all, false, ""},
		{"each id on one row", all, false, channel},
		{"two rows with one id, in an answer that is not whole", append(slices.Clone(all), again), true, channel},
		{"one row alone", all[:1], false, channel},
	} {
		b.rows["a"], b.pageSize, b.refuse = step.rows, 100, nil
		if step.broken {
			b.pageSize = 5
			b.refuse = func(a asked) *http.Response {
				if a.page == 1 {
					return spoken(http.StatusForbidden, map[string]any{})
				}
				return nil
			}
		}
		b.Clock.Advance(24 * time.Hour)
		b.synchronize(id)
		if got := b.account("a").Coverage.DistinctIDs; got != step.want {
			t.Errorf("after %s: the channel %q, want %q", step.name, got, step.want)
		}
	}
}
