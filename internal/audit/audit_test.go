package audit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/web"
)

func each(t *testing.T, test func(t *testing.T, w *platformtest.World)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		test(t, platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.NoProviders{}}))
	})
}

// record records entries in a transaction.
func record(w *platformtest.World, ctx context.Context, entries ...audit.Entry) {
	w.T.Helper()
	w.Write(func(tx *store.Tx) error { return w.Audit.Record(ctx, tx, entries...) })
}

func seal(w *platformtest.World) {
	w.T.Helper()
	err := w.Audit.Seal(w.T.Context(), true)
	if err != nil {
		w.T.Fatal(err)
	}
}

func find(w *platformtest.World, f audit.Filter) []audit.Line {
	w.T.Helper()
	lines, err := w.Audit.Find(w.T.Context(), f, 1000)
	if err != nil {
		w.T.Fatal(err)
	}
	return lines
}

func verify(w *platformtest.World) audit.Verified {
	w.T.Helper()
	found, err := w.Audit.Verify(w.T.Context(), audit.Anchor{})
	if err != nil {
		w.T.Fatal(err)
	}
	return found
}

func TestAnEntryIsStoredWithItsChangeOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		caller := w.LicensedCaller()
		entry := audit.Entry{Action: audit.TermsAccepted, Actor: audit.User, Client: caller.Client.ID, User: caller.UserID}
		failure := errors.New("the change fails")
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			err := w.Audit.Record(t.Context(), tx, entry)
			if err != nil {
				return err
			}
			return failure
		})
		if !errors.Is(err, failure) || len(find(w, audit.Filter{})) != 0 {
			t.Fatalf("after a rollback (%v) there are %d entries", err, len(find(w, audit.Filter{})))
		}
		// The key of the first attempt went with the rollback: the next one must not use it.
		record(w, t.Context(), entry)
		lines := find(w, audit.Filter{User: caller.UserID})
		if len(lines) != 1 || lines[0].User != caller.UserID || lines[0].Action != audit.TermsAccepted || lines[0].Outcome != audit.Done {
			t.Errorf("the user's entries are %+v", lines)
		}
	})
}

func TestAnUnknownActionIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			return w.Audit.Record(t.Context(), tx, audit.Entry{Action: "user.winked"})
		})
		if err == nil {
			t.Error("an action that is not in the list is recorded")
		}
		w.Audit.Note(t.Context(), audit.Entry{Action: "user.winked"})
		if err := w.Audit.Flush(t.Context()); err != nil || len(find(w, audit.Filter{})) != 0 {
			t.Errorf("an unknown action was noted: %v, %v", err, find(w, audit.Filter{}))
		}
	})
}

func TestDetailsHoldNothingThatAPersonWrote(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		record(w, t.Context(), audit.Entry{Action: audit.BankAccess, Details: audit.Details{
			audit.BankAnswer: "Mme Camille Moreau", audit.Code: "camille@example.test", audit.Status: "200", audit.Sync: "",
		}})
		got := find(w, audit.Filter{})[0].Details
		want := map[string]string{"bank_answer": "?", "code": "?", "status": "200"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the details are %v, want %v", got, want)
		}
	})
}

func TestTheOriginIsTheRequest(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		caller := w.LicensedCaller()
		frame := web.Frame{Log: platformtest.Quiet, Now: w.Clock.Now}
		handler := frame.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx := audit.As(r.Context(), audit.Operator(7), "asked by phone")
			record(w, ctx, audit.Entry{Action: audit.OperatorSaw, User: caller.UserID}, audit.Entry{Action: audit.OperatorSaw})
			w.Audit.Note(ctx, audit.Entry{Action: audit.OperatorSaw, Actor: audit.Stranger})
		}))
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set(web.RequestIDHeader, "request-1")
		request.RemoteAddr = "203.0.113.9:4711"
		handler.ServeHTTP(httptest.NewRecorder(), request)
		if err := w.Audit.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		lines := find(w, audit.Filter{RequestID: "request-1"})
		if len(lines) != 3 {
			t.Fatalf("the request has %d entries", len(lines))
		}
		for i, line := range lines {
			actor := audit.Operator(7)
			if i == 2 {
				actor = audit.Stranger
			}
			if line.Source != "203.0.113.9" || line.Reason != "asked by phone" || line.Actor != actor {
				t.Errorf("entry %d is %+v", i, line)
			}
		}
	})
}

func TestErasureHoldsAndTheChainStillVerifies(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		caller := w.LicensedCaller()
		ctx := audit.WithOrigin(t.Context(), audit.Origin{RequestID: "r", Source: "203.0.113.9"})
		record(w, ctx, audit.Entry{Action: audit.SignedIn, Actor: audit.User, Client: caller.Client.ID, User: caller.UserID})
		record(w, ctx, audit.Entry{Action: audit.TermsAccepted, Actor: audit.User, Client: caller.Client.ID, User: caller.UserID})
		seal(w)
		before := find(w, audit.Filter{User: caller.UserID})
		if len(before) != 2 || before[0].Source != "203.0.113.9" || before[0].Subject != before[1].Subject {
			t.Fatalf("before the deletion: %+v", before)
		}
		w.Write(func(tx *store.Tx) error {
			return errors.Join(
				w.Audit.Record(ctx, tx, audit.Entry{Action: audit.UserDeleted, Actor: audit.User, Client: caller.Client.ID, User: caller.UserID}),
				tx.DeleteUser(ctx, caller.UserID))
		})
		w.Audit.Note(ctx, audit.Entry{Action: audit.SignedIn, Outcome: audit.Refused, Actor: audit.User, User: caller.UserID})
		if err := w.Audit.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		seal(w)
		if left := find(w, audit.Filter{User: caller.UserID}); len(left) != 0 {
			t.Errorf("a deleted user is found: %+v", left)
		}
		all := find(w, audit.Filter{RequestID: "r"})
		if len(all) != 4 {
			t.Fatalf("%d entries are left", len(all))
		}
		for i, line := range all {
			if line.User != 0 || line.Source != "" || (line.Subject == before[0].Subject) != (i < 3) {
				t.Errorf("entry %d tells %+v", i, line)
			}
		}
		if found := verify(w); found.Entries != 4 || found.Batches != 2 {
			t.Errorf("verified: %+v", found)
		}
	})
}

// Several nodes record and seal at once. Every entry is sealed once.
func TestNodesSealTogether(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		const nodes, each = 4, 60
		var all sync.WaitGroup
		failures := make(chan error, nodes*each*2)
		for range nodes {
			node := audit.New(audit.Options{DB: w.DB, Vault: w.Vault, Now: w.Clock.Now, Log: platformtest.Quiet})
			all.Go(func() {
				for i := range each {
					failures <- w.DB.Write(t.Context(), func(tx *store.Tx) error {
						err := node.Record(t.Context(), tx, audit.Entry{Action: audit.BankAccess})
						if i%7 == 0 { // ids become visible out of order on PostgreSQL
							time.Sleep(3 * time.Millisecond)
						}
						return err
					})
					node.Note(t.Context(), audit.Entry{Action: audit.SecretRefused, Outcome: audit.Refused})
					if i%10 == 0 {
						failures <- errors.Join(node.Flush(t.Context()), node.Seal(t.Context(), true))
					}
				}
				failures <- node.Close(t.Context())
			})
		}
		all.Wait()
		close(failures)
		for err := range failures {
			if err != nil {
				t.Fatal(err)
			}
		}
		found := verify(w)
		if found.Entries != 2*nodes*each || found.Unsealed != 0 {
			t.Errorf("%d nodes with %d entries: %+v", nodes, 2*each, found)
		}
	})
}

func TestNodesSealOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		other := audit.New(audit.Options{DB: w.DB, Vault: w.Vault, Now: w.Clock.Now, Log: platformtest.Quiet})
		for range 5 {
			for _, node := range []*audit.Log{w.Audit, other} {
				record(w, t.Context(), audit.Entry{Action: audit.Started})
				err := node.Seal(t.Context(), false)
				if err != nil {
					t.Fatal(err)
				}
				w.Clock.Advance(time.Second)
			}
			w.Clock.Advance(time.Minute)
		}
		if found := verify(w); found.Batches != 5 {
			t.Errorf("in 5 minutes: %+v", found)
		}
	})
}

func TestRetentionDropsWholeBatchesAndKeepsTheirHashes(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		const day = 24 * time.Hour
		log := audit.New(audit.Options{DB: w.DB, Vault: w.Vault, Now: w.Clock.Now, Log: platformtest.Quiet, Retention: 10 * day})
		for range 20 {
			record(w, t.Context(), audit.Entry{Action: audit.Started})
			seal(w)
			w.Clock.Advance(day)
		}
		anchor := find(w, audit.Filter{})[3]
		batches, err := store.AuditOf(w.DB.Read()).Batches(t.Context(), anchor.Batch, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := find(w, audit.Filter{})
		if ends := find(w, audit.Filter{Action: audit.Dropped}); len(ends) != 2 || ends[0].Details["first"] != "1" || ends[1].Details["last"] != "10" {
			t.Errorf("the end of the retention is recorded as %+v", ends)
		}
		for _, line := range left {
			if line.At.Before(w.Clock.Now().Add(-10 * day)) {
				t.Errorf("an entry of %v is left", line.At)
			}
		}
		found, err := log.Verify(t.Context(), audit.Anchor{Batch: anchor.Batch, Hash: batches[0].Hash})
		if err != nil || found.Batches != 20 || found.Dropped < 8 || found.Entries+found.Dropped != 20 {
			t.Errorf("verified: %+v, %v", found, err)
		}
		_, err = log.Verify(t.Context(), audit.Anchor{Batch: anchor.Batch, Hash: []byte("another")})
		if !errors.Is(err, audit.ErrBroken) {
			t.Errorf("another chain than the noted one: %v", err)
		}
	})
}

func TestEntriesWaitWhileTheDatabaseIsAway(t *testing.T) {
	each(t, func(t *testing.T, w *platformtest.World) {
		end := storetest.Outage(t, w.DB)
		for range 25_000 {
			w.Audit.Note(t.Context(), audit.Entry{Action: audit.SecretRefused, Outcome: audit.Refused})
		}
		if err := w.Audit.Flush(t.Context()); err == nil {
			t.Fatal("the database is not away")
		}
		end()
		var err error
		for range 50 { // connections that were lost are noticed one after the other
			err = w.Audit.Flush(t.Context())
			if err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 30_000)
		if err != nil {
			t.Fatal(err)
		}
		last := lines[slices.IndexFunc(lines, func(l audit.Line) bool { return l.Action == audit.Overflowed })]
		if len(lines) != 20_001 || last.Details["count"] != "5000" {
			t.Errorf("%d entries are stored, the one about the lost ones is %+v", len(lines), last)
		}
	})
}

func TestActionsAreListedOnceAndHaveGoodNames(t *testing.T) {
	for i, action := range audit.Actions {
		kind, verb, ok := strings.Cut(string(action), ".")
		if !ok || kind == "" || verb == "" || slices.Index(audit.Actions, action) != i {
			t.Errorf("%q", action)
		}
	}
}
