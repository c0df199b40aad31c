package platformtest

import (
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/vault"
)

// LicensedCaller returns a new user, present, of a client that may do all without the widget.
func (w *World) LicensedCaller() oxlin.Caller {
	w.T.Helper()
	client := oxlin.Client{ID: "licensed", Name: "Licensed", Licensed: true, AnyRedirectURI: true}
	w.SaveClients(client)
	return oxlin.Caller{Client: client, UserID: w.NewUser(client), PSU: &oxlin.PSU{IP: "203.0.113.7"}}
}

// Authorize sends a user to the test bank, by its STET interface unless the request names
// another one, and returns the address that the bank redirects to.
func (w *World) Authorize(caller oxlin.Caller, request connect.AuthorizeRequest, login string) *url.URL {
	w.T.Helper()
	if request.ProviderID == "" {
		request.ProviderID, request.DefinitionID = "87", "8701"
	}
	departure, err := w.Service.Authorizations.Leave(w.T.Context(), caller, request)
	back := w.LogIn(require(w, departure, err).Address, login)
	w.left.Store(departure.Key, departure.Browser)
	return back
}

// Left returns the cookie of the browser that Authorize sent to the bank with a state.
func (w *World) Left(state string) oxlin.Secret {
	browser, _ := w.left.Load(connect.ReturnKey(state))
	secret, _ := browser.(oxlin.Secret)
	return secret
}

// Arrive finishes the callback of a user who returns from the bank, in the browser that left.
func (w *World) Arrive(caller oxlin.Caller, back *url.URL) connect.CallbackResult {
	w.T.Helper()
	fragment, err := url.ParseQuery(back.EscapedFragment())
	if err != nil {
		w.T.Fatal(err)
	}
	answer := back.Query()
	if back.Fragment != "" {
		answer = fragment
	}
	result, err := w.Service.Authorizations.Finish(w.T.Context(), connect.Callback{
		State: answer.Get("state"), Query: back.Query(), Fragment: fragment, Browser: w.Left(answer.Get("state")), PSU: caller.PSU,
	})
	return require(w, result, err)
}

// Connect makes a connection by the REDIRECT channel and reads its accounts.
func (w *World) Connect(caller oxlin.Caller, request connect.AuthorizeRequest, login string) oxlin.ConnectionID {
	w.T.Helper()
	request.ReturnURI = "https://integrator.example/return"
	result := w.Arrive(caller, w.Authorize(caller, request, login))
	if result.Status != "success" {
		w.T.Fatalf("the callback ended with %+v", result)
	}
	w.Settle()
	return result.ConnectionID
}

// patience is how far Settle moves the clock for a job: beyond the pauses for a bank that
// is down, and short of the time that a user has to answer.
const patience = 100 * time.Second

// Settle runs the jobs until all that are left wait for a user.
func (w *World) Settle() {
	w.T.Helper()
	w.Work(func(run jobstest.Run) bool { return run.NotBefore.Sub(w.Clock.Now()) <= patience })
}

// Synchronize reads a connection again.
func (w *World) Synchronize(caller oxlin.Caller, id oxlin.ConnectionID) {
	w.T.Helper()
	err := w.Service.Connections.Synchronize(w.T.Context(), caller, id, oxlin.SyncAll)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
}

// Connection returns a connection as its user sees it.
func (w *World) Connection(caller oxlin.Caller, id oxlin.ConnectionID) oxlin.Connection {
	w.T.Helper()
	connection, err := w.Service.Connections.Get(w.T.Context(), caller, id)
	return require(w, connection, err)
}

// Credentials returns the credentials of the EMBEDDED channel as a client sends them.
func (w *World) Credentials(caller oxlin.Caller, login, password string) connect.CredentialValues {
	w.T.Helper()
	key, known := w.keys[caller.UserID]
	if !known {
		id, err := w.Service.Keys.Create(w.T.Context(), caller)
		key, err = w.Service.Keys.Get(w.T.Context(), caller, require(w, id, err))
		w.keys[caller.UserID] = require(w, key, err)
	}
	encrypted, err := vault.Encrypt(key.Public, oxlin.NewSecret(password))
	return connect.CredentialValues{
		KeyID: key.ID, Values: map[oxlin.CredentialID]string{"300": login, "301": require(w, encrypted, err)},
	}
}

// ConnectEmbedded makes a connection by the EMBEDDED channel and works until the bank asks a
// question or all is read.
func (w *World) ConnectEmbedded(caller oxlin.Caller, login, password string) oxlin.ConnectionID {
	w.T.Helper()
	id, err := w.Service.Credentials.Connect(w.T.Context(), caller, connect.NewConnection{
		ProviderID: "87", DefinitionID: "8700", Credentials: w.Credentials(caller, login, password), AutoSync: true,
	})
	require(w, id, err)
	w.Settle()
	return id
}

// Answers to the questions of the test bank.
var (
	SendSMS   = map[oxlin.CredentialID]string{"304": "true"}
	RightCode = map[oxlin.CredentialID]string{"306": "123456", "307": "true"}
)

// Answer answers the question of the EMBEDDED channel and works on.
func (w *World) Answer(caller oxlin.Caller, id oxlin.ConnectionID, answers map[oxlin.CredentialID]string) {
	w.T.Helper()
	err := w.Service.Credentials.Answer(w.T.Context(), caller, id, "8700", connect.UserInput{Answers: answers})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
}

// ConnectBoth makes a connection with both channels.
func (w *World) ConnectBoth(caller oxlin.Caller, credentials connect.CredentialValues) oxlin.ConnectionID {
	w.T.Helper()
	id := w.Connect(caller, connect.AuthorizeRequest{AutoSync: true}, "dev")
	err := w.Service.Credentials.Replace(w.T.Context(), caller, id, "8700", credentials)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
	w.Answer(caller, id, SendSMS)
	w.Answer(caller, id, RightCode)
	return id
}
