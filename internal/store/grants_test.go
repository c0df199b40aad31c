package store_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// tokenOf is the hash of the access token of a test's sign-in.
func tokenOf(family string) []byte { return fmt.Appendf(nil, "%-32s", family) }

// signIn stores an access token of a user, in a family of its own.
func signIn(t *testing.T, db *store.DB, w world, family string) []byte {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.Auth().InsertToken(ctx, store.Token{
			Hash: tokenOf(family), Kind: store.AccessToken, Family: family, Client: oxlin.Client{ID: w.client}, UserID: w.user,
			Scopes: oxlin.Scopes{oxlin.ScopeOpenID}, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	return tokenOf(family)
}

// keep reads a grant until it is kept in memory.
func keep(t *testing.T, db *store.DB, hash []byte) {
	t.Helper()
	before := db.KeptGrants()
	for end := time.Now().Add(20 * time.Second); db.KeptGrants() == before; time.Sleep(time.Millisecond) {
		_, err := db.Grant(t.Context(), hash, now)
		if err != nil || time.Now().After(end) {
			t.Fatalf("the grant is not kept: %v", err)
		}
	}
}

// Each write that changes what a token allows is in force when it returns, in the process that
// writes and, within a second, in another one. Other sign-ins stay in memory.
func TestAGrantIsForgottenByTheCommitThatChangesIt(t *testing.T) {
	type change struct {
		name string
		do   func(ctx context.Context, tx *store.Tx, w world) error
		// gone grants are not found; others are found with what was changed.
		gone bool
		// all is set if the change concerns the other user's grant too.
		all bool
	}
	for _, c := range []change{
		{"a sign-in ends", func(ctx context.Context, tx *store.Tx, w world) error {
			return tx.Auth().DropTokens(ctx, store.AccessToken, "mine")
		}, true, false},
		{"a user ends a sign-in", func(ctx context.Context, tx *store.Tx, w world) error {
			_, err := tx.Auth().DropSignIn(ctx, w.user, "mine")
			return err
		}, true, false},
		{"a user signs out everywhere", func(ctx context.Context, tx *store.Tx, w world) error {
			return tx.Auth().DropSignIns(ctx, w.user, "")
		}, true, false},
		{"a user is deleted", func(ctx context.Context, tx *store.Tx, w world) error { return tx.DeleteUser(ctx, w.user) }, true, false},
		{"a user accepts the terms", func(ctx context.Context, tx *store.Tx, w world) error {
			user, err := tx.Read().User(ctx, w.user)
			if err != nil {
				return err
			}
			user.TermsVersion, user.TermsAcceptedAt = "changed", now
			return tx.UpdateUser(ctx, user)
		}, false, false},
		{"a client is disabled", func(ctx context.Context, tx *store.Tx, w world) error {
			return tx.SaveClient(ctx, oxlin.Client{ID: w.client, Name: "changed", Disabled: true, CreatedAt: now})
		}, false, true},
		{"a client begins to be deleted", func(ctx context.Context, tx *store.Tx, w world) error {
			return tx.Clients().BeginDeletion(ctx, w.client)
		}, false, true},
		{"a clock is put right", func(ctx context.Context, tx *store.Tx, w world) error {
			return store.ClockOf(tx).EndFuture(ctx, now.Add(-time.Hour), oxlin.Date{})
		}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, address := range storetest.Addresses(t) {
				t.Run(name, func(t *testing.T) {
					db, other := opened(t, address), opened(t, address)
					mine, theirs := newWorld(t, db), newWorld(t, db)
					hash, untouched := signIn(t, db, mine, "mine"), signIn(t, db, theirs, "theirs")
					for _, process := range []*store.DB{db, other} {
						keep(t, process, hash)
						keep(t, process, untouched)
						_ = must[oxlin.Client](t)(process.Client(t.Context(), mine.client))
					}
					before := must[store.Grant](t)(db.Grant(t.Context(), hash, now))
					write(t, db, func(ctx context.Context, tx *store.Tx) error { return c.do(ctx, tx, mine) })
					check := func(process *store.DB) string {
						client, err := process.Client(t.Context(), mine.client)
						stored := must[oxlin.Client](t)(db.Read().Client(t.Context(), mine.client))
						if changed := difference(stored, client); err != nil || changed != "" {
							return fmt.Sprintf("the client is not the stored one: %v\n%s", err, changed)
						}
						after, err := process.Grant(t.Context(), hash, now)
						switch {
						case c.gone && !oxlin.IsNotFound(err):
							return fmt.Sprintf("the grant is answered with %v", err)
						case c.gone:
							return ""
						case err != nil:
							return err.Error()
						case difference(before, after) == "":
							return "the grant is the one from before"
						}
						return ""
					}
					if fault := check(db); fault != "" {
						t.Error("the writing process: " + fault)
					}
					written := time.Now()
					for fault := check(other); fault != ""; fault = check(other) {
						if db.Dialect() == store.SQLite || time.Since(written) > time.Second {
							t.Fatalf("another process, after %v: %s", time.Since(written), fault)
						}
					}
					if kept := db.KeptGrants(); !c.all && kept == 0 {
						t.Error("the neighbour's grant is forgotten")
					}
				})
			}
		})
	}
}

// opened opens and migrates a database, as a process does.
func opened(t *testing.T, address string) *store.DB {
	t.Helper()
	db := must[*store.DB](t)(store.Open(t.Context(), address, store.Options{Relaxed: true}))
	t.Cleanup(func() {
		err := db.Close()
		if err != nil {
			t.Error(err)
		}
	})
	err := db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// While many read, another process ends sign-ins. No read that begins after the end of one finds it:
// at once on SQLite, after a second on PostgreSQL.
func TestNoGrantOutlivesItsRevocation(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			serving, command := opened(t, address), opened(t, address)
			w := newWorld(t, serving)
			var ended atomic.Int64 // the sign-ins before this one have ended
			var reads atomic.Int64
			stop := make(chan struct{})
			var group sync.WaitGroup
			defer func() { close(stop); group.Wait() }()
			const sessions = 6
			for n := range sessions {
				signIn(t, serving, w, fmt.Sprint("session ", n))
			}
			for range 16 {
				group.Go(func() {
					for n := int64(0); ; n = (n + 1) % sessions {
						select {
						case <-stop:
							return
						default:
						}
						before := ended.Load()
						_, err := serving.Grant(context.Background(), tokenOf(fmt.Sprint("session ", n)), now)
						reads.Add(1)
						if n < before && err == nil {
							t.Errorf("session %d has ended, and is found", n)
							return
						}
						if n >= before+sessions && !oxlin.IsNotFound(err) {
							t.Error(err)
						}
					}
				})
			}
			for n := range sessions {
				write(t, command, func(ctx context.Context, tx *store.Tx) error {
					return tx.Auth().DropTokens(ctx, store.AccessToken, fmt.Sprint("session ", n))
				})
				if serving.Dialect() == store.Postgres {
					time.Sleep(time.Second)
				}
				ended.Store(int64(n) + 1)
				for seen := reads.Load(); reads.Load() < seen+200 && !t.Failed(); {
					time.Sleep(100 * time.Microsecond)
				}
			}
		})
	}
}

// While the connection that brings PostgreSQL's notifications is lost, each read asks the
// database; when it is back, grants are kept again.
func TestALostConnectionForNotificationsKeepsNoGrant(t *testing.T) {
	address := storetest.Postgres(t)
	serving, command := opened(t, address), opened(t, address)
	w := newWorld(t, serving)
	lost, later := signIn(t, serving, w, "lost"), signIn(t, serving, w, "later")
	keep(t, serving, lost)
	keep(t, serving, later)
	run := func(statement string) {
		t.Helper()
		_, err := command.Postgres().Exec(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
	}
	admit := "UPDATE pg_database SET datallowconn = %t WHERE datname = current_database()"
	run("SELECT 1") // this connection stays
	run(fmt.Sprintf(admit, false))
	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'oxlin_grants'")
	write(t, command, func(ctx context.Context, tx *store.Tx) error {
		return tx.Auth().DropTokens(ctx, store.AccessToken, "lost")
	})
	for written := time.Now(); time.Since(written) < 2*time.Second; time.Sleep(time.Millisecond) {
		began := time.Since(written)
		_, err := serving.Grant(t.Context(), lost, now)
		if !oxlin.IsNotFound(err) && (err != nil || began > time.Second) {
			t.Fatalf("after %v: %v", began, err)
		}
	}
	_, err := serving.Grant(t.Context(), later, now)
	if kept := serving.KeptGrants(); err != nil || kept != 0 {
		t.Errorf("%d grants are kept while nothing is heard: %v", kept, err)
	}
	run(fmt.Sprintf(admit, true))
	keep(t, serving, later)
}

// A grant that was read before a change is not kept after it.
func TestAGrantReadBeforeItsRevocationIsNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, hash := signIn(t, db, w, "first"), signIn(t, db, w, "mine")
		keep(t, db, first)
		err := db.GrantBefore(t.Context(), hash, now, func() {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.Auth().DropTokens(ctx, store.AccessToken, "mine")
			})
			_, _ = db.Grant(t.Context(), first, now) // another request has seen the change
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Grant(t.Context(), hash, now)
		if !oxlin.IsNotFound(err) {
			t.Errorf("it is found: %v", err)
		}
	})
}

// A process that looks again after more changes than the table keeps forgets everything.
func TestMissedChangesForgetEveryGrant(t *testing.T) {
	address := storetest.Addresses(t)["SQLite"]
	serving, command := opened(t, address), opened(t, address)
	w := newWorld(t, serving)
	hash := signIn(t, serving, w, "mine")
	keep(t, serving, hash)
	write(t, command, func(ctx context.Context, tx *store.Tx) error {
		err := tx.Auth().DropTokens(ctx, store.AccessToken, "mine")
		for n := 0; err == nil && n < 1100; n++ {
			err = tx.Auth().DropTokens(ctx, store.AccessToken, fmt.Sprint("other ", n))
		}
		return err
	})
	_, err := serving.Grant(t.Context(), hash, now)
	if !oxlin.IsNotFound(err) {
		t.Errorf("a change that was trimmed is missed: %v", err)
	}
	var rows int
	err = command.SQLite().QueryRowContext(t.Context(), "SELECT count(*) FROM grant_changes").Scan(&rows)
	if err != nil || rows != 1000 {
		t.Errorf("%d changes are stored: %v", rows, err)
	}
}

// The memory is bounded, and a token that has expired is not found.
func TestGrantsAreBounded(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		for n := range store.MostGrants + 10 {
			err := tx.Auth().InsertToken(ctx, store.Token{
				Hash: tokenOf(fmt.Sprint(n)), Kind: store.AccessToken, Family: fmt.Sprint(n), Client: oxlin.Client{ID: w.client}, UserID: w.user,
				CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for n := range store.MostGrants + 10 {
		_, err := db.Grant(t.Context(), tokenOf(fmt.Sprint(n)), now)
		if err != nil {
			t.Fatal(err)
		}
	}
	if kept := db.KeptGrants(); kept != store.MostGrants {
		t.Errorf("%d grants are kept", kept)
	}
	_, err := db.Grant(t.Context(), tokenOf("10"), now.Add(time.Hour))
	if !oxlin.IsNotFound(err) {
		t.Errorf("an expired token is found: %v", err)
	}
}

// grantWrites lists the writes of the tables from which a grant is read. They call changeGrants, or have
// their reason.
var grantWrites = map[string]string{
	"InsertToken":        "a new token is in nobody's memory",
	"UseToken":           "codes and refresh tokens are used; they are not kept",
	"DropTokensOfFamily": "told",
	"DropTokensOfUser":   "told",
	"DropTokensOfSignIn": "told",
	"DropExpiredTokens":  "told",
	"DropTokensOfClient": "told",
	"DropSandboxTokens":  "told with the end of the sandbox",
	"SaveClient":         "told",
	"MarkClientDeleting": "told",
	"DeleteClient":       "told",
	"DropSandboxClients": "told with the end of the sandbox",
	"InsertUser":         "a new user has no token",
	"UpdateUser":         "told",
	"DeleteUser":         "told",
	"MarkUserDeleting":   "told",
	"DropDeletingUsers":  "told when they were marked",
	"DropSandboxUsers":   "told with the end of the sandbox",
	"NextEventID":        "no grant has the column",
	"ForgetEvents":       "no grant has the column",
	"EndQueues":          "no grant has the column",
	"LockUser":           "no grant has the column",
	"SetLastImport":      "no grant has the column",
	"clock.go":           "told",
	"emails.go":          "no grant has the column",
}

// TestEveryWriteOfGrantsIsKnown finds the writes that a new query adds.
func TestEveryWriteOfGrantsIsKnown(t *testing.T) {
	writes := regexp.MustCompile(`(?i)\b(UPDATE|DELETE FROM|INSERT INTO|REPLACE INTO)\s+(oauth_tokens|clients|users)\b`)
	found := map[string]bool{}
	for name, text := range queries(t) {
		if writes.MatchString(text) {
			found[strings.ToUpper(name[:1])+name[1:]] = true
		}
	}
	for _, file := range must[[]string](t)(filepath.Glob("*.go")) {
		if !strings.HasSuffix(file, "_test.go") && writes.Match(must[[]byte](t)(os.ReadFile(file))) {
			found[file] = true
		}
	}
	if want, got := slices.Sorted(maps.Keys(grantWrites)), slices.Sorted(maps.Keys(found)); !slices.Equal(want, got) {
		t.Errorf("the writes are not the known ones, which call changeGrants or have a reason:\n%s", difference(want, got))
	}
}
