package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func (w world) widgetSession(hash string) store.WidgetSession {
	return store.WidgetSession{
		IDHash: []byte(hash), ClientID: w.client, UserID: w.user, Scopes: oxlin.Scopes{oxlin.ScopeConnectionsManage}, TokenHash: []byte("token"),
		Family: "family", Parameters: "locale=en&terms_body=", CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

// insertFlow stores a flow of the session "one", sealed as "<id>".
func insertFlow(t *testing.T, db *store.DB, f store.WidgetFlow) store.WidgetFlow {
	t.Helper()
	f.SessionHash, f.CreatedAt = []byte("one"), now
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		var err error
		f.ID, err = tx.Widget().InsertFlow(ctx, f, func(id oxlin.FlowID) ([]byte, error) { return []byte("<" + id.String() + ">"), nil })
		return err
	})
	f.Session = []byte("<" + f.ID.String() + ">")
	return f
}

func TestWidgetSessionsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		session := w.widgetSession("one")
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.Widget().InsertSession(ctx, session) })
		if diff := difference(session, must[store.WidgetSession](t)(db.Read().WidgetSession(t.Context(), []byte("one")))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, err := db.Read().WidgetSession(t.Context(), []byte("two"))
		if !oxlin.IsNotFound(err) {
			t.Errorf("an unknown session: %v", err)
		}
		session.ExpiresAt = now.Add(5 * time.Hour)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.Widget().ExtendSession(ctx, session.IDHash, session.ExpiresAt)
		})
		if got := must[store.WidgetSession](t)(db.Read().WidgetSession(t.Context(), []byte("one"))); !got.ExpiresAt.Equal(session.ExpiresAt) {
			t.Errorf("it ends at %s", got.ExpiresAt)
		}
		// The same id twice would be two users in one session.
		err = db.Write(t.Context(), func(tx *store.Tx) error { return tx.Widget().InsertSession(t.Context(), session) })
		if err == nil {
			t.Error("two sessions have one id")
		}
	})
}

func TestWidgetFlows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.Widget().InsertSession(ctx, w.widgetSession("one"))
		})
		wantFlows(t, db)
		first := insertFlow(t, db, store.WidgetFlow{State: `{"a":1}`, ConnectionID: w.connection})
		second := insertFlow(t, db, store.WidgetFlow{State: `{"a":2}`})
		read := func(id oxlin.FlowID) store.WidgetFlow {
			t.Helper()
			return must[store.WidgetFlow](t)(db.Read().WidgetFlow(t.Context(), id))
		}
		for _, want := range []store.WidgetFlow{first, second} {
			if diff := difference(want, read(want.ID)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		third := insertFlow(t, db, store.WidgetFlow{State: `{"a":3}`})
		wantFlows(t, db, third.ID, second.ID)

		// An attempt is counted once.
		enter := func(attempt int64) (counted bool) {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				var err error
				counted, err = tx.Widget().EnterFlow(ctx, second.ID, attempt, w.connection, "8701")
				return err
			})
			return counted
		}
		if !enter(0) || enter(0) || enter(7) || !enter(1) {
			t.Error("an attempt counts twice, or not at all")
		}
		if got := read(second.ID); got.Attempt != 2 || got.Entered != "8701" || got.ConnectionID != w.connection || got.Version != 2 || got.State != second.State {
			t.Errorf("%+v", got)
		}

		// A flow that has changed since it was read is not overwritten.
		save := func(f store.WidgetFlow) (saved bool) {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				var err error
				saved, err = tx.Widget().SaveFlow(ctx, f)
				return err
			})
			return saved
		}
		if second.State = "old"; save(second) {
			t.Error("an old flow was saved")
		}
		fresh := read(second.ID)
		if fresh.State = "new"; !save(fresh) || save(fresh) {
			t.Error("a flow is saved once for what was read")
		}
		if got := read(second.ID); got.State != "new" || got.Version != 3 {
			t.Errorf("%+v", got)
		}

		// A flow may continue with a connection that exists.
		bind := func(f store.WidgetFlow) (bound bool) {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				var err error
				bound, err = tx.Widget().BindFlow(ctx, f)
				return err
			})
			return bound
		}
		bound := read(third.ID)
		if bound.State, bound.ConnectionID = "bound", w.connection; !bind(bound) || bind(bound) {
			t.Error("a flow is bound once for what was read")
		}
		if got := read(third.ID); got.State != "bound" || got.ConnectionID != w.connection || got.Version != 1 || got.Attempt != 0 {
			t.Errorf("%+v", got)
		}

		// A flow survives its connection.
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteConnection(ctx, w.connection) })
		if got := read(first.ID); got.ConnectionID != 0 || got.State != first.State {
			t.Errorf("%+v", got)
		}
		if got := read(second.ID); got.ConnectionID != 0 || got.Entered != "8701" {
			t.Errorf("%+v", got)
		}
	})
}

// wantFlows checks the two newest flows of the session "one".
func wantFlows(t *testing.T, db *store.DB, want ...oxlin.FlowID) {
	t.Helper()
	var got []oxlin.FlowID
	for _, flow := range must[[]store.WidgetFlow](t)(db.Read().WidgetFlows(t.Context(), []byte("one"), 2)) {
		got = append(got, flow.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the flows are %v, want %v", got, want)
	}
}

func TestAFlowWhoseSessionCannotBeSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.Widget().InsertSession(ctx, w.widgetSession("one"))
		})
		broken := errors.New("the vault is closed")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Widget().InsertFlow(t.Context(), store.WidgetFlow{SessionHash: []byte("one"), CreatedAt: now}, func(oxlin.FlowID) ([]byte, error) { return nil, broken })
			return err
		})
		if !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
		wantFlows(t, db)
	})
}

// Sessions go with their user, and some time after their end; flows go with them.
func TestWidgetSessionsAreForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(t, db), newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			longer := w.widgetSession("two")
			longer.ExpiresAt = now.Add(2 * time.Hour)
			return errors.Join(
				tx.Widget().InsertSession(ctx, w.widgetSession("one")), tx.Widget().InsertSession(ctx, longer), tx.Widget().InsertSession(ctx, other.widgetSession("three")),
			)
		})
		flow := insertFlow(t, db, store.WidgetFlow{State: "{}"})
		known := func(hash string) bool {
			t.Helper()
			_, err := db.Read().WidgetSession(t.Context(), []byte(hash))
			if err != nil && !oxlin.IsNotFound(err) {
				t.Fatal(err)
			}
			return err == nil
		}
		drop := func(before time.Time) {
			t.Helper()
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.Widget().DropSessions(ctx, before) })
		}
		if drop(now.Add(time.Hour - time.Second)); !known("one") || !known("two") {
			t.Error("a session is forgotten too early")
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUser(ctx, other.user) })
		if known("three") {
			t.Error("a session survives its user")
		}
		drop(now.Add(time.Hour))
		if known("one") || !known("two") {
			t.Error("the wrong session is forgotten")
		}
		_, err := db.Read().WidgetFlow(t.Context(), flow.ID)
		if !oxlin.IsNotFound(err) {
			t.Errorf("the flow of a forgotten session: %v", err)
		}
	})
}
