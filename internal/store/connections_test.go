package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestConnectionsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		connection := oxlin.Connection{
			UserID: w.user, ProviderID: "119", Name: "Ma banque", AutoSync: true, ConsentPerAccount: true, CreatedAt: now,
			Owner: oxlin.Owner{Name: "Marie", Address: "1 rue", BirthDate: oxlin.NewDate(1980, 1, 2), BirthPlace: "Lyon", PhoneNumber: "06"},
		}
		channels := []oxlin.Channel{
			{
				DefinitionID: "redirect1", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelSuccess, AwaitsConsent: true,
				AskedIn: 7, ConsentUntil: now.Add(time.Hour), LastSuccessAt: now, LastEndAt: now.Add(time.Minute), NextSyncAt: now.Add(24 * time.Hour), Failures: 3,
				EndlessListAt: now.Add(-time.Hour),
			},
			{DefinitionID: "embedded1", Mode: oxlin.ModeEmbedded, Status: oxlin.ChannelEmpty},
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			connection.ID, err = tx.InsertConnection(ctx, connection)
			for i := range channels {
				channels[i].ConnectionID = connection.ID
				channels[i].ID, err = tx.InsertChannel(ctx, channels[i])
			}
			return err
		})
		connection.Channels = channels
		if diff := difference(connection, must[oxlin.Connection](t)(db.Read().Connection(t.Context(), connection.ID))); diff != "" {
			t.Error(diff)
		}
		connection.Name, connection.AutoSync = "Autre", false
		channels[0].Status, channels[0].NextSyncAt, channels[0].Failures = oxlin.ChannelTokenExpired, time.Time{}, 0
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.UpdateConnection(ctx, connection)
			if err != nil {
				return err
			}
			return tx.UpdateChannel(ctx, channels[0])
		})
		list := must[[]oxlin.Connection](t)(db.Read().Connections(t.Context(), w.user))
		if diff := difference(connection, list[1]); diff != "" || len(list) != 2 {
			t.Errorf("%d connections; %s", len(list), diff)
		}
		counts := must[map[oxlin.ChannelStatus]int](t)(db.Read().CountChannels(t.Context()))
		want := map[oxlin.ChannelStatus]int{oxlin.ChannelNever: 1, oxlin.ChannelTokenExpired: 1, oxlin.ChannelEmpty: 1}
		if diff := difference(want, counts); diff != "" {
			t.Error(diff)
		}
	})
}

// The owner is shared in the transaction that stores a consent, and not before (contract §12.5).
func TestTheOwnerIsSharedWithTheFirstConsent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, second := oxlin.Owner{Name: "Marie", PhoneNumber: "06"}, oxlin.Owner{Name: "Marie Curie"}
		want := func(when string, shared, unshared oxlin.Owner) {
			t.Helper()
			got := must[oxlin.Connection](t)(db.Read().Connection(t.Context(), w.connection))
			if got.Owner != shared || got.UnsharedOwner != unshared {
				t.Errorf("%s: %+v, and unshared %+v", when, got.Owner, got.UnsharedOwner)
			}
		}
		names := func(owner oxlin.Owner, share bool) func(context.Context, *store.Tx) error {
			return func(ctx context.Context, tx *store.Tx) error {
				return tx.SetUnsharedOwner(ctx, w.connection, owner, share)
			}
		}
		write(t, db, names(first, true))
		want("without a consent", oxlin.Owner{}, first)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertConsent(ctx, oxlin.Consent{UserID: w.user, ConnectionID: w.connection, ChannelID: w.channel, AllAccounts: true, GivenAt: now})
		})
		want("with it", first, oxlin.Owner{})
		write(t, db, names(oxlin.Owner{}, true))
		want("when the bank names nobody", first, oxlin.Owner{})
		write(t, db, names(second, false))
		want("a later reading", first, second)
		write(t, db, names(second, true))
		want("shared", second, oxlin.Owner{})
	})
}

func TestAccessIsKeptAndDestroyed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, sealed := range [][]byte{{0, 255, 7}, nil, []byte("again")} {
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SetAccess(ctx, w.channel, sealed) })
			if got := must[[]byte](t)(db.Read().Access(t.Context(), w.channel)); string(got) != string(sealed) {
				t.Errorf("access %q; want %q", got, sealed)
			}
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return store.SetUnattendedPerDay(ctx, tx, w.channel, len(sealed))
			})
			if got := must[oxlin.Channel](t)(db.Read().Channel(t.Context(), w.channel)); got.UnattendedPerDay != len(sealed) {
				t.Errorf("%d accesses a day, want %d", got.UnattendedPerDay, len(sealed))
			}
		}
	})
}

func TestDueChannels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := map[string]oxlin.ChannelID{}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			for name, at := range map[string]time.Time{
				"late": now.Add(-time.Hour), "later": now.Add(-2 * time.Hour), "just": now, "soon": now.Add(time.Microsecond), "never": {},
			} {
				ids[name], err = tx.InsertChannel(ctx, oxlin.Channel{ConnectionID: w.connection, DefinitionID: oxlin.ChannelDefinitionID(name), NextSyncAt: at})
				if err != nil {
					return err
				}
			}
			return nil
		})
		due := must[[]store.Appointment](t)(db.Read().DueChannels(t.Context(), now, store.Appointment{}, 10))
		want := []store.Appointment{{Channel: ids["later"], At: now.Add(-2 * time.Hour)}, {Channel: ids["late"], At: now.Add(-time.Hour)}, {Channel: ids["just"], At: now}}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
		var walked []store.Appointment
		for last := (store.Appointment{}); len(walked) <= len(want); {
			one := must[[]store.Appointment](t)(db.Read().DueChannels(t.Context(), now, last, 1))
			if len(one) == 0 {
				break
			}
			last = one[0]
			walked = append(walked, last)
		}
		if diff := cmp.Diff(want, walked); diff != "" {
			t.Errorf("one after the other (-want +got):\n%s", diff)
		}
	})
}

func TestConsentsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		want := []oxlin.Consent{
			{UserID: w.user, ConnectionID: w.connection, ChannelID: w.channel, AllAccounts: true, Text: oxlin.ConsentText{Version: "1", Language: "fr", Words: "J’accepte\ntout."}, GivenAt: now, ValidUntil: now.Add(time.Hour)},
			{UserID: w.user, ConnectionID: w.connection, ChannelID: w.channel, Accounts: []oxlin.AccountID{w.account, 99}, Text: oxlin.ConsentText{Version: "2"}, GivenAt: now},
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for _, consent := range want {
				err := tx.InsertConsent(ctx, consent)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if diff := difference(want, must[[]oxlin.Consent](t)(db.Read().Consents(t.Context(), w.connection))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnAuthorizationIsClaimedByOneRequest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		journey := store.Authorization{
			StateHash: []byte{0, 1, 255}, UserID: w.user, ClientID: w.client, ProviderID: "87", DefinitionID: "8701",
			ConnectionID: w.connection, ClientRedirect: true, ReturnURI: "https://example.org/", BankRedirectURI: "https://example.com/",
			Verifier: []byte("sealed"), ConsentPerAccount: true, AutoSync: true, QueueID: 4, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}
		over := journey
		over.StateHash, over.ConnectionID, over.ExpiresAt = []byte("over"), 0, now
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.InsertAuthorization(ctx, journey)
			if err != nil {
				return err
			}
			return tx.InsertAuthorization(ctx, over)
		})
		if diff := difference(journey, must[store.Authorization](t)(db.Read().Authorization(t.Context(), journey.StateHash))); diff != "" {
			t.Error(diff)
		}
		list := must[[]store.Authorization](t)(db.Read().ClientAuthorizations(t.Context(), w.user, now))
		if diff := difference([]store.Authorization{journey}, list); diff != "" {
			t.Error(diff)
		}
		claim := func(by string, at time.Time) (claimed bool) {
			err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
				claimed, err = tx.ClaimAuthorization(t.Context(), store.Authorization{
					StateHash: journey.StateHash, ClaimedBy: []byte(by), ClaimedAt: at, Answer: []byte("answer"), ExpiresAt: now.Add(2 * time.Hour),
				}, at.Add(-time.Minute))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return claimed
		}
		if claims := race(t, 6, func() bool { return claim("one of six", now) }); claims != 1 {
			t.Errorf("claimed %d times", claims)
		}
		if list := must[[]store.Authorization](t)(db.Read().ClientAuthorizations(t.Context(), w.user, now)); len(list) != 0 {
			t.Errorf("%d authorizations still wait for a code", len(list))
		}
		if claim("too early", now.Add(time.Minute-time.Microsecond)) {
			t.Error("a claim ended before it was abandoned")
		}
		if !claim("another node", now.Add(time.Minute)) {
			t.Error("an abandoned claim is not claimed again")
		}
		journey.ClaimedBy, journey.ClaimedAt, journey.Answer = []byte("another node"), now.Add(time.Minute), []byte("answer")
		journey.Outcome, journey.ExpiresAt = `{"status":"success"}`, now.Add(3*time.Hour)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.FinishAuthorization(ctx, journey) })
		if diff := difference(journey, must[store.Authorization](t)(db.Read().Authorization(t.Context(), journey.StateHash))); diff != "" {
			t.Error(diff)
		}
		if claim("after the end", now.Add(time.Hour)) {
			t.Error("a finished authorization is claimed")
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropAuthorizations(ctx, now) })
		_, err := db.Read().Authorization(t.Context(), over.StateHash)
		if !oxlin.IsNotFound(err) {
			t.Errorf("what is over: %v; want not found", err)
		}
	})
}
