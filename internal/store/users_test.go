package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestClientsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		client := oxlin.Client{
			ID: "b", Name: "Ünïcode 'quoted'", Secrets: []oxlin.ClientSecret{
				{Hash: []byte{0, 1, 255}, MadeAt: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), EndsAt: time.Date(2027, 11, 30, 9, 0, 0, 0, time.UTC)},
				{Hash: []byte{2}},
			},
			RedirectURIs: []string{"https://example.org/?a=b&c", "app://x"}, AnyRedirectURI: true, Sandbox: true, Licensed: true, CreatedAt: now.Add(time.Hour),
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.SaveClient(ctx, oxlin.Client{ID: "b", Name: "old", CreatedAt: now}), tx.SaveClient(ctx, client),
				tx.SaveClient(ctx, oxlin.Client{ID: "a", Sandbox: true}))
		})
		client.CreatedAt, client.Sandbox = now, false // once and for all
		got := must[[]oxlin.Client](t)(db.Read().Clients(t.Context()))
		if diff := difference([]oxlin.Client{{ID: "a", Sandbox: true}, client}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUsersComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		user := oxlin.User{
			ClientID: w.client, Email: "Marie@example.org", PasswordHash: "$argon2id$", TermsAcceptedAt: now, CreatedAt: now,
			Profile: oxlin.Profile{FirstName: "Marie", Birthdate: oxlin.NewDate(1980, 2, 29)},
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			user.ID, err = tx.InsertUser(ctx, user)
			return err
		})
		if diff := difference(user, must[oxlin.User](t)(db.Read().User(t.Context(), user.ID))); diff != "" {
			t.Error(diff)
		}
		user.Email, user.TermsAcceptedAt, user.Profile = "curie@example.org", time.Time{}, oxlin.Profile{}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, user) })
		if diff := difference(user, must[oxlin.User](t)(db.Read().UserByEmail(t.Context(), w.client, "curie@example.org"))); diff != "" {
			t.Error(diff)
		}
		_, err := db.Read().UserByEmail(t.Context(), w.client, "Marie@example.org")
		if !oxlin.IsNotFound(err) {
			t.Errorf("the old e-mail: %v; want not found", err)
		}
	})
}

func isEmailTaken(err error) bool {
	var shown *oxlin.Error
	return errors.As(err, &shown) && shown.Code == oxlin.CodeEmailTaken
}

func TestAnEmailIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var mu sync.Mutex
		var created []oxlin.UserID
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				var id oxlin.UserID
				err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
					id, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: w.client, Email: "same@example.org"})
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					created = append(created, id)
				} else if !isEmailTaken(err) {
					t.Errorf("error %v; want email_taken", err)
				}
			})
		}
		group.Wait()
		if len(created) != 1 {
			t.Errorf("created %v; want one", created)
		}
		// Another client may have the same e-mail.
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.SaveClient(ctx, oxlin.Client{ID: "other"})
			if err != nil {
				return err
			}
			_, err = tx.InsertUser(ctx, oxlin.User{ClientID: "other", Email: "same@example.org"})
			return err
		})
	})
}

func TestUsersCannotChangeToOneEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var group sync.WaitGroup
		var mu sync.Mutex
		changed := 0
		for range 6 {
			w := newWorld(t, db)
			user := must[oxlin.User](t)(db.Read().User(t.Context(), w.user))
			user.Email = "same@example.org"
			group.Go(func() {
				err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), user) })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					changed++
				} else if !isEmailTaken(err) {
					t.Errorf("error %v; want email_taken", err)
				}
			})
		}
		group.Wait()
		if changed != 1 {
			t.Errorf("%d users have the e-mail; want 1", changed)
		}
	})
}

// fill stores a row of every kind for a user.
func fill(t *testing.T, db *store.DB, w world) (queue oxlin.QueueID, sync oxlin.SyncID) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		sync, err = tx.InsertSynchronisation(ctx, w.synchronisation())
		if err != nil {
			return err
		}
		queue, err = tx.InsertQueue(ctx, oxlin.Queue{UserID: w.user}, now)
		if err != nil {
			return err
		}
		_, err = tx.AppendEvent(ctx, w.event())
		if err != nil {
			return err
		}
		_, err = tx.CountUnattended(ctx, w.user, []byte("accounts"), oxlin.NewDate(2026, 11, 3))
		return errors.Join(err,
			tx.InsertTransactions(ctx, w.user, w.records(3), now),
			tx.StagePage(ctx, sync, w.account, 0, []byte("page")),
			tx.SetAccess(ctx, w.channel, []byte("access")),
			tx.InsertConsent(ctx, oxlin.Consent{UserID: w.user, ConnectionID: w.connection, ChannelID: w.channel, GivenAt: now}),
			tx.ForgetAccount(ctx, w.connection, []byte("identity")),
			tx.InsertAuthorization(ctx, store.Authorization{
				StateHash: []byte{byte(w.user)}, UserID: w.user, ConnectionID: w.connection, Verifier: []byte("v"), ExpiresAt: now.Add(time.Hour),
			}))
	})
	return queue, sync
}

func TestAUserIsDeletedWithEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		gone, stays := newWorld(t, db), newWorld(t, db)
		queue, sync := fill(t, db, gone)
		fill(t, db, stays)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUser(ctx, gone.user) })
		read, ctx := db.Read(), t.Context()
		for what, find := range map[string]func() error{
			"user":            func() error { _, err := read.User(ctx, gone.user); return err },
			"connection":      func() error { _, err := read.Connection(ctx, gone.connection); return err },
			"channel":         func() error { _, err := read.Channel(ctx, gone.channel); return err },
			"access":          func() error { _, err := read.Access(ctx, gone.channel); return err },
			"account":         func() error { _, err := read.Account(ctx, gone.account); return err },
			"synchronisation": func() error { _, err := read.Synchronisation(ctx, sync); return err },
			"queue":           func() error { _, err := read.Queue(ctx, queue); return err },
			"authorisation":   func() error { _, err := read.Authorization(ctx, []byte{byte(gone.user)}); return err },
		} {
			err := find()
			if !oxlin.IsNotFound(err) {
				t.Errorf("%s: %v; want not found", what, err)
			}
		}
		transactions := must[[]oxlin.Transaction](t)
		if left := transactions(read.Transactions(ctx, gone.user, store.TransactionFilter{}, 0, 10)); len(left) != 0 {
			t.Errorf("%d transactions are left", len(left))
		}
		if left := must[[]oxlin.Event](t)(read.Events(ctx, gone.user, 0, 10)); len(left) != 0 {
			t.Errorf("%d events are left", len(left))
		}
		if left := transactions(read.Transactions(ctx, stays.user, store.TransactionFilter{}, 0, 10)); len(left) != 3 {
			t.Errorf("another user has %d transactions; want 3", len(left))
		}
	})
}

func TestAConnectionIsDeletedWithWhatItHas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		_, sync := fill(t, db, w)
		manual := w.newAccount(oxlin.AccountSavings)
		manual.ConnectionID = 0
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			manual.ID, err = tx.InsertAccount(ctx, manual)
			return errors.Join(err, tx.DropEvents(ctx, w.user, w.connection), tx.DeleteConnection(ctx, w.connection))
		})
		read, ctx := db.Read(), t.Context()
		_, err := read.Synchronisation(ctx, sync)
		if !oxlin.IsNotFound(err) {
			t.Errorf("synchronisation: %v; want not found", err)
		}
		if left := must[[]oxlin.Transaction](t)(read.Transactions(ctx, w.user, store.TransactionFilter{}, 0, 10)); len(left) != 0 {
			t.Errorf("%d transactions are left", len(left))
		}
		if left := must[[][]byte](t)(read.ForgottenAccounts(ctx, w.connection)); len(left) != 0 {
			t.Errorf("%d forgotten accounts are left", len(left))
		}
		if diff := difference([]oxlin.Account{manual}, must[[]oxlin.Account](t)(read.AccountsOfUser(ctx, w.user))); diff != "" {
			t.Error(diff)
		}
		// The numbers of events continue, and the user still exists.
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			id, err := tx.AppendEvent(ctx, w.event())
			if id != 2 {
				t.Errorf("the next event is %v; want 2", id)
			}
			return err
		})
	})
}

func TestIdsAreNeverUsedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUser(ctx, first.user) })
		second := newWorld(t, db)
		if second.user <= first.user || second.connection <= first.connection || second.account <= first.account {
			t.Errorf("ids %+v after %+v", second, first)
		}
	})
}
