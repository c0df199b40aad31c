package synchro_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

var errKilled = errors.New("the process was killed")

// inPieces opens a database on which each write that may be divided is.
func inPieces(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{Relaxed: true, Sandbox: true, Piece: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// piecewise is a bank with one account, whose readings end after each piece if killed is set.
type piecewise struct {
	*scripted
	connection oxlin.ConnectionID
	// deaths counts the pieces after which the job ended. midway is called after each.
	deaths int
	midway func()
}

func newPiecewise(t *testing.T, db *store.DB) *piecewise {
	t.Helper()
	b := &scripted{world: newWorld(t, db), t: t, accounts: []string{"1"}, rows: map[string][]map[string]any{}, pageSize: 1000}
	b.Calls.Hook(b.answer)
	return &piecewise{scripted: b, connection: b.connect(connect.AuthorizeRequest{}, "dev"), midway: func() {}}
}

// read synchronises. With killed, the job ends after each piece that it has stored, and another
// one continues.
func (p *piecewise) read(killed bool) {
	p.t.Helper()
	err := p.Service.Connections.Synchronize(p.t.Context(), p.caller, p.connection, oxlin.SyncAll)
	if err != nil {
		p.t.Fatal(err)
	}
	id, account := p.takeRun(), p.world.accounts()[0].ID
	version := func() int64 {
		n, err := store.RowsVersion(p.t.Context(), p.DB.Read(), account)
		if err != nil {
			p.t.Fatal(err)
		}
		return n
	}
	seen, last := version(), false
	if killed {
		p.Queue.Interrupt(func(context.Context, *store.Tx) error {
			now, coverage := version(), p.world.accounts()[0].Coverage.LastCompleteAt
			last = last || coverage.Equal(p.Clock.Now())
			if now == seen || last {
				return nil
			}
			seen = now
			return errKilled
		})
		defer p.Queue.Interrupt(nil)
	}
	for {
		err := p.Engine.Run(p.t.Context(), id)
		if err == nil {
			return
		}
		if !errors.Is(err, errKilled) {
			p.t.Fatal(err)
		}
		p.deaths++
		p.midway()
	}
}

// shown lists the rows in the order of their import, as far as a client tells them apart.
func (p *piecewise) shown() []string {
	rows := p.transactions()
	slices.SortFunc(rows, func(a, b oxlin.Transaction) int { return a.ImportedAt.Compare(b.ImportedAt) })
	var texts []string
	for _, t := range rows {
		texts = append(texts, fmt.Sprintf("%s %s %s %s", t.Date, t.Amount, t.Status, t.Notes))
	}
	return texts
}

// A process that ends between two pieces loses no row and doubles none: the readings that
// follow store the same as one that was never interrupted.
func TestAProcessEndsAfterEachPiece(t *testing.T) {
	scripts := []func(p *piecewise){
		func(p *piecewise) { // the first reading
			p.Clock.Advance(time.Hour)
			for n := range 230 {
				p.rows["1"] = append(p.rows["1"], scriptedRow(p.day(-n/5).String(), fmt.Sprintf("SHOP %d", n)))
			}
			for n := range 12 {
				row := scriptedRow(p.day(-n/4).String(), fmt.Sprintf("CARD %d", n))
				row["status"] = "PDNG"
				p.rows["1"] = append(p.rows["1"], row)
			}
			for range 4 { // equal rows, without ids
				row := scriptedRow(p.day(-3).String(), "COFFEE")
				delete(row, "entryReference")
				p.rows["1"] = append(p.rows["1"], row)
			}
		},
		func(p *piecewise) { // rows are booked, relabelled, dropped and new
			p.Clock.Advance(24 * time.Hour)
			rows := p.rows["1"]
			for n := range 8 {
				rows[230+n]["status"] = "BOOK"
			}
			for n := range 10 {
				rows[20+n]["remittanceInformation"] = map[string]any{"unstructured": []string{fmt.Sprintf("SHOP %d PARIS", 20+n)}}
			}
			rows = slices.Delete(rows, 238, 240) // two authorisations end
			rows = slices.Delete(rows, 5, 7)     // two booked rows are missing
			for n := range 9 {
				rows = append(rows, scriptedRow(p.day(0).String(), fmt.Sprintf("NEW %d", n)))
			}
			p.rows["1"] = rows
		},
	}
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			killed := newPiecewise(t, inPieces(t, address))
			plain := newPiecewise(t, inPieces(t, "sqlite:"+t.TempDir()+"/plain.db"))
			for n, script := range scripts {
				before := killed.world.accounts()[0]
				killed.midway = func() {
					now := killed.world.accounts()[0]
					if now.CoveredUntil != before.CoveredUntil || now.Coverage.LastCompleteAt != before.Coverage.LastCompleteAt {
						t.Error("the coverage comes before the last piece")
					}
				}
				for _, p := range []*piecewise{killed, plain} {
					script(p)
					p.read(p == killed)
				}
				if diff := cmp.Diff(plain.shown(), killed.shown()); diff != "" {
					t.Errorf("reading %d: interrupted, it stores something else (-whole +in pieces):\n%s", n, diff)
				}
				if len(plain.shown()) < 240 {
					t.Errorf("reading %d: %d rows", n, len(plain.shown()))
				}
				if killed.deaths < 2 {
					t.Errorf("reading %d: the process ended %d times", n, killed.deaths)
				}
				killed.deaths = 0
			}
		})
	}
}

// Rows that change between two pieces are compared with the answer again.
func TestRowsThatChangeBetweenPiecesAreComparedAgain(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			p := newPiecewise(t, inPieces(t, address))
			for n := range 230 {
				p.rows["1"] = append(p.rows["1"], scriptedRow(p.day(-n/5).String(), fmt.Sprintf("SHOP %d", n)))
			}
			account := p.world.accounts()[0].ID
			changed := false
			p.Queue.Interrupt(func(ctx context.Context, tx *store.Tx) error {
				if version, err := store.RowsVersion(ctx, tx.Read(), account); err != nil || changed || version < 2 {
					return err
				}
				changed = true
				return store.ChangeRowsVersion(ctx, tx, account)
			})
			p.read(false)
			if rows := p.transactions(); len(rows) != 230 {
				t.Errorf("%d rows, want 230", len(rows))
			}
			if !changed || !strings.Contains(p.Log.String(), "rows have changed while an answer was compared with them") {
				t.Error("the answer was not compared again")
			}
		})
	}
}
