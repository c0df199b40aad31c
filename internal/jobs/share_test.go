package jobs_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
)

// crowd enqueues runs at banks, and lets those that run wait until the test ends them.
type crowd struct {
	t        *testing.T
	db       *store.DB
	engine   *jobs.Engine
	mutex    sync.Mutex
	next     oxlin.SyncID
	channels map[string]oxlin.ChannelID
	names    map[oxlin.SyncID]string
	began    chan string
	goOn     chan bool
}

func newCrowd(t *testing.T, db *store.DB, workers int) *crowd {
	return &crowd{
		t: t, db: db, engine: engine(t, db, jobs.Options{Workers: workers}), channels: map[string]oxlin.ChannelID{},
		names: map[oxlin.SyncID]string{}, began: make(chan string, 100), goOn: make(chan bool),
	}
}

// channel returns the channel of a client's user at a bank.
func (c *crowd) channel(client oxlin.ClientID, bank oxlin.ProviderID) oxlin.ChannelID {
	c.t.Helper()
	name := string(client) + " at " + string(bank)
	if id, known := c.channels[name]; known {
		return id
	}
	err := c.db.Write(c.t.Context(), func(tx *store.Tx) error {
		ctx := c.t.Context()
		err := tx.SaveClient(ctx, oxlin.Client{ID: client, Name: string(client), CreatedAt: time.Now()})
		if err != nil {
			return err
		}
		user, err := tx.InsertUser(ctx, oxlin.User{ClientID: client, Email: rand.Text(), CreatedAt: time.Now()})
		if err != nil {
			return err
		}
		connection, err := tx.InsertConnection(ctx, oxlin.Connection{UserID: user, ProviderID: bank, CreatedAt: time.Now()})
		if err != nil {
			return err
		}
		c.channels[name], err = tx.InsertChannel(ctx, oxlin.Channel{
			ConnectionID: connection, DefinitionID: "1", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelRunning,
		})
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.channels[name]
}

// add enqueues some runs of one name.
func (c *crowd) add(n int, name string, client oxlin.ClientID, bank oxlin.ProviderID, psu *oxlin.PSU) {
	c.t.Helper()
	channel := c.channel(client, bank)
	err := c.db.Write(c.t.Context(), func(tx *store.Tx) error {
		for range n {
			c.mutex.Lock()
			c.next++
			id := c.next
			c.names[id] = name
			c.mutex.Unlock()
			err := c.engine.EnqueueRun(c.t.Context(), tx, oxlin.Synchronisation{ID: id, ChannelID: channel, PSU: psu}, time.Time{})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) name(id oxlin.SyncID) string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.names[id]
}

func (c *crowd) start() {
	start(c.t, c.engine, service{run: func(_ context.Context, id oxlin.SyncID) error {
		c.began <- c.name(id)
		<-c.goOn
		return nil
	}})
	c.t.Cleanup(func() { close(c.goOn) }) // before the engine stops
}

// running returns how many runs of each name have begun, once no more begin.
func (c *crowd) running() map[string]int {
	began := map[string]int{}
	for {
		select {
		case name := <-c.began:
			began[name]++
		case <-time.After(1500 * time.Millisecond):
			return began
		}
	}
}

var present = &oxlin.PSU{IP: "203.0.113.7"}

func TestABankHasTheWorkersThatNobodyElseWants(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db, 4)
		c.start()
		c.add(20, "absent", "a", "1", nil)
		if got := c.running(); got["absent"] != 3 {
			t.Errorf("%d runs at a bank that nobody shares; want 3 of 4", got["absent"])
		}
		c.add(20, "present", "a", "1", present)
		if got := c.running(); got["present"] != 1 {
			t.Errorf("%d runs of users who are present; want the fourth worker", got["present"])
		}
	})
}

// The jobs of each neighbour begin while those before it hang.
func TestNeighboursAreServedBesideWhateverHangs(t *testing.T) {
	for _, test := range []struct {
		name  string
		crowd func(c *crowd)
		late  func(c *crowd)
	}{
		{"one bank", func(c *crowd) { c.add(50, "hangs", "a", "1", present) }, func(c *crowd) { c.add(1, "late", "a", "2", nil) }},
		{"three banks", func(c *crowd) {
			for _, bank := range []oxlin.ProviderID{"1", "2", "3"} {
				c.add(20, "hangs", "a", bank, present)
			}
		}, func(c *crowd) { c.add(1, "late", "b", "4", present) }},
		{"one client at many banks", func(c *crowd) {
			for _, bank := range []oxlin.ProviderID{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
				c.add(10, "hangs", "a", bank, present)
			}
		}, func(c *crowd) { c.add(1, "late", "b", "10", present) }},
		{"nobody present", func(c *crowd) {
			for _, bank := range []oxlin.ProviderID{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
				c.add(10, "hangs", oxlin.ClientID("c"+bank), bank, nil)
			}
		}, func(c *crowd) { c.add(1, "late", "c1", "1", present) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB) {
				c := newCrowd(t, db, 8)
				test.crowd(c)
				c.start()
				if got := c.running(); got["hangs"] == 0 {
					t.Fatal("nothing hangs")
				}
				test.late(c)
				if got := c.running(); got["late"] != 1 {
					t.Error("the neighbour waits for those that hang")
				}
			})
		})
	}
}

func TestABankThatIsSilentHasOneWorkerUntilItAnswers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var silent atomic.Bool
		silent.Store(true)
		bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if silent.Load() {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush() // a header is no answer
				<-r.Context().Done()
			}
		}))
		t.Cleanup(bank.Close)
		c := newCrowd(t, db, 8)
		var now, most atomic.Int32
		ended := make(chan bool, 100)
		calls := &http.Client{Transport: c.engine.Watch(http.DefaultTransport), Timeout: 200 * time.Millisecond}
		start(t, c.engine, service{run: func(ctx context.Context, _ oxlin.SyncID) error {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, bank.URL, nil)
			if err != nil {
				return err
			}
			response, err := calls.Do(request)
			if err == nil {
				buffer := make([]byte, 1)
				_, _ = response.Body.Read(buffer)
				response.Body.Close()
			}
			if !silent.Load() {
				time.Sleep(100 * time.Millisecond) // so that the others begin beside it
			}
			now.Add(-1)
			ended <- true
			return nil
		}})
		c.add(1, "", "a", "1", present)
		wait(t, ended)
		c.add(10, "", "a", "1", present)
		for range 4 {
			wait(t, ended)
		}
		if most.Load() != 1 {
			t.Errorf("%d workers wait for a bank that is silent; want 1", most.Load())
		}
		silent.Store(false)
		for range 6 {
			wait(t, ended)
		}
		c.add(20, "", "a", "1", present)
		for range 20 {
			wait(t, ended)
		}
		if most.Load() < 4 {
			t.Errorf("%d workers at once for a bank that answers again; want more", most.Load())
		}
	})
}

// Jobs of a bank that is called as often as it allows wait where they are.
func TestABankThatIsHeldCostsNoWrites(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db, 4)
		c.engine.Hold("1", time.Now().Add(time.Hour))
		c.add(10, "held", "a", "1", present)
		c.add(1, "free", "a", "2", present)
		c.start()
		if got := c.running(); got["held"] != 0 || got["free"] != 1 {
			t.Errorf("began %v; want the free bank's alone", got)
		}
		if taken := count(t, db, "SELECT count(*) FROM river_job WHERE kind = 'run' AND attempt > 0"); taken != 1 {
			t.Errorf("%d jobs were taken; want 1", taken)
		}
		c.engine.Hold("2", time.Now().Add(200*time.Millisecond))
		c.add(10, "one by one", "a", "2", present)
		if got := c.running(); got["one by one"] != 0 { // the free one runs still
			t.Errorf("began %v; want one at a time after the pause", got)
		}
	})
}

// Webhooks of one client go one by one, and those of a client whose server fails wait.
func TestWebhooksOfAClientWaitForNoOther(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		var mutex sync.Mutex
		told := map[oxlin.UserID]int{}
		var order []oxlin.EventID
		var busy atomic.Int32
		good, hang := make(chan bool, 100), make(chan bool)
		start(t, e, service{tell: func(user oxlin.UserID, event oxlin.EventID, _ string) error {
			mutex.Lock()
			told[user]++
			mutex.Unlock()
			switch user {
			case 1:
				if busy.Add(1) > 1 {
					t.Error("two webhooks of one client at once")
				}
				defer busy.Add(-1)
				mutex.Lock()
				order = append(order, event)
				mutex.Unlock()
				good <- true
				return nil
			case 2:
				return context.DeadlineExceeded
			}
			<-hang
			return nil
		}})
		t.Cleanup(func() { close(hang) }) // before the engine stops
		enqueue := func(client oxlin.ClientID, user oxlin.UserID) {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				for event := range oxlin.EventID(20) {
					err := e.EnqueueNotify(t.Context(), tx, client, user, event, "")
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
		for _, client := range []oxlin.ClientID{"h1", "h2", "h3", "h4", "h5"} {
			enqueue(client, 3)
		}
		enqueue("fails", 2)
		time.Sleep(500 * time.Millisecond)
		enqueue("good", 1)
		for range 20 {
			wait(t, good)
		}
		mutex.Lock()
		defer mutex.Unlock()
		if told[3] > 5 {
			t.Errorf("%d webhooks at once for five clients whose servers hang", told[3])
		}
		if told[2] > 4 {
			t.Errorf("%d webhooks were sent to a client whose server fails", told[2])
		}
		if !slices.IsSorted(order) {
			t.Errorf("webhooks went in the order %v", order)
		}
	})
}

// Each reader has its own share of a client's notifications: one that fails is left alone,
// one that hangs holds one worker, and neither delays the jobs that split or another reader.
func TestAReaderThatFailsDelaysNoOther(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		const events = 20
		var mutex sync.Mutex
		told := map[string][]oxlin.EventID{}
		var busy atomic.Int32
		done, hang := make(chan bool, 2*events), make(chan bool)
		start(t, e, service{tell: func(_ oxlin.UserID, event oxlin.EventID, reader string) error {
			mutex.Lock()
			told[reader] = append(told[reader], event)
			mutex.Unlock()
			switch reader {
			case "webhook":
				return context.DeadlineExceeded
			case "pager":
				<-hang
				return nil
			case "mail":
				if busy.Add(1) > 1 {
					t.Error("two mails of one client at once")
				}
				defer busy.Add(-1)
			}
			done <- true
			return nil
		}})
		t.Cleanup(func() { close(hang) }) // before the engine stops
		enqueue := func(readers ...string) {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				for event := range oxlin.EventID(events) {
					for _, reader := range readers {
						err := e.EnqueueNotify(t.Context(), tx, "client", 1, event, reader)
						if err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		enqueue("webhook", "pager")
		time.Sleep(500 * time.Millisecond)
		enqueue("", "mail")
		for range 2 * events {
			wait(t, done)
		}
		mutex.Lock()
		defer mutex.Unlock()
		if n := len(told["webhook"]); n == 0 || n > 4 {
			t.Errorf("%d webhooks were sent to a server that fails", n)
		}
		if n := len(told["pager"]); n != 1 {
			t.Errorf("%d calls of a pager that hangs", n)
		}
		for _, reader := range []string{"", "mail"} {
			if !slices.IsSorted(told[reader]) {
				t.Errorf("the jobs of %q went in the order %v", reader, told[reader])
			}
		}
	})
}

// Webhooks end after a day: for a server that stays down, those of one day wait at most.
func TestWebhooksOfYesterdayEnd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		for event, age := range []string{"26", "2"} {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				return e.EnqueueNotify(t.Context(), tx, "down", 1, oxlin.EventID(event), "")
			})
			if err != nil {
				t.Fatal(err)
			}
			alter(t, db,
				"UPDATE river_job SET state = 'retryable', created_at = datetime('now', '-"+age+" hours'), scheduled_at = datetime('now', '+1 hour') WHERE state = 'available'",
				"UPDATE river_job SET state = 'retryable', created_at = now() - interval '"+age+" hours', scheduled_at = now() + interval '1 hour' WHERE state = 'available'")
		}
		swept := make(chan bool, 10)
		start(t, e, service{sweep: func() error { swept <- true; return nil }})
		wait(t, swept)
		if left := count(t, db, "SELECT count(*) FROM river_job WHERE kind = 'notify'"); left != 1 {
			t.Errorf("%d webhooks wait; want the one of today", left)
		}
	})
}

// count returns the number that a query of the engine's table gives.
func count(t *testing.T, db *store.DB, query string) (n int) {
	t.Helper()
	var err error
	if db.Dialect() == store.SQLite {
		err = db.SQLite().QueryRowContext(t.Context(), query).Scan(&n)
	} else {
		err = db.Postgres().QueryRow(t.Context(), query).Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A synchronisation that waits for long keeps its job, and nothing is written to see that.
func TestLostSynchronisations(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		done := make(chan bool, 10)
		enqueue(t, db, e, 1, time.Time{})
		start(t, e, service{run: func(context.Context, oxlin.SyncID) error { done <- true; return nil }})
		wait(t, done)
		stop(t, e)
		for id := range oxlin.SyncID(3) {
			enqueue(t, db, e, 2+id, time.Now().Add(time.Hour))
		}
		lost, err := e.Lost(t.Context(), []oxlin.SyncID{1, 2, 4, 5})
		if err != nil || !slices.Equal(lost, []oxlin.SyncID{1, 5}) {
			t.Errorf("lost are %v, %v; want 1, whose job has ended, and 5, which had none", lost, err)
		}
	})
}
