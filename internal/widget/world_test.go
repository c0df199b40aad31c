package widget_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/widget"
)

// The clients of the tests. Sandbox clients may use any redirect URI, the others only
// registered ones.
var (
	sandbox  = client("sandbox", "Budget Malin", false)
	licensed = client("licensed", "Banque des Fleurs", true)
	shop     = client("shop", "Boutique", false,
		"https://shop.example.test/back", "https://shop.example.test/with?own=1&x=a%20b", "https://www.shop.example.test:8443/", "shop.example:/back", "http://127.0.0.1/back")
	bare = client("bare", "Sans adresse", false, "bare.example:/back")
)

// client has the secret "<id>-secret", and may return anywhere if no address is named.
func client(id oxlin.ClientID, name string, licensed bool, addresses ...string) oxlin.Client {
	return oxlin.Client{
		ID: id, Name: name, Licensed: licensed, RedirectURIs: addresses, AnyRedirectURI: len(addresses) == 0,
		Secrets: []oxlin.ClientSecret{{Hash: vault.HashToken(oxlin.NewSecret(string(id) + "-secret"))}},
	}
}

// world is the whole platform on one address.
type world struct {
	*platformtest.World
	path   string // of the SQLite file, if it is one
	auth   *auth.Server
	widget *widget.Widget
}

// eachWorld runs a test on both databases.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Parallel()
		test(t, newWorld(t, db, func(*widget.Options) {}))
	})
}

// oneWorld is for tests that do not depend on the database.
func oneWorld(t testing.TB) *world { return adjustedWorld(t, func(*widget.Options) {}) }

func adjustedWorld(t testing.TB, adjust func(*widget.Options)) *world {
	t.Helper()
	db, path := storetest.SQLite(t)
	w := newWorld(t, db, adjust)
	w.path = path
	return w
}

func newWorld(t testing.TB, db *store.DB, adjust func(*widget.Options)) *world {
	t.Helper()
	return newWorldOf(t, db, platformtest.Options{}, adjust)
}

func newWorldOf(t testing.TB, db *store.DB, choices platformtest.Options, adjust func(*widget.Options)) *world {
	t.Helper()
	w := &world{World: platformtest.New(t, db, choices)}
	w.auth = w.NewAuth(w.URL, nil)
	options := widget.Options{
		DB: db, Auth: w.auth, Users: w.Users, Service: w.Service, Vault: w.Vault, PublicURL: w.URL,
		Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	}
	adjust(&options)
	w.widget = widget.New(options)
	rest, err := api.New(api.Options{
		Auth: w.auth, Users: w.Users, Service: w.Service, Now: w.Clock.Now, Log: platformtest.Quiet, PublicURL: w.URL, Widget: w.widget,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.auth.Register(w.Mux)
	w.widget.Register(w.Mux)
	rest.Register(w.Mux)
	w.Mux.Handle("/", rest)
	w.SaveClients(sandbox, licensed, shop, bare)
	return w
}

// person is a user with the tokens that their client has for them.
type person struct {
	*world
	t       testing.TB
	client  oxlin.Client
	id      oxlin.UserID
	access  string
	refresh string
	family  string
}

// everything lists the scopes that a user's token may have.
var everything = oxlin.UserScopes()

// person creates a user who has accepted the terms, with tokens for all scopes or for the
// given ones.
func (w *world) person(t testing.TB, c oxlin.Client, scopes ...oxlin.Scope) *person {
	t.Helper()
	return w.signedIn(t, c, scopes, platformtest.AcceptTerms)
}

// stranger creates a user who has not accepted the terms.
func (w *world) stranger(t testing.TB, c oxlin.Client, scopes ...oxlin.Scope) *person {
	t.Helper()
	return w.signedIn(t, c, scopes)
}

func (w *world) signedIn(t testing.TB, c oxlin.Client, scopes oxlin.Scopes, adjust ...func(*oxlin.User)) *person {
	t.Helper()
	if len(scopes) == 0 {
		scopes = everything
	}
	p := &person{world: w, t: t, client: c, id: w.NewUser(c, adjust...), access: rand.Text(), refresh: rand.Text(), family: rand.Text()}
	w.Write(func(tx *store.Tx) error { return p.insertTokens(tx, scopes) })
	return p
}

// insertTokens stores the person's tokens, as after a sign-in now.
func (p *person) insertTokens(tx *store.Tx, scopes oxlin.Scopes) error {
	now := p.Clock.Now()
	for _, token := range []struct {
		kind  store.TokenKind
		value string
		life  time.Duration
	}{{store.AccessToken, p.access, time.Hour}, {store.RefreshToken, p.refresh, 90 * 24 * time.Hour}} {
		err := tx.Auth().InsertToken(context.Background(), store.Token{
			Hash: vault.HashToken(oxlin.NewSecret(token.value)), Kind: token.kind, Family: p.family, Client: p.client, UserID: p.id,
			Scopes: scopes, AuthenticatedAt: now, CreatedAt: now, ExpiresAt: now.Add(token.life),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// work runs the user's due jobs.
func (p *person) work() {
	p.t.Helper()
	p.Work(func(run jobstest.Run) bool { return run.User == p.id && p.Due(run) })
}

// caller returns the user as a caller of the hosted pages.
func (p *person) caller() oxlin.Caller {
	return oxlin.Caller{Client: p.client, UserID: p.id, Hosted: true, PSU: &oxlin.PSU{IP: "203.0.113.7"}}
}

func (p *person) connections() []oxlin.Connection {
	p.t.Helper()
	list, err := p.Service.Connections.List(p.t.Context(), p.caller())
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// connection returns the user's only connection.
func (p *person) connection() oxlin.Connection {
	p.t.Helper()
	list := p.connections()
	if len(list) != 1 {
		p.t.Fatalf("the user has %d connections, want 1", len(list))
	}
	return list[0]
}

func (p *person) channel(id oxlin.ChannelDefinitionID) oxlin.Channel {
	p.t.Helper()
	channel, _ := p.connection().Channel(id)
	return channel
}

func (p *person) accounts() []oxlin.Account { return p.Accounts(p.id) }

// statuses counts the user's accounts by status.
func (p *person) statuses() map[oxlin.AccountStatus]int {
	p.t.Helper()
	counts := map[oxlin.AccountStatus]int{}
	for _, account := range p.accounts() {
		counts[account.Status]++
	}
	return counts
}

func (p *person) transactions() int { return len(p.Transactions(p.id)) }

// consents returns the consents of the user's only connection.
func (p *person) consents() []oxlin.Consent { return p.Consents(p.connection().ID) }

func (p *person) events() []oxlin.Event { return p.EventLog(p.id) }

// form returns a form from alternating names and values.
func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// fresh issues new tokens for a person.
func (w *world) fresh(p *person) *person {
	p.t.Helper()
	p.access, p.refresh, p.family = rand.Text(), rand.Text(), rand.Text()
	w.Write(func(tx *store.Tx) error { return p.insertTokens(tx, everything) })
	return p
}
