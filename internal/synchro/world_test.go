package synchro_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/testbank"
)

// world is a platform with a user of a licensed client.
type world struct {
	*platformtest.World
	caller oxlin.Caller
	key    oxlin.Key // for what clients encrypt, once a test needs it
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: platformtest.New(t, db, platformtest.Options{Bank: testbank.Options{PageSize: 40}, PublicURL: "https://oxlin.example"})}
	client := oxlin.Client{ID: "licensed", Name: "Licensed", Licensed: true, AnyRedirectURI: true}
	w.SaveClients(client)
	w.caller = oxlin.Caller{Client: client, UserID: w.NewUser(client), PSU: &oxlin.PSU{IP: "203.0.113.7"}}
	return w
}

// bankIs changes what the banks of REDIRECT are like, beyond what the test bank plays.
func (w *world) bankIs(like func(*stet.Connector) bank.Connector) {
	w.Catalogue.Catalogue = otherBank{w.Catalogue.Catalogue, like}
}

// otherBank is a catalogue whose banks are like no other.
type otherBank struct {
	connect.Catalogue
	like func(*stet.Connector) bank.Connector
}

func (o otherBank) Connector(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Connector, error) {
	connector, err := o.Catalogue.Connector(provider, definition)
	if err != nil {
		return nil, err
	}
	return o.like(connector.(*stet.Connector)), nil
}

// authorize sends the user to the bank and gives where the bank sends them back to.
func (w *world) authorize(request connect.AuthorizeRequest, login string) *url.URL {
	w.T.Helper()
	request.ProviderID, request.DefinitionID = "87", "8701"
	address, err := w.Service.Authorizations.Begin(w.T.Context(), w.caller, request)
	if err != nil {
		w.T.Fatal(err)
	}
	return w.LogIn(address, login)
}

// arrive finishes the callback of a journey.
func (w *world) arrive(back *url.URL) connect.CallbackResult {
	w.T.Helper()
	answer := back.Query()
	result, err := w.Service.Authorizations.Finish(w.T.Context(), connect.Callback{
		State: answer.Get("state"), Code: answer.Get("code"), Error: answer.Get("error"), PSU: w.caller.PSU,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return result
}

// connect is the whole journey of a user with the default file, up to the data.
func (w *world) connect(request connect.AuthorizeRequest, login string) oxlin.ConnectionID {
	w.T.Helper()
	request.ReturnURI = "https://integrator.example/return"
	result := w.arrive(w.authorize(request, login))
	if result.Status != "success" {
		w.T.Fatalf("the callback ended with %+v", result)
	}
	w.work()
	return result.ConnectionID
}

// patience is how far work moves the clock for a job that waits: beyond the
// pauses for a bank that is down, and short of the time that a user has to answer.
const patience = 100 * time.Second

// work runs the jobs until none is left but those that wait for a user.
func (w *world) work() {
	w.T.Helper()
	w.Work(func(run jobstest.Run) bool { return run.NotBefore.Sub(w.Clock.Now()) <= patience })
}

// takeRun takes the job that waits longest; there has to be one.
func (w *world) takeRun() oxlin.SyncID {
	w.T.Helper()
	job, ok := w.Queue.TakeRun(jobstest.Any)
	if !ok {
		w.T.Fatal("no job waits")
	}
	return job.ID
}

func (w *world) synchronize(id oxlin.ConnectionID) {
	w.T.Helper()
	err := w.Service.Connections.Synchronize(w.T.Context(), w.caller, id, oxlin.SyncAll)
	if err != nil {
		w.T.Fatal(err)
	}
	w.work()
}

func (w *world) connection(id oxlin.ConnectionID) oxlin.Connection {
	w.T.Helper()
	connection, err := w.Service.Connections.Get(w.T.Context(), w.caller, id)
	if err != nil {
		w.T.Fatal(err)
	}
	return connection
}

func (w *world) channel(id oxlin.ConnectionID) oxlin.Channel {
	w.T.Helper()
	channel, _ := w.connection(id).Channel("8701")
	return channel
}

func (w *world) accounts() []oxlin.Account { return w.Accounts(w.caller.UserID) }

func (w *world) transactions() []oxlin.Transaction { return w.Transactions(w.caller.UserID) }

func (w *world) eventTypes() []oxlin.EventType {
	w.T.Helper()
	var types []oxlin.EventType
	for _, e := range w.EventLog(w.caller.UserID) {
		types = append(types, e.Type)
	}
	return types
}
