package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// saves stores a client of that name.
func saves(ctx context.Context, name string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error { return tx.SaveClient(ctx, oxlin.Client{ID: oxlin.ClientID(name)}) }
}

// names returns the names of the stored clients, in their order.
func names(t *testing.T, db *store.DB) []string {
	t.Helper()
	list := []string{}
	for _, c := range must[[]oxlin.Client](t)(db.Read().Clients(t.Context())) {
		list = append(list, string(c.ID))
	}
	slices.Sort(list)
	return list
}

// line makes writers wait one behind the other while the first one has the turn: their
// transaction is the same one on SQLite, unless one is long.
type line struct {
	t       *testing.T
	db      *store.DB
	group   sync.WaitGroup
	begun   chan bool
	release chan bool
	ends    map[string]error
	mutex   sync.Mutex
}

func newLine(t *testing.T, db *store.DB) *line {
	l := &line{t: t, db: db, begun: make(chan bool), release: make(chan bool), ends: map[string]error{}}
	l.group.Go(func() {
		var once sync.Once
		l.end("first", db.Write(t.Context(), func(tx *store.Tx) error {
			once.Do(func() { close(l.begun); <-l.release })
			return saves(t.Context(), "first")(tx)
		}))
	})
	<-l.begun
	return l
}

func (l *line) end(name string, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.ends[name] = err
}

// add adds a writer, and returns when it waits. It does not wait for long on PostgreSQL.
func (l *line) add(ctx context.Context, name string, f func(tx *store.Tx) error) {
	before := l.db.Waiting()
	l.group.Go(func() {
		defer func() {
			if panicked := recover(); panicked != nil {
				l.end(name, panicked.(error))
			}
		}()
		l.end(name, l.db.Write(ctx, f))
	})
	for deadline := time.Now().Add(5 * time.Second); l.db.Dialect() == store.SQLite && l.db.Waiting() == before; {
		if time.Now().After(deadline) {
			l.t.Fatalf("%s does not wait", name)
		}
		time.Sleep(time.Millisecond)
	}
}

// finish lets the first writer end, waits for all, and returns how each ended.
func (l *line) finish() map[string]error {
	close(l.release)
	l.group.Wait()
	return l.ends
}

// Writers that wait at once may share a transaction. Each has its own end all the same: what
// succeeded is stored, what failed is not, and nobody is disturbed by another's failure.
func TestWritersThatWaitAtOnceHaveEachItsOwnEnd(t *testing.T) {
	failure := errors.New("failure")
	for name, c := range map[string]struct {
		second func(ctx context.Context, cancel func(), tx *store.Tx) error
		want   error
	}{
		"success": {second: func(ctx context.Context, _ func(), tx *store.Tx) error { return saves(ctx, "second")(tx) }},
		"an error after a write": {want: failure, second: func(ctx context.Context, _ func(), tx *store.Tx) error {
			return errors.Join(saves(ctx, "second")(tx), failure)
		}},
		"a panic after a write": {want: failure, second: func(ctx context.Context, _ func(), tx *store.Tx) error {
			_ = saves(ctx, "second")(tx)
			panic(failure)
		}},
		"a caller that goes away": {want: context.Canceled, second: func(ctx context.Context, cancel func(), tx *store.Tx) error {
			err := saves(ctx, "second")(tx)
			cancel()
			return err
		}},
		"a statement that the database refuses": {want: errRefused, second: func(ctx context.Context, _ func(), tx *store.Tx) error {
			_, err := tx.InsertUser(ctx, oxlin.User{ClientID: "nobody"})
			if err == nil {
				return saves(ctx, "second")(tx)
			}
			return fmt.Errorf("%w: %w", errRefused, err)
		}},
		"a failure that undoes everything": {want: failure, second: func(ctx context.Context, _ func(), tx *store.Tx) error {
			err := saves(ctx, "second")(tx)
			if sqlite := tx.SQLite(); err == nil && sqlite != nil {
				// SQLite does so by itself when the disk is full.
				_, err = sqlite.ExecContext(ctx, "ROLLBACK")
			}
			return errors.Join(err, failure)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				l := newLine(t, db)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				l.add(t.Context(), "before", saves(t.Context(), "before"))
				l.add(ctx, "second", func(tx *store.Tx) error { return c.second(ctx, cancel, tx) })
				l.add(t.Context(), "third", saves(t.Context(), "third"))
				want := []string{"before", "first", "third"}
				if c.want == nil {
					want = []string{"before", "first", "second", "third"}
				}
				ends := l.finish()
				for who, err := range ends {
					if who == "second" && !errors.Is(err, c.want) || who != "second" && err != nil {
						t.Errorf("%s: %v", who, err)
					}
				}
				if len(ends) != 4 {
					t.Errorf("%d ends: %v", len(ends), slices.Collect(maps.Keys(ends)))
				}
				if diff := cmp.Diff(want, names(t, db)); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			})
		})
	}
}

var errRefused = errors.New("refused")

// A caller that no longer waits leaves the line; the others move up.
func TestAWriterThatGoesAwayBeforeItsTurnKeepsNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLine(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 3 {
			l.add(ctx, fmt.Sprint("gone ", i), saves(ctx, "gone"))
			l.add(t.Context(), fmt.Sprint("stays ", i), saves(t.Context(), fmt.Sprint("stays ", i)))
		}
		if db.Dialect() == store.SQLite {
			cancel()
		}
		ends := l.finish()
		cancel()
		for i := range 3 {
			if err := ends[fmt.Sprint("stays ", i)]; err != nil {
				t.Error(err)
			}
			if err := ends[fmt.Sprint("gone ", i)]; db.Dialect() == store.SQLite && !errors.Is(err, context.Canceled) {
				t.Errorf("gone %d: %v", i, err)
			}
		}
	})
}

// A quick writer is answered before a long one that came after it begins.
func TestNobodyWaitsForALongWriterAfterHavingWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLine(t, db)
		answered := make(chan bool)
		l.group.Go(func() {
			defer close(answered)
			l.end("quick", db.Write(t.Context(), saves(t.Context(), "quick")))
		})
		for db.Dialect() == store.SQLite && db.Waiting() == 0 {
			time.Sleep(time.Millisecond)
		}
		l.add(store.Long(t.Context()), "long", func(tx *store.Tx) error {
			select {
			case <-answered:
				return saves(t.Context(), "long")(tx)
			case <-time.After(10 * time.Second):
				return errors.New("the quick one waits")
			}
		})
		for who, err := range l.finish() {
			if err != nil {
				t.Errorf("%s: %v", who, err)
			}
		}
	})
}

// Many writers at once, some of which fail: the database holds what was promised, and no more.
func TestAThousandWritersKeepTheirPromises(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var group sync.WaitGroup
		var mutex sync.Mutex
		want := []string{}
		for caller := range 20 {
			group.Go(func() {
				for i := range 50 {
					name, ctx := fmt.Sprintf("%02d-%02d", caller, i), t.Context()
					if i%10 == 3 {
						ctx = store.Long(ctx)
					}
					err := db.Write(ctx, func(tx *store.Tx) error {
						err := saves(ctx, name)(tx)
						if err == nil && i%7 == caller%7 {
							err = errRefused
						}
						return err
					})
					switch {
					case err == nil:
						mutex.Lock()
						want = append(want, name)
						mutex.Unlock()
					case !errors.Is(err, errRefused):
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		slices.Sort(want)
		if diff := cmp.Diff(want, names(t, db)); diff != "" {
			t.Errorf("stored (-promised +got):\n%s", diff)
		}
	})
}

// SQLite parses a prepared statement anew at each change of a bare parameter after LIMIT.
func TestNoStatementIsParsedAnewForItsLimit(t *testing.T) {
	bare := regexp.MustCompile(`LIMIT ([?@]|" \+ r\.dialect)`)
	files := must[[]string](t)(filepath.Glob("query/*.sql"))
	files = append(files, must[[]string](t)(filepath.Glob("*.go"))...)
	if len(files) < 20 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		if found := bare.Find(must[[]byte](t)(os.ReadFile(file))); found != nil && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s: %s", file, found)
		}
	}
}
