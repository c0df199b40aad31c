package directory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// bothTokens stores a token of a client, and one of its user, and returns their values.
func bothTokens(t *testing.T, w *platformtest.World, client oxlin.Client, user oxlin.UserID) []oxlin.Secret {
	t.Helper()
	var tokens []oxlin.Secret
	for i, of := range []oxlin.UserID{0, user} {
		value := oxlin.NewSecret(string(client.ID) + string(rune('a'+i)))
		tokens = append(tokens, value)
		w.Write(func(tx *store.Tx) error {
			return tx.Auth().InsertToken(t.Context(), store.Token{
				Hash: vault.HashToken(value), Kind: store.AccessToken, Family: string(client.ID), Client: client, UserID: of,
				CreatedAt: w.Clock.Now(), ExpiresAt: w.Clock.Now().Add(time.Hour),
			})
		})
	}
	return tokens
}

func TestADeletedClientIsGoneForEver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := platformtest.New(t, db, platformtest.Options{})
		server := w.NewAuth("http://platform.test", nil)
		caller := w.LicensedCaller()
		leaving := caller.Client
		w.Connect(caller, connect.AuthorizeRequest{}, "dev")
		for range 4 {
			w.NewUser(leaving)
		}
		staying, secret, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Staying"})
		if err != nil {
			t.Fatal(err)
		}
		neighbour := w.NewUser(staying)
		gone, kept := bothTokens(t, w, leaving, caller.UserID), bothTokens(t, w, staying, neighbour)

		if shown := oxlin.AsError(w.Clients.Delete(t.Context(), leaving.ID, false)); shown.Code != oxlin.CodeConflict {
			t.Errorf("with users, not confirmed: %v", shown)
		}
		if _, err := server.Authenticate(t.Context(), gone[0]); err != nil {
			t.Errorf("a refused deletion has begun: %v", err)
		}
		if err := w.Clients.Delete(t.Context(), "nobody", true); !oxlin.IsNotFound(err) {
			t.Errorf("an unknown client: %v", err)
		}
		err = w.Clients.Delete(t.Context(), leaving.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(when string) {
			t.Helper()
			for _, token := range gone {
				if _, err := server.Authenticate(t.Context(), token); oxlin.AsError(err).Code != oxlin.CodeInvalidToken {
					t.Errorf("%s, its token: %v", when, err)
				}
			}
			if _, err := server.AuthenticateClient(t.Context(), leaving.ID, oxlin.Secret{}); oxlin.AsError(err).Code != oxlin.CodeInvalidClient {
				t.Errorf("%s, the client: %v", when, err)
			}
			if _, err := w.Clients.Get(t.Context(), leaving.ID); !oxlin.IsNotFound(err) {
				t.Errorf("%s, it is found: %v", when, err)
			}
			for what, err := range map[string]error{
				"enabled": w.Clients.SetDisabled(t.Context(), leaving.ID, false), "changed": w.Clients.Change(t.Context(), leaving),
				"deleted again": w.Clients.Delete(t.Context(), leaving.ID, true),
			} {
				if !oxlin.IsNotFound(err) {
					t.Errorf("%s, it is %s: %v", when, what, err)
				}
			}
			list, err := w.Clients.List(t.Context())
			if err != nil || len(list) != 1 || list[0].ID != staying.ID {
				t.Errorf("%s, the clients are %v, %v", when, list, err)
			}
		}
		refused("before a sweep")
		if _, _, err := w.Clients.Create(t.Context(), directory.NewClient{ID: leaving.ID, Name: "Other"}); oxlin.AsError(err).Code != oxlin.CodeConflict {
			t.Errorf("its id is given again: %v", err)
		}

		// A sweep does what its bound allows, and a stop in the middle loses nothing.
		w.Users.LimitSweep(2)
		for want := int64(3); want > 0; want -= 2 {
			err = w.Users.Sweep(t.Context())
			left, countErr := db.Read().CountUsers(t.Context(), leaving.ID)
			if err = errors.Join(err, countErr); err != nil || left != want {
				t.Errorf("%d users are left, want %d: %v", left, want, err)
			}
			refused("between sweeps")
		}
		err = w.Users.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused("at the end")
		if _, err := db.Read().Client(t.Context(), leaving.ID); !oxlin.IsNotFound(err) {
			t.Errorf("its row is left: %v", err)
		}
		if taken := w.Queue.TakeRevocations(); len(taken) != 1 {
			t.Errorf("%d accesses are handed back", len(taken))
		}
		for _, token := range kept {
			if _, err := server.Authenticate(t.Context(), token); err != nil {
				t.Errorf("the neighbour's token: %v", err)
			}
		}
		if _, err := server.AuthenticateClient(t.Context(), staying.ID, secret); err != nil {
			t.Errorf("the neighbour: %v", err)
		}
		_, err = w.Users.OfClient(t.Context(), staying, neighbour)
		if err != nil {
			t.Errorf("the neighbour's user: %v", err)
		}
	})
}
