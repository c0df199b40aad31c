package connect_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func codeOf(err error) oxlin.Code {
	if err == nil {
		return ""
	}
	return oxlin.AsError(err).Code
}

// What users make by the dozen has an end.
func TestCaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		queue, err := w.Service.Queues.Subscribe(t.Context(), w.caller)
		if err != nil {
			t.Fatal(err)
		}
		for _, cap := range []struct {
			name  string
			make  func() error
			most  int
			error oxlin.Code
		}{
			{"authorisations", func() error {
				_, err := w.Service.Authorizations.Begin(t.Context(), w.caller, connect.AuthorizeRequest{
					ProviderID: "87", DefinitionID: "8701", ReturnURI: "https://integrator.example/return",
				})
				return err
			}, 200, oxlin.CodeTooManyRequests},
			{"manual accounts", func() error {
				_, err := w.Service.Accounts.Create(t.Context(), w.caller, connect.NewAccount{Name: "Cash", Type: oxlin.AccountCheckings, Currency: "EUR"})
				return err
			}, 500, oxlin.CodeConflict},
		} {
			made := 0
			for err = cap.make(); err == nil && made < 2*cap.most; err = cap.make() {
				made++
			}
			if made != cap.most || codeOf(err) != cap.error {
				t.Errorf("%s: %d, then %v; want %d, then %s", cap.name, made, err, cap.most, cap.error)
			}
		}
		_, err = w.Service.Queues.Poll(t.Context(), w.caller, queue, nil)
		if err != nil {
			t.Errorf("the first of some 200 queues: %v", err)
		}
		var last oxlin.QueueID
		for range 500 {
			last, err = w.Service.Queues.Subscribe(t.Context(), w.caller)
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.Service.Queues.Poll(t.Context(), w.caller, queue, nil)
		if codeOf(err) != oxlin.CodeNotFound {
			t.Errorf("the first of 700 queues: %v", err)
		}
		_, err = w.Service.Queues.Poll(t.Context(), w.caller, last, nil)
		if err != nil {
			t.Errorf("the last queue: %v", err)
		}
		w.Clock.Advance(2 * time.Hour)
		address, err := w.Service.Authorizations.Begin(t.Context(), w.caller, connect.AuthorizeRequest{
			ProviderID: "87", DefinitionID: "8701", ReturnURI: "https://integrator.example/return",
		})
		if err != nil || address == "" {
			t.Errorf("after the authorisations have expired: %v", err)
		}
	})
}

func TestKeysEnd(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	unused, err := w.Service.Keys.Create(t.Context(), w.caller)
	if err != nil {
		t.Fatal(err)
	}
	w.login("dev", "dev")
	used := w.typed("dev", "dev").KeyID
	if used == unused {
		t.Fatal("the credentials are encrypted for the other key")
	}
	w.Clock.Advance(61 * 24 * time.Hour)
	_, err = w.Service.Keys.Create(t.Context(), w.caller)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Keys.Get(t.Context(), w.caller, unused)
	if codeOf(err) != oxlin.CodeNotFound {
		t.Errorf("the unused key: %v", err)
	}
	_, err = w.Service.Keys.Get(t.Context(), w.caller, used)
	if err != nil {
		t.Errorf("the key of stored credentials: %v", err)
	}
}

func TestUsersWhoAskAgainAndAgainWait(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	id := w.connect(connect.AuthorizeRequest{}, "dev")
	w.Service = connect.New(connect.Options{
		DB: db, Vault: w.Vault, Catalogue: w.Catalogue, Engine: w.Engine, Events: w.Events, CallbackURL: "https://oxlin.example/oauth2/aisp",
		Attended: pace.Burst(2, 30*time.Second), Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	})
	ask := func() error { return w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll) }
	for i, step := range []struct {
		settle bool
		after  time.Duration
		want   oxlin.Code
	}{
		{want: ""}, {want: ""}, {want: ""}, // it runs already
		{settle: true, want: ""},
		{settle: true, want: oxlin.CodeTooManyRequests},
		{after: 30 * time.Second, want: ""},
		{settle: true, want: oxlin.CodeTooManyRequests},
	} {
		if step.settle {
			w.work()
		}
		w.Clock.Advance(step.after)
		err := ask()
		if codeOf(err) != step.want {
			t.Errorf("synchronisation %d: %v; want %q", i+1, err, step.want)
		}
		if step.want != "" && oxlin.AsError(err).RetryAfter == 0 {
			t.Errorf("synchronisation %d has no Retry-After", i+1)
		}
	}
	started, err := w.Service.Connections.SynchronizeAll(t.Context(), w.caller, oxlin.SyncAll)
	if err != nil || len(started) != 0 {
		t.Errorf("all at once: %v, %v", started, err)
	}
	// Nobody waits for a synchronisation without the user.
	w.caller.PSU = nil
	if err := ask(); err != nil {
		t.Errorf("without the user: %v", err)
	}
}
