package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestSetPassword(t *testing.T) {
	t.Parallel()
	const next = "a new password"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signIn := func(with string) int {
			return w.post(t, "/token", form("grant_type", "password", "username", email, "password", with)).StatusCode
		}
		set := func(caller oxlin.Caller, current string) error {
			return w.SetPassword(t.Context(), caller, oxlin.NewSecret(next), oxlin.NewSecret(current))
		}
		own, other := w.signIn(t, ""), w.signIn(t, "")
		grant, err := w.Authenticate(t.Context(), secretOf(own.field("access_token")))
		if err != nil {
			t.Fatal(err)
		}
		signedIn := oxlin.Caller{Client: grant.Client, UserID: w.user, SignIn: grant.Family}

		for range 10 {
			if err := oxlin.AsError(set(signedIn, "wrong")); err.Code != oxlin.CodeInvalidRequest || err.Field != "current_password" {
				t.Fatal(err)
			}
		}
		if err := oxlin.AsError(set(signedIn, password)); err.Code != oxlin.CodeTooManyRequests || err.RetryAfter <= 0 {
			t.Errorf("after ten wrong ones: %v", err)
		}
		if !w.works(t, other.field("access_token")) {
			t.Error("a try ended a sign-in")
		}
		w.Clock.Advance(time.Minute)
		err = set(signedIn, password)
		if err != nil {
			t.Fatal(err)
		}
		if !w.works(t, own.field("access_token")) || w.works(t, other.field("access_token")) {
			t.Error("not the other sign-ins alone have ended")
		}
		if a := w.refresh(t, other.field("refresh_token")); a.StatusCode != http.StatusBadRequest {
			t.Errorf("another sign-in is refreshed: %d", a.StatusCode)
		}
		if old, changed := signIn(password), signIn(next); old != http.StatusBadRequest || changed != http.StatusOK {
			t.Errorf("the old password: %d, the new one: %d", old, changed)
		}

		err = set(oxlin.Caller{Client: grant.Client, UserID: w.user}, "")
		if err != nil || w.works(t, own.field("access_token")) {
			t.Errorf("a client sets the password: %v, and the user is signed in", err)
		}
	})
}

func TestEndSignIns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, second := w.signIn(t, ""), w.signIn(t, "")
		machine := w.post(t, "/token", form("grant_type", "client_credentials"))
		err := w.EndSignIns(t.Context(), oxlin.Caller{UserID: w.user})
		if err != nil {
			t.Fatal(err)
		}
		if w.works(t, first.field("access_token")) || w.works(t, second.field("access_token")) {
			t.Error("a sign-in lives on")
		}
		if !w.works(t, machine.field("access_token")) {
			t.Error("the client's own token has ended")
		}
	})
}
