package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// The webhooks of a client arrive while the servers of others let theirs hang.
func TestWebhooksArriveBesideServersThatHang(t *testing.T) {
	db, _ := storetest.SQLite(t)
	engine, err := jobs.New(jobs.Options{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = engine.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := platformtest.NewVault(t)
	clients := directory.NewClients(db, v, newAudit(db, v), time.Now, rand.Reader, notify.Settings(notify.Ways())...)
	notifier, err := notify.New(notify.Options{DB: db, Queue: engine, Clients: clients, Process: notify.Process{
		Works: true, Render: func(oxlin.Event) ([]byte, error) { return []byte("{}"), nil },
	}}, notify.Ways()...)
	if err != nil {
		t.Fatal(err)
	}
	log := event.Log{Listener: notifier}

	var hang atomic.Int32
	goOn, arrived := make(chan bool), make(chan bool, 100)
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		hang.Add(1)
		<-goOn
	}))
	healthy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- true }))
	t.Cleanup(healthy.Close)
	t.Cleanup(hanging.Close)

	record := func(client oxlin.ClientID, url string, events int) {
		t.Helper()
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			err := tx.SaveClient(t.Context(), oxlin.Client{ID: client, Name: string(client), Settings: oxlin.Settings{"webhook_url": {Value: url}}, CreatedAt: time.Now()})
			if err != nil {
				return err
			}
			user, err := tx.InsertUser(t.Context(), oxlin.User{ClientID: client, Email: rand.Text(), CreatedAt: time.Now()})
			if err != nil {
				return err
			}
			for range events {
				_, err = log.Append(t.Context(), tx, oxlin.Event{
					UserID: user, Type: oxlin.SyncAll.SuccessEvent(), ChannelDefinition: "1", At: time.Now(),
					Connection: oxlin.Connection{UserID: user, Channels: []oxlin.Channel{{DefinitionID: "1", Status: oxlin.ChannelSuccess}}},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range []oxlin.ClientID{"a", "b", "c", "d", "e"} {
		record(client, hanging.URL, 20)
	}
	err = engine.Start(t.Context(), worker{Notifier: notifier})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(goOn)
		err := engine.Stop(t.Context())
		if err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	for hang.Load() < 5 {
		time.Sleep(10 * time.Millisecond)
	}
	record("healthy", healthy.URL, 10)
	begun := time.Now()
	for range 10 {
		select {
		case <-arrived:
		case <-time.After(20 * time.Second):
			t.Fatal("a webhook waits for the servers that hang")
		}
	}
	t.Logf("ten webhooks took %s beside five servers that hang", time.Since(begun))
	if n := hang.Load(); n != 5 {
		t.Errorf("%d webhooks hang; want one of each of five clients", n)
	}
}
