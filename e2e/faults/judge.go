package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
)

// judge looks at what a journey has left, when the fault has ended, and synchronises once
// more: then all rows of the bank are there once, under the ids that they had.
func (w *world) judge(ctx context.Context, t *travel) {
	ctx, cancel := context.WithTimeout(ctx, w.settings.patience)
	defer cancel()
	err := t.settleDown(ctx)
	if err != nil {
		t.violate("after the fault: %v", err)
		return
	}
	if t.deleted {
		t.judgeDeleted(ctx)
		w.result.judge()
		return
	}
	err = t.synchroniseOnceMore(ctx)
	if err != nil {
		t.violate("the last synchronisation: %v", err)
		return
	}
	t.judgeRows(ctx)
	t.judgeEvents(ctx)
	w.result.judge()
}

// settleDown signs in again and leaves at most one connection, which does not run.
func (t *travel) settleDown(ctx context.Context) error {
	if t.EndUser == nil {
		err := t.arrive(ctx)
		if err != nil {
			return err
		}
	}
	session, err := t.User.Integrator.UserToken(ctx, fmt.Sprintf("jo-%d@example.test", t.number), journey.Password)
	if err != nil {
		return err
	}
	t.User = session
	if t.deleted {
		return nil
	}
	var connections []scenario.Connection
	err = t.User.Get(ctx, "/connections", &connections)
	if err != nil {
		return err
	}
	if t.Connection == "" && len(connections) > 0 {
		t.Connection = connections[0].ID
	}
	for _, connection := range connections {
		if connection.ID == t.Connection {
			continue
		}
		// A request without an answer was repeated: it took effect twice.
		err := t.User.Delete(ctx, "/connections/"+connection.ID)
		if err != nil {
			return err
		}
	}
	if t.Connection == "" {
		return nil
	}
	var why reason
	err = t.settle(ctx)
	if errors.As(err, &why) {
		return nil
	}
	return err
}

// synchroniseOnceMore lets the user repair what they have to, and reads everything.
func (t *travel) synchroniseOnceMore(ctx context.Context) error {
	if t.Connection == "" {
		err := t.connect(ctx)
		if err != nil {
			return err
		}
	}
	connection, err := t.User.Connection(ctx, t.Connection)
	if err != nil {
		return err
	}
	for _, channel := range connection.Channels {
		if channel.Status == "SUCCESS" || channel.Status == "EMPTY" {
			continue
		}
		var err error
		if channel.DefinitionID == redirect {
			err = t.connect(ctx)
		} else {
			err = t.addEmbedded(ctx)
		}
		var why reason
		if err != nil && !errors.As(err, &why) { // another channel may still be as it was
			return fmt.Errorf("repair of channel %s: %w", channel.DefinitionID, err)
		}
	}
	_, err = t.User.Post(ctx, "/connections/"+t.Connection+"/synchronize", map[string]string{"type": "ALL"}, nil)
	if err != nil {
		return err
	}
	return t.settle(ctx)
}

// rows reads all accounts and transactions, and compares the ids with those that were seen.
func (t *travel) rows(ctx context.Context) (map[row]int, []scenario.Account, error) {
	accounts, err := t.User.Accounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	transactions, err := t.User.Transactions(ctx)
	if err != nil {
		return nil, nil, err
	}
	name := map[string]string{}
	for _, account := range accounts {
		name[account.ID] = account.Name
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, nil, err
	}
	found := map[row]int{}
	ids := map[string]bool{}
	for _, x := range transactions {
		one := row{name[x.AccountID], time.Unix(x.Date, 0).In(paris).Format(time.DateOnly), x.Amount.String()}
		found[one]++
		if ids[x.ID] {
			t.violate("transaction %s is listed twice", x.ID)
		}
		ids[x.ID] = true
		if before, known := t.seen[x.ID]; known && before != one {
			t.violate("transaction %s was %v and is %v", x.ID, before, one)
		}
		t.seen[x.ID] = one
	}
	for id, one := range t.seen {
		if !ids[id] {
			t.violate("transaction %s, %v, is gone", id, one)
		}
	}
	return found, accounts, nil
}

// judgeRows compares with the bank's truth.
func (t *travel) judgeRows(ctx context.Context) {
	found, listed, err := t.rows(ctx)
	if err != nil {
		t.violate("reading: %v", err)
		return
	}
	connection, err := t.User.Connection(ctx, t.Connection)
	if err != nil {
		t.violate("reading: %v", err)
		return
	}
	byWeb := slices.ContainsFunc(connection.Channels, func(c scenario.Channel) bool {
		return c.DefinitionID == embedded && c.Status != "EMPTY"
	})
	truth := t.world.people.all[t.number].truth(byWeb)
	for one, n := range truth {
		if found[one] < n {
			t.violate("%v is lost: the bank has it %d times, the platform %d times", one, n, found[one])
		}
	}
	for one, n := range found {
		if truth[one] < n {
			t.violate("%v is doubled: the platform has it %d times, the bank %d times", one, n, truth[one])
		}
	}
	want := 2
	if byWeb {
		want = len(accounts)
	}
	if len(listed) != want {
		t.violate("%d accounts, want %d: %+v", len(listed), want, listed)
	}
	for _, account := range listed {
		if account.Status != "ACTIVE" || account.Balance.String() != balance {
			t.violate("account %s is %s with %s, want ACTIVE with %s", account.Name, account.Status, account.Balance, balance)
		}
	}
}

// judgeDeleted checks that nothing is left of a deleted connection but its last event.
func (t *travel) judgeDeleted(ctx context.Context) {
	err := t.User.Get(ctx, "/connections/"+t.Connection, nil)
	if !journey.Refused(err, http.StatusNotFound) {
		t.violate("the deleted connection: %v", err)
	}
	listed, err := t.User.Accounts(ctx)
	if err != nil || len(listed) > 0 {
		t.violate("a deleted connection leaves %+v, %v", listed, err)
	}
	events, err := t.User.PollAfter(ctx, t.Queue, "0")
	deleted := 0
	for _, event := range events {
		if event.Type == "CONNECTION_DELETED" {
			deleted++
		}
	}
	if err != nil || deleted != 1 {
		t.violate("the deletion was told %d times: %v", deleted, err)
	}
}

// judgeEvents reads the queue from its start: every event is there once, in the same order as
// before, and each synchronisation that begins ends.
func (t *travel) judgeEvents(ctx context.Context) {
	err := t.Converse(ctx)
	if err != nil {
		t.violate("events: %v", err)
		return
	}
	again, err := t.User.PollAfter(ctx, t.Queue, "0")
	if err != nil {
		t.violate("events: %v", err)
		return
	}
	if len(again) != len(t.Events) {
		t.violate("the queue tells %d events, and told %d", len(again), len(t.Events))
		return
	}
	running := map[string]string{}
	for i, event := range again {
		if event.ID != t.Events[i].ID || event.Type != t.Events[i].Type {
			t.violate("event %d is %s %s, and was %s %s", i, event.ID, event.Type, t.Events[i].ID, t.Events[i].Type)
		}
		kind, begins := strings.CutSuffix(event.Type, "_RUNNING")
		ended, succeeded := strings.CutSuffix(event.Type, "_SUCCESS")
		failed, fails := strings.CutSuffix(event.Type, "_FAILED")
		switch {
		case begins:
			running[event.Channel] = kind
		case succeeded && (ended == "SYNC_ALL" || ended == "LIST_ACCOUNTS"), fails && (failed == "SYNC_ALL" || failed == "LIST_ACCOUNTS"):
			if kind := running[event.Channel]; kind != ended && kind != failed {
				t.violate("event %s, %s: %q was running", event.ID, event.Type, kind)
			}
			delete(running, event.Channel)
		}
	}
	for channel, kind := range running {
		t.violate("%s of channel %s began and told no end", kind, channel)
	}
}

// inspect looks at what the platform has left: rows, logs, the audit log.
func (w *world) inspect(ctx context.Context) error {
	for _, n := range w.nodes {
		err := n.end(syscall.SIGTERM)
		if err != nil {
			w.result.violate(everyJourney, "a node: %v", err)
		}
	}
	output, err := exec.CommandContext(ctx, w.settings.binary, "audit", "verify", "--data", w.folder, "--database", w.database).CombinedOutput()
	if err != nil {
		w.result.violate(everyJourney, "oxlin audit verify: %v: %s", err, output)
	}
	db, err := store.Open(ctx, w.database, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	for what, query := range map[string]string{
		"synchronisations without an end": "SELECT count(*) FROM synchronisations WHERE state <> 'ENDED'",
		"channels that are RUNNING":       "SELECT count(*) FROM channels WHERE status = 'RUNNING'",
	} {
		n := 0
		if db.Dialect() == store.Postgres {
			err = db.Postgres().QueryRow(ctx, query).Scan(&n)
		} else {
			err = db.SQLite().QueryRowContext(ctx, query).Scan(&n)
		}
		if err != nil {
			return err
		}
		if n > 0 {
			w.result.violate(everyJourney, "%d %s", n, what)
		}
	}
	return w.readLogs()
}
