package api_test

import (
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/store"
)

// reader lists transactions as a client does.
type reader struct {
	w     *world
	token string
}

func (r reader) page(t *testing.T, number, limit int, filter url.Values) []string {
	t.Helper()
	query := url.Values{"page": {strconv.Itoa(number)}, "limit": {strconv.Itoa(limit)}}
	for name, values := range filter {
		query[name] = values
	}
	return r.w.send(t, request{method: "GET", path: "/v2.1/transactions?" + query.Encode(), token: r.token}).want(t, 200).ids(t)
}

// statement is a user with two accounts, and what was imported, in order.
type statement struct {
	reader
	user     oxlin.UserID
	accounts [2]oxlin.AccountID
	imported []imported
}

type imported struct {
	id      string
	account int
}

func newStatement(t *testing.T, w *world) *statement {
	t.Helper()
	user, token := w.user(t, licensed)
	c := w.connection(t, user)
	return &statement{reader: reader{w, token}, user: user, accounts: [2]oxlin.AccountID{w.account(t, c), w.account(t, c)}}
}

// add imports one row for each of the given accounts.
func (s *statement) add(t *testing.T, accounts ...int) {
	t.Helper()
	rows := make([]oxlin.Transaction, len(accounts))
	for i, account := range accounts {
		rows[i] = oxlin.Transaction{
			AccountID: s.accounts[account], Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked,
			Origin: oxlin.OriginTransaction, Category: "SERVICES", Date: oxlin.NewDate(2026, 1, 1),
		}
	}
	s.w.transactions(t, s.user, s.w.Clock.Now(), rows...)
	list, err := s.w.Service.Transactions.List(t.Context(), oxlin.Caller{Client: licensed, UserID: s.user}, store.TransactionFilter{}, len(s.imported), len(rows)+1)
	if err != nil || len(list) != len(rows) {
		t.Fatal(len(list), err)
	}
	for i, row := range list {
		s.imported = append(s.imported, imported{short(row.ID.String()), accounts[i]})
	}
}

// order is a filter as the model understands it.
type order struct {
	query  url.Values
	newest bool
	one    bool // only the first account
}

// rows returns the filtered rows in their order.
func (s *statement) rows(o order) []string {
	var rows []string
	for _, row := range s.imported {
		if !o.one || row.account == 0 {
			rows = append(rows, row.id)
		}
	}
	if o.newest {
		slices.Reverse(rows)
	}
	return rows
}

func (s *statement) orders() []order {
	only := url.Values{"account_id": {s.accounts[0].String()}}
	return []order{
		{query: url.Values{}, newest: true},
		{query: url.Values{"sort": {"-import_date"}, "start_import_date": {"0"}}, newest: true},
		{query: url.Values{"start_import_date": {"0"}}},
		{query: url.Values{"sort": {"import_date"}}},
		{query: only, newest: true, one: true},
		{query: url.Values{"account_id": {s.accounts[0].String()}, "sort": {"import_date"}}, one: true},
	}
}

// TestPagesOfTransactionsGoOn compares list pages with a model, while rows are imported,
// time passes, tokens change and clients jump (contract §12.1).
func TestPagesOfTransactionsGoOn(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	rapid.Check(t, func(rt *rapid.T) {
		s := newStatement(t, w)
		tokens := []string{s.token, w.tokens.give(licensed, s.user, everything...)}
		orders := s.orders()
		account := rapid.IntRange(0, 1)
		s.add(t, rapid.SliceOfN(account, 1, 12).Draw(rt, "before")...)
		type place struct{ token, order, limit, page int }
		type end struct {
			after string
			since time.Time
		}
		ends := map[place]end{}
		last := place{page: 0, limit: 2}
		rt.Repeat(map[string]func(*rapid.T){
			"import": func(rt *rapid.T) { s.add(t, rapid.SliceOfN(account, 1, 5).Draw(rt, "rows")...) },
			"wait": func(rt *rapid.T) {
				w.Clock.Advance(time.Duration(rapid.IntRange(1, 7).Draw(rt, "minutes")) * time.Minute)
			},
			"read": func(rt *rapid.T) {
				p := last
				p.page++
				if rapid.IntRange(0, 3).Draw(rt, "jump") == 0 {
					p = place{
						rapid.IntRange(0, 1).Draw(rt, "token"), rapid.IntRange(0, len(orders)-1).Draw(rt, "order"),
						rapid.IntRange(1, 4).Draw(rt, "limit"), rapid.IntRange(1, 5).Draw(rt, "page"),
					}
				}
				last = p
				rows := s.rows(orders[p.order])
				from := (p.page - 1) * p.limit
				known, ok := ends[p]
				if ok = ok && w.Clock.Now().Sub(known.since) < 10*time.Minute; ok {
					from = slices.Index(rows, known.after) + 1
				}
				from = min(from, len(rows))
				want := rows[from:min(from+p.limit, len(rows))]
				got := reader{w, tokens[p.token]}.page(t, p.page, p.limit, orders[p.order].query)
				if !slices.Equal(got, want) {
					rt.Fatalf("%+v %v: got %v, want %v of %v", p, orders[p.order].query, got, want, rows)
				}
				after := known.after
				if len(got) > 0 {
					after = got[len(got)-1]
				}
				if len(got) > 0 || ok {
					next := p
					next.page++
					ends[next] = end{after, w.Clock.Now()}
				}
			},
		})
	})
}

// TestAWalkGivesEachRowOnce reads all pages while every import comes between two of them.
func TestAWalkGivesEachRowOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for i, o := range newStatement(t, w).orders() {
			s := newStatement(t, w)
			o = s.orders()[i]
			s.add(t, 0, 1, 0, 0, 1, 0, 1, 1, 0)
			before := s.rows(o)
			var read []string
			for page := 1; ; page++ {
				got := s.page(t, page, 2, o.query)
				if len(got) == 0 {
					break
				}
				read = append(read, got...)
				if page < 4 {
					s.add(t, 0, 1)
				}
			}
			want := before
			if !o.newest {
				want = s.rows(o)
			}
			if !slices.Equal(read, want) {
				t.Errorf("%v: read %v, want %v", o.query, read, want)
			}
		}
	})
}
