package console_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// hostile is a name that contains HTML and scripts.
const hostile = `<script>alert(1)</script>"'&<img src=x onerror=alert(2)>`

// seeded is a client with one user, who has a connection with one account.
type seeded struct {
	client         oxlin.Client
	user           oxlin.User
	connection     oxlin.Connection
	channel        oxlin.ChannelID
	userPath       string
	connectionPath string
}

func (w *world) seed(t *testing.T) *seeded {
	t.Helper()
	now := w.Clock.Now().Add(-24 * time.Hour)
	s := &seeded{
		client: oxlin.Client{
			ID: "budget", Name: "Budget " + hostile, Secrets: []oxlin.ClientSecret{{Hash: vault.HashToken(oxlin.NewSecret("secret-of-budget"))}},
			RedirectURIs: []string{"https://budget.test/back"}, CreatedAt: now,
		},
		user: oxlin.User{
			ClientID: "budget", Email: `jo` + hostile + `@example.test`, PasswordHash: "$argon2id$hash", CreatedAt: now,
			Profile: oxlin.Profile{LastName: "Marie Curie"}, TermsVersion: "2026-11", TermsAcceptedAt: now,
		},
		connection: oxlin.Connection{
			ProviderID: "87", Name: "Banque " + hostile, CreatedAt: now, Owner: oxlin.Owner{Name: "Marie Curie", PhoneNumber: "06 12 34"},
		},
	}
	w.Write(func(tx *store.Tx) (err error) {
		err = tx.SaveClient(t.Context(), s.client)
		if err != nil {
			return err
		}
		s.user.ID, err = tx.InsertUser(t.Context(), s.user)
		if err != nil {
			return err
		}
		s.connection.UserID = s.user.ID
		s.connection.ID, err = tx.InsertConnection(t.Context(), s.connection)
		if err != nil {
			return err
		}
		s.channel, err = tx.InsertChannel(t.Context(), oxlin.Channel{
			ConnectionID: s.connection.ID, DefinitionID: "8701", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelSuccess,
			LastSuccessAt: now, NextSyncAt: now.Add(48 * time.Hour), ConsentUntil: now.Add(180 * 24 * time.Hour),
		})
		if err != nil {
			return err
		}
		err = tx.SaveCredential(t.Context(), s.channel, store.SealedCredential{Credential: oxlin.Credential{ID: "300", Masked: "UEFTU1dPUkQ"}, Value: []byte("sealed access")})
		if err != nil {
			return err
		}
		return tx.SetAccess(t.Context(), s.channel, []byte("sealed access"))
	})
	s.userPath = "/console/users/" + s.user.ID.String()
	s.connectionPath = "/console/connections/" + s.connection.ID.String()
	return s
}

// connect adds a connection of the user at a provider and returns its channel.
func (w *world) connect(t *testing.T, s *seeded, provider oxlin.ProviderID) (id oxlin.ChannelID) {
	t.Helper()
	w.Write(func(tx *store.Tx) error {
		connection, err := tx.InsertConnection(t.Context(), oxlin.Connection{UserID: s.user.ID, ProviderID: provider, Name: "Bank", CreatedAt: w.Clock.Now()})
		if err != nil {
			return err
		}
		id, err = tx.InsertChannel(t.Context(), oxlin.Channel{ConnectionID: connection, DefinitionID: "1", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelNever})
		return err
	})
	return id
}

// past is a synchronisation in the past: ago is when it began, took its duration. With
// a duration of zero it has not ended.
type past struct {
	kind    oxlin.SyncKind
	outcome oxlin.ChannelStatus
	problem string
	ago     time.Duration
	took    time.Duration
	new     int
	psu     *oxlin.PSU
}

func (w *world) sync(t *testing.T, channel oxlin.ChannelID, was past) {
	t.Helper()
	w.Write(func(tx *store.Tx) (err error) {
		s := oxlin.Synchronisation{
			ChannelID: channel, Kind: was.kind, State: oxlin.SyncRunning, PSU: was.psu, StartedAt: w.Clock.Now().Add(-was.ago),
		}
		s.ID, err = tx.InsertSynchronisation(t.Context(), s)
		if err != nil || was.took == 0 {
			return err
		}
		s.State, s.EndedAt, s.Outcome, s.Problem, s.NewTransactions = oxlin.SyncEnded, s.StartedAt.Add(was.took), was.outcome, was.problem, was.new
		return tx.UpdateSynchronisation(t.Context(), s)
	})
}
