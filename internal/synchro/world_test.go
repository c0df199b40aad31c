package synchro_test

import (
	"net/url"
	"testing"

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
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: platformtest.New(t, db, platformtest.Options{Bank: testbank.Options{PageSize: 40}, PublicURL: "https://oxlin.example"})}
	w.caller = w.LicensedCaller()
	return w
}

// bankIs gives the banks of REDIRECT properties that the test bank does not have.
func (w *world) bankIs(like func(*stet.Connector) bank.Connector) {
	w.Catalogue.Catalogue = otherBank{w.Catalogue.Catalogue, like}
}

// otherBank is a catalogue whose connectors are wrapped by like.
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

// The actions of the world's user.

func (w *world) authorize(request connect.AuthorizeRequest, login string) *url.URL {
	return w.Authorize(w.caller, request, login)
}

func (w *world) arrive(back *url.URL) connect.CallbackResult { return w.Arrive(w.caller, back) }

func (w *world) connect(request connect.AuthorizeRequest, login string) oxlin.ConnectionID {
	return w.Connect(w.caller, request, login)
}

func (w *world) work() { w.Settle() }

func (w *world) synchronize(id oxlin.ConnectionID) { w.Synchronize(w.caller, id) }

func (w *world) connection(id oxlin.ConnectionID) oxlin.Connection { return w.Connection(w.caller, id) }

func (w *world) typed(login, password string) connect.CredentialValues {
	return w.Credentials(w.caller, login, password)
}

func (w *world) login(login, password string) oxlin.ConnectionID {
	return w.ConnectEmbedded(w.caller, login, password)
}

func (w *world) answer(id oxlin.ConnectionID, answers map[oxlin.CredentialID]string) {
	w.Answer(w.caller, id, answers)
}

func (w *world) bothChannels(credentials connect.CredentialValues) oxlin.ConnectionID {
	return w.ConnectBoth(w.caller, credentials)
}

// takeRun takes the job that has waited longest. There must be one.
func (w *world) takeRun() oxlin.SyncID {
	w.T.Helper()
	job, ok := w.Queue.TakeRun(jobstest.Any)
	if !ok {
		w.T.Fatal("no job waits")
	}
	return job.ID
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
